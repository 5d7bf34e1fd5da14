//! Changing single sign-on as an administrator does in Devolutions Cloud.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;

use super::entra::find_principal;
use super::refused;
use crate::cloud::App;
use crate::world::{DomainStatus, Provider};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SsoChange {
    provider: Option<Provider>,
    name: Option<String>,
    enabled: Option<bool>,
    force_sso_login: Option<bool>,
    /// By name, appId or id. With a secret that is good, if it has one.
    application: Option<String>,
    /// Another one, good or not.
    client_secret: Option<String>,
}

/// `PATCH /control/sso`
pub async fn change(State(app): State<App>, Json(wanted): Json<SsoChange>) -> Response {
    let _turn = app.turn.lock().await;
    let mut cloud = app.cloud();
    let world = &mut cloud.world;
    let client = match (&wanted.application, &world.entra) {
        (Some(named), Some(entra)) => match find_principal(entra, named) {
            Ok(id) => {
                let app_id = entra.service_principals.get(&id).map(|it| it.app_id).unwrap_or_default();
                Some((app_id, entra.application(app_id).and_then(|(_, it)| it.good_secret())))
            }
            Err(message) => return refused(StatusCode::NOT_FOUND, message),
        },
        (Some(_), None) => return refused(StatusCode::NOT_FOUND, "this world has no Entra tenant"),
        (None, _) => None,
    };
    let Some(sso) = world.sso.as_mut() else {
        return refused(StatusCode::NOT_FOUND, "this world has no single sign-on");
    };
    sso.provider = wanted.provider.unwrap_or(sso.provider);
    sso.is_enabled = wanted.enabled.unwrap_or(sso.is_enabled);
    sso.is_forced = wanted.force_sso_login.unwrap_or(sso.is_forced);
    if let Some((client_id, secret)) = client {
        (sso.client_id, sso.client_secret) = (Some(client_id), secret);
    }
    sso.client_secret = wanted.client_secret.or_else(|| sso.client_secret.take());
    sso.revision += 1;
    sso.name = wanted.name.unwrap_or_else(|| sso.name.clone());
    sso.updated_at = Timestamp::now();
    StatusCode::NO_CONTENT.into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DomainChange {
    status: DomainStatus,
}

/// `PUT /control/sso/domains/{name}`
pub async fn domain(State(app): State<App>, Path(name): Path<String>, Json(wanted): Json<DomainChange>) -> Response {
    let _turn = app.turn.lock().await;
    let mut cloud = app.cloud();
    let domains = cloud.world.sso.iter_mut().flat_map(|it| &mut it.domains);
    let Some(domain) = domains.into_iter().find(|it| it.name == name) else {
        return refused(StatusCode::NOT_FOUND, format!("there is no domain {name:?}"));
    };
    domain.set(wanted.status);
    StatusCode::NO_CONTENT.into_response()
}
