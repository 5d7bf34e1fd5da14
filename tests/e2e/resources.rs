//! What `kubectl apply` refuses of what is there already, and that it takes the examples.

use serde_json::{Value, json};

use crate::nonsense::{ID, set, sound};
use crate::stage::{cluster, manifest, run};

#[test]
fn a_connections_tenant_cannot_be_changed_once_it_is_there() {
    run(async {
        let cluster = cluster().await;
        let apply = async |manifest: &Value| {
            cluster.kubectl(&["apply", "-n", "default", "-f", "-"], Some(&manifest.to_string())).await
        };
        let mut connection = sound("TenantConnection");
        connection["metadata"]["name"] = json!("tenant");
        let entra = connection["spec"]["entra"].take();
        set(&mut connection, "/spec/entra", Value::Null);
        apply(&connection).await.unwrap();
        // It may come later.
        connection["spec"]["entra"] = entra;
        apply(&connection).await.unwrap();
        let other = "00000000-2b1d-4f5e-9c3a-7d8e9f0a1b2c";
        for (path, value, says) in [
            ("/spec/entra/tenantId", json!(other), "entra.tenantId is immutable"),
            ("/spec/entra/cloud", json!({"type": "China"}), "entra.cloud is immutable"),
            ("/spec/entra", Value::Null, "immutable"),
        ] {
            let mut changed = connection.clone();
            set(&mut changed, path, value);
            let said = apply(&changed).await.unwrap_err().to_string();
            assert!(said.contains(says), "{said}");
        }
        set(&mut connection, "/spec/entra/clientId", json!(other));
        apply(&connection).await.unwrap();
        cluster.kubectl(&["delete", "tconn", "tenant", "-n", "default"], None).await.unwrap();
    });
}

#[test]
fn what_plans_rest_on_cannot_be_changed() {
    run(async {
        let cluster = cluster().await;
        let as_admin = async |arguments: &[&str], manifest: &Value| {
            cluster.kubectl(&[arguments, &["-n", "default", "-f", "-"]].concat(), Some(&manifest.to_string())).await
        };
        let whoami = ["auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"];
        let me = cluster.kubectl(&whoami, None).await.unwrap().stdout;
        let replacement = sound("GroupReplacement");
        let groups = json!({"from": replacement["spec"]["from"], "to": replacement["spec"]["to"]});
        let by_migration = json!({"migrationRef": {"name": "m"}, "from": groups["from"], "to": groups["to"]});
        let other = json!({"name": "other"});
        let kept = "an approval cannot be changed: delete it and create another";
        for (kind, path, value, says) in [
            ("GroupReplacement", "/spec/from", json!({"id": ID}), "from is immutable"),
            ("GroupReplacement", "/spec/to", json!({"displayName": "c"}), "to is immutable"),
            ("GroupReplacement", "/spec/connectionRef", other.clone(), "connectionRef is immutable"),
            ("GroupReplacement", "/spec", by_migration, "migrationRef is immutable"),
            ("SsoMigration", "/spec/connectionRef", other, "connectionRef is immutable: create another SsoMigration"),
            ("PlanApproval", "/spec/plan", json!(format!("sha256:{}", "1".repeat(64))), kept),
            ("PlanApproval", "/spec/target/name", json!("another"), kept),
            ("PlanApproval", "/spec/expiresAt", json!("2030-01-01T00:00:00Z"), kept),
        ] {
            let mut manifest = sound(kind);
            manifest["metadata"]["name"] = json!("fixed");
            if kind == "PlanApproval" {
                manifest["spec"]["approver"] = json!(me);
            }
            as_admin(&["apply"], &manifest).await.unwrap();
            let mut changed = manifest.clone();
            set(&mut changed, path, value);
            let said = as_admin(&["apply"], &changed).await.unwrap_err().to_string();
            assert!(said.contains(says), "{said}");
            as_admin(&["delete"], &manifest).await.unwrap();
        }
    });
}

#[test]
fn the_examples_are_accepted_as_they_stand() {
    run(async {
        for example in ["connection", "migration", "replacement", "roles"] {
            let text = manifest(&format!("examples/{example}.yaml"));
            let dry = ["apply", "--dry-run=server", "-n", "default", "-f", "-"];
            cluster().await.kubectl(&dry, Some(&text)).await.unwrap();
        }
        // In another's name, so what is right in all else is refused for just that.
        let text = manifest("examples/approval.yaml");
        let dry = ["create", "--dry-run=server", "-n", "default", "-f", "-"];
        let refused = cluster().await.kubectl(&dry, Some(&text)).await.unwrap_err().to_string();
        assert!(refused.contains("in one's own name only"), "{refused}");
    });
}
