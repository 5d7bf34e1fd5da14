//! What Devolutions Cloud holds, in our words. Pure data: the planners work on it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// The id of a user group in Devolutions Cloud.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct GroupId(pub Uuid);

/// The id of a user in Devolutions Cloud.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct UserId(pub Uuid);

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A user group, custom or synced (`Get-HubGroup`).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Its name. Names are not unique.
    pub name: String,
    /// Its members.
    pub user_ids: Vec<UserId>,
    /// Whether an identity provider fills it. Absent where the server cannot tell: no public source
    /// documents such a field, though error 13 `OrganizationSynchronizedMember` proves that the
    /// service knows.
    #[serde(default)]
    pub is_synced: Option<bool>,
    /// The SCIM `externalId`: the group's object id in Entra ID, by Entra's default mapping
    /// (<https://learn.microsoft.com/entra/identity/app-provisioning/use-scim-to-provision-users-and-groups>).
    #[serde(default)]
    pub external_id: Option<String>,
}

impl Group {
    /// Whether the server proves that the group comes from Entra ID: by its own word, or, where it
    /// has none to give, by the object id that provisioning left.
    #[must_use]
    pub fn is_provably_synced(&self) -> bool {
        self.is_synced.unwrap_or_else(|| self.external_id.as_ref().is_some_and(|id| !id.is_empty()))
    }
}

/// A user or an application identity (`Get-HubUser`).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Its e-mail address; application identities have none.
    #[serde(default)]
    pub email: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// `User` or `Application`.
    #[serde(default)]
    pub user_type: String,
    /// Whether it may sign in at all. Taken for true where the server does not tell.
    #[serde(default = "yes")]
    pub is_enabled: bool,
    /// Whether it is an administrator.
    #[serde(default)]
    pub is_administrator: bool,
    /// `Accepted` once it has joined, `Pending` before. The names are our contract's (`Get-HubUser`'s
    /// `UserInvitationState` is documented without its values).
    #[serde(default)]
    pub invitation_state: Option<String>,
    /// Whether an identity provider brings it (*Is sync* on the page *Users*). Absent where the server cannot tell.
    #[serde(default)]
    pub is_synced: Option<bool>,
}

fn yes() -> bool {
    true
}

impl User {
    /// What people know it by.
    #[must_use]
    pub fn label(&self) -> &str {
        if self.email.is_empty() { &self.name } else { &self.email }
    }

    /// The e-mail address as addresses are compared: without blanks around it, in small letters.
    #[must_use]
    pub fn address(&self) -> String {
        self.email.trim().to_lowercase()
    }

    /// What is behind the @ of the address.
    #[must_use]
    pub fn domain(&self) -> Option<String> {
        self.address().rsplit_once('@').map(|(_, domain)| domain.to_owned())
    }

    /// Whether this is an application identity, which no Entra group can ever contain.
    #[must_use]
    pub fn is_application(&self) -> bool {
        self.user_type == "Application"
    }

    /// Whether it was invited and has not joined yet.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.invitation_state.as_deref() == Some("Pending")
    }
}

/// How people sign in to the tenant now. No cmdlet reads it: the contract's own operation.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SsoConfiguration {
    /// What signs people in.
    pub provider: SsoProvider,
    /// Whether it is switched on.
    pub enabled: bool,
    /// What it is called in the settings.
    #[serde(default)]
    pub name: Option<String>,
    /// The application (client) id, where the server tells it.
    #[serde(default)]
    pub client_id: Option<String>,
    /// The OpenID Connect metadata document, where the server tells it.
    #[serde(default)]
    pub discovery_url: Option<String>,
    /// Where the identity provider sends people back to.
    #[serde(default)]
    pub callback_url: Option<String>,
}

/// A configuration for single sign-on by OpenID Connect, as it is typed in, without its secret.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SsoClient {
    /// What it is called in the settings.
    pub name: String,
    /// The application (client) id.
    pub client_id: String,
    /// The OpenID Connect metadata document.
    pub discovery_url: String,
}

impl SsoClient {
    /// Whether people sign in by this application, as a server shows it; none where it does not show enough to tell.
    #[must_use]
    pub fn is_shown_by(&self, shown: &SsoConfiguration) -> Option<bool> {
        if shown.provider != SsoProvider::OpenId {
            return Some(false);
        }
        shown.client_id.as_ref().map(|id| id.eq_ignore_ascii_case(&self.client_id))
    }
}

/// What came of trying a configuration.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub struct SsoTest {
    /// Whether it went well.
    pub ok: bool,
    /// Why not.
    #[serde(default)]
    pub error: Option<SsoTestError>,
}

/// Why a configuration does not work.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
pub struct SsoTestError {
    /// Where it failed.
    #[serde(default)]
    pub stage: String,
    /// A word or an AADSTS code.
    #[serde(default)]
    pub code: String,
}

/// What signs people in.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SsoProvider {
    /// An application at an identity provider, by OpenID Connect.
    OpenId,
    /// An organization of the Devolutions Portal, as it was before 2023. No write could bring that back.
    Organization,
    /// Nothing: people sign in with a Devolutions Account.
    None,
}

/// An e-mail domain of the tenant
/// (*Administration - Authentication - Domain*; <https://github.com/Devolutions/doc>,
/// `docs/content/en/hub/kb/hub-business/troubleshooting-articles/domain-validation-troubleshooting.md`).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Domain {
    /// Its name.
    pub name: String,
    /// `Pending`, `Verified` or `Expired`.
    pub status: String,
    /// The name of the DNS record that proves it.
    #[serde(default)]
    pub host_name: Option<String>,
    /// What that TXT record must say.
    #[serde(default)]
    pub txt_value: Option<String>,
}

impl Domain {
    /// Whether its users can sign in by single sign-on and be provisioned.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.status == "Verified"
    }
}

/// The identity that the operator works as (`Get-HubContext`).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// Its user id.
    pub user_id: UserId,
    /// Its name.
    pub name: String,
    /// Whether it is an administrator.
    #[serde(default)]
    pub is_administrator: bool,
}

/// What one principal may do at one place: a role or a set of flags, copied as it came, unknown
/// fields and their order included.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Permission(pub Value);

/// A place that can hold permissions of its own. The order is that of the revokes: from the root down.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(tag = "level")]
pub enum Place {
    /// System permissions (`*-HubSystemPermission`): administration, not the content of vaults.
    System,
    /// Permissions on all vaults (`*-HubSystemVaultPermission`).
    AllVaults,
    /// Permissions on one vault (`*-HubVaultPermission`).
    Vault {
        /// The vault's id.
        vault: Uuid,
    },
    /// Permissions on one folder or entry (`*-HubEntryPermission`).
    Entry {
        /// The vault's id.
        vault: Uuid,
        /// The entry's id.
        entry: Uuid,
    },
}

/// By id: for a place whose name is not known (any more).
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("the system permissions"),
            Self::AllVaults => f.write_str("the permissions on all vaults"),
            Self::Vault { vault } => write!(f, "vault {vault}"),
            Self::Entry { vault, entry } => write!(f, "entry {entry} of vault {vault}"),
        }
    }
}

/// A place with the groups that hold something there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Holding {
    /// What people know the place by, such as `vault "Payments"`.
    pub label: String,
    /// The places above it, the root first.
    pub ancestors: Vec<Place>,
    /// What each group holds here itself, nothing inherited.
    pub groups: BTreeMap<GroupId, Permission>,
    /// Who holds something here in person.
    pub users: BTreeSet<UserId>,
}

/// Every place that this identity can read and where anything is assigned.
pub type Inventory = BTreeMap<Place, Holding>;
