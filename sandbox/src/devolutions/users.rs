//! Users.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use uuid::Uuid;

use super::caller::Caller;
use super::error::ApiError;
use super::page::Page;
use super::permissions::Id;
use crate::cloud::App;
use crate::world::{User, World};

fn show(world: &World, id: Uuid, user: &User) -> Value {
    let mut json = json!({
        "id": id,
        "email": user.email,
        "name": user.name,
        "userType": user.kind,
        "isAdministrator": user.is_administrator,
        "isOwner": user.is_owner,
        "isEnabled": user.is_enabled,
        "invitationState": user.invitation,
    });
    if !world.switches.no_is_synced {
        json["isSynced"] = user.is_synced.into();
    }
    json
}

/// `GET /users`
pub async fn list(State(app): State<App>, caller: Caller, page: Page) -> Result<Json<Value>, ApiError> {
    let cloud = app.cloud();
    caller.needs(&cloud, "manageUsersGroups")?;
    Ok(page.of(cloud.world.users.iter(), |(id, user)| show(&cloud.world, *id, user)))
}

/// `GET /users/{id}`
pub async fn read(State(app): State<App>, caller: Caller, Id(id): Id) -> Result<Json<Value>, ApiError> {
    let cloud = app.cloud();
    caller.needs(&cloud, "manageUsersGroups")?;
    let user = cloud.world.users.get(&id);
    let user = user.ok_or_else(|| ApiError::not_found("UserNotFound", format!("There is no user {id}.")))?;
    Ok(Json(show(&cloud.world, id, user)))
}
