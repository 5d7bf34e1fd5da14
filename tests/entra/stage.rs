//! A sandbox, and our adapter that speaks to it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use operator::devolutions::{Credentials, Rest};
use operator::entra::{Credential, EntraEndpoint, Graph};
use operator::error::{Class, Failure};
use operator::metrics::Metrics;
use serde_json::{Value, json};
use testbed::sandbox::Sandbox;
use url::Url;
use uuid::Uuid;

const SCENARIO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/sandbox/scenarios/contoso.yaml");
/// The application by which people sign in, as the scenario has it.
pub const APP: &str = "9c1e5a7d-4b1f-4c53-8f0a-2d7e6b9c1a01";
/// Another one of the same tenant.
pub const PAYROLL: &str = "9c1e5a7d-4b1f-4c53-8f0a-2d7e6b9c1a02";
/// The template for applications that are in no gallery.
const TEMPLATE: &str = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621";
/// What every injected refusal says for people. It must not be shown.
pub const CANARY: &str = "canary-of-the-servers-text";

pub struct Stage {
    pub sandbox: Sandbox,
    pub metrics: Arc<Metrics>,
}

impl Stage {
    pub async fn new(name: &str) -> Self {
        Self::with(name, &[], &[]).await
    }

    /// The small company with more arguments for the sandbox, and lines added to its scenario, each after a line.
    pub async fn with(name: &str, arguments: &[&str], additions: &[(&str, &str)]) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("entra").join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let scenario = folder.join("scenario.yaml");
        let mut text = std::fs::read_to_string(SCENARIO).unwrap();
        for (line, more) in additions {
            let line = format!("\n{line}\n");
            assert_eq!(text.matches(&line).count(), 1, "{line}");
            text = text.replace(&line, &format!("{line}{more}\n"));
        }
        std::fs::write(&scenario, text).unwrap();
        let arguments = [&["--scenario", scenario.to_str().unwrap()], arguments].concat();
        Self { sandbox: Sandbox::start(&folder, &arguments).await.unwrap(), metrics: Arc::default() }
    }

    pub fn export(&self, name: &str) -> &str {
        self.sandbox.export(name).unwrap()
    }

    pub fn graph(&self, credential: Credential) -> Graph {
        let endpoint = EntraEndpoint {
            tenant_id: self.export("TENANT_ID").to_owned(),
            client_id: self.export("CLIENT_ID").to_owned(),
            authority: Url::parse(self.export("AUTHORITY_URL")).unwrap(),
            graph: Url::parse(self.export("GRAPH_URL")).unwrap(),
            template: Uuid::parse_str(TEMPLATE).unwrap(),
            to_be_allowed: Vec::new(),
            credential,
            ca_bundle: Some(std::fs::read(self.sandbox.authority()).unwrap()),
        };
        Graph::new(endpoint, self.metrics.clone()).unwrap()
    }

    pub fn as_operator(&self) -> Graph {
        self.graph(Credential::Secret(self.export("CLIENT_SECRET").into()))
    }

    /// Devolutions Cloud, as the operator's account.
    pub fn cloud(&self) -> Rest {
        let credentials = Credentials {
            application_key: self.export("DEVOLUTIONS_APPLICATION_KEY").into(),
            application_secret: self.export("DEVOLUTIONS_APPLICATION_SECRET").into(),
        };
        let url = Url::parse(self.sandbox.devolutions_url()).unwrap();
        let pem = std::fs::read(self.sandbox.authority()).unwrap();
        Rest::new(&url, credentials, Some(&pem), self.metrics.clone()).unwrap()
    }

    /// What goes wrong with the next request to `Graph` or `Login`; with all of them if `times` is 0.
    pub async fn refuse(&self, system: &str, times: u32, action: Value) {
        let mut action = action;
        action["type"] = json!("Status");
        action["message"] = json!(CANARY);
        self.sandbox.add_fault(&json!({"system": system, "times": times, "action": action})).await.unwrap();
    }

    /// The statuses with which a system has answered, in order.
    pub async fn answers(&self, system: &str) -> Vec<u16> {
        let journal = self.sandbox.journal(0).await.unwrap();
        journal.entries.iter().filter(|one| one.system == system).map(|one| one.status).collect()
    }

    /// What a failure tells. Never anything that is not for everybody's eyes.
    pub fn told<T>(&self, outcome: Result<T, Failure>) -> (Class, &'static str, String) {
        let failure = outcome.err().unwrap();
        let shown = format!("{failure} {failure:?}");
        for secret in [self.export("CLIENT_SECRET"), CANARY, "eyJ", "client_assertion=", "BEGIN"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        (failure.class, failure.reason, failure.message)
    }
}

pub fn nobody() -> Uuid {
    Uuid::from_u128(7)
}

pub fn strings(addresses: &[&str]) -> BTreeSet<String> {
    addresses.iter().map(ToString::to_string).collect()
}
