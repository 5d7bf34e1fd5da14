//! What follows when everybody has come across: custom groups are replaced, by a mapping or by hand, and hold the way back.

use std::path::Path;

use serde_json::{Value, json};
use testbed::wait::{self, Object};

use crate::cutover::{applied, change, cut_over_and, waits};
use crate::migration::{until, until_reason};
use crate::provisioning::{across, stage, to_provisioning};
use crate::quiet::passes_quietly;
use crate::rights::{requests, right};
use crate::stage::{
    ALICE, RELEASE, Stage, WITHIN, approval, condition, eventually, is_observed, message, ready_reason, replacement,
    run,
};

pub fn pair(from: &str, to: &str) -> Value {
    json!({"from": {"name": from}, "to": {"displayName": to}})
}

pub fn mapping(pairs: &[Value]) -> Value {
    json!({"groupReplacements": {"create": "FromMapping", "mapping": pairs, "template": {"soak": "1s"}}})
}

/// Until a replacement has this reason.
async fn until_part(stage: &Stage, name: &str, reason: &str) -> Value {
    let object = Object { kind: "grpr", namespace: Some(&stage.namespace), name };
    let is_it = |state: &Value| ready_reason(state) == reason && is_observed(state);
    match wait::until(&stage.cluster.admin(), object, reason, WITHIN, is_it).await {
        Ok(state) => state,
        Err(error) => panic!("{error}\nThe operator's log:\n{}", stage.operator.log().unwrap_or_default()),
    }
}

async fn approve_part(stage: &Stage, name: &str) {
    let state = until_part(stage, name, "AwaitingApproval").await;
    stage.approve_as(ALICE, &approval(&state, ALICE)).await.unwrap();
}

/// A replacement that waits for the migration.
fn part(name: &str, from: &str, to: &str) -> Value {
    let mut part = replacement(name, json!({"name": from}), json!({"displayName": to}), json!({}));
    part["spec"].as_object_mut().unwrap().remove("connectionRef");
    part["spec"]["migrationRef"] = json!({"name": "contoso"});
    part
}

/// The names of those that are not done.
fn pending(state: &Value) -> Vec<String> {
    let pending = state["status"]["replacements"]["pending"].as_array().cloned().unwrap_or_default();
    pending.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[test]
fn groups_are_replaced_once_everybody_is_across_and_not_before() {
    run(async {
        let stage = stage("mapping", "").await;
        stage.apply(&part("by-hand", "Helpdesk", "SG-Helpdesk")).await.unwrap();
        until_part(&stage, "by-hand", "MigrationNotFound").await;
        let asked = across(mapping(&[pair("Sysadmins", "Vault-Admins")]));
        stage.apply(&applied(asked)).await.unwrap();
        until_part(&stage, "by-hand", "AwaitingMigration").await;
        cut_over_and(&stage).await;
        waits(&stage, "Provisioning").await;
        let state = until_part(&stage, "by-hand", "AwaitingMigration").await;
        assert!(message(&state).contains("\"contoso\""), "{}", message(&state));
        crate::cutover::approve(&stage, "Provisioning").await;

        let is_asked = |s: &Value| ready_reason(s) == "Replacing" && message(s).contains("AwaitingApproval");
        let state = until(&stage, "ssom", "a replacement waiting", is_asked).await;
        assert_eq!(condition(&state, "Succeeded").unwrap()["status"], "Unknown");
        let [made] = pending(&state).try_into().unwrap();
        let suggested = &state["status"]["replacements"]["suggested"];
        assert_eq!(suggested, &Value::Null, "somebody has asked for the other one already");
        approve_part(&stage, &made).await;
        let state = until_reason(&stage, "Replaced").await;
        assert_eq!(condition(&state, "Succeeded").unwrap()["status"], "True");
        assert_eq!(state["status"]["replacements"]["succeeded"], 1);
        let made_is = until_part(&stage, &made, "Replaced").await;
        assert!(made_is["metadata"].get("ownerReferences").is_none(), "it must not go with its migration");
        assert_eq!(made_is["spec"]["soak"], "1s");
        approve_part(&stage, "by-hand").await;
        until_part(&stage, "by-hand", "Replaced").await;
        passes_quietly(&stage, "ssom", "contoso", "Replaced").await;
        stage.assert_no_violation().await;

        // What is no longer mapped is left alone, and said; what somebody set of one stays.
        change(&stage, mapping(&[pair("Vault-Operators", "Vault-Operators"), pair("Helpdesk", "SG-Helpdesk")])).await;
        let state = until(&stage, "ssom", "another mapping", |s| pending(s).len() == 1 && is_observed(s)).await;
        assert_eq!(state["status"]["replacements"]["unmanaged"], json!([made]));
        assert_eq!(state["status"]["replacements"]["succeeded"], 1, "nothing to replace any more: {state:#}");
        let [second] = pending(&state).try_into().unwrap();
        until_part(&stage, &second, "AmbiguousName").await;
        let is_held = |s: &Value| ready_reason(s) == "Replacing" && condition(s, "Stalled").is_some();
        until(&stage, "ssom", "held up", is_held).await;
        change(&stage, mapping(&[pair("Helpdesk", "SG-Helpdesk"), pair("Helpdesk", "Vault-Admins")])).await;
        until_reason(&stage, "MappedTwice").await;
        stage.end().await;
    });
}

#[test]
fn the_way_back_is_held_by_what_hangs_on_it() {
    run(async {
        // Nobody had provisioned the Helpdesk's Entra group before.
        let stage = without_helpdesk("mapping-back").await;
        to_provisioning(&stage, json!({"approvals": []})).await;
        let state = until_reason(&stage, "Verified").await;
        let suggested = state["status"]["replacements"]["suggested"].as_array().unwrap();
        assert!(suggested.contains(&json!({"from": "Helpdesk", "to": "SG-Helpdesk"})), "{suggested:?}");
        stage.apply(&part("helpdesk", "Helpdesk", "SG-Helpdesk")).await.unwrap();
        approve_part(&stage, "helpdesk").await;
        until_part(&stage, "helpdesk", "Replaced").await;

        let before = crate::cutover::saves(&stage).await;
        change(&stage, json!({"mode": "Rollback"})).await;
        let state = until_reason(&stage, "ReplacementsDependOnIt").await;
        assert!(message(&state).contains("helpdesk"), "{}", message(&state));
        assert_eq!(crate::cutover::saves(&stage).await, before);
        let back = json!({"spec": {"mode": "Rollback"}}).to_string();
        stage.kubectl(&["patch", "grpr", "helpdesk", "--type=merge", "-p", &back]).await;
        approve_part(&stage, "helpdesk").await;
        until_part(&stage, "helpdesk", "RolledBack").await;
        until_reason(&stage, "RolledBack").await;
        assert_eq!(crate::cutover::saves(&stage).await, before + 1);
        stage.assert_no_violation().await;

        // Back again, it waits for everybody to be seen anew.
        let forth = json!({"spec": {"mode": "Apply"}}).to_string();
        stage.kubectl(&["patch", "grpr", "helpdesk", "--type=merge", "-p", &forth]).await;
        until_part(&stage, "helpdesk", "AwaitingMigration").await;
        stage.end().await;
    });
}

/// Two pairs are mapped, and nobody is asked before people come across.
async fn two_are_mapped(stage: &Stage) {
    let mut spec = mapping(&[pair("Sysadmins", "Vault-Admins"), pair("Helpdesk", "SG-Helpdesk")]);
    spec["approvals"] = json!([]);
    to_provisioning(stage, spec).await;
}

/// What was made, by names.
async fn parts(stage: &Stage) -> Vec<(String, Value)> {
    let is_asked = |s: &Value| ready_reason(s) == "Replacing" && pending(s).len() == 2;
    until(stage, "ssom", "two replacements", is_asked).await;
    let all = stage.cluster.admin().get(&["grpr", "-n", &stage.namespace]).await.unwrap();
    let part = |one: &Value| (one["metadata"]["name"].as_str().unwrap().to_owned(), one["spec"].clone());
    all["items"].as_array().unwrap().iter().map(part).collect()
}

/// Nobody can make a replacement of this name, until the policy that is given is deleted.
async fn forbid(stage: &Stage, name: &str) -> &'static str {
    let policy = "not-this-one";
    let kind = |kind: &str, spec: Value| {
        let version = "admissionregistration.k8s.io/v1";
        json!({"apiVersion": version, "kind": kind, "metadata": {"name": policy}, "spec": spec})
    };
    let here = json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": stage.namespace}}});
    let rule = json!({"apiGroups": ["migration.devolutions.net"], "apiVersions": ["*"], "operations": ["CREATE"], "resources": ["groupreplacements"]});
    let refuses = json!({
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": format!("object.metadata.name != '{name}'")}],
    });
    let binding = json!({"policyName": policy, "validationActions": ["Deny"], "matchResources": here});
    stage.apply(&kind("ValidatingAdmissionPolicy", refuses)).await.unwrap();
    stage.apply(&kind("ValidatingAdmissionPolicyBinding", binding)).await.unwrap();
    let one = part(name, "Helpdesk", "SG-Helpdesk").to_string();
    let arguments = ["create", "--dry-run=server", "-n", &stage.namespace, "-f", "-"];
    let refused = || async { stage.cluster.kubectl(&arguments, Some(&one)).await.err() };
    eventually("the policy in force", refused).await;
    policy
}

#[test]
fn killed_when_the_first_is_made_it_makes_the_other_and_neither_twice() {
    run(async {
        let undisturbed = stage("mapping-none", "").await;
        two_are_mapped(&undisturbed).await;
        let expected = parts(&undisturbed).await;
        undisturbed.end().await;
        let [(first, _), (last, _)] = &expected[..] else { panic!("{expected:?}") };

        let mut stage = stage("mapping-killed", "").await;
        let policy = forbid(&stage, last).await;
        two_are_mapped(&stage).await;
        let made = stage.until(first, "the first made", |_| true).await;
        stage.operator.kill().await.unwrap();
        for kind in ["validatingadmissionpolicybinding", "validatingadmissionpolicy"] {
            stage.kubectl(&["delete", kind, policy]).await;
        }
        stage.operator.restart().await.unwrap();
        assert_eq!(parts(&stage).await, expected);
        let uid = until_part(&stage, first, "AwaitingApproval").await["metadata"]["uid"].clone();
        assert_eq!(uid, made["metadata"]["uid"]);
        let account = format!("system:serviceaccount:{}:{RELEASE}", stage.namespace);
        let requests = requests(&account).await;
        let is_made = |e: &&Value| right(e).0 == "create" && e["objectRef"]["resource"] == "groupreplacements";
        let created = requests.iter().filter(is_made).filter(|e| e["responseStatus"]["code"] == 201);
        assert_eq!(created.count(), 2);
        for name in [first, last] {
            approve_part(&stage, name).await;
        }
        until_reason(&stage, "Replaced").await;
        stage.assert_no_violation().await;
        stage.end().await;
    });
}

/// The small company, in which `SG-Helpdesk` is known to Entra ID alone.
pub async fn without_helpdesk(name: &str) -> Stage {
    let scenario = std::fs::read_to_string(crate::stage::contoso()[1]).unwrap().replace(", synced: true", "");
    let group = "  - name: SG-Helpdesk\n    kind: synced\n    externalId: 5d0f3b1e-8a5c-4c1e-9d57-3f2b6a7c9e02\n    members: [dave@contoso.example, erin@contoso.example]\n";
    assert!(scenario.contains(group));
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.yaml"));
    std::fs::write(&file, scenario.replace(group, "")).unwrap();
    Stage::in_world(name, &["--scenario", file.to_str().unwrap(), "--switches", "{provisioningCycleSeconds: 3}"]).await
}
