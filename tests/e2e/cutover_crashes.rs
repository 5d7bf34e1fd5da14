//! Killed at any moment, with answers that are lost and an Entra ID that hears late, a migration goes on where it was:
//! nothing twice, nothing lost, nobody notices.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::crashes::{Seed, kill_at};
use crate::cutover::{able, applied, approve, change, cut_over, made, saves, sign_in, until_kept_out, waits};
use crate::migration::{until, until_reason};
use crate::quiet::passes_quietly;
use crate::stage::{ALICE, Stage, WITHIN, approval, condition, contoso, ready_reason, run};

/// What a migration leaves behind, whatever happened on the way.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    pub able: BTreeSet<String>,
    applications: usize,
    secrets: Vec<usize>,
    assignments: Vec<String>,
    redirect_uris: Value,
    consent: Value,
}

pub async fn outcome(stage: &Stage) -> Outcome {
    let entra = stage.sandbox.entra().await.unwrap();
    let all = entra["applications"].as_array().unwrap();
    let new = made(stage).await;
    let one = new.first().cloned().unwrap_or_default();
    let names = one["assignments"].as_array().unwrap().iter().map(|a| a["name"].as_str().unwrap().to_owned());
    let ours =
        |secret: &&Value| secret["displayName"].as_str().is_some_and(|name| name.starts_with("devolutions-migration "));
    let old = all.iter().find(|a| a["name"] == "Devolutions Hub").unwrap();
    let secrets = [&one, old].map(|a| a["secrets"].as_array().unwrap().iter().filter(ours).count());
    let mut names: Vec<String> = names.collect();
    names.sort();
    Outcome {
        able: able(&stage.sandbox).await,
        applications: new.len(),
        secrets: secrets.to_vec(),
        assignments: names,
        redirect_uris: one["redirectUris"].clone(),
        consent: one["consent"].clone(),
    }
}

/// What a run without any trouble ends in.
async fn undisturbed(name: &str) -> Outcome {
    let stage = Stage::new(name).await;
    stage.apply(&applied(json!({}))).await.unwrap();
    cut_over(&stage).await;
    assert_eq!(saves(&stage).await, 1);
    let end = outcome(&stage).await;
    stage.end().await;
    assert_eq!((end.applications, end.secrets.as_slice(), end.assignments.len()), (1, &[1, 1][..], 5), "{end:?}");
    end
}

/// Every write to Entra ID and the save stand still, before or after their effect.
pub async fn hold_every_write(stage: &Stage, action: &str) {
    for (system, method, path) in
        [("Graph", "POST", "/**"), ("Graph", "PATCH", "/**"), ("DevolutionsCloud", "PUT", "/api/v1/authentication/sso")]
    {
        let rule = json!({"system": system, "method": method, "path": path, "times": 0, "action": {"type": action}});
        stage.sandbox.add_fault(&rule).await.unwrap();
    }
}

async fn killed_at_every_write(name: &str, action: &str) {
    let expected = undisturbed(&format!("{name}-none")).await;
    let mut stage = Stage::new(name).await;
    let before = able(&stage.sandbox).await;
    hold_every_write(&stage, action).await;
    stage.apply(&applied(json!({"approvals": []}))).await.unwrap();
    let (mut killed, mut points) = (0, BTreeSet::new());
    loop {
        let held = tokio::select! {
            hold = stage.sandbox.wait_for_hold(WITHIN) => Some(hold.unwrap()),
            _ = until_reason(&stage, "AwaitingProof") => None,
        };
        let Some(hold) = held else { break };
        // What was killed before its effect comes once more, and then it may pass.
        let is_new = points.insert((hold.method.clone(), hold.path.clone()));
        if is_new || (action == "HoldAfterCommit" && killed < 20) {
            killed += 1;
            kill_at(&mut stage, &hold).await;
            assert!(able(&stage.sandbox).await.is_superset(&before), "at {} {}", hold.method, hold.path);
        } else {
            stage.sandbox.release(hold.id).await.unwrap();
        }
    }
    for path in ["/instantiate", "/addPassword", "/appRoleAssignedTo", "/oauth2PermissionGrants", "/authentication/sso"]
    {
        assert!(points.iter().any(|(_, at)| at.ends_with(path)), "never killed at {path}: {points:?}");
    }
    stage.sandbox.clear_faults().await.unwrap();
    assert!(sign_in(&stage, "bob@contoso.example").await);
    until_reason(&stage, "CutOver").await;
    assert_eq!(outcome(&stage).await, expected);
    assert_eq!(saves(&stage).await, 1);
    stage.end().await;
}

#[test]
fn killed_before_each_write_took_effect() {
    run(killed_at_every_write("cutover-kill-before", "HoldBeforeCommit"));
}

#[test]
fn killed_after_each_write_took_effect() {
    run(killed_at_every_write("cutover-kill-after", "HoldAfterCommit"));
}

#[test]
fn killed_at_ten_seeded_moments() {
    run(async {
        let expected = undisturbed("cutover-seeded-none").await;
        let mut stage = Stage::new("cutover-seeded").await;
        let before = able(&stage.sandbox).await;
        let mut seed = Seed(20_261_125);
        stage.apply(&applied(json!({"approvals": []}))).await.unwrap();
        let mut written = Vec::new();
        for _ in 0..10 {
            let hold = seed.kill(&mut stage, 60).await;
            assert!(able(&stage.sandbox).await.is_superset(&before), "at {} {}", hold.method, hold.path);
            written.push(stage.writes().await.len());
        }
        until_reason(&stage, "AwaitingProof").await;
        let writes = stage.writes().await.len();
        assert!(written.iter().any(|count| (1..writes).contains(count)), "{written:?} of {writes}");
        assert!(sign_in(&stage, "bob@contoso.example").await);
        until_reason(&stage, "CutOver").await;
        assert_eq!(outcome(&stage).await, expected);
        assert_eq!(saves(&stage).await, 1);
        stage.end().await;
    });
}

#[test]
fn an_answer_that_is_lost_or_a_lie_makes_no_second_application() {
    run(an_answer_is_lost("cutover-lost", None));
}

/// The application is made, and the answer says otherwise.
pub async fn an_answer_is_lost(name: &'static str, mutant: Option<PathBuf>) {
    let lies = [
        json!({"type": "StatusAfterCommit", "status": 404, "name": "Request_ResourceNotFound"}),
        json!({"type": "StatusAfterCommit", "status": 503, "name": "serviceNotAvailable"}),
        json!({"type": "DropAfterCommit"}),
        json!({"type": "Truncate"}),
    ];
    for (number, lie) in lies.iter().enumerate().take(if mutant.is_some() { 1 } else { 4 }) {
        let stage = match mutant.clone() {
            None => Stage::new(&format!("{name}-{number}")).await,
            Some(program) => Stage::with_operator(name, program).await,
        };
        for path in ["/v1.0/applicationTemplates/**", "/v1.0/applications/*/addPassword"] {
            let rule = json!({"system": "Graph", "method": "POST", "path": path, "action": lie});
            stage.sandbox.add_fault(&rule).await.unwrap();
        }
        stage.apply(&applied(json!({}))).await.unwrap();
        waits(&stage, "Cutover").await;
        let end = outcome(&stage).await;
        assert_eq!((end.applications, end.secrets), (1, vec![1, 1]), "{lie}");
        stage.end().await;
    }
}

#[test]
fn an_application_that_was_asked_for_in_vain_is_asked_for_again() {
    run(async {
        let stage = Stage::new("cutover-vain").await;
        let lost = json!({"system": "Graph", "method": "POST", "path": "/v1.0/applicationTemplates/**", "action": {"type": "DropBeforeCommit"}});
        stage.sandbox.add_fault(&lost).await.unwrap();
        stage.apply(&applied(json!({}))).await.unwrap();
        let state = until_reason(&stage, "OutcomeUnknown").await;
        assert_eq!(condition(&state, "Reconciling").unwrap()["status"], "True");
        waits(&stage, "Cutover").await;
        assert_eq!(made(&stage).await.len(), 1);
        stage.end().await;
    });
}

#[test]
fn an_entra_that_hears_late_and_flaps_keeps_nobody_out() {
    run(hears_late("cutover-late", None));
}

pub async fn hears_late(name: &'static str, mutant: Option<PathBuf>) {
    // A mistake has as long as it takes to be made.
    let assignments = if mutant.is_some() { 600 } else { 15 };
    let delays = format!(
        "{{entraDelaySeconds: {{applications: 2, servicePrincipals: 3, assignments: {assignments}, secrets: 3, consent: 4, flaps: true}}, signInLogDelaySeconds: 2}}"
    );
    let [option, scenario] = contoso();
    let world = [option, scenario, "--switches", &delays];
    let stage = match mutant {
        None => Stage::in_world(name, &world).await,
        Some(program) => Stage::in_world_with_operator(name, &world, program).await,
    };
    let before = able(&stage.sandbox).await;
    stage.apply(&applied(json!({"approvals": []}))).await.unwrap();
    let ends = |s: &Value| matches!(ready_reason(s), "CutOver" | "Returned" | "SignInFails");
    tokio::select! { _ = until(&stage, "ssom", "an end", ends) => {}, () = until_kept_out(&stage, &before) => {} }
    let tally = stage.sandbox.sign_ins().await.unwrap();
    assert_eq!(tally["failures"], 0, "{tally:#}");
    stage.sandbox.control_post("/entra/replicate", &json!({})).await.unwrap();
    let end = outcome(&stage).await;
    assert_eq!((end.applications, end.secrets.as_slice(), end.assignments.len()), (1, &[1, 1][..], 5), "{end:?}");
    assert_eq!(saves(&stage).await, 1);
    stage.end().await;
}

#[test]
fn deleted_in_the_middle_and_applied_again_it_makes_nothing_twice_and_asks_again() {
    run(async {
        let stage = Stage::new("cutover-deleted").await;
        stage.apply(&applied(json!({}))).await.unwrap();
        let state = waits(&stage, "Cutover").await;
        let old = approval(&state, ALICE);
        let before = outcome(&stage).await;
        stage.kubectl(&["delete", "ssom", "contoso"]).await;
        // A word that was given for the deleted one.
        stage.approve_as(ALICE, &old).await.unwrap();
        stage.apply(&applied(json!({}))).await.unwrap();
        waits(&stage, "Cutover").await;
        assert_eq!(outcome(&stage).await, before);
        assert_eq!(saves(&stage).await, 0);
        let cut_over = cut_over(&stage).await;
        let writes = stage.writes().await.len();
        // After the cut-over too: what is there is seen, and nothing is written.
        stage.kubectl(&["delete", "ssom", "contoso"]).await;
        stage.apply(&applied(json!({}))).await.unwrap();
        let again = until_reason(&stage, "CutOver").await;
        assert_eq!(condition(&again, "Succeeded").unwrap()["status"], "True");
        for field in ["application", "currentApplication"] {
            assert_eq!(again["status"][field], cut_over["status"][field], "{field}, and when its secret expires");
        }
        assert_eq!(stage.writes().await.len(), writes);
        stage.end().await;
    });
}

#[test]
fn a_second_pass_over_a_finished_migration_writes_nothing() {
    run(async {
        let stage = Stage::new("cutover-quiet").await;
        stage.apply(&applied(json!({}))).await.unwrap();
        cut_over(&stage).await;
        passes_quietly(&stage, "ssom", "contoso", "CutOver").await;
        stage.end().await;
    });
}

#[test]
fn suspended_it_writes_nothing_more() {
    run(async {
        let stage = Stage::new("cutover-suspend").await;
        let hold = json!({"system": "Graph", "method": "POST", "path": "/v1.0/servicePrincipals/*/appRoleAssignedTo", "nth": 2, "action": {"type": "HoldAfterCommit"}});
        stage.sandbox.add_fault(&hold).await.unwrap();
        stage.apply(&applied(json!({}))).await.unwrap();
        let held = stage.sandbox.wait_for_hold(WITHIN).await.unwrap();
        change(&stage, json!({"suspend": true})).await;
        stage.sandbox.release(held.id).await.unwrap();
        until_reason(&stage, "Suspended").await;
        let [one] = made(&stage).await.try_into().unwrap();
        assert_eq!(one["assignments"].as_array().unwrap().len(), 2);
        change(&stage, json!({"suspend": false})).await;
        waits(&stage, "Cutover").await;
        stage.end().await;
    });
}

#[test]
fn a_save_whose_answer_was_lost_is_never_taken_for_none() {
    run(async {
        for (name, switches) in [("cutover-lost-save", "{}"), ("cutover-lost-hidden", "{ssoHidesApplication: true}")] {
            let mut stage = Stage::with_switches(name, switches).await;
            let before = able(&stage.sandbox).await;
            let hold = json!({"system": "DevolutionsCloud", "method": "PUT", "path": "/api/v1/authentication/sso", "action": {"type": "HoldAfterCommit"}});
            stage.sandbox.add_fault(&hold).await.unwrap();
            let mut asked = applied(json!({
                "approvals": [], "currentApplication": {"appId": "9c1e5a7d-4b1f-4c53-8f0a-2d7e6b9c1a01"},
            }));
            asked["spec"]["acknowledgements"] = json!(["ConditionalAccessNamesApplication", "TenantNotTold"]);
            stage.apply(&asked).await.unwrap();
            let held = stage.sandbox.wait_for_hold(WITHIN).await.unwrap();
            stage.operator.kill().await.unwrap();
            stage.sandbox.release(held.id).await.unwrap();
            // A person sees trouble, and the operator knows nothing of its own save yet.
            change(&stage, json!({"mode": "Rollback"})).await;
            stage.operator.restart().await.unwrap();
            until_reason(&stage, "RolledBack").await;
            assert_eq!(able(&stage.sandbox).await, before);
            let told = stage.sandbox.sign_in("bob@contoso.example").await.unwrap();
            assert_eq!(told["application"], "9c1e5a7d-4b1f-4c53-8f0a-2d7e6b9c1a01", "{name}: {told}");
            stage.end().await;
        }
    });
}

#[test]
fn killed_while_it_saves_it_still_says_on_whose_word() {
    run(async {
        let mut stage = Stage::new("cutover-word").await;
        let hold = json!({"system": "DevolutionsCloud", "method": "PUT", "path": "/api/v1/authentication/sso", "action": {"type": "HoldAfterCommit"}});
        stage.sandbox.add_fault(&hold).await.unwrap();
        stage.apply(&applied(json!({}))).await.unwrap();
        approve(&stage, "Cutover").await;
        let held = stage.sandbox.wait_for_hold(WITHIN).await.unwrap();
        kill_at(&mut stage, &held).await;
        let plan =
            |s: &Value| s["status"]["plans"].as_array().and_then(|plans| plans.last()).cloned().unwrap_or_default();
        let state = until_reason(&stage, "AwaitingProof").await;
        assert_eq!(
            (&plan(&state)["state"], &plan(&state)["approver"]),
            (&json!("Running"), &json!(ALICE)),
            "{state:#}"
        );
        assert!(sign_in(&stage, "bob@contoso.example").await);
        let state = until_reason(&stage, "CutOver").await;
        assert_eq!(
            (&plan(&state)["state"], &plan(&state)["approver"]),
            (&json!("Completed"), &json!(ALICE)),
            "{state:#}"
        );
        let name = plan(&state)["approval"].as_str().unwrap().to_owned();
        let used = "--for=jsonpath={.status.conditions[0].reason}=Used";
        stage.kubectl(&["wait", &format!("papp/{name}"), used, "--timeout=30s"]).await;
        stage.end().await;
    });
}
