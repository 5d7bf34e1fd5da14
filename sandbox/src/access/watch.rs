//! Watches effective access while the world changes.
//!
//! Only users of the changed principal and only places at or below the changed object are looked at, and of these only
//! places where one of the user's principals is or ever was named: everywhere else the access is that of the nearest
//! such place above, under every rule. Users with the same principals are evaluated once.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::{Access, Against, Request, Rule, Violation, Violations, Way};
use crate::world::{Change, Flags, Object, Principal, World};

/// Who changed the world.
#[derive(Debug, Clone)]
pub enum Cause {
    /// The operator's identity: nobody's access may change.
    Operator(Request),
    /// People, or the world itself: what it becomes is the new base line.
    People,
}

/// A user's principals that matter for a change, before and after it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Shift {
    before: Vec<Principal>,
    after: Vec<Principal>,
    /// Where groups that the user has left were named by then.
    former: BTreeSet<Object>,
}

/// A place where the access of a [`Shift`] can have changed.
struct Look {
    place: Object,
    /// None of the principals had ever been named here.
    is_new: bool,
    before: Access,
    after: Access,
}

/// The invariant: base line and violations.
#[derive(Debug, Default)]
pub struct Watch {
    /// Where each principal is or ever was named.
    named: HashMap<Principal, BTreeSet<Object>>,
    /// The places of a vault (its own, its entries) where anybody is or was named.
    in_vault: HashMap<Uuid, BTreeSet<Object>>,
    /// By user: where groups that they have left were named by then.
    former: HashMap<Uuid, BTreeSet<Object>>,
    /// By user: what the access is in the base line, where it is now something else.
    deviations: HashMap<Uuid, HashMap<(Object, Rule), Flags>>,
    violations: Violations,
}

impl Watch {
    /// Takes the world as the base line.
    pub fn new(world: &World) -> Self {
        let mut watch = Self::default();
        for (object, set) in world.objects_with_permissions() {
            set.principals().for_each(|principal| watch.name(object, principal));
        }
        watch
    }

    /// What has been found.
    pub fn violations(&self) -> &Violations {
        &self.violations
    }

    /// Applies a change to the world, and judges it.
    pub fn apply(&mut self, world: &mut World, change: &Change, cause: &Cause) {
        let mut users: HashMap<Shift, Vec<Uuid>> = HashMap::new();
        let mut matters = HashMap::new();
        for user in affected(world, change) {
            users.entry(self.shift(world, user, change, &mut matters)).or_default().push(user);
        }
        let mut ways = HashMap::new();
        let mut looks: Vec<(Shift, Vec<Look>, Vec<Uuid>)> = Vec::with_capacity(users.len());
        for (shift, users) in users {
            let look = |place: Object| Look {
                place,
                is_new: !self.is_known(&shift, place),
                before: ways.entry(place).or_insert_with(|| Way::to(world, place)).access(&shift.before),
                after: Access::default(),
            };
            let places = self.places(world, &shift, change).into_iter().map(look).collect();
            looks.push((shift, places, users));
        }
        drop(ways);
        world.apply(change);
        let mut ways = HashMap::new();
        for (shift, looks, users) in &mut looks {
            for look in looks.iter_mut() {
                let way = ways.entry(look.place).or_insert_with(|| Way::to(world, look.place));
                look.after = way.access(&shift.after);
            }
            let left = shift.before.iter().filter(|it| !shift.after.contains(it));
            let left: Vec<Object> = left.filter_map(|it| self.named.get(it)).flatten().copied().collect();
            for user in users.iter() {
                self.judge(world, *user, shift, looks, cause);
                if !left.is_empty() {
                    self.former.entry(*user).or_default().extend(&left);
                }
            }
        }
        if let Change::Assign { object, principal, .. } = change {
            self.name(*object, *principal);
        }
    }

    fn name(&mut self, object: Object, principal: Principal) {
        self.named.entry(principal).or_default().insert(object);
        if let Object::Vault(vault) | Object::Entry { vault, .. } = object {
            self.in_vault.entry(vault).or_default().insert(object);
        }
    }

    fn is_named(&self, principals: &[Principal], place: Object) -> bool {
        principals.iter().any(|it| self.named.get(it).is_some_and(|places| places.contains(&place)))
    }

    /// Whether one of the user's principals is or was named at a place; else its base line is that of the place above.
    fn is_known(&self, shift: &Shift, place: Object) -> bool {
        shift.former.contains(&place) || self.is_named(&shift.before, place)
    }

    /// Whether a principal's assignments can have a say in what a change does to anybody.
    fn matters(&self, principal: Principal, change: &Change) -> bool {
        let Change::Assign { object, principal: assigned, .. } = change else {
            return self.named.contains_key(&principal);
        };
        let Some(named) = self.named.get(&principal) else { return principal == *assigned };
        principal == *assigned
            || match object {
                Object::System => named.contains(object),
                Object::AllVaults => named.iter().any(|it| *it != Object::System),
                Object::Vault(vault) | Object::Entry { vault, .. } => {
                    let entry = |entry| Object::Entry { vault: *vault, entry };
                    let mut inside = named.range(entry(Uuid::nil())..=entry(Uuid::max()));
                    named.contains(&Object::AllVaults)
                        || named.contains(&Object::Vault(*vault))
                        || inside.next().is_some()
                }
            }
    }

    fn shift(&self, world: &World, user: Uuid, change: &Change, matters: &mut HashMap<Principal, bool>) -> Shift {
        let mut before = world.principals_of(user);
        before.retain(|it| *matters.entry(*it).or_insert_with(|| self.matters(*it, change)));
        let mut after = before.clone();
        match change {
            Change::Assign { .. } => {}
            Change::DeleteGroup { group } => after.retain(|it| *it != Principal::Group(*group)),
            Change::Members { group, members } => {
                after.retain(|it| *it != Principal::Group(*group));
                if members.contains(&user) && self.named.contains_key(&Principal::Group(*group)) {
                    after.push(Principal::Group(*group));
                }
            }
        }
        before.sort_unstable();
        after.sort_unstable();
        Shift { before, after, former: self.former.get(&user).cloned().unwrap_or_default() }
    }

    /// Where the access of somebody with these principals can have changed; parents before their children.
    fn places(&self, world: &World, shift: &Shift, change: &Change) -> Vec<Object> {
        let both: Vec<Principal> = shift.before.iter().chain(&shift.after).copied().collect();
        let named = || both.iter().filter_map(|it| self.named.get(it)).flatten();
        let everywhere = || named().chain(&shift.former).copied();
        let places: BTreeSet<Object> = match change {
            Change::Assign { object, .. } => {
                let below: BTreeSet<Object> = match object {
                    Object::System => BTreeSet::new(),
                    Object::AllVaults => everywhere().filter(|it| *it != Object::System).collect(),
                    Object::Vault(vault) | Object::Entry { vault, .. } => {
                        let inside = self.in_vault.get(vault).into_iter().flatten().copied();
                        let is_below = |place| world.path(place).contains(object);
                        inside.filter(|place| self.is_known(shift, *place) && is_below(*place)).collect()
                    }
                };
                below.into_iter().chain([*object]).collect()
            }
            Change::Members { .. } | Change::DeleteGroup { .. } => everywhere().collect(),
        };
        places.into_iter().collect()
    }

    fn judge(&mut self, world: &World, user: Uuid, shift: &Shift, looks: &[Look], cause: &Cause) {
        // Of places that are new for this user, the base line is that of the place above, as it was before.
        let inherited: Vec<_> = (looks.iter().filter(|look| look.is_new && self.deviations.contains_key(&user)))
            .flat_map(|look| {
                let above = world.path(look.place).into_iter().rev().skip(1);
                let above = above.into_iter().find(|place| self.is_known(shift, *place));
                let deviation =
                    |rule: &Rule| Some(((look.place, *rule), *self.deviations.get(&user)?.get(&(above?, *rule))?));
                Rule::ALL.iter().filter_map(deviation).collect::<Vec<_>>()
            })
            .collect();
        if !inherited.is_empty() {
            self.deviations.entry(user).or_default().extend(inherited);
        }
        for look in looks {
            for ((rule, before), after) in Rule::ALL.into_iter().zip(look.before).zip(look.after) {
                if before == after {
                    continue;
                }
                let key = (look.place, rule);
                let Cause::Operator(request) = cause else {
                    if let Some(deviations) = self.deviations.get_mut(&user) {
                        deviations.remove(&key);
                    }
                    continue;
                };
                let deviations = self.deviations.entry(user).or_default();
                let baseline = *deviations.entry(key).or_insert(before);
                if baseline == after {
                    deviations.remove(&key);
                }
                let mut record = |against, was| {
                    self.violations.record(rule, || Violation {
                        rule,
                        user,
                        user_name: world.users.get(&user).map(|it| it.name.clone()).unwrap_or_default(),
                        place: world.describe(look.place),
                        before: world.flag_names.names(was).into_iter().map(str::to_owned).collect(),
                        after: world.flag_names.names(after).into_iter().map(str::to_owned).collect(),
                        against,
                        request: request.clone(),
                    });
                };
                record(Against::Previous, before);
                if baseline != after {
                    record(Against::Baseline, baseline);
                }
            }
        }
    }
}

/// Whose access a change can touch.
fn affected(world: &World, change: &Change) -> Vec<Uuid> {
    let members = |group: &Uuid| world.groups.get(group).map(|it| it.members.clone()).unwrap_or_default();
    match change {
        Change::Assign { principal: Principal::User(user), .. } => vec![*user],
        Change::Assign { principal: Principal::Group(group), .. } | Change::DeleteGroup { group } => {
            members(group).into_iter().collect()
        }
        Change::Members { group, members: new } => members(group).symmetric_difference(new).copied().collect(),
    }
}
