//! `testbed demo …`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use super::say;
use testbed::demo::{self, Report};
use testbed::{Error, Result};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Shows it, and leaves cluster, sandbox and operator running. Run it in the project's folder.
    Up(Place),
    /// Prints what a shell needs to work with it, as `export` commands.
    Env(Place),
    /// Ends all that `up` left running.
    Down(Place),
    /// Holds cluster, sandbox and operator until it is terminated; reports on the output as JSON.
    #[command(hide = true)]
    Serve(Place),
}

#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The demo's folder.
    #[arg(long, value_name = "DIR", default_value = "build/demo")]
    dir: PathBuf,
}

impl Command {
    pub(crate) async fn run(self) -> Result<()> {
        match self {
            Self::Up(place) => demo::play(&place.dir).await,
            Self::Env(place) => {
                say(demo::exports(&place.dir).await?.trim_end());
                Ok(())
            }
            Self::Down(place) => {
                say(if demo::down(&place.dir).await? { "the demo is down" } else { "no demo is running" });
                Ok(())
            }
            Self::Serve(place) => serve(&place).await,
        }
    }
}

async fn serve(place: &Place) -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::format("signals"))?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::format("signals"))?;
    let end = async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    let result = demo::serve(&place.dir, end, super::report).await;
    if let Err(error) = &result {
        super::report(&Report::Failed { reason: error.to_string() });
    }
    result
}
