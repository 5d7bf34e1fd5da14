//! How a pass ends.

use k8s_openapi::jiff::Timestamp;

use crate::api::Gate;
use crate::plan::Refusal;

/// How a pass ended.
#[derive(Debug)]
pub enum Outcome {
    /// `spec.suspend` is set.
    Suspended,
    /// Mode `Plan`: the plan is there.
    Planned { grants: usize, revokes: usize },
    /// Its migration is not far enough.
    AwaitingMigration { message: String },
    /// A person must approve the plan.
    AwaitingApproval { gate: Gate, grants: usize, revokes: usize },
    /// It goes the other way than before, and until then a write of before can still take effect.
    Settling { until: Timestamp },
    /// There is more to do right away.
    Working,
    /// Both groups hold the permissions until then.
    Soaking { until: Timestamp },
    /// The custom group is replaced.
    Succeeded { reason: &'static str, message: String },
    /// Everything is back as it was.
    RolledBack { message: String },
    /// It cannot go on until the world or the spec changes.
    Refused(Refusal),
}

impl Outcome {
    /// The reason of the condition `Ready` that goes with it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Suspended => "Suspended",
            Self::Planned { .. } => "Planned",
            Self::AwaitingMigration { .. } => "AwaitingMigration",
            Self::AwaitingApproval { .. } => "AwaitingApproval",
            Self::Settling { .. } => "Settling",
            Self::Working => "Progressing",
            Self::Soaking { .. } => "Soaking",
            Self::Succeeded { reason, .. } => reason,
            Self::RolledBack { .. } => "RolledBack",
            Self::Refused(refusal) => refusal.reason,
        }
    }
}
