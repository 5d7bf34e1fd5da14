//! What Entra ID holds, in our words, with the names of Microsoft Graph v1.0. Pure data: the planners work on it.

use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// For fields that are a collection or an object by Microsoft's types and yet could come as `null`.
fn or_default<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// A user (<https://learn.microsoft.com/graph/api/resources/user>).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EntraUser {
    /// Its object id.
    pub id: Uuid,
    /// The name it signs in with.
    #[serde(default)]
    pub user_principal_name: Option<String>,
    /// Its primary e-mail address, and what the `email` claim of a token says.
    #[serde(default)]
    pub mail: Option<String>,
    /// Whether it may sign in at all. Absent where our permissions do not reach: `User.ReadBasic.All` leaves it out.
    #[serde(default)]
    pub account_enabled: Option<bool>,
}

/// A group (<https://learn.microsoft.com/graph/api/resources/group>).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EntraGroup {
    /// Its object id.
    pub id: Uuid,
    /// Its name. Names are not unique.
    #[serde(default)]
    pub display_name: Option<String>,
    /// Only a security-enabled group can be assigned to an application.
    #[serde(default)]
    pub security_enabled: Option<bool>,
    /// `HiddenMembership` where only some may see who is in it.
    #[serde(default)]
    pub visibility: Option<String>,
}

/// A direct member of a group.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Member {
    /// A user.
    User(Uuid),
    /// A group: its members count neither for sign-in nor for provisioning
    /// (<https://learn.microsoft.com/entra/identity/enterprise-apps/assign-user-or-group-access-portal>).
    Group(Uuid),
    /// A device, a service principal or a contact: nobody who signs in.
    Other(Uuid),
}

/// An application (<https://learn.microsoft.com/graph/api/resources/application>).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Application {
    /// Its object id.
    pub id: Uuid,
    /// Its application (client) id.
    pub app_id: String,
    /// Its name.
    #[serde(default)]
    pub display_name: Option<String>,
    /// Where sign-ins may be sent back to, among other things.
    #[serde(default, deserialize_with = "or_default")]
    pub web: Web,
    /// When it was made.
    #[serde(default)]
    pub created_date_time: Option<Timestamp>,
    /// The template that it was made from.
    #[serde(default)]
    pub application_template_id: Option<String>,
    /// A reference that its maker gave it. Ours is the id of the migration.
    #[serde(default)]
    pub service_management_reference: Option<String>,
    /// What its tokens say beside the usual; kept as it came, since it is replaced as a whole.
    #[serde(default)]
    pub optional_claims: Option<Value>,
    /// The permissions that it asks for; the same.
    #[serde(default, deserialize_with = "or_default")]
    pub required_resource_access: Vec<Value>,
    /// Its client secrets, without their values.
    #[serde(default, deserialize_with = "or_default")]
    pub password_credentials: Vec<PasswordCredential>,
}

impl Application {
    /// What people know it by.
    #[must_use]
    pub fn label(&self) -> &str {
        self.display_name.as_deref().unwrap_or(&self.app_id)
    }
}

/// A client secret without its value (<https://learn.microsoft.com/graph/api/resources/passwordcredential>).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PasswordCredential {
    /// Its id.
    pub key_id: Uuid,
    /// What its maker called it.
    #[serde(default)]
    pub display_name: Option<String>,
    /// Until when it is good.
    #[serde(default)]
    pub end_date_time: Option<Timestamp>,
}

/// The part of an application that concerns web sign-in.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Web {
    /// Where sign-ins may be sent back to.
    #[serde(default, deserialize_with = "or_default")]
    pub redirect_uris: Vec<String>,
}

/// The application in this tenant: what the portal calls an enterprise application
/// (<https://learn.microsoft.com/graph/api/resources/serviceprincipal>).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ServicePrincipal {
    /// Its object id.
    pub id: Uuid,
    /// Its application (client) id.
    pub app_id: String,
    /// Its name.
    #[serde(default)]
    pub display_name: Option<String>,
    /// Whether anybody can sign in to it.
    #[serde(default)]
    pub account_enabled: Option<bool>,
    /// Whether only those who are assigned can.
    #[serde(default)]
    pub app_role_assignment_required: bool,
    /// Words that Entra ID itself reads: `HideApp` keeps it from people's lists of applications
    /// (<https://learn.microsoft.com/graph/api/resources/serviceprincipal#properties>).
    #[serde(default, deserialize_with = "or_default")]
    pub tags: Vec<String>,
    /// The roles that one can be assigned in.
    #[serde(default, deserialize_with = "or_default")]
    pub app_roles: Vec<AppRole>,
}

impl ServicePrincipal {
    /// What people know it by.
    #[must_use]
    pub fn label(&self) -> &str {
        self.display_name.as_deref().unwrap_or(&self.app_id)
    }
}

/// A role that one can be assigned in (<https://learn.microsoft.com/graph/api/resources/approle>).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AppRole {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    #[serde(default)]
    pub display_name: Option<String>,
    /// Whether one can be assigned in it.
    #[serde(default)]
    pub is_enabled: bool,
    /// `User` for users and groups, `Application`, or both.
    #[serde(default, deserialize_with = "or_default")]
    pub allowed_member_types: Vec<String>,
}

/// Consent: what an application may do in the name of who signs in
/// (<https://learn.microsoft.com/graph/api/resources/oauth2permissiongrant>).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Consent {
    /// Its id.
    pub id: String,
    /// `AllPrincipals` or `Principal`.
    pub consent_type: String,
    /// The object id of the service principal whose permissions these are.
    pub resource_id: String,
    /// The permissions, with blanks between.
    #[serde(default)]
    pub scope: Option<String>,
}

/// A sign-in (<https://learn.microsoft.com/graph/api/resources/signin>).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SignIn {
    /// When.
    pub created_date_time: Timestamp,
    /// Who.
    #[serde(default)]
    pub user_id: Option<Uuid>,
    /// How it ended.
    pub status: SignInStatus,
}

/// How a sign-in ended (<https://learn.microsoft.com/graph/api/resources/signinstatus>).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SignInStatus {
    /// 0 for well, else the number of an AADSTS code.
    pub error_code: i64,
}

/// Somebody who is assigned to an application
/// (<https://learn.microsoft.com/graph/api/resources/approleassignment>).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Assignment {
    /// Who.
    pub principal_id: Uuid,
    /// `User`, `Group` or `ServicePrincipal`.
    pub principal_type: String,
    /// Their name.
    #[serde(default)]
    pub principal_display_name: Option<String>,
}

/// A Conditional Access policy (<https://learn.microsoft.com/graph/api/resources/conditionalaccesspolicy>).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ConditionalAccessPolicy {
    /// Its name.
    #[serde(default)]
    pub display_name: Option<String>,
    /// `enabled`, `disabled` or `enabledForReportingButNotEnforced`.
    #[serde(default)]
    pub state: Option<String>,
    /// When it applies.
    #[serde(default, deserialize_with = "or_default")]
    pub conditions: Conditions,
}

/// When a policy applies.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
pub struct Conditions {
    /// To which applications.
    #[serde(default)]
    pub applications: Option<ConditionApplications>,
}

/// The applications that a policy applies to.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ConditionApplications {
    /// Application ids, or `All`, `Office365`, `MicrosoftAdminPortals`.
    #[serde(default, deserialize_with = "or_default")]
    pub include_applications: Vec<String>,
    /// Those left out.
    #[serde(default, deserialize_with = "or_default")]
    pub exclude_applications: Vec<String>,
    /// A rule over custom attributes of applications. It cannot be worked out from outside.
    #[serde(default)]
    pub application_filter: Option<ApplicationFilter>,
}

/// A rule over custom attributes of applications.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub struct ApplicationFilter {
    /// The rule.
    #[serde(default)]
    pub rule: Option<String>,
}

/// What a tenant allows for client secrets
/// (<https://learn.microsoft.com/graph/api/resources/applicationauthenticationmethodpolicy>).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SecretPolicy {
    /// No client secret can be added.
    pub forbidden: bool,
    /// The longest life of one, as an ISO 8601 duration.
    pub longest_life: Option<String>,
}
