//! Who is let in: what Entra looks at before it signs somebody in to an application, in its order. The sentences are
//! those that people have published
//! (<https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes>).

use uuid::Uuid;

use super::authorize::Parameters;
use super::client::missing;
use super::error::LoginError;
use crate::entra::Hosts;
use crate::world::Entra;
use crate::world::entra::{Application, GRAPH_APP_ID, SCOPES, ServicePrincipal};

/// Somebody who is let in.
#[derive(Debug)]
pub struct Admission {
    pub client: Uuid,
    pub user: Uuid,
    /// The delegated permissions that were asked for, by name.
    pub scopes: Vec<String>,
}

/// Lets somebody in to an application, or says why not.
pub fn admit(
    entra: &Entra,
    hosts: &Hosts,
    application: &Application,
    parameters: &Parameters,
) -> Result<Admission, LoginError> {
    let given = |name: &str| parameters.get(name).filter(|it| !it.is_empty());
    match given("response_type").map(String::as_str) {
        Some("code") => {}
        Some(other) => {
            let text = format!("response_type '{other}' is not enabled for the application.");
            return Err(LoginError::new("unsupported_response_type", 700_054, text));
        }
        None => return Err(missing("response_type")),
    }
    let scopes = scopes(hosts, application, given("scope").ok_or_else(|| missing("scope"))?)?;
    let client = enabled(entra, application)?;
    let resource = entra.service_principal(GRAPH_APP_ID);
    let (resource, graph) = resource.ok_or_else(|| missing("scope"))?;
    if !graph.is_enabled {
        let text = format!(
            "The service principal for resource '{GRAPH_APP_ID}' is disabled. This indicate that a subscription within \
             the tenant has lapsed, or that the administrator for this tenant has disabled the application, preventing \
             tokens from being issued for it."
        );
        return Err(LoginError::new("invalid_resource", 500_014, text));
    }
    let hint = given("login_hint").ok_or_else(|| {
        let text = "Session information is not sufficient for single-sign-on.";
        LoginError::new("login_required", 50_058, text)
    })?;
    let (user, person) = entra.account(hint).ok_or_else(|| {
        let text = format!(
            "The user account {hint} does not exist in the {} directory. To sign into this application, the account \
             must be added to the directory.",
            entra.organization
        );
        LoginError::new("invalid_grant", 50_034, text)
    })?;
    if !person.is_enabled {
        return Err(LoginError::new("invalid_grant", 50_057, "The user account is disabled."));
    }
    let (id, name) = (application.app_id, &application.display_name);
    if client.1.assignment_required && !entra.is_assigned(user, client.1) {
        let text = format!(
            "Your administrator has configured the application {name} ('{id}') to block users unless they are \
             specifically granted ('assigned') access to the application. The signed in user '{hint}' is blocked \
             because they are not a direct member of a group with access, nor had access directly assigned by an \
             administrator. Please contact your administrator to assign access to this application."
        );
        return Err(LoginError::new("interaction_required", 50_105, text));
    }
    let consented = entra.consented(client.0, resource, user);
    let lacks = scopes.iter().any(|it| it != ".default" && !consented.contains(&it.as_str()));
    // Where assignment is required nobody can consent for themselves; elsewhere people do, and are taken to do so
    // (<https://learn.microsoft.com/en-us/entra/identity/enterprise-apps/assign-user-or-group-access-portal>).
    let can_consent = !client.1.assignment_required && given("prompt").is_none_or(|it| it != "none");
    if lacks && !can_consent {
        let text = format!(
            "The user or administrator has not consented to use the application with ID '{id}' named '{name}'. Send an \
             interactive authorization request for this user and resource."
        );
        return Err(LoginError::new("consent_required", 65_001, text));
    }
    Ok(Admission { client: id, user, scopes })
}

/// An application's service principal, which must be there and not be disabled.
pub fn enabled<'a>(entra: &'a Entra, application: &Application) -> Result<(Uuid, &'a ServicePrincipal), LoginError> {
    let id = application.app_id;
    let (object, principal) = entra.service_principal(id).ok_or_else(|| {
        let text =
            format!("The client application {id} is missing service principal in the tenant {}.", entra.tenant_id);
        LoginError::client(7_000_229, text)
    })?;
    if principal.is_enabled {
        return Ok((object, principal));
    }
    let text = format!("Application '{id}'({}) is disabled.", application.display_name);
    Err(LoginError::new("unauthorized_client", 7_000_112, text))
}

/// The permissions of a scope parameter, by name. They are all Graph's.
fn scopes(hosts: &Hosts, application: &Application, scope: &str) -> Result<Vec<String>, LoginError> {
    let bases = [hosts.graph_url.as_str(), "https://graph.microsoft.com"];
    let bare = |it: &str| {
        let within = bases.iter().find_map(|base| it.strip_prefix(base)).and_then(|it| it.strip_prefix('/'));
        within.unwrap_or(it).to_owned()
    };
    let scopes: Vec<String> = scope.split_whitespace().map(bare).collect();
    let is_known = |it: &&String| *it == ".default" || SCOPES.iter().any(|(name, _)| name == it);
    match scopes.iter().find(|it| !is_known(it)) {
        None => Ok(scopes),
        Some(unknown) => {
            let text = format!(
                "The application '{}' asked for scope '{unknown}' that doesn't exist on the resource '{GRAPH_APP_ID}'. \
                 Contact the app vendor.",
                application.display_name
            );
            Err(LoginError::new("invalid_client", 650_053, text))
        }
    }
}
