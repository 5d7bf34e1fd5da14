//! Provisioning: it is looked at what there is, a person approves what is missing, and it is set up, started, and followed.
//! What is next is a matter of `plan::provisioning`; `job` does it.

use k8s_openapi::jiff::Timestamp;

use super::Pass;
use super::gate::approved;
use super::job::There;
use super::look::open;
use super::observe::Sight;
use super::outcome::Outcome;
use super::scope::Scope;
use crate::api::MigrationStepName::{Provisioning as Step, Synchronization, Verification};
use crate::api::{Evidence, Finding};
use crate::controller::Connector;
use crate::devolutions::DevolutionsCloud as _;
use crate::entra::Entra as _;
use crate::error::Failure;
use crate::plan::Refusal;
use crate::plan::migration::{MigrationPlan, Work, accepted};
use crate::plan::preflight::later::{CANARY_NOT_SEEN, EXPECTATION_MISSING};
use crate::plan::preflight::{is_open, lacking_operations, provisioning_not_supported, scope_findings};
use crate::plan::provisioning::{Next, canary, next};
use crate::plan::verification::Expectation;
use crate::store::MigrationCheckpoint;

/// When everybody is brought across.
pub(super) enum Moment<'a> {
    /// After people have begun to sign in by the new application, as told.
    After { evidence: Evidence, log_is_read: bool, way_back: bool },
    /// Before, while the old application is as it was seen.
    Before(&'a Sight),
}

impl Moment<'_> {
    fn sight(&self) -> Option<&Sight> {
        match self {
            Self::Before(sight) => Some(sight),
            Self::After { .. } => None,
        }
    }

    /// How the cut-over ended, where it has been.
    fn outcome(&self) -> Outcome {
        match *self {
            Self::After { evidence, log_is_read, way_back } => Outcome::CutOver { evidence, log_is_read, way_back },
            Self::Before(_) => Outcome::Working,
        }
    }
}

impl<K: Connector> Pass<'_, K> {
    /// Everybody is brought across by the new application, where that is asked for.
    pub(super) async fn bring_across(
        &mut self,
        checkpoint: &mut MigrationCheckpoint,
        moment: Moment<'_>,
    ) -> Result<Outcome, Failure> {
        let ids = checkpoint.application.clone().filter(|_| self.object.spec.provisioning.is_some());
        let (Some(ids), sight) = (ids, moment.sight()) else { return Ok(moment.outcome()) };
        let is_cut_over = sight.is_none();
        if is_cut_over {
            self.reporter.settled(&moment.outcome());
        }
        self.reporter.begin_step(Step, "Looking at who is assigned.");
        if let Some(refusal) = self.cannot_provision().await? {
            return Ok(Outcome::Refused(refusal));
        }
        let Some(principal) = self.entra.service_principal(&ids.app_id).await? else {
            let text = format!("Entra ID does not show the application {} just now.", ids.app_id);
            return Ok(Outcome::waiting(Step, "AwaitingReplication", text));
        };
        // Before the users: whoever a whole cycle has brought is among them, if the cycle had ended by then.
        let mut there = match self.provisioning_surely_there(&principal, checkpoint).await? {
            Ok(there) => there,
            Err(outcome) => return Ok(outcome),
        };
        let scope = match self.scope(checkpoint, principal, sight).await? {
            Ok(scope) => scope,
            Err(refusal) => return Ok(Outcome::Refused(refusal)),
        };
        self.reporter.assignments(scope.assigned.len());
        let run = checkpoint.provisioning.get_or_insert_default().clone();
        let todo = match next(&there.seen(&run)) {
            Ok(todo) => todo,
            Err(refusal) => return Ok(Outcome::Refused(refusal)),
        };
        let mut expectation = match self.archive.load_expectation().await? {
            Some(expectation) => expectation,
            // Afterwards nobody could tell who was to come before.
            None if run.started_at.is_some() && !self.object.spec.accepts(EXPECTATION_MISSING) => {
                return Ok(Outcome::Refused(self.expectation_missing()));
            }
            None => Expectation::default(),
        };
        let mut first = None;
        let is_asked = todo.is_some() || !scope.to_assign.is_empty();
        if todo == Some(Next::Enable) {
            // Whoever had come across by another one has not by this.
            expectation.arrived.clear();
        }
        if expectation.users.is_empty() && (is_cut_over || !is_asked) {
            // Where a person has cut over this is the first look, and the old application may be gone before the next.
            expectation.expect(&scope.forecast);
            self.archive.save_expectation(&expectation).await?;
        }
        if is_asked {
            self.reporter.more_is_asked_for();
            for step in [Synchronization, Verification] {
                self.reporter.forget_step(step);
            }
            let plan = match self.provisioning_plan(checkpoint, &scope, &there) {
                Ok(plan) => plan,
                Err(refusal) => return Ok(Outcome::Refused(refusal)),
            };
            if let Some(outcome) = self.pass_provisioning(checkpoint, &plan, &mut expectation, &scope).await? {
                return Ok(outcome);
            }
            let Work::Provisioning { canary, .. } = plan.work else { return Ok(Outcome::Working) };
            first = canary;
        }
        if !scope.to_assign.is_empty() {
            checkpoint.provisioning.get_or_insert_default().assigned_at = Some(Timestamp::now());
            self.checkpoints.save(checkpoint).await?;
            if let Some(outcome) = self.assign(&scope.principal, &scope.principals()).await? {
                return Ok(outcome);
            }
        }
        if is_asked {
            // What was seen before the gate may be long ago.
            there = match self.provisioning_surely_there(&scope.principal, checkpoint).await? {
                Ok(there) => there,
                Err(outcome) => return Ok(outcome),
            };
        }
        let set_up = self.set_up_provisioning(checkpoint, &scope, there, first.as_ref()).await;
        match self.settling(checkpoint, set_up)? {
            Ok(Ok(there)) => self.synchronize(checkpoint, &scope, &there, expectation, is_cut_over).await,
            Ok(Err(outcome)) | Err(outcome) => Ok(outcome),
        }
    }

    /// Why this server cannot be provisioned by us, where that is so.
    async fn cannot_provision(&self) -> Result<Option<Refusal>, Failure> {
        let operations = self.cloud.operations().await?;
        let lacking = lacking_operations(&operations);
        Ok((!lacking.is_empty()).then(|| provisioning_not_supported(&lacking)))
    }

    /// Who is to come across, as it was written down.
    pub(super) async fn expectation(&self) -> Result<Expectation, Failure> {
        Ok(self.archive.load_expectation().await?.unwrap_or_default())
    }

    fn expectation_missing(&self) -> Refusal {
        Refusal::new(
            EXPECTATION_MISSING,
            format!(
                "Provisioning runs already, and Secret {} is gone, which says who was to come across: whoever was disabled since would be overlooked. Restore it from a backup. If there is none, look through the users of Devolutions Cloud for who was disabled since, and add {EXPECTATION_MISSING} to spec.acknowledgements: then whoever should come now is expected.",
                self.archive.expectation_name()
            ),
        )
    }

    /// What is to be done, with all that it rests on; or what is in its way.
    fn provisioning_plan(
        &self,
        checkpoint: &MigrationCheckpoint,
        scope: &Scope,
        there: &There,
    ) -> Result<MigrationPlan, Refusal> {
        let run = checkpoint.provisioning.clone().unwrap_or_default();
        // Somebody is to be assigned as well, or a person has done the rest.
        let is_more = run.started_at.is_some() && !scope.to_assign.is_empty();
        let is_theirs = there.runs() && run.canary_at.is_none();
        let spec = &self.object.spec;
        let email = spec.provisioning.as_ref().map(|it| it.canary.user.clone()).unwrap_or_default();
        let canary = match canary(&email, &scope.users, &scope.forecast) {
            _ if is_more || is_theirs => None,
            found => Some((email, found?)),
        };
        // What provisioning has made looks like a custom group where the server does not tell.
        let newcomers = if canary.is_some() { scope.principals() } else { scope.newcomers() };
        let findings = scope_findings(spec, &newcomers, &scope.groups, &scope.about_groups, &scope.forecast);
        if findings.iter().any(is_open) {
            return Err(held(&findings));
        }
        let mut accepted = accepted(&findings);
        if canary.is_some() && spec.accepts(CANARY_NOT_SEEN) {
            let said = "Everybody else is brought across even if the first one is not shown as synced".to_owned();
            accepted.insert(CANARY_NOT_SEEN.to_owned(), said);
        }
        let users = scope.forecast.iter();
        Ok(checkpoint.plan(Work::Provisioning {
            application: (scope.principal.app_id.clone(), scope.principal.label().to_owned()),
            canary,
            assignments: scope.principals(),
            to_assign: scope.newcomers(),
            expected: users.clone().filter(|user| user.synced.is_yes()).count(),
            attempt: checkpoint.attempt,
            disabled: users.filter(|user| user.disabled).map(|user| user.label.clone()).collect(),
            gaining: scope.gaining.clone(),
            accepted,
        }))
    }

    /// The gate `Provisioning`; none where it is passed.
    async fn pass_provisioning(
        &mut self,
        checkpoint: &mut MigrationCheckpoint,
        plan: &MigrationPlan,
        expectation: &mut Expectation,
        scope: &Scope,
    ) -> Result<Option<Outcome>, Failure> {
        let before = checkpoint.provisioning.as_ref().and_then(|run| run.passed.clone());
        let passed = match self.pass_unless(before, checkpoint, plan).await? {
            Ok(Some(passed)) => passed,
            Ok(None) => return Ok(None),
            Err(outcome) => return Ok(Some(outcome)),
        };
        // From here on somebody may be touched: who was to come across before is written down first.
        let run = checkpoint.provisioning.get_or_insert_default();
        if run.started_at.is_none() {
            run.begun_at = Some(Timestamp::now());
            // Another plan may name another one, and shows this one again.
            run.canary_at = None;
            expectation.note_groups(&scope.groups);
        }
        expectation.expect(&scope.forecast);
        expectation.name(&scope.principals());
        self.archive.save_expectation(expectation).await?;
        self.reporter.restart_step(Step, &approved(&passed));
        run.passed = Some(passed);
        self.checkpoints.save(checkpoint).await?;
        Ok(None)
    }
}

/// What is to be resolved before anybody is brought across.
fn held(findings: &[Finding]) -> Refusal {
    let said: Vec<&str> = findings.iter().filter(|f| is_open(f)).map(|f| f.message.as_str()).collect();
    Refusal::new("ProvisioningHeld", format!("{}. {}", open(findings).0, said.join(" ")))
}
