//! The plan of a replacement.

use std::fmt::Write as _;

use k8s_openapi::jiff::Timestamp;
use textwrap::core::display_width;

use super::{Detail, Document, Planning, SUSPENDED, excerpt};
use crate::api::{Gate, GroupReplacement, PlanReference, PlanState};
use crate::client::style::{STRONG, WIDTH, paint, plain, wrap};
use crate::devolutions::Permission;
use crate::plan::replacement::{Effect, NO_SOAK, Plan, describe};
use crate::plan::{PlanHash, count};

/// As many digits tell the ids of roles apart.
const ROLE_DIGITS: usize = 8;
/// In which order permissions are granted, and in which they are revoked.
const INNERMOST_FIRST: &str = "folders and entries, vaults, all vaults, system";
const OUTERMOST_FIRST: &str = "system, all vaults, vaults, folders and entries";
/// How many effects of a phase are shown in short, the last one apart.
const SHOWN: usize = 4;
/// Longer labels than this push what stands beside them out of its column.
const WIDEST_LABEL: usize = 52;

impl Planning for GroupReplacement {
    type Plan = Plan;

    fn facts(&self, plan: &Plan) -> Vec<(&'static str, String)> {
        let mut facts = vec![
            ("What", purpose(plan)),
            ("Tenant", plan.ground.tenant.clone()),
            ("Members", format!("{}, the same in both groups", plan.ground.members.len())),
        ];
        if plan.soak != NO_SOAK {
            facts.push(("Soak", format!("{}: so long both groups hold the permissions", plan.soak)));
        }
        facts
    }

    fn deferral(&self, reference: &PlanReference, _: Timestamp) -> Option<String> {
        if self.spec.suspend {
            return Some(SUSPENDED.to_owned());
        }
        let said = "The mode is Plan, so nothing is done until it is Apply; the approval counts as long as the plan is the same.";
        (reference.state == PlanState::Preview).then(|| said.to_owned())
    }
}

impl Document for Plan {
    fn hash(&self) -> PlanHash {
        Self::hash(self)
    }

    fn digest(&self) -> PlanHash {
        Self::digest(self)
    }

    /// Both phases.
    fn body(&self, detail: Detail) -> String {
        let (giver, taker) = (&self.ground.giver.name, &self.ground.taker.name);
        let grants = count(self.grants.len(), "permission");
        let revokes = count(self.revokes.len(), "permission");
        let titles = [
            ("Phase 1: ", format!("\"{taker}\" is granted {grants}, in this order: {INNERMOST_FIRST}")),
            ("Phase 2: ", format!("\"{giver}\" loses {revokes}, in this order: {OUTERMOST_FIRST}")),
        ];
        let mut text = String::new();
        for ((effects, before), (phase, title)) in
            [(&self.grants, 0), (&self.revokes, self.grants.len())].into_iter().zip(titles)
        {
            let _ = writeln!(text, "\n{}", paint(STRONG, &wrap(phase, &title)));
            text.push_str(&list(effects, before, detail));
        }
        text
    }
}

/// What a plan does in a sentence.
fn purpose(plan: &Plan) -> String {
    let (giver, taker) = (&plan.ground.giver.name, &plan.ground.taker.name);
    if plan.gate == Gate::Rollback {
        format!("\"{taker}\" gets back what it held before \"{giver}\" took its place")
    } else {
        format!("\"{taker}\" takes the place of \"{giver}\"")
    }
}

/// Numbered effects, in columns.
fn list(effects: &[Effect], before: usize, detail: Detail) -> String {
    let shown = effects.iter().enumerate().filter(|(index, _)| detail.shows(*index, effects.len(), SHOWN));
    let column = shown.map(|(_, effect)| display_width(&plain(&effect.label))).max().unwrap_or_default();
    let column = column.min(WIDEST_LABEL);
    excerpt(effects.len(), SHOWN, detail, |index| line(&effects[index], before + index + 1, column))
}

fn line(effect: &Effect, number: usize, column: usize) -> String {
    let label = plain(&effect.label);
    let gap = " ".repeat(column.saturating_sub(display_width(&label)));
    let number = format!("{number:>5} ");
    let first = format!("{number}{label}{gap}  ");
    let held = plain(&held(&effect.permission));
    // Where both do not fit a line, what is held gets one of its own.
    if display_width(&first) + display_width(&held) <= WIDTH {
        format!("{first}{held}\n")
    } else {
        // Left to the terminal, the rest of a long label would begin where effects do.
        format!("{}\n{}\n", wrap(&number, label.trim_end()), wrap("        ", &held))
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

    use super::super::text;
    use super::*;
    use crate::client::example;
    use crate::devolutions::{GroupId, Place};
    use crate::plan::replacement::{Ground, NO_SOAK, Party};

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
        let (grants, revokes) = (vec![effect(label)], vec![effect(label)]);
        Plan { gate: Gate::Replacement, attempt: 0, soak: NO_SOAK.to_owned(), ground, grants, revokes }
    }

    fn shown(plan: &Plan) -> Vec<String> {
        let reference = example::reference(plan.gate, plan);
        let text = text(&example::replacement(), &reference, plan, Detail::Full);
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
