//! A tenant at one moment, by the sandbox's word.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::Value;

use super::manifests::Pair;
use crate::error::{Error, Result};
use crate::sandbox::Sandbox;

/// What was there.
pub(super) struct Tenant {
    /// Counts, and the groups with how many permissions each holds.
    pub(super) world: Value,
    /// By id.
    pub(super) users: BTreeMap<String, Person>,
    /// The applications by which people get in, by client id.
    pub(super) signs_in_by: BTreeSet<String>,
    /// What Entra ID holds.
    pub(super) entra: Value,
    /// Whether synchronization is activated.
    pub(super) is_synchronizing: bool,
    /// All permissions.
    pub(super) state: Value,
    /// By user, what they may do where, under each rule by which rights may combine.
    pub(super) access: BTreeMap<String, Value>,
}

/// A user of it.
#[derive(Debug)]
pub(super) struct Person {
    /// The e-mail address; empty for a program.
    pub(super) email: String,
    /// Whether the user is enabled in Devolutions Cloud.
    pub(super) is_enabled: bool,
    /// Whether provisioning has brought the user across. A user who left is none of its any more.
    pub(super) came: bool,
    /// Whether the user could sign in with an account of Entra ID.
    pub(super) gets_in: bool,
}

impl Tenant {
    /// Looks at it. Everybody tries to sign in, unnoticed.
    pub(super) async fn look(sandbox: &Sandbox) -> Result<Self> {
        let listed = sandbox.as_person().await?.call(Method::GET, "/api/v1/users?pageSize=500", None).await?;
        let (tried, scim) = (sandbox.who_can_sign_in().await?, sandbox.scim().await?);
        let able: BTreeSet<&str> = each(&tried["users"]).filter_map(Value::as_str).collect();
        let got_in = each(&tried["each"]).filter(|one| one["ok"] == true);
        let signs_in_by = got_in.filter_map(|one| one["application"].as_str().map(str::to_owned)).collect();
        let came: BTreeSet<&str> =
            each(&scim["users"]).filter(|one| one["active"] == true).filter_map(|one| one["user"].as_str()).collect();
        let (mut users, mut access) = (BTreeMap::new(), BTreeMap::new());
        for user in each(&listed["data"]) {
            let Some(id) = user["id"].as_str() else { continue };
            let email = user["email"].as_str().unwrap_or_default();
            let person = Person {
                is_enabled: user["isEnabled"] == true,
                came: came.contains(id),
                gets_in: able.contains(email),
                email: email.to_owned(),
            };
            users.insert(id.to_owned(), person);
            access.insert(id.to_owned(), sandbox.access(id).await?["places"].clone());
        }
        let world = sandbox.world().await?;
        if world["users"].as_u64() != u64::try_from(users.len()).ok() {
            return Err(Error::Demo(format!("{} of {} users were listed", users.len(), world["users"])));
        }
        let is_synchronizing = scim["synchronizationActive"] == true;
        let (entra, state) = (sandbox.entra().await?, sandbox.state().await?);
        Ok(Self { world, users, signs_in_by, entra, is_synchronizing, state, access })
    }

    /// How many are so.
    pub(super) fn count(&self, is: fn(&Person) -> bool) -> u64 {
        self.users.values().map(|person| u64::from(is(person))).sum()
    }

    /// The rules by which rights may combine, as far as they made a difference to anybody.
    pub(super) fn rules(&self) -> BTreeSet<&str> {
        let places = self.access.values().filter_map(Value::as_array).flatten();
        places.filter_map(|place| place["access"].as_object()).flatten().map(|(rule, _)| rule.as_str()).collect()
    }

    /// How many permissions a group holds.
    pub(super) fn held_by(&self, group: &str) -> Option<u64> {
        each(&self.world["groups"]).find(|one| one["id"] == group)?["assignments"].as_u64()
    }

    /// All permissions, if each Entra group held what its custom group holds.
    pub(super) fn replaced(&self, pairs: &[Pair]) -> Value {
        let mut state = self.state.clone();
        let (mut vaults, mut entries) = (state["vaults"].take(), state["entries"].take());
        let below =
            [&mut vaults, &mut entries].into_iter().filter_map(Value::as_object_mut).flat_map(|map| map.iter_mut());
        let mut sets: Vec<&mut Value> = below.map(|(_, set)| set).collect();
        if let Some(top) = state.as_object_mut() {
            sets.extend(top.iter_mut().filter(|(_, set)| !set.is_null()).map(|(_, set)| set));
        }
        for groups in sets.into_iter().filter_map(|set| set["groups"].as_object_mut()) {
            for pair in pairs {
                if let Some(held) = groups.remove(&pair.custom_id) {
                    groups.insert(pair.entra_id.clone(), held);
                }
            }
        }
        (state["vaults"], state["entries"]) = (vaults, entries);
        state
    }
}

/// The elements of a list.
pub(super) fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}
