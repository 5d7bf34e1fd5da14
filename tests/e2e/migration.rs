//! A migration that only looks: what it finds, what it promises each user, what it says when it cannot look, and that it
//! writes nothing.

use std::io::Write as _;

use serde_json::{Value, json};
use testbed::wait::{self, Object};

use crate::cli::Person;
use crate::cutover::applied;
use crate::stage::{ALICE, Stage, WITHIN, condition, is_observed, message, ready_reason, run};

/// The small company's migration, with what its people would have to decide decided.
pub fn decided() -> Value {
    json!({
        "assignments": {"groups": [{"displayName": "Vault-Admins"}, {"displayName": "SG-Helpdesk"}]},
        "breakGlass": {"user": "olivia@contoso.example"},
        "acknowledgements": ["ConditionalAccessNamesApplication"],
        "verification": {"waivers": [{"emailDomain": "partner.example", "reason": "contractors"}]},
    })
}

#[allow(clippy::needless_pass_by_value)] // Written in place, every time.
pub fn migration(spec: Value) -> Value {
    let mut manifest = json!({
        "apiVersion": "migration.devolutions.net/v1alpha1", "kind": "SsoMigration", "metadata": {"name": "contoso"},
        "spec": {"connectionRef": {"name": "contoso"}, "mode": "Plan"},
    });
    if let (Some(fields), Value::Object(more)) = (manifest["spec"].as_object_mut(), spec) {
        fields.extend(more);
    }
    manifest
}

pub async fn until(stage: &Stage, kind: &str, what: &str, satisfied: impl FnMut(&Value) -> bool) -> Value {
    let object = Object { kind, namespace: Some(&stage.namespace), name: "contoso" };
    match wait::until(&stage.cluster.admin(), object, what, WITHIN, satisfied).await {
        Ok(state) => state,
        Err(error) => panic!("{error}\nThe operator's log:\n{}", stage.operator.log().unwrap_or_default()),
    }
}

pub async fn until_reason(stage: &Stage, reason: &str) -> Value {
    until(stage, "ssom", reason, |state| ready_reason(state) == reason && is_observed(state)).await
}

fn reasons(state: &Value, severity: &str) -> Vec<String> {
    let findings = state["status"]["findings"].as_array().cloned().unwrap_or_default();
    let of = findings.iter().filter(|f| f["severity"] == severity);
    of.map(|f| f["reason"].as_str().unwrap().to_owned()).collect()
}

/// Nothing was changed in either system.
pub async fn assert_only_read(stage: &Stage) {
    stage.assert_nothing_written().await;
    let journal = stage.journal().await;
    assert!(journal.entries.iter().any(|r| r.system == "Graph"), "it was asked");
    let session = |path: &str| path.ends_with("/token") || path.ends_with("/login");
    let written: Vec<_> = journal.entries.iter().filter(|r| r.method != "GET" && !session(&r.path)).collect();
    assert!(written.is_empty(), "{written:?}");
}

#[test]
fn it_promises_each_user_what_the_tenant_says_and_writes_nothing() {
    run(async {
        let stage = Stage::new("migration").await;
        stage.apply(&migration(decided())).await.unwrap();
        let state = until_reason(&stage, "Planned").await;
        let forecast = &state["status"]["forecast"];
        // Adam, Bob, Carol, Dave and Grace get in today, and Heidi will once she has joined.
        // Erin is only in a group within the assigned one, and would get in by SG-Helpdesk.
        // Grace's domain is not verified, and she is waived.
        assert_eq!(
            forecast["signIn"],
            json!({"today": 6, "after": 6, "lost": 0, "waived": 1, "gained": 1, "dependsOnMatching": 1, "onceJoined": 1}),
            "{forecast:#}"
        );
        // The owner and Alice sign in with a Devolutions Account; Frank is disabled; Heidi has not joined; two are programs.
        assert_eq!(
            forecast["synchronization"],
            json!({"synced": 5, "missing": 0, "notApplicable": 6, "waived": 1, "disabled": 0}),
            "{forecast:#}"
        );
        assert_eq!(reasons(&state, "Critical"), ["ConditionalAccessNamesApplication"]);
        assert_eq!(
            reasons(&state, "Warning"),
            ["FurtherRedirectUris", "LossesWaived", "MatchingUnknown", "NestedGroups", "UsersWouldGainSignIn"]
        );
        assert_eq!(state["status"]["findings"][0]["acknowledgement"], "Given");
        assert_eq!(condition(&state, "Planned").unwrap()["status"], "True");
        assert!(condition(&state, "Stalled").is_none() && condition(&state, "Reconciling").is_none());
        let current = &state["status"]["currentApplication"];
        assert_eq!(current["displayName"], "Devolutions Hub");
        assert_eq!((&current["assignmentRequired"], &current["assignments"]), (&json!(true), &json!(3)));
        assert_only_read(&stage).await;

        // Whoever may write Secrets could promise people something else; nobody is shown that.
        let alice = Person::new(&stage, ALICE).await;
        let shown = alice.operator(&["plan", "ssom/contoso"]).await;
        assert!(
            shown.code == 0 && shown.stdout.contains("5 users will be able to sign in and will be synced"),
            "{shown:?}"
        );
        stage.operator.kill().await.unwrap();
        let others = json!({"data": {"digest": "c2hhMjU2OjA="}}).to_string();
        let secret = ["patch", "secret", "ssom-contoso-forecast", "--type=merge", "-p", &others];
        stage.kubectl(&secret).await;
        let unchanged = alice.operator(&["plan", "ssom/contoso"]).await;
        assert_eq!(unchanged.code, 0, "the mark alone says nothing: {unchanged:?}");
        let forged = json!({"data": {"document.json.gz": gzipped(br#"{"users": []}"#)}}).to_string();
        stage.kubectl(&["patch", "secret", "ssom-contoso-forecast", "--type=merge", "-p", &forged]).await;
        let refused = alice.operator(&["plan", "ssom/contoso"]).await;
        assert!(refused.code == 1 && refused.stderr.contains("as the operator wrote it"), "{refused:?}");
        stage.end().await;
    });
}

fn gzipped(text: &[u8]) -> Value {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).unwrap();
    serde_json::to_value(k8s_openapi::ByteString(encoder.finish().unwrap())).unwrap()
}

#[test]
fn what_is_in_the_way_is_named_and_it_goes_on_by_itself_once_it_is_not() {
    run(async {
        let stage = Stage::new("migration-findings").await;
        // One thing is enough to hold up all that is asked for.
        let groups = json!([{"displayName": "Vault-Operators"}]);
        stage.apply(&applied(json!({"assignments": {"groups": groups}}))).await.unwrap();
        let state = until_reason(&stage, "PreflightFailed").await;
        assert_eq!(message(&state).split(": ").next(), Some("1 finding to be resolved"), "{}", message(&state));
        assert!(message(&state).contains("CustomGroupSharesName"), "{}", message(&state));
        assert_only_read(&stage).await;

        let groups =
            json!([{"displayName": "Vault-Operators"}, {"displayName": "vault-admins"}, {"displayName": "Town hall"}]);
        stage.apply(&migration(json!({"assignments": {"groups": groups}}))).await.unwrap();
        let state = until_reason(&stage, "PreflightFailed").await;
        assert_eq!(
            reasons(&state, "Critical"),
            [
                "ConditionalAccessNamesApplication",
                "CustomGroupSharesName",
                "GroupNotFound",
                "GroupNotSecurityEnabled",
                "NoBreakGlassUser",
                "UsersNotFoundInEntra",
                "UsersWouldLoseSignIn",
            ]
        );
        let said = state["status"]["findings"].to_string();
        for words in [
            "MFA for the vaults",
            "could take for them: Vault-Operators",
            "there is Vault-Admins",
            "Town hall",
            "grace@partner.example (the e-mail domain is not verified in Devolutions Cloud)",
        ] {
            assert!(said.contains(words), "{words:?} is not in {said}");
        }
        assert_eq!(condition(&state, "Stalled").unwrap()["status"], "True");
        assert_eq!(condition(&state, "Planned").unwrap()["status"], "False");
        assert!(message(&state).starts_with("7 findings to be resolved: "), "{}", message(&state));

        // People decide, and nobody has to tell the operator of the world.
        stage.apply(&migration(decided())).await.unwrap();
        until_reason(&stage, "Planned").await;
        stage.sandbox.control_patch("/sso", &json!({"forceSsoLogin": true})).await.unwrap();
        let state = until_reason(&stage, "PreflightFailed").await;
        assert!(reasons(&state, "Critical").contains(&"SingleSignOnForced".to_owned()));
        stage.sandbox.control_patch("/sso", &json!({"forceSsoLogin": false})).await.unwrap();
        until_reason(&stage, "Planned").await;
        stage
            .sandbox
            .control_patch("/entra/users/bob@contoso.example", &json!({"accountEnabled": false}))
            .await
            .unwrap();
        let state = until_reason(&stage, "PreflightFailed").await;
        let said = state["status"]["findings"].to_string();
        assert!(said.contains("UsersWouldBeDisabled") && said.contains("bob@contoso.example"), "{said}");

        // Suspended it does not look, and does not show what it saw for another spec as this one's.
        let suspended = json!({"spec": {"suspend": true}}).to_string();
        stage.kubectl(&["patch", "ssom", "contoso", "--type=merge", "-p", &suspended]).await;
        let state = until_reason(&stage, "Suspended").await;
        assert!(state["status"].get("forecast").is_none() && state["status"].get("findings").is_none(), "{state:#}");
        assert_eq!(state["status"]["steps"][0]["state"], "Waiting");
        assert_only_read(&stage).await;
        stage.end().await;
    });
}

#[test]
fn a_pass_that_finds_nothing_new_writes_nothing() {
    run(async {
        let stage = Stage::new("migration-quiet").await;
        stage.apply(&migration(decided())).await.unwrap();
        let before = until_reason(&stage, "Planned").await;
        let forecast = ["secret", "ssom-contoso-forecast"];
        let version = async || {
            let of = async |what: &[&str]| {
                let all = [what, &["-n", &stage.namespace]].concat();
                stage.cluster.admin().get(&all).await.unwrap()["metadata"]["resourceVersion"].clone()
            };
            (of(&["ssom", "contoso"]).await, of(&forecast).await)
        };
        let versions = version().await;
        assert_eq!(versions.0, before["metadata"]["resourceVersion"]);
        // Two more passes have begun, so one of them has ended.
        let seen = stage.journal().await.last;
        for _ in 0..2 {
            let after = stage.journal().await.last;
            stage.until_request(after, |r| r.path.ends_with("/conditionalAccess/policies")).await;
        }
        assert!(stage.journal().await.last > seen);
        assert_eq!(version().await, versions);
        stage.end().await;
    });
}

#[test]
fn what_keeps_it_from_looking_is_said_with_what_to_do() {
    run(async {
        let stage = Stage::new("migration-refused").await;
        stage.apply(&migration(decided())).await.unwrap();
        until_reason(&stage, "Planned").await;

        // A permission is taken away: named on both resources.
        let permissions = |all: &[&str]| json!({"permissions": all});
        stage.sandbox.control_post("/entra/permissions", &permissions(&["Application.Read.All"])).await.unwrap();
        // Only another token tells, and a refused one is replaced by another.
        let refuse = json!({"system": "Graph", "action": {"type": "Status", "status": 401, "name": "InvalidAuthenticationToken"}});
        stage.sandbox.add_fault(&refuse).await.unwrap();
        let state = until_reason(&stage, "PermissionMissing").await;
        for words in ["GroupMember.Read.All for reading groups", "User.Read.All", "grant admin consent"] {
            assert!(message(&state).contains(words), "{}", message(&state));
        }
        assert!(state["status"].get("forecast").is_none(), "a forecast of other times would be taken for true");
        let connection = until(&stage, "tconn", "the same", |s| ready_reason(s) == "PermissionMissing").await;
        let missing = connection["status"]["entra"]["permissionsMissing"].as_array().unwrap();
        let names: Vec<_> = missing.iter().map(|m| m["name"].as_str().unwrap()).collect();
        assert_eq!(names[..3], ["GroupMember.Read.All", "User.Read.All", "Policy.Read.All"]);
        assert!(missing[2..].iter().all(|m| m["optional"] == true), "the rest is only for the work: {missing:?}");
        assert_eq!(condition(&connection, "DevolutionsCloudReady").unwrap()["status"], "True");
        assert_eq!(condition(&connection, "EntraReady").unwrap()["status"], "False");

        // Without the optional one it looks, and says what it did not look at.
        let enough = ["Application.Read.All", "GroupMember.Read.All", "User.Read.All"];
        stage.sandbox.control_post("/entra/permissions", &permissions(&enough)).await.unwrap();
        stage.operator.kill().await.unwrap();
        let _again = stage.another_operator(&[]).await;
        let state = until_reason(&stage, "PreflightFailed").await;
        assert_eq!(reasons(&state, "Critical"), ["ConditionalAccessNotChecked", "PoliciesNotChecked"]);
        let connection = until(&stage, "tconn", "ready again", |s| ready_reason(s) == "Connected").await;
        assert!(message(&connection).contains("without Policy.Read.All"), "{}", message(&connection));
        stage.end().await;
    });
}

#[test]
fn a_throttled_read_waits_as_long_as_it_is_asked_to_and_goes_on() {
    run(async {
        let stage = Stage::new("migration-throttled").await;
        stage
            .sandbox
            .add_fault(&json!({
                "system": "Graph", "path": "/v1.0/users",
                "action": {"type": "Status", "status": 429, "name": "TooManyRequests", "retryAfterSeconds": 21},
            }))
            .await
            .unwrap();
        stage.apply(&migration(decided())).await.unwrap();
        let state = until(&stage, "ssom", "being throttled", |s| ready_reason(s) == "Throttled").await;
        assert_eq!(condition(&state, "Reconciling").unwrap()["status"], "True");
        assert!(message(&state).contains("HTTP 429"), "{}", message(&state));
        until_reason(&stage, "Planned").await;
        stage.end().await;
    });
}

#[test]
fn a_connection_without_entra_and_a_host_that_nobody_allowed() {
    run(async {
        let mut stage = Stage::new("migration-connection").await;
        let spec = stage.cluster.admin().get(&["tconn", "contoso", "-n", &stage.namespace]).await.unwrap();
        let connection = |name: &str, change: &dyn Fn(&mut Value)| {
            let mut spec = spec["spec"].clone();
            change(&mut spec);
            json!({
                "apiVersion": "migration.devolutions.net/v1alpha1", "kind": "TenantConnection",
                "metadata": {"name": name}, "spec": spec,
            })
        };
        let without = connection("without", &|spec| {
            spec.as_object_mut().unwrap().remove("entra");
        });
        let elsewhere = connection("elsewhere", &|spec| {
            spec["entra"]["cloud"]["custom"]["graphUrl"] = json!("https://graph.attacker.example");
        });
        // The first connection's Secrets are taken from it below, so it asks no more.
        let connected = until(&stage, "tconn", "ready", |s| ready_reason(s) == "Connected").await;
        assert_eq!(condition(&connected, "EntraReady").unwrap()["status"], "True");
        stage.operator.kill().await.unwrap();
        stage.kubectl(&["delete", "tconn", "contoso"]).await;
        let before = stage.journal().await.entries.into_iter().filter(|r| r.system != "DevolutionsCloud").count();
        stage.operator.restart().await.unwrap();
        for (manifest, reason, says) in [
            (without, "EntraNotConfigured", "Add it: tenantId"),
            (elsewhere, "HostNotAllowed", "--allow-entra-host=graph.attacker.example"),
        ] {
            let name = manifest["metadata"]["name"].clone();
            stage.apply(&manifest).await.unwrap();
            // Each connection has Secrets marked for it.
            for secret in ["devolutions-cloud", "entra-id"] {
                let label = format!("migration.devolutions.net/connection={}", name.as_str().unwrap());
                stage.kubectl(&["label", "secret", secret, &label, "--overwrite"]).await;
            }
            let mut asked = migration(decided());
            asked["metadata"]["name"] = name.clone();
            asked["spec"]["connectionRef"] = json!({"name": name});
            stage.apply(&asked).await.unwrap();
            let object = Object { kind: "ssom", namespace: Some(&stage.namespace), name: name.as_str().unwrap() };
            let told = |s: &Value| ready_reason(s) == reason;
            let state = wait::until(&stage.cluster.admin(), object, reason, WITHIN, told).await.unwrap();
            assert!(message(&state).contains(says), "{}", message(&state));
        }
        // Nor was the host asked that is allowed: what it gives would go to the one that is not.
        let entra = stage.journal().await.entries.into_iter().filter(|r| r.system != "DevolutionsCloud").count();
        assert_eq!(entra, before, "nothing more than before for the first connection");
        stage.end().await;
    });
}
