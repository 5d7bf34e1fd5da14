//! Killed on its way back, a migration goes back once: to the old configuration, with nobody taken away.

use std::collections::BTreeSet;

use serde_json::json;

use crate::crashes::killed_until;
use crate::cutover::{able, change, saves};
use crate::cutover_crashes::{Outcome, hold_every_write, outcome};
use crate::migration::until_reason;
use crate::provisioning::{stage, synced, to_provisioning};
use crate::stage::{Stage, run};

/// What a migration is once it has gone back: who gets in, who is synced, how often was saved.
async fn went_back(stage: &Stage) -> (Outcome, Vec<String>, usize) {
    (outcome(stage).await, synced(&stage.sandbox).await, saves(stage).await)
}

/// Everybody has come across, and it is to go back.
async fn across(name: &str) -> (Stage, BTreeSet<String>) {
    let stage = stage(name, "").await;
    let before = able(&stage.sandbox).await;
    to_provisioning(&stage, json!({"approvals": []})).await;
    until_reason(&stage, "Verified").await;
    (stage, before)
}

#[test]
fn killed_at_every_write_of_the_way_back_it_goes_back_once() {
    run(async {
        let (stage, before) = across("rollback-none").await;
        change(&stage, json!({"mode": "Rollback"})).await;
        until_reason(&stage, "RolledBack").await;
        let expected = went_back(&stage).await;
        assert_eq!((&expected.0.able, expected.2), (&before, 2), "{expected:?}");
        stage.end().await;
        for action in ["HoldBeforeCommit", "HoldAfterCommit"] {
            let (mut stage, _) = across(&format!("rollback-{}", action[4..9].to_lowercase())).await;
            hold_every_write(&stage, action).await;
            change(&stage, json!({"mode": "Rollback"})).await;
            let points = killed_until(&mut stage, "RolledBack").await;
            for end in ["/authentication/sso", "/pause"] {
                assert!(points.iter().any(|(_, path)| path.ends_with(end)), "never killed at {end}: {points:?}");
            }
            assert_eq!(went_back(&stage).await, expected, "{action}");
            stage.assert_no_violation().await;
            stage.end().await;
        }
    });
}
