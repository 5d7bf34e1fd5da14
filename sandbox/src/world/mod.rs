//! The tenant that the sandbox plays: who there is, what there is, and who may do what where.
//!
//! Its shape follows the objects of the vendor's PowerShell module (users, groups, vaults, entries, roles, and one
//! dictionary of permissions for users and one for groups at each of four levels), as documented in
//! <https://github.com/Devolutions/doc>, `docs/content/en/powershell/hub-powershell`.

mod build;
pub mod entra;
mod flags;
mod generate;
mod names;
mod permission;
mod provisioning;
mod roles;
mod scenario;
mod sso;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use indexmap::IndexMap;
use serde_json::{Map, Value, json};
use uuid::Uuid;

pub use build::ScenarioError;
pub use entra::Entra;
pub use flags::{FlagNames, Flags};
pub use generate::{Sizes, generate};
pub use permission::{Level, Object, Permission, PermissionError, PermissionSet, Principal};
pub use provisioning::{Problem, Provisioning, Resource, ScimGroup, ScimUser};
pub use roles::Role;
pub use scenario::Scenario;
pub(crate) use scenario::{Invitation, MatchUsersBy, Switches, UserType};
pub(crate) use sso::{DomainStatus, Provider};
pub use sso::{Sso, SsoDomain};

/// A user of the tenant: a person or an application identity.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "so are the user's properties in the product")]
pub struct User {
    pub name: String,
    /// Empty for an application identity, which has none.
    pub email: String,
    pub kind: UserType,
    pub is_administrator: bool,
    pub is_owner: bool,
    pub is_enabled: bool,
    pub invitation: Invitation,
    pub is_synced: bool,
}

/// A group of users: custom (made in Devolutions Cloud) or synced (made by provisioning).
#[derive(Debug, Clone)]
pub struct Group {
    pub name: String,
    pub description: String,
    pub is_synced: bool,
    /// The Entra object id, on synced groups only.
    pub external_id: Option<Uuid>,
    pub members: BTreeSet<Uuid>,
}

/// A vault and its entries, parents before their children.
#[derive(Debug, Clone)]
pub struct Vault {
    pub name: String,
    pub kind: String,
    pub entries: IndexMap<Uuid, Entry>,
}

/// A folder or an entry of a vault.
#[derive(Debug, Clone)]
pub struct Entry {
    pub name: String,
    pub is_folder: bool,
    /// The folders above it, the outermost first.
    pub ancestors: Vec<Uuid>,
    /// Counts the changes of this entry, its permissions included.
    pub version: u64,
}

/// Something that changes who may do what.
#[derive(Debug, Clone)]
pub enum Change {
    /// One principal's assignment on one object is set, or taken away.
    Assign { object: Object, principal: Principal, permission: Option<Permission> },
    /// A group's members become these.
    Members { group: Uuid, members: BTreeSet<Uuid> },
    /// A group goes, with its memberships and assignments.
    DeleteGroup { group: Uuid },
}

/// The whole tenant.
#[derive(Debug, Clone)]
pub struct World {
    pub organization: String,
    pub organization_id: Uuid,
    pub switches: Switches,
    pub users: IndexMap<Uuid, User>,
    pub groups: IndexMap<Uuid, Group>,
    pub vaults: IndexMap<Uuid, Vault>,
    pub vault_roles: IndexMap<Uuid, Role>,
    pub entry_roles: IndexMap<Uuid, Role>,
    pub flag_names: FlagNames,
    /// The Entra tenant, if the scenario has one.
    pub entra: Option<Entra>,
    /// Single sign-on, if the scenario has it.
    pub sso: Option<Sso>,
    /// Provisioning, if it is switched on.
    pub provisioning: Option<Provisioning>,
    /// The identity whose writes are judged.
    pub operator: Uuid,
    /// The identity whose writes stand for people's writes.
    pub person: Uuid,
    permissions: HashMap<Object, PermissionSet>,
    groups_of: HashMap<Uuid, BTreeSet<Uuid>>,
}

impl World {
    /// The explicit permissions of an object; none where nobody has any.
    pub fn permissions(&self, object: Object) -> Option<&PermissionSet> {
        self.permissions.get(&object).filter(|set| !set.is_empty())
    }

    /// Every object that has explicit permissions, in no order.
    pub fn objects_with_permissions(&self) -> impl Iterator<Item = (Object, &PermissionSet)> {
        self.permissions.iter().filter(|(_, set)| !set.is_empty()).map(|(object, set)| (*object, set))
    }

    /// The groups that a user is a member of.
    pub fn groups_of(&self, user: Uuid) -> impl Iterator<Item = Uuid> {
        self.groups_of.get(&user).into_iter().flatten().copied()
    }

    /// The user and each of their groups.
    pub fn principals_of(&self, user: Uuid) -> Vec<Principal> {
        std::iter::once(Principal::User(user)).chain(self.groups_of(user).map(Principal::Group)).collect()
    }

    /// An entry of a vault.
    pub fn entry(&self, vault: Uuid, entry: Uuid) -> Option<&Entry> {
        self.vaults.get(&vault)?.entries.get(&entry)
    }

    /// The objects whose assignments count at `object`, the root first and `object` itself last.
    ///
    /// System permissions stand for themselves; everything else hangs below "all vaults".
    pub fn path(&self, object: Object) -> Vec<Object> {
        match object {
            Object::System => vec![Object::System],
            Object::AllVaults => vec![Object::AllVaults],
            Object::Vault(_) => vec![Object::AllVaults, object],
            Object::Entry { vault, entry } => {
                let above = self.entry(vault, entry).map(|it| it.ancestors.as_slice()).unwrap_or_default();
                let folders = above.iter().map(|folder| Object::Entry { vault, entry: *folder });
                [Object::AllVaults, Object::Vault(vault)].into_iter().chain(folders).chain([object]).collect()
            }
        }
    }

    /// Makes a permission of what a client or a scenario wrote, for a given level.
    pub fn parse_permission(&mut self, level: Level, body: Map<String, Value>) -> Result<Permission, PermissionError> {
        let roles = match level {
            Level::System => None,
            Level::AllVaults | Level::Vault => Some(&self.vault_roles),
            Level::Entry => Some(&self.entry_roles),
        };
        Permission::parse(body, roles, &mut self.flag_names)
    }

    /// Applies a change. What does not exist is left alone: callers have looked it up.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Assign { object, principal, permission } => {
                let set = self.permissions.entry(*object).or_default();
                match permission {
                    Some(permission) => set.insert(*principal, permission.clone()),
                    None => set.remove(*principal),
                }
                if let Object::Entry { vault, entry } = object
                    && let Some(entry) = self.vaults.get_mut(vault).and_then(|it| it.entries.get_mut(entry))
                {
                    entry.version += 1;
                }
            }
            Change::Members { group, members } => self.set_members(*group, members.clone()),
            Change::DeleteGroup { group } => {
                self.set_members(*group, BTreeSet::new());
                self.groups.shift_remove(group);
                for set in self.permissions.values_mut() {
                    set.remove(Principal::Group(*group));
                }
            }
        }
    }

    fn set_members(&mut self, id: Uuid, members: BTreeSet<Uuid>) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        for user in group.members.difference(&members) {
            if let Some(groups) = self.groups_of.get_mut(user) {
                groups.remove(&id);
            }
        }
        for user in members.difference(&group.members) {
            self.groups_of.entry(*user).or_default().insert(id);
        }
        group.members = members;
    }

    /// A vault's place in words, for people: `vault "Infrastructure" / "Servers" / "Linux"`.
    pub fn describe(&self, object: Object) -> String {
        match object {
            Object::System => "system permissions".to_owned(),
            Object::AllVaults => "all vaults".to_owned(),
            Object::Vault(vault) => {
                format!("vault {:?}", self.vaults.get(&vault).map_or("?", |it| it.name.as_str()))
            }
            Object::Entry { vault, entry } => {
                let mut text = self.describe(Object::Vault(vault));
                let above = self.entry(vault, entry).map(|it| it.ancestors.clone()).unwrap_or_default();
                for id in above.into_iter().chain([entry]) {
                    let name = self.entry(vault, id).map_or("?", |it| it.name.as_str());
                    text = format!("{text} / {name:?}");
                }
                text
            }
        }
    }

    /// All explicit permissions in one canonical form: objects in the order of their ids, empty ones left out,
    /// each permission as it was written.
    pub fn permission_state(&self) -> Value {
        let ordered: BTreeMap<Object, &PermissionSet> = self.objects_with_permissions().collect();
        let mut vaults = Map::new();
        let mut entries = Map::new();
        let (mut system, mut all_vaults) = (PermissionSet::default().to_json(), PermissionSet::default().to_json());
        for (object, set) in ordered {
            match object {
                Object::System => system = set.to_json(),
                Object::AllVaults => all_vaults = set.to_json(),
                Object::Vault(vault) => {
                    vaults.insert(vault.to_string(), set.to_json());
                }
                Object::Entry { vault, entry } => {
                    entries.insert(format!("{vault}/{entry}"), set.to_json());
                }
            }
        }
        json!({"system": system, "allVaults": all_vaults, "vaults": vaults, "entries": entries})
    }
}
