//! Who may approve, and what an approval is worth.

use serde_json::{Value, json};
use testbed::wait::{self, Object};

use crate::stage::{ALICE, MALLORY, Stage, WITHIN, approval, condition, run};

pub async fn accepted(stage: &Stage, name: &str, reason: &str) -> String {
    let object = Object { kind: "planapproval", namespace: Some(&stage.namespace), name };
    let is = |s: &Value| condition(s, "Accepted").is_some_and(|c| c["reason"] == reason);
    let state = wait::until(&stage.cluster.admin(), object, reason, WITHIN, is).await.unwrap();
    condition(&state, "Accepted").unwrap()["message"].as_str().unwrap().to_owned()
}

pub fn named(mut approval: Value, name: &str) -> Value {
    approval["metadata"] = json!({"name": name});
    approval
}

#[test]
fn only_who_has_the_verb_approves_and_only_in_their_own_name() {
    run(async {
        let stage = Stage::new("approvers").await;
        stage.replace_sysadmins(json!({})).await;
        let state = stage.until_reason("sysadmins", "AwaitingApproval").await;

        let forged = stage.approve_as(MALLORY, &approval(&state, ALICE)).await.unwrap_err().to_string();
        assert!(forged.contains("this request comes from \"mallory@contoso.example\""), "{forged}");
        let without = stage.approve_as(MALLORY, &approval(&state, MALLORY)).await.unwrap_err().to_string();
        assert!(without.contains("the verb approve on groupreplacements"), "{without}");

        let mut other = named(approval(&state, ALICE), "wrong-hash");
        other["spec"]["plan"] = json!(format!("sha256:{}", "0".repeat(64)));
        stage.approve_as(ALICE, &other).await.unwrap();
        assert!(accepted(&stage, "wrong-hash", "PlanStale").await.contains("is now sha256:"));

        let mut other = named(approval(&state, ALICE), "wrong-uid");
        other["spec"]["target"]["uid"] = json!("11111111-2222-3333-4444-555555555555");
        stage.approve_as(ALICE, &other).await.unwrap();
        accepted(&stage, "wrong-uid", "TargetNotFound").await;

        let mut other = named(approval(&state, ALICE), "too-late");
        other["spec"]["expiresAt"] = json!("2020-01-01T00:00:00Z");
        stage.approve_as(ALICE, &other).await.unwrap();
        accepted(&stage, "too-late", "Expired").await;
        stage.assert_nothing_written().await;

        stage.approve_as(ALICE, &named(approval(&state, ALICE), "good")).await.unwrap();
        assert!(accepted(&stage, "good", "Used").await.contains(ALICE));
        stage.until_reason("sysadmins", "Replaced").await;
        stage.end().await;
    });
}

#[test]
fn a_changed_input_makes_an_approval_stale_and_other_changes_do_not() {
    run(async {
        let stage = Stage::new("stale").await;
        stage.replace_sysadmins(json!({})).await;
        let state = stage.until_reason("sysadmins", "AwaitingApproval").await;
        let hash = state["status"]["plans"][0]["hash"].clone();
        // A daily change that the plan does not rest on.
        stage.sandbox.sync("SG-Helpdesk", &["dave@contoso.example"]).await.unwrap();
        // And one that it does: the custom group gets something more.
        let person = stage.sandbox.as_person().await.unwrap();
        let vaults = person.call(reqwest::Method::GET, "/api/v1/vaults", None).await.unwrap();
        let finance = vaults["data"].as_array().unwrap().iter().find(|v| v["name"] == "Finance").unwrap();
        let place = format!(
            "/api/v1/vaults/{}/permissions/groups/{}",
            finance["id"].as_str().unwrap(),
            state["status"]["from"]["id"].as_str().unwrap()
        );
        stage.approve_as(ALICE, &named(approval(&state, MALLORY), "not-mine")).await.unwrap_err();
        person.call(reqwest::Method::PUT, &place, Some(&json!({"flags": {"viewVault": true}}))).await.unwrap();
        let newer = stage.until("sysadmins", "another plan", |s| s["status"]["plans"][0]["hash"] != hash).await;
        assert_eq!(newer["status"]["plans"].as_array().unwrap().len(), 1);

        stage.approve_as(ALICE, &named(approval(&state, ALICE), "old")).await.unwrap();
        accepted(&stage, "old", "PlanStale").await;
        stage.assert_nothing_written().await;
        stage.approve("sysadmins").await;
        stage.until_reason("sysadmins", "Replaced").await;
        stage.assert_no_violation().await;
        stage.end().await;
    });
}

#[test]
fn deleted_in_the_middle_and_applied_again_it_asks_again_and_makes_nothing_twice() {
    run(async {
        let stage = Stage::new("again").await;
        stage.replace_sysadmins(json!({"soak": "24h"})).await;
        stage.approve("sysadmins").await;
        stage.until_reason("sysadmins", "Soaking").await;
        let granted = stage.writes().await.len();

        stage.kubectl(&["delete", "grpr", "sysadmins"]).await;
        stage.replace_sysadmins(json!({})).await;
        let state = stage.until_reason("sysadmins", "AwaitingApproval").await;
        assert_eq!(state["status"]["plans"][0]["grants"], 0);
        assert_eq!(stage.writes().await.len(), granted);
        stage.approve("sysadmins").await;
        stage.until_reason("sysadmins", "Replaced").await;
        assert_eq!(stage.writes().await.len(), granted * 2);
        stage.assert_no_violation().await;

        // The way back survived the deletion.
        stage.patch("sysadmins", json!({"mode": "Rollback"})).await;
        stage.approve("sysadmins").await;
        stage.until_reason("sysadmins", "RolledBack").await;
        stage.assert_no_violation().await;
        stage.end().await;
    });
}
