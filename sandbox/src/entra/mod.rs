//! The Entra side: the host where tokens are issued, and Microsoft Graph. They are on ports of their own, so that a
//! token that is sent to the wrong host is noticed.

pub mod graph;
pub mod jwt;
pub mod keys;
pub mod login;
pub mod provisioning;

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

pub use keys::{KeyError, SigningKey};
pub use login::FederatedKeys;

use crate::world::Entra;

/// The header in which a client numbers its requests, to both hosts.
pub const CLIENT_REQUEST_ID: &str = "client-request-id";

/// Where a client finds the Entra side, and the application that it signs in as.
#[derive(Clone)]
pub struct EntraAccess {
    /// Microsoft Graph, without a version.
    pub graph_url: String,
    /// Where tokens are issued, without a tenant.
    pub authority_url: String,
    /// `host:port` of what answers `/metadata/endpoints`.
    pub metadata_host: String,
    /// The tenant.
    pub tenant_id: Uuid,
    /// The application's appId.
    pub client_id: Uuid,
    /// The application's secret, made at start.
    pub client_secret: String,
}

/// What both hosts know beside the tenant.
pub struct Hosts {
    pub graph_url: String,
    pub authority_url: String,
    pub key: Arc<SigningKey>,
}

impl Hosts {
    /// Who issues the tokens for Graph: the older form, as Graph's own tokens have it
    /// (<https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference>).
    pub fn issuer(&self, tenant: Uuid) -> String {
        format!("{}/{tenant}/", self.authority_url)
    }

    /// The OpenID configuration of a tenant.
    pub fn discovery_url(&self, tenant: Uuid) -> String {
        format!("{}/{tenant}/v2.0/.well-known/openid-configuration", self.authority_url)
    }

    /// What a client is told.
    pub fn access(&self, entra: &Entra) -> EntraAccess {
        EntraAccess {
            graph_url: self.graph_url.clone(),
            authority_url: self.authority_url.clone(),
            metadata_host: self.authority_url.trim_start_matches("https://").to_owned(),
            tenant_id: entra.tenant_id,
            client_id: entra.operator,
            client_secret: entra.operator_secret.clone(),
        }
    }
}

/// What the journal calls an application.
fn named(entra: &Entra, app_id: Uuid) -> String {
    if app_id == entra.operator {
        return "operator".to_owned();
    }
    entra.service_principal(app_id).map_or_else(|| app_id.to_string(), |(_, it)| it.display_name.clone())
}

/// A time as Entra's answers have it: without a fraction.
pub fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
