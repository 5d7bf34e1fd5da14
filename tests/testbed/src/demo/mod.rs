//! The demo: the forecast of a migration, the migration, everybody brought across, and a whole replacement of custom groups by
//! Entra groups, on a real cluster, for people to watch.
//!
//! - [`play`] shows it, step by step, in the foreground, and checks the outcome
//! - [`serve`] holds the cluster, the sandboxes and the operator, in the background, until [`down`] ends it
//! - [`exports`] tells a shell where they are
//!
//! Two tenants of one company move at the same time, one for each [`profile`]; people see the first.

mod account;
mod background;
mod live;
mod manifests;
mod migration;
mod outlook;
mod place;
mod plan;
mod play;
mod profile;
mod provisioning;
mod replacements;
mod screen;
mod serve;
mod stage;
mod tenant;
mod writes;

pub use place::{down, exports};
pub use play::play;
pub use serve::serve;

use serde::{Deserialize, Serialize};

use crate::process::Identity;

/// The name of the company's connection and of its migration.
const COMPANY: &str = "contoso";
/// The migration, as `kubectl` and the operator's own command line name it.
const MIGRATION: &str = "ssom/contoso";
/// The chart, from the folder in which the demo is shown.
const CHART: &str = "charts/devolutions-migration-operator";
/// The namespace that the chart is installed in.
const OPERATOR_NAMESPACE: &str = "devolutions-migration";
/// The chart's release, and so the name of the operator's account.
const RELEASE: &str = "devolutions-migration-operator";
/// How the operator is run, beside its namespaces.
const OPERATOR_ARGUMENTS: [&str; 8] = [
    "--allow-host",
    "127.0.0.1",
    "--allow-entra-host",
    "127.0.0.1",
    "--observe-interval-seconds",
    "5",
    "--lease-namespace",
    OPERATOR_NAMESPACE,
];

/// What [`serve`] says to whoever started it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "camelCase")]
pub enum Report {
    /// The cluster and the sandboxes answer.
    Ready,
    /// The operator was started, for the first time or again.
    Operator(Launch),
    /// It cannot go on; it ends what it had started.
    Failed {
        /// Why.
        reason: String,
    },
}

/// One start of the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// As what it runs.
    process: Identity,
    /// How often it has been started by then.
    starts: u64,
}

/// How the operator is run, as its command line has it.
fn operator_arguments() -> Vec<&'static str> {
    let namespaces = profile::ALL.iter().flat_map(|profile| ["--namespace", profile.namespace]);
    std::iter::once("run").chain(namespaces).chain(OPERATOR_ARGUMENTS).collect()
}
