//! Everybody comes across: provisioning is approved, set up on both sides, tried with one user, started, and every user is
//! looked at.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use testbed::sandbox::{Request, Sandbox};

use crate::by_hand::Hands;
use crate::cli::Person;
use crate::cutover::{able, applied, approve, change, cut_over, cut_over_and, saves, sign_in, waits, written};
use crate::migration::{until, until_reason};
use crate::stage::{ALICE, Stage, condition, message, ready_reason, run};

const CAROL: &str = "carol@contoso.example";

/// What has people brought across, with more of the spec.
#[allow(clippy::needless_pass_by_value)] // Written in place, every time.
pub fn across(more: Value) -> Value {
    let mut spec = json!({"provisioning": {"canary": {"user": CAROL}}});
    if let (Some(fields), Value::Object(more)) = (spec.as_object_mut(), more) {
        fields.extend(more);
    }
    spec
}

/// The small company before anybody was synced, and a provisioning service that is in a hurry.
pub async fn stage(name: &str, switches: &str) -> Stage {
    stage_of(name, switches, None).await
}

/// The same, worked on by another operator than ours.
pub async fn stage_of(name: &str, switches: &str, program: Option<PathBuf>) -> Stage {
    let scenario = std::fs::read_to_string(crate::stage::contoso()[1]).unwrap().replace(", synced: true", "");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join(format!("{name}.yaml"));
    std::fs::write(&file, scenario).unwrap();
    let switches = format!("{{provisioningCycleSeconds: 3{switches}}}");
    let world = ["--scenario", file.to_str().unwrap(), "--switches", &switches];
    match program {
        None => Stage::in_world(name, &world).await,
        Some(program) => Stage::in_world_with_operator(name, &world, program).await,
    }
}

/// Goes on to where everybody should be brought across.
pub async fn to_provisioning(stage: &Stage, more: Value) {
    stage.apply(&applied(across(more))).await.unwrap();
    until_reason(stage, "AwaitingProof").await;
    assert!(sign_in(stage, "bob@contoso.example").await);
}

/// E-mail addresses of those who are synced, in alphabetical order.
pub async fn synced(sandbox: &Sandbox) -> Vec<String> {
    let person = sandbox.as_person().await.unwrap();
    let users = person.call(reqwest::Method::GET, "/api/v1/users?pageSize=100", None).await.unwrap();
    let users = users["data"].as_array().unwrap().iter().filter(|user| user["isSynced"] == true);
    let mut all: Vec<String> = users.map(|user| user["email"].as_str().unwrap().to_owned()).collect();
    all.sort();
    all
}

pub fn five() -> Vec<String> {
    ["adam", "bob", "carol", "dave", "erin"].map(|name| format!("{name}@contoso.example")).to_vec()
}

/// Writes by which provisioning is set up, by the ends of their paths.
pub fn set_up(writes: &[Request]) -> Vec<String> {
    let is_about =
        |r: &&Request| r.path.contains("/synchronization/") || r.path.contains("/authentication/provisioning");
    let end = |r: &Request| r.path.rsplit('/').next().unwrap_or_default().to_owned();
    writes.iter().filter(is_about).map(|r| format!("{} {}", r.method, end(r))).collect()
}

/// The names of a status's steps.
fn steps(state: &Value) -> Vec<String> {
    let steps = state["status"]["steps"].as_array().cloned().unwrap_or_default();
    steps.iter().map(|step| step["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn everybody_comes_across_after_one_and_after_a_word() {
    run(async {
        let stage = stage("provisioning", "").await;
        let before = able(&stage.sandbox).await;
        stage.apply(&applied(across(json!({})))).await.unwrap();
        cut_over_and(&stage).await;
        let state = waits(&stage, "Provisioning").await;
        assert_eq!(condition(&state, "Succeeded").unwrap()["status"], "Unknown", "more is asked for");
        assert_eq!(set_up(&stage.writes().await), [""; 0]);
        approve(&stage, "Provisioning").await;
        let state = until_reason(&stage, "Verified").await;

        assert_eq!(synced(&stage.sandbox).await, five());
        let all =
            ["POST provisioning", "POST jobs", "PUT secrets", "POST provisionOnDemand", "POST start", "POST activate"];
        assert_eq!(set_up(&stage.writes().await), all);
        let scim: Vec<Request> = stage.journal().await.entries.into_iter().filter(|r| r.system == "Scim").collect();
        assert!(scim.iter().any(|r| r.is_write), "{scim:?}");
        let status = &state["status"];
        let seen = &status["verification"];
        let numbers = ["expected", "synced", "missing", "groups"].map(|name| seen[name].as_u64().unwrap());
        assert_eq!(numbers, [5, 5, 0, 3], "{seen:#}");
        assert!(seen["verifiedAt"].is_string(), "{seen:#}");
        assert_eq!(condition(&state, "Succeeded").unwrap()["status"], "True");
        assert_eq!(status["provisioning"]["jobState"], "Active");
        assert!(able(&stage.sandbox).await.is_superset(&before));
        stage.assert_no_violation().await;

        // The token is in its Secret and nowhere else.
        let secret = stage
            .kubectl(&["get", "secret", "ssom-contoso-provisioning-token", "-o", "jsonpath={.data.secretToken}"])
            .await;
        assert!(!secret.is_empty() && !state.to_string().contains(&secret), "{secret}");
        stage.end().await;
    });
}

#[test]
fn a_migration_that_was_done_goes_on_when_more_is_asked_for() {
    run(async {
        let stage = stage("provisioning-later", "").await;
        stage.apply(&applied(json!({}))).await.unwrap();
        cut_over(&stage).await;
        change(&stage, across(json!({"approvals": []}))).await;
        until_reason(&stage, "Verified").await;
        let passes = stage.journal().await.entries.len();
        assert!(passes > 0);

        // Back: the job is paused before, and nobody who came across goes.
        change(&stage, json!({"mode": "Rollback"})).await;
        let state = until_reason(&stage, "RolledBack").await;
        let writes = set_up(&stage.writes().await);
        assert_eq!(writes.last().unwrap(), "POST pause", "{writes:?}");
        assert_eq!(synced(&stage.sandbox).await, five());
        // Nothing is said any more of what is so no more.
        assert_eq!(steps(&state), ["Preflight", "Start", "Application", "Assignments", "Rollback"]);
        for field in ["cutover", "provisioning", "verification"] {
            assert!(state["status"].get(field).is_none(), "{field}: {state:#}");
        }
        stage.end().await;
    });
}

/// From its nth on, Devolutions Cloud refuses every user.
pub fn refuse(nth: u64) -> Value {
    json!({
        "system": "Scim", "method": "POST", "path": "/scim/v2/Users", "nth": nth, "times": 0,
        "action": {"type": "Status", "status": 403, "name": "forbidden", "message": "not this one"},
    })
}

#[test]
fn whoever_is_missing_has_one_cause_and_a_remedy_and_it_heals() {
    run(async {
        let stage = stage("provisioning-missing", "").await;
        to_provisioning(&stage, json!({"approvals": ["Provisioning"]})).await;
        waits(&stage, "Provisioning").await;
        stage.sandbox.add_fault(&refuse(1)).await.unwrap();
        approve(&stage, "Provisioning").await;
        let state = until_reason(&stage, "CanaryFailed").await;
        assert!(message(&state).contains("Nobody else was"), "{}", message(&state));
        assert!(synced(&stage.sandbox).await.is_empty());

        // Now she comes across, and nobody else does.
        change(&stage, json!({"suspend": true})).await;
        until_reason(&stage, "Suspended").await;
        stage.sandbox.clear_faults().await.unwrap();
        stage.sandbox.add_fault(&refuse(2)).await.unwrap();
        change(&stage, json!({"suspend": false})).await;
        let state = until_reason(&stage, "UsersMissing").await;
        let seen = &state["status"]["verification"];
        let cause = &seen["causes"][0];
        assert_eq!((&seen["synced"], &seen["missing"]), (&json!(1), &json!(4)), "{seen:#}");
        assert_eq!((&cause["cause"], &cause["count"]), (&json!("ProvisioningFailed"), &json!(4)), "{seen:#}");
        assert!(cause["remedy"].as_str().unwrap().contains("provisioning log"), "{seen:#}");
        assert_eq!(condition(&state, "Stalled").unwrap()["status"], "True");
        stage.kubectl(&["get", "ssom", "contoso"]).await;

        // Where nobody is to be brought across any more, nobody is missing.
        let provisioning = across(json!({}))["provisioning"].clone();
        change(&stage, json!({"provisioning": null})).await;
        let state = until_reason(&stage, "CutOver").await;
        assert!(!steps(&state).contains(&"Verification".to_owned()), "{state:#}");
        assert!(state["status"].get("verification").is_none(), "{state:#}");
        change(&stage, json!({"provisioning": provisioning})).await;
        until_reason(&stage, "UsersMissing").await;

        stage.sandbox.clear_faults().await.unwrap();
        until_reason(&stage, "Verified").await;
        stage.end().await;
    });
}

#[test]
fn a_canary_who_cannot_come_is_refused_before_anything_is_asked_or_done() {
    run(async {
        let stage = stage("provisioning-canary", "").await;
        let canary = |user: &str| json!({"provisioning": {"canary": {"user": user}}});
        let mut spec = across(json!({"approvals": []}));
        spec["provisioning"] = canary("frank@contoso.example")["provisioning"].clone();
        stage.apply(&applied(spec)).await.unwrap();
        let found = |s: &Value, user: &str| {
            let all = s["status"]["findings"].as_array().cloned().unwrap_or_default();
            let said = all.into_iter().find(|finding| finding["reason"] == "CanaryUnusable");
            said.and_then(|said| said["message"].as_str().map(str::to_owned)).filter(|said| said.contains(user))
        };
        for (user, why) in [
            ("frank@contoso.example", "disabled in Devolutions Cloud"),
            ("heidi@contoso.example", "has not joined yet"),
            ("nobody@contoso.example", "no user of that e-mail address"),
            ("grace@partner.example", "not verified"),
        ] {
            change(&stage, canary(user)).await;
            let state = until(&stage, "ssom", &format!("{user} refused"), |s| found(s, user).is_some()).await;
            assert_eq!(ready_reason(&state), "PreflightFailed");
            assert!(found(&state, user).unwrap().contains(why), "{state:#}");
        }
        stage.assert_nothing_written().await;

        // The same once people sign in by the new application.
        change(&stage, canary(CAROL)).await;
        until_reason(&stage, "AwaitingProof").await;
        change(&stage, canary("frank@contoso.example")).await;
        assert!(sign_in(&stage, "bob@contoso.example").await);
        let state = until_reason(&stage, "CanaryUnusable").await;
        assert!(message(&state).contains("frank@contoso.example"), "{}", message(&state));
        assert_eq!(set_up(&stage.writes().await), [""; 0]);
        stage.end().await;
    });
}

#[test]
fn everybody_can_come_across_before_anybody_signs_in_by_it() {
    run(async {
        let stage = stage("provisioning-first", "").await;
        let before = able(&stage.sandbox).await;
        let first = json!({"cutover": {"when": "AfterVerification"}});
        stage.apply(&applied(across(first))).await.unwrap();
        approve(&stage, "Provisioning").await;
        let state = waits(&stage, "Cutover").await;
        assert_eq!(synced(&stage.sandbox).await, five());
        assert_eq!(saves(&stage).await, 0, "sign-in is as it was");
        assert_eq!(able(&stage.sandbox).await, before);
        assert_eq!(state["status"]["verification"]["missing"], 0, "{state:#}");
        cut_over_and(&stage).await;
        let state = until_reason(&stage, "Verified").await;
        assert_eq!(
            (saves(&stage).await, condition(&state, "Succeeded").unwrap()["status"].as_str()),
            (1, Some("True"))
        );
        stage.assert_no_violation().await;
        stage.end().await;
    });
}

#[test]
fn before_the_cut_over_a_running_job_gets_nobody_more_without_a_word() {
    run(async {
        let stage = stage("provisioning-more", "").await;
        let first = json!({"cutover": {"when": "AfterVerification"}});
        stage.apply(&applied(across(first))).await.unwrap();
        approve(&stage, "Provisioning").await;
        waits(&stage, "Cutover").await;
        let before = written(&stage.writes().await, "/appRoleAssignedTo").len();
        // A group with a custom namesake, and then another.
        let groups = ["Vault-Admins", "SG-Helpdesk", "Vault-Operators"].map(|name| json!({"displayName": name}));
        change(&stage, json!({"assignments": {"groups": groups}})).await;
        let found = |s: &Value| s["status"]["findings"].to_string().contains("CustomGroupSharesName");
        until(&stage, "ssom", "the namesake found", found).await;
        let groups = ["Vault-Admins", "SG-Helpdesk", "SG-Auditors"].map(|name| json!({"displayName": name}));
        change(&stage, json!({"assignments": {"groups": groups}})).await;
        waits(&stage, "Provisioning").await;
        assert_eq!(written(&stage.writes().await, "/appRoleAssignedTo").len(), before, "nobody has said so yet");
        approve(&stage, "Provisioning").await;
        waits(&stage, "Cutover").await;
        assert_eq!(written(&stage.writes().await, "/appRoleAssignedTo").len(), before + 1);
        // In the vendor's order too, once it runs: and nobody waits for ever for whom nobody assigns.
        let groups =
            ["Vault-Admins", "SG-Helpdesk", "SG-Auditors", "All staff"].map(|name| json!({"displayName": name}));
        let order = json!({"when": "BeforeProvisioning"});
        change(&stage, json!({"assignments": {"groups": groups}, "cutover": order})).await;
        waits(&stage, "Provisioning").await;
        assert_eq!(written(&stage.writes().await, "/appRoleAssignedTo").len(), before + 1);
        approve(&stage, "Provisioning").await;
        waits(&stage, "Cutover").await;
        assert_eq!(written(&stage.writes().await, "/appRoleAssignedTo").len(), before + 2);
        stage.end().await;
    });
}

#[test]
fn a_group_that_is_added_later_is_assigned_after_a_word_and_comes_across() {
    run(async {
        let stage = stage("provisioning-group", "").await;
        let groups = |names: &[&str]| {
            let groups: Vec<Value> = names.iter().map(|name| json!({"displayName": name})).collect();
            json!({"groups": groups})
        };
        let first = json!({"approvals": ["Provisioning"], "assignments": groups(&["Vault-Admins"])});
        to_provisioning(&stage, first).await;
        approve(&stage, "Provisioning").await;
        until_reason(&stage, "Verified").await;
        let before = written(&stage.writes().await, "/appRoleAssignedTo").len();
        change(&stage, json!({"assignments": groups(&["Vault-Admins", "SG-Helpdesk"])})).await;
        let state = waits(&stage, "Provisioning").await;
        assert_eq!(condition(&state, "Succeeded").unwrap()["status"], "Unknown", "more is asked for");
        assert_eq!(written(&stage.writes().await, "/appRoleAssignedTo").len(), before, "nobody has said so yet");
        // Erin was in a nested group only: whoever approves sees that she comes to get in.
        let shown = Person::new(&stage, ALICE).await.operator(&["plan", "ssom/contoso"]).await.stdout;
        let plan = &shown[shown.find("Plan of ").unwrap()..];
        assert!(plan.contains("will be able to, being assigned\n      erin@contoso.example"), "{plan}");
        approve(&stage, "Provisioning").await;
        let is_there = |s: &Value| ready_reason(s) == "Verified" && s["status"]["verification"]["groups"] == 3;
        let state = until(&stage, "ssom", "the group across", is_there).await;
        assert!(state["status"]["verification"].get("incompleteGroups").is_none(), "{state:#}");
        assert_eq!(written(&stage.writes().await, "/appRoleAssignedTo").len(), before + 1);
        stage.end().await;
    });
}

#[test]
fn an_application_that_provisions_already_gets_nobody_without_a_word() {
    run(async {
        let stage = stage("provisioning-existing", "").await;
        let payroll = "9c1e5a7d-4b1f-4c53-8f0a-2d7e6b9c1a02";
        // Somebody has it bring people to another place.
        Hands::on(&stage, "Payroll").await.provision(&json!("https://127.0.0.1:1/scim"), &json!("theirs")).await;

        let assigned = async || written(&stage.writes().await, "/appRoleAssignedTo").len();
        stage.apply(&applied(json!({"application": {"existing": {"appId": payroll}}}))).await.unwrap();
        approve(&stage, "Start").await;
        let state = until_reason(&stage, "ProvisioningRuns").await;
        assert!(message(&state).contains("Payroll"), "{}", message(&state));
        assert_eq!(assigned().await, 0);
        change(&stage, across(json!({}))).await;
        until_reason(&stage, "ProvisioningElsewhere").await;
        assert_eq!(assigned().await, 0);
        stage.end().await;
    });
}
