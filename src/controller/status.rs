//! Writing a status: only where it changed, only for the very object that was looked at.

use k8s_controller::conditions::{self, ConditionStatus, DesiredCondition};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

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
    // The whole status is compared before it is written, so what changed here is not asked for.
    let _ = conditions::set(
        conditions,
        DesiredCondition::new(kind, status, reason, message).observed_generation(generation),
    );
}

/// The resource as the API server has it at this moment; none if it is gone.
pub async fn live<R>(client: &Client, object: &R) -> Result<Option<R>, Failure>
where
    R: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + std::fmt::Debug,
{
    let api: Api<R> = Api::namespaced(client.clone(), object.meta().namespace.as_deref().unwrap_or_default());
    let name = object.name_any();
    let what = format!("read {} \"{name}\"", R::kind(&()));
    api.get_opt(&name).await.map_err(|e| Failure::kubernetes(&what, &e))
}

/// Writes `status` to the subresource. Naming the uid keeps it from an object that was made anew
/// under the same name; an object that is gone needs no status.
pub async fn write<R>(client: &Client, object: &R, status: &impl Serialize) -> Result<(), Failure>
where
    R: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + std::fmt::Debug,
{
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
