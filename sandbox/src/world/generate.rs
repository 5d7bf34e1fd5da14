//! Worlds of any size from a seed.

use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, json};

use super::scenario::{
    EntrySpec, Grant, GroupKind, GroupSpec, Identities, Invitation, Scenario, Switches, TenantGrants, UserSpec,
    UserType, VaultSpec,
};
use super::sso::{SsoDomainSpec, SsoSpec};
use super::{DomainStatus, Provider, entra};

/// How big a generated world is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Users, application identities included.
    pub users: usize,
    /// Custom groups to be replaced; each has a synced twin beside it.
    pub groups: usize,
    /// Vaults.
    pub vaults: usize,
    /// Folders and entries, over all vaults.
    pub entries: usize,
}

const FIRST: [&str; 24] = [
    "Ana", "Ben", "Carol", "David", "Elif", "Fatima", "Georg", "Hana", "Ivan", "Julia", "Kofi", "Lena", "Marc", "Noor",
    "Olga", "Pedro", "Quinn", "Rosa", "Sven", "Tara", "Umar", "Vera", "Wei", "Yara",
];
const LAST: [&str; 20] = [
    "Adler", "Bauer", "Costa", "Dubois", "Evans", "Fischer", "Garcia", "Haddad", "Ito", "Jensen", "Keller", "Lopez",
    "Moreau", "Novak", "Okafor", "Petit", "Rossi", "Silva", "Tremblay", "Weber",
];
const TEAMS: [&str; 12] = [
    "Operations",
    "Sysadmins",
    "Helpdesk",
    "Network",
    "Database",
    "Security",
    "Finance",
    "Developers",
    "Cloud",
    "Backup",
    "Workplace",
    "Support",
];
const AREAS: [&str; 10] = [
    "Infrastructure",
    "Databases",
    "Network",
    "Workplace",
    "Finance",
    "Production",
    "Staging",
    "Customers",
    "Backup",
    "Web",
];
const FOLDERS: [&str; 8] = ["Servers", "Linux", "Windows", "Routers", "Accounts", "Services", "Sites", "Archive"];
const ROLES: [&str; 6] =
    ["Restricted", "Readers", "Privileged readers", "Operators", "Privileged operators", "Contributors"];
const VAULT_FLAGS: [&str; 8] = [
    "viewVault",
    "viewEntries",
    "executeEntries",
    "viewPassword",
    "viewSensitive",
    "addEntries",
    "editEntries",
    "manageAttachments",
];
const SYSTEM_FLAGS: [&str; 4] =
    ["manageUsersGroups", "addVaults", "manageProductLicenses", "managePrivilegedAccessTasks"];
/// No real flag has this name; a client that copies permissions has to carry it along.
const UNKNOWN_FLAG: &str = "flagOfALaterVersion";

/// A world by seed and sizes: the same ones make the same world, ids included.
///
/// Each custom group `X` has a synced twin `ENTRA-X` of equal members that holds nothing, but for every tenth: that one
/// already holds what its custom group holds on one entry. A few more custom groups have no twin. There are an owner, administrators, application
/// identities (members of no group), disabled users and pending invitations. Beside it is an Entra tenant.
#[must_use]
pub fn generate(seed: u64, sizes: Sizes) -> Scenario {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let users = users(&mut rng, sizes.users.max(3));
    let people: Vec<String> = users.iter().filter(|it| !it.email.is_empty()).map(|it| it.email.clone()).collect();
    let (groups, custom, others) = groups(&mut rng, sizes.groups, &people);
    let mut grantees = Grantees { rng, custom, others, people };
    let permissions = TenantGrants { system: grantees.system(), all_vaults: grantees.all_vaults() };
    let vaults = vaults(&mut grantees, sizes);
    let organization = "Contoso".to_owned();
    let (switches, identities) = (Switches::default(), Identities::default());
    let entra = Some(entra::generate::generate(seed, &users, &groups));
    let sso = Some(SsoSpec {
        provider: Provider::OpenId,
        application: Some(entra::generate::APPLICATION.to_owned()),
        callback_url: Some(entra::generate::CALLBACK.to_owned()),
        domains: vec![SsoDomainSpec { name: "contoso.example".to_owned(), status: DomainStatus::Verified }],
        ..SsoSpec::default()
    });
    Scenario { seed, organization, switches, identities, users, groups, permissions, vaults, entra, sso }
}

fn users(rng: &mut ChaCha8Rng, count: usize) -> Vec<UserSpec> {
    let programs = (count / 40).clamp(1, 20);
    let person = |index: usize, rng: &mut ChaCha8Rng| {
        let (first, last) = (FIRST[index % FIRST.len()], LAST[index / FIRST.len() % LAST.len()]);
        let repeat = index / (FIRST.len() * LAST.len());
        let number = if repeat == 0 { String::new() } else { format!("{}", repeat + 1) };
        let pending = index > 0 && rng.random_bool(0.03);
        let email = format!("{}.{}{number}@contoso.example", first.to_lowercase(), last.to_lowercase());
        UserSpec {
            name: format!("{first} {last}{}{number}", if repeat == 0 { "" } else { " " }),
            email,
            owner: index == 0,
            administrator: index == 0 || index == 1 || rng.random_bool(0.01),
            disabled: index > 1 && !pending && rng.random_bool(0.03),
            invitation: if pending { Invitation::Pending } else { Invitation::Accepted },
            synced: index > 0 && !pending,
            ..UserSpec::default()
        }
    };
    let mut users: Vec<UserSpec> = (0..count - programs).map(|index| person(index, rng)).collect();
    users.extend((1..=programs).map(|number| UserSpec {
        name: format!("Service {number:02}"),
        user_type: UserType::Application,
        ..UserSpec::default()
    }));
    users
}

/// All groups, then the names of those with a twin and of those without.
fn groups(rng: &mut ChaCha8Rng, count: usize, people: &[String]) -> (Vec<GroupSpec>, Vec<String>, Vec<String>) {
    let members = |rng: &mut ChaCha8Rng, most: usize| -> Vec<String> {
        let count = rng.random_range(1..=most.clamp(2, people.len()));
        let mut members: Vec<String> = people.sample(rng, count).cloned().collect();
        members.sort_unstable();
        members
    };
    let few = (people.len() / 8).min(60);
    let group = |name: String, kind, members| GroupSpec {
        name,
        key: None,
        kind,
        description: String::new(),
        external_id: None,
        members,
    };
    let (mut groups, mut custom, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for index in 0..count {
        let name = format!("{} {:02}", TEAMS[index % TEAMS.len()], index / TEAMS.len() + 1);
        // Most groups are teams; one in 25 is half a company.
        let equal = members(rng, if index % 25 == 7 { people.len() / 2 } else { few });
        let mut shuffled = equal.clone();
        shuffled.shuffle(rng);
        groups.push(group(name.clone(), GroupKind::Custom, equal));
        groups.push(group(twin(&name), GroupKind::Synced, shuffled));
        custom.push(name);
    }
    for index in 0..count.div_ceil(6) {
        let name = format!("Project {:02}", index + 1);
        groups.push(group(name.clone(), GroupKind::Custom, members(rng, few)));
        others.push(name);
    }
    (groups, custom, others)
}

fn twin(custom: &str) -> String {
    format!("ENTRA-{custom}")
}

struct Grantees {
    rng: ChaCha8Rng,
    custom: Vec<String>,
    others: Vec<String>,
    people: Vec<String>,
}

impl Grantees {
    fn some_of(&mut self, names: &[&str]) -> Vec<String> {
        let count = self.rng.random_range(1..=names.len());
        let mut flags: Vec<String> = names.sample(&mut self.rng, count).map(|it| (*it).to_owned()).collect();
        if self.rng.random_bool(0.1) {
            flags.push(UNKNOWN_FLAG.to_owned());
        }
        flags
    }

    /// A role or flags, now and then with a field that nobody knows.
    fn value(&mut self) -> Grant {
        let mut grant = Grant::default();
        if self.rng.random_bool(0.65) {
            grant.role = ROLES.choose(&mut self.rng).map(|it| (*it).to_owned());
        } else {
            grant.flags = Some(self.some_of(&VAULT_FLAGS));
        }
        if self.rng.random_bool(0.05) {
            grant.extra =
                Map::from_iter([("note".to_owned(), json!({"ofALaterVersion": self.rng.random_range(1..100)}))]);
        }
        grant
    }

    /// Grants to so many different principals, most of them groups with a twin.
    fn grants(&mut self, count: usize) -> Vec<Grant> {
        let mut grants: Vec<Grant> = Vec::new();
        for _ in 0..count {
            let mut grant = self.value();
            match self.rng.random_range(0..10) {
                0 => grant.user = self.people.choose(&mut self.rng).cloned(),
                1 => grant.group = self.others.choose(&mut self.rng).cloned(),
                _ => grant.group = self.custom.choose(&mut self.rng).cloned(),
            }
            let named = grant.user.is_some() || grant.group.is_some();
            if named && !grants.iter().any(|it| it.user == grant.user && it.group == grant.group) {
                grants.push(grant);
            }
        }
        grants
    }

    fn system(&mut self) -> Vec<Grant> {
        let mut grants = self.grants(self.custom.len().div_ceil(3));
        for grant in &mut grants {
            (grant.role, grant.flags) = (None, Some(self.some_of(&SYSTEM_FLAGS)));
        }
        grants
    }

    fn all_vaults(&mut self) -> Vec<Grant> {
        self.grants(self.custom.len().div_ceil(5))
    }
}

fn vaults(grantees: &mut Grantees, sizes: Sizes) -> Vec<VaultSpec> {
    let mut vaults = Vec::with_capacity(sizes.vaults);
    for index in 0..sizes.vaults {
        let name = format!("{} {:02}", AREAS[index % AREAS.len()], index / AREAS.len() + 1);
        let count = sizes.entries / sizes.vaults + usize::from(index < sizes.entries % sizes.vaults);
        let entries = entries(grantees, count);
        let count = grantees.rng.random_range(1..=3);
        let permissions = grantees.grants(count);
        vaults.push(VaultSpec { name, vault_type: None, permissions, entries });
    }
    hold_in_advance(&mut vaults, &grantees.custom);
    vaults
}

/// Folders up to four deep, and entries in them and at the vault's root. All have permissions of their own: three in ten of
/// groups, and the others of somebody alone.
fn entries(grantees: &mut Grantees, count: usize) -> Vec<EntrySpec> {
    let mut folders: Vec<String> = Vec::new();
    let mut entries = Vec::with_capacity(count);
    for index in 0..count {
        let folder = index % 4 == 0;
        let shallow: Vec<&String> =
            folders.iter().filter(|it| !folder || it.matches('/').count() < 3).rev().take(3).collect();
        let above = if grantees.rng.random_bool(0.15) { None } else { shallow.choose(&mut grantees.rng) };
        let name = if folder {
            format!("{} {index:02}", FOLDERS[index / 4 % FOLDERS.len()])
        } else {
            format!("entry {index:02}")
        };
        let path = above.map_or_else(|| name.clone(), |above| format!("{above}/{name}"));
        if folder {
            folders.push(path.clone());
        }
        let count = if grantees.rng.random_bool(0.3) { grantees.rng.random_range(1..=3) } else { 0 };
        let mut permissions = grantees.grants(count);
        if permissions.is_empty() {
            permissions.push(Grant {
                user: Some(grantees.people[index % grantees.people.len()].clone()),
                role: Some("Readers".to_owned()),
                ..Grant::default()
            });
        }
        entries.push(EntrySpec { path, folder, permissions });
    }
    entries
}

/// Gives every tenth twin what its custom group holds on one entry that has nothing below it.
fn hold_in_advance(vaults: &mut [VaultSpec], custom: &[String]) {
    for name in custom.iter().step_by(10) {
        let leaves = vaults.iter_mut().flat_map(|vault| &mut vault.entries).filter(|entry| !entry.folder);
        for leaf in leaves {
            if let Some(held) = leaf.permissions.iter().find(|it| it.group.as_deref() == Some(name)) {
                let equal = Grant { group: Some(twin(name)), ..held.clone() };
                leaf.permissions.push(equal);
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::world::{Level, Principal, World};

    const DEMO: Sizes = Sizes { users: 200, groups: 12, vaults: 40, entries: 600 };

    #[test]
    fn sizes_are_as_asked_and_all_classes_of_users_are_there() {
        let world = generate(1, DEMO);
        let entries = world.vaults.iter().map(|it| it.entries.len()).sum::<usize>();
        assert_eq!((world.users.len(), world.vaults.len(), entries), (200, 40, 600));
        let own = |entry: &&EntrySpec| !entry.permissions.is_empty();
        assert_eq!(world.vaults.iter().flat_map(|it| &it.entries).filter(own).count(), 600, "each of them its own");
        let count = |is: fn(&UserSpec) -> bool| world.users.iter().filter(|it| is(it)).count();
        assert_eq!((count(|it| it.owner), count(|it| it.user_type == UserType::Application)), (1, 5));
        assert!(count(|it| it.disabled) > 0 && count(|it| it.invitation == Invitation::Pending) > 0);
        assert!(count(|it| it.administrator) > 1);
        assert_eq!(world.users.iter().map(|it| &it.name).collect::<BTreeSet<_>>().len(), 200, "names are told apart");
    }

    #[test]
    fn twins_are_equal_and_hold_next_to_nothing_and_the_custom_groups_hold_something_on_every_level() {
        let world = World::build(&generate(1, DEMO)).unwrap();
        let (mut twins, mut ahead, mut levels) = (0, 0, BTreeSet::new());
        for (id, group) in &world.groups {
            let name = twin(&group.name);
            let Some((synced, it)) = world.groups.iter().find(|(_, it)| it.name == name) else { continue };
            assert_eq!(group.members, it.members);
            assert!(!group.is_synced && it.is_synced && it.external_id.is_some());
            twins += 1;
            for (object, set) in world.objects_with_permissions() {
                let (held, early) = (set.get(Principal::Group(*id)), set.get(Principal::Group(*synced)));
                ahead += usize::from(early.is_some());
                assert!(early.is_none() || early == held, "what a twin holds ahead is equal");
                levels.extend(held.map(|_| format!("{:?}", object.level())));
            }
        }
        assert_eq!((twins, ahead), (12, 2));
        let all = [Level::System, Level::AllVaults, Level::Vault, Level::Entry].map(|it| format!("{it:?}"));
        assert_eq!(levels, BTreeSet::from(all));
    }

    #[test]
    fn folders_are_nested_but_not_deeper_than_four() {
        let world = generate(1, DEMO);
        let depth = |folder: bool| {
            let entries = world.vaults.iter().flat_map(|it| &it.entries).filter(|it| it.folder == folder);
            entries.map(|it| it.path.matches('/').count()).max()
        };
        assert_eq!((depth(true), depth(false)), (Some(3), Some(4)));
    }
}
