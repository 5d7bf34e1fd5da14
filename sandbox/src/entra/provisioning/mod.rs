//! The provisioning service: it carries users and groups to the SCIM server that an application names, in cycles
//! (<https://learn.microsoft.com/en-us/entra/identity/app-provisioning/how-provisioning-works>). It really speaks to that
//! server, over TLS; whoever serves it journals what arrives.

pub mod attributes;
mod cycle;
mod groups;
mod outcome;
mod scim;
pub mod scope;

use std::time::Duration;

use indexmap::IndexMap;
use jiff::Timestamp;
use tokio::sync::watch;
use uuid::Uuid;

use self::cycle::{Cycle, Entry};
pub use self::scim::Refused;
use self::scim::Scim;
use self::scope::Scope;
use crate::cloud::App;
use crate::world::entra::ProvisioningEvent;
use crate::world::entra::synchronization::{Counts, Identity, Schedule, Synchronization, Verdict};

/// How often the service looks whether a cycle is due.
const TICK: Duration = Duration::from_millis(200);

/// Runs cycles whenever they are due, until the sandbox stops.
pub async fn run(app: App, mut stop: watch::Receiver<bool>) {
    loop {
        let work = async {
            tokio::time::sleep(TICK).await;
            for principal in due(&app, Some(Timestamp::now())) {
                let _one = app.provisioning.lock().await;
                // Somebody may have run it meanwhile.
                if due(&app, Some(Timestamp::now())).contains(&principal) {
                    cycle(&app, principal).await;
                }
            }
        };
        tokio::select! {
            () = work => {}
            _ = stop.wait_for(|it| *it) => return,
        }
    }
}

/// Runs a cycle of every job that is started, whether it is due or not, and tells whose they were.
pub async fn run_all(app: &App) -> Vec<Uuid> {
    let _one = app.provisioning.lock().await;
    let all = due(app, None);
    for principal in &all {
        cycle(app, *principal).await;
    }
    all
}

/// The service principals whose job is started and, if a time is given, due by then.
fn due(app: &App, by: Option<Timestamp>) -> Vec<Uuid> {
    let cloud = app.cloud();
    let set_up = cloud.world.entra.iter().flat_map(|it| &it.synchronization);
    let is_due = |it: &Synchronization| {
        let job = it.job.as_ref().filter(|it| it.schedule == Schedule::Active);
        job.is_some_and(|job| by.is_none_or(|by| job.due.is_some_and(|it| it <= by)))
    };
    set_up.filter(|(_, it)| is_due(it)).map(|(id, _)| *id).collect()
}

/// What a cycle begins with.
struct Beginning {
    cycle: Cycle,
    scope: Scope,
    restarts: u64,
}

/// Reads what there is to do. The directory is seen as far as it has replicated.
fn begin(app: &App, principal: Uuid, is_cycle: bool) -> Option<Result<Beginning, (String, u64, Refused)>> {
    let mut cloud = app.cloud();
    let authorities = cloud.authorities.clone();
    let entra = cloud.world.entra.as_mut()?;
    let set_up = entra.synchronization.get_mut(&principal)?;
    let (all, keeps_leavers) = (set_up.is_set("SyncAll"), set_up.is_set("SkipOutOfScopeDeletions"));
    let scim = scim_of(&authorities, &set_up.secrets);
    let job = set_up.job.as_mut()?;
    job.has_run |= is_cycle;
    let (job_id, restarts) = (job.id.clone(), job.restarts);
    let (links, tells_all) = (job.links.clone(), !job.has_watermark);
    let scim = match scim {
        Ok(scim) => scim,
        Err(refused) => return Some(Err((job_id, restarts, refused))),
    };
    let scope = entra.peek(|entra| Scope::of(entra, principal, all));
    let (id, events, counts) = (Uuid::new_v4(), Vec::new(), Counts::default());
    let cycle = Cycle { id, principal, job_id, scim, links, events, counts, tells_all, keeps_leavers };
    Some(Ok(Beginning { cycle, scope, restarts }))
}

/// The server that these secrets are about.
fn scim_of(authorities: &[String], secrets: &IndexMap<String, String>) -> Result<Scim, Refused> {
    let of = |key: &str| secrets.get(key).filter(|it| !it.is_empty());
    match (of("BaseAddress"), of("SecretToken")) {
        (Some(address), Some(token)) => Scim::new(authorities, address, token),
        _ => Err(Refused::nothing_saved()),
    }
}

/// Runs one cycle from its beginning to its end.
async fn cycle(app: &App, principal: Uuid) {
    let began = Timestamp::now();
    match begin(app, principal, true) {
        Some(Ok(Beginning { mut cycle, scope, restarts })) => {
            let end = cycle.work(&scope).await;
            outcome::finish(app, cycle, restarts, began, end.err());
        }
        Some(Err((job_id, restarts, refused))) => outcome::fail(app, principal, &job_id, restarts, began, refused),
        None => {}
    }
}

/// Whether a server takes these credentials.
pub async fn validate(app: &App, secrets: &IndexMap<String, String>) -> Result<(), Refused> {
    let authorities = app.cloud().authorities.clone();
    scim_of(&authorities, secrets)?.check().await
}

/// Brings one user in line now, in the old dialect
/// (<https://learn.microsoft.com/en-us/entra/identity/app-provisioning/provision-on-demand>); what the log says of it.
/// `None` if the job has gone meanwhile.
pub async fn on_demand(app: &App, principal: Uuid, user: Uuid) -> Option<ProvisioningEvent> {
    let _one = app.provisioning.lock().await;
    let beginning = begin(app, principal, false)?;
    let (subject, nobody) = {
        let mut cloud = app.cloud();
        let subject = cloud.world.entra.as_mut()?.peek(|entra| scope::subject(entra, user));
        let display_name = subject.as_ref().map(|it| it.display_name.clone()).unwrap_or_default();
        (subject, Identity { id: user.to_string(), display_name, kind: "User" })
    };
    let entry = Entry::new(nobody, "other");
    let (mut cycle, scope, restarts) = match beginning {
        Ok(it) => (it.cycle, it.scope, it.restarts),
        Err((job_id, _, refused)) => {
            let verdict = Verdict::Failure(refused.code, refused.message);
            return Some(outcome::note(app, principal, job_id, entry, verdict));
        }
    };
    cycle.scim.is_compliant = false;
    cycle.tells_all = true;
    if let Some(subject) = subject.filter(|it| scope.users.contains_key(&it.id)) {
        if let Err(Refused { code, message }) = cycle.user(&subject).await {
            cycle.note(entry, Verdict::Failure(code, message));
        }
    } else {
        let text = "The user is not assigned to the application, so the user is not effectively entitled.";
        cycle.note(entry, Verdict::Skipped("NotEffectivelyEntitled", text.to_owned()));
    }
    let event = cycle.events.last().cloned();
    outcome::keep(app, cycle, restarts);
    event
}
