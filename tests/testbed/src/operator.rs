//! The operator as a process: under the account it would have in a cluster, and to be killed at will.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::watch;

use crate::error::{Error, Result, tail};
use crate::owned::{Owned, Reports};
use crate::process::{Identity, Process};
use crate::supervise::{Report, Restart, START};
use crate::workspace;

/// How long a start or an end may take to be reported. Both are a matter of milliseconds on an idle machine.
const REPORT_WITHIN: Duration = Duration::from_secs(30);
/// How long the supervisor may take to end, the operator's own grace included.
const STOP_WITHIN: Duration = Duration::from_secs(20);

/// How to run it.
#[derive(Debug, Clone)]
pub struct Options {
    /// Another program than this workspace's `operator`, such as one with a mistake built in.
    pub program: Option<PathBuf>,
    /// The kubeconfig of its service account; `KUBECONFIG` in its environment.
    pub kubeconfig: PathBuf,
    /// The file that its output is appended to.
    pub log: PathBuf,
    /// More arguments of `operator run`.
    pub arguments: Vec<String>,
    /// More variables of its environment.
    pub environment: Vec<(String, String)>,
    /// What happens when it ends.
    pub restart: Restart,
}

impl Options {
    /// Started again only on request, no more arguments or variables.
    #[must_use]
    pub fn new(kubeconfig: &Path, log: &Path) -> Self {
        Self {
            program: None,
            kubeconfig: kubeconfig.to_path_buf(),
            log: log.to_path_buf(),
            arguments: Vec::new(),
            environment: Vec::new(),
            restart: Restart::OnRequest,
        }
    }

    /// Started again whenever it ends, as a kubelet does.
    #[must_use]
    pub fn kept_running(mut self) -> Self {
        self.restart = Restart::Always;
        self
    }
}

/// An operator.
///
/// It ends when this value is dropped, and also when the process that holds it is killed.
#[derive(Debug)]
pub struct Operator {
    supervisor: Owned,
    state: watch::Receiver<State>,
    log: PathBuf,
}

/// What the supervisor said last.
#[derive(Debug, Clone, Default)]
struct State {
    /// How often it was started.
    starts: u64,
    /// As what it runs; none while it does not.
    process: Option<Identity>,
}

impl Operator {
    /// Starts `operator run` and returns when the process exists; what it does then shows in the cluster.
    pub async fn start(options: &Options) -> Result<Self> {
        let program = match &options.program {
            Some(program) => program.clone(),
            None => workspace::program("operator")?,
        };
        Self::start_program(&program, &["run"], options).await
    }

    async fn start_program(operator: &Path, arguments: &[&str], options: &Options) -> Result<Self> {
        let program = workspace::program("testbed")?;
        let mut command = Command::new(&program);
        command.arg("supervise").arg("--log").arg(&options.log);
        if options.restart == Restart::Always {
            command.arg("--keep-running");
        }
        command
            .arg("--")
            .arg(operator)
            .args(arguments)
            .args(&options.arguments)
            .env("KUBECONFIG", &options.kubeconfig)
            .envs(options.environment.iter().map(|(name, value)| (name, value)));
        let (supervisor, reports) = Owned::start_reporting(&program, &mut command)?;
        let (sender, state) = watch::channel(State::default());
        tokio::spawn(listen(reports, sender));
        let operator = Self { supervisor, state, log: options.log.clone() };
        operator.reaches("to be started", |state| state.starts > 0).await?;
        Ok(operator)
    }

    /// Its process id; none while it does not run.
    #[must_use]
    pub fn pid(&self) -> Option<i32> {
        self.state.borrow().process.map(|process| process.pid)
    }

    /// How often it has been started.
    #[must_use]
    pub fn starts(&self) -> u64 {
        self.state.borrow().starts
    }

    /// Kills it (SIGKILL) if it runs, and waits until it has ended.
    pub async fn kill(&self) -> Result<()> {
        let Some(identity) = self.state.borrow().process else {
            return Ok(());
        };
        if let Some(process) = Process::find(identity)? {
            process.kill()?;
        }
        self.reaches("to end", |state| state.process != Some(identity)).await
    }

    /// Asks it to end (SIGTERM), as a kubelet does first, if it runs.
    pub fn terminate(&self) -> Result<()> {
        let Some(identity) = self.state.borrow().process else {
            return Ok(());
        };
        Process::find(identity)?.map_or(Ok(()), |process| process.terminate())
    }

    /// Waits until it does not run.
    pub async fn ended(&self) -> Result<()> {
        self.reaches("to end", |state| state.process.is_none()).await
    }

    /// Kills it if it runs, and starts it again at once.
    pub async fn restart(&mut self) -> Result<()> {
        let before = self.starts();
        self.kill().await?;
        self.supervisor.tell(START).await?;
        self.reaches("to be started again", |state| state.starts > before).await
    }

    /// Resolves when it has been started more than `starts` times and runs: after a [`kill`](Self::kill) of one that is
    /// [kept running](Options::kept_running).
    pub async fn started_again(&self, starts: u64) -> Result<()> {
        self.reaches("to be started again", |state| state.starts > starts && state.process.is_some()).await
    }

    /// Resolves when it has been started more than `starts` times and runs, whenever that will be: as what it runs, and
    /// how often it has been started. Safe to cancel.
    pub(crate) async fn next_start(&self, starts: u64) -> Result<(Identity, u64)> {
        let mut state = self.state.clone();
        let up = state.wait_for(|state| state.starts > starts && state.process.is_some()).await;
        let up = up.map_err(|_| Error::Supervisor("the operator's supervisor ended".into()))?;
        up.process.map(|process| (process, up.starts)).ok_or_else(|| Error::Supervisor("the operator is gone".into()))
    }

    /// All that it has written so far, over all its starts.
    pub fn log(&self) -> Result<String> {
        std::fs::read_to_string(&self.log).map_err(Error::file("read", &self.log))
    }

    /// Asks it to end and waits until it has.
    pub async fn stop(self) -> Result<()> {
        self.supervisor.stop(STOP_WITHIN).await
    }

    async fn reaches(&self, what: &str, reached: impl FnMut(&State) -> bool) -> Result<()> {
        let mut state = self.state.clone();
        let last = || tail(&std::fs::read_to_string(&self.log).unwrap_or_default(), 15);
        match tokio::time::timeout(REPORT_WITHIN, state.wait_for(reached)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(Error::Supervisor(format!(
                "the operator's supervisor ended; the end of {}:\n{}",
                self.log.display(),
                last()
            ))),
            Err(_) => Err(Error::Timeout { what: format!("the operator {what}"), within: REPORT_WITHIN, last: last() }),
        }
    }
}

/// Turns reports into a state until they end.
async fn listen(mut reports: Reports, state: watch::Sender<State>) {
    while let Ok(Some(report)) = reports.next().await {
        state.send_modify(|state| match report {
            Report::Started { process } => {
                state.starts += 1;
                state.process = Some(process);
            }
            Report::Ended { .. } => state.process = None,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: [&str; 2] = ["-c", "echo up; exec sleep 1000"];

    async fn start(restart: Restart, folder: &tempfile::TempDir) -> Operator {
        let mut options = Options::new(Path::new("none"), &folder.path().join("log"));
        options.restart = restart;
        Operator::start_program(Path::new("/bin/sh"), &SCRIPT, &options).await.unwrap()
    }

    /// Kills nothing before it has said that it is up, else there would be nothing in the log.
    async fn ups(operator: &Operator, count: usize) {
        let written = async {
            let mut look = tokio::time::interval(Duration::from_millis(10));
            while operator.log().unwrap().lines().filter(|line| *line == "up").count() < count {
                look.tick().await;
            }
        };
        tokio::time::timeout(REPORT_WITHIN, written).await.unwrap();
    }

    #[tokio::test]
    async fn stays_dead_until_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let mut operator = start(Restart::OnRequest, &folder).await;
        ups(&operator, 1).await;
        let first = operator.pid().unwrap();
        operator.kill().await.unwrap();
        assert_eq!(operator.pid(), None);
        operator.kill().await.unwrap();
        operator.restart().await.unwrap();
        ups(&operator, 2).await;
        let second = Process::open(operator.pid().unwrap()).unwrap().unwrap();
        assert_ne!(second.identity().pid, first);
        assert_eq!(operator.starts(), 2);
        operator.stop().await.unwrap();
        tokio::time::timeout(REPORT_WITHIN, second.ended()).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn is_kept_running() {
        let folder = tempfile::tempdir().unwrap();
        let operator = start(Restart::Always, &folder).await;
        for starts in 1..=3 {
            ups(&operator, usize::try_from(starts).unwrap()).await;
            operator.kill().await.unwrap();
            operator.started_again(starts).await.unwrap();
        }
        let process = Process::open(operator.pid().unwrap()).unwrap().unwrap();
        drop(operator);
        tokio::time::timeout(REPORT_WITHIN, process.ended()).await.unwrap().unwrap();
    }
}
