//! `filter` (<https://www.rfc-editor.org/rfc/rfc7644#section-3.4.2.2>). Entra's client uses `eq` and `and` only.

use scim_v2::filter::{AttrExp, AttrPath, CompValue, CompareOp, Filter, ValFilter};
use serde_json::{Map, Value};

use super::attributes::{extension, get, resolve};
use super::error::ScimError;

/// Understands a filter.
pub fn parse(text: &str) -> Result<Filter, ScimError> {
    let wrong = |error| ScimError::bad("invalidFilter", format!("The filter {text:?} is not understood: {error}"));
    folded(text).parse::<Filter>().map_err(wrong)
}

/// Brings `emails[type eq "work"].value eq "x"`, which Entra's client sends where it matches by e-mail address and which
/// the RFC's grammar does not have, into its form `emails[(type eq "work") and value eq "x"]`.
fn folded(text: &str) -> String {
    let (mut open, mut close, mut quoted, mut before) = (None, None, false, ' ');
    for (at, letter) in text.char_indices() {
        match letter {
            '"' if before != '\\' => quoted = !quoted,
            '[' if !quoted => open = Some(at),
            '.' if !quoted && before == ']' => {
                close = Some(at - 1);
                break;
            }
            _ => {}
        }
        before = letter;
    }
    let (Some(open), Some(close)) = (open, close) else { return text.to_owned() };
    let rest = &text[close + 2..];
    let end = comparison(rest);
    let (path, inner) = (&text[..open], &text[open + 1..close]);
    format!("{path}[({inner}) and {}]{}", &rest[..end], folded(&rest[end..]))
}

/// Where `attribute operator value` ends.
fn comparison(text: &str) -> usize {
    let (mut quoted, mut spaces, mut before) = (false, 0, ' ');
    for (at, letter) in text.char_indices() {
        match letter {
            '"' if before != '\\' => quoted = !quoted,
            ' ' if !quoted => spaces += 1,
            _ => {}
        }
        if !quoted && (spaces == 3 || letter == ')') {
            return at;
        }
        before = letter;
    }
    text.len()
}

/// Whether a resource fits.
pub fn fits(filter: &Filter, attributes: &Map<String, Value>) -> bool {
    match filter {
        Filter::Attr(expression) => holds(expression, attributes),
        Filter::ValuePath(path) => {
            let within = match extension(&path.attr) {
                Some(uri) => get(attributes, uri).and_then(Value::as_object),
                None => Some(attributes),
            };
            match within.and_then(|it| get(it, &path.attr.name)) {
                Some(Value::Array(values)) => values.iter().any(|it| value_fits(&path.filter, it)),
                Some(value) => value_fits(&path.filter, value),
                None => false,
            }
        }
        Filter::Not(inner) => !fits(inner, attributes),
        Filter::And(all) => all.iter().all(|it| fits(it, attributes)),
        Filter::Or(any) => any.iter().any(|it| fits(it, attributes)),
    }
}

/// Whether one value of an attribute fits what stands in brackets.
pub fn value_fits(filter: &ValFilter, value: &Value) -> bool {
    match filter {
        ValFilter::Attr(expression) => value.as_object().is_some_and(|parts| holds(expression, parts)),
        ValFilter::Not(inner) => !value_fits(inner, value),
        ValFilter::And(all) => all.iter().all(|it| value_fits(it, value)),
        ValFilter::Or(any) => any.iter().any(|it| value_fits(it, value)),
    }
}

fn holds(expression: &AttrExp, attributes: &Map<String, Value>) -> bool {
    match expression {
        AttrExp::Present(path) | AttrExp::Comparison(path, CompareOp::Ne, CompValue::Null) => {
            !resolve(attributes, path).is_empty()
        }
        AttrExp::Comparison(path, CompareOp::Eq, CompValue::Null) => resolve(attributes, path).is_empty(),
        AttrExp::Comparison(path, CompareOp::Ne, wanted) => {
            !resolve(attributes, path).into_iter().any(|it| compares(path, &CompareOp::Eq, it, wanted))
        }
        AttrExp::Comparison(path, operator, wanted) => {
            resolve(attributes, path).into_iter().any(|it| compares(path, operator, it, wanted))
        }
    }
}

fn compares(path: &AttrPath, operator: &CompareOp, found: &Value, wanted: &CompValue) -> bool {
    match (found, wanted) {
        (Value::String(found), CompValue::Str(wanted)) => {
            // By RFC 7643 ids distinguish case, and the names that people are looked up by do not.
            let is_exact = ["id", "externalId", "members"].iter().any(|it| it.eq_ignore_ascii_case(&path.name));
            if is_exact {
                return texts(operator, found, wanted);
            }
            texts(operator, &found.to_lowercase(), &wanted.to_lowercase())
        }
        (Value::Bool(found), wanted) => {
            let is_wanted = match wanted {
                CompValue::True => Some(true),
                CompValue::False => Some(false),
                // So does Entra's client write it.
                CompValue::Str(text) => text.to_lowercase().parse().ok(),
                _ => None,
            };
            *operator == CompareOp::Eq && is_wanted == Some(*found)
        }
        (Value::Number(found), CompValue::Number(wanted)) => *operator == CompareOp::Eq && found == wanted,
        _ => false,
    }
}

fn texts(operator: &CompareOp, found: &str, wanted: &str) -> bool {
    match operator {
        CompareOp::Eq => found == wanted,
        CompareOp::Ne => found != wanted,
        CompareOp::Co => found.contains(wanted),
        CompareOp::Sw => found.starts_with(wanted),
        CompareOp::Ew => found.ends_with(wanted),
        CompareOp::Gt => found > wanted,
        CompareOp::Lt => found < wanted,
        CompareOp::Ge => found >= wanted,
        CompareOp::Le => found <= wanted,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn filters_find_what_they_should() {
        let user = json!({
            "id": "7", "userName": "A@b.example", "externalId": "Xy", "active": true, "title": "a ] b",
            "emails": [{"type": "work", "value": "w@b.example"}, {"type": "home", "value": "h@b.example"}],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "IT"},
        });
        for (filter, expected) in [
            (r#"userName eq "a@B.example""#, true),
            (r#"USERNAME Eq "a@B.example""#, true),
            (r#"externalId eq "Xy""#, true),
            (r#"externalId eq "xy""#, false),
            (r#"id eq "7" and active eq true"#, true),
            (r#"id eq "7" and active eq "False""#, false),
            (r#"emails[type eq "work"].value eq "w@b.example""#, true),
            (r#"emails[type eq "work"].value eq "h@b.example""#, false),
            (r#"emails[type eq "work"].value eq "w@b.example" and id eq "8""#, false),
            (r#"(emails[type eq "work"].value eq "w@b.example") and id eq "7""#, true),
            (r#"emails[type eq "work" and value eq "w@b.example"]"#, true),
            (r#"emails.value eq "h@b.example""#, true),
            (r#"title eq "a ] b" and emails[type eq "home"].value sw "h@""#, true),
            (r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "it""#, true),
            (r#"urn:ietf:params:scim:schemas:core:2.0:User:userName eq "a@b.example""#, true),
            ("emails pr and emails ne null and nickName eq null", true),
            ("nickName pr", false),
            (r#"not (nickName pr) and userName ne "x""#, true),
        ] {
            assert_eq!(fits(&parse(filter).unwrap(), user.as_object().unwrap()), expected, "{filter}");
        }
        for wrong in ["", "userName", "userName eq", "userName is \"x\"", "emails[type eq \"work\""] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
