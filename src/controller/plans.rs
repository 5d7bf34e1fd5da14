//! The list of plans in a status.

use crate::api::{PlanReference, PlanState};

/// More plans than this are not kept in a status; their Secrets are.
const KEPT: usize = 5;

/// Shows a plan as the present one. It takes the place of one that was only shown; one that was under way has stopped.
pub fn show(plans: &mut Vec<PlanReference>, plan: PlanReference) {
    for old in plans.iter_mut().filter(|old| old.state == PlanState::Running) {
        old.state = PlanState::Stale;
    }
    plans.retain(|old| !is_only_shown(old) && old.hash != plan.hash);
    plans.push(plan);
    let surplus = plans.len().saturating_sub(KEPT);
    plans.drain(..surplus);
}

/// A plan that was only shown no longer stands.
pub fn withdraw(plans: &mut Vec<PlanReference>) {
    plans.retain(|plan| !is_only_shown(plan));
}

fn is_only_shown(plan: &PlanReference) -> bool {
    matches!(plan.state, PlanState::Preview | PlanState::AwaitingApproval)
}
