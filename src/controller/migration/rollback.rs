//! The old configuration is brought back: because it was asked for, or because it is proven that nobody can sign in by
//! the new one. The new application, its assignments and both secrets stay, and so does whoever came across; its provisioning
//! is paused once people sign in as before.

use k8s_openapi::jiff::Timestamp;

use super::Pass;
use super::gate::approved;
use super::outcome::Outcome;
use super::replacements::accepted_dependents;
use super::standing::Standing;
use crate::api::MigrationStepName::Rollback;
use crate::api::StepState;
use crate::controller::Connector;
use crate::controller::status::whole_seconds;
use crate::devolutions::DevolutionsCloud as _;
use crate::entra::Entra as _;
use crate::error::{Class, Failure};
use crate::plan::Refusal;
use crate::plan::migration::Work;
use crate::store::{ApplicationIds, ClientSecret, MigrationCheckpoint, Passed, Purpose};

impl<K: Connector> Pass<'_, K> {
    /// Mode `Rollback`.
    pub(super) async fn roll_back(&mut self, mut checkpoint: MigrationCheckpoint) -> Result<Outcome, Failure> {
        self.retire_later(&mut checkpoint).await?;
        // Each way back pauses what fills their groups.
        let fills = checkpoint.provisioning.is_some() || self.shows_provisioning_by_hand(&checkpoint).await;
        let dependents = if fills { self.dependents().await? } else { Vec::new() };
        if let Some(refusal) = self.held_by(&dependents) {
            return Ok(Outcome::Refused(refusal));
        }
        let standing = self.standing_for_sure(&checkpoint).await?;
        // What was about to be saved may yet be seen.
        let is_open = checkpoint.cutover.as_ref().is_some_and(|c| c.saving_at.is_some() && c.saved_at.is_none());
        // Without a way back there is nothing that could be made sure of.
        let may_be_new = is_open && self.secrets.load(Purpose::Return, &checkpoint.before.client_id).await?.is_some();
        let ids = checkpoint.application.clone();
        let Some(ids) = ids.filter(|_| checkpoint.was_saved || standing == Standing::New) else {
            if let Some(outcome) = self.pause_provisioning(&mut checkpoint).await? {
                return Ok(outcome);
            }
            self.forget(&mut checkpoint).await?;
            self.step(Rollback, StepState::Completed, "There was nothing to bring back.");
            let paused = if fills { " Provisioning by the new application does not run." } else { "" };
            return Ok(Outcome::RolledBack {
                message: format!("Nothing to bring back: people sign in as they did before.{paused}"),
            });
        };
        match standing {
            Standing::Old if !may_be_new => {
                self.reporter.went_back();
                if let Some(passed) = &checkpoint.rollback {
                    self.reporter.done(passed);
                }
                self.forget(&mut checkpoint).await?;
                if let Some(outcome) = self.pause_provisioning(&mut checkpoint).await? {
                    return Ok(outcome);
                }
                self.hide(&ids, true).await;
                self.step(Rollback, StepState::Completed, "Read back.");
                let paused = if fills { " Its provisioning does not run." } else { "" };
                let ends = self.until_when(&checkpoint).await?;
                Ok(Outcome::RolledBack {
                    message: format!(
                        "People sign in by the old application {} again. The new one {} is still there, hidden, with its assignments.{paused}{ends}",
                        checkpoint.before.client_id, ids.app_id
                    ),
                })
            }
            Standing::Other(other) => Ok(Outcome::Refused(Refusal::new(
                "ChangedSince",
                format!(
                    "People sign in by {other}, which is neither the old application nor the new one: somebody has changed it since, and that is not overwritten. Bring the old one back by hand if it is meant: client id {}, its secret is in Secret {}.",
                    checkpoint.before.client_id,
                    self.secrets.name(Purpose::Return)
                ),
            ))),
            Standing::Old | Standing::New => self.go_back(checkpoint, &ids, &dependents).await,
        }
    }

    /// The gate, and the way back.
    async fn go_back(
        &mut self,
        mut checkpoint: MigrationCheckpoint,
        ids: &ApplicationIds,
        dependents: &[String],
    ) -> Result<Outcome, Failure> {
        let plan = checkpoint.plan(Work::Rollback {
            from: self.client_of(&checkpoint, ids),
            to: checkpoint.before.clone(),
            attempt: checkpoint.attempt,
            accepted: accepted_dependents(dependents),
        });
        let secret = match self.return_secret(&checkpoint).await? {
            Ok(secret) => secret,
            Err(refusal) => return Ok(Outcome::Refused(refusal)),
        };
        let is_it = |passed: &Passed| self.still_counts(passed, &plan);
        if !checkpoint.rollback.as_ref().is_some_and(is_it) {
            self.reporter.begin_step(Rollback, "Looking for an approval.");
            match self.pass_gate(&mut checkpoint, &plan).await? {
                Ok(passed) => {
                    self.reporter.restart_step(Rollback, &approved(&passed));
                    checkpoint.rollback = Some(passed);
                }
                Err(outcome) => return Ok(outcome),
            }
            self.checkpoints.save(&checkpoint).await?;
        }
        if self.is_interrupted().await? {
            return Ok(Outcome::Working);
        }
        self.reporter.begin_step(Rollback, "Saving the old configuration.");
        checkpoint.restoring_at = Some(Timestamp::now());
        self.checkpoints.save(&checkpoint).await?;
        self.restore(&checkpoint, &secret).await?;
        if let Some(passed) = &checkpoint.rollback {
            self.reporter.done(passed);
        }
        // A server that hides what is saved is taken at its word.
        self.forget(&mut checkpoint).await?;
        Ok(Outcome::Working)
    }

    /// There and back: what was approved on the way counts no more.
    async fn forget(&mut self, checkpoint: &mut MigrationCheckpoint) -> Result<(), Failure> {
        if checkpoint.cutover.is_some() || checkpoint.rollback.is_some() || checkpoint.restoring_at.is_some() {
            self.begin_anew(checkpoint).await?;
        }
        Ok(())
    }

    /// Goes back by itself, as was written down before.
    pub(super) async fn bring_back(&mut self, mut checkpoint: MigrationCheckpoint) -> Result<Outcome, Failure> {
        self.reporter.begin_step(Rollback, "People cannot sign in: saving the old configuration.");
        let secret = match self.return_secret(&checkpoint).await? {
            Ok(secret) => secret,
            Err(refusal) => return Ok(Outcome::Refused(refusal)),
        };
        if self.is_interrupted().await? {
            return Ok(Outcome::Working);
        }
        if let Some(returning) = checkpoint.cutover.as_mut().and_then(|cutover| cutover.returning.as_mut()) {
            returning.restoring_at = Some(Timestamp::now());
        }
        self.checkpoints.save(&checkpoint).await?;
        self.restore(&checkpoint, &secret).await?;
        self.returned(checkpoint).await
    }

    /// The old configuration is back.
    pub(super) async fn returned(&mut self, mut checkpoint: MigrationCheckpoint) -> Result<Outcome, Failure> {
        let Some(returning) = checkpoint.cutover.as_mut().and_then(|cutover| cutover.returning.as_mut()) else {
            return Ok(Outcome::Working);
        };
        returning.done_at = Some(Timestamp::now());
        let why = returning.why.clone();
        self.checkpoints.save(&checkpoint).await?;
        let ends = self.until_when(&checkpoint).await?;
        if let Some(ids) = &checkpoint.application {
            self.hide(ids, true).await;
        }
        self.step(Rollback, StepState::Completed, "Read back.");
        Ok(Outcome::Returned { why: format!("{why}{ends}") })
    }

    /// How long people can sign in by the old application, with the client secret that the way back has saved.
    pub(super) async fn until_when(&mut self, checkpoint: &MigrationCheckpoint) -> Result<String, Failure> {
        let Some(kept) = self.kept_for_the_way_back(checkpoint).await? else { return Ok(String::new()) };
        Ok(format!(
            " Unless somebody has saved another client secret since, theirs is the one in Secret {}, which expires at {}: then nobody can sign in.",
            self.secrets.name(Purpose::Return),
            whole_seconds(kept.expires_at).0
        ))
    }

    /// The client secret of the old application that is kept, as the status tells of it.
    pub(super) async fn kept_for_the_way_back(
        &mut self,
        checkpoint: &MigrationCheckpoint,
    ) -> Result<Option<ClientSecret>, Failure> {
        let kept = self.secrets.load(Purpose::Return, &checkpoint.before.client_id).await?;
        if let Some(kept) = &kept {
            self.reporter.secret(Purpose::Return, &self.secrets.name(Purpose::Return), kept);
        }
        Ok(kept)
    }

    /// The secret of the old application, proven now.
    async fn return_secret(&self, checkpoint: &MigrationCheckpoint) -> Result<Result<ClientSecret, Refusal>, Failure> {
        let before = &checkpoint.before;
        let Some(secret) = self.secrets.load(Purpose::Return, &before.client_id).await? else {
            return Ok(Err(Refusal::new(
                "NoWayBack",
                format!(
                    "Nobody has kept a client secret of the old application {}. Bring the old configuration back by hand: make a client secret on it, and save it in Administration - Authentication - Single Sign-On (SSO) with that client id and the discovery URL {}.",
                    before.client_id, before.discovery_url
                ),
            )));
        };
        match self.entra.redeems(&secret.app_id, &secret.value).await {
            Ok(()) => Ok(Ok(secret)),
            Err(failure) if failure.class.needs_a_person() => Ok(Err(Refusal::new(
                "ReturnSecretUnusable",
                format!("The old configuration would not work either, so it is not brought back: {}", failure.message),
            ))),
            Err(failure) => Err(failure),
        }
    }

    async fn restore(&self, checkpoint: &MigrationCheckpoint, secret: &ClientSecret) -> Result<(), Failure> {
        let before = &checkpoint.before;
        // Right before: what somebody has saved meanwhile is not overwritten.
        if let Standing::Other(other) = self.standing(checkpoint).await? {
            let message =
                format!("People sign in by {other} now, which somebody has just saved. It is looked at again.");
            return Err(Failure::new(Class::Conflict, "WrittenMeanwhile", message));
        }
        self.cloud.save_sso(before, &secret.value).await?;
        let shown = self.shown().await?;
        if shown.as_ref().and_then(|shown| before.is_shown_by(shown)) == Some(false) {
            return Err(Failure::new(
                Class::Transient,
                "NotVisibleYet",
                "Devolutions Cloud took the old configuration but does not show it yet. It is looked at again before anything else is done.",
            ));
        }
        self.context.metrics.saved();
        Ok(())
    }
}
