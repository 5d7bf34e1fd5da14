//! `operator plan`: the present plan of a resource, for people or for programs.

use clap::{Args, ValueEnum};
use kube::ResourceExt as _;
use serde_json::json;

use super::cluster::Cluster;
use super::document::{self, Detail};
use super::style::{self, show};
use super::{ClusterArgs, Kind, Stop, Target, forecast};
use crate::api::{GroupReplacement, SsoMigration};

/// How a plan is printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs: the plan or forecast as it is stored, with what status says of it.
    Json,
}

/// Settings of `operator plan`.
#[derive(Args, Clone, Debug)]
pub struct PlanArgs {
    /// Whose: grpr/NAME for the plan of a replacement, ssom/NAME for the forecast of a migration
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
        Kind::GroupReplacement => plan_of_replacement(args, &cluster).await,
        Kind::SsoMigration => forecast_of_migration(args, &cluster).await,
    }
}

async fn plan_of_replacement(args: &PlanArgs, cluster: &Cluster) -> Result<(), Stop> {
    let object: GroupReplacement = cluster.get(&args.target.name).await?;
    let reference = document::present(&object).ok_or_else(|| document::none(&object))?;
    let plan = document::read(cluster, &object, reference).await?;
    match args.output {
        Format::Text => {
            let heading = document::heading(&object, reference, Some(&plan));
            show(&format!("{heading}{}", document::phases(&plan, Detail::Full)))
        }
        Format::Json => show(&style::json(&json!({
            "namespace": object.namespace(),
            "name": object.name_any(),
            "uid": object.uid(),
            "status": reference,
            "plan": plan,
        }))),
    }
}

async fn forecast_of_migration(args: &PlanArgs, cluster: &Cluster) -> Result<(), Stop> {
    let object: SsoMigration = cluster.get(&args.target.name).await?;
    let Some(reference) = forecast::present(&object) else {
        if args.output == Format::Text {
            show(&forecast::without(&object))?;
        }
        return Err(forecast::none(&object));
    };
    let stored = forecast::read(cluster, &object, reference).await?;
    match args.output {
        Format::Text => show(&forecast::text(&object, &forecast::parse(stored, &reference.secret_name)?)),
        Format::Json => show(&style::json(&json!({
            "namespace": object.namespace(),
            "name": object.name_any(),
            "uid": object.uid(),
            "status": object.status.as_ref().map(|status| &status.forecast),
            "report": stored,
        }))),
    }
}
