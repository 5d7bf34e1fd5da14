//! The sandbox as a process, and what tests and the demo ask of it.

mod control;
mod person;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;
use tokio::time::{Instant, MissedTickBehavior};

use crate::error::{Error, Result, tail};
use crate::owned::Owned;
use crate::{http, workspace};

pub use control::{Fault, Hold, Journal, Request, Violations};
pub use person::Person;

/// How long a sandbox may take until it serves. The largest worlds have 100,000 entries to make.
const SERVE_WITHIN: Duration = Duration::from_mins(2);
/// How often it is looked whether it does.
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// How long it may take to end.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// The exports that this crate uses itself; without one of them a sandbox is of no use.
const NEEDED: [&str; 5] =
    ["SANDBOX_CA", "DEVOLUTIONS_URL", "PERSON_APPLICATION_KEY", "PERSON_APPLICATION_SECRET", "CONTROL_URL"];

/// A running sandbox.
///
/// One that was [started](Self::start) ends when this value is dropped, and also when the process that holds it is
/// killed.
pub struct Sandbox {
    exports: BTreeMap<String, String>,
    log: PathBuf,
    client: reqwest::Client,
    process: Option<Owned>,
}

impl Sandbox {
    /// Starts a sandbox with these arguments (`--scenario FILE`, or `--seed` and sizes) and returns when it serves. Its
    /// certificate, addresses and log are in `folder`, which is created.
    pub async fn start(folder: &Path, arguments: &[&str]) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
        let folder = std::path::absolute(folder).map_err(Error::file("find", folder))?;
        let env_file = folder.join("env");
        if env_file.exists() {
            // Of an earlier run.
            std::fs::remove_file(&env_file).map_err(Error::file("remove", &env_file))?;
        }
        let log = folder.join("sandbox.log");
        let file = File::create(&log).map_err(Error::file("create", &log))?;
        let same = file.try_clone().map_err(Error::file("open", &log))?;
        let program = workspace::program("sandbox")?;
        let mut command = Command::new(&program);
        command
            .arg("serve")
            .args(arguments)
            .arg("--dir")
            .arg(&folder)
            .arg("--env-file")
            .arg(&env_file)
            .arg("--exit-on-stdin-close")
            .stdout(file)
            .stderr(same);
        let mut process = Owned::start(&program, &mut command)?;
        serves(&mut process, &env_file, &log).await?;
        let mut sandbox = Self::attach(&env_file)?;
        sandbox.process = Some(process);
        Ok(sandbox)
    }

    /// The sandbox that wrote this file of exports. Dropping this value does not end it.
    pub fn attach(env_file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(env_file).map_err(Error::file("read", env_file))?;
        let exports = exports(&text);
        let lacking: Vec<_> = NEEDED.into_iter().filter(|name| !exports.contains_key(*name)).collect();
        if !lacking.is_empty() {
            return Err(Error::Format {
                what: env_file.display().to_string(),
                reason: format!("it does not export {}", lacking.join(", ")),
            });
        }
        let client = http::client(Path::new(&exports["SANDBOX_CA"]))?;
        Ok(Self { exports, log: env_file.with_file_name("sandbox.log"), client, process: None })
    }

    /// What it exports: `SANDBOX_CA`, `DEVOLUTIONS_URL`, `DEVOLUTIONS_APPLICATION_KEY` and so on. Some are secrets.
    #[must_use]
    pub fn export(&self, name: &str) -> Option<&str> {
        self.exports.get(name).map(String::as_str)
    }

    /// The PEM file with the certificate to trust.
    #[must_use]
    pub fn authority(&self) -> &Path {
        Path::new(&self.exports["SANDBOX_CA"])
    }

    /// Where it serves the contract of Devolutions Cloud.
    #[must_use]
    pub fn devolutions_url(&self) -> &str {
        &self.exports["DEVOLUTIONS_URL"]
    }

    /// Its log file.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Ends it and waits until it has ended. One that was only attached to goes on.
    pub async fn stop(self) -> Result<()> {
        match self.process {
            Some(process) => process.stop(STOP_WITHIN).await,
            None => Ok(()),
        }
    }
}

impl std::fmt::Debug for Sandbox {
    /// Without the secrets among its exports.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Sandbox")
            .field("devolutions_url", &self.devolutions_url())
            .field("log", &self.log)
            .finish_non_exhaustive()
    }
}

/// Resolves when the file of exports is there: it is put in place whole, once the sandbox serves.
async fn serves(process: &mut Owned, env_file: &Path, log: &Path) -> Result<()> {
    let said = || tail(&std::fs::read_to_string(log).unwrap_or_default(), 15);
    let deadline = Instant::now() + SERVE_WITHIN;
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            status = process.ended() => return Err(Error::Ended {
                name: "the sandbox".into(),
                status: status?.to_string(),
                hint: String::new(),
                log: log.to_path_buf(),
                tail: said(),
            }),
            () = tokio::time::sleep_until(deadline) => return Err(Error::Timeout {
                what: format!("the sandbox to write {}", env_file.display()),
                within: SERVE_WITHIN,
                last: said(),
            }),
            _ = look.tick() => if env_file.is_file() {
                return Ok(());
            },
        }
    }
}

/// Reads lines such as `export NAME='value'`. A quote in a value is written `'\''`, as shells need it.
fn exports(text: &str) -> BTreeMap<String, String> {
    let assignments = text.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
    assignments
        .map(|(name, value)| {
            let inner = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
            (name.to_owned(), inner.unwrap_or(value).replace(r"'\''", "'"))
        })
        .collect()
}

/// Sends a request and gives the answer's JSON, `null` if it has no body.
async fn send(request: reqwest::RequestBuilder, method: &str, url: &str) -> Result<Value> {
    let failed = |source: reqwest::Error| Error::Request {
        method: method.to_owned(),
        url: url.to_owned(),
        // The reason is in the sources, and only they have it.
        reason: chain(&source.without_url()),
    };
    let answer = request.send().await.map_err(failed)?;
    let status = answer.status();
    let body = answer.text().await.map_err(failed)?;
    if !status.is_success() {
        return Err(Error::Answer { method: method.to_owned(), url: url.to_owned(), status: status.as_u16(), body });
    }
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(&body).map_err(Error::format(format!("the answer to {method} {url}")))
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::exports;

    #[test]
    fn exports_are_read_as_a_shell_would() {
        let read =
            exports("# a comment\nexport URL='https://127.0.0.1:1'\nexport SECRET='it'\\''s = x'\nexport BARE=1\n");
        assert_eq!(read["URL"], "https://127.0.0.1:1");
        assert_eq!(read["SECRET"], "it's = x");
        assert_eq!(read["BARE"], "1");
        assert_eq!(read.len(), 3);
    }
}
