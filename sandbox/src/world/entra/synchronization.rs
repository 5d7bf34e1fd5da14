//! Provisioning as Entra keeps it: the credentials of a SCIM server, jobs, what they have linked, and their log.
//!
//! Names and states are those of Microsoft Graph
//! (<https://learn.microsoft.com/en-us/graph/api/resources/synchronization-overview>). The service itself reads what it was
//! told, and only the directory late; whoever asks whether a job runs may hear of that late.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use uuid::Uuid;

use super::Entra;

/// The template of SCIM applications that are not in the gallery.
pub const SCIM_TEMPLATE: &str = "scim";

/// How long after a start or restart a cycle begins, at most: for a moment a job has been started and has not run.
const FIRST: SignedDuration = SignedDuration::from_secs(5);

/// The seconds between two cycles, as the service has them.
pub const CYCLE_SECONDS: u32 = 2400;

/// What an application has set up for provisioning.
#[derive(Debug, Clone, Default)]
pub struct Synchronization {
    /// By key.
    pub secrets: IndexMap<String, String>,
    /// There is but one template, so there is one job at most.
    pub job: Option<Job>,
}

impl Synchronization {
    /// A secret that is not empty.
    pub fn secret(&self, key: &str) -> Option<&str> {
        self.secrets.get(key).map(String::as_str).filter(|it| !it.is_empty())
    }

    /// A secret that says yes or no.
    pub fn is_set(&self, key: &str) -> bool {
        self.secret(key).is_some_and(|it| it.eq_ignore_ascii_case("true"))
    }
}

/// `synchronizationScheduleState`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    Active,
    Disabled,
    Paused,
}

/// A job.
#[derive(Debug, Clone)]
pub struct Job {
    pub id: String,
    pub schedule: Schedule,
    /// Whether it was ever started.
    pub is_started: bool,
    /// Whether a cycle has begun since then.
    pub has_run: bool,
    /// When its next cycle begins, if it is started.
    pub due: Option<Timestamp>,
    /// Whether changes can be told from what is there: else the next cycle is an initial one.
    pub has_watermark: bool,
    /// Counts the restarts, so that a cycle that was under way notices one.
    pub restarts: u64,
    /// Failures of whole cycles in a row.
    pub failures: i64,
    pub last: Option<Execution>,
    pub last_successful: Option<Execution>,
    pub last_with_exports: Option<Execution>,
    pub quarantine: Option<Quarantine>,
    pub steady_first: Option<Timestamp>,
    pub steady_last: Option<Timestamp>,
    pub links: Links,
}

/// What a job has found or made at the SCIM server, by the object ids of users and groups.
#[derive(Debug, Clone, Default)]
pub struct Links {
    pub users: IndexMap<Uuid, LinkedUser>,
    pub groups: IndexMap<Uuid, LinkedGroup>,
}

/// What a user is told to be: values by SCIM path.
pub type Attributes = BTreeMap<&'static str, Value>;

/// A user at the SCIM server.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkedUser {
    pub scim_id: String,
    /// What was last sent, or found there.
    pub sent: Attributes,
}

impl LinkedUser {
    pub fn is_active(&self) -> bool {
        self.sent.get("active").and_then(Value::as_bool).unwrap_or(true)
    }
}

/// A group at the SCIM server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedGroup {
    pub scim_id: String,
    pub display_name: String,
    /// Those sent as members, by the object ids of users.
    pub members: BTreeSet<Uuid>,
}

/// `synchronizationTaskExecutionResult`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Succeeded,
    Failed,
    EntryLevelErrors,
}

/// A cycle that has ended.
#[derive(Debug, Clone)]
pub struct Execution {
    pub id: Uuid,
    pub outcome: Outcome,
    pub began: Timestamp,
    pub ended: Timestamp,
    pub counts: Counts,
    /// Code and sentence of what ended it early.
    pub error: Option<(String, String)>,
}

/// What a cycle has counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub entitled: i64,
    pub entitled_for_provisioning: i64,
    pub escrowed: i64,
    /// Users and groups that were changed.
    pub exported: i64,
    /// Requests that changed one.
    pub exports: i64,
    pub imported: i64,
    pub imported_deltas: i64,
    pub imported_reference_deltas: i64,
}

/// Why a job is left alone for a while, and how long
/// (<https://learn.microsoft.com/en-us/entra/identity/app-provisioning/application-provisioning-quarantine-status>).
#[derive(Debug, Clone)]
pub struct Quarantine {
    pub code: String,
    pub message: String,
    pub current_began: Timestamp,
    pub series_began: Timestamp,
    pub series_count: i64,
    pub next_attempt: Timestamp,
}

/// One row of the provisioning log
/// (<https://learn.microsoft.com/en-us/graph/api/resources/provisioningobjectsummary>).
#[derive(Debug, Clone)]
pub struct ProvisioningEvent {
    pub id: Uuid,
    pub at: Timestamp,
    pub millis: i64,
    pub job_id: String,
    pub cycle_id: Uuid,
    pub change_id: Uuid,
    pub principal: Uuid,
    /// `other`, `create`, `delete`, `disable`, `update`.
    pub action: &'static str,
    pub source: Identity,
    pub target: Identity,
    pub verdict: Verdict,
    /// Name, old value, new value.
    pub modified: Vec<(String, Option<String>, Option<String>)>,
}

/// A user or group, on either side.
#[derive(Debug, Clone, Default)]
pub struct Identity {
    pub id: String,
    pub display_name: String,
    pub kind: &'static str,
}

/// How it went, with code and sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Success,
    Skipped(&'static str, String),
    Failure(&'static str, String),
}

impl Job {
    /// One that has just been made.
    pub fn new(tenant: Uuid, principal: Uuid) -> Self {
        Self {
            id: format!("{SCIM_TEMPLATE}.{}.{principal}", tenant.simple()),
            schedule: Schedule::Disabled,
            is_started: false,
            has_run: false,
            due: None,
            has_watermark: false,
            restarts: 0,
            failures: 0,
            last: None,
            last_successful: None,
            last_with_exports: None,
            quarantine: None,
            steady_first: None,
            steady_last: None,
            links: Links::default(),
        }
    }

    /// Lets cycles begin, the first one soon. One that runs already goes on as it does.
    pub fn start(&mut self, cycle_seconds: u32) {
        if self.schedule != Schedule::Active || self.quarantine.is_some() {
            let wait = FIRST.min(SignedDuration::from_secs(cycle_seconds.into()));
            self.due = Timestamp::now().checked_add(wait).ok();
        }
        (self.schedule, self.is_started) = (Schedule::Active, true);
    }

    /// Lets none begin. One under way ends as it would have.
    pub fn pause(&mut self) {
        (self.schedule, self.due) = (Schedule::Paused, None);
    }
}

impl Entra {
    /// The set-up of a service principal that has one, whose job has this id.
    pub(crate) fn job(&mut self, principal: Uuid, id: &str) -> Option<&mut Job> {
        self.synchronization.get_mut(&principal)?.job.as_mut().filter(|it| it.id == id)
    }
}
