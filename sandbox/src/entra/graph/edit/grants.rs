//! Consent: delegated permissions granted for everybody or for one user
//! (<https://learn.microsoft.com/en-us/graph/api/resources/oauth2permissiongrant>).

use axum::http::StatusCode;
use serde_json::Value;
use uuid::Uuid;

use super::Edit;
use crate::entra::graph::Answer;
use crate::entra::graph::error::GraphError;
use crate::entra::graph::people::guid;
use crate::entra::graph::principals::grant;
use crate::entra::graph::shape::{check, invalid};
use crate::entra::graph::types::PERMISSION_GRANT;
use crate::world::entra::{PermissionGrant, grant_id};

const WRITE: &[&str] = &["DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All"];

impl Edit<'_> {
    /// `POST /oauth2PermissionGrants`. One that is there already is a conflict
    /// (<https://github.com/hashicorp/terraform-provider-azuread/issues/690>).
    pub fn add_grant(&mut self) -> Result<Answer, GraphError> {
        self.caller.needs(WRITE)?;
        let mut body =
            check("oAuth2PermissionGrant", &without_times(self.body, self.version), Some(&PERMISSION_GRANT))?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let missing = |name: &str| invalid(name, PERMISSION_GRANT.name);
        let client = self.principal(&text("clientId").ok_or_else(|| missing("clientId"))?)?;
        let resource = self.principal(&text("resourceId").ok_or_else(|| missing("resourceId"))?)?;
        let principal = match (text("consentType").as_deref(), text("principalId")) {
            (Some("AllPrincipals"), None) => None,
            (Some("Principal"), Some(id)) => Some(self.user(&id)?),
            (Some("AllPrincipals" | "Principal"), _) => return Err(missing("principalId")),
            _ => return Err(missing("consentType")),
        };
        let id = grant_id(client, resource, principal);
        if self.entra.grants.iter().any(|it| it.id == id) {
            let (code, text) = ("Request_MultipleObjectsWithSameKeyValue", "Permission entry already exists.");
            return Err(GraphError::new(StatusCode::CONFLICT, code, text));
        }
        let scope = body.remove("scope").and_then(|it| it.as_str().map(str::to_owned)).unwrap_or_default();
        self.entra.grants.push(PermissionGrant { id: id.clone(), client, resource, principal, scope });
        let view = self.view();
        let made = view.entra.grants.iter().find(|it| it.id == id).ok_or_else(|| GraphError::not_found(&id))?;
        view.one("oauth2PermissionGrants", &grant(made)).map(Answer::Created)
    }

    fn user(&self, id: &str) -> Result<Uuid, GraphError> {
        let id = guid(id)?;
        if self.entra.users.contains_key(&id) { Ok(id) } else { Err(GraphError::not_found(&id.to_string())) }
    }

    /// `PATCH /oauth2PermissionGrants/{id}`: only the scopes can change.
    pub fn change_grant(&mut self, id: &str) -> Result<Answer, GraphError> {
        self.caller.needs(WRITE)?;
        let body = check("oAuth2PermissionGrant", self.body, Some(&PERMISSION_GRANT))?;
        if let Some(other) = body.keys().find(|it| *it != "scope") {
            return Err(GraphError::directory(format!("Property '{other}' is read-only and cannot be set.")));
        }
        let grant = self.entra.grants.iter_mut().find(|it| it.id == id).ok_or_else(|| GraphError::not_found(id))?;
        if let Some(scope) = body.get("scope") {
            scope.as_str().unwrap_or_default().clone_into(&mut grant.scope);
        }
        Ok(Answer::NoContent)
    }

    /// `DELETE /oauth2PermissionGrants/{id}`
    pub fn delete_grant(&mut self, id: &str) -> Result<Answer, GraphError> {
        self.caller.needs(WRITE)?;
        let before = self.entra.grants.len();
        self.entra.grants.retain(|it| it.id != id);
        if self.entra.grants.len() < before { Ok(Answer::NoContent) } else { Err(GraphError::not_found(id)) }
    }
}

/// In beta a grant has a beginning and an end, which nothing looks at.
fn without_times(body: &Value, version: &str) -> Value {
    let mut body = body.clone();
    if let Some(body) = body.as_object_mut().filter(|_| version == "beta") {
        body.retain(|name, _| !matches!(name.as_str(), "startTime" | "expiryTime"));
    }
    body
}
