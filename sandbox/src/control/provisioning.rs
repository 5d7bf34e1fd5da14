//! Provisioning without waiting for it, and whom it believes.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::refused;
use crate::cloud::App;
use crate::entra::graph::job_status;
use crate::entra::provisioning::run_all;
use crate::world::entra::Synchronization;

/// `POST /control/entra/provision`: a cycle of every job that is started, now. Answers when all have ended.
pub async fn provision(State(app): State<App>) -> Json<Value> {
    let all = run_all(&app).await;
    let cloud = app.cloud();
    let one = |id| {
        let entra = cloud.world.entra.as_ref()?;
        let set_up: &Synchronization = entra.synchronization.get(id)?;
        let job = set_up.job.as_ref()?;
        let application = entra.service_principals.get(id).map(|it| it.display_name.as_str());
        Some(json!({"application": application, "jobId": job.id, "status": job_status(set_up, job)}))
    };
    let cycles: Vec<Value> = all.iter().filter_map(one).collect();
    Json(json!({"cycles": cycles}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// PEM.
    certificate: String,
}

/// `POST /control/entra/authorities`: provisioning believes servers with a certificate of this authority, too.
pub async fn authority(State(app): State<App>, Json(wanted): Json<Authority>) -> Response {
    if CertificateDer::from_pem_slice(wanted.certificate.as_bytes()).is_err() {
        return refused(StatusCode::BAD_REQUEST, "`certificate` is no certificate in PEM");
    }
    app.cloud().authorities.push(wanted.certificate);
    StatusCode::NO_CONTENT.into_response()
}
