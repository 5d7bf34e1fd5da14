//! Which things a filter lets through.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::Value;

use super::filter::{Filter, Literal, Operator};
use super::kind::{Item, Kind};

impl Filter {
    /// Whether a thing fulfils the condition.
    pub fn matches(&self, item: &Item<'_>) -> bool {
        match self {
            Self::And(one, other) => one.matches(item) && other.matches(item),
            Self::Or(one, other) => one.matches(item) || other.matches(item),
            Self::Not(inner) => !inner.matches(item),
            Self::Compare { path, operator, value } => compares(&look_up(item, path), *operator, value),
            Self::In { path, values } => {
                let found = look_up(item, path);
                values.iter().any(|it| compares(&found, Operator::Eq, it))
            }
            Self::StartsWith { path, text } => {
                let found = look_up(item, path);
                found.as_str().is_some_and(|it| it.to_lowercase().starts_with(&text.to_lowercase()))
            }
            Self::Any { path, value } => {
                let found = look_up(item, path);
                found.as_array().is_some_and(|all| all.iter().any(|it| compares(it, Operator::Eq, value)))
            }
        }
    }
}

/// The first name of a path.
pub fn first(path: &str) -> &str {
    path.split('/').next().unwrap_or(path)
}

/// Whether a type has the property that a path begins with.
pub fn exists(kind: &Kind, path: &str) -> bool {
    kind.property(first(path)).is_some()
}

fn look_up(item: &Item<'_>, path: &str) -> Value {
    let mut names = path.split('/');
    let Some((name, is_collection)) = names.next().and_then(|it| item.kind.property(it)) else { return Value::Null };
    names.fold(item.value(name, is_collection), |value, name| value.get(name).cloned().unwrap_or(Value::Null))
}

/// Texts are compared without regard to case, as the directory does; times as times.
fn compares(found: &Value, operator: Operator, literal: &Literal) -> bool {
    let equal = |is: bool| match operator {
        Operator::Eq => is,
        Operator::Ne => !is,
        _ => false,
    };
    let ordered = |order: Ordering| match operator {
        Operator::Eq => order.is_eq(),
        Operator::Ne => order.is_ne(),
        Operator::Gt => order.is_gt(),
        Operator::Ge => order.is_ge(),
        Operator::Lt => order.is_lt(),
        Operator::Le => order.is_le(),
    };
    match (found, literal) {
        (found, Literal::Null) => equal(found.is_null()),
        (Value::Bool(found), Literal::Bool(wanted)) => equal(found == wanted),
        (Value::String(found), Literal::Text(wanted) | Literal::Bare(wanted)) => {
            match (found.parse::<Timestamp>(), wanted.parse::<Timestamp>()) {
                (Ok(found), Ok(wanted)) => ordered(found.cmp(&wanted)),
                _ => ordered(found.to_lowercase().cmp(&wanted.to_lowercase())),
            }
        }
        (Value::Number(found), Literal::Bare(wanted)) => {
            let pair = found.as_f64().zip(wanted.parse().ok());
            pair.and_then(|(found, wanted): (f64, f64)| found.partial_cmp(&wanted)).is_some_and(ordered)
        }
        _ => equal(false),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KIND: Kind = Kind {
        name: "user",
        shown: "id displayName accountEnabled createdDateTime tags[] status size",
        hidden: "",
        filters: "",
        is_directory: true,
    };

    fn is(filter: &str) -> bool {
        let thing = json!({
            "id": "7", "displayName": "O'Hara (Öl)", "accountEnabled": false,
            "createdDateTime": "2026-01-05T09:00:00Z", "tags": ["a", "b"], "status": {"errorCode": 0}, "size": 12,
        });
        let item = Item { kind: &KIND, property: Box::new(move |name| thing.get(name).cloned()) };
        Filter::parse(filter).unwrap().matches(&item)
    }

    #[test]
    fn conditions_are_true_or_false() {
        for (filter, expected) in [
            ("displayName eq 'o''hara (öl)'", true),
            ("displayName ne 'x' and accountEnabled eq false", true),
            ("displayName in ('x', 'y', 'O''Hara (Öl)')", true),
            ("startsWith(displayName,'o''h') and not (accountEnabled eq true)", true),
            ("startswith(displayName, 'hara')", false),
            ("id eq '8' or id eq '9' and id eq '7'", false),
            ("(id eq '7' or id eq '9') and tags/any(t:t eq 'B')", true),
            ("tags/any(t:t eq 'c')", false),
            ("createdDateTime ge 2026-01-05T10:00:00+01:00", true),
            ("createdDateTime gt 2026-01-05T09:00:00Z", false),
            ("createdDateTime lt 2026-01-05T09:00:00.0000001Z", true),
            ("status/errorCode eq 0 and size le 12", true),
            ("displayName eq null", false),
            ("displayName ne null", true),
        ] {
            assert_eq!(is(filter), expected, "{filter}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_its_place() {
        for (filter, place) in [
            ("displayName", 11),
            ("displayName like 'x'", 17),
            ("displayName eq 'x", 15),
            ("(id eq '7'", 10),
            ("id eq '7')", 9),
            ("", 0),
            ("id in ()", 8),
        ] {
            let message = Filter::parse(filter).unwrap_err().message;
            assert!(message.contains(&format!("position {place} ")), "{filter}: {message}");
        }
        assert!(Filter::parse("foo(id,'x')").unwrap_err().message.contains("unknown function"));
    }

    #[test]
    fn alternatives_are_counted() {
        let count = |filter| Filter::parse(filter).unwrap().alternatives();
        assert_eq!(count("id eq '1' or id eq '2' or id in ('3', '4')"), 4);
        assert_eq!(count("id eq '1' and displayName in ('a', 'b', 'c')"), 3);
    }
}
