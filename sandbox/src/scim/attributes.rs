//! Attributes by their names, which do not distinguish case
//! (<https://www.rfc-editor.org/rfc/rfc7643#section-2.1>).

use scim_v2::filter::AttrPath;
use serde_json::{Map, Value};

use super::error::ScimError;

/// The extension that Entra's mapping uses beside the core schema.
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// What every core schema's name begins with.
const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0";

/// Names that something here depends on, in the RFC's spelling.
const NAMES: [&str; 7] = ["externalId", "userName", "displayName", "active", "emails", "members", "name"];

/// Attributes that have many values, by <https://www.rfc-editor.org/rfc/rfc7643#section-4>.
const MANY: [&str; 10] = [
    "members",
    "emails",
    "phoneNumbers",
    "ims",
    "photos",
    "addresses",
    "groups",
    "entitlements",
    "roles",
    "x509Certificates",
];

/// What a client may send and cannot set.
const READ_ONLY: [&str; 3] = ["id", "schemas", "meta"];

/// Whether an attribute has many values.
pub fn is_many(name: &str) -> bool {
    MANY.iter().any(|it| it.eq_ignore_ascii_case(name))
}

/// Whether a client cannot set it.
pub fn is_read_only(name: &str) -> bool {
    READ_ONLY.iter().any(|it| it.eq_ignore_ascii_case(name))
}

/// The key that an attribute has, or would have, among these.
pub fn key(among: &Map<String, Value>, name: &str) -> String {
    if among.contains_key(name) {
        return name.to_owned();
    }
    let spelled = NAMES.iter().copied().chain(MANY).find(|it| it.eq_ignore_ascii_case(name));
    let there = among.keys().find(|it| it.eq_ignore_ascii_case(name)).map(String::as_str);
    there.or(spelled).unwrap_or(name).to_owned()
}

/// An attribute's value.
pub fn get<'a>(among: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    among.get(name).or_else(|| among.iter().find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, it)| it))
}

/// The extension that a path leads into, if it does not stay in the core schema.
pub fn extension(path: &AttrPath) -> Option<&str> {
    let is_core = |it: &str| it.get(..CORE.len()).is_some_and(|it| it.eq_ignore_ascii_case(CORE));
    path.uri.as_deref().filter(|it| !is_core(it))
}

/// What a path leads to: an attribute's value, each of its values, or one of the parts of each.
pub fn resolve<'a>(among: &'a Map<String, Value>, path: &AttrPath) -> Vec<&'a Value> {
    let within = match extension(path) {
        Some(uri) => get(among, uri).and_then(Value::as_object),
        None => Some(among),
    };
    let Some(found) = within.and_then(|it| get(it, &path.name)) else { return Vec::new() };
    let values: Vec<&Value> = found.as_array().map_or_else(|| vec![found], |it| it.iter().collect());
    // Of a value with parts, `value` is meant where no part is named.
    let part = path.sub_attr.as_deref().unwrap_or("value");
    let values = values.into_iter().filter_map(|it| match it {
        Value::Object(parts) => get(parts, part).or_else(|| path.sub_attr.is_none().then_some(it)),
        other => path.sub_attr.is_none().then_some(other),
    });
    values.filter(|it| !it.is_null()).collect()
}

/// Attributes as they are kept: without nothing, in the RFC's spelling, and of the right type where Entra's is wrong.
pub fn normal(sent: Map<String, Value>) -> Result<Map<String, Value>, ScimError> {
    let mut kept = Map::new();
    for (name, value) in sent {
        let name = key(&kept, &name);
        if is_read_only(&name) || value.is_null() {
            continue;
        }
        let value = match name.as_str() {
            "active" => boolean(value)?,
            "members" => members(value)?,
            _ => value,
        };
        kept.insert(name, value);
    }
    Ok(kept)
}

/// Entra's client sends `"False"` unless it is told to keep to the RFC
/// (<https://learn.microsoft.com/en-us/entra/identity/app-provisioning/application-provisioning-config-problem-scim-compatibility>).
fn boolean(value: Value) -> Result<Value, ScimError> {
    match value {
        Value::Bool(_) => Ok(value),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(Value::Bool(true)),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(Value::Bool(false)),
        _ => Err(ScimError::value("`active` is true or false.")),
    }
}

/// Of a member only its id is kept.
fn members(value: Value) -> Result<Value, ScimError> {
    let wrong = || ScimError::value("`members` is a list of values.");
    let Value::Array(sent) = value else { return Err(wrong()) };
    let mut seen = std::collections::BTreeSet::new();
    let mut kept = Vec::with_capacity(sent.len());
    for member in sent {
        let id = member.as_str().or_else(|| member["value"].as_str()).ok_or_else(wrong)?.to_owned();
        if seen.insert(id.clone()) {
            kept.push(serde_json::json!({"value": id}));
        }
    }
    Ok(Value::Array(kept))
}
