//! `POST /{tenant}/oauth2/v2.0/token`: the client credentials grant
//! (<https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow>).

use std::collections::HashMap;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::client::{Client, Proof, missing};
use super::error::LoginError;
use super::tenant;
use crate::cloud::{App, Cloud};
use crate::entra::Hosts;
use crate::gate::Identity;
use crate::system::Numbers;
use crate::world::Entra;
use crate::world::entra::{Application, GRAPH_APP_ID};

/// How long a token lasts unless the world says otherwise.
const LIFETIME_SECONDS: u32 = 3600;

/// `POST /{tenant}/oauth2/v2.0/token`
pub async fn issue(
    State(app): State<App>,
    Extension(numbers): Extension<Numbers>,
    Path(named): Path<String>,
    body: Bytes,
) -> Response {
    let Some(hosts) = app.entra.clone() else { return super::nowhere() };
    let form: HashMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
    let cloud = app.cloud();
    let Some(entra) = cloud.world.entra.as_ref() else { return super::nowhere() };
    match grant(&cloud, entra, &hosts, &named, &form) {
        Ok((identity, token)) => (Extension(Identity(identity)), Json(token)).into_response(),
        Err(error) => error.answer(&hosts.authority_url, &numbers),
    }
}

/// Who gets a token, and the token.
fn grant(
    cloud: &Cloud,
    entra: &Entra,
    hosts: &Hosts,
    named: &str,
    form: &HashMap<String, String>,
) -> Result<(String, Value), LoginError> {
    let tenant = tenant(entra, named)?;
    let parameter = |name: &str| form.get(name).filter(|it| !it.is_empty());
    match parameter("grant_type").map(String::as_str) {
        Some("client_credentials") => {}
        Some(other) => {
            let text = format!("The app requested an unsupported grant type '{other}'.");
            return Err(LoginError::new("unsupported_grant_type", 70_003, text));
        }
        None => return Err(missing("grant_type")),
    }
    let client_id = parameter("client_id").ok_or_else(|| missing("client_id"))?;
    let application = client_id.parse().ok().and_then(|it: Uuid| entra.application(it)).map(|(_, it)| it);
    let application = application.ok_or_else(|| {
        let text = format!(
            "Application with identifier '{client_id}' was not found in the directory '{}'. This can happen if the \
             application has not been installed by the administrator of the tenant or consented to by any user in the \
             tenant. You may have sent your authentication request to the wrong tenant.",
            entra.organization
        );
        LoginError::new("unauthorized_client", 700_016, text)
    })?;
    let resource = resource(parameter("scope"))?;
    let audiences = [
        format!("{}/{named}/oauth2/v2.0/token", hosts.authority_url),
        format!("{}/{tenant}/v2.0", hosts.authority_url),
    ];
    let proof = Client { application, audiences, issuers: &cloud.issuers }.authenticate(form)?;
    if resource != hosts.graph_url && resource != GRAPH_APP_ID.to_string() {
        let text = format!(
            "The resource principal named {resource} was not found in the tenant named {}. This can happen if the \
             application has not been installed by the administrator of the tenant or consented to by any user in the \
             tenant. You might have sent your authentication request to the wrong tenant.",
            entra.organization
        );
        return Err(LoginError::new("invalid_resource", 500_011, text));
    }
    let (oid, principal) = entra.service_principal(application.app_id).ok_or_else(|| {
        let text = format!("The client application {client_id} is missing service principal in the tenant {tenant}.");
        LoginError::client(7_000_229, text)
    })?;
    if !principal.is_enabled {
        let text = format!("Application '{client_id}'({}) is disabled.", application.display_name);
        return Err(LoginError::new("unauthorized_client", 7_000_112, text));
    }
    let seconds = cloud.world.switches.entra_token_lifetime_seconds.unwrap_or(LIFETIME_SECONDS);
    let token = hosts.key.sign(&claims(entra, hosts, application, oid, proof, seconds));
    // Entra promises a second less than the token has.
    let promised = seconds.saturating_sub(1);
    let answer =
        json!({"token_type": "Bearer", "expires_in": promised, "ext_expires_in": promised, "access_token": token});
    Ok((super::super::named(entra, application.app_id), answer))
}

/// The resource of a scope `<resource>/.default`, which is the only kind of scope here.
fn resource(scope: Option<&String>) -> Result<String, LoginError> {
    let scope = scope.ok_or_else(|| {
        let text = "The required field 'scope' is missing from the credential. Ensure that you have all the necessary \
                    parameters for the login request.";
        LoginError::request(90_014, text)
    })?;
    if scope.split_whitespace().count() != 1 {
        let text = format!(
            "The provided request must include a 'scope' input parameter. The provided value for the input parameter \
             'scope' is not valid. The scope {scope} is not valid."
        );
        return Err(LoginError::new("invalid_scope", 70_011, text));
    }
    let resource = scope.strip_suffix("/.default").filter(|it| !it.is_empty()).ok_or_else(|| {
        let text = format!(
            "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with \
             /.default suffixed to the resource identifier (application ID URI)."
        );
        LoginError::new("invalid_scope", 1_002_012, text)
    })?;
    Ok(resource.trim_end_matches('/').to_owned())
}

/// What a token for Graph says. Graph's own tokens are of version 1
/// (<https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference>).
fn claims(entra: &Entra, hosts: &Hosts, application: &Application, oid: Uuid, proof: Proof, seconds: u32) -> Value {
    let now = Timestamp::now().as_second();
    let issuer = hosts.issuer(entra.tenant_id);
    let roles = entra.permissions(application.app_id);
    let mut claims = json!({
        "aud": hosts.graph_url,
        "iss": issuer,
        "iat": now,
        "nbf": now,
        "exp": now + i64::from(seconds),
        "app_displayname": application.display_name,
        "appid": application.app_id,
        "appidacr": if proof == Proof::Secret { "1" } else { "2" },
        "idp": issuer,
        "idtyp": "app",
        "oid": oid,
        "sub": oid,
        "tid": entra.tenant_id,
        "uti": Uuid::new_v4().simple().to_string(),
        "ver": "1.0",
    });
    if !roles.is_empty() {
        claims["roles"] = json!(roles);
    }
    claims
}
