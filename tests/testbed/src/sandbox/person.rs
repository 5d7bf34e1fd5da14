//! Somebody who works in the tenant by hand while a migration runs.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Sandbox, send};
use crate::error::{Error, Result};

/// A session of the identity that stands for people. What it changes is no violation.
pub struct Person<'a> {
    sandbox: &'a Sandbox,
    token: String,
}

impl Sandbox {
    /// Logs in as a person.
    pub async fn as_person(&self) -> Result<Person<'_>> {
        let url = format!("{}/api/v1/login", self.devolutions_url());
        let body = json!({
            "appKey": self.exports["PERSON_APPLICATION_KEY"],
            "appSecret": self.exports["PERSON_APPLICATION_SECRET"],
        });
        let answer = send(self.client.post(&url).json(&body), "POST", &url).await?;
        match answer["tokenId"].as_str() {
            Some(token) => Ok(Person { sandbox: self, token: token.to_owned() }),
            None => {
                Err(Error::Format { what: format!("the answer to POST {url}"), reason: "it has no `tokenId`".into() })
            }
        }
    }
}

impl Person<'_> {
    /// Sends a request of the cloud contract (`path` begins with `/api/v1/`) and gives the answer's JSON, `null` if it has
    /// no body. An answer that is not a success is an [`Error::Answer`].
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let url = format!("{}{path}", self.sandbox.devolutions_url());
        let mut request = self.sandbox.client.request(method.clone(), &url).header("tokenId", &self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        send(request, method.as_str(), &url).await
    }
}

impl std::fmt::Debug for Person<'_> {
    /// Without the token.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Person").field("sandbox", self.sandbox).finish_non_exhaustive()
    }
}
