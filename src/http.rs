//! The one way in which a request leaves for an outside system: bounded in time and size, counted,
//! classed by its outcome, and without a secret in any error.

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, Instant};

use k8s_openapi::jiff::{Timestamp, fmt::rfc2822::DateTimeParser};
use reqwest::header::{ETAG, HeaderMap, RETRY_AFTER};
use reqwest::{Certificate, Client, Request, RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;

use crate::error::{Class, Failure, chain};
use crate::metrics::Metrics;

/// How long one request may take in all.
const TIMEOUT: Duration = Duration::from_secs(30);
/// An answer larger than this is not read to its end.
const MAX_BODY: usize = 64 << 20;
/// A server that asks for more patience than this is asked again all the same.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);

/// How often a read is tried. A look at a large tenant makes a thousand of them, and one that fails makes it begin anew.
const TRIES: u32 = 3;
/// How long to wait for another try where the server does not say.
const PAUSE: Duration = Duration::from_millis(500);
/// For whoever is asked to wait longer, the whole look waits.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long to wait before a read that failed so is tried again; none where that is left to the next pass.
#[must_use]
pub fn patience(failure: &Failure, tries: u32) -> Option<Duration> {
    let passes = matches!(failure.class, Class::Transient | Class::Throttled) && tries < TRIES;
    let wait = failure.retry_after.unwrap_or(PAUSE * tries);
    (passes && wait <= PATIENCE).then_some(wait)
}

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
pub struct Answer {
    /// The `ETag`, where the server sends one.
    pub etag: Option<String>,
    what: String,
    body: Vec<u8>,
}

/// Without its body, which may be a secret that was just made.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("etag", &self.etag).field("what", &self.what).finish_non_exhaustive()
    }
}

impl Answer {
    /// The body as it came.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.body
    }

    /// The body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        // serde's own words could quote a value, and a value could be a token.
        serde_json::from_slice(&self.body).map_err(|e| {
            Failure::new(
                Class::Bug,
                "AnswerNotUnderstood",
                format!(
                    "Could not {}: the server's answer does not have the expected form (line {}, column {}). Please report this.",
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

/// An outside system, as far as requests to it differ from those to others.
pub trait System {
    /// Its name in the metrics.
    const NAME: &'static str;
    /// Where a connection names the authorities to trust for it, beside the system's.
    const CA_BUNDLE: &'static str;
    /// What it means by an answer that is not a 2xx.
    fn refusal(&self, refused: &Refused<'_>) -> Refusal;
}

/// An answer that is not a 2xx.
#[derive(Clone, Copy, Debug)]
pub struct Refused<'a> {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body. What a server writes there for people is not ours to show.
    pub body: &'a [u8],
}

impl Refused<'_> {
    /// A header, made fit for a message.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name).and_then(|v| v.to_str().ok()).map(printable)
    }
}

/// What a system means by a refusal.
#[derive(Debug, Default)]
pub struct Refusal {
    /// The system's own code and its name of the request, each as a message says it.
    pub said: Vec<String>,
    /// What follows from it; none where the status tells all.
    pub verdict: Option<Verdict>,
}

/// What follows from a refusal.
#[derive(Debug)]
pub struct Verdict {
    /// What kind of failure.
    pub class: Class,
    /// The reason of a condition.
    pub reason: &'static str,
    /// What to do, without a full stop.
    pub advice: Cow<'static, str>,
}

impl Verdict {
    /// A verdict.
    pub fn new(class: Class, reason: &'static str, advice: impl Into<Cow<'static, str>>) -> Self {
        Self { class, reason, advice: advice.into() }
    }

    /// What follows from a status whatever the system.
    fn of(status: u16) -> Self {
        match status {
            408 | 500..=599 => Self::new(Class::Transient, "ServerError", "It is tried again"),
            429 => Self::new(Class::Throttled, "Throttled", "It is tried again when the server asks for it"),
            300..=399 => Self::new(
                Class::Invalid,
                "Redirected",
                "Redirects are not followed: look at the address and at any proxy in between",
            ),
            _ => Self::new(Class::Bug, "RequestRefused", "Please report this"),
        }
    }
}

/// Sends `request` and counts it. `what` completes "Could not …": what is tried, on what.
pub async fn send<S: System>(
    system: &S,
    metrics: &Metrics,
    what: &str,
    request: RequestBuilder,
) -> Result<Outcome, Failure> {
    let (client, request) = request.build_split();
    let request = request.map_err(|e| unreachable::<S>(what, e))?;
    let (method, began) = (request.method().clone(), Instant::now());
    let outcome = exchange(system, &client, what, request).await;
    let name = match &outcome {
        Ok(Outcome::Good(_)) => "ok",
        Ok(Outcome::Unauthorized(failure) | Outcome::NotFound(failure)) | Err(failure) => failure.reason,
    };
    metrics.request(S::NAME, method.as_str(), name, began.elapsed());
    outcome
}

async fn exchange<S: System>(system: &S, client: &Client, what: &str, request: Request) -> Result<Outcome, Failure> {
    let mut response = client.execute(request).await.map_err(|e| unreachable::<S>(what, e))?;
    let status = response.status();
    let headers = response.headers().clone();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|e| unreachable::<S>(what, e))? {
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
    let failure = classify(system, what, &Refused { status: status.as_u16(), headers: &headers, body: &body });
    match status {
        StatusCode::UNAUTHORIZED => Ok(Outcome::Unauthorized(failure)),
        StatusCode::NOT_FOUND => Ok(Outcome::NotFound(failure)),
        _ => Err(failure),
    }
}

fn unreachable<S: System>(what: &str, error: reqwest::Error) -> Failure {
    let why = if error.is_timeout() { "no answer in time".to_owned() } else { chain(&error.without_url()) };
    let advice = advice_for::<S>(&why);
    Failure::new(Class::Transient, "Unreachable", format!("Could not {what}: {why}. {advice}It is tried again."))
}

/// What to do where a connection fails; empty where it may pass by itself.
fn advice_for<S: System>(why: &str) -> String {
    if !why.contains("UnknownIssuer") {
        return String::new();
    }
    format!(
        "The server's certificate is of an authority that is not trusted here: if it should be, put the authority's certificate into a ConfigMap and name that in {}. ",
        S::CA_BUNDLE
    )
}

/// The failure that a refusal is.
pub(crate) fn classify<S: System>(system: &S, what: &str, refused: &Refused<'_>) -> Failure {
    let Refusal { said, verdict } = system.refusal(refused);
    let Verdict { class, reason, advice } = verdict.unwrap_or_else(|| Verdict::of(refused.status));
    let mut message = format!("Could not {what}: HTTP {}", refused.status);
    for detail in said {
        message.push_str(", ");
        message.push_str(&detail);
    }
    let mut failure = Failure::new(class, reason, format!("{message}. {advice}."));
    failure.retry_after = retry_after(refused.headers);
    failure
}

/// Seconds or an HTTP date (<https://www.rfc-editor.org/rfc/rfc9110#field.retry-after>). Against that standard,
/// Microsoft Graph sends fractions of seconds, such as `2.128`
/// (<https://learn.microsoft.com/graph/throttling#sample-response>).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if value.starts_with(|c: char| c.is_ascii_digit()) {
        // Too long for a duration is too long for us too.
        value.parse().ok().map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or(MAX_RETRY_AFTER))?
    } else {
        let at = DateTimeParser::new().parse_timestamp(value).ok()?;
        Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default()
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

/// What came from a server, made fit for a message.
pub(crate) fn printable(text: &str) -> String {
    text.chars().filter(char::is_ascii_graphic).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Plain;

    impl System for Plain {
        const NAME: &'static str = "Plain";
        const CA_BUNDLE: &'static str = "plain.caBundleRef";

        fn refusal(&self, _: &Refused<'_>) -> Refusal {
            Refusal::default()
        }
    }

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())])
    }

    #[test]
    fn retry_after_is_read_in_all_forms_and_bounded() {
        assert_eq!(retry_after(&headers("retry-after", "17")), Some(Duration::from_secs(17)));
        assert_eq!(retry_after(&headers("retry-after", "2.128")), Some(Duration::from_millis(2128)));
        assert_eq!(retry_after(&headers("retry-after", "999999")), Some(MAX_RETRY_AFTER));
        assert_eq!(retry_after(&headers("retry-after", "1e300")), Some(MAX_RETRY_AFTER));
        let past = retry_after(&headers("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT"));
        assert_eq!(past, Some(Duration::ZERO));
        for nonsense in ["soon", "-3", "nan", "inf", "2.1.8", ""] {
            assert_eq!(retry_after(&headers("retry-after", nonsense)), None, "{nonsense}");
        }
    }

    #[test]
    fn what_may_pass_by_itself_is_waited_for_a_little_and_not_for_long() {
        let failure = |class, seconds: Option<u64>| {
            let mut failure = Failure::new(class, "X", "x");
            failure.retry_after = seconds.map(Duration::from_secs);
            failure
        };
        assert_eq!(patience(&failure(Class::Transient, None), 1), Some(PAUSE));
        assert_eq!(patience(&failure(Class::Throttled, Some(7)), 2), Some(Duration::from_secs(7)));
        assert_eq!(patience(&failure(Class::Throttled, Some(7)), TRIES), None);
        assert_eq!(patience(&failure(Class::Throttled, Some(60)), 1), None);
        assert_eq!(patience(&failure(Class::Denied, None), 1), None);
    }

    #[test]
    fn an_authority_that_nobody_trusts_is_told_with_what_to_set() {
        let advice = advice_for::<Plain>("invalid peer certificate: UnknownIssuer");
        assert!(advice.contains("plain.caBundleRef"), "{advice}");
        assert_eq!(advice_for::<Plain>("Connection refused (os error 111)"), "");
    }

    #[test]
    fn every_status_has_a_class() {
        for status in 300..600 {
            let failure = classify(&Plain, "x", &Refused { status, headers: &HeaderMap::new(), body: b"<html>" });
            assert!(failure.message.starts_with(&format!("Could not x: HTTP {status}. ")), "{}", failure.message);
        }
    }
}
