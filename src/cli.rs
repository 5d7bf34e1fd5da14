//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};

/// Moves Devolutions Cloud single sign-on to a new Entra ID application and custom groups to Entra
/// groups, without anybody losing or gaining access.
#[derive(Debug, Parser)]
#[command(name = "operator", version)]
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
    /// How often, in seconds, the outside is looked at while waiting for something that sends no event.
    #[arg(long, env = "OPERATOR_OBSERVE_INTERVAL_SECONDS", default_value = "120", value_parser = seconds)]
    pub observe_interval_seconds: Duration,
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
