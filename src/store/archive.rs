//! Immutable documents in Secrets: compressed, and in as many parts as their size asks for.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::PostParams;
use kube::{Api, Client, Resource as _};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{metadata, name_of};
use crate::api::GroupReplacement;
use crate::error::{Class, Failure};
use crate::plan::PlanHash;

/// A Secret may hold 1 MiB in all (<https://kubernetes.io/docs/concepts/configuration/secret/>).
const PART: usize = 768 * 1024;
const DATA: &str = "document.json.gz";
const PARTS: &str = "parts";

/// The documents of one resource.
#[derive(Clone, Debug)]
pub struct Archive {
    api: Api<Secret>,
    object: GroupReplacement,
}

impl Archive {
    /// The documents of `object`.
    #[must_use]
    pub fn new(client: &Client, object: &GroupReplacement) -> Self {
        let api = Api::namespaced(client.clone(), object.meta().namespace.as_deref().unwrap_or_default());
        Self { api, object: object.clone() }
    }

    /// Stores a plan under its hash. It belongs to the resource and goes with it. The hash leaves out
    /// names, so the same plan can come with others: then its document has a name of its own.
    pub async fn save_plan<T: Serialize + Sync>(&self, short_hash: &str, plan: &T) -> Result<String, Failure> {
        let name = name_of(&self.object, &format!("plan-{short_hash}"));
        if self.save(&name, "plan", true, plan).await? {
            return Ok(name);
        }
        let document = serde_json::to_value(plan).map_err(|e| {
            Failure::new(Class::Bug, "DocumentUnwritable", format!("Could not write Secret {name}: {e}"))
        })?;
        let name = format!("{name}-{}", PlanHash::of(&document).short());
        if self.save(&name, "plan", true, plan).await? {
            return Ok(name);
        }
        Err(Failure::new(
            Class::Invalid,
            "DocumentForeign",
            format!("Secret {name} should hold the plan and holds something else. Nothing rests on it yet: delete it."),
        ))
    }

    /// Stores a snapshot under its number. It belongs to nobody and stays. False where another
    /// document has that number already.
    pub async fn save_snapshot<T: Serialize + Sync>(
        &self,
        number: u32,
        snapshot: &T,
    ) -> Result<(String, bool), Failure> {
        let name = name_of(&self.object, &format!("snapshot-{number:04}"));
        let ours = self.save(&name, "snapshot", false, snapshot).await?;
        Ok((name, ours))
    }

    /// Stores `document`; false where another one of that name is there already.
    async fn save<T: Serialize + Sync>(
        &self,
        name: &str,
        part: &str,
        owned: bool,
        document: &T,
    ) -> Result<bool, Failure> {
        let compressed = compress(document).map_err(|e| {
            Failure::new(Class::Bug, "DocumentUnwritable", format!("Could not compress Secret {name}: {e}"))
        })?;
        let chunks: Vec<&[u8]> = compressed.chunks(PART).collect();
        // The first part comes last: where it is, all of them are.
        for (index, chunk) in chunks.iter().enumerate().rev() {
            let name = part_name(name, index);
            let mut metadata = metadata(&self.object, name.clone(), part);
            if owned {
                metadata.owner_references = self.object.controller_owner_ref(&()).map(|owner| vec![owner]);
            }
            let data = BTreeMap::from([
                (DATA.to_owned(), ByteString(chunk.to_vec())),
                (PARTS.to_owned(), ByteString(chunks.len().to_string().into_bytes())),
            ]);
            let secret = Secret { metadata, data: Some(data), immutable: Some(true), ..Secret::default() };
            match self.api.create(&PostParams::default(), &secret).await {
                Ok(_) => {}
                Err(kube::Error::Api(status)) if status.is_already_exists() => {
                    let Some(mut there) = self.get(&name).await? else {
                        return Err(Failure::new(
                            Class::Conflict,
                            "WrittenMeanwhile",
                            format!("Secret {name} is being deleted; it is looked at again."),
                        ));
                    };
                    if there.data != secret.data {
                        return Ok(false);
                    }
                    // Left by a resource of the same name that was deleted: it would be collected with that one.
                    if there.metadata.owner_references != secret.metadata.owner_references {
                        there.metadata.owner_references = secret.metadata.owner_references;
                        self.api
                            .replace(&name, &PostParams::default(), &there)
                            .await
                            .map_err(|e| Failure::kubernetes(&format!("take over Secret {name}"), &e))?;
                    }
                }
                Err(e) => return Err(Failure::kubernetes(&format!("write Secret {name}"), &e)),
            }
        }
        Ok(true)
    }

    /// Reads a document.
    pub async fn load<T: DeserializeOwned>(&self, name: &str) -> Result<T, Failure> {
        let mut compressed = Vec::new();
        let mut parts = 1;
        let mut index = 0;
        while index < parts {
            let part = part_name(name, index);
            let secret = self.get(&part).await?.ok_or_else(|| {
                Failure::new(Class::Invalid, "DocumentMissing", format!(
                    "Secret {part} is gone, and the work that was begun rests on it. Restore it from a backup, or set the annotation {} to have a new plan made.",
                    crate::api::REQUESTED_AT
                ))
            })?;
            let mut data = secret.data.unwrap_or_default();
            if index == 0 {
                parts = data.get(PARTS).and_then(|n| std::str::from_utf8(&n.0).ok()?.parse().ok()).unwrap_or(1);
            }
            compressed.append(&mut data.remove(DATA).unwrap_or_default().0);
            index += 1;
        }
        let mut json = Vec::new();
        GzDecoder::new(compressed.as_slice())
            .read_to_end(&mut json)
            .map_err(|e| e.to_string())
            .and_then(|_| serde_json::from_slice(&json).map_err(|e| e.to_string()))
            .map_err(|e| {
                Failure::new(
                    Class::Invalid,
                    "DocumentUnreadable",
                    format!("Secret {name} is damaged ({e}). Restore it from a backup."),
                )
            })
    }

    async fn get(&self, name: &str) -> Result<Option<Secret>, Failure> {
        self.api.get_opt(name).await.map_err(|e| Failure::kubernetes(&format!("read Secret {name}"), &e))
    }
}

fn part_name(name: &str, index: usize) -> String {
    if index == 0 { name.to_owned() } else { format!("{name}-{index}") }
}

fn compress<T: Serialize>(document: &T) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&serde_json::to_vec(document)?)?;
    encoder.finish()
}
