//! `helm` as an administrator of one cluster.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::Command;

use crate::error::Result;
use crate::kubectl::{self, Output};

/// `helm` with a kubeconfig.
#[derive(Debug, Clone)]
pub struct Helm {
    program: PathBuf,
    kubeconfig: PathBuf,
    home: PathBuf,
}

impl Helm {
    /// `program` as the user of `kubeconfig`; what it keeps for itself goes to `home`, nothing to the person's own.
    pub(crate) fn new(program: PathBuf, kubeconfig: PathBuf, home: PathBuf) -> Self {
        Self { program, kubeconfig, home }
    }

    /// Runs `helm` with these arguments. Anything but exit status 0 is an [`Error::Command`](crate::Error::Command)
    /// with what it wrote on its error stream.
    pub async fn run(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .env("KUBECONFIG", &self.kubeconfig)
            // https://helm.sh/docs/helm/helm/
            .env("HELM_CACHE_HOME", self.home.join("cache"))
            .env("HELM_CONFIG_HOME", self.home.join("config"))
            .env("HELM_DATA_HOME", self.home.join("data"))
            // What it learns about the server, by the library that kubectl uses too (`getDefaultCacheDir` in
            // https://github.com/kubernetes/cli-runtime/blob/master/pkg/genericclioptions/config_flags.go)
            .env("KUBECACHEDIR", self.home.join("kube"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        kubectl::run(command, &format!("helm {}", arguments.join(" ")), None).await
    }
}
