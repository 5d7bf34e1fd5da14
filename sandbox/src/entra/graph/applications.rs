//! Application registrations.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha1::{Digest as _, Sha1};
use uuid::Uuid;

use super::Answer;
use super::error::GraphError;
use super::kind::Item;
use super::people::guid;
use super::types::{APPLICATION, DIRECTORY_OBJECT};
use super::view::{Listing, View};
use crate::entra::seconds;
use crate::world::Entra;
use crate::world::entra::{Application, CUSTOM_TEMPLATE, Certificate, GRAPH_APP_ID, Password, SCOPES, TEMPLATE_ROLES};

/// The permissions that let an application read applications.
pub const READ: &[&str] = &[
    "Application.Read.All",
    "Application.ReadWrite.All",
    "Application.ReadWrite.OwnedBy",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];

/// A registration.
pub fn registration<'a>(entra: &'a Entra, id: Uuid, it: &'a Application) -> Item<'a> {
    Item { kind: &APPLICATION, property: Box::new(move |name| property_of_application(entra, id, it, name)) }
}

impl View<'_> {
    /// `/applications…`
    pub fn applications(&self, rest: &[&str]) -> Result<Answer, GraphError> {
        self.caller.needs(READ)?;
        let all = || self.entra.applications.iter().map(|(id, it)| registration(self.entra, *id, it)).collect();
        match rest {
            [] => self.list(&APPLICATION, all(), &Listing::set("applications")).map(Answer::Json),
            ["$count"] => self.count(&APPLICATION, all()).map(Answer::Count),
            [key, rest @ ..] => {
                let by_id = |id| self.entra.applications.get(&id).map(|it| (id, it));
                let (id, application) = keyed(key, by_id, |app_id| self.entra.application(app_id))?;
                match rest {
                    [] => self.one("applications", &registration(self.entra, id, application)).map(Answer::Json),
                    ["owners"] => self.list(&DIRECTORY_OBJECT, Vec::new(), &Listing::relation()).map(Answer::Json),
                    ["appManagementPolicies"] => self.app_management(&application.app_management),
                    _ => Err(super::no_segment(rest)),
                }
            }
        }
    }
}

/// What a key stands for: an object id, or `appId='…'`.
pub fn keyed<T>(
    key: &str,
    by_id: impl Fn(Uuid) -> Option<T>,
    by_app_id: impl Fn(Uuid) -> Option<T>,
) -> Result<T, GraphError> {
    let Some(app_id) = key.strip_prefix("appId=").map(|it| it.trim_matches('\'')) else {
        return by_id(guid(key)?).ok_or_else(|| GraphError::not_found(key));
    };
    app_id.parse().ok().and_then(by_app_id).ok_or_else(|| GraphError::not_found(app_id))
}

/// The roles that users can have in an application.
pub fn app_roles(is_from_template: bool) -> Value {
    let role = |(id, name): (Uuid, &str)| {
        json!({
            "id": id, "displayName": name, "description": name, "allowedMemberTypes": ["User"], "isEnabled": true,
            "origin": "Application", "value": null,
        })
    };
    json!(TEMPLATE_ROLES.into_iter().filter(|_| is_from_template).map(role).collect::<Vec<_>>())
}

/// A secret's value is never told again, only its beginning.
fn password(it: &Password) -> Value {
    json!({
        "customKeyIdentifier": null,
        "displayName": it.display_name,
        "endDateTime": seconds(it.ends_at),
        "hint": it.value.get(..3),
        "keyId": it.key_id,
        "secretText": null,
        "startDateTime": seconds(it.starts_at),
    })
}

fn certificate(it: &Certificate) -> Value {
    json!({
        "customKeyIdentifier": STANDARD.encode(Sha1::digest(&it.der)),
        "displayName": it.name,
        "endDateTime": seconds(it.ends_at),
        "key": null,
        "keyId": it.key_id,
        "startDateTime": seconds(it.starts_at),
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
    })
}

/// The e-mail claim and the others that the vendor's page on SSO asks for.
fn optional_claims(it: &Application) -> Value {
    if it.redirect_uris.is_empty() || it.is_from_template {
        return Value::Null;
    }
    let claim = |name| json!({"name": name, "source": null, "essential": false, "additionalProperties": []});
    let claims = ["email", "family_name", "given_name", "upn", "xms_pl", "xms_tpl"].map(claim);
    json!({"idToken": claims, "accessToken": [], "saml2Token": []})
}

fn property_of_application(entra: &Entra, id: Uuid, it: &Application, name: &str) -> Option<Value> {
    Some(match name {
        "id" => json!(id),
        "appId" => json!(it.app_id),
        "displayName" => json!(it.display_name),
        "applicationTemplateId" => json!(it.is_from_template.then_some(CUSTOM_TEMPLATE)),
        "createdDateTime" => json!(seconds(it.created_at)),
        "signInAudience" => json!("AzureADMyOrg"),
        "publisherDomain" => json!(entra.domains.first().map(|it| &it.name)),
        "isFallbackPublicClient" => json!(false),
        "optionalClaims" => optional_claims(it),
        "passwordCredentials" => it.passwords.iter().map(password).collect(),
        "keyCredentials" => it.certificates.iter().map(certificate).collect(),
        "appRoles" => app_roles(it.is_from_template),
        "api" => json!({
            "acceptMappedClaims": null, "knownClientApplications": [], "oauth2PermissionScopes": [],
            "preAuthorizedApplications": [], "requestedAccessTokenVersion": null,
        }),
        "info" => json!({
            "logoUrl": null, "marketingUrl": null, "privacyStatementUrl": null, "supportUrl": null,
            "termsOfServiceUrl": null,
        }),
        "parentalControlSettings" => json!({"countriesBlockedForMinors": [], "legalAgeGroupRule": "Allow"}),
        "publicClient" | "spa" => json!({"redirectUris": []}),
        "requiredResourceAccess" => required_access(entra, it),
        "verifiedPublisher" => json!({"addedDateTime": null, "displayName": null, "verifiedPublisherId": null}),
        "web" => json!({
            "homePageUrl": null,
            "implicitGrantSettings": {"enableAccessTokenIssuance": false, "enableIdTokenIssuance": false},
            "logoutUrl": null,
            "redirectUriSettings":
                it.redirect_uris.iter().map(|uri| json!({"index": null, "uri": uri})).collect::<Vec<_>>(),
            "redirectUris": it.redirect_uris,
        }),
        _ => return None,
    })
}

/// What the registration says it needs: what an administrator has consented to.
fn required_access(entra: &Entra, it: &Application) -> Value {
    let client = entra.service_principal(it.app_id).map(|(id, _)| id);
    let Some(grant) = entra.grants.iter().find(|grant| Some(grant.client) == client) else { return json!([]) };
    let named = |scope: &str| SCOPES.iter().find(|(name, _)| *name == scope).map(|(_, id)| id);
    let access = grant.scope.split(' ').filter_map(named).map(|id| json!({"id": id, "type": "Scope"}));
    json!([{"resourceAppId": GRAPH_APP_ID, "resourceAccess": access.collect::<Vec<_>>()}])
}
