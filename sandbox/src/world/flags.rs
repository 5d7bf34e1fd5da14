//! Sets of permission flags, small enough to be compared a million times.

use indexmap::IndexSet;

/// A set of flags, each a bit whose name is kept in [`FlagNames`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flags(u128);

impl Flags {
    /// No flag at all.
    pub const NONE: Self = Self(0);

    /// What either has.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What both have.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether all of `other` is in here, and `other` is something.
    pub fn contains(self, other: Self) -> bool {
        other.0 != 0 && self.0 & other.0 == other.0
    }
}

/// The names of all flags met so far. Names that nobody has heard of are welcome: the vendor may add some any day.
#[derive(Debug, Clone, Default)]
pub struct FlagNames(IndexSet<String>);

impl FlagNames {
    /// How many different names one world can tell apart.
    pub const CAPACITY: usize = 128;

    /// The flag of that name, given a bit if it is new; `None` if there is no bit left.
    pub fn flag(&mut self, name: &str) -> Option<Flags> {
        let bit = if let Some(bit) = self.0.get_index_of(name) { bit } else { self.0.insert_full(name.to_owned()).0 };
        (bit < Self::CAPACITY).then(|| Flags(1 << bit))
    }

    /// The flag of that name; none if nobody ever held it.
    pub fn known(&self, name: &str) -> Flags {
        self.0.get_index_of(name).filter(|bit| *bit < Self::CAPACITY).map_or(Flags::NONE, |bit| Flags(1 << bit))
    }

    /// The names of a set, in alphabetical order.
    pub fn names(&self, flags: Flags) -> Vec<&str> {
        let mut names: Vec<&str> = (self.0.iter().take(Self::CAPACITY).enumerate())
            .filter(|(bit, _)| flags.0 & (1 << bit) != 0)
            .map(|(_, name)| name.as_str())
            .collect();
        names.sort_unstable();
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_the_way_through_bits() {
        let mut names = FlagNames::default();
        let both = names.flag("viewVault").unwrap().union(names.flag("addEntries").unwrap());
        assert_eq!(names.names(both), ["addEntries", "viewVault"]);
        assert!(both.contains(names.known("viewVault")));
        assert!(!both.contains(names.known("neverSeen")));
    }

    #[test]
    fn the_129th_name_is_refused_and_not_mistaken_for_another() {
        let mut names = FlagNames::default();
        for number in 0..FlagNames::CAPACITY {
            assert!(names.flag(&format!("flag{number}")).is_some());
        }
        assert_eq!(names.flag("oneTooMany"), None);
        assert_eq!(names.known("oneTooMany"), Flags::NONE);
    }
}
