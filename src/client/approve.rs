//! `operator approve`: shows a plan, asks, approves it in one's own name, and tells what became of it.

use std::time::Duration;

use clap::Args;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::api::PostParams;
use kube::runtime::wait::await_condition;
use kube::{Api, ResourceExt as _};

use super::cluster::Cluster;
use super::document::{self, Detail};
use super::style::{GOOD, WAITS, paint, show, wrap};
use super::subject::Subject as _;
use super::{ClusterArgs, Kind, Stop, Target, approver, program};
use crate::api::{
    ApprovalTarget, GroupReplacement, PlanApproval, PlanApprovalSpec, PlanReference, PlanState, TargetKind,
};
use crate::plan::count;

/// Settings of `operator approve`.
#[derive(Args, Clone, Debug)]
// Each is a switch of its own on the command line.
#[allow(clippy::struct_excessive_bools)]
pub struct ApproveArgs {
    /// Whose plan: grpr/NAME
    pub target: Target,
    /// Where to look.
    #[command(flatten)]
    pub cluster: ClusterArgs,
    /// Approve without asking
    #[arg(short, long)]
    pub yes: bool,
    /// Show the whole plan, not only the first and last effects of each phase
    #[arg(long)]
    pub full: bool,
    /// Approve this plan only: the hash that you were given or saw before
    #[arg(long)]
    pub hash: Option<String>,
    /// How long the approval counts unless it is used, such as 2h or 90m [default: until it is deleted]
    #[arg(long, value_parser = duration)]
    pub expires_in: Option<Duration>,
    /// Approve by its hash a plan that you may not read
    #[arg(long)]
    pub without_reading: bool,
    /// Wait until the operator has said what becomes of the approval
    #[arg(long, default_value_t = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub wait: bool,
    /// How long to wait for that
    #[arg(long, default_value = "60s", value_parser = duration)]
    pub timeout: Duration,
}

fn duration(text: &str) -> Result<Duration, String> {
    let read = text.parse::<SignedDuration>().ok().and_then(|d| Duration::try_from(d).ok());
    read.filter(|d| !d.is_zero()).ok_or_else(|| "hours, minutes and seconds, such as 2h, 90m or 1h30m".to_owned())
}

/// Approves the plan that waits.
pub async fn approve(args: &ApproveArgs) -> Result<(), Stop> {
    let name = &args.target.name;
    match args.target.kind {
        Kind::GroupReplacement => {}
        Kind::SsoMigration => return Err(nothing_to_approve(name)),
    }
    let cluster = args.cluster.connect().await?;
    let object: GroupReplacement = cluster.get(name).await?;
    let reference = waiting(&object)?;
    if let Some(wanted) = args.hash.as_ref().filter(|wanted| **wanted != reference.hash) {
        return Err(Stop::refused(format!(
            "Not approved: the plan of \"{}\" is now {}, not {wanted}. Something that it rests on has changed. Look at it: {} plan grpr/{0} -n {}",
            object.name_any(),
            reference.hash,
            program(),
            cluster.namespace
        )));
    }
    show_plan(args, &cluster, &object, reference).await?;
    let approver = approver::whoami(&cluster).await?;
    approver::require_right(&cluster, &object, &approver).await?;
    if !args.yes {
        approver::confirm(&approver)?;
    }
    let approval = create(args, &cluster, &object, reference, &approver).await?;
    show(&format!("{}\n", wrap("", &format!("PlanApproval {} created as {approver}.", approval.name_any()))))?;
    if !args.wait {
        return Ok(());
    }
    outcome(args, &cluster, &approval, reference).await
}

fn nothing_to_approve(migration: &str) -> Stop {
    Stop::refused(format!(
        "Not approved: SsoMigration \"{migration}\" has nothing to approve yet. So far an SsoMigration only looks, and writes nothing outside the cluster. What it sees: {} plan ssom/{migration}",
        program()
    ))
}

/// The plan that an approval can be given to.
fn waiting(object: &GroupReplacement) -> Result<&PlanReference, Stop> {
    let present = document::present(object).ok_or_else(|| Stop::refused(document::none(object).message))?;
    match present.state {
        PlanState::AwaitingApproval | PlanState::Preview => Ok(present),
        PlanState::Running | PlanState::Stale | PlanState::Completed => Err(Stop::refused(format!(
            "No plan of GroupReplacement \"{}\" in namespace \"{}\" waits for approval (the last one: {}). Now: {}",
            object.name_any(),
            object.namespace().unwrap_or_default(),
            document::state(present),
            object.summary()
        ))),
    }
}

/// Nobody approves here what could not be shown, unless that is what they ask for.
async fn show_plan(
    args: &ApproveArgs,
    cluster: &Cluster,
    object: &GroupReplacement,
    reference: &PlanReference,
) -> Result<(), Stop> {
    match document::read(cluster, object, reference).await {
        Ok(plan) => {
            let detail = if args.full { Detail::Full } else { Detail::Short };
            let heading = document::heading(object, reference, Some(&plan));
            show(&format!("{heading}{}\n", document::phases(&plan, detail)))?;
            Ok(())
        }
        Err(failure) if args.without_reading => {
            let size = format!(
                "{} and {}",
                count(reference.grants as usize, "grant"),
                count(reference.revokes as usize, "revoke")
            );
            let said = format!("Nobody read this plan here ({size}): {}", failure.message);
            let heading = document::heading(object, reference, None);
            show(&format!("{heading}{}\n\n", paint(WAITS, &wrap("", &said))))?;
            Ok(())
        }
        Err(failure) => Err(Stop::refused(format!(
            "Not approved, since the plan could not be shown. {} To read it you need the verb get on the Secret {} in namespace \"{}\". To approve it by its hash all the same: --without-reading.",
            failure.message, reference.secret_name, cluster.namespace
        ))),
    }
}

async fn create(
    args: &ApproveArgs,
    cluster: &Cluster,
    object: &GroupReplacement,
    reference: &PlanReference,
    approver: &str,
) -> Result<PlanApproval, Stop> {
    let expires_at = match args.expires_in {
        None => None,
        Some(after) => {
            let at = SignedDuration::try_from(after).ok().and_then(|after| Timestamp::now().checked_add(after).ok());
            Some(Time(at.ok_or_else(|| Stop::failed("--expires-in is too long."))?))
        }
    };
    let spec = PlanApprovalSpec {
        target: ApprovalTarget {
            kind: TargetKind::GroupReplacement,
            name: object.name_any(),
            uid: object.uid().unwrap_or_default(),
        },
        gate: reference.gate,
        plan: reference.hash.clone(),
        approver: approver.to_owned(),
        expires_at,
    };
    let metadata = ObjectMeta { generate_name: Some(format!("{}-", object.name_any())), ..ObjectMeta::default() };
    let api: Api<PlanApproval> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    let what = format!("create a PlanApproval in namespace \"{}\"", cluster.namespace);
    let approval = PlanApproval { metadata, spec, status: None };
    api.create(&PostParams::default(), &approval).await.map_err(|e| Stop::kubernetes(&what, &e))
}

/// What the operator says of an approval: accepted or not, the reason, and why.
fn verdict(approval: &PlanApproval) -> Option<(bool, &str, &str)> {
    let conditions = &approval.status.as_ref()?.conditions;
    let accepted = conditions.iter().find(|c| c.type_ == "Accepted")?;
    Some((accepted.status == "True", &accepted.reason, &accepted.message))
}

/// Waits for the operator's word on the approval.
async fn outcome(
    args: &ApproveArgs,
    cluster: &Cluster,
    approval: &PlanApproval,
    reference: &PlanReference,
) -> Result<(), Stop> {
    let name = approval.name_any();
    let api: Api<PlanApproval> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    // What is only previewed is not begun, so being accepted is all that can become of it.
    let is_preview = reference.state == PlanState::Preview;
    let is_settled = |approval: Option<&PlanApproval>| {
        approval
            .is_none_or(|a| verdict(a).is_some_and(|(accepted, reason, _)| !accepted || reason == "Used" || is_preview))
    };
    let status = format!("{} status grpr/{} -n {}", program(), approval.spec.target.name, cluster.namespace);
    let settled = match tokio::time::timeout(args.timeout, await_condition(api, &name, is_settled)).await {
        Err(_) => {
            return Err(Stop::failed(format!(
                "PlanApproval {name} is there, but the operator has not used it within {} s. It still can: see `{status}`. If nothing moves, is the operator running, and does it work in this namespace?",
                args.timeout.as_secs()
            )));
        }
        Ok(Err(error)) => {
            return Err(Stop::failed(format!(
                "PlanApproval {name} is there, but what becomes of it cannot be watched: {error}. See `{status}`."
            )));
        }
        Ok(Ok(settled)) => settled,
    };
    match settled.as_ref().and_then(verdict) {
        Some((true, "Used", _)) => {
            show(&format!("{}\n", paint(GOOD, "Approved, and the operator has begun.")))?;
            show(&format!("{}\n", wrap("", &format!("Follow it: {status} --watch"))))?;
            Ok(())
        }
        Some((true, _, _)) => {
            show(&format!("{}\n", paint(GOOD, "Approved.")))?;
            let said = "The mode is Plan, so nothing is done until it is Apply; the approval counts as long as the plan is the same.";
            show(&format!("{}\n", wrap("", said)))?;
            Ok(())
        }
        Some((false, reason, message)) => {
            Err(Stop::refused(format!("The operator refused PlanApproval {name} ({reason}): {message}")))
        }
        None => Err(Stop::refused(format!("PlanApproval {name} was deleted before it was used."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_migration_has_nothing_to_approve() {
        let stop = nothing_to_approve("contoso");
        assert_eq!(stop.exit, super::super::Exit::Refused);
        assert!(stop.message.contains("only looks") && stop.message.contains("plan ssom/contoso"), "{}", stop.message);
    }

    #[test]
    fn durations_are_positive() {
        assert_eq!(duration("1h30m"), Ok(Duration::from_mins(90)));
        assert_eq!(duration("90m"), Ok(Duration::from_mins(90)));
        for text in ["", "2", "0s", "-1h", "tomorrow"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
