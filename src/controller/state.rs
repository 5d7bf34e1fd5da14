//! A resource's state, and the conditions that say it. One meaning for every kind.

use k8s_controller::conditions::{self, ConditionStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::status::set;
use crate::error::Failure;

/// A condition's message may be longer, but nobody reads more.
const MESSAGE_BYTES: usize = 4096;
/// The summary stands in a column of `kubectl get`.
const HEADLINE_CHARS: usize = 100;

/// The conditions that go with one state.
#[derive(Clone)]
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

    /// After a pass that failed.
    pub fn failed(failure: &Failure) -> Self {
        let state = Self::new(ConditionStatus::False, failure.reason, &failure.message);
        if failure.class.needs_a_person() { state.stuck() } else { state.busy() }
    }

    /// Writes it into the conditions, and gives the headline. `plans` says whether a plan is all that is asked for.
    pub fn apply(&self, conditions: &mut Vec<Condition>, generation: Option<i64>, plans: bool) -> String {
        let message = truncated(&self.message);
        let (reason, message) = (self.reason, message.as_str());
        set(conditions, "Ready", self.ready, reason, message, generation);
        match self.succeeded {
            Some(value) => set(conditions, "Succeeded", value, reason, message, generation),
            // A success stays one, whatever comes later; a rollback is undone by the next beginning.
            None => match conditions::find(conditions, "Succeeded").filter(|c| c.status == "True").cloned() {
                Some(kept) => {
                    set(conditions, "Succeeded", ConditionStatus::True, &kept.reason, &kept.message, generation);
                }
                None => set(conditions, "Succeeded", ConditionStatus::Unknown, reason, message, generation),
            },
        }
        for (kind, on) in [("Reconciling", self.reconciling), ("Stalled", self.stalled)] {
            if on {
                set(conditions, kind, ConditionStatus::True, reason, message, generation);
            } else {
                let _ = conditions::remove(conditions, kind);
            }
        }
        if plans {
            set(conditions, "Planned", ConditionStatus::from(self.planned), reason, message, generation);
        } else {
            let _ = conditions::remove(conditions, "Planned");
        }
        headline(message)
    }
}

/// What fits a message.
pub fn truncated(message: &str) -> String {
    truncated_to(MESSAGE_BYTES, message)
}

/// At most so many bytes of a text.
pub fn truncated_to(bytes: usize, text: &str) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(bytes)])
}

/// What fits a column: a message's first sentence, and of that not too much.
pub fn headline(message: &str) -> String {
    let sentence = message.split_once(". ").map_or(message, |(first, _)| first);
    let short: String = sentence.chars().take(HEADLINE_CHARS).collect();
    if short.len() < sentence.len() { format!("{short}…") } else { short }
}
