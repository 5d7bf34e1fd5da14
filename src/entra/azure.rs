//! What `azure_identity` reaches the outside by: our assertions, and our one way out.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::error::ErrorKind;
use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, Body, ClientMethodOptions, HttpClient, Request, StatusCode};
use azure_identity::ClientAssertion;
use jsonwebtoken::dangerous::insecure_decode_claims;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use url::form_urlencoded;
use uuid::Uuid;

use super::credential::Assertion;
use super::refusal::{Presented, TokenEndpoint};
use crate::error::Failure;
use crate::http::{self, Outcome};
use crate::metrics::Metrics;

/// Our assertions, for `azure_identity`.
pub struct Asserted(pub Arc<dyn Assertion>);

impl fmt::Debug for Asserted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asserted")
    }
}

#[async_trait]
impl ClientAssertion for Asserted {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        let token = self.0.token().await.map_err(wrap)?;
        Ok(token.expose_secret().to_owned())
    }
}

/// Our way out, for `azure_identity`. What is refused never comes back to it: its errors would quote the server.
pub struct Exit {
    /// What sends.
    pub client: reqwest::Client,
    /// Where it is counted.
    pub metrics: Arc<Metrics>,
    /// Completes "Could not …".
    pub what: String,
}

impl fmt::Debug for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exit")
    }
}

#[async_trait]
impl HttpClient for Exit {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let Body::Bytes(form) = request.body() else {
            return Err(azure_core::Error::with_message(ErrorKind::Other, "a token is asked for by a form"));
        };
        let mut ours = self.client.post(request.url().clone()).header("client-request-id", Uuid::new_v4().to_string());
        for (name, value) in request.headers().iter() {
            ours = ours.header(name.as_str(), value.as_str());
        }
        let endpoint = TokenEndpoint { presented: presented(form) };
        let answer = http::send(&endpoint, &self.metrics, &self.what, ours.body(form.clone()))
            .await
            .and_then(Outcome::good)
            .map_err(wrap)?;
        Ok(AsyncRawResponse::from_bytes(StatusCode::Ok, Headers::new(), answer.into_bytes()))
    }
}

/// What the assertion in a request for a token says of itself.
fn presented(form: &[u8]) -> Option<Presented> {
    #[derive(Deserialize)]
    struct Claims {
        iss: String,
        sub: String,
        aud: Audience,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Audience {
        One(String),
        Several(Vec<String>),
    }
    let (_, assertion) = form_urlencoded::parse(form).find(|(name, _)| name == "client_assertion")?;
    let Claims { iss, sub, aud } = insecure_decode_claims(assertion.as_bytes()).ok()?;
    let audience = match aud {
        Audience::One(audience) => audience,
        Audience::Several(several) => several.join(", "),
    };
    Some(Presented { issuer: iss, subject: sub, audience })
}

fn wrap(failure: Failure) -> azure_core::Error {
    azure_core::Error::new(ErrorKind::Other, failure)
}

/// The failure of ours in what `azure_identity` made of it.
pub fn failure_in(error: &azure_core::Error) -> Option<Failure> {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(failure) = error.downcast_ref::<Failure>() {
            return Some(failure.clone());
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Class;

    #[test]
    fn a_failure_of_ours_is_found_however_deep_it_lies() {
        let ours = wrap(Failure::new(Class::Denied, "Ours", "ours"));
        let deep =
            azure_core::Error::with_error(ErrorKind::Credential, ours, "ClientSecretCredential authentication failed");
        assert_eq!(failure_in(&deep).unwrap().reason, "Ours");
        assert!(failure_in(&azure_core::Error::with_message(ErrorKind::DataConversion, "x")).is_none());
    }

    #[test]
    fn what_an_assertion_says_of_itself_is_read_and_a_secret_is_none() {
        let expected = Presented {
            issuer: "https://issuer.example/a".into(),
            subject: "system:serviceaccount:ns:sa".into(),
            audience: "api://AzureADTokenExchange".into(),
        };
        for token in [
            "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlL2EiLCJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQ6bnM6c2EiLCJhdWQiOiJhcGk6Ly9BenVyZUFEVG9rZW5FeGNoYW5nZSJ9.x",
            "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlL2EiLCJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQ6bnM6c2EiLCJhdWQiOlsiYXBpOi8vQXp1cmVBRFRva2VuRXhjaGFuZ2UiXX0.x",
        ] {
            let form = format!("client_assertion={token}&client_id=x");
            assert_eq!(presented(form.as_bytes()).as_ref(), Some(&expected));
        }
        assert_eq!(presented(b"client_secret=a.b.c&client_id=x"), None);
        assert_eq!(presented(b"client_assertion=none&client_id=x"), None);
    }
}
