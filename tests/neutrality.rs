//! The proof by brute force that a plan changes nobody's access at any instant, and that the
//! checker of it can see a change where there is one.
//!
//! How rights combine is evaluated here by eight rules of this test's own (`neutrality/rules.rs`,
//! which says why these eight). Nothing of `operator::plan::neutrality` is used: only the finished
//! plans are. All times two groups with the same members are meant, the custom group that gives and
//! the Entra group that takes; a third principal stands for everybody and everything else.

// A test ends at the first surprise; clippy knows functions marked as tests only, not their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::type_complexity)]

#[path = "neutrality/rules.rs"]
mod rules;
#[path = "neutrality/world.rs"]
mod world;

use rules::{BEYOND, Formula, RULES, Rights, every_line};
use world::{Eyes, Pattern, Shape, State, Write, access};

/// No right, one of two, both: an empty assignment, incomparable ones and one within another.
const FOUR: [Rights; 4] = [0, 1, 2, 3];

/// All vaults, a vault, an entry.
fn chain() -> Shape {
    Shape::new(&[1])
}

/// All that the custom group can hold on three levels, but for nothing at all. The Entra group is empty.
fn worlds() -> Vec<State> {
    let held = every_line(3, &FOUR).into_iter().filter(|custom| custom.iter().any(Option::is_some));
    held.map(|custom| State { entra: vec![None; custom.len()], custom }).collect()
}

/// Whether some step changes access somewhere, for each formula.
fn caught(shape: &Shape, formulas: &[(&str, Formula)], states: &[State]) -> Vec<bool> {
    let mut caught = vec![false; formulas.len()];
    for node in 0..shape.len() {
        let path = shape.path(node);
        let others = every_line(path.len(), &FOUR);
        let on_path = |pattern: &Pattern| path.iter().map(|at| pattern[*at]).collect::<Pattern>();
        let seen: Vec<Vec<Rights>> =
            states.iter().map(|s| access(formulas, &on_path(&s.custom), &on_path(&s.entra), &others)).collect();
        for step in seen.windows(2) {
            let rows = step[0].chunks(others.len()).zip(step[1].chunks(others.len()));
            for (found, (before, after)) in caught.iter_mut().zip(rows) {
                *found |= before != after;
            }
        }
    }
    caught
}

/// In how many worlds `order` of the planner's writes changes somebody's access, for each formula,
/// and in how many under any of them.
fn count(formulas: &[(&str, Formula)], order: fn(Vec<Write>, Vec<Write>) -> Vec<Write>) -> (Vec<usize>, usize) {
    let shape = chain();
    let (mut each, mut any) = (vec![0; formulas.len()], 0);
    for world in worlds() {
        let plan = shape.plan(&world).expect("nothing to conflict with");
        let (grants, revokes) = plan.into_iter().partition(|write| write.value.is_some());
        let caught = caught(&shape, formulas, &world.through(&order(grants, revokes)));
        any += usize::from(caught.contains(&true));
        each.iter_mut().zip(caught).for_each(|(sum, caught)| *sum += usize::from(caught));
    }
    (each, any)
}

fn reversed(mut writes: Vec<Write>) -> Vec<Write> {
    writes.reverse();
    writes
}

#[test]
fn no_step_of_a_plan_changes_access_where_the_entra_group_was_empty() {
    let (shape, worlds) = (chain(), worlds());
    assert_eq!(worlds.len(), 124);
    let mut steps = 0;
    for world in &worlds {
        let plan = shape.plan(world).expect("nothing to conflict with");
        let states = world.through(&plan);
        assert_eq!(caught(&shape, &RULES, &states), [false; 8], "{world:?} by {plan:?}");
        let end = &states[plan.len()];
        assert_eq!((&end.custom, &end.entra), (&world.entra, &world.custom), "everything has moved");
        steps += plan.len();
    }
    // Each of three levels holds one of four values in 4 x 25 worlds: a grant and a revoke for each.
    assert_eq!(steps, 2 * 3 * 100);
}

/// What is counted: of the 124 worlds, those in which at least one step changes what a member may do
/// at all vaults, the vault or the entry, beside at least one assignment of the third principal.
/// Columns: the rules in their order, and any of them.
///
/// The first four rules take whatever stands on a level as one heap, so only an order that leaves a
/// level empty for a while is seen there. Where each principal's nearest counts for itself, a wrong
/// half is as bad as both. By "union", 69 are the 21 worlds of two assignments and the 48 of three in
/// which one further up grants something that one further down does not; by "most restrictive" the
/// mirror image. 96 are all worlds with two different assignments.
#[test]
fn a_plan_in_a_wrong_order_is_caught_in_exactly_so_many_worlds() {
    type Order = fn(Vec<Write>, Vec<Write>) -> Vec<Write>;
    let per_principal = [0, 0, 0, 0, 69, 69, 69, 69];
    let orders: [(&str, Order, [usize; 8], usize); 6] = [
        ("the planner's", |grants, revokes| [grants, revokes].concat(), [0; 8], 0),
        (
            "opposite: grants from the root, revokes from the leaf",
            |grants, revokes| [reversed(grants), reversed(revokes)].concat(),
            per_principal,
            96,
        ),
        ("grants from the root", |grants, revokes| [reversed(grants), revokes].concat(), per_principal, 96),
        ("revokes from the leaf", |grants, revokes| [grants, reversed(revokes)].concat(), per_principal, 96),
        (
            "place by place from the leaf: grant, revoke",
            |grants, revokes| grants.into_iter().zip(reversed(revokes)).flat_map(|(g, r)| [g, r]).collect(),
            [0, 0, 0, 0, 69, 69, 86, 69],
            96,
        ),
        // An assignment that grants nothing is missed by nobody where rights add up.
        ("revoke first", |grants, revokes| [revokes, grants].concat(), [117, 124, 123, 124, 117, 124, 114, 124], 124),
    ];
    for (name, order, each, any) in orders {
        assert_eq!(count(&RULES, order), (each.to_vec(), any), "{name}");
    }
}

/// The limits of the proof. Where a second equal assignment does change something, the plan is not
/// neutral (what is counted: as above), and the planner is not to blame: no order of single writes is.
#[test]
fn under_rules_that_break_the_premise_no_order_of_single_writes_is_neutral() {
    let planners = |grants: Vec<Write>, revokes: Vec<Write>| [grants, revokes].concat();
    assert_eq!(count(&BEYOND, planners), (vec![69, 117], 117));

    let shape = chain();
    let world = State { custom: vec![Some(1), None, Some(2)], entra: vec![None; 3] };
    let plan = shape.plan(&world).expect("nothing to conflict with");
    let mut orders: Vec<Vec<Write>> = vec![Vec::new()];
    for _ in &plan {
        let longer = |order: &Vec<Write>| plan.iter().map(|w| [order.as_slice(), &[*w]].concat()).collect::<Vec<_>>();
        orders = orders.iter().flat_map(longer).filter(|o| !o[..o.len() - 1].contains(&o[o.len() - 1])).collect();
    }
    assert_eq!(orders.len(), 24);
    for order in orders {
        assert_eq!(caught(&shape, &BEYOND, &world.through(&order)), [true; 2], "{order:?}");
    }
}

/// How often something was tried.
#[derive(Debug, Default, Eq, PartialEq)]
struct Tally {
    /// Pairs of what the custom group and the Entra group hold at first.
    pairs: usize,
    /// Those for which there is a plan.
    accepted: usize,
    /// States from which a plan was made anew and a rollback was walked: the start of each accepted
    /// plan and the state after each of its steps.
    stops: usize,
}

/// All pairs of what both groups can hold.
fn pairs(shape: &Shape, values: &[Rights]) -> impl Iterator<Item = State> {
    let patterns = every_line(shape.len(), values);
    let all = patterns.clone();
    patterns
        .into_iter()
        .flat_map(move |custom| all.clone().into_iter().map(move |entra| State { custom: custom.clone(), entra }))
}

/// Walks `writes` and requires that no step changes anything. Returns every state on the way.
fn walk(eyes: &mut Eyes<'_>, start: &State, writes: &[Write]) -> Vec<State> {
    let states = start.through(writes);
    for (step, pair) in states.windows(2).enumerate() {
        assert_eq!(eyes.changed(&pair[0], &pair[1]), [0; 0], "step {step} of {writes:?} from {start:?}");
    }
    states
}

/// What is held in the end at a place where both may hold something.
type Both = fn((&Option<Rights>, &Option<Rights>)) -> Option<Rights>;

/// Tries all pairs. An accepted plan must be neutral, go on after a crash anywhere, and be undone
/// from anywhere. A refused one must have had no neutral end, so that no refusal is over-cautious;
/// there is no exception.
fn try_all_pairs(shape: &Shape, values: &[Rights], eyes: &mut Eyes<'_>) -> Tally {
    let mut tally = Tally::default();
    for start in pairs(shape, values) {
        tally.pairs += 1;
        match shape.plan(&start) {
            Ok(plan) => {
                tally.accepted += 1;
                let states = walk(eyes, &start, &plan);
                let end = &states[plan.len()];
                assert!(end.custom.iter().all(Option::is_none), "the custom group keeps nothing: {start:?}");
                let both = start.custom.iter().zip(&start.entra).map(|(c, s)| c.or(*s));
                assert_eq!(end.entra, both.collect::<Pattern>(), "the Entra group has its own and all of the other's");
                let origin = shape.origin(&start);
                for (done, state) in states.iter().enumerate() {
                    tally.stops += 1;
                    let again = shape.plan(state).expect("after a crash there is a plan again");
                    assert_eq!(again, plan[done..], "and it is the rest of the first: {start:?}");
                    let back = shape.plan_rollback(state, &origin).expect("there is a way back from anywhere");
                    assert_eq!(walk(eyes, state, &back).last(), Some(&start), "back after {done} of {plan:?}");
                }
            }
            Err(refusal) => {
                assert_eq!(refusal.reason, "Conflict", "{start:?}: {}", refusal.message);
                // Wherever both hold something at the same place, one of the two would have to win.
                let ends: [Both; 2] = [|(c, s)| c.or(*s), |(c, s)| s.or(*c)];
                for end in ends {
                    let entra = start.custom.iter().zip(&start.entra).map(end).collect();
                    let end = State { custom: vec![None; shape.len()], entra };
                    assert!(!eyes.changed(&start, &end).is_empty(), "refused without need: {start:?}");
                }
            }
        }
    }
    tally
}

#[test]
fn all_pairs_on_a_chain() {
    let shape = chain();
    let tally = try_all_pairs(&shape, &FOUR, &mut Eyes::new(&shape, &FOUR));
    assert_eq!(tally, Tally { pairs: 15_625, accepted: 997, stops: 3_625 });
}

#[test]
fn all_pairs_on_a_tree_with_two_leaves() {
    let shape = Shape::new(&[1, 1]);
    let tally = try_all_pairs(&shape, &[0, 1, 2], &mut Eyes::new(&shape, &FOUR));
    assert_eq!(tally, Tally { pairs: 65_536, accepted: 3_640, stops: 15_976 });
}

#[test]
fn all_pairs_with_an_entry_in_a_folder() {
    let shape = Shape::new(&[1, 2]);
    let tally = try_all_pairs(&shape, &[1, 2], &mut Eyes::new(&shape, &[0, 1, 2]));
    assert_eq!(tally, Tally { pairs: 6_561, accepted: 1_169, stops: 4_953 });
}

/// After each prefix of each accepted plan somebody else sets or takes one assignment of one of the
/// two groups, and then a way back is asked for. What must come of it:
///
/// - At a place that the replacement writes to, the pair of assignments is afterwards one that the
///   replacement itself leaves there at some time, or it is not. If not: `ChangedSince`. If so,
///   nothing can tell that change from the replacement's own.
/// - At another place: it stays as somebody set it, or the two groups now say different things and
///   nothing is done at all (`Conflict`).
///
/// And whenever there is a plan, no step of it changes anybody's access.
#[test]
fn a_way_back_overwrites_nothing_that_somebody_else_did() {
    const VALUES: [Rights; 3] = [0, 1, 2];
    let shape = chain();
    let mut eyes = Eyes::new(&shape, &FOUR);
    let (mut refused, mut left_alone, mut conflicts, mut as_if_own) = (0, 0, 0, 0);
    for start in pairs(&shape, &VALUES) {
        let Ok(plan) = shape.plan(&start) else { continue };
        let origin = shape.origin(&start);
        for (state, write) in start.through(&plan).iter().flat_map(|state| every_change(state, &VALUES)) {
            let node = write.node;
            let changed = state.after(write);
            let back = shape.plan_rollback(&changed, &origin);
            let states = back.as_ref().ok().map(|back| walk(&mut eyes, &changed, back));
            let now = (changed.custom[node], changed.entra[node]);
            let before = (start.custom[node], start.entra[node]);
            let own = [before, (before.0, before.0), (None, before.0)].contains(&now);
            match (before.0, back, states.as_ref().and_then(|states| states.last())) {
                (Some(_), Err(refusal), _) if !own => {
                    assert_eq!(refusal.reason, "ChangedSince", "{start:?} {state:?} {write:?}");
                    refused += 1;
                }
                (Some(_), Ok(back), _) if !own => panic!("overwritten: {start:?} {state:?} {write:?} {back:?}"),
                (Some(_), Ok(_), end) => {
                    assert_eq!(end, Some(&start));
                    as_if_own += 1;
                }
                (None, Ok(back), end) => {
                    assert!(back.iter().all(|w| w.node != node), "touched: {start:?} {state:?} {write:?} {back:?}");
                    assert_eq!(end, Some(&start.after(write)));
                    left_alone += 1;
                }
                (_, Err(refusal), _) => {
                    assert_eq!(refusal.reason, "Conflict", "{start:?} {state:?} {write:?}");
                    conflicts += 1;
                }
            }
        }
    }
    assert_eq!((refused, left_alone, conflicts, as_if_own), (19_392, 4_200, 6_162, 3_582));
}

/// Everything that one write of somebody else can make of a state.
fn every_change<'s>(state: &'s State, values: &'s [Rights]) -> impl Iterator<Item = (&'s State, Write)> {
    let choices = std::iter::once(None).chain(values.iter().copied().map(Some));
    choices
        .flat_map(|value| (0..state.custom.len()).map(move |node| (value, node)))
        .flat_map(|(value, node)| [true, false].map(|custom| Write { custom, node, value }))
        .filter(|write| state.after(*write) != *state)
        .map(move |write| (state, write))
}
