//! What can be written of applications: made, changed, assigned, deleted.

mod applications;
mod deletion;
mod grants;
mod principals;
mod secrets;
mod synchronization;

use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;
use uuid::Uuid;

use super::Answer;
use super::caller::Caller;
use super::error::GraphError;
use super::options::Options;
use super::people::guid;
use super::view::View;
use crate::entra::Hosts;
use crate::world::{Entra, Switches};

/// The permissions that let an application write applications: all of them, or those that it owns.
const WRITE_ALL: &str = "Application.ReadWrite.All";
const WRITE_OWNED: &str = "Application.ReadWrite.OwnedBy";

/// What a write needs.
pub struct Edit<'a> {
    pub entra: &'a mut Entra,
    pub switches: &'a Switches,
    pub hosts: &'a Hosts,
    pub caller: &'a Caller,
    /// `v1.0` or `beta`.
    pub version: &'a str,
    /// The path behind the version, as it was asked for.
    pub path: &'a str,
    pub body: &'a Value,
}

/// That the path is there, but not to be written so.
pub fn not_allowed() -> GraphError {
    let text = "Specified HTTP method is not allowed for the request target.";
    GraphError::new(StatusCode::METHOD_NOT_ALLOWED, "Request_BadRequest", text)
}

impl Edit<'_> {
    /// Does what a request asks for.
    pub fn answer(&mut self, method: &str, segments: &[&str]) -> Result<Answer, GraphError> {
        match (method, segments) {
            ("POST", ["applicationTemplates", id, "instantiate" | "microsoft.graph.instantiate"]) => {
                self.instantiate(id)
            }
            ("PATCH", ["applications", key]) => self.change_application(key),
            ("DELETE", ["applications", key]) => self.delete_application(key),
            ("POST", ["applications", key, "addPassword" | "microsoft.graph.addPassword"]) => self.add_password(key),
            ("POST", ["applications", key, "removePassword" | "microsoft.graph.removePassword"]) => {
                self.remove_password(key)
            }
            ("POST", ["applications", key, "owners", "$ref"]) => self.own_application(key),
            (method, ["servicePrincipals", key, "synchronization", rest @ ..]) => {
                self.synchronization(method, key, rest)
            }
            ("PATCH", ["servicePrincipals", key]) => self.change_principal(key),
            ("DELETE", ["servicePrincipals", key]) => self.delete_principal(key),
            ("POST", ["servicePrincipals", key, "owners", "$ref"]) => self.own_principal(key),
            ("POST", ["servicePrincipals", key, "appRoleAssignedTo"]) => self.assign(key),
            ("DELETE", ["servicePrincipals", key, "appRoleAssignedTo", id]) => self.unassign(key, id),
            ("POST", ["oauth2PermissionGrants"]) => self.add_grant(),
            ("PATCH", ["oauth2PermissionGrants", id]) => self.change_grant(id),
            ("DELETE", ["oauth2PermissionGrants", id]) => self.delete_grant(id),
            ("POST", ["directory", "deletedItems", id, "restore" | "microsoft.graph.restore"]) => self.restore(id),
            ("DELETE", ["directory", "deletedItems", id]) => self.purge(id),
            _ => Err(not_allowed()),
        }
    }

    /// The tenant as it is now, for the answer to a write: that is never late.
    fn view(&self) -> View<'_> {
        let Self { switches, hosts, caller, version, path, .. } = *self;
        let options = Options::parse("", &HeaderMap::new()).unwrap_or_default();
        View { entra: self.entra, switches, hosts, caller, options, version, path }
    }

    /// Refuses whoever may write neither all applications nor any.
    fn needs_write(&self) -> Result<(), GraphError> {
        self.caller.needs(&[WRITE_ALL, WRITE_OWNED])
    }

    /// Refuses whoever may only write what they own
    /// (<https://learn.microsoft.com/en-us/graph/permissions-reference#applicationreadwriteownedby>).
    fn needs_ownership(&self, owners: &std::collections::BTreeSet<Uuid>) -> Result<(), GraphError> {
        let is_owner = self.caller.has(&[WRITE_OWNED]) && owners.contains(&self.caller.principal);
        if self.caller.has(&[WRITE_ALL]) || is_owner { Ok(()) } else { Err(GraphError::denied()) }
    }

    /// The object id of an application, as far as it is seen, which this caller may write.
    fn application(&self, key: &str) -> Result<Uuid, GraphError> {
        self.needs_write()?;
        let missing = || GraphError::not_found(name_of(key));
        let found = match key.split_once('=').map(|(name, value)| (name, value.trim_matches('\''))) {
            Some(("appId", id)) => id.parse().ok().and_then(|it| self.entra.application(it)).map(|(id, _)| id),
            Some(("uniqueName", name)) => super::applications::by_unique_name(self.entra, name).map(|(id, _)| id),
            _ => Some(guid(key)?),
        };
        let id = found.filter(|it| !self.entra.hides(*it)).ok_or_else(missing)?;
        self.needs_ownership(&self.entra.applications.get(&id).ok_or_else(missing)?.owners)?;
        Ok(id)
    }

    /// The object id of a service principal, as far as it is seen.
    fn principal(&self, key: &str) -> Result<Uuid, GraphError> {
        let missing = || GraphError::not_found(name_of(key));
        let found = match key.strip_prefix("appId=").map(|it| it.trim_matches('\'')) {
            Some(id) => id.parse().ok().and_then(|it| self.entra.service_principal(it)).map(|(id, _)| id),
            None => Some(guid(key)?),
        };
        found.filter(|it| self.entra.service_principals.contains_key(it) && !self.entra.hides(*it)).ok_or_else(missing)
    }

    /// The same, which this caller may write.
    fn own(&self, key: &str) -> Result<Uuid, GraphError> {
        self.needs_write()?;
        let id = self.principal(key)?;
        if let Some(it) = self.entra.service_principals.get(&id) {
            self.needs_ownership(&it.owners)?;
        }
        Ok(id)
    }

    /// The thing that a body with `@odata.id` points to. Any host will do: only the id at its end counts.
    fn referred(&self) -> Result<Uuid, GraphError> {
        let link = self.body.get("@odata.id").and_then(Value::as_str);
        let link = link.ok_or_else(|| GraphError::bad("Empty Payload. JSON content expected."))?;
        let id = guid(link.rsplit('/').next().unwrap_or(link))?;
        let is_there = self.entra.users.contains_key(&id) || self.entra.service_principals.contains_key(&id);
        if is_there && !self.entra.hides(id) { Ok(id) } else { Err(GraphError::not_found(&id.to_string())) }
    }
}

/// The value of a key, for a sentence.
fn name_of(key: &str) -> &str {
    key.split_once('=').map_or(key, |(_, it)| it.trim_matches('\''))
}

/// That something is an owner already.
fn owned_already() -> GraphError {
    GraphError::directory(
        "One or more added object references already exist for the following modified properties: 'owners'.",
    )
}
