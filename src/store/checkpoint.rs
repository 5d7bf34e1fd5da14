//! The checkpoint: the little that the outside cannot tell us again, written before the effect that
//! needs it. It has no owner: deleting a resource destroys no way back.

use std::marker::PhantomData;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Keeper, Owner, managed};
use crate::error::{Class, Failure};

const KEY: &str = "checkpoint.json";

/// Reads and writes one resource's checkpoint.
#[derive(Clone, Debug)]
pub struct CheckpointStore<C> {
    api: Api<Secret>,
    owner: Owner,
    /// What was last read or written; a write names its resourceVersion.
    known: Option<Secret>,
    holds: PhantomData<C>,
}

impl<C: DeserializeOwned + Serialize> CheckpointStore<C> {
    /// The checkpoint of `object`.
    #[must_use]
    pub fn new<R: Keeper>(client: &Client, object: &R) -> Self {
        let owner = Owner::of(object);
        Self { api: Api::namespaced(client.clone(), &owner.namespace), owner, known: None, holds: PhantomData }
    }

    /// The name of its Secret.
    #[must_use]
    pub fn name(&self) -> String {
        self.owner.name_of("checkpoint")
    }

    /// Reads it; none where nothing was begun.
    pub async fn load(&mut self) -> Result<Option<C>, Failure> {
        let name = self.name();
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
    pub async fn save(&mut self, checkpoint: &C) -> Result<(), Failure> {
        let name = self.name();
        let what = format!("write the checkpoint, Secret {name}");
        let bytes = serde_json::to_vec(checkpoint)
            .map_err(|e| Failure::new(Class::Bug, "CheckpointUnwritable", format!("Could not {what}: {e}")))?;
        let mut secret = self.known.clone().unwrap_or_else(|| Secret {
            metadata: self.owner.metadata(name.clone(), "checkpoint"),
            ..Secret::default()
        });
        secret.data.get_or_insert_default().insert(KEY.to_owned(), ByteString(bytes));
        let written = if self.known.is_some() {
            self.api.replace(&name, &managed(), &secret).await
        } else {
            self.api.create(&managed(), &secret).await
        };
        self.known = Some(written.map_err(|e| Failure::kubernetes(&what, &e))?);
        Ok(())
    }
}
