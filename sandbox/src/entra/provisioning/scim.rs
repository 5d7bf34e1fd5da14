//! The SCIM 2.0 client: what the service asks and sends
//! (<https://learn.microsoft.com/en-us/entra/identity/app-provisioning/use-scim-to-provision-users-and-groups>).

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::tls::{self, ClientError};

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(100);

/// What behind the address asks for standard PATCH requests
/// (<https://learn.microsoft.com/en-us/entra/identity/app-provisioning/application-provisioning-config-problem-scim-compatibility>).
const COMPLIANT: &str = "aadOptscim062020";

/// What is written in an address in another way.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The message of a PATCH (RFC 7644, section 3.5.2).
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// A server that cannot be worked with: a code and a sentence, as `validateCredentials` and a quarantine tell them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub code: &'static str,
    pub message: String,
}

impl Refused {
    /// No address or no token is saved.
    pub fn nothing_saved() -> Self {
        let message = "The credentials for the application are missing.".to_owned();
        Self { code: "CredentialsMissing", message }
    }

    fn credentials() -> Self {
        let text = "You appear to have entered invalid credentials. Please confirm you are using the correct \
                    information for an administrative account.";
        Self { code: "SystemForCrossDomainIdentityManagementInvalidCredentials", message: text.to_owned() }
    }

    fn unexpected(what: &str) -> Self {
        let message = format!("We received this unexpected response from your application: {what}");
        Self { code: "SystemForCrossDomainIdentityManagementCredentialValidationUnavailable", message }
    }
}

/// Why one thing did not go through.
#[derive(Debug)]
pub enum Problem {
    /// Nothing will.
    Refused(Refused),
    /// It is not there any more.
    Gone,
    /// Code and sentence.
    Entry(&'static str, String),
}

/// A SCIM server.
pub struct Scim {
    client: reqwest::Client,
    base: String,
    token: String,
    /// Speaks PATCH as the standard has it, not as the service used to.
    pub is_compliant: bool,
}

impl Scim {
    /// The server at a base address, which need not be there.
    pub fn new(authorities: &[String], address: &str, token: &str) -> Result<Self, Refused> {
        let wrong = |_| Refused::unexpected("the tenant URL is not an https address.");
        let mut url = url::Url::parse(address).map_err(wrong)?;
        if url.scheme() != "https" {
            return Err(Refused::unexpected("the tenant URL is not an https address."));
        }
        let is_compliant = url.query_pairs().any(|(name, _)| name == COMPLIANT);
        url.set_query(None);
        let client = tls::client(authorities).map_err(|it: ClientError| Refused::unexpected(&it.to_string()))?;
        let base = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { client, base, token: token.to_owned(), is_compliant })
    }

    /// Asks for somebody who is nobody: what *Test Connection* does.
    pub async fn check(&self) -> Result<(), Refused> {
        match self.find("Users", "userName", &Uuid::new_v4().to_string()).await {
            Ok(_) => Ok(()),
            Err(Problem::Refused(refused)) => Err(refused),
            Err(Problem::Gone) => Err(Refused::unexpected("404 (Not Found).")),
            Err(Problem::Entry(_, text)) => Err(Refused::unexpected(&text)),
        }
    }

    /// The one resource with this value, if there is one.
    pub async fn find(&self, kind: &str, attribute: &str, value: &str) -> Result<Option<Value>, Problem> {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"");
        let filter = format!("{attribute} eq \"{value}\"");
        let members = if kind == "Groups" { "excludedAttributes=members&" } else { "" };
        let path = format!("{kind}?{members}filter={}", utf8_percent_encode(&filter, RESERVED));
        let list = self.send(Method::GET, &path, None).await?;
        let Some(resources) = list["Resources"].as_array() else {
            // A server that found nothing may leave the list away.
            return if list["totalResults"] == 0 { Ok(None) } else { Err(incompatible("the answer is no list.")) };
        };
        match resources.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one.clone())),
            _ => {
                let text = format!("More than one entry in the target system has the {attribute} {value}.");
                Err(Problem::Entry("DuplicateTargetEntries", text))
            }
        }
    }

    /// Makes a resource, and tells its id.
    pub async fn create(&self, kind: &str, body: &Value) -> Result<String, Problem> {
        let made = self.send(Method::POST, kind, Some(body)).await.map_err(|it| match it {
            Problem::Gone => incompatible("404 (Not Found)."),
            other => other,
        })?;
        id(&made)
    }

    pub async fn patch(&self, kind: &str, id: &str, operations: &[Value]) -> Result<(), Problem> {
        let body = json!({"schemas": [PATCH], "Operations": operations});
        self.send(Method::PATCH, &at(kind, id), Some(&body)).await.map(drop)
    }

    pub async fn delete(&self, kind: &str, id: &str) -> Result<(), Problem> {
        self.send(Method::DELETE, &at(kind, id), None).await.map(drop)
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Problem> {
        let mut request = self.client.request(method, format!("{}/{path}", self.base)).timeout(PATIENCE);
        request = request.bearer_auth(&self.token).header("accept", "application/scim+json");
        if let Some(body) = body {
            request = request.header("content-type", "application/scim+json").body(body.to_string());
        }
        let lost = |it: reqwest::Error| {
            let code = if it.is_timeout() { "Timeout" } else { "WebExceptionProtocolError" };
            Problem::Entry(code, format!("no answer: {it}."))
        };
        let response = request.send().await.map_err(lost)?;
        let status = response.status();
        let text = response.text().await.map_err(lost)?;
        if status.is_success() {
            return Ok(serde_json::from_str(&text).unwrap_or(Value::Null));
        }
        Err(problem(status, &text))
    }
}

fn at(kind: &str, id: &str) -> String {
    format!("{kind}/{}", utf8_percent_encode(id, RESERVED))
}

/// The id of a resource.
pub fn id(resource: &Value) -> Result<String, Problem> {
    let id = resource["id"].as_str().filter(|it| !it.is_empty()).map(str::to_owned);
    id.ok_or_else(|| incompatible("the resource has no id."))
}

fn incompatible(text: &str) -> Problem {
    Problem::Entry("SystemForCrossDomainIdentityManagementServiceIncompatible", text.to_owned())
}

/// What a status means to the service
/// (<https://learn.microsoft.com/en-us/entra/identity/app-provisioning/application-provisioning-error-codes>). Which of
/// the codes belongs to which status is inferred from what they say.
fn problem(status: StatusCode, text: &str) -> Problem {
    let code = match status.as_u16() {
        401 => return Problem::Refused(Refused::credentials()),
        404 => return Problem::Gone,
        400 => "SystemForCrossDomainIdentityManagementBadRequest",
        403 => "InsufficientRights",
        405 => "MethodNotAllowed",
        409 => "SystemForCrossDomainIdentityManagementEntryConflict",
        422 => "UnprocessableEntity",
        429 => "TooManyRequests",
        501 => "NotImplemented",
        500.. => "InternalServerError",
        _ => "SystemForCrossDomainIdentityManagementServiceIncompatible",
    };
    let said: String = text.chars().take(500).collect();
    Problem::Entry(code, format!("StatusCode: {status}. Web Response: {said}"))
}
