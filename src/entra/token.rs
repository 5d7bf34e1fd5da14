//! Tokens for Microsoft Graph, by Microsoft's own `azure_identity`, which knows the protocol and when to renew. Its
//! requests leave by our one way out (`http`), so that TLS, time limits, metrics and errors are the same as everywhere.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::TokenCredential;
use azure_core::http::{ClientOptions, RetryOptions, Transport};
use azure_identity::{
    ClientAssertionCredential, ClientAssertionCredentialOptions, ClientSecretCredential, ClientSecretCredentialOptions,
};
use jsonwebtoken::dangerous::insecure_decode_claims;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use super::EntraEndpoint;
use super::azure::{Asserted, Exit, failure_in};
use super::credential::Credential;
use crate::error::{Class, Failure, chain};
use crate::metrics::Metrics;

/// A token tells the permissions of when it was made and lives for an hour or more. One older than this is renewed where
/// that matters.
const RECENT: Duration = Duration::from_mins(1);

/// Tokens for Microsoft Graph.
pub struct Tokens {
    tenant_id: String,
    client_id: String,
    credential: Credential,
    options: ClientOptions,
    scope: String,
    what: String,
    authority: Url,
    client: reqwest::Client,
    metrics: Arc<Metrics>,
    current: Mutex<Arc<Source>>,
}

/// What tokens come from. It keeps its token to itself: to have that forgotten, another must take its place.
struct Source {
    credential: Arc<dyn TokenCredential>,
    since: Instant,
}

/// A token, and where it came from.
pub struct Token {
    /// What Graph wants to see.
    pub secret: SecretString,
    source: Arc<Source>,
}

impl Tokens {
    /// Tokens for Microsoft Graph at `endpoint`. Nothing is sent yet.
    pub fn new(endpoint: EntraEndpoint, client: reqwest::Client, metrics: Arc<Metrics>) -> Result<Self, Failure> {
        let EntraEndpoint { tenant_id, client_id, authority, graph, credential, .. } = endpoint;
        let host = authority.host_str().unwrap_or_default();
        let what =
            format!("get a token for Microsoft Graph from {host} as application {client_id} of tenant {tenant_id}");
        let mut cloud = CustomConfiguration::default();
        cloud.authority_host = authority.clone().into();
        let exit = Exit { client: client.clone(), metrics: metrics.clone(), what: what.clone() };
        let options = ClientOptions {
            transport: Some(Transport::new(Arc::new(exit))),
            // The controllers wait and try again, with one back-off for everything.
            retry: RetryOptions::none(),
            cloud: Some(Arc::new(CloudConfiguration::Custom(cloud))),
            ..ClientOptions::default()
        };
        let current = Mutex::new(source(&tenant_id, &client_id, &credential, &options)?);
        let scope = scope(&graph);
        Ok(Self { tenant_id, client_id, credential, options, scope, what, authority, client, metrics, current })
    }

    /// A token that is valid for some minutes yet.
    pub async fn get(&self) -> Result<Token, Failure> {
        let source = self.current.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // A failure that is not ours speaks of a 2xx that is no token, and could quote one.
        let got = source.credential.get_token(&[&self.scope], None).await;
        let token = got.map_err(|e| failure_in(&e).unwrap_or_else(|| self.not_understood()))?;
        let secret = SecretString::from(token.token.secret());
        if secret.expose_secret().is_empty() {
            return Err(self.not_understood());
        }
        Ok(Token { secret, source })
    }

    /// Sees to it that `token` is not given out again.
    pub fn forget(&self, token: &Token) -> Result<(), Failure> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        // Another request may have seen to it already.
        if Arc::ptr_eq(&current, &token.source) {
            *current = source(&self.tenant_id, &self.client_id, &self.credential, &self.options)?;
        }
        Ok(())
    }

    /// The same, unless it is so young that another would tell the same permissions.
    pub fn forget_if_old(&self, token: &Token) -> Result<(), Failure> {
        if token.source.since.elapsed() > RECENT { self.forget(token) } else { Ok(()) }
    }

    /// The application permissions that a token carries which is not old.
    pub async fn permissions(&self) -> Result<Option<BTreeSet<String>>, Failure> {
        let token = self.get().await?;
        self.forget_if_old(&token)?;
        Ok(roles(self.get().await?.secret.expose_secret()))
    }

    /// Whether `app_id` gets a token by this client secret. It needs no permission for that, and the token is dropped.
    pub async fn redeems(&self, app_id: &str, secret: &SecretString) -> Result<(), Failure> {
        let host = self.authority.host_str().unwrap_or_default();
        let what = format!("get a token from {host} by the client secret of the application {app_id}");
        let options = self.options_for(&what);
        let source = source(&self.tenant_id, app_id, &Credential::Secret(secret.clone()), &options)?;
        let got = source.credential.get_token(&[&self.scope], None).await;
        got.map(drop).map_err(|e| failure_in(&e).unwrap_or_else(|| self.not_understood()))
    }

    /// Where the tenant's metadata document is.
    pub fn metadata_document(&self) -> Url {
        let mut url = self.authority.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend([&self.tenant_id, "v2.0", ".well-known", "openid-configuration"]);
        }
        url
    }

    fn options_for(&self, what: &str) -> ClientOptions {
        let exit = Exit { client: self.client.clone(), metrics: self.metrics.clone(), what: what.to_owned() };
        ClientOptions { transport: Some(Transport::new(Arc::new(exit))), ..self.options.clone() }
    }

    fn not_understood(&self) -> Failure {
        let message = format!("Could not {}: the answer holds no token. Please report this.", self.what);
        Failure::new(Class::Bug, "AnswerNotUnderstood", message)
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("what", &self.what).finish_non_exhaustive()
    }
}

/// What to ask for: all permissions that an administrator has granted
/// (<https://learn.microsoft.com/entra/identity-platform/scopes-oidc#the-default-scope>).
fn scope(graph: &Url) -> String {
    format!("{}/.default", graph.origin().ascii_serialization())
}

fn source(
    tenant_id: &str,
    client_id: &str,
    credential: &Credential,
    client_options: &ClientOptions,
) -> Result<Arc<Source>, Failure> {
    let client_options = client_options.clone();
    let made: azure_core::Result<Arc<dyn TokenCredential>> = match credential {
        Credential::Secret(secret) => ClientSecretCredential::new(
            tenant_id,
            client_id.to_owned(),
            secret.expose_secret().to_owned().into(),
            Some(ClientSecretCredentialOptions { client_options }),
        )
        .map(|credential| credential as _),
        Credential::Assertion(assertion) => ClientAssertionCredential::new(
            tenant_id.to_owned(),
            client_id.to_owned(),
            Asserted(assertion.clone()),
            Some(ClientAssertionCredentialOptions { client_options }),
        )
        .map(|credential| credential as _),
    };
    let credential = made.map_err(|e| {
        // It speaks of a missing value or an unusable address, and quotes only the latter.
        Failure::new(
            Class::Invalid,
            "CredentialUnusable",
            format!("Could not use the Entra credential: {}.", chain(&e)),
        )
    })?;
    Ok(Arc::new(Source { credential, since: Instant::now() }))
}

/// The claim `roles` (<https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference>); none where
/// this is no token that we can read. Without permissions the claim is left out.
fn roles(token: &str) -> Option<BTreeSet<String>> {
    #[derive(Deserialize)]
    struct Claims {
        #[serde(default)]
        roles: BTreeSet<String>,
    }
    insecure_decode_claims::<Claims>(token).ok().map(|claims| claims.roles)
}

#[cfg(test)]
mod tests {
    use futures::future::BoxFuture;

    use super::*;
    use crate::entra::Assertion;

    struct Failing;

    impl Assertion for Failing {
        fn token(&self) -> BoxFuture<'_, Result<SecretString, Failure>> {
            let mut failure = Failure::new(Class::Throttled, "NoServiceAccount", "Could not have a token.");
            failure.retry_after = Some(Duration::from_secs(7));
            Box::pin(async { Err(failure) })
        }
    }

    fn tokens(authority: &str, credential: Credential) -> Result<Tokens, Failure> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let endpoint = EntraEndpoint {
            tenant_id: "7d1c1f0c-0000-4000-8000-000000000001".to_owned(),
            client_id: "7d1c1f0c-0000-4000-8000-000000000002".to_owned(),
            authority: Url::parse(authority).unwrap(),
            graph: Url::parse("https://graph.example.com/below").unwrap(),
            template: uuid::Uuid::nil(),
            to_be_allowed: Vec::new(),
            credential,
            ca_bundle: None,
        };
        Tokens::new(endpoint, crate::http::client(None).unwrap(), Arc::default())
    }

    #[tokio::test]
    async fn an_assertion_that_cannot_be_had_fails_in_its_own_words() {
        let tokens = tokens("https://login.example.com", Credential::Assertion(Arc::new(Failing))).unwrap();
        let failure = tokens.get().await.map(drop).unwrap_err();
        assert_eq!((failure.class, failure.reason), (Class::Throttled, "NoServiceAccount"));
        assert_eq!(failure.message, "Could not have a token.");
        assert_eq!(failure.retry_after, Some(Duration::from_secs(7)));
    }

    #[tokio::test]
    async fn an_authority_that_does_not_answer_is_told_as_such_without_the_secret() {
        let tokens = tokens("https://127.0.0.1:1", Credential::Secret("s3cr3t".into())).unwrap();
        let failure = tokens.get().await.map(drop).unwrap_err();
        assert_eq!((failure.class, failure.reason), (Class::Transient, "Unreachable"));
        let start = "Could not get a token for Microsoft Graph from 127.0.0.1 as application \
                     7d1c1f0c-0000-4000-8000-000000000002 of tenant 7d1c1f0c-0000-4000-8000-000000000001: ";
        assert!(failure.message.starts_with(start) && !failure.message.contains("s3cr3t"), "{failure}");
        assert!(!format!("{tokens:?}").contains("s3cr3t"));
    }

    #[test]
    fn a_credential_that_cannot_work_is_refused_at_once() {
        for (authority, secret) in [("http://login.example.com", "s3cr3t"), ("https://login.example.com", "")] {
            let failure = tokens(authority, Credential::Secret(secret.into())).unwrap_err();
            assert_eq!((failure.class, failure.reason), (Class::Invalid, "CredentialUnusable"));
            assert!(!failure.message.contains("s3cr3t"), "{failure}");
        }
    }

    #[test]
    fn a_token_is_asked_for_by_graphs_origin() {
        assert_eq!(scope(&Url::parse("https://graph.microsoft.com").unwrap()), "https://graph.microsoft.com/.default");
        assert_eq!(scope(&Url::parse("https://127.0.0.1:8443/graph/").unwrap()), "https://127.0.0.1:8443/.default");
    }

    #[test]
    fn permissions_are_read_where_a_token_tells_them() {
        let with = "eyJhbGciOiJub25lIn0.eyJhdWQiOiJodHRwczovL2dyYXBoLm1pY3Jvc29mdC5jb20iLCJyb2xlcyI6WyJVc2VyLlJlYWQuQWxsIiwiQXBwbGljYXRpb24uUmVhZC5BbGwiXX0.x";
        let without = "eyJhbGciOiJub25lIn0.eyJhdWQiOiJodHRwczovL2dyYXBoLm1pY3Jvc29mdC5jb20ifQ.x";
        let both = ["Application.Read.All".to_owned(), "User.Read.All".to_owned()];
        assert_eq!(roles(with), Some(BTreeSet::from(both)));
        assert_eq!(roles(without), Some(BTreeSet::new()));
        for opaque in ["", "EwBwA8l6BAAU", "a.b.c", "..", "a.b.c.d.e"] {
            assert_eq!(roles(opaque), None, "{opaque}");
        }
    }
}
