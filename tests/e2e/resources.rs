//! What `kubectl apply` refuses by itself.

use serde_json::{Value, json};

use crate::stage::{cluster, manifest, replacement, run};

async fn refusal(manifest: Value) -> String {
    let dry = ["create", "--dry-run=server", "-n", "default", "-f", "-"];
    match cluster().await.kubectl(&dry, Some(&manifest.to_string())).await {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn nonsense_in_a_field_is_refused_with_words_for_a_person() {
    run(async {
        let good = || replacement("x", json!({"name": "a"}), json!({"displayName": "b"}), json!({}));
        assert_eq!(refusal(good()).await, "");
        let with = |path: &str, value: Value| {
            let mut manifest = good();
            *manifest.pointer_mut(path).unwrap() = value;
            manifest
        };
        let spec = |more: Value| replacement("x", json!({"name": "a"}), json!({"displayName": "b"}), more);
        let cases = [
            (
                with("/spec/from", json!({"name": "a", "id": "1f0c6a0e-2b1d-4f5e-9c3a-7d8e9f0a1b2c"})),
                "exactly one of name and id",
            ),
            (with("/spec/from", json!({})), "exactly one of name and id"),
            (with("/spec/from", json!({"id": "12"})), "must be a GUID"),
            (with("/spec/from", json!({"name": ""})), "spec.from.name"),
            (
                with("/spec/to", json!({"displayName": "b", "id": "1f0c6a0e-2b1d-4f5e-9c3a-7d8e9f0a1b2c"})),
                "exactly one of displayName and id",
            ),
            (with("/spec/to", json!({"id": "x"})), "must be a GUID: the group's object id"),
            (with("/spec/connectionRef", json!({"name": ""})), "spec.connectionRef.name"),
            (spec(json!({"migrationRef": {"name": "m"}})), "exactly one of connectionRef and migrationRef"),
            (spec(json!({"connectionRef": null})), "exactly one of connectionRef and migrationRef"),
            (spec(json!({"mode": "apply"})), "supported values: \"Plan\", \"Apply\", \"Rollback\""),
            (spec(json!({"soak": "a day"})), "such as 24h"),
            (spec(json!({"soak": "9999h"})), "at most a year"),
            (spec(json!({"approval": "Maybe"})), "supported values"),
            (spec(json!({"failsafe": {"maxAssignments": 0}})), "maxAssignments"),
        ];
        for (manifest, says) in cases {
            let said = refusal(manifest.clone()).await;
            assert!(said.contains(says), "{manifest}\n{said}");
        }
        let unknown = refusal(spec(json!({"levelz": []}))).await;
        assert!(unknown.contains("unknown field"), "{unknown}");
        let connection = |url: &str| {
            json!({
                "apiVersion": "migration.devolutions.net/v1alpha1", "kind": "TenantConnection", "metadata": {"name": "x"},
                "spec": {"devolutionsCloud": {"url": url, "credentialsRef": {"name": "s"}}},
            })
        };
        assert_eq!(refusal(connection("https://contoso.devolutions.app")).await, "");
        for url in [
            "http://contoso.devolutions.app",
            "contoso.devolutions.app",
            "https://",
            "https://u:p@contoso.devolutions.app",
            "https://x.devolutions.app?a=b",
        ] {
            assert!(refusal(connection(url)).await.contains("must"), "{url}");
        }
    });
}

#[test]
fn nonsense_in_a_migration_or_in_a_connections_entra_is_refused_with_words_for_a_person() {
    run(async {
        let id = "1f0c6a0e-2b1d-4f5e-9c3a-7d8e9f0a1b2c";
        let migration = |path: &str, value: Value| {
            let mut manifest = json!({
                "apiVersion": "migration.devolutions.net/v1alpha1", "kind": "SsoMigration", "metadata": {"name": "x"},
                "spec": {
                    "connectionRef": {"name": "contoso"}, "mode": "Plan",
                    "assignments": {"groups": [{"id": id}]}, "verification": {"waivers": [{"user": "a@b.c", "reason": "x"}]},
                },
            });
            set(&mut manifest, path, value);
            manifest
        };
        let connection = |path: &str, value: Value| {
            let mut manifest = json!({
                "apiVersion": "migration.devolutions.net/v1alpha1", "kind": "TenantConnection", "metadata": {"name": "x"},
                "spec": {
                    "devolutionsCloud": {"url": "https://contoso.devolutions.app", "credentialsRef": {"name": "s"}},
                    "entra": {
                        "tenantId": id, "clientId": id,
                        "credential": {"type": "ClientSecret", "clientSecret": {"secretRef": {"name": "s"}}},
                    },
                },
            });
            set(&mut manifest, path, value);
            manifest
        };
        let nothing = Value::Null;
        let waiver = |fields: Value| migration("/spec/verification/waivers/0", fields);
        let custom = |authority: &str, graph: &str| {
            let custom = json!({"authorityHost": authority, "graphUrl": graph});
            connection("/spec/entra/cloud", json!({"type": "Custom", "custom": custom}))
        };
        let cases = [
            (migration("/spec/x", nothing.clone()), ""),
            (migration("/spec/mode", nothing.clone()), "spec.mode"),
            (migration("/spec/mode", json!("Revert")), "supported values: \"Plan\", \"Apply\", \"Rollback\""),
            (
                migration("/spec/approvals", json!(["Replacement"])),
                "the gates Start, Cutover, Provisioning, Rollback and Retirement",
            ),
            (migration("/spec/cutover", json!({"when": "AfterVerification"})), "needs provisioning"),
            (migration("/spec/cutover", json!({"when": "Sometime"})), "Unsupported value"),
            (migration("/spec/provisioning", json!({})), "canary"),
            (migration("/spec/provisioning", json!({"canary": {"user": "x"}})), "at least 3"),
            (migration("/spec/verification/groups", json!("Perhaps")), "Unsupported value"),
            (migration("/spec/approvals", json!(["Cutover", "Cutover"])), "Duplicate"),
            (migration("/spec/application", json!({"existing": {"appId": "x"}})), "must be a GUID"),
            (migration("/spec/application", json!({"clientSecret": {"validFor": "30d"}})), "must be in hours"),
            (migration("/spec/application", json!({"clientSecret": {"validFor": "20000h"}})), "two years"),
            (migration("/spec/application", json!({"redirectUris": {"additional": ["http://x.example"]}})), "https://"),
            (
                migration("/spec/application", json!({"redirectUris": {"additional": ["https://*.example"]}})),
                "neither # nor *",
            ),
            (migration("/spec/cutover", json!({"window": {"notBefore": "tonight"}})), "notBefore"),
            (migration("/spec/assignments/groups/0", json!({})), "exactly one of displayName and id"),
            (migration("/spec/assignments/groups/0", json!({"id": "x"})), "must be a GUID"),
            (migration("/spec/currentApplication", json!({"appId": "Devolutions Hub"})), "must be a GUID"),
            (migration("/spec/application", json!({"displayName": ""})), "displayName"),
            (migration("/spec/application", json!({"assignmentRequired": "Perhaps"})), "supported values"),
            (
                waiver(json!({"user": "a@b.c", "emailDomain": "b.c", "reason": "x"})),
                "exactly one of user and emailDomain",
            ),
            (waiver(json!({"emailDomain": "a@b.c", "reason": "x"})), "no dot at either end"),
            (waiver(json!({"emailDomain": "*.partner.example", "reason": "x"})), "no *"),
            (waiver(json!({"emailDomain": "partner.example.", "reason": "x"})), "no dot at either end"),
            (waiver(json!({"emailDomain": "partner.example", "reason": "x"})), ""),
            (waiver(json!({"user": "a@b.c"})), "reason"),
            (waiver(json!({"user": "a@b.c", "reason": "x", "until": "soon"})), "until"),
            (migration("/spec/acknowledgements", json!(["A", "A"])), "Duplicate"),
            (migration("/spec/breakGlass", json!({"user": ""})), "breakGlass"),
            (connection("/spec/x", nothing.clone()), ""),
            (connection("/spec/entra/tenantId", json!("contoso.com")), "must be a GUID: the tenant id"),
            (connection("/spec/entra/clientId", json!("x")), "must be a GUID: the application (client) id"),
            (connection("/spec/entra/credential/clientSecret", nothing.clone()), "give clientSecret if, and only if"),
            (
                connection("/spec/entra/credential/type", json!("WorkloadIdentity")),
                "give workloadIdentity if, and only if",
            ),
            (
                connection("/spec/entra/credential/type", json!("ClientCertificate")),
                "give clientCertificate if, and only if",
            ),
            (
                connection("/spec/entra/credential/clientCertificate", json!({"secretRef": {"name": "s"}})),
                "give clientCertificate if, and only if",
            ),
            (connection("/spec/entra/cloud", json!({"type": "Custom"})), "give custom if, and only if"),
            (connection("/spec/entra/cloud", json!({"type": "Mars"})), "supported values"),
            (custom("https://login.example", "http://graph.example"), "must be an https URL"),
            (custom("https://u:p@login.example", "https://graph.example"), "must be an https URL"),
            (custom("https://login.example", "https://graph.example"), ""),
        ];
        for (manifest, says) in cases {
            let said = refusal(manifest.clone()).await;
            assert!(if says.is_empty() { said.is_empty() } else { said.contains(says) }, "{says}: {manifest}\n{said}");
        }
    });
}

/// Sets a field, or takes it away. One that is not there is added to its parent.
fn set(manifest: &mut Value, path: &str, value: Value) {
    let (parent, field) = path.rsplit_once('/').unwrap();
    match manifest.pointer_mut(parent).unwrap() {
        Value::Array(items) => items[field.parse::<usize>().unwrap()] = value,
        parent if value.is_null() => {
            parent.as_object_mut().unwrap().remove(field);
        }
        parent => parent[field] = value,
    }
}

#[test]
fn a_connections_tenant_cannot_be_changed_once_it_is_there() {
    run(async {
        let cluster = cluster().await;
        let apply = async |manifest: &Value| {
            cluster.kubectl(&["apply", "-n", "default", "-f", "-"], Some(&manifest.to_string())).await
        };
        let id = "1f0c6a0e-2b1d-4f5e-9c3a-7d8e9f0a1b2c";
        let mut connection = json!({
            "apiVersion": "migration.devolutions.net/v1alpha1", "kind": "TenantConnection", "metadata": {"name": "tenant"},
            "spec": {"devolutionsCloud": {"url": "https://contoso.devolutions.app", "credentialsRef": {"name": "s"}}},
        });
        apply(&connection).await.unwrap();
        // It may come later.
        connection["spec"]["entra"] = json!({
            "tenantId": id, "clientId": id,
            "credential": {"type": "ClientSecret", "clientSecret": {"secretRef": {"name": "s"}}},
        });
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
        let apply = async |manifest: &Value| {
            cluster.kubectl(&["apply", "-n", "default", "-f", "-"], Some(&manifest.to_string())).await
        };
        let first = replacement("fixed", json!({"name": "a"}), json!({"displayName": "b"}), json!({}));
        apply(&first).await.unwrap();
        for (pointer, value, says) in [
            ("/spec/from", json!({"id": "1f0c6a0e-2b1d-4f5e-9c3a-7d8e9f0a1b2c"}), "from is immutable"),
            ("/spec/to", json!({"displayName": "c"}), "to is immutable"),
            ("/spec/connectionRef", json!({"name": "other"}), "connectionRef is immutable"),
            (
                "/spec",
                json!({"migrationRef": {"name": "m"}, "from": first["spec"]["from"], "to": first["spec"]["to"]}),
                "migrationRef is immutable",
            ),
        ] {
            let mut changed = first.clone();
            *changed.pointer_mut(pointer).unwrap() = value;
            let said = apply(&changed).await.unwrap_err().to_string();
            assert!(said.contains(says), "{said}");
        }
        cluster.kubectl(&["delete", "grpr", "fixed", "-n", "default"], None).await.unwrap();
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
