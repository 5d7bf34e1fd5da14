//! The command line.

mod cluster;
mod demo;
mod helm;
mod supervise;

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use serde::Serialize;

use testbed::Result;

/// Surroundings for tests and the demo: a real Kubernetes control plane on this machine.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// A control plane without nodes.
    #[command(subcommand)]
    Cluster(cluster::Command),
    /// A whole replacement of custom groups, for people to watch.
    #[command(subcommand)]
    Demo(demo::Command),
    /// Becomes the `helm` that is built with the cluster.
    Helm {
        /// Its arguments.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Runs a program until standard input is closed; reports on the output as JSON.
    #[command(hide = true)]
    Supervise(supervise::Options),
    /// Becomes a program that dies with its parent.
    #[command(hide = true)]
    Tied {
        /// The parent's process id.
        #[arg(long)]
        parent: i32,
        /// The program.
        program: PathBuf,
        /// Its arguments.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

impl Cli {
    pub(crate) async fn run(self) -> Result<()> {
        match self.command {
            Command::Cluster(command) => command.run().await,
            Command::Demo(command) => command.run().await,
            Command::Helm { arguments } => helm::run(&arguments).await,
            Command::Supervise(options) => supervise::run(options).await,
            Command::Tied { parent, program, arguments } => {
                Err(testbed::process::become_tied(parent, &program, &arguments))
            }
        }
    }
}

/// A line on the output. That nobody reads it is no reason to fail.
fn say(line: &str) {
    let mut output = std::io::stdout().lock();
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}

/// A report for the process that owns this one.
fn report(report: &impl Serialize) {
    if let Ok(line) = serde_json::to_string(report) {
        say(&line);
    }
}
