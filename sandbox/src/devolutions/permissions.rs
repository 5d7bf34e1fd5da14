//! Permissions on the four levels: one set per object, one write per object and principal.

use std::collections::HashMap;

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Json, Router};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::caller::Caller;
use super::error::ApiError;
use crate::cloud::{App, Cloud};
use crate::world::{Change, Level, Object, Permission, PermissionSet, Principal, Vault};

type Segments = HashMap<String, String>;

/// A GUID among the path's segments.
pub fn guid(path: &Segments, name: &str) -> Result<Uuid, ApiError> {
    let text = path.get(name).map_or("", String::as_str);
    text.parse().map_err(|_| ApiError::invalid(format!("{text:?} in the path is not a GUID.")))
}

/// The segment `{id}`.
pub struct Id(pub Uuid);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Ok(Self(guid(&segments(parts, state).await?, "id")?))
    }
}

/// The segment `{vault}`.
pub struct VaultId(pub Uuid);

impl<S: Send + Sync> FromRequestParts<S> for VaultId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Ok(Self(guid(&segments(parts, state).await?, "vault")?))
    }
}

async fn segments<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<Segments, ApiError> {
    let path = Path::from_request_parts(parts, state).await;
    path.map(|Path(path)| path).map_err(|rejection| ApiError::invalid(rejection.body_text()))
}

/// A vault that the caller can see; one that it cannot see is as if it were not there.
pub fn visible<'a>(cloud: &'a Cloud, caller: &Caller, vault: Uuid) -> Result<&'a Vault, ApiError> {
    let found = cloud.world.vaults.get(&vault).filter(|_| caller.sees(cloud, vault));
    found.ok_or_else(|| ApiError::not_found("VaultNotFound", format!("There is no vault {vault}.")))
}

/// The operations of one level.
pub fn router(level: Level) -> Router<App> {
    let set = get(move |State(app), caller, path| async move { read(&app, &caller, level, path) });
    let one = || {
        put(move |State(app), caller, path, headers, body| async move { write(&app, &caller, level, path, &headers, body) })
            .delete(move |State(app), caller, path, headers| async move { remove(&app, &caller, level, path, &headers) })
    };
    Router::new().route("/", set).route("/groups/{group}", one()).route("/users/{user}", one())
}

fn object(cloud: &Cloud, caller: &Caller, level: Level, path: &Segments) -> Result<Object, ApiError> {
    Ok(match level {
        Level::System => Object::System,
        Level::AllVaults => Object::AllVaults,
        Level::Vault | Level::Entry => {
            let vault = guid(path, "vault")?;
            visible(cloud, caller, vault)?;
            if level == Level::Vault {
                return Ok(Object::Vault(vault));
            }
            let entry = guid(path, "entry")?;
            let missing =
                || ApiError::not_found("EntryNotFound", format!("There is no entry {entry} in vault {vault}."));
            cloud.world.entry(vault, entry).ok_or_else(missing)?;
            Object::Entry { vault, entry }
        }
    })
}

/// Refuses whoever may not write the permissions of an object.
fn writable(cloud: &Cloud, caller: &Caller, object: Object) -> Result<(), ApiError> {
    match object {
        Object::System | Object::AllVaults => caller.needs(cloud, "manageSystemConfiguration"),
        Object::Vault(vault) | Object::Entry { vault, .. } => {
            let refused = || ApiError::access_denied("This needs the permission manageVault on the vault.");
            caller.holds(cloud, Object::Vault(vault), "manageVault").then_some(()).ok_or_else(refused)
        }
    }
}

fn principal(cloud: &Cloud, path: &Segments) -> Result<Principal, ApiError> {
    if path.contains_key("group") {
        let group = guid(path, "group")?;
        let missing = || ApiError::not_found("GroupNotFound", format!("There is no group {group}."));
        cloud.world.groups.contains_key(&group).then_some(Principal::Group(group)).ok_or_else(missing)
    } else {
        let user = guid(path, "user")?;
        let missing = || ApiError::not_found("UserNotFound", format!("There is no user {user}."));
        cloud.world.users.contains_key(&user).then_some(Principal::User(user)).ok_or_else(missing)
    }
}

fn read(app: &App, caller: &Caller, level: Level, Path(path): Path<Segments>) -> Result<Response, ApiError> {
    let cloud = app.cloud();
    let object = object(&cloud, caller, level, &path)?;
    if matches!(level, Level::System | Level::AllVaults) {
        caller.needs(&cloud, "manageSystemConfiguration")?;
    }
    let set = cloud.world.permissions(object).cloned().unwrap_or_default();
    let etag = (!cloud.world.switches.no_etag).then(|| [(header::ETAG, set.etag())]);
    Ok((etag, Json(set.to_json())).into_response())
}

/// Refuses a write that rests on permissions that are no longer so.
fn precondition(cloud: &Cloud, set: &PermissionSet, headers: &HeaderMap) -> Result<(), ApiError> {
    let mut wanted = headers.get_all(header::IF_MATCH).iter().filter_map(|it| it.to_str().ok()).peekable();
    if cloud.world.switches.no_etag || wanted.peek().is_none() {
        return Ok(());
    }
    let etag = set.etag();
    let is_met = wanted.flat_map(|it| it.split(',')).any(|it| it.trim() == "*" || it.trim() == etag);
    is_met.then_some(()).ok_or_else(ApiError::precondition_failed)
}

/// What a write is about, once everything about it but its body has been checked.
fn target(
    cloud: &Cloud,
    caller: &Caller,
    level: Level,
    path: &Segments,
    headers: &HeaderMap,
) -> Result<(Object, Principal, PermissionSet), ApiError> {
    let object = object(cloud, caller, level, path)?;
    writable(cloud, caller, object)?;
    let principal = principal(cloud, path)?;
    let set = cloud.world.permissions(object).cloned().unwrap_or_default();
    precondition(cloud, &set, headers)?;
    Ok((object, principal, set))
}

fn write(
    app: &App,
    caller: &Caller,
    level: Level,
    Path(path): Path<Segments>,
    headers: &HeaderMap,
    body: Result<Json<Map<String, Value>>, JsonRejection>,
) -> Result<Json<Map<String, Value>>, ApiError> {
    let mut cloud = app.cloud();
    let (object, principal, _) = target(&cloud, caller, level, &path, headers)?;
    let Json(body) = body?;
    let permission = cloud.world.parse_permission(level, body)?;
    if let Object::Entry { vault, .. } = object
        && cloud.world.switches.restricted_needs_vault_grant_first
        && ![Object::AllVaults, Object::Vault(vault)].iter().any(|it| holds(&cloud, *it, principal))
    {
        return Err(ApiError::access_denied("This principal needs a permission on the vault first."));
    }
    let stored = permission.body().clone();
    let change = Change::Assign { object, principal, permission: Some(permission) };
    let place = cloud.world.describe(object);
    caller.change(&mut cloud, &change, "SetPermission", place);
    Ok(Json(stored))
}

fn holds(cloud: &Cloud, object: Object, principal: Principal) -> bool {
    cloud.world.permissions(object).is_some_and(|it: &PermissionSet| it.get(principal).is_some())
}

fn remove(
    app: &App,
    caller: &Caller,
    level: Level,
    Path(path): Path<Segments>,
    headers: &HeaderMap,
) -> Result<StatusCode, ApiError> {
    let mut cloud = app.cloud();
    let (object, principal, set) = target(&cloud, caller, level, &path, headers)?;
    let held: Option<&Permission> = set.get(principal);
    held.ok_or_else(|| ApiError::not_found("PermissionNotFound", "This principal has no permission of its own here."))?;
    let place = cloud.world.describe(object);
    caller.change(&mut cloud, &Change::Assign { object, principal, permission: None }, "RemovePermission", place);
    Ok(StatusCode::NO_CONTENT)
}
