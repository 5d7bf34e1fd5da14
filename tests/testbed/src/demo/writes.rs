//! What the operator has written, by the sandbox's journal and its Entra ID.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::sandbox::Request;

/// Where provisioning is set up in the cloud contract.
pub(super) const PROVISIONING: &str = "/authentication/provisioning";

fn is_save(one: &Request) -> bool {
    one.method == "PUT" && one.path.ends_with("/authentication/sso") && one.status == 200
}

/// What became of the applications.
pub(super) struct Moved {
    pub(super) applications: usize,
    /// Of ours, on the new application and on the old one.
    pub(super) secrets: (usize, usize),
    /// Principals that are assigned to the old application, those of them that are to the new one, and all of these.
    pub(super) old: usize,
    pub(super) taken_over: usize,
    pub(super) assigned: usize,
    pub(super) saves: usize,
}

impl Moved {
    pub(super) fn of(entra: &Value, requests: &[Request]) -> Self {
        let all = entra["applications"].as_array().map(Vec::as_slice).unwrap_or_default();
        let named = |name: &str| all.iter().filter(|one| one["name"] == name).collect::<Vec<_>>();
        let (new, old) = (named("Devolutions Cloud"), named("Devolutions Hub"));
        let assigned = |applications: &[&Value]| -> BTreeSet<String> {
            let each = applications.iter().filter_map(|one| one["assignments"].as_array()).flatten();
            each.filter_map(|one| one["id"].as_str().map(str::to_owned)).collect()
        };
        let ours = |applications: &[&Value]| {
            let each = applications.iter().filter_map(|one| one["secrets"].as_array()).flatten();
            let name = |secret: &Value| secret["displayName"].as_str().unwrap_or_default().to_owned();
            each.filter(|secret| name(secret).starts_with("devolutions-migration ")).count()
        };
        let (after, before) = (assigned(&new), assigned(&old));
        Self {
            applications: new.len(),
            secrets: (ours(&new), ours(&old)),
            old: before.len(),
            taken_over: before.intersection(&after).count(),
            assigned: after.len(),
            saves: requests.iter().filter(|one| is_save(one)).count(),
        }
    }
}

/// What the operator changed in the tenant.
#[derive(Default)]
pub(super) struct Writes<'a> {
    by_method: BTreeMap<&'a str, Vec<&'a str>>,
    pub(super) others: usize,
}

impl<'a> Writes<'a> {
    pub(super) fn of(requests: &'a [Request]) -> Self {
        let mut writes = Self::default();
        let successful = |one: &&Request| {
            let is_told_apart = is_save(one) || one.path.contains(PROVISIONING);
            one.is_write && (200..300).contains(&one.status) && one.system == "DevolutionsCloud" && !is_told_apart
        };
        for one in requests.iter().filter(successful) {
            match (one.identity.as_deref(), one.method.as_str()) {
                (Some("operator"), "PUT" | "DELETE") => {
                    writes.by_method.entry(&one.method).or_default().push(&one.path);
                }
                _ => writes.others += 1,
            }
        }
        writes
    }

    /// How many with this method, and on how many different objects and groups.
    pub(super) fn count(&self, method: &str) -> (u64, u64) {
        let paths = self.by_method.get(method).map(Vec::as_slice).unwrap_or_default();
        let different: BTreeSet<_> = paths.iter().collect();
        let size = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        (size(paths.len()), size(different.len()))
    }
}
