//! There and back: what was said and approved for one attempt counts for no other.

use serde_json::{Value, json};

use crate::approvals::{accepted, named};
use crate::stage::{ALICE, Stage, WITHIN, approval, condition, message, ready_reason, run};

fn last_hash(state: &Value) -> Value {
    state["status"]["plans"].as_array().unwrap().last().unwrap()["hash"].clone()
}

#[test]
fn an_approval_opens_one_gate_once_and_a_spare_one_opens_none() {
    run(async {
        let stage = Stage::new("once").await;
        stage.replace_sysadmins(json!({})).await;
        let first = stage.until_reason("sysadmins", "AwaitingApproval").await;
        stage.approve_as(ALICE, &named(approval(&first, ALICE), "first")).await.unwrap();
        stage.until_reason("sysadmins", "Replaced").await;
        stage.approve_as(ALICE, &named(approval(&first, ALICE), "spare")).await.unwrap();
        accepted(&stage, "spare", "PlanStale").await;
        stage.patch("sysadmins", json!({"mode": "Rollback"})).await;
        stage.approve("sysadmins").await;
        stage.until_reason("sysadmins", "RolledBack").await;
        let written = stage.writes().await.len();
        stage.patch("sysadmins", json!({"mode": "Apply"})).await;
        let again = stage.until_reason("sysadmins", "AwaitingApproval").await;
        assert_ne!(last_hash(&first), last_hash(&again), "the same permissions, and another attempt");
        assert!(accepted(&stage, "first", "Used").await.contains(ALICE));
        assert_eq!(stage.writes().await.len(), written);
        stage.end().await;
    });
}

#[test]
fn what_is_being_taken_back_is_no_success_and_turns_only_once_the_way_forth_has_settled() {
    run(async {
        let stage = Stage::new("turning").await;
        // Long enough for it to be seen.
        let settle = ["--devolutions-settle-seconds", "12"].map(ToOwned::to_owned);
        stage.operator.kill().await.unwrap();
        let operator = stage.another_operator(&settle).await;
        stage.replace_sysadmins(json!({"approval": "NotRequired"})).await;
        let there = stage.until_reason("sysadmins", "Replaced").await;
        assert_eq!(condition(&there, "Succeeded").unwrap()["status"], "True");
        stage.fault(json!({"method": "PUT", "nth": 2, "action": {"type": "HoldAfterCommit"}})).await;
        stage.patch("sysadmins", json!({"mode": "Rollback"})).await;
        let settling = stage.until_reason("sysadmins", "Settling").await;
        assert!(message(&settling).contains("could still take effect"), "{}", message(&settling));
        let hold = stage.sandbox.wait_for_hold(WITHIN).await.unwrap();
        let is_unknown = |s: &Value| condition(s, "Succeeded").unwrap()["status"] == "Unknown";
        stage.until("sysadmins", "no success any more", is_unknown).await;
        stage.sandbox.release(hold.id).await.unwrap();
        stage.until_reason("sysadmins", "RolledBack").await;
        stage.assert_no_violation().await;
        operator.stop().await.unwrap();
        stage.end().await;
    });
}

#[test]
fn what_was_approved_soaks_as_long_as_that_and_another_mode_in_between_asks_again() {
    run(async {
        let stage = Stage::new("soaked").await;
        stage.replace_sysadmins(json!({"soak": "24h"})).await;
        stage.approve("sysadmins").await;
        let soaking = stage.until_reason("sysadmins", "Soaking").await;
        let written = stage.writes().await.len();
        // Whoever may edit shortens nothing that somebody else has approved.
        stage.patch("sysadmins", json!({"soak": "0s"})).await;
        let is_observed = |s: &Value| s["status"]["observedGeneration"] == s["metadata"]["generation"];
        let still = stage.until("sysadmins", "another look", is_observed).await;
        assert_eq!(ready_reason(&still), "Soaking");
        assert_eq!(still["status"]["soakUntil"], soaking["status"]["soakUntil"]);

        stage.patch("sysadmins", json!({"mode": "Plan"})).await;
        stage.until_reason("sysadmins", "Planned").await;
        stage.patch("sysadmins", json!({"mode": "Apply"})).await;
        stage.until_reason("sysadmins", "AwaitingApproval").await;
        assert_eq!(stage.writes().await.len(), written);
        stage.approve("sysadmins").await;
        stage.until_reason("sysadmins", "Replaced").await;
        stage.assert_no_violation().await;
        stage.end().await;
    });
}

#[test]
fn who_is_to_be_asked_only_now_is_asked_before_anything_more_is_written() {
    run(async {
        let stage = Stage::new("asked-late").await;
        stage.replace_sysadmins(json!({"approval": "NotRequired", "soak": "24h"})).await;
        stage.until_reason("sysadmins", "Soaking").await;
        let written = stage.writes().await.len();
        stage.patch("sysadmins", json!({"approval": "Required", "soak": "0s"})).await;
        stage.until_reason("sysadmins", "AwaitingApproval").await;
        assert_eq!(stage.writes().await.len(), written);
        stage.approve("sysadmins").await;
        stage.until_reason("sysadmins", "Replaced").await;
        stage.assert_no_violation().await;
        stage.end().await;
    });
}

#[test]
fn without_its_checkpoint_nothing_is_said_to_be_as_it_was_and_nothing_is_written() {
    run(async {
        let stage = Stage::new("no-checkpoint").await;
        stage.replace_sysadmins(json!({"approval": "NotRequired"})).await;
        stage.until_reason("sysadmins", "Replaced").await;
        let written = stage.writes().await.len();
        let restored = stage.kubectl(&["get", "secret", "grpr-sysadmins-checkpoint", "-o", "json"]).await;
        stage.kubectl(&["delete", "secret", "grpr-sysadmins-checkpoint"]).await;
        for mode in ["Rollback", "Apply"] {
            stage.patch("sysadmins", json!({"mode": mode})).await;
            let refused = stage.until_reason("sysadmins", "CheckpointMissing").await;
            let said = message(&refused);
            assert!(said.contains("grpr-sysadmins-checkpoint") && said.contains("Restore it"), "{said}");
        }
        assert_eq!(stage.writes().await.len(), written);

        let mut restored: Value = serde_json::from_str(&restored).unwrap();
        for name in ["resourceVersion", "uid", "creationTimestamp", "managedFields"] {
            restored["metadata"].as_object_mut().unwrap().remove(name);
        }
        stage.apply(&restored).await.unwrap();
        stage.patch("sysadmins", json!({"mode": "Rollback"})).await;
        stage.until_reason("sysadmins", "RolledBack").await;
        stage.assert_no_violation().await;
        stage.end().await;
    });
}

#[test]
fn a_read_that_fails_among_many_makes_none_of_them_begin_anew() {
    run(async {
        let stage = Stage::new("patient").await;
        let busy = json!({"type": "Status", "status": 503});
        stage.fault(json!({"method": "GET", "path": "/api/v1/vaults", "times": 2, "action": busy})).await;
        stage.replace_sysadmins(json!({"approval": "NotRequired"})).await;
        let goes_on = |s: &Value| {
            assert!(!["ServerError", "Throttled"].contains(&ready_reason(s)), "{}", message(s));
            ready_reason(s) == "Replaced"
        };
        stage.until("sysadmins", "its end", goes_on).await;
        stage.end().await;
    });
}
