//! `GroupReplacement`: guard → observe → plan → act → report.
//!
//! - here: the order of a pass
//! - `source`: by which connection, and whether the migration that it is part of is far enough
//! - `world`: observe
//! - `begin`: plan, have it approved, pin it
//! - `snapshot`: what was held before the first write
//! - `resume`: go on with a pinned plan, to its end
//! - `act`: the writes, one by one, each read back
//! - `report`, with `outcome`: status, from what was observed and what happened

mod act;
mod begin;
mod outcome;
mod report;
mod resume;
mod snapshot;
mod source;
mod world;

use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::runtime::controller::Action;
use kube::{Resource as _, ResourceExt as _};

use self::outcome::Outcome;
use self::report::Reporter;
use self::world::World;
use super::connection::Connected;
use super::{Connector, Context, Events, LONGEST_SLEEP, look_again, status, wake_at};
use crate::api::{Gate, GroupReplacement, Mode, REQUESTED_AT, StepName, StepState};
use crate::error::Failure;
use crate::plan::{Refusal, count};
use crate::store::{Archive, Checkpoint, CheckpointStore, Named};

const KIND: &str = "GroupReplacement";

/// What a pass over a `GroupReplacement` works with.
pub struct Replacements<K: Connector> {
    /// What all drivers share.
    pub context: Arc<Context<K>>,
    /// What is told of their changes.
    pub events: Arc<Events>,
}

/// Brings one replacement a pass further.
pub async fn reconcile<K: Connector>(
    object: Arc<GroupReplacement>,
    shared: Arc<Replacements<K>>,
) -> Result<Action, Failure> {
    let uid = object.uid().unwrap_or_default();
    if is_settled(&object) {
        shared.context.backoff.reset(&uid);
        return Ok(Action::await_change());
    }
    // The watch may not have brought our own last status yet, and a status that begins from an older
    // one would undo it.
    let Some(object) = status::live(&shared.context.client, &*object).await?.map(Arc::new) else {
        return Ok(Action::await_change());
    };
    // Deleting undoes nothing, so there is nothing to do while somebody else's finalizer keeps it.
    if object.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let mut reporter = Reporter::new(shared.context.client.clone(), shared.events.clone(), object.clone());
    let began = Instant::now();
    reporter.begin().await?;
    let mut pass = Pass::new(&shared, &object, &mut reporter);
    match pass.run().await {
        Ok(outcome) => {
            reporter.conclude(&outcome).await?;
            shared.context.metrics.pass(KIND, outcome.name(), began.elapsed());
            shared.context.backoff.reset(&uid);
            Ok(next_pass(&outcome, shared.context.observe_interval, began.elapsed()))
        }
        Err(failure) => {
            shared.context.metrics.pass(KIND, failure.reason, began.elapsed());
            reporter.fail(&failure).await?;
            Err(failure)
        }
    }
}

/// Whether all that was asked for is done and said, so that a pass would only disturb.
fn is_settled(object: &GroupReplacement) -> bool {
    let Some(status) = &object.status else {
        return false;
    };
    let is = |kind: &str, value: &str| status.conditions.iter().any(|c| c.type_ == kind && c.status == value);
    let done = match object.spec.mode {
        Mode::Plan => false,
        Mode::Apply => is("Succeeded", "True") && is("Ready", "True"),
        Mode::Rollback => is("Succeeded", "False") && is("Ready", "True"),
    };
    done && !object.spec.suspend
        && status.observed_generation == object.metadata.generation
        && status.last_handled_reconcile_at.as_ref() == object.annotations().get(REQUESTED_AT)
}

fn next_pass(outcome: &Outcome, observe_interval: Duration, took: Duration) -> Action {
    match outcome {
        Outcome::Working => Action::requeue(Duration::ZERO),
        Outcome::Soaking { until } | Outcome::Settling { until } => wake_at(*until, LONGEST_SLEEP),
        Outcome::Planned { .. }
        | Outcome::AwaitingMigration { .. }
        | Outcome::AwaitingApproval { .. }
        | Outcome::Refused(_) => look_again(observe_interval, took),
        Outcome::Suspended | Outcome::Succeeded { .. } | Outcome::RolledBack { .. } => Action::await_change(),
    }
}

/// One pass over one resource.
struct Pass<'a, K: Connector> {
    shared: &'a Replacements<K>,
    object: &'a Arc<GroupReplacement>,
    reporter: &'a mut Reporter,
    checkpoints: CheckpointStore<Checkpoint>,
    archive: Archive,
}

impl<'a, K: Connector> Pass<'a, K> {
    fn new(shared: &'a Replacements<K>, object: &'a Arc<GroupReplacement>, reporter: &'a mut Reporter) -> Self {
        let client = &shared.context.client;
        Self {
            shared,
            object,
            reporter,
            checkpoints: CheckpointStore::new(client, &**object),
            archive: Archive::new(client, &**object),
        }
    }

    async fn run(&mut self) -> Result<Outcome, Failure> {
        if self.object.spec.suspend {
            return Ok(Outcome::Suspended);
        }
        let checkpoint = self.checkpoints.load().await?;
        let source = match self.source(checkpoint.as_ref()).await? {
            Ok(source) => source,
            Err(outcome) => return Ok(outcome),
        };
        let tenant = self.connected(&source.connection).await?;
        if let Some(refusal) = checkpoint.as_ref().and_then(|c| other_work(c, self.object, &tenant)) {
            return Ok(Outcome::Refused(refusal));
        }
        if checkpoint.is_none()
            && let Some(snapshot) = self.archive.first_snapshot().await?
        {
            return Ok(Outcome::Refused(self.checkpoint_missing(&snapshot)));
        }
        self.reporter.first_time(StepName::Inventory, "Reading who holds what.").await?;
        let mut world = World::observe(&*tenant.cloud).await?;
        source.expectation.tell_synced(&mut world.groups);
        self.reporter
            .step(
                StepName::Inventory,
                StepState::Completed,
                &format!("Read {} that hold permissions of their own.", count(world.inventory.len(), "place")),
            )
            .await?;
        match checkpoint {
            // Where a person is to be asked only now, it is planned anew, and they are.
            Some(checkpoint) if self.is_under_way(&checkpoint) && self.may_go_on(&checkpoint, &tenant) => {
                self.resume(checkpoint, &tenant, &world).await
            }
            checkpoint => self.begin(checkpoint, &tenant, &world).await,
        }
    }

    async fn connected(&self, connection: &str) -> Result<Connected<K::Cloud>, Failure> {
        let namespace = self.object.namespace().unwrap_or_default();
        self.shared.context.connections.get(&namespace, connection).await
    }

    /// Whether the run was approved, or need not be.
    fn may_go_on(&self, checkpoint: &Checkpoint, tenant: &Connected<K::Cloud>) -> bool {
        let is_approved = checkpoint.run.as_ref().is_some_and(|run| run.approval.is_some());
        is_approved || !self.needs_approval(tenant)
    }

    /// What was done is not known, though something was begun.
    fn checkpoint_missing(&self, snapshot: &str) -> Refusal {
        Refusal::new(
            "CheckpointMissing",
            format!(
                "Something was begun under this name before, for there is Secret {snapshot} with what both groups held then, and the checkpoint, Secret {}, is gone. So nothing tells what was done, and nothing is. Restore it from a backup. If all that was begun is over, give this resource another name, or delete the snapshots too: with them the way back goes.",
                self.checkpoints.name()
            ),
        )
    }

    fn gate(&self) -> Gate {
        match self.object.spec.mode {
            Mode::Plan | Mode::Apply => Gate::Replacement,
            Mode::Rollback => Gate::Rollback,
        }
    }

    /// Whether the checkpoint's run is ours to go on with: asked for by this very object, in this
    /// mode, not finished, and not stopped for a reason that a person has since answered.
    fn is_under_way(&self, checkpoint: &Checkpoint) -> bool {
        let Some(run) = &checkpoint.run else {
            return false;
        };
        let answered = run.stopped.as_ref().is_some_and(|stopped| {
            stopped.generation != self.object.metadata.generation
                || stopped.requested_at.as_ref() != self.object.annotations().get(REQUESTED_AT)
        });
        self.object.spec.mode != Mode::Plan
            && Some(&run.uid) == self.object.meta().uid.as_ref()
            && run.gate == self.gate()
            && run.finished_at.is_none()
            && !answered
    }
}

/// What was begun elsewhere or for other groups is never taken for this.
fn other_work<C>(checkpoint: &Checkpoint, object: &GroupReplacement, tenant: &Connected<C>) -> Option<Refusal> {
    let url = &tenant.connection.spec.devolutions_cloud.url;
    let what = if checkpoint.tenant != *url {
        format!("on {}, and its connection now points at {url}", checkpoint.tenant)
    } else if checkpoint.named != Named::by(object) {
        "for other groups than the spec names now".to_owned()
    } else {
        return None;
    };
    Some(Refusal::new(
        "CheckpointMismatch",
        format!(
            "Under this name a replacement was begun {what}. Go on with that one as it was, or give the new resource another name."
        ),
    ))
}
