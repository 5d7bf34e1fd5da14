//! Looking at the world, and changing it as the world itself does.

use std::collections::{BTreeSet, HashMap};

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::refused;
use crate::access::{self, Cause};
use crate::cloud::App;
use crate::world::{Change, Group, Principal, User, World};

fn user(world: &World, named: &str) -> Option<Uuid> {
    let fits = |id: &Uuid, user: &User| id.to_string() == named || user.email == named || user.name == named;
    world.users.iter().find(|(id, user)| fits(id, user)).map(|(id, _)| *id)
}

#[derive(Deserialize)]
pub struct Whose {
    user: String,
}

/// `GET /control/access?user=<id, e-mail or name>`
pub async fn access(State(app): State<App>, Query(Whose { user: named }): Query<Whose>) -> Response {
    let cloud = app.cloud();
    match user(&cloud.world, &named) {
        Some(user) => Json(access::report(&cloud.world, user)).into_response(),
        None => refused(StatusCode::NOT_FOUND, format!("there is no user {named:?}")),
    }
}

/// `GET /control/world`
pub async fn summary(State(app): State<App>) -> Json<Value> {
    let cloud = app.cloud();
    let world = &cloud.world;
    let mut held: HashMap<Principal, usize> = HashMap::new();
    for principal in world.objects_with_permissions().flat_map(|(_, set)| set.principals()) {
        *held.entry(principal).or_default() += 1;
    }
    let group = |(id, group): (&Uuid, &Group)| {
        let kind = if group.is_synced { "synced" } else { "custom" };
        let assignments = held.get(&Principal::Group(*id)).copied().unwrap_or_default();
        json!({
            "id": id, "name": group.name, "kind": kind, "externalId": group.external_id,
            "members": group.members.len(), "assignments": assignments,
        })
    };
    Json(json!({
        "organization": world.organization,
        "users": world.users.len(),
        "vaults": world.vaults.len(),
        "entries": world.vaults.values().map(|it| it.entries.len()).sum::<usize>(),
        "objectsWithPermissions": world.objects_with_permissions().count(),
        "assignments": held.values().sum::<usize>(),
        "groups": world.groups.iter().map(group).collect::<Vec<_>>(),
    }))
}

/// `GET /control/state`
pub async fn state(State(app): State<App>) -> Json<Value> {
    Json(app.cloud().world.permission_state())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sync {
    /// A synced group, by id or name.
    group: String,
    /// Its members from now on, by e-mail, name or id.
    members: Vec<String>,
}

/// `POST /control/sync`: what provisioning does.
pub async fn sync(State(app): State<App>, Json(sync): Json<Sync>) -> Response {
    let _turn = app.turn.lock().await;
    let mut cloud = app.cloud();
    let fits =
        |(id, group): &(&Uuid, &Group)| group.is_synced && (id.to_string() == sync.group || group.name == sync.group);
    let Some(group) = cloud.world.groups.iter().find(fits).map(|(id, _)| *id) else {
        return refused(StatusCode::NOT_FOUND, format!("there is no synced group {:?}", sync.group));
    };
    let mut members = BTreeSet::new();
    for member in &sync.members {
        let Some(member) = user(&cloud.world, member) else {
            return refused(StatusCode::NOT_FOUND, format!("there is no user {member:?}"));
        };
        members.insert(member);
    }
    cloud.change(&Change::Members { group, members }, &Cause::People);
    StatusCode::NO_CONTENT.into_response()
}
