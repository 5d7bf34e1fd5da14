//! Nonsense in each field of each spec is refused by `kubectl apply` itself, with words that name the field and what it takes.

use std::collections::BTreeSet;

use operator::api;
use serde_json::{Value, json};

use crate::stage::{cluster, run};

pub const ID: &str = "1f0c6a0e-2b1d-4f5e-9c3a-7d8e9f0a1b2c";

/// What is put where (null: taken away), and the words that say what is wrong with it.
type Nonsense = (&'static str, Value, &'static str);

/// A kind whose every field is right.
pub fn sound(kind: &str) -> Value {
    let spec = match kind {
        "TenantConnection" => json!({
            "devolutionsCloud": {"url": "https://contoso.devolutions.app", "credentialsRef": {"name": "s"}},
            "entra": {
                "tenantId": ID, "clientId": ID,
                "credential": {"type": "ClientSecret", "clientSecret": {"secretRef": {"name": "s"}}},
            },
        }),
        "SsoMigration" => json!({
            "connectionRef": {"name": "contoso"}, "mode": "Plan",
            "assignments": {"groups": [{"id": ID}]},
            "cutover": {"when": "AfterVerification"},
            "provisioning": {"canary": {"user": "a@b.c"}},
            "verification": {"waivers": [{"user": "a@b.c", "reason": "x"}]},
            "groupReplacements": {"create": "FromMapping", "mapping": [{"from": {"name": "a"}, "to": {"displayName": "b"}}]},
            "retirement": {"policy": "Retain"},
        }),
        "GroupReplacement" => {
            json!({"connectionRef": {"name": "contoso"}, "from": {"name": "a"}, "to": {"displayName": "b"}})
        }
        _ => json!({
            "target": {"kind": "GroupReplacement", "name": "x", "uid": ID}, "gate": "Replacement",
            "plan": format!("sha256:{}", "0".repeat(64)), "approver": "nobody",
        }),
    };
    json!({
        "apiVersion": "migration.devolutions.net/v1alpha1", "kind": kind, "metadata": {"name": "x"}, "spec": spec,
    })
}

const CHARACTER: &str = "should be at least 1 chars long";
const SUPPORTED: &str = "supported values: ";
const TRUE_OR_FALSE: &str = "must be of type boolean";
const TIME: &str = "must be of type date-time";
const GUID: &str = "must be a GUID";
const HTTPS: &str = "must be an https URL";

fn in_a_connection() -> Vec<Nonsense> {
    let two = "give clientCertificate if, and only if, type is ClientCertificate";
    let custom = |authority: &str, graph: &str| json!({"type": "Custom", "custom": {"authorityHost": authority, "graphUrl": graph}});
    let own = json!({"type": "Custom"});
    vec![
        ("/metadata/name", json!("x".repeat(64)), "at most 63 characters"),
        ("/spec/devolutionsCloud/url", json!("http://contoso.devolutions.app"), HTTPS),
        ("/spec/devolutionsCloud/url", json!("contoso.devolutions.app"), HTTPS),
        ("/spec/devolutionsCloud/url", json!("https://"), "should be at least 9 chars long"),
        ("/spec/devolutionsCloud/url", json!("https://u:p@contoso.devolutions.app"), "no query, fragment or user name"),
        ("/spec/devolutionsCloud/url", json!("https://x.devolutions.app?a=b"), "no query, fragment or user name"),
        ("/spec/devolutionsCloud/credentialsRef/name", json!(""), CHARACTER),
        ("/spec/devolutionsCloud/caBundleRef/name", json!(""), CHARACTER),
        ("/spec/devolutionsCloud/caBundleRef/key", json!(""), CHARACTER),
        ("/spec/entra/tenantId", json!("contoso.com"), "must be a GUID: the tenant id"),
        ("/spec/entra/clientId", json!("x"), "must be a GUID: the application (client) id"),
        ("/spec/entra/caBundleRef/name", json!(""), CHARACTER),
        ("/spec/entra/caBundleRef/key", json!(""), CHARACTER),
        ("/spec/entra/credential/type", json!("Password"), SUPPORTED),
        ("/spec/entra/credential/type", json!("WorkloadIdentity"), "give workloadIdentity if, and only if"),
        ("/spec/entra/credential/type", json!("ClientCertificate"), two),
        ("/spec/entra/credential/clientSecret", Value::Null, "give clientSecret if, and only if"),
        ("/spec/entra/credential/clientCertificate", json!({"secretRef": {"name": "s"}}), two),
        ("/spec/entra/credential/clientSecret/secretRef/name", json!(""), CHARACTER),
        ("/spec/entra/credential/clientCertificate/secretRef/name", json!(""), CHARACTER),
        ("/spec/entra/credential/workloadIdentity/serviceAccountRef/name", json!(""), CHARACTER),
        ("/spec/entra/cloud", own, "give custom if, and only if"),
        ("/spec/entra/cloud/type", json!("Mars"), SUPPORTED),
        ("/spec/entra/cloud/custom/authorityHost", json!(""), "should be at least 9 chars long"),
        ("/spec/entra/cloud/custom/graphUrl", json!(""), "should be at least 9 chars long"),
        ("/spec/entra/cloud", custom("https://login.example", "http://graph.example"), HTTPS),
        ("/spec/entra/cloud", custom("https://u:p@login.example", "https://graph.example"), HTTPS),
        ("/spec/policy/gates", json!(["Lunch"]), SUPPORTED),
        ("/spec/policy/gates", json!(["Cutover", "Cutover"]), "Duplicate"),
    ]
}

fn in_a_migration() -> Vec<Nonsense> {
    let two = json!({"user": "a@b.c", "emailDomain": "b.c", "reason": "x"});
    let over = json!({"notBefore": "2026-01-02T00:00:00Z", "notAfter": "2026-01-01T00:00:00Z"});
    let uris = "/spec/application/redirectUris/additional";
    let gates = "the gates Start, Cutover, Provisioning, Rollback and Retirement";
    let one_name = "exactly one of displayName and id";
    let domain = |name: &str| json!({"emailDomain": name, "reason": "x"});
    let valid_for = "/spec/application/clientSecret/validFor";
    let waiver = "/spec/verification/waivers/0";
    let pair = |from: Value, to: Value| json!({"from": from, "to": to});
    let named = |name: &str| json!({"displayName": name});
    vec![
        ("/metadata/name", json!("x".repeat(201)), "at most 200 characters"),
        ("/spec/connectionRef/name", json!(""), CHARACTER),
        ("/spec/mode", Value::Null, "Required value"),
        ("/spec/mode", json!("Revert"), "supported values: \"Plan\", \"Apply\", \"Rollback\""),
        ("/spec/suspend", json!("later"), TRUE_OR_FALSE),
        ("/spec/currentApplication/appId", json!("Devolutions Hub"), GUID),
        ("/spec/application/displayName", json!(""), CHARACTER),
        ("/spec/application/existing/appId", json!("x"), GUID),
        ("/spec/application/redirectUris/copyFromCurrent", json!("most"), TRUE_OR_FALSE),
        (uris, json!(["http://x.example"]), "https://"),
        (uris, json!(["https://*.example"]), "neither # nor *"),
        (uris, json!(["https://"]), "names a host"),
        (uris, json!(["https://x example/"]), "names a host"),
        (valid_for, json!("30d"), "must be in hours"),
        (valid_for, json!("20000h"), "two years"),
        (valid_for, json!("999999999999999h"), "two years"),
        ("/spec/application/assignmentRequired", json!("Perhaps"), SUPPORTED),
        ("/spec/assignments/fromCurrentApplication", json!("some"), TRUE_OR_FALSE),
        ("/spec/assignments/groups/0", json!({}), one_name),
        ("/spec/assignments/groups/0/displayName", json!(""), CHARACTER),
        ("/spec/assignments/groups/0/id", json!("x"), GUID),
        ("/spec/cutover/when", json!("Sometime"), SUPPORTED),
        ("/spec/cutover/window/notBefore", json!("tonight"), TIME),
        ("/spec/cutover/window/notAfter", json!("tomorrow"), TIME),
        ("/spec/cutover/window", over, "notBefore must be before notAfter"),
        ("/spec/cutover/window", json!({}), "give notBefore, notAfter or both"),
        ("/spec/provisioning", Value::Null, "AfterVerification needs provisioning"),
        ("/spec/provisioning", Value::Null, "groupReplacements needs provisioning"),
        ("/spec/provisioning/canary", Value::Null, "Required value"),
        ("/spec/provisioning/canary/user", json!("x"), "should be at least 3 chars long"),
        ("/spec/approvals", json!(["Lunch"]), SUPPORTED),
        ("/spec/approvals", json!(["Replacement"]), gates),
        ("/spec/approvals", json!(["Cutover", "Cutover"]), "Duplicate"),
        ("/spec/breakGlass/user", json!(""), "should be at least 3 chars long"),
        ("/spec/acknowledgements", json!([""]), CHARACTER),
        ("/spec/acknowledgements", json!(["A", "A"]), "Duplicate"),
        ("/spec/verification/groups", json!("Perhaps"), SUPPORTED),
        (waiver, two, "exactly one of user and emailDomain"),
        ("/spec/verification/waivers/0/user", json!("a"), "should be at least 3 chars long"),
        ("/spec/verification/waivers/0/emailDomain", json!(""), CHARACTER),
        (waiver, domain("a@b.c"), "no dot at either end"),
        (waiver, domain("*.partner.example"), "no *"),
        (waiver, domain("partner.example."), "no dot at either end"),
        ("/spec/verification/waivers/0/reason", Value::Null, "Required value"),
        ("/spec/verification/waivers/0/reason", json!(""), CHARACTER),
        ("/spec/verification/waivers/0/until", json!("soon"), TIME),
        ("/spec/groupReplacements/create", json!("Everything"), SUPPORTED),
        ("/spec/groupReplacements/mapping", json!([]), "should have at least 1 items"),
        ("/spec/groupReplacements/mapping/0", pair(json!({}), named("b")), "exactly one of name and id"),
        ("/spec/groupReplacements/mapping/0", pair(json!({"name": "a"}), json!({})), one_name),
        ("/spec/groupReplacements/mapping/0/from/name", json!(""), CHARACTER),
        ("/spec/groupReplacements/mapping/0/from/id", json!("12"), GUID),
        ("/spec/groupReplacements/mapping/0/to/displayName", json!(""), CHARACTER),
        ("/spec/groupReplacements/mapping/0/to/id", json!("x"), GUID),
        ("/spec/groupReplacements/template/soak", json!("a day"), "such as 24h"),
        ("/spec/groupReplacements/template/soak", json!("9999h"), "at most a year"),
        ("/spec/retirement/policy", json!("Delete"), SUPPORTED),
        ("/spec/retirement/after", json!("a month"), "such as 720h"),
        ("/spec/retirement/after", json!("9999h"), "at most a year"),
    ]
}

fn in_a_replacement() -> Vec<Nonsense> {
    let one_reference = "exactly one of connectionRef and migrationRef";
    vec![
        ("/metadata/name", json!("x".repeat(201)), "at most 200 characters"),
        ("/spec/levelz", json!([]), "unknown field"),
        ("/spec/connectionRef/name", json!(""), CHARACTER),
        ("/spec/migrationRef/name", json!(""), CHARACTER),
        ("/spec/migrationRef", json!({"name": "m"}), one_reference),
        ("/spec/connectionRef", Value::Null, one_reference),
        ("/spec/from", json!({"name": "a", "id": ID}), "exactly one of name and id"),
        ("/spec/from", json!({}), "exactly one of name and id"),
        ("/spec/from/name", json!(""), CHARACTER),
        ("/spec/from/id", json!("12"), GUID),
        ("/spec/to", json!({"displayName": "b", "id": ID}), "exactly one of displayName and id"),
        ("/spec/to/displayName", json!(""), CHARACTER),
        ("/spec/to/id", json!("x"), "must be a GUID: the group's object id"),
        ("/spec/mode", json!("apply"), "supported values: \"Plan\", \"Apply\", \"Rollback\""),
        ("/spec/suspend", json!("later"), TRUE_OR_FALSE),
        ("/spec/approval", json!("Maybe"), SUPPORTED),
        ("/spec/soak", json!("a day"), "such as 24h"),
        ("/spec/soak", json!("9999h"), "at most a year"),
        ("/spec/soak", json!("999999999999999h"), "at most a year"),
        ("/spec/failsafe/maxAssignments", json!(0), "should be greater than or equal to 1"),
        ("/spec/failsafe/maxAssignments", json!("few"), "must be of type integer"),
    ]
}

fn in_an_approval() -> Vec<Nonsense> {
    let hash = "sha256: and 64 hexadecimal digits";
    vec![
        ("/spec/target/kind", json!("TenantConnection"), "supported values: \"GroupReplacement\", \"SsoMigration\""),
        ("/spec/target/name", json!(""), CHARACTER),
        ("/spec/target/uid", json!(""), CHARACTER),
        ("/spec/gate", json!("Lunch"), SUPPORTED),
        ("/spec/gate", json!("Cutover"), "a GroupReplacement has the gates Replacement and Rollback"),
        ("/spec/plan", json!("the newest"), hash),
        ("/spec/plan", json!(format!("sha256:{}", "0".repeat(63))), hash),
        ("/spec/plan", json!(format!("sha256:{}", "G".repeat(64))), hash),
        ("/spec/approver", json!(""), CHARACTER),
        ("/spec/expiresAt", json!("tomorrow"), TIME),
    ]
}

fn tables() -> [(&'static str, Vec<Nonsense>); 4] {
    [
        ("TenantConnection", in_a_connection()),
        ("SsoMigration", in_a_migration()),
        ("GroupReplacement", in_a_replacement()),
        ("PlanApproval", in_an_approval()),
    ]
}

async fn refusal(manifest: &Value) -> String {
    let dry = ["create", "--dry-run=server", "-n", "default", "-f", "-"];
    match cluster().await.kubectl(&dry, Some(&manifest.to_string())).await {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    }
}

/// Sets a field, or takes it away. What it is in is made where it is not there.
pub fn set(manifest: &mut Value, path: &str, value: Value) {
    let (parents, field) = path.rsplit_once('/').unwrap();
    let mut parent = manifest;
    for name in parents.split('/').skip(1) {
        parent = match parent {
            Value::Array(items) => &mut items[name.parse::<usize>().unwrap()],
            object => &mut object[name],
        };
    }
    match parent {
        Value::Array(items) => items[field.parse::<usize>().unwrap()] = value,
        parent if value.is_null() => drop(parent.as_object_mut().unwrap().remove(field)),
        parent => parent[field] = value,
    }
}

/// Whether a message names a field: `/spec/a/0/b` is `spec.a[0].b`. A rule about several fields names them in its own words.
fn names(said: &str, path: &str) -> bool {
    let (parents, field) = path.rsplit_once('/').unwrap();
    let dotted = |part: &str| if part.parse::<usize>().is_ok() { format!("[{part}]") } else { format!(".{part}") };
    let parent: String = parents.split('/').skip(1).map(dotted).collect();
    said.contains(parent.trim_start_matches('.')) && said.contains(field)
}

#[test]
fn nonsense_in_a_field_is_refused_with_words_for_a_person() {
    run(async {
        for (kind, rows) in tables() {
            let said = refusal(&sound(kind)).await;
            // An approval that is right in all else is refused for another's name in it.
            let expected = if kind == "PlanApproval" { "in one's own name only" } else { "" };
            assert!(said.contains(expected) && said.is_empty() == expected.is_empty(), "{kind}: {said}");
            for (path, value, says) in rows {
                let mut manifest = sound(kind);
                set(&mut manifest, path, value.clone());
                let said = refusal(&manifest).await;
                assert!(said.contains(says), "{kind}, {path}: {value}: {says:?} is not in\n{said}");
                assert!(names(&said, path), "{kind}, {path}: {value}: the field is not in\n{said}");
            }
        }
    });
}

#[test]
fn what_makes_sense_in_other_ways_is_taken() {
    run(async {
        let custom = json!({"authorityHost": "https://login.example", "graphUrl": "https://graph.example"});
        let uris = json!({"additional": ["https://rdm.contoso.example:8443/callback", "https://b.example"]});
        for (kind, path, value) in [
            ("TenantConnection", "/spec/entra", Value::Null),
            ("TenantConnection", "/spec/entra/cloud", json!({"type": "Custom", "custom": custom})),
            ("SsoMigration", "/spec/verification/waivers/0", json!({"emailDomain": "partner.example", "reason": "x"})),
            ("SsoMigration", "/spec/application/redirectUris", uris),
            ("SsoMigration", "/spec/cutover/window/notAfter", json!("2026-01-01T00:00:00Z")),
            ("GroupReplacement", "/spec/to", json!({"id": ID})),
        ] {
            let mut manifest = sound(kind);
            set(&mut manifest, path, value);
            assert_eq!(refusal(&manifest).await, "", "{manifest}");
        }
    });
}

/// The fields of a schema that hold no others.
fn leaves(path: &str, schema: &Value, found: &mut BTreeSet<String>) {
    let inner = if schema["type"] == "array" { &schema["items"] } else { schema };
    match inner["properties"].as_object() {
        Some(fields) => fields.iter().for_each(|(name, field)| leaves(&format!("{path}/{name}"), field, found)),
        None => drop(found.insert(path.to_owned())),
    }
}

#[test]
fn no_field_of_a_spec_is_without_its_nonsense() {
    let tables = tables();
    for definition in api::definitions() {
        let definition = serde_json::to_value(definition).unwrap();
        let kind = definition["spec"]["names"]["kind"].as_str().unwrap();
        let mut missing = BTreeSet::new();
        leaves(
            "/spec",
            &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"],
            &mut missing,
        );
        assert!(missing.len() > 5, "{kind}: {missing:?}");
        let (_, rows) = tables.iter().find(|(name, _)| *name == kind).expect(kind);
        for (path, _, _) in rows.iter().filter(|(_, value, _)| !value.is_null()) {
            let parts = path.split('/').filter(|part| part.parse::<usize>().is_err());
            missing.remove(&parts.collect::<Vec<_>>().join("/"));
        }
        assert!(missing.is_empty(), "{kind}: no row of nonsense for {missing:?}");
    }
}
