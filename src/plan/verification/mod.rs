//! Who came across: every user who should be is synced and in their groups, or is missing for one cause.

mod arrival;
mod expectation;
mod group;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

pub use arrival::{Absence, Arrival};
pub use expectation::Expectation;
pub use group::{ExpectedGroup, IncompleteGroup, Lack};

use super::forecast::{UserForecast, Waivers};
use crate::devolutions::{Group, User, UserId};
use crate::entra::ProvisioningEntry;

/// What there is to go by.
#[derive(Debug)]
pub struct Ground<'a> {
    /// Every user.
    pub users: &'a [User],
    /// What is expected of each, by who is assigned now.
    pub forecast: &'a [UserForecast],
    /// What was expected before.
    pub expectation: &'a Expectation,
    /// Who need not come along.
    pub waivers: &'a Waivers,
    /// The newest entry of the provisioning log by Entra user; none where it may not be read.
    pub log: Option<&'a BTreeMap<Uuid, ProvisioningEntry>>,
    /// The groups of Devolutions Cloud.
    pub groups: &'a [Group],
    /// The groups that are assigned.
    pub assigned: &'a [ExpectedGroup],
}

/// One user, and what became of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Traveller {
    /// Its id.
    pub id: UserId,
    /// What people know it by.
    pub label: String,
    /// What became of it.
    pub arrival: Arrival,
}

/// Who came across, and which groups are not whole.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Verification {
    /// Every user.
    pub users: Vec<Traveller>,
    /// The groups that are not whole.
    pub incomplete: Vec<IncompleteGroup>,
}

impl Verification {
    /// How many users became that.
    #[must_use]
    pub fn count(&self, is: impl Fn(&Arrival) -> bool) -> usize {
        self.users.iter().filter(|one| is(&one.arrival)).count()
    }

    /// Whether every user who should be is synced.
    #[must_use]
    pub fn is_everybody_there(&self) -> bool {
        self.count(|arrival| matches!(arrival, Arrival::Missing(_))) == 0
    }

    /// Users by why they are missing.
    #[must_use]
    pub fn absences(&self) -> BTreeMap<&Absence, Vec<&str>> {
        let mut all: BTreeMap<&Absence, Vec<&str>> = BTreeMap::new();
        for one in &self.users {
            if let Arrival::Missing(absence) = &one.arrival {
                all.entry(absence).or_default().push(&one.label);
            }
        }
        all
    }
}

/// Looks at every user and every assigned group.
#[must_use]
pub fn verify(ground: &Ground<'_>) -> Verification {
    let by_id: BTreeMap<UserId, &User> = ground.users.iter().map(|user| (user.id, user)).collect();
    let of = |forecast: &UserForecast| Traveller {
        id: forecast.id,
        label: forecast.label.clone(),
        arrival: arrival::arrival(forecast, by_id.get(&forecast.id).copied(), ground),
    };
    let mut users: Vec<Traveller> = ground.forecast.iter().map(of).collect();
    let synced: BTreeSet<UserId> =
        users.iter().filter(|one| one.arrival == Arrival::Synced).map(|one| one.id).collect();
    let came: Vec<&UserForecast> = ground.forecast.iter().filter(|user| synced.contains(&user.id)).collect();
    let incomplete = ground.assigned.iter().filter_map(|expected| group::incomplete(expected, &came, ground.groups));
    let incomplete = incomplete.collect();
    users.extend(gone(ground));
    Verification { users, incomplete }
}

/// Whoever was expected and is no user any more.
fn gone(ground: &Ground<'_>) -> Vec<Traveller> {
    let there: BTreeSet<UserId> = ground.forecast.iter().map(|user| user.id).collect();
    let gone = ground.expectation.users.iter().filter(|(id, _)| !there.contains(*id));
    gone.map(|(id, label)| {
        let arrival = match ground.waivers.of_address(label) {
            Some(_) => Arrival::Waived,
            None => Arrival::Missing(Absence::Gone),
        };
        Traveller { id: *id, label: label.clone(), arrival }
    })
    .collect()
}
