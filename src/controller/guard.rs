//! Does the admission policy that proves who approved stand guard, and since when?
//!
//! Without it anybody who may create a `PlanApproval` could write another's name into it.

use k8s_openapi::api::admissionregistration::v1::{ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;
use kube::{Api, Client};
use serde_json::Value;

use crate::error::{Class, Failure};
use crate::plan::approval::Guard;

/// The policy and its binding, as we ship them.
const SHIPPED: &str = include_str!("../../charts/devolutions-migration-operator/files/admission-policy.yaml");
/// The name of both.
const NAME: &str = "planapprovals.migration.devolutions.net";

/// Looks at the policy and its binding.
pub async fn look(client: &Client) -> Result<Guard, Failure> {
    let policies: Api<ValidatingAdmissionPolicy> = Api::all(client.clone());
    let bindings: Api<ValidatingAdmissionPolicyBinding> = Api::all(client.clone());
    let failed = |e| Failure::kubernetes(&format!("read the ValidatingAdmissionPolicy {NAME} and its binding"), &e);
    let policy = policies.get_opt(NAME).await.map_err(failed)?;
    let binding = bindings.get_opt(NAME).await.map_err(failed)?;
    let shipped: Vec<Value> = serde_saphyr::from_multiple(SHIPPED).map_err(|e| {
        Failure::new(Class::Bug, "PolicyUnreadable", format!("The shipped admission policy is not readable: {e}"))
    })?;
    let spec_of = |kind: &str| {
        shipped.iter().find(|d| d.get("kind").and_then(Value::as_str) == Some(kind)).and_then(|d| d.get("spec"))
    };
    let mut since = Timestamp::UNIX_EPOCH;
    let found = [
        ("ValidatingAdmissionPolicy", policy.map(|p| (p.metadata, serde_json::to_value(p.spec)))),
        ("ValidatingAdmissionPolicyBinding", binding.map(|b| (b.metadata, serde_json::to_value(b.spec)))),
    ];
    for (kind, found) in found {
        let Some((metadata, spec)) = found else {
            return Ok(Guard::Unproven(format!("the {kind} {NAME} is not there")));
        };
        let as_shipped = spec.ok().zip(spec_of(kind)).is_some_and(|(now, shipped)| agrees(shipped, &now));
        if !as_shipped {
            return Ok(Guard::Unproven(format!("the {kind} {NAME} is not as it was shipped")));
        }
        since = since.max(last_changed(&metadata));
    }
    Ok(Guard::Proven { since })
}

/// Whether `now` says all that `shipped` says and nothing else: lists equal in length, and fields
/// beyond the shipped ones only where the API server's defaults are known to put them.
fn agrees(shipped: &Value, now: &Value) -> bool {
    match (shipped, now) {
        (Value::Object(shipped), Value::Object(now)) => {
            shipped.iter().all(|(name, value)| now.get(name).is_some_and(|now| agrees(value, now)))
                && now.iter().all(|(name, value)| shipped.contains_key(name) || is_default(name, value))
        }
        (Value::Array(shipped), Value::Array(now)) => {
            shipped.len() == now.len() && shipped.iter().zip(now).all(|(s, n)| agrees(s, n))
        }
        (shipped, now) => shipped == now,
    }
}

fn is_default(name: &str, value: &Value) -> bool {
    match name {
        "matchPolicy" => value == "Equivalent",
        "namespaceSelector" | "objectSelector" => value.as_object().is_some_and(serde_json::Map::is_empty),
        "scope" => value == "*",
        _ => false,
    }
}

/// The last write to anything but its status, by the API server's own account.
fn last_changed(metadata: &ObjectMeta) -> Timestamp {
    let created = metadata.creation_timestamp.as_ref().map(|t| t.0);
    let written = metadata
        .managed_fields
        .iter()
        .flatten()
        .filter(|m| m.subresource.as_deref().unwrap_or_default().is_empty())
        .filter_map(|m| m.time.as_ref().map(|t| t.0));
    written.chain(created).max().unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn defaults_are_forgiven_and_nothing_else() {
        let shipped = json!({"failurePolicy": "Fail", "rules": [{"resources": ["planapprovals"]}]});
        let with = |change: &dyn Fn(&mut Value)| {
            let mut now = shipped.clone();
            change(&mut now);
            agrees(&shipped, &now)
        };
        assert!(with(&|v| v["rules"][0]["scope"] = json!("*")));
        assert!(!with(&|v| v["rules"][0]["scope"] = json!("Cluster")));
        assert!(!with(&|v| v["failurePolicy"] = json!("Ignore")));
        assert!(!with(&|v| v["matchConditions"] = json!([{"name": "never", "expression": "false"}])));
        assert!(!with(&|v| v["rules"] = json!([])));
        assert!(!with(&|v| v["namespaceSelector"] = json!({"matchLabels": {"x": "y"}})));
    }
}
