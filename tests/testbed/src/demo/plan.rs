//! A plan that waits for a person.

use serde_json::Value;

use crate::error::{Error, Result};

/// A plan as the status of its `GroupReplacement` shows it.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    /// The name of the `GroupReplacement`.
    pub(super) name: String,
    /// The plan's hash.
    pub(super) hash: String,
    /// The Secret with the plan in full.
    pub(super) secret: String,
    /// How many permissions it grants.
    pub(super) grants: u64,
    /// How many it revokes.
    pub(super) revokes: u64,
}

impl Waiting {
    /// The plans of all `GroupReplacement`s in a list.
    pub(super) fn all(list: &Value) -> Result<Vec<Self>> {
        let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        items.iter().map(|item| Self::of(item).ok_or_else(|| without_plan(item))).collect()
    }

    fn of(item: &Value) -> Option<Self> {
        let plan = item["status"]["plans"].as_array()?.last()?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Some(Self {
            name: text(&item["metadata"]["name"])?,
            hash: text(&plan["hash"])?,
            secret: text(&plan["secretName"])?,
            grants: plan["grants"].as_u64()?,
            revokes: plan["revokes"].as_u64()?,
        })
    }
}

fn without_plan(item: &Value) -> Error {
    let (name, summary) = (&item["metadata"]["name"], &item["status"]["summary"]);
    Error::Demo(format!("GroupReplacement {name} has no plan: {summary}"))
}
