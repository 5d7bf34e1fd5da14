//! Reads what is assigned where, on all four levels.

use uuid::Uuid;

use super::{DevolutionsCloud, Holding, Inventory, PermissionSet, Place, Vault};
use crate::error::{Class, Failure};

/// Every place that this identity can read and where anything is assigned. What the identity cannot
/// see is silently not in it: the vendor's `Get-HubVault` lists accessible vaults only. But what was
/// listed and then cannot be read fails the whole: an inventory with a hole must not pass for one without.
pub async fn take<C: DevolutionsCloud>(cloud: &C) -> Result<Inventory, Failure> {
    let mut inventory = Inventory::new();
    read_one(cloud, &mut inventory, Place::System, "the system permissions", Vec::new()).await?;
    read_one(cloud, &mut inventory, Place::AllVaults, ALL_VAULTS, Vec::new()).await?;
    for vault in cloud.vaults().await? {
        read_vault(cloud, &mut inventory, &vault).await?;
    }
    Ok(inventory)
}

/// The places whose access a write at `place` can change, and all that is above them.
pub async fn around<C: DevolutionsCloud>(cloud: &C, place: &Place) -> Result<Inventory, Failure> {
    let mut inventory = Inventory::new();
    match place {
        Place::System => {
            read_one(cloud, &mut inventory, Place::System, "the system permissions", Vec::new()).await?;
            Ok(inventory)
        }
        Place::AllVaults => take(cloud).await,
        Place::Vault { vault } | Place::Entry { vault, .. } => {
            // The long list first, so that what is above it is as fresh as can be.
            read_vault(cloud, &mut inventory, &nameless(*vault)).await?;
            read_one(cloud, &mut inventory, Place::AllVaults, ALL_VAULTS, Vec::new()).await?;
            Ok(inventory)
        }
    }
}

const ALL_VAULTS: &str = "the permissions on all vaults";

/// A vault of which only the id is known.
fn nameless(id: Uuid) -> Vault {
    Vault { id, name: id.to_string() }
}

async fn read_vault<C: DevolutionsCloud>(cloud: &C, inventory: &mut Inventory, vault: &Vault) -> Result<(), Failure> {
    let place = Place::Vault { vault: vault.id };
    let label = format!("vault \"{}\"", vault.name);
    read_one(cloud, inventory, place, &label, vec![Place::AllVaults]).await?;
    for entry in cloud.entries(vault).await?.ok_or_else(|| vanished(&label))? {
        let above = entry.ancestor_ids.iter().map(|id| Place::Entry { vault: vault.id, entry: *id });
        let ancestors = [Place::AllVaults, place].into_iter().chain(above).collect();
        let kind = if entry.is_folder { "folder" } else { "entry" };
        let label = format!("{kind} \"{}\" in vault \"{}\"", entry.name, vault.name);
        let at = Place::Entry { vault: vault.id, entry: entry.id };
        add(inventory, at, label, ancestors, entry.permissions);
    }
    Ok(())
}

async fn read_one<C: DevolutionsCloud>(
    cloud: &C,
    inventory: &mut Inventory,
    place: Place,
    label: &str,
    ancestors: Vec<Place>,
) -> Result<(), Failure> {
    let observed = cloud.permissions(&place, label).await?.ok_or_else(|| vanished(label))?;
    add(inventory, place, label.to_owned(), ancestors, observed.permissions);
    Ok(())
}

fn vanished(label: &str) -> Failure {
    Failure::new(
        Class::Transient,
        "VanishedMeanwhile",
        format!(
            "Could not read what is assigned at {label}: the server listed it and then did not know it (HTTP 404). All is read again."
        ),
    )
}

fn add(inventory: &mut Inventory, place: Place, label: String, ancestors: Vec<Place>, held: PermissionSet) {
    if !held.groups.is_empty() || !held.users.is_empty() {
        let users = held.users.into_keys().collect();
        inventory.insert(place, Holding { label, ancestors, groups: held.groups, users });
    }
}
