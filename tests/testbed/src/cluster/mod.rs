//! A real Kubernetes control plane for tests and the demo: etcd, kube-apiserver and kube-controller-manager on
//! 127.0.0.1, without nodes, so that pods do not run.

mod components;
mod kubeconfig;
mod ports;
mod serve;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::process::Command;

use crate::error::{Error, Result};
use crate::helm::Helm;
use crate::kubectl::{Kubectl, Output};
use crate::owned::Owned;
use crate::pki::Pki;
use crate::process::{Identity, Process};
use crate::workspace;
use kubeconfig::Kubeconfig;
pub use serve::{clear, serve};

/// How long the supervisor of a cluster may take to end it.
const STOP_WITHIN: Duration = Duration::from_secs(20);

/// A running cluster.
///
/// One that was [started](Self::start) ends when this value is dropped, and also when the process that holds it is
/// killed; to know that it has ended, [stop](Self::stop) it.
#[derive(Debug)]
pub struct Cluster {
    folder: Folder,
    running: Running,
    supervisor: Option<Owned>,
}

/// What a supervisor says on its output.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "camelCase")]
pub enum Report {
    /// The cluster answers, and its controllers work.
    Ready,
    /// It does not, and the supervisor has ended what it had started.
    Failed {
        /// Why.
        reason: String,
    },
}

/// What is to be known about a running cluster; `cluster.json` in its folder.
#[derive(Debug, Serialize, Deserialize)]
struct Running {
    server: String,
    kubectl: PathBuf,
    helm: PathBuf,
}

/// Where the parts of a cluster lie in its folder.
#[derive(Debug, Clone)]
struct Folder(PathBuf);

impl Folder {
    /// The folder with an absolute path: programs that run elsewhere are given paths in it.
    fn new(path: &Path) -> Result<Self> {
        std::path::absolute(path).map(Self).map_err(Error::file("find", path))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn running(&self) -> PathBuf {
        self.file("cluster.json")
    }

    fn supervisor(&self) -> PathBuf {
        self.file("supervisor.json")
    }

    fn pki(&self) -> PathBuf {
        self.file("pki")
    }

    fn users(&self) -> PathBuf {
        self.file("users")
    }

    fn admin_kubeconfig(&self) -> PathBuf {
        self.file("admin.kubeconfig")
    }

    fn audit_log(&self) -> PathBuf {
        self.file("audit.log")
    }

    fn kubectl(&self, program: &Path) -> Kubectl {
        Kubectl::new(program.to_path_buf(), self.admin_kubeconfig(), self.file("kubectl-cache"))
    }
}

impl Cluster {
    /// Starts a cluster with a new authority and no data, in a folder that it creates, and returns when it is ready.
    ///
    /// It runs under a supervisor, the `testbed` program of this workspace. The first time ever this takes minutes, in
    /// which the programs are built; what is being done is shown on the error stream.
    pub async fn start(folder: &Path) -> Result<Self> {
        let folder = Folder::new(folder)?;
        let program = workspace::program("testbed")?;
        let mut command = Command::new(&program);
        command.args(["cluster", "serve", "--exit-on-stdin-close", "--dir"]).arg(&folder.0);
        let (mut supervisor, mut reports) = Owned::start_reporting(&program, &mut command)?;
        match reports.next().await? {
            Some(Report::Ready) => {}
            Some(Report::Failed { reason }) => return Err(Error::Supervisor(reason)),
            None => {
                let status = supervisor.ended().await?;
                return Err(Error::Supervisor(format!("the cluster's supervisor ended without a word ({status})")));
            }
        }
        let running = read_json(&folder.running())?;
        Ok(Self { folder, running, supervisor: Some(supervisor) })
    }

    /// The cluster that runs in `folder` under a supervisor of its own (`testbed cluster up`). Dropping this value does
    /// not end it.
    pub fn attach(folder: &Path) -> Result<Self> {
        let folder = Folder::new(folder)?;
        if supervisor_in(&folder)?.is_none() || !folder.running().is_file() {
            return Err(Error::NotRunning { folder: folder.0 });
        }
        let running = read_json(&folder.running())?;
        Ok(Self { folder, running, supervisor: None })
    }

    /// The supervisor of the cluster in `folder`; none if none runs.
    pub fn supervisor(folder: &Path) -> Result<Option<Process>> {
        supervisor_in(&Folder::new(folder)?)
    }

    /// Ends the cluster and waits until none of its processes is left.
    pub async fn stop(self) -> Result<()> {
        match self.supervisor {
            Some(supervisor) => supervisor.stop(STOP_WITHIN).await,
            None => match supervisor_in(&self.folder)? {
                Some(supervisor) => supervisor.stop(STOP_WITHIN).await,
                None => Ok(()),
            },
        }
    }

    /// The API server's address, `https://127.0.0.1:PORT`.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.running.server
    }

    /// The `kubectl` that fits the cluster, for people who have none.
    #[must_use]
    pub fn kubectl_program(&self) -> &Path {
        &self.running.kubectl
    }

    /// `helm` as administrator.
    #[must_use]
    pub fn helm(&self) -> Helm {
        Helm::new(self.running.helm.clone(), self.folder.admin_kubeconfig(), self.folder.file("helm"))
    }

    /// The kubeconfig of an administrator.
    #[must_use]
    pub fn admin_kubeconfig(&self) -> PathBuf {
        self.folder.admin_kubeconfig()
    }

    /// The API server's audit log, one JSON event per line: who asked what, without bodies
    /// (<https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/>).
    #[must_use]
    pub fn audit_log(&self) -> PathBuf {
        self.folder.audit_log()
    }

    /// Runs `kubectl` as administrator: see [`Kubectl::run`].
    pub async fn kubectl(&self, arguments: &[&str], stdin: Option<&str>) -> Result<Output> {
        self.admin().run(arguments, stdin).await
    }

    /// `kubectl` as administrator.
    #[must_use]
    pub fn admin(&self) -> Kubectl {
        self.folder.kubectl(&self.running.kubectl)
    }

    /// `kubectl` as the user of this kubeconfig, one that [`Self::user_kubeconfig`] or
    /// [`Self::service_account_kubeconfig`] wrote.
    #[must_use]
    pub fn kubectl_as(&self, kubeconfig: &Path) -> Kubectl {
        let cache = self.folder.file("kubectl-cache");
        Kubectl::new(self.running.kubectl.clone(), kubeconfig.to_path_buf(), cache)
    }

    /// Writes a kubeconfig with a client certificate for this user, in at most one group. It has the rights that are
    /// bound to the two, and those of `system:authenticated`.
    pub fn user_kubeconfig(&self, user: &str, group: Option<&str>) -> Result<PathBuf> {
        let credential = Pki::at(self.folder.pki()).client(user, group)?;
        self.kubeconfig(user)?.with_certificate(&credential)
    }

    /// Writes a kubeconfig with a token of this service account, made by the server for `valid` (at least ten minutes:
    /// <https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/>).
    pub async fn service_account_kubeconfig(&self, namespace: &str, name: &str, valid: Duration) -> Result<PathBuf> {
        let duration = format!("--duration={}s", valid.as_secs());
        let token = self.kubectl(&["create", "token", name, "-n", namespace, &duration], None).await?;
        self.kubeconfig(&format!("{namespace}-{name}"))?.with_token(token.stdout.trim())
    }

    fn kubeconfig(&self, user: &str) -> Result<Kubeconfig> {
        let users = self.folder.users();
        std::fs::create_dir_all(&users).map_err(Error::file("create", &users))?;
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }
        };
        let name: String = user.chars().map(plain).collect();
        Kubeconfig::new(
            users.join(format!("{name}.kubeconfig")),
            &self.running.server,
            &Pki::at(self.folder.pki()),
            user,
        )
    }
}

fn supervisor_in(folder: &Folder) -> Result<Option<Process>> {
    let path = folder.supervisor();
    if !path.is_file() {
        return Ok(None);
    }
    let identity: Identity = read_json(&path)?;
    Process::find(identity)
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let text = std::fs::read_to_string(path).map_err(Error::file("read", path))?;
    serde_json::from_str(&text).map_err(Error::format(path.display().to_string()))
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(Error::format(path.display().to_string()))?;
    std::fs::write(path, text + "\n").map_err(Error::file("write", path))
}
