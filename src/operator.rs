//! `operator run`: from the arguments to a running operator, and its end.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::join_all;
use k8s_controller::LeaderElection;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::ListParams;
use kube::{Api, Client};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::api::{GroupReplacement, Kind, PlanApproval, SsoMigration, TenantConnection};
use crate::cli::RunArgs;
use crate::controller::wiring::{api, controllers};
use crate::controller::{Backoff, Claims, Connections, Context, Recent, RestConnector};
use crate::error::{Class, Failure};
use crate::metrics::Metrics;
use crate::probes::{self, Readiness};

/// The lease's name: one operator at work in a cluster, or in a release's namespace.
const LEASE: &str = "devolutions-migration-operator";
/// Shorter than the 30 s that a pod is given to end. A pass stops before its next write; what is cut
/// off all the same goes on with the next start.
const STOP_WITHIN: Duration = Duration::from_secs(25);
/// How often it is looked whether the definitions are there.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Runs the operator until SIGTERM or SIGINT. A second signal ends it at once.
pub async fn run(args: &RunArgs) -> Result<(), Failure> {
    let client = Client::try_default().await.map_err(|e| {
        Failure::new(
            Class::Invalid,
            "NoCluster",
            format!("Could not find a way to the cluster, neither from a kubeconfig nor from a service account: {e}"),
        )
    })?;
    let metrics = Arc::new(Metrics::default());
    let (readiness, observed) = watch::channel(Readiness::Starting);
    if let Some(address) = args.listen {
        probes::serve(address, observed, metrics.clone()).await?;
    }
    let stopping = stop_on_signal()?;
    let connector = RestConnector {
        allowed_hosts: args.allowed_hosts.clone(),
        allowed_entra_hosts: args.allowed_entra_hosts.clone(),
        metrics: metrics.clone(),
    };
    let context = Arc::new(Context {
        client: client.clone(),
        connections: Connections::new(client.clone(), connector),
        backoff: Backoff::default(),
        claims: Claims::default(),
        recent: Recent::default(),
        metrics: metrics.clone(),
        instance: args.identity.clone(),
        stopping: stopping.clone(),
        observe_interval: args.observe_interval_seconds,
        entra_settle: args.entra_settle_seconds,
        devolutions_settle: args.devolutions_settle_seconds,
    });
    let stop = stopped(stopping).shared();
    let work = async {
        readiness.send_replace(Readiness::Leading);
        metrics.leading(true);
        tracing::info!(namespaces = ?args.namespaces, identity = args.identity, "at work");
        let scopes = if args.namespaces.is_empty() { vec![None] } else { args.namespaces.iter().map(Some).collect() };
        let all = scopes.into_iter().flat_map(|scope| controllers(&context, scope, &stop));
        join_all(all.collect::<Vec<_>>()).await;
    };
    let lead = async {
        wait_for_definitions(&client, args, &readiness).await;
        let Some(namespace) = &args.lease_namespace else {
            tracing::warn!("no --lease-namespace, so no lease: this must be the only replica");
            work.await;
            return Ok(());
        };
        may_lead(&client, namespace).await?;
        readiness.send_replace(Readiness::Standby);
        let election = LeaderElection::new(client.clone(), namespace, LEASE, &args.identity);
        // Who has lost the lease must not finish anything: a restart is the quickest clean slate.
        election.with_lease(work).await.ok_or_else(|| {
            Failure::new(Class::Transient, "LeaseLost", format!("Lost the lease {LEASE} in namespace {namespace} to another replica or to silence, so everything was dropped at once."))
        })
    };
    let end = {
        let lead = std::pin::pin!(lead);
        let mut lead = lead.fuse();
        tokio::select! {
            end = &mut lead => end,
            () = stop.clone() => {
                let leads = *readiness.borrow() == Readiness::Leading;
                readiness.send_replace(Readiness::Stopping);
                // Whoever only waits has nothing to finish.
                if leads { timeout(STOP_WITHIN, lead).await.unwrap_or(Ok(())) } else { Ok(()) }
            }
        }
    };
    tracing::info!("stopped");
    end
}

/// Whoever may not use the lease would stand by for ever and look ready.
async fn may_lead(client: &Client, namespace: &str) -> Result<(), Failure> {
    let leases: Api<Lease> = Api::namespaced(client.clone(), namespace);
    match leases.get_opt(LEASE).await {
        Err(kube::Error::Api(status)) if status.is_forbidden() => Err(Failure::new(
            Class::Denied,
            "LeaseDenied",
            format!(
                "May not use the lease {LEASE} in namespace {namespace}, which decides who does the work: {}. Is --lease-namespace the release's namespace, with the chart's role in it?",
                status.message
            ),
        )),
        // Anything else may pass by itself, and the election tries again.
        _ => Ok(()),
    }
}

/// Becomes true with the first SIGTERM or SIGINT; the second ends the process.
fn stop_on_signal() -> Result<watch::Receiver<bool>, Failure> {
    let listen = |kind| {
        signal(kind).map_err(|e| Failure::new(Class::Bug, "NoSignals", format!("Could not listen for signals: {e}")))
    };
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let (sender, stopping) = watch::channel(false);
    tokio::spawn(async move {
        next(&mut terminate, &mut interrupt).await;
        sender.send_replace(true);
        tracing::info!("asked to stop");
        next(&mut terminate, &mut interrupt).await;
        tracing::warn!("asked to stop again, so it ends at once");
        std::process::exit(1);
    });
    Ok(stopping)
}

async fn next(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

async fn stopped(mut stopping: watch::Receiver<bool>) {
    // The sender is gone only when the process is about to end.
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// Returns once all our kinds can be read: an operator may be installed before its definitions.
async fn wait_for_definitions(client: &Client, args: &RunArgs, readiness: &watch::Sender<Readiness>) {
    loop {
        let missing = all_readable(client, args).await;
        let Err(error) = missing else { return };
        if readiness.send_replace(Readiness::WaitingForDefinitions) != Readiness::WaitingForDefinitions {
            tracing::warn!(
                "cannot read our resources yet, and waits: {error}. Are the CustomResourceDefinitions and the roles installed?"
            );
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

async fn all_readable(client: &Client, args: &RunArgs) -> Result<(), kube::Error> {
    readable::<TenantConnection>(client, args).await?;
    readable::<SsoMigration>(client, args).await?;
    readable::<GroupReplacement>(client, args).await?;
    readable::<PlanApproval>(client, args).await
}

async fn readable<R: Kind>(client: &Client, args: &RunArgs) -> Result<(), kube::Error> {
    let one = ListParams::default().limit(1);
    api::<R>(client, args.namespaces.first()).list(&one).await.map(drop)
}
