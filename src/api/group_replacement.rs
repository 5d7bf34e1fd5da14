//! `GroupReplacement`: an Entra group takes the place of a custom user group.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::lapse::WHILE;
use super::reference::LocalRef;
use super::status::{PlanReference, Step, conditions_schema};

/// Puts an Entra group in the place of a custom user group wherever that one holds permissions.
#[derive(Clone, CustomResource, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[kube(
    group = "migration.devolutions.net",
    version = "v1alpha1",
    kind = "GroupReplacement",
    plural = "groupreplacements",
    namespaced,
    shortname = "grpr",
    category = "devolutions",
    status = "GroupReplacementStatus",
    derive = "PartialEq",
    doc = "Puts an Entra group in the place of a Devolutions custom user group wherever that one holds permissions, so that nobody loses or gains access at any instant.",
    validation = Rule::new("size(self.metadata.name) <= 200").message("metadata.name must be at most 200 characters: names of Secrets are made from it"),
    printcolumn(name = "From", type_ = "string", json_path = ".status.from.name"),
    printcolumn(name = "To", type_ = "string", json_path = ".status.to.name"),
    printcolumn(name = "Mode", type_ = "string", json_path = ".spec.mode"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Summary", type_ = "string", json_path = ".status.summary"),
    printcolumn(name = "Plan", type_ = "string", json_path = ".status.plans[-1:].hash", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("has(self.connectionRef) != has(self.migrationRef)")
    .message("give exactly one of connectionRef and migrationRef"))]
#[x_kube(validation = Rule::new("has(self.connectionRef) == has(oldSelf.connectionRef) && (!has(self.connectionRef) || self.connectionRef == oldSelf.connectionRef)")
    .message("connectionRef is immutable: create another GroupReplacement"))]
#[x_kube(validation = Rule::new("has(self.migrationRef) == has(oldSelf.migrationRef) && (!has(self.migrationRef) || self.migrationRef == oldSelf.migrationRef)")
    .message("migrationRef is immutable: create another GroupReplacement"))]
#[x_kube(validation = Rule::new("self.from == oldSelf.from")
    .message("from is immutable, since plans and snapshots rest on it: create another GroupReplacement"))]
#[x_kube(validation = Rule::new("self.to == oldSelf.to")
    .message("to is immutable, since plans and snapshots rest on it: create another GroupReplacement"))]
pub struct GroupReplacementSpec {
    /// The `TenantConnection` to work through, where no migration is waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_ref: Option<LocalRef>,
    /// The `SsoMigration` that fills the Entra group: nothing is changed before people sign in by its application and
    /// everybody has come across. It works through that one's connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migration_ref: Option<LocalRef>,
    /// The custom user group that is replaced.
    pub from: CustomGroupRef,
    /// The Entra group that takes its place. It must have the same members.
    pub to: EntraGroupRef,
    /// `Plan` shows what would be done and writes nothing outside the cluster; `Apply` does it;
    /// `Rollback` puts everything back as it was before.
    #[serde(default)]
    pub mode: Mode,
    /// Stops before the next request that would change anything. Set it back to go on.
    #[serde(default)]
    pub suspend: bool,
    /// Whether a person must approve each plan with a `PlanApproval`. The connection's policy can
    /// require it all the same.
    #[serde(default)]
    pub approval: ApprovalRequirement,
    /// How long both groups hold the permissions before the custom group's are revoked,
    /// such as `24h` or `30m`.
    #[serde(default = "default_soak")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = Rule::new(WHILE)
        .message("must be hours, minutes and seconds, such as 24h, 1h30m or 0s, and at most a year (8760h)"))]
    pub soak: String,
    /// Limits beyond which the operator stops and asks.
    #[serde(default)]
    pub failsafe: Failsafe,
}

pub(super) fn default_soak() -> String {
    "0s".to_owned()
}

/// Names a custom user group: by name or by id.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("has(self.name) != has(self.id)")
    .message("give exactly one of name and id"))]
pub struct CustomGroupRef {
    /// Its name, letter by letter. A name that fits two groups is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub name: Option<String>,
    /// Its id in Devolutions Cloud.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 36))]
    #[x_kube(validation = Rule::new("self.matches('^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$')")
        .message("must be a GUID such as 1f0c6a0e-2b1d-4f5e-9c3a-7d8e9f0a1b2c"))]
    pub id: Option<String>,
}

/// Names an Entra group: by display name or by object id.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("has(self.displayName) != has(self.id)")
    .message("give exactly one of displayName and id"))]
pub struct EntraGroupRef {
    /// Its display name, letter by letter. A name that fits two groups is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub display_name: Option<String>,
    /// Its object id in Entra ID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 36))]
    #[x_kube(validation = Rule::new("self.matches('^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$')")
        .message("must be a GUID: the group's object id as Entra ID shows it"))]
    pub id: Option<String>,
}

/// What a `GroupReplacement` is to do.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum Mode {
    /// Show the plan, write nothing outside.
    Plan,
    /// Carry the plan out.
    #[default]
    Apply,
    /// Put everything back.
    Rollback,
}

/// Whether a person must approve.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum ApprovalRequirement {
    /// Each plan waits for a `PlanApproval`.
    #[default]
    Required,
    /// Plans are carried out as soon as they are made, unless the connection's policy says otherwise.
    NotRequired,
}

/// Limits beyond which the operator stops and asks.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Failsafe {
    /// The most permissions that one plan may touch.
    #[serde(default = "default_max_assignments")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_assignments: u32,
}

fn default_max_assignments() -> u32 {
    5000
}

impl Default for Failsafe {
    fn default() -> Self {
        Self { max_assignments: default_max_assignments() }
    }
}

/// What the operator found and did.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupReplacementStatus {
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
    /// The custom group, as found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<ResolvedGroup>,
    /// The Entra group, as found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<ResolvedGroup>,
    /// The plans, the present one last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plans: Vec<PlanReference>,
    /// The steps of the present mode, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// When the custom group's permissions will be revoked, while both groups hold them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub soak_until: Option<Time>,
    /// The last value of the annotation `migration.devolutions.net/requestedAt` that was acted on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
}

/// A group as Devolutions Cloud shows it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResolvedGroup {
    /// Its name.
    pub name: String,
    /// Its id in Devolutions Cloud.
    pub id: String,
    /// Its object id in Entra ID, where Devolutions Cloud shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// How many members it has.
    pub members: u32,
}
