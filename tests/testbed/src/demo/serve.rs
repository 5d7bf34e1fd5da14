//! The process in the background that holds the demo: cluster, sandboxes and operator live as long as it does.

use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};

use super::place::{Place, Record};
use super::profile::{LIKELY, OTHERWISE, Profile};
use super::{Launch, OPERATOR_NAMESPACE, RELEASE, Report, operator_arguments};
use crate::cluster::Cluster;
use crate::error::Result;
use crate::operator::{Operator, Options};
use crate::process::Identity;
use crate::sandbox::Sandbox;

/// The line on standard input that asks for the operator, once its account is there.
pub(super) const START_OPERATOR: &str = "operator";
/// How long the token of its account is good for. A demo that stands for longer is begun anew.
const TOKEN_VALID: Duration = Duration::from_hours(24);

/// Holds a demo in `folder` until `end` resolves, or until standard input closes before the operator was asked for.
///
/// To be called from the main thread of a process that does nothing else: what it starts ends with that thread.
pub async fn serve(folder: &Path, end: impl Future<Output = ()>, mut report: impl FnMut(&Report)) -> Result<()> {
    let place = Place::new(folder)?;
    let mut record = Record { holder: Identity::of_self()?, operator: None };
    place.save(&record)?;
    let folder = place.cluster();
    let (cluster, likely, otherwise) =
        tokio::join!(Cluster::start(&folder), sandbox(&place, &LIKELY), sandbox(&place, &OTHERWISE));
    let (cluster, sandboxes) = match (cluster, [likely, otherwise].into_iter().collect::<Result<Vec<_>>>()) {
        (Ok(cluster), Ok(sandboxes)) => (cluster, sandboxes),
        // A sandbox ends when nobody holds it any more.
        (Ok(cluster), Err(error)) => return cluster.stop().await.and(Err(error)),
        (Err(error), _) => return Err(error),
    };
    report(&Report::Ready);
    let mut operator = None;
    let result = hold(&place, &mut record, &cluster, &mut operator, end, report).await;
    // First those that use the others.
    let ended = match operator {
        Some(operator) => operator.stop().await,
        None => Ok(()),
    };
    let mut stopped = result.and(ended);
    for sandbox in sandboxes {
        stopped = stopped.and(sandbox.stop().await);
    }
    stopped.and(cluster.stop().await)
}

async fn sandbox(place: &Place, profile: &Profile) -> Result<Sandbox> {
    Sandbox::start(&place.sandbox(profile), &profile.world()).await
}

async fn hold(
    place: &Place,
    record: &mut Record,
    cluster: &Cluster,
    operator: &mut Option<Operator>,
    end: impl Future<Output = ()>,
    mut report: impl FnMut(&Report),
) -> Result<()> {
    let mut end = std::pin::pin!(end);
    let mut asked = BufReader::new(tokio::io::stdin()).lines();
    while operator.is_none() {
        tokio::select! {
            () = &mut end => return Ok(()),
            line = asked.next_line() => match line {
                Ok(Some(line)) if line == START_OPERATOR => *operator = Some(start(place, cluster).await?),
                Ok(Some(_)) => {}
                // Whoever was to show the demo is gone.
                _ => return Ok(()),
            },
        }
    }
    let mut starts = 0;
    while let Some(operator) = operator {
        tokio::select! {
            () = &mut end => return Ok(()),
            started = operator.next_start(starts) => {
                let (process, count) = started?;
                starts = count;
                let launch = Launch { process, starts };
                record.operator = Some(launch);
                place.save(record)?;
                report(&Report::Operator(launch));
            }
        }
    }
    Ok(())
}

/// Under its account: never as administrator.
async fn start(place: &Place, cluster: &Cluster) -> Result<Operator> {
    let account = cluster.service_account_kubeconfig(OPERATOR_NAMESPACE, RELEASE, TOKEN_VALID).await?;
    let mut options = Options::new(&account, &place.operator_log()).kept_running();
    // The first is the subcommand, which `Operator` gives by itself.
    options.arguments = operator_arguments()[1..].iter().map(ToString::to_string).collect();
    Operator::start(&options).await
}
