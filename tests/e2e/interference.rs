//! What others do while a replacement is under way: nobody's access changes by our doing, whatever it is.

use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::{Stage, WITHIN, condition, is_observed, message, ready_reason, run};

/// What a person reads or writes.
async fn person(stage: &Stage, method: Method, path: &str, body: Option<Value>) -> Value {
    let person = stage.sandbox.as_person().await.unwrap();
    person.call(method, &format!("/api/v1{path}"), body.as_ref()).await.unwrap()
}

async fn id(stage: &Stage, list: &str, name: &str) -> String {
    let found = person(stage, Method::GET, &format!("{list}?pageSize=500"), None).await;
    let one = found["data"].as_array().unwrap().iter().find(|item| item["name"] == name).unwrap();
    one["id"].as_str().unwrap().to_owned()
}

async fn settled(stage: &Stage, name: &str) -> Value {
    let done = |s: &Value| {
        is_observed(s) && (condition(s, "Stalled").is_some() || matches!(ready_reason(s), "Replaced" | "RolledBack"))
    };
    stage.until(name, "an end", done).await
}

#[test]
fn an_assignment_made_below_while_grants_are_under_way_stops_it_before_any_harm() {
    run(async {
        let stage = Stage::new("below").await;
        stage.fault(json!({"method": "PUT", "nth": 1, "action": {"type": "HoldAfterCommit"}})).await;
        stage.replace_sysadmins(json!({"approval": "NotRequired"})).await;
        let hold = stage.sandbox.wait_for_hold(WITHIN).await.unwrap();
        let (custom, vault) = (id(&stage, "/groups", "Sysadmins").await, id(&stage, "/vaults", "Infrastructure").await);
        let entry = id(&stage, &format!("/vaults/{vault}/entries"), "backup@db01").await;
        let place = format!("/vaults/{vault}/entries/{entry}/permissions/groups/{custom}");
        person(&stage, Method::PUT, &place, Some(json!({"flags": {"viewVault": true}}))).await;
        stage.sandbox.release(hold.id).await.unwrap();
        let stale = stage.until_reason("sysadmins", "PlanStale").await;
        assert!(message(&stale).contains("backup@db01"), "{}", message(&stale));
        stage.assert_no_violation().await;
        stage.end().await;
    });
}

#[test]
fn the_way_there_and_the_way_back_of_one_pair_never_take_away_what_the_other_rests_on() {
    run(async {
        // Without an ETag the server itself keeps nobody apart.
        let stage = Stage::with_switches("opposite", "{noETag: true}").await;
        let pair = || (json!({"name": "Sysadmins"}), json!({"displayName": "Vault-Admins"}));
        let ((from, to), now) = (pair(), json!({"approval": "NotRequired"}));
        stage.replace("there", from, to, now.clone()).await;
        stage.until_reason("there", "Replaced").await;
        stage.fault(json!({"method": "DELETE", "nth": 1, "action": {"type": "HoldBeforeCommit"}})).await;
        stage.patch("there", json!({"mode": "Rollback"})).await;
        let hold = stage.sandbox.wait_for_hold(WITHIN).await.unwrap();
        let (from, to) = pair();
        stage.replace("again", from, to, now).await;
        // It has its plan and may begin: from here only the claim on the groups holds it back.
        stage.until("again", "a plan", |s| s["status"]["plans"][0]["state"] == "Running").await;
        stage.sandbox.release(hold.id).await.unwrap();
        settled(&stage, "there").await;
        settled(&stage, "again").await;
        stage.assert_no_violation().await;
        stage.end().await;
    });
}

#[test]
fn a_change_before_anything_was_written_there_belongs_to_the_state_that_a_rollback_restores() {
    run(async {
        let stage = Stage::new("between").await;
        stage.fault(json!({"method": "PUT", "nth": 1, "action": {"type": "HoldAfterCommit"}})).await;
        stage.replace_sysadmins(json!({"approval": "NotRequired"})).await;
        let hold = stage.sandbox.wait_for_hold(WITHIN).await.unwrap();
        let (custom, vault) = (id(&stage, "/groups", "Sysadmins").await, id(&stage, "/vaults", "Network").await);
        let place = format!("/vaults/{vault}/permissions/groups/{custom}");
        person(&stage, Method::PUT, &place, Some(json!({"flags": {"viewVault": true, "viewEntries": true}}))).await;
        stage.sandbox.release(hold.id).await.unwrap();
        stage.until_reason("sysadmins", "PlanStale").await;
        stage.kubectl(&["annotate", "grpr", "sysadmins", "migration.devolutions.net/requestedAt=1"]).await;
        stage.until_reason("sysadmins", "Replaced").await;
        stage.patch("sysadmins", json!({"mode": "Rollback"})).await;
        let back = settled(&stage, "sysadmins").await;
        assert_eq!(ready_reason(&back), "RolledBack", "{}", message(&back));
        let now = person(&stage, Method::GET, &format!("/vaults/{vault}/permissions"), None).await;
        assert_eq!(now["groups"][&custom], json!({"flags": {"viewVault": true, "viewEntries": true}}));
        stage.assert_no_violation().await;
        stage.end().await;
    });
}

#[test]
fn under_an_old_name_no_other_groups_are_worked_on() {
    run(async {
        let stage = Stage::new("old-name").await;
        stage.replace_sysadmins(json!({"approval": "NotRequired", "soak": "24h"})).await;
        stage.until_reason("sysadmins", "Soaking").await;
        let written = stage.writes().await.len();
        stage.kubectl(&["delete", "grpr", "sysadmins"]).await;
        let (from, to) = (json!({"name": "Helpdesk"}), json!({"displayName": "SG-Helpdesk"}));
        stage.replace("sysadmins", from, to, json!({"approval": "NotRequired"})).await;
        let refused = stage.until_reason("sysadmins", "CheckpointMismatch").await;
        assert!(message(&refused).contains("give the new resource another name"), "{}", message(&refused));
        assert_eq!(stage.writes().await.len(), written);
        stage.end().await;
    });
}

#[test]
fn what_cannot_be_read_is_not_taken_for_empty() {
    run(async {
        let stage = Stage::new("unreadable").await;
        let missing = json!({"type": "Status", "status": 404});
        stage
            .fault(json!({"method": "GET", "path": "/api/v1/vaults/*/permissions", "times": 0, "action": missing}))
            .await;
        stage.replace("helpdesk", json!({"name": "Helpdesk"}), json!({"displayName": "SG-Helpdesk"}), json!({})).await;
        let trying = stage.until_reason("helpdesk", "VanishedMeanwhile").await;
        assert_eq!(condition(&trying, "Succeeded").unwrap()["status"], "Unknown");
        stage.sandbox.clear_faults().await.unwrap();
        let plan = stage.until_reason("helpdesk", "AwaitingApproval").await;
        assert_ne!(plan["status"]["plans"][0]["grants"], 0);
        stage.end().await;
    });
}

#[test]
fn a_way_back_before_the_first_write_ends_the_run_and_the_next_one_asks_again() {
    run(async {
        let mut stage = Stage::new("unbegun").await;
        stage.fault(json!({"method": "PUT", "nth": 1, "action": {"type": "HoldBeforeCommit"}})).await;
        stage.replace_sysadmins(json!({})).await;
        stage.approve("sysadmins").await;
        // Held before it took effect, and its client killed: it never does.
        stage.sandbox.wait_for_hold(WITHIN).await.unwrap();
        stage.operator.kill().await.unwrap();
        stage.patch("sysadmins", json!({"mode": "Rollback"})).await;
        stage.operator.restart().await.unwrap();
        stage.until_reason("sysadmins", "RolledBack").await;
        stage.patch("sysadmins", json!({"mode": "Apply"})).await;
        stage.until_reason("sysadmins", "AwaitingApproval").await;
        stage.assert_nothing_written().await;
        stage.end().await;
    });
}

#[test]
fn a_group_renamed_while_its_plan_waits_changes_the_paper_and_not_the_plan() {
    run(async {
        let stage = Stage::new("renamed").await;
        let custom = id(&stage, "/groups", "Sysadmins").await;
        let (from, to) = (json!({"id": custom}), json!({"displayName": "Vault-Admins"}));
        stage.replace("sysadmins", from, to, json!({})).await;
        let first = stage.until_reason("sysadmins", "AwaitingApproval").await;
        person(&stage, Method::PATCH, &format!("/groups/{custom}"), Some(json!({"name": "Old sysadmins"}))).await;
        let renamed = |s: &Value| s["status"]["from"]["name"] == "Old sysadmins";
        let second = stage.until("sysadmins", "the new name", renamed).await;
        assert_eq!(first["status"]["plans"][0]["hash"], second["status"]["plans"][0]["hash"]);
        stage.approve("sysadmins").await;
        stage.until_reason("sysadmins", "Replaced").await;
        stage.assert_no_violation().await;
        stage.end().await;
    });
}

#[test]
fn whoever_holds_nothing_on_all_vaults_grants_nothing_on_all_of_them() {
    run(async {
        let stage = Stage::new("hidden").await;
        let me = id(&stage, "/users", "Migration operator").await;
        let own = |at: &str| format!("{at}/users/{me}");
        let all_vaults = own("/system-vault-permissions");
        let held = person(&stage, Method::GET, "/system-vault-permissions", None).await["users"][&me].clone();
        // An owner of each vault that is known now, and of none that is not.
        for vault in ["Infrastructure", "Network", "Finance", "Workplace"] {
            let place = own(&format!("/vaults/{}/permissions", id(&stage, "/vaults", vault).await));
            person(&stage, Method::PUT, &place, Some(held.clone())).await;
        }
        person(&stage, Method::DELETE, &all_vaults, None).await;
        stage.replace_sysadmins(json!({"approval": "NotRequired"})).await;
        let refused = stage.until_reason("sysadmins", "VaultsMayBeHidden").await;
        assert!(message(&refused).contains("Make it a vault owner on all vaults"), "{}", message(&refused));
        stage.assert_nothing_written().await;

        // The right is taken from it once more while it writes below.
        stage.fault(json!({"method": "PUT", "nth": 1, "action": {"type": "HoldAfterCommit"}})).await;
        person(&stage, Method::PUT, &all_vaults, Some(held.clone())).await;
        let hold = stage.sandbox.wait_for_hold(WITHIN).await.unwrap();
        person(&stage, Method::DELETE, &all_vaults, None).await;
        stage.sandbox.release(hold.id).await.unwrap();
        let held_up = stage.until_reason("sysadmins", "VaultsMayBeHidden").await;
        assert_eq!(held_up["status"]["plans"][0]["state"], "Running", "the plan stands");
        let writes = stage.writes().await;
        assert!(
            !writes.is_empty() && writes.iter().all(|w| !w.path.contains("/system-vault-permissions/")),
            "{writes:#?}"
        );

        person(&stage, Method::PUT, &all_vaults, Some(held)).await;
        stage.until_reason("sysadmins", "Replaced").await;
        stage.assert_no_violation().await;
        stage.end().await;
    });
}

#[test]
fn what_is_moved_while_it_is_looked_for_is_found() {
    run(async {
        let stage = Stage::new("moved").await;
        let custom = id(&stage, "/groups", "Helpdesk").await;
        // All that it holds is in one vault, which is not read yet when it gets the same on all of them instead.
        let mut places = Vec::new();
        for vault in ["Infrastructure", "Workplace"] {
            places.push(format!("/vaults/{}", id(&stage, "/vaults", vault).await));
        }
        for (place, entry) in [(0, "Tickets"), (1, "Local administrator")] {
            let entry = id(&stage, &format!("{}/entries", places[place]), entry).await;
            places.push(format!("{}/entries/{entry}", places[place]));
        }
        let own = |place: &str| format!("{place}/permissions/groups/{custom}");
        for place in &places[1..] {
            person(&stage, Method::DELETE, &own(place), None).await;
        }
        let all_vaults =
            json!({"method": "GET", "path": "/api/v1/system-vault-permissions", "action": {"type": "HoldAfterCommit"}});
        stage.fault(all_vaults).await;
        let (from, to) = (json!({"name": "Helpdesk"}), json!({"displayName": "SG-Helpdesk"}));
        stage.replace("helpdesk", from, to, json!({})).await;
        let hold = stage.sandbox.wait_for_hold(WITHIN).await.unwrap();
        let held =
            person(&stage, Method::GET, &format!("{}/permissions", places[0]), None).await["groups"][&custom].clone();
        let there = format!("/system-vault-permissions/groups/{custom}");
        person(&stage, Method::PUT, &there, Some(held)).await;
        person(&stage, Method::DELETE, &own(&places[0]), None).await;
        stage.sandbox.release(hold.id).await.unwrap();
        let is_found = |s: &Value| matches!(ready_reason(s), "AwaitingApproval" | "NothingToReplace");
        let state = stage.until("helpdesk", "a plan", is_found).await;
        assert_eq!(ready_reason(&state), "AwaitingApproval", "{}", message(&state));
        stage.end().await;
    });
}
