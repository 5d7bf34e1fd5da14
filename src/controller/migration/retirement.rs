//! The old application is of no use any more: once that has lasted, the client secret for the way back is removed from it.

use k8s_openapi::jiff::Timestamp;

use super::Pass;
use super::gate::approved;
use super::observe::permitted;
use super::outcome::Outcome;
use crate::api::MigrationStepName::Retirement as Step;
use crate::api::StepState;
use crate::controller::Connector;
use crate::controller::status::whole_seconds;
use crate::entra::{Entra as _, EntraWriter as _};
use crate::error::Failure;
use crate::plan::migration::{MigrationPlan, Work};
use crate::plan::preflight::later::OLD_APPLICATION_IN_USE as IN_USE;
use crate::plan::window::end_of;
use crate::plan::{Refusal, count};
use crate::store::{ClientSecret, MigrationCheckpoint, Purpose, RetirementRun};

impl<K: Connector> Pass<'_, K> {
    /// Everything else is done, which `done` tells.
    pub(super) async fn retire(
        &mut self,
        mut checkpoint: MigrationCheckpoint,
        done: Outcome,
    ) -> Result<Outcome, Failure> {
        let Some(settings) = self.object.spec.retirement.clone() else {
            self.retire_later(&mut checkpoint).await?;
            return Ok(done);
        };
        let Some(run) = &checkpoint.retirement else {
            checkpoint.retirement = Some(RetirementRun { begun_at: Timestamp::now(), passed: None });
            self.checkpoints.save(&checkpoint).await?;
            return Ok(Outcome::Working);
        };
        let begun = run.begun_at;
        let due = end_of(begun, &settings.after);
        let Some(secret) = self.secrets.load(Purpose::Return, &checkpoint.before.client_id).await? else {
            let text = "The old application stays. There is no client secret for a way back on it that is kept here.";
            self.step(Step, StepState::Completed, text);
            return Ok(done);
        };
        if Timestamp::now() < due {
            return Ok(Outcome::Retiring { due, done: Box::new(done) });
        }
        self.reporter.settled(&done);
        self.reporter.begin_step(Step, "Looking whether anybody signs in by the old application.");
        let used = match self.use_of_old(&checkpoint, begun).await? {
            Ok(used) => used,
            Err(refusal) => return Ok(Outcome::Refused(refusal)),
        };
        let plan = checkpoint.plan(Work::Retirement {
            application: self.named_old(&checkpoint),
            key_id: secret.key_id,
            sign_ins: used,
            since: whole_seconds(begun).0.to_string(),
            attempt: checkpoint.attempt,
        });
        if let Some(outcome) = self.pass_retirement(&mut checkpoint, &plan).await? {
            return Ok(outcome);
        }
        // All that was looked at took its time, in which somebody may have saved the old configuration again, with this secret.
        if self.is_interrupted().await? || !self.is_surely_new(&checkpoint).await? {
            return Ok(Outcome::Working);
        }
        self.remove_return_secret(&secret).await?;
        if let Some(passed) = checkpoint.retirement.as_ref().and_then(|run| run.passed.as_ref()) {
            self.reporter.done(passed);
        }
        // What there is to say of the way back is read anew.
        Ok(Outcome::Working)
    }

    /// The old application is of use for now: once it is not, that is to last so long again.
    pub(super) async fn retire_later(&mut self, checkpoint: &mut MigrationCheckpoint) -> Result<(), Failure> {
        self.reporter.take_back(Step);
        if checkpoint.retirement.take().is_some() {
            self.checkpoints.save(checkpoint).await?;
        }
        Ok(())
    }

    /// How many have signed in by the old application since then; none where the log may not be read.
    async fn use_of_old(
        &self,
        checkpoint: &MigrationCheckpoint,
        since: Timestamp,
    ) -> Result<Result<Option<usize>, Refusal>, Failure> {
        let Some(log) = permitted(self.entra.sign_ins(&checkpoint.before.client_id, since).await)? else {
            return Ok(Ok(None));
        };
        let used = log.iter().filter(|one| one.status.error_code == 0).count();
        let is_accepted = self.object.spec.accepts(IN_USE);
        if used == 0 || is_accepted {
            return Ok(Ok(Some(used)));
        }
        Ok(Err(Refusal::new(
            IN_USE,
            format!(
                "The old application {} should be of no use any more, and Entra's log has {} by it since {}. What uses it? The way back stays until nobody does. If it is well as it is, add {IN_USE} to spec.acknowledgements.",
                checkpoint.before.client_id,
                count(used, "sign-in"),
                whole_seconds(since).0
            ),
        )))
    }

    /// The gate `Retirement`; none where it is passed.
    async fn pass_retirement(
        &mut self,
        checkpoint: &mut MigrationCheckpoint,
        plan: &MigrationPlan,
    ) -> Result<Option<Outcome>, Failure> {
        let before = checkpoint.retirement.as_ref().and_then(|run| run.passed.clone());
        let passed = match self.pass_unless(before, checkpoint, plan).await? {
            Ok(Some(passed)) => passed,
            Ok(None) => return Ok(None),
            Err(outcome) => return Ok(Some(outcome)),
        };
        self.reporter.restart_step(Step, &approved(&passed));
        if let Some(run) = &mut checkpoint.retirement {
            run.passed = Some(passed);
        }
        self.checkpoints.save(checkpoint).await?;
        Ok(None)
    }

    /// Takes it off the old application, and then out of its Secret. One that is not listed any more is gone already.
    async fn remove_return_secret(&mut self, secret: &ClientSecret) -> Result<(), Failure> {
        self.step(Step, StepState::Running, "Removing the client secret for the way back.");
        if let Some(old) = self.entra.application(&secret.app_id).await?
            && old.password_credentials.iter().any(|one| one.key_id == secret.key_id)
        {
            self.entra.remove_secret(&old, secret.key_id).await?;
        }
        self.secrets.empty(Purpose::Return).await?;
        self.reporter.no_way_back();
        Ok(())
    }

    /// The old application's id and its name, where that is known.
    fn named_old(&self, checkpoint: &MigrationCheckpoint) -> (String, String) {
        let current = self.object.status.as_ref().and_then(|status| status.current_application.as_ref());
        let name = current.filter(|it| it.app_id.eq_ignore_ascii_case(&checkpoint.before.client_id));
        (checkpoint.before.client_id.clone(), name.map(|it| it.display_name.clone()).unwrap_or_default())
    }
}
