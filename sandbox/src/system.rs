//! The four systems that are played, and in what they differ before a request is understood: who asks, how a request
//! is numbered, what changes something, and the form of a refusal.

use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::cloud::App;
use crate::fault::Refusal;
use crate::{devolutions, entra, scim};

/// What a request is meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum System {
    DevolutionsCloud,
    /// Where Devolutions Cloud is provisioned.
    Scim,
    /// Microsoft Graph.
    Graph,
    /// Where Entra issues tokens.
    Login,
}

/// A request's numbers: the server's own, and the one that the client gave it or would have.
#[derive(Debug, Clone)]
pub struct Numbers {
    pub server: String,
    pub client: String,
}

impl Numbers {
    /// The numbers of a request with these headers.
    fn of(headers: &HeaderMap, sent: &str) -> Self {
        let server = Uuid::new_v4().to_string();
        let client = headers.get(sent).and_then(|it| it.to_str().ok()).map(str::to_owned);
        Self { client: client.unwrap_or_else(|| server.clone()), server }
    }
}

impl System {
    /// The numbers of a request.
    pub fn numbers(self, headers: &HeaderMap) -> Numbers {
        match self {
            Self::DevolutionsCloud | Self::Scim => Numbers::of(headers, devolutions::REQUEST_ID),
            Self::Graph | Self::Login => Numbers::of(headers, entra::CLIENT_REQUEST_ID),
        }
    }

    /// Who asks, as the journal and the fault rules call them.
    pub fn identity(self, app: &App, headers: &HeaderMap) -> Option<String> {
        match self {
            Self::DevolutionsCloud => devolutions::identity(app, headers),
            Self::Scim => scim::identity(app, headers),
            Self::Graph => entra::graph::identity(app, headers),
            Self::Login => None,
        }
    }

    /// Whether a request asks for a change of the tenant (a login does not).
    pub fn is_write(self, method: &Method, path: &str, body: &[u8]) -> bool {
        match self {
            Self::DevolutionsCloud => {
                let is_session = path.ends_with("/login") || path.ends_with("/logout");
                method != Method::GET && !is_session && !devolutions::asks_others(path)
            }
            Self::Scim => method != Method::GET,
            Self::Graph => entra::graph::is_write(method, path, &serde_json::from_slice(body).unwrap_or(Value::Null)),
            Self::Login => false,
        }
    }

    /// Whether a request asks others before it answers, so that it must not keep them waiting.
    pub fn asks_others(self, path: &str) -> bool {
        match self {
            Self::DevolutionsCloud => devolutions::asks_others(path),
            Self::Graph => entra::graph::asks_others(path),
            Self::Scim | Self::Login => false,
        }
    }

    /// An injected refusal, in the form of the system.
    pub fn refuse(self, status: StatusCode, refusal: &Refusal, numbers: &Numbers) -> Response {
        match self {
            Self::DevolutionsCloud => devolutions::refuse(status, refusal),
            Self::Scim => scim::refuse(status, refusal),
            Self::Graph => entra::graph::refuse(status, refusal, numbers),
            Self::Login => entra::login::refuse(status, refusal, numbers),
        }
    }

    /// The headers that every answer carries.
    pub fn tags(self, numbers: &Numbers) -> Vec<(HeaderName, String)> {
        match self {
            Self::DevolutionsCloud | Self::Scim => {
                vec![(HeaderName::from_static(devolutions::REQUEST_ID), numbers.client.clone())]
            }
            Self::Graph => entra::graph::tags(numbers),
            Self::Login => entra::login::tags(numbers),
        }
    }
}
