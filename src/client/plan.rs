//! `operator plan`: the present plan of a resource, for people or for programs.

use clap::{Args, ValueEnum};
use kube::ResourceExt as _;
use serde_json::json;

use super::document::{self, Detail};
use super::style::show;
use super::{ClusterArgs, Stop, Target};

/// How a plan is printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs: the plan as it is stored, with what status says of it.
    Json,
}

/// Settings of `operator plan`.
#[derive(Args, Clone, Debug)]
pub struct PlanArgs {
    /// Whose plan: grpr/NAME
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
    let object = cluster.get(&args.target).await?;
    let reference = document::present(&object).ok_or_else(|| document::none(&object))?;
    let plan = document::read(&cluster, &object, reference).await?;
    match args.output {
        Format::Text => {
            let heading = document::heading(&object, reference, Some(&plan));
            show(&format!("{heading}{}", document::phases(&plan, Detail::Full)))
        }
        Format::Json => {
            let document = json!({
                "namespace": object.namespace(),
                "name": object.name_any(),
                "uid": object.uid(),
                "status": reference,
                "plan": plan,
            });
            show(&format!("{document:#}\n"))
        }
    }
}
