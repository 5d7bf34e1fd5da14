//! `PlanApproval`: a person's word that a plan may be carried out.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::status::{Gate, conditions_schema};

/// A person's word that a plan may be carried out: that plan, of that object, and no other.
#[derive(Clone, CustomResource, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[kube(
    group = "migration.devolutions.net",
    version = "v1alpha1",
    kind = "PlanApproval",
    plural = "planapprovals",
    namespaced,
    shortname = "papp",
    category = "devolutions",
    status = "PlanApprovalStatus",
    derive = "PartialEq",
    doc = "A person's word that a plan may be carried out: that plan, of that object, and no other. It cannot be changed, only deleted.",
    printcolumn(name = "Target", type_ = "string", json_path = ".spec.target.name"),
    printcolumn(name = "Gate", type_ = "string", json_path = ".spec.gate"),
    printcolumn(name = "Approver", type_ = "string", json_path = ".spec.approver"),
    printcolumn(name = "Accepted", type_ = "string", json_path = ".status.conditions[?(@.type==\"Accepted\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Accepted\")].reason"),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Accepted\")].message",
        priority = 1
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("self == oldSelf")
    .message("an approval cannot be changed: delete it and create another"))]
#[x_kube(validation = Rule::new("self.gate in (self.target.kind == 'SsoMigration' ? ['Start', 'Cutover', 'Provisioning', 'Rollback', 'Retirement'] : ['Replacement', 'Rollback'])")
    .message("a GroupReplacement has the gates Replacement and Rollback, an SsoMigration has Start, Cutover, Provisioning, Rollback and Retirement"))]
pub struct PlanApprovalSpec {
    /// The object whose plan is approved.
    pub target: ApprovalTarget,
    /// The gate that may be passed.
    pub gate: Gate,
    /// The plan's hash, from the target's `status.plans`.
    #[schemars(length(max = 71))]
    #[x_kube(validation = Rule::new("self.matches('^sha256:[0-9a-f]{64}$')")
        .message("must be a plan's hash as status.plans shows it: sha256: and 64 hexadecimal digits"))]
    pub plan: String,
    /// The approver's own user name, as `kubectl auth whoami` shows it. An admission policy
    /// compares it with whoever sends the request.
    #[schemars(length(min = 1, max = 1024))]
    pub approver: String,
    /// From then on it no longer counts. A plan that has begun goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
}

/// The object whose plan is approved.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalTarget {
    /// Its kind.
    pub kind: TargetKind,
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Its `metadata.uid`: an approval is for that very object, not for another of its name.
    #[schemars(length(min = 1, max = 64))]
    pub uid: String,
}

/// The kinds that have plans.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum TargetKind {
    /// A `GroupReplacement`.
    GroupReplacement,
    /// An `SsoMigration`.
    SsoMigration,
}

/// What became of an approval.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanApprovalStatus {
    /// The generation that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Accepted`, with the reason.
    #[serde(default)]
    #[schemars(schema_with = "conditions_schema")]
    pub conditions: Vec<Condition>,
}
