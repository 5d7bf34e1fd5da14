//! An OpenID provider, as it describes itself
//! (<https://openid.net/specs/openid-connect-discovery-1_0.html>).

use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::LOCATION;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Failure, Outside, Settings, Stage};
use crate::entra::jwt::Jwt;
use crate::entra::keys::from_jwk;

/// Where a provider's document is, below its issuer.
const DOCUMENT: &str = "/.well-known/openid-configuration";

/// What a provider has published, its keys included.
#[derive(Debug, Clone)]
pub struct Provider {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    /// The host of Microsoft Graph, which Entra's document names.
    graph: Option<String>,
    keys: Vec<Value>,
}

/// An answer's status and JSON.
async fn json(stage: Stage, request: reqwest::RequestBuilder) -> Result<(StatusCode, Value), Failure> {
    let failed = |error: reqwest::Error| Failure::new(stage, "Unreachable", format!("No answer: {error}."));
    let response = request.send().await.map_err(failed)?;
    let status = response.status();
    let body = response.bytes().await.map_err(failed)?;
    Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
}

impl Provider {
    /// Reads a provider's document and its keys. The document must be that of the issuer which it names.
    pub async fn discover(outside: &Outside, url: &str) -> Result<Self, Failure> {
        let failed = |code, text: String| Failure::new(Stage::Discovery, code, text);
        let (status, document) = json(Stage::Discovery, outside.get(url)).await?;
        if status != StatusCode::OK {
            let text = document["error_description"].as_str();
            let text = text.map_or_else(|| format!("The document could not be read: {status}."), str::to_owned);
            return Err(Failure::said(Stage::Discovery, "NoDocument", &text));
        }
        let text = |name: &str| {
            let missing = || failed("NoDocument", format!("The document has no {name}."));
            document[name].as_str().map(str::to_owned).ok_or_else(missing)
        };
        let issuer = text("issuer")?;
        if format!("{issuer}{DOCUMENT}") != url {
            let text = format!("The document names another issuer, {issuer}.");
            return Err(failed("IssuerMismatch", text));
        }
        let (_, keys) = json(Stage::Discovery, outside.get(&text("jwks_uri")?)).await?;
        let keys = keys["keys"].as_array().filter(|it| !it.is_empty());
        Ok(Self {
            issuer,
            authorization_endpoint: text("authorization_endpoint")?,
            token_endpoint: text("token_endpoint")?,
            graph: document["msgraph_host"].as_str().map(str::to_owned),
            keys: keys.cloned().ok_or_else(|| failed("NoKeys", "The provider publishes no keys.".to_owned()))?,
        })
    }

    /// Sends somebody's browser to the provider, and takes the code that it comes back with.
    pub async fn authorize(
        &self,
        outside: &Outside,
        settings: &Settings,
        scopes: &str,
        hint: &str,
        nonce: &str,
    ) -> Result<String, Failure> {
        let state = Uuid::new_v4().to_string();
        let query = [
            ("client_id", settings.client_id.as_str()),
            ("response_type", "code"),
            ("response_mode", "query"),
            ("redirect_uri", &settings.callback_url),
            ("scope", scopes),
            ("state", &state),
            ("nonce", nonce),
            ("login_hint", hint),
        ];
        let failed = |code, text: &str| Failure::new(Stage::Authorize, code, text);
        let request = outside.get(&self.authorization_endpoint).query(&query);
        let response = request.send().await.map_err(|it| failed("Unreachable", &format!("No answer: {it}.")))?;
        let location = response.headers().get(LOCATION).and_then(|it| it.to_str().ok()).map(str::to_owned);
        let Some(location) = location.filter(|_| response.status().is_redirection()) else {
            let page = response.text().await.unwrap_or_default();
            let at = page.find("AADSTS").unwrap_or_default();
            let text = page[at..].split("</p>").next().unwrap_or_default();
            return Err(Failure::said(Stage::Authorize, "Refused", text));
        };
        if location.split('?').next() != settings.callback_url.split('?').next() {
            return Err(failed("Astray", "The browser was sent somewhere else."));
        }
        let url = url::Url::parse(&location).map_err(|_| failed("Astray", "The browser was sent nowhere."))?;
        let given = |name: &str| url.query_pairs().find(|(it, _)| it == name).map(|(_, it)| it.into_owned());
        if given("state").as_ref() != Some(&state) {
            return Err(failed("StateMismatch", "The browser came back with another state."));
        }
        if let Some(error) = given("error") {
            let text = given("error_description").unwrap_or_default();
            return Err(Failure::said(Stage::Authorize, &error, &text));
        }
        given("code").ok_or_else(|| failed("NoCode", "The browser came back without a code."))
    }

    /// Exchanges a code for an ID token.
    pub async fn redeem(&self, outside: &Outside, settings: &Settings, code: &str) -> Result<String, Failure> {
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", settings.client_id.as_str()),
            ("client_secret", &settings.client_secret),
            ("redirect_uri", &settings.callback_url),
            ("code", code),
        ];
        let body = self.ask_for_token(outside, &form).await?;
        let token = body["id_token"].as_str().map(str::to_owned);
        token.ok_or_else(|| Failure::new(Stage::Token, "NoIdToken", "The answer has no ID token."))
    }

    /// Whether an application's secret is good, without anybody signing in.
    pub async fn probe(&self, outside: &Outside, client_id: &str, secret: &str) -> Result<(), Failure> {
        let graph = self.graph.as_deref().unwrap_or("graph.microsoft.com");
        let scope = format!("https://{graph}/.default");
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("client_secret", secret),
            ("scope", &scope),
        ];
        self.ask_for_token(outside, &form).await.map(drop)
    }

    async fn ask_for_token(&self, outside: &Outside, form: &[(&str, &str)]) -> Result<Value, Failure> {
        let (status, body) = json(Stage::Token, outside.post(&self.token_endpoint, form)).await?;
        if status == StatusCode::OK {
            return Ok(body);
        }
        let error = body["error"].as_str().unwrap_or("Refused");
        Err(Failure::said(Stage::Token, error, body["error_description"].as_str().unwrap_or_default()))
    }

    /// What an ID token says, if it is to be believed
    /// (<https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation>).
    pub fn validate(&self, token: &str, client_id: &str, nonce: &str) -> Result<Map<String, Value>, Failure> {
        let failed = |code, text: &str| Failure::new(Stage::Validate, code, text);
        let jwt = Jwt::parse(token).ok_or_else(|| failed("Malformed", "The ID token is none."))?;
        let key = self.keys.iter().find(|it| it["kid"].as_str() == jwt.heading("kid")).and_then(from_jwk);
        if !key.is_some_and(|it| jwt.is_signed_by(&it, &["RS256"])) {
            return Err(failed("Signature", "The ID token is not signed by the provider."));
        }
        if jwt.claim("iss") != Some(&self.issuer) {
            return Err(failed("Issuer", "The ID token is another issuer's."));
        }
        if !jwt.is_for(client_id) {
            return Err(failed("Audience", "The ID token is for another application."));
        }
        if jwt.time("exp").is_none_or(|it| it <= Timestamp::now()) {
            return Err(failed("Expired", "The ID token has expired."));
        }
        if jwt.claim("nonce") != Some(nonce) {
            return Err(failed("Nonce", "The ID token belongs to another login."));
        }
        Ok(jwt.claims)
    }
}
