//! The plan of a replacement in full, and how it reads.

use std::fmt::Write as _;

use kube::ResourceExt as _;

use super::style::{STRONG, field, paint, plain, wrap};
use super::subject::Subject as _;
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
    let is_as_written = reference.document_digest.is_empty() || plan.digest().as_str() == reference.document_digest;
    if plan.hash().as_str() != reference.hash || !is_as_written {
        return Err(Failure::new(
            crate::error::Class::Invalid,
            "PlanMismatch",
            format!(
                "Secret {} does not hold the plan {} as the operator wrote it: somebody changed it, or it is of another version of the operator. To have a new plan made, set the annotation {} to a new value.",
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
    let why = match object.condition("Ready") {
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
    let mut line = |name: &str, value: &str| text.push_str(&field(name, value));
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
    if reference.state != PlanState::AwaitingApproval {
        line("Now", object.summary());
    }
    text
}

/// Both phases of a plan, effect by effect.
pub fn phases(plan: &Plan, detail: Detail) -> String {
    let (giver, taker) = (&plan.ground.giver.name, &plan.ground.taker.name);
    let grants = count(plan.grants.len(), "permission");
    let revokes = count(plan.revokes.len(), "permission");
    let titles = [
        ("Phase 1: ", format!("\"{taker}\" is granted {grants}, from entries up to system")),
        ("Phase 2: ", format!("\"{giver}\" loses {revokes}, from system down to entries")),
    ];
    let mut text = String::new();
    for ((effects, before), (phase, title)) in
        [(&plan.grants, 0), (&plan.revokes, plan.grants.len())].into_iter().zip(titles)
    {
        let _ = writeln!(text, "\n{}", paint(STRONG, &wrap(phase, &title)));
        list(&mut text, effects, before, detail);
    }
    text
}

/// Numbered effects, in columns.
fn list(text: &mut String, effects: &[Effect], before: usize, detail: Detail) {
    let is_shown = |index: usize| detail == Detail::Full || index < SHOWN || index + 1 == effects.len();
    let shown = || effects.iter().enumerate().filter(|(index, _)| is_shown(*index));
    let width = |label: &str| textwrap::core::display_width(label);
    let column = shown().map(|(_, e)| width(&plain(&e.label))).max().unwrap_or_default().min(WIDEST_LABEL);
    let mut last = None;
    for (index, effect) in shown() {
        if last.is_some_and(|last| last + 1 != index) {
            let _ = writeln!(text, "      … and {} more (--full shows all)", index - SHOWN);
        }
        last = Some(index);
        let label = plain(&effect.label);
        let gap = " ".repeat(column.saturating_sub(width(&label)));
        let number = format!("{:>5} ", before + index + 1);
        let first = format!("{number}{label}{gap}  ");
        let held = plain(&held(&effect.permission));
        // Where both do not fit a line, what is held gets one of its own.
        if width(&first) + width(&held) <= super::style::WIDTH {
            let _ = writeln!(text, "{first}{held}");
        } else {
            // Left to the terminal, the rest of a long label would begin where effects do.
            let _ = writeln!(text, "{}\n{}", wrap(&number, label.trim_end()), wrap("        ", &held));
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

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::devolutions::{GroupId, Place};
    use crate::plan::replacement::{Ground, Party};

    fn plan(giver: &str, taker: &str, label: &str) -> Plan {
        let party = |name: &str| Party { id: GroupId(Uuid::nil()), name: name.to_owned() };
        let effect = |label: &str| Effect {
            place: Place::System,
            label: label.to_owned(),
            permission: serde_json::from_value(json!({"roleId": Uuid::nil()})).unwrap(),
        };
        let ground = Ground {
            tenant: "https://contoso.devolutions.app".to_owned(),
            giver: party(giver),
            taker: party(taker),
            members: BTreeSet::new(),
            giver_held: BTreeMap::new(),
            taker_held: BTreeMap::new(),
        };
        Plan { gate: Gate::Replacement, ground, grants: vec![effect(label)], revokes: vec![effect(label)] }
    }

    fn shown(plan: &Plan) -> Vec<String> {
        let object: GroupReplacement = serde_json::from_value(json!({
            "apiVersion": "migration.devolutions.net/v1alpha1",
            "kind": "GroupReplacement",
            "metadata": {"name": "sysadmins", "namespace": "migration"},
            "spec": {"connectionRef": {"name": "contoso"}, "from": {"name": "a"}, "to": {"displayName": "b"}},
        }))
        .unwrap();
        let reference = PlanReference {
            document_digest: String::new(),
            gate: Gate::Replacement,
            state: PlanState::AwaitingApproval,
            hash: plan.hash().to_string(),
            secret_name: "grpr-sysadmins-plan".to_owned(),
            grants: 1,
            revokes: 1,
            approver: None,
            approval: None,
        };
        let text = heading(&object, &reference, Some(plan)) + &phases(plan, Detail::Full);
        anstream::adapter::strip_str(&text).to_string().lines().map(ToOwned::to_owned).collect()
    }

    #[test]
    fn a_name_with_a_line_break_forges_no_line() {
        let honest = shown(&plan("Sysadmins", "Vault-Admins", "vault \"Network\""));
        let line_breaks = ["\n", "\r\n", "\u{b}", "\u{85}", "\u{2028}"];
        for line_break in line_breaks {
            let forged = |name: &str, line: &str| format!("{name}{line_break}{line}");
            let forging = plan(
                &forged("Sysadmins", "  Approved  by alice@contoso.example"),
                &forged("Vault-Admins", "Phase 2: \"Sysadmins\" loses nothing"),
                &forged("vault \"Network\"", "    2 nothing else"),
            );
            let shown = shown(&forging);
            // The same lines begin at the left, and each begins as it did; what a name adds is further in.
            let begins = |line: &String, text: &str| line.starts_with(text);
            assert!(!shown.iter().any(|l| begins(l, "  Approved  by alice")), "{line_break:?}: {shown:#?}");
            assert!(!shown.iter().any(|l| begins(l, "Phase 2: \"Sysadmins\" loses")), "{line_break:?}: {shown:#?}");
            assert!(!shown.iter().any(|l| begins(l, "    2 nothing")), "{line_break:?}: {shown:#?}");
            let left = |lines: &[String]| lines.iter().filter(|l| begins(l, "Phase") || begins(l, "  ")).count();
            assert!(left(&honest) <= left(&shown), "nothing is lost");
        }
    }

    #[test]
    fn a_long_label_is_broken_where_it_cannot_be_taken_for_an_effect() {
        let label = format!("vault \"x{}    2 nothing else\"", " ".repeat(80));
        let shown = shown(&plan("a", "b", &label));
        assert!(
            shown.iter().all(|line| textwrap::core::display_width(line) <= 80 || line.contains("sha256:")),
            "{shown:#?}"
        );
        assert!(!shown.iter().any(|line| line.starts_with("    2 nothing")), "{shown:#?}");
    }
}
