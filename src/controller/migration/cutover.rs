//! The cut-over: everything is seen to be there several times in a row, the configuration is tested, a person has
//! approved, it is time, and one request saves it.
//!
//! `save` has that request and what follows it after a crash.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

use super::Pass;
use super::application::{Made, wanted};
use super::gate::approved;
use super::observe::{Intended, Sight, permitted};
use super::outcome::Outcome;
use crate::api::MigrationStepName::Cutover;
use crate::api::PlanState;
use crate::controller::Connector;
use crate::devolutions::{DevolutionsCloud as _, SsoClient};
use crate::entra::Entra as _;
use crate::error::{Class, Failure};
use crate::plan::Refusal;
use crate::plan::application::{of_application, of_consent, of_principal};
use crate::plan::migration::{MigrationPlan, Work, accepted};
use crate::plan::preflight::Report;
use crate::plan::window::{Position, position};
use crate::store::{CutoverRun, MigrationCheckpoint, Passed};

/// How often in a row everything must be seen, and how long between. Reads come from several replicas; one that has not
/// heard of a write shows what was before, and nothing tells when it has heard.
const LOOKS: usize = 10;
const PAUSE: Duration = Duration::from_millis(500);
/// Longer than any word or AADSTS code by which a server says why a configuration does not work.
const WORD: usize = 32;

impl<K: Connector> Pass<'_, K> {
    /// Has people sign in by the new application, when all is ready and it may be.
    pub(super) async fn cut_over(
        &mut self,
        mut checkpoint: MigrationCheckpoint,
        made: &Made,
        sight: &Sight,
        report: &Report,
        intended: &Intended,
    ) -> Result<Outcome, Failure> {
        let plan = self.cutover_plan(&checkpoint, made, sight, report, intended).await?;
        let Work::Cutover { to, returns_by_itself, .. } = &plan.work else { return Ok(Outcome::Working) };
        if self.begun(&checkpoint, &plan).is_none() {
            let passed = match self.pass_cutover(&mut checkpoint, &plan).await? {
                Ok(passed) => passed,
                Err(outcome) => return Ok(outcome),
            };
            // Whoever loses the old application must not look as if nobody had ever expected them.
            if checkpoint.provisioning.as_ref().is_none_or(|run| run.started_at.is_none()) {
                let mut expectation = self.expectation().await?;
                expectation.expect(report.users.as_deref().unwrap_or_default());
                expectation.note_groups(&sight.observed().groups);
                self.archive.save_expectation(&expectation).await?;
            }
            // What may have been saved before, without an answer, still may.
            let CutoverRun { saving_at, last_saving_at, key_id, .. } = checkpoint.cutover.take().unwrap_or_default();
            checkpoint.cutover = Some(CutoverRun {
                passed: Some(passed),
                returns_by_itself: *returns_by_itself,
                saving_at,
                last_saving_at,
                key_id,
                ..CutoverRun::default()
            });
            // The approval is used from here on, whatever holds the save up.
            self.checkpoints.save(&checkpoint).await?;
        }
        if let Some(outcome) = self.out_of_time() {
            return Ok(outcome);
        }
        self.reporter.begin_step(Cutover, "Testing the configuration.");
        if let Some(missing) = self.is_unsettled(made, intended).await? {
            let text = format!(
                "Entra ID does not show everything everywhere yet ({missing}); nothing is saved before it does."
            );
            return Ok(Outcome::waiting(Cutover, "AwaitingReplication", text));
        }
        self.test(to, made).await?;
        self.save(checkpoint, to, &made.secret).await
    }

    /// The plan as the world is now, or as it was shown where that is the same.
    async fn cutover_plan(
        &self,
        checkpoint: &MigrationCheckpoint,
        made: &Made,
        sight: &Sight,
        report: &Report,
        intended: &Intended,
    ) -> Result<MigrationPlan, Failure> {
        let users = report.users.as_deref().unwrap_or_default();
        let loses = |u: &&crate::plan::forecast::UserForecast| u.today.is_yes() && !u.after.is_yes();
        let way_back = made.return_secret.is_some();
        let log = permitted(self.entra.sign_ins(&made.ids.app_id, Timestamp::now()).await)?;
        let plan = checkpoint.plan(Work::Cutover {
            from: checkpoint.before.clone(),
            to: self.client_of(checkpoint, &made.ids),
            window: self.object.spec.cutover.window.clone(),
            attempt: checkpoint.attempt,
            existing: made.ids.was_there.then(|| made.ids.app_id.clone()),
            assignment_required: intended.assignment_required,
            redirect_uris: intended.redirect_uris.clone(),
            assignments: sight.assigned_by_then(&self.object.spec),
            forced: sight.observed().forces_sso,
            way_back,
            returns_by_itself: way_back && log.is_some(),
            accepted: accepted(&report.findings),
            losing: users.iter().filter(loses).map(|user| user.label.clone()).collect(),
            entitled: users
                .iter()
                .filter(|user| intended.assignment_required && user.after.is_yes())
                .flat_map(|user| user.entra_users.iter().copied())
                .collect(),
        });
        let decided = checkpoint.cutover.as_ref().and_then(|c| c.passed.as_ref()).map(|passed| &passed.plan_secret);
        let shown = match decided.or(checkpoint.shown.as_ref()) {
            None => None,
            Some(secret) => match self.archive.load(secret).await {
                Ok(shown) => Some(shown),
                Err(failure) if failure.class == Class::Invalid => None,
                Err(failure) => return Err(failure),
            },
        };
        Ok(plan.still(shown))
    }

    /// Whether this very plan was decided on already, by this very resource, and the pass ended before it was saved.
    fn begun(&mut self, checkpoint: &MigrationCheckpoint, plan: &MigrationPlan) -> Option<()> {
        let passed = checkpoint.cutover.as_ref()?.passed.as_ref()?;
        self.still_counts(passed, plan)
            .then(|| self.reporter.plan(plan, &passed.plan_secret, PlanState::Running, Some(passed)))
    }

    /// The gate, and the window: an approval is not used up by waiting.
    async fn pass_cutover(
        &mut self,
        checkpoint: &mut MigrationCheckpoint,
        plan: &MigrationPlan,
    ) -> Result<Result<Passed, Outcome>, Failure> {
        // Nobody is asked about a time that is over.
        if let Some(over @ Outcome::Refused(_)) = self.out_of_time() {
            return Ok(Err(over));
        }
        let before = checkpoint.used_approvals.clone();
        let passed = match self.pass_gate(checkpoint, plan).await? {
            Ok(passed) => passed,
            Err(outcome) => return Ok(Err(outcome)),
        };
        self.reporter.restart_step(Cutover, &approved(&passed));
        if let Some(outcome) = self.out_of_time() {
            checkpoint.used_approvals = before;
            // Which approval it was is not said, since that is not used yet.
            let shown = Passed { approval: None, ..passed };
            self.reporter.plan(plan, &shown.plan_secret, PlanState::Approved, Some(&shown));
            return Ok(Err(outcome));
        }
        Ok(Ok(passed))
    }

    /// None while the window is open.
    pub(super) fn out_of_time(&self) -> Option<Outcome> {
        match position(self.object.spec.cutover.window.as_ref(), Timestamp::now()) {
            Position::Within => None,
            Position::Before(opens) => Some(Outcome::AwaitingWindow { opens }),
            Position::After(closed) => Some(Outcome::Refused(Refusal::new(
                "WindowOver",
                format!(
                    "Everything is ready, and the window for the cut-over closed at {}. Give another one in spec.cutover.window, or take it out.",
                    crate::controller::status::whole_seconds(closed).0
                ),
            ))),
        }
    }

    /// What some replica does not show yet; none where all was seen several times in a row.
    async fn is_unsettled(&self, made: &Made, intended: &Intended) -> Result<Option<&'static str>, Failure> {
        for look in 0..LOOKS {
            if look > 0 {
                tokio::time::sleep(PAUSE).await;
            }
            let Some(seen) = self.see(&made.ids).await? else { return Ok(Some("the application")) };
            let wanted = wanted(intended);
            if of_application(&wanted, &seen.application).is_some() || of_principal(&wanted, &seen.principal).is_some()
            {
                return Ok(Some("its set-up"));
            }
            if seen.principal.account_enabled == Some(false) {
                return Err(Failure::new(
                    Class::Invalid,
                    "ApplicationDisabled",
                    format!(
                        "Somebody has disabled the new application \"{}\". Enable it, or nobody could sign in by it.",
                        seen.principal.label()
                    ),
                ));
            }
            if of_consent(seen.graph.id, &seen.consents).is_some() {
                return Ok(Some("consent"));
            }
            if self.lacks_any(&seen.principal, &intended.assignments).await? {
                return Ok(Some("the assignments"));
            }
            for secret in [Some(&made.secret), made.return_secret.as_ref()].into_iter().flatten() {
                if let Err(failure) = self.entra.redeems(&secret.app_id, &secret.value).await {
                    return if failure.class == Class::Denied { Ok(Some("the client secrets")) } else { Err(failure) };
                }
            }
        }
        Ok(None)
    }

    /// Has Devolutions Cloud try the configuration, where it can.
    async fn test(&self, to: &SsoClient, made: &Made) -> Result<(), Failure> {
        let operations = self.cloud.operations().await?;
        if !operations.iter().any(|operation| operation == "testSsoConfiguration") {
            return Ok(());
        }
        let tested = self.cloud.test_sso(to, &made.secret.value).await?;
        let Some(tested) = tested.filter(|tested| !tested.ok) else { return Ok(()) };
        let error = tested.error.unwrap_or_default();
        let message = format!(
            "Devolutions Cloud tried the new configuration and it failed at {}: {}. Nothing was saved. It is tried again; if it lasts, can Devolutions Cloud reach {}?",
            word(&error.stage),
            word(&error.code),
            to.discovery_url
        );
        Err(Failure::new(Class::Transient, "ConfigurationTestFailed", message))
    }
}

/// A word, or an AADSTS code. Anything else that a server says here could be the secret that it was just told.
fn word(said: &str) -> &str {
    let code = said.strip_prefix("AADSTS").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    let is_word = !said.is_empty() && said.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_');
    if (code || is_word) && said.len() <= WORD { said } else { "something that is not shown" }
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_words_and_codes_of_a_server_are_shown() {
        for said in ["authorize", "invalid_client", "AADSTS7000215"] {
            assert_eq!(super::word(said), said);
        }
        for said in ["", "aB3~secret", "secret value", &"x".repeat(40), "AADSTS70x"] {
            assert_eq!(super::word(said), "something that is not shown", "{said}");
        }
    }
}
