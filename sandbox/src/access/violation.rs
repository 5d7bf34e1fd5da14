//! Changes of somebody's access that must not have happened.

use std::collections::BTreeMap;

use serde::Serialize;
use uuid::Uuid;

use super::Rule;

/// What the access was compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Against {
    /// The state just before the request.
    Previous,
    /// What people, or the world itself, last made of it.
    Baseline,
}

/// A request, as the journal knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Request {
    pub seq: u64,
    pub method: String,
    pub path: String,
}

/// One user's access at one place, changed under one rule by one request of the operator.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Violation {
    pub rule: Rule,
    pub user: Uuid,
    pub user_name: String,
    pub place: String,
    /// Flags by name.
    pub before: Vec<String>,
    pub after: Vec<String>,
    pub against: Against,
    pub request: Request,
}

/// All violations: counted exactly, the first ones kept in full.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Violations {
    pub total: u64,
    pub by_rule: BTreeMap<&'static str, u64>,
    #[serde(rename = "violations")]
    pub kept: Vec<Violation>,
}

impl Violations {
    /// How many are kept in full: one wrong write on a big world can change the access of thousands.
    pub const KEPT: usize = 10_000;

    /// Counts one, and keeps it if there is room.
    pub fn record(&mut self, rule: Rule, violation: impl FnOnce() -> Violation) {
        self.total += 1;
        *self.by_rule.entry(rule.name()).or_default() += 1;
        if self.kept.len() < Self::KEPT {
            self.kept.push(violation());
        }
    }
}
