//! Events: one for each change of a resource's state, never for a repetition.

use k8s_controller::events::{Event, EventRecorder, EventType};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::runtime::events::Reporter;
use kube::{Client, Resource};

/// The reason of the very first status.
pub const OBSERVING: &str = "Observing";

/// Publishes a kind's events.
#[derive(Debug)]
pub struct Events(EventRecorder);

impl Events {
    /// Events in the name of the controller of `kind`, on the replica `instance`.
    #[must_use]
    pub fn new(client: Client, kind: &str, instance: &str) -> Self {
        let controller = format!("{}/{kind}", crate::api::GROUP);
        Self(EventRecorder::new(client, Reporter { controller, instance: Some(instance.to_owned()) }))
    }

    /// Says that `Ready` is now for another reason than before. `note` is the headline,
    /// never more: what a message says of places and members stays in the status.
    pub async fn transition<R>(&self, object: &R, before: &[Condition], after: &[Condition], note: &str)
    where
        R: Resource<DynamicType = ()>,
    {
        let reason =
            |conditions: &[Condition]| conditions.iter().find(|c| c.type_ == "Ready").map(|c| c.reason.clone());
        // That it begins to look is no news; what it finds is.
        let is_news = |now: &String| now != OBSERVING && Some(now) != reason(before).as_ref();
        let Some(now) = reason(after).filter(is_news) else { return };
        let stalled = after.iter().any(|c| c.type_ == "Stalled" && c.status == "True");
        let type_ = if stalled { EventType::Warning } else { EventType::Normal };
        let event =
            Event { type_, reason: now, action: "Reconcile".to_owned(), note: Some(note.to_owned()), related: None };
        // An event that is lost loses nothing: the state is in the status.
        if let Err(error) = self.0.publish(object, &event).await {
            tracing::warn!(reason = event.reason, "could not publish an event: {error}");
        }
    }
}
