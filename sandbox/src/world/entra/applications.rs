//! Applications of a scenario: registrations, service principals, assignments and credentials.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::scenario::{ApplicationSpec, OperatorSpec, PasswordSpec};
use super::{
    Application, Assignment, DEFAULT_ROLE, Entra, EntraProblem, GRAPH_APP_ID, LONG_AGO, Member, Password,
    PermissionGrant, SCOPES, ServicePrincipal, TEMPLATE_ROLES, permission_id,
};
use crate::world::names::{Ids, Names};

/// What tags tell of an application: that people see it among the enterprise applications, and that it is not from the
/// gallery (<https://learn.microsoft.com/en-us/graph/api/applicationtemplate-instantiate>).
pub(super) const INTEGRATED: &str = "WindowsAzureActiveDirectoryIntegratedApp";
pub(super) const CUSTOM: &str = "WindowsAzureActiveDirectoryCustomSingleSignOnApplication";

/// How long the operator's own secret lasts.
const SECRET_LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 365);

impl Application {
    /// The value of a secret that is good now.
    pub(crate) fn good_secret(&self) -> Option<String> {
        let now = Timestamp::now();
        self.passwords.iter().find(|it| (it.starts_at..it.ends_at).contains(&now)).map(|it| it.value.clone())
    }
}

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
            created_by: None,
            properties: Map::from_iter([("tags".to_owned(), json!([INTEGRATED]))]),
            owners: BTreeSet::new(),
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
            created_by: None,
            is_from_template: false,
            redirect_uris: Vec::new(),
            properties: Map::new(),
            owners: BTreeSet::new(),
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
            if spec.from_template {
                it.properties.insert("tags".to_owned(), json!([CUSTOM, INTEGRATED]));
            }
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
            let (client, scope) = (principal, spec.admin_consent.clone());
            let id = grant_id(client, resource, None);
            self.grants.push(PermissionGrant { id, client, resource, principal: None, scope });
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
            created_by: None,
            is_from_template: spec.from_template,
            redirect_uris: spec.redirect_uris.clone(),
            properties: registered(spec),
            owners: BTreeSet::new(),
            passwords: spec.password_credentials.iter().enumerate().map(password).collect(),
            certificates: Vec::new(),
            federated: Vec::new(),
            app_management: spec.app_management_policies.clone(),
        };
        self.applications.insert(id, application);
        Ok(id)
    }

    /// Assigns a principal to an application, and tells the assignment's id; again is once.
    pub(crate) fn assign(&mut self, resource: Uuid, principal: Member, role: Uuid, created_at: Timestamp) -> String {
        let (namespace, name) = (self.namespace, format!("assignment/{resource}/{}/{role}", principal.id()));
        let Some(resource) = self.service_principals.get_mut(&resource) else { return String::new() };
        let found = resource.assigned.iter().find(|(_, it)| it.principal == principal && it.role == role);
        if let Some((id, _)) = found {
            return id.clone();
        }
        // As published samples decode: the principal's GUID in .NET's byte order, then 16 bytes that look random.
        let rest = Uuid::new_v5(&namespace, name.as_bytes());
        let id = URL_SAFE_NO_PAD.encode([principal.id().to_bytes_le(), rest.into_bytes()].concat());
        resource.assigned.insert(id.clone(), Assignment { principal, role, created_at });
        id
    }
}

/// What somebody has registered beside the names: the claims that the vendor's page on SSO asks for, where people sign
/// in with it, and the permissions that an administrator has consented to.
fn registered(spec: &ApplicationSpec) -> Map<String, Value> {
    let mut properties = Map::new();
    if !spec.redirect_uris.is_empty() && !spec.from_template {
        let claim = |name| json!({"name": name, "source": null, "essential": false, "additionalProperties": []});
        let claims = ["email", "family_name", "given_name", "upn", "xms_pl", "xms_tpl"].map(claim);
        properties.insert("optionalClaims".to_owned(), json!({"idToken": claims, "accessToken": [], "saml2Token": []}));
    }
    let named = |scope: &str| SCOPES.iter().find(|(name, _)| *name == scope).map(|(_, id)| id);
    let access = spec.admin_consent.split_whitespace().filter_map(named);
    let access: Vec<Value> = access.map(|id| json!({"id": id, "type": "Scope"})).collect();
    if !access.is_empty() {
        properties.insert(
            "requiredResourceAccess".to_owned(),
            json!([{"resourceAppId": GRAPH_APP_ID, "resourceAccess": access}]),
        );
    }
    properties
}

/// The id of a grant, as published ones decode: client, resource and perhaps user, in .NET's byte order
/// (<https://github.com/Azure/azure-cli/issues/20974>).
pub fn grant_id(client: Uuid, resource: Uuid, principal: Option<Uuid>) -> String {
    let ids = [Some(client), Some(resource), principal];
    URL_SAFE_NO_PAD.encode(ids.into_iter().flatten().flat_map(|it| it.to_bytes_le()).collect::<Vec<u8>>())
}

/// A client secret's value: 40 characters, three of them and a tilde first, as Entra makes them.
pub fn new_secret() -> String {
    let bytes: [u8; 27] = rand::random();
    let text = URL_SAFE_NO_PAD.encode(bytes);
    format!("{}8Q~{}", &text[..3], &text[3..])
}
