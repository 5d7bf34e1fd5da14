//! Effective access, under every rule by which rights might combine, and the invariant over it: no request of the
//! operator's identity may change anybody's.
//!
//! No public source tells the rule that Devolutions Cloud uses, so all of [`Rule::ALL`] are watched at once.

mod rules;
#[cfg(test)]
mod tests;
mod violation;
mod watch;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{Flags, Level, Object, PermissionSet, Principal, World};

pub use rules::{Assignment, Rule};
pub use violation::{Against, Request, Violation, Violations};
pub use watch::{Cause, Watch};

/// What somebody may do at one place, by rule, in the order of [`Rule::ALL`].
pub type Access = [Flags; Rule::ALL.len()];

/// The explicit permissions on the way to a place, the root's first.
struct Way<'a>(Vec<(usize, Level, &'a PermissionSet)>);

impl<'a> Way<'a> {
    fn to(world: &'a World, place: Object) -> Self {
        let path = world.path(place).into_iter().enumerate();
        Self(path.filter_map(|(depth, object)| Some((depth, object.level(), world.permissions(object)?))).collect())
    }

    /// What the holder of these principals may do at its end.
    fn access(&self, principals: &[Principal]) -> Access {
        let mut assignments = Vec::new();
        for (depth, level, set) in &self.0 {
            let held = principals.iter().filter_map(|it| set.get(*it).map(|permission| (*it, permission.flags())));
            let assignment = |(principal, flags)| Assignment { depth: *depth, level: *level, principal, flags };
            assignments.extend(held.map(assignment));
        }
        Rule::ALL.map(|rule| rule.combine(&assignments))
    }
}

/// What the holder of these principals may do at a place.
pub fn effective(world: &World, principals: &[Principal], place: Object) -> Access {
    Way::to(world, place).access(principals)
}

/// A user's effective access at every place where they or their groups are named, in words: for people who debug.
pub fn report(world: &World, user: Uuid) -> Value {
    let principals = world.principals_of(user);
    let mut places: Vec<Object> = world
        .objects_with_permissions()
        .filter(|(_, set)| principals.iter().any(|it| set.get(*it).is_some()))
        .map(|(object, _)| object)
        .collect();
    places.sort_unstable();
    let places: Vec<Value> = places
        .into_iter()
        .map(|place| {
            let access = effective(world, &principals, place);
            let by_rule: BTreeMap<&str, _> = Rule::ALL
                .iter()
                .zip(access)
                .map(|(rule, flags)| (rule.name(), world.flag_names.names(flags)))
                .collect();
            json!({"place": world.describe(place), "access": by_rule})
        })
        .collect();
    let name = world.users.get(&user).map(|it| it.name.as_str());
    json!({"user": user, "userName": name, "places": places})
}
