//! Where the demo plays: the process in the background, what it holds, and people with a `kubectl` each.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use tokio::process::Command;

use super::place::{Place, for_shell};
use super::screen::Screen;
use super::serve::START_OPERATOR;
use super::{Launch, Report};
use crate::binaries::{ASSETS_VARIABLE, Binaries};
use crate::cluster::Cluster;
use crate::error::{Error, Result, tail};
use crate::kubectl::{Kubectl, Output};
use crate::owned::{Owned, Reports};
use crate::process::Process;
use crate::sandbox::Sandbox;
use crate::workspace;

/// How long the background process may take for what it was asked: longest for the cluster.
const REPORT_WITHIN: Duration = Duration::from_mins(3);

/// A running demo, seen by whoever shows it.
pub(super) struct Stage {
    pub(super) place: Place,
    pub(super) screen: Screen,
    pub(super) cluster: Cluster,
    pub(super) sandbox: Sandbox,
    holder: Owned,
    reports: Reports,
}

/// Somebody with a `kubectl`.
#[derive(Debug, Clone)]
pub(super) struct Actor {
    /// Before the `$`; empty for the administrator.
    prompt: &'static str,
    kubectl: Kubectl,
}

impl Stage {
    /// Ends an earlier demo in `folder` and starts cluster and sandbox there.
    pub(super) async fn set(folder: &Path, screen: Screen) -> Result<Self> {
        let place = Place::new(folder)?;
        if place.vacate().await? {
            screen.say("The demo that was still running has been taken down.");
        }
        // Here and not in the background, so that its progress is seen.
        let binaries = Binaries::provide().await?;
        std::fs::create_dir_all(place.folder()).map_err(Error::file("create", place.folder()))?;
        let log = place.log();
        let program = workspace::program("testbed")?;
        let mut command = Command::new(&program);
        command
            .args(["demo", "serve", "--dir"])
            .arg(place.folder())
            .env(ASSETS_VARIABLE, binaries.folder())
            .stderr(File::create(&log).map_err(Error::file("create", &log))?)
            // Not in the terminal's foreground group: Ctrl-C there is not meant for it.
            .process_group(0);
        let (holder, mut reports) = Owned::start_reporting(&program, &mut command)?;
        match report(&mut reports, &place, "the cluster and the sandbox to start").await? {
            Report::Ready => {}
            other => return Err(Error::Demo(format!("the demo's process said {other:?} before it was ready"))),
        }
        let cluster = Cluster::attach(&place.cluster())?;
        let sandbox = Sandbox::attach(&place.sandbox().join("env"))?;
        Ok(Self { place, screen, cluster, sandbox, holder, reports })
    }

    /// Starts the operator, whose account must be there by now. From then on the demo stays until it is taken down.
    pub(super) async fn start_operator(&mut self) -> Result<Launch> {
        self.holder.tell(START_OPERATOR).await?;
        self.next_launch().await
    }

    /// The next start of the operator.
    pub(super) async fn next_launch(&mut self) -> Result<Launch> {
        match report(&mut self.reports, &self.place, "the operator to start").await? {
            Report::Operator(launch) => Ok(launch),
            other => Err(Error::Demo(format!("the demo's process said {other:?} instead of starting the operator"))),
        }
    }

    /// Kills the operator as it runs now, without giving it a chance, and waits until it is gone.
    pub(super) async fn kill(&self, launch: Launch) -> Result<()> {
        self.screen.command("", &format!("kill -9 {}", launch.process.pid));
        match Process::find(launch.process)? {
            Some(process) => {
                process.kill()?;
                process.ended().await
            }
            None => Err(Error::Demo("the operator has ended by itself, before it was killed".into())),
        }
    }

    /// Who may do everything in the cluster.
    pub(super) fn administrator(&self) -> Actor {
        Actor { prompt: "", kubectl: self.cluster.admin() }
    }

    /// Somebody with a client certificate.
    pub(super) fn person(&self, prompt: &'static str, user: &str) -> Result<Actor> {
        let kubeconfig = self.cluster.user_kubeconfig(user, None)?;
        Ok(Actor { prompt, kubectl: self.cluster.kubectl_as(&kubeconfig) })
    }

    /// Shows a command, runs it and shows what it says.
    pub(super) async fn run(&self, actor: &Actor, arguments: &[&str]) -> Result<()> {
        let said = self.run_quietly(actor, arguments, "").await?;
        self.screen.output(&said.stdout);
        Ok(())
    }

    /// Shows a `helm` command of the administrator, runs it and shows what it says.
    pub(super) async fn run_helm(&self, arguments: &[&str]) -> Result<()> {
        self.show(&self.administrator(), "helm", arguments, "");
        let said = self.cluster.helm().run(arguments).await?;
        self.screen.output(&said.stdout);
        Ok(())
    }

    /// Shows a command of the operator's own command line, runs it and gives what it says.
    pub(super) async fn run_operator(&self, actor: &Actor, arguments: &[&str]) -> Result<String> {
        self.show(actor, "operator", arguments, "");
        self.run_operator_unseen(actor, arguments).await
    }

    /// The same, without a word.
    pub(super) async fn run_operator_unseen(&self, actor: &Actor, arguments: &[&str]) -> Result<String> {
        let program = workspace::program("operator")?;
        let mut command = Command::new(&program);
        command.args(arguments).env("KUBECONFIG", actor.kubectl.kubeconfig()).kill_on_drop(true);
        let output = command.output().await.map_err(Error::start(&program))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(Error::Command {
            command: format!("operator {}", arguments.join(" ")),
            status: output.status.to_string(),
            stderr: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }

    /// Shows a command, with what a person would append to it, and runs it.
    pub(super) async fn run_quietly(&self, actor: &Actor, arguments: &[&str], appended: &str) -> Result<Output> {
        self.show(actor, "kubectl", arguments, appended);
        actor.kubectl.run(arguments, None).await
    }

    /// Shows a command that must be refused, and with which words it was.
    pub(super) async fn refused(&self, actor: &Actor, arguments: &[&str]) -> Result<()> {
        self.show(actor, "kubectl", arguments, "");
        match actor.kubectl.run(arguments, None).await {
            Err(Error::Command { stderr, .. }) if stderr.contains("Forbidden") || stderr.contains("forbidden") => {
                self.screen.quote(&stderr);
                Ok(())
            }
            Err(other) => Err(other),
            Ok(_) => Err(Error::Demo("that should have been refused, and was not".into())),
        }
    }

    fn show(&self, actor: &Actor, program: &str, arguments: &[&str], appended: &str) {
        let words: Vec<_> = arguments.iter().map(|word| for_shell(word)).collect();
        self.screen.command(actor.prompt, &format!("{program} {}{appended}", words.join(" ")));
    }
}

impl Actor {
    /// The `kubectl`, for what is not shown.
    pub(super) fn kubectl(&self) -> &Kubectl {
        &self.kubectl
    }
}

/// A path as a person in the current folder would write it.
pub(super) fn here(path: &Path) -> String {
    let inside = std::env::current_dir().ok().and_then(|here| path.strip_prefix(here).ok().map(Path::to_path_buf));
    inside.as_deref().unwrap_or(path).display().to_string()
}

/// The program if a person has it on the `PATH`.
pub(super) fn is_on_path(program: impl AsRef<OsStr>) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join(program.as_ref()).is_file())
}

async fn report(reports: &mut Reports, place: &Place, what: &str) -> Result<Report> {
    let said = || tail(&std::fs::read_to_string(place.log()).unwrap_or_default(), 15);
    match tokio::time::timeout(REPORT_WITHIN, reports.next()).await {
        Ok(Ok(Some(Report::Failed { reason }))) => Err(Error::Demo(reason)),
        Ok(Ok(Some(report))) => Ok(report),
        Ok(Ok(None)) => Err(Error::Demo(format!("the demo's process ended while waiting for {what}: {}", said()))),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(Error::Timeout { what: what.to_owned(), within: REPORT_WITHIN, last: said() }),
    }
}
