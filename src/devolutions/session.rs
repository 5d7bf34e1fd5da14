//! A session with a server that speaks the cloud contract: log in once, again when the token is refused.

use std::fmt;
use std::sync::Arc;

use reqwest::{Client, Method, RequestBuilder};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;
use url::Url;
use uuid::Uuid;

use super::refusal::Server;
use crate::error::{Class, Failure};
use crate::http::{self, Outcome};
use crate::metrics::Metrics;

/// An application identity's key and secret (`Connect-HubAccount -ApplicationKey -ApplicationSecret`).
#[derive(Clone)]
pub struct Credentials {
    /// `<guid>;<guid>`.
    pub application_key: SecretString,
    /// Base64 of 32 bytes.
    pub application_secret: SecretString,
}

/// A logged-in session.
pub struct Session {
    client: Client,
    metrics: Arc<Metrics>,
    base: Url,
    credentials: Credentials,
    token: Mutex<Option<SecretString>>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Login {
    token_id: SecretString,
}

impl Session {
    /// A session with the server at `url`; it logs in when it is first used.
    pub fn new(client: Client, metrics: Arc<Metrics>, url: &Url, credentials: Credentials) -> Result<Self, Failure> {
        let mut base = url.clone();
        base.path_segments_mut()
            .map_err(|()| {
                Failure::new(
                    Class::Invalid,
                    "UrlInvalid",
                    format!("devolutionsCloud.url \"{url}\" cannot have a path."),
                )
            })?
            .pop_if_empty()
            .extend(["api", "v1"]);
        Ok(Self { client, metrics, base, credentials, token: Mutex::new(None) })
    }

    /// Sends a request, logging in first where needed, and once more where the token is refused. A read that fails is tried
    /// again. `path` is under the contract's base; `build` adds the rest.
    pub async fn call(
        &self,
        what: &str,
        method: Method,
        path: &[&str],
        build: impl Fn(RequestBuilder) -> RequestBuilder + Send,
    ) -> Result<Outcome, Failure> {
        let (mut fresh, mut tries) = (false, 1);
        loop {
            let token = self.token(&mut fresh).await?;
            let request = self
                .client
                .request(method.clone(), self.url(path)?)
                .header("tokenId", token.expose_secret())
                .header("X-Request-Id", Uuid::new_v4().to_string());
            match http::send(&Server, &self.metrics, what, build(request)).await {
                Ok(Outcome::Unauthorized(_)) if !fresh => self.forget(&token).await,
                Err(failure) if method == Method::GET => {
                    let wait = http::patience(&failure, tries).ok_or(failure)?;
                    tries += 1;
                    tokio::time::sleep(wait).await;
                }
                outcome => return outcome,
            }
        }
    }

    fn url(&self, path: &[&str]) -> Result<Url, Failure> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| Failure::new(Class::Invalid, "UrlInvalid", format!("\"{}\" cannot have a path.", self.base)))?
            .extend(path);
        Ok(url)
    }

    /// The token; `fresh` is set when it was just obtained.
    async fn token(&self, fresh: &mut bool) -> Result<SecretString, Failure> {
        let mut token = self.token.lock().await;
        if let Some(token) = token.as_ref() {
            return Ok(token.clone());
        }
        let body = json!({
            "appKey": self.credentials.application_key.expose_secret(),
            "appSecret": self.credentials.application_secret.expose_secret(),
        });
        let what = format!("log in to Devolutions Cloud at {}", self.base.host_str().unwrap_or_default());
        let request =
            self.client.post(self.url(&["login"])?).header("X-Request-Id", Uuid::new_v4().to_string()).json(&body);
        let login: Login = http::send(&Server, &self.metrics, &what, request).await?.good()?.json()?;
        *fresh = true;
        *token = Some(login.token_id.clone());
        Ok(login.token_id)
    }

    /// Drops the token, unless another request has already renewed it.
    async fn forget(&self, refused: &SecretString) {
        let mut token = self.token.lock().await;
        if token.as_ref().is_some_and(|t| t.expose_secret() == refused.expose_secret()) {
            *token = None;
        }
    }
}
