//! The replacements that an `SsoMigration` makes once everybody has come across.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::group_replacement::{CustomGroupRef, EntraGroupRef, default_soak};
use super::lapse::WHILE;

/// Which custom user groups are replaced by which Entra groups, as soon as everybody has come across.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GroupReplacements {
    /// `FromMapping` makes a `GroupReplacement` for each pair of `mapping`. What is suggested in status is never made
    /// unasked.
    pub create: ReplacementCreation,
    /// The pairs. A pair that is taken out leaves its `GroupReplacement` as it is, which status then calls unmanaged.
    #[schemars(length(min = 1, max = 500), extend("x-kubernetes-list-type" = "atomic"))]
    pub mapping: Vec<GroupMapping>,
    /// What each of them is made with. Once made, a `GroupReplacement` is for people to change, and stays when this
    /// resource is deleted.
    #[serde(default)]
    pub template: ReplacementTemplate,
}

/// Which `GroupReplacement`s are made.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum ReplacementCreation {
    /// One for each pair of `mapping`.
    FromMapping,
}

/// A custom user group, and the Entra group that takes its place.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GroupMapping {
    /// The custom user group that is replaced.
    pub from: CustomGroupRef,
    /// The Entra group that takes its place.
    pub to: EntraGroupRef,
}

/// What each `GroupReplacement` is made with. Each of them waits for an approval of its own.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReplacementTemplate {
    /// How long both groups hold the permissions before the custom group's are revoked, such as `24h` or `30m`.
    #[serde(default = "default_soak")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = Rule::new(WHILE)
        .message("must be hours, minutes and seconds, such as 24h, 1h30m or 0s, and at most a year (8760h)"))]
    pub soak: String,
}

impl Default for ReplacementTemplate {
    fn default() -> Self {
        Self { soak: default_soak() }
    }
}

/// How far the replacements are that a migration has made.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplacementSummary {
    /// How many pairs are mapped.
    pub total: u32,
    /// How many of them are replaced.
    pub succeeded: u32,
    /// Some of those that are not, by the names of their `GroupReplacement`s.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<String>,
    /// Some `GroupReplacement`s of this migration whose pair is not mapped any more. They are left alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmanaged: Vec<String>,
    /// Some pairs that have equal members and are not mapped. Nothing is done about them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suggested: Vec<SuggestedMapping>,
}

/// A custom user group and an Entra group with equal members.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SuggestedMapping {
    /// The custom user group's name.
    pub from: String,
    /// The Entra group's name.
    pub to: String,
}
