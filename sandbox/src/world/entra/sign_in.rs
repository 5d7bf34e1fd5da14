//! People at the login host: the codes they are sent back with, and the log of who tried to sign in.

use jiff::Timestamp;
use uuid::Uuid;

use super::{ConditionalAccessPolicy, Entra, Member, Person, PolicyState, ServicePrincipal};

/// An authorization code that has been handed out
/// (<https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow>).
#[derive(Debug, Clone)]
pub struct Code {
    pub client: Uuid,
    pub user: Uuid,
    pub redirect_uri: String,
    pub scopes: Vec<String>,
    pub nonce: Option<String>,
    /// The base64url of a verifier's SHA-256 (RFC 7636).
    pub challenge: Option<String>,
    pub expires_at: Timestamp,
    pub is_redeemed: bool,
}

/// An attempt to sign in, as the sign-in log keeps it
/// (<https://learn.microsoft.com/en-us/graph/api/resources/signin>).
#[derive(Debug, Clone)]
pub struct SignIn {
    pub id: Uuid,
    pub at: Timestamp,
    /// When the log shows it.
    pub shown_at: Timestamp,
    pub app_id: Uuid,
    pub app_name: Option<String>,
    pub principal: Option<Uuid>,
    pub user: Option<Uuid>,
    /// What was typed or known of who it was.
    pub user_name: String,
    /// The number of the AADSTS code; 0 for a success.
    pub error: u32,
    pub reason: String,
    pub correlation: String,
    pub resource: Option<Uuid>,
}

impl Entra {
    /// The account of this UPN. A mail address signs nobody in unless a tenant has been set up for it
    /// (<https://learn.microsoft.com/en-us/entra/identity/authentication/howto-authentication-use-email-signin>).
    pub fn account(&self, hint: &str) -> Option<(Uuid, &Person)> {
        let by_upn = self.users.iter().find(|(_, it)| it.upn.eq_ignore_ascii_case(hint));
        by_upn.map(|(id, it)| (*id, it))
    }

    /// Whether somebody is assigned to an application: in person, or as a direct member of an assigned group. Groups
    /// within groups do not count
    /// (<https://learn.microsoft.com/en-us/entra/identity/enterprise-apps/assign-user-or-group-access-portal>).
    pub fn is_assigned(&self, user: Uuid, application: &ServicePrincipal) -> bool {
        application.assigned.values().any(|it| match it.principal {
            Member::User(id) => id == user,
            Member::Group(id) => self.groups.get(&id).is_some_and(|it| it.users.contains(&user)),
            Member::ServicePrincipal(_) => false,
        })
    }

    /// The delegated permissions of a client on a resource when this user is signed in.
    pub fn consented(&self, client: Uuid, resource: Uuid, user: Uuid) -> Vec<&str> {
        let fits = self
            .grants
            .iter()
            .filter(|it| it.client == client && it.resource == resource && it.principal.is_none_or(|it| it == user));
        fits.flat_map(|it| it.scope.split_whitespace()).collect()
    }

    /// The Conditional Access policies that are about an application. They are told, never enforced.
    pub fn policies_on(&self, app_id: Uuid) -> impl Iterator<Item = &ConditionalAccessPolicy> {
        let app_id = app_id.to_string();
        let names = move |all: &[String]| all.iter().any(|it| it == "All" || *it == app_id);
        let is_on = |it: &PolicyState| *it != PolicyState::Disabled;
        self.conditional_access.iter().filter(move |it| is_on(&it.state) && names(&it.include) && !names(&it.exclude))
    }
}
