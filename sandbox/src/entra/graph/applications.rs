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
use super::shape::merge;
use super::types::APPLICATION;
use super::view::{Listing, View};
use crate::entra::seconds;
use crate::world::Entra;
use crate::world::entra::{Application, CUSTOM_TEMPLATE, Certificate, Password, TEMPLATE_ROLES};

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
                let (id, application) = match key.strip_prefix("uniqueName=").map(|it| it.trim_matches('\'')) {
                    Some(name) => by_unique_name(self.entra, name).ok_or_else(|| GraphError::not_found(name))?,
                    None => keyed(key, by_id, |app_id| self.entra.application(app_id))?,
                };
                match rest {
                    [] => self.one("applications", &registration(self.entra, id, application)).map(Answer::Json),
                    ["owners"] => self.owners(&application.owners),
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

/// The registration with this unique name, and its object id.
pub fn by_unique_name<'a>(entra: &'a Entra, name: &str) -> Option<(Uuid, &'a Application)> {
    let has = |it: &Application| it.properties.get("uniqueName").and_then(Value::as_str) == Some(name);
    entra.applications.iter().find(|(_, it)| has(it)).map(|(id, it)| (*id, it))
}

/// The roles that one can have in an application: the template's, unless others have been written.
pub fn app_roles(application: &Application) -> Value {
    if let Some(written) = application.properties.get("appRoles") {
        return written.clone();
    }
    let role = |(id, name): (Uuid, &str)| {
        json!({
            "id": id, "displayName": name, "description": name, "allowedMemberTypes": ["User"], "isEnabled": true,
            "origin": "Application", "value": null,
        })
    };
    json!(TEMPLATE_ROLES.into_iter().filter(|_| application.is_from_template).map(role).collect::<Vec<_>>())
}

/// A secret's value is never told again, only its beginning.
pub fn password(it: &Password) -> Value {
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

fn property_of_application(entra: &Entra, id: Uuid, it: &Application, name: &str) -> Option<Value> {
    let found = unwritten(entra, id, it, name);
    // What has been written goes over what there is anyway.
    let Some(written) = it.properties.get(name) else { return found };
    let (Some(Value::Object(mut found)), Value::Object(written)) = (found, written) else {
        return Some(written.clone());
    };
    merge(&mut found, written.clone());
    Some(Value::Object(found))
}

/// What a registration has without anybody having written it.
fn unwritten(entra: &Entra, id: Uuid, it: &Application, name: &str) -> Option<Value> {
    Some(match name {
        "id" => json!(id),
        "appId" => json!(it.app_id),
        "displayName" => json!(it.display_name),
        "applicationTemplateId" => json!(it.is_from_template.then_some(CUSTOM_TEMPLATE)),
        "createdByAppId" => json!(it.created_by),
        "createdDateTime" => json!(seconds(it.created_at)),
        "signInAudience" => json!("AzureADMyOrg"),
        "publisherDomain" => json!(entra.domains.first().map(|it| &it.name)),
        "isFallbackPublicClient" => json!(false),
        "passwordCredentials" => it.passwords.iter().map(password).collect(),
        "keyCredentials" => it.certificates.iter().map(certificate).collect(),
        "appRoles" => app_roles(it),
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
