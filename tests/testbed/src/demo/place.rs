//! The demo's folder: what is where in it, which demo runs there, and how it ends.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior};

use super::profile::{LIKELY, Profile};
use super::{COMPANY, Launch};
use crate::cluster::{self, Cluster};
use crate::error::{Error, Result};
use crate::process::{Identity, Process};
use crate::sandbox::Sandbox;
use crate::workspace;

/// How long the background process may take to end. One that still starts a cluster finishes that first.
const STOP_WITHIN: Duration = Duration::from_mins(3);
/// How long the operator may be away while it is started again: the longest pause of its supervisor, and more.
const BACK_WITHIN: Duration = Duration::from_secs(15);
/// How often it is looked whether it is back.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The sandbox's exports that a person's shell gets.
const SANDBOX_EXPORTS: [&str; 11] = [
    "SANDBOX_CA",
    "GRAPH_URL",
    "AUTHORITY_URL",
    "METADATA_HOST",
    "TENANT_ID",
    "CLIENT_ID",
    "CLIENT_SECRET",
    "DEVOLUTIONS_URL",
    "DEVOLUTIONS_APPLICATION_KEY",
    "DEVOLUTIONS_APPLICATION_SECRET",
    "CONTROL_URL",
];

/// The demo's folder.
#[derive(Debug, Clone)]
pub(super) struct Place(PathBuf);

/// What is to be known about a running demo; `demo.json` in its folder.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Record {
    /// The background process.
    pub(super) holder: Identity,
    /// The operator's last start, once it was started.
    pub(super) operator: Option<Launch>,
}

impl Place {
    /// The folder with an absolute path.
    pub(super) fn new(path: &Path) -> Result<Self> {
        std::path::absolute(path).map(Self).map_err(Error::file("find", path))
    }

    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    pub(super) fn cluster(&self) -> PathBuf {
        self.0.join("cluster")
    }

    fn sandboxes(&self) -> PathBuf {
        self.0.join("sandbox")
    }

    pub(super) fn sandbox(&self, profile: &Profile) -> PathBuf {
        self.sandboxes().join(profile.namespace)
    }

    /// The exports of a tenant's sandbox.
    pub(super) fn exports_of(&self, profile: &Profile) -> PathBuf {
        self.sandbox(profile).join("env")
    }

    pub(super) fn operator_log(&self) -> PathBuf {
        self.0.join("operator.log")
    }

    /// What the background process itself says.
    pub(super) fn log(&self) -> PathBuf {
        self.0.join("demo.log")
    }

    /// What is applied to the cluster, for people to read.
    pub(super) fn manifests(&self) -> PathBuf {
        self.0.join("manifests")
    }

    fn file(&self) -> PathBuf {
        self.0.join("demo.json")
    }

    /// Writes the record, whole or not at all.
    pub(super) fn save(&self, record: &Record) -> Result<()> {
        let (path, beside) = (self.file(), self.0.join("demo.json.new"));
        let text = serde_json::to_string_pretty(record).map_err(Error::format(path.display().to_string()))?;
        std::fs::write(&beside, text + "\n").map_err(Error::file("write", &beside))?;
        std::fs::rename(&beside, &path).map_err(Error::file("write", &path))
    }

    /// The record of the demo that ran here last.
    pub(super) fn record(&self) -> Result<Option<Record>> {
        let path = self.file();
        match std::fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).map(Some).map_err(Error::format(path.display().to_string())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::file("read", &path)(error)),
        }
    }

    fn running(&self) -> Result<Option<(Process, Record)>> {
        let Some(record) = self.record()? else { return Ok(None) };
        Ok(Process::find(record.holder)?.map(|process| (process, record)))
    }

    /// Ends the demo that runs here, and removes all that one left. Whether one ran.
    pub(super) async fn vacate(&self) -> Result<bool> {
        let record = self.record()?;
        let running = self.running()?;
        let ran = running.is_some();
        if let Some((holder, _)) = running {
            holder.stop(STOP_WITHIN).await?;
        }
        // They end with their holder. If that was killed it may take them a moment.
        let cluster = Cluster::supervisor(&self.cluster()).ok().flatten();
        let operator = record.and_then(|record| record.operator).map(|launch| Process::find(launch.process));
        for process in [cluster, operator.transpose()?.flatten()].into_iter().flatten() {
            process.stop(STOP_WITHIN).await?;
        }
        self.clear()?;
        Ok(ran)
    }

    /// Removes what a demo leaves, and only that; then the folder, if it is empty.
    fn clear(&self) -> Result<()> {
        if self.cluster().is_dir() {
            cluster::clear(&self.cluster())?;
        }
        let gone = |path: &Path, removed: std::io::Result<()>| match removed {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::file("remove", path)(error)),
            _ => Ok(()),
        };
        for folder in [self.sandboxes(), self.manifests()] {
            gone(&folder, std::fs::remove_dir_all(&folder))?;
        }
        for file in [self.operator_log(), self.log(), self.0.join("demo.json.new"), self.file()] {
            gone(&file, std::fs::remove_file(&file))?;
        }
        match std::fs::remove_dir(&self.0) {
            Err(error) if error.kind() == std::io::ErrorKind::DirectoryNotEmpty => Ok(()),
            removed => gone(&self.0, removed),
        }
    }

    /// The process that is the operator now. One that was just killed is about to be started again.
    async fn operator(&self) -> Result<Identity> {
        let deadline = Instant::now() + BACK_WITHIN;
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while Instant::now() < deadline {
            look.tick().await;
            if let Some(launch) = self.record()?.and_then(|record| record.operator)
                && Process::find(launch.process)?.is_some()
            {
                return Ok(launch.process);
            }
        }
        Err(Error::Demo(format!(
            "the demo's operator does not run: look into {}, or begin anew with `make demo`",
            self.operator_log().display()
        )))
    }
}

/// Ends the demo in `folder`, and removes all that it left. Whether one ran.
pub async fn down(folder: &Path) -> Result<bool> {
    Place::new(folder)?.vacate().await
}

/// What a shell needs to work with the demo in `folder`, as `export` commands.
pub async fn exports(folder: &Path) -> Result<String> {
    let place = Place::new(folder)?;
    if place.running()?.is_none() {
        return Err(Error::Demo(format!("no demo runs in {}: start one with `make demo`", place.folder().display())));
    }
    let cluster = Cluster::attach(&place.cluster())?;
    let kubeconfig = cluster.admin_kubeconfig().display().to_string();
    let operator = place.operator().await?.pid.to_string();
    let sandbox = Sandbox::attach(&place.exports_of(&LIKELY))?;
    let mut values = BTreeMap::from([("KUBECONFIG", kubeconfig), ("OPERATOR_PID", operator)]);
    for name in SANDBOX_EXPORTS {
        let value = sandbox.export(name).ok_or_else(|| Error::Format {
            what: "the sandbox's exports".into(),
            reason: format!("they lack {name}"),
        })?;
        values.insert(name, value.to_owned());
    }
    // Once the operator has enabled provisioning.
    let list = cluster.admin().get(&["secrets", "-n", LIKELY.namespace]).await?;
    let is_it = |secret: &&Value| secret["metadata"]["name"] == format!("ssom-{COMPANY}-provisioning-token");
    if let Some(secret) = list["items"].as_array().and_then(|secrets| secrets.iter().find(is_it)) {
        for (name, key) in [("SCIM_URL", "tenantUrl"), ("SCIM_TOKEN", "secretToken")] {
            values.insert(name, decoded(&secret["data"][key])?);
        }
    }
    let lines: Vec<String> =
        values.into_iter().map(|(name, value)| format!("export {name}={}\n", for_shell(&value))).collect();
    let programs = workspace::program("operator")?.parent().map(|folder| folder.display().to_string());
    Ok(format!("{}export PATH={}:\"$PATH\"\n", lines.concat(), for_shell(&programs.unwrap_or_default())))
}

/// A value of a Secret, as text.
fn decoded(value: &Value) -> Result<String> {
    let what = "the operator's token for provisioning";
    let bytes = base64::engine::general_purpose::STANDARD.decode(value.as_str().unwrap_or_default());
    String::from_utf8(bytes.map_err(Error::format(what))?).map_err(Error::format(what))
}

/// A word as a shell reads it: in quotes if it has anything in it that a shell could take for something else.
pub(super) fn for_shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
