//! The surroundings of the operator's tests and of the demo, as real processes: a Kubernetes control plane
//! ([`cluster`]), the stand-in for the outside systems ([`sandbox`]) and the operator itself ([`operator`]).
//!
//! It shares no code with either of the latter two: it runs their programs, so the whole workspace has to be built
//! first. Whatever it starts ends with its owner, even if that is killed ([`process`]).
//!
//! ```no_run
//! # use std::{path::Path, time::Duration};
//! # use testbed::{Result, cluster::Cluster, operator::{Operator, Options}, sandbox::Sandbox, wait};
//! # async fn test(folder: &Path, manifests: &str) -> Result<()> {
//! let cluster = Cluster::start(&folder.join("cluster")).await?;
//! let sandbox = Sandbox::start(&folder.join("sandbox"), &["--seed", "1"]).await?;
//! cluster.admin().apply(manifests).await?;
//! let account = cluster.service_account_kubeconfig("migration", "operator", Duration::from_hours(1)).await?;
//! let mut operator = Operator::start(&Options::new(&account, &folder.join("operator.log"))).await?;
//!
//! let hold = sandbox.wait_for_hold(Duration::from_mins(1)).await?;
//! operator.restart().await?; // kill -9, then a new one
//! sandbox.release(hold.id).await?;
//!
//! let replacement = wait::Object { kind: "grpr", namespace: Some("demo"), name: "all" };
//! let succeeded = |state: &_| wait::has_condition(state, "Succeeded");
//! wait::until(&cluster.admin(), replacement, "the replacement to succeed", Duration::from_mins(2), succeeded).await?;
//! assert_eq!(sandbox.violations().await?.total, 0);
//!
//! // Dropping them ends them too, but some time after: stop them before their folder is removed.
//! operator.stop().await?;
//! sandbox.stop().await?;
//! cluster.stop().await
//! # }
//! ```

pub mod binaries;
pub mod cluster;
pub mod demo;
mod error;
pub mod helm;
mod http;
pub mod kubectl;
pub mod operator;
mod owned;
pub mod pki;
pub mod process;
pub mod sandbox;
pub mod supervise;
pub mod wait;
pub mod workspace;

pub use error::{Error, Result};
