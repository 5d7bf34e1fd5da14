//! Devolutions Cloud as a relying party: people sign in with whatever configuration is saved, through the provider's
//! own endpoints, over TLS (<https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth>).
//!
//! How the vendor does it is on no public page. Taken for granted is what OpenID Connect asks of everybody; that users
//! are found by their e-mail address follows the vendor's page on SSO, which asks for that claim.

mod provider;
mod user;

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

pub use provider::Provider;

use crate::cloud::App;
use crate::gate::PROBE;
use crate::tls::{self, ClientError};
use crate::world::{Provider as Form, World};

/// What the application is asked for.
const SCOPES: &str = "openid profile email";

/// Where a login can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    /// Single sign-on is off, or there is none.
    Configuration,
    Discovery,
    /// At the provider, before the person comes back.
    Authorize,
    /// The code is not taken.
    Token,
    /// The ID token is not believed.
    Validate,
    /// Nobody here is meant by it.
    Match,
}

/// Why a login failed: where, a code (`AADSTS…` where the provider gave one) and a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    pub stage: Stage,
    pub code: String,
    pub message: String,
}

impl Failure {
    pub fn new(stage: Stage, code: &str, message: impl Into<String>) -> Self {
        Self { stage, code: code.to_owned(), message: message.into() }
    }

    /// What a provider said, which names its code at the beginning.
    fn said(stage: Stage, fallback: &str, text: &str) -> Self {
        let named = text.find("AADSTS").map(|at| &text[at..]);
        let code = named.and_then(|it| it.split(|it: char| !it.is_ascii_alphanumeric()).next());
        Self::new(stage, code.unwrap_or(fallback), text)
    }
}

/// The client that asks providers. It trusts the sandbox's authority and nobody else.
#[derive(Clone)]
pub struct Outside {
    client: reqwest::Client,
    probe: Option<Arc<str>>,
}

impl Outside {
    /// One that trusts this authority (PEM).
    pub fn new(authority: &str) -> Result<Self, ClientError> {
        // A browser would follow redirections; here it matters where they lead.
        let client = tls::client(&[authority.to_owned()])?;
        Ok(Self { client, probe: None })
    }

    /// The same, leaving no trace.
    pub fn unnoticed(&self, app: &App) -> Self {
        Self { probe: Some(app.probe.clone()), ..self.clone() }
    }

    fn get(&self, url: &str) -> reqwest::RequestBuilder {
        self.marked(self.client.get(url))
    }

    fn post(&self, url: &str, form: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.client.post(url).header("content-type", "application/x-www-form-urlencoded");
        self.marked(request.body(body))
    }

    fn marked(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.probe {
            Some(probe) => request.header(PROBE, &**probe),
            None => request,
        }
    }
}

/// What is saved, as a login begins with it.
#[derive(Debug, Clone)]
pub struct Settings {
    pub client_id: String,
    pub client_secret: String,
    pub discovery_url: String,
    pub callback_url: String,
    revision: u64,
}

impl Settings {
    /// What is saved now.
    pub fn saved(app: &App) -> Result<Self, Failure> {
        let cloud = app.cloud();
        let World { sso, entra, .. } = &cloud.world;
        let none = |code, text: &str| Failure::new(Stage::Configuration, code, text);
        let sso = sso.as_ref().filter(|it| it.provider == Form::OpenId);
        let sso = sso.ok_or_else(|| none("NoSingleSignOn", "No OpenID configuration is saved."))?;
        if !sso.is_enabled {
            return Err(none("SingleSignOnDisabled", "Single sign-on is switched off."));
        }
        let own = || app.entra.as_ref().zip(entra.as_ref()).map(|(it, entra)| it.discovery_url(entra.tenant_id));
        let (id, discovery_url) = (sso.client_id, sso.discovery_url.clone().or_else(own));
        let (id, discovery_url) =
            id.zip(discovery_url).ok_or_else(|| none("NoSingleSignOn", "No application is saved."))?;
        Ok(Self {
            client_id: id.to_string(),
            client_secret: sso.client_secret.clone().unwrap_or_default(),
            discovery_url,
            callback_url: sso.callback_url.clone(),
            revision: sso.revision,
        })
    }
}

/// A login from its beginning to its end.
#[derive(Debug)]
pub struct Login {
    /// The application that it went through, if any is saved.
    pub application: Option<String>,
    /// The user who was let in, by e-mail.
    pub outcome: Result<String, Failure>,
}

/// Lets somebody sign in who is known to the provider by this name; `provider` is what is known of it already.
pub async fn sign_in(app: &App, outside: &Outside, hint: &str, provider: Option<&Provider>) -> Login {
    let settings = match Settings::saved(app) {
        Ok(settings) => settings,
        Err(failure) => return Login { application: None, outcome: Err(failure) },
    };
    let outcome = enter(app, outside, &settings, hint, provider).await;
    Login { application: Some(settings.client_id), outcome }
}

async fn enter(
    app: &App,
    outside: &Outside,
    settings: &Settings,
    hint: &str,
    provider: Option<&Provider>,
) -> Result<String, Failure> {
    let provider = match provider {
        Some(known) => known.clone(),
        None => Provider::discover(outside, &settings.discovery_url).await?,
    };
    let nonce = Uuid::new_v4().to_string();
    let code = provider.authorize(outside, settings, SCOPES, hint, &nonce).await?;
    let is_stale = {
        let world = &app.cloud().world;
        let revision = world.sso.as_ref().map(|it| it.revision);
        world.switches.sso_codes_in_flight_fail && revision != Some(settings.revision)
    };
    if is_stale {
        let text = "The configuration was saved after this login had begun.";
        return Err(Failure::new(Stage::Token, "LoginBegunBeforeSave", text));
    }
    let token = provider.redeem(outside, settings, &code).await?;
    let claims = provider.validate(&token, &settings.client_id, &nonce)?;
    user::find(&app.cloud().world, &Value::Object(claims))
}
