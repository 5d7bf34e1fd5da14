//! The provisioning job: enabled on one side, set up on the other, and started. Each thing is done once and seen before the
//! next.

use k8s_openapi::jiff::Timestamp;
use uuid::Uuid;

use super::Pass;
use super::application::had_no_effect;
use super::observe::told;
use super::outcome::Outcome;
use super::scope::Scope;
use super::secrets::keep;
use super::standing::{LOOKS, PAUSE};
use crate::api::MigrationStepName::Provisioning as Step;
use crate::api::{ObservedProvisioning, StepState};
use crate::controller::Connector;
use crate::controller::status::whole_seconds;
use crate::devolutions::{DevolutionsCloud as _, NewProvisioningToken, Provisioning};
use crate::entra::{Job, Provisioner as _, ProvisioningCredentials, SavedProvisioning, ServicePrincipal};
use crate::error::{Class, Failure};
use crate::plan::Refusal;
use crate::plan::provisioning::{Next, Seen, next};
use crate::store::{MigrationCheckpoint, ProvisioningRun, ProvisioningToken, SavedToken};

/// Provisioning as both sides show it now.
pub(super) struct There {
    pub provisioning: Provisioning,
    pub job: Option<Job>,
    token: Option<ProvisioningToken>,
    settings: SavedProvisioning,
}

impl There {
    /// Whether the job runs in cycles.
    pub fn runs(&self) -> bool {
        self.job.as_ref().is_some_and(Job::is_started)
    }

    /// The same with what we have done of it.
    pub fn seen<'a>(&'a self, run: &'a ProvisioningRun) -> Seen<'a> {
        Seen {
            provisioning: &self.provisioning,
            settings: &self.settings,
            job: self.job.as_ref(),
            kept_at: self.token.as_ref().map(|token| token.created_at),
            asked_at: &run.asked_at,
            saved: run.saved.as_ref().map(|saved| (saved.tenant_url.as_str(), saved.created_at)),
            canary_at: run.canary_at,
            started_at: run.started_at,
        }
    }
}

impl<K: Connector> Pass<'_, K> {
    /// One thing after the other, until it runs, beginning with both sides as they are; gives them as they are then.
    pub(super) async fn set_up_provisioning(
        &mut self,
        checkpoint: &mut MigrationCheckpoint,
        scope: &Scope,
        mut there: There,
        canary: Option<&(String, Uuid)>,
    ) -> Result<Result<There, Outcome>, Failure> {
        let mut done = None;
        let there = loop {
            let run = checkpoint.provisioning.get_or_insert_default();
            let next = match next(&there.seen(run)) {
                Ok(next) => next,
                Err(refusal) => return Ok(Err(Outcome::Refused(refusal))),
            };
            if run.started_at.is_none() && matches!(next, None | Some(Next::Activate)) {
                if !self.surely_runs(&scope.principal).await? {
                    let text = "Not everywhere is it seen yet that the provisioning job runs.".to_owned();
                    return Ok(Err(Outcome::waiting(Step, "AwaitingReplication", text)));
                }
                let run = checkpoint.provisioning.get_or_insert_default();
                run.started_at = Some(Timestamp::now());
                self.checkpoints.save(checkpoint).await?;
            }
            let Some(next) = next else { break there };
            if done == Some(next) {
                let text = format!("Both sides are asked until they show what was just done: {}.", next.effect());
                return Ok(Err(Outcome::waiting(Step, "AwaitingReplication", text)));
            }
            if self.is_interrupted().await? {
                return Ok(Err(Outcome::Working));
            }
            if let Some(outcome) = self.carry_out(next, checkpoint, scope, &there, canary).await? {
                return Ok(Err(outcome));
            }
            done = Some(next);
            there = match self.provisioning_surely_there(&scope.principal, checkpoint).await? {
                Ok(there) => there,
                Err(outcome) => return Ok(Err(outcome)),
            };
        };
        if let Some(run) = &mut checkpoint.provisioning
            && let Some(passed) = run.passed.clone()
        {
            self.reporter.done(&passed);
            // It opens the gate once: what comes when all of it must be seen everywhere is asked about anew.
            if run.started_at.is_some_and(|at| self.is_long_ago(at)) {
                run.passed = None;
                self.checkpoints.save(checkpoint).await?;
            }
        }
        self.step(Step, StepState::Completed, "Provisioning runs, and synchronization is activated.");
        // How far it is, is for a pass of its own: this one has waited, and how long a pass takes tells when the next is made.
        Ok(if done.is_none() { Ok(there) } else { Err(Outcome::Working) })
    }

    /// Whether the job is seen to run several times in a row: a replica that has not heard of a pause shows what was before.
    async fn surely_runs(&self, principal: &ServicePrincipal) -> Result<bool, Failure> {
        for look in 0..LOOKS {
            if look > 0 {
                tokio::time::sleep(PAUSE).await;
            }
            if !self.entra.jobs(principal).await?.iter().any(Job::is_started) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn carry_out(
        &mut self,
        next: Next,
        checkpoint: &mut MigrationCheckpoint,
        scope: &Scope,
        there: &There,
        canary: Option<&(String, Uuid)>,
    ) -> Result<Option<Outcome>, Failure> {
        let principal = &scope.principal;
        let job = there.job.as_ref().map(|job| job.id.as_str()).unwrap_or_default();
        match next {
            Next::Enable => {
                self.step(Step, StepState::Running, "Enabling provisioning in Devolutions Cloud.");
                self.ask_for_token(checkpoint, self.cloud.enable_provisioning()).await?;
            }
            Next::RenewToken => {
                self.step(Step, StepState::Running, "The token was told and the answer lost: making it anew.");
                self.ask_for_token(checkpoint, self.cloud.renew_provisioning_token()).await?;
            }
            Next::MakeJob => return self.make_job(checkpoint, principal).await,
            Next::Save => {
                self.step(Step, StepState::Running, "Having Entra ID try to reach Devolutions Cloud.");
                let Some(token) = &there.token else { return Ok(Some(Outcome::Working)) };
                let credentials =
                    ProvisioningCredentials { tenant_url: token.tenant_url.clone(), token: token.value.clone() };
                self.entra.validate_provisioning(principal, job, &credentials).await?;
                if self.is_interrupted().await? {
                    return Ok(Some(Outcome::Working));
                }
                // Written down before: whatever is found there from now on may be ours.
                let saved = SavedToken { tenant_url: token.tenant_url.clone(), created_at: token.created_at };
                checkpoint.provisioning.get_or_insert_default().saved = Some(saved);
                self.checkpoints.save(checkpoint).await?;
                self.entra.save_provisioning(principal, &credentials).await?;
            }
            Next::Canary => return self.bring_canary(checkpoint, scope, there, job, canary).await,
            Next::Start => {
                self.step(Step, StepState::Running, "Starting provisioning.");
                checkpoint.provisioning.get_or_insert_default().start_asked_at = Some(Timestamp::now());
                self.checkpoints.save(checkpoint).await?;
                self.entra.start_job(principal, job).await?;
            }
            Next::Activate => {
                self.step(Step, StepState::Running, "Activating synchronization in Devolutions Cloud.");
                self.cloud.activate_synchronization().await?;
            }
        }
        Ok(None)
    }

    /// Has Devolutions Cloud tell a token, and keeps it before anything else happens. That it was asked for is written down
    /// before, since its answer may be lost.
    async fn ask_for_token(
        &mut self,
        checkpoint: &mut MigrationCheckpoint,
        ask: impl Future<Output = Result<NewProvisioningToken, Failure>>,
    ) -> Result<(), Failure> {
        checkpoint.provisioning.get_or_insert_default().asked_at.push(Timestamp::now());
        self.checkpoints.save(checkpoint).await?;
        let told = match ask.await {
            Err(failure) if is_refused(&failure) => {
                // An earlier request may have been answered all the same.
                checkpoint.provisioning.get_or_insert_default().asked_at.pop();
                self.checkpoints.save(checkpoint).await?;
                return Err(failure);
            }
            told => told?,
        };
        self.keep_token(told).await?;
        checkpoint.provisioning.get_or_insert_default().asked_at.clear();
        self.checkpoints.save(checkpoint).await
    }

    /// Makes the job. What a second request would do is documented nowhere, so one whose answer was lost is looked for
    /// as long as it may be unseen.
    async fn make_job(
        &mut self,
        checkpoint: &mut MigrationCheckpoint,
        principal: &ServicePrincipal,
    ) -> Result<Option<Outcome>, Failure> {
        if let Some(until) = self.job_settles(checkpoint) {
            let text = format!(
                "The provisioning job was asked for and is not shown yet. It is looked for until {}, and only then asked for again.",
                whole_seconds(until).0
            );
            return Ok(Some(Outcome::waiting(Step, "AwaitingReplication", text)));
        }
        self.step(Step, StepState::Running, "Making the provisioning job.");
        checkpoint.provisioning.get_or_insert_default().job_asked_at = Some(Timestamp::now());
        self.checkpoints.save(checkpoint).await?;
        match self.entra.make_job(principal).await {
            Err(failure) if had_no_effect(&failure) => {
                checkpoint.provisioning.get_or_insert_default().job_asked_at = None;
                self.checkpoints.save(checkpoint).await?;
                Err(failure)
            }
            // There is one that was not shown yet.
            Err(failure) if failure.class == Class::Conflict => {
                tracing::info!("{failure}");
                Ok(None)
            }
            made => made.map(|_| None),
        }
    }

    /// Keeps a token before anything else happens.
    async fn keep_token(&self, told: NewProvisioningToken) -> Result<(), Failure> {
        let NewProvisioningToken { provisioning, secret_token } = told;
        let Some(tenant_url) = provisioning.tenant_url else {
            let message = "Devolutions Cloud enabled provisioning and did not tell its address. Look at Administration - Authentication - Provisioning. Please report this.";
            return Err(Failure::new(Class::Bug, "AnswerNotUnderstood", message));
        };
        let token = ProvisioningToken {
            tenant_url,
            created_at: provisioning.token_created_at.unwrap_or_else(Timestamp::now),
            expires_at: provisioning.token_expires_at,
            value: secret_token,
        };
        // One that was not kept is made anew by the next pass.
        keep(|| self.provisioning_tokens.save(&token)).await
    }

    /// Both sides as they are.
    async fn provisioning_there(&self, principal: &ServicePrincipal) -> Result<Result<There, Refusal>, Failure> {
        let provisioning = told(Some("getProvisioning"), self.cloud.provisioning()).await?.unwrap_or_default();
        let settings = self.entra.provisioning_settings(principal).await?;
        let mut jobs = self.entra.jobs(principal).await?;
        if jobs.len() > 1 {
            return Ok(Err(several(principal, &jobs)));
        }
        Ok(Ok(There { provisioning, token: self.provisioning_tokens.load().await?, job: jobs.pop(), settings }))
    }

    /// The same, and once it ran several times: a replica that has not heard of that yet is no reason to say that somebody
    /// has paused it.
    pub(super) async fn provisioning_surely_there(
        &mut self,
        principal: &ServicePrincipal,
        checkpoint: &MigrationCheckpoint,
    ) -> Result<Result<There, Outcome>, Failure> {
        let ran = checkpoint.provisioning.as_ref().is_some_and(|run| run.started_at.is_some());
        let mut looks = 1;
        loop {
            let there = match self.settling(checkpoint, self.provisioning_there(principal).await)? {
                Ok(Ok(there)) => there,
                Ok(Err(refusal)) => return Ok(Err(Outcome::Refused(refusal))),
                Err(outcome) => return Ok(Err(outcome)),
            };
            if !ran || there.runs() || looks == LOOKS {
                self.reporter.provisioning(self.observed(&there));
                return Ok(Ok(there));
            }
            looks += 1;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Until when a job that was asked for may be unseen; none where that is over.
    fn job_settles(&self, checkpoint: &MigrationCheckpoint) -> Option<Timestamp> {
        let asked_at = checkpoint.provisioning.as_ref()?.job_asked_at?;
        asked_at.checked_add(self.settles()).ok().filter(|until| Timestamp::now() < *until)
    }

    /// For a while after a job was made, its part of Entra ID may not have heard of it or of our rights on it.
    pub(super) fn settling<T>(
        &self,
        checkpoint: &MigrationCheckpoint,
        answer: Result<T, Failure>,
    ) -> Result<Result<T, Outcome>, Failure> {
        match answer {
            Err(failure)
                if ["PermissionMissing", "NotFound"].contains(&failure.reason)
                    && self.job_settles(checkpoint).is_some() =>
            {
                let text = format!("{} The job was made just now, which may not be known everywhere.", failure.message);
                Ok(Err(Outcome::waiting(Step, "AwaitingReplication", text)))
            }
            answer => answer.map(Ok),
        }
    }

    /// The same, as a status shows it.
    pub(super) fn observed(&self, there: &There) -> ObservedProvisioning {
        let status = there.job.as_ref().and_then(|job| job.status.as_ref());
        let last = status.and_then(|status| status.last_execution.as_ref()).filter(|last| last.time_ended.is_some());
        ObservedProvisioning {
            tenant_url: there.provisioning.tenant_url.clone().unwrap_or_default(),
            token_secret_name: there.token.as_ref().map(|_| self.provisioning_tokens.name()).unwrap_or_default(),
            token_expires_at: there.provisioning.token_expires_at.map(whole_seconds),
            job_id: there.job.as_ref().map(|job| job.id.clone()).unwrap_or_default(),
            job_state: status.map(|status| status.code.clone()).unwrap_or_default(),
            last_cycle_at: last.and_then(|last| last.time_ended).map(whole_seconds),
            last_cycle: last.map(|last| last.state.clone()).unwrap_or_default(),
        }
    }
}

/// Whether it is certain that Devolutions Cloud did nothing: it understood what was asked, and refused it.
fn is_refused(failure: &Failure) -> bool {
    matches!(failure.class, Class::Denied | Class::Invalid | Class::Conflict | Class::Throttled)
}

fn several(principal: &ServicePrincipal, jobs: &[Job]) -> Refusal {
    let ids: Vec<&str> = jobs.iter().map(|job| job.id.as_str()).collect();
    Refusal::new(
        "AmbiguousJob",
        format!(
            "The enterprise application \"{}\" has several provisioning jobs, and it is not known which one brings users to Devolutions Cloud: {}. Delete all but that one.",
            principal.label(),
            ids.join(", ")
        ),
    )
}
