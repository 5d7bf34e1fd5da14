//! Making and changing applications.

use std::collections::HashSet;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Edit;
use crate::entra::graph::Answer;
use crate::entra::graph::applications::{app_roles, registration};
use crate::entra::graph::error::GraphError;
use crate::entra::graph::principals::principal;
use crate::entra::graph::shape::{check, invalid, merge};
use crate::entra::graph::types::APPLICATION;
use crate::world::entra::{CUSTOM_TEMPLATE, DeletedThing};

/// What can be in the claim of groups (<https://learn.microsoft.com/en-us/graph/api/resources/application>).
const GROUP_CLAIMS: [&str; 5] = ["None", "SecurityGroup", "DirectoryRole", "ApplicationGroup", "All"];

impl Edit<'_> {
    /// `POST /applicationTemplates/{id}/instantiate`
    /// (<https://learn.microsoft.com/en-us/graph/api/applicationtemplate-instantiate>): each call makes another one.
    pub fn instantiate(&mut self, template: &str) -> Result<Answer, GraphError> {
        self.caller.needs(&[super::WRITE_ALL, super::WRITE_OWNED, "Directory.ReadWrite.All"])?;
        if template != CUSTOM_TEMPLATE.to_string() {
            return Err(GraphError::not_found(template));
        }
        let body = check("applicationTemplate", self.body, None)?;
        let name = body.get("displayName").and_then(Value::as_str).filter(|it| !it.trim().is_empty());
        let name = name.ok_or_else(|| invalid("displayName", "application"))?;
        let by = (self.caller.app_id, self.caller.principal);
        let (id, principal_id) = self.entra.instantiate(name, body.get("serviceManagementReference"), by);
        let view = self.view();
        let made = view.entra.applications.get(&id).zip(view.entra.service_principals.get(&principal_id));
        let (application, it) = made.ok_or_else(|| GraphError::not_found(template))?;
        Ok(Answer::Created(json!({
            "@odata.context": view.context("microsoft.graph.applicationServicePrincipal"),
            "application": registration(view.entra, id, application).show(None, false),
            "servicePrincipal": principal(view.entra, principal_id, it).show(None, false),
        })))
    }

    /// `PATCH /applications/{id}` (<https://learn.microsoft.com/en-us/graph/api/application-update>)
    pub fn change_application(&mut self, key: &str) -> Result<Answer, GraphError> {
        let id = self.application(key)?;
        let mut body = check("application", self.body, Some(&APPLICATION))?;
        self.check_names(id, &body)?;
        self.check_roles(id, &body)?;
        let claims = body.get("groupMembershipClaims").and_then(Value::as_str).unwrap_or_default();
        if !claims.is_empty() && !claims.split(',').all(|it| GROUP_CLAIMS.contains(&it.trim())) {
            return Err(invalid("groupMembershipClaims", "application"));
        }
        let uris = match body.get_mut("web") {
            Some(Value::Object(web)) => web.remove("redirectUris"),
            _ => None,
        };
        let uris = uris.map(|it| redirect_uris(&it)).transpose()?;
        let name = body.remove("displayName");
        let Some(application) = self.entra.applications.get_mut(&id) else { return Ok(Answer::NoContent) };
        application.redirect_uris = uris.unwrap_or_else(|| application.redirect_uris.clone());
        merge(&mut application.properties, body);
        if let Some(name) = name.as_ref().and_then(Value::as_str) {
            name.clone_into(&mut application.display_name);
            let app_id = application.app_id;
            let principals = self.entra.service_principals.values_mut();
            principals.filter(|it| it.app_id == app_id).for_each(|it| name.clone_into(&mut it.display_name));
        }
        Ok(Answer::NoContent)
    }

    /// A name is not empty, and a unique name is unique for ever: it is set once.
    fn check_names(&self, id: Uuid, body: &Map<String, Value>) -> Result<(), GraphError> {
        if body.get("displayName").is_some_and(|it| it.as_str().is_none_or(|it| it.trim().is_empty())) {
            return Err(invalid("displayName", "application"));
        }
        let Some(wanted) = body.get("uniqueName") else { return Ok(()) };
        let own = self.entra.applications.get(&id).and_then(|it| it.properties.get("uniqueName"));
        match own.filter(|it| !it.is_null()) {
            Some(own) if own == wanted => return Ok(()),
            Some(_) => return Err(GraphError::directory("Property 'uniqueName' is immutable and cannot be updated.")),
            None => {}
        }
        let deleted = self.entra.deleted.values().filter_map(|it| match &it.what {
            DeletedThing::Application(it) => Some(it),
            DeletedThing::ServicePrincipal(..) => None,
        });
        if self.entra.applications.values().chain(deleted).any(|it| it.properties.get("uniqueName") == Some(wanted)) {
            let text = "Another object with the same value for property uniqueName already exists.";
            return Err(GraphError::new(StatusCode::BAD_REQUEST, "Request_MultipleObjectsWithSameKeyValue", text));
        }
        Ok(())
    }

    /// A role that is in force cannot be changed or taken away.
    fn check_roles(&self, id: Uuid, body: &Map<String, Value>) -> Result<(), GraphError> {
        let Some(wanted) = body.get("appRoles").and_then(Value::as_array) else { return Ok(()) };
        let Some(application) = self.entra.applications.get(&id) else { return Ok(()) };
        let same = |old: &Value, new: &Value| ["id", "displayName", "value"].iter().all(|it| old[*it] == new[*it]);
        let is_kept = |old: &Value| wanted.iter().any(|new| same(old, new)) || old["isEnabled"] == false;
        if app_roles(application).as_array().is_some_and(|all| all.iter().all(is_kept)) {
            return Ok(());
        }
        let text = "Permission (scope or role) cannot be deleted or updated unless disabled first.";
        Err(GraphError::new(StatusCode::BAD_REQUEST, "CannotDeleteOrUpdateEnabledEntitlement", text))
    }

    /// `POST /applications/{id}/owners/$ref`
    pub fn own_application(&mut self, key: &str) -> Result<Answer, GraphError> {
        let (id, owner) = (self.application(key)?, self.referred()?);
        let is_new = self.entra.applications.get_mut(&id).is_some_and(|it| it.owners.insert(owner));
        if is_new { Ok(Answer::NoContent) } else { Err(super::owned_already()) }
    }
}

/// Where people may be sent back to
/// (<https://learn.microsoft.com/en-us/entra/identity-platform/reply-url>). The sentences about single addresses are
/// this sandbox's own.
fn redirect_uris(value: &Value) -> Result<Vec<String>, GraphError> {
    let uris: Vec<String> =
        value.as_array().into_iter().flatten().filter_map(|it| it.as_str().map(str::to_owned)).collect();
    if uris.iter().collect::<HashSet<_>>().len() < uris.len() {
        return Err(GraphError::directory("Request contains a property with duplicate values."));
    }
    for uri in &uris {
        let url = url::Url::parse(uri)
            .map_err(|_| GraphError::directory(format!("Invalid value '{uri}' in web.redirectUris.")))?;
        let is_local = matches!(url.host_str(), Some("localhost" | "127.0.0.1"));
        if !(url.scheme() == "https" || url.scheme() == "http" && is_local) || url.fragment().is_some() {
            let text =
                format!("The redirect URI '{uri}' must begin with https, or http://localhost, and have no fragment.");
            return Err(GraphError::directory(text));
        }
    }
    Ok(uris)
}
