//! Synchronization is followed to its first steady state, and then every user is looked at.

use std::collections::BTreeMap;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::Pass;
use super::job::There;
use super::observe::permitted;
use super::outcome::Outcome;
use super::scope::Scope;
use crate::api::MigrationStepName::{Synchronization, Verification as Step};
use crate::api::{CauseCount, GroupVerification, Question, StepState, VerificationSummary};
use crate::controller::Connector;
use crate::controller::status::whole_seconds;
use crate::entra::{Provisioner as _, ProvisioningEntry};
use crate::error::Failure;
use crate::plan::provisioning::{Position, position};
use crate::plan::verification::{Arrival, Expectation, Ground, Lack, Verification, verify};
use crate::plan::{NAMES_SHOWN, Refusal, count, name_some};
use crate::store::MigrationCheckpoint;

/// The log keeps a week where the tenant has no more than the free edition
/// (<https://learn.microsoft.com/entra/identity/monitoring-health/reference-reports-data-retention>).
const LOG: SignedDuration = SignedDuration::from_hours(7 * 24);

impl<K: Connector> Pass<'_, K> {
    /// How far it is, and, once everybody should have come across, who has.
    pub(super) async fn synchronize(
        &mut self,
        checkpoint: &MigrationCheckpoint,
        scope: &Scope,
        there: &There,
        mut expectation: Expectation,
        is_cut_over: bool,
    ) -> Result<Outcome, Failure> {
        let Some(run) = &checkpoint.provisioning else { return Ok(Outcome::Working) };
        let (Some(job), Some(started)) = (&there.job, run.started_at) else { return Ok(Outcome::Working) };
        let position = position(&job.status.clone().unwrap_or_default(), started, run.assigned_at);
        let cannot_tell = scope.users.iter().any(|user| user.is_synced.is_none());
        // What went wrong with whom matters once it should have gone well with everybody; before, only the number does.
        let log = if position == Position::Steady || cannot_tell {
            permitted(self.newest(&job.id, run.begun_at).await)?
        } else {
            Some(BTreeMap::new())
        };
        let assigned = scope.expected_groups();
        let mut groups = scope.groups.clone();
        expectation.tell_synced(&mut groups);
        let known = cannot_tell.then(|| expectation.clone());
        expectation.note_two_names(&scope.forecast);
        let verification = verify(&Ground {
            users: &scope.users,
            forecast: &scope.forecast,
            expectation: &expectation,
            waivers: &scope.waivers,
            log: log.as_ref(),
            groups: &groups,
            assigned: &assigned,
        });
        if let Some(known) = known {
            expectation.remember(&verification);
            if expectation != known {
                self.archive.save_expectation(&expectation).await?;
            }
        }
        let mut summary = summary(&verification, assigned.len());
        self.reporter.verification(summary.clone());
        let (synced, expected) = (summary.synced as usize, summary.expected as usize);
        let so_far = format!("{synced} of {} synced", count(expected, "user"));
        match position {
            Position::Quarantined(words, next_attempt) => {
                let next = next_attempt
                    .map_or_else(String::new, |at| format!(" It is tried again at {}.", whole_seconds(at).0));
                return Ok(Outcome::Refused(Refusal::new(
                    "ProvisioningQuarantined",
                    format!(
                        "Entra ID has slowed provisioning down because it does not work ({words}); {so_far}.{next} Look at Provisioning in the enterprise application \"{}\": does Devolutions Cloud take the token, and can it be reached?",
                        scope.principal.label()
                    ),
                )));
            }
            Position::Running => {
                let message =
                    format!("Entra ID brings users across: {so_far}. The first cycle takes from minutes to hours.");
                return Ok(Outcome::Synchronizing { synced, expected, message });
            }
            Position::Steady => {
                self.step(Synchronization, StepState::Completed, &format!("A whole cycle has ended: {so_far}."));
            }
        }
        if expected == 0 {
            return Ok(Outcome::Refused(Refusal::new(
                "NobodyExpected",
                "No user of Devolutions Cloud is one who should come across, so there is nothing that could be proven. Is anybody assigned to the new application, and are the e-mail addresses the same on both sides?",
            )));
        }
        // Before people sign in by it nothing tells whether they come into their groups only then.
        let groups_count = is_cut_over && self.object.spec.verification.groups == GroupVerification::Required;
        let is_whole = verification.incomplete.is_empty() || !groups_count;
        if verification.is_everybody_there() && is_whole {
            let incomplete = summary.incomplete_groups.clone();
            if is_cut_over {
                summary.verified_at = Some(whole_seconds(Timestamp::now()));
            }
            self.reporter.verification(summary);
            if !is_cut_over {
                self.step(Step, StepState::Completed, &format!("Before the cut-over: {so_far}."));
            }
            return Ok(Outcome::Verified { synced, incomplete });
        }
        let absences = verification.absences();
        let passes = is_whole && absences.keys().all(|absence| absence.passes());
        let message = missing(&verification, groups_count);
        self.step(Step, if passes { StepState::Waiting } else { StepState::Failed }, &message);
        Ok(Outcome::Missing { message, passes })
    }

    /// The log's newest word on each user since provisioning was decided on.
    async fn newest(&self, job: &str, begun: Option<Timestamp>) -> Result<BTreeMap<Uuid, ProvisioningEntry>, Failure> {
        let kept = Timestamp::now().checked_sub(LOG).unwrap_or(Timestamp::UNIX_EPOCH);
        let mut newest: BTreeMap<Uuid, ProvisioningEntry> = BTreeMap::new();
        for entry in self.entra.provisioning_log(job, begun.map_or(kept, |begun| begun.max(kept))).await? {
            let id = entry.source_identity.as_ref().and_then(|source| source.id.as_ref()?.parse().ok());
            let Some(id) = id else { continue };
            let is_newer = |there: &ProvisioningEntry| there.activity_date_time < entry.activity_date_time;
            if newest.get(&id).is_none_or(is_newer) {
                newest.insert(id, entry);
            }
        }
        Ok(newest)
    }
}

fn summary(verification: &Verification, groups: usize) -> VerificationSummary {
    let size = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let is_missing = |arrival: &Arrival| matches!(arrival, Arrival::Missing(_));
    let synced = verification.count(|arrival| *arrival == Arrival::Synced);
    let missing = verification.count(is_missing);
    let mut causes: Vec<CauseCount> = verification
        .absences()
        .into_iter()
        .map(|(absence, users)| CauseCount {
            question: Question::Synchronization,
            cause: absence.as_str().to_owned(),
            count: size(users.len()),
            users: users.iter().take(NAMES_SHOWN).map(ToString::to_string).collect(),
            remedy: absence.remedy(),
        })
        .collect();
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.count));
    VerificationSummary {
        expected: size(synced + missing),
        synced: size(synced),
        missing: size(missing),
        not_applicable: size(verification.count(|arrival| *arrival == Arrival::NotApplicable)),
        waived: size(verification.count(|arrival| *arrival == Arrival::Waived)),
        causes,
        groups: size(groups),
        incomplete_groups: verification.incomplete.iter().take(NAMES_SHOWN).map(|group| group.name.clone()).collect(),
        verified_at: None,
    }
}

/// Who is missing, and what to do.
fn missing(verification: &Verification, groups_count: bool) -> String {
    let mut said = Vec::new();
    for (absence, users) in verification.absences() {
        said.push(format!(
            "{}: {} ({}). {}",
            absence.as_str(),
            count(users.len(), "user"),
            name_some(users),
            absence.remedy()
        ));
    }
    for group in verification.incomplete.iter().filter(|_| groups_count).take(NAMES_SHOWN) {
        said.push(match &group.lack {
            Lack::Members(lacking) => {
                format!("Group \"{}\" lacks {}.", group.name, name_some(lacking.iter().map(String::as_str)))
            }
            Lack::Group => format!("Group \"{}\" is not in Devolutions Cloud yet.", group.name),
            Lack::Proof => format!(
                "Group \"{}\" cannot be told from another of its name, since Devolutions Cloud does not tell which one comes from Entra ID.",
                group.name
            ),
        });
    }
    if said.iter().any(|said| said.starts_with("Group")) {
        said.push(
            "Where people come into their groups only when they sign in, or the server cannot tell, set spec.verification.groups to NotRequired."
                .to_owned(),
        );
    }
    let all = verification.count(|arrival| matches!(arrival, Arrival::Missing(_)));
    let head = if all == 0 {
        "Everybody is synced, and not in all groups".to_owned()
    } else {
        format!("{} missing", count(all, "user"))
    };
    format!("{head}. {}", said.join(" "))
}
