//! What must survive a crash, in Secrets beside the resource: the checkpoint, the snapshots of what
//! was held before the first write, the client secrets and the token for provisioning, who is expected to come across, the plans
//! and forecasts in full. Together they are an access map of a
//! password vault, so as a whole it is nowhere else: status, events and logs name single places and at
//! most twenty members.

mod archive;
mod checkpoint;
mod client_secret;
mod migration;
mod provisioning_token;
mod replacement;

pub use archive::Archive;
pub use checkpoint::CheckpointStore;
pub use client_secret::{ClientSecret, ClientSecrets, Purpose};
pub use migration::{
    ApplicationIds, Asked, CutoverRun, MigrationCheckpoint, Passed, ProvisioningRun, RetirementRun, Returning,
    SavedToken,
};
pub use provisioning_token::{ProvisioningToken, ProvisioningTokens};
pub use replacement::{Checkpoint, Named, Run, Stopped};

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::api::PostParams;
use kube::{Api, Client, Resource, ResourceExt as _};

use crate::api::{GROUP, GroupReplacement, SsoMigration};
use crate::error::{Class, Failure};

/// The field manager of everything that the operator writes.
pub const MANAGER: &str = "devolutions-migration-operator";

/// In the name of the operator.
#[must_use]
pub fn managed() -> PostParams {
    PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() }
}

/// A kind that keeps documents in Secrets.
pub trait Keeper: Resource<DynamicType = ()> {
    /// What the names of its Secrets begin with: the kind's short name.
    const PREFIX: &'static str;
}

impl Keeper for GroupReplacement {
    const PREFIX: &'static str = "grpr";
}

impl Keeper for SsoMigration {
    const PREFIX: &'static str = "ssom";
}

/// The resource that documents belong to.
#[derive(Clone, Debug)]
struct Owner {
    prefix: &'static str,
    kind: String,
    name: String,
    namespace: String,
    reference: Option<OwnerReference>,
}

impl Owner {
    fn of<R: Keeper>(object: &R) -> Self {
        Self {
            prefix: R::PREFIX,
            kind: R::kind(&()).into_owned(),
            name: object.name_any(),
            namespace: object.namespace().unwrap_or_default(),
            reference: object.controller_owner_ref(&()),
        }
    }

    /// `<short name of the kind>-<name>-<suffix>`.
    fn name_of(&self, suffix: &str) -> String {
        format!("{}-{}-{suffix}", self.prefix, self.name)
    }

    /// Whether a Secret is one that we keep for this resource.
    fn keeps(&self, secret: &Secret) -> bool {
        let ours = self.metadata(secret.name_any(), "");
        let has = |key: &str| secret.labels().get(key) == ours.labels.as_ref().and_then(|labels| labels.get(key));
        has("app.kubernetes.io/managed-by")
            && has(&format!("{GROUP}/kind"))
            && ours.annotations.iter().flatten().all(|(key, value)| secret.annotations().get(key) == Some(value))
    }

    fn metadata(&self, name: String, part: &str) -> ObjectMeta {
        let labels = [
            ("app.kubernetes.io/managed-by".to_owned(), MANAGER.to_owned()),
            (format!("{GROUP}/kind"), self.kind.clone()),
            (format!("{GROUP}/part"), part.to_owned()),
        ];
        // A name can be longer than a label's value may be, so it stands in an annotation.
        let annotations = [(format!("{GROUP}/name"), self.name.clone())];
        ObjectMeta {
            name: Some(name),
            namespace: Some(self.namespace.clone()),
            labels: Some(BTreeMap::from(labels)),
            annotations: Some(BTreeMap::from(annotations)),
            ..ObjectMeta::default()
        }
    }
}

/// The Secrets of one resource that are replaced by newer ones of the same name.
#[derive(Clone, Debug)]
struct Secrets {
    api: Api<Secret>,
    owner: Owner,
}

impl Secrets {
    fn of<R: Keeper>(client: &Client, object: &R) -> Self {
        let owner = Owner::of(object);
        Self { api: Api::namespaced(client.clone(), &owner.namespace), owner }
    }

    /// The Secret of this name, where there is one. What it should hold is for whoever finds somebody else's there.
    async fn get(&self, name: &str, what: &str) -> Result<Option<Secret>, Failure> {
        let there = self.api.get_opt(name).await;
        match there.map_err(|e| Failure::kubernetes(&format!("read Secret {name}"), &e))? {
            Some(secret) if !self.owner.keeps(&secret) => Err(Failure::new(
                Class::Invalid,
                "DocumentForeign",
                format!(
                    "Secret {name} should hold {what}, and it is somebody else's. Rename or delete it, or give this resource another name."
                ),
            )),
            there => Ok(there),
        }
    }

    /// Writes a Secret, in the place of the one that was there.
    async fn put(&self, mut secret: Secret, there: Option<Secret>) -> Result<(), Failure> {
        let name = secret.name_any();
        let written = match there {
            Some(there) => {
                secret.metadata.resource_version = there.metadata.resource_version;
                self.api.replace(&name, &managed(), &secret).await
            }
            None => self.api.create(&managed(), &secret).await,
        };
        written.map(drop).map_err(|e| Failure::kubernetes(&format!("write Secret {name}"), &e))
    }
}
