//! Provisioning of Devolutions Cloud by an identity provider (*Administration - Authentication - Provisioning*;
//! <https://github.com/Devolutions/doc>,
//! `docs/content/en/hub/getting-started/get-started-sso-hub-business/configure-sso-authentication-microsoft-azure.md`).
//! No cmdlet does any of it: the contract's own operations.

use k8s_openapi::jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;

/// The operations of the cloud contract that setting provisioning up takes.
pub const OPERATIONS: [&str; 4] =
    ["getProvisioning", "enableProvisioning", "regenerateProvisioningToken", "activateSynchronization"];

/// Whether an identity provider may provision, and where.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Provisioning {
    /// Whether it is enabled.
    pub enabled: bool,
    /// The SCIM server's address, once it is enabled. Copied as it is, never composed.
    #[serde(default)]
    pub tenant_url: Option<String>,
    /// Whether synchronization is activated, the page's last step.
    #[serde(default)]
    pub synchronization_active: bool,
    /// When its token was made.
    #[serde(default)]
    pub token_created_at: Option<Timestamp>,
    /// Until when its token is good; from then on nobody is provisioned.
    #[serde(default)]
    pub token_expires_at: Option<Timestamp>,
}

/// The same with the token, which is told once.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewProvisioningToken {
    /// What was made.
    #[serde(flatten)]
    pub provisioning: Provisioning,
    /// The token.
    pub secret_token: SecretString,
}
