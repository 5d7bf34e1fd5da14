//! Report: what people and their tools see.

use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_controller::conditions::ConditionStatus;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::{Client, ResourceExt as _};

use super::outcome::Outcome;
use crate::api::{
    Gate, GroupReplacement, GroupReplacementStatus, Mode, PlanReference, PlanState, Progress, REQUESTED_AT,
    ResolvedGroup, StepName, StepState,
};
use crate::controller::events::{Events, OBSERVING};
use crate::controller::state::State;
use crate::controller::status::{publish, whole_seconds};
use crate::controller::{plans, steps};
use crate::devolutions::Group;
use crate::error::Failure;
use crate::plan::replacement::Plan;
use crate::plan::{PlanHash, count};
use crate::store::Run;

/// While a phase runs, its progress is written at most this often.
const PROGRESS_EVERY: Duration = Duration::from_secs(2);
/// One resource's status, as it comes to be during a pass.
pub struct Reporter {
    client: Client,
    events: Arc<Events>,
    object: Arc<GroupReplacement>,
    status: GroupReplacementStatus,
    written: GroupReplacementStatus,
    written_at: Instant,
    /// Where and when the present phase's count began, for the estimate.
    pace: Option<(StepName, usize, Instant)>,
}

impl Reporter {
    /// Starts from the status that the resource has.
    pub fn new(client: Client, events: Arc<Events>, object: Arc<GroupReplacement>) -> Self {
        let status = object.status.clone().unwrap_or_default();
        Self { client, events, object, written: status.clone(), status, written_at: Instant::now(), pace: None }
    }

    /// A resource without conditions would look finished to kstatus, so the first thing it gets is some.
    pub async fn begin(&mut self) -> Result<(), Failure> {
        if self.status.conditions.is_empty() {
            self.conditions(&State::new(ConditionStatus::Unknown, OBSERVING, "Looking at the tenant.").busy());
            self.write().await?;
        }
        Ok(())
    }

    /// The groups, as found.
    pub fn groups(&mut self, custom: &Group, entra: &Group) {
        let resolved = |group: &Group| ResolvedGroup {
            name: group.name.clone(),
            id: group.id.to_string(),
            external_id: group.external_id.clone(),
            members: u32::try_from(group.user_ids.len()).unwrap_or(u32::MAX),
        };
        self.status.from = Some(resolved(custom));
        self.status.to = Some(resolved(entra));
    }

    /// The plan that is shown now. It takes the place of one that was only shown.
    pub fn plan(&mut self, plan: &Plan, hash: &PlanHash, secret_name: &str, state: PlanState) {
        let size = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let shown = PlanReference {
            gate: plan.gate,
            state,
            hash: hash.to_string(),
            secret_name: secret_name.to_owned(),
            document_digest: plan.digest().to_string(),
            grants: Some(size(plan.grants.len())),
            revokes: Some(size(plan.revokes.len())),
            approver: None,
            approval: None,
        };
        plans::show(&mut self.status.plans, shown);
    }

    /// The pinned plan is under way, which is written at once: whether a migration may go back rests on it.
    pub async fn running(&mut self, plan: &Plan, run: &Run) -> Result<(), Failure> {
        let known = self.status.plans.iter().any(|p| p.hash == run.hash.as_str() && p.state == PlanState::Running);
        if !known {
            self.plan(plan, &run.hash, &run.plan_secret, PlanState::Running);
            // Steps of an earlier plan say nothing of this one.
            self.status.steps.retain(|s| matches!(s.name, StepName::Inventory | StepName::Membership));
        }
        if let Some(shown) = self.status.plans.iter_mut().find(|p| p.hash == run.hash.as_str()) {
            shown.approval.clone_from(&run.approval);
            shown.approver.clone_from(&run.approver);
        }
        match &run.approver {
            Some(approver) => {
                steps::set(
                    &mut self.status.steps,
                    StepName::Approval,
                    StepState::Completed,
                    &format!("Approved by {approver}."),
                );
            }
            None => steps::set(&mut self.status.steps, StepName::Approval, StepState::Skipped, "Not required."),
        }
        if known {
            return Ok(());
        }
        let text = format!(
            "The plan is carried out: {}, then {}.",
            count(plan.grants.len(), "grant"),
            count(plan.revokes.len(), "revoke")
        );
        let mut state = State::new(ConditionStatus::False, "Progressing", &text).busy();
        // What is being taken back is no success any more.
        state.succeeded = (plan.gate == Gate::Rollback).then_some(ConditionStatus::Unknown);
        self.conditions(&state);
        self.write().await
    }

    /// The plan is done.
    pub fn completed(&mut self, hash: &str) {
        for shown in self.status.plans.iter_mut().filter(|p| p.hash == hash) {
            shown.state = PlanState::Completed;
        }
        steps::set(
            &mut self.status.steps,
            StepName::Verification,
            StepState::Completed,
            "A fresh inventory confirms the outcome.",
        );
    }

    /// A step's new state. It is written when there is something else to write.
    pub async fn step(&mut self, name: StepName, state: StepState, message: &str) -> Result<(), Failure> {
        steps::set(&mut self.status.steps, name, state, message);
        self.write_now_and_then().await
    }

    /// A step that is done on every pass shows as running only before its first end.
    pub async fn first_time(&mut self, name: StepName, message: &str) -> Result<(), Failure> {
        if self.status.steps.iter().any(|s| s.name == name) {
            return Ok(());
        }
        self.step(name, StepState::Running, message).await
    }

    /// How far the present phase is.
    pub async fn progress(
        &mut self,
        name: StepName,
        completed: usize,
        total: usize,
        what: &str,
    ) -> Result<(), Failure> {
        let verb = if name == StepName::Revoke { "Revoking" } else { "Granting" };
        let mut progress = Progress::of(completed, total);
        progress.eta = self.estimate(name, completed, total);
        let summary = format!("{verb}: {completed} of {total} done ({}%)", progress.percent);
        steps::set(&mut self.status.steps, name, StepState::Running, what);
        if let Some(step) = self.status.steps.iter_mut().find(|s| s.name == name) {
            step.progress = Some(progress);
        }
        if name == StepName::Revoke {
            let soaked = self.status.steps.iter().any(|s| s.name == StepName::Soak && s.state != StepState::Skipped);
            let (state, text) =
                if soaked { (StepState::Completed, "Over.") } else { (StepState::Skipped, "Not asked for.") };
            steps::set(&mut self.status.steps, StepName::Soak, state, text);
        }
        self.conditions(&State::new(ConditionStatus::False, "Progressing", &summary).busy());
        self.write_now_and_then().await
    }

    fn estimate(
        &mut self,
        name: StepName,
        completed: usize,
        total: usize,
    ) -> Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time> {
        let (_, first, began) = *self.pace.get_or_insert((name, completed, Instant::now()));
        let done = completed.checked_sub(first).filter(|n| *n > 0)?;
        let each = began.elapsed() / u32::try_from(done).ok()?;
        let left = each.checked_mul(u32::try_from(total - completed).ok()?)?;
        let at = Timestamp::now().checked_add(SignedDuration::try_from(left).ok()?).ok()?;
        (completed < total).then(|| whole_seconds(at))
    }

    /// The end of a pass.
    pub async fn conclude(&mut self, outcome: &Outcome) -> Result<(), Failure> {
        self.status.observed_generation = self.object.metadata.generation;
        self.status.last_handled_reconcile_at = self.object.annotations().get(REQUESTED_AT).cloned();
        self.status.soak_until = None;
        self.tidy(outcome);
        let state = self.describe(outcome);
        self.conditions(&state);
        self.write().await
    }

    /// Takes back what an outcome leaves no room for: whatever waits for nobody any more does not say that it waits.
    fn tidy(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Planned { grants: 0, revokes: 0 } => plans::withdraw(&mut self.status.plans),
            Outcome::AwaitingMigration { .. } => {
                plans::withdraw(&mut self.status.plans);
                // They speak of an earlier run.
                self.status.steps.clear();
            }
            Outcome::Succeeded { .. } | Outcome::RolledBack { .. } => {
                plans::withdraw(&mut self.status.plans);
                plans::stop(&mut self.status.plans);
                self.status.steps.retain(|s| s.state.is_done());
            }
            _ => {}
        }
    }

    /// Every outcome, as people and tools see it.
    fn describe(&mut self, outcome: &Outcome) -> State {
        use ConditionStatus::{False, True};
        match outcome {
            Outcome::Suspended => {
                steps::halt(&mut self.status.steps, StepState::Waiting, "Suspended");
                State::new(False, "Suspended", "Suspended. Nothing is changed until spec.suspend is false.")
            }
            Outcome::Planned { grants, revokes } => {
                self.keep_steps_to(StepName::Membership);
                if (*grants, *revokes) == (0, 0) {
                    let text = "Nothing to do: the custom group holds no permission that this identity can read.";
                    return State { planned: true, ..State::new(True, "Planned", text) };
                }
                let text = format!(
                    "Planned: {}, then {}. Nothing was changed. To carry it out, set spec.mode to Apply.",
                    count(*grants, "grant"),
                    count(*revokes, "revoke")
                );
                State { planned: true, ..State::new(True, "Planned", &text) }
            }
            Outcome::AwaitingMigration { message } => State::new(False, "AwaitingMigration", message).busy(),
            Outcome::AwaitingApproval { gate, grants, revokes } => {
                self.keep_steps_to(StepName::Approval);
                let command = format!(
                    "operator approve grpr/{} -n {}",
                    self.object.name_any(),
                    self.object.namespace().unwrap_or_default()
                );
                let text = format!(
                    "Waits for approval: {}, then {}. Whoever may approve looks at the plan and approves it with `{command}`, or with a PlanApproval for the gate {} that names its hash.",
                    count(*grants, "grant"),
                    count(*revokes, "revoke"),
                    gate.as_str()
                );
                steps::set(&mut self.status.steps, StepName::Approval, StepState::Waiting, "Waits for a person.");
                State::new(False, "AwaitingApproval", &text).busy()
            }
            Outcome::Working => {
                let summary =
                    if self.status.summary.is_empty() { "At work.".to_owned() } else { self.status.summary.clone() };
                State::new(False, "Progressing", &summary).busy()
            }
            Outcome::Settling { until } => {
                self.keep_steps_to(StepName::Inventory);
                let text = format!(
                    "It goes the other way than before, and is planned at {}: until then a write of before whose answer was lost could still take effect.",
                    whole_seconds(*until).0
                );
                State::new(False, "Settling", &text).busy()
            }
            Outcome::Soaking { until } => {
                let at = whole_seconds(*until);
                let text =
                    format!("Both groups hold the permissions until {}; then the custom group's are revoked.", at.0);
                steps::set(&mut self.status.steps, StepName::Soak, StepState::Waiting, &text);
                self.status.soak_until = Some(at);
                State::new(False, "Soaking", &text).busy()
            }
            Outcome::Succeeded { reason, message } => {
                State { succeeded: Some(True), ..State::new(True, reason, message) }
            }
            Outcome::RolledBack { message } => {
                State { succeeded: Some(False), ..State::new(True, "RolledBack", message) }
            }
            Outcome::Refused(refusal) => {
                if refusal.reason == "PlanStale" {
                    steps::halt(&mut self.status.steps, StepState::Failed, "Stopped");
                    plans::stop(&mut self.status.plans);
                } else {
                    steps::halt(&mut self.status.steps, StepState::Waiting, "Held");
                    // A plan that was shown no longer stands.
                    plans::withdraw(&mut self.status.plans);
                    self.status.steps.retain(|s| s.name != StepName::Approval || s.state != StepState::Waiting);
                }
                State::new(False, refusal.reason, &refusal.message).stuck()
            }
        }
    }

    /// A pass that failed.
    pub async fn fail(&mut self, failure: &Failure) -> Result<(), Failure> {
        self.status.observed_generation = self.object.metadata.generation;
        // It is not known when it goes on.
        for progress in self.status.steps.iter_mut().filter_map(|step| step.progress.as_mut()) {
            progress.eta = None;
        }
        self.conditions(&State::failed(failure));
        self.write().await
    }

    fn conditions(&mut self, state: &State) {
        let (generation, plans) = (self.object.metadata.generation, self.object.spec.mode == Mode::Plan);
        self.status.summary = state.apply(&mut self.status.conditions, generation, plans);
    }

    /// What comes later belongs to an earlier plan.
    fn keep_steps_to(&mut self, last: StepName) {
        self.status.steps.retain(|s| s.name as usize <= last as usize);
    }

    async fn write_now_and_then(&mut self) -> Result<(), Failure> {
        if self.written_at.elapsed() >= PROGRESS_EVERY { self.write().await } else { Ok(()) }
    }

    async fn write(&mut self) -> Result<(), Failure> {
        publish(&self.client, &self.events, &*self.object, Some(&self.written), &self.status).await?;
        self.written.clone_from(&self.status);
        self.written_at = Instant::now();
        Ok(())
    }
}
