//! What the new application lacks of what it must be. Only what is missing is added; nothing that somebody else has set is
//! taken away.
//!
//! What it must be follows the vendor's page *Configure SSO authentication with Microsoft Entra ID*
//! (<https://github.com/Devolutions/doc>,
//! `docs/content/en/hub/getting-started/get-started-sso-hub-business/configure-sso-authentication-microsoft-azure.md`).

use std::collections::BTreeSet;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::entra::{Application, ApplicationChange, Consent, PrincipalChange, ServicePrincipal};

/// The application id of Microsoft Graph, the same in every tenant
/// (<https://learn.microsoft.com/graph/permissions-reference>).
pub const GRAPH: &str = "00000003-0000-0000-c000-000000000000";
/// The claims of an ID token that the page asks for.
const CLAIMS: [&str; 6] = ["email", "family_name", "given_name", "upn", "xms_pl", "xms_tpl"];
/// The delegated permissions of Microsoft Graph that sign-in takes, with their ids from the permissions reference: the
/// page has a person turn on the *Microsoft Graph email permission*, and Entra adds the others by itself there.
const SCOPES: [(&str, &str); 4] = [
    ("openid", "37f7f235-527c-4136-accd-4a02d197296e"),
    ("profile", "14dad69e-099b-42c9-810b-d002981feec1"),
    ("email", "64a6cdd6-aab1-4aaf-94b8-3cc8405e90d0"),
    ("User.Read", "e1fe6dd8-ba31-4d61-89e7-88639da4683d"),
];
/// Keeps an application from people's list of applications.
const HIDDEN: &str = "HideApp";

/// What the new application must be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wanted {
    /// Where it may send people back to, at least.
    pub redirect_uris: BTreeSet<String>,
    /// Whether only those who are assigned can sign in.
    pub assignment_required: bool,
    /// Whether people see it among their applications; they should not before the cut-over.
    pub is_hidden: bool,
}

/// What the application lacks; none where it lacks nothing.
#[must_use]
pub fn of_application(wanted: &Wanted, is: &Application) -> Option<ApplicationChange> {
    let change = ApplicationChange {
        redirect_uris: redirect_uris(wanted, is),
        optional_claims: claims(is.optional_claims.as_ref()),
        required_resource_access: access(&is.required_resource_access),
    };
    (change != ApplicationChange::default()).then_some(change)
}

/// What the enterprise application lacks.
#[must_use]
pub fn of_principal(wanted: &Wanted, is: &ServicePrincipal) -> Option<PrincipalChange> {
    let is_hidden = is.tags.iter().any(|tag| tag == HIDDEN);
    let tags = match (wanted.is_hidden, is_hidden) {
        (true, false) => Some(is.tags.iter().cloned().chain([HIDDEN.to_owned()]).collect()),
        (false, true) => Some(is.tags.iter().filter(|tag| *tag != HIDDEN).cloned().collect()),
        _ => None,
    };
    let required = wanted.assignment_required;
    let change = PrincipalChange {
        app_role_assignment_required: (is.app_role_assignment_required != required).then_some(required),
        tags,
    };
    (change != PrincipalChange::default()).then_some(change)
}

/// What is to be done for consent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ConsentChange {
    /// Nobody has consented for everybody yet.
    Give {
        /// The permissions, with blanks between.
        scope: String,
    },
    /// Somebody has, to less.
    Extend {
        /// The consent's id.
        id: String,
        /// All its permissions from then on.
        scope: String,
    },
}

/// What consent lacks; `graph` is the object id of Microsoft Graph's service principal in the tenant.
#[must_use]
pub fn of_consent(graph: Uuid, is: &[Consent]) -> Option<ConsentChange> {
    let of_all = |c: &&Consent| c.consent_type == "AllPrincipals" && c.resource_id.parse() == Ok(graph);
    let wanted = || SCOPES.iter().map(|(name, _)| *name);
    let Some(given) = is.iter().find(of_all) else {
        return Some(ConsentChange::Give { scope: wanted().collect::<Vec<_>>().join(" ") });
    };
    let has: Vec<&str> = given.scope.as_deref().unwrap_or_default().split_whitespace().collect();
    let missing: Vec<&str> = wanted().filter(|name| !has.contains(name)).collect();
    (!missing.is_empty())
        .then(|| ConsentChange::Extend { id: given.id.clone(), scope: [has, missing].concat().join(" ") })
}

fn redirect_uris(wanted: &Wanted, is: &Application) -> Option<Vec<String>> {
    let has = &is.web.redirect_uris;
    let missing: Vec<String> = wanted.redirect_uris.iter().filter(|uri| !has.contains(uri)).cloned().collect();
    (!missing.is_empty()).then(|| has.iter().cloned().chain(missing).collect())
}

/// The whole of it, with what is missing: Graph replaces it as a whole.
fn claims(is: Option<&Value>) -> Option<Value> {
    let of_id_token =
        is.and_then(|claims| claims.get("idToken")).and_then(Value::as_array).cloned().unwrap_or_default();
    let has = |name: &str| of_id_token.iter().any(|claim| claim.get("name").and_then(Value::as_str) == Some(name));
    let missing: Vec<Value> = CLAIMS
        .into_iter()
        .filter(|name| !has(name))
        .map(|name| json!({"name": name, "source": null, "essential": false, "additionalProperties": []}))
        .collect();
    if missing.is_empty() {
        return None;
    }
    let mut all = is.filter(|claims| claims.is_object()).cloned().unwrap_or_else(|| json!({}));
    all["idToken"] = of_id_token.into_iter().chain(missing).collect();
    Some(all)
}

fn access(is: &[Value]) -> Option<Vec<Value>> {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_lowercase);
    let is_graph = |resource: &Value| text(resource, "resourceAppId").as_deref() == Some(GRAPH);
    let asked: Vec<Value> = is
        .iter()
        .filter(|resource| is_graph(resource))
        .filter_map(|resource| resource.get("resourceAccess")?.as_array())
        .flatten()
        .cloned()
        .collect();
    let has = |id: &str| asked.iter().any(|access| text(access, "id").as_deref() == Some(id));
    let missing: Vec<Value> =
        SCOPES.iter().filter(|(_, id)| !has(id)).map(|(_, id)| json!({"id": id, "type": "Scope"})).collect();
    if missing.is_empty() {
        return None;
    }
    let all = [asked, missing].concat();
    let graph = json!({"resourceAppId": GRAPH, "resourceAccess": all});
    Some(is.iter().filter(|resource| !is_graph(resource)).cloned().chain([graph]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn application(fields: &Value) -> Application {
        let mut all = json!({"id": Uuid::nil(), "appId": "a"});
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    fn principal(fields: &Value) -> ServicePrincipal {
        let mut all = json!({"id": Uuid::nil(), "appId": "a"});
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    fn wanted() -> Wanted {
        let redirect_uris = ["https://a.example/callback", "https://b.example/callback"].map(ToOwned::to_owned);
        Wanted { redirect_uris: redirect_uris.into(), assignment_required: true, is_hidden: true }
    }

    /// As Graph would apply it.
    fn applied(is: &Application, change: &ApplicationChange) -> Application {
        let mut is = is.clone();
        is.web.redirect_uris = change.redirect_uris.clone().unwrap_or(is.web.redirect_uris);
        is.optional_claims = change.optional_claims.clone().or(is.optional_claims);
        is.required_resource_access = change.required_resource_access.clone().unwrap_or(is.required_resource_access);
        is
    }

    #[test]
    fn what_is_missing_is_added_and_what_is_there_stays() {
        let other = json!({"resourceAppId": "11111111-0000-4000-8000-000000000000", "resourceAccess": [{"id": "x", "type": "Role"}]});
        let graph =
            json!({"resourceAppId": GRAPH, "resourceAccess": [{"id": SCOPES[2].1.to_uppercase(), "type": "Scope"}]});
        let is = application(&json!({
            "web": {"redirectUris": ["https://c.example/", "https://b.example/callback"]},
            "optionalClaims": {"idToken": [{"name": "sid"}, {"name": "upn", "essential": true}], "accessToken": [{"name": "aud"}]},
            "requiredResourceAccess": [other, graph],
        }));
        let change = of_application(&wanted(), &is).unwrap();
        let uris = ["https://c.example/", "https://b.example/callback", "https://a.example/callback"];
        assert_eq!(change.redirect_uris.as_ref().unwrap(), &uris.map(ToOwned::to_owned));
        let claims = change.optional_claims.as_ref().unwrap();
        assert_eq!(claims["accessToken"], json!([{"name": "aud"}]));
        assert_eq!(claims["idToken"].as_array().unwrap().len(), 7, "{claims}");
        assert_eq!(claims["idToken"][1], json!({"name": "upn", "essential": true}));
        let access = change.required_resource_access.as_ref().unwrap();
        assert_eq!((access.len(), &access[0]), (2, &other));
        assert_eq!(access[1]["resourceAccess"].as_array().unwrap().len(), 4, "{access:?}");
        assert_eq!(of_application(&wanted(), &applied(&is, &change)), None);
    }

    #[test]
    fn one_that_is_just_made_gets_all_of_it_once() {
        for nothing in [json!({}), json!({"web": null, "optionalClaims": null, "requiredResourceAccess": null})] {
            let is = application(&nothing);
            let change = of_application(&wanted(), &is).unwrap();
            assert_eq!(of_application(&wanted(), &applied(&is, &change)), None);
        }
    }

    #[test]
    fn it_is_hidden_and_shown_without_losing_other_tags() {
        let is = principal(&json!({"appRoleAssignmentRequired": false, "tags": ["X"]}));
        let change = of_principal(&wanted(), &is).unwrap();
        assert_eq!(change.tags.unwrap(), ["X", HIDDEN]);
        assert_eq!(change.app_role_assignment_required, Some(true));
        let hidden = principal(&json!({"appRoleAssignmentRequired": true, "tags": ["X", HIDDEN]}));
        assert_eq!(of_principal(&wanted(), &hidden), None);
        let shown = of_principal(&Wanted { is_hidden: false, ..wanted() }, &hidden).unwrap();
        assert_eq!((shown.tags.unwrap(), shown.app_role_assignment_required), (vec!["X".to_owned()], None));
    }

    #[test]
    fn consent_is_given_once_and_extended_where_it_is_less() {
        let graph = Uuid::from_u128(7);
        let consent = |kind: &str, resource: Uuid, scope: &str| Consent {
            id: "c".to_owned(),
            consent_type: kind.to_owned(),
            resource_id: resource.to_string(),
            scope: Some(scope.to_owned()),
        };
        let all = "openid profile email User.Read";
        let give = Some(ConsentChange::Give { scope: all.to_owned() });
        assert_eq!(of_consent(graph, &[]), give);
        assert_eq!(of_consent(graph, &[consent("Principal", graph, all)]), give, "one person's word is for one person");
        assert_eq!(of_consent(graph, &[consent("AllPrincipals", Uuid::nil(), all)]), give);
        let less = consent("AllPrincipals", graph, " offline_access email ");
        let scope = "offline_access email openid profile User.Read".to_owned();
        assert_eq!(of_consent(graph, &[less]), Some(ConsentChange::Extend { id: "c".to_owned(), scope }));
        assert_eq!(of_consent(graph, &[consent("AllPrincipals", graph, all)]), None);
    }
}
