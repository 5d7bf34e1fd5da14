//! Who asks, and with which permissions: both are in the token.

use std::collections::HashSet;

use axum::http::{HeaderMap, header};
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::error::GraphError;
use crate::entra::Hosts;
use crate::entra::jwt::Jwt;
use crate::world::Entra;

/// The permissions that let an application read users in full.
const READ_USERS: &[&str] = &["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];

/// How much of a user is shown
/// (<https://learn.microsoft.com/en-us/graph/permissions-overview#limited-information-returned-for-inaccessible-member-objects>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// Everything.
    Full,
    /// The basic profile.
    Basic,
    /// That there is one, and its id.
    Id,
}

/// An application with a good token.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The application's appId, and its service principal's object id.
    pub app_id: Uuid,
    pub principal: Uuid,
    roles: HashSet<String>,
}

impl Caller {
    /// The caller of a request with these headers.
    pub fn of(headers: &HeaderMap, hosts: &Hosts, entra: &Entra) -> Result<Self, GraphError> {
        let jwt =
            bearer(headers).filter(|it| !it.is_empty()).ok_or_else(|| GraphError::token("Access token is empty."))?;
        let malformed = "IDX14100: JWT is not well formed, there are no dots (.).\nThe token needs to be in JWS or JWE \
                         Compact Serialization Format. (JWS): 'EncodedHeader.EncodedPayload.EncodedSignature'. (JWE): \
                         'EncodedProtectedHeader.EncodedEncryptedKey.EncodedInitializationVector.EncodedCiphertext.\
                         EncodedAuthenticationTag'.";
        let jwt = Jwt::parse(jwt).ok_or_else(|| GraphError::token(malformed))?;
        if !jwt.is_signed_by(&hosts.key.public, &["RS256"]) || jwt.claim("iss") != Some(&*hosts.issuer(entra.tenant_id))
        {
            return Err(GraphError::token("Access token validation failure. Invalid signature."));
        }
        if !jwt.is_for(&hosts.graph_url) {
            return Err(GraphError::token("Access token validation failure. Invalid audience."));
        }
        if jwt.time("exp").is_none_or(|it| it <= Timestamp::now()) {
            return Err(GraphError::token("Lifetime validation failed, the token is expired."));
        }
        let roles = jwt.claims.get("roles").and_then(Value::as_array).cloned().unwrap_or_default();
        let id = |name: &str| jwt.claim(name).and_then(|it| it.parse().ok()).unwrap_or_default();
        let (app_id, principal) = (id("appid"), id("oid"));
        Ok(Self { app_id, principal, roles: roles.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect() })
    }

    /// Whether the caller has one of these permissions.
    pub fn has(&self, any: &[&str]) -> bool {
        any.iter().any(|it| self.roles.contains(*it))
    }

    /// Refuses whoever has none of these permissions.
    pub fn needs(&self, any: &[&str]) -> Result<(), GraphError> {
        if self.has(any) { Ok(()) } else { Err(GraphError::denied()) }
    }

    /// How much of users this caller sees.
    pub fn sight(&self) -> Sight {
        if self.has(READ_USERS) {
            Sight::Full
        } else if self.has(&["User.ReadBasic.All"]) {
            Sight::Basic
        } else {
            Sight::Id
        }
    }
}

/// The token of a request.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
}
