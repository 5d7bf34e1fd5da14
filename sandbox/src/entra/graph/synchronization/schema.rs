//! What is mapped to what: the default schema of SCIM applications that are not in the gallery, as far as the service
//! here carries something (<https://learn.microsoft.com/en-us/graph/api/resources/synchronization-synchronizationschema>).

use serde_json::{Value, json};
use uuid::Uuid;

use crate::entra::provisioning::attributes::{GROUP_TYPE, USER_MAPPING, USER_TYPE};

/// The one rule, which both mappings belong to. Provisioning on demand names it.
pub const RULE: &str = "03f7d90d-bf71-41b1-bda6-aaf0ddbee5d8";

const SOURCE: &str = "Azure Active Directory";
const TARGET: &str = "customappsso";

/// The schema of a job or of the template.
pub fn schema(context: &Value, id: &str, tenant: Uuid) -> Value {
    let users: Vec<Value> =
        USER_MAPPING.into_iter().map(|(target, source)| mapping(target, source, "userName")).collect();
    let groups = [("displayName", "[displayName]"), ("externalId", "[objectId]"), ("members", "[members]")];
    let groups: Vec<Value> =
        groups.into_iter().map(|(target, source)| mapping(target, source, "displayName")).collect();
    let directory = |name: &str, objects: Value| {
        json!({
            "id": Uuid::new_v5(&tenant, name.as_bytes()), "name": name, "readOnly": name == SOURCE,
            "discoverabilities": "None", "discoveryDateTime": null, "version": null, "objects": objects,
        })
    };
    let names = |all: &[Value], side: &str| -> Vec<Value> {
        let name = |it: &Value| it.pointer(side).and_then(Value::as_str).map(attribute);
        all.iter().filter_map(name).collect()
    };
    let object = |name: &str, attributes: Vec<Value>| json!({"name": name, "attributes": attributes, "metadata": [], "supportedApis": []});
    let sources = ["userPrincipalName", "displayName", "mail", "givenName", "surname", "mailNickname"];
    let source = json!([
        object("User", sources.into_iter().map(attribute).collect()),
        object("Group", names(&groups, "/source/name")),
    ]);
    let target = json!([
        object(USER_TYPE, names(&users, "/targetAttributeName")),
        object(GROUP_TYPE, names(&groups, "/targetAttributeName")),
    ]);
    let object_mapping = |what: &str, from: &str, to: &str, attributes: Vec<Value>| {
        json!({
            "enabled": true,
            "flowTypes": "Add, Update, Delete",
            "name": format!("Provision {SOURCE} {what}"),
            "sourceObjectName": from,
            "targetObjectName": to,
            "scope": null,
            "metadata": [{"key": "EscrowBehavior", "value": "Default"}],
            "attributeMappings": attributes,
        })
    };
    json!({
        "@odata.context": context,
        "id": id,
        "version": "v1.21",
        "directories": [directory(SOURCE, source), directory(TARGET, target)],
        "synchronizationRules": [{
            "id": RULE,
            "name": "USERGROUP_OUTBOUND_USERGROUP",
            "editable": true,
            "priority": 1,
            "sourceDirectoryName": SOURCE,
            "targetDirectoryName": TARGET,
            "containerFilter": null,
            "groupFilter": null,
            "metadata": [],
            "objectMappings": [
                object_mapping("Groups", "Group", GROUP_TYPE, groups),
                object_mapping("Users", "User", USER_TYPE, users),
            ],
        }],
    })
}

/// One attribute's way; `matched` is the one by which things are found.
fn mapping(target: &str, source: &str, matched: &str) -> Value {
    let name = source.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    json!({
        "targetAttributeName": target,
        "matchingPriority": i32::from(target == matched),
        "flowBehavior": "FlowWhenChanged",
        "flowType": "Always",
        "defaultValue": null,
        "exportMissingReferences": false,
        "source": {
            "type": if name.is_some() { "Attribute" } else { "Function" },
            "name": name.unwrap_or_else(|| source.split('(').next().unwrap_or(source)),
            "expression": source,
            "parameters": [],
        },
    })
}

fn attribute(name: &str) -> Value {
    json!({
        "name": name, "type": if name == "members" { "Reference" } else { "String" }, "anchor": false,
        "caseExact": false, "multivalued": name == "members", "required": false, "mutability": "ReadWrite",
        "flowNullValues": false, "defaultValue": null, "metadata": [], "apiExpressions": [], "referencedObjects": [],
    })
}
