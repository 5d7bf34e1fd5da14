//! `TenantConnection`: can the tenant be reached, and what can this identity see there?

use std::sync::Arc;
use std::time::Instant;

use k8s_controller::conditions::ConditionStatus;
use kube::ResourceExt as _;
use kube::runtime::controller::Action;

use super::status::{self, set};
use super::{Connector, Context, Events};
use crate::api::{ObservedCloud, REQUESTED_AT, TenantConnection, TenantConnectionStatus};
use crate::devolutions::DevolutionsCloud;
use crate::error::Failure;
use crate::plan::count;

/// The operations of the cloud contract without which no group can be replaced.
const NEEDED: [&str; 18] = [
    "getMe",
    "listUsers",
    "listGroups",
    "getGroup",
    "listVaults",
    "listEntries",
    "getSystemPermissions",
    "putSystemPermissionOfGroup",
    "deleteSystemPermissionOfGroup",
    "getSystemVaultPermissions",
    "putSystemVaultPermissionOfGroup",
    "deleteSystemVaultPermissionOfGroup",
    "getVaultPermissions",
    "putVaultPermissionOfGroup",
    "deleteVaultPermissionOfGroup",
    "getEntryPermissions",
    "putEntryPermissionOfGroup",
    "deleteEntryPermissionOfGroup",
];

const KIND: &str = "TenantConnection";

/// What a pass over a `TenantConnection` works with.
pub struct Tenants<K: Connector> {
    /// What all drivers share.
    pub context: Arc<Context<K>>,
    /// What is told of their changes.
    pub events: Events,
}

/// Looks at the tenant and says what it found.
pub async fn reconcile<K: Connector>(
    object: Arc<TenantConnection>,
    shared: Arc<Tenants<K>>,
) -> Result<Action, Failure> {
    let (context, began) = (&shared.context, Instant::now());
    let found = look(&object, context).await;
    context.metrics.pass(KIND, found.as_ref().map_or_else(|f| f.reason, |_| "Connected"), began.elapsed());
    let status = describe(&object, &found);
    if object.status.as_ref() != Some(&status) {
        status::write(&context.client, &*object, &status).await?;
        let before = object.status.as_ref().map(|s| s.conditions.as_slice()).unwrap_or_default();
        shared.events.transition(&*object, before, &status.conditions, &status.summary).await;
    }
    found?;
    context.backoff.reset(&object.uid().unwrap_or_default());
    Ok(Action::requeue(context.observe_interval))
}

async fn look<K: Connector>(object: &TenantConnection, context: &Context<K>) -> Result<ObservedCloud, Failure> {
    let cloud = context.connections.of(object).await?;
    let mut operations = cloud.operations().await?;
    operations.sort();
    let identity = cloud.identity().await?;
    let vaults = cloud.vaults().await?.len();
    Ok(ObservedCloud {
        identity: identity.name,
        administrator: identity.is_administrator,
        visible_vaults: u32::try_from(vaults).unwrap_or(u32::MAX),
        operations,
    })
}

fn describe(object: &TenantConnection, found: &Result<ObservedCloud, Failure>) -> TenantConnectionStatus {
    let generation = object.metadata.generation;
    let mut status = object.status.clone().unwrap_or_default();
    status.observed_generation = generation;
    status.last_handled_reconcile_at = object.annotations().get(REQUESTED_AT).cloned();
    let (ok, reason, summary) = match found {
        Ok(seen) => {
            status.devolutions_cloud = Some(seen.clone());
            let missing: Vec<&str> = NEEDED.into_iter().filter(|op| !seen.operations.iter().any(|o| o == op)).collect();
            let vaults = count(seen.visible_vaults as usize, "vault");
            if missing.is_empty() {
                let reach = if seen.administrator {
                    "as an administrator"
                } else {
                    "not as an administrator, so there may be vaults that it cannot see"
                };
                (
                    ConditionStatus::True,
                    "Connected",
                    format!("Connected as \"{}\", {reach}; sees {vaults}.", seen.identity),
                )
            } else {
                (
                    ConditionStatus::False,
                    "OperationsMissing",
                    format!(
                        "The server cannot do what is needed: {}. Use a server or bridge that can.",
                        missing.join(", ")
                    ),
                )
            }
        }
        Err(failure) => (ConditionStatus::False, failure.reason, failure.message.clone()),
    };
    for kind in ["DevolutionsCloudReady", "Ready"] {
        set(&mut status.conditions, kind, ok, reason, &summary, generation);
    }
    status.summary = summary;
    status
}
