//! Whether all is as it should be, by the word of the sandbox and not of the operator.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use super::manifests::Pair;
use super::plan::Waiting;
use super::provisioning::Across;
use super::screen::Screen;
use crate::error::{Error, Result};
use crate::sandbox::Sandbox;

/// Where provisioning is set up in the cloud contract.
const PROVISIONING: &str = "/authentication/provisioning";

/// The tenant at one moment.
pub(super) struct Tenant {
    /// Counts, and the groups with how many permissions each holds.
    pub(super) world: Value,
    /// How many enabled users are flagged as synced.
    synced: u64,
    /// All permissions.
    state: Value,
    /// By user, what they may do where, under each rule by which rights may combine.
    access: BTreeMap<String, Value>,
}

impl Tenant {
    /// Looks at it.
    pub(super) async fn look(sandbox: &Sandbox) -> Result<Self> {
        let users = sandbox.as_person().await?.call(Method::GET, "/api/v1/users?pageSize=500", None).await?;
        let users = users["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut access = BTreeMap::new();
        for user in users.iter().filter_map(|user| user["id"].as_str()) {
            access.insert(user.to_owned(), sandbox.access(user).await?["places"].clone());
        }
        let world = sandbox.world().await?;
        if world["users"].as_u64() != u64::try_from(users.len()).ok() {
            return Err(Error::Demo(format!("{} of {} users were listed", users.len(), world["users"])));
        }
        let synced = users.iter().filter(|user| user["isSynced"] == true && user["isEnabled"] == true).count();
        let synced = u64::try_from(synced).unwrap_or(u64::MAX);
        Ok(Self { world, synced, state: sandbox.state().await?, access })
    }

    /// The rules by which rights may combine, as far as they made a difference to anybody.
    fn rules(&self) -> BTreeSet<&str> {
        let places = self.access.values().filter_map(Value::as_array).flatten();
        places.filter_map(|place| place["access"].as_object()).flatten().map(|(rule, _)| rule.as_str()).collect()
    }

    fn held_by(&self, group: &str) -> Option<u64> {
        self.world["groups"].as_array()?.iter().find(|one| one["id"] == group)?["assignments"].as_u64()
    }

    /// All permissions, if each Entra group held what its custom group holds.
    fn replaced(&self, pairs: &[Pair]) -> Value {
        let mut state = self.state.clone();
        let (mut vaults, mut entries) = (state["vaults"].take(), state["entries"].take());
        let below =
            [&mut vaults, &mut entries].into_iter().filter_map(Value::as_object_mut).flat_map(|map| map.iter_mut());
        let mut sets: Vec<&mut Value> = below.map(|(_, set)| set).collect();
        if let Some(top) = state.as_object_mut() {
            sets.extend(top.iter_mut().filter(|(_, set)| !set.is_null()).map(|(_, set)| set));
        }
        for groups in sets.into_iter().filter_map(|set| set["groups"].as_object_mut()) {
            for pair in pairs {
                if let Some(held) = groups.remove(&pair.custom_id) {
                    groups.insert(pair.entra_id.clone(), held);
                }
            }
        }
        (state["vaults"], state["entries"]) = (vaults, entries);
        state
    }
}

/// What is to be held against the world.
pub(super) struct Account<'a> {
    pub(super) before: &'a Tenant,
    pub(super) after: &'a Tenant,
    pub(super) pairs: &'a [Pair],
    pub(super) plans: &'a [Waiting],
    /// Who came across, by the operator's word.
    pub(super) across: &'a Across,
    /// The number of the last request to the sandbox before the forecast.
    pub(super) since: u64,
    /// And before the migration was asked for.
    pub(super) asked: u64,
    /// How many people could sign in when the demo began.
    pub(super) people: usize,
    /// How often the operator was started again.
    pub(super) restarts: u64,
    /// How often it was killed.
    pub(super) kills: u64,
    pub(super) took: Duration,
}

impl Account<'_> {
    /// Shows it. Whether all of it is right.
    pub(super) async fn show(&self, screen: &Screen, sandbox: &Sandbox) -> Result<bool> {
        let mut all_right = true;
        let mut verdict = |right: bool, about: &str, text: &str| {
            all_right &= right;
            screen.verdict(right, about, text);
        };

        let journal = sandbox.journal(self.since).await?;
        let graph = || journal.entries.iter().filter(|one| one.system == "Graph" && one.seq <= self.asked);
        let written = graph().filter(|one| one.is_write).count();
        let text = format!("{} requests to Entra ID, {written} of them writes", graph().count());
        verdict(written == 0 && graph().count() > 0, "forecast", &text);

        let entra = sandbox.entra().await?;
        let moved = Moved::of(&entra, &journal.entries);
        let text = format!(
            "{} made, {} secret on it and {} on the old one",
            moved.applications, moved.secrets.0, moved.secrets.1
        );
        verdict(moved.applications == 1 && moved.secrets == (1, 1), "new application", &text);
        let text = format!(
            "{} of {} principals of the old application, {} in all",
            moved.taken_over, moved.old, moved.assigned
        );
        verdict(moved.taken_over == moved.old && moved.old > 0, "assignments", &text);
        verdict(moved.saves == 1, "single sign-on", &format!("saved {} time", moved.saves));
        let tally = sandbox.sign_ins().await?;
        let text = format!("{} tried by {} people, {} failed", tally["attempts"], self.people, tally["failures"]);
        verdict(tally["failures"] == 0 && tally["attempts"].as_u64() > Some(0), "sign-ins", &text);
        let able = sandbox.who_can_sign_in().await?["users"].as_array().map_or(0, Vec::len);
        let text = format!("{able} could at the end, {} at the beginning", self.people);
        verdict(able >= self.people, "sign-in in the end", &text);

        let made = |method: &str, end: &str| {
            let is_it = |one: &&crate::sandbox::Request| {
                one.method == method && one.path.ends_with(end) && (200..300).contains(&one.status)
            };
            journal.entries.iter().filter(is_it).count()
        };
        let (enabled, jobs) = (made("POST", PROVISIONING), made("POST", "/synchronization/jobs"));
        let text = format!("enabled {enabled} time, {jobs} job made, {} started", made("POST", "/start"));
        verdict((enabled, jobs, made("POST", "/start")) == (1, 1, 1), "provisioning", &text);
        let Across { expected, synced, waived } = self.across;
        let text = format!(
            "{synced} of {expected} who should, {waived} waived; {} are flagged, {} were before",
            self.after.synced, self.before.synced
        );
        // One who is waived may come across all the same.
        let all =
            synced == expected && (*synced..=synced + waived).contains(&self.after.synced) && self.before.synced == 0;
        verdict(all, "users synced", &text);

        let replaced = self.pairs.iter().filter(|pair| self.after.held_by(&pair.custom_id) == Some(0)).count();
        let text = format!("{replaced} of {} custom groups hold nothing any more", self.pairs.len());
        verdict(replaced == self.pairs.len() && replaced > 0, "groups replaced", &text);

        let writes = Writes::of(&journal.entries);
        let planned = |count: fn(&Waiting) -> u64| self.plans.iter().map(count).sum::<u64>();
        for (about, method, planned) in [
            ("permissions granted", "PUT", planned(|plan| plan.grants)),
            ("permissions revoked", "DELETE", planned(|plan| plan.revokes)),
        ] {
            let (all, different) = writes.count(method);
            let text = format!("{all} successful {method} requests, none twice, and {planned} were planned");
            verdict(all == planned && different == all, about, &text);
        }
        verdict(writes.others == 0, "other writes", &writes.others.to_string());

        let same = self.before.replaced(self.pairs) == self.after.state;
        let text = if same {
            "each is where it was and says what it said, and the Entra group holds it now"
        } else {
            "some are not what they were"
        };
        verdict(same, "permissions", text);

        let rules = self.before.rules();
        let names = rules.iter().copied().collect::<Vec<_>>().join(", ");
        let violations = sandbox.violations().await?;
        let none = violations.total == 0 && violations.by_rule.values().all(|count| *count == 0);
        let text = if none {
            format!("0 under each of {} rules by which rights may combine: {names}", rules.len())
        } else {
            format!("{} in all: {:?}", violations.total, violations.by_rule)
        };
        verdict(none && !rules.is_empty(), "access violations", &text);

        let changed = self.before.access.iter().filter(|(user, access)| self.after.access.get(*user) != Some(access));
        let changed = changed.count();
        let text = format!("{changed} of {} users may do anything else than before", self.before.access.len());
        verdict(changed == 0, "access in the end", &text);

        let text = format!("{}, and it was killed {} times", self.restarts, self.kills);
        verdict(self.restarts == self.kills, "operator restarts", &text);
        verdict(true, "time", &format!("{} s", self.took.as_secs()));
        Ok(all_right)
    }
}

fn is_save(one: &crate::sandbox::Request) -> bool {
    one.method == "PUT" && one.path.ends_with("/authentication/sso") && one.status == 200
}

/// What became of the applications.
struct Moved {
    applications: usize,
    /// Of ours, on the new application and on the old one.
    secrets: (usize, usize),
    /// Principals that are assigned to the old application, those of them that are to the new one, and all of these.
    old: usize,
    taken_over: usize,
    assigned: usize,
    saves: usize,
}

impl Moved {
    fn of(entra: &Value, requests: &[crate::sandbox::Request]) -> Self {
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
struct Writes<'a> {
    by_method: BTreeMap<&'a str, Vec<&'a str>>,
    others: usize,
}

impl<'a> Writes<'a> {
    fn of(requests: &'a [crate::sandbox::Request]) -> Self {
        let mut writes = Self::default();
        let successful = |one: &&crate::sandbox::Request| {
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
    fn count(&self, method: &str) -> (u64, u64) {
        let paths = self.by_method.get(method).map(Vec::as_slice).unwrap_or_default();
        let different: BTreeSet<_> = paths.iter().collect();
        let size = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        (size(paths.len()), size(different.len()))
    }
}
