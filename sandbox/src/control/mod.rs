//! The sandbox's own interface, for tests, the demo and people: what happened, and what is to go wrong next.
//!
//! It has a port of its own and asks for no credentials; it listens on loopback.

mod credentials;
mod entra;
mod provisioning;
mod scim;
mod sign_in;
mod sso;
mod world;

use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

pub use sign_in::Tally;

use crate::cloud::App;
use crate::fault;

/// Where it is served.
pub const BASE: &str = "/control";

/// Everything under [`BASE`].
pub fn router(app: App) -> Router {
    let control = Router::new()
        .route("/journal", get(journal))
        .route("/violations", get(violations))
        .route("/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/faults/{id}", delete(remove_fault))
        .route("/holds", get(holds))
        .route("/holds/{id}", delete(release))
        .route("/access", get(world::access))
        .route("/world", get(world::summary))
        .route("/state", get(world::state))
        .route("/sync", post(world::sync))
        .route("/scim", get(scim::show))
        .route("/sign-in", post(sign_in::attempt))
        .route("/sign-in/able", get(sign_in::able))
        .route("/sign-ins", get(sign_in::tally))
        .route("/sign-ins/reset", post(sign_in::reset))
        .route("/sso", patch(sso::change))
        .route("/sso/domains/{name}", put(sso::domain))
        .route("/entra", get(entra::show))
        .route("/entra/users/{upn}", patch(entra::user))
        .route("/entra/members", put(entra::members))
        .route("/entra/applications/{named}", patch(entra::application))
        .route("/entra/assignments", put(entra::assignment))
        .route("/entra/replicate", post(entra::replicate))
        .route("/entra/provision", post(provisioning::provision))
        .route("/entra/authorities", post(provisioning::authority))
        .route("/entra/permissions", post(credentials::permissions))
        .route("/entra/secrets", post(credentials::secret))
        .route("/entra/federated-credentials", post(credentials::federated))
        .route("/issuers", post(credentials::issuer))
        .route("/certificates", post(credentials::certificate));
    Router::new().nest(BASE, control).with_state(app)
}

/// A refusal: a status and a sentence.
fn refused(status: StatusCode, message: impl Into<String>) -> Response {
    (status, Json(json!({"message": message.into()}))).into_response()
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: u64,
}

async fn journal(State(app): State<App>, Query(After { after }): Query<After>) -> Json<Value> {
    let cloud = app.cloud();
    Json(json!({"last": cloud.journal.next_seq() - 1, "entries": cloud.journal.after(after)}))
}

async fn violations(State(app): State<App>) -> Response {
    Json(app.cloud().watch.violations()).into_response()
}

async fn faults(State(app): State<App>) -> Json<Value> {
    Json(json!({"faults": app.faults().list()}))
}

async fn add_fault(State(app): State<App>, Json(rule): Json<fault::Rule>) -> Response {
    match app.faults().add(rule) {
        Ok(fault) => (StatusCode::CREATED, Json(fault)).into_response(),
        Err(error) => refused(StatusCode::BAD_REQUEST, format!("`path` is not a glob: {error}")),
    }
}

async fn clear_faults(State(app): State<App>) -> StatusCode {
    app.faults().clear();
    StatusCode::NO_CONTENT
}

async fn remove_fault(State(app): State<App>, Path(id): Path<u64>) -> Response {
    if app.faults().remove(id) {
        StatusCode::NO_CONTENT.into_response()
    } else {
        refused(StatusCode::NOT_FOUND, format!("there is no fault {id}"))
    }
}

#[derive(Deserialize)]
struct Wait {
    #[serde(default)]
    wait: u64,
}

async fn holds(State(app): State<App>, Query(Wait { wait }): Query<Wait>) -> Json<Value> {
    Json(json!({"holds": app.holds.list(Duration::from_secs(wait)).await}))
}

async fn release(State(app): State<App>, Path(id): Path<u64>) -> Response {
    if app.holds.release(id) {
        StatusCode::NO_CONTENT.into_response()
    } else {
        refused(StatusCode::NOT_FOUND, format!("there never was a hold {id}"))
    }
}
