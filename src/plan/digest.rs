//! The hash that a person approves.

use std::fmt;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// `sha256:` and 64 hexadecimal digits, over all that a plan does and rests on.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct PlanHash(String);

impl PlanHash {
    /// The hash of `inputs`. Two values that differ only in the order of an object's fields have
    /// the same hash: a server may answer in any order.
    #[must_use]
    pub fn of(inputs: &Value) -> Self {
        let mut text = String::new();
        write_canonical(inputs, &mut text);
        let mut hash = "sha256:".to_owned();
        for byte in Sha256::digest(text.as_bytes()) {
            // Writing to a String cannot fail.
            let _ = write!(hash, "{byte:02x}");
        }
        Self(hash)
    }

    /// The whole hash, as a `PlanApproval` names it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first twelve digits, for names of objects.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(7..19).unwrap_or(&self.0)
    }
}

impl fmt::Display for PlanHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// JSON with the fields of every object in the order of their names.
fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by_key(|(name, _)| *name);
            out.push('{');
            for (i, (name, value)) in sorted.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                let _ = write!(out, "{}:", Value::String(name.clone()));
                write_canonical(value, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        other => {
            let _ = write!(out, "{other}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn order_of_fields_does_not_count_and_everything_else_does() {
        let a = PlanHash::of(&json!({"x": {"p": 1, "q": [1, 2]}, "y": "é\""}));
        let b = PlanHash::of(&json!({"y": "é\"", "x": {"q": [1, 2], "p": 1}}));
        assert_eq!(a, b);
        assert_ne!(a, PlanHash::of(&json!({"x": {"p": 1, "q": [2, 1]}, "y": "é\""})));
        assert_eq!(a.as_str().len(), 71);
        assert_eq!(a.short().len(), 12);
        assert!(a.as_str().contains(a.short()));
    }
}
