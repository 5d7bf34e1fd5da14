//! What a cycle leaves behind: the job's status, its links, its log, and when the next one begins.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::cycle::{Cycle, Entry};
use super::scim::Refused;
use crate::cloud::App;
use crate::world::entra::ProvisioningEvent;
use crate::world::entra::synchronization::{
    CYCLE_SECONDS, Counts, Execution, Job, Outcome, Quarantine, Schedule, Verdict,
};

/// The minutes from one attempt to the next in quarantine, the last for ever
/// (<https://learn.microsoft.com/en-us/entra/identity/app-provisioning/application-provisioning-quarantine-status>).
const ATTEMPTS: [i64; 4] = [5, 6 * 60, 12 * 60, 24 * 60];

/// After so many minutes in quarantine a job is disabled.
const LAST_ATTEMPT: i64 = 28 * 24 * 60;

/// So long on the service's clock, on which forty minutes are a cycle.
fn minutes(minutes: i64, cycle_seconds: u32) -> SignedDuration {
    let millis = minutes.saturating_mul(60_000).saturating_mul(cycle_seconds.into());
    SignedDuration::from_millis(millis / i64::from(CYCLE_SECONDS))
}

fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// A cycle has ended, early if there is an error.
pub fn finish(app: &App, cycle: Cycle, restarts: u64, began: Timestamp, error: Option<Refused>) {
    let (counts, id, principal, job_id) = (cycle.counts, cycle.id, cycle.principal, cycle.job_id.clone());
    keep(app, cycle, restarts);
    close(app, principal, &job_id, Execution::new(id, began, counts, error.as_ref()), restarts, error);
}

/// A cycle could not even begin.
pub fn fail(app: &App, principal: Uuid, job_id: &str, restarts: u64, began: Timestamp, error: Refused) {
    let execution = Execution::new(Uuid::new_v4(), began, Counts::default(), Some(&error));
    close(app, principal, job_id, execution, restarts, Some(error));
}

/// Keeps links and log. Links are lost to a restart that came meanwhile and forgot them.
pub fn keep(app: &App, cycle: Cycle, restarts: u64) {
    let mut cloud = app.cloud();
    let Some(entra) = cloud.world.entra.as_mut() else { return };
    entra.provisioning_log.extend(cycle.events);
    if let Some(job) = entra.job(cycle.principal, &cycle.job_id)
        && (job.restarts == restarts || !job.links.users.is_empty() || !job.links.groups.is_empty())
    {
        job.links = cycle.links;
    }
}

/// Notes what never reached a server.
pub fn note(app: &App, principal: Uuid, job_id: String, entry: Entry, verdict: Verdict) -> ProvisioningEvent {
    let event = Cycle::event(Uuid::new_v4(), principal, job_id, entry, verdict);
    if let Some(entra) = app.cloud().world.entra.as_mut() {
        entra.provisioning_log.push(event.clone());
    }
    event
}

fn close(app: &App, principal: Uuid, job_id: &str, execution: Execution, restarts: u64, error: Option<Refused>) {
    let mut cloud = app.cloud();
    let seconds = cloud.world.switches.cycle_seconds();
    let Some(job) = cloud.world.entra.as_mut().and_then(|it| it.job(principal, job_id)) else { return };
    let ended = execution.ended;
    let is_restarted = job.restarts != restarts;
    match error {
        Some(refused) if !is_restarted => job.quarantined(refused, ended, seconds),
        Some(_) => {}
        None => {
            job.succeeded(&execution);
            // After a restart the initial cycle is still to come, soon.
            if !is_restarted {
                job.has_watermark = true;
                job.steady_first = job.steady_first.or(Some(ended));
                job.steady_last = Some(ended);
                job.due = Some(later(ended, minutes(40, seconds)));
            }
        }
    }
    if job.schedule != Schedule::Active {
        job.due = None;
    }
    job.last = Some(execution);
}

impl Execution {
    fn new(id: Uuid, began: Timestamp, counts: Counts, error: Option<&Refused>) -> Self {
        let outcome = match error {
            Some(_) => Outcome::Failed,
            None if counts.escrowed > 0 => Outcome::EntryLevelErrors,
            None => Outcome::Succeeded,
        };
        let error = error.map(|it| (it.code.to_owned(), it.message.clone()));
        Self { id, outcome, began, ended: Timestamp::now(), counts, error }
    }
}

impl Job {
    fn succeeded(&mut self, execution: &Execution) {
        (self.quarantine, self.failures) = (None, 0);
        if execution.outcome == Outcome::Succeeded {
            self.last_successful = Some(execution.clone());
            if execution.counts.exported > 0 {
                self.last_with_exports = Some(execution.clone());
            }
        }
    }

    fn quarantined(&mut self, refused: Refused, now: Timestamp, cycle_seconds: u32) {
        self.failures += 1;
        let series = self.quarantine.take();
        let series_began = series.as_ref().map_or(now, |it| it.series_began);
        let series_count = series.map_or(1, |it| it.series_count + 1);
        let step = usize::try_from(series_count - 1).unwrap_or_default().min(ATTEMPTS.len() - 1);
        let next_attempt = later(now, minutes(ATTEMPTS.get(step).copied().unwrap_or(5), cycle_seconds));
        self.due = Some(next_attempt);
        let Refused { code, message } = refused;
        let code = code.to_owned();
        self.quarantine =
            Some(Quarantine { code, message, current_began: now, series_began, series_count, next_attempt });
        if now.duration_since(series_began) >= minutes(LAST_ATTEMPT, cycle_seconds) {
            self.schedule = Schedule::Disabled;
        }
    }
}
