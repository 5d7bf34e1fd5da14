//! When a pass is made, and when the next.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::ResourceExt as _;
use kube::runtime::controller::Action;
use tokio::time::timeout;

use super::outcome::Outcome;
use super::report::Reporter;
use super::{Migrations, Pass};
use crate::api::{MigrationMode, MigrationStepName, REQUESTED_AT, SsoMigration, Step, StepState};
use crate::controller::{Connector, LONGEST_SLEEP, look_again, rest, status, wake_at};
use crate::error::{Class, Failure};

const KIND: &str = "SsoMigration";
/// A pass that takes longer than this holds up others.
const LONGEST: Duration = Duration::from_mins(15);
/// While what was written to Entra ID is waited for, it is looked for this often, or as often as at everything else.
const REPLICATION: Duration = Duration::from_secs(5);

/// Brings one migration a pass further.
pub async fn reconcile<K: Connector>(object: Arc<SsoMigration>, shared: Arc<Migrations<K>>) -> Result<Action, Failure> {
    let (context, began) = (&shared.context, Instant::now());
    if is_settled(&object) {
        context.backoff.reset(&object.uid().unwrap_or_default());
        return Ok(Action::await_change());
    }
    // The watch may not have brought our own last status yet, and a status that begins from an older one would undo it.
    let Some(object) = status::live(&context.client, &*object).await?.map(Arc::new) else {
        return Ok(Action::await_change());
    };
    if object.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let mut reporter =
        Reporter::new(context.client.clone(), shared.events.clone(), object.clone(), context.entra_settle);
    reporter.begin().await?;
    let passed = timeout(LONGEST, Pass::run(&object, context, &mut reporter)).await;
    match passed.unwrap_or_else(|_| Err(too_long())) {
        Ok(outcome) => {
            reporter.conclude(&outcome).await?;
            context.metrics.pass(KIND, outcome.reason(), began.elapsed());
            context.backoff.reset(&object.uid().unwrap_or_default());
            let is_stuck = reporter.is_stuck();
            Ok(next_pass(&outcome, is_stuck, context.observe_interval, began.elapsed()))
        }
        Err(failure) => {
            context.metrics.pass(KIND, failure.reason, began.elapsed());
            reporter.fail(&failure).await?;
            Err(failure)
        }
    }
}

/// Whether all that was asked for is done and said, so that a pass would only disturb.
fn is_settled(object: &SsoMigration) -> bool {
    let Some(status) = &object.status else { return false };
    let is = |kind: &str, value: &str| status.conditions.iter().any(|c| c.type_ == kind && c.status == value);
    let done = match object.spec.mode {
        MigrationMode::Plan => false,
        MigrationMode::Apply => is("Succeeded", "True") && is("Ready", "True") && !is_to_retire(object),
        MigrationMode::Rollback => is("Succeeded", "False") && is("Ready", "True"),
    };
    done && !object.spec.suspend
        && status.observed_generation == object.metadata.generation
        && status.last_handled_reconcile_at.as_ref() == object.annotations().get(REQUESTED_AT)
}

/// Whether the end of the way back is still to come.
fn is_to_retire(object: &SsoMigration) -> bool {
    let steps = object.status.as_ref().map(|status| status.steps.as_slice()).unwrap_or_default();
    let is_retired = |step: &Step<_>| step.name == MigrationStepName::Retirement && step.state == StepState::Completed;
    object.spec.retirement.is_some() && !steps.iter().any(is_retired)
}

fn next_pass(outcome: &Outcome, is_stuck: bool, observe_interval: Duration, took: Duration) -> Action {
    // Neither tenant sends an event when something changes in it.
    let look = || look_again(observe_interval, took);
    match outcome {
        Outcome::Working => Action::requeue(Duration::ZERO),
        Outcome::Waiting { .. } if !is_stuck => Action::requeue(REPLICATION.min(observe_interval)),
        Outcome::AwaitingWindow { opens } => wake_at(*opens, rest(observe_interval, took)),
        Outcome::Retiring { due, .. } => wake_at(*due, LONGEST_SLEEP),
        Outcome::Suspended
        | Outcome::CutOver { .. }
        | Outcome::Verified { .. }
        | Outcome::Replaced { .. }
        | Outcome::RolledBack { .. } => Action::await_change(),
        Outcome::Waiting { .. }
        | Outcome::Refused(_)
        | Outcome::Looked { .. }
        | Outcome::AwaitingApproval { .. }
        | Outcome::AwaitingProof { .. }
        | Outcome::Synchronizing { .. }
        | Outcome::Missing { .. }
        | Outcome::Replacing { .. }
        | Outcome::Returned { .. } => look(),
    }
}

fn too_long() -> Failure {
    let message = "Looking at both tenants took longer than a quarter of an hour, so it was given up. It is tried again; is one of them very slow?";
    Failure::new(Class::Transient, "LookTookTooLong", message)
}
