//! The two groups must have the same members, user by user.

use std::collections::{BTreeMap, BTreeSet};

use super::{Refusal, count, name_some};
use crate::devolutions::{Group, User, UserId};

/// Who is in one group only.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Difference {
    /// In the custom group only: they would lose access.
    pub missing: Vec<UserId>,
    /// In the Entra group only: they would gain access.
    pub extra: Vec<UserId>,
}

impl Difference {
    /// Compares by user id: names and addresses are not identities.
    #[must_use]
    pub fn between(from: &Group, to: &Group) -> Self {
        let from: BTreeSet<UserId> = from.user_ids.iter().copied().collect();
        let to: BTreeSet<UserId> = to.user_ids.iter().copied().collect();
        Self { missing: from.difference(&to).copied().collect(), extra: to.difference(&from).copied().collect() }
    }

    /// Whether the members are the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.extra.is_empty()
    }
}

/// Refuses an Entra group that nobody is in yet.
pub fn require_filled(entra: &Group) -> Result<(), Refusal> {
    if !entra.user_ids.is_empty() {
        return Ok(());
    }
    Err(Refusal::new(
        "ToIsEmpty",
        format!(
            "to: \"{}\" has no members in Devolutions Cloud yet. A group that was just synced fills up later; it is looked at again.",
            entra.name
        ),
    ))
}

/// Refuses groups with unequal members, and names them.
pub fn require_equal(from: &Group, to: &Group, users: &[User]) -> Result<(), Refusal> {
    let difference = Difference::between(from, to);
    if difference.is_empty() {
        return Ok(());
    }
    let by_id: BTreeMap<UserId, &User> = users.iter().map(|u| (u.id, u)).collect();
    let name = |id: &UserId| by_id.get(id).map_or_else(|| id.to_string(), |u| u.label().to_owned());
    let (applications, people): (Vec<UserId>, Vec<UserId>) =
        difference.missing.iter().partition(|id| by_id.get(id).is_some_and(|u| u.is_application()));
    let mut parts = Vec::new();
    let mut say = |ids: &[UserId], what: &str| {
        if !ids.is_empty() {
            let mut names: Vec<String> = ids.iter().map(name).collect();
            names.sort();
            parts.push(format!(
                "{} {what}: {}",
                count(ids.len(), "member"),
                name_some(names.iter().map(String::as_str))
            ));
        }
    };
    say(&people, &format!("of \"{}\" would lose access, not being in \"{}\"", from.name, to.name));
    say(
        &applications,
        &format!(
            "of \"{}\" would lose access, being application identities, which no Entra group can hold (give each its permissions directly, then take it out of the group)",
            from.name
        ),
    );
    say(&difference.extra, &format!("of \"{}\" would gain access, not being in \"{}\"", to.name, from.name));
    Err(Refusal::new(
        "MembersDiffer",
        format!(
            "The members of \"{}\" and \"{}\" differ. {}. Make them equal in Entra ID (or in the custom group); it is looked at again.",
            from.name,
            to.name,
            parts.join("; ")
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devolutions::GroupId;
    use uuid::Uuid;

    fn id(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    fn group(name: &str, members: &[u128]) -> Group {
        let user_ids = members.iter().map(|n| id(*n)).collect();
        Group { id: GroupId(Uuid::nil()), name: name.to_owned(), user_ids, is_synced: None, external_id: None }
    }

    /// Users 1 to 9 are people, 10 and up application identities, and 99 nobody that the server lists.
    fn users() -> Vec<User> {
        let user = |n: u128| User {
            id: id(n),
            email: if n < 10 { format!("user{n}@contoso.example") } else { String::new() },
            name: format!("name {n}"),
            user_type: if n < 10 { "User" } else { "Application" }.to_owned(),
            is_enabled: true,
            is_administrator: false,
            invitation_state: None,
            is_synced: None,
        };
        (1..20).map(user).collect()
    }

    fn refusal(from: &[u128], to: &[u128]) -> Refusal {
        require_equal(&group("Sysadmins", from), &group("Vault-Admins", to), &users()).expect_err("a refusal")
    }

    #[test]
    fn equal_members_pass_in_any_order_and_twice_named() {
        let check = |from: &[u128], to: &[u128]| require_equal(&group("a", from), &group("b", to), &users());
        assert_eq!(check(&[1, 2, 10], &[10, 2, 1]), Ok(()));
        assert_eq!(check(&[1, 1, 2], &[2, 1]), Ok(()));
        assert_eq!(check(&[99], &[99]), Ok(()));
    }

    #[test]
    fn who_would_lose_and_who_would_gain_access_is_told_apart() {
        let difference = Difference::between(&group("a", &[1, 2, 3]), &group("b", &[3, 4]));
        assert_eq!(difference, Difference { missing: vec![id(1), id(2)], extra: vec![id(4)] });
        assert!(!difference.is_empty());

        let refusal = refusal(&[1, 2, 3], &[3, 4]);
        assert_eq!(refusal.reason, "MembersDiffer");
        let (lose, gain) = refusal.message.split_once("; ").expect("two parts");
        assert_eq!(
            lose,
            "The members of \"Sysadmins\" and \"Vault-Admins\" differ. 2 members of \"Sysadmins\" would lose access, not being in \"Vault-Admins\": user1@contoso.example, user2@contoso.example"
        );
        assert!(gain.starts_with(
            "1 member of \"Vault-Admins\" would gain access, not being in \"Sysadmins\": user4@contoso.example. "
        ));
    }

    #[test]
    fn either_difference_alone_is_enough_to_refuse() {
        let only_missing = refusal(&[1, 2], &[1]).message;
        assert!(only_missing.contains("would lose") && !only_missing.contains("would gain"), "{only_missing}");
        let only_extra = refusal(&[1], &[1, 2]).message;
        assert!(only_extra.contains("would gain") && !only_extra.contains("would lose"), "{only_extra}");
    }

    #[test]
    fn application_identities_have_a_remedy_of_their_own() {
        let said = refusal(&[1, 2, 11, 10], &[1]).message;
        assert!(said.contains("1 member of \"Sysadmins\" would lose access, not being in"), "{said}");
        assert!(said.contains("2 members of \"Sysadmins\" would lose access, being application identities"), "{said}");
        assert!(said.contains(": name 10, name 11"), "{said}");
    }

    #[test]
    fn a_user_that_nobody_lists_is_named_by_id() {
        assert!(refusal(&[1, 99], &[1]).message.contains(&id(99).to_string()));
    }

    #[test]
    fn an_empty_group_is_no_taker_whatever_the_other_holds() {
        assert_eq!(require_filled(&group("Vault-Admins", &[])).expect_err("a refusal").reason, "ToIsEmpty");
        assert_eq!(require_filled(&group("Vault-Admins", &[1])), Ok(()));
        for (from, to) in [(&[1][..], &[][..]), (&[], &[1])] {
            assert_eq!(refusal(from, to).reason, "MembersDiffer");
        }
    }

    #[test]
    fn twenty_names_are_shown_and_the_rest_is_counted() {
        let many: Vec<u128> = (1000..1030).collect();
        let said = refusal(&[&[1], many.as_slice()].concat(), &[1]).message;
        assert!(said.contains("30 members") && said.contains(" and 10 more"), "{said}");
        assert_eq!(said.matches(", 00000000-").count(), 19, "{said}");
    }
}
