//! Logs: one line each, as text for people or as JSON for machines, to standard error.

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

use crate::error::{Class, Failure};

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// Begins to log what `filter` lets through, such as `info` or `info,operator=debug`.
pub fn start(filter: &str, format: LogFormat) -> Result<(), Failure> {
    // A library of ours says again what we have said of a failed request.
    let filter = EnvFilter::try_new(format!("typespec_client_core=off,{filter}")).map_err(|e| {
        Failure::new(
            Class::Invalid,
            "LogFilterInvalid",
            format!("--log \"{filter}\" is not understood: {e}. Try info, or info,operator=debug."),
        )
    })?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log.with_ansi(false).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    Ok(())
}
