//! What can go wrong on the way, by rule: refusals, lost connections, broken and slow answers, requests held still.

use globset::{GlobBuilder, GlobMatcher};
use serde::{Deserialize, Serialize};
use serde_json::Number;

use crate::system::System;

/// Which requests are hit, and how. A rule without conditions matches every request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// `DevolutionsCloud`, `Scim`, `Graph` or `Login`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<System>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// A glob over the path without query, e.g. `/api/v1/vaults/*/permissions/**`; `*` stays within a segment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// `operator`, `person` or another user's name. A login has none yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// The first match that is hit.
    #[serde(default = "one")]
    pub nth: u64,
    /// How many are hit from there on; 0 is all of them.
    #[serde(default = "one")]
    pub times: u64,
    pub action: Action,
}

fn one() -> u64 {
    1
}

/// What happens to a request that is hit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Action {
    /// Refused with this status; it does not take effect.
    Status(InjectedStatus),
    /// Takes effect, and then is answered as if it had been refused with this status: a server that lies.
    StatusAfterCommit(InjectedStatus),
    /// The connection is closed without an answer; the request does not take effect.
    DropBeforeCommit,
    /// The request takes effect, then the connection is closed without an answer.
    DropAfterCommit,
    /// Stands still until released, before it takes effect. If the client goes away meanwhile it never does.
    HoldBeforeCommit,
    /// Takes effect and is journaled, then stands still until released.
    HoldAfterCommit,
    /// Takes effect; the answer breaks off in the middle of its body.
    Truncate,
    /// Takes effect, after a while.
    Slow { millis: u64 },
}

/// An injected refusal: its status, and what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InjectedStatus {
    pub status: u16,
    /// May have a fraction, which Graph's has at times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<Number>,
    /// Devolutions Cloud's number within the status, or the number of an AADSTS code.
    #[serde(default)]
    pub code: u32,
    /// Devolutions Cloud's `name`, SCIM's `scimType`, Graph's `code`, the token endpoint's `error`; likely ones if not
    /// given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What a refusal says.
#[derive(Debug, Clone)]
pub struct Refusal {
    pub code: u32,
    pub name: Option<String>,
    pub message: Option<String>,
}

impl Refusal {
    /// One with a name and a sentence.
    pub fn new(name: &str, message: &str) -> Self {
        Self { code: 0, name: Some(name.to_owned()), message: Some(message.to_owned()) }
    }

    /// The sentence.
    pub fn message(&self) -> &str {
        self.message.as_deref().unwrap_or("An injected fault.")
    }
}

/// A rule in force.
#[derive(Debug, Clone, Serialize)]
pub struct Fault {
    pub id: u64,
    pub rule: Rule,
    pub matched: u64,
    pub fired: u64,
    #[serde(skip)]
    glob: Option<GlobMatcher>,
}

/// All rules in force, the oldest first.
#[derive(Debug, Default)]
pub struct Faults {
    faults: Vec<Fault>,
    last: u64,
}

impl Faults {
    /// Puts a rule in force and gives it an id.
    pub fn add(&mut self, rule: Rule) -> Result<Fault, globset::Error> {
        let compile = |glob: &String| GlobBuilder::new(glob).literal_separator(true).build();
        let glob = rule.path.as_ref().map(compile).transpose()?.map(|it| it.compile_matcher());
        self.last += 1;
        let fault = Fault { id: self.last, rule, matched: 0, fired: 0, glob };
        self.faults.push(fault.clone());
        Ok(fault)
    }

    /// The rules in force.
    pub fn list(&self) -> &[Fault] {
        &self.faults
    }

    /// Takes one rule out of force.
    pub fn remove(&mut self, id: u64) -> bool {
        let before = self.faults.len();
        self.faults.retain(|it| it.id != id);
        self.faults.len() < before
    }

    /// Takes all rules out of force.
    pub fn clear(&mut self) {
        self.faults.clear();
    }

    /// What is to happen to this request: each rule counts it, the oldest one that is due hits it.
    pub fn decide(
        &mut self,
        system: System,
        method: &str,
        path: &str,
        identity: Option<&str>,
    ) -> Option<(u64, Action)> {
        let mut hit = None;
        for fault in &mut self.faults {
            let rule = &fault.rule;
            let matches = rule.system.is_none_or(|it| it == system)
                && rule.method.as_ref().is_none_or(|it| it.eq_ignore_ascii_case(method))
                && fault.glob.as_ref().is_none_or(|it| it.is_match(path))
                && rule.identity.as_ref().is_none_or(|it| Some(it.as_str()) == identity);
            if !matches {
                continue;
            }
            fault.matched += 1;
            let is_due = fault.matched >= rule.nth && (rule.times == 0 || fault.fired < rule.times);
            if is_due && hit.is_none() {
                fault.fired += 1;
                hit = Some((fault.id, rule.action.clone()));
            }
        }
        hit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(json: serde_json::Value) -> Rule {
        serde_json::from_value(json).unwrap()
    }

    fn hits(faults: &mut Faults, requests: &[(&str, &str)]) -> Vec<bool> {
        requests
            .iter()
            .map(|(method, path)| faults.decide(System::DevolutionsCloud, method, path, Some("operator")).is_some())
            .collect()
    }

    #[test]
    fn the_nth_match_and_so_many_after_it() {
        let mut faults = Faults::default();
        let drop = serde_json::json!({"method": "PUT", "nth": 2, "times": 2, "action": {"type": "DropAfterCommit"}});
        faults.add(rule(drop)).unwrap();
        let requests = [("PUT", "/a"), ("GET", "/a"), ("PUT", "/b"), ("PUT", "/c"), ("PUT", "/d")];
        assert_eq!(hits(&mut faults, &requests), [false, false, true, true, false]);
    }

    #[test]
    fn a_star_stays_within_a_segment() {
        let mut faults = Faults::default();
        let slow = serde_json::json!({"path": "/api/v1/vaults/*/permissions/**", "times": 0, "action": {"type": "Slow", "millis": 5}});
        faults.add(rule(slow)).unwrap();
        let requests = [
            ("GET", "/api/v1/vaults/7/permissions/groups/9"),
            ("GET", "/api/v1/vaults/7/entries/8/permissions/groups/9"),
            ("GET", "/api/v1/vaults/7/permissions/users/9"),
        ];
        assert_eq!(hits(&mut faults, &requests), [true, false, true]);
    }

    #[test]
    fn other_identities_are_not_hit() {
        let mut faults = Faults::default();
        faults.add(rule(serde_json::json!({"identity": "person", "action": {"type": "Truncate"}}))).unwrap();
        assert_eq!(faults.decide(System::Graph, "GET", "/", Some("operator")), None);
        assert_eq!(faults.decide(System::Graph, "GET", "/", None), None);
        assert_eq!(faults.decide(System::Graph, "GET", "/", Some("person")), Some((1, Action::Truncate)));
    }
}
