//! What the server tells of itself (<https://www.rfc-editor.org/rfc/rfc7644#section-4>). Entra's client does not ask for
//! it with an application of the customer's own.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::attributes::ENTERPRISE;
use super::error::{Scim, ScimError};
use super::resource::{Kind, MOST, listed};
use super::tenant_url;
use crate::cloud::App;

const META: &str = "urn:ietf:params:scim:schemas:core:2.0";

/// `GET /ServiceProviderConfig`
pub async fn configuration(State(app): State<App>) -> Scim {
    let no = json!({"supported": false});
    let configuration = json!({
        "schemas": [format!("{META}:ServiceProviderConfig")],
        "patch": {"supported": true},
        "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": true, "maxResults": MOST},
        "changePassword": no,
        "sort": no,
        "etag": no,
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Secret Token",
            "description": "The token that is shown when provisioning is enabled.",
            "primary": true,
        }],
        "meta": meta(&app, "ServiceProviderConfig", "/ServiceProviderConfig"),
    });
    Scim(StatusCode::OK, configuration)
}

fn meta(app: &App, kind: &str, path: &str) -> Value {
    json!({"resourceType": kind, "location": format!("{}{path}", tenant_url(app))})
}

fn types(app: &App) -> Vec<Value> {
    let one = |kind: Kind| {
        let mut one = json!({
            "schemas": [format!("{META}:ResourceType")],
            "id": kind.name(),
            "name": kind.name(),
            "endpoint": kind.endpoint(),
            "schema": kind.schema(),
            "meta": meta(app, "ResourceType", &format!("/ResourceTypes/{}", kind.name())),
        });
        if kind == Kind::User {
            one["schemaExtensions"] = json!([{"schema": ENTERPRISE, "required": false}]);
        }
        one
    };
    [Kind::User, Kind::Group].map(one).to_vec()
}

/// `GET /ResourceTypes`
pub async fn resource_types(State(app): State<App>) -> Scim {
    all(&types(&app))
}

/// `GET /ResourceTypes/{id}`
pub async fn resource_type(State(app): State<App>, Path(id): Path<String>) -> Result<Scim, ScimError> {
    one(types(&app), &id)
}

fn attribute(name: &str, kind: &str) -> Value {
    json!({
        "name": name, "type": kind, "multiValued": false, "required": false, "caseExact": false,
        "mutability": "readWrite", "returned": "default", "uniqueness": "none",
    })
}

/// Attributes that the server does something with; it takes and returns all others too.
fn schemas_of(app: &App) -> Vec<Value> {
    let mut user_name = attribute("userName", "string");
    (user_name["required"], user_name["uniqueness"]) = (json!(true), json!("server"));
    let mut display_name = attribute("displayName", "string");
    (display_name["required"], display_name["uniqueness"]) = (json!(true), json!("server"));
    let mut external_id = attribute("externalId", "string");
    external_id["caseExact"] = json!(true);
    let many = |name: &str, parts: &[&str]| {
        let mut many = attribute(name, "complex");
        many["multiValued"] = json!(true);
        many["subAttributes"] = parts.iter().map(|it| attribute(it, "string")).collect();
        many
    };
    let one = |id: String, name: &str, attributes: Vec<Value>| {
        json!({
            "schemas": [format!("{META}:Schema")],
            "id": id,
            "name": name,
            "attributes": attributes,
            "meta": meta(app, "Schema", &format!("/Schemas/{id}")),
        })
    };
    let user = vec![
        user_name,
        external_id.clone(),
        attribute("displayName", "string"),
        attribute("active", "boolean"),
        many("emails", &["value", "type"]),
    ];
    let group = vec![display_name, external_id, many("members", &["value"])];
    vec![
        one(Kind::User.schema(), "User", user),
        one(Kind::Group.schema(), "Group", group),
        one(ENTERPRISE.to_owned(), "EnterpriseUser", vec![attribute("department", "string")]),
    ]
}

/// `GET /Schemas`
pub async fn schemas(State(app): State<App>) -> Scim {
    all(&schemas_of(&app))
}

/// `GET /Schemas/{id}`
pub async fn schema(State(app): State<App>, Path(id): Path<String>) -> Result<Scim, ScimError> {
    one(schemas_of(&app), &id)
}

fn all(found: &[Value]) -> Scim {
    Scim(StatusCode::OK, listed(found.len(), 1, found))
}

fn one(found: Vec<Value>, id: &str) -> Result<Scim, ScimError> {
    let one = found.into_iter().find(|it| it["id"] == id);
    one.map(|it| Scim(StatusCode::OK, it)).ok_or_else(|| ScimError::not_found(format!("There is no {id}.")))
}
