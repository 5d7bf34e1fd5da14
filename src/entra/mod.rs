//! Entra ID: the trait says what we need of it, in our words; `graph` speaks Microsoft Graph v1.0.
//!
//! - `model`: what it holds; `permission`: what we must be allowed to read
//! - `cloud`: where it is, by the name of the cloud
//! - `credential`: how we prove who we are; `certificate`: by what we sign; `token`: how we come to a token, by Microsoft's own library; `azure`: that on our own TLS
//! - `writer`: what we change in it; `synchronization`: the provisioning service; `graph`: what is asked for all that; `session`: how; `refusal`: what Graph and the token endpoint mean when they refuse

mod azure;
mod certificate;
mod cloud;
mod credential;
mod filter;
mod graph;
mod model;
pub mod permission;
mod refusal;
mod secrets;
mod session;
mod synchronization;
mod token;
mod writer;

pub use certificate::Certificate;
pub use cloud::Hosts;
pub use credential::{Assertion, Credential};
pub use graph::Graph;
pub use model::*;
pub use refusal::is_bad_request;
pub use synchronization::{
    Execution, Job, JobError, JobSchedule, JobStatus, OnDemand, Provisioner, ProvisioningCredentials,
    ProvisioningEntry, ProvisioningError, ProvisioningResult, Quarantine, SavedProvisioning, SourceIdentity,
};
pub use writer::{ApplicationChange, EntraWriter, Instantiated, NewSecret, PrincipalChange};

use std::collections::BTreeSet;
use std::future::Future;

use k8s_openapi::jiff::Timestamp;
use secrecy::SecretString;
use url::Url;
use uuid::Uuid;

use crate::error::Failure;

/// Where a tenant is, and as whom we read it.
pub struct EntraEndpoint {
    /// The tenant's id.
    pub tenant_id: String,
    /// Our application's id.
    pub client_id: String,
    /// Where tokens come from; the tenant is not part of it.
    pub authority: Url,
    /// Where Microsoft Graph is; the version is not part of it.
    pub graph: Url,
    /// The template for applications that are in no gallery, which each cloud has another of.
    pub template: Uuid,
    /// Hosts that are not Microsoft's, and so must have been allowed by whoever runs the operator.
    pub to_be_allowed: Vec<String>,
    /// How our application proves that it is the one.
    pub credential: Credential,
    /// Authorities to trust beside the system's, PEM.
    pub ca_bundle: Option<Vec<u8>>,
}

/// What we read of Entra ID.
pub trait Entra: Send + Sync + 'static {
    /// The application permissions that our token carries, by name; none where the token does not tell. Microsoft
    /// reserves the right to change what a token looks like, so this is for advice, never for a decision.
    fn permissions(&self) -> impl Future<Output = Result<Option<BTreeSet<String>>, Failure>> + Send;
    /// The application with this client id, or none if its registration is not in this tenant.
    fn application(&self, app_id: &str) -> impl Future<Output = Result<Option<Application>, Failure>> + Send;
    /// The applications of this name.
    fn applications_named(&self, name: &str) -> impl Future<Output = Result<Vec<Application>, Failure>> + Send;
    /// The enterprise application with this client id, or none.
    fn service_principal(&self, app_id: &str)
    -> impl Future<Output = Result<Option<ServicePrincipal>, Failure>> + Send;
    /// Who is assigned to an enterprise application.
    fn assignments(
        &self,
        principal: &ServicePrincipal,
    ) -> impl Future<Output = Result<Vec<Assignment>, Failure>> + Send;
    /// The group with this id, or none.
    fn group(&self, id: Uuid) -> impl Future<Output = Result<Option<EntraGroup>, Failure>> + Send;
    /// The groups of this name. Graph does not tell small letters from capitals here.
    fn groups_named(&self, name: &str) -> impl Future<Output = Result<Vec<EntraGroup>, Failure>> + Send;
    /// The direct members of a group, or none if it is gone. `label` names it in errors, such as `group "Sales"`.
    fn members(&self, group: Uuid, label: &str) -> impl Future<Output = Result<Option<Vec<Member>>, Failure>> + Send;
    /// The users in a group and in all groups within it, or none if it is gone.
    fn users_within(&self, group: Uuid, label: &str)
    -> impl Future<Output = Result<Option<Vec<Uuid>>, Failure>> + Send;
    /// The users whose e-mail address or user principal name is one of these.
    fn users_by_email(&self, emails: &BTreeSet<String>)
    -> impl Future<Output = Result<Vec<EntraUser>, Failure>> + Send;
    /// Every Conditional Access policy.
    fn conditional_access(&self) -> impl Future<Output = Result<Vec<ConditionalAccessPolicy>, Failure>> + Send;
    /// What the tenant allows for client secrets of applications that have no policy of their own.
    fn secret_policy(&self) -> impl Future<Output = Result<SecretPolicy, Failure>> + Send;
    /// The names of the claims mapping and home realm discovery policies on an enterprise application.
    fn policies_on(&self, principal: &ServicePrincipal) -> impl Future<Output = Result<Vec<String>, Failure>> + Send;
    /// What an enterprise application may do in the name of who signs in.
    fn consents(&self, principal: &ServicePrincipal) -> impl Future<Output = Result<Vec<Consent>, Failure>> + Send;
    /// The sign-ins by an application since then. The log is minutes late, needs a tenant with P1, and tells that Entra
    /// has let somebody pass, not that the other side did (<https://learn.microsoft.com/graph/api/signin-list>).
    fn sign_ins(&self, app_id: &str, since: Timestamp) -> impl Future<Output = Result<Vec<SignIn>, Failure>> + Send;
    /// Whether an application gets tokens by this client secret. Nothing of the token is kept.
    fn redeems(&self, app_id: &str, secret: &SecretString) -> impl Future<Output = Result<(), Failure>> + Send;
    /// Where the tenant's OpenID Connect metadata document is
    /// (<https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc>).
    fn metadata_document(&self) -> Url;
}
