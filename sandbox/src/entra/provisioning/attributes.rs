//! What of a user goes where: the default mapping of SCIM applications that are not in the gallery, as far as users have
//! something here
//! (<https://learn.microsoft.com/en-us/entra/identity/app-provisioning/use-scim-to-provision-users-and-groups>).

use serde_json::{Map, Value, json};

use crate::world::entra::Person;
use crate::world::entra::synchronization::Attributes;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const MAIL: &str = "emails[type eq \"work\"].value";

/// The type of users at the SCIM server, and of groups.
pub const USER_TYPE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub const GROUP_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// SCIM path and source attribute of everything that is mapped, for the schema.
pub const USER_MAPPING: [(&str, &str); 8] = [
    ("userName", "[userPrincipalName]"),
    ("active", "Switch([IsSoftDeleted], , \"False\", \"True\", \"True\", \"False\")"),
    ("displayName", "[displayName]"),
    (MAIL, "[mail]"),
    ("name.givenName", "[givenName]"),
    ("name.familyName", "[surname]"),
    ("name.formatted", "Join(\" \", [givenName], [surname])"),
    ("externalId", "[mailNickname]"),
];

/// What a user should be at the server. What is null is left out.
pub fn of(person: &Person) -> Attributes {
    let (first, last) = person.names();
    let all = [
        ("userName", Some(person.upn.as_str())),
        ("displayName", Some(&person.display_name)),
        (MAIL, person.mail.as_deref()),
        ("name.givenName", first),
        ("name.familyName", last),
        ("name.formatted", first.map(|_| person.display_name.as_str())),
        ("externalId", person.nickname()),
    ];
    let texts = all.into_iter().filter_map(|(path, value)| Some((path, json!(value?))));
    texts.chain([("active", json!(person.is_enabled))]).collect()
}

/// What somebody found at the server is, of all that is mapped.
pub fn found(resource: &Value) -> Attributes {
    let mails = resource["emails"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mail = mails.iter().find(|it| it["type"] == "work").map(|it| it["value"].clone());
    let active = match &resource["active"] {
        Value::String(text) => !text.eq_ignore_ascii_case("false"),
        other => other.as_bool().unwrap_or(true),
    };
    let text = |(path, _): (&'static str, &str)| {
        let value = match path {
            MAIL => mail.clone(),
            "active" => Some(json!(active)),
            path => path.split('.').try_fold(resource, |it, name| it.get(name)).cloned(),
        };
        value.filter(|it| !it.is_null()).map(|it| (path, it))
    };
    USER_MAPPING.into_iter().filter_map(text).collect()
}

/// The body of `POST /Users`.
pub fn new_user(attributes: &Attributes) -> Value {
    let mut body = Map::new();
    body.insert("schemas".to_owned(), json!([USER, USER_TYPE]));
    let mut name = Map::new();
    for (path, value) in attributes {
        match path.split_once('.') {
            _ if *path == MAIL => {
                let mail = json!([{"primary": true, "type": "work", "value": value}]);
                body.insert("emails".to_owned(), mail);
            }
            Some((_, part)) => drop(name.insert(part.to_owned(), value.clone())),
            None => drop(body.insert((*path).to_owned(), value.clone())),
        }
    }
    if !name.is_empty() {
        body.insert("name".to_owned(), Value::Object(name));
    }
    body.insert("meta".to_owned(), json!({"resourceType": "User"}));
    body.insert("roles".to_owned(), json!([]));
    Value::Object(body)
}

/// The paths in which two differ.
pub fn changed(old: &Attributes, new: &Attributes) -> Vec<&'static str> {
    let paths = USER_MAPPING.into_iter().map(|(path, _)| path);
    paths.filter(|it| old.get(it) != new.get(it)).collect()
}

/// The operations of a PATCH. The old dialect has one for each path, capital letters, and texts for booleans; the other
/// puts together what it can.
pub fn operations(old: &Attributes, new: &Attributes, is_compliant: bool) -> Vec<Value> {
    let mut operations = Vec::new();
    let (mut added, mut replaced) = (Map::new(), Map::new());
    for path in changed(old, new) {
        let op = match (old.get(path), new.get(path)) {
            (_, None) => "Remove",
            (None, _) => "Add",
            _ => "Replace",
        };
        let value = new.get(path);
        match value {
            None => operations.push(json!({"op": spelled(op, is_compliant), "path": path})),
            Some(value) if !is_compliant => {
                let text = value.as_bool().map(|it| json!(if it { "True" } else { "False" }));
                operations.push(json!({"op": op, "path": path, "value": text.as_ref().unwrap_or(value)}));
            }
            Some(value) if path.contains('[') => {
                operations.push(json!({"op": spelled(op, true), "path": path, "value": value}));
            }
            Some(value) => {
                let group = if op == "Add" { &mut added } else { &mut replaced };
                group.insert(path.to_owned(), value.clone());
            }
        }
    }
    for (op, group) in [("add", added), ("replace", replaced)] {
        if !group.is_empty() {
            operations.push(json!({"op": op, "value": group}));
        }
    }
    operations
}

/// An operation's name in either dialect.
pub fn spelled(op: &str, is_compliant: bool) -> String {
    if is_compliant { op.to_lowercase() } else { op.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(pairs: &[(&'static str, Value)]) -> Attributes {
        pairs.iter().cloned().collect()
    }

    #[test]
    fn the_two_dialects_say_the_same() {
        let old = attributes(&[("active", json!(true)), ("displayName", json!("A")), (MAIL, json!("a@x"))]);
        let new = attributes(&[("active", json!(false)), ("displayName", json!("B")), ("externalId", json!("b"))]);
        assert_eq!(
            operations(&old, &new, false),
            [
                json!({"op": "Replace", "path": "active", "value": "False"}),
                json!({"op": "Replace", "path": "displayName", "value": "B"}),
                json!({"op": "Remove", "path": MAIL}),
                json!({"op": "Add", "path": "externalId", "value": "b"}),
            ]
        );
        assert_eq!(
            operations(&old, &new, true),
            [
                json!({"op": "remove", "path": MAIL}),
                json!({"op": "add", "value": {"externalId": "b"}}),
                json!({"op": "replace", "value": {"active": false, "displayName": "B"}}),
            ]
        );
    }

    #[test]
    fn what_is_made_is_found_again() {
        let user = attributes(&[
            ("userName", json!("a@x")),
            ("active", json!(true)),
            ("name.givenName", json!("A")),
            (MAIL, json!("m@x")),
        ]);
        assert_eq!(found(&new_user(&user)), user);
        assert_eq!(found(&json!({"active": "False"})), attributes(&[("active", json!(false))]));
    }
}
