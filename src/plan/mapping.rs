//! Which replacements follow from a mapping, and which could be added to it.

use std::collections::BTreeSet;

use serde_json::json;

use super::{PlanHash, Refusal};
use crate::api::{CustomGroupRef, GroupMapping};
use crate::devolutions::{Group, UserId};

/// So much of a migration's name is in the names of its replacements, which may have 200 characters.
const PREFIX: usize = 180;

/// The name of a pair's `GroupReplacement`: the same for the same pair, and of this migration alone.
#[must_use]
pub fn name(migration: &str, pair: &GroupMapping) -> String {
    let hash = PlanHash::of(&json!({"migration": migration, "from": pair.from, "to": pair.to}));
    // A name ends before a dot or a dash, or it would not be one.
    let prefix: String = migration.chars().take(PREFIX).collect();
    format!("{}-{}", prefix.trim_end_matches(['.', '-']), hash.short())
}

/// A custom group that two pairs name, where there is one: the second would find nothing to replace.
pub fn require_once(mapping: &[GroupMapping]) -> Result<(), Refusal> {
    let key = |from: &CustomGroupRef| (from.name.clone(), from.id.as_ref().map(|id| id.to_lowercase()));
    let mut seen = BTreeSet::new();
    match mapping.iter().find(|pair| !seen.insert(key(&pair.from))) {
        None => Ok(()),
        Some(twice) => Err(Refusal::new(
            "MappedTwice",
            format!(
                "spec.groupReplacements.mapping names the custom group \"{}\" twice, and it can be replaced by one group only. Take one of the pairs out.",
                twice.from.name.as_deref().or(twice.from.id.as_deref()).unwrap_or_default()
            ),
        )),
    }
}

/// Custom groups that have the members of exactly one synced group, with that one: both groups' names, sorted. Those that
/// are mapped are left out, and empty ones, which say nothing.
#[must_use]
pub fn suggest(groups: &[Group], mapping: &[GroupMapping]) -> Vec<(String, String)> {
    let members = |group: &Group| group.user_ids.iter().copied().collect::<BTreeSet<UserId>>();
    let is_mapped = |group: &Group| {
        mapping.iter().any(|pair| {
            let by_id = pair.from.id.as_ref().is_some_and(|id| id.eq_ignore_ascii_case(&group.id.to_string()));
            by_id || pair.from.name.as_ref() == Some(&group.name)
        })
    };
    // A pair is mapped by name, which another group must not have.
    let is_unique = |name: &str| groups.iter().filter(|group| group.name == name).count() == 1;
    let (synced, custom): (Vec<&Group>, Vec<&Group>) = groups.iter().partition(|group| group.is_provably_synced());
    let synced: Vec<(BTreeSet<UserId>, &Group)> = synced.into_iter().map(|group| (members(group), group)).collect();
    let taker = |group: &Group| {
        let wanted = members(group);
        let equal: Vec<&Group> = synced.iter().filter(|(its, _)| *its == wanted).map(|(_, group)| *group).collect();
        match equal.as_slice() {
            [one] if !wanted.is_empty() && is_unique(&group.name) && is_unique(&one.name) => {
                Some((group.name.clone(), one.name.clone()))
            }
            _ => None,
        }
    };
    let mut all: Vec<(String, String)> =
        custom.into_iter().filter(|group| !is_mapped(group)).filter_map(taker).collect();
    all.sort();
    all
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::api::EntraGroupRef;
    use crate::devolutions::GroupId;

    fn pair(from: &str, to: &str) -> GroupMapping {
        GroupMapping {
            from: CustomGroupRef { name: Some(from.to_owned()), id: None },
            to: EntraGroupRef { display_name: Some(to.to_owned()), id: None },
        }
    }

    fn group(n: u128, name: &str, is_synced: bool, members: &[u128]) -> Group {
        Group {
            id: GroupId(Uuid::from_u128(n)),
            name: name.to_owned(),
            user_ids: members.iter().map(|n| UserId(Uuid::from_u128(*n))).collect(),
            is_synced: Some(is_synced),
            external_id: None,
        }
    }

    #[test]
    fn a_name_is_of_the_pair_and_of_the_migration_and_always_fits() {
        let one = name("contoso", &pair("A", "B"));
        assert_eq!(one, name("contoso", &pair("A", "B")));
        assert!(one.starts_with("contoso-") && one.len() == "contoso-".len() + 12, "{one}");
        let others =
            [name("fabrikam", &pair("A", "B")), name("contoso", &pair("A", "C")), name("contoso", &pair("C", "B"))];
        assert!(others.iter().all(|other| *other != one), "{others:?}");
        let long = format!("{}.x", "m".repeat(179));
        assert_eq!(
            name(&long, &pair("A", "B")),
            format!("{}-{}", "m".repeat(179), name(&long, &pair("A", "B")).rsplit('-').next().unwrap())
        );
    }

    #[test]
    fn a_custom_group_is_mapped_once() {
        assert_eq!(require_once(&[pair("A", "X"), pair("B", "X")]), Ok(()));
        let refusal = require_once(&[pair("A", "X"), pair("A", "Y")]).unwrap_err();
        assert!(refusal.message.contains("\"A\""), "{refusal:?}");
    }

    #[test]
    fn only_equal_members_of_one_group_are_suggested() {
        let groups = [
            group(1, "Admins", false, &[1, 2]),
            group(2, "SG-Admins", true, &[2, 1]),
            group(3, "Helpdesk", false, &[3]),
            group(4, "SG-Helpdesk", true, &[3, 4]),
            group(5, "Empty", false, &[]),
            group(6, "SG-Empty", true, &[]),
            group(7, "Two", false, &[7]),
            group(8, "SG-Two", true, &[7]),
            group(9, "SG-Two (EMEA)", true, &[7]),
            group(10, "Also admins", false, &[1, 2]),
            group(11, "Operators", false, &[11]),
            group(12, "Operators", true, &[11]),
        ];
        let suggested = |mapping: &[GroupMapping]| {
            suggest(&groups, mapping).into_iter().map(|(from, to)| format!("{from} → {to}")).collect::<Vec<_>>()
        };
        assert_eq!(suggested(&[]), ["Admins → SG-Admins", "Also admins → SG-Admins"]);
        assert_eq!(suggested(&[pair("Admins", "SG-Admins")]), ["Also admins → SG-Admins"]);
    }
}
