//! Who is to come across, as it was before provisioning could touch anybody: afterwards a user whom it has disabled, or who
//! lost the old application with its assignments, would look as if nobody had ever expected them. It only ever grows, however
//! often people go there and back.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Arrival, Verification};
use crate::devolutions::{Group, GroupId, UserId};
use crate::plan::forecast::{Answer, UserForecast};
use crate::plan::preflight::Principal;

/// Who is to come across, and which groups there were before.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Expectation {
    /// Those users, by what people know them by.
    pub users: BTreeMap<UserId, String>,
    /// The groups that there were before anything was provisioned, where somebody has looked then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<BTreeSet<GroupId>>,
    /// The names of the Entra groups that are brought across.
    #[serde(default)]
    pub names: BTreeSet<String>,
    /// Those of the users who have come across where the server cannot tell: Entra's log forgets.
    #[serde(default)]
    pub arrived: BTreeSet<UserId>,
    /// Those who had one address in Devolutions Cloud and another name in Entra ID when somebody looked. As whom a server
    /// took them then it may keep, whatever their names become: without its own word nothing proves them.
    #[serde(default)]
    pub two_names: BTreeSet<UserId>,
}

impl Expectation {
    /// Expects from now on whoever should be synced by this forecast, too; who is waived is once that ends.
    pub fn expect(&mut self, forecast: &[UserForecast]) {
        let should = forecast.iter().filter(|user| user.should_come());
        self.users.extend(should.map(|user| (user.id, user.label.clone())));
        self.note_two_names(forecast);
    }

    /// Remembers who has two names.
    pub fn note_two_names(&mut self, forecast: &[UserForecast]) {
        let doubtful = forecast.iter().filter(|user| user.synced == Answer::DependsOnMatching);
        self.two_names.extend(doubtful.map(|user| user.id));
    }

    /// Remembers the groups that there are before anything is provisioned.
    pub fn note_groups(&mut self, groups: &[Group]) {
        self.groups.get_or_insert_with(|| groups.iter().map(|group| group.id).collect());
    }

    /// Expects these Entra groups.
    pub fn name(&mut self, principals: &[Principal]) {
        let groups = principals.iter().filter(|principal| principal.kind == "Group");
        self.names.extend(groups.map(|group| group.name.clone()));
    }

    /// Where the server does not tell of a group whether it comes from Entra ID: one does that came to be since then and
    /// bears the name of one that is brought across.
    pub fn tell_synced(&self, groups: &mut [Group]) {
        let is_new = |group: &Group| self.groups.as_ref().is_some_and(|before| !before.contains(&group.id));
        let is_untold = |group: &Group| group.is_synced.is_none() && group.external_id.is_none();
        for group in groups.iter_mut() {
            if is_untold(group) && is_new(group) && self.names.contains(&group.name) {
                group.is_synced = Some(true);
            }
        }
    }

    /// Remembers who has come across.
    pub fn remember(&mut self, verification: &Verification) {
        let synced = verification.users.iter().filter(|one| one.arrival == Arrival::Synced);
        self.arrived.extend(synced.map(|one| one.id));
    }
}
