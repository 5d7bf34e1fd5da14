//! From a scenario to a world: names become ids, and every reference must fit exactly one thing.

use std::collections::{BTreeSet, HashMap};

use indexmap::IndexMap;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::entra::{Entra, EntraProblem};
use super::names::{Ids, NameProblem, Names};
use super::scenario::{EntrySpec, Grant, GroupKind, GroupSpec, UserSpec};
use super::{
    Change, Entry, FlagNames, Group, Invitation, Level, Object, PermissionError, Principal, Provider, Provisioning,
    Scenario, Sso, User, UserType, Vault, World, roles,
};

/// What is wrong with a scenario, in words.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ScenarioError(#[from] Problem);

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error(transparent)]
    Name(#[from] NameProblem),
    #[error(transparent)]
    Entra(#[from] EntraProblem),
    #[error("`sso`: {0}")]
    Sso(&'static str),
    #[error("{0}: a grant names exactly one of `group` and `user`")]
    Grantee(String),
    #[error("{0}: a grant has exactly one of `role` and `flags`")]
    Granted(String),
    #[error("{place}: no role is called {role:?} on this level")]
    Role { place: String, role: String },
    #[error("{place}: {source}")]
    Permission { place: String, source: PermissionError },
    #[error("vault {vault:?}: the path {path:?} is there twice or has an empty name in it")]
    Path { vault: String, path: String },
    #[error("group {0:?}: an `externalId` belongs to synced groups only")]
    ExternalId(String),
}

impl World {
    /// Makes the world that a scenario describes.
    pub fn build(scenario: &Scenario) -> Result<Self, ScenarioError> {
        let mut ids = Ids::new(scenario.seed);
        let (mut flag_names, namespace) = (FlagNames::default(), ids.namespace);
        let vault_roles = roles::roles("vault", namespace, &mut flag_names);
        let entry_roles = roles::roles("entry", namespace, &mut flag_names);
        let mut users = IndexMap::new();
        let mut user_names = Names::of("user");
        let made = [&scenario.identities.operator, &scenario.identities.person].map(|who| identity(scenario, who));
        for user in scenario.users.iter().chain(made.iter().flatten()) {
            let id = ids.mint(&format!("user/{}", reference(user)));
            user_names.remember(reference(user), id);
            users.insert(id, new_user(user));
        }
        let by = "`identities`";
        let mut world = Self {
            organization: scenario.organization.clone(),
            organization_id: ids.mint("organization"),
            switches: scenario.switches.clone(),
            operator: user_names.find(&scenario.identities.operator, by).map_err(Problem::from)?,
            person: user_names.find(&scenario.identities.person, by).map_err(Problem::from)?,
            users,
            groups: IndexMap::new(),
            vaults: IndexMap::new(),
            vault_roles,
            entry_roles,
            flag_names,
            entra: None,
            sso: None,
            provisioning: None,
            permissions: HashMap::new(),
            groups_of: HashMap::new(),
        };
        let group_names = world.add_groups(&scenario.groups, &user_names, &mut ids)?;
        let names = Grantees { users: user_names, groups: group_names };
        world.grant(Object::System, &scenario.permissions.system, &names)?;
        world.grant(Object::AllVaults, &scenario.permissions.all_vaults, &names)?;
        for made in made.iter().flatten() {
            let owner = Grant {
                user: Some(reference(made).to_owned()),
                role: Some("Vault owners".to_owned()),
                ..Grant::default()
            };
            world.grant(Object::AllVaults, &[owner], &names)?;
        }
        for spec in &scenario.vaults {
            let vault = ids.mint(&format!("vault/{}", spec.name));
            let kind = spec.vault_type.clone().unwrap_or_else(|| "Default".to_owned());
            world.vaults.insert(vault, Vault { name: spec.name.clone(), kind, entries: IndexMap::new() });
            world.grant(Object::Vault(vault), &spec.permissions, &names)?;
            let entries = world.add_entries(vault, &spec.name, &spec.entries)?;
            for (entry, spec) in entries.into_iter().zip(&spec.entries) {
                world.grant(Object::Entry { vault, entry }, &spec.permissions, &names)?;
            }
        }
        world.add_sign_in(scenario, &mut ids)?;
        Ok(world)
    }

    /// The Entra tenant, and single sign-on with one of its applications.
    fn add_sign_in(&mut self, scenario: &Scenario, ids: &mut Ids) -> Result<(), Problem> {
        let mut applications = Names::of("application");
        if let Some(spec) = &scenario.entra {
            let synced = self.groups.values().filter_map(|it| Some((it.name.as_str(), it.external_id?)));
            let (entra, names) = Entra::build(spec, &scenario.organization, synced, ids)?;
            (self.entra, applications) = (Some(entra), names);
        }
        let Some(spec) = &scenario.sso else { return Ok(()) };
        if (spec.provider == Provider::OpenId) != spec.application.is_some() {
            return Err(Problem::Sso("an `application` belongs to the provider `openId`, and only to it"));
        }
        let application = spec.application.as_ref().map(|it| applications.find(it, "`sso`")).transpose()?;
        let entra = self.entra.as_ref();
        let client = application.and_then(|id| entra?.applications.get(&id)).map(|it| (it.app_id, it.good_secret()));
        self.sso = Some(Sso::new(spec, client, ids.namespace));
        self.provisioning = Provisioning::of(&spec.provisioning);
        if self.provisioning.is_some() && !self.is_ready_for_provisioning() {
            return Err(Problem::Sso("`provisioning` needs single sign-on that is enabled and a verified domain"));
        }
        Ok(())
    }

    fn add_groups(&mut self, specs: &[GroupSpec], users: &Names, ids: &mut Ids) -> Result<Names, Problem> {
        let mut names = Names::of("group");
        for spec in specs {
            let key = spec.key.as_deref().unwrap_or(&spec.name);
            let id = ids.mint(&format!("group/{key}"));
            names.remember(key, id);
            let by = format!("group {key:?}");
            let members: BTreeSet<Uuid> =
                spec.members.iter().map(|it| users.find(it, &by)).collect::<Result<_, _>>()?;
            let is_synced = spec.kind == GroupKind::Synced;
            if !is_synced && spec.external_id.is_some() {
                return Err(Problem::ExternalId(spec.name.clone()));
            }
            let external_id =
                is_synced.then(|| spec.external_id.unwrap_or_else(|| ids.mint(&format!("entra-group/{key}"))));
            let (name, description) = (spec.name.clone(), spec.description.clone());
            self.groups.insert(id, Group { name, description, is_synced, external_id, members: BTreeSet::new() });
            self.set_members(id, members);
        }
        Ok(names)
    }

    /// Adds a vault's entries and the folders above them; answers with the ids of `specs`, in their order.
    fn add_entries(&mut self, vault: Uuid, name: &str, specs: &[EntrySpec]) -> Result<Vec<Uuid>, Problem> {
        let wrong = |path: &str| Problem::Path { vault: name.to_owned(), path: path.to_owned() };
        let id = |path: &str| Uuid::new_v5(&vault, path.as_bytes());
        let Some(vault) = self.vaults.get_mut(&vault) else { return Ok(Vec::new()) };
        let mut listed = HashMap::new();
        for spec in specs {
            if spec.path.split('/').any(str::is_empty) || listed.insert(spec.path.as_str(), spec.folder).is_some() {
                return Err(wrong(&spec.path));
            }
        }
        for spec in specs {
            let ends = spec.path.match_indices('/').map(|(end, _)| end).chain([spec.path.len()]);
            let mut ancestors = Vec::new();
            for end in ends {
                let path = &spec.path[..end];
                let is_folder = end < spec.path.len() || spec.folder;
                let name = path.rsplit('/').next().unwrap_or(path).to_owned();
                let entry = Entry { name, is_folder, ancestors: ancestors.clone(), version: 1 };
                vault.entries.entry(id(path)).or_insert(entry).is_folder |= is_folder;
                ancestors.push(id(path));
            }
        }
        Ok(specs.iter().map(|spec| id(&spec.path)).collect())
    }

    fn grant(&mut self, object: Object, grants: &[Grant], names: &Grantees) -> Result<(), Problem> {
        for grant in grants {
            let place = self.describe(object);
            let principal = match (&grant.group, &grant.user) {
                (Some(group), None) => Principal::Group(names.groups.find(group, &place)?),
                (None, Some(user)) => Principal::User(names.users.find(user, &place)?),
                _ => return Err(Problem::Grantee(place)),
            };
            let body = self.permission_body(object.level(), grant, &place)?;
            let permission = self.parse_permission(object.level(), body);
            let permission = Some(permission.map_err(|source| Problem::Permission { place, source })?);
            self.apply(&Change::Assign { object, principal, permission });
        }
        // What the scenario says is how everything was when it was made.
        if let Object::Entry { vault, entry } = object
            && let Some(entry) = self.vaults.get_mut(&vault).and_then(|it| it.entries.get_mut(&entry))
        {
            entry.version = 1;
        }
        Ok(())
    }

    fn permission_body(&self, level: Level, grant: &Grant, place: &str) -> Result<Map<String, Value>, Problem> {
        let mut body = Map::new();
        match (&grant.role, &grant.flags) {
            (Some(role), None) => {
                let roles = if level == Level::Entry { &self.entry_roles } else { &self.vault_roles };
                let found = roles.iter().find(|(_, it)| it.name == role);
                let (id, _) = found.ok_or_else(|| Problem::Role { place: place.to_owned(), role: role.clone() })?;
                body.insert("roleId".to_owned(), Value::String(id.to_string()));
            }
            (None, Some(flags)) => {
                let flags = flags.iter().map(|flag| (flag.clone(), Value::Bool(true))).collect();
                body.insert("flags".to_owned(), Value::Object(flags));
            }
            _ => return Err(Problem::Granted(place.to_owned())),
        }
        body.extend(grant.extra.clone());
        Ok(body)
    }
}

/// Who can be granted something, by the names used in the scenario.
struct Grantees {
    users: Names,
    groups: Names,
}

fn reference(user: &UserSpec) -> &str {
    if user.email.is_empty() { &user.name } else { &user.email }
}

/// The user to make for an identity that the scenario does not list.
fn identity(scenario: &Scenario, who: &str) -> Option<UserSpec> {
    let user_type = if who == scenario.identities.operator { UserType::Application } else { UserType::User };
    let made = UserSpec { name: who.to_owned(), administrator: true, user_type, ..UserSpec::default() };
    (!scenario.users.iter().any(|user| reference(user) == who)).then_some(made)
}

fn new_user(spec: &UserSpec) -> User {
    let is_nameless = spec.email.is_empty() && spec.user_type == UserType::User;
    let email = || format!("{}@people.example", spec.name.to_lowercase().replace(' ', "."));
    User {
        name: spec.name.clone(),
        // A person always has an e-mail address; who refers to one by name need not care which.
        email: if is_nameless { email() } else { spec.email.clone() },
        kind: spec.user_type,
        is_administrator: spec.administrator || spec.owner,
        is_owner: spec.owner,
        is_enabled: !spec.disabled,
        invitation: if spec.user_type == UserType::Application { Invitation::Accepted } else { spec.invitation },
        is_synced: spec.synced,
    }
}
