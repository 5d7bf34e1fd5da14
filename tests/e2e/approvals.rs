//! Who may approve, and what an approval is worth.

use serde_json::{Value, json};
use testbed::wait::{self, Object};

use crate::cli::Person;
use crate::cutover::{applied, approve, saves, waits};
use crate::stage::{ALICE, MALLORY, Stage, WITHIN, approval, condition, eventually, run};

pub async fn accepted(stage: &Stage, name: &str, reason: &str) -> String {
    let object = Object { kind: "planapproval", namespace: Some(&stage.namespace), name };
    let is = |s: &Value| condition(s, "Accepted").is_some_and(|c| c["reason"] == reason);
    let state = wait::until(&stage.cluster.admin(), object, reason, WITHIN, is).await.unwrap();
    condition(&state, "Accepted").unwrap()["message"].as_str().unwrap().to_owned()
}

/// Approvals are judged beside what they are of: what became of them is said in its own time.
pub async fn all_judged(stage: &Stage) {
    eventually("a word on each approval", || async {
        let all = stage.cluster.admin().get(&["papp,ssom,grpr", "-n", &stage.namespace]).await.unwrap();
        let (approvals, targets): (Vec<_>, Vec<_>) =
            all["items"].as_array().unwrap().iter().partition(|it| it["kind"] == "PlanApproval");
        let is_judged = |approval: &Value| {
            let Some(said) = condition(approval, "Accepted") else { return false };
            let wanted = &approval["spec"]["target"];
            let is_it = |it: &&&Value| it["kind"] == wanted["kind"] && it["metadata"]["name"] == wanted["name"];
            let Some(target) = targets.iter().find(is_it) else { return said["reason"] == "TargetNotFound" };
            let plans = target["status"]["plans"].as_array().cloned().unwrap_or_default();
            if plans.iter().any(|plan| plan["approval"] == approval["metadata"]["name"]) {
                return said["reason"] == "Used";
            }
            let uid = target["metadata"]["uid"].as_str().unwrap();
            said["reason"] == "Used" || wanted["uid"] == uid || said["message"].as_str().unwrap().contains(uid)
        };
        approvals.into_iter().all(is_judged).then_some(())
    })
    .await;
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
        let mut stage = Stage::new("stale").await;
        stage.replace_sysadmins(json!({})).await;
        let state = stage.until_reason("sysadmins", "AwaitingApproval").await;
        let hash = state["status"]["plans"][0]["hash"].clone();
        // A daily change that the plan does not rest on.
        stage.sandbox.sync("SG-Helpdesk", &["dave@contoso.example"]).await.unwrap();
        // And one that it does: the custom group gets something more.
        let person = stage.sandbox.as_person().await.unwrap();
        let vaults = person.call(reqwest::Method::GET, "/api/v1/vaults", None).await.unwrap();
        let finance = vaults["data"].as_array().unwrap().iter().find(|v| v["name"] == "Finance").unwrap();
        let (vault, group) = (finance["id"].as_str().unwrap(), state["status"]["from"]["id"].as_str().unwrap());
        let place = format!("/api/v1/vaults/{vault}/permissions/groups/{group}");
        let more = async |flags: Value| {
            person.call(reqwest::Method::PUT, &place, Some(&json!({"flags": flags}))).await.unwrap();
        };
        stage.approve_as(ALICE, &named(approval(&state, MALLORY), "not-mine")).await.unwrap_err();
        more(json!({"viewVault": true})).await;
        let newer = stage.until("sysadmins", "another plan", |s| s["status"]["plans"][0]["hash"] != hash).await;
        assert_eq!(newer["status"]["plans"].as_array().unwrap().len(), 1);

        stage.approve_as(ALICE, &named(approval(&state, ALICE), "old")).await.unwrap();
        accepted(&stage, "old", "PlanStale").await;

        // Approved while it still fitted, and changed before anything was begun.
        stage.operator.kill().await.unwrap();
        stage.approve_as(ALICE, &named(approval(&newer, ALICE), "early")).await.unwrap();
        more(json!({"viewVault": true, "viewEntries": true})).await;
        stage.operator.restart().await.unwrap();
        accepted(&stage, "early", "PlanStale").await;
        let hash = newer["status"]["plans"][0]["hash"].clone();
        stage.until("sysadmins", "one more plan", |s| s["status"]["plans"][0]["hash"] != hash).await;
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

#[test]
fn what_the_connections_policy_asks_for_is_asked_though_the_spec_asks_nobody() {
    run(async {
        let stage = Stage::new("policy").await;
        let policy = json!({"spec": {"policy": {"gates": ["Replacement", "Start", "Cutover"]}}}).to_string();
        stage.kubectl(&["patch", "tconn", "contoso", "--type=merge", "-p", &policy]).await;
        stage.replace_sysadmins(json!({"approval": "NotRequired"})).await;
        stage.apply(&applied(json!({"approvals": []}))).await.unwrap();
        stage.until_reason("sysadmins", "AwaitingApproval").await;
        waits(&stage, "Start").await;
        stage.assert_nothing_written().await;

        approve(&stage, "Start").await;
        waits(&stage, "Cutover").await;
        let in_the_cloud = async || {
            let writes = stage.writes().await;
            writes.into_iter().filter(|r| r.system == "DevolutionsCloud").collect::<Vec<_>>()
        };
        let written = in_the_cloud().await;
        assert!(written.is_empty(), "{written:?}");
        stage.approve("sysadmins").await;
        stage.until_reason("sysadmins", "Replaced").await;
        assert_eq!(saves(&stage).await, 0, "one gate opens no other");
        stage.assert_no_violation().await;
        stage.end().await;
    });
}

#[test]
fn who_has_the_verb_for_one_replacement_approves_no_other() {
    run(async {
        let stage = Stage::new("one-approver").await;
        let sam = "sam@contoso.example";
        let api = "migration.devolutions.net";
        let rules = json!([
            {"apiGroups": [api], "resources": ["planapprovals"], "verbs": ["create"]},
            {"apiGroups": [api], "resources": ["groupreplacements"], "resourceNames": ["sysadmins"], "verbs": ["approve"]},
        ]);
        Person::with_rights(&stage, sam, rules).await;
        stage.replace_sysadmins(json!({})).await;
        stage.replace("helpdesk", json!({"name": "Helpdesk"}), json!({"displayName": "SG-Helpdesk"}), json!({})).await;
        let other = stage.until_reason("helpdesk", "AwaitingApproval").await;
        let own = stage.until_reason("sysadmins", "AwaitingApproval").await;

        let refused = stage.approve_as(sam, &approval(&other, sam)).await.unwrap_err().to_string();
        assert!(refused.contains("\"sam@contoso.example\" may not approve GroupReplacement \"helpdesk\""), "{refused}");
        stage.assert_nothing_written().await;
        stage.approve_as(sam, &approval(&own, sam)).await.unwrap();
        stage.until_reason("sysadmins", "Replaced").await;
        stage.until_reason("helpdesk", "AwaitingApproval").await;
        stage.end().await;
    });
}
