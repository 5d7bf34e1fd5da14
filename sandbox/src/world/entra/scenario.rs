//! The Entra side of a scenario file.
//!
//! Things refer to each other as people do: users by `userPrincipalName`, groups and applications by `key`, which is
//! their display name unless two share one.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::scenario::is_default;

/// An Entra tenant.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct EntraSpec {
    /// Made from the seed if not given.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) tenant_id: Option<Uuid>,
    pub(crate) domains: Vec<DomainSpec>,
    pub(crate) users: Vec<PersonSpec>,
    pub(crate) groups: Vec<DirectoryGroupSpec>,
    pub(crate) applications: Vec<ApplicationSpec>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) conditional_access_policies: Vec<ConditionalAccessSpec>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) default_app_management_policy: AppManagementSpec,
    /// The application that the operator signs in as.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) operator: OperatorSpec,
}

/// A domain of the tenant; the first one is its default, the first below `onmicrosoft.example` its initial one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DomainSpec {
    pub(crate) name: String,
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub(crate) verified: bool,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PersonSpec {
    pub(crate) display_name: String,
    pub(crate) user_principal_name: String,
    /// The UPN if not given; `""` for none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) mail: Option<String>,
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub(crate) account_enabled: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) user_type: PersonType,
}

/// The tenant's own people and its guests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum PersonType {
    #[default]
    Member,
    Guest,
}

impl PersonType {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Member => "Member",
            Self::Guest => "Guest",
        }
    }
}

/// A group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DirectoryGroupSpec {
    pub(crate) display_name: String,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) key: Option<String>,
    /// If not given: the `externalId` of the one synced Devolutions group of that name, or else made from the seed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) id: Option<Uuid>,
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub(crate) security_enabled: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) mail_enabled: bool,
    /// A Microsoft 365 group.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) unified: bool,
    /// Makes the group a dynamic one. The rule is shown, not evaluated: the members are those listed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) membership_rule: Option<String>,
    #[serde(default)]
    pub(crate) members: Vec<String>,
    /// Groups in this group.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) member_groups: Vec<String>,
}

/// An application registration and its service principal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ApplicationSpec {
    pub(crate) display_name: String,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) key: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) app_id: Option<Uuid>,
    /// Made from the template for applications that are not in the gallery. Only such a one can provision.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) from_template: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) created_date_time: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) redirect_uris: Vec<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) app_role_assignment_required: bool,
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub(crate) account_enabled: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) assignments: Vec<AssignmentSpec>,
    /// Client secrets. Their values are made up at start; single sign-on has the first good one, and nobody else any.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) password_credentials: Vec<PasswordSpec>,
    /// Delegated permissions on Microsoft Graph that an administrator has granted for everybody: `openid profile`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) admin_consent: String,
    /// By name.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) claims_mapping_policies: Vec<String>,
    /// By name.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) home_realm_discovery_policies: Vec<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) app_management_policies: Vec<NamedAppManagementSpec>,
}

/// Who is assigned: a `group` or a `user`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct AssignmentSpec {
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) group: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) user: Option<String>,
}

/// A client secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PasswordSpec {
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) display_name: Option<String>,
    pub(crate) end_date_time: Timestamp,
}

/// A Conditional Access policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ConditionalAccessSpec {
    pub(crate) display_name: String,
    #[serde(default)]
    pub(crate) state: PolicyState,
    /// Applications by key or appId, or `All`, `Office365`, `MicrosoftAdminPortals`, `None`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) include_applications: Vec<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) exclude_applications: Vec<String>,
    /// A rule over custom security attributes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) application_filter: Option<ApplicationFilter>,
}

/// `conditionalAccessPolicyState`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum PolicyState {
    #[default]
    Enabled,
    Disabled,
    EnabledForReportingButNotEnforced,
}

/// `conditionalAccessFilter`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ApplicationFilter {
    pub(crate) mode: FilterMode,
    pub(crate) rule: String,
}

/// `filterMode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum FilterMode {
    Include,
    Exclude,
}

/// What applications of the tenant may do with secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct AppManagementSpec {
    pub(crate) is_enabled: bool,
    pub(crate) password_credentials: Vec<PasswordRestriction>,
}

/// The same for one application, in a policy with a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NamedAppManagementSpec {
    pub(crate) display_name: String,
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub(crate) is_enabled: bool,
    #[serde(default)]
    pub(crate) password_credentials: Vec<PasswordRestriction>,
}

/// `passwordCredentialConfiguration`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PasswordRestriction {
    pub(crate) restriction_type: RestrictionType,
    /// An ISO 8601 duration, e.g. `P90D`; with `passwordLifetime` only.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) max_lifetime: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) restrict_for_apps_created_after_date_time: Option<Timestamp>,
}

/// `appCredentialRestrictionType`, as far as it is about passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum RestrictionType {
    PasswordAddition,
    PasswordLifetime,
    CustomPasswordAddition,
}

/// The application that the operator signs in as. Its secret is made at start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct OperatorSpec {
    pub(crate) display_name: String,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) client_id: Option<Uuid>,
    /// Application permissions on Microsoft Graph, by name.
    pub(crate) permissions: Vec<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) federated_credentials: Vec<FederatedSpec>,
}

impl Default for OperatorSpec {
    fn default() -> Self {
        let permissions = [
            "Application.Read.All",
            "GroupMember.Read.All",
            "User.Read.All",
            "Policy.Read.All",
            "Application.ReadWrite.All",
            "AppRoleAssignment.ReadWrite.All",
            "DelegatedPermissionGrant.ReadWrite.All",
            "AuditLog.Read.All",
            "Synchronization.ReadWrite.All",
            "ProvisioningLog.Read.All",
        ];
        Self {
            display_name: "Devolutions migration operator".to_owned(),
            client_id: None,
            permissions: permissions.map(str::to_owned).to_vec(),
            federated_credentials: Vec::new(),
        }
    }
}

/// Whose tokens stand for the application: `federatedIdentityCredential`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct FederatedSpec {
    pub(crate) issuer: String,
    pub(crate) subject: String,
    #[serde(default = "exchange")]
    pub(crate) audiences: Vec<String>,
}

/// The audience that Microsoft recommends
/// (<https://learn.microsoft.com/en-us/graph/api/resources/federatedidentitycredential>).
fn exchange() -> Vec<String> {
    vec!["api://AzureADTokenExchange".to_owned()]
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_yes(value: &bool) -> bool {
    *value
}
