//! A helper process of this workspace that lives as long as its owner: its standard input is a pipe that the owner
//! holds, and when the pipe closes, because the owner wants it or because it is gone, the helper ends all it started.
//! What happens to it, it may report as lines of JSON on its output.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::error::{Error, Result};
use crate::process::Process;

/// The helper and the pipe that keeps it alive.
#[derive(Debug)]
pub(crate) struct Owned {
    program: PathBuf,
    child: Child,
    stdin: ChildStdin,
}

/// The lines of JSON on a helper's output.
pub(crate) struct Reports {
    program: PathBuf,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Owned {
    /// Starts `command`, whose program is `program`. Output and error stream stay as the caller set them.
    pub(crate) fn start(program: &Path, command: &mut Command) -> Result<Self> {
        let mut child = command.stdin(Stdio::piped()).spawn().map_err(Error::start(program))?;
        let stdin = child.stdin.take().ok_or_else(|| no_pipe(program))?;
        Ok(Self { program: program.to_path_buf(), child, stdin })
    }

    /// The same for a helper that reports.
    pub(crate) fn start_reporting(program: &Path, command: &mut Command) -> Result<(Self, Reports)> {
        let mut owned = Self::start(program, command.stdout(Stdio::piped()))?;
        let stdout = owned.child.stdout.take().ok_or_else(|| no_pipe(program))?;
        let reports = Reports { program: program.to_path_buf(), lines: BufReader::new(stdout).lines() };
        Ok((owned, reports))
    }

    /// Sends the helper one line.
    pub(crate) async fn tell(&mut self, line: &str) -> Result<()> {
        let text = format!("{line}\n");
        let told = self.stdin.write_all(text.as_bytes()).await;
        told.map_err(|error| Error::Supervisor(format!("{} does not listen any more: {error}", self.program.display())))
    }

    /// How it ended, once it has. Closes nothing; safe to cancel.
    pub(crate) async fn ended(&mut self) -> Result<ExitStatus> {
        // `Child::wait` would close the pipe only if it still had it: it is ours.
        self.child.wait().await.map_err(Error::start(&self.program))
    }

    /// Closes the pipe and waits until the helper has ended; ends it hard after `grace`.
    pub(crate) async fn stop(self, grace: Duration) -> Result<()> {
        let Self { program, mut child, stdin } = self;
        drop(stdin);
        if let Ok(ended) = tokio::time::timeout(grace, child.wait()).await {
            return ended.map(drop).map_err(Error::start(&program));
        }
        if let Some(pid) = child.id().and_then(|id| i32::try_from(id).ok())
            && let Some(process) = Process::open(pid)?
        {
            process.kill()?;
        }
        child.wait().await.map(drop).map_err(Error::start(&program))
    }
}

impl Reports {
    /// The next report; none when the helper has ended. Safe to cancel.
    pub(crate) async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>> {
        let program = &self.program;
        let what = || format!("what {} reports", program.display());
        let line = self.lines.next_line().await.map_err(|error| Error::format(what())(error))?;
        line.map(|line| serde_json::from_str(&line).map_err(|error| Error::format(what())(error))).transpose()
    }
}

fn no_pipe(program: &Path) -> Error {
    Error::Supervisor(format!("{} was started without a pipe", program.display()))
}
