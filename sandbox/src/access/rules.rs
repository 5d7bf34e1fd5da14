//! The rules by which assignments on a path might combine to what a user may do at its end.

use serde::Serialize;

use crate::world::{Flags, Level, Principal};

/// One explicit assignment on the path to a place, to the user or to one of their groups.
#[derive(Debug, Clone, Copy)]
pub struct Assignment {
    /// How far down the path it stands; the root is 0.
    pub depth: usize,
    pub level: Level,
    pub principal: Principal,
    pub flags: Flags,
}

/// How assignments combine. Which of these Devolutions Cloud follows is not public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Rule {
    /// Everything that any assignment on the path grants.
    Union,
    /// Only the deepest level on which the user or any of their groups has an assignment counts; there, everything
    /// that any of them is granted.
    NearestLevel,
    /// Of each principal only its own deepest assignment counts; then everything that any of these grants.
    NearestPerPrincipalThenUnion,
    /// Of each principal only its own deepest assignment counts; then only what all of these grant.
    NearestPerPrincipalThenMostRestrictive,
    /// Only what every assignment on the path grants. A principal without one on the path counts for nothing.
    MostRestrictive,
    /// As `NearestPerPrincipalThenUnion`, but an assignment on a folder or entry counts only for a principal that also
    /// has one on the vault or on all vaults: the vault's opens the door, the entry's says what is behind it.
    BothLevelsNeeded,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 6] = [
        Self::Union,
        Self::NearestLevel,
        Self::NearestPerPrincipalThenUnion,
        Self::NearestPerPrincipalThenMostRestrictive,
        Self::MostRestrictive,
        Self::BothLevelsNeeded,
    ];

    /// Its name, as in the control interface.
    pub fn name(self) -> &'static str {
        match self {
            Self::Union => "union",
            Self::NearestLevel => "nearestLevel",
            Self::NearestPerPrincipalThenUnion => "nearestPerPrincipalThenUnion",
            Self::NearestPerPrincipalThenMostRestrictive => "nearestPerPrincipalThenMostRestrictive",
            Self::MostRestrictive => "mostRestrictive",
            Self::BothLevelsNeeded => "bothLevelsNeeded",
        }
    }

    /// What all assignments on a path, given from the root down, come to.
    pub fn combine(self, path: &[Assignment]) -> Flags {
        match self {
            Self::Union => any(path.iter()),
            Self::NearestLevel => {
                let deepest = path.iter().map(|it| it.depth).max();
                any(path.iter().filter(|it| Some(it.depth) == deepest))
            }
            Self::NearestPerPrincipalThenUnion => any(nearest(path)),
            Self::NearestPerPrincipalThenMostRestrictive => all(nearest(path)),
            Self::MostRestrictive => all(path.iter()),
            Self::BothLevelsNeeded => {
                any(nearest(path).filter(|it| it.level != Level::Entry || opened(path, it.principal)))
            }
        }
    }
}

fn any<'a>(assignments: impl Iterator<Item = &'a Assignment>) -> Flags {
    assignments.fold(Flags::NONE, |sum, it| sum.union(it.flags))
}

fn all<'a>(assignments: impl Iterator<Item = &'a Assignment>) -> Flags {
    assignments.map(|it| it.flags).reduce(Flags::intersection).unwrap_or(Flags::NONE)
}

/// Each principal's deepest assignment.
fn nearest(path: &[Assignment]) -> impl Iterator<Item = &Assignment> {
    let deeper = |one: &Assignment| path.iter().any(|it| it.principal == one.principal && it.depth > one.depth);
    path.iter().filter(move |it| !deeper(it))
}

fn opened(path: &[Assignment], principal: Principal) -> bool {
    path.iter().any(|it| it.principal == principal && matches!(it.level, Level::AllVaults | Level::Vault))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::FlagNames;
    use uuid::Uuid;

    /// All rules' answers to a path written as `(level, principal, flags)`.
    fn combine(path: &[(Level, u128, &str)]) -> Vec<(&'static str, String)> {
        let mut names = FlagNames::default();
        let mut depth = 0;
        let mut assignments = Vec::new();
        for (index, (level, principal, flags)) in path.iter().enumerate() {
            depth += usize::from(
                index > 0 && (*level != path[index - 1].0 || *level == Level::Entry && path[index - 1].1 >= *principal),
            );
            let flags = flags.chars().map(|it| names.flag(&it.to_string()).unwrap()).fold(Flags::NONE, Flags::union);
            let principal = Principal::Group(Uuid::from_u128(*principal));
            assignments.push(Assignment { depth, level: *level, principal, flags });
        }
        Rule::ALL.iter().map(|rule| (rule.name(), names.names(rule.combine(&assignments)).concat())).collect()
    }

    fn expect(path: &[(Level, u128, &str)], expected: [&str; 6]) {
        let found = combine(path);
        let expected: Vec<_> = Rule::ALL.iter().map(|it| it.name()).zip(expected.map(str::to_owned)).collect();
        assert_eq!(found, expected, "for {path:?}");
    }

    use Level::{AllVaults, Entry, System, Vault};

    #[test]
    fn nobody_named_means_no_access() {
        expect(&[], [""; 6]);
    }

    #[test]
    fn one_assignment_is_the_access_under_every_rule() {
        expect(&[(Vault, 1, "ab")], ["ab"; 6]);
        expect(&[(System, 1, "ab")], ["ab"; 6]);
    }

    #[test]
    fn one_principal_on_two_levels() {
        //                                     union  level pp∪   pp∩   ∩   both
        expect(&[(Vault, 1, "ab"), (Entry, 1, "bc")], ["abc", "bc", "bc", "bc", "b", "bc"]);
    }

    #[test]
    fn two_principals_on_different_levels() {
        // The second is named on the entry only, so under "both levels" it counts for nothing.
        expect(&[(Vault, 1, "ab"), (Entry, 2, "bc")], ["abc", "bc", "abc", "b", "b", "ab"]);
    }

    #[test]
    fn two_principals_on_one_level() {
        expect(&[(Vault, 1, "ab"), (Vault, 2, "bc")], ["abc", "abc", "abc", "b", "b", "abc"]);
        expect(&[(System, 1, "ab"), (System, 2, "bc")], ["abc", "abc", "abc", "b", "b", "abc"]);
    }

    #[test]
    fn all_vaults_opens_the_door_as_well() {
        expect(&[(AllVaults, 1, "a"), (Entry, 1, "b")], ["ab", "b", "b", "b", "", "b"]);
    }

    #[test]
    fn an_entry_alone_needs_a_vault_under_one_rule() {
        expect(&[(Entry, 1, "a")], ["a", "a", "a", "a", "a", ""]);
    }

    #[test]
    fn an_empty_assignment_is_still_one() {
        expect(&[(Vault, 1, "ab"), (Entry, 1, "")], ["ab", "", "", "", "", ""]);
    }
}
