//! `operator plan`: the present plan of a resource, for people or for programs.

use clap::{Args, ValueEnum};
use kube::ResourceExt as _;
use serde_json::json;

use super::cluster::Cluster;
use super::document::{self, Detail};
use super::style::{self, show};
use super::subject::Subject as _;
use super::{ClusterArgs, Kind, Stop, Target, forecast};
use crate::api::{GroupReplacement, SsoMigration};

/// How a plan is printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs: plan and forecast as they are stored, with what status says of them.
    Json,
}

/// Settings of `operator plan`.
#[derive(Args, Clone, Debug)]
pub struct PlanArgs {
    /// Whose: grpr/NAME for the plan of a replacement, ssom/NAME for plan and forecast of a migration
    pub target: Target,
    /// Where to look.
    #[command(flatten)]
    pub cluster: ClusterArgs,
    /// How to print it
    #[arg(short, long, value_enum, default_value = "text")]
    pub output: Format,
}

/// Prints the present plan.
pub async fn plan(args: &PlanArgs) -> Result<(), Stop> {
    let cluster = args.cluster.connect().await?;
    match args.target.kind {
        Kind::GroupReplacement => of_replacement(args, &cluster).await,
        Kind::SsoMigration => of_migration(args, &cluster).await,
    }
}

async fn of_replacement(args: &PlanArgs, cluster: &Cluster) -> Result<(), Stop> {
    let object: GroupReplacement = cluster.get(&args.target.name).await?;
    let reference = document::present(&object).ok_or_else(|| object.lacks("plan"))?;
    let plan = document::read(cluster, &object, reference).await?;
    match args.output {
        Format::Text => show(&document::text(&object, reference, &plan, Detail::Full)),
        Format::Json => show(&style::json(&json!({
            "namespace": object.namespace(),
            "name": object.name_any(),
            "uid": object.uid(),
            "status": reference,
            "plan": plan,
        }))),
    }
}

/// What is foreseen, then what is done. Either can be missing.
async fn of_migration(args: &PlanArgs, cluster: &Cluster) -> Result<(), Stop> {
    let object: SsoMigration = cluster.get(&args.target.name).await?;
    let (foreseen, planned) = (forecast::present(&object), document::present(&object));
    if foreseen.is_none() && planned.is_none() {
        if args.output == Format::Text {
            show(&forecast::without(&object))?;
        }
        return Err(object.lacks("forecast and no plan"));
    }
    match args.output {
        Format::Text => {
            // What is of the past stands in the way of what is to be decided now.
            let foreseen = foreseen.filter(|_| planned.is_none() || forecast::is_ahead(&object));
            if let Some(reference) = foreseen {
                let stored = forecast::read(cluster, &object, reference).await?;
                show(&forecast::text(&object, &forecast::parse(stored, &reference.secret_name)?))?;
            }
            if let Some(reference) = planned {
                let plan = document::read(cluster, &object, reference).await?;
                let gap = if foreseen.is_some() { "\n" } else { "" };
                show(&format!("{gap}{}", document::text(&object, reference, &plan, Detail::Full)))?;
            }
            Ok(())
        }
        Format::Json => {
            let report = match foreseen {
                Some(reference) => Some(forecast::read(cluster, &object, reference).await?),
                None => None,
            };
            let plan = match planned {
                Some(reference) => Some(document::read(cluster, &object, reference).await?),
                None => None,
            };
            show(&style::json(&json!({
                "namespace": object.namespace(),
                "name": object.name_any(),
                "uid": object.uid(),
                "status": object.status.as_ref().map(|status| &status.forecast),
                "report": report,
                "plan": plan,
            })))
        }
    }
}
