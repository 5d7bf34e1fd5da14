//! A plan in full, and how it reads.

use std::fmt::Write as _;

use kube::ResourceExt as _;

use super::style::{STRONG, paint, plain, wrap};
use super::{Stop, cluster::Cluster};
use crate::api::{Gate, GroupReplacement, PlanReference, PlanState};
use crate::devolutions::Permission;
use crate::error::Failure;
use crate::plan::count;
use crate::plan::replacement::{Effect, Plan, describe};
use crate::store::Archive;

/// As many digits tell the ids of roles apart.
const ROLE_DIGITS: usize = 8;
/// How many effects of a phase are shown in short, the last one apart.
const SHOWN: usize = 4;

/// Longer labels than this push what stands beside them out of its column.
const WIDEST_LABEL: usize = 52;

/// How much of a plan is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Detail {
    /// The first effects of each phase and the last.
    Short,
    /// All of them.
    Full,
}

/// The present plan of a resource: the last in its status.
pub fn present(object: &GroupReplacement) -> Option<&PlanReference> {
    object.status.as_ref()?.plans.last()
}

/// Reads the plan that `reference` names, and makes sure that it is that one.
pub async fn read(cluster: &Cluster, object: &GroupReplacement, reference: &PlanReference) -> Result<Plan, Failure> {
    let plan: Plan = Archive::new(&cluster.client, object).load(&reference.secret_name).await?;
    if plan.hash().as_str() != reference.hash {
        return Err(Failure::new(
            crate::error::Class::Invalid,
            "PlanMismatch",
            format!(
                "Secret {} does not hold the plan {}: somebody changed it, or it is of another version of the operator. To have a new plan made, set the annotation {} to a new value.",
                reference.secret_name,
                reference.hash,
                crate::api::REQUESTED_AT
            ),
        ));
    }
    Ok(plan)
}

/// There is no plan, and why.
pub fn none(object: &GroupReplacement) -> Stop {
    let conditions = object.status.as_ref().map(|s| s.conditions.as_slice()).unwrap_or_default();
    let why = match conditions.iter().find(|c| c.type_ == "Ready") {
        Some(ready) => format!("{}: {}", ready.reason, ready.message),
        None => "The operator has not looked at it. Is it running, and does it work in this namespace?".to_owned(),
    };
    Stop::failed(format!(
        "GroupReplacement \"{}\" in namespace \"{}\" has no plan. {why}",
        object.name_any(),
        object.namespace().unwrap_or_default()
    ))
}

/// What a plan does in a sentence.
pub fn purpose(plan: &Plan) -> String {
    let (giver, taker) = (&plan.ground.giver.name, &plan.ground.taker.name);
    match plan.gate {
        Gate::Replacement => format!("\"{taker}\" takes the place of \"{giver}\""),
        Gate::Rollback => format!("\"{taker}\" gets back what it held before \"{giver}\" took its place"),
    }
}

/// How far a plan is, for people.
pub fn state(reference: &PlanReference) -> &'static str {
    match reference.state {
        PlanState::Preview => "shown only, since the mode is Plan",
        PlanState::AwaitingApproval => "waits for approval",
        PlanState::Running => "being carried out",
        PlanState::Stale => "stopped: the world no longer fits it",
        PlanState::Completed => "done",
    }
}

/// What a plan is and how far it is; without the plan itself, what status says of it.
pub fn heading(object: &GroupReplacement, reference: &PlanReference, plan: Option<&Plan>) -> String {
    let title = format!("Plan of {} in namespace {}", object.name_any(), object.namespace().unwrap_or_default());
    let mut text = format!("{}\n", paint(STRONG, &title));
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "{}", wrap(&format!("  {name:<9} "), value));
    };
    if let Some(plan) = plan {
        line("What", &purpose(plan));
        line("Tenant", &plan.ground.tenant);
        line("Members", &format!("{}, the same in both groups", plan.ground.members.len()));
    }
    line("State", state(reference));
    match (&reference.approver, reference.state) {
        (Some(approver), _) => line("Approved", &format!("by {approver}")),
        (None, PlanState::AwaitingApproval) => line("Approved", "by nobody yet"),
        (None, PlanState::Preview) => {}
        (None, _) => line("Approved", "by nobody: no approval was required"),
    }
    line("Gate", reference.gate.as_str());
    line("Hash", &reference.hash);
    if let (Some(status), false) = (&object.status, reference.state == PlanState::AwaitingApproval) {
        line("Now", &status.summary);
    }
    text
}

/// Both phases of a plan, effect by effect.
pub fn phases(plan: &Plan, detail: Detail) -> String {
    let (giver, taker) = (&plan.ground.giver.name, &plan.ground.taker.name);
    let grants = count(plan.grants.len(), "permission");
    let revokes = count(plan.revokes.len(), "permission");
    let titles = [
        format!("Phase 1: \"{taker}\" is granted {grants}, from entries up to system"),
        format!("Phase 2: \"{giver}\" loses {revokes}, from system down to entries"),
    ];
    let mut text = String::new();
    for ((effects, before), title) in [(&plan.grants, 0), (&plan.revokes, plan.grants.len())].into_iter().zip(titles) {
        let _ = writeln!(text, "\n{}", paint(STRONG, &wrap("", &title)));
        list(&mut text, effects, before, detail);
    }
    text
}

/// Numbered effects, in columns.
fn list(text: &mut String, effects: &[Effect], before: usize, detail: Detail) {
    let is_shown = |index: usize| detail == Detail::Full || index < SHOWN || index + 1 == effects.len();
    let shown = || effects.iter().enumerate().filter(|(index, _)| is_shown(*index));
    let width = |label: &str| textwrap::core::display_width(label);
    let column = shown().map(|(_, e)| width(&e.label)).max().unwrap_or_default().min(WIDEST_LABEL);
    let mut last = None;
    for (index, effect) in shown() {
        if last.is_some_and(|last| last + 1 != index) {
            let _ = writeln!(text, "      … and {} more (--full shows all)", index - SHOWN);
        }
        last = Some(index);
        let label = plain(&effect.label).replace('\n', " ");
        let gap = " ".repeat(column.saturating_sub(width(&label)));
        let first = format!("{:>5} {label}{gap}  ", before + index + 1);
        let held = plain(&held(&effect.permission));
        // Where both do not fit a line, what is held gets one of its own.
        if width(&first) + width(&held) <= super::style::WIDTH {
            let _ = writeln!(text, "{first}{held}");
        } else {
            let _ = writeln!(text, "{}\n{}", first.trim_end(), wrap("        ", &held));
        }
    }
}

/// A permission in few words. Plans hold roles by id, and only Devolutions Cloud knows their names.
fn held(permission: &Permission) -> String {
    match permission.0.get("roleId").and_then(serde_json::Value::as_str) {
        Some(role) => format!("role {}", role.get(..ROLE_DIGITS).unwrap_or(role)),
        None => describe(permission).replace('+', ", "),
    }
}
