//! Operations as Entra's client and as the RFC writes them.

use serde_json::json;

use super::*;

const WORK: &str = "emails[type eq \"work\"].value";

/// What operations make of a user.
fn patched(operations: Value) -> Result<Value, ScimError> {
    let user = json!({
        "userName": "a@b.example", "active": true, "name": {"givenName": "A", "familyName": "B"},
        "emails": [{"type": "work", "value": "w@b.example"}], "members": [{"value": "1"}, {"value": "2"}],
    });
    let patch = Patch { operations: serde_json::from_value(operations).unwrap() };
    patch.apply(user.as_object().unwrap()).map(Value::Object)
}

#[test]
fn both_dialects_mean_the_same() {
    let members = |ids: &[&str]| ids.iter().map(|it| json!({"value": it})).collect::<Value>();
    for (operation, path, expected) in [
        (json!({"op": "Replace", "path": "active", "value": "False"}), "/active", json!(false)),
        (json!({"op": "replace", "value": {"active": false}}), "/active", json!(false)),
        (json!({"op": "replace", "path": "ACTIVE", "value": false}), "/active", json!(false)),
        (json!({"op": "Replace", "path": WORK, "value": "x@b.example"}), "/emails/0/value", json!("x@b.example")),
        (json!({"op": "replace", "value": {WORK: "x@b.example"}}), "/emails/0/value", json!("x@b.example")),
        (json!({"op": "Add", "path": "name.givenName", "value": "C"}), "/name/givenName", json!("C")),
        (json!({"op": "add", "value": {"name.givenName": "C"}}), "/name/familyName", json!("B")),
        (json!({"op": "replace", "path": "name", "value": {"givenName": "C"}}), "/name/familyName", json!("B")),
        (
            json!({"op": "Add", "path": "members", "value": [{"$ref": null, "value": "3"}, {"value": "1"}]}),
            "/members",
            members(&["1", "2", "3"]),
        ),
        (json!({"op": "add", "path": "members", "value": {"value": "3"}}), "/members", members(&["1", "2", "3"])),
        (json!({"op": "replace", "path": "members", "value": [{"value": "3"}]}), "/members", members(&["3"])),
        (
            json!({"op": "Remove", "path": "members", "value": [{"$ref": null, "value": "1"}]}),
            "/members",
            members(&["2"]),
        ),
        (json!({"op": "remove", "path": "members[value eq \"1\"]"}), "/members", members(&["2"])),
        (json!({"op": "remove", "path": "name.givenName"}), "/name", json!({"familyName": "B"})),
        (
            json!({"op": "Add", "path": "phoneNumbers[type eq \"work\"].value", "value": "1"}),
            "/phoneNumbers",
            json!([{"type": "work", "value": "1"}]),
        ),
        (
            json!({"op": "Add", "path": format!("{ENTERPRISE}:department"), "value": "IT"}),
            "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/department",
            json!("IT"),
        ),
        (
            json!({"op": "add", "value": {ENTERPRISE: {"department": "IT"}}}),
            "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/department",
            json!("IT"),
        ),
    ] {
        let user = patched(json!([operation])).unwrap();
        assert_eq!(user.pointer(path), Some(&expected), "{operation}: {user}");
    }
    for gone in ["name", "members"] {
        assert!(patched(json!([{"op": "remove", "path": gone}])).unwrap().get(gone).is_none());
    }
}

#[test]
fn what_makes_no_sense_is_refused_whole() {
    for operation in [
        json!({"op": "move", "path": "active"}),
        json!({"op": "remove"}),
        json!({"op": "replace", "value": "x"}),
        json!({"op": "replace", "path": "a b", "value": "x"}),
        json!({"op": "replace", "path": "id", "value": "x"}),
        json!({"op": "replace", "path": "active", "value": "maybe"}),
    ] {
        assert!(patched(json!([operation])).is_err(), "{operation}");
    }
}
