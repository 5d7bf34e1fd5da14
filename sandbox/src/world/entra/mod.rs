//! The Entra tenant: people, groups, applications and the policies about them.
//!
//! Its shape follows the types of Microsoft Graph v1.0 (<https://learn.microsoft.com/en-us/graph/api/overview>).

mod applications;
mod build;
pub(crate) mod generate;
mod instantiate;
mod permissions;
mod replica;
pub(crate) mod scenario;
mod sign_in;
pub(crate) mod synchronization;

use std::collections::BTreeSet;

use indexmap::IndexMap;
use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

pub use applications::{grant_id, new_secret};
pub use build::EntraProblem;
pub use permissions::{GRAPH_APP_ID, PERMISSIONS, SCOPES, permission_id, permission_name};
pub(crate) use scenario::{
    AppManagementSpec, ApplicationFilter, EntraSpec, FederatedSpec, NamedAppManagementSpec, PasswordRestriction,
    PersonType, PolicyState, RestrictionType,
};
pub use sign_in::{Code, SignIn};
pub use synchronization::{ProvisioningEvent, Synchronization};

/// When everything was made that does not say so itself: before Devolutions asked for OpenID applications.
pub const LONG_AGO: Timestamp = Timestamp::constant(1_652_776_200, 0);

/// The template for applications that are not in the gallery, in the global cloud
/// (<https://learn.microsoft.com/en-us/graph/api/applicationtemplate-instantiate>).
pub const CUSTOM_TEMPLATE: Uuid = Uuid::from_u128(0x8adf_8e6e_67b2_4cf2_a259_e3dc_5476_c621);

/// The role of an assignment to an application that has none
/// (<https://learn.microsoft.com/en-us/graph/api/serviceprincipal-post-approleassignedto>).
pub const DEFAULT_ROLE: Uuid = Uuid::nil();

/// The roles that the template declares, as the same documentation shows them: id and name.
pub const TEMPLATE_ROLES: [(Uuid, &str); 2] = [
    (Uuid::from_u128(0x18d1_4569_c3bd_439b_9a66_3a2a_ee01_d14f), "User"),
    (Uuid::from_u128(0xb963_2174_c057_4f7e_951b_be3a_dc52_bfe6), "msiam_access"),
];

/// The whole tenant.
#[derive(Debug, Clone)]
pub struct Entra {
    pub tenant_id: Uuid,
    pub organization: String,
    pub domains: Vec<Domain>,
    pub users: IndexMap<Uuid, Person>,
    pub groups: IndexMap<Uuid, DirectoryGroup>,
    /// Registrations, by object id.
    pub applications: IndexMap<Uuid, Application>,
    /// By object id; Microsoft Graph's own is among them.
    pub service_principals: IndexMap<Uuid, ServicePrincipal>,
    /// Delegated permissions that have been granted, for everybody or for one user.
    pub grants: Vec<PermissionGrant>,
    /// What has been deleted and can be restored, by object id.
    pub deleted: IndexMap<Uuid, Deleted>,
    /// Who tried to sign in, the oldest first.
    pub sign_ins: Vec<SignIn>,
    /// What is set up for provisioning, by service principal.
    pub synchronization: IndexMap<Uuid, Synchronization>,
    /// What provisioning has done, the oldest first.
    pub provisioning_log: Vec<ProvisioningEvent>,
    pub conditional_access: Vec<ConditionalAccessPolicy>,
    pub app_management: AppManagementSpec,
    /// The appId of the operator's application.
    pub operator: Uuid,
    /// The value of the operator's secret, made at start.
    pub operator_secret: String,
    pub(crate) namespace: Uuid,
    /// What reads see, while it differs from all this.
    replica: Option<Box<replica::Replica>>,
}

/// A domain.
#[derive(Debug, Clone)]
pub struct Domain {
    pub name: String,
    pub is_verified: bool,
}

/// A user.
#[derive(Debug, Clone)]
pub struct Person {
    pub display_name: String,
    pub upn: String,
    pub mail: Option<String>,
    pub is_enabled: bool,
    pub kind: PersonType,
}

impl Person {
    /// First and last name.
    pub fn names(&self) -> (Option<&str>, Option<&str>) {
        let mut names = self.display_name.splitn(2, ' ');
        (names.next(), names.next())
    }

    /// The part of the UPN before the `@`.
    pub fn nickname(&self) -> Option<&str> {
        self.upn.split('@').next()
    }
}

/// A group.
#[derive(Debug, Clone)]
pub struct DirectoryGroup {
    pub display_name: String,
    pub is_security: bool,
    pub is_mail: bool,
    pub is_unified: bool,
    pub membership_rule: Option<String>,
    pub users: BTreeSet<Uuid>,
    pub groups: BTreeSet<Uuid>,
}

/// An application registration.
#[derive(Debug, Clone, PartialEq)]
pub struct Application {
    pub app_id: Uuid,
    pub display_name: String,
    pub created_at: Timestamp,
    /// The appId of the application that has made it.
    pub created_by: Option<Uuid>,
    pub is_from_template: bool,
    pub redirect_uris: Vec<String>,
    /// What else somebody has written, in Graph's form: `notes`, `optionalClaims`, `requiredResourceAccess`, …
    pub properties: Map<String, Value>,
    /// Service principals and users, by object id.
    pub owners: BTreeSet<Uuid>,
    pub passwords: Vec<Password>,
    pub certificates: Vec<Certificate>,
    pub federated: Vec<FederatedSpec>,
    pub app_management: Vec<NamedAppManagementSpec>,
}

/// What an application is within the tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct ServicePrincipal {
    pub app_id: Uuid,
    pub display_name: String,
    pub is_enabled: bool,
    pub assignment_required: bool,
    pub is_from_template: bool,
    /// The appId of the application that has made it.
    pub created_by: Option<Uuid>,
    /// What else somebody has written, in Graph's form: `tags`, `notes`, `preferredSingleSignOnMode`, …
    pub properties: Map<String, Value>,
    /// Service principals and users, by object id.
    pub owners: BTreeSet<Uuid>,
    /// Who is assigned, by the assignment's id.
    pub assigned: IndexMap<String, Assignment>,
    pub claims_mapping: Vec<String>,
    pub home_realm_discovery: Vec<String>,
    pub app_management: Vec<NamedAppManagementSpec>,
}

/// One principal's role in an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    pub principal: Member,
    pub role: Uuid,
    pub created_at: Timestamp,
}

/// A thing of the directory that can be a member of a group or assigned to an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Member {
    User(Uuid),
    Group(Uuid),
    ServicePrincipal(Uuid),
}

impl Member {
    pub fn id(self) -> Uuid {
        match self {
            Self::User(id) | Self::Group(id) | Self::ServicePrincipal(id) => id,
        }
    }
}

/// A client secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Password {
    pub key_id: Uuid,
    pub display_name: Option<String>,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    pub value: String,
}

/// A certificate that the application signs assertions with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    pub key_id: Uuid,
    pub name: String,
    pub der: Vec<u8>,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
}

/// Delegated permissions that a client has on a resource, for everybody or for one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionGrant {
    pub id: String,
    /// Service principals, by object id.
    pub client: Uuid,
    pub resource: Uuid,
    /// The user; everybody if none.
    pub principal: Option<Uuid>,
    pub scope: String,
}

/// Something deleted. What hangs on a service principal goes and comes back with it; that is inferred.
#[derive(Debug, Clone)]
pub struct Deleted {
    pub at: Timestamp,
    pub what: DeletedThing,
}

/// What can be restored.
#[derive(Debug, Clone)]
pub enum DeletedThing {
    Application(Application),
    ServicePrincipal(ServicePrincipal, Vec<PermissionGrant>),
}

/// A Conditional Access policy, its applications as Graph tells them.
#[derive(Debug, Clone)]
pub struct ConditionalAccessPolicy {
    pub id: Uuid,
    pub display_name: String,
    pub state: PolicyState,
    pub include: Vec<String>,
    pub exclude: Vec<String>,
    pub filter: Option<ApplicationFilter>,
}

impl Entra {
    /// The registration with this appId, and its object id.
    pub fn application(&self, app_id: Uuid) -> Option<(Uuid, &Application)> {
        self.applications.iter().find(|(_, it)| it.app_id == app_id).map(|(id, it)| (*id, it))
    }

    /// The service principal with this appId, and its object id.
    pub fn service_principal(&self, app_id: Uuid) -> Option<(Uuid, &ServicePrincipal)> {
        self.service_principals.iter().find(|(_, it)| it.app_id == app_id).map(|(id, it)| (*id, it))
    }

    /// The application permissions on Microsoft Graph that an application holds, by name.
    pub fn permissions(&self, app_id: Uuid) -> BTreeSet<&'static str> {
        let (Some((client, _)), Some((_, graph))) =
            (self.service_principal(app_id), self.service_principal(GRAPH_APP_ID))
        else {
            return BTreeSet::new();
        };
        let held = graph.assigned.values().filter(|it| it.principal == Member::ServicePrincipal(client));
        held.filter_map(|it| permission_name(it.role)).collect()
    }

    /// The direct members of a group, groups last.
    pub fn members(&self, group: Uuid) -> Vec<Member> {
        let Some(group) = self.groups.get(&group) else { return Vec::new() };
        let users = group.users.iter().copied().map(Member::User);
        users.chain(group.groups.iter().copied().map(Member::Group)).collect()
    }

    /// The members of a group and of the groups within it, at any depth; the group itself is none of them.
    pub fn transitive_members(&self, group: Uuid) -> Vec<Member> {
        let mut found = BTreeSet::new();
        let mut open = vec![group];
        while let Some(next) = open.pop() {
            for member in self.members(next) {
                if member != Member::Group(group)
                    && found.insert(member)
                    && let Member::Group(within) = member
                {
                    open.push(within);
                }
            }
        }
        found.into_iter().collect()
    }

    /// The name of a member, for assignments.
    pub fn display_name(&self, member: Member) -> Option<&str> {
        match member {
            Member::User(id) => self.users.get(&id).map(|it| it.display_name.as_str()),
            Member::Group(id) => self.groups.get(&id).map(|it| it.display_name.as_str()),
            Member::ServicePrincipal(id) => self.service_principals.get(&id).map(|it| it.display_name.as_str()),
        }
    }
}
