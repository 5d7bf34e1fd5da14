//! `/Groups`.

use std::borrow::Cow;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::error::{Scim, ScimError};
use super::patch::Patch;
use super::resource::{Kind, View, made, sent, with_id};
use super::{effect, tenant_url};
use crate::cloud::{App, Cloud};
use crate::world::{Group, Resource, ScimGroup};

const KIND: Kind = Kind::Group;

fn directory(cloud: &Cloud) -> impl Iterator<Item = (&Uuid, &ScimGroup)> {
    cloud.world.provisioning.iter().flat_map(|it| &it.directory.groups)
}

/// The tenant's groups that are shown although the provider has not made them: none, unless a switch says so. They
/// have no members, for the provider knows none of them.
fn others(cloud: &Cloud) -> impl Iterator<Item = (Uuid, Resource)> {
    let are_listed = cloud.world.switches.scim_lists_custom_groups;
    let is_new = |id: &Uuid| !directory(cloud).any(|(_, it)| it.group == Some(*id));
    let groups = cloud.world.groups.iter().filter(move |(id, _)| are_listed && is_new(id));
    groups.map(|(id, it)| (*id, shown(*id, it)))
}

fn shown(id: Uuid, group: &Group) -> Resource {
    let mut attributes = Map::from_iter([("displayName".to_owned(), json!(group.name))]);
    attributes.extend(group.external_id.map(|it| ("externalId".to_owned(), json!(it.to_string()))));
    made(id, attributes)
}

fn find(cloud: &Cloud, id: Uuid) -> Result<Cow<'_, Resource>, ScimError> {
    let own = directory(cloud).find(|(it, _)| **it == id).map(|(_, it)| Cow::Borrowed(&it.resource));
    let other = || others(cloud).find(|(it, _)| *it == id).map(|(_, it)| Cow::Owned(it));
    own.or_else(other).ok_or_else(|| KIND.none(id))
}

/// Refuses a group that has no name or that of another, and members who are not users.
fn check(cloud: &Cloud, id: Uuid, attributes: &Map<String, Value>) -> Result<(), ScimError> {
    let text = |name: &str| attributes.get(name).and_then(Value::as_str).filter(|it| !it.trim().is_empty());
    let name = text("displayName").ok_or_else(|| ScimError::value("A group has a `displayName`."))?;
    let external_id = text("externalId");
    // Not asked for by the RFC; but two groups of one name could not be told apart by who looks them up by it.
    let is_it = |it: &Resource| {
        it.text("displayName").is_some_and(|it| it.eq_ignore_ascii_case(name))
            || (external_id.is_some() && it.text("externalId") == external_id)
    };
    let own = directory(cloud).any(|(other, it)| *other != id && is_it(&it.resource));
    let is_other = |(other, it): &(Uuid, Resource)| {
        *other != id && is_it(it) && cloud.world.groups.get(other).is_some_and(|it| !it.is_synced)
    };
    if own || others(cloud).any(|it| is_other(&it)) {
        return Err(ScimError::uniqueness(format!("There is a group {name:?} or one of its id already.")));
    }
    let users = cloud.world.provisioning.as_ref().map(|it| &it.directory.users);
    let is_known = |it: &str| it.parse::<Uuid>().is_ok_and(|it| users.is_some_and(|users| users.contains_key(&it)));
    let members = attributes.get("members").and_then(Value::as_array).into_iter().flatten();
    // Nested groups are not supported, says the vendor's page.
    match members.filter_map(|it| it["value"].as_str()).find(|it| !is_known(it)) {
        Some(unknown) => Err(ScimError::value(format!("There is no user {unknown} who could be a member."))),
        None => Ok(()),
    }
}

/// Keeps what a group is now, and lets it take effect; `is_whole` if all of its members have been named.
fn keep(cloud: &mut Cloud, id: Uuid, attributes: Map<String, Value>, is_whole: bool) -> Result<(), ScimError> {
    check(cloud, id, &attributes)?;
    take_over(cloud, id);
    let Some(directory) = cloud.world.provisioning.as_mut().map(|it| &mut it.directory) else { return Ok(()) };
    let Some(it) = directory.groups.get_mut(&id) else { return Ok(()) };
    let before = it.members();
    (it.resource.attributes, it.resource.modified_at) = (with_id(id, attributes), Timestamp::now());
    let members = it.members();
    let user = |id: &Uuid| directory.users.get(id).and_then(|it| it.user);
    for gone in before.difference(&members).filter_map(user) {
        it.inherited.remove(&gone);
    }
    if is_whole {
        it.inherited.clear();
    }
    it.appeared.retain(|it| members.contains(it));
    effect::group_changed(cloud, id);
    Ok(())
}

/// A group of the tenant that is shown and now written to is the provider's from now on.
fn take_over(cloud: &mut Cloud, id: Uuid) {
    let other = others(cloud).find(|(it, _)| *it == id).map(|(_, it)| it);
    let members = cloud.world.groups.get(&id).map(|it| it.members.clone()).unwrap_or_default();
    if let Some((other, it)) = other.zip(cloud.world.provisioning.as_mut()) {
        let group = ScimGroup { group: Some(id), inherited: members, ..ScimGroup::new(other) };
        it.directory.groups.insert(id, group);
    }
}

/// `GET /Groups`
pub async fn list(State(app): State<App>, view: View) -> Result<Scim, ScimError> {
    let cloud = app.cloud();
    let own = directory(&cloud).map(|(_, it)| Cow::Borrowed(&it.resource));
    view.list(KIND, &tenant_url(&app), own.chain(others(&cloud).map(|(_, it)| Cow::Owned(it))))
}

/// `GET /Groups/{id}`
pub async fn read(State(app): State<App>, Path(id): Path<String>, view: View) -> Result<Scim, ScimError> {
    let cloud = app.cloud();
    let group = find(&cloud, KIND.id(&id)?)?;
    Ok(Scim(StatusCode::OK, view.show(KIND, &tenant_url(&app), &group)))
}

/// `POST /Groups`
pub async fn create(State(app): State<App>, view: View, body: Bytes) -> Result<Response, ScimError> {
    let (id, attributes) = (Uuid::new_v4(), sent(&body)?);
    let mut cloud = app.cloud();
    check(&cloud, id, &attributes)?;
    let group = ScimGroup::new(made(id, attributes));
    let shown = view.show(KIND, &tenant_url(&app), &group.resource);
    if let Some(it) = cloud.world.provisioning.as_mut() {
        it.directory.groups.insert(id, group);
    }
    effect::group_changed(&mut cloud, id);
    let location = format!("{}{}/{id}", tenant_url(&app), KIND.endpoint());
    Ok(([(header::LOCATION, location)], Scim(StatusCode::CREATED, shown)).into_response())
}

/// `PUT /Groups/{id}`
pub async fn replace(
    State(app): State<App>,
    Path(id): Path<String>,
    view: View,
    body: Bytes,
) -> Result<Scim, ScimError> {
    let id = KIND.id(&id)?;
    {
        let mut cloud = app.cloud();
        find(&cloud, id)?;
        keep(&mut cloud, id, sent(&body)?, true)?;
    }
    read(State(app), Path(id.to_string()), view).await
}

/// `PATCH /Groups/{id}`: without a body in the answer, as Entra's client expects it.
pub async fn change(State(app): State<App>, Path(id): Path<String>, body: Bytes) -> Result<StatusCode, ScimError> {
    let id = KIND.id(&id)?;
    let mut cloud = app.cloud();
    let patch = Patch::parse(&body)?;
    let attributes = patch.apply(&find(&cloud, id)?.attributes)?;
    keep(&mut cloud, id, attributes, patch.replaces("members"))?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /Groups/{id}`
pub async fn remove(State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode, ScimError> {
    let id = KIND.id(&id)?;
    let mut cloud = app.cloud();
    find(&cloud, id)?;
    take_over(&mut cloud, id);
    effect::group_removed(&mut cloud, id);
    Ok(StatusCode::NO_CONTENT)
}
