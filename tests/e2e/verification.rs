//! What is proven of who came across, and what is not taken for it; and other people's hands in provisioning.

use std::path::PathBuf;

use reqwest::Method;
use serde_json::{Value, json};

use crate::cutover::{able, applied, approve, change, saves, waits};
use crate::migration::{until, until_reason};
use crate::provisioning::{across, five, refuse, set_up, stage, stage_of, synced, to_provisioning};
use crate::stage::{ALICE, WITHIN, approval, condition, message, ready_reason, run};

/// The cause for which a user is missing.
fn cause(state: &Value, user: &str) -> Option<String> {
    let causes = state["status"]["verification"]["causes"].as_array()?;
    let is_of = |cause: &&Value| cause["users"].as_array().is_some_and(|users| users.iter().any(|it| it == user));
    Some(causes.iter().find(is_of)?["cause"].as_str()?.to_owned())
}

#[test]
fn whoever_was_expected_is_not_forgotten_when_they_are_disabled() {
    run(whoever_was_expected("verification-disabled", None));
}

pub async fn whoever_was_expected(name: &'static str, program: Option<PathBuf>) {
    let stage = stage_of(name, "", program).await;
    stage.sandbox.add_fault(&refuse(2)).await.unwrap();
    to_provisioning(&stage, json!({"approvals": []})).await;
    until_reason(&stage, "UsersMissing").await;

    // The old application would be the only one to tell that Erin was to come.
    stage.sandbox.control_patch("/entra/users/erin@contoso.example", &json!({"accountEnabled": false})).await.unwrap();
    // A cycle that has begun before would bring her.
    stage.sandbox.provision().await.unwrap();
    stage.sandbox.clear_faults().await.unwrap();
    let (erin, why) = ("erin@contoso.example", "DisabledInEntra");
    let is_told = |s: &Value| ready_reason(s) == "Verified" || cause(s, erin).as_deref() == Some(why);
    let state = until(&stage, "ssom", "Erin judged", is_told).await;
    assert_eq!(cause(&state, erin).as_deref(), Some(why), "{erin} is missing");
    assert_eq!(ready_reason(&state), "UsersMissing");
    assert_eq!(condition(&state, "Succeeded").unwrap()["status"], "Unknown");
    let waivers = json!([
        {"emailDomain": "partner.example", "reason": "contractors"},
        {"user": "erin@contoso.example", "reason": "has left"},
    ]);
    change(&stage, json!({"verification": {"waivers": waivers}})).await;
    let state = until_reason(&stage, "Verified").await;
    assert_eq!(state["status"]["verification"]["waived"], 2, "{state:#}");
    stage.end().await;
}

#[test]
fn what_servers_may_do_otherwise_is_lived_with_or_told() {
    run(async {
        // No flag: Entra's log is the best word, but it does not tell as whom Dave was taken, who has two names.
        let silent = stage("verification-silent", ", noIsSynced: true").await;
        to_provisioning(&silent, json!({"approvals": []})).await;
        let state = until_reason(&silent, "UsersMissing").await;
        assert_eq!(cause(&state, DAVE).as_deref(), Some("Unproven"), "{state:#}");
        assert_eq!((&state["status"]["verification"]["synced"], stalled(&state)), (&json!(4), true), "{state:#}");
        change(&silent, json!({"verification": {"waivers": with_dave_waived()}})).await;
        let state = until_reason(&silent, "Verified").await;
        assert_eq!(state["status"]["verification"]["synced"], 4, "{state:#}");
        silent.end().await;

        // Neither flag nor object id: of groups nothing can be proven.
        let dumb = stage("verification-dumb", ", noIsSynced: true, noExternalId: true").await;
        to_provisioning(&dumb, json!({"approvals": [], "acknowledgements": accepting("CustomGroupSharesName")})).await;
        let told = |s: &Value| ready_reason(s) == "UsersMissing" && message(s).contains("cannot be told");
        until(&dumb, "ssom", "nothing proven of groups", told).await;
        change(&dumb, json!({"verification": {"groups": "NotRequired", "waivers": with_dave_waived()}})).await;
        until_reason(&dumb, "Verified").await;
        dumb.end().await;

        // Members only when they sign in.
        let late = stage("verification-late", ", membersAppearAtLogin: true").await;
        to_provisioning(&late, json!({"approvals": []})).await;
        let told = |s: &Value| ready_reason(s) == "UsersMissing" && message(s).contains("NotRequired");
        let state = until(&late, "ssom", "groups without members", told).await;
        assert_eq!(state["status"]["verification"]["missing"], 0, "{state:#}");
        change(&late, json!({"verification": {"groups": "NotRequired"}})).await;
        until_reason(&late, "Verified").await;
        late.end().await;

        // Replicas that hear late whether the job runs.
        let lags = stage("verification-lags", ", entraDelaySeconds: {jobs: 4, flaps: true}").await;
        to_provisioning(&lags, json!({"approvals": []})).await;
        until_reason(&lags, "Verified").await;
        let writes = set_up(&lags.writes().await);
        let made = writes.iter().filter(|it| ["POST provisioning", "POST jobs", "POST pause"].contains(&it.as_str()));
        assert_eq!(made.count(), 2, "{writes:?}");
        lags.end().await;
    });
}

/// His e-mail address is not his user principal name.
const DAVE: &str = "dave@contoso.example";

fn with_dave_waived() -> Value {
    json!([
        {"emailDomain": "partner.example", "reason": "contractors"},
        {"user": DAVE, "reason": "has the icon Is sync"},
    ])
}

fn stalled(state: &Value) -> bool {
    condition(state, "Stalled").is_some_and(|stalled| stalled["status"] == "True")
}

/// What the scenario needs to be accepted, and more.
pub fn accepting(reason: &str) -> Value {
    let mut all = applied(json!({}))["spec"]["acknowledgements"].as_array().cloned().unwrap_or_default();
    all.push(json!(reason));
    json!(all)
}

#[test]
fn a_canary_that_a_server_keeps_back_is_let_pass_only_by_whoever_approves() {
    run(async {
        let stage = stage("verification-held", ", scimNeedsActivation: true").await;
        to_provisioning(&stage, json!({"approvals": ["Provisioning"]})).await;
        approve(&stage, "Provisioning").await;
        let state = until_reason(&stage, "CanaryNotSeen").await;
        assert!(message(&state).contains("Nobody else"), "{}", message(&state));
        // Whoever may edit has not approved that.
        change(&stage, json!({"acknowledgements": accepting("CanaryNotSeen")})).await;
        waits(&stage, "Provisioning").await;
        assert!(!set_up(&stage.writes().await).contains(&"POST start".to_owned()));
        approve(&stage, "Provisioning").await;
        until_reason(&stage, "Verified").await;
        stage.end().await;
    });
}

#[test]
fn a_quarantine_is_told_and_passes() {
    run(async {
        let stage = stage("verification-quarantine", "").await;
        to_provisioning(&stage, json!({"approvals": ["Provisioning"]})).await;
        waits(&stage, "Provisioning").await;
        // Once the job runs, Devolutions Cloud takes its token no more.
        let hold = json!({"system": "Graph", "method": "POST", "path": "/v1.0/servicePrincipals/*/synchronization/jobs/*/start",
            "action": {"type": "HoldBeforeCommit"}});
        stage.sandbox.add_fault(&hold).await.unwrap();
        approve(&stage, "Provisioning").await;
        let held = stage.sandbox.wait_for_hold(WITHIN).await.unwrap();
        let refuse =
            json!({"system": "Scim", "times": 0, "action": {"type": "Status", "status": 401, "name": "unauthorized"}});
        stage.sandbox.add_fault(&refuse).await.unwrap();
        stage.sandbox.release(held.id).await.unwrap();
        let state = until_reason(&stage, "ProvisioningQuarantined").await;
        assert!(message(&state).contains("1 of 5 users synced"), "{}", message(&state));
        assert_eq!(condition(&state, "Stalled").unwrap()["status"], "True");
        stage.sandbox.clear_faults().await.unwrap();
        // It is tried again later and later.
        stage.sandbox.provision().await.unwrap();
        stage.nudge().await;
        until_reason(&stage, "Verified").await;
        stage.end().await;
    });
}

#[test]
fn whoever_comes_while_it_is_looked_is_not_said_to_be_missing() {
    run(async {
        let stage = stage("verification-overtaken", "").await;
        to_provisioning(&stage, json!({"approvals": ["Provisioning"]})).await;
        waits(&stage, "Provisioning").await;
        let third = json!({"system": "Scim", "method": "POST", "path": "/scim/v2/Users", "nth": 3, "action": {"type": "HoldBeforeCommit"}});
        stage.sandbox.add_fault(&third).await.unwrap();
        approve(&stage, "Provisioning").await;
        let coming = stage.sandbox.wait_for_hold(WITHIN).await.unwrap();
        until(&stage, "ssom", "two of five", |s| s["status"]["verification"]["synced"] == 2).await;
        // The operator asks who is there, and hears it when the cycle has ended.
        let asks = json!({"method": "GET", "path": "/api/v1/users", "action": {"type": "HoldAfterCommit"}});
        stage.fault(asks).await;
        let before = stage.journal().await.last;
        stage.nudge().await;
        stage.until_request(before, |r| r.method == "GET" && r.path == "/api/v1/users").await;
        stage.sandbox.release(coming.id).await.unwrap();
        stage.sandbox.provision().await.unwrap();
        assert_eq!(synced(&stage.sandbox).await, five());
        let told = stage.sandbox.wait_for_hold(WITHIN).await.unwrap();
        stage.sandbox.release(told.id).await.unwrap();
        let is_judged = |s: &Value| !["Synchronizing", "Provisioning"].contains(&ready_reason(s));
        let state = until(&stage, "ssom", "judged", is_judged).await;
        assert_eq!(ready_reason(&state), "Verified", "{}", message(&state));
        stage.end().await;
    });
}

#[test]
fn a_token_that_somebody_else_made_is_never_made_anew() {
    run(async {
        let stage = stage("verification-token", "").await;
        let person = stage.sandbox.as_person().await.unwrap();
        let path = "/api/v1/authentication/provisioning";
        to_provisioning(&stage, json!({"approvals": ["Provisioning"]})).await;
        waits(&stage, "Provisioning").await;
        let theirs = person.call(Method::POST, path, None).await.unwrap();
        approve(&stage, "Provisioning").await;
        until_reason(&stage, "ProvisioningTokenUnknown").await;
        let now = person.call(Method::GET, path, None).await.unwrap();
        assert_eq!(now["tokenCreatedAt"], theirs["tokenCreatedAt"]);
        assert_eq!(set_up(&stage.writes().await), [""; 0]);
        // Nobody uses it: then it is enabled afresh.
        person.call(Method::DELETE, path, None).await.unwrap();
        until_reason(&stage, "Verified").await;

        // Made anew once all runs, it is for whoever did that to save it; nothing is in the way of the rest.
        person.call(Method::POST, &format!("{path}/token"), None).await.unwrap();
        change(&stage, json!({"verification": {"groups": "NotRequired"}})).await;
        until(&stage, "ssom", "looked again", |s| {
            let seen = s["status"]["observedGeneration"] == s["metadata"]["generation"];
            seen && ["Verified", "ProvisioningQuarantined"].contains(&ready_reason(s))
        })
        .await;
        let writes = set_up(&stage.writes().await);
        assert_eq!(writes.iter().filter(|it| it.ends_with(" provisioning") || it.ends_with(" token")).count(), 1);
        stage.end().await;
    });
}

#[test]
fn before_the_cut_over_a_rollback_pauses_and_what_comes_later_is_asked_for_anew() {
    run(async {
        let stage = stage("verification-back", "").await;
        let before = able(&stage.sandbox).await;
        stage.apply(&applied(across(json!({"cutover": {"when": "AfterVerification"}})))).await.unwrap();
        let state = waits(&stage, "Provisioning").await;
        // Two people approve the same plan; one word is used.
        for _ in 0..2 {
            stage.approve_as(ALICE, &approval(&state, ALICE)).await.unwrap();
        }
        waits(&stage, "Cutover").await;
        change(&stage, json!({"mode": "Rollback"})).await;
        until_reason(&stage, "RolledBack").await;
        let writes = set_up(&stage.writes().await);
        assert_eq!(writes.last().unwrap(), "POST pause", "{writes:?}");
        assert_eq!((able(&stage.sandbox).await, saves(&stage).await), (before, 0));
        assert_eq!(synced(&stage.sandbox).await.len(), 5, "whoever came across stays");

        change(&stage, json!({"mode": "Apply"})).await;
        approve(&stage, "Provisioning").await;
        waits(&stage, "Cutover").await;
        let writes = set_up(&stage.writes().await);
        assert_eq!(writes[writes.len() - 2..], ["POST provisionOnDemand", "POST start"], "{writes:?}");
        stage.end().await;
    });
}
