//! A pinned plan against the world as it is now: what is done, what is left, what no longer fits.

use std::collections::BTreeSet;

use super::neutrality::{self, Change, Held};
use super::replacement::{Effect, Plan, held_by, paths};
use super::{Refusal, name_some};
use crate::devolutions::{Group, Inventory, Permission, Place, UserId};

/// Which half of a plan is under way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Phase {
    /// The taker is granted everything.
    Grant,
    /// The giver loses everything.
    Revoke,
}

/// The effects of `phase` that are still to be done, if every place is as the plan recorded it
/// before or after. Anything else means that somebody was there: the plan is stale.
pub fn remaining<'a>(plan: &'a Plan, phase: Phase, giver: &Held, taker: &Held) -> Result<Vec<&'a Effect>, Refusal> {
    let before_giver = &plan.ground.giver_held;
    let before_taker = &plan.ground.taker_held;
    let mut granted = before_taker.clone();
    granted.extend(plan.grants.iter().map(|e| (e.place, e.permission.clone())));
    let mut revoked = before_giver.clone();
    for effect in &plan.revokes {
        revoked.remove(&effect.place);
    }
    let (giver_before, giver_after, taker_before, taker_after) = match phase {
        Phase::Grant => (before_giver, before_giver, before_taker, &granted),
        Phase::Revoke => (before_giver, &revoked, &granted, &granted),
    };
    let mut foreign = BTreeSet::new();
    for (now, before, after) in [(giver, giver_before, giver_after), (taker, taker_before, taker_after)] {
        let places: BTreeSet<&Place> = now.keys().chain(before.keys()).chain(after.keys()).collect();
        for place in places {
            let now = now.get(place);
            if now != before.get(place) && now != after.get(place) {
                foreign.insert(*place);
            }
        }
    }
    if !foreign.is_empty() {
        let names: Vec<String> = foreign.iter().map(|place| label(plan, place)).collect();
        return Err(stale(&format!(
            "somebody else changed what \"{}\" or \"{}\" holds at {}",
            plan.ground.giver.name,
            plan.ground.taker.name,
            name_some(names.iter().map(String::as_str))
        )));
    }
    Ok(match phase {
        Phase::Grant => plan.grants.iter().filter(|e| !taker.contains_key(&e.place)).collect(),
        Phase::Revoke => plan.revokes.iter().filter(|e| giver.contains_key(&e.place)).collect(),
    })
}

/// What the two groups hold at one place right before its write.
#[derive(Clone, Copy, Debug)]
pub struct AtPlace<'a> {
    /// The giver's assignment.
    pub giver: Option<&'a Permission>,
    /// The taker's assignment.
    pub taker: Option<&'a Permission>,
}

/// Whether the write is still needed at its place; an error where the place is neither as recorded
/// before nor after.
pub fn still_needed(effect: &Effect, phase: Phase, now: AtPlace<'_>) -> Result<bool, Refusal> {
    let expected = Some(&effect.permission);
    let (fits, needed) = match phase {
        Phase::Grant => (now.giver == expected && (now.taker.is_none() || now.taker == expected), now.taker.is_none()),
        Phase::Revoke => (now.taker == expected && (now.giver.is_none() || now.giver == expected), now.giver.is_some()),
    };
    if fits { Ok(needed) } else { Err(stale(&format!("somebody else changed what is held at {}", effect.label))) }
}

/// Whether this one write changes nobody's access, in the surroundings as they are at this moment:
/// since the plan was made somebody may have assigned something above or below, or moved a folder.
pub fn still_neutral(plan: &Plan, effect: &Effect, phase: Phase, around: &Inventory) -> Result<(), Refusal> {
    let step = match phase {
        Phase::Grant => Change::Grant(&effect.place, &effect.permission),
        Phase::Revoke => Change::Revoke(&effect.place),
    };
    let (giver, taker) = (held_by(around, plan.ground.giver.id), held_by(around, plan.ground.taker.id));
    neutrality::prove(&paths(around), &giver, &taker, &[step]).map_err(|counter| {
        let seen_from = around.get(&counter.seen_from).map_or_else(|| counter.seen_from.to_string(), |h| h.label.clone());
        stale(&format!(
            "somebody assigned something to \"{}\" or \"{}\", or moved a folder, so that the write at {} would change access to {seen_from}",
            plan.ground.giver.name, plan.ground.taker.name, effect.label
        ))
    })
}

/// Both groups must still have the members that were approved.
pub fn same_members(plan: &Plan, giver: &Group, taker: &Group) -> Result<(), Refusal> {
    for group in [giver, taker] {
        let now: BTreeSet<UserId> = group.user_ids.iter().copied().collect();
        if now != plan.ground.members {
            let joined = now.difference(&plan.ground.members).count();
            let left = plan.ground.members.difference(&now).count();
            return Err(stale(&format!("the members of \"{}\" changed ({joined} joined, {left} left)", group.name)));
        }
    }
    Ok(())
}

fn stale(what: &str) -> Refusal {
    Refusal::new(
        "PlanStale",
        format!(
            "Stopped, because since the plan was made {what}. Nothing more is written. To have a new plan made, set the annotation {} to a new value.",
            crate::api::REQUESTED_AT
        ),
    )
}

fn label(plan: &Plan, place: &Place) -> String {
    plan.grants
        .iter()
        .chain(&plan.revokes)
        .find(|e| e.place == *place)
        .map_or_else(|| place.to_string(), |e| e.label.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Gate;
    use crate::devolutions::{GroupId, Holding};
    use crate::plan::replacement::{Ground, NO_SOAK, Party};
    use serde_json::json;
    use uuid::Uuid;

    /// The giver held a, b at places 1, 2; the taker held b at 2 and z at 3, which is not touched.
    fn plan() -> Plan {
        let party = |id: u128, name: &str| Party { id: GroupId(Uuid::from_u128(id)), name: name.to_owned() };
        let ground = Ground {
            tenant: "https://contoso.example".to_owned(),
            giver: party(1, "Sysadmins"),
            taker: party(2, "Vault-Admins"),
            members: [user(1), user(2)].into(),
            giver_held: held(&[(1, "a"), (2, "b")]),
            taker_held: held(&[(2, "b"), (3, "z")]),
        };
        Plan {
            gate: Gate::Replacement,
            attempt: 0,
            soak: NO_SOAK.to_owned(),
            ground,
            grants: vec![effect(1, "a")],
            revokes: vec![effect(1, "a"), effect(2, "b")],
        }
    }

    fn user(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    fn place(n: u128) -> Place {
        Place::Vault { vault: Uuid::from_u128(n) }
    }

    fn permission(role: &str) -> Permission {
        Permission(json!({"roleId": role}))
    }

    fn held(assignments: &[(u128, &str)]) -> Held {
        assignments.iter().map(|(at, role)| (place(*at), permission(role))).collect()
    }

    fn effect(at: u128, role: &str) -> Effect {
        Effect { place: place(at), label: format!("vault \"{at}\""), permission: permission(role) }
    }

    /// Where something is left to do, or the message.
    fn left(phase: Phase, giver: &[(u128, &str)], taker: &[(u128, &str)]) -> Result<Vec<Place>, String> {
        let plan = plan();
        let effects = remaining(&plan, phase, &held(giver), &held(taker)).map_err(|refusal| {
            assert_eq!(refusal.reason, "PlanStale");
            refusal.message
        })?;
        Ok(effects.into_iter().map(|e| e.place).collect())
    }

    #[test]
    fn what_is_left_is_what_the_world_does_not_show_yet() {
        use Phase::{Grant, Revoke};
        let (both, granted) = ([(1, "a"), (2, "b")], [(1, "a"), (2, "b"), (3, "z")]);
        assert_eq!(left(Grant, &both, &[(2, "b"), (3, "z")]), Ok(vec![place(1)]));
        assert_eq!(left(Grant, &both, &granted), Ok(vec![]));
        assert_eq!(left(Revoke, &both, &granted), Ok(vec![place(1), place(2)]));
        assert_eq!(left(Revoke, &[(2, "b")], &granted), Ok(vec![place(2)]));
        assert_eq!(left(Revoke, &[], &granted), Ok(vec![]));
    }

    #[test]
    fn every_change_of_somebody_else_is_found() {
        use Phase::{Grant, Revoke};
        type Now = &'static [(u128, &'static str)];
        let (giver, taker, granted): (Now, Now, Now) =
            (&[(1, "a"), (2, "b")], &[(2, "b"), (3, "z")], &[(1, "a"), (2, "b"), (3, "z")]);
        // What changed, when, what the groups hold now, and the place that must be named.
        let cases: [(&str, Phase, Now, Now, &str); 17] = [
            ("giver lost one", Grant, &[(2, "b")], taker, "vault \"1\""),
            ("giver lost one that was copied", Grant, &[(2, "b")], granted, "vault \"1\""),
            ("giver has another", Grant, &[(1, "a"), (2, "x")], taker, "vault \"2\""),
            ("giver got one more", Grant, &[(1, "a"), (2, "b"), (4, "x")], taker, "4"),
            ("taker has another where it gets one", Grant, giver, &[(1, "x"), (2, "b"), (3, "z")], "vault \"1\""),
            ("taker lost what it had equal", Grant, giver, &[(3, "z")], "vault \"2\""),
            ("taker has another where it had equal", Grant, giver, &[(2, "x"), (3, "z")], "vault \"2\""),
            ("taker lost one of its own", Grant, giver, &[(2, "b")], "3"),
            ("taker has another of its own", Grant, giver, &[(2, "b"), (3, "x")], "3"),
            ("taker got one more", Grant, giver, &[(2, "b"), (3, "z"), (4, "x")], "4"),
            ("giver has another", Revoke, &[(1, "x"), (2, "b")], granted, "vault \"1\""),
            ("giver got one more", Revoke, &[(4, "x")], granted, "4"),
            ("taker lost what it got", Revoke, giver, taker, "vault \"1\""),
            ("taker has another than it got", Revoke, &[], &[(1, "x"), (2, "b"), (3, "z")], "vault \"1\""),
            ("taker lost what it had equal", Revoke, &[], &[(1, "a"), (3, "z")], "vault \"2\""),
            ("taker lost one of its own", Revoke, giver, &[(1, "a"), (2, "b")], "3"),
            ("taker got one more", Revoke, giver, &[(1, "a"), (2, "b"), (3, "z"), (4, "x")], "4"),
        ];
        for (what, phase, giver, taker, named) in cases {
            let said = left(phase, giver, taker).expect_err(what);
            assert!(said.contains(named), "{what} in {phase:?}: {said}");
            assert!(said.contains("\"Sysadmins\"") && said.contains("\"Vault-Admins\""), "{said}");
        }
    }

    #[test]
    fn a_write_is_needed_at_a_place_that_is_as_before_not_as_after_and_never_elsewhere() {
        let effect = effect(1, "a");
        let (ours, other) = (permission("a"), permission("x"));
        let values = [None, Some(&ours), Some(&other)];
        // Rows: the giver holds nothing, the permission, another; columns: the same of the taker.
        // None stands for a refusal.
        let grant = [[None, None, None], [Some(true), Some(false), None], [None, None, None]];
        let revoke = [[None, Some(false), None], [None, Some(true), None], [None, None, None]];
        for (phase, table) in [(Phase::Grant, grant), (Phase::Revoke, revoke)] {
            for (giver, row) in values.into_iter().zip(table) {
                for (taker, expected) in values.into_iter().zip(row) {
                    let found = still_needed(&effect, phase, AtPlace { giver, taker });
                    assert_eq!(found.as_ref().ok().copied(), expected, "{phase:?} {giver:?} {taker:?}");
                    if let Err(refusal) = found {
                        assert_eq!(refusal.reason, "PlanStale");
                        assert!(refusal.message.contains("vault \"1\""), "{}", refusal.message);
                    }
                }
            }
        }
    }

    #[test]
    fn members_that_came_or_went_in_either_group_make_the_plan_stale() {
        let plan = plan();
        let group = |name: &str, members: &[u128]| Group {
            id: GroupId(Uuid::nil()),
            name: name.to_owned(),
            user_ids: members.iter().map(|n| user(*n)).collect(),
            is_synced: None,
            external_id: None,
        };
        let check = |giver: &[u128], taker: &[u128]| {
            same_members(&plan, &group("Sysadmins", giver), &group("Vault-Admins", taker)).map_err(|r| r.message)
        };
        assert_eq!(check(&[2, 1], &[1, 2]), Ok(()));
        for (giver, taker, named, counts) in [
            (&[1, 2, 3][..], &[1, 2][..], "Sysadmins", "1 joined, 0 left"),
            (&[1], &[1, 2], "Sysadmins", "0 joined, 1 left"),
            (&[1, 2], &[1, 3], "Vault-Admins", "1 joined, 1 left"),
            (&[1, 2], &[], "Vault-Admins", "0 joined, 2 left"),
            // Equal, but not as approved.
            (&[1, 2, 3], &[1, 2, 3], "Sysadmins", "1 joined, 0 left"),
        ] {
            let said = check(giver, taker).expect_err("a refusal");
            assert!(said.contains(&format!("\"{named}\" changed ({counts})")), "{said}");
        }
    }

    #[test]
    fn a_folder_moved_meanwhile_stops_the_write_that_would_show_in_another_light() {
        let entry = |n: u128| Place::Entry { vault: Uuid::from_u128(9), entry: Uuid::from_u128(n) };
        let plan = plan();
        let (giver, taker) = (plan.ground.giver.id, plan.ground.taker.id);
        let around = |above: &[Place]| {
            let holding = |label: &str, ancestors: &[Place], held: &[(GroupId, &str)]| Holding {
                label: label.to_owned(),
                ancestors: ancestors.to_vec(),
                groups: held.iter().map(|(group, role)| (*group, permission(role))).collect(),
                users: BTreeSet::new(),
            };
            let folder = holding("folder \"Servers\"", &[Place::AllVaults], &[(giver, "a"), (taker, "a")]);
            let moved = holding("entry \"db01\"", above, &[(giver, "b")]);
            Inventory::from([(entry(1), folder), (entry(2), moved)])
        };
        let effect = Effect { place: entry(2), label: "entry \"db01\"".to_owned(), permission: permission("b") };
        let beside = around(&[Place::AllVaults]);
        assert_eq!(still_neutral(&plan, &effect, Phase::Grant, &beside), Ok(()));
        let below = around(&[Place::AllVaults, entry(1)]);
        let refusal = still_neutral(&plan, &effect, Phase::Grant, &below).unwrap_err();
        assert_eq!(refusal.reason, "PlanStale");
        assert!(refusal.message.contains("moved a folder") && refusal.message.contains("db01"), "{}", refusal.message);
    }
}
