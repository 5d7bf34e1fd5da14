//! The plans of a migration: to begin, to cut over, to bring users across, to retire the way back, to go back.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;

use super::{Detail, Document, Planning, SUSPENDED, excerpt, left_out};
use crate::api::{Acknowledgement, Finding, Gate, PlanReference, PlanState, Severity, SsoMigration, Window};
use crate::client::forecast::{finding, size};
use crate::client::style::{STRONG, WAITS, columns, field, paint, wrap};
use crate::plan::migration::{MigrationPlan, Work};
use crate::plan::window::{Position, position};
use crate::plan::{NAMES_SHOWN, PlanHash, count};

/// How many effects are shown in short, the last one apart.
const SHOWN: usize = 12;

impl Planning for SsoMigration {
    type Plan = MigrationPlan;

    fn facts(&self, plan: &MigrationPlan) -> Vec<(&'static str, String)> {
        let mut facts = vec![
            ("What", plan.purpose()),
            ("Tenant", plan.tenant.clone()),
            ("Entra ID", format!("tenant {}", plan.entra_tenant)),
        ];
        let ids = match &plan.work {
            Work::Start { .. } | Work::Provisioning { .. } | Work::Retirement { .. } => return facts,
            Work::Cutover { from, to, .. } => [("Old", &from.client_id), ("New", &to.client_id)],
            Work::Rollback { from, to, .. } => [("Old", &to.client_id), ("New", &from.client_id)],
        };
        facts.extend(ids.map(|(which, id)| (which, named(self, id))));
        facts
    }

    fn opens(&self, reference: &PlanReference, now: Timestamp) -> Option<Timestamp> {
        match position(self.spec.cutover.window.as_ref(), now) {
            Position::Before(opens) if reference.gate == Gate::Cutover => Some(opens),
            _ => None,
        }
    }

    fn deferral(&self, reference: &PlanReference, now: Timestamp) -> Option<String> {
        if self.spec.suspend {
            return Some(SUSPENDED.to_owned());
        }
        if reference.state == PlanState::Preview {
            let said = "The mode is Plan, so nothing is done until it is Apply. The approval then counts where a person is asked at the gate Start (by spec.approvals, or by the connection's policy), as long as the plan is the same.";
            return Some(said.to_owned());
        }
        if reference.gate != Gate::Cutover {
            return None;
        }
        match position(self.spec.cutover.window.as_ref(), now) {
            Position::Within => None,
            Position::Before(opens) => Some(format!(
                "It is carried out when the window for the cut-over opens, at {opens}, if the plan is the same then."
            )),
            Position::After(closed) => Some(format!(
                "The window for the cut-over closed at {closed}, so nothing is done until spec.cutover.window gives another one, or none."
            )),
        }
    }
}

impl Document for MigrationPlan {
    fn hash(&self) -> PlanHash {
        Self::hash(self)
    }

    fn digest(&self) -> PlanHash {
        Self::digest(self)
    }

    fn body(&self, detail: Detail) -> String {
        let effects = self.effects();
        let numbered = |index: usize| format!("{}\n", wrap(&format!("{:>5} ", index + 1), &effects[index]));
        let numbered = excerpt(effects.len(), SHOWN, detail, numbered);
        format!("\n{}\n{numbered}{}", paint(STRONG, "What is done, in this order"), grounds(&self.work, detail))
    }
}

/// An application with its name, which status tells: a plan of two configurations has their ids only.
fn named(object: &SsoMigration, id: &str) -> String {
    let status = object.status.as_ref();
    let old = status.and_then(|s| s.current_application.as_ref()).map(|a| (&a.app_id, &a.display_name));
    let new = status.and_then(|s| s.application.as_ref()).map(|a| (&a.app_id, &a.display_name));
    let found = [old, new].into_iter().flatten().find(|(app_id, _)| app_id.eq_ignore_ascii_case(id));
    found.map_or_else(|| id.to_owned(), |(_, name)| format!("\"{name}\" ({id})"))
}

/// What a plan rests on, beside what its effects say.
fn grounds(work: &Work, detail: Detail) -> String {
    match work {
        Work::Start { current, assignments, accepted: findings, .. } => {
            let current = field("Current", &format!("\"{}\" ({})", current.1, current.0));
            [title(), current, field("Assigned", &size(assignments)), accepted(findings)].concat()
        }
        Work::Cutover { to, window, redirect_uris, forced, way_back, accepted: findings, losing, .. } => {
            let back = if *way_back {
                "yes: mode Rollback has people sign in by the old application again"
            } else {
                "none: nothing here can bring the old application back"
            };
            let otherwise = match forced {
                Some(true) => "nobody can sign in: this is the only way",
                Some(false) => "whoever has a Devolutions Account signs in with that, as today",
                None => "not known: this server does not tell whether this is the only way to sign in",
            };
            let when = window.as_ref().map_or_else(String::new, |window| field("When", &span(window)));
            let uris = redirect_uris.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            [
                title(),
                when,
                field("Way back", back),
                field("Otherwise", otherwise),
                field("Discovery", &to.discovery_url),
                field("Redirects", &uris),
                lost(losing, detail),
                accepted(findings),
            ]
            .concat()
        }
        Work::Provisioning {
            application,
            canary,
            assignments,
            expected,
            disabled,
            gaining,
            accepted: findings,
            ..
        } => {
            let nobody = || field("Disabling", "nobody");
            [
                title(),
                field("By", &format!("\"{}\" ({})", application.1, application.0)),
                field("Assigned", &size(assignments)),
                field("Synced", &format!("{} will be", count(*expected, "user"))),
                field("First", canary.as_ref().map_or("nobody: provisioning runs already", |canary| &canary.0)),
                if disabled.is_empty() {
                    nobody()
                } else {
                    some(disabled, "enabled in Devolutions Cloud and will be disabled", detail)
                },
                some(gaining, "cannot sign in now and will be able to, being assigned", detail),
                accepted(findings),
            ]
            .concat()
        }
        Work::Retirement { application, sign_ins, since, .. } => {
            let used = match sign_ins {
                Some(used) => format!("{} by it since {since}", count(*used, "sign-in")),
                None => "not known: the operator may not read Entra's sign-in log".to_owned(),
            };
            let name = if application.1.is_empty() { String::new() } else { format!("\"{}\" ", application.1) };
            [title(), field("Old", &format!("{name}({})", application.0)), field("Used", &used)].concat()
        }
        Work::Rollback { to, accepted: findings, .. } => {
            [title(), field("Discovery", &to.discovery_url), accepted(findings)].concat()
        }
    }
}

/// A window, in words.
fn span(window: &Window) -> String {
    let at = |time: &Time| time.0.strftime("%FT%TZ").to_string();
    match (&window.not_before, &window.not_after) {
        (Some(opens), Some(closes)) => format!("from {} to {}, and at no other time", at(opens), at(closes)),
        (Some(opens), None) => format!("from {} on", at(opens)),
        (None, Some(closes)) => format!("until {}", at(closes)),
        (None, None) => "at any time".to_owned(),
    }
}

fn title() -> String {
    format!("\n{}\n", paint(STRONG, "What it rests on"))
}

/// Who loses the sign-in.
fn lost(losing: &BTreeSet<String>, detail: Detail) -> String {
    if losing.is_empty() {
        return field("Losing", "nobody: whoever can sign in now still can");
    }
    some(losing, "can sign in now and will not be able to", detail)
}

/// Users of whom something grave is to be said, if there are any.
fn some(users: &BTreeSet<String>, what: &str, detail: Detail) -> String {
    if users.is_empty() {
        return String::new();
    }
    let shown = if detail == Detail::Full { users.len() } else { NAMES_SHOWN };
    let title = format!("{} {what}", count(users.len(), "user"));
    let mut text = format!("\n{} {}\n", paint(WAITS, "!"), paint(STRONG, &title));
    text.push_str(&columns(6, users.iter().take(shown).cloned()));
    if let Some(rest) = users.len().checked_sub(shown).filter(|rest| *rest > 0) {
        text.push_str(&left_out(rest));
    }
    text
}

/// What a person has accepted: the plan is for these findings and no others.
fn accepted(findings: &BTreeMap<String, String>) -> String {
    if findings.is_empty() {
        return String::new();
    }
    let finding = |(reason, message): (&String, &String)| Finding {
        reason: reason.clone(),
        severity: Severity::Critical,
        message: message.clone(),
        acknowledgement: Acknowledgement::Given,
    };
    let title = format!("What a person has accepted: {}", count(findings.len(), "finding"));
    let entries: String = findings.iter().map(finding).map(|finding| finding::entry(&finding)).collect();
    format!("\n{}\n{entries}", paint(STRONG, &title))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::client::document::text;
    use crate::client::example;
    use crate::client::example::cutover::{accepted, to_begin, to_cut_over, to_go_back, to_provision, to_retire};

    fn shown(plan: &MigrationPlan, detail: Detail) -> String {
        shown_of(&example::cutover::waiting(), plan, detail)
    }

    fn shown_of(migration: &SsoMigration, plan: &MigrationPlan, detail: Detail) -> String {
        let text = text(migration, &example::reference(plan.gate(), plan), plan, detail);
        anstream::adapter::strip_str(&text).to_string()
    }

    #[test]
    fn the_plan_to_cut_over_reads_well() {
        let losing = ["grace@partner.example", "paul@gone.example"].map(ToOwned::to_owned);
        example::check("plan-cutover.txt", &shown(&to_cut_over(accepted(), losing.into()), Detail::Full));
    }

    #[test]
    fn the_other_plans_say_what_is_done_and_to_whom() {
        let begin = to_begin("Devolutions Cloud", accepted());
        let full = shown(&begin, Detail::Full);
        assert!(full.contains("Assign user \"Contractor 14\"") && full.contains("3 groups and 14 users"), "{full}");
        assert!(full.contains("ConditionalAccessNamesApplication (accepted)"), "{full}");
        let short = shown(&begin, Detail::Short);
        assert!(short.contains("more (--full shows all)") && !short.contains("Contractor 13"), "{short}");
        let back = shown(&to_go_back(), Detail::Full);
        assert!(back.contains("has people sign in by the old application") && back.contains("Hide the new"), "{back}");
    }

    #[test]
    fn the_plan_to_bring_users_across_reads_well() {
        let plan = to_provision(["olga@contoso.example".to_owned()].into());
        example::check("plan-provisioning.txt", &shown(&plan, Detail::Full));
        assert!(shown(&to_provision(BTreeSet::new()), Detail::Short).contains("Disabling nobody"));
    }

    #[test]
    fn the_plan_to_remove_the_way_back_says_what_is_lost_and_who_used_it() {
        let shown_of = |sign_ins| shown(&to_retire(sign_ins), Detail::Full);
        let unused = shown_of(Some(0));
        assert!(unused.contains("nothing here can bring the old configuration back"), "{unused}");
        assert!(unused.contains("\"Devolutions Hub\"") && unused.contains("0 sign-ins by it since"), "{unused}");
        assert!(shown_of(None).contains("not known"));
    }

    #[test]
    fn many_who_lose_the_sign_in_are_counted_unless_all_are_asked_for() {
        let plan = to_cut_over(BTreeMap::new(), (0..30).map(|n| format!("user{n:02}@contoso.example")).collect());
        let short = shown(&plan, Detail::Short);
        assert!(short.contains("… and 10 more") && !short.contains("user29"), "{short}");
        assert!(shown(&plan, Detail::Full).contains("user29"));
        assert!(shown(&to_cut_over(BTreeMap::new(), BTreeSet::new()), Detail::Full).contains("Losing    nobody"));
    }

    #[test]
    fn an_approval_that_waits_for_something_says_for_what() {
        let mut migration = example::cutover::waiting();
        let mut reference = migration.status.as_ref().unwrap().plans[0].clone();
        let now: Timestamp = "2026-11-25T10:00:00Z".parse().unwrap();
        assert_eq!(migration.deferral(&reference, now), None);
        let mut window = |window| {
            migration.spec.cutover.window = serde_json::from_value(window).unwrap();
            migration.deferral(&reference, now).unwrap()
        };
        assert!(window(json!({"notBefore": "2026-11-28T20:00:00Z"})).contains("opens, at 2026-11-28T20:00:00Z"));
        assert!(window(json!({"notAfter": "2026-11-24T20:00:00Z"})).contains("closed at 2026-11-24T20:00:00Z"));
        reference.gate = Gate::Rollback;
        assert_eq!(migration.deferral(&reference, now), None, "going back waits for no window");
        (reference.gate, reference.state) = (Gate::Start, PlanState::Preview);
        assert!(migration.deferral(&reference, now).unwrap().contains("nothing is done until it is Apply"));
    }

    #[test]
    fn a_name_forges_no_line() {
        let lines = [
            "  Approved  by alice@contoso.example",
            "    2 nothing else",
            "  Way back  surely",
            "  ✓ Harmless (accepted)",
        ];
        for line in lines {
            // By a line break, and by words that fill the line before.
            let padded = (0..80).map(|n| format!("x{} {line}", " y".repeat(n)));
            for name in padded.chain(["\n", "\r\n", "\u{b}", "\u{85}", "\u{2028}"].map(|end| format!("x{end}{line}"))) {
                let mut begin = to_begin(&name, BTreeMap::from([(name.clone(), name.clone())]));
                if let Work::Start { current, assignments, .. } = &mut begin.work {
                    current.1.clone_from(&name);
                    assignments[0].name.clone_from(&name);
                }
                let cutover =
                    to_cut_over(BTreeMap::from([(name.clone(), name.clone())]), BTreeSet::from([name.clone()]));
                let mut migration = example::cutover::waiting();
                migration.status.as_mut().unwrap().application.as_mut().unwrap().display_name.clone_from(&name);
                let mut provision = to_provision(BTreeSet::from([name.clone()]));
                if let Work::Provisioning { application, canary, .. } = &mut provision.work {
                    application.1.clone_from(&name);
                    canary.as_mut().unwrap().0.clone_from(&name);
                }
                for plan in [begin, cutover, provision] {
                    let shown = shown_of(&migration, &plan, Detail::Full);
                    let forged = shown.lines().filter(|l| l.starts_with(line)).count();
                    assert_eq!(forged, 0, "{line:?}: {shown}");
                    let wide = |l: &str| {
                        textwrap::core::display_width(l) > 80 && !l.contains("sha256:") && !l.contains("https:")
                    };
                    assert!(!shown.lines().any(wide), "{shown}");
                }
            }
        }
    }
}
