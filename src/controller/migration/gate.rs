//! A plan is shown, approved, and may be carried out.

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;

use super::Pass;
use super::observe::{Intended, Sight};
use super::outcome::Outcome;
use crate::api::{Gate, MigrationStepName, PlanState, StepState, TargetKind};
use crate::controller::{Connector, approval};
use crate::error::Failure;
use crate::plan::approval::Pending;
use crate::plan::migration::{MigrationPlan, Work, accepted};
use crate::plan::preflight::Report;
use crate::store::{MigrationCheckpoint, Passed};

impl<K: Connector> Pass<'_, K> {
    /// Shows what would be begun, in mode `Plan`.
    pub(super) async fn preview(
        &mut self,
        checkpoint: Option<&MigrationCheckpoint>,
        sight: &Sight,
        report: &Report,
    ) -> Result<(), Failure> {
        let plan = self.start_plan(checkpoint, sight, report, &sight.intended(&self.object.spec));
        let secret = self.archive.save_plan(plan.hash().short(), &plan).await?;
        self.reporter.plan(&plan, &secret, PlanState::Preview, None);
        Ok(())
    }

    /// The gate `Start`: before the first request that changes anything. None where it is passed.
    pub(super) async fn start(
        &mut self,
        checkpoint: &mut MigrationCheckpoint,
        sight: &Sight,
        report: &Report,
        intended: &Intended,
    ) -> Result<Option<Outcome>, Failure> {
        let uid = self.object.uid().unwrap_or_default();
        // What somebody else has made is not taken over without a word.
        if !self.asks_at(Gate::Start) && self.object.spec.application.existing.is_none() {
            self.step(MigrationStepName::Start, StepState::Skipped, "No approval is required to begin.");
            return Ok(None);
        }
        let plan = self.start_plan(Some(checkpoint), sight, report, intended);
        let is_it = |passed: &&Passed| passed.uid == uid && passed.hash == plan.hash();
        if let Some(passed) = checkpoint.start.as_ref().filter(is_it) {
            self.step(MigrationStepName::Start, StepState::Completed, &approved(passed));
            self.reporter.done(passed);
            return Ok(None);
        }
        let passed = match self.pass_gate(checkpoint, &plan).await? {
            Ok(passed) => passed,
            Err(outcome) => return Ok(Some(outcome)),
        };
        self.step(MigrationStepName::Start, StepState::Completed, &approved(&passed));
        checkpoint.start = Some(passed.clone());
        self.checkpoints.save(checkpoint).await?;
        self.reporter.done(&passed);
        Ok(None)
    }

    fn start_plan(
        &self,
        checkpoint: Option<&MigrationCheckpoint>,
        sight: &Sight,
        report: &Report,
        intended: &Intended,
    ) -> MigrationPlan {
        let application = &self.object.spec.application;
        let current = report.current_application.clone().unwrap_or_default();
        MigrationPlan {
            tenant: self.connection.spec.devolutions_cloud.url.clone(),
            entra_tenant: sight.observed().tenant_id.clone(),
            work: Work::Start {
                current: (current.1, current.0),
                name: application.display_name.clone(),
                existing: application.existing.as_ref().map(|existing| existing.app_id.to_lowercase()),
                made: checkpoint.and_then(|it| it.application.as_ref()).map(|ids| ids.app_id.clone()),
                assignment_required: intended.assignment_required,
                redirect_uris: intended.redirect_uris.clone(),
                assignments: intended.assignments.clone(),
                accepted: accepted(&report.findings),
            },
        }
    }

    /// Shows a plan and looks for its approval, where one is needed. The approval counts as used from now on: whoever
    /// calls this writes that down before anything is done.
    pub(super) async fn pass_gate(
        &mut self,
        checkpoint: &mut MigrationCheckpoint,
        plan: &MigrationPlan,
    ) -> Result<Result<Passed, Outcome>, Failure> {
        let (gate, hash) = (plan.gate(), plan.hash());
        let secret = self.archive.save_plan(hash.short(), plan).await?;
        let mut used = None;
        let adopts = gate == Gate::Start && self.object.spec.application.existing.is_some();
        if self.asks_at(gate) || adopts {
            self.reporter.plan(plan, &secret, PlanState::AwaitingApproval, None);
            let (name, uid) = (self.object.name_any(), self.object.uid().unwrap_or_default());
            let pending =
                Pending { kind: TargetKind::SsoMigration, name: &name, uid: &uid, plan: Some((gate, hash.as_str())) };
            let namespace = self.object.namespace().unwrap_or_default();
            used = approval::find(&self.context.client, &namespace, &pending, &checkpoint.used_approvals).await?;
            if used.is_none() {
                if checkpoint.shown.as_ref() != Some(&secret) {
                    checkpoint.shown = Some(secret);
                    self.checkpoints.save(checkpoint).await?;
                }
                return Ok(Err(Outcome::AwaitingApproval { gate, purpose: plan.purpose() }));
            }
        }
        let passed = Passed {
            uid: self.object.uid().unwrap_or_default(),
            hash,
            plan_secret: secret.clone(),
            approval: used.as_ref().map(kube::ResourceExt::name_any),
            approver: used.as_ref().map(|approval| approval.spec.approver.clone()),
            expires_at: used.as_ref().and_then(|approval| approval.spec.expires_at.as_ref()).map(|at| at.0),
        };
        checkpoint.used_approvals.extend(used.and_then(|approval| approval.metadata.uid));
        self.reporter.plan(plan, &secret, PlanState::Running, Some(&passed));
        Ok(Ok(passed))
    }

    /// Whether a plan that was passed may be carried out still, by this very resource.
    pub(super) fn still_counts(&self, passed: &Passed, plan: &MigrationPlan) -> bool {
        Some(&passed.uid) == self.object.uid().as_ref()
            && passed.hash == plan.hash()
            && passed.counts(Timestamp::now())
            && (passed.approval.is_some() || !self.asks_at(plan.gate()))
    }

    /// The gate of a plan that was `passed` before, perhaps. None where that still counts; else whoever calls this writes
    /// down what it gives, as with `pass_gate`.
    pub(super) async fn pass_unless(
        &mut self,
        passed: Option<Passed>,
        checkpoint: &mut MigrationCheckpoint,
        plan: &MigrationPlan,
    ) -> Result<Result<Option<Passed>, Outcome>, Failure> {
        if let Some(passed) = passed.filter(|passed| self.still_counts(passed, plan)) {
            self.reporter.plan(plan, &passed.plan_secret, PlanState::Running, Some(&passed));
            return Ok(Ok(None));
        }
        Ok(self.pass_gate(checkpoint, plan).await?.map(Some))
    }
}

/// Who said that it may go on.
pub(super) fn approved(passed: &Passed) -> String {
    match &passed.approver {
        Some(approver) => format!("Approved by {approver}."),
        None => "No approval was required.".to_owned(),
    }
}
