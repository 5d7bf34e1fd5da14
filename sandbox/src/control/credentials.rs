//! What applications prove themselves with, and what the operator's may do.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::entra::{change, find_principal};
use super::refused;
use crate::cloud::App;
use crate::world::Entra;
use crate::world::entra::{Application, Certificate, FederatedSpec, Password, new_secret};

/// How long a secret lasts unless asked otherwise.
const LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 365);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permissions {
    permissions: Vec<String>,
}

/// `POST /control/entra/permissions`: an administrator has granted the operator these, and taken all others away.
/// Tokens that are out stay as they are.
pub async fn permissions(State(app): State<App>, Json(wanted): Json<Permissions>) -> Response {
    let changed = change(&app, |entra| entra.set_permissions(&wanted.permissions).map_err(|it| it.to_string()));
    changed.await.map_or_else(|refusal| refusal, |()| StatusCode::NO_CONTENT.into_response())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewSecret {
    /// By name, appId or id; the operator's if not given.
    application: Option<String>,
    display_name: Option<String>,
    end_date_time: Option<Timestamp>,
}

/// `POST /control/entra/secrets`: somebody has made a client secret.
pub async fn secret(State(app): State<App>, Json(wanted): Json<NewSecret>) -> Response {
    let made = change(&app, |entra| {
        let application = registration(entra, wanted.application.as_deref())?;
        let starts_at = Timestamp::now();
        let ends_at = wanted.end_date_time.or_else(|| starts_at.checked_add(LIFETIME).ok());
        let password = Password {
            key_id: Uuid::new_v4(),
            display_name: wanted.display_name.clone(),
            starts_at,
            ends_at: ends_at.unwrap_or(Timestamp::MAX),
            value: new_secret(),
        };
        let answer = json!({"keyId": password.key_id, "secretText": password.value});
        application.passwords.push(password);
        Ok(answer)
    });
    made.await.map_or_else(|refusal| refusal, |made| (StatusCode::CREATED, Json(made)).into_response())
}

fn registration<'a>(entra: &'a mut Entra, named: Option<&str>) -> Result<&'a mut Application, String> {
    let app_id = match named {
        Some(named) => {
            let id = find_principal(entra, named)?;
            entra.service_principals.get(&id).map(|it| it.app_id).unwrap_or_default()
        }
        None => entra.operator,
    };
    let found = entra.applications.values_mut().find(|it| it.app_id == app_id);
    found.ok_or_else(|| format!("there is no registration with the appId {app_id}"))
}

/// `POST /control/entra/federated-credentials`: tokens of this issuer, subject and audience stand for the operator's
/// application.
pub async fn federated(State(app): State<App>, Json(wanted): Json<FederatedSpec>) -> Response {
    let changed = change(&app, |entra| {
        registration(entra, None)?.federated.push(wanted);
        Ok(())
    });
    changed.await.map_or_else(|refusal| refusal, |()| StatusCode::NO_CONTENT.into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    issuer: String,
    jwks: Jwks,
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Value>,
}

/// `POST /control/issuers`: what Entra would read from an issuer's address.
pub async fn issuer(State(app): State<App>, Json(wanted): Json<Issuer>) -> StatusCode {
    let _turn = app.turn.lock().await;
    app.cloud().issuers.insert(wanted.issuer, wanted.jwks.keys);
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewCertificate {
    /// PEM.
    certificate: String,
}

/// `POST /control/certificates`: the operator's application signs assertions with this one.
pub async fn certificate(State(app): State<App>, Json(wanted): Json<NewCertificate>) -> Response {
    let Ok(der) = CertificateDer::from_pem_slice(wanted.certificate.as_bytes()) else {
        return refused(StatusCode::BAD_REQUEST, "`certificate` is no certificate in PEM form");
    };
    let Ok((_, parsed)) = X509Certificate::from_der(&der) else {
        return refused(StatusCode::BAD_REQUEST, "`certificate` is no X.509 certificate");
    };
    let time = |seconds| Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
    let certificate = Certificate {
        key_id: Uuid::new_v4(),
        name: parsed.subject().to_string(),
        starts_at: time(parsed.validity().not_before.timestamp()),
        ends_at: time(parsed.validity().not_after.timestamp()),
        der: der.to_vec(),
    };
    let changed = change(&app, |entra| {
        registration(entra, None)?.certificates.push(certificate);
        Ok(())
    });
    changed.await.map_or_else(|refusal| refusal, |()| StatusCode::NO_CONTENT.into_response())
}
