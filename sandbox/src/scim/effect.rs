//! What the tenant makes of what the provider has sent.
//!
//! By the vendor's page users who are there already are flagged as synced, all others have to be invited, and groups
//! appear among the user groups (`configure-sso-authentication-microsoft-azure.md`). The rest has been decided here:
//! people are matched by e-mail address; a group that was synced before is found again by its Entra id, else by its
//! name, and keeps its members until the provider says otherwise of each; whoever SCIM has disabled, and nobody else,
//! is enabled by it; a user who is deleted is no longer synced and keeps whatever else they have.
//!
//! Like what people do it is a new base line for everybody's access, and nobody's violation.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;
use uuid::Uuid;

use crate::access::Cause;
use crate::cloud::Cloud;
use crate::world::{Change, Group, Invitation, Problem, ScimUser, UserType, World};

/// A user has been sent, for the first time or again.
pub fn user_changed(cloud: &mut Cloud, id: Uuid) {
    if !cloud.world.holds_back_scim() && relate(&mut cloud.world, id) {
        settle_all(cloud, groups_with(&cloud.world, id));
    }
}

/// A user is deleted.
pub fn user_removed(cloud: &mut Cloud, id: Uuid) {
    let groups = groups_with(&cloud.world, id);
    let World { provisioning, users, .. } = &mut cloud.world;
    let Some(directory) = provisioning.as_mut().map(|it| &mut it.directory) else { return };
    let user = directory.users.shift_remove(&id).and_then(|it| it.user);
    for group in &groups {
        let Some(group) = directory.groups.get_mut(group) else { continue };
        if let Some(Value::Array(members)) = group.resource.attributes.get_mut("members") {
            members.retain(|it| it["value"].as_str() != Some(&id.to_string()));
        }
        group.appeared.remove(&id);
        group.inherited.retain(|it| Some(*it) != user);
    }
    if let Some(user) = user.and_then(|it| users.get_mut(&it)) {
        user.is_synced = false;
    }
    settle_all(cloud, groups);
}

/// A group has been sent, for the first time or again.
pub fn group_changed(cloud: &mut Cloud, id: Uuid) {
    if cloud.world.holds_back_scim() {
        return;
    }
    let Some(group) = found_or_made(&mut cloud.world, id) else { return };
    let members = members(&cloud.world, id);
    if cloud.world.groups.get(&group).is_some_and(|it| it.members != members) {
        cloud.change(&Change::Members { group, members }, &Cause::People);
    }
}

/// A group is deleted. Whether the tenant's own goes too is unknown.
pub fn group_removed(cloud: &mut Cloud, id: Uuid) {
    let is_held_back = cloud.world.holds_back_scim();
    let Some(it) = cloud.world.provisioning.as_mut() else { return };
    let Some(group) = it.directory.groups.shift_remove(&id).and_then(|it| it.group).filter(|_| !is_held_back) else {
        return;
    };
    let change = if cloud.world.switches.scim_deletes_unassigned {
        Change::DeleteGroup { group }
    } else {
        Change::Members { group, members: BTreeSet::new() }
    };
    cloud.change(&change, &Cause::People);
}

/// Synchronization is activated: whatever was kept back takes effect.
pub fn activated(cloud: &mut Cloud) {
    let Some(directory) = cloud.world.provisioning.as_ref().map(|it| &it.directory) else { return };
    let (users, groups): (Vec<Uuid>, Vec<Uuid>) =
        (directory.users.keys().copied().collect(), directory.groups.keys().copied().collect());
    for user in users {
        relate(&mut cloud.world, user);
    }
    settle_all(cloud, groups);
}

/// Somebody has signed in. "Synchronized users … will be added automatically as they log in", says the vendor's page
/// on invitations (`invite-users-SSO-hub-business/index.md`); whether that holds for everybody is unknown.
pub fn signed_in(cloud: &mut Cloud, email: &str) {
    if !cloud.world.switches.members_appear_at_login {
        return;
    }
    let World { users, provisioning, .. } = &cloud.world;
    let is_it = |id: Uuid| users.get(&id).is_some_and(|it| it.email.eq_ignore_ascii_case(email));
    let mut people = provisioning.iter().flat_map(|it| &it.directory.users);
    let Some(id) = people.find(|(_, it)| it.user.is_some_and(is_it)).map(|(id, _)| *id) else { return };
    let groups = groups_with(&cloud.world, id);
    let directory = cloud.world.provisioning.as_mut().map(|it| &mut it.directory);
    for (_, group) in directory.into_iter().flat_map(|it| &mut it.groups).filter(|(it, _)| groups.contains(*it)) {
        group.appeared.insert(id);
    }
    settle_all(cloud, groups);
}

/// The users who are nobody of the tenant yet, and could be: with the names of their groups.
pub fn required(world: &World) -> Vec<(&ScimUser, Vec<&str>)> {
    let Some(directory) = world.provisioning.as_ref().filter(|_| !world.holds_back_scim()).map(|it| &it.directory)
    else {
        return Vec::new();
    };
    let groups: Vec<_> = directory.groups.values().map(|it| (it.display_name(), it.members())).collect();
    let is_lacking = |it: &ScimUser| it.user.is_none() && it.problem.is_none() && it.is_active();
    let lacking = directory.users.iter().filter(|(_, it)| is_lacking(it));
    let of = |id: &Uuid| groups.iter().filter(|(_, it)| it.contains(id)).map(|(name, _)| *name).collect();
    lacking.map(|(id, it)| (it, of(id))).collect()
}

fn settle_all(cloud: &mut Cloud, groups: Vec<Uuid>) {
    for group in groups {
        group_changed(cloud, group);
    }
}

/// The groups, by their ids here, that have this user among their members.
fn groups_with(world: &World, id: Uuid) -> Vec<Uuid> {
    let groups = world.provisioning.iter().flat_map(|it| &it.directory.groups);
    groups.filter(|(_, it)| it.members().contains(&id)).map(|(group, _)| *group).collect()
}

/// Finds out who of the tenant somebody is, and makes them what they should be; whether that is now somebody else.
fn relate(world: &mut World, id: Uuid) -> bool {
    let found = find(world, id);
    let World { provisioning, users, .. } = world;
    let directory = provisioning.as_mut().map(|it| &mut it.directory);
    let Some(it) = directory.and_then(|it| it.users.get_mut(&id)) else { return false };
    let former = it.user;
    (it.user, it.problem) = match found {
        Ok(user) => (user, None),
        Err(problem) => (None, Some(problem)),
    };
    if former != it.user {
        it.has_disabled = false;
        if let Some(former) = former.and_then(|it| users.get_mut(&it)) {
            former.is_synced = false;
        }
    }
    if let Some(user) = it.user.and_then(|it| users.get_mut(&it)) {
        user.is_synced = true;
        if !it.is_active() && user.is_enabled {
            (user.is_enabled, it.has_disabled) = (false, true);
        } else if it.is_active() && it.has_disabled {
            (user.is_enabled, it.has_disabled) = (true, false);
        }
    }
    former != it.user
}

/// The user of the tenant who somebody is; nobody, if they have not been invited.
fn find(world: &World, id: Uuid) -> Result<Option<Uuid>, Problem> {
    let people = world.provisioning.as_ref().map(|it| &it.directory.users);
    let Some((people, it)) = people.and_then(|people| Some((people, people.get(&id)?))) else { return Ok(None) };
    let address = it.address(world.switches.match_users_by);
    if !world.sso.as_ref().is_some_and(|it| it.has_verified(address)) {
        return Err(Problem::DomainNotVerified);
    }
    let mut users = world.users.iter().filter(|(_, it)| it.kind == UserType::User);
    let Some((user, found)) = users.find(|(_, it)| it.email.eq_ignore_ascii_case(address)) else { return Ok(None) };
    if found.invitation == Invitation::Pending {
        return Err(Problem::InvitationPending);
    }
    if people.iter().any(|(other, it)| *other != id && it.user == Some(*user)) {
        return Err(Problem::UserTaken);
    }
    Ok(Some(*user))
}

/// The tenant's group that a group is, with the name and id that it has at the provider.
fn found_or_made(world: &mut World, id: Uuid) -> Option<Uuid> {
    let World { provisioning, groups, .. } = world;
    let directory = &mut provisioning.as_mut()?.directory;
    let taken: HashSet<Uuid> = directory.groups.values().filter_map(|it| it.group).collect();
    let it = directory.groups.get_mut(&id)?;
    let (name, external_id) = (it.display_name().to_owned(), it.external_id());
    let group = if let Some(group) = it.group.filter(|it| groups.contains_key(it)) {
        group
    } else {
        let free = || groups.iter().filter(|(id, it)| it.is_synced && !taken.contains(*id));
        let by_id = external_id.and_then(|wanted| free().find(|(_, it)| it.external_id == Some(wanted)));
        let found = by_id.or_else(|| free().find(|(_, it)| it.name.eq_ignore_ascii_case(&name)));
        let found = found.map(|(id, it)| (*id, it.members.clone()));
        let (group, members) = found.unwrap_or_else(|| (Uuid::new_v4(), BTreeSet::new()));
        (it.group, it.inherited) = (Some(group), members);
        group
    };
    let made = || Group {
        name: String::new(),
        description: String::new(),
        is_synced: true,
        external_id: None,
        members: BTreeSet::new(),
    };
    let entry = groups.entry(group).or_insert_with(made);
    entry.is_synced = true;
    entry.external_id = external_id.or(entry.external_id);
    entry.name = name;
    Some(group)
}

/// Who of the tenant is in a group.
fn members(world: &World, id: Uuid) -> BTreeSet<Uuid> {
    let Some(directory) = world.provisioning.as_ref().map(|it| &it.directory) else { return BTreeSet::new() };
    let Some(it) = directory.groups.get(&id) else { return BTreeSet::new() };
    let has_appeared = |member: &Uuid| !world.switches.members_appear_at_login || it.appeared.contains(member);
    let named = it.members().into_iter().filter(has_appeared);
    let named = named.filter_map(|member| directory.users.get(&member)?.user);
    named.chain(it.inherited.iter().copied()).collect()
}
