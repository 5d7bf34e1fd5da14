//! The Devolutions Cloud side: the cloud contract (`contract/devolutions-cloud.openapi.yaml`), which is this project's
//! own. No endpoint of it is known to exist on the vendor's service.

mod authentication;
mod caller;
mod configuration;
mod error;
mod groups;
mod operations;
mod page;
mod permissions;
mod provisioning;
pub mod relying_party;
mod session;
mod tenant;
mod users;
mod vaults;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};

use crate::cloud::App;
use crate::fault::Refusal;
use crate::gate;
use crate::system::System;
use crate::world::Level;

use error::ApiError;
use operations::operation;
pub use operations::unknown;

/// The header with a request's number, on the way in and on the way out.
pub const REQUEST_ID: &str = "x-request-id";

/// Where the contract is served.
pub const BASE: &str = "/api/v1";

/// Everything under [`BASE`], behind the gate that injects faults and keeps the journal.
pub fn router(app: &App) -> Router {
    let contract = Router::new()
        .route("/login", post(session::log_in))
        .route("/logout", post(session::log_out))
        .route("/capabilities", get(tenant::capabilities))
        .route("/me", get(tenant::me))
        .route("/system-settings", get(tenant::system_settings).patch(tenant::update_system_settings))
        .route("/siem-logs", get(tenant::siem_logs))
        .route("/users", get(users::list))
        .route("/users/{id}", get(users::read))
        .route("/groups", get(groups::list))
        .route("/groups/{id}", get(groups::read).patch(groups::update).delete(groups::remove))
        .route("/groups/{id}/members", post(groups::add_members))
        .route("/groups/{id}/members/{user}", delete(groups::remove_member))
        .route("/vaults", get(vaults::list))
        .route("/vaults/{vault}/entries", get(vaults::entries))
        .route("/vault-roles", get(vaults::vault_roles))
        .route("/entry-roles", get(vaults::entry_roles))
        .nest("/system-permissions", permissions::router(Level::System))
        .nest("/system-vault-permissions", permissions::router(Level::AllVaults))
        .nest("/vaults/{vault}/permissions", permissions::router(Level::Vault))
        .nest("/vaults/{vault}/entries/{entry}/permissions", permissions::router(Level::Entry))
        .route("/authentication/sso", get(authentication::sso).put(configuration::save))
        .route("/authentication/sso/test", post(configuration::test))
        .route("/authentication/domains", get(authentication::domains))
        .route(
            "/authentication/provisioning",
            get(provisioning::read).post(provisioning::enable).delete(provisioning::remove),
        )
        .route("/authentication/provisioning/token", post(provisioning::renew))
        .route("/authentication/provisioning/activate", post(provisioning::activate))
        .route("/invitations/required", get(provisioning::required))
        .layer(from_fn_with_state(app.clone(), lack));
    let router = Router::new()
        .nest(BASE, contract)
        .fallback(async || no_such_operation())
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .with_state(app.clone());
    gate::guard(router, app, System::DevolutionsCloud)
}

/// Whether a request changes nothing and asks others before it answers.
pub fn asks_others(path: &str) -> bool {
    path == format!("{BASE}/authentication/sso/test")
}

/// Answers as if an operation were not there, where the scenario says that the server lacks it.
async fn lack(State(app): State<App>, request: Request, next: Next) -> Response {
    let is_lacking = {
        let cloud = app.cloud();
        let lacking = &cloud.world.switches.cannot;
        let operation = || operation(request.method(), request.uri().path());
        !lacking.is_empty() && operation().is_some_and(|it| lacking.iter().any(|lacking| lacking == it))
    };
    if is_lacking { no_such_operation().into_response() } else { next.run(request).await }
}

fn no_such_operation() -> ApiError {
    ApiError::not_found("NoSuchOperation", "The contract has no such path.")
}

/// Who asks: whoever is logged in with the token.
pub fn identity(app: &App, headers: &HeaderMap) -> Option<String> {
    let token = headers.get(caller::TOKEN)?.to_str().ok()?;
    let cloud = app.cloud();
    Some(cloud.identity(cloud.session(token)?))
}

/// An injected refusal.
pub fn refuse(status: StatusCode, refusal: &Refusal) -> Response {
    let name = refusal.name.as_deref().unwrap_or("InjectedFault");
    error::body(status, refusal.code, name, refusal.message())
}
