//! The one way in which a request leaves for an outside system: bounded in time and size, classed
//! by its outcome, and without a secret in any error.

use std::time::Duration;

use k8s_openapi::jiff::{Timestamp, fmt::rfc2822::DateTimeParser};
use reqwest::header::{ETAG, HeaderMap, RETRY_AFTER};
use reqwest::{Certificate, Client, RequestBuilder, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::{Class, Failure, chain};

/// How long one request may take in all.
const TIMEOUT: Duration = Duration::from_secs(30);
/// An answer larger than this is not read to its end.
const MAX_BODY: usize = 64 << 20;
/// A server that asks for more patience than this is asked again all the same.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);

/// A client that trusts the system's authorities and those of `ca_bundle` (PEM).
pub fn client(ca_bundle: Option<&[u8]>) -> Result<Client, Failure> {
    let mut certificates = Vec::new();
    if let Some(pem) = ca_bundle {
        certificates = Certificate::from_pem_bundle(pem).map_err(|_| {
            Failure::new(Class::Invalid, "CaBundleInvalid", "The CA bundle holds no readable PEM certificate.")
        })?;
        if certificates.is_empty() {
            return Err(Failure::new(Class::Invalid, "CaBundleInvalid", "The CA bundle holds no PEM certificate."));
        }
    }
    Client::builder()
        .https_only(true)
        .timeout(TIMEOUT)
        .connect_timeout(Duration::from_secs(10))
        // A redirect would carry the token to another host.
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("devolutions-migration-operator/", env!("CARGO_PKG_VERSION")))
        .tls_certs_merge(certificates)
        .build()
        .map_err(|e| Failure::new(Class::Invalid, "TlsUnusable", format!("Could not prepare TLS: {}", chain(&e))))
}

/// A good answer.
#[derive(Debug)]
pub struct Answer {
    /// The `ETag`, where the server sends one.
    pub etag: Option<String>,
    what: String,
    body: Vec<u8>,
}

impl Answer {
    /// The body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        // serde's own words could quote a value, and a value could be a token.
        serde_json::from_slice(&self.body).map_err(|e| {
            Failure::new(
                Class::Bug,
                "AnswerNotUnderstood",
                format!(
                    "Could not {}: the server's answer is not as the contract says (line {}, column {}). Please report this.",
                    self.what,
                    e.line(),
                    e.column()
                ),
            )
        })
    }
}

/// The outcome of a request that reached the server.
#[derive(Debug)]
pub enum Outcome {
    /// A 2xx.
    Good(Answer),
    /// The token was not accepted.
    Unauthorized(Failure),
    /// There is no such thing.
    NotFound(Failure),
}

impl Outcome {
    /// Takes anything but a 2xx as a failure.
    pub fn good(self) -> Result<Answer, Failure> {
        match self {
            Self::Good(answer) => Ok(answer),
            Self::Unauthorized(failure) | Self::NotFound(failure) => Err(failure),
        }
    }
}

/// The error body of the cloud contract. Its `message` is not read: what a server writes there is
/// not ours to show.
#[derive(Default, Deserialize)]
struct ErrorBody {
    code: Option<i64>,
    name: Option<String>,
}

/// Sends `request`. `what` completes "Could not …": what is tried, on what.
pub async fn send(what: &str, request: RequestBuilder) -> Result<Outcome, Failure> {
    let unreachable = |e: reqwest::Error| {
        let why = if e.is_timeout() { "no answer in time".to_owned() } else { chain(&e.without_url()) };
        Failure::new(Class::Transient, "Unreachable", format!("Could not {what}: {why}. It is tried again."))
    };
    let mut response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    let headers = response.headers().clone();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(Failure::new(
                Class::Bug,
                "AnswerTooLarge",
                format!("Could not {what}: the answer is larger than {MAX_BODY} bytes."),
            ));
        }
        body.extend_from_slice(&chunk);
    }
    if status.is_success() {
        let etag = headers.get(ETAG).and_then(|v| v.to_str().ok()).map(ToOwned::to_owned);
        return Ok(Outcome::Good(Answer { etag, what: what.to_owned(), body }));
    }
    let failure = classify(what, status, &headers, &body);
    match status {
        StatusCode::UNAUTHORIZED => Ok(Outcome::Unauthorized(failure)),
        StatusCode::NOT_FOUND => Ok(Outcome::NotFound(failure)),
        _ => Err(failure),
    }
}

fn classify(what: &str, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
    let said: ErrorBody = serde_json::from_slice(body).unwrap_or_default();
    let retry_after = retry_after(headers);
    let (class, reason, advice) = match status.as_u16() {
        401 => (
            Class::Denied,
            "CredentialsRefused",
            "Check applicationKey and applicationSecret in the connection's Secret",
        ),
        403 if said.code == Some(7) => {
            (Class::Denied, "IpForbidden", "Allow this cluster's outgoing address in the tenant's IP allowlist")
        }
        403 if said.code == Some(13) => {
            (Class::Invalid, "SyncedReadOnly", "A synced group can only be changed at the identity provider")
        }
        403 => (
            Class::Denied,
            "AccessDenied",
            "Give the application identity the right to do this, see the README's list of rights",
        ),
        404 => (
            Class::Invalid,
            "NotFound",
            "Look whether somebody deleted it, and whether devolutionsCloud.url points at a server that speaks the cloud contract",
        ),
        409 | 412 => {
            (Class::Conflict, "WrittenMeanwhile", "Somebody else wrote at the same time; it is looked at again")
        }
        423 => (Class::Transient, "Locked", "Somebody has it open for editing; it is tried again"),
        429 => (Class::Throttled, "Throttled", "It is tried again when the server asks for it"),
        544 => (Class::Invalid, "InvitationRefused", "See the server's administration log"),
        408 | 500..=599 => (Class::Transient, "ServerError", "It is tried again"),
        300..=399 => {
            (Class::Invalid, "Redirected", "Redirects are not followed: give the final address in devolutionsCloud.url")
        }
        _ => (Class::Bug, "RequestRefused", "Please report this"),
    };
    let code = match (said.code, said.name) {
        (Some(code), Some(name)) => format!(", code {code} {}", printable(&name)),
        (Some(code), None) => format!(", code {code}"),
        (None, Some(name)) => format!(", {}", printable(&name)),
        (None, None) => String::new(),
    };
    let request_id = headers
        .get("x-request-id")
        .and_then(|v| v.to_str().ok())
        .map(|id| format!(", request {}", printable(id)))
        .unwrap_or_default();
    let mut failure =
        Failure::new(class, reason, format!("Could not {what}: HTTP {}{code}{request_id}. {advice}.", status.as_u16()));
    failure.retry_after = retry_after;
    failure
}

/// Seconds or an HTTP date (<https://www.rfc-editor.org/rfc/rfc9110#field.retry-after>).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if let Ok(seconds) = value.parse::<u64>() {
        Duration::from_secs(seconds)
    } else {
        let at = DateTimeParser::new().parse_timestamp(value).ok()?;
        Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default()
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

/// What came from a server, made fit for a message.
fn printable(text: &str) -> String {
    text.chars().filter(char::is_ascii_graphic).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())])
    }

    #[test]
    fn a_refusal_tells_status_code_request_and_advice_but_not_the_servers_text() {
        let failure = classify(
            "grant at vault \"Payments\"",
            StatusCode::FORBIDDEN,
            &headers("x-request-id", "r-1"),
            br#"{"code":8,"name":"AccessDenied","message":"your key AbC= may not"}"#,
        );
        assert_eq!(failure.class, Class::Denied);
        assert_eq!(
            failure.message,
            "Could not grant at vault \"Payments\": HTTP 403, code 8 AccessDenied, request r-1. \
             Give the application identity the right to do this, see the README's list of rights."
        );
    }

    #[test]
    fn retry_after_is_read_in_both_forms_and_bounded() {
        assert_eq!(retry_after(&headers("retry-after", "17")), Some(Duration::from_secs(17)));
        assert_eq!(retry_after(&headers("retry-after", "999999")), Some(MAX_RETRY_AFTER));
        let past = retry_after(&headers("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT"));
        assert_eq!(past, Some(Duration::ZERO));
        assert_eq!(retry_after(&headers("retry-after", "soon")), None);
    }

    #[test]
    fn every_status_has_a_class() {
        for status in 300..600 {
            let failure = classify("x", StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), b"<html>");
            assert!(failure.message.contains(&status.to_string()), "{status}");
        }
    }
}
