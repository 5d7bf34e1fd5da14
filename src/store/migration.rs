//! What an `SsoMigration` keeps in its checkpoint.

use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::devolutions::{SsoClient, SsoProvider};
use crate::plan::PlanHash;
use crate::plan::migration::{MigrationPlan, Work};

/// What an `SsoMigration` has begun and how far it is.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MigrationCheckpoint {
    /// A random id of this piece of work. What is made in Entra ID bears it as its mark.
    pub migration_id: Uuid,
    /// The server's address. Another one is never taken for it.
    pub tenant: String,
    /// The Entra tenant's id.
    pub entra_tenant: String,
    /// How people signed in when the work began, or as it was last seen before the cut-over: what a rollback goes back to.
    pub before: SsoClient,
    /// What signed people in then.
    pub before_provider: SsoProvider,
    /// When the old configuration was about to be saved, as a person asked: whether it was, is not known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restoring_at: Option<Timestamp>,
    /// The new application was asked for, and no answer tells what came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
    /// The new application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<ApplicationIds>,
    /// The plan for the gate `Start` that was approved, and of which resource: that one may begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Passed>,
    /// The Secret of the plan that was last shown to be approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<String>,
    /// The cut-over that is under way or done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cutover: Option<CutoverRun>,
    /// Provisioning that is under way or runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioning: Option<ProvisioningRun>,
    /// Since when all else is done, and what was decided on the way back then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retirement: Option<RetirementRun>,
    /// The rollback that is under way or done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Passed>,
    /// How often people have gone there and back, or provisioning has.
    #[serde(default)]
    pub attempt: u32,
    /// Whether the new configuration was ever about to be saved. From then on each client secret may be the one that
    /// people sign in by, and none is ever taken away.
    #[serde(default)]
    pub was_saved: bool,
    /// The uids of the approvals that were used: each opens one gate once.
    #[serde(default)]
    pub used_approvals: Vec<String>,
}

impl MigrationCheckpoint {
    /// A plan to do this in the tenants that the work began in.
    #[must_use]
    pub fn plan(&self, work: Work) -> MigrationPlan {
        MigrationPlan { tenant: self.tenant.clone(), entra_tenant: self.entra_tenant.clone(), work }
    }
}

/// A request for the new application whose answer is not known.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// When.
    pub at: Timestamp,
    /// By which name.
    pub name: String,
}

/// The new application.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationIds {
    /// Its application (client) id.
    pub app_id: String,
    /// Whether it was there before.
    #[serde(default)]
    pub was_there: bool,
}

/// A plan that may be carried out.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Passed {
    /// The resource that asked for it. An approval belongs to a uid, and so does this.
    pub uid: String,
    /// The plan's hash.
    pub hash: PlanHash,
    /// The Secret with the plan in full.
    pub plan_secret: String,
    /// The `PlanApproval` that was used, where one was needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
    /// Who approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approver: Option<String>,
    /// From then on it no longer counts, unless it has been carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl Passed {
    /// Whether it still counts.
    #[must_use]
    pub fn counts(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|at| at > now)
    }
}

/// A cut-over that was decided on, and what came of it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CutoverRun {
    /// The plan that is carried out; none where a person saved the new configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed: Option<Passed>,
    /// When the new configuration was first about to be saved: from then on it may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saving_at: Option<Timestamp>,
    /// When it was last about to be: what Entra's log says of before is not about the save that went well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_saving_at: Option<Timestamp>,
    /// The id in Entra ID of the client secret that was saved with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<Uuid>,
    /// Whether the plan says that the old configuration is brought back by itself where people cannot sign in.
    #[serde(default)]
    pub returns_by_itself: bool,
    /// When the new configuration was read back, or taken by a server that does not show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved_at: Option<Timestamp>,
    /// When somebody was seen to sign in by it: from then on nothing is brought back by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven_at: Option<Timestamp>,
    /// What was told when somebody else was first seen to have changed it since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<Returning>,
    /// Why the old configuration is brought back without anybody asking for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returning: Option<Returning>,
}

/// Why the old configuration is brought back, and what a person had asked for by then: anything newer starts afresh.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Returning {
    /// For people.
    pub why: String,
    /// When the old configuration was about to be saved: from then on it may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restoring_at: Option<Timestamp>,
    /// When the old configuration was read back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_at: Option<Timestamp>,
    /// The resource that it happened to.
    pub uid: String,
    /// Its generation at that time.
    pub generation: Option<i64>,
    /// The annotation `requestedAt` at that time.
    pub requested_at: Option<String>,
}

/// Provisioning that was decided on or found, and what was done of it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProvisioningRun {
    /// The plan that is carried out; none where a person has done it all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed: Option<Passed>,
    /// When that was decided: what Entra's log says of before counts for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun_at: Option<Timestamp>,
    /// When tokens were asked for in Devolutions Cloud of which none is kept yet: the answers may have been lost.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked_at: Vec<Timestamp>,
    /// When the job was asked for: from then on it may be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_asked_at: Option<Timestamp>,
    /// What was saved in the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved: Option<SavedToken>,
    /// When the canary had come across.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary_at: Option<Timestamp>,
    /// When we last asked for the job to be started: from then on it may run, whatever is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_asked_at: Option<Timestamp>,
    /// When the job was first seen to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When somebody was last about to be assigned since: only a later cycle covers them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned_at: Option<Timestamp>,
}

/// The end of the way back.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RetirementRun {
    /// When all else was done.
    pub begun_at: Timestamp,
    /// The plan that is carried out, once it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed: Option<Passed>,
}

/// Where the application was told to bring users, and by which token.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SavedToken {
    /// The SCIM server's address.
    pub tenant_url: String,
    /// When the token was made, by the server's word.
    pub created_at: Timestamp,
}
