//! What could get in the way of a migration is found, named, and comes with what to do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test ends at the first surprise.
#![allow(clippy::needless_pass_by_value)] // Written in place, every time.

mod application;
mod group;
mod single_sign_on;
mod stage;
mod user;

use crate::stage::*;
use Severity::Warning;
use operator::api::{Acknowledgement, Severity};
use operator::plan::forecast::Waivers;
use operator::plan::preflight::{AssignedGroup, Observed, findings, is_open};
use serde_json::json;

#[test]
fn a_clean_tenant_has_no_findings() {
    assert_eq!(found(json!({}), |_| {}), []);
}

#[test]
fn what_a_person_accepts_holds_nothing_up_and_nothing_else_can_be_accepted() {
    let accept = |reasons: &[&str], change: fn(&mut Observed)| {
        let mut seen = clean();
        change(&mut seen);
        findings(&spec(json!({"acknowledgements": reasons})), &seen, &Waivers::default(), Some(&forecast(|_| {})))
    };
    let accepted = accept(&["ConditionalAccessNotChecked"], |seen| seen.conditional_access = None);
    assert_eq!(accepted.len(), 1);
    assert!(accepted[0].acknowledgement == Acknowledgement::Given && !is_open(&accepted[0]), "{accepted:?}");
    // Not what must be resolved.
    let forced = accept(&["SingleSignOnForced"], |seen| seen.forces_sso = Some(true));
    assert!(forced.iter().any(|f| f.reason == "SingleSignOnForced" && is_open(f)), "{forced:?}");
    assert!(forced.iter().any(|f| f.reason == "AcknowledgementOfNothing" && f.message.contains("SingleSignOnForced")));
    // Nor what is not there, lest it be accepted when it comes.
    one("AcknowledgementOfNothing", Warning, false, &["NoWayBack"], accept(&["NoWayBack"], |_| {}));
    // But for what only shows later.
    assert_eq!(accept(&["CanaryNotSeen", "ReplacementsDependOnIt", "OldApplicationInUse"], |_| {}), []);
}

#[test]
fn the_gravest_come_first() {
    let found = found(json!({}), |seen| {
        seen.assigned_groups = vec![AssignedGroup { nests: true, ..staff() }];
        seen.forces_sso = Some(true);
        seen.conditional_access = None;
    });
    let reasons: Vec<&str> = found.iter().map(|f| f.reason.as_str()).collect();
    assert_eq!(reasons, ["ConditionalAccessNotChecked", "SingleSignOnForced", "NestedGroups"]);
}
