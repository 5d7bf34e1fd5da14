//! Small worlds of places, what two groups hold in them, and the real planner's plans for them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use operator::devolutions::{GroupId, Holding, Inventory, Permission, Place, UserId};
use operator::plan::Refusal;
use operator::plan::replacement::{Effect, Ground, Origin, Party, Plan, held_by, plan, plan_rollback};
use serde_json::json;
use uuid::Uuid;

use crate::rules::{Formula, Line, RULES, Rights, every_line};

/// The custom group.
pub const C: GroupId = GroupId(Uuid::from_u128(0xC));
/// The Entra group.
pub const S: GroupId = GroupId(Uuid::from_u128(0x5));

/// What one group holds, node by node.
pub type Pattern = Vec<Option<Rights>>;

/// What both groups hold.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct State {
    /// The custom group's assignments.
    pub custom: Pattern,
    /// The Entra group's.
    pub entra: Pattern,
}

/// One write: what a group holds at a node from now on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Write {
    /// Whether it is the custom group's.
    pub custom: bool,
    /// Where.
    pub node: usize,
    /// What, or none to take it away.
    pub value: Option<Rights>,
}

impl State {
    /// The state after a write.
    pub fn after(&self, write: Write) -> Self {
        let mut next = self.clone();
        let pattern = if write.custom { &mut next.custom } else { &mut next.entra };
        pattern[write.node] = write.value;
        next
    }

    /// Every state that `writes` pass through, this one first.
    pub fn through(&self, writes: &[Write]) -> Vec<Self> {
        let mut states = vec![self.clone()];
        for write in writes {
            states.push(states[states.len() - 1].after(*write));
        }
        states
    }
}

/// A tree: all vaults, one vault, and entries under it.
pub struct Shape {
    /// For each node the one above it; the first is the root.
    parents: Vec<Option<usize>>,
    places: Vec<Place>,
}

impl Shape {
    /// `entries` names, for each entry, the node above it: 1 is the vault.
    pub fn new(entries: &[usize]) -> Self {
        let vault = Uuid::from_u128(1);
        let mut shape = Self { parents: vec![None, Some(0)], places: vec![Place::AllVaults, Place::Vault { vault }] };
        for (index, above) in entries.iter().enumerate() {
            shape.parents.push(Some(*above));
            // Ids in an order that has nothing to do with the tree's.
            shape.places.push(Place::Entry { vault, entry: Uuid::from_u128(100 - index as u128) });
        }
        shape
    }

    /// How many nodes.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// The nodes from the root to `node`.
    pub fn path(&self, node: usize) -> Vec<usize> {
        let mut path: Vec<usize> = std::iter::successors(Some(node), |at| self.parents[*at]).collect();
        path.reverse();
        path
    }

    /// What the operator's inventory would show: places that hold something, and `known` ones.
    fn inventory(&self, state: &State, known: &Origin) -> Inventory {
        let mut inventory = Inventory::new();
        for (node, place) in self.places.iter().enumerate() {
            let held = [(C, state.custom[node]), (S, state.entra[node])];
            let groups: BTreeMap<_, _> = held.into_iter().filter_map(|(g, v)| Some((g, permission(v?)))).collect();
            if groups.is_empty() && !known.custom.contains_key(place) {
                continue;
            }
            let path = self.path(node);
            let ancestors = path[..path.len() - 1].iter().map(|at| self.places[*at]).collect();
            inventory
                .insert(*place, Holding { label: format!("node {node}"), ancestors, groups, users: BTreeSet::new() });
        }
        inventory
    }

    /// The real planner's plan.
    pub fn plan(&self, state: &State) -> Result<Vec<Write>, Refusal> {
        let inventory = self.inventory(state, &Origin::default());
        Ok(self.writes(&plan(&ground(&inventory, C, S), &inventory)?, false))
    }

    /// The real planner's way back to `origin`.
    pub fn plan_rollback(&self, state: &State, origin: &Origin) -> Result<Vec<Write>, Refusal> {
        let inventory = self.inventory(state, origin);
        Ok(self.writes(&plan_rollback(&ground(&inventory, S, C), &inventory, origin)?, true))
    }

    /// What is recorded before the first write: both groups' assignments where the custom one has any.
    pub fn origin(&self, state: &State) -> Origin {
        let mut origin = Origin::default();
        for (node, place) in self.places.iter().enumerate() {
            if let Some(custom) = state.custom[node] {
                origin.custom.insert(*place, permission(custom));
                origin.entra.extend(state.entra[node].map(|entra| (*place, permission(entra))));
            }
        }
        origin
    }

    fn writes(&self, plan: &Plan, back: bool) -> Vec<Write> {
        let node =
            |effect: &Effect| self.places.iter().position(|p| *p == effect.place).expect("a place of this world");
        let value = |effect: &Effect| (0..=3).find(|v| permission(*v) == effect.permission).expect("copied verbatim");
        let grants = plan.grants.iter().map(|e| Write { custom: back, node: node(e), value: Some(value(e)) });
        let revokes = plan.revokes.iter().map(|e| Write { custom: !back, node: node(e), value: None });
        grants.chain(revokes).collect()
    }
}

fn permission(rights: Rights) -> Permission {
    Permission(json!({"flags": {"view": rights & 1 != 0, "edit": rights & 2 != 0}}))
}

fn ground(inventory: &Inventory, giver: GroupId, taker: GroupId) -> Ground {
    let party = |id: GroupId| Party { id, name: id.to_string() };
    Ground {
        tenant: "https://contoso.example".to_owned(),
        giver: party(giver),
        taker: party(taker),
        members: [UserId(Uuid::from_u128(7))].into(),
        giver_held: held_by(inventory, giver),
        taker_held: held_by(inventory, taker),
    }
}

/// What a member may do at the end of a path, under each rule and beside each assignment of a third
/// principal. One such principal is enough: each formula folds with an operation that minds neither
/// order nor number, so any number of others come to one value for each level. (That a third one is
/// there or not matters: an assignment that hides another is seen only where there is another.)
pub fn access(formulas: &[(&str, Formula)], custom: &Line, entra: &Line, others: &[Pattern]) -> Vec<Rights> {
    formulas.iter().flat_map(|(_, f)| others.iter().map(|other| f(&[custom, entra, other]))).collect()
}

/// Compares access between states, with a memory: equal states on a path are evaluated once.
pub struct Eyes<'s> {
    shape: &'s Shape,
    /// By length of a path: the third principal's assignments on it.
    others: HashMap<usize, Vec<Pattern>>,
    seen: HashMap<(Pattern, Pattern), usize>,
    /// Every distinct outcome, numbered.
    outcomes: HashMap<Vec<Rights>, usize>,
    /// How many formulas were evaluated.
    pub evaluated: usize,
}

impl<'s> Eyes<'s> {
    /// Nothing seen yet.
    pub fn new(shape: &'s Shape, values: &[Rights]) -> Self {
        let depths = (0..shape.len()).map(|node| shape.path(node).len());
        let others = depths.map(|depth| (depth, every_line(depth, values))).collect();
        Self { shape, others, seen: HashMap::new(), outcomes: HashMap::new(), evaluated: 0 }
    }

    /// The nodes at which somebody's access differs between the two states.
    pub fn changed(&mut self, before: &State, after: &State) -> Vec<usize> {
        (0..self.shape.len()).filter(|node| self.outcome(before, *node) != self.outcome(after, *node)).collect()
    }

    fn outcome(&mut self, state: &State, node: usize) -> usize {
        let path = self.shape.path(node);
        let on_path = |pattern: &Pattern| path.iter().map(|at| pattern[*at]).collect::<Pattern>();
        let key = (on_path(&state.custom), on_path(&state.entra));
        if let Some(known) = self.seen.get(&key) {
            return *known;
        }
        let access = access(&RULES, &key.0, &key.1, &self.others[&path.len()]);
        self.evaluated += access.len();
        let next = self.outcomes.len();
        let number = *self.outcomes.entry(access).or_insert(next);
        self.seen.insert(key, number);
        number
    }
}
