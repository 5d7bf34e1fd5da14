//! The tenant itself: what it can do, who one is in it, its settings and its log.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::Caller;
use super::error::ApiError;
use super::operations::OPERATIONS;
use super::page::Page;
use crate::cloud::App;
use crate::world::Provider;

/// `GET /capabilities`
pub async fn capabilities(State(app): State<App>, _: Caller) -> Json<Value> {
    let cloud = app.cloud();
    let lacks = |id: &str| cloud.world.switches.cannot.iter().any(|it| it == id);
    let operations: Vec<&str> = OPERATIONS.iter().map(|(id, ..)| *id).filter(|id| !lacks(id)).collect();
    Json(json!({"contractVersion": "1", "operations": operations}))
}

/// `GET /me`
pub async fn me(State(app): State<App>, caller: Caller) -> Result<Json<Value>, ApiError> {
    let cloud = app.cloud();
    let user = cloud.world.users.get(&caller.user);
    let user = user.ok_or_else(|| ApiError::not_found("UserNotFound", "This identity is gone."))?;
    Ok(Json(json!({"userId": caller.user, "name": user.name, "isAdministrator": user.is_administrator})))
}

/// `GET /system-settings`
pub async fn system_settings(State(app): State<App>, caller: Caller) -> Result<Json<Value>, ApiError> {
    let cloud = app.cloud();
    caller.needs(&cloud, "manageSystemConfiguration")?;
    let is_forced = cloud.world.sso.as_ref().is_some_and(|it| it.is_forced);
    Ok(Json(json!({"forceSsoLogin": is_forced, "organizationId": cloud.world.organization_id})))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    force_sso_login: Option<bool>,
}

/// `PATCH /system-settings`
pub async fn update_system_settings(
    State(app): State<App>,
    caller: Caller,
    body: Result<Json<Settings>, JsonRejection>,
) -> Result<Json<Value>, ApiError> {
    {
        let mut cloud = app.cloud();
        caller.needs(&cloud, "manageSystemConfiguration")?;
        let Json(Settings { force_sso_login }) = body?;
        if let Some(is_forced) = force_sso_login {
            let sso = cloud.world.sso.as_mut().filter(|it| it.provider != Provider::None);
            let none = || ApiError::invalid("There is no single sign-on that could be forced.");
            sso.ok_or_else(none)?.is_forced = is_forced;
            caller.log(&mut cloud, "UpdateSystemSettings", format!("forceSsoLogin: {is_forced}"));
        }
    }
    system_settings(State(app), caller).await
}

#[derive(Deserialize)]
pub struct From {
    from: Option<Timestamp>,
}

/// `GET /siem-logs`
pub async fn siem_logs(
    State(app): State<App>,
    caller: Caller,
    page: Page,
    query: Result<Query<From>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    let Query(From { from }) = query?;
    let cloud = app.cloud();
    if !cloud.world.users.get(&caller.user).is_some_and(|it| it.is_administrator) {
        return Err(ApiError::access_denied("Only administrators read the administration log."));
    }
    let events = cloud.siem.iter().filter(|event| from.is_none_or(|from| event.time >= from));
    Ok(page.of(events, |it| json!({"time": it.time, "actor": it.actor, "action": it.action, "object": it.object})))
}
