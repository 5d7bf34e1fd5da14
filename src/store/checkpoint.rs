//! The checkpoint: the little that the outside cannot tell us again, written before the effect that
//! needs it. It has no owner: deleting a resource destroys no way back.

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::jiff::Timestamp;
use kube::api::PostParams;
use kube::{Api, Client};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Owner;
use crate::api::{CustomGroupRef, EntraGroupRef, Gate, GroupReplacement};
use crate::devolutions::GroupId;
use crate::error::{Class, Failure};
use crate::plan::PlanHash;

const KEY: &str = "checkpoint.json";

/// What a `GroupReplacement` has begun and how far it is.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Checkpoint {
    /// A random id of this piece of work.
    pub migration_id: Uuid,
    /// The server's address. Another one is never taken for it.
    pub tenant: String,
    /// What the spec named, when work began: a resource of the same name that names other groups is
    /// another piece of work.
    pub named: Named,
    /// The custom group, as first resolved.
    pub from: GroupId,
    /// The Entra group, as first resolved.
    pub to: GroupId,
    /// The snapshots that a rollback goes back to, the first one first. Empty once it is done.
    pub snapshots: Vec<String>,
    /// The number of the next snapshot.
    pub next_snapshot: u32,
    /// The uids of the approvals that were used: each opens one gate once, even where the same plan comes again.
    pub used_approvals: Vec<String>,
    /// The plan that is being carried out, or was last.
    pub run: Option<Run>,
}

/// The groups as a spec names them.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Named {
    /// The custom group.
    pub from: CustomGroupRef,
    /// The Entra group.
    pub to: EntraGroupRef,
}

impl Named {
    /// What `object` names.
    #[must_use]
    pub fn by(object: &GroupReplacement) -> Self {
        Self { from: object.spec.from.clone(), to: object.spec.to.clone() }
    }
}

/// A pinned plan.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// The resource that asked for it. An approval belongs to a uid, and so does a run.
    pub uid: String,
    /// The gate that it passed.
    pub gate: Gate,
    /// Its hash.
    pub hash: PlanHash,
    /// The Secret with the plan in full.
    pub plan_secret: String,
    /// The `PlanApproval` that was used, where one was needed.
    pub approval: Option<String>,
    /// Who approved.
    pub approver: Option<String>,
    /// When phase 1 was complete.
    pub granted_at: Option<Timestamp>,
    /// When all was done and verified.
    pub finished_at: Option<Timestamp>,
    /// Why it stopped for good, where it did.
    pub stopped: Option<Stopped>,
}

/// Why a run stopped, and what a person had asked for by then: anything newer starts afresh.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stopped {
    /// For people.
    pub message: String,
    /// The resource's generation at that time.
    pub generation: Option<i64>,
    /// The annotation `requestedAt` at that time.
    pub requested_at: Option<String>,
}

/// Reads and writes one resource's checkpoint.
#[derive(Clone, Debug)]
pub struct CheckpointStore {
    api: Api<Secret>,
    owner: Owner,
    /// What was last read or written; a write names its resourceVersion.
    known: Option<Secret>,
}

impl CheckpointStore {
    /// The checkpoint of `object`.
    #[must_use]
    pub fn new(client: &Client, object: &GroupReplacement) -> Self {
        let owner = Owner::of(object);
        Self { api: Api::namespaced(client.clone(), &owner.namespace), owner, known: None }
    }

    /// Reads it; none where nothing was begun.
    pub async fn load(&mut self) -> Result<Option<Checkpoint>, Failure> {
        let name = self.owner.name_of("checkpoint");
        let what = format!("read the checkpoint, Secret {name}");
        self.known = self.api.get_opt(&name).await.map_err(|e| Failure::kubernetes(&what, &e))?;
        let Some(secret) = &self.known else {
            return Ok(None);
        };
        let bytes = secret.data.as_ref().and_then(|d| d.get(KEY));
        let checkpoint = bytes.and_then(|b| serde_json::from_slice(&b.0).ok()).ok_or_else(|| {
            Failure::new(Class::Invalid, "CheckpointUnreadable", format!(
                "Secret {name} should hold the checkpoint in its key {KEY} and does not. Restore it; without it nothing tells what was already done."
            ))
        })?;
        Ok(Some(checkpoint))
    }

    /// Writes it, if nobody else has since it was read.
    pub async fn save(&mut self, checkpoint: &Checkpoint) -> Result<(), Failure> {
        let name = self.owner.name_of("checkpoint");
        let what = format!("write the checkpoint, Secret {name}");
        let bytes = serde_json::to_vec(checkpoint)
            .map_err(|e| Failure::new(Class::Bug, "CheckpointUnwritable", format!("Could not {what}: {e}")))?;
        let mut secret = self.known.clone().unwrap_or_else(|| Secret {
            metadata: self.owner.metadata(name.clone(), "checkpoint"),
            ..Secret::default()
        });
        secret.data.get_or_insert_default().insert(KEY.to_owned(), ByteString(bytes));
        let written = if self.known.is_some() {
            self.api.replace(&name, &PostParams::default(), &secret).await
        } else {
            self.api.create(&PostParams::default(), &secret).await
        };
        self.known = Some(written.map_err(|e| Failure::kubernetes(&what, &e))?);
        Ok(())
    }
}
