//! Keeps one program running for an owner who may be killed: what a kubelet does for a container.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, Lines};
use tokio::process::Child;
use tokio::time::Instant;

use crate::error::{Error, Result};
use crate::process::{self, Identity, Process};

/// The line by which the owner asks for a start at once, on the supervisor's standard input.
pub const START: &str = "start";

/// The first pause before a program that ended is started again. A kubelet's is ten seconds
/// (<https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-restarts>), too long for tests and demo.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause; each is twice as long as the one before.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// After a run of this length the pauses begin anew.
const HEALTHY_AFTER: Duration = Duration::from_secs(10);
/// How long the program may take to end when asked to.
const GRACE: Duration = Duration::from_secs(15);

/// Whether a program that ended is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Restart {
    /// Only when the owner asks for it.
    OnRequest,
    /// By itself, after a pause that grows while it keeps ending.
    Always,
}

/// What happens to the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "camelCase")]
pub enum Report {
    /// It runs.
    Started {
        /// As which process.
        process: Identity,
    },
    /// It has ended by itself, or was killed.
    Ended {
        /// How: "exit status: 1", "signal: 9 (SIGKILL)".
        status: String,
    },
}

/// What to run.
#[derive(Debug)]
pub struct Task<'a, A> {
    /// The program.
    pub program: &'a Path,
    /// Its arguments.
    pub arguments: &'a [A],
    /// The file that its output is appended to.
    pub log: &'a Path,
    /// What to do when it ends.
    pub restart: Restart,
}

/// Runs a program until `commands` end; a line [`START`] there starts it at once if it is not running.
///
/// To be called from the main thread of a process that does nothing else: the program ends with that thread.
pub async fn supervise<A: AsRef<std::ffi::OsStr>>(
    task: &Task<'_, A>,
    commands: impl AsyncBufRead + Unpin,
    mut report: impl FnMut(&Report),
) -> Result<()> {
    let mut commands = commands.lines();
    let mut pause = FIRST_PAUSE;
    loop {
        let began = Instant::now();
        let (mut child, process) = start(task)?;
        report(&Report::Started { process: process.identity() });
        let status = tokio::select! {
            status = child.wait() => status.map_err(Error::start(task.program))?,
            () = closed(&mut commands) => {
                process.stop(GRACE).await?;
                return child.wait().await.map(drop).map_err(Error::start(task.program));
            }
        };
        report(&Report::Ended { status: status.to_string() });
        if began.elapsed() >= HEALTHY_AFTER {
            pause = FIRST_PAUSE;
        }
        let waited = async {
            match task.restart {
                Restart::Always => tokio::time::sleep(pause).await,
                Restart::OnRequest => std::future::pending().await,
            }
        };
        tokio::select! {
            () = waited => pause = (pause * 2).min(LONGEST_PAUSE),
            asked = asked_to_start(&mut commands) => if !asked {
                return Ok(());
            },
        }
    }
}

fn start<A: AsRef<std::ffi::OsStr>>(task: &Task<'_, A>) -> Result<(Child, Process)> {
    let log = File::options().create(true).append(true).open(task.log).map_err(Error::file("open", task.log))?;
    let same = log.try_clone().map_err(Error::file("open", task.log))?;
    let mut child = process::tied(task.program)?
        .args(task.arguments)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(same)
        // A terminal's Ctrl-C is the owner's to handle.
        .process_group(0)
        .spawn()
        .map_err(Error::start(task.program))?;
    let pid = child.id().and_then(|id| i32::try_from(id).ok());
    if let Some(process) = pid.map(Process::open).transpose()?.flatten() {
        return Ok((child, process));
    }
    // Cannot be: a child keeps its id until it has been waited for.
    let _ = child.start_kill();
    Err(Error::Supervisor(format!("{} is not to be found", task.program.display())))
}

/// Resolves when the owner is gone. Other lines mean nothing while the program runs.
async fn closed(commands: &mut Lines<impl AsyncBufRead + Unpin>) {
    while let Ok(Some(_)) = commands.next_line().await {}
}

/// Resolves to true when the owner asks for a start, to false when it is gone.
async fn asked_to_start(commands: &mut Lines<impl AsyncBufRead + Unpin>) -> bool {
    while let Ok(Some(line)) = commands.next_line().await {
        if line == START {
            return true;
        }
    }
    false
}
