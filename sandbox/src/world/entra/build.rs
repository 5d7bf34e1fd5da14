//! From the Entra side of a scenario to a tenant.

use std::collections::{BTreeSet, HashMap, HashSet};

use indexmap::IndexMap;
use uuid::Uuid;

use super::scenario::{ConditionalAccessSpec, DirectoryGroupSpec, PersonSpec};
use super::{ConditionalAccessPolicy, DirectoryGroup, Domain, Entra, EntraSpec, GRAPH_APP_ID, Person, new_secret};
use crate::world::names::{Ids, NameProblem, Names};

/// Words that a Conditional Access policy may have in the place of an application
/// (<https://learn.microsoft.com/en-us/graph/api/resources/conditionalaccessapplications>).
const APPLICATION_WORDS: [&str; 4] = ["All", "Office365", "MicrosoftAdminPortals", "None"];

/// What is wrong with the Entra side of a scenario, in words.
#[derive(Debug, thiserror::Error)]
pub enum EntraProblem {
    #[error("entra: {0}")]
    Name(#[from] NameProblem),
    #[error("entra: the userPrincipalName {0:?} is there twice")]
    Upn(String),
    #[error("entra: {what} {id} is there twice")]
    Twice { what: &'static str, id: Uuid },
    #[error(
        "entra: no group {name:?} has the id {external_id}, which is the externalId of the synced Devolutions group of \
         that name"
    )]
    ExternalId { name: String, external_id: Uuid },
    #[error("entra: application {0:?}: an assignment names exactly one of `group` and `user`")]
    Assignee(String),
    #[error("entra: application {application:?}: group {group:?} is no security group, so it cannot be assigned")]
    NoSecurityGroup { application: String, group: String },
    #[error("entra: {0:?} is no application permission that this sandbox knows")]
    Permission(String),
}

impl Entra {
    /// Makes the tenant that a scenario describes, and the names of its applications' object ids. `synced` are the
    /// names and external ids of the synced Devolutions groups.
    pub(crate) fn build<'a>(
        spec: &EntraSpec,
        organization: &str,
        synced: impl Iterator<Item = (&'a str, Uuid)>,
        ids: &mut Ids,
    ) -> Result<(Self, Names), EntraProblem> {
        let mut entra = Self {
            tenant_id: spec.tenant_id.unwrap_or_else(|| ids.mint("entra/tenant")),
            organization: organization.to_owned(),
            domains: spec.domains.iter().map(|it| Domain { name: it.name.clone(), is_verified: it.verified }).collect(),
            users: IndexMap::new(),
            groups: IndexMap::new(),
            applications: IndexMap::new(),
            service_principals: IndexMap::new(),
            grants: Vec::new(),
            deleted: IndexMap::new(),
            sign_ins: Vec::new(),
            synchronization: IndexMap::new(),
            provisioning_log: Vec::new(),
            conditional_access: Vec::new(),
            app_management: spec.default_app_management_policy.clone(),
            operator: spec.operator.client_id.unwrap_or_else(|| ids.mint("entra/operator")),
            operator_secret: new_secret(),
            namespace: ids.namespace,
            replica: None,
        };
        let users = entra.add_users(&spec.users, ids)?;
        let groups = entra.add_groups(&spec.groups, &users, synced, ids)?;
        entra.add_service_principal(ids.mint("entra/graph"), GRAPH_APP_ID, "Microsoft Graph")?;
        entra.add_operator(&spec.operator, ids)?;
        let mut applications = Names::of("application");
        for application in &spec.applications {
            let id = entra.add_application(application, &users, &groups, ids)?;
            applications.remember(application.key.as_ref().unwrap_or(&application.display_name), id);
        }
        for policy in &spec.conditional_access_policies {
            let policy = entra.conditional_access_policy(policy, &applications, ids)?;
            entra.conditional_access.push(policy);
        }
        Ok((entra, applications))
    }

    fn add_users(&mut self, specs: &[PersonSpec], ids: &mut Ids) -> Result<Names, EntraProblem> {
        let (mut names, mut seen) = (Names::of("user"), HashSet::new());
        for spec in specs {
            let upn = spec.user_principal_name.clone();
            if !seen.insert(upn.to_lowercase()) {
                return Err(EntraProblem::Upn(upn));
            }
            let id = ids.mint(&format!("entra/user/{upn}"));
            names.remember(&upn, id);
            let mail = spec.mail.clone().or_else(|| Some(upn.clone())).filter(|it| !it.is_empty());
            let (display_name, is_enabled) = (spec.display_name.clone(), spec.account_enabled);
            self.users.insert(id, Person { display_name, upn, mail, is_enabled, kind: spec.user_type });
        }
        Ok(names)
    }

    fn add_groups<'a>(
        &mut self,
        specs: &[DirectoryGroupSpec],
        users: &Names,
        synced: impl Iterator<Item = (&'a str, Uuid)>,
        ids: &mut Ids,
    ) -> Result<Names, EntraProblem> {
        let mut external: HashMap<&str, Vec<Uuid>> = HashMap::new();
        synced.for_each(|(name, id)| external.entry(name).or_default().push(id));
        let mut names = Names::of("group");
        let mut minted = Vec::with_capacity(specs.len());
        for spec in specs {
            let key = spec.key.as_ref().unwrap_or(&spec.display_name);
            let own = external.get(spec.display_name.as_str()).filter(|it| it.len() == 1);
            let own = own.map(|it| it[0]).filter(|it| !self.groups.contains_key(it));
            let id = spec.id.or(own).unwrap_or_else(|| ids.mint(&format!("entra/group/{key}")));
            names.remember(key, id);
            let group = DirectoryGroup {
                display_name: spec.display_name.clone(),
                is_security: spec.security_enabled,
                is_mail: spec.mail_enabled || spec.unified,
                is_unified: spec.unified,
                membership_rule: spec.membership_rule.clone(),
                users: BTreeSet::new(),
                groups: BTreeSet::new(),
            };
            if self.groups.insert(id, group).is_some() {
                return Err(EntraProblem::Twice { what: "the group", id });
            }
            minted.push(id);
        }
        for (id, spec) in minted.into_iter().zip(specs) {
            let by = format!("group {:?}", spec.display_name);
            let members = spec.members.iter().map(|it| users.find(it, &by)).collect::<Result<_, _>>()?;
            let within = spec.member_groups.iter().map(|it| names.find(it, &by)).collect::<Result<_, _>>()?;
            if let Some(group) = self.groups.get_mut(&id) {
                (group.users, group.groups) = (members, within);
            }
        }
        // A group of the same name with another id would be a trap that no test means to set.
        for (name, external_id) in external.iter().flat_map(|(name, ids)| ids.iter().map(move |id| (*name, *id))) {
            let is_named = self.groups.values().any(|it| it.display_name == name);
            if is_named && !self.groups.contains_key(&external_id) {
                return Err(EntraProblem::ExternalId { name: name.to_owned(), external_id });
            }
        }
        Ok(names)
    }

    fn conditional_access_policy(
        &self,
        spec: &ConditionalAccessSpec,
        applications: &Names,
        ids: &mut Ids,
    ) -> Result<ConditionalAccessPolicy, EntraProblem> {
        let by = format!("Conditional Access policy {:?}", spec.display_name);
        let told = |names: &[String]| -> Result<Vec<String>, EntraProblem> {
            let one = |name: &String| {
                if APPLICATION_WORDS.contains(&name.as_str()) || name.parse::<Uuid>().is_ok() {
                    return Ok(name.clone());
                }
                let id = applications.find(name, &by)?;
                Ok(self.applications.get(&id).map(|it| it.app_id.to_string()).unwrap_or_default())
            };
            names.iter().map(one).collect()
        };
        Ok(ConditionalAccessPolicy {
            id: ids.mint(&format!("entra/conditional-access/{}", spec.display_name)),
            display_name: spec.display_name.clone(),
            state: spec.state,
            include: told(&spec.include_applications)?,
            exclude: told(&spec.exclude_applications)?,
            filter: spec.application_filter.clone(),
        })
    }
}
