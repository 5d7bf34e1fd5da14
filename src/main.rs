//! The operator's binary.

use std::process::ExitCode;

use clap::Parser as _;
use operator::cli::{Cli, Command};
use operator::error::{Class, Failure};

#[tokio::main]
async fn main() -> ExitCode {
    // kube and reqwest share this provider; without a choice each would look for one of its own.
    let installed = rustls::crypto::ring::default_provider().install_default();
    let done = match installed {
        Ok(()) => dispatch(Cli::parse()).await,
        Err(_) => Err(Failure::new(Class::Bug, "TlsUnusable", "Another TLS provider was installed before ours.")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("operator: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn dispatch(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Run(args) => {
            tracing_subscriber::fmt().with_env_filter(&args.log).with_writer(std::io::stderr).init();
            operator::operator::run(&args).await
        }
        Command::Crds { out } => operator::crds::write(&out),
    }
}
