//! A session with Microsoft Graph: a token for each request, another one when it is refused, and lists to their end.

use std::fmt;
use std::sync::Arc;

use reqwest::{Client, Method};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::{Url, form_urlencoded};
use uuid::Uuid;

use super::EntraEndpoint;
use super::refusal::MicrosoftGraph;
use super::token::Tokens;
use crate::error::{Class, Failure};
use crate::http::{self, Answer, Outcome};
use crate::metrics::Metrics;

/// A list with more pages than this is taken for a server that counts wrong.
const MAX_PAGES: usize = 1000;

/// A read.
pub struct Read<'a> {
    /// Completes "Could not …": what is tried, on what.
    pub what: &'a str,
    /// The application permission that it takes.
    pub permission: &'static str,
    /// The path under the version.
    pub path: &'a [&'a str],
    /// Names and values, such as `$select`.
    pub query: &'a [(&'a str, &'a str)],
}

/// A request that changes something.
pub struct Write<'a> {
    /// Completes "Could not …": what is tried, on what.
    pub what: &'a str,
    /// The application permission that it takes.
    pub permission: &'static str,
    /// How.
    pub method: Method,
    /// The path under the version.
    pub path: &'a [&'a str],
    /// What is sent.
    pub body: &'a Value,
}

#[derive(Deserialize)]
struct Page<T> {
    value: Vec<T>,
    #[serde(default, rename = "@odata.nextLink")]
    next: Option<String>,
}

/// A session with Microsoft Graph.
pub struct Session {
    client: Client,
    metrics: Arc<Metrics>,
    base: Url,
    tokens: Tokens,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

impl Session {
    /// A session with Microsoft Graph at `endpoint`. Nothing is sent yet.
    pub fn new(endpoint: EntraEndpoint, metrics: Arc<Metrics>) -> Result<Self, Failure> {
        let client = http::client(endpoint.ca_bundle.as_deref())?;
        let base = below(&endpoint.graph, &["v1.0"])?;
        let tokens = Tokens::new(endpoint, client.clone(), metrics.clone())?;
        Ok(Self { client, metrics, base, tokens })
    }

    /// Where tokens come from.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// One thing; none where Graph says that there is no such thing.
    pub async fn one<T: DeserializeOwned>(&self, read: &Read<'_>) -> Result<Option<T>, Failure> {
        match self.get(read, self.url(read)?).await? {
            None => Ok(None),
            Some(answer) => Ok(Some(answer.json()?)),
        }
    }

    /// A whole list; none if what it hangs on is gone.
    pub async fn list<T: DeserializeOwned>(&self, read: &Read<'_>) -> Result<Option<Vec<T>>, Failure> {
        let (mut all, mut url) = (Vec::new(), self.url(read)?);
        for _ in 0..MAX_PAGES {
            let Some(answer) = self.get(read, url).await? else { return Ok(None) };
            let page: Page<T> = answer.json()?;
            all.extend(page.value);
            match page.next {
                None => return Ok(Some(all)),
                Some(next) => url = follow(&self.base, &next, read.what)?,
            }
        }
        let message = format!("Could not {}: the list has more than {MAX_PAGES} pages. Please report this.", read.what);
        Err(Failure::new(Class::Bug, "AnswerNotUnderstood", message))
    }

    async fn get(&self, read: &Read<'_>, url: Url) -> Result<Option<Answer>, Failure> {
        let system = MicrosoftGraph { permission: read.permission };
        let (mut is_first, mut tries) = (true, 1);
        loop {
            let token = self.tokens.get().await?;
            let request = self
                .client
                .get(url.clone())
                .bearer_auth(token.secret.expose_secret())
                .header("client-request-id", Uuid::new_v4().to_string());
            match http::send(&system, &self.metrics, read.what, request).await {
                Ok(Outcome::Unauthorized(_)) if is_first => self.tokens.forget(&token)?,
                // A 404 that does not come from Graph proves nothing.
                Ok(Outcome::NotFound(failure)) if failure.reason == "NotFound" => return Ok(None),
                Ok(outcome) => return outcome.good().map(Some),
                Err(failure) => {
                    if let Some(wait) = http::patience(&failure, tries) {
                        tries += 1;
                        tokio::time::sleep(wait).await;
                        continue;
                    }
                    if failure.reason == "PermissionMissing" {
                        // Only another token would tell that it has been granted meanwhile.
                        self.tokens.forget_if_old(&token)?;
                    }
                    return Err(failure);
                }
            }
            is_first = false;
        }
    }

    /// Sends a request that changes something, once. Only where the token was refused, so that it had no effect, it is sent
    /// again with another one.
    pub async fn write(&self, write: &Write<'_>) -> Result<Answer, Failure> {
        let system = MicrosoftGraph { permission: write.permission };
        let url = below(&self.base, write.path)?;
        let mut is_first = true;
        loop {
            let token = self.tokens.get().await?;
            let request = self
                .client
                .request(write.method.clone(), url.clone())
                .bearer_auth(token.secret.expose_secret())
                .header("client-request-id", Uuid::new_v4().to_string())
                .json(write.body);
            match http::send(&system, &self.metrics, write.what, request).await {
                Ok(Outcome::Unauthorized(_)) if is_first => self.tokens.forget(&token)?,
                Ok(outcome) => return outcome.good(),
                Err(failure) => {
                    if failure.reason == "PermissionMissing" {
                        self.tokens.forget_if_old(&token)?;
                    }
                    return Err(failure);
                }
            }
            is_first = false;
        }
    }

    fn url(&self, read: &Read<'_>) -> Result<Url, Failure> {
        let mut url = below(&self.base, read.path)?;
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(read.query).finish();
        // In a URL of OData a space is no plus sign.
        url.set_query(Some(query.replace('+', "%20").as_str()));
        Ok(url)
    }
}

fn below(base: &Url, path: &[&str]) -> Result<Url, Failure> {
    let mut url = base.clone();
    url.path_segments_mut()
        .map_err(|()| Failure::new(Class::Invalid, "UrlInvalid", format!("\"{base}\" cannot have a path.")))?
        .pop_if_empty()
        .extend(path);
    Ok(url)
}

/// The next page, as Graph wants it
/// (<https://learn.microsoft.com/graph/paging>): the link as it came, but not to anybody else, since our token goes with it.
fn follow(base: &Url, next: &str, what: &str) -> Result<Url, Failure> {
    let url = Url::parse(next).ok().filter(|url| url.origin() == base.origin() && url.username().is_empty());
    url.ok_or_else(|| {
        Failure::new(
            Class::Bug,
            "ForeignLink",
            format!(
                "Could not {what}: the link to the next page does not lead to {}, so it is not followed. Check entra.cloud.",
                base.host_str().unwrap_or_default()
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_the_next_page_is_followed_verbatim_but_only_to_the_same_origin() {
        let base = Url::parse("https://graph.example.com/v1.0").unwrap();
        let good = "https://graph.example.com/v1.0/groups?$top=2&$skiptoken=RFNwdAIAAQ%3d%3d";
        assert_eq!(follow(&base, good, "list groups").unwrap().as_str(), good);
        for foreign in [
            "https://evil.example/v1.0/groups?$skiptoken=s3cr3t",
            "http://graph.example.com/v1.0/groups",
            "https://graph.example.com:444/v1.0/groups",
            "https://graph.example.com@evil.example/",
            "https://evil@graph.example.com/",
            "//evil.example/",
            "/v1.0/groups",
            "",
        ] {
            let failure = follow(&base, foreign, "list groups").unwrap_err();
            assert_eq!(failure.reason, "ForeignLink", "{foreign}");
            assert!(
                failure.message.starts_with("Could not list groups: ") && !failure.message.contains("evil"),
                "{failure}"
            );
        }
    }
}
