//! Who is to come across, as it was before provisioning could touch anybody: afterwards a user whom it has disabled, or who
//! lost the old application with its assignments, would look as if nobody had ever expected them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Arrival, Verification};
use crate::devolutions::UserId;
use crate::plan::forecast::{Class, UserForecast};

/// Who is to come across.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Expectation {
    /// How often people had gone there and back: another attempt begins from what is then.
    pub attempt: u32,
    /// Those users, by what people know them by.
    pub users: BTreeMap<UserId, String>,
    /// Those of them who have come across where the server cannot tell: Entra's log forgets.
    #[serde(default)]
    pub arrived: BTreeSet<UserId>,
}

impl Expectation {
    /// Nobody as yet.
    #[must_use]
    pub fn of(attempt: u32) -> Self {
        Self { attempt, ..Self::default() }
    }

    /// Expects from now on whoever should be synced by this forecast, too.
    pub fn expect(&mut self, forecast: &[UserForecast]) {
        let should = |user: &&UserForecast| matches!(user.class, Class::Expected | Class::Missing);
        self.users.extend(forecast.iter().filter(should).map(|user| (user.id, user.label.clone())));
    }

    /// Remembers who has come across.
    pub fn remember(&mut self, verification: &Verification) {
        let synced = verification.users.iter().filter(|one| one.arrival == Arrival::Synced);
        self.arrived.extend(synced.map(|one| one.id));
    }
}
