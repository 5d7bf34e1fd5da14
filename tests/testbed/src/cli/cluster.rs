//! `testbed cluster …`

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use clap::{Args, Subcommand};
use tokio::io::AsyncReadExt;
use tokio::signal::unix::{SignalKind, signal};

use super::say;
use testbed::binaries::{ASSETS_VARIABLE, Binaries};
use testbed::cluster::{self, Cluster, Report};
use testbed::{Error, Result};

/// What the supervisor of a cluster in the background says.
const LOG: &str = "supervisor.log";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Builds the cluster's programs, unless the user's cache has them, and prints the folder they are in.
    Build,
    /// Starts a cluster in the background and prints how to use it.
    Up(Place),
    /// Ends the cluster that `up` started.
    Down(Place),
    /// Prints the path of the running cluster's administrator kubeconfig.
    Kubeconfig(Place),
    /// Runs a cluster in the foreground until it is interrupted; reports on the output as JSON.
    Serve {
        #[command(flatten)]
        place: Place,
        /// End when standard input is closed, too.
        #[arg(long)]
        exit_on_stdin_close: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The cluster's folder.
    #[arg(long, value_name = "DIR", default_value = "build/cluster")]
    dir: PathBuf,
}

impl Command {
    pub(crate) async fn run(self) -> Result<()> {
        match self {
            Self::Build => {
                let binaries = Binaries::provide().await?;
                say(&binaries.folder().display().to_string());
                Ok(())
            }
            Self::Up(place) => up(&place.dir).await,
            Self::Down(place) => down(&place.dir).await,
            Self::Kubeconfig(place) => {
                say(&Cluster::attach(&place.dir)?.admin_kubeconfig().display().to_string());
                Ok(())
            }
            Self::Serve { place, exit_on_stdin_close } => serve(&place.dir, exit_on_stdin_close).await,
        }
    }
}

async fn up(folder: &Path) -> Result<()> {
    if let Ok(cluster) = Cluster::attach(folder) {
        say("# The cluster is already running.");
        how_to_use(&cluster);
        return Ok(());
    }
    // Here and not in the background, so that its progress is seen.
    let binaries = Binaries::provide().await?;
    std::fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
    let log = folder.join(LOG);
    let program = testbed::workspace::program("testbed")?;
    let mut supervisor = std::process::Command::new(&program)
        .args(["cluster", "serve", "--dir"])
        .arg(folder)
        .env(ASSETS_VARIABLE, binaries.folder())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(File::create(&log).map_err(Error::file("create", &log))?)
        // Not in the terminal's foreground group: Ctrl-C there is not meant for it.
        .process_group(0)
        .spawn()
        .map_err(Error::start(&program))?;
    let mut report = String::new();
    if let Some(pipe) = supervisor.stdout.take() {
        let _ = BufReader::new(pipe).read_line(&mut report);
    }
    match serde_json::from_str(&report) {
        Ok(Report::Ready) => {
            how_to_use(&Cluster::attach(folder)?);
            Ok(())
        }
        Ok(Report::Failed { reason }) => Err(Error::Supervisor(reason)),
        Err(_) => {
            Err(Error::Supervisor(format!("the cluster's supervisor ended without a word; see {}", log.display())))
        }
    }
}

fn how_to_use(cluster: &Cluster) {
    say(&format!("# API server {}; end it with `make cluster-down`", cluster.server()));
    say(&format!("# A kubectl of its version: {}", cluster.kubectl_program().display()));
    say(&format!("export KUBECONFIG={}", cluster.admin_kubeconfig().display()));
}

async fn down(folder: &Path) -> Result<()> {
    let Some(supervisor) = Cluster::supervisor(folder)? else {
        say("no cluster is running");
        return Ok(());
    };
    // The supervisor needs some seconds at most; if it is ended hard, the kernel ends the rest.
    supervisor.stop(std::time::Duration::from_secs(30)).await?;
    let log = folder.join(LOG);
    std::fs::remove_file(&log).map_err(Error::file("remove", &log))?;
    cluster::clear(folder)?;
    say("the cluster is down");
    Ok(())
}

async fn serve(folder: &Path, exit_on_stdin_close: bool) -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::format("signals"))?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::format("signals"))?;
    let mut stdin = tokio::io::stdin();
    let mut unread = [0; 64];
    let closed = async {
        while exit_on_stdin_close && stdin.read(&mut unread).await.is_ok_and(|count| count > 0) {}
        if !exit_on_stdin_close {
            std::future::pending::<()>().await;
        }
    };
    let end = async {
        tokio::select! {
            () = closed => {}
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    let result = cluster::serve(folder, end, |report| super::report(&report)).await;
    if let Err(error) = &result {
        super::report(&Report::Failed { reason: error.to_string() });
    }
    result
}
