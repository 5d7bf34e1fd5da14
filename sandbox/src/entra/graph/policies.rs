//! Policies: Conditional Access, and those on applications.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Answer;
use super::error::GraphError;
use super::kind::{Item, Kind};
use super::principals::principal;
use super::types::{
    APP_MANAGEMENT_POLICY, CLAIMS_MAPPING_POLICY, CONDITIONAL_ACCESS_POLICY, HOME_REALM_DISCOVERY_POLICY,
    SERVICE_PRINCIPAL, TENANT_APP_MANAGEMENT_POLICY,
};
use super::view::{Listing, View};
use crate::entra::seconds;
use crate::world::entra::{
    ConditionalAccessPolicy, LONG_AGO, NamedAppManagementSpec, PasswordRestriction, ServicePrincipal,
};

const READ: &[&str] = &["Policy.Read.All", "Policy.ReadWrite.ApplicationConfiguration"];

const CLAIMS_MAPPING: &str = r#"{"ClaimsMappingPolicy":{"Version":1,"IncludeBasicClaimSet":"true","ClaimsSchema":[]}}"#;
const HOME_REALM_DISCOVERY: &str = r#"{"HomeRealmDiscoveryPolicy":{"AccelerateToFederatedDomain":true}}"#;

impl View<'_> {
    /// `/identity/conditionalAccess/policies…`
    pub fn conditional_access(&self, rest: &[&str]) -> Result<Answer, GraphError> {
        if !self.caller.has(&["Policy.Read.All", "Policy.Read.ConditionalAccess"]) {
            // This service words it in its own way.
            let text = "You cannot perform the requested operation, required scopes are missing in the token.";
            return Err(GraphError::new(StatusCode::FORBIDDEN, "AccessDenied", text));
        }
        let set = "identity/conditionalAccess/policies";
        match rest {
            [] => {
                let all = self.entra.conditional_access.iter().map(conditional_access).collect();
                self.list(&CONDITIONAL_ACCESS_POLICY, all, &Listing::set(set)).map(Answer::Json)
            }
            [id] => {
                let found = self.entra.conditional_access.iter().find(|it| it.id.to_string() == *id);
                let found = found.ok_or_else(|| GraphError::new(StatusCode::NOT_FOUND, "ResourceNotFound", *id))?;
                self.one(set, &conditional_access(found)).map(Answer::Json)
            }
            _ => Err(super::no_segment(rest)),
        }
    }

    /// `/policies/defaultAppManagementPolicy`
    pub fn default_app_management(&self) -> Result<Answer, GraphError> {
        self.caller.needs(READ)?;
        let policy = &self.entra.app_management;
        let restrictions = restrictions(&policy.password_credentials);
        let property = |name: &str| {
            Some(match name {
                "id" => json!("00000000-0000-0000-0000-000000000000"),
                "displayName" => json!("Default app management tenant policy"),
                "description" => json!("Default tenant policy that enforces app management restrictions."),
                "isEnabled" => json!(policy.is_enabled),
                "applicationRestrictions" | "servicePrincipalRestrictions" => restrictions.clone(),
                _ => return None,
            })
        };
        let item = Item { kind: &TENANT_APP_MANAGEMENT_POLICY, property: Box::new(property) };
        self.one("policies/defaultAppManagementPolicy", &item).map(Answer::Json)
    }

    /// The app management policies of one application.
    pub fn app_management(&self, policies: &[NamedAppManagementSpec]) -> Result<Answer, GraphError> {
        self.caller.needs(READ)?;
        let item = |policy: &NamedAppManagementSpec| {
            let (policy, id) = (policy.clone(), self.policy_id("app-management", &policy.display_name));
            let property = move |name: &str| {
                Some(match name {
                    "id" => json!(id),
                    "displayName" => json!(policy.display_name),
                    "isEnabled" => json!(policy.is_enabled),
                    "restrictions" => restrictions(&policy.password_credentials),
                    _ => return None,
                })
            };
            Item { kind: &APP_MANAGEMENT_POLICY, property: Box::new(property) }
        };
        let listing = Listing::set("policies/appManagementPolicies");
        self.list(&APP_MANAGEMENT_POLICY, policies.iter().map(item).collect(), &listing).map(Answer::Json)
    }

    /// The claims mapping policies of a service principal.
    pub fn claims_mapping(&self, names: &[String]) -> Result<Answer, GraphError> {
        self.named_policies(&CLAIMS_MAPPING_POLICY, names, CLAIMS_MAPPING)
    }

    /// The home realm discovery policies of a service principal.
    pub fn home_realm_discovery(&self, names: &[String]) -> Result<Answer, GraphError> {
        self.named_policies(&HOME_REALM_DISCOVERY_POLICY, names, HOME_REALM_DISCOVERY)
    }

    /// `/policies/claimsMappingPolicies…`
    pub fn claims_mapping_policies(&self, rest: &[&str]) -> Result<Answer, GraphError> {
        self.policy_set(&CLAIMS_MAPPING_POLICY, |it| &it.claims_mapping, CLAIMS_MAPPING, rest)
    }

    /// `/policies/homeRealmDiscoveryPolicies…`
    pub fn home_realm_discovery_policies(&self, rest: &[&str]) -> Result<Answer, GraphError> {
        self.policy_set(&HOME_REALM_DISCOVERY_POLICY, |it| &it.home_realm_discovery, HOME_REALM_DISCOVERY, rest)
    }

    /// From the side of the policies, which takes no permission to write applications
    /// (<https://learn.microsoft.com/en-us/graph/api/claimsmappingpolicy-list-appliesto>).
    fn policy_set(
        &self,
        kind: &'static Kind,
        of: impl Fn(&ServicePrincipal) -> &[String],
        definition: &str,
        rest: &[&str],
    ) -> Result<Answer, GraphError> {
        let principals = &self.entra.service_principals;
        let names: BTreeSet<&String> = principals.values().flat_map(&of).collect();
        match rest {
            [] => {
                self.caller.needs(READ)?;
                let all = names.into_iter().map(|name| self.named_policy(kind, name, definition)).collect();
                self.list(kind, all, &Listing::set(self.path)).map(Answer::Json)
            }
            [id, "appliesTo"] => {
                self.caller.needs(&[READ, &["Application.Read.All", "Directory.Read.All"]].concat())?;
                let name = names.into_iter().find(|name| self.policy_id(kind.name, name).to_string() == *id);
                let name = name.ok_or_else(|| GraphError::not_found(id))?;
                let on = principals.iter().filter(|(_, it)| of(it).contains(name));
                let on = on.map(|(id, it)| principal(self.entra, *id, it)).collect();
                self.list(&SERVICE_PRINCIPAL, on, &Listing::relation()).map(Answer::Json)
            }
            _ => Err(super::no_segment(rest)),
        }
    }

    fn named_policies(&self, kind: &'static Kind, names: &[String], definition: &str) -> Result<Answer, GraphError> {
        self.caller.needs(READ)?;
        if self.switches.policies_need_application_write {
            self.caller.needs(&["Application.ReadWrite.All", "Application.ReadWrite.OwnedBy"])?;
        }
        let all = names.iter().map(|name| self.named_policy(kind, name, definition)).collect();
        self.list(kind, all, &Listing::relation()).map(Answer::Json)
    }

    fn named_policy(&self, kind: &'static Kind, name: &str, definition: &str) -> Item<'static> {
        let (id, name, definition) = (self.policy_id(kind.name, name), name.to_owned(), definition.to_owned());
        let property = move |property: &str| {
            Some(match property {
                "id" => json!(id),
                "displayName" => json!(name),
                "definition" => json!([definition]),
                "isOrganizationDefault" => json!(false),
                _ => return None,
            })
        };
        Item { kind, property: Box::new(property) }
    }

    fn policy_id(&self, kind: &str, name: &str) -> Uuid {
        Uuid::new_v5(&self.entra.namespace, format!("policy/{kind}/{name}").as_bytes())
    }
}

fn restrictions(passwords: &[PasswordRestriction]) -> Value {
    let one = |it: &PasswordRestriction| {
        json!({
            "restrictionType": it.restriction_type,
            "maxLifetime": it.max_lifetime,
            "restrictForAppsCreatedAfterDateTime": it.restrict_for_apps_created_after_date_time.map(seconds),
            "state": "enabled",
        })
    };
    json!({"passwordCredentials": passwords.iter().map(one).collect::<Vec<_>>(), "keyCredentials": []})
}

fn conditional_access(it: &ConditionalAccessPolicy) -> Item<'_> {
    let property = move |name: &str| {
        Some(match name {
            "id" => json!(it.id),
            "displayName" => json!(it.display_name),
            "createdDateTime" => json!(seconds(LONG_AGO)),
            "state" => json!(it.state),
            "conditions" => json!({
                "clientAppTypes": ["all"],
                "servicePrincipalRiskLevels": [],
                "signInRiskLevels": [],
                "userRiskLevels": [],
                "applications": {
                    "includeApplications": it.include,
                    "excludeApplications": it.exclude,
                    "includeUserActions": [],
                    "includeAuthenticationContextClassReferences": [],
                    "applicationFilter": it.filter,
                },
                "users": {
                    "includeUsers": ["All"], "excludeUsers": [], "includeGroups": [], "excludeGroups": [],
                    "includeRoles": [], "excludeRoles": [], "includeGuestsOrExternalUsers": null,
                    "excludeGuestsOrExternalUsers": null,
                },
                "platforms": null,
                "locations": null,
                "devices": null,
                "clientApplications": null,
            }),
            "grantControls" => json!({
                "operator": "OR", "builtInControls": ["mfa"], "customAuthenticationFactors": [], "termsOfUse": [],
            }),
            _ => return None,
        })
    };
    Item { kind: &CONDITIONAL_ACCESS_POLICY, property: Box::new(property) }
}
