//! Microsoft Graph, `v1.0` and `beta` alike: what can be read of the directory, of applications and of policies, and
//! what can be written of applications (<https://learn.microsoft.com/en-us/graph/api/overview>).

mod applications;
mod batch;
mod caller;
mod deleted;
mod edit;
mod error;
mod filter;
mod kind;
mod matching;
mod options;
mod people;
mod policies;
mod principals;
mod provisioning_log;
mod shape;
mod sign_ins;
mod synchronization;
mod tenant;
mod types;
mod view;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json, Router};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use self::caller::Caller;
use self::edit::Edit;
use self::error::GraphError;
use self::options::Options;
pub use self::synchronization::status as job_status;
use self::view::View;
use super::{CLIENT_REQUEST_ID, Hosts};
use crate::cloud::App;
use crate::fault::Refusal;
use crate::gate;
use crate::system::{Numbers, System};
use crate::world::{Entra, Switches};

/// Everything that this host serves. Its paths are OData's, so they are taken apart here and not by a router.
pub fn router(app: &App) -> Router {
    gate::guard(Router::new().fallback(serve).with_state(app.clone()), app, System::Graph)
}

/// An answer before it is one of HTTP.
#[derive(Debug)]
enum Answer {
    Json(Value),
    Created(Value),
    NoContent,
    Count(usize),
}

/// A request, alone or within a batch.
struct Request<'a> {
    method: &'a Method,
    version: &'a str,
    path: &'a str,
    query: &'a str,
    headers: &'a HeaderMap,
    body: &'a Value,
}

/// What all requests of a batch are answered from.
struct Desk<'a> {
    entra: &'a mut Entra,
    switches: &'a Switches,
    hosts: &'a Hosts,
    numbers: &'a Numbers,
}

async fn serve(
    State(app): State<App>,
    Extension(numbers): Extension<Numbers>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(hosts) = app.entra.clone() else { return StatusCode::NOT_FOUND.into_response() };
    let (version, path) = uri.path().trim_start_matches('/').split_once('/').unwrap_or((uri.path(), ""));
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let query = uri.query().unwrap_or_default();
    let request = Request { method: &method, version, path, query, headers: &headers, body: &body };
    let answer = if !matches!(version, "v1.0" | "beta") {
        Err(GraphError::bad(format!("Invalid version: {}", version.trim_start_matches('/'))))
    } else if method == Method::POST && asks_others(path) {
        synchronization::ask(&app, &hosts, &request).await
    } else {
        let mut cloud = app.cloud();
        let world = &mut cloud.world;
        let Some(entra) = world.entra.as_mut() else { return StatusCode::NOT_FOUND.into_response() };
        let mut desk = Desk { entra, switches: &world.switches, hosts: &hosts, numbers: &numbers };
        desk.answer(&request)
    };
    respond(answer, &hosts, &numbers)
}

fn respond(answer: Result<Answer, GraphError>, hosts: &Hosts, numbers: &Numbers) -> Response {
    match answer {
        Ok(Answer::Json(json)) => Json(json).into_response(),
        Ok(Answer::Created(json)) => (StatusCode::CREATED, Json(json)).into_response(),
        Ok(Answer::NoContent) => StatusCode::NO_CONTENT.into_response(),
        Ok(Answer::Count(count)) => ([(header::CONTENT_TYPE, "text/plain")], count.to_string()).into_response(),
        Err(error) => {
            let mut response = (error.status, Json(error.body(numbers))).into_response();
            if error.status == StatusCode::UNAUTHORIZED {
                let challenge = format!(
                    "Bearer realm=\"\", authorization_uri=\"{}/common/oauth2/authorize\", client_id=\"{}\"",
                    hosts.authority_url,
                    crate::world::entra::GRAPH_APP_ID
                );
                if let Ok(challenge) = HeaderValue::from_str(&challenge) {
                    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
                }
            }
            response
        }
    }
}

impl Desk<'_> {
    fn answer(&mut self, request: &Request<'_>) -> Result<Answer, GraphError> {
        let Request { method, version, path, query, headers, body } = *request;
        let caller = Caller::of(headers, self.hosts, self.entra)?;
        if *method == Method::POST && path == "$batch" {
            return batch::answer(self, version, headers, body);
        }
        let options = Options::parse(query, headers)?;
        let (switches, hosts, caller) = (self.switches, self.hosts, &caller);
        let segments = segments(path);
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let is_action = matches!(segments.as_slice(), ["directoryObjects", "getByIds" | "microsoft.graph.getByIds"]);
        if *method == if is_action { Method::POST } else { Method::GET } {
            return self
                .entra
                .read(|entra| View { entra, switches, hosts, caller, options, version, path }.answer(&segments, body));
        }
        self.entra.write(Some(&switches.entra_delay_seconds), |entra| {
            Edit { entra, switches, hosts, caller, version, path, body }.answer(method.as_str(), &segments)
        })
    }
}

impl View<'_> {
    /// What a request reads; `body` is that of an action which only reads.
    fn answer(&self, segments: &[&str], body: &Value) -> Result<Answer, GraphError> {
        match segments {
            ["organization", rest @ ..] => self.organization(rest),
            ["domains", rest @ ..] => self.domains(rest),
            ["users", rest @ ..] => self.users(rest),
            ["groups", rest @ ..] => self.groups(rest),
            ["applications", rest @ ..] => self.applications(rest),
            ["servicePrincipals", key, "synchronization", rest @ ..] => self.synchronization(key, rest),
            ["servicePrincipals", rest @ ..] => self.service_principals(rest),
            ["applicationTemplates", rest @ ..] => self.application_templates(rest),
            ["oauth2PermissionGrants", rest @ ..] => self.permission_grants(rest),
            ["directoryObjects", "getByIds" | "microsoft.graph.getByIds"] => self.by_ids(body),
            ["directory", "deletedItems", rest @ ..] => self.deleted_items(rest),
            ["policies", "defaultAppManagementPolicy"] => self.default_app_management(),
            ["policies", "claimsMappingPolicies", rest @ ..] => self.claims_mapping_policies(rest),
            ["policies", "homeRealmDiscoveryPolicies", rest @ ..] => self.home_realm_discovery_policies(rest),
            ["identity", "conditionalAccess", "policies", rest @ ..] => self.conditional_access(rest),
            ["auditLogs", "signIns", rest @ ..] => self.sign_ins(rest),
            ["auditLogs", "provisioning", rest @ ..] => self.provisioning_log(rest),
            other => Err(no_segment(other)),
        }
    }
}

/// The parts of a path; a key in parentheses is a part of its own.
fn segments(path: &str) -> Vec<String> {
    let mut segments = Vec::new();
    for (index, part) in path.split('/').filter(|it| !it.is_empty()).enumerate() {
        let part = percent_decode_str(part).decode_utf8_lossy();
        match part.strip_suffix(')').and_then(|it| it.split_once('(')).filter(|_| index == 0) {
            Some((name, key)) => {
                let own = key.strip_prefix('\'').and_then(|it| it.strip_suffix('\'')).unwrap_or(key);
                segments.extend([name.to_owned(), own.to_owned()]);
            }
            None => segments.push(part.into_owned()),
        }
    }
    segments
}

fn no_segment(rest: &[&str]) -> GraphError {
    GraphError::bad(format!("Resource not found for the segment '{}'.", rest.first().unwrap_or(&"")))
}

/// Who asks: the application of a token that is or was good here.
pub fn identity(app: &App, headers: &HeaderMap) -> Option<String> {
    let (hosts, cloud) = (app.entra.as_ref()?, app.cloud());
    let entra = cloud.world.entra.as_ref()?;
    let jwt = super::jwt::Jwt::parse(caller::bearer(headers)?)?;
    let is_own =
        jwt.is_signed_by(&hosts.key.public, &["RS256"]) && jwt.claim("iss") == Some(&*hosts.issuer(entra.tenant_id));
    is_own.then(|| super::named(entra, jwt.claim("appid").and_then(|it| it.parse().ok()).unwrap_or_default()))
}

/// Whether a request asks for a change: actions that only read do not, nor does a batch of such.
pub fn is_write(method: &Method, path: &str, body: &Value) -> bool {
    if path.ends_with("/$batch") {
        return batch::is_write(body);
    }
    let action = path.rsplit('/').next().unwrap_or_default().trim_start_matches("microsoft.graph.");
    let is_read = matches!(action, "getByIds" | "validateCredentials");
    *method != Method::GET && *method != Method::HEAD && !is_read
}

/// Whether a `POST` to this path asks a SCIM server before it is answered.
pub fn asks_others(path: &str) -> bool {
    let action = path.rsplit('/').next().unwrap_or_default().trim_start_matches("microsoft.graph.");
    path.contains("/synchronization/jobs/") && matches!(action, "validateCredentials" | "provisionOnDemand")
}

/// An injected refusal.
pub fn refuse(status: StatusCode, refusal: &Refusal, numbers: &Numbers) -> Response {
    let likely = match status.as_u16() {
        401 => "InvalidAuthenticationToken",
        403 => "Authorization_RequestDenied",
        404 => "Request_ResourceNotFound",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        504 => "GatewayTimeout",
        500.. => "InternalServerError",
        _ => "Request_BadRequest",
    };
    let code = refusal.name.as_deref().unwrap_or(likely);
    let body = if status == StatusCode::TOO_MANY_REQUESTS {
        error::throttled(code, refusal.message.as_deref().unwrap_or("Please retry again later."), numbers)
    } else {
        error::body(code, refusal.message(), numbers)
    };
    (status, Json(body)).into_response()
}

/// The headers that every answer carries.
pub fn tags(numbers: &Numbers) -> Vec<(HeaderName, String)> {
    let served_by =
        r#"{"ServerInfo":{"DataCenter":"Sandbox","Slice":"E","Ring":"1","ScaleUnit":"000","RoleInstance":"SANDBOX"}}"#;
    vec![
        (HeaderName::from_static("request-id"), numbers.server.clone()),
        (HeaderName::from_static(CLIENT_REQUEST_ID), numbers.client.clone()),
        (HeaderName::from_static("x-ms-ags-diagnostic"), served_by.to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::segments;

    #[test]
    fn a_key_is_a_part_of_its_own() {
        assert_eq!(segments("applications(appId='7')/owners"), ["applications", "appId='7'", "owners"]);
        assert_eq!(segments("users('a%40b')"), ["users", "a@b"]);
        assert_eq!(segments("/users/g_x%23EXT%23@b/"), ["users", "g_x#EXT#@b"]);
    }
}
