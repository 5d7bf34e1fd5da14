//! User groups and their members.

use std::collections::{BTreeSet, HashMap};

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::caller::Caller;
use super::error::ApiError;
use super::page::Page;
use super::permissions::{Id, guid};
use crate::cloud::{App, Cloud};
use crate::world::{Change, Group, World};

fn show(world: &World, id: Uuid, group: &Group) -> Value {
    let mut json = json!({
        "id": id,
        "name": group.name,
        "description": group.description,
        "userIds": group.members,
    });
    if !world.switches.no_is_synced {
        json["isSynced"] = group.is_synced.into();
    }
    if let Some(external_id) = group.external_id.filter(|_| !world.switches.no_external_id) {
        json["externalId"] = external_id.to_string().into();
    }
    json
}

fn find(world: &World, id: Uuid) -> Result<&Group, ApiError> {
    world.groups.get(&id).ok_or_else(|| ApiError::not_found("GroupNotFound", format!("There is no group {id}.")))
}

/// A group that this caller may change.
fn writable<'a>(cloud: &'a Cloud, caller: &Caller, id: Uuid) -> Result<&'a Group, ApiError> {
    caller.needs(cloud, "manageUsersGroups")?;
    let group = find(&cloud.world, id)?;
    if group.is_synced { Err(ApiError::synchronized()) } else { Ok(group) }
}

/// `GET /groups`
pub async fn list(State(app): State<App>, caller: Caller, page: Page) -> Result<Json<Value>, ApiError> {
    let cloud = app.cloud();
    caller.needs(&cloud, "manageUsersGroups")?;
    Ok(page.of(cloud.world.groups.iter(), |(id, group)| show(&cloud.world, *id, group)))
}

/// `GET /groups/{id}`
pub async fn read(State(app): State<App>, caller: Caller, Id(id): Id) -> Result<Json<Value>, ApiError> {
    let cloud = app.cloud();
    caller.needs(&cloud, "manageUsersGroups")?;
    Ok(Json(show(&cloud.world, id, find(&cloud.world, id)?)))
}

#[derive(Deserialize)]
pub struct Update {
    name: Option<String>,
    description: Option<String>,
}

/// `PATCH /groups/{id}`
pub async fn update(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    body: Result<Json<Update>, JsonRejection>,
) -> Result<Json<Value>, ApiError> {
    let Json(update) = body?;
    let mut cloud = app.cloud();
    writable(&cloud, &caller, id)?;
    if update.name.as_ref().is_some_and(String::is_empty) {
        return Err(ApiError::invalid("A group has a name."));
    }
    if let Some(group) = cloud.world.groups.get_mut(&id) {
        group.name = update.name.unwrap_or_else(|| group.name.clone());
        group.description = update.description.unwrap_or_else(|| group.description.clone());
    }
    caller.log(&mut cloud, "UpdateGroup", id.to_string());
    Ok(Json(show(&cloud.world, id, find(&cloud.world, id)?)))
}

/// `DELETE /groups/{id}`
pub async fn remove(State(app): State<App>, caller: Caller, Id(id): Id) -> Result<StatusCode, ApiError> {
    let mut cloud = app.cloud();
    writable(&cloud, &caller, id)?;
    caller.change(&mut cloud, &Change::DeleteGroup { group: id }, "DeleteGroup", id.to_string());
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Members {
    user_ids: BTreeSet<Uuid>,
}

/// `POST /groups/{id}/members`
pub async fn add_members(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    body: Result<Json<Members>, JsonRejection>,
) -> Result<Json<Value>, ApiError> {
    let Json(Members { user_ids }) = body?;
    let mut cloud = app.cloud();
    let members = &writable(&cloud, &caller, id)?.members | &user_ids;
    if let Some(unknown) = user_ids.iter().find(|it| !cloud.world.users.contains_key(*it)) {
        return Err(ApiError::not_found("UserNotFound", format!("There is no user {unknown}.")));
    }
    caller.change(&mut cloud, &Change::Members { group: id, members }, "AddGroupUser", id.to_string());
    Ok(Json(show(&cloud.world, id, find(&cloud.world, id)?)))
}

/// `DELETE /groups/{id}/members/{user}`
pub async fn remove_member(
    State(app): State<App>,
    caller: Caller,
    Path(path): Path<HashMap<String, String>>,
) -> Result<StatusCode, ApiError> {
    let (id, user) = (guid(&path, "id")?, guid(&path, "user")?);
    let mut cloud = app.cloud();
    let mut members = writable(&cloud, &caller, id)?.members.clone();
    if !members.remove(&user) {
        return Err(ApiError::not_found("MemberNotFound", format!("User {user} is no member of group {id}.")));
    }
    caller.change(&mut cloud, &Change::Members { group: id, members }, "RemoveGroupUser", id.to_string());
    Ok(StatusCode::NO_CONTENT)
}
