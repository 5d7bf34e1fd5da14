//! What is refused is told with what to do about it, and without anything that is not for everybody's eyes.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use operator::entra::{Assertion, Credential, Entra as _};
use operator::error::{Class, Failure};
use secrecy::SecretString;
use serde_json::json;
use url::Url;

use crate::stage::{APP, Stage, nobody, strings};

/// A token of the issuer https://issuer.example for system:serviceaccount:migration:entra.
const SERVICE_ACCOUNT_TOKEN: &str = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImsifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoic3lzdGVtOnNlcnZpY2VhY2NvdW50Om1pZ3JhdGlvbjplbnRyYSIsImF1ZCI6WyJhcGk6Ly9BenVyZUFEVG9rZW5FeGNoYW5nZSJdLCJleHAiOjQxMDI0NDQ4MDB9.c2ln";

#[tokio::test]
async fn a_wrong_secret_is_told_with_what_it_could_have_been() {
    let stage = Stage::new("wrong-secret").await;
    let graph = stage.graph(Credential::Secret("9d2f0a4c-secret-id".into()));
    let (class, reason, message) = stage.told(graph.application(APP).await);
    assert_eq!((class, reason), (Class::Denied, "ClientSecretWrong"));
    let host = Url::parse(stage.export("AUTHORITY_URL")).unwrap().host_str().unwrap().to_owned();
    let start = format!(
        "Could not get a token for Microsoft Graph from {host} as application {} of tenant {}: HTTP 401, AADSTS7000215, trace ",
        stage.export("CLIENT_ID"),
        stage.export("TENANT_ID")
    );
    assert!(message.starts_with(&start) && message.contains("Value"), "{message}");
    assert!(!message.contains("9d2f0a4c"), "{message}");
    assert_eq!(stage.answers("Graph").await, [0; 0]);
    stage.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let stage = Stage::new("refused-token").await;
    let graph = stage.as_operator();
    graph.application(APP).await.unwrap().unwrap();
    stage.refuse("Graph", 1, json!({"status": 401})).await;
    graph.application(APP).await.unwrap().unwrap();
    assert_eq!(stage.answers("Graph").await, [200, 401, 200]);
    assert_eq!(stage.answers("Login").await, [200, 200]);

    stage.refuse("Graph", 0, json!({"status": 401})).await;
    let (class, reason, message) = stage.told(graph.application(APP).await);
    assert_eq!((class, reason), (Class::Denied, "TokenRefused"));
    assert!(message.contains("HTTP 401, InvalidAuthenticationToken, request "), "{message}");
    assert_eq!(stage.answers("Graph").await, [200, 401, 200, 401, 401]);
    assert_eq!(stage.answers("Login").await, [200, 200, 200]);
    stage.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let stage = Stage::new("permission").await;
    let only = json!({"permissions": ["Application.Read.All"]});
    stage.sandbox.control_post("/entra/permissions", &only).await.unwrap();
    let graph = stage.as_operator();
    assert_eq!(graph.permissions().await.unwrap(), Some(strings(&["Application.Read.All"])));
    let principal = graph.service_principal(APP).await.unwrap().unwrap();
    for (told, permission) in [
        (stage.told(graph.groups_named("Sales").await), "GroupMember.Read.All"),
        (stage.told(graph.members(nobody(), "a group").await), "GroupMember.Read.All"),
        (stage.told(graph.users_by_email(&strings(&["bob@contoso.example"])).await), "User.Read.All"),
        (stage.told(graph.conditional_access().await), "Policy.Read.All"),
        (stage.told(graph.secret_policy().await), "Policy.Read.All"),
        (stage.told(graph.policies_on(&principal).await), "Policy.Read.All"),
    ] {
        let (class, reason, message) = told;
        assert_eq!((class, reason), (Class::Denied, "PermissionMissing"), "{message}");
        assert!(
            message.contains(&format!("Grant the application permission {permission} of Microsoft Graph")),
            "{message}"
        );
    }
    stage.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_asks_for_patience_gets_it() {
    let stage = Stage::new("throttled").await;
    let graph = stage.as_operator();
    for system in ["Login", "Graph"] {
        stage.refuse(system, 1, json!({"status": 429, "retryAfterSeconds": 62.128})).await;
        let failure = graph.application(APP).await.unwrap_err();
        assert_eq!((failure.class, failure.reason), (Class::Throttled, "Throttled"), "{failure}");
        assert_eq!(failure.retry_after, Some(Duration::from_millis(62128)));
        stage.told::<()>(Err(failure));

        // A read waits a little for what may pass; a token is asked for once.
        let times = if system == "Graph" { 3 } else { 1 };
        stage.refuse(system, times, json!({"status": 503})).await;
        assert_eq!(stage.told(graph.application(APP).await).0, Class::Transient);
        let broken = json!({"system": system, "times": times, "action": {"type": "Truncate"}});
        stage.sandbox.add_fault(&broken).await.unwrap();
        let (class, reason, message) = stage.told(graph.application(APP).await);
        assert_eq!((class, reason), (Class::Transient, "Unreachable"), "{message}");
        // The next system is reached only with a token.
        graph.application(APP).await.unwrap().unwrap();
    }
    stage.sandbox.stop().await.unwrap();
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_is_logged_at_any_level() {
    let stage = Stage::new("log").await;
    let everything = async || {
        stage.as_operator().application(APP).await.unwrap().unwrap();
        let wrong = stage.graph(Credential::Secret("9d2f0a4c-secret-id".into()));
        assert_eq!(stage.told(wrong.application(APP).await).1, "ClientSecretWrong");
    };
    // What is logged for the first time just when a subscriber comes, in another test's thread, can be lost to it.
    everything().await;
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone());
    let guard = tracing::subscriber::set_default(subscriber.finish());
    tracing::callsite::rebuild_interest_cache();
    everything().await;
    drop(guard);
    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(log.contains("oauth2/v2.0/token"), "{log}");
    for secret in [stage.export("CLIENT_SECRET"), "9d2f0a4c", "eyJ"] {
        assert!(!log.contains(secret), "{log}");
    }
    stage.sandbox.stop().await.unwrap();
}

struct ServiceAccount;

impl Assertion for ServiceAccount {
    fn token(&self) -> BoxFuture<'_, Result<SecretString, Failure>> {
        Box::pin(async { Ok(SERVICE_ACCOUNT_TOKEN.into()) })
    }
}

#[tokio::test]
async fn a_federated_credential_that_does_not_fit_is_told_with_what_it_must_name() {
    let stage = Stage::new("federated").await;
    let graph = stage.graph(Credential::Assertion(Arc::new(ServiceAccount)));
    let presented = "issuer \"https://issuer.example\", subject \"system:serviceaccount:migration:entra\", audience \"api://AzureADTokenExchange\"";
    let right = "system:serviceaccount:migration:entra";
    for (code, credential) in [
        (700_211, None),
        (700_213, Some(json!({"issuer": "https://issuer.example", "subject": "system:serviceaccount:x:y"}))),
        (700_212, Some(json!({"issuer": "https://issuer.example", "subject": right, "audiences": ["api://other"]}))),
    ] {
        if let Some(credential) = credential {
            stage.sandbox.control_post("/entra/federated-credentials", &credential).await.unwrap();
        }
        let (class, reason, message) = stage.told(graph.application(APP).await);
        assert_eq!((class, reason), (Class::Denied, "FederatedCredentialMissing"), "{message}");
        assert!(message.contains(&format!("AADSTS{code}, trace ")) && message.contains(presented), "{message}");
    }
    let fits = json!({"issuer": "https://issuer.example", "subject": right});
    stage.sandbox.control_post("/entra/federated-credentials", &fits).await.unwrap();
    assert_eq!(stage.told(graph.application(APP).await).1, "IssuerUnreachable");
    let keys = json!({"issuer": "https://issuer.example", "jwks": {"keys": []}});
    stage.sandbox.control_post("/issuers", &keys).await.unwrap();
    assert_eq!(stage.told(graph.application(APP).await).1, "AssertionSignatureWrong");
    stage.sandbox.stop().await.unwrap();
}
