//! Reads all four levels of permissions.

use super::{DevolutionsCloud, Holding, Inventory, Place};
use crate::error::Failure;

/// Every place that this identity can read and where any group holds anything. What the identity
/// cannot see is silently not in it: the vendor's `Get-HubVault` lists accessible vaults only.
pub async fn take<C: DevolutionsCloud>(cloud: &C) -> Result<Inventory, Failure> {
    let mut inventory = Inventory::new();
    for (place, label) in
        [(Place::System, "the system permissions"), (Place::AllVaults, "the permissions on all vaults")]
    {
        if let Some(observed) = cloud.permissions(&place, label).await? {
            add(&mut inventory, place, label.to_owned(), Vec::new(), observed.groups);
        }
    }
    for vault in cloud.vaults().await? {
        let place = Place::Vault { vault: vault.id };
        let label = format!("vault \"{}\"", vault.name);
        // A vault can be deleted between the list and the look.
        let Some(observed) = cloud.permissions(&place, &label).await? else {
            continue;
        };
        add(&mut inventory, place, label, vec![Place::AllVaults], observed.groups);
        for entry in cloud.entries(&vault).await?.unwrap_or_default() {
            let above = entry.ancestor_ids.iter().map(|id| Place::Entry { vault: vault.id, entry: *id });
            let ancestors = [Place::AllVaults, place].into_iter().chain(above).collect();
            let kind = if entry.is_folder { "folder" } else { "entry" };
            let label = format!("{kind} \"{}\" in vault \"{}\"", entry.name, vault.name);
            let at = Place::Entry { vault: vault.id, entry: entry.id };
            add(&mut inventory, at, label, ancestors, entry.permissions.groups);
        }
    }
    Ok(inventory)
}

fn add(
    inventory: &mut Inventory,
    place: Place,
    label: String,
    ancestors: Vec<Place>,
    groups: std::collections::BTreeMap<super::GroupId, super::Permission>,
) {
    if !groups.is_empty() {
        inventory.insert(place, Holding { label, ancestors, groups });
    }
}
