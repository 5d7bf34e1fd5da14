//! Report: what people and their tools see.
//!
//! - here: a status, as it comes to be during a pass
//! - `wording`: what each outcome says
//! - `tidy`: what is so no more is taken back

mod tidy;
mod wording;

use std::sync::Arc;
use std::time::Duration;

use k8s_controller::conditions::ConditionStatus;
use kube::{Client, ResourceExt as _};

use super::look::{open, outlook, shown};
use super::outcome::Outcome;
use crate::api::{
    CutoverOrder, KeptSecret, MadeApplication, MigrationMode, MigrationStepName, ObservedApplication, ObservedCutover,
    ObservedProvisioning, PlanReference, PlanState, Progress, REQUESTED_AT, ReplacementSummary, ReportReference,
    SsoMigration, SsoMigrationStatus, StepState, VerificationSummary,
};
use crate::controller::events::{Events, OBSERVING};
use crate::controller::state::State;
use crate::controller::status::whole_seconds;
use crate::controller::{plans, status, steps};
use crate::entra::Application;
use crate::error::Failure;
use crate::plan::forecast::summary;
use crate::plan::migration::MigrationPlan;
use crate::plan::preflight::{Report, is_open};
use crate::store::{ClientSecret, Passed, Purpose};

/// One resource's status, as it comes to be during a pass.
pub struct Reporter {
    client: Client,
    events: Arc<Events>,
    object: Arc<SsoMigration>,
    status: SsoMigrationStatus,
    written: SsoMigrationStatus,
    /// What is waited for longer than this does not come by itself.
    settles: Duration,
}

impl Reporter {
    /// Starts from the status that the resource has.
    pub fn new(client: Client, events: Arc<Events>, object: Arc<SsoMigration>, settles: Duration) -> Self {
        let status = object.status.clone().unwrap_or_default();
        Self { client, events, object, written: status.clone(), status, settles }
    }

    /// A resource without conditions would look finished to kstatus, so the first thing it gets is some.
    pub async fn begin(&mut self) -> Result<(), Failure> {
        if !self.status.conditions.is_empty() {
            return Ok(());
        }
        let text = "Looking at both tenants.";
        self.step(self.first_step(), StepState::Running, text);
        self.apply(&State::new(ConditionStatus::Unknown, OBSERVING, text).busy());
        self.write().await
    }

    /// What was found before the cut-over, and what will become of the users.
    pub fn looked(&mut self, current: Option<ObservedApplication>, report: &Report, stored: ReportReference) {
        // What an earlier way forth and back ended in says nothing of this one.
        self.status.steps.retain(|step| {
            let is_across = self.object.spec.cutover.when == CutoverOrder::AfterVerification;
            let is_later = match step.name {
                MigrationStepName::Cutover | MigrationStepName::Rollback => true,
                name => name > MigrationStepName::Cutover && !is_across,
            };
            !is_later || step.state != StepState::Completed
        });
        self.status.cutover = None;
        self.more_is_asked_for();
        if self.object.spec.cutover.when == CutoverOrder::BeforeProvisioning {
            self.status.verification = None;
        }
        self.status.current_application = current;
        self.status.findings = shown(&report.findings);
        self.status.forecast = report.users.as_deref().map(summary);
        self.status.report = Some(stored);
        let outlook = outlook(&self.status);
        if report.findings.iter().any(is_open) {
            self.step(MigrationStepName::Preflight, StepState::Failed, &open(&report.findings).0);
        } else {
            self.step(MigrationStepName::Preflight, StepState::Completed, &outlook);
        }
    }

    /// The new application, as Entra ID shows it.
    pub fn application(&mut self, application: &Application) {
        let made = self.status.application.get_or_insert_default();
        made.app_id.clone_from(&application.app_id);
        application.label().clone_into(&mut made.display_name);
    }

    /// A client secret, without its value.
    pub fn secret(&mut self, purpose: Purpose, secret_name: &str, secret: &ClientSecret) {
        let kept = KeptSecret {
            secret_name: secret_name.to_owned(),
            key_id: secret.key_id.to_string(),
            expires_at: whole_seconds(secret.expires_at),
        };
        let made = self.status.application.get_or_insert_default();
        match purpose {
            Purpose::SignIn => made.client_secret = Some(kept),
            Purpose::Return => made.return_secret = Some(kept),
        }
    }

    /// Whether it is known which application was the one before.
    pub fn tells_current(&self) -> bool {
        self.status.current_application.is_some()
    }

    /// The application by which people signed in before, as Entra ID shows it.
    pub fn current_application(&mut self, current: ObservedApplication) {
        self.status.current_application = Some(current);
    }

    /// Whether it is known which application is the new one.
    pub fn tells_application(&self) -> bool {
        self.status.application.as_ref().is_some_and(|made| !made.app_id.is_empty())
    }

    /// How many are assigned to the new application.
    pub fn assignments(&mut self, count: usize) {
        self.status.application.get_or_insert_with(MadeApplication::default).assignments =
            u32::try_from(count).unwrap_or(u32::MAX);
    }

    /// The cut-over, and what proves that it works.
    pub fn cutover(&mut self, cutover: ObservedCutover) {
        self.status.cutover = Some(cutover);
    }

    /// Provisioning, as both sides show it.
    pub fn provisioning(&mut self, observed: ObservedProvisioning) {
        self.status.provisioning = Some(observed);
    }

    /// What comes before is done, as far as it can be told.
    pub fn settled(&mut self, outcome: &Outcome) {
        let _ = self.describe(outcome);
    }

    /// The client secret for the way back is removed.
    pub fn no_way_back(&mut self) {
        if let Some(made) = &mut self.status.application {
            made.return_secret = None;
        }
        if let Some(cutover) = &mut self.status.cutover {
            cutover.way_back = false;
        }
    }

    /// How far the replacements of the mapping are, and what could be added to it.
    pub fn replacements(&mut self, summary: Option<ReplacementSummary>) {
        self.status.replacements = summary;
    }

    /// Who came across. That nobody was missing once stays said.
    pub fn verification(&mut self, mut summary: VerificationSummary) {
        let before = self.status.verification.take().and_then(|before| before.verified_at);
        summary.verified_at = before.or(summary.verified_at);
        self.status.verification = Some(summary);
    }

    /// That nobody was missing is said anew once what is asked for now is done.
    pub fn more_is_asked_for(&mut self) {
        if let Some(verification) = &mut self.status.verification {
            verification.verified_at = None;
        }
    }

    /// What comes before the cut-over is done, whoever did it.
    pub fn settled_before_the_cutover(&mut self) {
        use MigrationStepName::{Application, Assignments, Preflight, Start};
        for name in [Preflight, Start, Application, Assignments] {
            if !self.status.steps.iter().any(|step| step.name == name && step.state.is_done()) {
                self.step(name, StepState::Skipped, "Done before.");
            }
        }
        // They speak of the way to here.
        self.status.findings.clear();
    }

    /// The plan that is shown now. It takes the place of one that was only shown.
    pub fn plan(&mut self, plan: &MigrationPlan, secret_name: &str, state: PlanState, passed: Option<&Passed>) {
        let shown = PlanReference {
            gate: plan.gate(),
            state,
            hash: plan.hash().to_string(),
            secret_name: secret_name.to_owned(),
            document_digest: plan.digest().to_string(),
            grants: None,
            revokes: None,
            approver: passed.and_then(|passed| passed.approver.clone()),
            approval: passed.and_then(|passed| passed.approval.clone()),
        };
        plans::show(&mut self.status.plans, shown);
    }

    /// A plan is carried out, and on whose word: a pass that was killed may not have said so.
    pub fn carried_out(&mut self, passed: &Passed) {
        for plan in self.status.plans.iter_mut().filter(|plan| plan.hash == passed.hash.as_str()) {
            if plan.state.is_only_shown() {
                plan.state = PlanState::Running;
            }
            plan.approver.clone_from(&passed.approver);
            plan.approval.clone_from(&passed.approval);
        }
    }

    /// A plan is done.
    pub fn done(&mut self, passed: &Passed) {
        self.carried_out(passed);
        for plan in self.status.plans.iter_mut().filter(|plan| plan.hash == passed.hash.as_str()) {
            plan.state = PlanState::Completed;
        }
    }

    /// A step's new state. It is written when there is something else to write.
    pub fn step(&mut self, name: MigrationStepName, state: StepState, message: &str) {
        steps::set(&mut self.status.steps, name, state, message);
        if state != StepState::Running
            && let Some(step) = self.status.steps.iter_mut().find(|step| step.name == name)
        {
            step.progress = None;
        }
    }

    /// A step that is done anew on each pass: one that has had an end keeps it until it has another.
    pub fn begin_step(&mut self, name: MigrationStepName, message: &str) {
        let has_end = |s: StepState| matches!(s, StepState::Failed | StepState::Completed);
        if !self.status.steps.iter().any(|step| step.name == name && has_end(step.state)) {
            self.step(name, StepState::Running, message);
        }
    }

    /// A step that a person had to be asked for begins when that was answered.
    pub fn restart_step(&mut self, name: MigrationStepName, message: &str) {
        self.step(name, StepState::Running, message);
        if let Some(step) = self.status.steps.iter_mut().find(|step| step.name == name) {
            step.started_at = Some(status::now());
        }
    }

    /// Whether only a person or a change of the world helps.
    pub fn is_stuck(&self) -> bool {
        self.status.conditions.iter().any(|condition| condition.type_ == "Stalled")
    }

    /// How far a step with many parts is.
    pub async fn progress(
        &mut self,
        name: MigrationStepName,
        completed: usize,
        total: usize,
        what: &str,
    ) -> Result<(), Failure> {
        let progress = Progress::of(completed, total);
        let summary = format!("{name:?}: {completed} of {total} done ({}%)", progress.percent);
        self.step(name, StepState::Running, what);
        self.make_progress(name, progress);
        self.apply(&State::new(ConditionStatus::False, "Progressing", &summary).busy());
        self.write().await
    }

    fn make_progress(&mut self, name: MigrationStepName, progress: Progress) {
        if let Some(step) = self.status.steps.iter_mut().find(|step| step.name == name) {
            step.progress = Some(progress);
        }
    }

    /// The end of a pass.
    pub async fn conclude(&mut self, outcome: &Outcome) -> Result<(), Failure> {
        self.status.last_handled_reconcile_at = self.object.annotations().get(REQUESTED_AT).cloned();
        self.tidy(outcome);
        let state = self.describe(outcome);
        self.apply(&state);
        self.write().await
    }

    /// Whether more is asked for than was done when a success was told.
    fn is_more_asked_for(&self) -> bool {
        let verified = self.status.verification.as_ref().is_some_and(|it| it.verified_at.is_some());
        let replaced = self.status.replacements.as_ref().is_some_and(|it| it.succeeded == it.total);
        let spec = &self.object.spec;
        let lacks = (spec.provisioning.is_some() && !verified) || (spec.group_replacements.is_some() && !replaced);
        spec.mode == MigrationMode::Apply && lacks
    }

    /// A pass that failed.
    pub async fn fail(&mut self, failure: &Failure) -> Result<(), Failure> {
        self.forget_unless_of_this_spec();
        self.tidy_steps();
        let state = if failure.class.needs_a_person() { StepState::Failed } else { StepState::Waiting };
        let step = self.present_step();
        self.step(step, state, &failure.message);
        self.apply(&State::failed(failure));
        self.write().await
    }

    /// The step that a pass is at: the first that is not done.
    fn present_step(&self) -> MigrationStepName {
        if self.object.spec.mode == MigrationMode::Rollback {
            return MigrationStepName::Rollback;
        }
        let running = self.status.steps.iter().find(|step| step.state == StepState::Running);
        let undone = || self.status.steps.iter().find(|step| !step.state.is_done());
        // Where all was done, what comes after is about the last of it.
        let last = || self.status.steps.iter().rev().find(|step| step.name != MigrationStepName::Rollback);
        running.or_else(undone).or_else(last).map_or_else(|| self.first_step(), |step| step.name)
    }

    fn first_step(&self) -> MigrationStepName {
        match self.object.spec.mode {
            MigrationMode::Plan | MigrationMode::Apply => MigrationStepName::Preflight,
            MigrationMode::Rollback => MigrationStepName::Rollback,
        }
    }

    fn command(&self, command: &str) -> String {
        format!("operator {command} ssom/{} -n {}", self.object.name_any(), self.object.namespace().unwrap_or_default())
    }

    /// What was found for another spec would be taken for this one's.
    fn forget_unless_of_this_spec(&mut self) {
        if self.status.observed_generation != self.object.metadata.generation {
            self.forget();
        }
    }

    fn forget(&mut self) {
        self.status.findings.clear();
        // What was foreseen of a cut-over that was made stays what was foreseen.
        if self.status.cutover.is_none() {
            self.status.forecast = None;
            self.status.report = None;
        }
        plans::withdraw(&mut self.status.plans);
        // What was made stays made.
        if self.status.application.is_none() {
            self.status.current_application = None;
        }
    }

    fn apply(&mut self, state: &State) {
        let generation = self.object.metadata.generation;
        self.status.observed_generation = generation;
        let plans = self.object.spec.mode == MigrationMode::Plan;
        let state = &match state.succeeded {
            None if self.is_more_asked_for() => State { succeeded: Some(ConditionStatus::Unknown), ..state.clone() },
            _ => state.clone(),
        };
        self.status.summary = state.apply(&mut self.status.conditions, generation, plans);
    }

    async fn write(&mut self) -> Result<(), Failure> {
        status::publish(&self.client, &self.events, &*self.object, Some(&self.written), &self.status).await?;
        self.written.clone_from(&self.status);
        Ok(())
    }
}
