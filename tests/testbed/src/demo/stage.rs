//! Where the demo plays: a cluster, a sandbox, and people with a `kubectl` each.

use std::ffi::OsStr;
use std::path::Path;

use serde_json::{Value, json};
use tokio::process::Command;

use super::manifests;
use super::place::{Place, for_shell};
use super::profile::Profile;
use super::screen::Screen;
use crate::cluster::Cluster;
use crate::error::{Error, Result};
use crate::kubectl::{Kubectl, Output};
use crate::sandbox::Sandbox;
use crate::workspace;

/// A tenant of the demo, seen by whoever shows it.
pub(super) struct Stage {
    pub(super) profile: &'static Profile,
    pub(super) place: Place,
    pub(super) screen: Screen,
    pub(super) cluster: Cluster,
    pub(super) sandbox: Sandbox,
}

/// Somebody with a `kubectl`.
#[derive(Debug, Clone)]
pub(super) struct Actor {
    /// Before the `$`; empty for the administrator.
    prompt: &'static str,
    kubectl: Kubectl,
}

impl Stage {
    /// The tenant of `profile` in a demo that runs.
    pub(super) fn set(place: &Place, profile: &'static Profile, screen: Screen) -> Result<Self> {
        let cluster = Cluster::attach(&place.cluster())?;
        let sandbox = Sandbox::attach(&place.exports_of(profile))?;
        Ok(Self { profile, place: place.clone(), screen, cluster, sandbox })
    }

    /// The namespace of the tenant's resources.
    pub(super) fn namespace(&self) -> &'static str {
        self.profile.namespace
    }

    /// Writes what is to be applied into the tenant's own folder, and gives it as a person in the current one would write it.
    pub(super) fn write(&self, name: &str, documents: &[String]) -> Result<String> {
        Ok(here(&manifests::write(&self.place.manifests().join(self.namespace()), name, documents)?))
    }

    /// Lets such requests take so long, for people to see something. Where nobody watches they need not.
    pub(super) async fn slow_down(&self, mut requests: Value, millis: u64) -> Result<()> {
        if self.screen.is_dark() {
            return Ok(());
        }
        requests["times"] = json!(0);
        requests["action"] = json!({ "type": "Slow", "millis": millis });
        self.sandbox.add_fault(&requests).await.map(drop)
    }

    /// Who may do everything in the cluster.
    pub(super) fn administrator(&self) -> Actor {
        Actor { prompt: "", kubectl: self.cluster.admin() }
    }

    /// Somebody with a client certificate.
    pub(super) fn person(&self, prompt: &'static str, user: &str) -> Result<Actor> {
        let kubeconfig = self.cluster.user_kubeconfig(user, None)?;
        Ok(Actor { prompt, kubectl: self.cluster.kubectl_as(&kubeconfig) })
    }

    /// Shows a command, runs it and shows what it says.
    pub(super) async fn run(&self, actor: &Actor, arguments: &[&str]) -> Result<()> {
        let said = self.run_quietly(actor, arguments, "").await?;
        if arguments.first() == Some(&"get") && !arguments.contains(&"-o") {
            self.screen.table(&said.stdout);
        } else {
            self.screen.output(&said.stdout);
        }
        Ok(())
    }

    /// Shows a `helm` command of the administrator, runs it and shows what it says.
    pub(super) async fn run_helm(&self, arguments: &[&str]) -> Result<()> {
        self.show(&self.administrator(), "helm", arguments, "");
        let said = self.cluster.helm().run(arguments).await?;
        self.screen.output(&said.stdout);
        Ok(())
    }

    /// Shows a command of the operator's own command line, runs it and gives what it says.
    pub(super) async fn run_operator(&self, actor: &Actor, arguments: &[&str]) -> Result<String> {
        self.show(actor, "operator", arguments, "");
        self.run_operator_unseen(actor, arguments).await
    }

    /// The same, without a word.
    pub(super) async fn run_operator_unseen(&self, actor: &Actor, arguments: &[&str]) -> Result<String> {
        let program = workspace::program("operator")?;
        let mut command = Command::new(&program);
        command.args(arguments).env("KUBECONFIG", actor.kubectl.kubeconfig()).kill_on_drop(true);
        let output = command.output().await.map_err(Error::start(&program))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(Error::Command {
            command: format!("operator {}", arguments.join(" ")),
            status: output.status.to_string(),
            stderr: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }

    /// Shows a command, with what a person would append to it, and runs it.
    pub(super) async fn run_quietly(&self, actor: &Actor, arguments: &[&str], appended: &str) -> Result<Output> {
        self.show(actor, "kubectl", arguments, appended);
        actor.kubectl.run(arguments, None).await
    }

    /// Shows a command that must be refused, and with which words it was.
    pub(super) async fn refused(&self, actor: &Actor, arguments: &[&str]) -> Result<()> {
        self.show(actor, "kubectl", arguments, "");
        match actor.kubectl.run(arguments, None).await {
            Err(Error::Command { stderr, .. }) if stderr.contains("Forbidden") || stderr.contains("forbidden") => {
                self.screen.quote(&stderr);
                Ok(())
            }
            Err(other) => Err(other),
            Ok(_) => Err(Error::Demo("that should have been refused, and was not".into())),
        }
    }

    fn show(&self, actor: &Actor, program: &str, arguments: &[&str], appended: &str) {
        let words: Vec<_> = arguments.iter().map(|word| for_shell(word)).collect();
        self.screen.command(actor.prompt, &format!("{program} {}{appended}", words.join(" ")));
    }
}

impl Actor {
    /// The `kubectl`, for what is not shown.
    pub(super) fn kubectl(&self) -> &Kubectl {
        &self.kubectl
    }
}

/// A path as a person in the current folder would write it.
pub(super) fn here(path: &Path) -> String {
    let inside = std::env::current_dir().ok().and_then(|here| path.strip_prefix(here).ok().map(Path::to_path_buf));
    inside.as_deref().unwrap_or(path).display().to_string()
}

/// The program if a person has it on the `PATH`.
pub(super) fn is_on_path(program: impl AsRef<OsStr>) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join(program.as_ref()).is_file())
}
