//! A migration's way back: nothing that it does not need stands in it, and one that was begun is never forgotten.

use serde_json::{Value, json};

use crate::cutover::{able, applied, ask_again, change, cut_over, saves, waits};
use crate::migration::{until, until_reason};
use crate::provisioning::{five, stage, synced, to_provisioning};
use crate::stage::{Stage, WITHIN, message, run};

const OLD: &str = "9c1e5a7d-4b1f-4c53-8f0a-2d7e6b9c1a01";

#[test]
fn a_way_back_whose_answer_was_lost_is_never_taken_for_none() {
    run(async {
        for (name, switches) in [("back-lost", "{}"), ("back-lost-hidden", "{ssoHidesApplication: true}")] {
            let mut stage = Stage::with_switches(name, switches).await;
            let before = able(&stage.sandbox).await;
            let mut asked = applied(json!({"currentApplication": {"appId": OLD}}));
            asked["spec"]["acknowledgements"] = json!(["ConditionalAccessNamesApplication", "TenantNotTold"]);
            stage.apply(&asked).await.unwrap();
            cut_over(&stage).await;
            let hold = json!({"system": "DevolutionsCloud", "method": "PUT", "path": "/api/v1/authentication/sso", "action": {"type": "HoldAfterCommit"}});
            stage.sandbox.add_fault(&hold).await.unwrap();
            change(&stage, json!({"mode": "Rollback"})).await;
            let held = stage.sandbox.wait_for_hold(WITHIN).await.unwrap();
            stage.operator.kill().await.unwrap();
            stage.sandbox.release(held.id).await.unwrap();
            // Somebody calls it off, and the operator knows nothing of its own save yet.
            change(&stage, json!({"mode": "Apply"})).await;
            stage.operator.restart().await.unwrap();
            if switches.contains("Hides") {
                let refused = until_reason(&stage, "RollbackUnclear").await;
                assert!(message(&refused).contains("Set spec.mode to Rollback"), "{}", message(&refused));
                change(&stage, json!({"mode": "Rollback"})).await;
                let back = until_reason(&stage, "RolledBack").await;
                assert!(message(&back).contains("ssom-contoso-return-secret, which expires at"), "{}", message(&back));
                change(&stage, json!({"mode": "Apply"})).await;
            }
            // Forth again it goes only on another word.
            let state = waits(&stage, "Cutover").await;
            assert!(state["status"].get("cutover").is_none(), "{name}: {state:#}");
            assert_eq!(able(&stage.sandbox).await, before, "{name}");
            let told = stage.sandbox.sign_in("bob@contoso.example").await.unwrap();
            assert_eq!(told["application"], OLD, "{name}: {told}");
            stage.end().await;
        }
    });
}

#[test]
fn a_way_back_by_which_nobody_would_get_in_is_told_and_not_taken() {
    run(async {
        let stage = Stage::new("back-unusable").await;
        stage.apply(&applied(json!({}))).await.unwrap();
        assert_eq!(cut_over(&stage).await["status"]["cutover"]["wayBack"], true);
        // Somebody tidies up, early.
        let path = format!("/entra/applications/{OLD}");
        stage.sandbox.control_patch(&path, &json!({"accountEnabled": false})).await.unwrap();
        ask_again(&stage, "look").await;
        until(&stage, "ssom", "no way back", |s| s["status"]["cutover"]["wayBack"] == false).await;
        change(&stage, json!({"mode": "Rollback"})).await;
        let refused = until_reason(&stage, "ReturnSecretUnusable").await;
        assert!(message(&refused).contains("would not work either"), "{}", message(&refused));
        assert_eq!(saves(&stage).await, 1);

        stage.sandbox.control_patch(&path, &json!({"accountEnabled": true})).await.unwrap();
        stage.nudge().await;
        until_reason(&stage, "RolledBack").await;
        assert_eq!(saves(&stage).await, 2);
        stage.end().await;
    });
}

#[test]
fn a_damaged_document_that_the_way_back_does_not_need_stands_in_nobodys_way() {
    run(async {
        let stage = stage("back-damaged", "").await;
        to_provisioning(&stage, json!({"approvals": []})).await;
        until_reason(&stage, "Verified").await;
        assert_eq!(synced(&stage.sandbox).await, five());
        let damage = json!({"data": {"document.json.gz": "bm8="}}).to_string();
        stage.kubectl(&["patch", "secret", "ssom-contoso-expectation", "--type=merge", "-p", &damage]).await;
        let before = saves(&stage).await;
        change(&stage, json!({"mode": "Rollback"})).await;
        until_reason(&stage, "RolledBack").await;
        assert_eq!(saves(&stage).await, before + 1);
        stage.end().await;
    });
}

#[test]
fn whoever_is_assigned_beyond_the_spec_is_in_what_is_approved() {
    run(async {
        let stage = Stage::new("cutover-beyond").await;
        let groups = |names: &[&str]| -> Value {
            let named: Vec<Value> = names.iter().map(|name| json!({"displayName": name})).collect();
            json!({"assignments": {"groups": named}})
        };
        stage.apply(&applied(groups(&["Vault-Admins", "SG-Helpdesk", "All staff"]))).await.unwrap();
        let hash = |state: &Value| state["status"]["plans"].as_array().unwrap().last().unwrap()["hash"].clone();
        let asked = waits(&stage, "Cutover").await;
        // Nobody is ever unassigned: taken out of the spec, the group's members get in all the same.
        change(&stage, groups(&["Vault-Admins", "SG-Helpdesk"])).await;
        let is_observed = |s: &Value| s["status"]["observedGeneration"] == s["metadata"]["generation"];
        let still = until(&stage, "ssom", "another look", is_observed).await;
        assert_eq!(hash(&asked), hash(&still), "the same people get in");
        assert_eq!(asked["status"]["forecast"]["signIn"], still["status"]["forecast"]["signIn"]);
        stage.end().await;
    });
}
