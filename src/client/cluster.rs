//! Which cluster, as whom, and which namespace: as `kubectl` has it.

use std::path::PathBuf;

use clap::Args;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};

use super::Stop;
use super::subject::Subject;

/// Where to look.
#[derive(Args, Clone, Debug)]
pub struct ClusterArgs {
    /// The kubeconfig file [default: $KUBECONFIG, else ~/.kube/config]
    #[arg(long)]
    pub kubeconfig: Option<PathBuf>,
    /// The kubeconfig's context to use [default: its current one]
    #[arg(long)]
    pub context: Option<String>,
    /// The namespace [default: the context's]
    #[arg(short, long)]
    pub namespace: Option<String>,
}

/// A cluster, as one user, with a namespace to look into.
pub struct Cluster {
    /// The API server.
    pub client: Client,
    /// The namespace that was asked for, or the context's.
    pub namespace: String,
}

impl ClusterArgs {
    /// Connects as `kubectl` would with the same arguments.
    pub async fn connect(&self) -> Result<Cluster, Stop> {
        let unusable = |error: &dyn std::fmt::Display| {
            let file = self.kubeconfig.as_ref().map(|path| format!(" {}", path.display())).unwrap_or_default();
            let context = self.context.as_ref().map(|name| format!(", context \"{name}\"")).unwrap_or_default();
            Stop::failed(format!(
                "Could not use the kubeconfig{file}{context}: {error}. Name another with --kubeconfig and --context, or look at `kubectl config get-contexts`."
            ))
        };
        let config = if self.kubeconfig.is_none() && self.context.is_none() {
            Config::infer().await.map_err(|e| unusable(&e))?
        } else {
            let kubeconfig = match &self.kubeconfig {
                Some(path) => Kubeconfig::read_from(path),
                None => Kubeconfig::read(),
            };
            let options = KubeConfigOptions { context: self.context.clone(), ..KubeConfigOptions::default() };
            Config::from_custom_kubeconfig(kubeconfig.map_err(|e| unusable(&e))?, &options)
                .await
                .map_err(|e| unusable(&e))?
        };
        let namespace = self.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        let client = Client::try_from(config).map_err(|e| unusable(&e))?;
        Ok(Cluster { client, namespace })
    }
}

impl Cluster {
    /// The resource of this kind that has this name.
    pub async fn get<R: Subject>(&self, name: &str) -> Result<R, Stop> {
        self.find(name).await?.ok_or_else(|| {
            Stop::failed(format!(
                "There is no {} \"{name}\" in namespace \"{}\". `kubectl get {} -A` lists all; -n chooses the namespace.",
                R::kind(&()),
                self.namespace,
                R::SHORT
            ))
        })
    }

    /// The same, if there is one.
    pub async fn find<R: Subject>(&self, name: &str) -> Result<Option<R>, Stop> {
        let api: Api<R> = Api::namespaced(self.client.clone(), &self.namespace);
        let what = format!("read {} \"{name}\" in namespace \"{}\"", R::kind(&()), self.namespace);
        api.get_opt(name).await.map_err(|e| Stop::kubernetes(&what, &e))
    }
}
