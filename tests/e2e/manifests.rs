//! Resources as tests write them, and what they read in them.

use serde_json::{Value, json};
use testbed::sandbox::Sandbox;

use crate::stage::{ALICE, MALLORY};

#[allow(clippy::needless_pass_by_value)] // Written in place, every time.
pub fn replacement(name: &str, from: Value, to: Value, spec: Value) -> Value {
    let mut manifest = json!({
        "apiVersion": "migration.devolutions.net/v1alpha1",
        "kind": "GroupReplacement",
        "metadata": {"name": name},
        "spec": {"connectionRef": {"name": "contoso"}, "from": from, "to": to},
    });
    if let (Some(fields), Value::Object(more)) = (manifest["spec"].as_object_mut(), spec) {
        fields.extend(more);
    }
    manifest
}

/// An approval of the plan that a replacement or a migration shows.
pub fn approval(state: &Value, approver: &str) -> Value {
    let plan = state["status"]["plans"].as_array().and_then(|plans| plans.last()).cloned().unwrap_or_default();
    json!({
        "apiVersion": "migration.devolutions.net/v1alpha1",
        "kind": "PlanApproval",
        "metadata": {"generateName": "approval-"},
        "spec": {
            "target": {"kind": state["kind"], "name": state["metadata"]["name"], "uid": state["metadata"]["uid"]},
            "gate": plan["gate"],
            "plan": plan["hash"],
            "approver": approver,
        },
    })
}

pub fn condition<'a>(state: &'a Value, kind: &str) -> Option<&'a Value> {
    state["status"]["conditions"].as_array()?.iter().find(|c| c["type"] == kind)
}

pub fn ready_reason(state: &Value) -> &str {
    condition(state, "Ready").and_then(|c| c["reason"].as_str()).unwrap_or_default()
}

pub fn message(state: &Value) -> &str {
    condition(state, "Ready").and_then(|c| c["message"].as_str()).unwrap_or_default()
}

pub fn is_observed(state: &Value) -> bool {
    state["status"]["observedGeneration"] == state["metadata"]["generation"]
}

/// Alice may approve; Mallory may only create approvals.
pub fn people() -> String {
    let create =
        json!({"apiGroups": ["migration.devolutions.net"], "resources": ["planapprovals"], "verbs": ["create", "get"]});
    let approve = json!({"apiGroups": ["migration.devolutions.net"], "resources": ["ssomigrations", "groupreplacements"], "verbs": ["get", "approve"]});
    let role = |name: &str, user: &str, rules: Value| {
        let bind = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user}],
        });
        [
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": name}, "rules": rules}),
            bind,
        ]
    };
    let items =
        [role("approver", ALICE, json!([create, approve])), role("bystander", MALLORY, json!([create]))].concat();
    json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()
}

/// A connection to the sandbox, with what it refers to.
pub fn connection(sandbox: &Sandbox) -> String {
    let export = |name: &str| sandbox.export(name).unwrap().to_owned();
    let items = json!([
        {
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "devolutions-cloud", "labels": {"migration.devolutions.net/connection": "contoso"}},
            "stringData": {
                "applicationKey": export("DEVOLUTIONS_APPLICATION_KEY"),
                "applicationSecret": export("DEVOLUTIONS_APPLICATION_SECRET"),
            },
        },
        {
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "entra-id", "labels": {"migration.devolutions.net/connection": "contoso"}},
            "stringData": {"clientSecret": export("CLIENT_SECRET")},
        },
        {
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "sandbox-ca"},
            "data": {"ca.crt": std::fs::read_to_string(sandbox.authority()).unwrap()},
        },
        {
            "apiVersion": "migration.devolutions.net/v1alpha1", "kind": "TenantConnection", "metadata": {"name": "contoso"},
            "spec": {"devolutionsCloud": {
                "url": sandbox.devolutions_url(),
                "credentialsRef": {"name": "devolutions-cloud"},
                "caBundleRef": {"name": "sandbox-ca"},
            }, "entra": {
                "tenantId": export("TENANT_ID"),
                "clientId": export("CLIENT_ID"),
                "credential": {"type": "ClientSecret", "clientSecret": {"secretRef": {"name": "entra-id"}}},
                "cloud": {
                    "type": "Custom",
                    "custom": {"authorityHost": export("AUTHORITY_URL"), "graphUrl": export("GRAPH_URL")},
                },
                "caBundleRef": {"name": "sandbox-ca"},
            }},
        },
    ]);
    json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()
}
