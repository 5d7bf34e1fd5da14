//! Service principals: what applications are within the tenant, and who is assigned to them.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use uuid::Uuid;

use super::Answer;
use super::applications::{READ, app_roles, keyed};
use super::error::GraphError;
use super::kind::Item;
use super::types::{APP_ROLE_ASSIGNMENT, DIRECTORY_OBJECT, PERMISSION_GRANT, SERVICE_PRINCIPAL};
use super::view::{Listing, View};
use crate::entra::seconds;
use crate::world::Entra;
use crate::world::entra::{
    Assignment, CUSTOM_TEMPLATE, GRAPH_APP_ID, Member, PERMISSIONS, PermissionGrant, SCOPES, ServicePrincipal,
};

/// The tenant that Microsoft's own applications belong to.
const MICROSOFT: Uuid = Uuid::from_u128(0xf8cd_ef31_a31e_4b4a_93e4_5f57_1e91_255a);

/// A service principal.
pub fn principal<'a>(entra: &'a Entra, id: Uuid, it: &'a ServicePrincipal) -> Item<'a> {
    Item { kind: &SERVICE_PRINCIPAL, property: Box::new(move |name| property_of_principal(entra, id, it, name)) }
}

impl View<'_> {
    /// `/servicePrincipals…`
    pub fn service_principals(&self, rest: &[&str]) -> Result<Answer, GraphError> {
        self.caller.needs(READ)?;
        let all = || self.entra.service_principals.iter().map(|(id, it)| principal(self.entra, *id, it)).collect();
        match rest {
            [] => self.list(&SERVICE_PRINCIPAL, all(), &Listing::set("servicePrincipals")).map(Answer::Json),
            ["$count"] => self.count(&SERVICE_PRINCIPAL, all()).map(Answer::Count),
            [key, rest @ ..] => {
                let by_id = |id| self.entra.service_principals.get(&id).map(|it| (id, it));
                let (id, it) = keyed(key, by_id, |app_id| self.entra.service_principal(app_id))?;
                self.service_principal(id, it, rest)
            }
        }
    }

    fn service_principal(&self, id: Uuid, it: &ServicePrincipal, rest: &[&str]) -> Result<Answer, GraphError> {
        let listing = |relation: &str| Listing::set(format!("servicePrincipals('{id}')/{relation}"));
        match rest {
            [] => self.one("servicePrincipals", &principal(self.entra, id, it)).map(Answer::Json),
            ["appRoleAssignedTo"] => {
                let all = it.assigned.iter().map(|(key, one)| self.assignment(key, one, id, &it.display_name));
                self.list(&APP_ROLE_ASSIGNMENT, all.collect(), &listing("appRoleAssignedTo")).map(Answer::Json)
            }
            ["appRoleAssignments"] => {
                let resources = self.entra.service_principals.iter();
                let all = resources.flat_map(|(resource, it)| {
                    let own = it.assigned.iter().filter(|(_, one)| one.principal == Member::ServicePrincipal(id));
                    own.map(|(key, one)| self.assignment(key, one, *resource, &it.display_name))
                });
                self.list(&APP_ROLE_ASSIGNMENT, all.collect(), &listing("appRoleAssignments")).map(Answer::Json)
            }
            ["owners"] => self.owners(&it.owners),
            ["claimsMappingPolicies"] => self.claims_mapping(&it.claims_mapping),
            ["homeRealmDiscoveryPolicies"] => self.home_realm_discovery(&it.home_realm_discovery),
            ["appManagementPolicies"] => self.app_management(&it.app_management),
            _ => Err(super::no_segment(rest)),
        }
    }

    /// Who owns an application or a service principal.
    pub fn owners(&self, ids: &BTreeSet<Uuid>) -> Result<Answer, GraphError> {
        let owner = |id: &Uuid| self.member(Member::User(*id)).or_else(|| self.member(Member::ServicePrincipal(*id)));
        self.list(&DIRECTORY_OBJECT, ids.iter().filter_map(owner).collect(), &Listing::relation()).map(Answer::Json)
    }

    /// One assignment.
    pub fn assignment<'b>(&'b self, key: &'b str, one: &'b Assignment, resource: Uuid, name: &'b str) -> Item<'b> {
        let property = move |property: &str| {
            Some(match property {
                "id" => json!(key),
                "appRoleId" => json!(one.role),
                "createdDateTime" => json!(seconds(one.created_at)),
                "principalId" => json!(one.principal.id()),
                "principalDisplayName" => json!(self.entra.display_name(one.principal)),
                "principalType" => json!(match one.principal {
                    Member::User(_) => "User",
                    Member::Group(_) => "Group",
                    Member::ServicePrincipal(_) => "ServicePrincipal",
                }),
                "resourceId" => json!(resource),
                "resourceDisplayName" => json!(name),
                _ => return None,
            })
        };
        Item { kind: &APP_ROLE_ASSIGNMENT, property: Box::new(property) }
    }

    /// `/oauth2PermissionGrants…`
    pub fn permission_grants(&self, rest: &[&str]) -> Result<Answer, GraphError> {
        self.caller.needs(&[
            "Directory.Read.All",
            "Directory.ReadWrite.All",
            "DelegatedPermissionGrant.ReadWrite.All",
        ])?;
        match rest {
            [] => {
                let all = self.entra.grants.iter().map(grant).collect();
                self.list(&PERMISSION_GRANT, all, &Listing::set("oauth2PermissionGrants")).map(Answer::Json)
            }
            [id] => {
                let found = self.entra.grants.iter().find(|it| it.id == *id);
                let found = found.ok_or_else(|| GraphError::not_found(id))?;
                self.one("oauth2PermissionGrants", &grant(found)).map(Answer::Json)
            }
            _ => Err(super::no_segment(rest)),
        }
    }
}

/// One consent.
pub fn grant(it: &PermissionGrant) -> Item<'_> {
    let property = move |name: &str| {
        Some(match name {
            "id" => json!(it.id),
            "clientId" => json!(it.client),
            "consentType" => json!(if it.principal.is_some() { "Principal" } else { "AllPrincipals" }),
            "principalId" => json!(it.principal),
            "resourceId" => json!(it.resource),
            "scope" => json!(it.scope),
            _ => return None,
        })
    };
    Item { kind: &PERMISSION_GRANT, property: Box::new(property) }
}

/// The roles that one can have in an application.
pub fn roles(entra: &Entra, it: &ServicePrincipal) -> Value {
    if it.app_id == GRAPH_APP_ID {
        return PERMISSIONS.iter().map(|it| graph_role(*it)).collect();
    }
    entra.application(it.app_id).map_or_else(|| json!([]), |(_, it)| app_roles(it))
}

fn property_of_principal(entra: &Entra, id: Uuid, it: &ServicePrincipal, name: &str) -> Option<Value> {
    let is_graph = it.app_id == GRAPH_APP_ID;
    let application = entra.application(it.app_id).map(|(_, it)| it);
    if let Some(value) = it.properties.get(name).filter(|_| !is_graph) {
        return Some(value.clone());
    }
    Some(match name {
        "id" => json!(id),
        "appId" => json!(it.app_id),
        "displayName" | "appDisplayName" => json!(it.display_name),
        "accountEnabled" => json!(it.is_enabled),
        "applicationTemplateId" => json!(it.is_from_template.then_some(CUSTOM_TEMPLATE)),
        "appOwnerOrganizationId" => json!(if is_graph { MICROSOFT } else { entra.tenant_id }),
        "appRoleAssignmentRequired" => json!(it.assignment_required),
        "replyUrls" => json!(application.map(|it| it.redirect_uris.clone()).unwrap_or_default()),
        "servicePrincipalNames" if is_graph => json!([it.app_id.to_string(), "https://graph.microsoft.com"]),
        "servicePrincipalNames" => json!([it.app_id]),
        "servicePrincipalType" => json!("Application"),
        "signInAudience" => json!(if is_graph { "AzureADMultipleOrgs" } else { "AzureADMyOrg" }),
        "createdByAppId" => json!(it.created_by),
        "appRoles" => roles(entra, it),
        "oauth2PermissionScopes" if is_graph => SCOPES.iter().map(|it| graph_scope(*it)).collect(),
        "info" => json!({
            "logoUrl": null, "marketingUrl": null, "privacyStatementUrl": null, "supportUrl": null,
            "termsOfServiceUrl": null,
        }),
        "verifiedPublisher" => json!({"addedDateTime": null, "displayName": null, "verifiedPublisherId": null}),
        _ => return None,
    })
}

fn graph_role((name, id, text): (&str, &str, &str)) -> Value {
    json!({
        "id": id, "value": name, "displayName": text, "description": text, "allowedMemberTypes": ["Application"],
        "isEnabled": true, "origin": "Application",
    })
}

fn graph_scope((name, id): (&str, &str)) -> Value {
    json!({
        "id": id, "value": name, "type": "User", "isEnabled": true, "adminConsentDisplayName": name,
        "adminConsentDescription": name, "userConsentDisplayName": name, "userConsentDescription": name,
        "origin": "Application",
    })
}
