//! Refusals of the token endpoint: an OAuth error with an AADSTS code
//! (<https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes>).

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::json;

use crate::system::Numbers;

/// A refusal: an OAuth error, an AADSTS number and a sentence. The sentences are those that people have published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginError {
    pub error: &'static str,
    pub code: u32,
    pub message: String,
}

impl LoginError {
    pub fn new(error: &'static str, code: u32, message: impl Into<String>) -> Self {
        Self { error, code, message: message.into() }
    }

    /// A client that cannot prove who it is.
    pub fn client(code: u32, message: impl Into<String>) -> Self {
        Self::new("invalid_client", code, message)
    }

    /// A request that makes no sense.
    pub fn request(code: u32, message: impl Into<String>) -> Self {
        Self::new("invalid_request", code, message)
    }

    /// The same with another OAuth error.
    pub fn called(self, error: &'static str) -> Self {
        Self { error, ..self }
    }

    /// The whole sentence, as a browser shows it.
    pub fn text(&self, numbers: &Numbers) -> String {
        text(self.code, &self.message, numbers, &now())
    }

    /// Whether the application is told, and not the person: about its own mistakes, and, if it wants no page to be
    /// shown, about all.
    pub fn is_told_back(&self, is_silent: bool) -> bool {
        is_silent || matches!(self.error, "unsupported_response_type" | "invalid_request")
    }

    /// The answer.
    pub fn answer(&self, authority: &str, numbers: &Numbers) -> Response {
        // RFC 6749: a client that fails to authenticate is told so by 401.
        let is_client = self.error == "invalid_client";
        let status = if is_client { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
        body(status, self.error, self.code, &self.message, authority, numbers)
    }
}

/// The form of every refusal.
pub fn body(status: StatusCode, error: &str, code: u32, message: &str, authority: &str, numbers: &Numbers) -> Response {
    let now = now();
    let (trace, correlation) = (&numbers.server, &numbers.client);
    let text = text(code, message, numbers, &now);
    let json = json!({
        "error": error,
        "error_description": text,
        "error_codes": [code],
        "timestamp": now,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": format!("{authority}/error?code={code}"),
    });
    (status, Json(json)).into_response()
}

fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

fn text(code: u32, message: &str, numbers: &Numbers, now: &str) -> String {
    let (trace, correlation) = (&numbers.server, &numbers.client);
    format!("AADSTS{code}: {message} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {now}")
}
