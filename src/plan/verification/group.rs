//! Whether an assigned Entra group is whole in Devolutions Cloud.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::devolutions::Group;
use crate::plan::forecast::UserForecast;
use crate::plan::preflight::Principal;

/// An assigned Entra group, and who of its direct members are expected.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExpectedGroup {
    /// The group.
    pub group: Principal,
    /// Entra ids of the users who are its direct members.
    pub members: BTreeSet<Uuid>,
}

/// An assigned Entra group that is not whole in Devolutions Cloud.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IncompleteGroup {
    /// Its name.
    pub name: String,
    /// What it lacks.
    pub lack: Lack,
}

/// What an assigned Entra group lacks in Devolutions Cloud.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Lack {
    /// It is not there.
    Group,
    /// There is one of its name, or more than one, and the server does not tell that it comes from Entra ID.
    Proof,
    /// Users who should be in it and are not, by what people know them by.
    Members(Vec<String>),
}

/// Looks at one group. Whoever has not come across anyway says nothing of it: `synced` are those who have.
pub(super) fn incomplete(
    expected: &ExpectedGroup,
    synced: &[&UserForecast],
    groups: &[Group],
) -> Option<IncompleteGroup> {
    let name = expected.group.name.clone();
    let found = match find(expected, groups) {
        Ok(found) => found,
        Err(lack) => return Some(IncompleteGroup { name, lack }),
    };
    let lacks = |user: &&&UserForecast| {
        user.entra_users.iter().any(|id| expected.members.contains(id)) && !found.user_ids.contains(&user.id)
    };
    let lacking: Vec<String> = synced.iter().filter(lacks).map(|user| user.label.clone()).collect();
    (!lacking.is_empty()).then_some(IncompleteGroup { name, lack: Lack::Members(lacking) })
}

/// The group by its object id, or, where the server does not tell that, the one synced group of its name.
fn find<'a>(expected: &ExpectedGroup, groups: &'a [Group]) -> Result<&'a Group, Lack> {
    let id = expected.group.id.to_string();
    let is_it = |group: &&Group| group.external_id.as_ref().is_some_and(|it| it.eq_ignore_ascii_case(&id));
    if let Some(found) = groups.iter().find(is_it) {
        return Ok(found);
    }
    let named: Vec<&Group> =
        groups.iter().filter(|group| group.external_id.is_none() && group.name == expected.group.name).collect();
    let synced: Vec<&Group> = named.iter().copied().filter(|group| group.is_provably_synced()).collect();
    match (synced.as_slice(), named.iter().any(|group| group.is_synced.is_none())) {
        ([one], _) => Ok(one),
        ([_, _, ..], _) | ([], true) => Err(Lack::Proof),
        ([], false) => Err(Lack::Group),
    }
}
