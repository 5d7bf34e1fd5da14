//! Who is in scope: users who are assigned or direct members of an assigned group, and the assigned groups. Groups
//! within groups do not count
//! (<https://learn.microsoft.com/en-us/entra/identity/app-provisioning/how-provisioning-works#scoping>).

use std::collections::BTreeSet;

use indexmap::IndexMap;
use uuid::Uuid;

use super::attributes;
use crate::world::Entra;
use crate::world::entra::Member;
use crate::world::entra::synchronization::Attributes;

/// A user as the service reads it.
#[derive(Debug, Clone)]
pub struct Subject {
    pub id: Uuid,
    pub display_name: String,
    pub upn: String,
    pub is_enabled: bool,
    pub attributes: Attributes,
}

/// A group as the service reads it.
#[derive(Debug, Clone)]
pub struct SubjectGroup {
    pub id: Uuid,
    pub display_name: String,
    pub users: BTreeSet<Uuid>,
}

/// Everybody in scope.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    pub users: IndexMap<Uuid, Subject>,
    pub groups: IndexMap<Uuid, SubjectGroup>,
}

impl Scope {
    /// The scope of an application; `all` is that of `SyncAll`, where assignments do not matter.
    pub fn of(entra: &Entra, principal: Uuid, all: bool) -> Self {
        let assigned = entra.service_principals.get(&principal).into_iter().flat_map(|it| it.assigned.values());
        let assigned: BTreeSet<Member> = assigned.map(|it| it.principal).collect();
        let mut scope = Self::default();
        for (id, group) in &entra.groups {
            if all || assigned.contains(&Member::Group(*id)) {
                let (display_name, users) = (group.display_name.clone(), group.users.clone());
                scope.groups.insert(*id, SubjectGroup { id: *id, display_name, users });
            }
        }
        for id in entra.users.keys() {
            let is_member = || scope.groups.values().any(|it| it.users.contains(id));
            if (all || assigned.contains(&Member::User(*id)) || is_member())
                && let Some(subject) = subject(entra, *id)
            {
                scope.users.insert(*id, subject);
            }
        }
        scope
    }
}

/// A user, in scope or not.
pub fn subject(entra: &Entra, id: Uuid) -> Option<Subject> {
    let person = entra.users.get(&id)?;
    let (display_name, upn) = (person.display_name.clone(), person.upn.clone());
    Some(Subject { id, display_name, upn, is_enabled: person.is_enabled, attributes: attributes::of(person) })
}
