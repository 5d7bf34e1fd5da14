//! Report: what people and their tools see.

use std::sync::Arc;

use k8s_controller::conditions::ConditionStatus;
use kube::{Client, ResourceExt as _};

use crate::api::{
    Finding, MigrationStepName, ObservedApplication, REQUESTED_AT, ReportReference, SsoMigration, SsoMigrationStatus,
    StepState,
};
use crate::controller::events::{Events, OBSERVING};
use crate::controller::state::{State, truncated_to};
use crate::controller::{status, steps};
use crate::error::Failure;
use crate::plan::forecast::summary;
use crate::plan::preflight::{Report, is_open, more_findings};
use crate::plan::{Refusal, count, name_some};

/// More findings than these are only in the Secret, and a longer message too: a status is small.
const FINDINGS_SHOWN: usize = 20;
const FINDING_BYTES: usize = 768;

/// How a pass ended.
pub enum Outcome {
    /// `spec.suspend` is set.
    Suspended,
    /// It cannot look until the world or the spec changes.
    Refused(Refusal),
    /// It has looked.
    Looked { current: Option<ObservedApplication>, report: Box<Report>, stored: ReportReference },
}

impl Outcome {
    /// The reason of the condition `Ready` that goes with it.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Suspended => "Suspended",
            Self::Refused(refusal) => refusal.reason,
            Self::Looked { report, .. } if report.findings.iter().any(is_open) => "PreflightFailed",
            Self::Looked { .. } => "Planned",
        }
    }
}

/// One resource's status, as it comes to be during a pass.
pub struct Reporter {
    client: Client,
    events: Arc<Events>,
    object: Arc<SsoMigration>,
    status: SsoMigrationStatus,
    written: SsoMigrationStatus,
}

impl Reporter {
    /// Starts from the status that the resource has.
    pub fn new(client: Client, events: Arc<Events>, object: Arc<SsoMigration>) -> Self {
        let status = object.status.clone().unwrap_or_default();
        Self { client, events, object, written: status.clone(), status }
    }

    /// A resource without conditions would look finished to kstatus, so the first thing it gets is some.
    pub async fn begin(&mut self) -> Result<(), Failure> {
        if !self.status.conditions.is_empty() {
            return Ok(());
        }
        let text = "Looking at both tenants.";
        self.step(StepState::Running, text);
        self.apply(&State::new(ConditionStatus::Unknown, OBSERVING, text).busy());
        self.write().await
    }

    /// The end of a pass.
    pub async fn conclude(&mut self, outcome: &Outcome) -> Result<(), Failure> {
        self.status.last_handled_reconcile_at = self.object.annotations().get(REQUESTED_AT).cloned();
        let reason = outcome.reason();
        let state = match outcome {
            Outcome::Suspended => {
                self.forget_unless_of_this_spec();
                self.step(StepState::Waiting, "Suspended.");
                let text = "Suspended. Nothing is looked at until spec.suspend is false.";
                State::new(ConditionStatus::False, reason, text)
            }
            Outcome::Refused(refusal) => {
                // What was found under other circumstances would be taken for true.
                self.forget();
                self.step(StepState::Failed, &refusal.message);
                State::new(ConditionStatus::False, reason, &refusal.message).stuck()
            }
            Outcome::Looked { current, report, stored } => {
                self.status.current_application.clone_from(current);
                self.status.findings = shown(&report.findings);
                self.status.forecast = report.users.as_deref().map(summary);
                self.status.report = Some(stored.clone());
                self.looked(report, reason)
            }
        };
        self.apply(&state);
        self.write().await
    }

    fn looked(&mut self, report: &Report, reason: &'static str) -> State {
        let outlook = outlook(&self.status);
        let open: Vec<&Finding> = report.findings.iter().filter(|f| is_open(f)).collect();
        let Some(first) = open.first() else {
            self.step(StepState::Completed, &outlook);
            let text = format!(
                "{outlook}. Nothing was changed, and nothing can be changed by this version. To see each user: operator plan ssom/{} -n {}",
                self.object.name_any(),
                self.object.namespace().unwrap_or_default()
            );
            return State { planned: true, ..State::new(ConditionStatus::True, reason, &text) };
        };
        let reasons = name_some(open.iter().map(|f| f.reason.as_str()));
        let held = format!("{} to be resolved: {reasons}", count(open.len(), "finding"));
        self.step(StepState::Failed, &held);
        State::new(ConditionStatus::False, reason, &format!("{held}. {outlook}. {}", first.message)).stuck()
    }

    /// A pass that failed.
    pub async fn fail(&mut self, failure: &Failure) -> Result<(), Failure> {
        self.forget_unless_of_this_spec();
        let state = if failure.class.needs_a_person() { StepState::Failed } else { StepState::Waiting };
        self.step(state, &failure.message);
        self.apply(&State::failed(failure));
        self.write().await
    }

    /// What was found for another spec would be taken for this one's.
    fn forget_unless_of_this_spec(&mut self) {
        if self.status.observed_generation != self.object.metadata.generation {
            self.forget();
        }
    }

    fn forget(&mut self) {
        self.status.current_application = None;
        self.status.findings.clear();
        self.status.forecast = None;
        self.status.report = None;
    }

    fn step(&mut self, state: StepState, message: &str) {
        steps::set(&mut self.status.steps, MigrationStepName::Preflight, state, message);
    }

    fn apply(&mut self, state: &State) {
        let generation = self.object.metadata.generation;
        self.status.observed_generation = generation;
        self.status.summary = state.apply(&mut self.status.conditions, generation, true);
    }

    async fn write(&mut self) -> Result<(), Failure> {
        status::publish(&self.client, &self.events, &*self.object, Some(&self.written), &self.status).await?;
        self.written.clone_from(&self.status);
        Ok(())
    }
}

/// What fits a status.
fn shown(findings: &[Finding]) -> Vec<Finding> {
    let cut = |f: &Finding| Finding { message: truncated_to(FINDING_BYTES, &f.message), ..f.clone() };
    let mut shown: Vec<Finding> = findings.iter().take(FINDINGS_SHOWN).map(cut).collect();
    if let Some(rest) = findings.len().checked_sub(FINDINGS_SHOWN).filter(|rest| *rest > 0) {
        shown.push(more_findings(rest));
    }
    shown
}

/// What will come of it, in a sentence without its stop.
fn outlook(status: &SsoMigrationStatus) -> String {
    let Some(forecast) = &status.forecast else {
        return "Too little is known to say what will become of the users".to_owned();
    };
    let (sign_in, sync) = (&forecast.sign_in, &forecast.synchronization);
    let lost = match (sign_in.lost, sign_in.waived) {
        (0, 0) => "none loses it".to_owned(),
        (lost, 0) => format!("{lost} would lose it"),
        (0, waived) => format!("{waived} would lose it, which is waived"),
        (lost, waived) => format!("{lost} would lose it, and {waived} more, which is waived"),
    };
    let missing = if sync.missing == 0 { String::new() } else { format!(", {} would not", sync.missing) };
    format!(
        "{} will be able to sign in ({} can today, {lost}); {} will be synced{missing}",
        count(sign_in.after as usize, "user"),
        sign_in.today,
        sync.synced
    )
}
