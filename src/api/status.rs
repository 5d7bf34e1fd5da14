//! What the statuses of several kinds have in common.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A point at which a person can be asked before the operator goes on.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Gate {
    /// Before the first permission is granted to the Entra group.
    Replacement,
    /// Of a replacement: before the first permission is given back to the custom group. Of a migration: before people sign
    /// in by the old application again.
    Rollback,
    /// Before the first request that changes anything in Entra ID.
    Start,
    /// Before people sign in by the new application.
    Cutover,
    /// Before Entra ID is set up to bring users to Devolutions Cloud.
    Provisioning,
    /// Before the way back to the old application is removed.
    Retirement,
}

impl Gate {
    /// The name as it stands in a spec.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Replacement => "Replacement",
            Self::Rollback => "Rollback",
            Self::Start => "Start",
            Self::Cutover => "Cutover",
            Self::Provisioning => "Provisioning",
            Self::Retirement => "Retirement",
        }
    }
}

/// A step of the work, in the order in which it is done. Each kind has names of its own.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step<N = StepName> {
    /// Which step.
    pub name: N,
    /// How far it is.
    pub state: StepState,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Time>,
    /// What there is to say of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Counts, where the step has any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
}

/// The steps of a `GroupReplacement`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
pub enum StepName {
    /// Every permission that either group holds is read.
    Inventory,
    /// Both groups must have the same members.
    Membership,
    /// A person approves the plan.
    Approval,
    /// The permissions are granted, from the entries up to the system.
    Grant,
    /// Both groups hold the permissions for a while.
    Soak,
    /// The permissions are revoked, from the system down to the entries.
    Revoke,
    /// A fresh inventory shows the outcome.
    Verification,
}

/// The state of one step.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum StepState {
    /// Under way.
    Running,
    /// It waits for somebody or something; the message says for whom or what.
    Waiting,
    /// Done.
    Completed,
    /// It cannot go on; the message says why and what to do.
    Failed,
    /// There was nothing to do, or it was not asked for.
    Skipped,
}

impl StepState {
    /// Whether nothing is left of it.
    #[must_use]
    pub fn is_done(self) -> bool {
        matches!(self, Self::Completed | Self::Skipped)
    }
}

/// How far a step with many parts is.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Parts done.
    pub completed: u32,
    /// All parts.
    pub total: u32,
    /// `completed` of `total`, rounded down: 100 only when nothing is left.
    #[schemars(range(max = 100))]
    pub percent: u8,
    /// When it will be done at the pace so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eta: Option<Time>,
}

impl Progress {
    /// `completed` of `total` parts.
    #[must_use]
    pub fn of(completed: usize, total: usize) -> Self {
        let percent = (completed * 100).checked_div(total).unwrap_or(100).min(100);
        Self {
            completed: u32::try_from(completed).unwrap_or(u32::MAX),
            total: u32::try_from(total).unwrap_or(u32::MAX),
            percent: u8::try_from(percent).unwrap_or(100),
            eta: None,
        }
    }
}

/// A plan of this resource.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanReference {
    /// The gate that it passes.
    pub gate: Gate,
    /// How far it is.
    pub state: PlanState,
    /// What a `PlanApproval` names in `plan`. It covers all that the plan rests on.
    pub hash: String,
    /// The Secret with the plan in full, effect by effect. It tells who may see what: handle it as such.
    pub secret_name: String,
    /// The digest of all that the Secret's document says, names included: the hash leaves names out, since a renamed group
    /// does not make a plan another one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub document_digest: String,
    /// How many permissions it grants, where it is a replacement's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<u32>,
    /// How many permissions it revokes, where it is a replacement's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revokes: Option<u32>,
    /// Who approved it, where an approval was needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approver: Option<String>,
    /// The `PlanApproval` that was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
}

impl PlanState {
    /// Whether nothing of it was begun.
    #[must_use]
    pub fn is_only_shown(self) -> bool {
        matches!(self, Self::Preview | Self::AwaitingApproval | Self::Approved)
    }
}

/// How far a plan is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum PlanState {
    /// Shown only: the mode is `Plan`.
    Preview,
    /// It waits for an approval.
    AwaitingApproval,
    /// It may be carried out, and waits for its time.
    Approved,
    /// It is being carried out.
    Running,
    /// It stopped because the world no longer fits it.
    Stale,
    /// All of it is done.
    Completed,
}

/// `conditions` as the Kubernetes API conventions want them: a map by `type`.
pub(super) fn conditions_schema(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "description": "The state in the form that kubectl wait, Argo CD and Flux read.",
        "items": generator.subschema_for::<Condition>(),
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
    })
}
