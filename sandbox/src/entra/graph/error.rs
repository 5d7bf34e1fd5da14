//! Refusals in Graph's form (<https://learn.microsoft.com/en-us/graph/errors>).

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::system::Numbers;

/// A refusal: a status, a code and a sentence. Codes and sentences are those that people have published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphError {
    pub status: StatusCode,
    pub code: &'static str,
    pub message: String,
}

impl GraphError {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// 401: no token, or none that counts here.
    pub fn token(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken", message)
    }

    /// 403: a permission is missing.
    pub fn denied() -> Self {
        let text = "Insufficient privileges to complete the operation.";
        Self::new(StatusCode::FORBIDDEN, "Authorization_RequestDenied", text)
    }

    /// 404: an object that is not there.
    pub fn not_found(id: &str) -> Self {
        let text =
            format!("Resource '{id}' does not exist or one of its queried reference-property objects are not present.");
        Self::new(StatusCode::NOT_FOUND, "Request_ResourceNotFound", text)
    }

    /// 400 of the front end, which knows the types.
    pub fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    /// 400 of the directory behind it.
    pub fn directory(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Request_BadRequest", message)
    }

    /// 400: a query that the directory cannot answer.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Request_UnsupportedQuery", message)
    }

    /// The body of the answer.
    pub fn body(&self, numbers: &Numbers) -> Value {
        body(self.code, &self.message, numbers)
    }
}

/// The form of every refusal.
pub fn body(code: &str, message: &str, numbers: &Numbers) -> Value {
    json!({"error": {
        "code": code,
        "message": message,
        "innerError": {
            "date": now(),
            "request-id": numbers.server,
            "client-request-id": numbers.client,
        },
    }})
}

/// A refusal to a client that asks too much
/// (<https://learn.microsoft.com/en-us/graph/throttling>).
pub fn throttled(code: &str, message: &str, numbers: &Numbers) -> Value {
    json!({"error": {
        "code": code,
        "innerError": {
            "code": "429",
            "date": now(),
            "message": "Please retry after",
            "request-id": numbers.server,
            "status": "429",
        },
        "message": message,
    }})
}

fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S").to_string()
}
