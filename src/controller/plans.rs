//! The list of plans in a status.

use crate::api::{PlanReference, PlanState};

/// More plans than this are not kept in a status; their Secrets are.
const KEPT: usize = 5;

/// Shows a plan as the present one. It takes the place of one that was only shown; one that was under way has stopped.
pub fn show(plans: &mut Vec<PlanReference>, plan: PlanReference) {
    stop(plans);
    plans.retain(|old| !old.state.is_only_shown() && old.hash != plan.hash);
    plans.push(plan);
    let surplus = plans.len().saturating_sub(KEPT);
    plans.drain(..surplus);
}

/// What was being carried out is not any more.
pub fn stop(plans: &mut [PlanReference]) {
    for plan in plans.iter_mut().filter(|plan| plan.state == PlanState::Running) {
        plan.state = PlanState::Stale;
    }
}

/// A plan that was only shown no longer stands.
pub fn withdraw(plans: &mut Vec<PlanReference>) {
    plans.retain(|plan| !plan.state.is_only_shown());
}
