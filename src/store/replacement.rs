//! What a `GroupReplacement` keeps in its checkpoint.

use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::api::{CustomGroupRef, EntraGroupRef, Gate, GroupReplacement};
use crate::devolutions::GroupId;
use crate::plan::PlanHash;

/// What a `GroupReplacement` has begun and how far it is.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Checkpoint {
    /// The server's address. Another one is never taken for it.
    pub tenant: String,
    /// The connection by which it began; none in a checkpoint of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// What the spec named, when work began: a resource of the same name that names other groups is
    /// another piece of work.
    pub named: Named,
    /// The custom group, as first resolved.
    pub from: GroupId,
    /// The Entra group, as first resolved.
    pub to: GroupId,
    /// The snapshots that a rollback goes back to, the first one first. Empty once it is done.
    pub snapshots: Vec<String>,
    /// The number of the next snapshot.
    pub next_snapshot: u32,
    /// How many plans were begun.
    #[serde(default)]
    pub attempt: u32,
    /// The uids of the approvals that were used: each opens one gate once, even where the same plan comes again.
    pub used_approvals: Vec<String>,
    /// The plan that is being carried out, or was last.
    pub run: Option<Run>,
}

/// The groups as a spec names them.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Named {
    /// The custom group.
    pub from: CustomGroupRef,
    /// The Entra group.
    pub to: EntraGroupRef,
}

impl Named {
    /// What `object` names.
    #[must_use]
    pub fn by(object: &GroupReplacement) -> Self {
        Self { from: object.spec.from.clone(), to: object.spec.to.clone() }
    }
}

/// A pinned plan.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// The resource that asked for it. An approval belongs to a uid, and so does a run.
    pub uid: String,
    /// The gate that it passed.
    pub gate: Gate,
    /// Its hash.
    pub hash: PlanHash,
    /// The Secret with the plan in full.
    pub plan_secret: String,
    /// The `PlanApproval` that was used, where one was needed.
    pub approval: Option<String>,
    /// Who approved.
    pub approver: Option<String>,
    /// When phase 1 was complete.
    pub granted_at: Option<Timestamp>,
    /// When all was done and verified.
    pub finished_at: Option<Timestamp>,
    /// Why it stopped for good, where it did.
    pub stopped: Option<Stopped>,
}

impl Run {
    /// Since when nothing is written for it any more; none while it goes on.
    #[must_use]
    pub fn ended_at(&self) -> Option<Timestamp> {
        self.finished_at.or_else(|| self.stopped.as_ref().map(|stopped| stopped.at))
    }
}

/// Why a run stopped, and what a person had asked for by then: anything newer starts afresh.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stopped {
    /// When.
    pub at: Timestamp,
    /// For people.
    pub message: String,
    /// The resource's generation at that time.
    pub generation: Option<i64>,
    /// The annotation `requestedAt` at that time.
    pub requested_at: Option<String>,
}
