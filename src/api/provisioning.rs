//! How an `SsoMigration` brings its users across by provisioning, and what it shows of that.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::forecast::CauseCount;

/// Provisioning of Devolutions Cloud by the new application.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProvisioningSettings {
    /// The user who is brought across alone, before everybody else is.
    pub canary: Canary,
}

/// The user who is brought across first.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Canary {
    /// Its e-mail address in Devolutions Cloud. It must be assigned to the new application, in person or by a group.
    #[schemars(length(min = 3, max = 320))]
    pub user: String,
}

/// Whether members of the synced groups are looked at before the migration counts as verified.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum GroupVerification {
    /// Every expected user must be in the synced groups that stand for its Entra groups.
    #[default]
    Required,
    /// Who is not is told and holds nothing up: a server may put people into their groups only when they sign in.
    NotRequired,
}

/// Provisioning, as both sides show it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObservedProvisioning {
    /// Where Entra ID brings users.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tenant_url: String,
    /// The Secret that holds the token for that, in its key `secretToken`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub token_secret_name: String,
    /// From then on nobody is brought across.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_expires_at: Option<Time>,
    /// The provisioning job in Entra ID.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub job_id: String,
    /// The job's state in Microsoft's words: `NotRun`, `Active`, `Paused`, `Quarantine`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub job_state: String,
    /// When the job's last cycle ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_cycle_at: Option<Time>,
    /// How that ended, in Microsoft's words: `Succeeded`, `EntryLevelErrors`, `Failed`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_cycle: String,
}

/// Who came across, in numbers.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VerificationSummary {
    /// Users who are to be synced.
    pub expected: u32,
    /// How many of them are.
    pub synced: u32,
    /// How many of them are not.
    pub missing: u32,
    /// Users who need not be: they can never come from Entra ID, or could not sign in before either.
    pub not_applicable: u32,
    /// Users whom a waiver lets off.
    pub waived: u32,
    /// Why users are missing, each of them for one cause, the most frequent first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<CauseCount>,
    /// Entra groups that are assigned.
    pub groups: u32,
    /// Those of them that are not in Devolutions Cloud yet, or lack a user who should be in them; at most twenty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incomplete_groups: Vec<String>,
    /// Since when nobody is missing of those who were asked for then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<Time>,
}
