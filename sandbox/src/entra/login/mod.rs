//! The host where people sign in and tokens are issued, and the documents that clients find it by.

mod admission;
mod authorize;
mod client;
mod error;
mod redemption;
mod token;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

pub use client::FederatedKeys;

use self::error::LoginError;
use super::{CLIENT_REQUEST_ID, Hosts};
use crate::cloud::App;
use crate::fault::Refusal;
use crate::gate;
use crate::system::{Numbers, System};
use crate::world::Entra;
use crate::world::entra::Application;

/// Everything that this host serves.
pub fn router(app: &App) -> Router {
    let router = Router::new()
        .route("/{tenant}/oauth2/v2.0/authorize", get(authorize::authorize).post(authorize::authorize))
        .route("/{tenant}/oauth2/v2.0/token", post(token::issue))
        .route("/{tenant}/v2.0/.well-known/openid-configuration", get(configuration))
        .route("/{tenant}/discovery/v2.0/keys", get(keys))
        .route("/common/discovery/instance", get(instance))
        .route("/metadata/endpoints", get(endpoints))
        .with_state(app.clone());
    gate::guard(router, app, System::Login)
}

/// The headers that every answer carries.
pub fn tags(numbers: &Numbers) -> Vec<(HeaderName, String)> {
    vec![
        (HeaderName::from_static("x-ms-request-id"), numbers.server.clone()),
        (HeaderName::from_static(CLIENT_REQUEST_ID), numbers.client.clone()),
        (header::CACHE_CONTROL, "no-store, no-cache".to_owned()),
        (header::PRAGMA, "no-cache".to_owned()),
    ]
}

/// An injected refusal.
pub fn refuse(status: StatusCode, refusal: &Refusal, numbers: &Numbers) -> Response {
    let likely = match status.as_u16() {
        401 => "invalid_client",
        400..500 => "invalid_request",
        _ => "temporarily_unavailable",
    };
    // 90033: a transient error has occurred.
    let code = if refusal.code == 0 { 90_033 } else { refusal.code };
    let name = refusal.name.as_deref().unwrap_or(likely);
    error::body(status, name, code, refusal.message(), "https://login.microsoftonline.com", numbers)
}

/// The tenant that a path names: by id, or by one of its domains.
fn tenant(entra: &Entra, named: &str) -> Result<Uuid, LoginError> {
    let is_own = |id: Uuid| id == entra.tenant_id;
    let id = named.parse::<Uuid>().ok();
    let is_domain = entra.domains.iter().any(|it| it.is_verified && it.name.eq_ignore_ascii_case(named));
    if id.is_some_and(is_own) || is_domain {
        return Ok(entra.tenant_id);
    }
    if id.is_none() && !named.contains('.') {
        let text =
            format!("Specified tenant identifier '{named}' is neither a valid DNS name, nor a valid external domain.");
        return Err(LoginError::request(900_023, text));
    }
    let text = format!(
        "Tenant '{named}' not found. Check to make sure you have the correct tenant ID and are signing into the correct \
         cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for \
         the tenant."
    );
    Err(LoginError::request(90_002, text))
}

/// The registration that a client names itself by.
fn registration<'a>(entra: &'a Entra, client_id: &str) -> Result<&'a Application, LoginError> {
    let application = client_id.parse().ok().and_then(|it: Uuid| entra.application(it)).map(|(_, it)| it);
    application.ok_or_else(|| {
        let text = format!(
            "Application with identifier '{client_id}' was not found in the directory '{}'. This can happen if the \
             application has not been installed by the administrator of the tenant or consented to by any user in the \
             tenant. You may have sent your authentication request to the wrong tenant.",
            entra.organization
        );
        LoginError::new("unauthorized_client", 700_016, text)
    })
}

/// Without Entra nothing listens here, so nobody sees this.
fn nowhere() -> Response {
    StatusCode::NOT_FOUND.into_response()
}

/// An answer about a tenant, which must exist.
fn about(app: &App, numbers: &Numbers, named: &str, tell: impl FnOnce(&Hosts, Uuid) -> Value) -> Response {
    let (Some(hosts), cloud) = (app.entra.clone(), app.cloud()) else { return nowhere() };
    let Some(entra) = cloud.world.entra.as_ref() else { return nowhere() };
    match tenant(entra, named) {
        Ok(tenant) => Json(tell(&hosts, tenant)).into_response(),
        Err(error) => error.called("invalid_tenant").answer(&hosts.authority_url, numbers),
    }
}

/// `GET /{tenant}/v2.0/.well-known/openid-configuration`
/// (<https://learn.microsoft.com/en-us/entra/identity-platform/v2-protocols-oidc>)
async fn configuration(
    State(app): State<App>,
    Extension(numbers): Extension<Numbers>,
    Path(named): Path<String>,
) -> Response {
    about(&app, &numbers, &named, |hosts, tenant| {
        let base = format!("{}/{tenant}", hosts.authority_url);
        json!({
            "token_endpoint": format!("{base}/oauth2/v2.0/token"),
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": format!("{base}/discovery/v2.0/keys"),
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": format!("{base}/v2.0"),
            "request_uri_parameter_supported": false,
            "userinfo_endpoint": format!("{}/oidc/userinfo", hosts.graph_url),
            "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
            "device_authorization_endpoint": format!("{base}/oauth2/v2.0/devicecode"),
            "http_logout_supported": true,
            "frontchannel_logout_supported": true,
            "end_session_endpoint": format!("{base}/oauth2/v2.0/logout"),
            "claims_supported": [
                "sub", "iss", "cloud_instance_name", "cloud_instance_host_name", "cloud_graph_host_name", "msgraph_host",
                "aud", "exp", "iat", "auth_time", "acr", "nonce", "preferred_username", "name", "tid", "ver", "at_hash",
                "c_hash", "email"
            ],
            "kerberos_endpoint": format!("{base}/kerberos"),
            "tenant_region_scope": "EU",
            "cloud_instance_name": host(&hosts.authority_url),
            "cloud_graph_host_name": host(&hosts.graph_url),
            "msgraph_host": host(&hosts.graph_url),
            "rbac_url": "https://pas.windows.net",
        })
    })
}

/// `GET /{tenant}/discovery/v2.0/keys`
async fn keys(State(app): State<App>, Extension(numbers): Extension<Numbers>, Path(named): Path<String>) -> Response {
    about(
        &app,
        &numbers,
        &named,
        |hosts, tenant| json!({"keys": [hosts.key.jwk(&format!("{}/{tenant}/v2.0", hosts.authority_url))]}),
    )
}

/// `GET /common/discovery/instance`: which hosts are one cloud.
async fn instance(State(app): State<App>) -> Response {
    let (Some(hosts), cloud) = (app.entra.clone(), app.cloud()) else { return nowhere() };
    let Some(entra) = cloud.world.entra.as_ref() else { return nowhere() };
    let host = host(&hosts.authority_url);
    Json(json!({
        "tenant_discovery_endpoint": hosts.discovery_url(entra.tenant_id),
        "api-version": "1.1",
        "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
    }))
    .into_response()
}

#[derive(Deserialize)]
struct ApiVersion {
    #[serde(rename = "api-version", default)]
    api_version: String,
}

/// `GET /metadata/endpoints`: what a client needs to know of a cloud of its own, as Azure Resource Manager tells it.
async fn endpoints(State(app): State<App>, Query(ApiVersion { api_version }): Query<ApiVersion>) -> Response {
    let Some(hosts) = app.entra.clone() else { return nowhere() };
    let cloud = json!({
        "name": "Sandbox",
        "portal": hosts.authority_url,
        "authentication": {
            "loginEndpoint": hosts.authority_url,
            "audiences": [hosts.graph_url],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "resourceManager": hosts.authority_url,
        "graph": hosts.graph_url,
        "graphAudience": hosts.graph_url,
        "microsoftGraphResourceId": hosts.graph_url,
        "suffixes": {},
    });
    // Since that version one cloud is told, before it all were.
    Json(if api_version.as_str() >= "2022-09-01" { cloud } else { json!([cloud]) }).into_response()
}

fn host(url: &str) -> &str {
    url.trim_start_matches("https://")
}
