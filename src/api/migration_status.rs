//! What an `SsoMigration` shows: how far it is, the application that it made, and what proves that people sign in by it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::forecast::{Finding, ForecastSummary, ReportReference};
use super::mapping::ReplacementSummary;
use super::provisioning::{ObservedProvisioning, VerificationSummary};
use super::status::{PlanReference, Step, conditions_schema};

/// What the operator found.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SsoMigrationStatus {
    /// The generation that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready` and `Succeeded` always, `Planned` in mode `Plan`, `Reconciling` or `Stalled` only while true.
    #[serde(default)]
    #[schemars(schema_with = "conditions_schema")]
    pub conditions: Vec<Condition>,
    /// The state in a sentence.
    #[serde(default)]
    pub summary: String,
    /// The application by which people sign in before the cut-over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_application: Option<ObservedApplication>,
    /// The new application, once it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application: Option<MadeApplication>,
    /// The cut-over, once it has been.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cutover: Option<ObservedCutover>,
    /// Provisioning, once it has begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provisioning: Option<ObservedProvisioning>,
    /// Who has come across so far, once provisioning runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification: Option<VerificationSummary>,
    /// The replacements that were made from `groupReplacements.mapping`, and what could be added there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replacements: Option<ReplacementSummary>,
    /// Plans, the present one last; at most five.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5))]
    pub plans: Vec<PlanReference>,
    /// What was found before the cut-over, the gravest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// All findings, who would be assigned, and the forecast for each user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<ReportReference>,
    /// What the migration will mean for the users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forecast: Option<ForecastSummary>,
    /// The steps of the present mode, in order, and those of another one that were done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step<MigrationStepName>>,
    /// The last value of the annotation `migration.devolutions.net/requestedAt` that was acted on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
}

/// The steps of an `SsoMigration`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
pub enum MigrationStepName {
    /// Everything that could get in the way is looked at, and what will become of each user.
    Preflight,
    /// A person approves that the work begins, where `spec.approvals` asks for that.
    Start,
    /// The new application is made and set up, and both client secrets are proven.
    Application,
    /// People and groups are assigned to it.
    Assignments,
    /// Devolutions Cloud's configuration is tested, approved and saved, and people sign in by it.
    Cutover,
    /// Both sides are set up so that Entra ID brings users to Devolutions Cloud; one user comes first.
    Provisioning,
    /// Entra ID brings everybody across.
    Synchronization,
    /// Every user who should be is synced, and in their groups.
    Verification,
    /// Custom user groups are replaced by Entra groups, each by a `GroupReplacement` of its own.
    Replacements,
    /// The old application is of no use any more, and the way back to it is removed.
    Retirement,
    /// People sign in by the old application again.
    Rollback,
}

/// An application, as Entra ID shows it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObservedApplication {
    /// Its application (client) id.
    pub app_id: String,
    /// Its name.
    pub display_name: String,
    /// Whether only those who are assigned may sign in.
    pub assignment_required: bool,
    /// How many users and groups are assigned.
    pub assignments: u32,
}

/// The new application.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MadeApplication {
    /// Its application (client) id.
    pub app_id: String,
    /// Its name.
    pub display_name: String,
    /// Its client secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<KeptSecret>,
    /// A client secret of the old application, kept for the way back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub return_secret: Option<KeptSecret>,
    /// How many users and groups are assigned.
    pub assignments: u32,
}

/// A client secret, without its value.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptSecret {
    /// The Secret that holds it, in its key `clientSecret`.
    pub secret_name: String,
    /// Its id in Entra ID.
    pub key_id: String,
    /// From then on nobody can sign in by it.
    pub expires_at: Time,
}

/// The cut-over, and what proves that it works.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObservedCutover {
    /// When Devolutions Cloud's configuration was saved.
    pub saved_at: Time,
    /// The best proof so far.
    pub evidence: Evidence,
    /// Sign-ins by the new application since then, where Entra's log may be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign_ins: Option<SignInCounts>,
    /// Whether the old configuration can be brought back.
    pub way_back: bool,
    /// Why the operator brought the old configuration back by itself, where it did.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub returned: String,
}

/// What proves that people sign in by the new application, the weakest first.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Evidence {
    /// Devolutions Cloud has taken the configuration, and this server does not show it.
    Attested,
    /// Devolutions Cloud shows the new application.
    Configured,
    /// The new application's client secret still gets tokens since then.
    CredentialsProven,
    /// Entra's log shows that somebody signed in by it.
    SignInSeen,
}

/// Sign-ins by the new application since the cut-over, once somebody has signed in those of the last seven days.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SignInCounts {
    /// How many went well.
    pub succeeded: u32,
    /// How many did not.
    pub failed: u32,
}
