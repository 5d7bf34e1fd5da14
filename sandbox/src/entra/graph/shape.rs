//! What can be written, by type: names, types, and whether null is allowed (`!` where it is not).
//!
//! Names, types and nullability are those of the v1.0 metadata (<https://github.com/microsoftgraph/msgraph-metadata>);
//! which of them can be written follows the pages of the operations
//! (<https://learn.microsoft.com/en-us/graph/api/application-update> and so on).

use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::error::GraphError;
use super::kind::Kind;

const SHAPES: &[(&str, &str)] = &[
    (
        "application",
        "api:apiApplication appRoles:appRole[]! defaultRedirectUri:String description:String displayName:String \
         groupMembershipClaims:String identifierUris:String[]! info:informationalUrl isFallbackPublicClient:Boolean \
         notes:String optionalClaims:optionalClaims publicClient:publicClientApplication \
         requiredResourceAccess:requiredResourceAccess[]! serviceManagementReference:String signInAudience:String \
         spa:spaApplication tags:String[]! uniqueName:String web:webApplication",
    ),
    (
        "servicePrincipal",
        "accountEnabled:Boolean alternativeNames:String[]! appRoleAssignmentRequired:Boolean! description:String \
         homepage:String loginUrl:String logoutUrl:String notes:String notificationEmailAddresses:String[]! \
         preferredSingleSignOnMode:String tags:String[]!",
    ),
    ("applicationTemplate", "displayName:String serviceManagementReference:String"),
    ("addPassword", "passwordCredential:passwordCredential"),
    ("removePassword", "keyId:Guid!"),
    ("appRoleAssignment", "appRoleId:Guid! principalId:Guid resourceId:Guid"),
    ("oAuth2PermissionGrant", "clientId:String! consentType:String principalId:String resourceId:String! scope:String"),
    (
        "apiApplication",
        "acceptMappedClaims:Boolean knownClientApplications:Guid[] oauth2PermissionScopes:permissionScope[]! \
         requestedAccessTokenVersion:Int32",
    ),
    (
        "appRole",
        "allowedMemberTypes:String[]! description:String displayName:String id:Guid! isEnabled:Boolean! origin:String \
         value:String",
    ),
    (
        "permissionScope",
        "adminConsentDescription:String adminConsentDisplayName:String id:Guid! isEnabled:Boolean! origin:String \
         type:String userConsentDescription:String userConsentDisplayName:String value:String",
    ),
    ("informationalUrl", "marketingUrl:String privacyStatementUrl:String supportUrl:String termsOfServiceUrl:String"),
    ("optionalClaims", "accessToken:optionalClaim[] idToken:optionalClaim[] saml2Token:optionalClaim[]"),
    ("optionalClaim", "additionalProperties:String[] essential:Boolean! name:String! source:String"),
    ("publicClientApplication", "redirectUris:String[]!"),
    ("spaApplication", "redirectUris:String[]!"),
    ("requiredResourceAccess", "resourceAccess:resourceAccess[]! resourceAppId:String!"),
    ("resourceAccess", "id:Guid! type:String"),
    (
        "webApplication",
        "homePageUrl:String implicitGrantSettings:implicitGrantSettings logoutUrl:String redirectUris:String[]!",
    ),
    ("implicitGrantSettings", "enableAccessTokenIssuance:Boolean enableIdTokenIssuance:Boolean"),
    ("passwordCredential", "displayName:String endDateTime:DateTimeOffset startDateTime:DateTimeOffset"),
];

fn shape(name: &str) -> Option<&'static str> {
    SHAPES.iter().find(|(it, _)| *it == name).map(|(_, it)| *it)
}

/// Refuses what a type does not have, and values that do not fit. `kind` knows what can only be read.
pub fn check(name: &str, body: &Value, kind: Option<&Kind>) -> Result<Map<String, Value>, GraphError> {
    let Some(body) = body.as_object() else { return Err(GraphError::bad("Empty Payload. JSON content expected.")) };
    let body: Map<String, Value> =
        body.iter().filter(|(name, _)| !name.starts_with('@')).map(|(name, it)| (name.clone(), it.clone())).collect();
    object(name, &body, kind)?;
    Ok(body)
}

fn object(name: &str, body: &Map<String, Value>, kind: Option<&Kind>) -> Result<(), GraphError> {
    for (property, value) in body {
        let mut declared = shape(name).unwrap_or_default().split_whitespace().filter_map(|it| it.split_once(':'));
        let Some((_, declared)) = declared.find(|(it, _)| it == property) else {
            let is_read_only = kind.is_some_and(|it| it.property(property).is_some());
            return Err(GraphError::directory(if is_read_only {
                format!("Property '{property}' is read-only and cannot be set.")
            } else {
                format!("Invalid property '{property}'.")
            }));
        };
        if !fits(declared, value)? {
            return Err(invalid(property, name));
        }
    }
    Ok(())
}

fn fits(declared: &str, value: &Value) -> Result<bool, GraphError> {
    let (declared, is_nullable) = declared.strip_suffix('!').map_or((declared, true), |it| (it, false));
    if value.is_null() {
        return Ok(is_nullable);
    }
    if let Some(item) = declared.strip_suffix("[]") {
        let Some(items) = value.as_array() else { return Ok(false) };
        let item = format!("{item}!");
        return items.iter().try_fold(true, |all, it| Ok(all && fits(&item, it)?));
    }
    let text = value.as_str();
    Ok(match declared {
        "String" => text.is_some(),
        "Boolean" => value.is_boolean(),
        "Int32" => value.is_i64(),
        "Guid" => text.is_some_and(|it| it.parse::<Uuid>().is_ok()),
        "DateTimeOffset" => text.is_some_and(|it| it.parse::<Timestamp>().is_ok()),
        complex => {
            let Some(body) = value.as_object() else { return Ok(false) };
            object(complex, body, None)?;
            true
        }
    })
}

/// A value that a property cannot have, in words that people have published
/// (<https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/4750>).
pub fn invalid(property: &str, of: &str) -> GraphError {
    let mut letters = of.chars();
    let title: String = letters.next().map(|it| it.to_uppercase().chain(letters).collect()).unwrap_or_default();
    GraphError::directory(format!("Invalid value specified for property '{property}' of resource '{title}'."))
}

/// Writes over what there is: within an object property by property, anything else as a whole.
pub fn merge(target: &mut Map<String, Value>, body: Map<String, Value>) {
    for (name, value) in body {
        match (target.get_mut(&name), value) {
            (Some(Value::Object(old)), Value::Object(new)) => merge(old, new),
            (_, value) => drop(target.insert(name, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::types::APPLICATION;
    use super::*;

    fn refusal(body: &Value) -> String {
        check("application", body, Some(&APPLICATION)).map_or_else(|it| it.message, |_| String::new())
    }

    #[test]
    fn names_types_and_nulls_are_looked_at_at_any_depth() {
        for (body, expected) in [
            (json!({"notes": null, "tags": ["a"], "@odata.type": "x", "web": {"redirectUris": []}}), ""),
            (json!({"note": "x"}), "Invalid property 'note'."),
            (json!({"appId": "x"}), "Property 'appId' is read-only and cannot be set."),
            (json!({"tags": null}), "Invalid value specified for property 'tags' of resource 'Application'."),
            (json!({"web": {"redirectUri": []}}), "Invalid property 'redirectUri'."),
            (
                json!({"optionalClaims": {"idToken": [{"name": 7}]}}),
                "Invalid value specified for property 'name' of resource 'OptionalClaim'.",
            ),
            (json!([]), "Empty Payload. JSON content expected."),
        ] {
            assert_eq!(refusal(&body), expected, "{body}");
        }
        assert!(SHAPES.iter().all(|(_, it)| it.split_whitespace().all(|it| it.contains(':'))));
    }

    #[test]
    fn names_types_and_nulls_are_those_of_the_metadata() {
        let metadata = include_str!("../../../tests/metadata/v1.0.txt");
        let mut compared = 0;
        for (name, shape) in SHAPES {
            let line = metadata.lines().find_map(|it| it.strip_prefix(&format!("{name} ")));
            // Actions are no types.
            let Some(line) = line.filter(|_| *name != "applicationTemplate") else { continue };
            let known: Vec<&str> = line.split(' ').collect();
            assert!(shape.split_whitespace().all(|it| known.contains(&it)), "{name}: {shape}");
            compared += 1;
        }
        assert!(compared > 12, "{compared}");
    }

    #[test]
    fn collections_are_replaced_and_objects_are_not() {
        let mut target = json!({"web": {"a": [1, 2], "b": 1}, "tags": ["x"]}).as_object().unwrap().clone();
        merge(&mut target, json!({"web": {"a": [3]}, "tags": []}).as_object().unwrap().clone());
        assert_eq!(Value::Object(target), json!({"web": {"a": [3], "b": 1}, "tags": []}));
    }
}
