//! How a pass ends, and the conditions that go with it.

use k8s_controller::conditions::ConditionStatus;
use k8s_openapi::jiff::Timestamp;

use crate::api::Gate;
use crate::plan::Refusal;

/// A condition's message may be longer, but nobody reads more.
const MESSAGE_BYTES: usize = 4096;
/// The summary stands in a column of `kubectl get`.
const HEADLINE_CHARS: usize = 100;

/// How a pass ended.
#[derive(Debug)]
pub enum Outcome {
    /// `spec.suspend` is set.
    Suspended,
    /// Mode `Plan`: the plan is there.
    Planned { grants: usize, revokes: usize },
    /// A person must approve the plan.
    AwaitingApproval { gate: Gate, grants: usize, revokes: usize },
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
            Self::AwaitingApproval { .. } => "AwaitingApproval",
            Self::Working => "Progressing",
            Self::Soaking { .. } => "Soaking",
            Self::Succeeded { reason, .. } => reason,
            Self::RolledBack { .. } => "RolledBack",
            Self::Refused(refusal) => refusal.reason,
        }
    }
}

/// The conditions that go with one state.
pub struct State {
    pub ready: ConditionStatus,
    pub succeeded: Option<ConditionStatus>,
    pub reconciling: bool,
    pub stalled: bool,
    pub planned: bool,
    pub reason: &'static str,
    pub message: String,
}

impl State {
    /// Not busy, not stuck.
    pub fn new(ready: ConditionStatus, reason: &'static str, message: &str) -> Self {
        Self {
            ready,
            succeeded: None,
            reconciling: false,
            stalled: false,
            planned: false,
            reason,
            message: message.to_owned(),
        }
    }

    /// The operator is at it, or waits for something that will come.
    pub fn busy(self) -> Self {
        Self { reconciling: true, ..self }
    }

    /// Only a person or a change of the world helps.
    pub fn stuck(self) -> Self {
        Self { stalled: true, ..self }
    }
}

/// What fits a message.
pub fn truncated(message: &str) -> String {
    if message.len() <= MESSAGE_BYTES {
        return message.to_owned();
    }
    let end = (0..=MESSAGE_BYTES).rev().find(|i| message.is_char_boundary(*i)).unwrap_or(0);
    format!("{}…", &message[..end])
}

/// What fits a column: a message's first sentence, and of that not too much.
pub fn headline(message: &str) -> String {
    let sentence = message.split_once(". ").map_or(message, |(first, _)| first);
    let short: String = sentence.chars().take(HEADLINE_CHARS).collect();
    if short.len() < sentence.len() { format!("{short}…") } else { short }
}
