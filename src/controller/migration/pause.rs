//! Whether the new application provisions already, whoever has set that up; and how it is paused.

use std::time::Duration;

use tokio::time::timeout;

use super::Pass;
use super::observe::permitted;
use super::outcome::Outcome;
use crate::api::MigrationStepName::Rollback;
use crate::controller::Connector;
use crate::entra::{Entra as _, Job, Provisioner as _, ServicePrincipal};
use crate::error::Failure;
use crate::plan::Refusal;
use crate::store::{MigrationCheckpoint, ProvisioningRun};

/// So long a way back may wait for what it could do without.
const AT_ONCE: Duration = Duration::from_secs(3);

impl<K: Connector> Pass<'_, K> {
    /// Whether whoever is assigned now comes across at once: by what we have set up, or by a job that somebody else has
    /// started, as far as that may be read.
    pub(super) async fn provisions(
        &self,
        checkpoint: &MigrationCheckpoint,
        principal: &ServicePrincipal,
    ) -> Result<bool, Failure> {
        // Once it is not asked for any more, only what was started a moment ago is known better than it is seen.
        let is_asked_for = self.object.spec.provisioning.is_some();
        let by_us = |run: &ProvisioningRun| {
            let is_recent = run.start_asked_at.is_some_and(|at| !self.is_long_ago(at));
            is_recent || is_asked_for && (run.passed.is_some() || run.started_at.is_some())
        };
        if checkpoint.provisioning.as_ref().is_some_and(by_us) {
            return Ok(true);
        }
        self.runs_a_job(principal).await
    }

    /// Has nobody brought across any more, whoever has set that up, once people sign in as before; none where nothing runs.
    /// What comes later begins anew, with another approval.
    pub(super) async fn pause_provisioning(
        &mut self,
        checkpoint: &mut MigrationCheckpoint,
    ) -> Result<Option<Outcome>, Failure> {
        let Some(ids) = checkpoint.application.clone() else { return Ok(None) };
        if let Some(run) = &mut checkpoint.provisioning
            && (run.started_at.is_some() || run.passed.is_some() || run.canary_at.is_some())
        {
            // Whoever finds it paused later must not take that for somebody else's doing.
            *run = ProvisioningRun {
                saved: run.saved.take(),
                asked_at: std::mem::take(&mut run.asked_at),
                job_asked_at: run.job_asked_at,
                start_asked_at: run.start_asked_at,
                ..ProvisioningRun::default()
            };
            // Nor does an approval count that was left over.
            checkpoint.attempt += 1;
            self.checkpoints.save(checkpoint).await?;
        }
        let still_runs = |failure: Failure| Failure {
            message: format!(
                "People sign in as they did before. The new application's provisioning may still run, and is to be paused: {}",
                failure.message
            ),
            ..failure
        };
        let paused = self.pause(checkpoint, &ids.app_id).await.map_err(still_runs)?;
        if paused.is_none()
            && let Some(run) = checkpoint.provisioning.as_mut().filter(|run| run.start_asked_at.is_some())
        {
            run.start_asked_at = None;
            self.checkpoints.save(checkpoint).await?;
        }
        Ok(paused)
    }

    /// Whether the new application provisions, which a person has set up, as far as that may be read.
    pub(super) async fn is_provisioned_by_hand(&self, checkpoint: &MigrationCheckpoint) -> Result<bool, Failure> {
        let Some(ids) = checkpoint.application.as_ref().filter(|_| checkpoint.provisioning.is_none()) else {
            return Ok(false);
        };
        let Some(principal) = self.entra.service_principal(&ids.app_id).await? else { return Ok(false) };
        self.runs_a_job(&principal).await
    }

    /// The same, where that can be read at once: nothing of Microsoft Graph stands between people and their way back.
    pub(super) async fn shows_provisioning_by_hand(&self, checkpoint: &MigrationCheckpoint) -> bool {
        match timeout(AT_ONCE, self.is_provisioned_by_hand(checkpoint)).await {
            Ok(Ok(runs)) => runs,
            Ok(Err(failure)) => {
                tracing::warn!(
                    "whether somebody has set provisioning up cannot be read before the way back: {failure}"
                );
                false
            }
            Err(_) => false,
        }
    }

    /// Whether a job of this application is started, as far as that may be read.
    async fn runs_a_job(&self, principal: &ServicePrincipal) -> Result<bool, Failure> {
        Ok(as_far_as_told(self.entra.jobs(principal).await)?.iter().any(Job::is_started))
    }

    async fn pause(&self, checkpoint: &MigrationCheckpoint, app_id: &str) -> Result<Option<Outcome>, Failure> {
        let is_ours = checkpoint.provisioning.is_some();
        // What we have started runs, whatever is shown: a replica may not have heard of it.
        let asked_at = checkpoint.provisioning.as_ref().and_then(|run| run.start_asked_at);
        let may_be_unseen = asked_at.is_some_and(|at| !self.is_long_ago(at));
        let principal = self.entra.service_principal(app_id).await?;
        let all = async || match &principal {
            None => Ok(Vec::new()),
            Some(principal) if is_ours => self.entra.jobs(principal).await,
            Some(principal) => as_far_as_told(self.entra.jobs(principal).await),
        };
        let jobs = all().await?;
        if jobs.is_empty() && may_be_unseen {
            let text = "People sign in as they did before. Provisioning was started just now, and its job is not shown, so that it could be paused.";
            return Ok(Some(Outcome::waiting(Rollback, "AwaitingReplication", text.to_owned())));
        }
        let Some(principal) = &principal else { return Ok(None) };
        let mut is_paused = false;
        for job in jobs.iter().filter(|job| asked_at.is_some() || job.is_started()) {
            self.entra.pause_job(principal, &job.id).await?;
            is_paused = true;
        }
        if !is_paused || !all().await?.iter().any(Job::is_started) {
            return Ok(None);
        }
        let text = "People sign in as they did before. Provisioning was paused, and is not shown so yet.".to_owned();
        Ok(Some(Outcome::waiting(Rollback, "AwaitingReplication", text)))
    }
}

/// Jobs, none where they may not be read or the application cannot provision at all.
fn as_far_as_told(jobs: Result<Vec<Job>, Failure>) -> Result<Vec<Job>, Failure> {
    match permitted(jobs) {
        Err(failure) if failure.reason == "NotFound" => Ok(Vec::new()),
        jobs => jobs.map(Option::unwrap_or_default),
    }
}

/// Somebody is still to be assigned to an application that provisions, and nobody is asked about that.
pub(super) fn provisions_unasked(principal: &ServicePrincipal) -> Refusal {
    Refusal::new(
        "ProvisioningRuns",
        format!(
            "The enterprise application \"{}\" provisions already, so whoever is assigned to it now comes across at once. Give spec.provisioning, so that a person can be asked about that, or pause its provisioning until the cut-over.",
            principal.label()
        ),
    )
}
