//! What is changed through Microsoft Graph.

use k8s_openapi::jiff::Timestamp;
use reqwest::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Graph;
use crate::entra::permission::{APPLICATIONS, ASSIGNMENTS, CONSENT};
use crate::entra::session::Write;
use crate::entra::{
    Application, ApplicationChange, EntraWriter, Instantiated, NewSecret, PrincipalChange, ServicePrincipal,
};
use crate::error::Failure;

impl EntraWriter for Graph {
    async fn instantiate(&self, name: &str, mark: Uuid) -> Result<Instantiated, Failure> {
        let what = format!("make the application \"{name}\" from the template for applications that are in no gallery");
        let path = ["applicationTemplates", &self.template.to_string(), "instantiate"];
        let body = json!({"displayName": name, "serviceManagementReference": mark});
        let write = Write { what: &what, permission: APPLICATIONS, method: Method::POST, path: &path, body: &body };
        self.session.write(&write).await?.json()
    }

    async fn change_application(&self, id: Uuid, label: &str, change: &ApplicationChange) -> Result<(), Failure> {
        let what = format!("set up the application \"{label}\"");
        let ApplicationChange { redirect_uris, optional_claims, required_resource_access } = change;
        let mut body = Map::new();
        if let Some(uris) = redirect_uris {
            body.insert("web".to_owned(), json!({"redirectUris": uris}));
        }
        if let Some(claims) = optional_claims {
            body.insert("optionalClaims".to_owned(), claims.clone());
        }
        if let Some(access) = required_resource_access {
            body.insert("requiredResourceAccess".to_owned(), json!(access));
        }
        self.patch(&what, APPLICATIONS, &["applications", &id.to_string()], &Value::Object(body)).await
    }

    async fn change_principal(&self, id: Uuid, label: &str, change: &PrincipalChange) -> Result<(), Failure> {
        let what = format!("set up the enterprise application \"{label}\"");
        let body = serde_json::to_value(change).unwrap_or_default();
        self.patch(&what, APPLICATIONS, &["servicePrincipals", &id.to_string()], &body).await
    }

    async fn add_secret(&self, application: &Application, name: &str, until: Timestamp) -> Result<NewSecret, Failure> {
        let what = format!("add a client secret to the application \"{}\"", application.label());
        let path = ["applications", &application.id.to_string(), "addPassword"];
        let body = json!({"passwordCredential": {"displayName": name, "endDateTime": until.to_string()}});
        let write = Write { what: &what, permission: APPLICATIONS, method: Method::POST, path: &path, body: &body };
        self.session.write(&write).await?.json()
    }

    async fn remove_secret(&self, application: &Application, key_id: Uuid) -> Result<(), Failure> {
        let what = format!("take the client secret {key_id} from the application \"{}\"", application.label());
        let path = ["applications", &application.id.to_string(), "removePassword"];
        self.post(&what, APPLICATIONS, &path, &json!({"keyId": key_id})).await
    }

    async fn assign(&self, principal: Uuid, names: (&str, &str), application: Uuid, role: Uuid) -> Result<(), Failure> {
        let (who, to) = names;
        let what = format!("assign {who} to the application \"{to}\"");
        let path = ["servicePrincipals", &application.to_string(), "appRoleAssignedTo"];
        let body = json!({"principalId": principal, "resourceId": application, "appRoleId": role});
        self.post(&what, ASSIGNMENTS, &path, &body).await
    }

    async fn consent(&self, principal: &ServicePrincipal, resource: Uuid, scope: &str) -> Result<(), Failure> {
        let what =
            format!("consent for everybody that the application \"{}\" may read who signs in", principal.label());
        let body = json!({
            "clientId": principal.id, "consentType": "AllPrincipals", "resourceId": resource, "scope": scope,
        });
        self.post(&what, CONSENT, &["oauth2PermissionGrants"], &body).await
    }

    async fn change_consent(&self, principal: &ServicePrincipal, id: &str, scope: &str) -> Result<(), Failure> {
        let what =
            format!("consent for everybody that the application \"{}\" may read who signs in", principal.label());
        self.patch(&what, CONSENT, &["oauth2PermissionGrants", id], &json!({"scope": scope})).await
    }
}

impl Graph {
    async fn patch(&self, what: &str, permission: &'static str, path: &[&str], body: &Value) -> Result<(), Failure> {
        self.session.write(&Write { what, permission, method: Method::PATCH, path, body }).await.map(drop)
    }

    async fn post(&self, what: &str, permission: &'static str, path: &[&str], body: &Value) -> Result<(), Failure> {
        self.session.write(&Write { what, permission, method: Method::POST, path, body }).await.map(drop)
    }
}
