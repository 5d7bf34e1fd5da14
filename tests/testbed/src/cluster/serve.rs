//! The supervisor of a cluster: starts the three programs, says when they are ready, and ends them.

use std::fs::File;
use std::future::Future;
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use super::components::{Component, Ports};
use super::kubeconfig::Kubeconfig;
use super::{Folder, Report, Running, read_json, write_json};
use crate::binaries::Binaries;
use crate::error::{Error, Result};
use crate::pki::Pki;
use crate::process::Identity;
use crate::{http, wait};

/// How long a cluster may take from the start of its processes until it is ready. It takes some 3 seconds on an idle
/// machine.
const READY_WITHIN: Duration = Duration::from_mins(2);
/// How often the API server is asked whether it is ready.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// The file whose lock says that a cluster runs in the folder.
const LOCK: &str = "lock";

/// What a run leaves in the folder.
const LEFTOVERS: [&str; 14] = [
    "admin.kubeconfig",
    "audit-policy.yaml",
    "audit.log",
    "cluster.json",
    "etcd",
    "etcd.log",
    "helm",
    "kube-apiserver.log",
    "kube-controller-manager.log",
    "kubectl-cache",
    LOCK,
    "pki",
    "supervisor.json",
    "users",
];

/// Removes what a cluster left in `folder`, and only that; then the folder, if it is empty.
pub fn clear(folder: &Path) -> Result<()> {
    let folder = Folder::new(folder)?;
    let lock = occupy(&folder)?;
    for name in LEFTOVERS {
        remove(&folder.file(name))?;
    }
    drop(lock);
    match std::fs::remove_dir(&folder.0) {
        Err(error) if error.kind() != std::io::ErrorKind::DirectoryNotEmpty => {
            Err(Error::file("remove", &folder.0)(error))
        }
        _ => Ok(()),
    }
}

/// Runs a cluster in `folder` until `end` resolves, then ends it. Calls `report` once, when it is ready.
///
/// To be called from the main thread of a process that does nothing else: the programs end with that thread, even if the
/// process is killed. If one of them ends by itself the others are ended too, and that is an error.
pub async fn serve(folder: &Path, end: impl Future<Output = ()>, report: impl FnOnce(Report)) -> Result<()> {
    let folder = Folder::new(folder)?;
    std::fs::create_dir_all(&folder.0).map_err(Error::file("create", &folder.0))?;
    let _lock = occupy(&folder)?;
    for name in LEFTOVERS.into_iter().filter(|name| *name != LOCK) {
        remove(&folder.file(name))?;
    }
    write_json(&folder.supervisor(), &Identity::of_self()?)?;

    let mut end = std::pin::pin!(end);
    // Chosen by `biased`: an owner that is gone has precedence over anything that can still be started.
    let binaries = tokio::select! {
        biased;
        () = &mut end => return Ok(()),
        binaries = Binaries::provide() => binaries?,
    };
    let mut components = Vec::new();
    let result = tokio::select! {
        biased;
        () = &mut end => Ok(()),
        result = run(&folder, &binaries, &mut components, report) => result,
    };
    // First those that use the others.
    let mut ended = Ok(());
    while let Some(component) = components.pop() {
        ended = ended.and(component.stop().await);
    }
    remove(&folder.running())?;
    remove(&folder.supervisor())?;
    result.and(ended)
}

/// Starts everything, reports, and returns only when something fails.
async fn run(
    folder: &Folder,
    binaries: &Binaries,
    components: &mut Vec<Component>,
    report: impl FnOnce(Report),
) -> Result<()> {
    let pki = Pki::create(folder.pki())?;
    let ports = Ports::free()?;
    let server = format!("https://127.0.0.1:{}", ports.api_server);
    Kubeconfig::new(folder.admin_kubeconfig(), &server, &pki, "admin")?.with_certificate(&pki.admin()?)?;

    let deadline = Instant::now() + READY_WITHIN;
    components.push(Component::etcd(&binaries.etcd(), folder, &pki, &ports)?);
    components.push(Component::api_server(&binaries.api_server(), folder, &pki, &ports)?);
    tokio::select! {
        ended = any_ended(components) => return Err(ended),
        ready = answers(&server, &pki, deadline) => ready?,
    }
    components.push(Component::controller_manager(&binaries.controller_manager(), folder, &pki)?);
    let kubectl = folder.kubectl(&binaries.kubectl());
    let account = wait::Object { kind: "serviceaccount", namespace: Some("default"), name: "default" };
    // Made by a controller: where it is, controllers work.
    let left = deadline.saturating_duration_since(Instant::now());
    tokio::select! {
        ended = any_ended(components) => return Err(ended),
        made = wait::until(&kubectl, account, "a controller to make a service account", left, |_| true) => drop(made?),
    }
    let running = Running { server, kubectl: binaries.kubectl(), helm: binaries.helm() };
    write_json(&folder.running(), &running)?;
    report(Report::Ready);
    Err(any_ended(components).await)
}

/// Resolves when one of them has ended.
async fn any_ended(components: &mut [Component]) -> Error {
    let mut endings: Vec<_> = components.iter_mut().map(|component| Box::pin(component.ended())).collect();
    std::future::poll_fn(|context| {
        let ended = endings.iter_mut().find_map(|ending| match ending.as_mut().poll(context) {
            std::task::Poll::Ready(error) => Some(error),
            std::task::Poll::Pending => None,
        });
        ended.map_or(std::task::Poll::Pending, std::task::Poll::Ready)
    })
    .await
}

/// Resolves when the API server says that it is ready
/// (<https://kubernetes.io/docs/reference/using-api/health-checks/>).
async fn answers(server: &str, pki: &Pki, deadline: Instant) -> Result<()> {
    let client = http::client(&pki.authority_certificate())?;
    let url = format!("{server}/readyz");
    let mut last = String::from("no answer yet");
    let asking = async {
        let mut tick = tokio::time::interval(ASK_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            match client.get(&url).send().await {
                Ok(answer) if answer.status().is_success() => return,
                Ok(answer) => {
                    let status = answer.status();
                    last = format!("{status}: {}", answer.text().await.unwrap_or_default());
                }
                Err(error) => last = error.to_string(),
            }
        }
    };
    let in_time = tokio::time::timeout_at(deadline, asking).await;
    in_time.map_err(|_| Error::Timeout { what: format!("{url} to answer"), within: READY_WITHIN, last })
}

/// Makes sure that nobody else runs a cluster in the folder for as long as the returned file is open.
fn occupy(folder: &Folder) -> Result<File> {
    let path = folder.file(LOCK);
    let file = File::create(&path).map_err(Error::file("create", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(Error::Occupied {
            folder: folder.0.clone(),
            pid: read_json::<Identity>(&folder.supervisor()).map_or(0, |identity| identity.pid),
        }),
        Err(std::fs::TryLockError::Error(source)) => Err(Error::file("lock", &path)(source)),
    }
}

fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::file("remove", path)(error)),
        _ => Ok(()),
    }
}
