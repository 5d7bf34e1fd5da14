//! The list of steps in a status.

use super::state::truncated;
use super::status::{differ_in_ids_only, now};
use crate::api::{Step, StepState};

/// Puts a step into a state, and says what there is to say of it. The steps stay in the order of their names' kind.
pub fn set<N: Copy + Ord>(steps: &mut Vec<Step<N>>, name: N, state: StepState, message: &str) {
    let at = steps.partition_point(|s| s.name < name);
    let is_new = steps.get(at).is_none_or(|s| s.name != name);
    if is_new {
        let new = Step { name, state, started_at: None, completed_at: None, message: String::new(), progress: None };
        steps.insert(at, new);
    }
    let step = &mut steps[at];
    let message = truncated(message);
    if !differ_in_ids_only(&step.message, &message) {
        step.message = message;
    }
    if step.state == state && !is_new {
        return;
    }
    step.state = state;
    match state {
        StepState::Running | StepState::Waiting => {
            // What had ended begins anew.
            if step.completed_at.take().is_some() {
                step.started_at = None;
            }
            step.started_at.get_or_insert_with(now);
        }
        StepState::Completed | StepState::Failed | StepState::Skipped => {
            step.started_at.get_or_insert_with(now);
            step.completed_at = Some(now());
        }
    }
}

/// A phase under way has stopped: nothing of it may look as if it still went on.
pub fn halt<N: Copy + Ord>(steps: &mut Vec<Step<N>>, state: StepState, how: &str) {
    let running = steps.iter_mut().filter(|s| s.state == StepState::Running);
    let halted: Vec<(N, String)> = running
        .map(|step| match &mut step.progress {
            Some(progress) => {
                progress.eta = None;
                (step.name, format!("{how} after {} of {}.", progress.completed, progress.total))
            }
            None => (step.name, format!("{how}.")),
        })
        .collect();
    for (name, text) in halted {
        set(steps, name, state, &text);
    }
}
