//! The Go toolchain: is it there, is it new enough.

use std::io::ErrorKind;

use tokio::process::Command;

use super::recipe;
use crate::error::{Error, Result};

/// A Go toolchain that can build the cluster's programs.
pub(super) struct Go {
    version_line: String,
}

impl Go {
    /// Asks the `go` on the search path for its version.
    pub(super) async fn find() -> Result<Self> {
        let required = recipe::required_go();
        let lacking = |found: String| Error::Go { required: required.to_owned(), found };
        let output = match Command::new("go").arg("version").stdin(std::process::Stdio::null()).output().await {
            Ok(output) => output,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(lacking("no `go` is on the search path (PATH)".into()));
            }
            Err(error) => return Err(lacking(format!("`go version` cannot be run: {error}"))),
        };
        let version_line = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(lacking(format!("`go version` failed: {said}")));
        }
        // From 1.21 on Go fetches the toolchain that a module asks for, unless told not to: https://go.dev/doc/toolchain
        let fetches = at_least(&version_line, "1.21") && setting("GOTOOLCHAIN").await? != "local";
        if at_least(&version_line, required) || fetches {
            Ok(Self { version_line })
        } else {
            Err(lacking(format!("this is {version_line:?}")))
        }
    }

    /// What `go version` prints: toolchain and target.
    pub(super) fn version_line(&self) -> &str {
        &self.version_line
    }
}

/// One of Go's settings.
async fn setting(name: &str) -> Result<String> {
    let output = Command::new("go")
        .args(["env", name])
        .stdin(std::process::Stdio::null())
        .output()
        .await
        .map_err(Error::start(std::path::Path::new("go")))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether a line such as "go version go1.26.8 linux/amd64" names this version or a newer one.
fn at_least(version_line: &str, required: &str) -> bool {
    let numbers = |text: &str| -> Vec<u64> {
        text.split('.')
            // "1.27rc1" counts as 1.27.
            .map(|part| part.chars().take_while(char::is_ascii_digit).collect::<String>())
            .map_while(|digits| digits.parse().ok())
            .collect()
    };
    let found = version_line
        .split_whitespace()
        .find_map(|word| word.strip_prefix("go").filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())))
        .map(numbers)
        .unwrap_or_default();
    // "1.27" is not older than "1.27.0".
    let padded = |mut version: Vec<u64>| {
        version.resize(version.len().max(3), 0);
        version
    };
    !found.is_empty() && padded(found) >= padded(numbers(required))
}

#[cfg(test)]
mod tests {
    use super::at_least;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(at_least("go version go1.26.8 linux/amd64", "1.26.0"));
        assert!(at_least("go version go1.100.0 linux/amd64", "1.26.0"));
        assert!(at_least("go version go1.27rc1 linux/amd64", "1.26.0"));
        assert!(at_least("go version go1.26 linux/amd64", "1.26.0"));
        assert!(!at_least("go version go1.19.8 linux/amd64", "1.26.0"));
        assert!(!at_least("go version devel +abc linux/amd64", "1.26.0"));
        assert!(!at_least("", "1.26.0"));
    }
}
