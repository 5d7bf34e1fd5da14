//! What a migration will mean for each user: every cause once, and the laws that hold for all.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test ends at the first surprise.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use operator::api::Waiver;
use operator::devolutions::{User, UserId};
use operator::entra::{EntraUser, Member};
use operator::plan::forecast::{
    Access, Answer, Assigned, Cause, Class, Ground, UserForecast, Waivers, forecast, summary,
};
use proptest::prelude::*;
use uuid::Uuid;

fn id(n: usize) -> Uuid {
    Uuid::from_u128(n as u128)
}

/// The n-th user of Devolutions Cloud.
fn user(n: usize) -> User {
    User {
        id: UserId(id(n)),
        email: format!("user{n}@contoso.example"),
        name: format!("User {n}"),
        user_type: "User".to_owned(),
        is_enabled: true,
        is_administrator: false,
        invitation_state: Some("Accepted".to_owned()),
        is_synced: None,
    }
}

/// The Entra user of that one: its id is the same, so that tests stay readable.
fn entra(n: usize) -> EntraUser {
    let email = Some(format!("User{n}@contoso.example"));
    EntraUser { id: id(n), user_principal_name: email.clone(), mail: email, account_enabled: Some(true) }
}

fn assigned(users: impl IntoIterator<Item = usize>) -> Access {
    let assigned: Vec<Assigned> = users.into_iter().map(|n| Assigned::User(id(n))).collect();
    Access::by(true, &assigned)
}

#[derive(Debug)]
struct World {
    users: Vec<User>,
    entra: Vec<EntraUser>,
    domains: BTreeSet<String>,
    today: Access,
    after: Access,
    waivers: Waivers,
}

impl World {
    /// User 1, who signs in today and will.
    fn new() -> Self {
        Self {
            users: vec![user(1)],
            entra: vec![entra(1)],
            domains: BTreeSet::from(["contoso.example".to_owned()]),
            today: assigned([1]),
            after: assigned([1]),
            waivers: Waivers::default(),
        }
    }

    fn forecast(&self) -> Vec<UserForecast> {
        forecast(&Ground {
            users: &self.users,
            entra_users: &self.entra,
            verified_domains: Some(&self.domains),
            today: &self.today,
            after: &self.after,
            waivers: &self.waivers,
        })
        .unwrap()
    }

    /// What becomes of user 1.
    fn one(&self) -> UserForecast {
        self.forecast().into_iter().find(|f| f.id == UserId(id(1))).unwrap()
    }
}

/// User 1 after a change to the world: today, after, synced, class, loses.
fn changed(change: impl FnOnce(&mut World)) -> (Answer, Answer, Answer, Class, bool) {
    let mut world = World::new();
    change(&mut world);
    let one = world.one();
    let loses = one.loses();
    (one.today, one.after, one.synced, one.class, loses)
}

use Answer::{DependsOnMatching, No, OnceJoined, Yes};

#[test]
fn who_is_assigned_enabled_and_known_by_both_names_comes_along() {
    assert_eq!(changed(|_| {}), (Yes, Yes, Yes, Class::Expected, false));
}

#[test]
fn a_name_that_fits_only_half_is_a_yes_that_depends_on_it() {
    let expected = (DependsOnMatching, DependsOnMatching, DependsOnMatching, Class::Expected, false);
    assert_eq!(changed(|w| w.entra[0].mail = Some("first.last@contoso.example".to_owned())), expected);
    assert_eq!(changed(|w| w.entra[0].user_principal_name = Some("f@contoso.onmicrosoft.com".to_owned())), expected);
    assert_eq!(changed(|w| w.entra[0].mail = None), expected);
}

#[test]
fn a_loss_is_told_with_its_cause() {
    assert_eq!(
        changed(|w| w.after = assigned([])),
        (Yes, No(Cause::NotAssigned), No(Cause::NotAssigned), Class::Missing, true)
    );
    let nested = Assigned::Group { members: vec![Member::Group(id(9))], within: vec![id(1)] };
    assert_eq!(
        changed(|w| w.after = Access::by(true, [&nested])),
        (Yes, No(Cause::OnlyInNestedGroup), No(Cause::OnlyInNestedGroup), Class::Missing, true)
    );
    // The address is known to Devolutions Cloud, its domain is not: a loss at worst, so it is called one.
    assert_eq!(
        changed(|w| w.domains.clear()),
        (Yes, No(Cause::DomainNotVerified), No(Cause::DomainNotVerified), Class::Missing, true)
    );
}

#[test]
fn who_needs_no_assignment_to_sign_in_needs_one_to_be_synced() {
    let open = || Access { is_assignment_required: false, ..assigned([]) };
    assert_eq!(
        changed(|w| (w.today, w.after) = (open(), open())),
        (Yes, Yes, No(Cause::NotAssigned), Class::Missing, false)
    );
}

#[test]
fn who_cannot_come_from_entra_is_not_waited_for() {
    let out = |cause| (No(cause), No(cause), No(cause), Class::NotApplicable, false);
    assert_eq!(changed(|w| w.users[0].user_type = "Application".to_owned()), out(Cause::ApplicationIdentity));
    assert_eq!(changed(|w| w.users[0].email.clear()), out(Cause::NoEmail));
    assert_eq!(changed(|w| w.users[0].is_enabled = false), out(Cause::DisabledInDevolutionsCloud));
    assert_eq!(changed(|w| w.entra.clear()), out(Cause::NoEntraUser));
    assert_eq!(changed(|w| w.entra[0].account_enabled = Some(false)), out(Cause::DisabledInEntra));
    assert_eq!(
        changed(|w| w.users[0].invitation_state = Some("Pending".to_owned())),
        (OnceJoined, OnceJoined, No(Cause::NotJoined), Class::NotApplicable, false)
    );
    // Who is assigned nowhere today is nobody's loss, and no reason to wait.
    assert_eq!(
        changed(|w| (w.today, w.after) = (assigned([]), assigned([]))),
        (No(Cause::NotAssigned), No(Cause::NotAssigned), No(Cause::NotAssigned), Class::NotApplicable, false)
    );
    assert_eq!(
        changed(|w| w.today.is_enabled = false),
        (No(Cause::ApplicationDisabled), Yes, Yes, Class::Expected, false)
    );
}

#[test]
fn two_entra_users_of_one_address_are_never_taken_for_one() {
    let second = || EntraUser { id: id(2), ..entra(1) };
    let ambiguous = No(Cause::AmbiguousEntraUser);
    // Either could be meant. Both get in, before and after: no loss, but provisioning cannot tell them apart.
    assert_eq!(
        changed(|w| {
            w.entra.push(second());
            (w.today, w.after) = (assigned([1, 2]), assigned([1, 2]));
        }),
        (DependsOnMatching, DependsOnMatching, ambiguous, Class::Missing, false)
    );
    // Only one gets in today, and that one will: nothing changes.
    assert_eq!(
        changed(|w| w.entra.push(second())),
        (DependsOnMatching, DependsOnMatching, ambiguous, Class::Missing, false)
    );
    // Both get in today and only one will: perhaps the wrong one.
    assert_eq!(
        changed(|w| {
            w.entra.push(second());
            w.today = assigned([1, 2]);
        }),
        (DependsOnMatching, ambiguous, ambiguous, Class::Missing, true)
    );
}

#[test]
fn an_account_that_comes_in_anew_beside_another_of_its_address_is_announced() {
    let mut world = World::new();
    world.entra.push(EntraUser { id: id(2), ..entra(1) });
    assert!(!world.one().lets_another_in);
    world.after = assigned([1, 2]);
    let one = world.one();
    assert!(one.lets_another_in && !one.loses() && !one.gains(), "{one:?}");
}

#[test]
fn one_entra_user_is_never_promised_to_two() {
    // By one address, and by both of an account's names.
    let same = |w: &mut World| w.users.push(User { id: UserId(id(2)), ..user(1) });
    let linked = |w: &mut World| {
        w.users.push(user(2));
        w.entra[0].mail = Some("user2@contoso.example".to_owned());
    };
    for change in [&same as &dyn Fn(&mut World), &linked] {
        let mut world = World::new();
        change(&mut world);
        for user in world.forecast() {
            let expected = (DependsOnMatching, DependsOnMatching, No(Cause::SharedEntraUser), Class::Missing);
            assert_eq!((user.today, user.after, user.synced, user.class), expected, "{user:?}");
        }
        // One that can never sign in takes nothing from the other.
        world.users[1].is_enabled = false;
        assert!(world.one().synced.is_yes());
    }
}

#[test]
fn who_has_no_entra_user_and_could_have_one_is_named() {
    let not_found = |change: &dyn Fn(&mut World)| {
        let mut world = World::new();
        world.entra.clear();
        change(&mut world);
        world.one().not_found
    };
    assert!(not_found(&|_| {}));
    assert!(!not_found(&|w| w.entra.push(entra(1))));
    assert!(!not_found(&|w| w.domains.clear()), "nobody of that domain comes from Entra ID");
    assert!(!not_found(&|w| w.users[0].is_enabled = false));
    assert!(!not_found(&|w| w.users[0].invitation_state = Some("Pending".to_owned())));
    assert!(!not_found(&|w| w.users[0].user_type = "Application".to_owned()));
    // Blanks and capitals make no other address.
    assert_eq!(changed(|w| w.users[0].email = " USER1@Contoso.example ".to_owned()).0, Yes);
}

#[test]
fn provisioning_would_disable_whoever_is_assigned_and_disabled_in_entra() {
    let mut world = World::new();
    world.entra[0].account_enabled = Some(false);
    assert!(world.one().disabled);
    world.after = assigned([]);
    assert!(!world.one().disabled, "out of its scope");
    world.after = assigned([1]);
    world.users[0].is_enabled = false;
    assert!(!world.one().disabled, "disabled already");
    assert!(world.one().in_scope, "and covered all the same");
}

#[test]
fn a_waiver_counts_for_its_user_or_its_domain_until_it_runs_out() {
    let waiver = |user: Option<&str>, domain: Option<&str>, until: Option<&str>| Waiver {
        user: user.map(ToOwned::to_owned),
        email_domain: domain.map(ToOwned::to_owned),
        reason: "leaves in June".to_owned(),
        until: until.map(|at| Time(at.parse().unwrap())),
    };
    let now: Timestamp = "2026-11-25T12:00:00Z".parse().unwrap();
    let class = |waiver: Waiver| {
        changed(|w| {
            w.after = assigned([]);
            w.waivers = Waivers::in_force(&[waiver], now);
        })
    };
    for waived in [
        waiver(Some("USER1@contoso.example"), None, None),
        waiver(None, Some("Contoso.example"), None),
        waiver(None, Some("contoso.example"), Some("2026-11-25T12:00:01Z")),
    ] {
        assert_eq!(
            class(waived.clone()),
            (Yes, No(Cause::NotAssigned), No(Cause::NotAssigned), Class::Waived, false),
            "{waived:?}"
        );
    }
    for idle in [
        waiver(Some("user2@contoso.example"), None, None),
        waiver(None, Some("example"), None),
        waiver(None, Some("contoso.example"), Some("2026-11-25T12:00:00Z")),
    ] {
        assert!(class(idle.clone()).4, "{idle:?}");
    }
    // Who comes along is not waived away.
    let waivers = Waivers::in_force(&[waiver(None, Some("contoso.example"), None)], now);
    assert_eq!(changed(|w| w.waivers = waivers).3, Class::Expected);
}

#[test]
fn nothing_is_said_where_entra_does_not_tell_who_is_enabled() {
    let mut world = World::new();
    world.entra[0].account_enabled = None;
    // Of one among others it is in doubt: yes today, no afterwards.
    world.users.push(user(2));
    world.entra.push(entra(2));
    let unknown = No(Cause::EnabledUnknown);
    let one = world.one();
    assert_eq!((one.today, one.after, one.synced, one.loses()), (Yes, unknown, unknown, true));
    // Of nobody at all, it is a permission that lacks.
    world.entra.pop();
    let refusal = forecast(&Ground {
        users: &world.users,
        entra_users: &world.entra,
        verified_domains: None,
        today: &world.today,
        after: &world.after,
        waivers: &world.waivers,
    })
    .expect_err("a refusal");
    assert_eq!(refusal.reason, "PermissionMissing");
    assert!(refusal.message.contains("User.Read.All"), "{}", refusal.message);
}

/// Worlds of up to six users with everything about them by chance.
fn worlds() -> impl Strategy<Value = World> {
    let person = (any::<[bool; 6]>(), 0_usize..4);
    let access = || (any::<bool>(), any::<bool>(), prop::collection::vec(any::<bool>(), 12));
    (prop::collection::vec(person, 1..6), access(), access(), any::<[bool; 3]>()).prop_map(
        |(people, today, after, [is_verified, is_waived, has_double])| {
            let mut world = World::new();
            (world.users, world.entra) = (Vec::new(), Vec::new());
            for (n, ([is_application, has_email, is_enabled, has_joined, in_entra, has_twin], names)) in
                people.into_iter().enumerate()
            {
                let mut user = user(n);
                if is_application {
                    "Application".clone_into(&mut user.user_type);
                }
                if !has_email && names == 3 {
                    user.email.clear();
                }
                user.is_enabled = is_enabled || has_email;
                user.invitation_state = Some(if has_joined { "Accepted" } else { "Pending" }.to_owned());
                world.users.push(user);
                for (twin, there) in [(0, in_entra), (6, has_twin && in_entra)] {
                    if there {
                        let mut account = EntraUser { id: id(n + twin), ..entra(n) };
                        account.account_enabled = Some(is_enabled != (twin == 6));
                        match names {
                            1 => account.mail = None,
                            2 => account.user_principal_name = None,
                            _ => {}
                        }
                        world.entra.push(account);
                    }
                }
            }
            let access = |(is_enabled, is_required, users): (bool, bool, Vec<bool>)| Access {
                is_enabled,
                is_assignment_required: is_required,
                ..assigned(users.into_iter().enumerate().filter(|(_, is)| *is).map(|(n, _)| n))
            };
            (world.today, world.after) = (access(today), access(after));
            if !is_verified {
                world.domains.clear();
            }
            let waived = Waiver {
                user: Some("user0@contoso.example".to_owned()),
                email_domain: None,
                reason: "chance".to_owned(),
                until: None,
            };
            if is_waived {
                world.waivers = Waivers::in_force(&[waived], Timestamp::UNIX_EPOCH);
            }
            if let (Some(first), true) = (world.users.first().cloned(), has_double) {
                world.users.push(User { id: UserId(id(100)), ..first });
            }
            world.after.nested = world.after.entitled.iter().map(|of| Uuid::from_u128(of.as_u128() + 1)).collect();
            world
        },
    )
}

proptest! {
    #[test]
    fn nobody_loses_or_gains_by_the_same_access(mut world in worlds()) {
        world.after = world.today.clone();
        world.domains.insert("contoso.example".to_owned());
        for user in world.forecast() {
            prop_assert!(!user.loses() && !user.gains(), "{user:?}");
        }
    }

    #[test]
    fn more_assignments_never_cost_anybody_anything(mut world in worlds(), more in prop::collection::vec(0_usize..12, 0..6)) {
        let before = world.forecast();
        world.after.entitled.extend(more.into_iter().map(id));
        for (before, after) in before.iter().zip(world.forecast()) {
            prop_assert!(!before.after.is_yes() || after.after.is_yes(), "{before:?} {after:?}");
            prop_assert!(!before.synced.is_yes() || after.synced.is_yes(), "{before:?} {after:?}");
        }
    }

    #[test]
    fn who_is_synced_can_sign_in_and_the_numbers_add_up(world in worlds()) {
        let users = world.forecast();
        for user in &users {
            if world.after.is_enabled {
                prop_assert!(!user.synced.is_yes() || user.after.is_yes(), "{user:?}");
            }
        }
        let numbers = summary(&users);
        let sync = &numbers.synchronization;
        prop_assert_eq!(sync.synced + sync.missing + sync.not_applicable + sync.waived, numbers.users);
        let sign_in = &numbers.sign_in;
        prop_assert_eq!(sign_in.today + sign_in.gained - sign_in.lost - sign_in.waived, sign_in.after);
        let causes: u32 = numbers.causes.iter().map(|c| c.count).sum();
        prop_assert_eq!(causes, numbers.users - sign_in.after + numbers.users - sync.synced, "one cause for each no");
    }
}
