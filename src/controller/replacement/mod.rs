//! `GroupReplacement`: guard → observe → plan → act → report.
//!
//! - here: the order of a pass
//! - `world`: observe
//! - `begin`: plan, have it approved, pin it
//! - `snapshot`: what was held before the first write
//! - `resume`: go on with a pinned plan, to its end
//! - `act`: the writes, one by one, each read back
//! - `report`: status, from what was observed and what happened

mod act;
mod begin;
mod report;
mod resume;
mod snapshot;
mod world;

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use kube::runtime::controller::Action;
use kube::runtime::reflector::Store;
use kube::{Resource as _, ResourceExt as _};

use self::report::{Outcome, Reporter};
use self::world::World;
use super::connection::Connected;
use super::{Connector, Context};
use crate::api::{Gate, GroupReplacement, Mode, REQUESTED_AT, StepName, StepState};
use crate::error::Failure;
use crate::plan::{Refusal, count};
use crate::store::{Archive, Checkpoint, CheckpointStore};

/// What a pass over a `GroupReplacement` works with.
pub struct Replacements<K: Connector> {
    /// What all drivers share.
    pub context: Arc<Context<K>>,
    /// The resources as they are now, to notice a `suspend` in the middle of a phase.
    pub store: Store<GroupReplacement>,
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
    let mut reporter = Reporter::new(shared.context.client.clone(), object.clone());
    reporter.begin().await?;
    let mut pass = Pass::new(&shared, &object, &mut reporter);
    match pass.run().await {
        Ok(outcome) => {
            reporter.conclude(&outcome).await?;
            shared.context.backoff.reset(&uid);
            Ok(next_pass(&outcome, shared.context.observe_interval))
        }
        Err(failure) => {
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

fn next_pass(outcome: &Outcome, observe_interval: Duration) -> Action {
    match outcome {
        Outcome::Working => Action::requeue(Duration::ZERO),
        Outcome::Soaking { until } => {
            let left = Duration::try_from(until.duration_since(Timestamp::now())).unwrap_or_default();
            Action::requeue(left.saturating_add(Duration::from_secs(1)))
        }
        Outcome::Planned { .. } | Outcome::AwaitingApproval { .. } | Outcome::Refused(_) => {
            Action::requeue(observe_interval)
        }
        Outcome::Suspended | Outcome::Succeeded { .. } | Outcome::RolledBack { .. } => Action::await_change(),
    }
}

/// One pass over one resource.
struct Pass<'a, K: Connector> {
    shared: &'a Replacements<K>,
    object: &'a Arc<GroupReplacement>,
    reporter: &'a mut Reporter,
    checkpoints: CheckpointStore,
    archive: Archive,
}

impl<'a, K: Connector> Pass<'a, K> {
    fn new(shared: &'a Replacements<K>, object: &'a Arc<GroupReplacement>, reporter: &'a mut Reporter) -> Self {
        let client = &shared.context.client;
        Self {
            shared,
            object,
            reporter,
            checkpoints: CheckpointStore::new(client, object),
            archive: Archive::new(client, object),
        }
    }

    async fn run(&mut self) -> Result<Outcome, Failure> {
        if self.object.spec.suspend {
            return Ok(Outcome::Suspended);
        }
        let namespace = self.object.namespace().unwrap_or_default();
        let tenant = self.shared.context.connections.get(&namespace, &self.object.spec.connection_ref.name).await?;
        let checkpoint = self.checkpoints.load().await?;
        if let Some(refusal) = checkpoint.as_ref().and_then(|c| other_tenant(c, &tenant)) {
            return Ok(Outcome::Refused(refusal));
        }
        self.reporter.step(StepName::Inventory, StepState::Running, "Reading who holds what.").await?;
        let world = World::observe(&*tenant.cloud).await?;
        self.reporter
            .step(
                StepName::Inventory,
                StepState::Completed,
                &format!("{} hold permissions.", count(world.inventory.len(), "place")),
            )
            .await?;
        match checkpoint {
            Some(checkpoint) if self.is_under_way(&checkpoint) => self.resume(checkpoint, &tenant, &world).await,
            checkpoint => self.begin(checkpoint, &tenant, &world).await,
        }
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

fn other_tenant<C>(checkpoint: &Checkpoint, tenant: &Connected<C>) -> Option<Refusal> {
    let url = &tenant.connection.spec.devolutions_cloud.url;
    (checkpoint.tenant != *url).then(|| {
        Refusal::new("CheckpointMismatch", format!(
            "This replacement was begun on {}, and its connection now points at {url}. Point connectionRef at the first tenant, or give the new resource another name.",
            checkpoint.tenant
        ))
    })
}
