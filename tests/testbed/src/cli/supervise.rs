//! `testbed supervise …`: see [`testbed::supervise`].

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use tokio::io::BufReader;

use testbed::Result;
use testbed::supervise::{Restart, Task, supervise};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Where the program's output goes.
    #[arg(long)]
    log: PathBuf,
    /// Start the program again whenever it ends.
    #[arg(long)]
    keep_running: bool,
    /// The program.
    program: PathBuf,
    /// Its arguments.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

pub(crate) async fn run(options: Options) -> Result<()> {
    let task = Task {
        program: &options.program,
        arguments: &options.arguments,
        log: &options.log,
        restart: if options.keep_running { Restart::Always } else { Restart::OnRequest },
    };
    let commands = BufReader::new(tokio::io::stdin());
    supervise(&task, commands, super::report).await
}
