//! Which cluster, which namespace, which resource: as `kubectl` has it.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};

use super::Stop;
use crate::api::GroupReplacement;

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
    /// The `GroupReplacement` that was named.
    pub async fn get(&self, target: &Target) -> Result<GroupReplacement, Stop> {
        let api: Api<GroupReplacement> = Api::namespaced(self.client.clone(), &self.namespace);
        let what = format!("read GroupReplacement \"{}\" in namespace \"{}\"", target.name, self.namespace);
        api.get_opt(&target.name).await.map_err(|e| Stop::kubernetes(&what, &e))?.ok_or_else(|| self.not_found(target))
    }

    /// There is no such resource.
    pub fn not_found(&self, target: &Target) -> Stop {
        Stop::failed(format!(
            "There is no GroupReplacement \"{}\" in namespace \"{}\". `kubectl get grpr -A` lists all; -n chooses the namespace.",
            target.name, self.namespace
        ))
    }
}

/// A resource on the command line, such as `grpr/sysadmins`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    /// Its name.
    pub name: String,
}

/// What `kubectl` also takes for the kind, in small letters.
const KINDS: [&str; 4] =
    ["grpr", "groupreplacement", "groupreplacements", "groupreplacements.migration.devolutions.net"];

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = match text.split_once('/') {
            None => text,
            Some((kind, name)) if KINDS.contains(&kind.to_ascii_lowercase().as_str()) => name,
            Some((kind, _)) => return Err(format!("\"{kind}\" has no plans; write grpr/NAME")),
        };
        if name.is_empty() || name.contains('/') {
            return Err("write grpr/NAME".to_owned());
        }
        Ok(Self { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_named_as_kubectl_names_it() {
        for text in ["grpr/x", "x", "groupreplacement/x", "GroupReplacements.migration.devolutions.net/x"] {
            assert_eq!(text.parse(), Ok(Target { name: "x".to_owned() }), "{text}");
        }
        for text in ["", "grpr/", "tconn/x", "grpr/x/y", "pod/x"] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }
}
