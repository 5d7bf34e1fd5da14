//! Single sign-on as Devolutions Cloud has it configured, and the domains that it has verified.
//!
//! What the record holds follows the vendor's page *Configure SSO authentication with Microsoft Entra ID*
//! (<https://github.com/Devolutions/doc>,
//! `docs/content/en/hub/getting-started/get-started-sso-hub-business/configure-sso-authentication-microsoft-azure.md`):
//! a name, the application's client id, a client secret and the discovery URL; the callback URL is shown to be copied.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::provisioning::ProvisioningSpec;
use super::scenario::is_default;

/// How long the vendor looks for a domain's DNS record
/// (<https://github.com/Devolutions/doc>, `…/troubleshooting-articles/domain-validation-troubleshooting.md`).
const DOMAIN_WINDOW: SignedDuration = SignedDuration::from_hours(48);

/// SSO in a scenario file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct SsoSpec {
    pub(crate) provider: Provider,
    pub(crate) name: String,
    pub(crate) enabled: bool,
    pub(crate) force_sso_login: bool,
    /// An application of `entra`, by key; with the provider `openId` only.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) application: Option<String>,
    /// That of this sandbox's tenant if not given.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) discovery_url: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) callback_url: Option<String>,
    pub(crate) domains: Vec<SsoDomainSpec>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) provisioning: ProvisioningSpec,
}

impl Default for SsoSpec {
    fn default() -> Self {
        Self {
            provider: Provider::None,
            name: "Microsoft".to_owned(),
            enabled: true,
            force_sso_login: false,
            application: None,
            discovery_url: None,
            callback_url: None,
            domains: Vec::new(),
            provisioning: ProvisioningSpec::default(),
        }
    }
}

/// How the tenant signs its people in, besides by Devolutions Account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Provider {
    /// An OpenID configuration of the tenant's own, the only form since 2023.
    OpenId,
    /// An organization of the vendor's portal, the form before.
    Organization,
    #[default]
    None,
}

/// A domain whose users may sign in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SsoDomainSpec {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) status: DomainStatus,
}

/// Whether a domain is proven to be the tenant's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DomainStatus {
    #[default]
    Verified,
    Pending,
    Expired,
}

/// SSO as it is now.
#[derive(Debug, Clone)]
pub struct Sso {
    pub provider: Provider,
    pub name: String,
    pub is_enabled: bool,
    pub is_forced: bool,
    pub client_id: Option<Uuid>,
    /// Never told.
    pub client_secret: Option<String>,
    /// Where it is not that of this sandbox's tenant.
    pub discovery_url: Option<String>,
    pub callback_url: String,
    pub updated_at: Timestamp,
    /// Counts how often it has been saved.
    pub revision: u64,
    pub domains: Vec<SsoDomain>,
}

/// A domain as it is now.
#[derive(Debug, Clone)]
pub struct SsoDomain {
    pub name: String,
    pub status: DomainStatus,
    /// What the DNS record has to say.
    pub proof: String,
    /// When the look-up ends or ended; not of a verified one.
    pub expires_at: Option<Timestamp>,
}

impl Sso {
    /// SSO as a scenario describes it; `client` is the application that it names, and a secret of it that is good.
    pub(crate) fn new(spec: &SsoSpec, client: Option<(Uuid, Option<String>)>, namespace: Uuid) -> Self {
        let (client_id, client_secret) = client.map_or((None, None), |(id, secret)| (Some(id), secret));
        let domain = |spec: &SsoDomainSpec| {
            let proof = Uuid::new_v5(&namespace, format!("domain/{}", spec.name).as_bytes()).simple().to_string();
            let mut domain = SsoDomain { name: spec.name.clone(), status: spec.status, proof, expires_at: None };
            domain.set(spec.status);
            domain
        };
        Self {
            provider: spec.provider,
            name: spec.name.clone(),
            is_enabled: spec.enabled,
            is_forced: spec.force_sso_login,
            client_id,
            client_secret,
            discovery_url: spec.discovery_url.clone(),
            callback_url: spec.callback_url.clone().unwrap_or_else(callback),
            updated_at: super::entra::LONG_AGO,
            revision: 0,
            domains: spec.domains.iter().map(domain).collect(),
        }
    }
}

impl Sso {
    /// A tenant's that never had any.
    pub(crate) fn none(namespace: Uuid) -> Self {
        Self::new(&SsoSpec::default(), None, namespace)
    }

    /// Whether any domain is proven to be the tenant's.
    pub(crate) fn has_verified_domain(&self) -> bool {
        self.domains.iter().any(|it| it.status == DomainStatus::Verified)
    }

    /// Whether an e-mail address is of a domain that is proven to be the tenant's.
    pub(crate) fn has_verified(&self, email: &str) -> bool {
        let domain = email.rsplit('@').next().unwrap_or_default();
        self.domains.iter().any(|it| it.status == DomainStatus::Verified && it.name.eq_ignore_ascii_case(domain))
    }
}

impl SsoDomain {
    /// Gives the domain a status, from now on.
    pub fn set(&mut self, status: DomainStatus) {
        let now = Timestamp::now();
        self.status = status;
        self.expires_at = match status {
            DomainStatus::Verified => None,
            DomainStatus::Pending => now.checked_add(DOMAIN_WINDOW).ok(),
            DomainStatus::Expired => now.checked_sub(DOMAIN_WINDOW).ok(),
        };
    }
}

/// The vendor's form of a callback URL is on no public page: it is copied from the screen.
fn callback() -> String {
    "https://sso.devolutions.example/callback".to_owned()
}
