//! `testbed helm …`

use std::ffi::OsString;
use std::os::unix::process::CommandExt;

use testbed::binaries::Binaries;
use testbed::{Error, Result};

/// Becomes `helm`; comes back only where that fails.
pub(super) async fn run(arguments: &[OsString]) -> Result<()> {
    let program = Binaries::provide().await?.helm();
    let error = std::process::Command::new(&program).args(arguments).exec();
    Err(Error::start(&program)(error))
}
