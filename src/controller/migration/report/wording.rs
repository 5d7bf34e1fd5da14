//! What each outcome says, and to whom.

use std::time::Duration;

use k8s_controller::conditions::ConditionStatus;
use k8s_openapi::jiff::Timestamp;

use super::Reporter;
use crate::api::{Evidence, Gate, MigrationMode, MigrationStepName, Progress, REQUESTED_AT, StepState};
use crate::controller::migration::look::{open, outlook};
use crate::controller::migration::outcome::Outcome;
use crate::controller::state::State;
use crate::controller::status::whole_seconds;
use crate::controller::{plans, steps};
use crate::plan::preflight::Report;
use crate::plan::{count, name_some};

impl Reporter {
    /// Every outcome, as people and tools see it.
    pub(super) fn describe(&mut self, outcome: &Outcome) -> State {
        use ConditionStatus::{False, True};
        let reason = outcome.reason();
        match outcome {
            Outcome::Suspended => {
                self.forget_unless_of_this_spec();
                steps::halt(&mut self.status.steps, StepState::Waiting, "Suspended");
                if self.object.spec.mode == MigrationMode::Plan {
                    self.step(MigrationStepName::Preflight, StepState::Waiting, "Suspended.");
                }
                let text = "Suspended. Nothing is looked at or changed until spec.suspend is false.";
                State::new(False, reason, text)
            }
            Outcome::Refused(refusal) => {
                // What was found under other circumstances would be taken for true.
                self.forget();
                let step = self.present_step();
                self.step(step, StepState::Failed, &refusal.message);
                State::new(False, reason, &refusal.message).stuck()
            }
            Outcome::Looked { report } => self.describe_look(report, reason),
            Outcome::AwaitingApproval { gate, purpose } => self.describe_approval(*gate, purpose),
            Outcome::AwaitingWindow { opens } => {
                let text = format!(
                    "Everything is ready, and the window for the cut-over opens at {}.",
                    whole_seconds(*opens).0
                );
                self.step(MigrationStepName::Cutover, StepState::Waiting, &text);
                State::new(False, reason, &text).busy()
            }
            Outcome::Waiting { step, message, .. } => self.describe_wait(*step, reason, message),
            Outcome::Working => {
                // What was waited for is over.
                let was_waiting =
                    self.status.conditions.iter().any(|c| c.type_ == "Ready" && c.reason == "AwaitingApproval");
                let has_words = !self.status.summary.is_empty() && !was_waiting;
                let summary = if has_words { self.status.summary.clone() } else { "At work.".to_owned() };
                State::new(False, reason, &summary).busy()
            }
            Outcome::AwaitingProof { since, way_back, returns_by_itself } => {
                let text = format!(
                    "The new configuration is saved since {}, and nobody has signed in by it yet. {}",
                    whole_seconds(*since).0,
                    match (way_back, returns_by_itself) {
                        (true, true) =>
                            "Have somebody sign in. Entra's log is minutes late; should sign-ins fail, the old configuration is brought back by itself.",
                        (true, false) =>
                            "Have somebody sign in. Entra's log is minutes late; should sign-ins fail, nothing is brought back by itself: set spec.mode to Rollback.",
                        (false, _) => "Have somebody sign in. There is no way back.",
                    }
                );
                self.step(MigrationStepName::Cutover, StepState::Waiting, &text);
                State::new(False, reason, &text).busy()
            }
            Outcome::CutOver { evidence, log_is_read, way_back } => {
                self.describe_success(*evidence, *log_is_read, *way_back)
            }
            Outcome::Synchronizing { synced, expected, message } => {
                self.describe_progress(MigrationStepName::Synchronization, (*synced, *expected), message);
                State::new(False, reason, message).busy()
            }
            Outcome::Missing { message, passes } => {
                let state = State::new(False, reason, message);
                if *passes { state.busy() } else { state.stuck() }
            }
            Outcome::Verified { synced, incomplete } => self.describe_verified(*synced, incomplete),
            Outcome::Replacing { done, total, message, is_stuck } => {
                self.describe_progress(MigrationStepName::Replacements, (*done, *total), message);
                let state = State::new(False, reason, message);
                if *is_stuck { state.stuck() } else { state.busy() }
            }
            Outcome::Replaced { groups } => {
                let text = format!(
                    "People sign in by the new application, everybody who should has come across, and the groups are replaced: {groups}."
                );
                State { succeeded: Some(True), ..State::new(True, reason, &text) }
            }
            Outcome::Retiring { due, done } => {
                let state = self.describe(done);
                self.describe_retirement(*due);
                state
            }
            Outcome::Returned { why } => {
                let text = format!(
                    "People sign in by the old application again. {why} When the cause is mended, ask for another attempt: change the spec, or set the annotation {REQUESTED_AT} to a new value. What was approved before does not count for it."
                );
                if let Some(cutover) = &mut self.status.cutover {
                    why.clone_into(&mut cutover.returned);
                }
                plans::stop(&mut self.status.plans);
                self.status.verification = None;
                self.step(MigrationStepName::Cutover, StepState::Failed, why);
                State { succeeded: Some(False), ..State::new(False, reason, &text).stuck() }
            }
            Outcome::RolledBack { message } => {
                self.rolled_back();
                State { succeeded: Some(False), ..State::new(True, reason, message) }
            }
        }
    }

    fn describe_progress(&mut self, step: MigrationStepName, (done, all): (usize, usize), message: &str) {
        self.step(step, StepState::Running, message);
        self.make_progress(step, Progress::of(done, all));
    }

    fn describe_retirement(&mut self, due: Timestamp) {
        let text = format!(
            "The old application stays. The client secret on it for the way back is removed at {}; until then mode Rollback brings the old configuration back.",
            whole_seconds(due).0
        );
        self.step(MigrationStepName::Retirement, StepState::Waiting, &text);
    }

    fn describe_wait(&mut self, step: MigrationStepName, reason: &'static str, message: &str) -> State {
        let is_open = |s: StepState| matches!(s, StepState::Waiting | StepState::Running);
        let since = self.status.steps.iter().find(|s| s.name == step && is_open(s.state));
        let lasts = since.and_then(|s| s.started_at.as_ref()).is_some_and(|at| {
            Duration::try_from(Timestamp::now().duration_since(at.0)).is_ok_and(|lasts| lasts > self.settles * 2)
        });
        self.step(step, StepState::Waiting, message);
        if lasts {
            let text = format!("{message} This has lasted for long: somebody should look into it.");
            return State::new(ConditionStatus::False, reason, &text).stuck();
        }
        State::new(ConditionStatus::False, reason, message).busy()
    }

    fn describe_approval(&mut self, gate: Gate, purpose: &str) -> State {
        let command = self.command("approve");
        let text = format!(
            "Waits for approval: it {purpose}. Whoever may approve looks at the plan and approves it with `{command}`, or with a PlanApproval for the gate {} that names its hash.",
            gate.as_str()
        );
        let step = match gate {
            Gate::Start => MigrationStepName::Start,
            Gate::Rollback => MigrationStepName::Rollback,
            Gate::Provisioning => MigrationStepName::Provisioning,
            Gate::Retirement => MigrationStepName::Retirement,
            Gate::Cutover | Gate::Replacement => MigrationStepName::Cutover,
        };
        self.step(step, StepState::Waiting, "Waits for a person.");
        State::new(ConditionStatus::False, "AwaitingApproval", &text).busy()
    }

    fn describe_look(&mut self, report: &Report, reason: &'static str) -> State {
        let outlook = outlook(&self.status);
        let (held, first) = open(&report.findings);
        if let Some(first) = first {
            plans::withdraw(&mut self.status.plans);
            return State::new(ConditionStatus::False, reason, &format!("{held}. {outlook}. {first}")).stuck();
        }
        let text = format!(
            "{outlook}. Mode Plan changes nothing. To see each user: {}. To carry it out, set spec.mode to Apply.",
            self.command("plan")
        );
        State { planned: true, ..State::new(ConditionStatus::True, reason, &text) }
    }

    fn describe_success(&mut self, evidence: Evidence, log_is_read: bool, way_back: bool) -> State {
        let proof = match evidence {
            Evidence::SignInSeen => {
                let seen = self.status.cutover.as_ref().and_then(|c| c.sign_ins).unwrap_or_default();
                format!("{} by it so far, {} failed", count(seen.succeeded as usize, "sign-in"), seen.failed)
            }
            Evidence::CredentialsProven => "its client secret gets tokens".to_owned(),
            Evidence::Configured => "Devolutions Cloud shows it".to_owned(),
            Evidence::Attested => "Devolutions Cloud took it, and does not show it".to_owned(),
        };
        let log = if log_is_read {
            ""
        } else {
            " Whether people get in is not seen: the operator may not read Entra's sign-in log (AuditLog.Read.All, P1). Have somebody sign in."
        };
        let back = if way_back {
            " The old configuration can be brought back by mode Rollback."
        } else {
            " There is no way back."
        };
        let expiry = self.status.application.as_ref().and_then(|made| made.client_secret.as_ref());
        let expiry = expiry.map_or_else(String::new, |secret| {
            format!(" Its client secret expires at {}: then nobody can sign in.", secret.expires_at.0)
        });
        let text = format!("People sign in by the new application: {proof}.{log}{back}{expiry}");
        self.step(MigrationStepName::Cutover, StepState::Completed, &text);
        State { succeeded: Some(ConditionStatus::True), ..State::new(ConditionStatus::True, "CutOver", &text) }
    }

    fn describe_verified(&mut self, synced: usize, incomplete: &[String]) -> State {
        let groups = if incomplete.is_empty() {
            String::new()
        } else {
            let names = name_some(incomplete.iter().map(String::as_str));
            format!(" Not whole yet, which is let pass: {names}.")
        };
        let expiry = self.status.provisioning.as_ref().and_then(|it| it.token_expires_at.as_ref());
        let expiry = expiry.map_or_else(String::new, |at| {
            format!(" The token for provisioning expires at {}: then nobody is brought across any more.", at.0)
        });
        let text = format!(
            "Everybody who should has come across: {} synced, and people sign in by the new application.{groups}{expiry}",
            count(synced, "user")
        );
        self.step(MigrationStepName::Verification, StepState::Completed, &text);
        State { succeeded: Some(ConditionStatus::True), ..State::new(ConditionStatus::True, "Verified", &text) }
    }
}
