//! `PlanApproval`: judged, and told so.

use std::sync::Arc;

use k8s_controller::conditions::ConditionStatus;
use k8s_openapi::jiff::Timestamp;
use kube::runtime::controller::Action;
use kube::{Api, Client, ResourceExt as _};

use super::status::{self, set};
use super::{Connector, Context, LONGEST_SLEEP, guard, wake_at};
use crate::api::{Asks, GroupReplacement, PlanApproval, PlanApprovalStatus, SsoMigration, TargetKind};
use crate::error::Failure;
use crate::plan::approval::{Pending, Verdict, judge};

/// Says of an approval whether it counts, and if not, why.
pub async fn reconcile<K: Connector>(object: Arc<PlanApproval>, context: Arc<Context<K>>) -> Result<Action, Failure> {
    if is_used(&object) {
        return Ok(Action::await_change());
    }
    let (accepted, reason, message) = examine(&object, &context.client).await?;
    let mut status = PlanApprovalStatus {
        observed_generation: object.metadata.generation,
        ..object.status.clone().unwrap_or_default()
    };
    let value = if accepted { ConditionStatus::True } else { ConditionStatus::False };
    set(&mut status.conditions, "Accepted", value, reason, &message, object.metadata.generation);
    if object.status.as_ref() != Some(&status) {
        status::write(&context.client, &*object, &status).await?;
    }
    context.backoff.reset(&object.uid().unwrap_or_default());
    let now = Timestamp::now();
    let expires_at = object.spec.expires_at.as_ref().map(|at| at.0).filter(|at| *at > now);
    // An expiry sends no event; anything else that matters is watched.
    Ok(expires_at.map_or_else(Action::await_change, |at| wake_at(at, LONGEST_SLEEP)))
}

/// An approval opens one gate once, so once it has, nothing more is to be said of it.
fn is_used(object: &PlanApproval) -> bool {
    let conditions = object.status.as_ref().map(|s| s.conditions.as_slice()).unwrap_or_default();
    conditions.iter().any(|c| c.type_ == "Accepted" && c.reason == "Used")
}

async fn examine(object: &PlanApproval, client: &Client) -> Result<(bool, &'static str, String), Failure> {
    match object.spec.target.kind {
        TargetKind::GroupReplacement => hold::<GroupReplacement>(object, client).await,
        TargetKind::SsoMigration => hold::<SsoMigration>(object, client).await,
    }
}

/// Holds an approval against its target.
async fn hold<R: Asks>(object: &PlanApproval, client: &Client) -> Result<(bool, &'static str, String), Failure> {
    let spec = &object.spec;
    let api: Api<R> = Api::namespaced(client.clone(), &object.namespace().unwrap_or_default());
    let target = api
        .get_opt(&spec.target.name)
        .await
        .map_err(|e| Failure::kubernetes(&format!("read {} \"{}\"", R::kind(&()), spec.target.name), &e))?;
    let plans = target.as_ref().map(Asks::plans).unwrap_or_default();
    let used = plans.iter().any(|p| p.approval == object.metadata.name && p.hash == spec.plan);
    if used {
        return Ok((true, "Used", format!("The plan was begun on {}'s word.", spec.approver)));
    }
    let waiting = plans.iter().find(|plan| plan.state.is_only_shown());
    let uid = target.as_ref().and_then(kube::ResourceExt::uid).unwrap_or_default();
    let pending = target.as_ref().map(|_| Pending {
        kind: R::TARGET,
        name: &spec.target.name,
        uid: &uid,
        plan: waiting.map(|p| (p.gate, p.hash.as_str())),
    });
    let guard = guard::look(client).await?;
    Ok(match judge(spec, made_at(object), pending.as_ref(), &guard, Timestamp::now()) {
        Verdict::Accepted => (true, "Accepted", "It counts for the plan that waits now.".to_owned()),
        Verdict::Refused { reason, message } => (false, reason, message),
    })
}

/// The approval that passes the gate of the pending plan, if there is one. Those whose uid is in
/// `used` have opened a gate already.
pub async fn find(
    client: &Client,
    namespace: &str,
    pending: &Pending<'_>,
    used: &[String],
) -> Result<Option<PlanApproval>, Failure> {
    let api: Api<PlanApproval> = Api::namespaced(client.clone(), namespace);
    let approvals = api
        .list(&kube::api::ListParams::default())
        .await
        .map_err(|e| Failure::kubernetes("list the PlanApprovals", &e))?;
    let ours: Vec<PlanApproval> = approvals
        .items
        .into_iter()
        .filter(|a| a.spec.target.kind == pending.kind && a.spec.target.name == pending.name)
        .filter(|a| a.metadata.uid.as_ref().is_some_and(|uid| !used.contains(uid)) && !is_used(a))
        .collect();
    if ours.is_empty() {
        return Ok(None);
    }
    let guard = guard::look(client).await?;
    let now = Timestamp::now();
    Ok(ours.into_iter().find(|a| {
        a.metadata.deletion_timestamp.is_none()
            && judge(&a.spec, made_at(a), Some(pending), &guard, now) == Verdict::Accepted
    }))
}

/// When the API server stored it. One without a time was not stored, and counts as made before anything.
fn made_at(object: &PlanApproval) -> Timestamp {
    object.metadata.creation_timestamp.as_ref().map_or(Timestamp::MIN, |t| t.0)
}
