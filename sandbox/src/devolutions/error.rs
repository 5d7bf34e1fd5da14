//! Refusals, with the numbers that are documented for Devolutions Hub
//! (<https://github.com/Devolutions/doc>,
//! `docs/content/en/hub/kb/hub-business/troubleshooting-articles/errors-list.md`).

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::world::PermissionError;

/// A refusal: status, number, name and a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    status: StatusCode,
    code: u32,
    name: &'static str,
    message: String,
}

impl ApiError {
    /// 401: no token, or one that is unknown or too old; or credentials that are wrong.
    pub fn unauthenticated(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, 0, "Unauthenticated", message)
    }

    /// 403/1, documented as *`UserDisabled`*.
    pub fn user_disabled() -> Self {
        Self::new(StatusCode::FORBIDDEN, 1, "UserDisabled", "This user is disabled.")
    }

    /// 403/8, documented as *`AccessDenied`*, the default.
    pub fn access_denied(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, 8, "AccessDenied", message)
    }

    /// 403/13, documented with this text.
    pub fn synchronized() -> Self {
        let text = "The synchronized group cannot be edited or deleted using SSO.";
        Self::new(StatusCode::FORBIDDEN, 13, "OrganizationSynchronizedMember", text)
    }

    /// 404, with a name that says what was not found.
    pub fn not_found(name: &'static str, what: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, 0, name, what.to_string())
    }

    /// 405.
    pub fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            0,
            "MethodNotAllowed",
            "The contract has no such operation on this path.",
        )
    }

    /// 400.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, 0, "InvalidData", message)
    }

    /// 409, with a name that says what is in the way.
    pub fn conflict(name: &'static str, message: &str) -> Self {
        Self::new(StatusCode::CONFLICT, 0, name, message)
    }

    /// 412.
    pub fn precondition_failed() -> Self {
        let text = "The permissions have changed since the ETag in If-Match was read.";
        Self::new(StatusCode::PRECONDITION_FAILED, 0, "PreconditionFailed", text)
    }

    fn new(status: StatusCode, code: u32, name: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, name, message: message.into() }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        body(self.status, self.code, self.name, &self.message)
    }
}

/// The form of every refusal.
pub fn body(status: StatusCode, code: u32, name: &str, message: &str) -> Response {
    (status, Json(json!({"code": code, "name": name, "message": message}))).into_response()
}

impl From<PermissionError> for ApiError {
    fn from(error: PermissionError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        Self::invalid(rejection.body_text())
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        Self::invalid(rejection.body_text())
    }
}
