//! `POST /{tenant}/oauth2/v2.0/token`: the grants of client credentials and of an authorization code
//! (<https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow>,
//! <https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow>).

use std::collections::HashMap;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::admission::enabled;
use super::authorize::Parameters;
use super::client::{Client, FederatedKeys, Proof, missing};
use super::error::LoginError;
use super::redemption::{Desk, take};
use super::tenant;
use crate::cloud::App;
use crate::entra::Hosts;
use crate::gate::{Identity, Probe};
use crate::system::Numbers;
use crate::world::Entra;
use crate::world::entra::{Application, Code, GRAPH_APP_ID};

/// How long a token lasts unless the world says otherwise.
const LIFETIME_SECONDS: u32 = 3600;

/// `POST /{tenant}/oauth2/v2.0/token`
pub async fn issue(
    State(app): State<App>,
    Extension(numbers): Extension<Numbers>,
    probe: Option<Extension<Probe>>,
    Path(named): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(hosts) = app.entra.clone() else { return super::nowhere() };
    let form = with_header(url::form_urlencoded::parse(&body).into_owned().collect(), &headers);
    let mut cloud = app.cloud();
    let cloud = &mut *cloud;
    let Some(entra) = cloud.world.entra.as_mut() else { return super::nowhere() };
    let seconds = cloud.world.switches.entra_token_lifetime_seconds.unwrap_or(LIFETIME_SECONDS);
    let (issuers, codes) = (&cloud.issuers, &mut cloud.codes);
    let grant = |entra: &Entra| Endpoint { entra, hosts: &hosts, issuers, seconds }.grant(&named, &form, codes);
    match if probe.is_some() { entra.peek(grant) } else { entra.read(grant) } {
        Ok((identity, token)) => (Extension(Identity(identity)), Json(token)).into_response(),
        Err(error) => error.answer(&hosts.authority_url, &numbers),
    }
}

/// A form, and what the header `Authorization` says of the client, each part encoded as a form's
/// (<https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1>).
fn with_header(mut form: Parameters, headers: &HeaderMap) -> Parameters {
    let told =
        headers.get(AUTHORIZATION).and_then(|it| STANDARD.decode(it.to_str().ok()?.strip_prefix("Basic ")?).ok());
    let told = told.and_then(|it| String::from_utf8(it).ok()).unwrap_or_default();
    if let Some((id, secret)) = told.split_once(':') {
        for (name, encoded) in [("client_id", id), ("client_secret", secret)] {
            let text = format!("{name}={encoded}");
            let value = url::form_urlencoded::parse(text.as_bytes()).next().map(|(_, value)| value.into_owned());
            form.entry(name.to_owned()).or_insert(value.unwrap_or_default());
        }
    }
    form
}

/// What the endpoint knows.
struct Endpoint<'a> {
    entra: &'a Entra,
    hosts: &'a Hosts,
    issuers: &'a FederatedKeys,
    seconds: u32,
}

impl Endpoint<'_> {
    /// Who gets a token, and the token.
    fn grant(
        &self,
        named: &str,
        form: &Parameters,
        codes: &mut HashMap<String, Code>,
    ) -> Result<(String, Value), LoginError> {
        let (entra, hosts) = (self.entra, self.hosts);
        let tenant = tenant(entra, named)?;
        let parameter = |name: &str| form.get(name).filter(|it| !it.is_empty());
        let is_code = match parameter("grant_type").map(String::as_str) {
            Some("client_credentials") => false,
            Some("authorization_code") => true,
            Some(other) => {
                let text = format!("The app requested an unsupported grant type '{other}'.");
                return Err(LoginError::new("unsupported_grant_type", 70_003, text));
            }
            None => return Err(missing("grant_type")),
        };
        let client_id = parameter("client_id").ok_or_else(|| missing("client_id"))?;
        let application = super::registration(entra, client_id)?;
        let resource = if is_code { hosts.graph_url.clone() } else { resource(parameter("scope"))? };
        let audiences = [
            format!("{}/{named}/oauth2/v2.0/token", hosts.authority_url),
            format!("{}/{tenant}/v2.0", hosts.authority_url),
        ];
        let proof = Client { application, audiences, issuers: self.issuers }.authenticate(form)?;
        if resource != hosts.graph_url && resource != GRAPH_APP_ID.to_string() {
            let text = format!(
                "The resource principal named {resource} was not found in the tenant named {}. This can happen if the \
                 application has not been installed by the administrator of the tenant or consented to by any user in \
                 the tenant. You might have sent your authentication request to the wrong tenant.",
                entra.organization
            );
            return Err(LoginError::new("invalid_resource", 500_011, text));
        }
        let (oid, _) = enabled(entra, application)?;
        let name = super::super::named(entra, application.app_id);
        if is_code {
            let code = take(codes, application.app_id, form)?;
            let desk = Desk { entra, hosts, application, proof, seconds: self.seconds };
            return Ok((name, desk.tokens(&code)?));
        }
        let token = hosts.key.sign(&claims(entra, hosts, application, oid, proof, self.seconds));
        // Entra promises a second less than the token has.
        let promised = self.seconds.saturating_sub(1);
        let answer =
            json!({"token_type": "Bearer", "expires_in": promised, "ext_expires_in": promised, "access_token": token});
        Ok((name, answer))
    }
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
