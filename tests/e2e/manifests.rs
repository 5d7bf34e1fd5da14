//! Resources as tests write them, and what they read in them.

use serde_json::{Value, json};

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
