//! Single sign-on and the domains that are verified for it. No cmdlet shows either.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::caller::Caller;
use super::error::ApiError;
use super::page::Page;
use crate::cloud::{App, Cloud};
use crate::world::{DomainStatus, Provider, SsoDomain};

/// `GET /authentication/sso`
pub async fn sso(State(app): State<App>, caller: Caller) -> Result<Json<Value>, ApiError> {
    let cloud = app.cloud();
    caller.needs(&cloud, "manageSystemConfiguration")?;
    Ok(Json(record(&app, &cloud)))
}

/// What is told of single sign-on; never its secret.
pub fn record(app: &App, cloud: &Cloud) -> Value {
    let Some(sso) = cloud.world.sso.as_ref().filter(|it| it.provider != Provider::None) else {
        return json!({
            "provider": Provider::None, "name": null, "enabled": false, "clientId": null, "discoveryUrl": null,
            "callbackUrl": null, "clientSecretSet": false, "updatedAt": null,
        });
    };
    let is_open_id = sso.provider == Provider::OpenId;
    let own =
        || app.entra.as_ref().zip(cloud.world.entra.as_ref()).map(|(it, entra)| it.discovery_url(entra.tenant_id));
    let discovery_url = sso.discovery_url.clone().or_else(own).filter(|_| is_open_id);
    let mut json = json!({
        "provider": sso.provider,
        "name": sso.name,
        "enabled": sso.is_enabled,
        "clientId": sso.client_id.filter(|_| is_open_id),
        "discoveryUrl": discovery_url,
        "callbackUrl": is_open_id.then_some(&sso.callback_url),
        "clientSecretSet": is_open_id && sso.client_secret.is_some(),
        "updatedAt": sso.updated_at,
    });
    if let Some(json) = json.as_object_mut().filter(|_| cloud.world.switches.sso_hides_application) {
        json.shift_remove("clientId");
        json.shift_remove("discoveryUrl");
    }
    json
}

/// `GET /authentication/domains`
pub async fn domains(State(app): State<App>, caller: Caller, page: Page) -> Result<Json<Value>, ApiError> {
    let cloud = app.cloud();
    caller.needs(&cloud, "manageSystemConfiguration")?;
    let domains = cloud.world.sso.iter().flat_map(|it| &it.domains);
    Ok(page.of(domains, show))
}

/// Host and text of the DNS record have the vendor's form.
fn show(it: &SsoDomain) -> Value {
    json!({
        "name": it.name,
        "status": match it.status {
            DomainStatus::Verified => "Verified",
            DomainStatus::Pending => "Pending",
            DomainStatus::Expired => "Expired",
        },
        "hostName": format!("_devolutions-challenge.{}", it.name),
        "txtValue": format!("DEVOLUTIONS-DOMAIN-VERIFICATION={}", it.proof),
        "expiresAt": it.expires_at,
    })
}
