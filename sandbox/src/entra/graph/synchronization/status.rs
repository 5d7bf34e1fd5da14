//! A job and its status, as they are shown through a job's life
//! (<https://learn.microsoft.com/en-us/graph/api/resources/synchronization-synchronizationstatus>). Times that have not
//! come are the year 1, and counts are never null.

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::entra::provisioning::attributes::{GROUP_TYPE, USER_TYPE};
use crate::world::entra::synchronization::{
    Counts, Execution, Job, LinkedUser, Outcome, Quarantine, SCIM_TEMPLATE, Schedule, Synchronization,
};

/// A time that has not come.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// A property of a job.
pub fn property(set_up: &Synchronization, job: &Job, name: &str) -> Option<Value> {
    Some(match name {
        "id" => json!(job.id),
        "templateId" => json!(SCIM_TEMPLATE),
        "schedule" => {
            let state = match job.schedule {
                Schedule::Active => "Active",
                Schedule::Disabled => "Disabled",
                Schedule::Paused => "Paused",
            };
            json!({"expiration": null, "interval": "PT40M", "state": state})
        }
        "status" => status(set_up, job),
        "synchronizationJobSettings" => json!([
            {"name": "AzureIngestionAttributeOptimization", "value": "False"},
            {"name": "LookaheadQueryEnabled", "value": "False"},
        ]),
        _ => return None,
    })
}

/// `synchronizationStatusCode`.
fn code(set_up: &Synchronization, job: &Job) -> &'static str {
    let has_credentials = set_up.secret("BaseAddress").is_some() && set_up.secret("SecretToken").is_some();
    match job.schedule {
        _ if !job.is_started && !has_credentials => "NotConfigured",
        Schedule::Paused => "Paused",
        _ if job.quarantine.is_some() => "Quarantine",
        Schedule::Disabled => "Paused",
        Schedule::Active if !job.has_run => "NotRun",
        Schedule::Active => "Active",
    }
}

/// `synchronizationStatus`.
pub fn status(set_up: &Synchronization, job: &Job) -> Value {
    // Started and not run yet: it looks like a failure and is none.
    let last = job.last.as_ref().map(execution).or_else(|| job.is_started.then(not_run));
    let time = |at: Option<Timestamp>| at.map_or_else(|| NEVER.to_owned(), precise);
    let users = job.links.users.values().filter(|it| LinkedUser::is_active(it)).count();
    let entries = [(format!("User to {USER_TYPE}"), users), (format!("Group to {GROUP_TYPE}"), job.links.groups.len())];
    let entries = entries.into_iter().filter(|(_, count)| *count > 0);
    json!({
        "code": code(set_up, job),
        "countSuccessiveCompleteFailures": job.failures,
        "escrowsPruned": false,
        "lastExecution": last,
        "lastSuccessfulExecution": job.last_successful.as_ref().map(execution),
        "lastSuccessfulExecutionWithExports": job.last_with_exports.as_ref().map(execution),
        "progress": [],
        "quarantine": job.quarantine.as_ref().map(quarantine),
        "steadyStateFirstAchievedTime": time(job.steady_first),
        "steadyStateLastAchievedTime": time(job.steady_last),
        "synchronizedEntryCountByType":
            entries.map(|(key, value)| json!({"key": key, "value": value})).collect::<Vec<_>>(),
        "troubleshootingUrl": job.is_started.then_some(""),
    })
}

/// A time with seven digits behind the second.
fn precise(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.7fZ").to_string()
}

fn execution(it: &Execution) -> Value {
    let state = match it.outcome {
        Outcome::Succeeded => "Succeeded",
        Outcome::Failed => "Failed",
        Outcome::EntryLevelErrors => "EntryLevelErrors",
    };
    let error = it.error.as_ref().map(|(code, message)| error(code, message, true));
    task(Some(it.id), &it.counts, state, &precise(it.began), &precise(it.ended), &json!(error))
}

fn not_run() -> Value {
    task(None, &Counts::default(), "Failed", NEVER, NEVER, &error("None", "", false))
}

fn task(id: Option<Uuid>, counts: &Counts, state: &str, began: &str, ended: &str, error: &Value) -> Value {
    json!({
        "activityIdentifier": id,
        "countEntitled": counts.entitled,
        "countEntitledForProvisioning": counts.entitled_for_provisioning,
        "countEscrowed": counts.escrowed,
        "countEscrowedRaw": counts.escrowed,
        "countExported": counts.exported,
        "countExports": counts.exports,
        "countImported": counts.imported,
        "countImportedDeltas": counts.imported_deltas,
        "countImportedReferenceDeltas": counts.imported_reference_deltas,
        "error": error,
        "state": state,
        "timeBegan": began,
        "timeEnded": ended,
    })
}

fn error(code: &str, message: &str, is_actionable: bool) -> Value {
    json!({"code": code, "message": message, "tenantActionable": is_actionable})
}

fn quarantine(it: &Quarantine) -> Value {
    json!({
        "currentBegan": precise(it.current_began),
        "error": error(&it.code, &it.message, true),
        "nextAttempt": precise(it.next_attempt),
        "reason": "EncounteredQuarantineException",
        "seriesBegan": precise(it.series_began),
        "seriesCount": it.series_count,
    })
}
