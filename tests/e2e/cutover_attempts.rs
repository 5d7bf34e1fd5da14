//! There and back, by itself or because somebody asks; what others change, what was approved for one attempt, and what is
//! missing: nothing is overwritten, nothing is taken for granted, nothing begins anew unasked.

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use testbed::wait::{self, Object};

use crate::cutover::{able, applied, approve, ask_again, change, cut_over, made, saves, sign_in, waits, written};
use crate::migration::{until, until_reason};
use crate::stage::{ALICE, ENTRA_SETTLES, Stage, WITHIN, approval, condition, message, ready_reason, run};

#[test]
fn where_sign_in_fails_by_the_applications_fault_the_old_one_comes_back_by_itself() {
    run(async {
        let stage = Stage::new("cutover-return").await;
        let before = able(&stage.sandbox).await;
        stage.apply(&applied(json!({}))).await.unwrap();
        let state = waits(&stage, "Cutover").await;
        let app_id = state["status"]["application"]["appId"].as_str().unwrap().to_owned();
        // A wrong password or somebody who is not assigned is no fault of the application.
        approve(&stage, "Cutover").await;
        until_reason(&stage, "AwaitingProof").await;
        assert!(!sign_in(&stage, "frank@contoso.example").await);
        let failed = |s: &Value| s["status"]["cutover"]["signIns"]["failed"] == 1;
        until(&stage, "ssom", "a failure seen", failed).await;
        assert_eq!(saves(&stage).await, 1);
        // Somebody takes the redirect URIs away.
        let path = format!("/entra/applications/{app_id}");
        stage.sandbox.control_patch(&path, &json!({"redirectUris": ["https://elsewhere.example/"]})).await.unwrap();
        assert!(!sign_in(&stage, "bob@contoso.example").await);
        let state = until_reason(&stage, "Returned").await;
        assert!(message(&state).contains("AADSTS50011"), "{}", message(&state));
        assert_eq!(condition(&state, "Succeeded").unwrap()["status"], "False");
        assert_eq!(condition(&state, "Stalled").unwrap()["status"], "True");
        assert_eq!((able(&stage.sandbox).await, saves(&stage).await), (before.clone(), 2));
        // It stays so until somebody asks, and then it mends the application and asks again.
        ask_again(&stage, "mended").await;
        waits(&stage, "Cutover").await;
        assert_eq!(saves(&stage).await, 2);
        cut_over(&stage).await;
        assert!(able(&stage.sandbox).await.is_superset(&before));

        // Proven once, nothing comes back by itself.
        stage.sandbox.control_patch(&path, &json!({"accountEnabled": false})).await.unwrap();
        ask_again(&stage, "look").await;
        until_reason(&stage, "CredentialsRefused").await;
        assert_eq!(saves(&stage).await, 3);
        change(&stage, json!({"mode": "Rollback"})).await;
        until_reason(&stage, "RolledBack").await;
        assert_eq!(able(&stage.sandbox).await, before);
        stage.end().await;
    });
}

#[test]
fn whoever_is_assigned_only_after_they_were_refused_brings_nothing_back() {
    run(async {
        let stage = Stage::new("cutover-latecomer").await;
        stage.apply(&applied(json!({}))).await.unwrap();
        let state = waits(&stage, "Cutover").await;
        let application = &state["status"]["application"]["appId"];
        approve(&stage, "Cutover").await;
        until_reason(&stage, "AwaitingProof").await;
        let latecomer = "print@contoso.onmicrosoft.example";
        assert!(!sign_in(&stage, latecomer).await, "nobody has assigned them");
        let failed = |s: &Value| s["status"]["cutover"]["signIns"]["failed"] == 1;
        until(&stage, "ssom", "a failure seen", failed).await;
        // The service desk helps, and nobody has signed in again yet.
        let assigned = json!({"application": application, "user": latecomer});
        stage.sandbox.control_put("/entra/assignments", &assigned).await.unwrap();
        tokio::time::sleep(ENTRA_SETTLES).await;
        ask_again(&stage, "later").await;
        let looked = |s: &Value| s["status"]["lastHandledReconcileAt"] == "later";
        let state = until(&stage, "ssom", "another look", looked).await;
        assert_eq!((ready_reason(&state), saves(&stage).await), ("AwaitingProof", 1), "{}", message(&state));
        assert!(sign_in(&stage, "bob@contoso.example").await);
        until_reason(&stage, "CutOver").await;
        stage.end().await;
    });
}

#[test]
fn what_went_back_by_itself_and_is_mended_by_hand_is_followed() {
    run(async {
        let stage = Stage::new("cutover-mended").await;
        stage.apply(&applied(json!({}))).await.unwrap();
        let state = waits(&stage, "Cutover").await;
        let app_id = state["status"]["application"]["appId"].as_str().unwrap().to_owned();
        let path = format!("/entra/applications/{app_id}");
        // What is refused was not saved then, and what people tried before is not about it.
        let refuse = json!({"method": "PUT", "path": "/api/v1/authentication/sso", "action": {"type": "Status", "status": 403, "name": "forbidden"}});
        stage.fault(refuse).await;
        approve(&stage, "Cutover").await;
        until(&stage, "ssom", "a save that was refused", |s| message(s).contains("403")).await;
        let refused_at = Timestamp::now();
        ask_again(&stage, "mended").await;
        let state = until_reason(&stage, "AwaitingProof").await;
        let saved_at: Timestamp = state["status"]["cutover"]["savedAt"].as_str().unwrap().parse().unwrap();
        assert!(saved_at.as_second() >= refused_at.as_second(), "{saved_at}, and refused before {refused_at}");

        stage.sandbox.control_patch(&path, &json!({"redirectUris": ["https://elsewhere.example/"]})).await.unwrap();
        assert!(!sign_in(&stage, "bob@contoso.example").await);
        until_reason(&stage, "Returned").await;
        let uris = ["https://sso.devolutions.example/callback/contoso"];
        stage.sandbox.control_patch(&path, &json!({"redirectUris": uris})).await.unwrap();
        stage.sandbox.control_patch("/sso", &json!({"application": "Devolutions Cloud"})).await.unwrap();
        let before = saves(&stage).await;
        stage.nudge().await;
        until_reason(&stage, "AwaitingProof").await;
        assert!(sign_in(&stage, "bob@contoso.example").await);
        let state = until_reason(&stage, "CutOver").await;
        assert!(state["status"]["cutover"].get("returned").is_none_or(|it| it == ""), "{state:#}");
        assert_eq!(saves(&stage).await, before, "it was a person's doing");
        stage.end().await;
    });
}

#[test]
fn what_somebody_else_saves_is_never_overwritten() {
    run(async {
        let stage = Stage::new("cutover-foreign").await;
        stage.apply(&applied(json!({}))).await.unwrap();
        cut_over(&stage).await;
        stage.sandbox.control_patch("/sso", &json!({"application": "Payroll"})).await.unwrap();
        ask_again(&stage, "look").await;
        let state = until_reason(&stage, "SingleSignOnChanged").await;
        assert!(message(&state).contains("somebody has changed it"), "{}", message(&state));
        assert_eq!(condition(&state, "Succeeded").unwrap()["status"], "True", "it latches");
        assert!(state["status"].get("cutover").is_none(), "nobody signs in by it now: {state:#}");
        change(&stage, json!({"mode": "Rollback"})).await;
        until_reason(&stage, "ChangedSince").await;
        assert_eq!(saves(&stage).await, 1);
        stage.end().await;
    });
}

#[test]
fn a_word_that_was_given_for_one_attempt_opens_no_other() {
    run(async {
        let stage = Stage::new("cutover-attempts").await;
        stage.apply(&applied(json!({}))).await.unwrap();
        let state = waits(&stage, "Cutover").await;
        // Two people approve the same plan; one word is used.
        for _ in 0..2 {
            stage.approve_as(ALICE, &approval(&state, ALICE)).await.unwrap();
        }
        until_reason(&stage, "AwaitingProof").await;
        change(&stage, json!({"mode": "Rollback"})).await;
        until_reason(&stage, "RolledBack").await;
        change(&stage, json!({"mode": "Apply"})).await;
        waits(&stage, "Cutover").await;
        assert_eq!(saves(&stage).await, 2, "forth and back");
        stage.end().await;
    });
}

#[test]
fn what_is_added_after_the_approval_is_not_approved() {
    run(async {
        let stage = Stage::new("cutover-added").await;
        let at = |hours| Timestamp::now().checked_add(SignedDuration::from_hours(hours)).unwrap().to_string();
        let window = json!({"window": {"notBefore": at(1)}});
        stage.apply(&applied(json!({"approvals": ["Start", "Cutover"], "cutover": window}))).await.unwrap();
        approve(&stage, "Start").await;
        approve(&stage, "Cutover").await;
        until_reason(&stage, "AwaitingWindow").await;
        let groups =
            json!([{"displayName": "Vault-Admins"}, {"displayName": "SG-Helpdesk"}, {"displayName": "All staff"}]);
        change(&stage, json!({"assignments": {"groups": groups}, "cutover": null})).await;
        let writes = stage.writes().await.len();
        approve(&stage, "Start").await;
        waits(&stage, "Cutover").await;
        let assigned = written(&stage.writes().await[writes..], "/appRoleAssignedTo").len();
        assert_eq!((assigned, saves(&stage).await), (1, 0));
        stage.end().await;
    });
}

#[test]
fn a_checkpoint_that_is_gone_begins_nothing_anew() {
    run(async {
        let stage = Stage::new("cutover-checkpoint").await;
        stage.apply(&applied(json!({}))).await.unwrap();
        cut_over(&stage).await;
        let writes = stage.writes().await.len();
        stage.kubectl(&["delete", "secret", "ssom-contoso-checkpoint"]).await;
        ask_again(&stage, "look").await;
        let state = until_reason(&stage, "CheckpointMissing").await;
        assert!(message(&state).contains("Restore it from a backup"), "{}", message(&state));
        assert_eq!((stage.writes().await.len(), made(&stage).await.len()), (writes, 1));
        stage.end().await;
    });
}

#[test]
fn of_two_that_work_on_one_tenant_the_one_that_has_begun_goes_on() {
    run(async {
        let stage = Stage::new("cutover-two").await;
        let mut older = applied(json!({"mode": "Plan"}));
        older["metadata"]["name"] = json!("older");
        stage.apply(&older).await.unwrap();
        stage.apply(&applied(json!({}))).await.unwrap();
        waits(&stage, "Cutover").await;
        older["spec"]["mode"] = json!("Apply");
        stage.apply(&older).await.unwrap();
        let object = Object { kind: "ssom", namespace: Some(&stage.namespace), name: "older" };
        let refused = |s: &Value| ready_reason(s) == "AnotherMigration";
        wait::until(&stage.cluster.admin(), object, "a refusal", WITHIN, refused).await.unwrap();
        cut_over(&stage).await;
        assert_eq!(made(&stage).await.len(), 1);
        stage.end().await;
    });
}

#[test]
fn of_two_that_begin_at_once_one_makes_an_application() {
    run(async {
        let stage = Stage::new("cutover-at-once").await;
        let mut older = applied(json!({"mode": "Plan", "suspend": true}));
        older["metadata"]["name"] = json!("older");
        stage.apply(&older).await.unwrap();
        let of_older = Object { kind: "ssom", namespace: Some(&stage.namespace), name: "older" };
        let is = |reason: &'static str| move |s: &Value| ready_reason(s) == reason;
        wait::until(&stage.cluster.admin(), of_older, "suspended", WITHIN, is("Suspended")).await.unwrap();
        // Ages are told in whole seconds.
        tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
        // The younger one looks at both sides, and meanwhile the older one is turned on.
        let looks = json!({"system": "Graph", "method": "GET", "path": "/v1.0/applications", "action": {"type": "HoldAfterCommit"}});
        stage.fault(looks).await;
        stage.apply(&applied(json!({}))).await.unwrap();
        let hold = stage.sandbox.wait_for_hold(WITHIN).await.unwrap();
        older["spec"]["mode"] = json!("Apply");
        older["spec"]["suspend"] = json!(false);
        stage.apply(&older).await.unwrap();
        stage.sandbox.release(hold.id).await.unwrap();
        until_reason(&stage, "AnotherMigration").await;
        wait::until(&stage.cluster.admin(), of_older, "its plan", WITHIN, is("AwaitingApproval")).await.unwrap();
        assert_eq!(made(&stage).await.len(), 1);
        stage.end().await;
    });
}

#[test]
fn from_an_organization_of_the_portal_there_is_a_way_forth_and_none_back() {
    run(async {
        let stage = Stage::new("cutover-organization").await;
        stage.sandbox.control_patch("/sso", &json!({"provider": "organization"})).await.unwrap();
        let mut asked = applied(json!({"currentApplication": {"appId": "9c1e5a7d-4b1f-4c53-8f0a-2d7e6b9c1a01"}}));
        asked["spec"]["acknowledgements"] = json!(["ConditionalAccessNamesApplication", "NoWayBack"]);
        stage.apply(&asked).await.unwrap();
        let state = cut_over(&stage).await;
        assert_eq!(state["status"]["cutover"]["wayBack"], false);
        change(&stage, json!({"mode": "Rollback"})).await;
        until_reason(&stage, "NoWayBack").await;
        assert_eq!(saves(&stage).await, 1);
        stage.end().await;
    });
}
