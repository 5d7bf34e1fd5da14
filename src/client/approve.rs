//! `operator approve`: shows a plan, asks, approves it in one's own name, and tells what became of it.

use std::time::Duration;

use clap::Args;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::api::PostParams;
use kube::runtime::wait::await_condition;
use kube::{Api, ResourceExt as _};

use super::cluster::Cluster;
use super::document::{self, Detail, Planning};
use super::style::{GOOD, WAITS, paint, show, wrap};
use super::{ClusterArgs, Kind, Stop, Target, advice, approver};
use crate::api::{
    ApprovalTarget, GroupReplacement, PlanApproval, PlanApprovalSpec, PlanReference, PlanState, SsoMigration,
};
use crate::plan::count;

/// Settings of `operator approve`.
#[derive(Args, Clone, Debug)]
// Each is a switch of its own on the command line.
#[allow(clippy::struct_excessive_bools)]
pub struct ApproveArgs {
    /// Whose plan: grpr/NAME or ssom/NAME
    pub target: Target,
    /// Where to look.
    #[command(flatten)]
    pub cluster: ClusterArgs,
    /// Approve without asking
    #[arg(short, long)]
    pub yes: bool,
    /// Show the whole plan, not only its first and last effects
    #[arg(long)]
    pub full: bool,
    /// Approve this plan only: the hash that you were given or saw before
    #[arg(long, value_parser = hash)]
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

fn hash(text: &str) -> Result<String, String> {
    let digits = text.strip_prefix("sha256:").unwrap_or_default();
    let is_whole = digits.len() == 64 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    is_whole
        .then(|| text.to_owned())
        .ok_or_else(|| "a plan's whole hash: sha256: and 64 digits or letters from a to f".to_owned())
}

/// Approves the plan that waits.
pub async fn approve(args: &ApproveArgs) -> Result<(), Stop> {
    let cluster = args.cluster.connect().await?;
    match args.target.kind {
        Kind::GroupReplacement => approve_plan_of::<GroupReplacement>(args, &cluster).await,
        Kind::SsoMigration => approve_plan_of::<SsoMigration>(args, &cluster).await,
    }
}

async fn approve_plan_of<R: Planning>(args: &ApproveArgs, cluster: &Cluster) -> Result<(), Stop> {
    let object: R = cluster.get(&args.target.name).await?;
    let reference = waiting(&object)?;
    if let Some(wanted) = args.hash.as_ref().filter(|wanted| **wanted != reference.hash) {
        return Err(Stop::refused(format!(
            "Not approved: the plan of \"{}\" is now {}, not {wanted}. Something that it rests on has changed. Look at it: {}",
            object.name_any(),
            reference.hash,
            advice::ours(&object, "plan")
        )));
    }
    let expires_at = expiry(args, &object, reference, Timestamp::now())?;
    show_plan(args, cluster, &object, reference).await?;
    let approver = approver::whoami(cluster).await?;
    approver::require_right(cluster, &object, &approver).await?;
    if !args.yes {
        approver::confirm(&approver)?;
    }
    let approval = create(cluster, &object, reference, &approver, expires_at).await?;
    show(&format!("{}\n", wrap("", &format!("PlanApproval {} created as {approver}.", approval.name_any()))))?;
    if !args.wait {
        return Ok(());
    }
    outcome(args, cluster, &object, reference, &approval).await
}

/// The plan that an approval can be given to.
fn waiting(object: &impl Planning) -> Result<&PlanReference, Stop> {
    let present = document::present(object).ok_or_else(|| Stop::refused(object.lacks("plan").message))?;
    match present.state {
        PlanState::AwaitingApproval | PlanState::Preview => Ok(present),
        PlanState::Approved | PlanState::Running | PlanState::Stale | PlanState::Completed => {
            Err(Stop::refused(format!(
                "No plan of {} waits for approval (the last one: {}). Now: {}",
                object.called(),
                document::state(present),
                object.summary()
            )))
        }
    }
}

/// Nobody approves here what could not be shown, unless that is what they ask for.
async fn show_plan<R: Planning>(
    args: &ApproveArgs,
    cluster: &Cluster,
    object: &R,
    reference: &PlanReference,
) -> Result<(), Stop> {
    match document::read(cluster, object, reference).await {
        Ok(plan) => {
            let detail = if args.full { Detail::Full } else { Detail::Short };
            show(&format!("{}\n", document::text(object, reference, &plan, detail)))
        }
        Err(failure) if args.without_reading => {
            let said = format!("Nobody read this plan here{}: {}", size(reference), failure.message);
            let heading = document::heading(object, reference, None);
            show(&format!("{heading}{}\n\n", paint(WAITS, &wrap("", &said))))
        }
        Err(failure) => Err(Stop::refused(format!(
            "Not approved, since the plan could not be shown. {} To read it you need the verb get on the Secret {} in namespace \"{}\". To approve it by its hash all the same: --without-reading.",
            failure.message, reference.secret_name, cluster.namespace
        ))),
    }
}

/// How large a plan is, where status tells.
fn size(reference: &PlanReference) -> String {
    reference.grants.zip(reference.revokes).map_or_else(String::new, |(grants, revokes)| {
        format!(" ({} and {})", count(grants as usize, "grant"), count(revokes as usize, "revoke"))
    })
}

/// When the approval is to end. One that ends before anything may be done on it promises what it does not hold.
fn expiry(
    args: &ApproveArgs,
    object: &impl Planning,
    reference: &PlanReference,
    now: Timestamp,
) -> Result<Option<Time>, Stop> {
    let Some(after) = args.expires_in else { return Ok(None) };
    let at = SignedDuration::try_from(after).ok().and_then(|after| now.checked_add(after).ok());
    let at = at.ok_or_else(|| Stop::failed("--expires-in is too long."))?;
    match object.opens(reference, now).filter(|opens| *opens >= at) {
        None => Ok(Some(Time(at))),
        Some(opens) => Err(Stop::refused(format!(
            "Not approved: the approval would end at {}, before the window for the cut-over opens at {opens}, and nothing would be done on it. Give a longer --expires-in, or none.",
            at.strftime("%FT%TZ")
        ))),
    }
}

async fn create<R: Planning>(
    cluster: &Cluster,
    object: &R,
    reference: &PlanReference,
    approver: &str,
    expires_at: Option<Time>,
) -> Result<PlanApproval, Stop> {
    let spec = PlanApprovalSpec {
        target: ApprovalTarget { kind: R::TARGET, name: object.name_any(), uid: object.uid().unwrap_or_default() },
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

/// What has become of an object whose plan no longer waits; nothing where one does.
fn instead(object: &impl Planning) -> String {
    match waiting(object) {
        Ok(_) => String::new(),
        Err(_) => format!(" {} is now {}: {}", object.called(), object.reason(), object.told()),
    }
}

/// Waits for the operator's word on the approval.
async fn outcome<R: Planning>(
    args: &ApproveArgs,
    cluster: &Cluster,
    object: &R,
    reference: &PlanReference,
    approval: &PlanApproval,
) -> Result<(), Stop> {
    let name = approval.name_any();
    let api: Api<PlanApproval> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    // Where it is not used at once, being accepted is all that can become of it now.
    let deferral = object.deferral(reference, Timestamp::now());
    let is_end = |accepted: bool, reason: &str| !accepted || reason == "Used" || deferral.is_some();
    let is_settled = |approval: Option<&PlanApproval>| {
        approval.is_none_or(|a| verdict(a).is_some_and(|(accepted, reason, _)| is_end(accepted, reason)))
    };
    let status = advice::ours(object, "status");
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
            show(&format!("{}\n", wrap("", &format!("Follow it: {status} --watch"))))
        }
        Some((true, _, _)) => {
            show(&format!("{}\n", paint(GOOD, "Approved.")))?;
            show(&format!("{}\n", wrap("", &deferral.unwrap_or_default())))
        }
        Some((false, reason, message)) => {
            // What the approval is told is no more than that nothing waits for it. Why is told of its target.
            let target = cluster.find::<R>(&object.name_any()).await.ok().flatten();
            let why = target.filter(|_| reason == "PlanStale").map(|target| instead(&target)).unwrap_or_default();
            Err(Stop::refused(format!("The operator refused PlanApproval {name} ({reason}): {message}{why}")))
        }
        None => Err(Stop::refused(format!("PlanApproval {name} was deleted before it was used."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::example;

    #[test]
    fn only_a_plan_that_nobody_has_begun_can_be_approved() {
        let mut migration = example::cutover::waiting();
        assert_eq!(waiting(&migration).unwrap().gate, crate::api::Gate::Cutover);
        migration.status.as_mut().unwrap().plans[0].state = PlanState::Completed;
        let stop = waiting(&migration).unwrap_err();
        assert_eq!(stop.exit, super::super::Exit::Refused);
        let said =
            "No plan of SsoMigration \"contoso\" in namespace \"migration\" waits for approval (the last one: done).";
        assert!(stop.message.starts_with(said), "{}", stop.message);
        let stop = waiting(&example::replacement()).unwrap_err();
        assert!(stop.exit == super::super::Exit::Refused && stop.message.contains("has no plan"), "{}", stop.message);
    }

    #[test]
    fn a_refusal_tells_what_came_in_between() {
        assert_eq!(instead(&example::cutover::waiting()), "", "a plan waits, if another one");
        let held =
            example::migration(&serde_json::json!({"reason": "PreflightFailed", "message": "Somebody is not there."}));
        let said =
            " SsoMigration \"contoso\" in namespace \"migration\" is now PreflightFailed: Somebody is not there.";
        assert_eq!(instead(&held), said);
    }

    #[test]
    fn the_size_is_told_where_it_is_known() {
        let mut reference = example::cutover::waiting().status.unwrap().plans.remove(0);
        assert_eq!(size(&reference), "");
        (reference.grants, reference.revokes) = (Some(10), Some(1));
        assert_eq!(size(&reference), " (10 grants and 1 revoke)");
    }

    #[test]
    fn only_a_whole_hash_is_one() {
        let whole = format!("sha256:{}", "0f".repeat(32));
        assert_eq!(hash(&whole), Ok(whole.clone()));
        for text in ["", "sha256:", &whole[..20], &whole[7..], &whole.to_uppercase()] {
            assert!(hash(text).unwrap_err().contains("64 digits"), "{text}");
        }
    }

    #[test]
    fn an_approval_that_ends_before_the_window_opens_is_refused() {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            args: ApproveArgs,
        }
        let args = |more: &[&str]| <Line as clap::Parser>::parse_from([&["x", "ssom/contoso"], more].concat()).args;
        let now: Timestamp = "2027-01-15T06:00:00Z".parse().unwrap();
        let mut migration = example::cutover::waiting();
        migration.spec.cutover.window =
            serde_json::from_value(serde_json::json!({"notBefore": "2027-01-16T06:00:00Z"})).unwrap();
        let reference = migration.status.as_ref().unwrap().plans[0].clone();
        let ends =
            |more: &[&str]| expiry(&args(more), &migration, &reference, now).map(|at| at.map(|at| at.0.to_string()));
        assert_eq!(ends(&[]).unwrap(), None);
        assert_eq!(ends(&["--expires-in", "25h"]).unwrap().unwrap(), "2027-01-16T07:00:00Z");
        let stop = ends(&["--expires-in", "24h"]).unwrap_err();
        assert!(stop.message.contains("opens at 2027-01-16T06:00:00Z"), "{}", stop.message);
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
