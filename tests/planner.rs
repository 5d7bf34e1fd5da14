//! The planner over random trees: what holds for every plan, whatever the world is.

// A test ends at the first surprise; clippy knows functions marked as tests only, not their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::type_complexity)]

use std::collections::{BTreeMap, BTreeSet};

use operator::api::Gate;
use operator::devolutions::{GroupId, Holding, Inventory, Permission, Place, UserId};
use operator::plan::PlanHash;
use operator::plan::replacement::{Effect, Ground, Origin, Party, Plan, held_by, plan, plan_rollback};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};
use uuid::Uuid;

const CUSTOM: GroupId = GroupId(Uuid::from_u128(0xC));
const ENTRA: GroupId = GroupId(Uuid::from_u128(0x5));

/// A permission as a server might send it: a role, or flags with fields that nobody knows.
fn permission() -> impl Strategy<Value = Permission> {
    let flag = select(vec!["view", "edit", "delete", "Grüße", "x\"y"]);
    let unknown = prop_oneof![
        Just(Value::Null),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::from),
        vec(any::<bool>(), 0..3).prop_map(Value::from),
        any::<bool>().prop_map(|on| json!({"deep": {"z": on, "a": [1, {"q": 2, "b": null}]}})),
    ];
    prop_oneof![
        // Few roles, so that equal permissions meet.
        4 => select(vec!["reader", "writer"]).prop_map(|role| json!({"roleId": role})),
        1 => (vec((flag, any::<bool>()), 0..5), vec(("[a-z]{1,4}", unknown), 0..3)).prop_map(|(flags, fields)| {
            let flags: Map<String, Value> = flags.into_iter().map(|(name, on)| (name.to_owned(), on.into())).collect();
            let mut all = Map::from_iter([("flags".to_owned(), flags.into())]);
            all.extend(fields);
            all.into()
        }),
    ]
    .prop_map(Permission)
}

/// A place of a random tree: which vault it is in, how deep and under which one, and who holds what.
#[derive(Clone, Debug)]
struct Spot {
    vault: usize,
    above: Option<Index>,
    id: u128,
    custom: Option<Permission>,
    entra: Option<Permission>,
    others: Vec<(u128, Permission)>,
}

fn spot() -> impl Strategy<Value = Spot> {
    let entra = option::weighted(0.1, permission());
    let others = vec((100..104_u128, permission()), 0..3);
    (0..3_usize, option::weighted(0.7, any::<Index>()), any::<u128>(), option::of(permission()), entra, others)
        .prop_map(|(vault, above, id, custom, entra, others)| Spot { vault, above, id, custom, entra, others })
}

/// What the Entra group holds at first.
#[derive(Clone, Debug)]
enum Start {
    Empty,
    /// What a crash can leave: the deepest of the custom group's.
    Begun(Index),
    /// Anything.
    Random,
}

/// System, all vaults, three vaults, and up to 35 folders and entries at any depth.
fn inventory() -> impl Strategy<Value = Inventory> {
    let start = prop_oneof![Just(Start::Empty), any::<Index>().prop_map(Start::Begun), Just(Start::Random)];
    (vec(spot(), 5..40), start).prop_map(|(spots, start)| {
        let vault = |number: usize| Uuid::from_u128(number as u128 + 1);
        let mut paths: Vec<(Place, Vec<Place>)> = vec![(Place::System, vec![]), (Place::AllVaults, vec![])];
        for number in 0..3 {
            paths.push((Place::Vault { vault: vault(number) }, vec![Place::AllVaults]));
        }
        for spot in &spots[5..] {
            let within: Vec<usize> = (0..paths.len())
                .filter(|at| matches!(paths[*at].0, Place::Entry { vault: v, .. } if v == vault(spot.vault)))
                .collect();
            let above = spot.above.filter(|_| !within.is_empty()).map_or(2 + spot.vault, |index| *index.get(&within));
            let (parent, mut path) = paths[above].clone();
            path.push(parent);
            paths.push((Place::Entry { vault: vault(spot.vault), entry: Uuid::from_u128(spot.id) }, path));
        }
        let mut inventory = Inventory::new();
        for (number, ((place, ancestors), spot)) in paths.into_iter().zip(spots).enumerate() {
            let mut groups: BTreeMap<_, _> =
                spot.others.into_iter().map(|(id, held)| (GroupId(Uuid::from_u128(id)), held)).collect();
            groups.extend(spot.custom.map(|held| (CUSTOM, held)));
            groups.extend(spot.entra.filter(|_| matches!(start, Start::Random)).map(|held| (ENTRA, held)));
            if !groups.is_empty() {
                inventory.insert(
                    place,
                    Holding { label: format!("place {number}"), ancestors, groups, users: BTreeSet::new() },
                );
            }
        }
        if let Start::Begun(index) = start {
            let mut held: Vec<(Place, Permission)> = held_by(&inventory, CUSTOM).into_iter().collect();
            held.sort_by_key(|(place, _)| {
                std::cmp::Reverse((*place != Place::System, inventory[place].ancestors.len()))
            });
            let done = index.index(held.len() + 1);
            for (place, permission) in held.into_iter().take(done) {
                grant(&mut inventory, ENTRA, place, permission);
            }
        }
        inventory
    })
}

fn grant(inventory: &mut Inventory, group: GroupId, place: Place, permission: Permission) {
    inventory.get_mut(&place).expect("a known place").groups.insert(group, permission);
}

fn ground(inventory: &Inventory, giver: GroupId, taker: GroupId) -> Ground {
    let party = |id: GroupId| Party { id, name: id.to_string() };
    Ground {
        tenant: "https://contoso.example".to_owned(),
        giver: party(giver),
        taker: party(taker),
        members: (1..4).map(|n| UserId(Uuid::from_u128(n))).collect(),
        giver_held: held_by(inventory, giver),
        taker_held: held_by(inventory, taker),
    }
}

fn plan_for(inventory: &Inventory) -> Result<Plan, operator::plan::Refusal> {
    plan(&ground(inventory, CUSTOM, ENTRA), inventory)
}

/// The inventory after each write, the present one first.
fn apply(inventory: &Inventory, plan: &Plan) -> Vec<Inventory> {
    let mut states = vec![inventory.clone()];
    for effect in &plan.grants {
        let mut next = states[states.len() - 1].clone();
        grant(&mut next, plan.ground.taker.id, effect.place, effect.permission.clone());
        states.push(next);
    }
    for effect in &plan.revokes {
        let mut next = states[states.len() - 1].clone();
        next.get_mut(&effect.place).expect("a known place").groups.remove(&plan.ground.giver.id);
        states.push(next);
    }
    states
}

/// As the bytes would be sent: unlike `==`, this sees the order of fields.
fn text(permission: &Permission) -> String {
    permission.0.to_string()
}

/// The same JSON with the fields of every object in the opposite order.
fn turned(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields.iter().rev().map(|(name, value)| (name.clone(), turned(value))).collect(),
        Value::Array(items) => items.iter().map(turned).collect(),
        other => other.clone(),
    }
}

fn places(effects: &[Effect]) -> Vec<Place> {
    effects.iter().map(|effect| effect.place).collect()
}

/// What a member of both groups gets through them at a place: the nearest assignment of each.
fn seen_from(inventory: &Inventory, place: &Place) -> BTreeSet<String> {
    let path = inventory[place].ancestors.iter().chain([place]);
    let mut nearest = BTreeMap::new();
    for (at, group) in path.flat_map(|at| [(at, CUSTOM), (at, ENTRA)]) {
        if let Some(held) = inventory.get(at).and_then(|holding| holding.groups.get(&group)) {
            nearest.insert(group, turned_both_ways(held));
        }
    }
    nearest.into_values().collect()
}

/// A text that does not depend on the order of fields.
fn turned_both_ways(permission: &Permission) -> String {
    let one = permission.0.to_string();
    let other = turned(&permission.0).to_string();
    if one < other { one } else { other }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_moves_everything_once_in_order_and_word_for_word(inventory in inventory()) {
        let Ok(plan) = plan_for(&inventory) else {
            let two = |place| seen_from(&inventory, place).len() > 1;
            prop_assert!(inventory.keys().any(two), "refused though nowhere two different permissions meet");
            return Ok(());
        };
        let (custom, entra) = (held_by(&inventory, CUSTOM), held_by(&inventory, ENTRA));
        // Each place once, nothing else, and the permission as it was, to the order of its fields.
        let revoked: BTreeSet<Place> = places(&plan.revokes).into_iter().collect();
        prop_assert_eq!(plan.revokes.len(), revoked.len());
        prop_assert_eq!(&revoked, &custom.keys().copied().collect());
        let granted: BTreeSet<Place> = places(&plan.grants).into_iter().collect();
        prop_assert_eq!(plan.grants.len(), granted.len());
        prop_assert_eq!(&granted, &custom.keys().filter(|p| !entra.contains_key(p)).copied().collect());
        for effect in plan.grants.iter().chain(&plan.revokes) {
            prop_assert_eq!(text(&effect.permission), text(&custom[&effect.place]));
            prop_assert_eq!(&effect.label, &inventory[&effect.place].label);
        }
        // No grant comes after one above it; no revoke before one above it; system is farthest up.
        for (effects, upwards) in [(places(&plan.grants), true), (places(&plan.revokes), false)] {
            for (index, first) in effects.iter().enumerate() {
                for then in &effects[index + 1..] {
                    let (below, above) = if upwards { (then, first) } else { (first, then) };
                    prop_assert!(!inventory[below].ancestors.contains(above), "{first:?} before {then:?}");
                    prop_assert!(below != above && (*above != Place::System), "{first:?} before {then:?}");
                }
            }
        }
        // At no step anybody sees anything else at any place.
        let states = apply(&inventory, &plan);
        for (place, state) in inventory.keys().flat_map(|place| states.iter().map(move |state| (place, state))) {
            prop_assert_eq!(seen_from(&inventory, place), seen_from(state, place));
        }
        // Done is done.
        let again = plan_for(&states[states.len() - 1]).expect("nothing is left that could conflict");
        prop_assert!(again.is_empty());
    }

    #[test]
    fn the_way_back_restores_every_byte(inventory in inventory(), stop in any::<Index>()) {
        let Ok(plan) = plan_for(&inventory) else { return Ok(()) };
        let entra = held_by(&inventory, ENTRA);
        let origin = Origin {
            custom: held_by(&inventory, CUSTOM),
            entra: entra.into_iter().filter(|(place, _)| plan.ground.giver_held.contains_key(place)).collect(),
        };
        let states = apply(&inventory, &plan);
        let state = stop.get(&states);
        let back = plan_rollback(&ground(state, ENTRA, CUSTOM), state, &origin).expect("there is always a way back");
        prop_assert_eq!(back.gate, Gate::Rollback);
        let back = apply(state, &back);
        let end = &back[back.len() - 1];
        for (place, holding) in &inventory {
            let bytes = |h: &Holding| h.groups.iter().map(|(group, held)| (*group, text(held))).collect::<Vec<_>>();
            prop_assert_eq!(bytes(holding), bytes(&end[place]));
        }
    }

    #[test]
    fn a_plan_does_not_mind_other_groups_names_or_the_order_of_fields(inventory in inventory()) {
        let Ok(plan) = plan_for(&inventory) else { return Ok(()) };
        let mut other = inventory.clone();
        other.retain(|_, holding| {
            holding.groups.retain(|group, _| [CUSTOM, ENTRA].contains(group));
            holding.groups.values_mut().for_each(|held| held.0 = turned(&held.0));
            !holding.groups.is_empty()
        });
        let mut same = plan_for(&other).expect("the same world");
        prop_assert_eq!(&same, &plan);
        prop_assert_eq!(same.hash(), plan.hash());
        same.ground.giver.name.push('!');
        same.grants.iter_mut().chain(&mut same.revokes).for_each(|effect| effect.label.push('!'));
        prop_assert_eq!(same.hash(), plan.hash());
    }

    #[test]
    fn a_pinned_plan_comes_back_as_it_was(inventory in inventory()) {
        let Ok(plan) = plan_for(&inventory) else { return Ok(()) };
        let stored = serde_json::to_vec(&plan).expect("a plan is JSON");
        let loaded: Plan = serde_json::from_slice(&stored).expect("and read again");
        prop_assert_eq!(loaded.hash(), plan.hash());
        for (loaded, effect) in loaded.grants.iter().zip(&plan.grants) {
            prop_assert_eq!(text(&loaded.permission), text(&effect.permission));
        }
        prop_assert_eq!(loaded, plan);
    }

    #[test]
    fn any_other_input_makes_another_hash(inventory in inventory(), at in any::<Index>()) {
        let Ok(plan) = plan_for(&inventory) else { return Ok(()) };
        let changes: [(&str, Alter); 14] = [
            ("tenant", |p, _| p.ground.tenant.push('x')),
            ("gate", |p, _| p.gate = Gate::Rollback),
            ("giver", |p, _| p.ground.giver.id = GroupId(Uuid::from_u128(9))),
            ("taker", |p, _| p.ground.taker.id = GroupId(Uuid::from_u128(9))),
            ("exchanged", |p, _| std::mem::swap(&mut p.ground.giver, &mut p.ground.taker)),
            ("one joined", |p, _| assert!(p.ground.members.insert(UserId(Uuid::from_u128(99))))),
            ("one left", |p, _| assert!(p.ground.members.pop_first().is_some())),
            ("the giver holds more", |p, _| drop(p.ground.giver_held.insert(nowhere(), Permission(Value::Null)))),
            ("the giver holds less", |p, at| remove(&mut p.ground.giver_held, at)),
            ("the giver holds something else", |p, at| alter(&mut p.ground.giver_held, at)),
            ("the taker holds more", |p, _| drop(p.ground.taker_held.insert(nowhere(), Permission(Value::Null)))),
            ("the taker holds something else", |p, at| alter(&mut p.ground.taker_held, at)),
            ("no first grant", |p, _| drop(p.grants.drain(..p.grants.len().min(1)))),
            ("revokes in another order", |p, _| p.revokes.reverse()),
        ];
        let mut hashes: BTreeMap<String, &str> = BTreeMap::new();
        let hash = |plan: &Plan| plan.hash().as_str().to_owned();
        hashes.insert(hash(&plan), "unchanged");
        for (name, change) in changes {
            let mut changed = plan.clone();
            change(&mut changed, at.index(usize::MAX));
            if changed == plan {
                continue;
            }
            let equal = hashes.insert(hash(&changed), name);
            prop_assert_eq!(equal, None, "{}", name);
        }
        prop_assert!(hashes.len() >= 9);
        prop_assert!(PlanHash::of(&json!(1)) != plan.hash());
    }
}

/// A change of a plan, and a number to choose by.
type Alter = fn(&mut Plan, usize);

fn nowhere() -> Place {
    Place::Vault { vault: Uuid::from_u128(4711) }
}

fn remove(held: &mut BTreeMap<Place, Permission>, at: usize) {
    let place = held.keys().nth(at % held.len().max(1)).copied();
    place.and_then(|place| held.remove(&place));
}

fn alter(held: &mut BTreeMap<Place, Permission>, at: usize) {
    let len = held.len().max(1);
    if let Some(permission) = held.values_mut().nth(at % len) {
        permission.0 = json!({"was": permission.0});
    }
}
