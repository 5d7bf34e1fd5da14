//! Refusals in the form of <https://www.rfc-editor.org/rfc/rfc7644#section-3.12>.

use axum::extract::rejection::QueryRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// A refusal: status, perhaps a `scimType`, and a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScimError {
    status: StatusCode,
    kind: Option<&'static str>,
    detail: String,
}

impl ScimError {
    /// 401: no token, one that has been replaced or has expired, or no provisioning at all.
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, None, "The bearer token is missing, unknown or expired.")
    }

    /// 404.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, None, what)
    }

    /// 405.
    pub fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, None, "This resource has no such method.")
    }

    /// 409: there is one of that name.
    pub fn uniqueness(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, Some("uniqueness"), detail)
    }

    /// 400 with a `scimType` of RFC 7644's table 9.
    pub fn bad(kind: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Some(kind), detail)
    }

    /// 400: a value is missing or does not fit.
    pub fn value(detail: impl Into<String>) -> Self {
        Self::bad("invalidValue", detail)
    }

    fn new(status: StatusCode, kind: Option<&'static str>, detail: impl Into<String>) -> Self {
        Self { status, kind, detail: detail.into() }
    }
}

impl From<QueryRejection> for ScimError {
    fn from(rejection: QueryRejection) -> Self {
        Self::value(rejection.body_text())
    }
}

impl IntoResponse for ScimError {
    fn into_response(self) -> Response {
        let mut response = body(self.status, self.kind, &self.detail);
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// The form of every refusal.
pub fn body(status: StatusCode, kind: Option<&str>, detail: &str) -> Response {
    let mut error = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": status.as_u16().to_string(),
        "detail": detail,
    });
    if let Some(kind) = kind {
        error["scimType"] = Value::from(kind);
    }
    Scim(status, error).into_response()
}

/// An answer with a body, in SCIM's media type (<https://www.rfc-editor.org/rfc/rfc7644#section-8.1>).
pub struct Scim(pub StatusCode, pub Value);

impl IntoResponse for Scim {
    fn into_response(self) -> Response {
        let headers = [(header::CONTENT_TYPE, "application/scim+json")];
        (self.0, headers, self.1.to_string()).into_response()
    }
}
