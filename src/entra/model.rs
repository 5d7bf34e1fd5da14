//! What Entra ID holds, in our words, with the names of Microsoft Graph v1.0. Pure data: the planners work on it.

use serde::{Deserialize, Deserializer, Serialize};
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
