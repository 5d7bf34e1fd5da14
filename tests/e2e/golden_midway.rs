//! What people see while much is under way, and of a connection that does not work; see `golden`.

use serde_json::{Value, json};

use crate::cli::Person;
use crate::golden::{Transcript, connected, grant, hold_after};
use crate::mapping::{mapping, pair};
use crate::migration::until;
use crate::provisioning::{stage, to_provisioning};
use crate::stage::{ALICE, Stage, WITHIN, message, ready_reason, run};

#[test]
fn users_come_across_and_a_group_is_replaced() {
    run(async {
        let stage = stage("golden-midway", "").await;
        let alice = Person::new(&stage, ALICE).await;
        connected(&stage).await;
        // The canary and one more come across, and the third is waited for.
        let third = json!({"system": "Scim", "method": "POST", "path": "/scim/v2/Users", "nth": 3, "action": {"type": "HoldBeforeCommit"}});
        stage.sandbox.add_fault(&third).await.unwrap();
        let mut spec = mapping(&[pair("Sysadmins", "Vault-Admins")]);
        spec["approvals"] = json!([]);
        to_provisioning(&stage, spec).await;
        let hold = stage.sandbox.wait_for_hold(WITHIN).await.unwrap();
        stage.nudge().await;
        let are_two = |s: &Value| ready_reason(s) == "Synchronizing" && s["status"]["verification"]["synced"] == 2;
        until(&stage, "ssom", "two synced", are_two).await;
        let mut seen = Transcript::new("Two of five users have come across so far.");
        seen.operator(&alice, &["status"]).await;
        seen.kubectl(&stage, &["get", "ssom"]).await;
        seen.kubectl(&stage, &["describe", "ssom", "contoso"]).await;
        seen.check("migration-synchronizing.txt");

        stage.sandbox.release(hold.id).await.unwrap();
        let is_asked = |s: &Value| ready_reason(s) == "Replacing" && message(s).contains("AwaitingApproval");
        let state = until(&stage, "ssom", "a replacement waiting", is_asked).await;
        let name = state["status"]["replacements"]["pending"][0].as_str().unwrap();
        let waiting = stage.until_reason(name, "AwaitingApproval").await;
        let half = waiting["status"]["plans"][0]["grants"].as_u64().unwrap() / 2;
        hold_after(&stage, half).await;
        stage.approve(name).await;
        let hold = stage.sandbox.wait_for_hold(WITHIN).await.unwrap();
        stage.until(name, "half of the grants", |state| grant(state) == Some(half)).await;
        let is_at_work = |s: &Value| ready_reason(s) == "Replacing" && message(s).contains("Progressing");
        until(&stage, "ssom", "a replacement at work", is_at_work).await;
        let mut seen = Transcript::new("Everybody has come across, and a group is being replaced.");
        seen.kubectl(&stage, &["get", "ssom,grpr,tconn"]).await;
        seen.operator(&alice, &["status"]).await;
        seen.check("migration-replacing.txt");
        stage.sandbox.release(hold.id).await.unwrap();
        stage.end().await;
    });
}

#[test]
fn a_connection_that_does_not_work() {
    run(async {
        let stage = Stage::new("golden-connection").await;
        let alice = Person::new(&stage, ALICE).await;
        connected(&stage).await;
        let give = async |secret: &str| {
            let secret = json!({"stringData": {"clientSecret": secret}}).to_string();
            stage.kubectl(&["patch", "secret", "entra-id", "--type=merge", "-p", &secret]).await;
        };
        let looks = async |about: &str, file: &str| {
            let mut seen = Transcript::new(about);
            seen.operator(&alice, &["status"]).await;
            seen.kubectl(&stage, &["get", "tconn"]).await;
            seen.kubectl(&stage, &["describe", "tconn", "contoso"]).await;
            seen.check(file);
        };
        give("its-secret-id").await;
        until(&stage, "tconn", "a wrong secret", |s| ready_reason(s) == "ClientSecretWrong").await;
        looks("Entra ID does not take the client secret.", "connection-secret-wrong.txt").await;

        let few = json!({"permissions": ["Application.Read.All"]});
        stage.sandbox.control_post("/entra/permissions", &few).await.unwrap();
        give(stage.sandbox.export("CLIENT_SECRET").unwrap()).await;
        until(&stage, "tconn", "a permission missing", |s| ready_reason(s) == "PermissionMissing").await;
        looks("Permissions are missing in Entra ID.", "connection-permission-missing.txt").await;
        stage.end().await;
    });
}
