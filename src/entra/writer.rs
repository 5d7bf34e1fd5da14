//! What we change in Entra ID. Every method is one request, and none is sent twice by itself: after one that failed
//! nobody knows whether it took effect, so the world is looked at again.

use std::future::Future;

use k8s_openapi::jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{Application, Entra, ServicePrincipal};
use crate::error::Failure;

/// What is changed of an application. What is none stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ApplicationChange {
    /// Where sign-ins may be sent back to, all of it.
    pub redirect_uris: Option<Vec<String>>,
    /// What tokens say beside the usual, all of it.
    pub optional_claims: Option<Value>,
    /// The permissions that it asks for, all of them.
    pub required_resource_access: Option<Vec<Value>>,
}

/// What is changed of an enterprise application. What is none stays.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PrincipalChange {
    /// Whether only those who are assigned can sign in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_role_assignment_required: Option<bool>,
    /// All tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
}

/// A client secret as it is told once.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewSecret {
    /// Its id.
    pub key_id: Uuid,
    /// Until when it is good.
    pub end_date_time: Timestamp,
    /// Itself.
    pub secret_text: SecretString,
}

/// What an application is made from the template as.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Instantiated {
    /// The application.
    pub application: Application,
}

/// What we change in Entra ID.
pub trait EntraWriter: Entra {
    /// Makes an application from the template for those that are in no gallery, the only ones that can provision users
    /// (<https://learn.microsoft.com/graph/api/applicationtemplate-instantiate>). Each call makes another one; `mark` is
    /// how ours is told from others. It is known to fail with HTTP 404 although it has made both objects
    /// (<https://github.com/hashicorp/terraform-provider-azuread/pull/1406>).
    fn instantiate(&self, name: &str, mark: Uuid) -> impl Future<Output = Result<Instantiated, Failure>> + Send;
    /// Changes an application; `label` names it in errors.
    fn change_application(
        &self,
        id: Uuid,
        label: &str,
        change: &ApplicationChange,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
    /// Changes an enterprise application.
    fn change_principal(
        &self,
        id: Uuid,
        label: &str,
        change: &PrincipalChange,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
    /// Adds a client secret to an application. Each call adds another one.
    fn add_secret(
        &self,
        application: &Application,
        name: &str,
        until: Timestamp,
    ) -> impl Future<Output = Result<NewSecret, Failure>> + Send;
    /// Takes a client secret away. One that is not there is a bad request.
    fn remove_secret(
        &self,
        application: &Application,
        key_id: Uuid,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
    /// Assigns a user or a group to an enterprise application. `names` are
    /// those of both in errors: who, and to what.
    fn assign(
        &self,
        principal: Uuid,
        names: (&str, &str),
        application: Uuid,
        role: Uuid,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
    /// Consents for everybody that an enterprise application may do `scope` of `resource`.
    fn consent(
        &self,
        principal: &ServicePrincipal,
        resource: Uuid,
        scope: &str,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
    /// The same, where there is a consent already: it becomes this one.
    fn change_consent(
        &self,
        principal: &ServicePrincipal,
        id: &str,
        scope: &str,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}
