//! `kubectl` as one user of one cluster.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::error::{Error, Result};

/// What a successful command wrote.
#[derive(Debug, Clone)]
pub struct Output {
    /// Its output.
    pub stdout: String,
    /// Warnings and notes.
    pub stderr: String,
}

/// `kubectl` with a kubeconfig.
#[derive(Debug, Clone)]
pub struct Kubectl {
    program: PathBuf,
    kubeconfig: PathBuf,
    cache: PathBuf,
}

impl Kubectl {
    /// `program` as the user of `kubeconfig`; what it learns about the server it keeps in `cache`.
    ///
    /// `kubectl` keeps by address what a server offers, and a cluster for tests may get the address of an earlier one:
    /// no two clusters may share a cache.
    pub(crate) fn new(program: PathBuf, kubeconfig: PathBuf, cache: PathBuf) -> Self {
        Self { program, kubeconfig, cache }
    }

    /// The kubeconfig it uses.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Runs `kubectl` with these arguments and, if given, this input. Anything but exit status 0 is an
    /// [`Error::Command`] with what it wrote on its error stream.
    pub async fn run(&self, arguments: &[&str], stdin: Option<&str>) -> Result<Output> {
        run(self.command(arguments), &format!("kubectl {}", arguments.join(" ")), stdin).await
    }

    /// Creates or changes what these manifests describe.
    pub async fn apply(&self, manifests: &str) -> Result<Output> {
        self.run(&["apply", "-f", "-"], Some(manifests)).await
    }

    /// One object, or a list of them, as JSON: `get(&["grpr", "finance", "-n", "demo"])`.
    pub async fn get(&self, arguments: &[&str]) -> Result<serde_json::Value> {
        let output = self.run(&[&["get", "-o", "json"], arguments].concat(), None).await?;
        serde_json::from_str(&output.stdout).map_err(Error::format(format!("kubectl get {}", arguments.join(" "))))
    }

    /// The command, not started yet, with its output piped. It ends when the handle is dropped.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .arg("--cache-dir")
            .arg(&self.cache)
            .args(arguments)
            // A person's own kubectl preferences must not change what a test sees.
            .env("KUBERC", "off")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}

/// Runs a command with its output piped to its end; `shown` stands for it in an error.
pub(crate) async fn run(mut command: Command, shown: &str, stdin: Option<&str>) -> Result<Output> {
    let program = PathBuf::from(command.as_std().get_program());
    let mut child = command
        .stdin(if stdin.is_some() { Stdio::piped() } else { Stdio::null() })
        .spawn()
        .map_err(Error::start(&program))?;
    let input = child.stdin.take();
    let feed = async {
        if let (Some(mut pipe), Some(text)) = (input, stdin) {
            // That it did not read its input to the end shows in how it ends.
            let _ = pipe.write_all(text.as_bytes()).await;
        }
    };
    let (output, ()) = tokio::join!(child.wait_with_output(), feed);
    let output = output.map_err(Error::start(&program))?;
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        return Err(Error::Command {
            command: shown.to_owned(),
            status: output.status.to_string(),
            stderr: stderr.trim().to_owned(),
        });
    }
    Ok(Output { stdout: String::from_utf8_lossy(&output.stdout).into_owned(), stderr })
}
