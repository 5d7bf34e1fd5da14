//! The one request by which people come to sign in by the new application. It is written down before; whether it took
//! effect is seen after, or it is sent again, which changes nothing.

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;

use super::Pass;
use super::outcome::Outcome;
use super::standing::Standing;
use crate::api::MigrationStepName::Cutover;
use crate::controller::Connector;
use crate::devolutions::{DevolutionsCloud as _, SsoClient};
use crate::entra::Entra as _;
use crate::error::{Class, Failure};
use crate::plan::Refusal;
use crate::store::{ClientSecret, MigrationCheckpoint, Purpose};

impl<K: Connector> Pass<'_, K> {
    /// Saves it, if what is replaced is still what was approved to be replaced, and it is still time.
    pub(super) async fn save(
        &mut self,
        mut checkpoint: MigrationCheckpoint,
        to: &SsoClient,
        secret: &ClientSecret,
    ) -> Result<Outcome, Failure> {
        if self.standing(&checkpoint).await? != Standing::Old || self.is_interrupted().await? {
            return Ok(Outcome::Working);
        }
        if let Some(outcome) = self.out_of_time() {
            return Ok(outcome);
        }
        // All that was looked at took its time.
        let passed = checkpoint.cutover.as_ref().and_then(|cutover| cutover.passed.as_ref());
        if passed.is_some_and(|passed| !passed.counts(Timestamp::now())) {
            return Ok(Outcome::Working);
        }
        if let Some(cutover) = &mut checkpoint.cutover {
            let now = Timestamp::now();
            cutover.saving_at.get_or_insert(now);
            cutover.last_saving_at = Some(now);
            cutover.key_id = Some(secret.key_id);
        }
        // From here on each secret may be the one that people sign in by.
        checkpoint.was_saved = true;
        checkpoint.shown = None;
        self.checkpoints.save(&checkpoint).await?;
        self.put(&mut checkpoint, to, secret).await
    }

    /// A pass ended between writing down and seeing the effect. None where it had none.
    pub(super) async fn finish_save(
        &mut self,
        checkpoint: &mut MigrationCheckpoint,
    ) -> Result<Option<Outcome>, Failure> {
        let shown = self.shown().await?;
        let Some(ids) = checkpoint.application.clone() else { return Ok(None) };
        let to = self.client_of(checkpoint, &ids);
        if shown.as_ref().and_then(|shown| to.is_shown_by(shown)).is_some() {
            // The server tells. Where it shows the old one, the save is not forgotten: it may yet be seen.
            if self.standing_for_sure(checkpoint).await? == Standing::New {
                self.saved(checkpoint).await?;
            }
            return Ok(None);
        }
        let passed = checkpoint.cutover.as_ref().and_then(|cutover| cutover.passed.as_ref());
        if passed.map(|passed| &passed.uid) != self.object.uid().as_ref() {
            // Another resource asked for it: this one asks again.
            return Ok(None);
        }
        // The server does not tell. What may have taken effect is made to be so, in the window or not: it was decided on
        // and begun, and nobody could say which of both people sign in by.
        let Some(secret) = self.secrets.load(Purpose::SignIn, &ids.app_id).await? else {
            return Ok(Some(Outcome::Refused(Refusal::new(
                "SaveUnclear",
                format!(
                    "The new configuration was being saved when the operator was stopped, this server does not tell whether it was, and Secret {} is gone. Look at Administration - Authentication - Single Sign-On (SSO), restore the Secret, or set spec.mode to Rollback.",
                    self.secrets.name(Purpose::SignIn)
                ),
            ))));
        };
        let begun_with = checkpoint.cutover.as_ref().and_then(|cutover| cutover.key_id);
        let refused = match self.entra.redeems(&secret.app_id, &secret.value).await {
            _ if begun_with != Some(secret.key_id) => Some("it is another one than was being saved".to_owned()),
            Ok(()) => None,
            Err(failure) if failure.class.needs_a_person() => Some(failure.message),
            Err(failure) => return Err(failure),
        };
        if let Some(refused) = refused {
            return Ok(Some(Outcome::Refused(Refusal::new(
                "SaveUnclear",
                format!(
                    "The new configuration was being saved when the operator was stopped, this server does not tell whether it was, and the client secret in Secret {} is not good for it now: {refused}. Look at Administration - Authentication - Single Sign-On (SSO), restore the Secret, or set spec.mode to Rollback.",
                    self.secrets.name(Purpose::SignIn)
                ),
            ))));
        }
        if self.is_interrupted().await? {
            return Ok(Some(Outcome::Working));
        }
        self.put(checkpoint, &to, &secret).await.map(Some)
    }

    async fn put(
        &mut self,
        checkpoint: &mut MigrationCheckpoint,
        to: &SsoClient,
        secret: &ClientSecret,
    ) -> Result<Outcome, Failure> {
        self.reporter.begin_step(Cutover, "Saving the configuration.");
        self.cloud.save_sso(to, &secret.value).await?;
        let shown = self.shown().await?;
        if shown.as_ref().and_then(|shown| to.is_shown_by(shown)) == Some(false) {
            return Err(Failure::new(
                Class::Transient,
                "NotVisibleYet",
                "Devolutions Cloud took the new configuration but does not show it yet. It is looked at again before anything else is done.",
            ));
        }
        self.saved(checkpoint).await?;
        self.context.metrics.saved();
        Ok(Outcome::Working)
    }

    /// Notes that the new configuration is in effect. Where a person saved it nothing was written down before.
    pub(super) async fn saved(&mut self, checkpoint: &mut MigrationCheckpoint) -> Result<(), Failure> {
        let by_a_person = checkpoint.cutover.as_ref().is_none_or(|cutover| cutover.key_id.is_none());
        let cutover = checkpoint.cutover.get_or_insert_default();
        if cutover.saved_at.is_some() {
            return Ok(());
        }
        cutover.saved_at = Some(cutover.last_saving_at.unwrap_or_else(Timestamp::now));
        if by_a_person {
            // What was approved for a save of ours was not carried out.
            cutover.passed = None;
            cutover.returns_by_itself = false;
            checkpoint.rollback = None;
        }
        checkpoint.was_saved = true;
        self.checkpoints.save(checkpoint).await
    }
}
