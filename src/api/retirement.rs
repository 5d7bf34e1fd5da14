//! What becomes of the old application when nothing hangs on it any more.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::lapse::WHILE;

/// What becomes of the old application, and when.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RetirementSettings {
    /// What becomes of it.
    pub policy: RetirementPolicy,
    /// How long after everything else is done, such as `720h`. Until then `mode: Rollback` brings the old configuration back.
    #[serde(default = "default_after")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = Rule::new(WHILE)
        .message("must be hours, minutes and seconds, such as 720h or 24h, and at most a year (8760h)"))]
    pub after: String,
}

fn default_after() -> String {
    "720h".to_owned()
}

/// What becomes of the old application.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum RetirementPolicy {
    /// It stays as it is, with its assignments. Only the client secret that was added to it for the way back is removed.
    Retain,
}
