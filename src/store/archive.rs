//! Documents in Secrets: compressed, and in as many parts as their size asks for. Plans and snapshots never change;
//! a forecast, and who is expected to come across, is replaced by the next one.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Keeper, Secrets, managed};
use crate::error::{Class, Failure};
use crate::plan::PlanHash;

/// A Secret may hold 1 MiB in all (<https://kubernetes.io/docs/concepts/configuration/secret/>).
const PART: usize = 768 * 1024;
const DATA: &str = "document.json.gz";
const PARTS: &str = "parts";
/// In each part of a document that can change: what the whole of it is, so that parts of two are never taken for one.
const DIGEST: &str = "digest";
const EXPECTATION: &str = "expectation";

/// The documents of one resource.
#[derive(Clone, Debug)]
pub struct Archive(Secrets);

impl Archive {
    /// The documents of `object`.
    #[must_use]
    pub fn new<R: Keeper>(client: &Client, object: &R) -> Self {
        Self(Secrets::of(client, object))
    }

    /// Stores a plan under its hash. It belongs to the resource and goes with it. The hash leaves out
    /// names, so the same plan can come with others: then its document has a name of its own.
    pub async fn save_plan<T: Serialize + Sync>(&self, short_hash: &str, plan: &T) -> Result<String, Failure> {
        let name = self.0.owner.name_of(&format!("plan-{short_hash}"));
        if self.save(&name, "plan", true, plan).await? {
            return Ok(name);
        }
        let name = format!("{name}-{}", digest(&name, plan)?.short());
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
        let name = self.snapshot_name(number);
        let ours = self.save(&name, "snapshot", false, snapshot).await?;
        Ok((name, ours))
    }

    /// The name of the first snapshot, where there is one: something was begun then.
    pub async fn first_snapshot(&self) -> Result<Option<String>, Failure> {
        let name = self.snapshot_name(1);
        Ok(self.get(&name).await?.map(|_| name))
    }

    fn snapshot_name(&self, number: u32) -> String {
        self.0.owner.name_of(&format!("snapshot-{number:04}"))
    }

    /// Stores `document`; false where another one of that name is there already.
    async fn save<T: Serialize + Sync>(
        &self,
        name: &str,
        part: &str,
        owned: bool,
        document: &T,
    ) -> Result<bool, Failure> {
        // The first part comes last: where it is, all of them are.
        for mut secret in self.parts(name, part, owned, document)?.into_iter().rev() {
            secret.immutable = Some(true);
            let name = secret.metadata.name.clone().unwrap_or_default();
            match self.0.api.create(&managed(), &secret).await {
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
                        self.0
                            .api
                            .replace(&name, &managed(), &there)
                            .await
                            .map_err(|e| Failure::kubernetes(&format!("take over Secret {name}"), &e))?;
                    }
                }
                Err(e) => return Err(Failure::kubernetes(&format!("write Secret {name}"), &e)),
            }
        }
        Ok(true)
    }

    /// Stores the present forecast in the place of the last one. It belongs to the resource and goes with it.
    /// Gives its name and what the whole of it is.
    pub async fn save_forecast<T: Serialize + Sync>(&self, forecast: &T) -> Result<(String, PlanHash), Failure> {
        self.save_newest("forecast", true, forecast).await
    }

    /// Stores who is to come across, in the place of what was said before. It stays when the resource goes.
    pub async fn save_expectation<T: Serialize + Sync>(&self, expectation: &T) -> Result<(), Failure> {
        self.save_newest(EXPECTATION, false, expectation).await.map(drop)
    }

    /// The name of the Secret that says who is to come across.
    #[must_use]
    pub fn expectation_name(&self) -> String {
        self.0.owner.name_of(EXPECTATION)
    }

    /// Who is to come across, where anybody has said so.
    pub async fn load_expectation<T: DeserializeOwned>(&self) -> Result<Option<T>, Failure> {
        let name = self.expectation_name();
        match self.0.get(&name, &format!("the {EXPECTATION}")).await? {
            Some(_) => self.load(&name).await.map(Some),
            None => Ok(None),
        }
    }

    async fn save_newest<T: Serialize + Sync>(
        &self,
        part: &str,
        is_owned: bool,
        document: &T,
    ) -> Result<(String, PlanHash), Failure> {
        let whole = self.0.owner.name_of(part);
        let digest = digest(&whole, document)?;
        let parts = self.parts(&whole, part, is_owned, document)?;
        self.empty_surplus(&whole, parts.len()).await?;
        for mut secret in parts.into_iter().rev() {
            let name = secret.metadata.name.clone().unwrap_or_default();
            let mark = ByteString(digest.as_str().as_bytes().to_vec());
            secret.data.get_or_insert_default().insert(DIGEST.to_owned(), mark);
            let there = self.0.get(&name, &format!("the {part}")).await?;
            let is_same = |there: &Secret| {
                there.data == secret.data && there.metadata.owner_references == secret.metadata.owner_references
            };
            if !there.as_ref().is_some_and(is_same) {
                self.0.put(secret, there).await?;
            }
        }
        Ok((whole, digest))
    }

    /// Takes the content out of parts that a longer document before had and this one has not.
    async fn empty_surplus(&self, whole: &str, parts: usize) -> Result<(), Failure> {
        for index in parts.. {
            let name = part_name(whole, index);
            let Some(mut there) = self.get(&name).await?.filter(|there| self.0.owner.keeps(there)) else { break };
            if there.data.take().is_some_and(|data| !data.is_empty()) {
                let what = format!("empty Secret {name}");
                self.0.api.replace(&name, &managed(), &there).await.map_err(|e| Failure::kubernetes(&what, &e))?;
            }
        }
        Ok(())
    }

    /// The Secrets that hold a document, the first part first.
    fn parts<T: Serialize>(&self, name: &str, part: &str, owned: bool, document: &T) -> Result<Vec<Secret>, Failure> {
        let compressed = compress(document).map_err(|e| {
            Failure::new(Class::Bug, "DocumentUnwritable", format!("Could not compress Secret {name}: {e}"))
        })?;
        let chunks: Vec<&[u8]> = compressed.chunks(PART).collect();
        let secret = |(index, chunk): (usize, &&[u8])| {
            let mut metadata = self.0.owner.metadata(part_name(name, index), part);
            if owned {
                metadata.owner_references = self.0.owner.reference.clone().map(|owner| vec![owner]);
            }
            let data = BTreeMap::from([
                (DATA.to_owned(), ByteString(chunk.to_vec())),
                (PARTS.to_owned(), ByteString(chunks.len().to_string().into_bytes())),
            ]);
            Secret { metadata, data: Some(data), ..Secret::default() }
        };
        Ok(chunks.iter().enumerate().map(secret).collect())
    }

    /// Reads a document.
    pub async fn load<T: DeserializeOwned>(&self, name: &str) -> Result<T, Failure> {
        let mut compressed = Vec::new();
        let mut whole = None;
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
            let digest = data.remove(DIGEST);
            if *whole.get_or_insert_with(|| digest.clone()) != digest {
                return Err(Failure::new(
                    Class::Conflict,
                    "WrittenMeanwhile",
                    format!("Secret {name} was replaced while it was read. Try again."),
                ));
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
        self.0.api.get_opt(name).await.map_err(|e| Failure::kubernetes(&format!("read Secret {name}"), &e))
    }
}

fn digest<T: Serialize>(name: &str, document: &T) -> Result<PlanHash, Failure> {
    let document = serde_json::to_value(document)
        .map_err(|e| Failure::new(Class::Bug, "DocumentUnwritable", format!("Could not write Secret {name}: {e}")))?;
    Ok(PlanHash::of(&document))
}

fn part_name(name: &str, index: usize) -> String {
    if index == 0 { name.to_owned() } else { format!("{name}-{index}") }
}

fn compress<T: Serialize>(document: &T) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&serde_json::to_vec(document)?)?;
    encoder.finish()
}
