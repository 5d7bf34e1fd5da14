//! The Entra side of a generated world.
//!
//! Everybody whom Devolutions Cloud has as synced has an account here, and every synced group is here with the same
//! members. The rest is as in companies of some age: most people may sign in through one big group; a few cannot, each
//! for another reason.

use std::collections::HashMap;

use jiff::Timestamp;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::scenario::{
    ApplicationFilter, ApplicationSpec, AssignmentSpec, ConditionalAccessSpec, DirectoryGroupSpec, DomainSpec,
    EntraSpec, FilterMode, PasswordRestriction, PasswordSpec, PersonSpec, PersonType, PolicyState, RestrictionType,
};
use super::{AppManagementSpec, LONG_AGO};
use crate::world::scenario::{GroupKind, GroupSpec, Invitation, UserSpec};

/// The domain of everybody's address, and the one that the tenant began with.
const DOMAIN: &str = "contoso.example";
const INITIAL: &str = "contoso.onmicrosoft.example";

/// The application that Devolutions Cloud signs people in with.
pub(crate) const APPLICATION: &str = "Devolutions Hub";
/// Where it sends them back to.
pub(crate) const CALLBACK: &str = "https://sso.devolutions.example/callback/contoso";

/// When its client secret ends: 2036-05-17.
const SECRET_ENDS: Timestamp = Timestamp::constant(2_094_625_800, 0);

/// How somebody stands to the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// In the assigned group.
    Group,
    /// Assigned in person.
    Person,
    /// Only in a group within the assigned one.
    Nested,
    /// Not at all.
    None,
}

/// The Entra tenant beside these users and groups of Devolutions Cloud.
pub(crate) fn generate(seed: u64, users: &[UserSpec], groups: &[GroupSpec]) -> EntraSpec {
    // A stream of its own: what is drawn here changes nothing elsewhere.
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(1);
    let mut people = Vec::new();
    let mut ways = Vec::new();
    for user in users.iter().filter(|it| it.synced || it.invitation == Invitation::Pending) {
        people.push(account(&mut rng, user));
        ways.push(match rng.random_range(0..100) {
            0..3 => Way::Nested,
            3..5 => Way::Person,
            5 => Way::None,
            _ => Way::Group,
        });
    }
    let by_mail = |it: &PersonSpec| (it.mail.as_ref().unwrap_or(&it.user_principal_name).clone(), it.clone());
    let by_mail: HashMap<String, PersonSpec> = people.iter().map(by_mail).collect();
    let upn = |email: &String| by_mail.get(email).map(|it| it.user_principal_name.clone());
    let synced = groups.iter().filter(|it| it.kind == GroupKind::Synced);
    let mut directory: Vec<DirectoryGroupSpec> =
        synced.map(|it| group(&it.name, it.members.iter().filter_map(upn).collect())).collect();
    let on = |way| {
        let fits = people.iter().zip(&ways).filter(move |(_, it)| **it == way);
        fits.map(|(it, _)| it.user_principal_name.clone()).collect::<Vec<_>>()
    };
    let everybody = DirectoryGroupSpec {
        member_groups: vec!["Devolutions users (sites)".to_owned()],
        ..group("Devolutions users", on(Way::Group))
    };
    directory.extend([everybody, group("Devolutions users (sites)", on(Way::Nested))]);
    let assigned = on(Way::Person).into_iter().map(|it| AssignmentSpec { user: Some(it), group: None });
    let to_all = AssignmentSpec { group: Some("Devolutions users".to_owned()), user: None };
    let hub = ApplicationSpec {
        redirect_uris: vec![CALLBACK.to_owned(), "https://encryption.contoso.example/callback".to_owned()],
        assignments: std::iter::once(to_all).chain(assigned).collect(),
        password_credentials: vec![PasswordSpec { display_name: Some("SSO".to_owned()), end_date_time: SECRET_ENDS }],
        admin_consent: "openid profile email User.Read".to_owned(),
        ..application(APPLICATION, false)
    };
    let staff = people.iter().filter(|it| it.user_type == PersonType::Member);
    let staff = staff.map(|it| it.user_principal_name.clone()).collect();
    directory.push(DirectoryGroupSpec {
        membership_rule: Some("user.userType -eq \"Member\"".to_owned()),
        ..group("All staff", staff)
    });
    let payroll = ApplicationSpec {
        assignments: vec![AssignmentSpec { group: Some("All staff".to_owned()), user: None }],
        ..application("Payroll", true)
    };
    people.extend(strangers(&mut rng, &people));
    EntraSpec {
        domains: [DOMAIN, INITIAL].map(|it| DomainSpec { name: it.to_owned(), verified: true }).to_vec(),
        users: people,
        groups: directory,
        applications: vec![hub, payroll],
        conditional_access_policies: policies(),
        default_app_management_policy: AppManagementSpec {
            is_enabled: true,
            password_credentials: vec![PasswordRestriction {
                restriction_type: RestrictionType::PasswordLifetime,
                max_lifetime: Some("P730D".to_owned()),
                restrict_for_apps_created_after_date_time: None,
            }],
        },
        ..EntraSpec::default()
    }
}

/// The account of somebody in Devolutions Cloud. One in 50 has another UPN than mail, one in 100 is disabled here only.
fn account(rng: &mut ChaCha8Rng, user: &UserSpec) -> PersonSpec {
    let (local, _) = user.email.split_once('@').unwrap_or((&user.email, ""));
    let (is_other, is_disabled) = (rng.random_bool(0.02), rng.random_bool(0.01));
    PersonSpec {
        display_name: user.name.clone(),
        user_principal_name: if is_other { format!("{local}@{INITIAL}") } else { user.email.clone() },
        mail: is_other.then(|| user.email.clone()),
        account_enabled: !user.disabled && !is_disabled,
        user_type: PersonType::Member,
    }
}

/// Accounts that Devolutions Cloud does not know: colleagues, guests, and second accounts with the mail of the first.
fn strangers(rng: &mut ChaCha8Rng, people: &[PersonSpec]) -> Vec<PersonSpec> {
    let person = |name: String, upn: String, mail, user_type| PersonSpec {
        display_name: name,
        user_principal_name: upn,
        mail,
        account_enabled: true,
        user_type,
    };
    let mut strangers = Vec::new();
    for number in 1..=people.len() / 12 {
        let upn = format!("colleague.{number:03}@{DOMAIN}");
        strangers.push(person(format!("Colleague {number:03}"), upn, None, PersonType::Member));
    }
    for number in 1..=people.len() / 40 {
        let upn = format!("guest.{number:03}_partner.example#EXT#@{INITIAL}");
        let mail = format!("guest.{number:03}@partner.example");
        strangers.push(person(format!("Guest {number:03}"), upn, Some(mail), PersonType::Guest));
    }
    for _ in 0..people.len() / 150 {
        let Some(first) = people.get(rng.random_range(0..people.len())) else { break };
        let (local, _) = first.user_principal_name.split_once('@').unwrap_or_default();
        let (upn, mail) = (format!("admin.{local}@{INITIAL}"), first.mail.clone());
        let mail = mail.or_else(|| Some(first.user_principal_name.clone()));
        if !strangers.iter().any(|it: &PersonSpec| it.user_principal_name == upn) {
            strangers.push(person(format!("{} (admin)", first.display_name), upn, mail, PersonType::Member));
        }
    }
    strangers
}

fn group(name: &str, members: Vec<String>) -> DirectoryGroupSpec {
    DirectoryGroupSpec {
        display_name: name.to_owned(),
        key: None,
        id: None,
        security_enabled: true,
        mail_enabled: false,
        unified: false,
        membership_rule: None,
        members,
        member_groups: Vec::new(),
    }
}

fn application(name: &str, from_template: bool) -> ApplicationSpec {
    ApplicationSpec {
        display_name: name.to_owned(),
        key: None,
        app_id: None,
        from_template,
        created_date_time: Some(LONG_AGO),
        redirect_uris: Vec::new(),
        app_role_assignment_required: true,
        account_enabled: true,
        assignments: Vec::new(),
        password_credentials: Vec::new(),
        admin_consent: String::new(),
        claims_mapping_policies: Vec::new(),
        home_realm_discovery_policies: Vec::new(),
        app_management_policies: Vec::new(),
    }
}

fn policies() -> Vec<ConditionalAccessSpec> {
    let policy = |name: &str, state, include: &str| ConditionalAccessSpec {
        display_name: name.to_owned(),
        state,
        include_applications: vec![include.to_owned()],
        exclude_applications: Vec::new(),
        application_filter: None,
    };
    let marked = ApplicationFilter {
        mode: FilterMode::Include,
        rule: "CustomSecurityAttribute.Applications_Tier -eq \"0\"".to_owned(),
    };
    vec![
        policy("MFA for the vaults", PolicyState::Enabled, APPLICATION),
        ConditionalAccessSpec {
            exclude_applications: vec!["Payroll".to_owned()],
            ..policy("MFA for everything else", PolicyState::Enabled, "All")
        },
        ConditionalAccessSpec {
            application_filter: Some(marked),
            include_applications: Vec::new(),
            ..policy("Tier 0", PolicyState::EnabledForReportingButNotEnforced, "None")
        },
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::world::entra::{Member, Person, PersonType};
    use crate::world::{Sizes, World, generate};

    const DEMO: Sizes = Sizes { users: 200, groups: 12, vaults: 40, entries: 600 };

    #[test]
    fn the_entra_tenant_has_everybody_who_is_synced_and_groups_with_the_same_members() {
        let world = World::build(&generate(1, DEMO)).unwrap();
        let entra = world.entra.as_ref().unwrap();
        let by_mail = |mail: &str| entra.users.values().filter(|it| it.mail.as_deref() == Some(mail)).count();
        for user in world.users.values().filter(|it| it.is_synced) {
            assert!((1..=2).contains(&by_mail(&user.email)), "{}", user.email);
        }
        for group in world.groups.values().filter(|it| it.is_synced) {
            let own = &entra.groups[&group.external_id.unwrap()];
            assert_eq!(own.display_name, group.name);
            let mails: BTreeSet<&str> = own.users.iter().filter_map(|it| entra.users[it].mail.as_deref()).collect();
            assert_eq!(mails, group.members.iter().map(|it| world.users[it].email.as_str()).collect());
        }
        assert_eq!(world.sso.as_ref().unwrap().client_id, entra.applications.values().nth(1).map(|it| it.app_id));
    }

    #[test]
    fn the_entra_tenant_has_people_of_every_class() {
        let world = World::build(&generate(1, Sizes { users: 1000, ..DEMO })).unwrap();
        let entra = world.entra.as_ref().unwrap();
        let count = |is: fn(&Person) -> bool| entra.users.values().filter(|it| is(it)).count();
        assert!(count(|it| it.mail.as_deref() != Some(&it.upn)) > 10 && count(|it| !it.is_enabled) > 20);
        assert!(count(|it| it.kind == PersonType::Guest) > 10);
        let (_, hub) = entra.service_principal(world.sso.unwrap().client_id.unwrap()).unwrap();
        let assigned: Vec<Member> = hub.assigned.values().map(|it| it.principal).collect();
        let group = entra.groups.iter().find(|(_, it)| it.display_name == "Devolutions users").unwrap();
        assert!(assigned.len() > 5 && assigned[0] == Member::Group(*group.0));
        let nested = entra.transitive_members(*group.0).len() - entra.members(*group.0).len();
        assert!(nested > 15 && group.1.users.len() > 800, "{nested}");
    }
}
