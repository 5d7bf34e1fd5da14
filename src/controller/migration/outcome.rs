//! How a pass ends.

use k8s_openapi::jiff::Timestamp;

use crate::api::{Evidence, Gate, MigrationStepName};
use crate::plan::Refusal;
use crate::plan::preflight::{Report, is_open};

/// How a pass ended.
pub enum Outcome {
    /// `spec.suspend` is set.
    Suspended,
    /// It cannot go on until the world or the spec changes.
    Refused(Refusal),
    /// It has looked, and that is all that can be done now.
    Looked { report: Box<Report> },
    /// A person must approve a plan.
    AwaitingApproval { gate: Gate, purpose: String },
    /// The window for the cut-over opens then.
    AwaitingWindow { opens: Timestamp },
    /// What was written to Entra ID is not seen everywhere yet.
    Waiting { step: MigrationStepName, reason: &'static str, message: String },
    /// There is more to do right away.
    Working,
    /// The new configuration is saved, and nobody has signed in yet.
    AwaitingProof { since: Timestamp, way_back: bool, returns_by_itself: bool },
    /// People sign in by the new application.
    CutOver { evidence: Evidence, log_is_read: bool, way_back: bool },
    /// Entra ID brings users across: so many of so many.
    Synchronizing { synced: usize, expected: usize, message: String },
    /// Everybody should have come across, and somebody has not; whether that passes by itself.
    Missing { message: String, passes: bool },
    /// Everybody who should has come across, and so many are synced; groups that are not whole, which is let pass.
    Verified { synced: usize, incomplete: Vec<String> },
    /// Everybody has come across, and groups are being replaced: so many of so many; whether only a person helps one.
    Replacing { done: usize, total: usize, message: String, is_stuck: bool },
    /// So many groups are replaced, which is all that was asked for.
    Replaced { groups: usize },
    /// All else is done, as `done` tells, and the way back is removed then.
    Retiring { due: Timestamp, done: Box<Outcome> },
    /// The old configuration is back without anybody having asked for it here, and why.
    Returned { why: String },
    /// The old configuration is back, as asked for.
    RolledBack { message: String },
}

impl Outcome {
    pub fn waiting(step: MigrationStepName, reason: &'static str, message: String) -> Self {
        Self::Waiting { step, reason, message }
    }

    /// The reason of the condition `Ready` that goes with it.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Suspended => "Suspended",
            Self::Refused(refusal) => refusal.reason,
            Self::Looked { report } if report.findings.iter().any(is_open) => "PreflightFailed",
            Self::Looked { .. } => "Planned",
            Self::AwaitingApproval { .. } => "AwaitingApproval",
            Self::AwaitingWindow { .. } => "AwaitingWindow",
            Self::Waiting { reason, .. } => reason,
            Self::Working => "Progressing",
            Self::AwaitingProof { .. } => "AwaitingProof",
            Self::CutOver { .. } => "CutOver",
            Self::Synchronizing { .. } => "Synchronizing",
            Self::Missing { .. } => "UsersMissing",
            Self::Verified { .. } => "Verified",
            Self::Replacing { .. } => "Replacing",
            Self::Replaced { .. } => "Replaced",
            Self::Retiring { done, .. } => done.reason(),
            Self::Returned { .. } => "Returned",
            Self::RolledBack { .. } => "RolledBack",
        }
    }
}
