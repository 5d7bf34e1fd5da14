//! Changing service principals: their switches, their owners, and who is assigned to them.

use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::Edit;
use crate::entra::graph::Answer;
use crate::entra::graph::error::GraphError;
use crate::entra::graph::principals::roles;
use crate::entra::graph::shape::{check, invalid, merge};
use crate::entra::graph::types::{APP_ROLE_ASSIGNMENT, SERVICE_PRINCIPAL};
use crate::world::entra::{DEFAULT_ROLE, Member};

/// What `preferredSingleSignOnMode` can be
/// (<https://learn.microsoft.com/en-us/graph/api/resources/serviceprincipal>).
const SIGN_ON_MODES: [&str; 5] = ["password", "saml", "notSupported", "oidc", "external"];

impl Edit<'_> {
    /// `PATCH /servicePrincipals/{id}` (<https://learn.microsoft.com/en-us/graph/api/serviceprincipal-update>)
    pub fn change_principal(&mut self, key: &str) -> Result<Answer, GraphError> {
        let id = self.own(key)?;
        let mut body = check("servicePrincipal", self.body, Some(&SERVICE_PRINCIPAL))?;
        let mode = body.get("preferredSingleSignOnMode").and_then(Value::as_str);
        if mode.is_some_and(|it| !SIGN_ON_MODES.contains(&it)) {
            return Err(invalid("preferredSingleSignOnMode", "servicePrincipal"));
        }
        let (enabled, required) = (body.remove("accountEnabled"), body.remove("appRoleAssignmentRequired"));
        if let Some(it) = self.entra.service_principals.get_mut(&id) {
            it.is_enabled = enabled.and_then(|it| it.as_bool()).unwrap_or(it.is_enabled);
            it.assignment_required = required.and_then(|it| it.as_bool()).unwrap_or(it.assignment_required);
            merge(&mut it.properties, body);
        }
        Ok(Answer::NoContent)
    }

    /// `POST /servicePrincipals/{id}/owners/$ref`
    /// (<https://learn.microsoft.com/en-us/graph/api/serviceprincipal-post-owners>)
    pub fn own_principal(&mut self, key: &str) -> Result<Answer, GraphError> {
        let (id, owner) = (self.own(key)?, self.referred()?);
        let is_new = self.entra.service_principals.get_mut(&id).is_some_and(|it| it.owners.insert(owner));
        if is_new { Ok(Answer::NoContent) } else { Err(super::owned_already()) }
    }

    /// `POST /servicePrincipals/{id}/appRoleAssignedTo`
    /// (<https://learn.microsoft.com/en-us/graph/api/serviceprincipal-post-approleassignedto>)
    pub fn assign(&mut self, key: &str) -> Result<Answer, GraphError> {
        self.caller.needs(&["AppRoleAssignment.ReadWrite.All"])?;
        self.caller.needs(&[
            "Application.Read.All",
            super::WRITE_ALL,
            "Directory.Read.All",
            "Directory.ReadWrite.All",
        ])?;
        let resource = self.principal(key)?;
        let body = check("appRoleAssignment", self.body, Some(&APP_ROLE_ASSIGNMENT))?;
        let (principal, role) = (id_of(&body, "principalId")?, id_of(&body, "appRoleId")?);
        if id_of(&body, "resourceId")? != resource {
            // That the two have to be one is documented; the sentence is this sandbox's own.
            return Err(GraphError::directory("The resourceId is not that of the service principal in the path."));
        }
        let member = self.assignee(principal)?;
        self.check_role(resource, member, role)?;
        let assigned = self.entra.service_principals.get(&resource).map(|it| &it.assigned);
        if assigned.is_some_and(|it| it.values().any(|it| it.principal == member && it.role == role)) {
            return Err(GraphError::directory("Permission being assigned already exists on the object"));
        }
        let id = self.entra.assign(resource, member, role, Timestamp::now());
        let view = self.view();
        let made = view.entra.service_principals.get(&resource).and_then(|it| Some((it, it.assigned.get(&id)?)));
        let (it, one) = made.ok_or_else(|| GraphError::not_found(&id))?;
        let set = format!("servicePrincipals('{resource}')/appRoleAssignedTo");
        view.one(&set, &view.assignment(&id, one, resource, &it.display_name)).map(Answer::Created)
    }

    /// Who can be assigned: users, security groups, service principals
    /// (<https://learn.microsoft.com/en-us/entra/identity/enterprise-apps/assign-user-or-group-access-portal>).
    fn assignee(&self, id: Uuid) -> Result<Member, GraphError> {
        if let Some(group) = self.entra.groups.get(&id) {
            return if group.is_security {
                Ok(Member::Group(id))
            } else {
                // The sentence is this sandbox's own.
                Err(GraphError::directory("Only security-enabled groups can be assigned to an application."))
            };
        }
        if self.entra.users.contains_key(&id) {
            return Ok(Member::User(id));
        }
        let is_there = self.entra.service_principals.contains_key(&id) && !self.entra.hides(id);
        if is_there { Ok(Member::ServicePrincipal(id)) } else { Err(GraphError::not_found(&id.to_string())) }
    }

    /// The role is one of the application's for this kind of principal; the default role where it has none at all.
    fn check_role(&self, resource: Uuid, member: Member, role: Uuid) -> Result<(), GraphError> {
        let wanted = if matches!(member, Member::ServicePrincipal(_)) { "Application" } else { "User" };
        let roles = self.entra.service_principals.get(&resource).map(|it| roles(self.entra, it));
        let roles = roles.as_ref().and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let allows =
            |it: &Value| it["allowedMemberTypes"].as_array().is_some_and(|it| it.iter().any(|it| it == wanted));
        let is_it = |it: &Value| it["id"] == role.to_string() && it["isEnabled"] == true && allows(it);
        if roles.iter().any(is_it) || roles.is_empty() && role == DEFAULT_ROLE {
            return Ok(());
        }
        Err(GraphError::directory("Permission being assigned was not found on application"))
    }

    /// `DELETE /servicePrincipals/{id}/appRoleAssignedTo/{id}`
    pub fn unassign(&mut self, key: &str, assignment: &str) -> Result<Answer, GraphError> {
        self.caller.needs(&["AppRoleAssignment.ReadWrite.All"])?;
        let id = self.principal(key)?;
        let found = self.entra.service_principals.get_mut(&id).and_then(|it| it.assigned.shift_remove(assignment));
        found.map(|_| Answer::NoContent).ok_or_else(|| GraphError::not_found(assignment))
    }
}

/// A GUID of the body, which must be there.
fn id_of(body: &Map<String, Value>, name: &str) -> Result<Uuid, GraphError> {
    let id = body.get(name).and_then(Value::as_str).and_then(|it| it.parse().ok());
    id.ok_or_else(|| invalid(name, "appRoleAssignment"))
}
