//! Where the programs of this workspace are.

use std::path::PathBuf;

use crate::error::{Error, Result};

/// The path of one of this workspace's programs, as built last: `testbed`, `sandbox`, `operator`.
///
/// They lie beside the current program; a test's own program lies one folder deeper (`target/debug/deps`).
pub fn program(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().map_err(Error::file("find", &PathBuf::from("the current program")))?;
    let mut folder = own.parent().map(PathBuf::from).unwrap_or_default();
    if folder.ends_with("deps") || folder.ends_with("examples") {
        folder.pop();
    }
    let program = folder.join(name);
    if program.is_file() { Ok(program) } else { Err(Error::NotBuilt { name: name.to_owned(), folder }) }
}
