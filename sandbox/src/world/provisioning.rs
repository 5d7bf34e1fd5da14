//! Provisioning as Devolutions Cloud has it switched on, and what the identity provider has told it so far.
//!
//! Switching it on shows a tenant URL and a secret token, which lasts for 365 days and can be made anew; *Activate
//! Synchronization* comes last (<https://github.com/Devolutions/doc>,
//! `docs/content/en/hub/getting-started/get-started-sso-hub-business/configure-sso-authentication-microsoft-azure.md`).
//! What the provider sends is kept beside the tenant's users and groups, for it has more people in it than they.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::scenario::is_default;
use super::{MatchUsersBy, Provider, World};

/// How long the secret token lasts, by the vendor's page.
const TOKEN_LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 365);

/// Provisioning in a scenario file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct ProvisioningSpec {
    pub(crate) enabled: bool,
    /// Whether synchronization is activated too.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) active: bool,
    /// When the token was made; now if not given.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) token_created_at: Option<Timestamp>,
}

/// Provisioning that is switched on.
#[derive(Debug, Clone)]
pub struct Provisioning {
    /// Told once.
    pub token: String,
    pub token_created_at: Timestamp,
    /// *Activate Synchronization* has been pressed.
    pub is_active: bool,
    pub directory: Directory,
}

/// What the provider has sent, by the ids that this side has given.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    pub users: IndexMap<Uuid, ScimUser>,
    pub groups: IndexMap<Uuid, ScimGroup>,
}

/// A resource of RFC 7643: its attributes by their names, `id` among them.
#[derive(Debug, Clone)]
pub struct Resource {
    pub attributes: Map<String, Value>,
    pub created_at: Timestamp,
    pub modified_at: Timestamp,
}

/// A user of the provider's.
#[derive(Debug, Clone)]
pub struct ScimUser {
    pub resource: Resource,
    /// The user of the tenant who this is.
    pub user: Option<Uuid>,
    /// Why it is nobody of the tenant, where that is not simply because nobody has been invited yet.
    pub problem: Option<Problem>,
    /// The user of the tenant was disabled because of this one.
    pub has_disabled: bool,
}

/// Why somebody is not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Problem {
    /// Users of other domains cannot be provisioned.
    DomainNotVerified,
    /// Invited, but not there yet.
    InvitationPending,
    /// Another user of the provider's is this user of the tenant already.
    UserTaken,
}

/// A group of the provider's.
#[derive(Debug, Clone)]
pub struct ScimGroup {
    pub resource: Resource,
    /// The group of the tenant that this is.
    pub group: Option<Uuid>,
    /// Who was in that group before, and whom the provider has not spoken of yet.
    pub inherited: BTreeSet<Uuid>,
    /// The members, by their ids here, who have signed in since they are.
    pub appeared: BTreeSet<Uuid>,
}

impl Provisioning {
    /// Switched on at this moment, with a new token.
    pub fn new(now: Timestamp) -> Self {
        Self { token: new_token(), token_created_at: now, is_active: false, directory: Directory::default() }
    }

    /// As a scenario has it, if it has it.
    pub(crate) fn of(spec: &ProvisioningSpec) -> Option<Self> {
        let created_at = spec.token_created_at.unwrap_or_else(Timestamp::now);
        spec.enabled.then(|| Self { is_active: spec.active, ..Self::new(created_at) })
    }

    /// Makes another token; the one before is no longer good.
    pub fn renew(&mut self, now: Timestamp) {
        (self.token, self.token_created_at) = (new_token(), now);
    }

    /// When the token ends.
    pub fn token_expires_at(&self) -> Timestamp {
        self.token_created_at.saturating_add(TOKEN_LIFETIME).unwrap_or(Timestamp::MAX)
    }

    /// Whether this is the token, and still good.
    pub fn admits(&self, token: &str) -> bool {
        self.token == token && self.token_expires_at() > Timestamp::now()
    }
}

/// A token that needs no quotes anywhere. The form of the vendor's is on no public page.
fn new_token() -> String {
    let bytes: [u8; 32] = rand::random();
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Resource {
    /// An attribute that is a text and not empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.attributes.get(name)?.as_str().filter(|it| !it.is_empty())
    }
}

impl ScimUser {
    /// A user of whom nothing has been made yet.
    pub fn new(resource: Resource) -> Self {
        Self { resource, user: None, problem: None, has_disabled: false }
    }

    /// What the tenant would know this one by: the e-mail address for work, or the user name where there is none.
    pub fn address(&self, by: MatchUsersBy) -> &str {
        let is_work = |it: &&Value| it["type"].as_str().is_some_and(|it| it.eq_ignore_ascii_case("work"));
        let emails = self.resource.attributes.get("emails").and_then(Value::as_array);
        let work = emails.and_then(|it| it.iter().find(is_work)?["value"].as_str()).filter(|it| !it.is_empty());
        let user_name = self.resource.text("userName").unwrap_or_default();
        match by {
            MatchUsersBy::Email => work.unwrap_or(user_name),
            MatchUsersBy::Upn => user_name,
        }
    }

    /// Whether the provider still wants this one to be let in.
    pub fn is_active(&self) -> bool {
        self.resource.attributes.get("active") != Some(&Value::Bool(false))
    }
}

impl ScimGroup {
    /// A group of which nothing has been made yet.
    pub fn new(resource: Resource) -> Self {
        Self { resource, group: None, inherited: BTreeSet::new(), appeared: BTreeSet::new() }
    }

    /// Its name.
    pub fn display_name(&self) -> &str {
        self.resource.text("displayName").unwrap_or_default()
    }

    /// Its id at the provider: with Entra the object id.
    pub fn external_id(&self) -> Option<Uuid> {
        self.resource.text("externalId")?.parse().ok()
    }

    /// Its members, by the ids that this side has given.
    pub fn members(&self) -> BTreeSet<Uuid> {
        let members = self.resource.attributes.get("members").and_then(Value::as_array);
        members.into_iter().flatten().filter_map(|it| it["value"].as_str()?.parse().ok()).collect()
    }
}

impl World {
    /// Whether provisioning can be switched on: a domain is verified and single sign-on is enabled (vendor's page).
    pub fn is_ready_for_provisioning(&self) -> bool {
        self.sso.as_ref().is_some_and(|it| it.is_enabled && it.provider != Provider::None && it.has_verified_domain())
    }

    /// Whether what the provider sends is only kept for now.
    pub fn holds_back_scim(&self) -> bool {
        self.switches.scim_needs_activation && self.provisioning.as_ref().is_some_and(|it| !it.is_active)
    }
}
