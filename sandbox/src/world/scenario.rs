//! A tenant as a person writes it down: by names, in YAML.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::entra::EntraSpec;
use super::entra::synchronization::CYCLE_SECONDS;
use super::sso::SsoSpec;

/// A whole tenant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scenario {
    /// All ids follow from it and from the names.
    #[serde(default)]
    pub(crate) seed: u64,
    pub(crate) organization: String,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) switches: Switches,
    /// Who the two sets of credentials are.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) identities: Identities,
    pub(crate) users: Vec<UserSpec>,
    #[serde(default)]
    pub(crate) groups: Vec<GroupSpec>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) permissions: TenantGrants,
    #[serde(default)]
    pub(crate) vaults: Vec<VaultSpec>,
    /// The Entra tenant; without it there is none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) entra: Option<EntraSpec>,
    /// Single sign-on in Devolutions Cloud; without it there is none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) sso: Option<SsoSpec>,
}

impl Scenario {
    /// Reads a scenario file.
    pub fn from_yaml(text: &str) -> Result<Self, serde_saphyr::Error> {
        serde_saphyr::from_str(text)
    }

    /// Takes the flag from everybody that an identity provider has brought them.
    pub fn before_provisioning(&mut self) {
        self.users.iter_mut().for_each(|user| user.synced = false);
    }

    /// Has provisioning be enabled, where there is single sign-on.
    pub fn enable_provisioning(&mut self) {
        if let Some(sso) = &mut self.sso {
            sso.provisioning.enabled = true;
        }
    }

    /// Replaces its `switches` by others, e.g. `{noETag: true}`.
    pub fn set_switches(&mut self, yaml: &str) -> Result<(), serde_saphyr::Error> {
        self.switches = serde_saphyr::from_str(yaml)?;
        Ok(())
    }

    /// Writes a scenario file.
    pub fn to_yaml(&self) -> Result<String, serde_saphyr::ser_error::Error> {
        serde_saphyr::to_string(self)
    }
}

/// What no public source tells of Devolutions Cloud, one switch each; the default is the likeliest.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Switches {
    /// Permission sets have no `ETag`, and `If-Match` is not looked at.
    #[serde(skip_serializing_if = "is_default")]
    #[serde(rename = "noETag")]
    pub(crate) no_etag: bool,
    /// Users and groups do not tell whether they are synced.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) no_is_synced: bool,
    /// Synced groups do not tell their Entra object id.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) no_external_id: bool,
    /// How long a login lasts, in seconds; an hour if not given.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) token_lifetime_seconds: Option<u32>,
    /// Vaults, by name, that the operator's identity cannot see.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) hidden_vaults: Vec<String>,
    /// Operations, by id, that the server does not have: a bridge around the cmdlets has none for SSO.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) cannot: Vec<String>,
    /// SSO does not tell which application it uses, nor its discovery URL.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) sso_hides_application: bool,
    /// How long an Entra access token lasts, in seconds; an hour if not given.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) entra_token_lifetime_seconds: Option<u32>,
    /// A service principal's claims mapping and home realm discovery policies can only be read with a permission to
    /// write applications beside `Policy.Read.All`, as the permissions reference says.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) policies_need_application_write: bool,
    /// A grant on a folder or entry is refused to a principal without one on the vault or on all vaults.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) restricted_needs_vault_grant_first: bool,
    /// How long what is written to Entra is not seen by reads and by sign-ins.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) entra_delay_seconds: EntraDelays,
    /// How long an authorization code of Entra's lasts, in seconds; ten minutes if not given.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) entra_code_lifetime_seconds: Option<u32>,
    /// How long the sign-in log lags behind, in seconds.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) sign_in_log_delay_seconds: u32,
    /// How long it is from one provisioning cycle to the next, in seconds; forty minutes if not given.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) provisioning_cycle_seconds: Option<NonZeroU32>,
    /// Logins begun before single sign-on is saved fail after it.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) sso_codes_in_flight_fail: bool,
    /// Which claim of an ID token, and which attribute of SCIM's, tells the e-mail address of a user of Devolutions
    /// Cloud.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) match_users_by: MatchUsersBy,
    /// SCIM shows custom groups too, and takes over those that the provider writes to.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) scim_lists_custom_groups: bool,
    /// What SCIM brings is kept back until synchronization is activated.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) scim_needs_activation: bool,
    /// Users are added to synced groups when they sign in, as the page on invitations has it.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) members_appear_at_login: bool,
    /// A group that SCIM deletes is deleted; else it only loses its members.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) scim_deletes_unassigned: bool,
}

impl Switches {
    /// How many seconds a provisioning cycle of forty minutes lasts.
    pub(crate) fn cycle_seconds(&self) -> u32 {
        self.provisioning_cycle_seconds.map_or(CYCLE_SECONDS, NonZeroU32::get)
    }
}

/// Seconds until a write is seen, by what is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct EntraDelays {
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) applications: u32,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) service_principals: u32,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) assignments: u32,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) secrets: u32,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) consent: u32,
    /// That a provisioning job was started or paused.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) jobs: u32,
    /// Until then every other read sees it, the first one after a write included.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) flaps: bool,
}

impl EntraDelays {
    /// Whether anything is seen late.
    pub(crate) fn are_any(&self) -> bool {
        [self.applications, self.service_principals, self.assignments, self.secrets, self.consent, self.jobs]
            .iter()
            .any(|it| *it > 0)
    }
}

/// A claim of an ID token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum MatchUsersBy {
    #[default]
    Email,
    Upn,
}

/// The users (by e-mail or name) behind the credentials. One that is not listed under `users` is made: an
/// administrator with the role *Vault owners* on all vaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Identities {
    pub(crate) operator: String,
    pub(crate) person: String,
}

impl Default for Identities {
    fn default() -> Self {
        Self { operator: "Migration operator".to_owned(), person: "Alice Admin".to_owned() }
    }
}

/// A user. Others refer to them by `email`, or by `name` where there is none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "so are the user's properties in the product")]
pub(crate) struct UserSpec {
    pub(crate) name: String,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) email: String,
    #[serde(rename = "type", skip_serializing_if = "is_default")]
    pub(crate) user_type: UserType,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) owner: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) administrator: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) disabled: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) invitation: Invitation,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) synced: bool,
}

/// A person or a program.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum UserType {
    #[default]
    User,
    Application,
}

/// Whether the user has joined.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Invitation {
    #[default]
    Accepted,
    Pending,
}

/// A group. Grants refer to it by `key`, which is its name unless two groups share one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct GroupSpec {
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) key: Option<String>,
    pub(crate) kind: GroupKind,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) description: String,
    /// The Entra object id of a synced group; made up if not given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) external_id: Option<Uuid>,
    #[serde(default)]
    pub(crate) members: Vec<String>,
}

/// Where a group comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum GroupKind {
    /// Made in Devolutions Cloud.
    Custom,
    /// Made by provisioning.
    Synced,
}

/// The permissions that are not on a vault or below.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct TenantGrants {
    pub(crate) system: Vec<Grant>,
    pub(crate) all_vaults: Vec<Grant>,
}

/// A vault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct VaultSpec {
    pub(crate) name: String,
    #[serde(rename = "type", default, skip_serializing_if = "is_default")]
    pub(crate) vault_type: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) permissions: Vec<Grant>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) entries: Vec<EntrySpec>,
}

/// A folder or entry; folders above it that are not listed are made.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct EntrySpec {
    /// Names from the vault's root, parted by `/`.
    pub(crate) path: String,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) folder: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) permissions: Vec<Grant>,
}

/// One assignment: a `group` or a `user`, a `role` or `flags`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Grant {
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) group: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) user: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) role: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) flags: Option<Vec<String>>,
    /// Fields that a later version of the product might add; they are kept and returned.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(crate) extra: Map<String, Value>,
}

pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
