//! What was said and is so no more, after the spec or people have gone another way.

use k8s_controller::conditions;

use super::Reporter;
use crate::api::MigrationStepName::{
    Cutover, Preflight, Provisioning, Replacements, Retirement, Rollback, Synchronization, Verification,
};
use crate::api::{MigrationMode, MigrationStepName, StepState};
use crate::controller::migration::outcome::Outcome;
use crate::controller::plans;

impl Reporter {
    /// Takes back what an outcome leaves no room for. Whatever waits for nobody any more does not say that it waits.
    pub(super) fn tidy(&mut self, outcome: &Outcome) {
        self.tidy_steps();
        let may_go_back = matches!(outcome, Outcome::Working | Outcome::Waiting { .. } | Outcome::Refused(_));
        if self.object.spec.mode == MigrationMode::Apply && !may_go_back {
            self.take_back(Rollback);
        }
        if matches!(outcome, Outcome::Suspended) {
            // It is not looked at the time either.
            self.take_back(Retirement);
        }
        let waits = matches!(
            outcome,
            Outcome::AwaitingApproval { .. }
                | Outcome::AwaitingWindow { .. }
                | Outcome::Looked { .. }
                | Outcome::Suspended
                | Outcome::Waiting { .. }
                | Outcome::Working
        );
        if !waits {
            plans::withdraw(&mut self.status.plans);
        }
    }

    /// Steps and numbers of what the spec does not ask for say nothing, but that it was done.
    pub(super) fn tidy_steps(&mut self) {
        let spec = &self.object.spec;
        let is_asked_for = |name: MigrationStepName| match (spec.mode, name) {
            (MigrationMode::Plan, _) => name == Preflight,
            (MigrationMode::Rollback, _) => name == Rollback,
            (MigrationMode::Apply, Provisioning | Synchronization | Verification) => spec.provisioning.is_some(),
            (MigrationMode::Apply, Replacements) => spec.group_replacements.is_some(),
            (MigrationMode::Apply, Retirement) => spec.retirement.is_some(),
            (MigrationMode::Apply, _) => true,
        };
        self.status.steps.retain(|step| is_asked_for(step.name) || step.state.is_done());
        if spec.mode == MigrationMode::Apply && spec.provisioning.is_none() {
            self.status.provisioning = None;
            self.status.verification = None;
            self.status.replacements = None;
        }
    }

    /// A step is not to be done now: nothing is said of it, but that it was done.
    pub fn take_back(&mut self, name: MigrationStepName) {
        self.status.steps.retain(|step| step.name != name || step.state == StepState::Completed);
    }

    /// A step that was done is to be done anew.
    pub fn forget_step(&mut self, name: MigrationStepName) {
        self.status.steps.retain(|step| step.name != name);
    }

    /// Another attempt begins: what an earlier one was at says nothing of it.
    pub fn begin_anew(&mut self) {
        self.status.steps.retain(|step| step.name < Cutover || step.name == Rollback || step.state.is_done());
        plans::stop(&mut self.status.plans);
    }

    /// People sign in by the new application no longer. That they did once stays said.
    pub fn cut_over_no_more(&mut self) {
        (self.status.cutover, self.status.verification) = (None, None);
    }

    /// The old configuration was saved, as was asked for: a success is none any more, whatever is left to do.
    pub fn went_back(&mut self) {
        self.cut_over_no_more();
        if conditions::find(&self.status.conditions, "Succeeded").is_some_and(|it| it.status == "True") {
            let _ = conditions::remove(&mut self.status.conditions, "Succeeded");
        }
    }

    /// People sign in by the old application, and nobody is brought across: nothing from the cut-over on is so any more.
    pub(super) fn rolled_back(&mut self) {
        self.cut_over_no_more();
        (self.status.provisioning, self.status.replacements) = (None, None);
        self.status.steps.retain(|step| step.name < Cutover || step.name == Rollback);
        plans::stop(&mut self.status.plans);
    }
}
