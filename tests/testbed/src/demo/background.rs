//! The process in the background, seen by whoever shows the demo.

use std::fs::File;
use std::time::Duration;

use tokio::process::Command;

use super::place::Place;
use super::screen::Screen;
use super::serve::START_OPERATOR;
use super::{Launch, Report};
use crate::binaries::{ASSETS_VARIABLE, Binaries};
use crate::error::{Error, Result, tail};
use crate::owned::{Owned, Reports};
use crate::process::Process;
use crate::workspace;

/// How long the background process may take for what it was asked: longest for the cluster.
const REPORT_WITHIN: Duration = Duration::from_mins(3);

/// It holds cluster, sandboxes and operator.
pub(super) struct Background {
    place: Place,
    screen: Screen,
    holder: Owned,
    reports: Reports,
    /// The operator's last start.
    launch: Option<Launch>,
}

impl Background {
    /// Ends an earlier demo and starts cluster and sandboxes.
    pub(super) async fn begin(place: &Place, screen: &Screen) -> Result<Self> {
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
        let (holder, reports) = Owned::start_reporting(&program, &mut command)?;
        let mut background = Self { place: place.clone(), screen: screen.clone(), holder, reports, launch: None };
        match background.report("the cluster and the sandboxes to start").await? {
            Report::Ready => Ok(background),
            other => Err(Error::Demo(format!("the demo's process said {other:?} before it was ready"))),
        }
    }

    /// Starts the operator, whose account must be there by now, and gives its process id. From then on the demo stays
    /// until it is taken down.
    pub(super) async fn start_operator(&mut self) -> Result<i32> {
        self.holder.tell(START_OPERATOR).await?;
        self.operator_started().await
    }

    /// Kills the operator as it runs now, without giving it a chance, and waits until it is gone.
    pub(super) async fn kill_operator(&self) -> Result<()> {
        let launch = self.launch.ok_or_else(|| Error::Demo("there is no operator to be killed yet".into()))?;
        self.screen.command("", &format!("kill -9 {}", launch.process.pid));
        match Process::find(launch.process)? {
            Some(process) => {
                process.kill()?;
                process.ended().await
            }
            None => Err(Error::Demo("the operator has ended by itself, before it was killed".into())),
        }
    }

    /// Waits for the operator's next start, and gives its process id.
    pub(super) async fn operator_started(&mut self) -> Result<i32> {
        match self.report("the operator to start").await? {
            Report::Operator(launch) => {
                self.launch = Some(launch);
                Ok(launch.process.pid)
            }
            other => Err(Error::Demo(format!("the demo's process said {other:?} instead of starting the operator"))),
        }
    }

    async fn report(&mut self, what: &str) -> Result<Report> {
        let log = self.place.log();
        let said = || tail(&std::fs::read_to_string(&log).unwrap_or_default(), 15);
        match tokio::time::timeout(REPORT_WITHIN, self.reports.next()).await {
            Ok(Ok(Some(Report::Failed { reason }))) => Err(Error::Demo(reason)),
            Ok(Ok(Some(report))) => Ok(report),
            Ok(Ok(None)) => Err(Error::Demo(format!("the demo's process ended while waiting for {what}: {}", said()))),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(Error::Timeout { what: what.to_owned(), within: REPORT_WITHIN, last: said() }),
        }
    }
}
