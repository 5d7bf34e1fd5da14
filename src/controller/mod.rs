//! The drivers: guard, observe, plan, act, report. One folder or file a kind.

pub mod approval;
mod backoff;
mod connection;
mod guard;
pub mod replacement;
mod status;
mod tenant;

pub use backoff::Backoff;
pub use connection::{Connected, Connections, Connector, Endpoint, RestConnector};
pub use tenant::reconcile as reconcile_tenant;

use std::sync::Arc;
use std::time::Duration;

use kube::runtime::controller::Action;
use kube::{Client, Resource};

use crate::error::Failure;

/// What every driver works with.
pub struct Context<K: Connector> {
    /// The Kubernetes API.
    pub client: Client,
    /// The tenants' servers.
    pub connections: Connections<K>,
    /// Who failed how often in a row.
    pub backoff: Backoff,
    /// How often the outside is looked at while waiting for something that sends no event.
    pub observe_interval: Duration,
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
