//! Report: what people and their tools see.

use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_controller::conditions::{self, ConditionStatus};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::{Client, ResourceExt as _};

use crate::api::{
    Gate, GroupReplacement, GroupReplacementStatus, Mode, PlanReference, PlanState, Progress, REQUESTED_AT,
    ResolvedGroup, Step, StepName, StepState,
};
use crate::controller::status::{now, set, whole_seconds, write};
use crate::devolutions::Group;
use crate::error::Failure;
use crate::plan::replacement::Plan;
use crate::plan::{PlanHash, Refusal, count};
use crate::store::Run;

/// While a phase runs, its progress is written at most this often.
const PROGRESS_EVERY: Duration = Duration::from_secs(2);
/// More plans than this are not kept in status; their Secrets are.
const PLANS_KEPT: usize = 5;
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
    Succeeded { message: String },
    /// Everything is back as it was.
    RolledBack { message: String },
    /// It cannot go on until the world or the spec changes.
    Refused(Refusal),
}

/// One resource's status, as it comes to be during a pass.
pub struct Reporter {
    client: Client,
    object: Arc<GroupReplacement>,
    status: GroupReplacementStatus,
    written: GroupReplacementStatus,
    written_at: Instant,
    /// Where and when the present phase's count began, for the estimate.
    pace: Option<(StepName, usize, Instant)>,
}

impl Reporter {
    /// Starts from the status that the resource has.
    pub fn new(client: Client, object: Arc<GroupReplacement>) -> Self {
        let status = object.status.clone().unwrap_or_default();
        Self { client, object, written: status.clone(), status, written_at: Instant::now(), pace: None }
    }

    /// A resource without conditions would look finished to kstatus, so the first thing it gets is some.
    pub async fn begin(&mut self) -> Result<(), Failure> {
        if self.status.conditions.is_empty() {
            self.conditions(&State::new(ConditionStatus::Unknown, "Observing", "Looking at the tenant.").busy());
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
        let shown = |p: &PlanReference| matches!(p.state, PlanState::Preview | PlanState::AwaitingApproval);
        for old in &mut self.status.plans {
            if old.state == PlanState::Running {
                old.state = PlanState::Stale;
            }
        }
        self.status.plans.retain(|p| !shown(p) && p.hash != hash.as_str());
        self.status.plans.push(PlanReference {
            gate: plan.gate,
            state,
            hash: hash.to_string(),
            secret_name: secret_name.to_owned(),
            grants: size(plan.grants.len()),
            revokes: size(plan.revokes.len()),
            approver: None,
            approval: None,
        });
        let surplus = self.status.plans.len().saturating_sub(PLANS_KEPT);
        self.status.plans.drain(..surplus);
    }

    /// The pinned plan is under way.
    pub fn running(&mut self, plan: &Plan, run: &Run) {
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
                self.set_step(StepName::Approval, StepState::Completed, &format!("Approved by {approver}."));
            }
            None => self.set_step(StepName::Approval, StepState::Skipped, "Not required."),
        }
    }

    /// The plan is done.
    pub fn completed(&mut self, plan: &Plan) {
        let hash = plan.hash();
        for shown in self.status.plans.iter_mut().filter(|p| p.hash == hash.as_str()) {
            shown.state = PlanState::Completed;
        }
        self.set_step(StepName::Verification, StepState::Completed, "A fresh inventory shows it.");
    }

    /// A step's new state. It is written when there is something else to write.
    pub async fn step(&mut self, name: StepName, state: StepState, message: &str) -> Result<(), Failure> {
        self.set_step(name, state, message);
        self.write_now_and_then().await
    }

    /// How far the present phase is.
    pub async fn progress(
        &mut self,
        name: StepName,
        completed: usize,
        total: usize,
        what: &str,
    ) -> Result<(), Failure> {
        let (verb, other) = match name {
            StepName::Revoke => ("Revoking", StepState::Completed),
            _ => ("Granting", StepState::Pending),
        };
        let mut progress = Progress::of(completed, total);
        progress.eta = self.estimate(name, completed, total);
        let summary = format!("{verb} {completed} of {total} ({}%)", progress.percent);
        self.set_step(name, StepState::Running, what);
        if let Some(step) = self.status.steps.iter_mut().find(|s| s.name == name) {
            step.progress = Some(progress);
        }
        if name == StepName::Revoke {
            self.set_state_only(StepName::Soak, other);
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
        let state = self.describe(outcome);
        self.conditions(&state);
        self.write().await
    }

    /// Every outcome, as people and tools see it.
    fn describe(&mut self, outcome: &Outcome) -> State {
        use ConditionStatus::{False, True};
        match outcome {
            Outcome::Suspended => {
                State::new(False, "Suspended", "Suspended. Nothing is changed until spec.suspend is false.")
            }
            Outcome::Planned { grants, revokes } => {
                let text = format!(
                    "Planned: {} and {}. Nothing was changed.",
                    count(*grants, "grant"),
                    count(*revokes, "revoke")
                );
                State { planned: true, ..State::new(True, "Planned", &text) }
            }
            Outcome::AwaitingApproval { gate, grants, revokes } => {
                let text = format!(
                    "{}, then {}, wait for approval. Look at the plan, then create a PlanApproval for the gate {} with its hash.",
                    count(*grants, "grant"),
                    count(*revokes, "revoke"),
                    gate.as_str()
                );
                self.set_step(
                    StepName::Approval,
                    StepState::Waiting,
                    "Look at the plan, then create a PlanApproval with its hash.",
                );
                State::new(False, "AwaitingApproval", &text).busy()
            }
            Outcome::Working => {
                let summary =
                    if self.status.summary.is_empty() { "At work.".to_owned() } else { self.status.summary.clone() };
                State::new(False, "Progressing", &summary).busy()
            }
            Outcome::Soaking { until } => {
                let at = whole_seconds(*until);
                let text =
                    format!("Both groups hold the permissions until {}; then the custom group's are revoked.", at.0);
                self.set_step(StepName::Soak, StepState::Waiting, &text);
                self.status.soak_until = Some(at);
                State::new(False, "Soaking", &text).busy()
            }
            Outcome::Succeeded { message } => State { succeeded: Some(True), ..State::new(True, "Replaced", message) },
            Outcome::RolledBack { message } => {
                State { succeeded: Some(False), ..State::new(True, "RolledBack", message) }
            }
            Outcome::Refused(refusal) => {
                if refusal.reason == "PlanStale" {
                    for plan in self.status.plans.iter_mut().filter(|p| p.state == PlanState::Running) {
                        plan.state = PlanState::Stale;
                    }
                } else {
                    // A plan that was shown no longer stands.
                    self.status.plans.retain(|p| !matches!(p.state, PlanState::Preview | PlanState::AwaitingApproval));
                }
                State::new(False, refusal.reason, &refusal.message).stuck()
            }
        }
    }

    /// A pass that failed.
    pub async fn fail(&mut self, failure: &Failure) -> Result<(), Failure> {
        self.status.observed_generation = self.object.metadata.generation;
        let state = State::new(ConditionStatus::False, failure.reason, &failure.message);
        self.conditions(&if failure.class.needs_a_person() { state.stuck() } else { state.busy() });
        self.write().await
    }

    fn conditions(&mut self, state: &State) {
        let generation = self.object.metadata.generation;
        let list = &mut self.status.conditions;
        let message = truncated(&state.message);
        let (reason, message) = (state.reason, message.as_str());
        set(list, "Ready", state.ready, reason, message, generation);
        match state.succeeded {
            Some(value) => set(list, "Succeeded", value, reason, message, generation),
            // A success stays one, whatever comes later; a rollback is undone by the next beginning.
            None => match conditions::find(list, "Succeeded").filter(|c| c.status == "True").cloned() {
                Some(kept) => set(list, "Succeeded", ConditionStatus::True, &kept.reason, &kept.message, generation),
                None => set(list, "Succeeded", ConditionStatus::Unknown, reason, message, generation),
            },
        }
        for (kind, on) in [("Reconciling", state.reconciling), ("Stalled", state.stalled)] {
            if on {
                set(list, kind, ConditionStatus::True, reason, message, generation);
            } else {
                let _ = conditions::remove(list, kind);
            }
        }
        if self.object.spec.mode == Mode::Plan {
            set(list, "Planned", ConditionStatus::from(state.planned), reason, message, generation);
        } else {
            let _ = conditions::remove(list, "Planned");
        }
        self.status.summary = headline(message);
    }

    fn set_step(&mut self, name: StepName, state: StepState, message: &str) {
        let step = self.set_state_only(name, state);
        truncated(message).clone_into(&mut step.message);
    }

    fn set_state_only(&mut self, name: StepName, state: StepState) -> &mut Step {
        let order = |s: StepName| s as usize;
        let at = self.status.steps.partition_point(|s| order(s.name) < order(name));
        if self.status.steps.get(at).is_none_or(|s| s.name != name) {
            let new = Step {
                name,
                state: StepState::Pending,
                started_at: None,
                completed_at: None,
                message: String::new(),
                progress: None,
            };
            self.status.steps.insert(at, new);
        }
        let step = &mut self.status.steps[at];
        if step.state != state {
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
            step.state = state;
        }
        step
    }

    async fn write_now_and_then(&mut self) -> Result<(), Failure> {
        if self.written_at.elapsed() >= PROGRESS_EVERY { self.write().await } else { Ok(()) }
    }

    async fn write(&mut self) -> Result<(), Failure> {
        if self.status != self.written {
            write(&self.client, &*self.object, &self.status).await?;
            self.written = self.status.clone();
        }
        self.written_at = Instant::now();
        Ok(())
    }
}

/// The conditions that go with one state.
struct State {
    ready: ConditionStatus,
    succeeded: Option<ConditionStatus>,
    reconciling: bool,
    stalled: bool,
    planned: bool,
    reason: &'static str,
    message: String,
}

impl State {
    fn new(ready: ConditionStatus, reason: &'static str, message: &str) -> Self {
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

    fn busy(self) -> Self {
        Self { reconciling: true, ..self }
    }

    fn stuck(self) -> Self {
        Self { stalled: true, ..self }
    }
}

fn truncated(message: &str) -> String {
    if message.len() <= MESSAGE_BYTES {
        return message.to_owned();
    }
    let end = (0..=MESSAGE_BYTES).rev().find(|i| message.is_char_boundary(*i)).unwrap_or(0);
    format!("{}…", &message[..end])
}

/// What fits a column: a message's first sentence, and of that not too much.
fn headline(message: &str) -> String {
    let sentence = message.split_once(". ").map_or(message, |(first, _)| first);
    let short: String = sentence.chars().take(HEADLINE_CHARS).collect();
    if short.len() < sentence.len() { format!("{short}…") } else { short }
}
