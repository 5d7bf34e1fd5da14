//! Switching provisioning on and off, as the vendor's page *Provisioning* does, and who of those provisioned has to be
//! invited (<https://github.com/Devolutions/doc>,
//! `docs/content/en/hub/getting-started/get-started-sso-hub-business/configure-sso-authentication-microsoft-azure.md`).
//! That a server can do it without a person is unknown.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::caller::Caller;
use super::error::ApiError;
use super::page::Page;
use crate::cloud::{App, Cloud};
use crate::scim::{effect, tenant_url};
use crate::world::Provisioning;

/// Who may configure single sign-on may do all of this.
const RIGHT: &str = "manageSystemConfiguration";

fn record(app: &App, cloud: &Cloud) -> Value {
    let it = cloud.world.provisioning.as_ref();
    json!({
        "enabled": it.is_some(),
        "tenantUrl": it.map(|_| tenant_url(app)),
        "synchronizationActive": it.is_some_and(|it| it.is_active),
        "tokenCreatedAt": it.map(|it| it.token_created_at),
        "tokenExpiresAt": it.map(Provisioning::token_expires_at),
    })
}

/// The same with the token, which nobody is told again.
fn record_with_token(app: &App, cloud: &Cloud) -> Value {
    let mut record = record(app, cloud);
    record["secretToken"] = json!(cloud.world.provisioning.as_ref().map(|it| &it.token));
    record
}

fn enabled(cloud: &mut Cloud) -> Result<&mut Provisioning, ApiError> {
    let none = || ApiError::conflict("ProvisioningNotEnabled", "Provisioning is not enabled.");
    cloud.world.provisioning.as_mut().ok_or_else(none)
}

/// `GET /authentication/provisioning`
pub async fn read(State(app): State<App>, caller: Caller) -> Result<Json<Value>, ApiError> {
    let cloud = app.cloud();
    caller.needs(&cloud, RIGHT)?;
    Ok(Json(record(&app, &cloud)))
}

/// `POST /authentication/provisioning`
pub async fn enable(State(app): State<App>, caller: Caller) -> Result<Json<Value>, ApiError> {
    let mut cloud = app.cloud();
    caller.needs(&cloud, RIGHT)?;
    if !cloud.world.is_ready_for_provisioning() {
        let text = "Provisioning needs single sign-on that is enabled and a domain that is verified.";
        return Err(ApiError::conflict("ProvisioningNotReady", text));
    }
    if cloud.world.provisioning.is_some() {
        let text = "Provisioning is enabled already; its token can be made anew.";
        return Err(ApiError::conflict("ProvisioningEnabled", text));
    }
    cloud.world.provisioning = Some(Provisioning::new(Timestamp::now()));
    caller.log(&mut cloud, "EnableProvisioning", "SCIM".to_owned());
    Ok(Json(record_with_token(&app, &cloud)))
}

/// `POST /authentication/provisioning/token`
pub async fn renew(State(app): State<App>, caller: Caller) -> Result<Json<Value>, ApiError> {
    let mut cloud = app.cloud();
    caller.needs(&cloud, RIGHT)?;
    enabled(&mut cloud)?.renew(Timestamp::now());
    caller.log(&mut cloud, "RegenerateProvisioningToken", "SCIM".to_owned());
    Ok(Json(record_with_token(&app, &cloud)))
}

/// `POST /authentication/provisioning/activate`
pub async fn activate(State(app): State<App>, caller: Caller) -> Result<Json<Value>, ApiError> {
    let mut cloud = app.cloud();
    caller.needs(&cloud, RIGHT)?;
    enabled(&mut cloud)?.is_active = true;
    effect::activated(&mut cloud);
    caller.log(&mut cloud, "ActivateSynchronization", "SCIM".to_owned());
    Ok(Json(record(&app, &cloud)))
}

/// `DELETE /authentication/provisioning`: whoever and whatever is synced stays so.
pub async fn remove(State(app): State<App>, caller: Caller) -> Result<StatusCode, ApiError> {
    let mut cloud = app.cloud();
    caller.needs(&cloud, RIGHT)?;
    enabled(&mut cloud)?;
    cloud.world.provisioning = None;
    caller.log(&mut cloud, "DeleteProvisioning", "SCIM".to_owned());
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /invitations/required`
pub async fn required(State(app): State<App>, caller: Caller, page: Page) -> Result<Json<Value>, ApiError> {
    let cloud = app.cloud();
    caller.needs(&cloud, RIGHT)?;
    let by = cloud.world.switches.match_users_by;
    Ok(page.of(effect::required(&cloud.world).into_iter(), |(it, groups)| {
        let email = it.address(by);
        json!({"email": email, "displayName": it.resource.text("displayName").unwrap_or(email), "groups": groups})
    }))
}
