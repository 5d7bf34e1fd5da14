//! `SsoMigration`: guard → observe → plan → report. It has no effects yet.
//!
//! - here: the order of a pass
//! - `observe`: what both systems say now
//! - `report`: status, from what was observed

mod observe;
mod report;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;
use kube::runtime::controller::Action;
use tokio::time::timeout;

use self::observe::{Sight, Tenants};
use self::report::{Outcome, Reporter};
use super::{Connector, Context, Events, look_again, status};
use crate::api::{ReportReference, SsoMigration};
use crate::entra::{Entra as _, permission};
use crate::error::{Class, Failure};
use crate::plan::{Refusal, name_some};
use crate::store::Archive;

const KIND: &str = "SsoMigration";
/// A look that takes longer than this holds up others.
const LONGEST: Duration = Duration::from_mins(15);

/// What a pass over an `SsoMigration` works with.
pub struct Migrations<K: Connector> {
    /// What all drivers share.
    pub context: Arc<Context<K>>,
    /// What is told of their changes.
    pub events: Arc<Events>,
}

/// Brings one migration a pass further.
pub async fn reconcile<K: Connector>(object: Arc<SsoMigration>, shared: Arc<Migrations<K>>) -> Result<Action, Failure> {
    let (context, began) = (&shared.context, Instant::now());
    // The watch may not have brought our own last status yet, and a status that begins from an older one would undo it.
    let Some(object) = status::live(&context.client, &*object).await?.map(Arc::new) else {
        return Ok(Action::await_change());
    };
    if object.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let mut reporter = Reporter::new(context.client.clone(), shared.events.clone(), object.clone());
    reporter.begin().await?;
    match timeout(LONGEST, pass(&object, context)).await.unwrap_or_else(|_| Err(too_long())) {
        Ok(outcome) => {
            reporter.conclude(&outcome).await?;
            context.metrics.pass(KIND, outcome.reason(), began.elapsed());
            context.backoff.reset(&object.uid().unwrap_or_default());
            Ok(match outcome {
                Outcome::Suspended => Action::await_change(),
                // Neither tenant sends an event when something changes in it.
                Outcome::Refused(_) | Outcome::Looked { .. } => look_again(context.observe_interval, began.elapsed()),
            })
        }
        Err(failure) => {
            context.metrics.pass(KIND, failure.reason, began.elapsed());
            reporter.fail(&failure).await?;
            Err(failure)
        }
    }
}

async fn pass<K: Connector>(object: &SsoMigration, context: &Context<K>) -> Result<Outcome, Failure> {
    if object.spec.suspend {
        return Ok(Outcome::Suspended);
    }
    let namespace = object.namespace().unwrap_or_default();
    let name = &object.spec.connection_ref.name;
    let connected = context.connections.get(&namespace, name).await?;
    let Some(entra) = context.connections.entra_of(&connected.connection).await? else {
        return Ok(Outcome::Refused(Refusal::new(
            "EntraNotConfigured",
            format!(
                "TenantConnection \"{name}\" has no entra, and a migration needs the Entra tenant of its users. Add it: tenantId, clientId and credential."
            ),
        )));
    };
    let tenants = Tenants { connection: &connected.connection, cloud: &*connected.cloud, entra: &*entra };
    // Rights come by application permissions or by directory roles, and a token tells only of the former: so it is
    // tried, and only a refusal asks what is missing.
    let sight = match Sight::take(&object.spec, &tenants).await {
        Err(failure) if failure.reason == "PermissionMissing" => {
            let permissions = entra.permissions().await?;
            return permissions.as_ref().and_then(refuse_missing).map(Outcome::Refused).ok_or(failure);
        }
        sight => sight?,
    };
    let report = match sight.judge(&object.spec, &tenants, Timestamp::now()) {
        Ok(report) => report,
        Err(refusal) => return Ok(Outcome::Refused(refusal)),
    };
    let (secret_name, digest) = Archive::new(&context.client, object).save_forecast(&report).await?;
    let stored = ReportReference { secret_name, digest: digest.to_string() };
    Ok(Outcome::Looked { current: sight.current_application(), report: Box::new(report), stored })
}

fn too_long() -> Failure {
    let message = "Looking at both tenants took longer than a quarter of an hour, so it was given up. It is tried again; is one of them very slow?";
    Failure::new(Class::Transient, "LookTookTooLong", message)
}

/// Without these nothing could be said.
fn refuse_missing(found: &BTreeSet<String>) -> Option<Refusal> {
    let missing: Vec<_> = permission::missing(found).into_iter().filter(|needed| !needed.is_optional).collect();
    if missing.is_empty() {
        return None;
    }
    let what_for: Vec<String> =
        missing.iter().map(|needed| format!("{} for {}", needed.name, needed.what_for)).collect();
    Some(Refusal::new(
        "PermissionMissing",
        format!(
            "The operator's application in Entra ID lacks application permissions of Microsoft Graph: {}. Add them under API permissions, grant admin consent, and wait some minutes for the next token.",
            name_some(what_for.iter().map(String::as_str))
        ),
    ))
}
