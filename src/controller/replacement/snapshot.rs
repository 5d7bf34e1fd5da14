//! What was held before the first write, and so what a rollback goes back to.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Pass;
use crate::controller::Connector;
use crate::devolutions::{Holding, Inventory, Permission, Place};
use crate::error::Failure;
use crate::plan::replacement::{Origin, Party, Plan};
use crate::store::Checkpoint;

/// What was held before the first write, place by place.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Snapshot {
    tenant: String,
    custom: Party,
    entra: Party,
    places: Vec<SnapshotPlace>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct SnapshotPlace {
    place: Place,
    label: String,
    ancestors: Vec<Place>,
    custom: Option<Permission>,
    entra: Option<Permission>,
}

impl<K: Connector> Pass<'_, K> {
    /// Records what both groups hold where the plan will write, before it writes.
    pub(super) async fn take_snapshot(
        &self,
        checkpoint: &mut Checkpoint,
        plan: &Plan,
        inventory: &Inventory,
    ) -> Result<(), Failure> {
        let ground = &plan.ground;
        let places = plan.revokes.iter().map(|effect| SnapshotPlace {
            place: effect.place,
            label: effect.label.clone(),
            ancestors: inventory.get(&effect.place).map(|h| h.ancestors.clone()).unwrap_or_default(),
            custom: ground.giver_held.get(&effect.place).cloned(),
            entra: ground.taker_held.get(&effect.place).cloned(),
        });
        let snapshot = Snapshot {
            tenant: ground.tenant.clone(),
            custom: ground.giver.clone(),
            entra: ground.taker.clone(),
            places: places.collect(),
        };
        loop {
            let (name, ours) = self.archive.save_snapshot(checkpoint.next_snapshot, &snapshot).await?;
            checkpoint.next_snapshot += 1;
            // A number that is taken belongs to a pass that was killed before it could say so.
            if ours {
                checkpoint.snapshots.push(name);
                return Ok(());
            }
        }
    }

    /// What was held before the first write of all, and where those places are.
    pub(super) async fn origin(&self, checkpoint: &Checkpoint) -> Result<(Origin, Inventory), Failure> {
        let mut origin = Origin::default();
        let mut places = Inventory::new();
        for name in &checkpoint.snapshots {
            let snapshot: Snapshot = self.archive.load(name).await?;
            for p in snapshot.places {
                // The first snapshot of a place is the one from before, unless a later one shows that
                // nothing of ours was there by then.
                if places.contains_key(&p.place) && p.entra.is_some() {
                    continue;
                }
                origin.custom.remove(&p.place);
                origin.entra.remove(&p.place);
                places.insert(
                    p.place,
                    Holding { label: p.label, ancestors: p.ancestors, groups: BTreeMap::new(), users: BTreeSet::new() },
                );
                origin.custom.extend(p.custom.map(|held| (p.place, held)));
                origin.entra.extend(p.entra.map(|held| (p.place, held)));
            }
        }
        Ok((origin, places))
    }
}
