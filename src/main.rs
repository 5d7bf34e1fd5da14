//! The operator's binary.

use std::process::ExitCode;

use clap::FromArgMatches as _;
use operator::cli::{Cli, Command};
use operator::client::{self, Stop};
use operator::error::{Class, Failure};

#[tokio::main]
async fn main() -> ExitCode {
    // kube and reqwest share this provider; without a choice each would look for one of its own.
    let installed = rustls::crypto::ring::default_provider().install_default();
    let done = match installed {
        Ok(()) => {
            let matches = client::command().get_matches();
            dispatch(Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())).await
        }
        Err(_) => {
            Err(Failure::new(Class::Bug, "TlsUnusable", "Another TLS provider was installed before ours.").into())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => {
            // Whoever reads no more is told nothing.
            if !stop.message.is_empty() {
                eprintln!("{}: {}", client::program(), stop.message);
            }
            ExitCode::from(stop.exit as u8)
        }
    }
}

async fn dispatch(cli: Cli) -> Result<(), Stop> {
    match cli.command {
        Command::Run(args) => {
            operator::telemetry::start(&args.log, args.log_format)?;
            Ok(operator::operator::run(&args).await?)
        }
        Command::Crds { out } => Ok(operator::crds::write(&out)?),
        Command::Plan(args) => client::plan(&args).await,
        Command::Approve(args) => client::approve(&args).await,
        Command::Status(args) => client::status(&args).await,
        Command::Completion { shell } => client::completion(shell),
    }
}
