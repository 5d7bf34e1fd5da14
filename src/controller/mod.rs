//! The drivers: guard, observe, plan, act, report. One folder or file a kind.

pub mod approval;
mod backoff;
mod claims;
mod connection;
mod events;
mod guard;
pub mod migration;
mod plans;
mod recent;
pub mod replacement;
mod state;
mod status;
mod steps;
pub mod tenant;
pub mod wiring;

pub use backoff::Backoff;
pub use claims::Claims;
pub use connection::{Connected, Connections, Connector, Endpoint, RestConnector};
pub use events::Events;
pub use recent::Recent;

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use kube::runtime::controller::Action;
use kube::{Client, Resource};
use tokio::sync::watch;

use crate::api::Asks;
use crate::error::Failure;
use crate::metrics::Metrics;

/// What every driver works with.
pub struct Context<K: Connector> {
    /// The Kubernetes API.
    pub client: Client,
    /// The tenants' servers.
    pub connections: Connections<K>,
    /// Who failed how often in a row.
    pub backoff: Backoff,
    /// Who is writing for which group.
    pub claims: Claims,
    /// What was written to Entra ID lately.
    pub recent: Recent,
    /// What Prometheus sees.
    pub metrics: Arc<Metrics>,
    /// In whose name events are published: the replica.
    pub instance: String,
    /// Whether the operator was asked to stop: then no further write is begun.
    pub stopping: watch::Receiver<bool>,
    /// How often the outside is looked at while waiting for something that sends no event.
    pub observe_interval: Duration,
    /// How long what was written to Entra ID may stay unseen.
    pub entra_settle: Duration,
    /// How long a write to Devolutions Cloud whose answer was lost may still take effect.
    pub devolutions_settle: Duration,
}

impl<K: Connector> Context<K> {
    /// Whether nothing more is to be written for `object`: its spec was changed, suspended for one, or it is gone, or the
    /// operator is to stop. Asked of the API server itself: a watch can be silent for long without anybody knowing, and
    /// where the server cannot be asked, nothing is written.
    async fn is_interrupted<R: Asks>(&self, object: &R) -> Result<bool, Failure> {
        if *self.stopping.borrow() {
            return Ok(true);
        }
        let now = status::live(&self.client, object).await?;
        Ok(now.is_none_or(|now| {
            now.meta().uid != object.meta().uid
                || now.meta().deletion_timestamp.is_some()
                // Another spec asks for something else, and so does the next pass.
                || now.meta().generation != object.meta().generation
        }))
    }
}

/// A look at the outside rests so many times as long as it took: that of a large tenant costs it a thousand requests.
const REST: u32 = 10;

/// When to look again at what sends no event, after a look that took so long.
fn look_again(observe_interval: Duration, took: Duration) -> Action {
    Action::requeue(rest(observe_interval, took))
}

/// How long it is until another look, after one that took so long.
fn rest(observe_interval: Duration, took: Duration) -> Duration {
    observe_interval.max(took * REST)
}

/// No sleep is longer: a clock that is set meanwhile is noticed then.
const LONGEST_SLEEP: Duration = Duration::from_hours(24);

/// To be at it again right after `moment`, or after `at_most` if that is sooner.
fn wake_at(moment: Timestamp, at_most: Duration) -> Action {
    let left = Duration::try_from(moment.duration_since(Timestamp::now())).unwrap_or_default();
    Action::requeue(left.saturating_add(Duration::from_secs(1)).min(at_most))
}

/// When a resource whose pass failed is tried again.
pub fn after_failure<R: Resource<DynamicType = ()>, K: Connector>(
    object: &Arc<R>,
    failure: &Failure,
    context: &Context<K>,
) -> Action {
    let uid = object.meta().uid.clone().unwrap_or_default();
    let wait = context.backoff.failed(&uid, failure);
    tracing::warn!(
        kind = %R::kind(&()),
        namespace = object.meta().namespace.as_deref().unwrap_or_default(),
        name = object.meta().name.as_deref().unwrap_or_default(),
        reason = failure.reason,
        retry_in_seconds = wait.as_secs_f32(),
        "{failure}"
    );
    Action::requeue(wait)
}
