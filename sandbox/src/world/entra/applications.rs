//! Applications of a scenario: registrations, service principals, assignments and credentials.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::scenario::{ApplicationSpec, OperatorSpec, PasswordSpec};
use super::{
    Application, Assignment, DEFAULT_ROLE, Entra, EntraProblem, GRAPH_APP_ID, LONG_AGO, Member, Password,
    PermissionGrant, ServicePrincipal, TEMPLATE_ROLES, permission_id,
};
use crate::world::names::{Ids, Names};

/// How long the operator's own secret lasts.
const SECRET_LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 365);

impl Entra {
    pub(super) fn add_service_principal(&mut self, id: Uuid, app_id: Uuid, name: &str) -> Result<(), EntraProblem> {
        if self.service_principal(app_id).is_some() {
            return Err(EntraProblem::Twice { what: "the appId", id: app_id });
        }
        let principal = ServicePrincipal {
            app_id,
            display_name: name.to_owned(),
            is_enabled: true,
            assignment_required: false,
            is_from_template: false,
            assigned: IndexMap::new(),
            claims_mapping: Vec::new(),
            home_realm_discovery: Vec::new(),
            app_management: Vec::new(),
        };
        self.service_principals.insert(id, principal);
        Ok(())
    }

    pub(super) fn add_operator(&mut self, spec: &OperatorSpec, ids: &mut Ids) -> Result<(), EntraProblem> {
        let (id, principal) = (ids.mint("entra/application/operator"), ids.mint("entra/principal/operator"));
        self.add_service_principal(principal, self.operator, &spec.display_name)?;
        let starts_at = Timestamp::now();
        let password = Password {
            key_id: Uuid::new_v4(),
            display_name: Some("made at start".to_owned()),
            starts_at,
            ends_at: starts_at.saturating_add(SECRET_LIFETIME).unwrap_or(Timestamp::MAX),
            value: self.operator_secret.clone(),
        };
        let application = Application {
            app_id: self.operator,
            display_name: spec.display_name.clone(),
            created_at: LONG_AGO,
            is_from_template: false,
            redirect_uris: Vec::new(),
            passwords: vec![password],
            certificates: Vec::new(),
            federated: spec.federated_credentials.clone(),
            app_management: Vec::new(),
        };
        self.applications.insert(id, application);
        self.set_permissions(&spec.permissions)
    }

    /// Grants the operator's application these permissions and no others.
    pub(crate) fn set_permissions(&mut self, names: &[String]) -> Result<(), EntraProblem> {
        let role = |name: &String| permission_id(name).ok_or_else(|| EntraProblem::Permission(name.clone()));
        let roles: Vec<Uuid> = names.iter().map(role).collect::<Result<_, _>>()?;
        let ids = self.service_principal(self.operator).zip(self.service_principal(GRAPH_APP_ID));
        let Some(((client, _), (graph, _))) = ids else { return Ok(()) };
        let operator = Member::ServicePrincipal(client);
        if let Some(graph) = self.service_principals.get_mut(&graph) {
            graph.assigned.retain(|_, it| it.principal != operator);
        }
        for role in roles {
            self.assign(graph, operator, role, LONG_AGO);
        }
        Ok(())
    }

    pub(super) fn add_application(
        &mut self,
        spec: &ApplicationSpec,
        users: &Names,
        groups: &Names,
        ids: &mut Ids,
    ) -> Result<Uuid, EntraProblem> {
        let key = spec.key.as_ref().unwrap_or(&spec.display_name);
        let app_id = spec.app_id.unwrap_or_else(|| ids.mint(&format!("entra/appId/{key}")));
        let id = ids.mint(&format!("entra/application/{key}"));
        let principal = ids.mint(&format!("entra/principal/{key}"));
        self.add_service_principal(principal, app_id, &spec.display_name)?;
        if let Some(it) = self.service_principals.get_mut(&principal) {
            it.is_enabled = spec.account_enabled;
            it.assignment_required = spec.app_role_assignment_required;
            it.is_from_template = spec.from_template;
            it.claims_mapping.clone_from(&spec.claims_mapping_policies);
            it.home_realm_discovery.clone_from(&spec.home_realm_discovery_policies);
            it.app_management.clone_from(&spec.app_management_policies);
        }
        let created_at = spec.created_date_time.unwrap_or(LONG_AGO);
        let role = if spec.from_template { TEMPLATE_ROLES[0].0 } else { DEFAULT_ROLE };
        for assignment in &spec.assignments {
            let by = format!("application {key:?}");
            let member = match (&assignment.group, &assignment.user) {
                (Some(group), None) => Member::Group(groups.find(group, &by)?),
                (None, Some(user)) => Member::User(users.find(user, &by)?),
                _ => return Err(EntraProblem::Assignee(key.clone())),
            };
            if let Some(group) = self.groups.get(&member.id()).filter(|it| !it.is_security) {
                let (application, group) = (key.clone(), group.display_name.clone());
                return Err(EntraProblem::NoSecurityGroup { application, group });
            }
            self.assign(principal, member, role, created_at);
        }
        if !spec.admin_consent.is_empty()
            && let Some((resource, _)) = self.service_principal(GRAPH_APP_ID)
        {
            let id = Uuid::new_v5(&self.namespace, format!("grant/{principal}").as_bytes());
            let id = URL_SAFE_NO_PAD.encode([principal.to_bytes_le(), id.into_bytes()].concat());
            self.grants.push(PermissionGrant { id, client: principal, resource, scope: spec.admin_consent.clone() });
        }
        let password = |(index, it): (usize, &PasswordSpec)| Password {
            key_id: Uuid::new_v5(&self.namespace, format!("password/{id}/{index}").as_bytes()),
            display_name: it.display_name.clone(),
            starts_at: created_at,
            ends_at: it.end_date_time,
            value: new_secret(),
        };
        let application = Application {
            app_id,
            display_name: spec.display_name.clone(),
            created_at,
            is_from_template: spec.from_template,
            redirect_uris: spec.redirect_uris.clone(),
            passwords: spec.password_credentials.iter().enumerate().map(password).collect(),
            certificates: Vec::new(),
            federated: Vec::new(),
            app_management: spec.app_management_policies.clone(),
        };
        self.applications.insert(id, application);
        Ok(id)
    }

    /// Assigns a principal to an application; again is once.
    pub(crate) fn assign(&mut self, resource: Uuid, principal: Member, role: Uuid, created_at: Timestamp) {
        let (namespace, name) = (self.namespace, format!("assignment/{resource}/{}/{role}", principal.id()));
        let Some(resource) = self.service_principals.get_mut(&resource) else { return };
        if resource.assigned.values().any(|it| it.principal == principal && it.role == role) {
            return;
        }
        // As published samples decode: the principal's GUID in .NET's byte order, then 16 bytes that look random.
        let rest = Uuid::new_v5(&namespace, name.as_bytes());
        let id = URL_SAFE_NO_PAD.encode([principal.id().to_bytes_le(), rest.into_bytes()].concat());
        resource.assigned.insert(id, Assignment { principal, role, created_at });
    }
}

/// A client secret's value: 40 characters, three of them and a tilde first, as Entra makes them.
pub fn new_secret() -> String {
    let bytes: [u8; 27] = rand::random();
    let text = URL_SAFE_NO_PAD.encode(bytes);
    format!("{}8Q~{}", &text[..3], &text[3..])
}
