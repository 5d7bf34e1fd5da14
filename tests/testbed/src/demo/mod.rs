//! The demo: the forecast of a migration, the migration, everybody brought across, and a whole replacement of custom groups by
//! Entra groups, on a real cluster, for people to watch.
//!
//! - [`play`] shows it, step by step, in the foreground, and checks the outcome
//! - [`serve`] holds the cluster, the sandbox and the operator, in the background, until [`down`] ends it
//! - [`exports`] tells a shell where they are

mod account;
mod live;
mod manifests;
mod migration;
mod place;
mod plan;
mod play;
mod provisioning;
mod screen;
mod serve;
mod stage;

pub use place::{down, exports};
pub use play::play;
pub use serve::serve;

use serde::{Deserialize, Serialize};

use crate::process::Identity;

/// The namespace of the demo's resources, and the name of its connection.
const NAMESPACE: &str = "contoso";
/// The chart, from the folder in which the demo is shown.
const CHART: &str = "charts/devolutions-migration-operator";
/// The namespace that the chart is installed in.
const OPERATOR_NAMESPACE: &str = "devolutions-migration";
/// The chart's release, and so the name of the operator's account.
const RELEASE: &str = "devolutions-migration-operator";
/// The demo's tenant: the same seed makes the same one.
const WORLD: [&str; 13] = [
    "--seed",
    "1",
    "--users",
    "200",
    "--groups",
    "12",
    "--vaults",
    "40",
    "--entries",
    "600",
    "--unsynced",
    "--switches",
    // Cycles of Entra's provisioning are 40 minutes apart; nobody would wait for the second.
    "{provisioningCycleSeconds: 10}",
];
/// How the operator is run, beside its account.
const OPERATOR_ARGUMENTS: [&str; 11] = [
    "run",
    "--namespace",
    NAMESPACE,
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
    /// The cluster and the sandbox answer.
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
