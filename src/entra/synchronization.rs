//! Entra's provisioning service, as Microsoft Graph shows it
//! (<https://learn.microsoft.com/graph/api/resources/synchronization-overview>): where it brings users, by what job, how far
//! that is, and what came of each user.

use std::fmt;
use std::future::Future;

use k8s_openapi::jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use uuid::Uuid;

use super::{EntraWriter, ServicePrincipal};
use crate::error::Failure;

/// Where users are brought, and by what token.
#[derive(Clone)]
pub struct ProvisioningCredentials {
    /// The SCIM server's address.
    pub tenant_url: String,
    /// The token that it takes.
    pub token: SecretString,
}

impl fmt::Debug for ProvisioningCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProvisioningCredentials").field("tenant_url", &self.tenant_url).finish_non_exhaustive()
    }
}

/// What is saved of an enterprise application's provisioning. The token is masked, so it is not here.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SavedProvisioning {
    /// The SCIM server's address, where one is saved.
    pub tenant_url: Option<String>,
    /// Whether everybody in the tenant is brought, and not only those who are assigned.
    pub covers_everybody: bool,
    /// Whether whoever is assigned no longer is left alone, and not disabled.
    pub keeps_out_of_scope: bool,
}

/// A provisioning job (<https://learn.microsoft.com/graph/api/resources/synchronization-synchronizationjob>).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Its id.
    pub id: String,
    /// When it runs.
    #[serde(default)]
    pub schedule: Option<JobSchedule>,
    /// How far it is.
    #[serde(default)]
    pub status: Option<JobStatus>,
}

impl Job {
    /// Whether it runs in cycles.
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.schedule.as_ref().is_some_and(|schedule| schedule.state.eq_ignore_ascii_case("Active"))
    }
}

/// When a job runs.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub struct JobSchedule {
    /// `Active`, `Disabled` or `Paused`.
    #[serde(default)]
    pub state: String,
}

/// How far a job is (<https://learn.microsoft.com/graph/api/resources/synchronization-synchronizationstatus>).
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct JobStatus {
    /// `NotConfigured`, `NotRun`, `Active`, `Paused` or `Quarantine`.
    #[serde(default)]
    pub code: String,
    /// Why it is slowed down, where it is.
    #[serde(default)]
    pub quarantine: Option<Quarantine>,
    /// Its last cycle, or a part of one.
    #[serde(default)]
    pub last_execution: Option<Execution>,
    /// When all was brought across for the first time; none before.
    #[serde(default, deserialize_with = "since_1970")]
    pub steady_state_first_achieved_time: Option<Timestamp>,
}

/// Why a job is slowed down.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Quarantine {
    /// A word.
    #[serde(default)]
    pub reason: Option<String>,
    /// What went wrong.
    #[serde(default)]
    pub error: Option<JobError>,
    /// When it is tried again.
    #[serde(default, deserialize_with = "since_1970")]
    pub next_attempt: Option<Timestamp>,
}

/// What went wrong.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub struct JobError {
    /// A word.
    #[serde(default)]
    pub code: Option<String>,
}

/// A cycle of a job, or a part of one.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Execution {
    /// `Succeeded`, `Failed` or `EntryLevelErrors`.
    #[serde(default)]
    pub state: String,
    /// When it began; none where it has not.
    #[serde(default, deserialize_with = "since_1970")]
    pub time_began: Option<Timestamp>,
    /// When it ended; none where it has not.
    #[serde(default, deserialize_with = "since_1970")]
    pub time_ended: Option<Timestamp>,
}

/// What came of one user on demand.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OnDemand {
    /// `Success`, `Skipped` or `Failure`.
    pub result: String,
    /// Why not, in a word.
    pub code: Option<String>,
}

/// What the log says of one attempt (<https://learn.microsoft.com/graph/api/resources/provisioningobjectsummary>).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ProvisioningEntry {
    /// When.
    pub activity_date_time: Timestamp,
    /// Who it was about.
    #[serde(default)]
    pub source_identity: Option<SourceIdentity>,
    /// How it ended.
    #[serde(default)]
    pub provisioning_status_info: Option<ProvisioningResult>,
}

/// Who an attempt was about, in Entra ID.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub struct SourceIdentity {
    /// The object id, as a text.
    #[serde(default)]
    pub id: Option<String>,
}

/// How an attempt ended.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ProvisioningResult {
    /// `success`, `failure`, `skipped` or `warning`.
    #[serde(default)]
    pub status: String,
    /// Why not.
    #[serde(default)]
    pub error_information: Option<ProvisioningError>,
}

/// Why an attempt did not go well.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ProvisioningError {
    /// A word.
    #[serde(default)]
    pub error_code: Option<String>,
}

/// The service writes the year 1 or nothing for a time that has not come.
fn since_1970<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    let text: Option<String> = Option::deserialize(from)?;
    Ok(text.and_then(|text| text.parse::<Timestamp>().ok()).filter(|at| at.as_second() > 0))
}

/// What we set up of provisioning, and what we read of it. Writes are sent once, as all of [`EntraWriter`]'s.
pub trait Provisioner: EntraWriter {
    /// What is saved of an enterprise application's provisioning.
    fn provisioning_settings(
        &self,
        principal: &ServicePrincipal,
    ) -> impl Future<Output = Result<SavedProvisioning, Failure>> + Send;
    /// Saves where users are brought and by what token; that only those who are assigned are brought, and that nobody is
    /// disabled for being assigned no longer
    /// (<https://learn.microsoft.com/entra/identity/app-provisioning/skip-out-of-scope-deletions>).
    fn save_provisioning(
        &self,
        principal: &ServicePrincipal,
        credentials: &ProvisioningCredentials,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
    /// The jobs of an enterprise application. One from the template has one at most.
    fn jobs(&self, principal: &ServicePrincipal) -> impl Future<Output = Result<Vec<Job>, Failure>> + Send;
    /// Makes the job, which does nothing before it is started. Whether a second one is refused is not documented, so one is
    /// looked for before.
    fn make_job(&self, principal: &ServicePrincipal) -> impl Future<Output = Result<Job, Failure>> + Send;
    /// Has Entra ID try the credentials at the SCIM server.
    fn validate_provisioning(
        &self,
        principal: &ServicePrincipal,
        job: &str,
        credentials: &ProvisioningCredentials,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
    /// Has the job run in cycles. Started again it changes nothing.
    fn start_job(&self, principal: &ServicePrincipal, job: &str) -> impl Future<Output = Result<(), Failure>> + Send;
    /// Has the job run no more; a cycle that is under way ends first.
    fn pause_job(&self, principal: &ServicePrincipal, job: &str) -> impl Future<Output = Result<(), Failure>> + Send;
    /// Brings one user across now.
    fn provision_on_demand(
        &self,
        principal: &ServicePrincipal,
        job: &str,
        user: Uuid,
    ) -> impl Future<Output = Result<OnDemand, Failure>> + Send;
    /// What the log says of a job since then. It is minutes late.
    fn provisioning_log(
        &self,
        job: &str,
        since: Timestamp,
    ) -> impl Future<Output = Result<Vec<ProvisioningEntry>, Failure>> + Send;
}
