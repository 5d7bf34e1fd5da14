//! The whole of it: an application is made, people are assigned, a person approves, and they sign in by it; and back.

use std::collections::BTreeSet;
use std::path::PathBuf;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use testbed::sandbox::{Request, Sandbox};
use testbed::wait;

use crate::cli::Person;
use crate::migration::{assert_only_read, decided, migration, until, until_reason};
use crate::stage::{ALICE, MALLORY, Stage, WITHIN, approval, condition, message, ready_reason, run};

/// The small company's migration, to be done.
#[allow(clippy::needless_pass_by_value)] // Written in place, every time.
pub fn applied(more: Value) -> Value {
    let mut spec = decided();
    spec["mode"] = json!("Apply");
    if let (Some(fields), Value::Object(more)) = (spec.as_object_mut(), more) {
        fields.extend(more);
    }
    migration(spec)
}

#[allow(clippy::needless_pass_by_value)]
pub async fn change(stage: &Stage, spec: Value) {
    let patch = json!({"spec": spec}).to_string();
    stage.kubectl(&["patch", "ssom", "contoso", "--type=merge", "-p", &patch]).await;
}

/// Asks for another try.
pub async fn ask_again(stage: &Stage, value: &str) {
    let annotation = format!("migration.devolutions.net/requestedAt={value}");
    stage.kubectl(&["annotate", "ssom", "contoso", "--overwrite", &annotation]).await;
}

/// Who really gets in now.
pub async fn able(sandbox: &Sandbox) -> BTreeSet<String> {
    let told = sandbox.who_can_sign_in().await.unwrap();
    told["users"].as_array().unwrap().iter().map(|user| user.as_str().unwrap().to_lowercase()).collect()
}

/// Waits until a plan waits at this gate.
pub async fn waits(stage: &Stage, gate: &str) -> Value {
    let is_it = |s: &Value| {
        let plan = s["status"]["plans"].as_array().and_then(|plans| plans.last()).cloned().unwrap_or_default();
        ready_reason(s) == "AwaitingApproval" && plan["gate"] == gate && plan["state"] == "AwaitingApproval"
    };
    until(stage, "ssom", &format!("waiting at the gate {gate}"), is_it).await
}

/// Alice approves the plan that waits at this gate.
pub async fn approve(stage: &Stage, gate: &str) {
    let state = waits(stage, gate).await;
    stage.approve_as(ALICE, &approval(&state, ALICE)).await.unwrap();
}

/// Somebody signs in: whether it went well.
pub async fn sign_in(stage: &Stage, user: &str) -> bool {
    stage.sandbox.sign_in(user).await.unwrap()["ok"] == true
}

/// One after the other signs in, until one of them is kept out.
pub async fn until_kept_out(stage: &Stage, people: &BTreeSet<String>) {
    for user in people.iter().cycle() {
        if !sign_in(stage, user).await {
            return;
        }
        // The operator is to have the machine too.
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Approves the cut-over, and somebody signs in: what is left to do comes after.
pub async fn cut_over_and(stage: &Stage) {
    approve(stage, "Cutover").await;
    until_reason(stage, "AwaitingProof").await;
    assert!(sign_in(stage, "bob@contoso.example").await);
}

/// Approves, and somebody signs in.
pub async fn cut_over(stage: &Stage) -> Value {
    cut_over_and(stage).await;
    until_reason(stage, "CutOver").await
}

/// What of the new application there is in Entra ID.
pub async fn made(stage: &Stage) -> Vec<Value> {
    let entra = stage.sandbox.entra().await.unwrap();
    let all = entra["applications"].as_array().unwrap().clone();
    all.into_iter().filter(|application| application["name"] == "Devolutions Cloud").collect()
}

/// What was changed, by what.
pub fn written<'a>(requests: &'a [Request], path: &str) -> Vec<&'a Request> {
    requests.iter().filter(|r| r.path.contains(path)).collect()
}

/// How often another configuration was saved.
pub async fn saves(stage: &Stage) -> usize {
    written(&stage.writes().await, "/authentication/sso").len()
}

#[test]
fn everybody_who_could_sign_in_still_can_and_it_goes_back() {
    run(everybody_still_can("cutover", None));
}

/// People sign in all the time, from before the beginning to after the end; nobody is ever kept out.
pub async fn everybody_still_can(name: &'static str, mutant: Option<PathBuf>) {
    let stage = match mutant {
        None => Stage::new(name).await,
        Some(program) => Stage::with_operator(name, program).await,
    };
    let before = able(&stage.sandbox).await;
    assert!(before.len() > 3, "{before:?}");
    stage.apply(&applied(json!({}))).await.unwrap();
    let journey = async {
        waits(&stage, "Cutover").await;
        assert_eq!(saves(&stage).await, 0);
        approve(&stage, "Cutover").await;
        let ends = |s: &Value| ready_reason(s) == "CutOver" || condition(s, "Stalled").is_some();
        until(&stage, "ssom", "an end", ends).await;
    };
    tokio::select! { () = journey => {}, () = until_kept_out(&stage, &before) => {} }
    let tally = stage.sandbox.sign_ins().await.unwrap();
    assert_eq!(tally["failures"], 0, "{tally:#}");
    let after = able(&stage.sandbox).await;
    assert!(after.is_superset(&before), "before {before:?}, after {after:?}");
    let state = until_reason(&stage, "CutOver").await;
    assert_eq!(condition(&state, "Succeeded").unwrap()["status"], "True");
    assert_eq!(state["status"]["cutover"]["evidence"], "SignInSeen");
    stage.kubectl(&["wait", "ssom/contoso", "--for=condition=Succeeded", "--timeout=60s"]).await;

    change(&stage, json!({"mode": "Rollback"})).await;
    let state = until_reason(&stage, "RolledBack").await;
    assert_eq!(condition(&state, "Succeeded").unwrap()["status"], "False");
    assert_eq!(able(&stage.sandbox).await, before);
    assert_eq!(saves(&stage).await, 2);
    assert_eq!(made(&stage).await.len(), 1);
    stage.assert_no_violation().await;

    // What would be begun goes on with what is there.
    change(&stage, json!({"mode": "Plan"})).await;
    until(&stage, "ssom", "a preview", |s| s["status"]["plans"].to_string().contains("\"Preview\"")).await;
    let alice = Person::new(&stage, ALICE).await;
    let shown = alice.operator(&["plan", "ssom/contoso"]).await;
    assert!(
        shown.stdout.contains("uses the application \"Devolutions Cloud\", which it has made,"),
        "{}",
        shown.stdout
    );

    // Forth again: everything is there, and a person is asked anew.
    change(&stage, json!({"mode": "Apply"})).await;
    let state = waits(&stage, "Cutover").await;
    assert!(state["status"].get("cutover").is_none(), "{state:#}");
    assert_eq!(saves(&stage).await, 2, "the word that was given once opens no gate twice");
    cut_over(&stage).await;
    assert_eq!(able(&stage.sandbox).await, after);
    stage.end().await;
}

#[test]
fn what_is_asked_for_is_what_is_made() {
    run(async {
        let stage = Stage::new("cutover-made").await;
        let uri = "https://rdm.contoso.example/callback";
        let application = json!({
            "displayName": "Devolutions Cloud", "redirectUris": {"additional": [uri]}, "clientSecret": {"validFor": "720h"},
        });
        stage.apply(&applied(json!({"application": application}))).await.unwrap();
        let state = waits(&stage, "Cutover").await;
        let [one] = made(&stage).await.try_into().unwrap();
        let uris: BTreeSet<&str> = one["redirectUris"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let expected =
            ["https://encryption.contoso.example/callback", uri, "https://sso.devolutions.example/callback/contoso"];
        assert_eq!(uris, BTreeSet::from(expected));
        assert_eq!(one["appRoleAssignmentRequired"], true);
        assert_eq!(one["assignments"].as_array().unwrap().len(), 5, "{one:#}");
        assert_eq!(one["secrets"].as_array().unwrap().len(), 1, "{one:#}");
        let told = &state["status"]["application"];
        assert_eq!((&told["appId"], &told["assignments"]), (&one["appId"], &json!(5)));
        let expires: Timestamp = told["clientSecret"]["expiresAt"].as_str().unwrap().parse().unwrap();
        let left = expires.duration_since(Timestamp::now());
        assert!(left > SignedDuration::from_hours(719) && left <= SignedDuration::from_hours(720), "{left}");
        // The secret stands in its Secret and nowhere else.
        let secret = ["secret", "ssom-contoso-client-secret", "-n", &stage.namespace];
        let secret = stage.cluster.admin().get(&secret).await.unwrap();
        let value: k8s_openapi::ByteString = serde_json::from_value(secret["data"]["clientSecret"].clone()).unwrap();
        let value = String::from_utf8(value.0).unwrap();
        let shown = stage.kubectl(&["get", "ssom,papp,events", "-o", "json"]).await;
        assert!(value.len() > 15 && !shown.contains(&value) && !stage.operator.log().unwrap().contains(&value));
        assert!(
            secret["metadata"].get("ownerReferences").is_none(),
            "people may sign in by it when the resource is gone"
        );
        stage.end().await;
    });
}

#[test]
fn nothing_is_begun_before_it_is_approved_where_that_is_asked_for() {
    run(async {
        let stage = Stage::new("cutover-start").await;
        stage.apply(&applied(json!({"approvals": ["Start", "Cutover", "Rollback"]}))).await.unwrap();
        let state = waits(&stage, "Start").await;
        assert_only_read(&stage).await;
        // Who may create approvals and has not the verb is refused, and nobody approves in another's name.
        for (user, name) in [(MALLORY, MALLORY), (MALLORY, ALICE)] {
            let refused = stage.approve_as(user, &approval(&state, name)).await.unwrap_err().to_string();
            assert!(refused.contains("may not approve") || refused.contains("one's own name"), "{refused}");
        }
        let mut wrong = approval(&state, ALICE);
        wrong["spec"]["gate"] = json!("Replacement");
        let refused = stage.approve_as(ALICE, &wrong).await.unwrap_err().to_string();
        assert!(
            refused.contains("an SsoMigration has Start, Cutover, Provisioning, Rollback and Retirement"),
            "{refused}"
        );
        approve(&stage, "Start").await;
        let state = waits(&stage, "Cutover").await;
        // Changed after the approval: what was approved is not what would be done.
        let before = approval(&state, ALICE);
        stage.operator.kill().await.unwrap();
        stage.approve_as(ALICE, &before).await.unwrap();
        stage.sandbox.control_patch("/sso", &json!({"name": "Entra ID (renamed)"})).await.unwrap();
        let _again = stage.another_operator(&[]).await;
        let is_another = |s: &Value| {
            ready_reason(s) == "AwaitingApproval"
                && s["status"]["plans"].as_array().unwrap().last().unwrap()["hash"] != before["spec"]["plan"]
        };
        until(&stage, "ssom", "another plan", is_another).await;
        let is_stale = |approval: &Value| approval.to_string().contains("PlanStale");
        let (admin, what) = (stage.cluster.admin(), "the approval to say so");
        wait::until_seen(&admin, "papp", &stage.namespace, what, WITHIN, is_stale).await.unwrap();
        assert_eq!(saves(&stage).await, 0);
        approve(&stage, "Cutover").await;
        until_reason(&stage, "AwaitingProof").await;
        assert!(sign_in(&stage, "bob@contoso.example").await);
        until_reason(&stage, "CutOver").await;
        change(&stage, json!({"mode": "Rollback"})).await;
        waits(&stage, "Rollback").await;
        // Whoever thinks better of it leaves nothing that waits.
        change(&stage, json!({"mode": "Apply"})).await;
        let state = until_reason(&stage, "CutOver").await;
        let told = format!("{}{}", state["status"]["plans"], state["status"]["steps"]);
        assert!(!told.contains("\"Rollback\"") && !told.contains("Waits for a person"), "{told}");
        change(&stage, json!({"mode": "Rollback"})).await;
        waits(&stage, "Rollback").await;
        assert_eq!(saves(&stage).await, 1);
        approve(&stage, "Rollback").await;
        until_reason(&stage, "RolledBack").await;
        stage.end().await;
    });
}

#[test]
fn the_cut_over_waits_for_its_window() {
    run(async {
        let stage = Stage::new("cutover-window").await;
        let at = |hours| Timestamp::now().checked_add(SignedDuration::from_hours(hours)).unwrap().to_string();
        let window = |from: i64, to: i64| json!({"cutover": {"window": {"notBefore": at(from), "notAfter": at(to)}}});
        stage.apply(&applied(window(1, 2))).await.unwrap();
        approve(&stage, "Cutover").await;
        let state = until_reason(&stage, "AwaitingWindow").await;
        assert!(message(&state).contains("opens at"), "{}", message(&state));
        let plan = &state["status"]["plans"][0];
        assert_eq!((&plan["state"], &plan["approver"]), (&json!("Approved"), &json!(ALICE)), "{plan:#}");
        change(&stage, window(-2, -1)).await;
        let state = until_reason(&stage, "WindowOver").await;
        assert_eq!(condition(&state, "Stalled").unwrap()["status"], "True");
        assert_eq!(saves(&stage).await, 0);
        // When it is done is part of what was approved.
        change(&stage, window(-1, 1)).await;
        waits(&stage, "Cutover").await;
        assert_eq!(saves(&stage).await, 0);
        approve(&stage, "Cutover").await;
        until_reason(&stage, "AwaitingProof").await;
        assert_eq!(saves(&stage).await, 1);
        for (cutover, says) in [
            (window(2, 1), "notBefore must be before notAfter"),
            (json!({"cutover": {"window": {}}}), "give notBefore, notAfter or both"),
        ] {
            let refused = stage.apply(&applied(cutover)).await.unwrap_err().to_string();
            assert!(refused.contains(says), "{refused}");
        }
        stage.end().await;
    });
}

#[test]
fn without_the_rights_nothing_is_begun_and_without_the_log_it_says_so() {
    run(async {
        let mut stage = Stage::new("cutover-rights").await;
        let reading = ["Application.Read.All", "GroupMember.Read.All", "User.Read.All", "Policy.Read.All"];
        // What a token says counts as long as the token does.
        stage.operator.kill().await.unwrap();
        stage.sandbox.control_post("/entra/permissions", &json!({"permissions": reading})).await.unwrap();
        stage.operator.restart().await.unwrap();
        stage.apply(&applied(json!({}))).await.unwrap();
        let state = until_reason(&stage, "PreflightFailed").await;
        for name in
            ["Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All", "DelegatedPermissionGrant.ReadWrite.All"]
        {
            assert!(message(&state).contains(name), "{}", message(&state));
        }
        assert_only_read(&stage).await;

        let writing =
            ["Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All", "DelegatedPermissionGrant.ReadWrite.All"];
        let all = [&reading[..], &writing].concat();
        stage.sandbox.control_post("/entra/permissions", &json!({"permissions": all})).await.unwrap();
        stage.operator.kill().await.unwrap();
        stage.operator.restart().await.unwrap();
        approve(&stage, "Cutover").await;
        let state = until_reason(&stage, "CutOver").await;
        assert_eq!(state["status"]["cutover"]["evidence"], "CredentialsProven");
        assert!(message(&state).contains("AuditLog.Read.All"), "{}", message(&state));
        stage.end().await;
    });
}

#[test]
fn a_server_that_hides_what_is_saved_is_taken_at_its_word() {
    run(async {
        let stage = Stage::with_switches("cutover-hidden", "{ssoHidesApplication: true}").await;
        let before = able(&stage.sandbox).await;
        let current = json!({"currentApplication": {"appId": "9c1e5a7d-4b1f-4c53-8f0a-2d7e6b9c1a01"}});
        let mut spec = applied(current);
        spec["spec"]["acknowledgements"] = json!(["ConditionalAccessNamesApplication", "TenantNotTold"]);
        stage.apply(&spec).await.unwrap();
        cut_over(&stage).await;
        assert!(able(&stage.sandbox).await.is_superset(&before));
        change(&stage, json!({"mode": "Rollback"})).await;
        until_reason(&stage, "RolledBack").await;
        assert_eq!(able(&stage.sandbox).await, before);
        assert_eq!(saves(&stage).await, 2);
        stage.end().await;
    });
}

#[test]
fn an_application_that_a_person_made_is_used_and_nothing_of_it_is_lost() {
    run(async {
        let stage = Stage::new("cutover-existing").await;
        let payroll = "9c1e5a7d-4b1f-4c53-8f0a-2d7e6b9c1a02";
        let existing = |app_id: &str| applied(json!({"application": {"existing": {"appId": app_id}}}));
        for (app_id, reason) in [
            ("9c1e5a7d-4b1f-4c53-8f0a-2d7e6b9c1aff", "ExistingApplicationNotFound"),
            ("9c1e5a7d-4b1f-4c53-8f0a-2d7e6b9c1a01", "ExistingIsCurrent"),
        ] {
            stage.apply(&existing(app_id)).await.unwrap();
            let is_found = |s: &Value| ready_reason(s) == "PreflightFailed" && message(s).contains(reason);
            until(&stage, "ssom", reason, is_found).await;
        }
        // What somebody else has made is not taken over without a word.
        stage.apply(&existing(payroll)).await.unwrap();
        waits(&stage, "Start").await;
        stage.assert_nothing_written().await;
        approve(&stage, "Start").await;
        waits(&stage, "Cutover").await;
        assert_eq!(made(&stage).await.len(), 0, "none is made");
        let entra = stage.sandbox.entra().await.unwrap();
        let all = entra["applications"].as_array().unwrap();
        let used = all.iter().find(|a| a["appId"] == payroll).unwrap();
        assert!(used["redirectUris"].to_string().contains("https://payroll.example/saml"), "{used:#}");
        assert_eq!(used["assignments"].as_array().unwrap().len(), 6, "{used:#}");
        // Who is assigned to it already is in the forecast.
        let alice = Person::new(&stage, ALICE).await;
        let printed = alice.operator(&["plan", "ssom/contoso", "-o", "json"]).await;
        let printed: Value = serde_json::from_str(&printed.stdout).unwrap();
        assert!(printed["report"]["assignments"].to_string().contains("All staff"), "{printed:#}");
        stage.end().await;
    });
}
