//! The new application: made once, found again after a crash, and set up.

use std::fmt::Debug;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::ResourceExt as _;

use super::Pass;
use super::observe::{Intended, Sight, shown_as};
use super::outcome::Outcome;
use super::secrets::Proven;
use crate::api::{MigrationStepName, StepState};
use crate::controller::Connector;
use crate::entra::{Application, Consent, Entra as _, EntraWriter as _, ServicePrincipal, is_bad_request};
use crate::error::{Class, Failure};
use crate::plan::application::{ConsentChange, GRAPH, Wanted, of_application, of_consent, of_principal};
use crate::plan::{Refusal, name_some};
use crate::store::{ApplicationIds, Asked, ClientSecret, MigrationCheckpoint, Purpose};

/// So far may the clocks of Entra ID and of this machine be apart.
const CLOCKS: SignedDuration = SignedDuration::from_mins(5);

/// The new application as it is now, and the secrets that are proven.
pub(super) struct Made {
    /// Its ids.
    pub ids: ApplicationIds,
    /// The enterprise application.
    pub principal: ServicePrincipal,
    /// By which people will sign in.
    pub secret: ClientSecret,
    /// By which the old configuration can be brought back; none where nothing could.
    pub return_secret: Option<ClientSecret>,
}

/// All of it that sign-in needs, as read.
pub(super) struct Seen {
    pub application: Application,
    pub principal: ServicePrincipal,
    pub consents: Vec<Consent>,
    /// Microsoft Graph's service principal.
    pub graph: ServicePrincipal,
}

impl<K: Connector> Pass<'_, K> {
    /// Makes the application and sets it up; both secrets are kept and proven.
    pub(super) async fn application(
        &mut self,
        checkpoint: &mut MigrationCheckpoint,
        sight: &Sight,
        intended: &Intended,
    ) -> Result<Result<Made, Outcome>, Failure> {
        let ids = match self.find_or_make(checkpoint, sight).await? {
            Ok(ids) => ids,
            Err(outcome) => return Ok(Err(outcome)),
        };
        let Some(seen) = self.see(&ids).await? else {
            let text = format!(
                "Entra ID does not show the application {} yet. That can take minutes after it was made. If it lasts, somebody has deleted it: restore it under Deleted applications.",
                ids.app_id
            );
            return Ok(Err(Outcome::waiting(MigrationStepName::Application, "AwaitingReplication", text)));
        };
        self.reporter.application(&seen.application);
        if let Some(outcome) = self.set_up(&seen, &wanted(intended)).await? {
            return Ok(Err(outcome));
        }
        let secret = match self.secret(checkpoint, Purpose::SignIn, &seen.application, sight).await? {
            Proven::Good(secret) => secret,
            Proven::Not(outcome) => return Ok(Err(outcome)),
        };
        let old = sight.observed().current.as_ref().and_then(|current| current.application.as_ref());
        let return_secret = match old.filter(|_| sight.can_be_restored()) {
            None => None,
            Some(old) => match self.secret(checkpoint, Purpose::Return, old, sight).await? {
                Proven::Good(secret) => Some(secret),
                Proven::Not(outcome) => return Ok(Err(outcome)),
            },
        };
        let back = if return_secret.is_some() { "; the way back is tested" } else { "; there is no way back" };
        let text = format!("\"{}\" is set up, and its client secret gets tokens{back}.", seen.application.label());
        self.step(MigrationStepName::Application, StepState::Completed, &text);
        Ok(Ok(Made { ids, principal: seen.principal, secret, return_secret }))
    }

    /// What there is of both after the cut-over, where a status does not tell: its resource was deleted and applied again.
    pub(super) async fn tell_applications(
        &mut self,
        ids: &ApplicationIds,
        checkpoint: &MigrationCheckpoint,
    ) -> Result<(), Failure> {
        if !self.reporter.tells_application()
            && let Some(seen) = self.see(ids).await?
        {
            self.reporter.assignments(self.entra.assignments(&seen.principal).await?.len());
            self.reporter.application(&seen.application);
        }
        if !self.reporter.tells_current()
            && let Some(old) = self.entra.service_principal(&checkpoint.before.client_id).await?
        {
            let assigned = self.entra.assignments(&old).await?.len();
            self.reporter.current_application(shown_as(&old, assigned));
        }
        Ok(())
    }

    /// Its ids: as known, as a person gave them, or of the one that is made now.
    async fn find_or_make(
        &mut self,
        checkpoint: &mut MigrationCheckpoint,
        sight: &Sight,
    ) -> Result<Result<ApplicationIds, Outcome>, Failure> {
        if let Some(ids) = &checkpoint.application {
            return Ok(Ok(ids.clone()));
        }
        // Another one may have been turned on while this one looked at both sides. The one that has begun goes on.
        if checkpoint.asked.is_none()
            && let Some(refusal) = self.another_migration().await?
        {
            return Ok(Err(Outcome::Refused(refusal)));
        }
        let ids = match &self.object.spec.application.existing {
            Some(existing) => self.existing(&existing.app_id).await?,
            None => self.make(checkpoint, sight).await?,
        };
        if let Ok(ids) = &ids {
            checkpoint.application = Some(ids.clone());
            checkpoint.asked = None;
            self.checkpoints.save(checkpoint).await?;
        }
        Ok(ids)
    }

    async fn existing(&self, app_id: &str) -> Result<Result<ApplicationIds, Outcome>, Failure> {
        let (application, principal) =
            (self.entra.application(app_id).await?, self.entra.service_principal(app_id).await?);
        Ok(application.zip(principal).map(|(application, _)| ids(&application, true)).ok_or_else(|| {
            Outcome::Refused(Refusal::new(
                "ExistingApplicationNotFound",
                format!(
                    "spec.application.existing names the application {app_id}, which is not in the tenant with both its registration and its enterprise application. Compare the Application (client) ID."
                ),
            ))
        }))
    }

    /// The one that an earlier request made whose answer was lost, or another.
    async fn make(
        &mut self,
        checkpoint: &mut MigrationCheckpoint,
        sight: &Sight,
    ) -> Result<Result<ApplicationIds, Outcome>, Failure> {
        let mark = checkpoint.migration_id.to_string();
        let mut namesakes = sight.observed().namesakes.clone();
        let name = &self.object.spec.application.display_name;
        // It is looked for by the name that it was asked for by, whatever the spec says now.
        if let Some(asked) = checkpoint.asked.as_ref().filter(|asked| asked.name != *name) {
            namesakes.extend(self.entra.applications_named(&asked.name).await?);
        }
        let is_ours = |a: &&Application| a.service_management_reference.as_deref() == Some(&mark);
        let ours: Vec<&Application> = namesakes.iter().filter(is_ours).collect();
        match (ours.as_slice(), checkpoint.asked.as_ref().map(|asked| asked.at)) {
            ([one], _) => {
                return Ok(self.entra.service_principal(&one.app_id).await?.map_or_else(
                    || {
                        let text =
                            format!("Entra ID does not show the enterprise application of \"{}\" yet.", one.label());
                        Err(Outcome::waiting(MigrationStepName::Application, "AwaitingReplication", text))
                    },
                    |_| Ok(ids(one, false)),
                ));
            }
            ([_, _, ..], _) => return Ok(Err(several(&ours))),
            ([], Some(asked_at)) => {
                // Should the tenant not keep our mark, one that came just then may be ours or somebody else's.
                let until = asked_at.checked_add(self.settles()).unwrap_or(Timestamp::MAX);
                let near = |a: &&Application| {
                    let since = asked_at.checked_sub(CLOCKS).unwrap_or(asked_at);
                    let to = until.checked_add(CLOCKS).unwrap_or(until);
                    a.service_management_reference.is_none()
                        && a.created_date_time.is_some_and(|at| (since..=to).contains(&at))
                };
                // Another name in the spec says that it is somebody else's.
                let has_same_name = checkpoint.asked.as_ref().is_some_and(|asked| asked.name == *name);
                if let Some(unmarked) = namesakes.iter().filter(|_| has_same_name).find(near) {
                    return Ok(Err(unclear(unmarked)));
                }
                if Timestamp::now() < until {
                    let text = format!(
                        "The new application was asked for and the answer was lost, so there may be one. It is looked for until {}, and only then asked for again.",
                        crate::controller::status::whole_seconds(until).0
                    );
                    return Ok(Err(Outcome::waiting(MigrationStepName::Application, "OutcomeUnknown", text)));
                }
            }
            ([], None) => {}
        }
        if self.is_interrupted().await? {
            return Ok(Err(Outcome::Working));
        }
        self.step(MigrationStepName::Application, StepState::Running, "Making the application.");
        checkpoint.asked = Some(Asked { at: Timestamp::now(), name: name.clone() });
        self.checkpoints.save(checkpoint).await?;
        match self.entra.instantiate(name, checkpoint.migration_id).await {
            Ok(made) => Ok(Ok(ids(&made.application, false))),
            Err(failure) if had_no_effect(&failure) => {
                checkpoint.asked = None;
                self.checkpoints.save(checkpoint).await?;
                Err(failure)
            }
            // It has been seen to answer so although it had made the application.
            Err(failure) => Err(Failure::new(
                Class::Transient,
                "OutcomeUnknown",
                format!("{} It may have been made all the same, so it is looked for first.", failure.message),
            )),
        }
    }

    /// Everything of it that sign-in needs; none while Entra ID does not show all of it.
    pub(super) async fn see(&self, ids: &ApplicationIds) -> Result<Option<Seen>, Failure> {
        let Some(application) = self.entra.application(&ids.app_id).await? else { return Ok(None) };
        let Some(principal) = self.entra.service_principal(&ids.app_id).await? else { return Ok(None) };
        let Some(graph) = self.entra.service_principal(GRAPH).await? else {
            return Err(Failure::new(
                Class::Invalid,
                "GraphNotInTenant",
                "The tenant has no enterprise application for Microsoft Graph, so nobody can consent to anything. Does the operator's application see all of it?",
            ));
        };
        let consents = self.entra.consents(&principal).await?;
        Ok(Some(Seen { application, principal, consents, graph }))
    }

    /// Adds what the application lacks; none where it lacks nothing.
    async fn set_up(&mut self, seen: &Seen, wanted: &Wanted) -> Result<Option<Outcome>, Failure> {
        let label = seen.application.label();
        let change = of_application(wanted, &seen.application);
        let of_principal = of_principal(wanted, &seen.principal);
        let consent = of_consent(seen.graph.id, &seen.consents);
        if change.is_none() && of_principal.is_none() && consent.is_none() {
            return Ok(None);
        }
        self.step(MigrationStepName::Application, StepState::Running, "Setting the application up.");
        if self.is_interrupted().await? {
            return Ok(Some(Outcome::Working));
        }
        if let Some(change) = change.filter(|change| !self.is_recent(change)) {
            self.entra.change_application(seen.application.id, label, &change).await?;
            self.note(&change);
        }
        if let Some(change) = of_principal.filter(|change| !self.is_recent(change)) {
            self.entra.change_principal(seen.principal.id, label, &change).await?;
            self.note(&change);
        }
        if let Some(change) = consent.filter(|change| !self.is_recent(change)) {
            let given = match &change {
                ConsentChange::Give { scope } => self.entra.consent(&seen.principal, seen.graph.id, scope).await,
                ConsentChange::Extend { id, scope } => self.entra.change_consent(&seen.principal, id, scope).await,
            };
            match given {
                // It is there already and not shown yet: it is waited for.
                Err(failure) if failure.class == Class::Conflict || is_bad_request(&failure) => {
                    tracing::info!("{failure}");
                }
                given => given?,
            }
            self.note(&change);
        }
        let text = format!("\"{label}\" was set up; Entra ID is asked until it shows all of it.");
        Ok(Some(Outcome::waiting(MigrationStepName::Application, "AwaitingReplication", text)))
    }

    /// Shows the application to people or hides it from them. Nothing that matters hangs on it, so it never fails anything.
    pub(super) async fn hide(&self, ids: &ApplicationIds, is_hidden: bool) {
        if let Err(failure) = self.try_to_hide(ids, is_hidden).await {
            tracing::warn!("{failure}");
        }
    }

    async fn try_to_hide(&self, ids: &ApplicationIds, is_hidden: bool) -> Result<(), Failure> {
        let Some(principal) = self.entra.service_principal(&ids.app_id).await? else { return Ok(()) };
        let as_it_is = Wanted {
            redirect_uris: std::collections::BTreeSet::new(),
            assignment_required: principal.app_role_assignment_required,
            is_hidden,
        };
        match of_principal(&as_it_is, &principal) {
            None => Ok(()),
            Some(change) => self.entra.change_principal(principal.id, principal.label(), &change).await,
        }
    }

    /// Whether this was written so lately that it need not be seen yet.
    pub(super) fn is_recent(&self, what: &impl Debug) -> bool {
        let uid = self.object.uid().unwrap_or_default();
        self.context.recent.knows(&uid, &format!("{what:?}"), self.context.entra_settle)
    }

    pub(super) fn note(&self, what: &impl Debug) {
        self.context.recent.note(&self.object.uid().unwrap_or_default(), &format!("{what:?}"));
    }

    /// How long what was written may stay unseen.
    pub(super) fn settles(&self) -> SignedDuration {
        SignedDuration::try_from(self.context.entra_settle).unwrap_or(SignedDuration::MAX)
    }
}

/// What the application must be before the cut-over.
pub(super) fn wanted(intended: &Intended) -> Wanted {
    Wanted {
        redirect_uris: intended.redirect_uris.clone(),
        assignment_required: intended.assignment_required,
        is_hidden: true,
    }
}

fn ids(application: &Application, was_there: bool) -> ApplicationIds {
    ApplicationIds { app_id: application.app_id.clone(), was_there }
}

/// Whether it is certain that a request changed nothing: Microsoft Graph understood it and refused it. Anything else, a
/// 404 and an answer that is not understood among them, has been seen after it had an effect, or could be.
pub(super) fn had_no_effect(failure: &Failure) -> bool {
    ["Throttled", "PermissionMissing", "LicenceMissing", "TokenRefused", "RequestRefused"].contains(&failure.reason)
}

fn several(ours: &[&Application]) -> Outcome {
    let mut ids: Vec<&str> = ours.iter().map(|a| a.app_id.as_str()).collect();
    ids.sort_unstable();
    Outcome::Refused(Refusal::new(
        "ApplicationMadeTwice",
        format!(
            "Several applications bear the mark of this migration: {}. Nobody signs in by them yet. Delete all but one in Entra ID; it then goes on with that one.",
            name_some(ids)
        ),
    ))
}

fn unclear(application: &Application) -> Outcome {
    Outcome::Refused(Refusal::new(
        "ApplicationUnclear",
        format!(
            "The answer to the request for the new application was lost, and the application \"{}\" ({}) came to be at that time without our mark. If it is the one, give it as spec.application.existing.appId; if it is somebody else's, give spec.application.displayName another value.",
            application.label(),
            application.app_id
        ),
    ))
}
