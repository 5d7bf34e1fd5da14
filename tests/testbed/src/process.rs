//! Processes told apart for certain: signalled and awaited through a pidfd, remembered by process id and start time, so
//! that a process that later got the same id is never hit.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal};
use serde::{Deserialize, Serialize};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::process::Command;

use crate::error::{Error, Result};
use crate::workspace;

/// A process as it can be written to a file and found again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The process id.
    pub pid: i32,
    /// When it started, in clock ticks since the machine did (field 22 of `/proc/PID/stat`, see proc(5)).
    pub started: u64,
}

impl Identity {
    /// This process.
    pub fn of_self() -> Result<Self> {
        let pid = rustix::process::getpid().as_raw_pid();
        start_time(pid).map(|started| Self { pid, started })
    }
}

/// A process that runs or has ended, whatever became of its id meanwhile.
#[derive(Debug)]
pub struct Process {
    identity: Identity,
    pidfd: AsyncFd<OwnedFd>,
}

impl Process {
    /// The process with this id; none if there is none.
    pub fn open(pid: i32) -> Result<Option<Self>> {
        let failed = |source: std::io::Error| Error::Process { action: "open", pid, source };
        let Some(raw) = Pid::from_raw(pid) else {
            return Ok(None);
        };
        let pidfd = match rustix::process::pidfd_open(raw, PidfdFlags::NONBLOCK) {
            Ok(pidfd) => pidfd,
            Err(rustix::io::Errno::SRCH) => return Ok(None),
            Err(errno) => return Err(failed(errno.into())),
        };
        // Read after the pidfd was opened: if the id changed hands in between, no signal through the pidfd hits the new
        // owner.
        let Ok(started) = start_time(pid) else {
            return Ok(None);
        };
        Ok(Some(Self { identity: Identity { pid, started }, pidfd: watched(pidfd).map_err(failed)? }))
    }

    /// The very process that was remembered; none if it has ended, even if its id is in use again.
    pub fn find(identity: Identity) -> Result<Option<Self>> {
        Ok(Self::open(identity.pid)?.filter(|process| process.identity == identity && !process.is_zombie()))
    }

    /// What to remember it by.
    #[must_use]
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// Ends it without giving it a chance (SIGKILL). That it has ended already is no error.
    pub fn kill(&self) -> Result<()> {
        self.signal(Signal::KILL)
    }

    /// Asks it to end (SIGTERM). That it has ended already is no error.
    pub fn terminate(&self) -> Result<()> {
        self.signal(Signal::TERM)
    }

    /// Resolves when it has ended.
    pub async fn ended(&self) -> Result<()> {
        // A pidfd is readable from the moment the process has ended on: pidfd_open(2).
        self.pidfd.readable().await.map(drop).map_err(|source| Error::Process {
            action: "wait for",
            pid: self.identity.pid,
            source,
        })
    }

    /// Asks it to end and ends it if it has not within `grace`.
    pub async fn stop(&self, grace: Duration) -> Result<()> {
        self.terminate()?;
        if let Ok(ended) = tokio::time::timeout(grace, self.ended()).await {
            return ended;
        }
        self.kill()?;
        self.ended().await
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        match rustix::process::pidfd_send_signal(self.pidfd.get_ref(), signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(errno) => Err(Error::Process { action: "signal", pid: self.identity.pid, source: errno.into() }),
        }
    }

    /// Ended, but its parent has not asked how yet.
    fn is_zombie(&self) -> bool {
        procfs::process::Process::new(self.identity.pid)
            .and_then(|process| process.stat())
            .is_ok_and(|stat| stat.state == 'Z')
    }
}

#[expect(
    deprecated,
    reason = "unsound only for types that may not keep their descriptor open; its replacement is `unsafe` for all"
)]
fn watched(pidfd: OwnedFd) -> std::io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(pidfd, Interest::READABLE)
}

fn start_time(pid: i32) -> Result<u64> {
    procfs::process::Process::new(pid)
        .and_then(|process| process.stat())
        .map(|stat| stat.starttime)
        .map_err(|error| Error::Process { action: "look at", pid, source: std::io::Error::other(error) })
}

/// A command that the kernel kills when the thread that spawned it ends, in whatever way.
///
/// The death signal can be asked for only by the process itself, between fork and exec, and running code there needs
/// `unsafe`. So the `testbed` program asks for it and then becomes the wanted program: see [`become_tied`].
///
/// Spawn it from a thread that lives as long as the process should: the main thread.
pub(crate) fn tied(program: &Path) -> Result<Command> {
    let mut command = Command::new(workspace::program("testbed")?);
    command.arg("tied").arg("--parent").arg(std::process::id().to_string()).arg("--").arg(program);
    Ok(command)
}

/// Turns this process into `program`, which dies with its parent. Returns only if that failed.
///
/// The setting survives the exec of an ordinary program: `PR_SET_PDEATHSIG` in prctl(2).
pub fn become_tied(parent: i32, program: &Path, arguments: &[impl AsRef<OsStr>]) -> Error {
    let tie = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    if let Err(errno) = tie {
        return Error::start(program)(errno.into());
    }
    // It may have ended before the line above, and then nobody would ever tell us.
    if rustix::process::getppid().map(Pid::as_raw_pid) != Some(parent) {
        return Error::Supervisor(format!("process {parent} ended before {} was started", program.display()));
    }
    let failure = std::process::Command::new(program).args(arguments).exec();
    Error::start(program)(failure)
}
