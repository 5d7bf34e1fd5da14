//! Which groups are meant: never by name alone, never by part of a name.

use super::{Refusal, name_some};
use crate::devolutions::Group;

/// What a `GroupReplacement` says of its two groups, as the planner needs it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Wanted {
    /// The name, letter by letter.
    Name(String),
    /// The id: in Devolutions Cloud for a custom group, the Entra object id for an Entra group.
    Id(String),
}

/// Finds the custom group that is to be replaced.
pub fn find_custom<'a>(groups: &'a [Group], wanted: &Wanted) -> Result<&'a Group, Refusal> {
    let group = match wanted {
        Wanted::Id(id) => groups
            .iter()
            .find(|g| g.id.to_string().eq_ignore_ascii_case(id))
            .ok_or_else(|| Refusal::new("GroupNotFound", format!(
                "from: Devolutions Cloud has no user group with the id {id}. Look it up in Administration - User Groups."
            )))?,
        Wanted::Name(name) => {
            let found: Vec<&Group> = groups.iter().filter(|g| g.name == *name).collect();
            match found.as_slice() {
                [] => return Err(Refusal::new("GroupNotFound", format!(
                    "from: Devolutions Cloud has no user group named \"{name}\"{}. Names are compared letter by letter.",
                    nearby(groups, name)
                ))),
                [one] => *one,
                several => return Err(ambiguous("from", name, several, "from.id with the custom group's id")),
            }
        }
    };
    if group.is_provably_synced() {
        return Err(Refusal::new(
            "FromIsSynced",
            format!(
                "from: \"{}\" ({}) is filled by the identity provider, and only a custom group can be replaced. Did you exchange from and to?",
                group.name, group.id
            ),
        ));
    }
    Ok(group)
}

/// Finds the synced group that takes its place. Only a group that the server proves to be synced
/// counts: a custom group that bears the name of an Entra group is not that group.
pub fn find_entra<'a>(groups: &'a [Group], wanted: &Wanted) -> Result<&'a Group, Refusal> {
    match wanted {
        Wanted::Id(id) => {
            let found: Vec<&Group> = groups
                .iter()
                .filter(|g| g.external_id.as_deref().is_some_and(|e| e.eq_ignore_ascii_case(id)))
                .collect();
            match found.as_slice() {
                [one] if one.is_provably_synced() => Ok(one),
                [one] => Err(custom(&one.name, one)),
                [] if groups.iter().all(|g| g.external_id.is_none()) => Err(Refusal::new(
                    "CannotTellSynced",
                    format!(
                        "to: this server shows no externalId on any group, so the Entra group {id} cannot be recognised. Name it by displayName instead."
                    ),
                )),
                [] => Err(Refusal::new(
                    "GroupNotFound",
                    format!(
                        "to: no group in Devolutions Cloud comes from the Entra object {id}. Is it assigned to the enterprise application, and has provisioning run since?"
                    ),
                )),
                several => {
                    Err(ambiguous("to", id, several, "one of them after the duplicate is removed in Devolutions Cloud"))
                }
            }
        }
        Wanted::Name(name) => {
            let found: Vec<&Group> = groups.iter().filter(|g| g.name == *name).collect();
            match found.as_slice() {
                [] => Err(Refusal::new(
                    "GroupNotFound",
                    format!(
                        "to: Devolutions Cloud has no user group named \"{name}\"{}. Is it assigned to the enterprise application, and has provisioning run since?",
                        nearby(groups, name)
                    ),
                )),
                [one] if one.is_provably_synced() => Ok(one),
                [one] if one.is_synced == Some(false) => Err(custom(name, one)),
                [one] => Err(Refusal::new(
                    "CannotTellSynced",
                    format!(
                        "to: this server does not tell whether \"{name}\" ({}) comes from Entra ID: it shows neither isSynced nor externalId. A server that shows one of them is needed.",
                        one.id
                    ),
                )),
                several => Err(ambiguous("to", name, several, "to.id with the group's object id in Entra ID")),
            }
        }
    }
}

fn custom(name: &str, group: &Group) -> Refusal {
    Refusal::new(
        "ToIsCustom",
        format!(
            "to: \"{name}\" ({}) is a custom group, and only a group that Entra ID fills can take a custom group's place. Did you exchange from and to?",
            group.id
        ),
    )
}

fn ambiguous(field: &str, name: &str, found: &[&Group], remedy: &str) -> Refusal {
    let which: Vec<String> = found
        .iter()
        .map(|g| {
            let kind = if g.is_provably_synced() { "synced" } else { "custom" };
            format!("{} ({kind})", g.id)
        })
        .collect();
    Refusal::new(
        "AmbiguousName",
        format!(
            "{field}: \"{name}\" fits {} groups: {}. Rename one of them, or create a GroupReplacement that gives {remedy}.",
            found.len(),
            name_some(which.iter().map(String::as_str)),
        ),
    )
}

/// A hint at a name that differs in case or in blanks only.
fn nearby(groups: &[Group], name: &str) -> String {
    let folded = |s: &str| s.trim().to_lowercase();
    groups
        .iter()
        .find(|g| folded(&g.name) == folded(name))
        .map(|g| format!(" (but one named \"{}\")", g.name))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devolutions::GroupId;
    use uuid::Uuid;

    const OBJECT: &str = "5D0F0000-0000-4000-8000-00000000ABCD";

    fn group(id: u128, name: &str, is_synced: Option<bool>, external_id: Option<&str>) -> Group {
        let external_id = external_id.map(str::to_owned);
        Group { id: GroupId(Uuid::from_u128(id)), name: name.to_owned(), user_ids: Vec::new(), is_synced, external_id }
    }

    fn custom(id: u128, name: &str) -> Group {
        group(id, name, Some(false), None)
    }

    fn synced(id: u128, name: &str) -> Group {
        group(id, name, Some(true), Some(&OBJECT.to_lowercase()))
    }

    fn named(name: &str) -> Wanted {
        Wanted::Name(name.to_owned())
    }

    fn id(id: u128) -> Wanted {
        Wanted::Id(Uuid::from_u128(id).to_string())
    }

    type Find = for<'a> fn(&'a [Group], &Wanted) -> Result<&'a Group, Refusal>;

    /// The id that is found, or the reason of the refusal.
    fn found(find: Find, groups: &[Group], wanted: &Wanted) -> Result<u128, &'static str> {
        find(groups, wanted).map(|g| g.id.0.as_u128()).map_err(|refusal| refusal.reason)
    }

    fn message(find: Find, groups: &[Group], wanted: &Wanted) -> String {
        find(groups, wanted).expect_err("a refusal").message
    }

    #[test]
    fn each_is_found_by_name_and_by_id() {
        let groups = [custom(1, "Sysadmins"), synced(2, "Vault-Admins")];
        assert_eq!(found(find_custom, &groups, &named("Sysadmins")), Ok(1));
        assert_eq!(found(find_custom, &groups, &id(1)), Ok(1));
        assert_eq!(found(find_entra, &groups, &named("Vault-Admins")), Ok(2));
        // The Entra object id, in any case; and not the id in Devolutions Cloud.
        assert_eq!(found(find_entra, &groups, &Wanted::Id(OBJECT.to_owned())), Ok(2));
        assert_eq!(found(find_entra, &groups, &id(2)), Err("GroupNotFound"));
        assert_eq!(found(find_custom, &groups, &Wanted::Id(OBJECT.to_owned())), Err("GroupNotFound"));
    }

    #[test]
    fn a_name_that_fits_two_groups_is_refused_and_an_id_is_the_way_out() {
        let groups = [custom(1, "Ops"), synced(2, "Ops")];
        for find in [find_custom as Find, find_entra] {
            assert_eq!(found(find, &groups, &named("Ops")), Err("AmbiguousName"));
            let said = message(find, &groups, &named("Ops"));
            assert!(said.contains(&format!("{} (custom)", groups[0].id)), "{said}");
            assert!(said.contains(&format!("{} (synced)", groups[1].id)), "{said}");
        }
        assert!(message(find_custom, &groups, &named("Ops")).contains("from.id"));
        assert!(message(find_entra, &groups, &named("Ops")).contains("to.id"));
        assert_eq!(found(find_custom, &groups, &id(1)), Ok(1));
        assert_eq!(found(find_entra, &groups, &Wanted::Id(OBJECT.to_owned())), Ok(2));
    }

    #[test]
    fn two_groups_from_one_entra_object_are_refused() {
        let groups = [synced(1, "Ops"), synced(2, "Ops (2)")];
        assert_eq!(found(find_entra, &groups, &Wanted::Id(OBJECT.to_owned())), Err("AmbiguousName"));
    }

    #[test]
    fn from_and_to_exchanged_are_refused_by_name_and_by_id() {
        let groups = [custom(1, "Sysadmins"), synced(2, "Vault-Admins")];
        for wanted in [named("Vault-Admins"), id(2)] {
            assert_eq!(found(find_custom, &groups, &wanted), Err("FromIsSynced"));
            assert!(message(find_custom, &groups, &wanted).contains("exchange"));
        }
        assert_eq!(found(find_entra, &groups, &named("Sysadmins")), Err("ToIsCustom"));
        assert!(message(find_entra, &groups, &named("Sysadmins")).contains("exchange"));
    }

    #[test]
    fn either_proof_that_a_group_is_synced_is_enough_and_none_is_not() {
        for (is_synced, external_id, to, from) in [
            (Some(true), None, Ok(1), Err("FromIsSynced")),
            (None, Some(OBJECT), Ok(1), Err("FromIsSynced")),
            (Some(false), None, Err("ToIsCustom"), Ok(1)),
            (None, None, Err("CannotTellSynced"), Ok(1)),
        ] {
            let groups = [group(1, "Ops", is_synced, external_id)];
            assert_eq!(found(find_entra, &groups, &named("Ops")), to, "{is_synced:?} {external_id:?}");
            assert_eq!(found(find_custom, &groups, &named("Ops")), from, "{is_synced:?} {external_id:?}");
        }
    }

    #[test]
    fn where_no_group_has_an_external_id_none_can_be_found_by_it() {
        let wanted = Wanted::Id(OBJECT.to_owned());
        let without = [group(1, "Ops", Some(true), None)];
        assert_eq!(found(find_entra, &without, &wanted), Err("CannotTellSynced"));
        let of_another = [group(1, "Ops", Some(true), Some("5d0f0000-0000-4000-8000-00000000abce"))];
        assert_eq!(found(find_entra, &of_another, &wanted), Err("GroupNotFound"));
    }

    #[test]
    fn a_name_is_compared_letter_by_letter_and_in_full() {
        for other in ["ops", "OPS", "Ops ", " Ops"] {
            for find in [find_custom as Find, find_entra] {
                let groups = [custom(1, other), synced(2, other)];
                assert_eq!(found(find, &groups, &named("Ops")), Err("GroupNotFound"), "{other:?}");
                let said = message(find, &groups, &named("Ops"));
                assert!(said.contains(&format!("but one named \"{other}\"")), "{said}");
            }
        }
        for other in ["DevOps", "Ops-Berlin", "O", ""] {
            for find in [find_custom as Find, find_entra] {
                let groups = [custom(1, other), synced(2, other)];
                assert_eq!(found(find, &groups, &named("Ops")), Err("GroupNotFound"), "{other:?}");
                assert!(!message(find, &groups, &named("Ops")).contains("but one named"), "{other:?}");
            }
        }
        assert_eq!(found(find_custom, &[custom(1, "DevOps"), custom(2, "Ops")], &named("Ops")), Ok(2));
    }
}
