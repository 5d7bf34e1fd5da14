//! After the cut-over: what proves that people sign in by the new application, and what to do where it is proven that
//! they cannot.

use std::collections::BTreeSet;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::ResourceExt as _;
use uuid::Uuid;

use super::Pass;
use super::observe::permitted;
use super::outcome::Outcome;
use super::standing::{LOOKS, PAUSE, Standing};
use crate::api::MigrationStepName::Cutover;
use crate::api::{Evidence, ObservedCutover, REQUESTED_AT, SignInCounts, StepState};
use crate::controller::Connector;
use crate::controller::status::whole_seconds;
use crate::entra::{Entra as _, Member, SignIn};
use crate::error::{Class, Failure};
use crate::plan::Refusal;
use crate::plan::evidence::{NOT_ASSIGNED, Testimony, testimony};
use crate::plan::migration::{MigrationPlan, Work};
use crate::store::{ApplicationIds, CutoverRun, MigrationCheckpoint, Purpose, Returning};

/// What the token endpoint says where the fault is the application's or its secret's, and not the way there.
const FAULTS: [&str; 5] = [
    "ClientSecretWrong",
    "ClientSecretExpired",
    "ApplicationNotFound",
    "ApplicationNotInstalled",
    "ApplicationDisabled",
];

/// So far back the log is read once somebody has signed in.
const LATELY: SignedDuration = SignedDuration::from_hours(7 * 24);

impl<K: Connector> Pass<'_, K> {
    /// People sign in by the new application: is there proof, or proof of the contrary?
    pub(super) async fn watch(&mut self, mut checkpoint: MigrationCheckpoint) -> Result<Outcome, Failure> {
        let Some(ids) = checkpoint.application.clone() else { return Ok(Outcome::Working) };
        self.saved(&mut checkpoint).await?;
        if checkpoint.cutover.as_mut().is_some_and(|cutover| cutover.changed.take().is_some()) {
            // Somebody has changed it back since.
            self.checkpoints.save(&checkpoint).await?;
        }
        let cutover = checkpoint.cutover.clone().unwrap_or_default();
        let saved_at = cutover.saved_at.unwrap_or_else(Timestamp::now);
        if let Some(passed) = &cutover.passed {
            self.reporter.carried_out(passed);
        }
        self.reporter.settled_before_the_cutover();
        self.reporter.begin_step(Cutover, "Saved. Looking for proof that people sign in.");
        let is_told = self.shown().await?.is_some_and(|shown| shown.client_id.is_some());
        let credentials = self.credentials(&ids, &cutover).await?;
        let refused = credentials.as_ref().and_then(|proven| proven.as_ref().err()).map(|f| f.message.clone());
        let log = match self.log(&ids, &cutover, saved_at).await {
            // What the token endpoint says needs no log.
            Err(failure) if refused.is_some() => {
                tracing::warn!("{failure}");
                None
            }
            log => log?,
        };
        let said = match &log {
            None => None,
            Some(log) => Some(self.testimony(&ids, &cutover, log).await?),
        };
        let succeeded = said.as_ref().map_or(0, |said| said.succeeded);
        let evidence = match &credentials {
            _ if succeeded > 0 || cutover.proven_at.is_some() => Evidence::SignInSeen,
            Some(Ok(())) => Evidence::CredentialsProven,
            _ if is_told => Evidence::Configured,
            _ => Evidence::Attested,
        };
        let way_back = self.has_way_back(&checkpoint).await?;
        let size = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        self.reporter.cutover(ObservedCutover {
            saved_at: whole_seconds(saved_at),
            evidence,
            sign_ins: said.as_ref().map(|s| SignInCounts { succeeded: size(s.succeeded), failed: size(s.failed) }),
            way_back,
            returned: String::new(),
        });
        if let Some(refused) = refused.as_ref().filter(|_| succeeded > 0 || cutover.proven_at.is_some()) {
            return Ok(Outcome::Refused(Refusal::new(
                "CredentialsRefused",
                format!(
                    "The client secret in Secret {}, which was saved at the cut-over, gets no token any more: {refused} Unless somebody has saved another one in Devolutions Cloud since, nobody can sign in: mend it, or set spec.mode to Rollback.",
                    self.secrets.name(Purpose::SignIn)
                ),
            )));
        }
        let fault = refused.or_else(|| said.and_then(|said| said.fault)).filter(|_| succeeded == 0);
        if let Some(fault) = fault {
            return self.failing(checkpoint, &cutover, fault, way_back && cutover.returns_by_itself).await;
        }
        self.tell_applications(&ids, &checkpoint).await?;
        if log.is_some() && succeeded == 0 && cutover.proven_at.is_none() {
            return Ok(Outcome::AwaitingProof {
                since: saved_at,
                way_back,
                returns_by_itself: cutover.returns_by_itself,
            });
        }
        let is_news = cutover.proven_at.is_none() || cutover.returning.is_some();
        if succeeded > 0 && is_news {
            if let Some(cutover) = &mut checkpoint.cutover {
                cutover.proven_at = Some(Timestamp::now());
                cutover.returning = None;
            }
            self.checkpoints.save(&checkpoint).await?;
        }
        if let Some(passed) = &cutover.passed {
            self.reporter.done(passed);
        }
        self.hide(&ids, false).await;
        Ok(Outcome::CutOver { evidence, log_is_read: log.is_some(), way_back })
    }

    /// Whether the client secret that was saved still gets tokens; none where that one is not kept here. Only a refusal
    /// that lasts counts, and only one whose cause is the application.
    async fn credentials(
        &mut self,
        ids: &ApplicationIds,
        cutover: &CutoverRun,
    ) -> Result<Option<Result<(), Failure>>, Failure> {
        let kept = self.secrets.load(Purpose::SignIn, &ids.app_id).await?;
        let Some(secret) = kept.filter(|kept| Some(kept.key_id) == cutover.key_id) else { return Ok(None) };
        self.reporter.secret(Purpose::SignIn, &self.secrets.name(Purpose::SignIn), &secret);
        let mut refused = None;
        for look in 0..LOOKS {
            if look > 0 {
                tokio::time::sleep(PAUSE).await;
            }
            match self.entra.redeems(&secret.app_id, &secret.value).await {
                Ok(()) => return Ok(Some(Ok(()))),
                Err(failure) if FAULTS.contains(&failure.reason) => refused = Some(failure),
                Err(failure) => return Err(failure),
            }
        }
        Ok(refused.map(Err))
    }

    /// The sign-ins since the save; none where the log may not be read. Where a person was promised that it would be, one
    /// refusal does not take that back.
    async fn log(
        &self,
        ids: &ApplicationIds,
        cutover: &CutoverRun,
        since: Timestamp,
    ) -> Result<Option<Vec<SignIn>>, Failure> {
        // Once it is proven that people get in, only what is new tells anything, and the log of a large tenant is long.
        let lately = Timestamp::now().checked_sub(LATELY).unwrap_or(since);
        let since = if cutover.proven_at.is_some() { since.max(lately) } else { since };
        let read = self.entra.sign_ins(&ids.app_id, since).await;
        if read.is_err() && cutover.proven_at.is_none() && cutover.returns_by_itself {
            return read.map(Some);
        }
        permitted(read)
    }

    /// What was carried out, where its plan is still there: plans go with their resource, and the cut-over stays.
    async fn carried_out(&self, cutover: &CutoverRun) -> Result<Option<Work>, Failure> {
        let Some(passed) = &cutover.passed else { return Ok(None) };
        match self.archive.load::<MigrationPlan>(&passed.plan_secret).await {
            Ok(plan) => Ok(Some(plan.work)),
            Err(failure) if failure.class == Class::Invalid => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// What the log says. Whether somebody should have got in who was told not to be assigned is looked up only then: who
    /// was to be able to when the cut-over was decided on, and has not been taken out since.
    async fn testimony(
        &self,
        ids: &ApplicationIds,
        cutover: &CutoverRun,
        log: &[SignIn],
    ) -> Result<Testimony, Failure> {
        let is_about_assignment = |s: &SignIn| s.status.error_code == NOT_ASSIGNED;
        let mut entitled = BTreeSet::new();
        if log.iter().all(|s| s.status.error_code != 0)
            && log.iter().any(is_about_assignment)
            && let Some(Work::Cutover { assignments, entitled: then, .. }) = self.carried_out(cutover).await?
            && let Some(principal) = self.entra.service_principal(&ids.app_id).await?
        {
            let now = self.entra.assignments(&principal).await?;
            let mut assigned: BTreeSet<(Uuid, bool)> =
                now.into_iter().map(|a| (a.principal_id, a.principal_type == "Group")).collect();
            assigned.extend(assignments.into_iter().map(|who| (who.id, who.kind == "Group")));
            for (id, is_group) in assigned {
                entitled.insert(id);
                if is_group {
                    let members = self.entra.members(id, "an assigned group").await?;
                    entitled.extend(members.unwrap_or_default().into_iter().filter_map(|member| match member {
                        Member::User(id) => Some(id),
                        Member::Group(_) | Member::Other(_) => None,
                    }));
                }
            }
            entitled.retain(|user| then.contains(user));
        }
        Ok(testimony(log, &entitled, Timestamp::now(), self.settles()))
    }

    /// Whether the old configuration could be brought back.
    async fn has_way_back(&mut self, checkpoint: &MigrationCheckpoint) -> Result<bool, Failure> {
        let Some(kept) = self.kept_for_the_way_back(checkpoint).await? else { return Ok(false) };
        // Somebody may have removed it, or disabled the old application. Where that cannot be told, it is as it was.
        let refused = self.entra.redeems(&kept.app_id, &kept.value).await.is_err_and(|it| FAULTS.contains(&it.reason));
        Ok(!refused && kept.expires_at > Timestamp::now())
    }

    /// It is proven that people cannot sign in.
    async fn failing(
        &mut self,
        mut checkpoint: MigrationCheckpoint,
        cutover: &CutoverRun,
        fault: String,
        can_return: bool,
    ) -> Result<Outcome, Failure> {
        if !can_return || cutover.proven_at.is_some() {
            let advice = if cutover.proven_at.is_some() {
                "Somebody has signed in by it before, so nothing is brought back by itself. Mend it, or set spec.mode to Rollback"
            } else {
                "It is not brought back by itself: there is no good client secret of the old application, or the plan did not say so. Mend it, or set spec.mode to Rollback if status.cutover.wayBack is true"
            };
            return Ok(Outcome::Refused(Refusal::new(
                "SignInFails",
                format!("People cannot sign in by the new application: {fault} {advice}."),
            )));
        }
        let told = self.told(fault);
        if let Some(cutover) = &mut checkpoint.cutover {
            cutover.returning = Some(told);
        }
        self.checkpoints.save(&checkpoint).await?;
        self.bring_back(checkpoint).await
    }

    /// What is told now, and what a person has asked for by now.
    fn told(&self, why: String) -> Returning {
        Returning {
            why,
            restoring_at: None,
            done_at: None,
            uid: self.object.uid().unwrap_or_default(),
            generation: self.object.metadata.generation,
            requested_at: self.object.annotations().get(REQUESTED_AT).cloned(),
        }
    }

    /// Whether a person has asked for another try since, or asks for something else now.
    pub(super) fn is_answered(&self, returning: &Returning) -> bool {
        self.object.metadata.generation != returning.generation || self.is_asked_again(returning)
    }

    /// Whether a person has asked for another try since.
    fn is_asked_again(&self, told: &Returning) -> bool {
        self.object.uid().as_ref() != Some(&told.uid)
            || self.object.annotations().get(REQUESTED_AT) != told.requested_at.as_ref()
    }

    /// Somebody else has changed by what people sign in, after the cut-over: that is not overwritten.
    pub(super) async fn changed_elsewhere(
        &mut self,
        mut checkpoint: MigrationCheckpoint,
        standing: Standing,
    ) -> Result<Outcome, Failure> {
        if self.standing_for_sure(&checkpoint).await? != standing {
            return Ok(Outcome::Working);
        }
        self.retire_later(&mut checkpoint).await?;
        self.reporter.cut_over_no_more();
        let told = checkpoint.cutover.as_ref().and_then(|cutover| cutover.changed.clone());
        // Who was told and asks again wants another attempt.
        if standing == Standing::Old && told.as_ref().is_some_and(|told| self.is_asked_again(told)) {
            self.begin_anew(&mut checkpoint).await?;
            return Ok(Outcome::Working);
        }
        if told.is_none() {
            let told = self.told(String::new());
            checkpoint.cutover.get_or_insert_default().changed = Some(told);
            self.checkpoints.save(&checkpoint).await?;
        }
        let (now, advice) = match standing {
            Standing::Other(other) => (other, String::new()),
            Standing::Old | Standing::New => (
                format!("the old application {}", checkpoint.before.client_id),
                format!(" For another attempt set the annotation {REQUESTED_AT} to a new value."),
            ),
        };
        let message = format!(
            "The new configuration was saved, and since then somebody has changed it: people sign in by {now}. That is not overwritten. If it is not meant, save the new one again in Administration - Authentication - Single Sign-On (SSO).{advice}"
        );
        self.step(Cutover, StepState::Failed, &message);
        Ok(Outcome::Refused(Refusal::new("SingleSignOnChanged", message)))
    }
}
