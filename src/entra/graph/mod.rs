//! Microsoft Graph v1.0: what is asked for each thing that we need. Every read names the fields that it needs and no more.
//!
//! - here: reads; `write`: what is changed; `synchronization`: provisioning

mod synchronization;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use k8s_openapi::jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;
use uuid::Uuid;

use super::filter::{LONGEST_EQ, MOST_IN, equals, is_in};
use super::permission::{CONSENT, POLICIES, SIGN_INS};
use super::secrets::DefaultPolicy;
use super::session::{Read, Session};
use super::{
    Application, Assignment, ConditionalAccessPolicy, Consent, Entra, EntraEndpoint, EntraGroup, EntraUser, Member,
    SecretPolicy, ServicePrincipal, SignIn,
};
use crate::error::{Class, Failure};
use crate::metrics::Metrics;

const APPLICATIONS: &str = "Application.Read.All";
const MEMBERS: &str = "GroupMember.Read.All";
const USERS: &str = "User.Read.All";

const APPLICATION: &str = "id,appId,displayName,web,createdDateTime,applicationTemplateId,serviceManagementReference,\
                           optionalClaims,requiredResourceAccess,passwordCredentials";
const SERVICE_PRINCIPAL: &str = "id,appId,displayName,accountEnabled,appRoleAssignmentRequired,tags,appRoles";
const GROUP: &str = "id,displayName,securityEnabled,visibility";

/// The most items that a page of directory objects may have (<https://learn.microsoft.com/graph/paging>).
const PAGE: (&str, &str) = ("$top", "999");
/// How many requests for users are under way at once.
const AT_ONCE: usize = 4;

/// Microsoft Graph.
#[derive(Debug)]
pub struct Graph {
    session: Session,
    template: Uuid,
}

impl Graph {
    /// Microsoft Graph at `endpoint`. Nothing is sent yet.
    pub fn new(endpoint: EntraEndpoint, metrics: Arc<Metrics>) -> Result<Self, Failure> {
        let template = endpoint.template;
        Ok(Self { session: Session::new(endpoint, metrics)?, template })
    }

    /// Those of a collection that have this name.
    async fn find_named<T: DeserializeOwned>(
        &self,
        what: &str,
        permission: &'static str,
        within: (&str, &str),
        name: &str,
    ) -> Result<Vec<T>, Failure> {
        if name.chars().count() > LONGEST_EQ {
            let message = format!(
                "Could not {what}: Microsoft Graph cannot look for a name of more than {LONGEST_EQ} characters. Give the id instead."
            );
            return Err(Failure::new(Class::Invalid, "NameTooLong", message));
        }
        self.find(what, permission, within, &equals("displayName", name)).await
    }

    /// Those of a collection that a filter lets through.
    async fn find<T: DeserializeOwned>(
        &self,
        what: &str,
        permission: &'static str,
        (collection, select): (&str, &str),
        filter: &str,
    ) -> Result<Vec<T>, Failure> {
        let query = [("$filter", filter), ("$select", select), PAGE];
        self.whole(&Read { what, permission, path: &[collection], query: &query }).await
    }

    /// By the alternate key that is the client id.
    async fn by_app_id<T: DeserializeOwned>(
        &self,
        what: &str,
        collection: &str,
        app_id: &str,
        select: &str,
    ) -> Result<Option<T>, Failure> {
        // What is no GUID is no application's; Graph would call the request malformed.
        let Ok(app_id) = app_id.parse::<Uuid>() else { return Ok(None) };
        let key = format!("{collection}(appId='{app_id}')");
        let query = [("$select", select)];
        self.session.one(&Read { what, permission: APPLICATIONS, path: &[&key], query: &query }).await
    }

    /// A list that is always there.
    async fn whole<T: DeserializeOwned>(&self, read: &Read<'_>) -> Result<Vec<T>, Failure> {
        let vanished = || {
            let message =
                format!("Could not {}: Microsoft Graph did not know it (HTTP 404). It is tried again.", read.what);
            Failure::new(Class::Transient, "VanishedMeanwhile", message)
        };
        self.session.list(read).await?.ok_or_else(vanished)
    }

    /// The members of a group, sorted. Not cast to users and without `$count`, so that no index answers that is late.
    async fn members_of(&self, what: &str, group: Uuid, which: &str) -> Result<Option<BTreeSet<Member>>, Failure> {
        let read = Read {
            what,
            permission: MEMBERS,
            path: &["groups", &group.to_string(), which],
            query: &[("$select", "id"), PAGE],
        };
        let found: Option<Vec<Typed>> = self.session.list(&read).await?;
        Ok(found.map(|found| found.into_iter().map(Member::from).collect()))
    }

    /// The names of the policies in `collection` that an enterprise application has. Asked from the side of the policies:
    /// from the side of the application even a read takes a permission to write
    /// (<https://learn.microsoft.com/graph/api/serviceprincipal-list-claimsmappingpolicies#permissions>).
    async fn policies_in(
        &self,
        collection: &str,
        kind: &str,
        principal: &ServicePrincipal,
    ) -> Result<Vec<String>, Failure> {
        let what = format!("list the {kind} policies");
        let query = [("$select", "id,displayName"), PAGE];
        let read = Read { what: &what, permission: POLICIES, path: &["policies", collection], query: &query };
        let policies: Vec<Policy> = self.whole(&read).await?;
        let applied = policies.into_iter().map(|policy| async move {
            let name = policy.display_name.unwrap_or_else(|| policy.id.clone());
            let what = format!("read what the {kind} policy \"{name}\" applies to");
            let path = ["policies", collection, &policy.id, "appliesTo"];
            let read = Read { what: &what, permission: POLICIES, path: &path, query: &[("$select", "id"), PAGE] };
            let on: Vec<Typed> = self.session.list(&read).await?.unwrap_or_default();
            Ok(on.iter().any(|object| object.id == principal.id).then_some(name))
        });
        let names: Vec<Option<String>> = stream::iter(applied).buffered(AT_ONCE).try_collect().await?;
        Ok(names.into_iter().flatten().collect())
    }
}

/// A directory object of any type.
#[derive(Deserialize)]
struct Typed {
    id: Uuid,
    /// Never left out: somebody of no known type would go unseen.
    #[serde(rename = "@odata.type")]
    kind: String,
}

impl From<Typed> for Member {
    fn from(object: Typed) -> Self {
        match object.kind.as_str() {
            "#microsoft.graph.user" => Self::User(object.id),
            "#microsoft.graph.group" => Self::Group(object.id),
            _ => Self::Other(object.id),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Policy {
    id: String,
    #[serde(default)]
    display_name: Option<String>,
}

impl Entra for Graph {
    async fn permissions(&self) -> Result<Option<BTreeSet<String>>, Failure> {
        self.session.tokens().permissions().await
    }

    async fn application(&self, app_id: &str) -> Result<Option<Application>, Failure> {
        let what = format!("read the application {app_id} in Entra ID");
        self.by_app_id(&what, "applications", app_id, APPLICATION).await
    }

    async fn applications_named(&self, name: &str) -> Result<Vec<Application>, Failure> {
        let what = format!("look for the application \"{name}\" in Entra ID");
        self.find_named(&what, APPLICATIONS, ("applications", APPLICATION), name).await
    }

    async fn service_principal(&self, app_id: &str) -> Result<Option<ServicePrincipal>, Failure> {
        let what = format!("read the enterprise application {app_id} in Entra ID");
        self.by_app_id(&what, "servicePrincipals", app_id, SERVICE_PRINCIPAL).await
    }

    async fn assignments(&self, principal: &ServicePrincipal) -> Result<Vec<Assignment>, Failure> {
        let what = format!("list who is assigned to the enterprise application \"{}\"", principal.label());
        let path = ["servicePrincipals", &principal.id.to_string(), "appRoleAssignedTo"];
        let query = [("$select", "principalId,principalType,principalDisplayName"), PAGE];
        self.whole(&Read { what: &what, permission: APPLICATIONS, path: &path, query: &query }).await
    }

    async fn group(&self, id: Uuid) -> Result<Option<EntraGroup>, Failure> {
        let what = format!("read the group {id} in Entra ID");
        let path = ["groups", &id.to_string()];
        self.session.one(&Read { what: &what, permission: MEMBERS, path: &path, query: &[("$select", GROUP)] }).await
    }

    async fn groups_named(&self, name: &str) -> Result<Vec<EntraGroup>, Failure> {
        let what = format!("look for the group \"{name}\" in Entra ID");
        self.find_named(&what, MEMBERS, ("groups", GROUP), name).await
    }

    async fn members(&self, group: Uuid, label: &str) -> Result<Option<Vec<Member>>, Failure> {
        let what = format!("list the members of {label} in Entra ID");
        let members = self.members_of(&what, group, "members").await?;
        Ok(members.map(|members| members.into_iter().collect()))
    }

    async fn users_within(&self, group: Uuid, label: &str) -> Result<Option<Vec<Uuid>>, Failure> {
        let what = format!("list the users in {label} and in all groups within it in Entra ID");
        let within = self.members_of(&what, group, "transitiveMembers").await?;
        let user = |member| match member {
            Member::User(id) => Some(id),
            Member::Group(_) | Member::Other(_) => None,
        };
        Ok(within.map(|within| within.into_iter().filter_map(user).collect()))
    }

    async fn users_by_email(&self, emails: &BTreeSet<String>) -> Result<Vec<EntraUser>, Failure> {
        let emails: Vec<&str> = emails.iter().map(String::as_str).filter(|email| !email.is_empty()).collect();
        let chunks = || emails.chunks(MOST_IN);
        let filters: Vec<String> =
            chunks().map(|c| is_in("mail", c)).chain(chunks().map(|c| is_in("userPrincipalName", c))).collect();
        let what = "look for users by their addresses in Entra ID";
        let users = ("users", "id,userPrincipalName,mail,accountEnabled");
        let requests = filters.into_iter().map(|filter| async move { self.find(what, USERS, users, &filter).await });
        let found: Vec<Vec<EntraUser>> = stream::iter(requests).buffer_unordered(AT_ONCE).try_collect().await?;
        let by_id: BTreeMap<Uuid, EntraUser> = found.into_iter().flatten().map(|user| (user.id, user)).collect();
        Ok(by_id.into_values().collect())
    }

    async fn conditional_access(&self) -> Result<Vec<ConditionalAccessPolicy>, Failure> {
        let query = [("$select", "displayName,state,conditions")];
        let path = ["identity", "conditionalAccess", "policies"];
        let what = "list the Conditional Access policies";
        self.whole(&Read { what, permission: POLICIES, path: &path, query: &query }).await
    }

    async fn secret_policy(&self) -> Result<SecretPolicy, Failure> {
        let query = [("$select", "isEnabled,applicationRestrictions")];
        let path = ["policies", "defaultAppManagementPolicy"];
        let what = "read the policy for client secrets";
        let read = Read { what, permission: POLICIES, path: &path, query: &query };
        let policy: Option<DefaultPolicy> = self.session.one(&read).await?;
        Ok(policy.map(|policy| policy.in_force(Timestamp::now())).unwrap_or_default())
    }

    async fn policies_on(&self, principal: &ServicePrincipal) -> Result<Vec<String>, Failure> {
        let mut names = self.policies_in("claimsMappingPolicies", "claims mapping", principal).await?;
        names.extend(self.policies_in("homeRealmDiscoveryPolicies", "home realm discovery", principal).await?);
        Ok(names)
    }

    async fn consents(&self, principal: &ServicePrincipal) -> Result<Vec<Consent>, Failure> {
        let what = format!("read what the enterprise application \"{}\" may do for who signs in", principal.label());
        let filter = equals("clientId", &principal.id.to_string());
        let query = [("$filter", filter.as_str()), PAGE];
        self.whole(&Read { what: &what, permission: CONSENT, path: &["oauth2PermissionGrants"], query: &query }).await
    }

    async fn sign_ins(&self, app_id: &str, since: Timestamp) -> Result<Vec<SignIn>, Failure> {
        let what = format!("read the sign-ins by the application {app_id}");
        let since = Timestamp::from_second(since.as_second()).unwrap_or(since);
        let filter = format!("{} and createdDateTime ge {since}", equals("appId", app_id));
        let query = [("$filter", filter.as_str()), PAGE];
        self.whole(&Read { what: &what, permission: SIGN_INS, path: &["auditLogs", "signIns"], query: &query }).await
    }

    async fn redeems(&self, app_id: &str, secret: &SecretString) -> Result<(), Failure> {
        self.session.tokens().redeems(app_id, secret).await
    }

    fn metadata_document(&self) -> Url {
        self.session.tokens().metadata_document()
    }
}
