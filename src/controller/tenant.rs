//! `TenantConnection`: can both sides be reached, and what can our identities see there?

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use k8s_controller::conditions::{self, ConditionStatus};
use kube::ResourceExt as _;
use kube::runtime::controller::Action;

use super::state::headline;
use super::status::{self, set};
use super::{Connector, Context, Events};
use crate::api::{
    MissingPermission, ObservedCloud, ObservedEntra, REQUESTED_AT, TenantConnection, TenantConnectionStatus,
};
use crate::devolutions::DevolutionsCloud;
use crate::entra::{Entra as _, permission};
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

/// Looks at both sides and says what it found.
pub async fn reconcile<K: Connector>(
    object: Arc<TenantConnection>,
    shared: Arc<Tenants<K>>,
) -> Result<Action, Failure> {
    let (context, began) = (&shared.context, Instant::now());
    let cloud = look_at_cloud(&object, context).await;
    let entra = look_at_entra(&object, context).await;
    let failure = cloud.as_ref().err().or(entra.as_ref().err()).cloned();
    context.metrics.pass(KIND, failure.as_ref().map_or("Connected", |f| f.reason), began.elapsed());
    let status = describe(&object, &cloud, &entra);
    status::publish(&context.client, &shared.events, &*object, object.status.as_ref(), &status).await?;
    if let Some(failure) = failure {
        return Err(failure);
    }
    context.backoff.reset(&object.uid().unwrap_or_default());
    Ok(Action::requeue(context.observe_interval))
}

async fn look_at_cloud<K: Connector>(
    object: &TenantConnection,
    context: &Context<K>,
) -> Result<ObservedCloud, Failure> {
    let cloud = context.connections.cloud_of(object).await?;
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

/// None where the connection names no Entra tenant.
async fn look_at_entra<K: Connector>(
    object: &TenantConnection,
    context: &Context<K>,
) -> Result<Option<ObservedEntra>, Failure> {
    let (Some(spec), Some(entra)) = (&object.spec.entra, context.connections.entra_of(object).await?) else {
        return Ok(None);
    };
    let found = entra.permissions().await?;
    let missing = found.as_ref().map(permission::missing).unwrap_or_default();
    // A token proves nothing about Microsoft Graph, so that is asked for something too, if it can be.
    let application = if missing.iter().any(|needed| !needed.is_optional) {
        None
    } else {
        entra.service_principal(&spec.client_id).await?.and_then(|principal| principal.display_name)
    };
    Ok(Some(ObservedEntra {
        application,
        permissions_found: found.unwrap_or_default().into_iter().collect(),
        permissions_missing: missing
            .into_iter()
            .map(|needed| MissingPermission {
                name: needed.name.to_owned(),
                needed_for: needed.what_for.to_owned(),
                optional: needed.is_optional,
            })
            .collect(),
    }))
}

/// One side's condition.
type Side = (ConditionStatus, &'static str, String);

fn describe(
    object: &TenantConnection,
    cloud: &Result<ObservedCloud, Failure>,
    entra: &Result<Option<ObservedEntra>, Failure>,
) -> TenantConnectionStatus {
    let generation = object.metadata.generation;
    let mut status = object.status.clone().unwrap_or_default();
    status.observed_generation = generation;
    status.last_handled_reconcile_at = object.annotations().get(REQUESTED_AT).cloned();
    let failed = |failure: &Failure| (ConditionStatus::False, failure.reason, failure.message.clone());
    let mut sides: Vec<(&str, Side)> = Vec::new();
    sides.push((
        "DevolutionsCloudReady",
        match cloud {
            Ok(seen) => {
                status.devolutions_cloud = Some(seen.clone());
                of_cloud(seen)
            }
            Err(failure) => failed(failure),
        },
    ));
    match entra {
        Ok(Some(seen)) => {
            status.entra = Some(seen.clone());
            sides.push(("EntraReady", of_entra(seen)));
        }
        Ok(None) => {
            status.entra = None;
            let _ = conditions::remove(&mut status.conditions, "EntraReady");
        }
        Err(failure) => sides.push(("EntraReady", failed(failure))),
    }
    for (kind, (ok, reason, message)) in &sides {
        set(&mut status.conditions, kind, *ok, reason, message, generation);
    }
    // Ready tells of what is not ready, or else of both.
    let broken: Vec<&Side> = sides.iter().map(|(_, side)| side).filter(|s| s.0 != ConditionStatus::True).collect();
    let told = if broken.is_empty() { sides.iter().map(|(_, side)| side).collect() } else { broken };
    let summary = told.iter().map(|side| side.2.as_str()).collect::<Vec<_>>().join(" ");
    let (ok, reason) = told.first().map_or((ConditionStatus::Unknown, "NotSeenYet"), |side| (side.0, side.1));
    set(&mut status.conditions, "Ready", ok, reason, &summary, generation);
    let short = headline(&summary);
    // What does not work is told by its name first: the sentence may be cut.
    status.summary = if ok == ConditionStatus::True { short } else { format!("{reason}: {short}") };
    status
}

fn of_cloud(seen: &ObservedCloud) -> Side {
    let missing: Vec<&str> = NEEDED.into_iter().filter(|op| !seen.operations.iter().any(|o| o == op)).collect();
    if !missing.is_empty() {
        let text =
            format!("The server cannot do what is needed: {}. Use a server or bridge that can.", missing.join(", "));
        return (ConditionStatus::False, "OperationsMissing", text);
    }
    let vaults = count(seen.visible_vaults as usize, "vault");
    let reach = if seen.administrator {
        "as an administrator"
    } else {
        "not as an administrator, so there may be vaults that it cannot see"
    };
    (ConditionStatus::True, "Connected", format!("Connected as \"{}\", {reach}; sees {vaults}.", seen.identity))
}

fn of_entra(seen: &ObservedEntra) -> Side {
    let (optional, needed): (Vec<&MissingPermission>, Vec<&MissingPermission>) =
        seen.permissions_missing.iter().partition(|missing| missing.optional);
    let list = |missing: &[&MissingPermission]| {
        let each: Vec<String> = missing.iter().map(|m| format!("{} (for {})", m.name, m.needed_for)).collect();
        each.join(", ")
    };
    if !needed.is_empty() {
        let text = format!(
            "Entra ID: the operator's application lacks {}. Add them as application permissions of Microsoft Graph under API permissions, grant admin consent, and wait some minutes for the next token.",
            list(&needed)
        );
        return (ConditionStatus::False, "PermissionMissing", text);
    }
    let mut text = match &seen.application {
        Some(name) => format!("Entra ID: connected as \"{name}\""),
        None => "Entra ID: connected".to_owned(),
    };
    if seen.permissions_found.is_empty() {
        text.push_str("; the token does not tell its permissions");
    }
    if !optional.is_empty() {
        let _ = write!(text, "; without {}", list(&optional));
    }
    (ConditionStatus::True, "Connected", format!("{text}."))
}
