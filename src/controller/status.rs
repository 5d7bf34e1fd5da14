//! Writing a status: only where it changed, only for the very object that was looked at.

use k8s_controller::conditions::{self, ConditionStatus, DesiredCondition};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, ResourceExt as _};
use serde::Serialize;
use serde_json::json;

use super::Events;
use crate::api::{CommonStatus, Kind};
use crate::error::Failure;
use crate::store::MANAGER;

/// Sets one condition, and the generation that it speaks of.
pub fn set(
    conditions: &mut Vec<Condition>,
    kind: &str,
    status: ConditionStatus,
    reason: &str,
    message: &str,
    generation: Option<i64>,
) {
    let before = conditions.iter().find(|c| c.type_ == kind).map(|c| c.message.clone());
    let message = before.as_deref().filter(|before| differ_in_ids_only(before, message)).unwrap_or(message);
    // The whole status is compared before it is written, so what changed here is not asked for.
    let _ = conditions::set(
        conditions,
        DesiredCondition::new(kind, status, reason, message).observed_generation(generation),
    );
}

/// Whether two messages differ only in the ids of requests: the same failure, once more, is no news. The log has each.
#[must_use]
pub fn differ_in_ids_only(one: &str, other: &str) -> bool {
    fn words(text: &str) -> impl Iterator<Item = &str> {
        let mut before = "";
        text.split(' ').map(move |word| {
            let is_id = matches!(before, "request" | "trace");
            before = word;
            if is_id { "" } else { word }
        })
    }
    one != other && words(one).eq(words(other))
}

/// The resource as the API server has it at this moment; none if it is gone.
pub async fn live<R: Kind>(client: &Client, object: &R) -> Result<Option<R>, Failure> {
    let api: Api<R> = Api::namespaced(client.clone(), object.meta().namespace.as_deref().unwrap_or_default());
    let name = object.name_any();
    let what = format!("read {} \"{name}\"", R::kind(&()));
    api.get_opt(&name).await.map_err(|e| Failure::kubernetes(&what, &e))
}

/// Writes `status` to the subresource. Naming the uid keeps it from an object that was made anew
/// under the same name; an object that is gone needs no status.
pub async fn write<R: Kind>(client: &Client, object: &R, status: &impl Serialize) -> Result<(), Failure> {
    let api: Api<R> = Api::namespaced(client.clone(), object.meta().namespace.as_deref().unwrap_or_default());
    let name = object.name_any();
    let patch = json!({
        "apiVersion": R::api_version(&()),
        "kind": R::kind(&()),
        "metadata": {"name": name, "uid": object.uid()},
        "status": status,
    });
    match api.patch_status(&name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(patch)).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
        Err(e) => Err(Failure::kubernetes(&format!("write the status of {} \"{name}\"", R::kind(&())), &e)),
    }
}

/// Writes `status` where it is another than `before`, and tells of the change.
pub async fn publish<R: Kind, S: CommonStatus + PartialEq + Serialize>(
    client: &Client,
    events: &Events,
    object: &R,
    before: Option<&S>,
    status: &S,
) -> Result<(), Failure> {
    if before == Some(status) {
        return Ok(());
    }
    write(client, object, status).await?;
    let before = before.map(CommonStatus::conditions).unwrap_or_default();
    events.transition(object, before, status.conditions(), status.summary()).await;
    Ok(())
}

/// Now, in the whole seconds in which Kubernetes writes times.
#[must_use]
pub fn now() -> Time {
    whole_seconds(Timestamp::now())
}

/// A time in whole seconds: a finer one would differ from itself once read back.
#[must_use]
pub fn whole_seconds(at: Timestamp) -> Time {
    Time(Timestamp::from_second(at.as_second()).unwrap_or(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_failure_once_more_is_no_news_and_another_is() {
        let failure = |request: &str| format!("Could not list: HTTP 503, request {request}. It is tried again.");
        assert!(differ_in_ids_only(&failure("a-1"), &failure("b-2")));
        assert!(!differ_in_ids_only(&failure("a-1"), &failure("a-1")), "not at all");
        assert!(!differ_in_ids_only(&failure("a-1"), &failure("b-2").replace("503", "429")));
        assert!(differ_in_ids_only("HTTP 401, trace x. Mend it.", "HTTP 401, trace y. Mend it."));
    }
}
