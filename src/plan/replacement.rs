//! The plan of a replacement, and of its rollback: all grants, then all revokes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::neutrality::{self, Change, Held, Paths};
use super::{PlanHash, Refusal, count, name_some};
use crate::api::Gate;
use crate::devolutions::{Group, GroupId, Inventory, Permission, Place, UserId};

/// As `soak`: the second phase follows the first at once.
pub const NO_SOAK: &str = "0s";

/// One of the two groups of a plan.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Party {
    /// Its id in Devolutions Cloud.
    pub id: GroupId,
    /// Its name when the plan was made.
    pub name: String,
}

impl From<&Group> for Party {
    fn from(group: &Group) -> Self {
        Self { id: group.id, name: group.name.clone() }
    }
}

/// One write: the permission that is granted to the taker, or revoked from the giver, at a place.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Effect {
    /// Where.
    pub place: Place,
    /// What people know the place by.
    pub label: String,
    /// What is granted, or was held.
    pub permission: Permission,
}

/// Two groups with the same members and what each holds, as observed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Ground {
    /// The server's address.
    pub tenant: String,
    /// The group that gives its permissions away.
    pub giver: Party,
    /// The group that takes them.
    pub taker: Party,
    /// The members of both.
    pub members: BTreeSet<UserId>,
    /// What the giver holds.
    #[serde(with = "held_as_list")]
    pub giver_held: Held,
    /// What the taker holds.
    #[serde(with = "held_as_list")]
    pub taker_held: Held,
}

/// What is to be done, in order, with all that it rests on.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Plan {
    /// The gate that it passes.
    pub gate: Gate,
    /// How many plans of this replacement were begun before: a word that was given for one opens no later one.
    pub attempt: u32,
    /// How long both groups are to hold the permissions between the phases, such as `24h`.
    pub soak: String,
    /// What it rests on.
    pub ground: Ground,
    /// Phase 1: what the taker is granted, from the leaf to the root.
    pub grants: Vec<Effect>,
    /// Phase 2: what the giver loses, from the root to the leaf.
    pub revokes: Vec<Effect>,
}

impl Plan {
    /// The same, as what is begun next.
    #[must_use]
    pub fn asked_for(self, attempt: u32, soak: &str) -> Self {
        Self { attempt, soak: soak.to_owned(), ..self }
    }

    /// Whether nothing is left to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.grants.is_empty() && self.revokes.is_empty()
    }

    /// The digest of all that the plan says, names included: of what people are shown.
    #[must_use]
    pub fn digest(&self) -> PlanHash {
        PlanHash::of(&serde_json::to_value(self).unwrap_or_default())
    }

    /// The hash over the effects and everything that they rest on. Names of places and groups are
    /// left out: renaming one changes nobody's access.
    #[must_use]
    pub fn hash(&self) -> PlanHash {
        // Destructured in full, so that a new field cannot be forgotten here.
        let Self { gate, attempt, soak, ground, grants, revokes } = self;
        let Ground { tenant, giver, taker, members, giver_held, taker_held } = ground;
        let list = |effects: &[Effect]| effects.iter().map(|e| json!([e.place, e.permission])).collect::<Vec<_>>();
        PlanHash::of(&json!({
            "tenant": tenant,
            "gate": gate,
            "attempt": attempt,
            "soak": soak,
            "giver": giver.id,
            "taker": taker.id,
            "members": members,
            "giverHeld": Vec::from_iter(giver_held),
            "takerHeld": Vec::from_iter(taker_held),
            "grants": list(grants),
            "revokes": list(revokes),
        }))
    }
}

/// Plans that the taker gets all that the giver holds, and that the giver then loses it.
pub fn plan(ground: &Ground, inventory: &Inventory) -> Result<Plan, Refusal> {
    let paths = paths(inventory);
    refuse_conflicts(ground, inventory, &paths)?;
    let wanted = |place: &Place| !ground.taker_held.contains_key(place);
    let grants = effects(inventory, ground.giver_held.iter().filter(|(place, _)| wanted(place)));
    let revokes = effects(inventory, ground.giver_held.iter());
    proven(Gate::Replacement, ground, &paths, grants, revokes)
}

/// Plans the way back: the custom group gets what `origin` says it held, and the Entra group loses
/// what it got for it. `ground.giver` is the Entra group here.
pub fn plan_rollback(ground: &Ground, inventory: &Inventory, origin: &Origin) -> Result<Plan, Refusal> {
    let paths = paths(inventory);
    refuse_foreign_changes(ground, inventory, origin)?;
    refuse_conflicts(ground, inventory, &paths)?;
    let missing: Held = origin.custom.iter().filter(|(p, _)| !ground.taker_held.contains_key(p)).map(owned).collect();
    let is_surplus = |p: &Place| origin.custom.contains_key(p) && !origin.entra.contains_key(p);
    let surplus: Held = ground.giver_held.iter().filter(|(p, _)| is_surplus(p)).map(owned).collect();
    // The way back is the way forth in reverse, so its end must be as free of conflicts as its start:
    // what the Entra group was given above meanwhile would show where its own assignment goes.
    let mut end = ground.clone();
    end.taker_held.extend(missing.clone());
    end.giver_held.retain(|place, _| !surplus.contains_key(place));
    refuse_conflicts(&end, inventory, &paths)?;
    let (grants, revokes) = (effects(inventory, missing.iter()), effects(inventory, surplus.iter()));
    proven(Gate::Rollback, ground, &paths, grants, revokes)
}

fn owned((place, permission): (&Place, &Permission)) -> (Place, Permission) {
    (*place, permission.clone())
}

/// What both groups held before the first write.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Origin {
    /// The custom group's assignments.
    pub custom: Held,
    /// The Entra group's assignments at those places.
    pub entra: Held,
}

/// A rollback restores only what the replacement changed; where somebody else has been since, it stops.
fn refuse_foreign_changes(ground: &Ground, inventory: &Inventory, origin: &Origin) -> Result<(), Refusal> {
    let mut changed = Vec::new();
    for (place, before) in &origin.custom {
        let custom = ground.taker_held.get(place);
        let entra = ground.giver_held.get(place);
        let custom_is_ours = custom.is_none_or(|now| now == before);
        // Either it was granted, or it is as it was; and one of the two groups holds the permission.
        let entra_is_ours = entra == Some(before) || (entra == origin.entra.get(place) && custom.is_some());
        if !(custom_is_ours && entra_is_ours) {
            changed.push(label(inventory, place));
        }
    }
    if changed.is_empty() {
        return Ok(());
    }
    Err(Refusal::new(
        "ChangedSince",
        format!(
            "Somebody changed what \"{}\" or \"{}\" holds since the replacement, and a rollback would overwrite it: {}. Set these back by hand as the snapshot shows them, then ask again.",
            ground.taker.name,
            ground.giver.name,
            name_some(changed.iter().map(String::as_str))
        ),
    ))
}

fn refuse_conflicts(ground: &Ground, inventory: &Inventory, paths: &Paths) -> Result<(), Refusal> {
    let conflicts = neutrality::conflicts(paths, &ground.giver_held, &ground.taker_held);
    if conflicts.is_empty() {
        return Ok(());
    }
    let said: Vec<String> = conflicts
        .iter()
        .map(|c| {
            let held = |place: Option<Place>, held: &Held| {
                let at = place.map(|p| label(inventory, &p)).unwrap_or_default();
                let what = place.and_then(|p| held.get(&p)).map(describe).unwrap_or_default();
                format!("{what} at {at}")
            };
            format!(
                "at {} \"{}\" has {} but \"{}\" has {}",
                label(inventory, &c.seen_from),
                ground.giver.name,
                held(c.giver, &ground.giver_held),
                ground.taker.name,
                held(c.taker, &ground.taker_held),
            )
        })
        .collect();
    Err(Refusal::new(
        "Conflict",
        format!(
            "The two groups already hold different permissions on the same path, so somebody's access would change ({}): {}. Make them equal or remove the one at \"{}\".",
            count(conflicts.len(), "place"),
            name_some(said.iter().map(String::as_str)),
            ground.taker.name,
        ),
    ))
}

/// Orders both phases and lets the proof have the last word.
fn proven(
    gate: Gate,
    ground: &Ground,
    paths: &Paths,
    mut grants: Vec<Effect>,
    mut revokes: Vec<Effect>,
) -> Result<Plan, Refusal> {
    let depth = |effect: &Effect| (paths.get(&effect.place).map_or(0, Vec::len), effect.place);
    grants.sort_by_key(|effect| std::cmp::Reverse(depth(effect)));
    revokes.sort_by_key(depth);
    // System permissions are a tree of their own; they come last in phase 1 and first in phase 2.
    grants.sort_by_key(|effect| effect.place == Place::System);
    revokes.sort_by_key(|effect| effect.place != Place::System);
    let steps: Vec<Change<'_>> = grants
        .iter()
        .map(|e| Change::Grant(&e.place, &e.permission))
        .chain(revokes.iter().map(|e| Change::Revoke(&e.place)))
        .collect();
    if let Err(counter) = neutrality::prove(paths, &ground.giver_held, &ground.taker_held, &steps) {
        return Err(Refusal::new(
            "NotNeutral",
            format!(
                "Step {} of the plan would change the access of the members of \"{}\" ({}), so the plan was thrown away. Nothing was written. Please report this.",
                counter.step.unwrap_or_default() + 1,
                ground.giver.name,
                counter.seen_from
            ),
        ));
    }
    Ok(Plan { gate, attempt: 0, soak: NO_SOAK.to_owned(), ground: ground.clone(), grants, revokes })
}

fn effects<'a>(inventory: &Inventory, held: impl Iterator<Item = (&'a Place, &'a Permission)>) -> Vec<Effect> {
    held.map(|(place, permission)| Effect {
        place: *place,
        label: label(inventory, place),
        permission: permission.clone(),
    })
    .collect()
}

/// What one group holds, of all that was read.
#[must_use]
pub fn held_by(inventory: &Inventory, group: GroupId) -> Held {
    inventory.iter().filter_map(|(place, holding)| Some((*place, holding.groups.get(&group)?.clone()))).collect()
}

/// The places above each place.
#[must_use]
pub fn paths(inventory: &Inventory) -> Paths {
    inventory.iter().map(|(place, holding)| (*place, holding.ancestors.clone())).collect()
}

fn label(inventory: &Inventory, place: &Place) -> String {
    inventory.get(place).map_or_else(|| place.to_string(), |holding| holding.label.clone())
}

/// A permission in few words.
#[must_use]
pub fn describe(permission: &Permission) -> String {
    if let Some(role) = permission.0.get("roleId").and_then(serde_json::Value::as_str) {
        return format!("role {role}");
    }
    let on: Vec<&str> = permission
        .0
        .get("flags")
        .and_then(serde_json::Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(_, on)| on.as_bool() == Some(true))
        .map(|(name, _)| name.as_str())
        .collect();
    if on.is_empty() { "no right".to_owned() } else { on.join("+") }
}

/// JSON has no maps with structured keys, so a map of places is written as a list of pairs.
mod held_as_list {
    use super::{BTreeMap, Held, Permission, Place};
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(held: &Held, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(held.iter())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Held, D::Error> {
        let pairs = Vec::<(Place, Permission)>::deserialize(deserializer)?;
        Ok(pairs.into_iter().collect::<BTreeMap<_, _>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn another_attempt_and_another_soak_make_another_plan() {
        let party = |id: u128| Party { id: GroupId(Uuid::from_u128(id)), name: "X".to_owned() };
        let (giver_held, taker_held) = (Held::new(), Held::new());
        let tenant = "https://contoso.example".to_owned();
        let ground =
            Ground { tenant, giver: party(1), taker: party(2), members: BTreeSet::new(), giver_held, taker_held };
        let asked_for = |attempt, soak| plan(&ground, &Inventory::new()).expect("a plan").asked_for(attempt, soak);
        let first = asked_for(0, "24h");
        assert_eq!(first.hash(), asked_for(0, "24h").hash());
        assert_ne!(first.hash(), asked_for(1, "24h").hash());
        assert_ne!(first.hash(), asked_for(0, "1h").hash());
    }
}
