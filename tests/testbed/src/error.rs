//! What can go wrong while the surroundings of a test are put up, in words for the person who runs it.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// The crate's result.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a cluster, the sandbox, the operator or a wait for one of them failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be read, written or locked.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried, as a verb: "read", "write", "lock".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A program could not be started at all.
    #[error("cannot start {}: {source}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A program of this workspace is not where Cargo puts it.
    #[error(
        "the program `{name}` is not in {}: build the whole workspace first with `cargo build --workspace` (`make build`)",
        folder.display()
    )]
    NotBuilt {
        /// The program's name.
        name: String,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// `KUBEBUILDER_ASSETS` is set and incomplete.
    #[error(
        "KUBEBUILDER_ASSETS is {}, which has no `{program}`: complete that folder, or unset the variable to have the programs built from tests/cluster",
        folder.display()
    )]
    Assets {
        /// The folder the variable names.
        folder: PathBuf,
        /// The first program that lacks.
        program: &'static str,
    },
    /// Go is missing, too old or broken.
    #[error(
        "the cluster for tests is built with Go {required} or newer, and {found}. Install it from https://go.dev/dl/ (or let Go 1.21 or newer fetch it with GOTOOLCHAIN=auto), \
         or set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver, kube-controller-manager, kubectl and helm"
    )]
    Go {
        /// The oldest version that tests/cluster/go.mod accepts.
        required: String,
        /// What was found instead.
        found: String,
    },
    /// A program of the cluster could not be built.
    #[error("building {program} failed ({status}); the end of what Go said:\n{output}")]
    Build {
        /// The program.
        program: &'static str,
        /// How Go ended.
        status: String,
        /// The last lines of its output.
        output: String,
    },
    /// A command ran and failed.
    #[error("`{command}` failed ({status}): {stderr}")]
    Command {
        /// The command with its arguments.
        command: String,
        /// How it ended.
        status: String,
        /// What it wrote on its error stream.
        stderr: String,
    },
    /// A long-running program ended by itself.
    #[error("{name} ended by itself ({status}); {hint}the end of {}:\n{tail}", log.display())]
    Ended {
        /// The program.
        name: String,
        /// How it ended.
        status: String,
        /// A cause that could be told, with a space after it, or nothing.
        hint: String,
        /// Its log file.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
    /// Another process runs where this one was to run.
    #[error("{} already holds a running cluster (supervisor with process id {pid}): stop it with `make cluster-down`, or choose another folder", folder.display())]
    Occupied {
        /// The cluster's folder.
        folder: PathBuf,
        /// The supervisor that runs there.
        pid: i32,
    },
    /// No cluster runs in this folder.
    #[error("no cluster runs in {}: start one with `make cluster`", folder.display())]
    NotRunning {
        /// The folder.
        folder: PathBuf,
    },
    /// The demo cannot be shown, or what it showed is not right.
    #[error("{0}")]
    Demo(String),
    /// A supervisor said that it failed, or ended without a word.
    #[error("{0}")]
    Supervisor(String),
    /// An event did not come in time.
    #[error("waited {} s for {what}, in vain; last seen: {last}", within.as_secs())]
    Timeout {
        /// What was awaited.
        what: String,
        /// For how long.
        within: Duration,
        /// The last state that was seen.
        last: String,
    },
    /// A key or certificate could not be made or read.
    #[error("cannot make a certificate for {subject}: {source}")]
    Certificate {
        /// Whose certificate.
        subject: String,
        /// What the library said.
        source: rcgen::Error,
    },
    /// A TLS client could not be made from a certificate file.
    #[error("cannot trust the certificates in {}: {reason}", path.display())]
    Trust {
        /// The certificate file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// An HTTP request got no answer, or one that broke off.
    #[error("{method} {url} got no answer: {reason}")]
    Request {
        /// The method.
        method: String,
        /// The address.
        url: String,
        /// What the client said, without the address.
        reason: String,
    },
    /// An HTTP request was answered with an error.
    #[error("{method} {url} was answered with {status}: {body}")]
    Answer {
        /// The method.
        method: String,
        /// The address.
        url: String,
        /// The status code.
        status: u16,
        /// The answer's body.
        body: String,
    },
    /// Something that should have been in a certain form was not.
    #[error("cannot read {what}: {reason}")]
    Format {
        /// What was read.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The system refused something about a process.
    #[error("cannot {action} process {pid}: {source}")]
    Process {
        /// What was tried.
        action: &'static str,
        /// The process.
        pid: i32,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Error {
    /// For `map_err` on a file operation.
    pub fn file(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::File { action, path, source }
    }

    /// For `map_err` on the start of a program.
    pub fn start(program: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let program = program.to_path_buf();
        move |source| Self::Start { program, source }
    }

    /// For `map_err` where a text should have had a certain form.
    pub fn format<E: std::fmt::Display>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        let what = what.into();
        move |reason| Self::Format { what, reason: reason.to_string() }
    }
}

/// The last `lines` lines of a text, for error messages.
pub(crate) fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
