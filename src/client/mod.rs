//! The commands for people: what `kubectl` alone cannot show or do in one step. They speak to the
//! API server only, as whoever runs them, and never to Devolutions Cloud.
//!
//! - `plan`, `approve`, `status`: the commands; `approver`: who approves
//! - `cluster`, `target`: which cluster, which namespace, which resource
//! - `document`: plans in full, and how they read; `forecast`: the same of what a migration means for the users
//! - `subject`: what is asked of a resource, whatever its kind; `advice`: who must act now, and how
//! - `screen`: the one screen of `status`; `style`: colours and line breaks

mod advice;
mod approve;
mod approver;
mod cluster;
mod document;
#[cfg(test)]
mod example;
mod forecast;
mod plan;
mod screen;
mod status;
mod style;
mod subject;
mod target;

pub use approve::{ApproveArgs, approve};
pub use cluster::ClusterArgs;
pub use plan::{Format, PlanArgs, plan};
pub use status::{StatusArgs, status};
pub use target::{Kind, Target};

use std::path::Path;
use std::sync::LazyLock;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::error::Failure;

/// Why a command ends without having done what it was asked: its exit code. Code 2, wrong usage, is
/// clap's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exit {
    /// Something went wrong.
    Failed = 1,
    /// There is nothing to approve, or it was not approved, or the approval was refused.
    Refused = 3,
}

/// How a command ends that has not done what it was asked.
#[derive(Debug)]
pub struct Stop {
    /// Its exit code.
    pub exit: Exit,
    /// For people: what was tried, on what, what came back, what to do.
    pub message: String,
}

impl Stop {
    fn failed(message: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, message: style::plain(&message.into()) }
    }

    fn refused(message: impl Into<String>) -> Self {
        Self { exit: Exit::Refused, message: style::plain(&message.into()) }
    }

    fn kubernetes(what: &str, error: &kube::Error) -> Self {
        Failure::kubernetes(what, error).into()
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::failed(failure.message)
    }
}

/// The file name under which `kubectl` finds this binary as a plugin
/// (<https://kubernetes.io/docs/tasks/extend-kubectl/kubectl-plugins/>: an underscore in the file
/// name is a dash on the command line).
const PLUGIN: &str = "kubectl-devolutions_migration";

static PROGRAM: LazyLock<&'static str> = LazyLock::new(|| {
    let called = std::env::args_os().next().unwrap_or_default();
    if Path::new(&called).file_stem().is_some_and(|name| name == PLUGIN) {
        "kubectl devolutions-migration"
    } else {
        "operator"
    }
});

/// How people call this program: `operator`, or `kubectl devolutions-migration`.
#[must_use]
pub fn program() -> &'static str {
    *PROGRAM
}

/// The command line under the name by which it was called. As a plugin it shows what a plugin is for.
#[must_use]
pub fn command() -> clap::Command {
    let is_plugin = program() != "operator";
    let command = Cli::command().bin_name(program());
    let hide = |name: &str, command: clap::Command| command.mut_subcommand(name, |c| c.hide(is_plugin));
    hide("crds", hide("run", command))
}

/// Writes a completion script.
pub fn completion(shell: Shell) -> Result<(), Stop> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "operator", &mut script);
    style::show(&String::from_utf8_lossy(&script))
}
