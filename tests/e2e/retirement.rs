//! The way back is removed: not before its time, not without a word where one is asked for, and once.

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::cutover::{applied, approve, ask_again, change, cut_over, cut_over_and, saves, waits};
use crate::migration::{until, until_reason};
use crate::provisioning::across;
use crate::quiet::passes_quietly;
use crate::stage::{ALICE, Stage, WITHIN, approval, condition, message, ready_reason, run};

/// How many client secrets of ours are on the old application.
async fn on_the_old_one(stage: &Stage) -> usize {
    let entra = stage.sandbox.entra().await.unwrap();
    let all = entra["applications"].as_array().unwrap();
    let old = all.iter().find(|one| one["name"] == "Devolutions Hub").unwrap();
    let secrets = old["secrets"].as_array().unwrap().iter();
    let is_ours = |one: &&Value| one["displayName"].as_str().is_some_and(|it| it.starts_with("devolutions-migration "));
    secrets.filter(is_ours).count()
}

fn step(state: &Value) -> Option<&Value> {
    state["status"]["steps"].as_array()?.iter().find(|step| step["name"] == "Retirement")
}

#[test]
fn the_way_back_is_removed_in_time_after_a_word_and_once() {
    run(async {
        let mut stage = Stage::new("retirement").await;
        let asked = json!({"retirement": {"policy": "Retain", "after": "1h"}, "approvals": ["Cutover", "Retirement"]});
        stage.apply(&applied(asked)).await.unwrap();
        cut_over(&stage).await;
        let waits_for_it = |s: &Value| step(s).is_some_and(|step| step["state"] == "Waiting");
        let state = until(&stage, "ssom", "waiting for its time", waits_for_it).await;
        assert_eq!(condition(&state, "Succeeded").unwrap()["status"], "True", "all else is done");
        assert!(step(&state).unwrap()["message"].as_str().unwrap().contains("until then mode Rollback"), "{state:#}");
        assert_eq!(on_the_old_one(&stage).await, 1);

        change(&stage, json!({"retirement": {"after": "1s"}})).await;
        let state = waits(&stage, "Retirement").await;
        assert_eq!(condition(&state, "Succeeded").unwrap()["status"], "True");
        assert_eq!(on_the_old_one(&stage).await, 1, "nobody has said so yet");
        let hold = json!({"system": "Graph", "path": "/v1.0/applications/*/removePassword", "action": {"type": "HoldAfterCommit"}});
        stage.fault(hold).await;
        approve(&stage, "Retirement").await;
        let held = stage.sandbox.wait_for_hold(WITHIN).await.unwrap();
        stage.operator.kill().await.unwrap();
        stage.sandbox.release(held.id).await.unwrap();
        stage.operator.restart().await.unwrap();
        let is_done = |s: &Value| step(s).is_some_and(|step| step["state"] == "Completed");
        let state = until(&stage, "ssom", "the way back removed", is_done).await;
        assert_eq!(on_the_old_one(&stage).await, 0);
        assert!(state["status"]["application"].get("returnSecret").is_none(), "{state:#}");
        assert_eq!(state["status"]["cutover"]["wayBack"], false);
        let removed = stage.writes().await.iter().filter(|r| r.path.ends_with("/removePassword")).count();
        assert_eq!(removed, 1);
        let kept = stage.kubectl(&["get", "secret", "ssom-contoso-return-secret", "-o", "jsonpath={.data}"]).await;
        assert_eq!(kept, "");

        passes_quietly(&stage, "ssom", "contoso", "CutOver").await;
        let before = saves(&stage).await;
        change(&stage, json!({"mode": "Rollback"})).await;
        let state = until_reason(&stage, "NoWayBack").await;
        assert!(message(&state).contains("by hand"), "{}", message(&state));
        assert_eq!(saves(&stage).await, before);
        stage.end().await;
    });
}

#[test]
fn the_way_back_stays_where_somebody_takes_it_by_hand_at_the_last_moment() {
    run(async {
        let mut stage = Stage::new("retirement-taken").await;
        let asked = json!({"retirement": {"policy": "Retain", "after": "1s"}, "approvals": ["Cutover", "Retirement"]});
        stage.apply(&applied(asked)).await.unwrap();
        cut_over_and(&stage).await;
        let state = waits(&stage, "Retirement").await;
        stage.operator.kill().await.unwrap();
        stage.approve_as(ALICE, &approval(&state, ALICE)).await.unwrap();
        // The log of the new application is read first, and then that of the old one.
        let log = json!({"system": "Graph", "method": "GET", "path": "/v1.0/auditLogs/signIns", "nth": 2, "action": {"type": "HoldAfterCommit"}});
        stage.fault(log).await;
        stage.operator.restart().await.unwrap();
        let held = stage.sandbox.wait_for_hold(WITHIN).await.unwrap();
        stage.sandbox.control_patch("/sso", &json!({"application": "Devolutions Hub"})).await.unwrap();
        stage.sandbox.release(held.id).await.unwrap();
        until_reason(&stage, "SingleSignOnChanged").await;
        assert_eq!(on_the_old_one(&stage).await, 1);
        let removed = stage.writes().await.iter().filter(|r| r.path.ends_with("/removePassword")).count();
        assert_eq!(removed, 0);
        stage.end().await;
    });
}

/// When the way back is to be removed, as it is said while that is to come.
fn due(state: &Value) -> Option<Timestamp> {
    let step = step(state).filter(|step| step["state"] == "Waiting")?;
    step["message"].as_str()?.split(&[' ', ';']).find_map(|word| word.parse().ok())
}

#[test]
fn its_time_begins_anew_when_more_is_to_be_done() {
    run(async {
        let stage = crate::provisioning::stage("retirement-anew", "").await;
        let asked = json!({"retirement": {"policy": "Retain", "after": "1h"}});
        stage.apply(&applied(asked)).await.unwrap();
        cut_over(&stage).await;
        let state = until(&stage, "ssom", "waiting for its time", |s| due(s).is_some()).await;
        let first = due(&state).unwrap();

        change(&stage, across(json!({"approvals": ["Provisioning"]}))).await;
        let state = waits(&stage, "Provisioning").await;
        let begun_anew = Timestamp::now();
        assert_eq!(due(&state), None, "{state:#}");
        approve(&stage, "Provisioning").await;
        let is_again = |s: &Value| ready_reason(s) == "Verified" && due(s).is_some();
        let state = until(&stage, "ssom", "waiting for its time again", is_again).await;
        let second = due(&state).unwrap();
        assert!(second > first && second >= begun_anew + SignedDuration::from_mins(59), "{first} and then {second}");
        // While nobody can sign in by the new application the old one is of use.
        let app_id = state["status"]["application"]["appId"].as_str().unwrap();
        let path = format!("/entra/applications/{app_id}");
        stage.sandbox.control_patch(&path, &json!({"accountEnabled": false})).await.unwrap();
        ask_again(&stage, "look").await;
        let state = until_reason(&stage, "CredentialsRefused").await;
        assert_eq!(step(&state), None, "{state:#}");
        stage.sandbox.control_patch(&path, &json!({"accountEnabled": true})).await.unwrap();
        stage.nudge().await;
        let state = until(&stage, "ssom", "waiting for its time once more", |s| due(s).is_some()).await;
        assert!(due(&state).unwrap() > second, "{state:#}");
        stage.end().await;
    });
}
