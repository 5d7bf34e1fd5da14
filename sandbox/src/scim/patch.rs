//! PATCH (<https://www.rfc-editor.org/rfc/rfc7644#section-3.5.2>), as the RFC has it and as Entra's client sends it: with
//! `Add`, `Replace` and `Remove`, with `"False"` for false, and with a `Remove` that lists the members that go
//! (<https://learn.microsoft.com/en-us/entra/identity/app-provisioning/application-provisioning-config-problem-scim-compatibility>).

#[cfg(test)]
mod tests;

use std::collections::HashSet;

use scim_v2::filter::{AttrExp, AttrPath, CompValue, CompareOp, PatchPath, PatchValuePath, ValFilter};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::attributes::{ENTERPRISE, extension, is_many, is_read_only, key, normal};
use super::error::ScimError;
use super::matching::value_fits;

/// The body.
#[derive(Debug, Deserialize)]
pub struct Patch {
    #[serde(rename = "Operations", alias = "operations")]
    operations: Vec<Operation>,
}

#[derive(Debug, Deserialize)]
struct Operation {
    op: String,
    path: Option<String>,
    #[serde(default)]
    value: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Add,
    Replace,
    Remove,
}

impl Patch {
    /// Understands a body.
    pub fn parse(body: &[u8]) -> Result<Self, ScimError> {
        let wrong = |error| ScimError::bad("invalidSyntax", format!("The body is no PATCH: {error}"));
        serde_json::from_slice(body).map_err(wrong)
    }

    /// The attributes as they are afterwards: all operations, or none.
    pub fn apply(&self, attributes: &Map<String, Value>) -> Result<Map<String, Value>, ScimError> {
        let mut changed = attributes.clone();
        for operation in &self.operations {
            operation.apply(&mut changed)?;
        }
        normal(changed)
    }

    /// Whether it says of all values of an attribute what they are, and not only of some.
    pub fn replaces(&self, attribute: &str) -> bool {
        self.operations.iter().any(|it| {
            let verb = it.verb().ok();
            let names = match it.path.as_deref() {
                Some(path) => path.eq_ignore_ascii_case(attribute),
                None => it.value.as_object().is_some_and(|it| it.keys().any(|it| it.eq_ignore_ascii_case(attribute))),
            };
            names && (verb == Some(Verb::Replace) || (verb == Some(Verb::Remove) && it.value.is_null()))
        })
    }
}

impl Operation {
    fn verb(&self) -> Result<Verb, ScimError> {
        match self.op.to_lowercase().as_str() {
            "add" => Ok(Verb::Add),
            "replace" => Ok(Verb::Replace),
            "remove" => Ok(Verb::Remove),
            other => Err(ScimError::bad("invalidSyntax", format!("There is no operation {other:?}."))),
        }
    }

    fn apply(&self, to: &mut Map<String, Value>) -> Result<(), ScimError> {
        let verb = self.verb()?;
        match (self.path.as_deref().filter(|it| !it.is_empty()), &self.value) {
            (Some(path), value) => at(to, verb, path, value),
            (None, Value::Object(values)) if verb != Verb::Remove => {
                values.iter().try_for_each(|(path, value)| at(to, verb, path, value))
            }
            (None, _) if verb == Verb::Remove => Err(ScimError::bad("noTarget", "A removal has a `path`.")),
            (None, _) => Err(ScimError::value("Without a `path`, `value` has attributes.")),
        }
    }
}

fn at(to: &mut Map<String, Value>, verb: Verb, path: &str, value: &Value) -> Result<(), ScimError> {
    if let (true, Some(parts)) = (path.eq_ignore_ascii_case(ENTERPRISE), value.as_object()) {
        return parts.iter().try_for_each(|(part, value)| at(to, verb, &format!("{ENTERPRISE}:{part}"), value));
    }
    let wrong = |error| ScimError::bad("invalidPath", format!("The path {path:?} is not understood: {error}"));
    let path: PatchPath = path.parse().map_err(wrong)?;
    let attribute = match &path {
        PatchPath::Attr(attribute) => attribute,
        PatchPath::Value(path) => &path.attr,
    };
    if extension(attribute).is_none() && is_read_only(&attribute.name) {
        return Err(ScimError::bad("mutability", format!("{} cannot be changed.", attribute.name)));
    }
    let Some(within) = holder(to, attribute) else { return Ok(()) };
    match &path {
        PatchPath::Attr(path) => attribute_at(within, verb, path, value),
        PatchPath::Value(path) => values_at(within, verb, path, value),
    }
    Ok(())
}

/// Where a path's attribute is: among the attributes, or in an extension.
fn holder<'a>(to: &'a mut Map<String, Value>, path: &AttrPath) -> Option<&'a mut Map<String, Value>> {
    let Some(uri) = extension(path) else { return Some(to) };
    let uri = key(to, uri);
    object(to.entry(uri).or_insert(Value::Null))
}

/// The parts of a value, which has them from now on.
fn object(value: &mut Value) -> Option<&mut Map<String, Value>> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut()
}

fn attribute_at(within: &mut Map<String, Value>, verb: Verb, path: &AttrPath, value: &Value) {
    let name = key(within, &path.name);
    let Some(part) = &path.sub_attr else {
        match verb {
            Verb::Remove if value.is_null() => drop(within.shift_remove(&name)),
            Verb::Remove => without(within, &name, value),
            Verb::Add if is_many(&name) => append(within, name, value),
            _ => put(within, name, value),
        }
        return;
    };
    let set = |parts: &mut Map<String, Value>| set(parts, verb, part, value);
    match within.get_mut(&name) {
        Some(Value::Array(values)) => values.iter_mut().filter_map(Value::as_object_mut).for_each(set),
        Some(other) => object(other).into_iter().for_each(set),
        None if verb == Verb::Remove => {}
        None => object(within.entry(name).or_insert(Value::Null)).into_iter().for_each(set),
    }
}

fn set(parts: &mut Map<String, Value>, verb: Verb, part: &str, value: &Value) {
    let part = key(parts, part);
    if verb == Verb::Remove || value.is_null() {
        parts.shift_remove(&part);
    } else {
        parts.insert(part, value.clone());
    }
}

/// One attribute gets a value; of one with parts only those that are given.
fn put(within: &mut Map<String, Value>, name: String, value: &Value) {
    match (within.get_mut(&name), value) {
        (_, Value::Null) => drop(within.shift_remove(&name)),
        (Some(Value::Object(parts)), Value::Object(new)) => parts.extend(new.clone()),
        (_, Value::Array(_)) => drop(within.insert(name, value.clone())),
        (_, one) if is_many(&name) => drop(within.insert(name, Value::Array(vec![one.clone()]))),
        (_, other) => drop(within.insert(name, other.clone())),
    }
}

/// What tells a value of many from the others.
fn identity(value: &Value) -> String {
    let own = value["value"].as_str().or_else(|| value.as_str());
    own.map_or_else(|| value.to_string(), |it| format!("{it} {}", value["type"]))
}

fn listed(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values.clone(),
        one => vec![one.clone()],
    }
}

fn append(within: &mut Map<String, Value>, name: String, value: &Value) {
    let mut values = listed(within.get(&name).unwrap_or(&Value::Null));
    let mut known: HashSet<String> = values.iter().map(identity).collect();
    values.extend(listed(value).into_iter().filter(|it| known.insert(identity(it))));
    within.insert(name, Value::Array(values));
}

/// Takes away the values that are listed.
fn without(within: &mut Map<String, Value>, name: &str, value: &Value) {
    let own = |it: &Value| it["value"].as_str().or_else(|| it.as_str()).map(str::to_owned);
    let leaving: HashSet<String> = listed(value).iter().filter_map(own).collect();
    if let Some(Value::Array(values)) = within.get_mut(name) {
        values.retain(|it| !own(it).is_some_and(|it| leaving.contains(&it)));
    }
}

/// Values that stand in brackets. Where none fits, one is made: so does Entra's client add the first e-mail address.
fn values_at(within: &mut Map<String, Value>, verb: Verb, path: &PatchValuePath, value: &Value) {
    let name = key(within, &path.attr.name);
    let mut values = listed(within.get(&name).unwrap_or(&Value::Null));
    let fits = |it: &Value| value_fits(&path.filter, it);
    if verb == Verb::Remove && path.sub_attr.is_none() {
        values.retain(|it| !fits(it));
    } else {
        if verb != Verb::Remove && !values.iter().any(fits) {
            values.extend(Some(made(&path.filter)).filter(fits));
        }
        for hit in values.iter_mut().filter(|it| fits(it)) {
            match (&path.sub_attr, value, hit) {
                (Some(part), value, Value::Object(parts)) => set(parts, verb, part, value),
                (None, Value::Object(new), Value::Object(parts)) => parts.extend(new.clone()),
                _ => {}
            }
        }
    }
    within.insert(name, Value::Array(values));
}

/// A value that fits, by the equations of a filter.
fn made(filter: &ValFilter) -> Value {
    let mut parts = Map::new();
    let mut rest = vec![filter];
    while let Some(filter) = rest.pop() {
        match filter {
            ValFilter::And(all) => rest.extend(all.iter()),
            ValFilter::Attr(AttrExp::Comparison(path, CompareOp::Eq, CompValue::Str(text))) => {
                parts.insert(path.name.clone(), Value::from(text.clone()));
            }
            ValFilter::Attr(AttrExp::Comparison(path, CompareOp::Eq, CompValue::True)) => {
                parts.insert(path.name.clone(), Value::Bool(true));
            }
            _ => {}
        }
    }
    Value::Object(parts)
}
