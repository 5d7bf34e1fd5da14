//! What Prometheus sees. Labels are bounded: never a user, a group, a place or an entry.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::runtime::reflector::Store;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::api::{GroupReplacement, SsoMigration};

/// Seconds: a request to a tenant takes some tens of milliseconds, a pass up to minutes.
const REQUEST_BUCKETS: [f64; 8] = [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
const PASS_BUCKETS: [f64; 8] = [0.05, 0.25, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0];

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Pass {
    kind: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Kind {
    kind: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Request {
    system: &'static str,
    method: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct System {
    system: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Change {
    change: &'static str,
}

/// Every metric family.
pub struct Metrics {
    registry: Registry,
    passes: Family<Pass, Counter>,
    pass_seconds: Family<Kind, Histogram>,
    requests: Family<Request, Counter>,
    request_seconds: Family<System, Histogram>,
    writes: Family<Change, Counter>,
    saves: Counter,
    leading: Gauge,
    stores: Stores,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("devolutions_migration");
        let passes = Family::<Pass, Counter>::default();
        let pass_seconds = Family::<Kind, Histogram>::new_with_constructor(|| Histogram::new(PASS_BUCKETS));
        let requests = Family::<Request, Counter>::default();
        let request_seconds = Family::<System, Histogram>::new_with_constructor(|| Histogram::new(REQUEST_BUCKETS));
        let writes = Family::<Change, Counter>::default();
        let (saves, leading, stores) = (Counter::default(), Gauge::default(), Stores::default());
        registry.register("operator", "The operator that runs", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        registry.register("reconcile_passes", "Passes over a resource, by how they ended", passes.clone());
        registry.register("reconcile_seconds", "How long a pass takes", pass_seconds.clone());
        registry.register("outside_requests", "Requests to outside systems, by outcome", requests.clone());
        registry.register("outside_request_seconds", "How long such a request takes", request_seconds.clone());
        registry.register("permission_writes", "Permissions granted and revoked", writes.clone());
        registry.register("single_sign_on_saves", "Configurations for single sign-on saved", saves.clone());
        registry.register("leading", "Whether this replica does the work", leading.clone());
        registry.register_collector(Box::new(stores.clone()));
        Self { registry, passes, pass_seconds, requests, request_seconds, writes, saves, leading, stores }
    }
}

impl Metrics {
    /// A pass has ended.
    pub fn pass(&self, kind: &'static str, outcome: &'static str, took: Duration) {
        self.passes.get_or_create(&Pass { kind, outcome }).inc();
        self.pass_seconds.get_or_create(&Kind { kind }).observe(took.as_secs_f64());
    }

    /// A request to an outside system has ended. `outcome` is `ok` or the reason of a failure.
    pub fn request(&self, system: &'static str, method: &str, outcome: &'static str, took: Duration) {
        self.requests.get_or_create(&Request { system, method: method.to_owned(), outcome }).inc();
        self.request_seconds.get_or_create(&System { system }).observe(took.as_secs_f64());
    }

    /// A permission was granted or revoked, and read back.
    pub fn written(&self, change: &'static str) {
        self.writes.get_or_create(&Change { change }).inc();
    }

    /// A configuration for single sign-on was saved, and read back where that can be.
    pub fn saved(&self) {
        self.saves.inc();
    }

    /// Whether this replica does the work.
    pub fn leading(&self, yes: bool) {
        self.leading.set(yes.into());
    }

    /// Counts the migrations of this store by state from now on.
    pub fn count_migrations(&self, store: Store<SsoMigration>) {
        self.stores.lock().migrations.push(store);
    }

    /// Counts the replacements of this store by state from now on.
    pub fn count_replacements(&self, store: Store<GroupReplacement>) {
        self.stores.lock().replacements.push(store);
    }

    /// Everything in the OpenMetrics text format.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, Ord, PartialEq, PartialOrd)]
struct State {
    namespace: String,
    ready: String,
    reason: String,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Expiry {
    namespace: String,
    name: String,
    /// `sign_in` or `return`.
    secret: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Outlook {
    namespace: String,
    name: String,
    users: &'static str,
}

/// How many resources are in which state, and what migrations promise: read off their statuses when asked, so that it is
/// right after a restart too.
#[derive(Clone, Default)]
struct Stores(Arc<Mutex<Watched>>);

#[derive(Default)]
struct Watched {
    migrations: Vec<Store<SsoMigration>>,
    replacements: Vec<Store<GroupReplacement>>,
}

impl Stores {
    fn lock(&self) -> std::sync::MutexGuard<'_, Watched> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Stores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stores").finish_non_exhaustive()
    }
}

/// One more in the state that these conditions tell.
fn tally(counts: &mut BTreeMap<State, i64>, namespace: Option<&String>, conditions: Option<&[Condition]>) {
    if let Some(ready) = conditions.unwrap_or_default().iter().find(|c| c.type_ == "Ready") {
        let namespace = namespace.cloned().unwrap_or_default();
        let state = State { namespace, ready: ready.status.clone(), reason: ready.reason.clone() };
        *counts.entry(state).or_default() += 1;
    }
}

impl Collector for Stores {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let watched = self.lock();
        let (mut migrations, mut replacements) = (BTreeMap::new(), BTreeMap::new());
        let (mut outlooks, mut expiries) = (Vec::new(), Vec::new());
        for object in watched.migrations.iter().flat_map(Store::state) {
            let status = object.status.as_ref();
            tally(&mut migrations, object.metadata.namespace.as_ref(), status.map(|s| s.conditions.as_slice()));
            let made = status.and_then(|s| s.application.as_ref());
            let secrets = [
                ("sign_in", made.and_then(|m| m.client_secret.as_ref())),
                ("return", made.and_then(|m| m.return_secret.as_ref())),
            ];
            for (secret, kept) in secrets {
                let (namespace, name) = (object.metadata.namespace.clone(), object.metadata.name.clone());
                let labels =
                    Expiry { namespace: namespace.unwrap_or_default(), name: name.unwrap_or_default(), secret };
                expiries.extend(kept.map(|kept| (labels, kept.expires_at.0.as_second())));
            }
            let Some(forecast) = status.and_then(|s| s.forecast.as_ref()) else { continue };
            let (sign_in, sync) = (&forecast.sign_in, &forecast.synchronization);
            let counts = [
                ("can_sign_in_today", sign_in.today),
                ("will_sign_in", sign_in.after),
                ("would_lose_sign_in", sign_in.lost),
                ("will_be_synced", sync.synced),
                ("would_not_be_synced", sync.missing),
            ];
            for (users, count) in counts {
                let (namespace, name) = (object.metadata.namespace.clone(), object.metadata.name.clone());
                let outlook =
                    Outlook { namespace: namespace.unwrap_or_default(), name: name.unwrap_or_default(), users };
                outlooks.push((outlook, i64::from(count)));
            }
        }
        for object in watched.replacements.iter().flat_map(Store::state) {
            let conditions = object.status.as_ref().map(|s| s.conditions.as_slice());
            tally(&mut replacements, object.metadata.namespace.as_ref(), conditions);
        }
        gauges(&mut encoder, "sso_migrations", "SsoMigrations by the state of their condition Ready", migrations)?;
        gauges(
            &mut encoder,
            "sso_migration_users",
            "Users by what a migration is forecast to mean for them",
            outlooks,
        )?;
        gauges(
            &mut encoder,
            "client_secret_expires_timestamp_seconds",
            "When a client secret that a migration made expires: from then on nobody can sign in by it",
            expiries,
        )?;
        let help = "GroupReplacements by the state of their condition Ready";
        gauges(&mut encoder, "group_replacements", help, replacements)
    }
}

fn gauges<L: EncodeLabelSet>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = (L, i64)>,
) -> Result<(), fmt::Error> {
    let mut family = encoder.encode_descriptor(name, help, None, ConstGauge::new(0_i64).metric_type())?;
    for (labels, value) in values {
        ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_shown_under_our_prefix() {
        let metrics = Metrics::default();
        metrics.pass("GroupReplacement", "Replaced", Duration::from_secs(2));
        metrics.request("DevolutionsCloud", "PUT", "ok", Duration::from_millis(30));
        metrics.written("grant");
        metrics.leading(true);
        let text = metrics.encode().unwrap();
        for line in [
            "devolutions_migration_reconcile_passes_total{kind=\"GroupReplacement\",outcome=\"Replaced\"} 1",
            "devolutions_migration_outside_requests_total{system=\"DevolutionsCloud\",method=\"PUT\",outcome=\"ok\"} 1",
            "devolutions_migration_permission_writes_total{change=\"grant\"} 1",
            "devolutions_migration_leading 1",
            "# EOF",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
