//! What must survive a crash, in Secrets beside the resource: the checkpoint, the snapshots of what
//! was held before the first write, and the plans in full. Together they are an access map of a
//! password vault, so as a whole it is nowhere else: status, events and logs name single places and at
//! most twenty members.

mod archive;
mod checkpoint;

pub use archive::Archive;
pub use checkpoint::{Checkpoint, CheckpointStore, Named, Run, Stopped};

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt as _;

use crate::api::{GROUP, GroupReplacement};

/// The field manager of everything that the operator writes.
pub const MANAGER: &str = "devolutions-migration-operator";

/// `grpr-<name>-<suffix>`.
fn name_of(object: &GroupReplacement, suffix: &str) -> String {
    format!("grpr-{}-{suffix}", object.name_any())
}

fn metadata(object: &GroupReplacement, name: String, part: &str) -> ObjectMeta {
    let labels = [
        ("app.kubernetes.io/managed-by".to_owned(), MANAGER.to_owned()),
        (format!("{GROUP}/kind"), "GroupReplacement".to_owned()),
        (format!("{GROUP}/part"), part.to_owned()),
    ];
    // A name can be longer than a label's value may be, so it stands in an annotation.
    let annotations = [(format!("{GROUP}/name"), object.name_any())];
    ObjectMeta {
        name: Some(name),
        namespace: object.namespace(),
        labels: Some(BTreeMap::from(labels)),
        annotations: Some(BTreeMap::from(annotations)),
        ..ObjectMeta::default()
    }
}
