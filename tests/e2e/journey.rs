//! A replacement from its first sight to its rollback.

use serde_json::json;

use crate::quiet::passes_quietly;
use crate::stage::{Stage, condition, message, run};

#[test]
fn a_group_is_replaced_and_put_back_and_nobody_notices() {
    run(async {
        let stage = Stage::new("journey").await;
        let before = stage.sandbox.state().await.unwrap();
        stage.replace_sysadmins(json!({})).await;

        let waiting = stage.until_reason("sysadmins", "AwaitingApproval").await;
        stage.assert_nothing_written().await;
        let plan = &waiting["status"]["plans"][0];
        assert_eq!(plan["state"], "AwaitingApproval");
        assert_eq!(plan["grants"], plan["revokes"]);
        assert_eq!(condition(&waiting, "Succeeded").unwrap()["status"], "Unknown");
        assert_eq!(condition(&waiting, "Reconciling").unwrap()["status"], "True");

        stage.approve("sysadmins").await;
        let done = stage.until_reason("sysadmins", "Replaced").await;
        assert_eq!(condition(&done, "Succeeded").unwrap()["status"], "True");
        assert!(condition(&done, "Reconciling").is_none() && condition(&done, "Stalled").is_none());
        assert_eq!(done["status"]["plans"][0]["state"], "Completed");
        assert_eq!(done["status"]["plans"][0]["approver"], "alice@contoso.example");
        stage.kubectl(&["wait", "--for=condition=Succeeded", "grpr/sysadmins", "--timeout=60s"]).await;
        stage.assert_no_violation().await;

        // Grants first, all of them; each effect written once.
        let count = usize::try_from(plan["grants"].as_u64().unwrap()).unwrap();
        let methods: Vec<String> = stage.writes().await.into_iter().map(|w| w.method).collect();
        assert_eq!(methods, [vec!["PUT".to_owned(); count], vec!["DELETE".to_owned(); count]].concat());
        let (custom, entra) = (&done["status"]["from"]["id"], &done["status"]["to"]["id"]);
        assert_eq!(held(&stage.sandbox.state().await.unwrap(), entra), held(&before, custom));
        assert!(held(&stage.sandbox.state().await.unwrap(), custom).is_empty());

        stage.patch("sysadmins", json!({"mode": "Rollback"})).await;
        stage.approve("sysadmins").await;
        let back = stage.until_reason("sysadmins", "RolledBack").await;
        assert_eq!(condition(&back, "Succeeded").unwrap()["status"], "False");
        assert_eq!(stage.sandbox.state().await.unwrap(), before, "byte for byte as it was");
        stage.assert_no_violation().await;

        // And once more, to see that a rollback is no dead end.
        stage.patch("sysadmins", json!({"mode": "Apply"})).await;
        stage.approve("sysadmins").await;
        stage.until_reason("sysadmins", "Replaced").await;
        stage.assert_no_violation().await;
        stage.end().await;
    });
}

#[test]
fn a_second_pass_writes_nothing_anywhere() {
    run(async {
        let mut stage = Stage::new("quiet").await;
        stage.replace_sysadmins(json!({"approval": "NotRequired"})).await;
        stage.until_reason("sysadmins", "Replaced").await;
        passes_quietly(&stage, "grpr", "sysadmins", "Replaced").await;
        stage.operator.restart().await.unwrap();
        passes_quietly(&stage, "grpr", "sysadmins", "Replaced").await;
        stage.end().await;
    });
}

#[test]
fn mode_plan_shows_the_plan_and_writes_nothing_and_its_hash_can_be_approved() {
    run(async {
        let stage = Stage::new("preview").await;
        stage.replace_sysadmins(json!({"mode": "Plan"})).await;
        let planned = stage.until_reason("sysadmins", "Planned").await;
        assert_eq!(condition(&planned, "Planned").unwrap()["status"], "True");
        assert_eq!(planned["status"]["plans"][0]["state"], "Preview");
        stage.assert_nothing_written().await;

        let alice = crate::stage::ALICE;
        stage.approve_as(alice, &crate::stage::approval(&planned, alice)).await.unwrap();
        stage.patch("sysadmins", json!({"mode": "Apply"})).await;
        let done = stage.until_reason("sysadmins", "Replaced").await;
        assert_eq!(done["status"]["plans"][0]["hash"], planned["status"]["plans"][0]["hash"]);
        assert!(condition(&done, "Planned").is_none());
        stage.assert_no_violation().await;
        stage.end().await;
    });
}

#[test]
fn between_the_phases_it_soaks_and_looks_again_at_the_members() {
    run(async {
        let stage = Stage::new("soak").await;
        stage.replace_sysadmins(json!({"approval": "NotRequired", "soak": "24h"})).await;
        let soaking = stage.until_reason("sysadmins", "Soaking").await;
        assert!(soaking["status"]["soakUntil"].is_string());
        assert!(stage.writes().await.iter().all(|w| w.method == "PUT"));

        // Somebody leaves the Entra group: revoking now would take Bob's access away.
        let members = ["adam@contoso.example", "carol@contoso.example", "frank@contoso.example"];
        stage.sandbox.sync("Vault-Admins", &members).await.unwrap();
        stage.patch("sysadmins", json!({"soak": "0s"})).await;
        let stale = stage.until_reason("sysadmins", "PlanStale").await;
        assert!(
            message(&stale).contains("the members of \"Vault-Admins\" changed (0 joined, 1 left)"),
            "{}",
            message(&stale)
        );
        assert_eq!(condition(&stale, "Stalled").unwrap()["status"], "True");
        assert!(stage.writes().await.iter().all(|w| w.method == "PUT"));
        stage.assert_no_violation().await;

        // He comes back, and a person asks for another plan: what was granted is not granted again.
        let members = [&members[..], &["bob@contoso.example"]].concat();
        stage.sandbox.sync("Vault-Admins", &members).await.unwrap();
        stage.kubectl(&["annotate", "grpr", "sysadmins", "migration.devolutions.net/requestedAt=again"]).await;
        let done = stage.until_reason("sysadmins", "Replaced").await;
        let last = done["status"]["plans"].as_array().unwrap().last().unwrap();
        assert_eq!((&last["grants"], &last["state"]), (&json!(0), &json!("Completed")));
        stage.assert_no_violation().await;
        stage.end().await;
    });
}

#[test]
fn a_replacement_needs_nothing_of_entra() {
    run(async {
        let mut stage = Stage::new("without-entra").await;
        let admin = stage.cluster.admin();
        let mut connection = admin.get(&["tconn", "contoso", "-n", &stage.namespace]).await.unwrap();
        connection["metadata"] = json!({"name": "contoso"});
        connection.as_object_mut().unwrap().remove("status");
        connection["spec"].as_object_mut().unwrap().remove("entra");
        stage.operator.kill().await.unwrap();
        stage.kubectl(&["delete", "tconn", "contoso"]).await;
        stage.apply(&connection).await.unwrap();
        let before = stage.journal().await.last;
        stage.operator.restart().await.unwrap();
        stage.replace_sysadmins(json!({"approval": "NotRequired"})).await;
        stage.until_reason("sysadmins", "Replaced").await;
        let asked = stage.sandbox.journal(before).await.unwrap().entries;
        assert!(asked.iter().all(|r| r.system == "DevolutionsCloud"), "{asked:?}");
        stage.assert_no_violation().await;
        stage.end().await;
    });
}

/// What a group holds, place by place.
fn held(state: &serde_json::Value, group: &serde_json::Value) -> Vec<(String, serde_json::Value)> {
    let group = group.as_str().unwrap();
    let mut held = Vec::new();
    walk(state, "", group, &mut held);
    held
}

fn walk(value: &serde_json::Value, path: &str, group: &str, held: &mut Vec<(String, serde_json::Value)>) {
    let Some(fields) = value.as_object() else { return };
    for (name, inner) in fields {
        if name == group {
            held.push((path.to_owned(), inner.clone()));
        } else {
            walk(inner, &format!("{path}/{name}"), group, held);
        }
    }
}
