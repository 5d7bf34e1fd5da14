//! The list of steps in a status.

use crate::api::{Step, StepName, StepState};
use crate::controller::status::now;

use super::outcome::truncated;

/// Puts a step into a state, and says what there is to say of it.
pub fn set(steps: &mut Vec<Step>, name: StepName, state: StepState, message: &str) {
    let order = |s: StepName| s as usize;
    let at = steps.partition_point(|s| order(s.name) < order(name));
    if steps.get(at).is_none_or(|s| s.name != name) {
        let new = Step {
            name,
            state: StepState::Pending,
            started_at: None,
            completed_at: None,
            message: String::new(),
            progress: None,
        };
        steps.insert(at, new);
    }
    let step = &mut steps[at];
    truncated(message).clone_into(&mut step.message);
    if step.state == state {
        return;
    }
    step.state = state;
    match state {
        StepState::Running | StepState::Waiting => {
            step.started_at.get_or_insert_with(now);
            step.completed_at = None;
        }
        StepState::Completed | StepState::Failed | StepState::Skipped => {
            step.started_at.get_or_insert_with(now);
            step.completed_at = Some(now());
        }
        StepState::Pending => {}
    }
}

/// A phase under way has stopped: nothing of it may look as if it still went on.
pub fn halt(steps: &mut Vec<Step>, state: StepState, how: &str) {
    let running = steps.iter_mut().filter(|s| s.state == StepState::Running);
    let halted: Vec<(StepName, String)> = running
        .filter_map(|step| {
            let progress = step.progress.as_mut()?;
            progress.eta = None;
            Some((step.name, format!("{how} after {} of {}.", progress.completed, progress.total)))
        })
        .collect();
    for (name, text) in halted {
        set(steps, name, state, &text);
    }
}
