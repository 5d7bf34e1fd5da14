//! Devolutions Cloud's side of provisioning: a SCIM 2.0 server (<https://www.rfc-editor.org/rfc/rfc7644>), as far as
//! Entra's provisioning service uses one
//! (<https://learn.microsoft.com/en-us/entra/identity/app-provisioning/use-scim-to-provision-users-and-groups>).
//!
//! That the vendor has one, and that it wants a bearer token, is on the vendor's page; everything else about it is
//! unknown. Filters and paths are parsed by the crate `scim_v2`.

mod attributes;
mod discovery;
pub mod effect;
mod error;
mod groups;
mod matching;
mod patch;
mod resource;
mod users;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};

use crate::cloud::App;
use crate::fault::Refusal;
use crate::gate;
use crate::system::System;

use error::ScimError;

/// Where SCIM is served. The form of the vendor's tenant URL is on no public page.
const BASE: &str = "/scim/v2";

/// What the journal and the fault rules call whoever has the token.
const IDENTITY: &str = "scim";

/// What an administrator copies to the identity provider.
pub fn tenant_url(app: &App) -> String {
    format!("{}{BASE}", app.devolutions_url)
}

/// Everything under [`BASE`], behind the gate.
pub fn router(app: &App) -> Router {
    let scim = Router::new()
        .route("/ServiceProviderConfig", get(discovery::configuration))
        .route("/ResourceTypes", get(discovery::resource_types))
        .route("/ResourceTypes/{id}", get(discovery::resource_type))
        .route("/Schemas", get(discovery::schemas))
        .route("/Schemas/{id}", get(discovery::schema))
        .route("/Users", get(users::list).post(users::create))
        .route("/Users/{id}", get(users::read).put(users::replace).patch(users::change).delete(users::remove))
        .route("/Groups", get(groups::list).post(groups::create))
        .route("/Groups/{id}", get(groups::read).put(groups::replace).patch(groups::change).delete(groups::remove))
        .route("/{*rest}", any(async || ScimError::not_found("There is no such endpoint.")))
        .method_not_allowed_fallback(async || ScimError::method_not_allowed())
        .layer(from_fn_with_state(app.clone(), authorize));
    gate::guard(Router::new().nest(BASE, scim).with_state(app.clone()), app, System::Scim)
}

fn is_admitted(app: &App, headers: &HeaderMap) -> bool {
    let sent = headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok()).and_then(|it| it.split_once(' '));
    let token = sent.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
    let cloud = app.cloud();
    cloud.world.provisioning.as_ref().zip(token).is_some_and(|(it, token)| it.admits(token))
}

async fn authorize(State(app): State<App>, request: Request, next: Next) -> Response {
    if is_admitted(&app, request.headers()) {
        next.run(request).await
    } else {
        ScimError::unauthorized().into_response()
    }
}

/// Who asks: whoever has the token.
pub fn identity(app: &App, headers: &HeaderMap) -> Option<String> {
    is_admitted(app, headers).then(|| IDENTITY.to_owned())
}

/// An injected refusal.
pub fn refuse(status: StatusCode, refusal: &Refusal) -> Response {
    error::body(status, refusal.name.as_deref(), refusal.message())
}
