//! Observe: what Devolutions Cloud says now.

use crate::api::{CustomGroupRef, EntraGroupRef, GroupReplacementSpec};
use crate::devolutions::{DevolutionsCloud, Group, GroupId, Identity, Inventory, Place, User, take_inventory};
use crate::error::Failure;
use crate::plan::group::{Wanted, find_custom, find_entra};
use crate::plan::replacement::{Effect, Plan, held_by};
use crate::plan::run::{self, Phase};
use crate::plan::{PlanHash, Refusal};
use crate::store::Checkpoint;

/// What was observed in one pass.
#[derive(Debug)]
pub struct World {
    /// Who we are.
    pub identity: Identity,
    /// Every user.
    pub users: Vec<User>,
    /// Every group.
    pub groups: Vec<Group>,
    /// Who holds what.
    pub inventory: Inventory,
}

impl World {
    /// Reads it all.
    pub async fn observe<C: DevolutionsCloud>(cloud: &C) -> Result<Self, Failure> {
        Ok(Self {
            identity: cloud.identity().await?,
            users: cloud.users().await?,
            groups: cloud.groups().await?,
            inventory: take_inventory(cloud).await?,
        })
    }

    /// The custom group and the Entra group: as the spec names them, or, once work has begun, by
    /// the ids that it began with.
    pub fn resolve(
        &self,
        spec: &GroupReplacementSpec,
        checkpoint: Option<&Checkpoint>,
    ) -> Result<(&Group, &Group), Refusal> {
        if let Some(checkpoint) = checkpoint {
            return Ok((self.known(checkpoint.from)?, self.known(checkpoint.to)?));
        }
        let custom = find_custom(&self.groups, &wanted_custom(&spec.from))?;
        let entra = find_entra(&self.groups, &wanted_entra(&spec.to))?;
        if custom.id == entra.id {
            return Err(Refusal::new("SameGroup", format!("from and to are the same group, \"{}\".", custom.name)));
        }
        Ok((custom, entra))
    }

    fn known(&self, id: GroupId) -> Result<&Group, Refusal> {
        self.groups.iter().find(|g| g.id == id).ok_or_else(|| {
            Refusal::new("GroupNotFound", format!(
                "The group {id}, with which this replacement began, is no longer in Devolutions Cloud. If it was deleted on purpose, give the work to a new GroupReplacement of another name."
            ))
        })
    }

    /// The operator must not saw off the branch that it sits on.
    pub fn refuse_own_rights(&self, custom: &Group) -> Result<(), Refusal> {
        if !custom.user_ids.contains(&self.identity.user_id) {
            return Ok(());
        }
        Err(Refusal::new(
            "OwnRightsThroughFrom",
            format!(
                "The operator's own identity \"{}\" is a member of \"{}\" and would lose the rights it works with. Give it its permissions directly, then take it out of the group.",
                self.identity.name, custom.name
            ),
        ))
    }

    /// As [`refuse_unseen_vaults`], of what was observed.
    pub fn refuse_unseen_vaults(&self, plan: &Plan) -> Result<(), Refusal> {
        refuse_unseen_vaults(plan, &self.identity, &self.groups, &self.inventory)
    }

    /// What a pinned plan has left to do, if everything that it rests on still holds.
    pub fn remaining<'p>(&self, plan: &'p Plan, hash: &PlanHash, phase: Phase) -> Result<Vec<&'p Effect>, Refusal> {
        if plan.hash() != *hash {
            return Err(Refusal::new(
                "PlanStale",
                format!(
                    "The plan's Secret does not hold the plan that was approved ({hash}). To have a new plan made, set the annotation {} to a new value.",
                    crate::api::REQUESTED_AT
                ),
            ));
        }
        let giver = self.known(plan.ground.giver.id)?;
        let taker = self.known(plan.ground.taker.id)?;
        run::same_members(plan, giver, taker)?;
        run::remaining(plan, phase, &held_by(&self.inventory, giver.id), &held_by(&self.inventory, taker.id))
    }
}

/// Where a plan changes permissions on all vaults, it changes them on vaults that this identity
/// cannot see, too; and what the groups hold there could show in another light. Only who holds
/// something on all vaults can be taken to see them all (inferred: `Get-HubVault` lists accessible
/// vaults only, and every role has the right to view the vault).
pub fn refuse_unseen_vaults(
    plan: &Plan,
    identity: &Identity,
    groups: &[Group],
    inventory: &Inventory,
) -> Result<(), Refusal> {
    let touches_all = plan.grants.iter().chain(&plan.revokes).any(|e| e.place == Place::AllVaults);
    let me = identity.user_id;
    let (giver, taker) = (plan.ground.giver.id, plan.ground.taker.id);
    let sees_all = inventory.get(&Place::AllVaults).is_some_and(|all| {
        let through = |g: &&Group| g.id != giver && g.id != taker && g.user_ids.contains(&me);
        all.users.contains(&me) || groups.iter().filter(through).any(|g| all.groups.contains_key(&g.id))
    });
    if !touches_all || sees_all {
        return Ok(());
    }
    Err(Refusal::new(
        "VaultsMayBeHidden",
        format!(
            "The plan changes permissions on all vaults, but \"{}\" holds nothing on all vaults itself. There may be vaults that it cannot see, and access to them would change unseen. Make it a vault owner on all vaults.",
            identity.name
        ),
    ))
}

fn wanted_custom(reference: &CustomGroupRef) -> Wanted {
    match (&reference.id, &reference.name) {
        (Some(id), _) => Wanted::Id(id.clone()),
        (None, name) => Wanted::Name(name.clone().unwrap_or_default()),
    }
}

fn wanted_entra(reference: &EntraGroupRef) -> Wanted {
    match (&reference.id, &reference.display_name) {
        (Some(id), _) => Wanted::Id(id.clone()),
        (None, name) => Wanted::Name(name.clone().unwrap_or_default()),
    }
}
