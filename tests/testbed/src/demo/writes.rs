//! What the operator has written, by the sandbox's journal and its Entra ID.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::tenant::each;
use crate::sandbox::Request;

/// How the new application and the old one are called.
const NEW: &str = "Devolutions Cloud";
const OLD: &str = "Devolutions Hub";

/// Where provisioning is set up in the cloud contract.
pub(super) const PROVISIONING: &str = "/authentication/provisioning";

fn is_save(one: &Request) -> bool {
    one.method == "PUT" && one.path.ends_with("/authentication/sso") && one.status == 200
}

/// What became of the applications.
pub(super) struct Moved {
    /// Client ids of the new ones, and of the old one.
    pub(super) new: Vec<String>,
    pub(super) old: Vec<String>,
    /// Our secrets on the new application and on the old one.
    pub(super) secrets: (usize, usize),
    /// Ids of the principals that were assigned to the old application, of those that are now, and of those that are to
    /// the new one.
    pub(super) before: BTreeSet<String>,
    pub(super) still: BTreeSet<String>,
    pub(super) assigned: BTreeSet<String>,
    /// Names of the latter.
    pub(super) names: BTreeSet<String>,
    pub(super) saves: usize,
}

impl Moved {
    /// By what Entra ID held before and holds after.
    pub(super) fn of(before: &Value, after: &Value, requests: &[Request]) -> Self {
        let named = |entra: &'_ Value, name: &str| -> Vec<Value> {
            each(&entra["applications"]).filter(|one| one["name"] == name).cloned().collect()
        };
        let (new, old, was) = (named(after, NEW), named(after, OLD), named(before, OLD));
        let ours = |applications: &[Value]| {
            let secrets = applications.iter().flat_map(|one| each(&one["secrets"]));
            let name = |secret: &Value| secret["displayName"].as_str().unwrap_or_default().to_owned();
            secrets.filter(|secret| name(secret).starts_with("devolutions-migration ")).count()
        };
        let client_ids = |applications: &[Value]| {
            applications.iter().filter_map(|one| one["appId"].as_str().map(str::to_owned)).collect()
        };
        Self {
            secrets: (ours(&new), ours(&old)),
            before: of_assigned(&was, "id"),
            still: of_assigned(&old, "id"),
            assigned: of_assigned(&new, "id"),
            names: of_assigned(&new, "name"),
            saves: requests.iter().filter(|one| is_save(one)).count(),
            new: client_ids(&new),
            old: client_ids(&old),
        }
    }
}

/// This of each principal that is assigned.
fn of_assigned(applications: &[Value], field: &str) -> BTreeSet<String> {
    let all = applications.iter().flat_map(|one| each(&one["assignments"]));
    all.filter_map(|one| one[field].as_str().map(str::to_owned)).collect()
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
