//! One principal's permission on one object, kept as it was written.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{FlagNames, Flags, Role};

/// What a permission can be set on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Object {
    /// *System permissions*, level *System*.
    System,
    /// *System permissions*, level *Vaults*: all vaults at once.
    AllVaults,
    /// One vault.
    Vault(Uuid),
    /// A folder or entry.
    Entry { vault: Uuid, entry: Uuid },
}

impl Object {
    /// Which of the four levels it is on.
    pub fn level(self) -> Level {
        match self {
            Self::System => Level::System,
            Self::AllVaults => Level::AllVaults,
            Self::Vault(_) => Level::Vault,
            Self::Entry { .. } => Level::Entry,
        }
    }
}

/// The four levels of permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    System,
    AllVaults,
    Vault,
    Entry,
}

/// Who can hold a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Principal {
    User(Uuid),
    Group(Uuid),
}

/// `{"roleId": …}` or `{"flags": {…}}`, with whatever else the writer put there.
#[derive(Debug, Clone, PartialEq)]
pub struct Permission {
    body: Map<String, Value>,
    flags: Flags,
}

/// Why something is not a permission.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PermissionError {
    #[error("a permission has exactly one of `roleId` and `flags`")]
    NotExactlyOne,
    #[error("system permissions have `flags` only, there are no roles for them")]
    NoRolesHere,
    #[error("`roleId` must be the id of a role of this level, and {0} is none")]
    UnknownRole(Value),
    #[error("`flags` must be an object of true and false")]
    NotFlags,
    #[error("this world cannot tell more than {} flags apart", FlagNames::CAPACITY)]
    TooManyFlags,
}

impl Permission {
    /// Checks what was written; `roles` is `None` where roles do not exist.
    pub fn parse(
        body: Map<String, Value>,
        roles: Option<&IndexMap<Uuid, Role>>,
        names: &mut FlagNames,
    ) -> Result<Self, PermissionError> {
        let flags = match (body.get("roleId"), body.get("flags")) {
            (Some(role), None) => {
                let roles = roles.ok_or(PermissionError::NoRolesHere)?;
                let id = role.as_str().and_then(|text| text.parse().ok());
                let found = id.and_then(|id: Uuid| roles.get(&id));
                found.ok_or_else(|| PermissionError::UnknownRole(role.clone()))?.flags
            }
            (None, Some(Value::Object(flags))) => {
                let mut held = Flags::NONE;
                for (name, value) in flags {
                    if value.as_bool().ok_or(PermissionError::NotFlags)? {
                        held = held.union(names.flag(name).ok_or(PermissionError::TooManyFlags)?);
                    }
                }
                held
            }
            (None, Some(_)) => return Err(PermissionError::NotFlags),
            (Some(_), Some(_)) | (None, None) => return Err(PermissionError::NotExactlyOne),
        };
        Ok(Self { body, flags })
    }

    /// What it grants.
    pub fn flags(&self) -> Flags {
        self.flags
    }

    /// As it was written.
    pub fn body(&self) -> &Map<String, Value> {
        &self.body
    }
}

/// The explicit permissions on one object.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PermissionSet {
    users: BTreeMap<Uuid, Permission>,
    groups: BTreeMap<Uuid, Permission>,
}

impl PermissionSet {
    pub fn get(&self, principal: Principal) -> Option<&Permission> {
        match principal {
            Principal::User(id) => self.users.get(&id),
            Principal::Group(id) => self.groups.get(&id),
        }
    }

    pub fn insert(&mut self, principal: Principal, permission: Permission) {
        match principal {
            Principal::User(id) => self.users.insert(id, permission),
            Principal::Group(id) => self.groups.insert(id, permission),
        };
    }

    pub fn remove(&mut self, principal: Principal) {
        match principal {
            Principal::User(id) => self.users.remove(&id),
            Principal::Group(id) => self.groups.remove(&id),
        };
    }

    pub fn is_empty(&self) -> bool {
        self.users.is_empty() && self.groups.is_empty()
    }

    /// Everybody who holds something here.
    pub fn principals(&self) -> impl Iterator<Item = Principal> {
        let users = self.users.keys().map(|id| Principal::User(*id));
        users.chain(self.groups.keys().map(|id| Principal::Group(*id)))
    }

    /// The `PermissionSet` of the contract.
    pub fn to_json(&self) -> Value {
        let dictionary = |side: &BTreeMap<Uuid, Permission>| {
            side.iter().map(|(id, it)| (id.to_string(), Value::Object(it.body.clone()))).collect::<Map<_, _>>()
        };
        serde_json::json!({"users": dictionary(&self.users), "groups": dictionary(&self.groups)})
    }

    /// A strong entity tag: equal content has an equal tag.
    pub fn etag(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.to_json().to_string().hash(&mut hasher);
        format!("\"{:016x}\"", hasher.finish())
    }
}
