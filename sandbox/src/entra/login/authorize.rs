//! `/{tenant}/oauth2/v2.0/authorize`: somebody at a browser asks to be signed in
//! (<https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow>).
//!
//! There is no password page: whoever `login_hint` names is signed in at the browser already. What concerns the person
//! is told on a page, as Entra does; with `prompt=none` the application is told instead, in a redirect
//! (<https://github.com/AzureAD/microsoft-authentication-library-for-js/issues/1287> shows one).

use std::collections::HashMap;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::admission::{Admission, admit};
use super::client::missing;
use super::error::LoginError;
use super::tenant;
use crate::cloud::{App, Cloud};
use crate::entra::Hosts;
use crate::gate::{Identity, Probe};
use crate::system::Numbers;
use crate::world::Entra;
use crate::world::entra::{Application, Code, SignIn};

/// How long a code lasts unless the world says otherwise.
const CODE_SECONDS: u32 = 600;

const KEPT: SignedDuration = SignedDuration::from_hours(1);

/// The parameters of a request.
pub type Parameters = HashMap<String, String>;

/// An answer that the browser is to see: back at the application, or here.
enum Outcome {
    Back { to: String, with: Vec<(&'static str, String)> },
    Here(LoginError),
}

/// `GET` and `POST /{tenant}/oauth2/v2.0/authorize`
pub async fn authorize(
    State(app): State<App>,
    Extension(numbers): Extension<Numbers>,
    probe: Option<Extension<Probe>>,
    Path(named): Path<String>,
    uri: Uri,
    body: Bytes,
) -> Response {
    let Some(hosts) = app.entra.clone() else { return super::nowhere() };
    let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let form = url::form_urlencoded::parse(&body);
    let parameters: Parameters = query.chain(form).map(|(name, it)| (name.into_owned(), it.into_owned())).collect();
    let mut cloud = app.cloud();
    let outcome = decide(&mut cloud, &hosts, &named, &parameters, &numbers, probe.is_some());
    let Some(outcome) = outcome else { return super::nowhere() };
    let mode = parameters.get("response_mode").map_or("query", String::as_str);
    let response = match outcome {
        Outcome::Here(error) => (StatusCode::BAD_REQUEST, Html(page(&error.text(&numbers)))).into_response(),
        Outcome::Back { to, with } => back(&to, &with, mode),
    };
    match parameters.get("login_hint") {
        Some(who) => (Extension(Identity(who.clone())), response).into_response(),
        None => response,
    }
}

fn back(to: &str, with: &[(&'static str, String)], mode: &str) -> Response {
    if mode == "form_post" {
        let field = |(name, value): &(&str, String)| {
            format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\"/>", escaped(value))
        };
        let fields: String = with.iter().map(field).collect();
        let to = escaped(to);
        return Html(format!("<html><body><form method=\"POST\" action=\"{to}\">{fields}</form></body></html>"))
            .into_response();
    }
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(with).finish();
    let mark = match mode {
        "fragment" => '#',
        _ if to.contains('?') => '&',
        _ => '?',
    };
    let location = HeaderValue::from_str(&format!("{to}{mark}{query}"));
    location.map_or_else(|_| super::nowhere(), |it| (StatusCode::FOUND, [(header::LOCATION, it)]).into_response())
}

/// What people see who cannot be signed in. Its status is not documented.
fn page(text: &str) -> String {
    format!(
        "<html><head><title>Sign in to your account</title></head><body><h1>Sign in</h1>\
         <p>Sorry, but we're having trouble signing you in.</p><p>{}</p></body></html>",
        escaped(text)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Decides, hands out the code and writes the log. `None` without an Entra tenant.
fn decide(
    cloud: &mut Cloud,
    hosts: &Hosts,
    named: &str,
    parameters: &Parameters,
    numbers: &Numbers,
    is_probe: bool,
) -> Option<Outcome> {
    let world = &mut cloud.world;
    let entra = world.entra.as_mut()?;
    let given = |name: &str| parameters.get(name).filter(|it| !it.is_empty());
    let Some(client) = given("client_id") else { return Some(Outcome::Here(missing("client_id"))) };
    let look = |entra: &Entra| {
        tenant(entra, named)?;
        let application = super::registration(entra, client)?;
        let to = reply_address(application, given("redirect_uri"))?;
        Ok((application.app_id, to, admit(entra, hosts, application, parameters)))
    };
    let looked = if is_probe { entra.peek(look) } else { entra.read(look) };
    let (app_id, to, admission) = match looked {
        Ok((app_id, to, admission)) => (Some(app_id), Some(to), admission),
        Err(error) => (client.parse().ok(), None, Err(error)),
    };
    if let Some(app_id) = app_id.filter(|_| !is_probe) {
        let late = SignedDuration::from_secs(world.switches.sign_in_log_delay_seconds.into());
        let entry = logged(entra, app_id, admission.as_ref(), given("login_hint"), numbers, late);
        entra.sign_ins.push(entry);
    }
    let state = given("state").map(|it| ("state", it.clone()));
    let (to, admission) = match (to, admission) {
        (Some(to), Ok(admission)) => (to, admission),
        (Some(to), Err(error)) if error.is_told_back(given("prompt").is_some_and(|it| it == "none")) => {
            let mut with = vec![("error", error.error.to_owned()), ("error_description", error.text(numbers))];
            with.push(("error_uri", format!("{}/error?code={}", hosts.authority_url, error.code)));
            with.extend(state);
            return Some(Outcome::Back { to, with });
        }
        (_, Err(error)) => return Some(Outcome::Here(error)),
        (None, Ok(_)) => return None,
    };
    let random: [u8; 48] = rand::random();
    let value = format!("1.{}", URL_SAFE_NO_PAD.encode(random));
    let seconds = world.switches.entra_code_lifetime_seconds.unwrap_or(CODE_SECONDS);
    let expires_at = Timestamp::now().saturating_add(SignedDuration::from_secs(seconds.into()));
    let code = Code {
        client: admission.client,
        user: admission.user,
        redirect_uri: to.clone(),
        scopes: admission.scopes,
        nonce: given("nonce").cloned(),
        challenge: given("code_challenge").cloned(),
        expires_at: expires_at.unwrap_or(Timestamp::MAX),
        is_redeemed: false,
    };
    // A code that is over stays known for a while: whoever uses it is told why it is.
    cloud.codes.retain(|_, it| it.expires_at.saturating_add(KEPT).is_ok_and(|it| it > Timestamp::now()));
    cloud.codes.insert(value.clone(), code);
    let mut with = vec![("code", value)];
    with.extend(state);
    with.push(("session_state", Uuid::new_v4().to_string()));
    Some(Outcome::Back { to, with })
}

/// Where to send the browser back to: exactly one of the addresses that are registered
/// (<https://learn.microsoft.com/en-us/entra/identity-platform/reply-url>).
fn reply_address(application: &Application, wanted: Option<&String>) -> Result<String, LoginError> {
    let (known, id) = (&application.redirect_uris, application.app_id);
    if known.is_empty() {
        return Err(LoginError::request(500_113, "No reply address is registered for the application."));
    }
    let Some(wanted) = wanted else {
        return Err(LoginError::request(900_971, "No reply address provided."));
    };
    if known.contains(wanted) {
        return Ok(wanted.clone());
    }
    Err(LoginError::request(
        50_011,
        format!(
            "The redirect URI '{wanted}' specified in the request does not match the redirect URIs configured for the \
             application '{id}'. Make sure the redirect URI sent in the request matches one added to your application \
             in the Azure portal. Navigate to https://aka.ms/redirectUriMismatchError to learn more about how to fix \
             this."
        ),
    ))
}

fn logged(
    entra: &Entra,
    app_id: Uuid,
    admission: Result<&Admission, &LoginError>,
    hint: Option<&String>,
    numbers: &Numbers,
    late: SignedDuration,
) -> SignIn {
    let at = Timestamp::now();
    let principal = entra.service_principal(app_id);
    let user = hint.and_then(|it| entra.account(it)).map(|(id, _)| id);
    SignIn {
        id: Uuid::new_v4(),
        at,
        shown_at: at.saturating_add(late).unwrap_or(Timestamp::MAX),
        app_id,
        app_name: principal.map(|(_, it)| it.display_name.clone()),
        principal: principal.map(|(id, _)| id),
        user,
        user_name: hint.cloned().unwrap_or_default(),
        error: admission.err().map_or(0, |it| it.code),
        reason: admission.err().map_or_else(|| "Other.".to_owned(), |it| it.message.clone()),
        correlation: numbers.client.clone(),
        resource: entra.service_principal(crate::world::entra::GRAPH_APP_ID).map(|(id, _)| id),
    }
}
