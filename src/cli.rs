//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

use crate::client::{ApproveArgs, PlanArgs, StatusArgs};
use crate::telemetry::LogFormat;

/// Moves Devolutions Cloud single sign-on to a new Entra ID application and custom groups to Entra
/// groups, without anybody losing or gaining access.
#[derive(Debug, Parser)]
#[command(
    name = "operator",
    version,
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not approved or refused"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the binary can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the operator until it is told to stop.
    Run(RunArgs),
    /// Write the CustomResourceDefinitions, one file each.
    Crds {
        /// The folder to write to.
        #[arg(long, default_value = "crds")]
        out: PathBuf,
    },
    /// Show the present plan of a replacement or a migration, effect by effect, and what a migration will mean for each user.
    Plan(PlanArgs),
    /// Look at the plan of a replacement or a migration that waits, and approve it in your own name.
    Approve(ApproveArgs),
    /// Show connections, migrations and replacements: what is done, how far it is, and who must act.
    Status(StatusArgs),
    /// Print a completion script for a shell.
    Completion {
        /// Which shell.
        shell: Shell,
    },
}

/// Settings of `operator run`. Each can come from the environment.
#[derive(Clone, Debug, Parser)]
pub struct RunArgs {
    /// A namespace to work in; repeat it for more. Without it: all of them.
    #[arg(long = "namespace", env = "OPERATOR_NAMESPACES", value_delimiter = ',')]
    pub namespaces: Vec<String>,
    /// A host beside *.devolutions.app that connections may name; repeat it for more. Whoever writes
    /// a `TenantConnection` can have its Secret sent to such a host.
    #[arg(long = "allow-host", env = "OPERATOR_ALLOW_HOSTS", value_delimiter = ',')]
    pub allowed_hosts: Vec<String>,
    /// A host beside Microsoft's that connections may name under `entra.cloud.custom`; repeat it for more. Whoever writes a
    /// `TenantConnection` can have a client secret or a service account's token sent to such a host.
    #[arg(long = "allow-entra-host", env = "OPERATOR_ALLOW_ENTRA_HOSTS", value_delimiter = ',')]
    pub allowed_entra_hosts: Vec<String>,
    /// How often, in seconds, the outside is looked at while waiting for something that sends no event.
    #[arg(long, env = "OPERATOR_OBSERVE_INTERVAL_SECONDS", default_value = "120", value_parser = seconds)]
    pub observe_interval_seconds: Duration,
    /// How long, in seconds, what was written to Entra ID may stay unseen. A request whose answer was lost is taken to have
    /// had no effect only after that. Microsoft promises no time; more than five minutes have been seen.
    #[arg(long, env = "OPERATOR_ENTRA_SETTLE_SECONDS", default_value = "900", value_parser = seconds)]
    pub entra_settle_seconds: Duration,
    /// How long, in seconds, a write to Devolutions Cloud whose answer was lost may still take effect. A replacement turns
    /// back, or forth again, only after that.
    #[arg(long, env = "OPERATOR_DEVOLUTIONS_SETTLE_SECONDS", default_value = "60", value_parser = seconds)]
    pub devolutions_settle_seconds: Duration,
    /// The namespace of the lease by which one of several replicas does the work. Without it there is
    /// no lease, and this must be the only replica.
    #[arg(long, env = "OPERATOR_LEASE_NAMESPACE")]
    pub lease_namespace: Option<String>,
    /// This replica's name, different from every other's: in a cluster, the pod's.
    #[arg(long, env = "HOSTNAME", default_value = "operator")]
    pub identity: String,
    /// Where /livez, /readyz and /metrics are served. Without it they are not.
    #[arg(long, env = "OPERATOR_LISTEN")]
    pub listen: Option<SocketAddr>,
    /// How a line of the log looks.
    #[arg(long, env = "OPERATOR_LOG_FORMAT", value_enum, default_value = "text")]
    pub log_format: LogFormat,
    /// What to log, such as `info` or `info,operator=debug`.
    #[arg(long, env = "OPERATOR_LOG", default_value = "info")]
    pub log: String,
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<u32>() {
        Ok(0) | Err(_) => Err("a whole number of seconds, at least 1".to_owned()),
        Ok(n) => Ok(Duration::from_secs(n.into())),
    }
}
