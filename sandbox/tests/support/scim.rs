//! A client of SCIM, as Entra's provisioning service is one.

use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::{Answer, CONTOSO, World, answer, world};

/// The Entra ids of SG-Helpdesk, and of a group that is not there yet.
pub const HELPDESK: &str = "5d0f3b1e-8a5c-4c1e-9d57-3f2b6a7c9e02";
pub const NEW: &str = "5d0f3b1e-8a5c-4c1e-9d57-3f2b6a7c9e99";

/// What enables provisioning in a scenario; a brace is still open.
pub const PROVISIONED: &str = "provisioning: {enabled: true";

/// Contoso with provisioning, and `more` behind `enabled: true`.
pub async fn provisioned(more: &str) -> World {
    provisioned_with(more, "").await
}

/// The same with switches.
pub async fn provisioned_with(more: &str, switches: &str) -> World {
    let yaml = CONTOSO.replace("organization: Contoso", &format!("organization: Contoso\nswitches: {{{switches}}}"));
    let sso = format!("sso:\n  {PROVISIONED}{more}}}\n");
    world(&yaml.replace("\nsso:\n", &format!("\n{sso}"))).await
}

#[derive(Clone)]
pub struct Scim {
    pub client: Client,
    pub base: String,
    pub token: String,
}

impl Scim {
    /// With what the sandbox exports.
    pub fn new(world: &World) -> Self {
        let scim = world.sandbox.scim.as_ref().unwrap();
        Self { client: world.control.client.clone(), base: scim.url.clone(), token: scim.token.clone() }
    }

    pub fn of(world: &World, token: &str) -> Self {
        let base = format!("{}/scim/v2", world.sandbox.devolutions_url);
        Self { client: world.control.client.clone(), base, token: token.to_owned() }
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = self.client.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token);
        let request = match body {
            Some(body) => request.header("content-type", "application/scim+json").body(body.to_string()),
            None => request,
        };
        let answer = answer(request).await.unwrap();
        if answer.body != Value::Null {
            assert_eq!(answer.headers["content-type"], "application/scim+json", "{answer:?}");
        }
        answer
    }

    pub async fn expect(&self, status: u16, method: Method, path: &str, body: Option<Value>) -> Value {
        let answer = self.send(method.clone(), path, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        answer.body
    }

    pub async fn get(&self, path: &str) -> Value {
        self.expect(200, Method::GET, path, None).await
    }

    /// A list that fits a filter, with more parameters.
    pub async fn find(&self, endpoint: &str, filter: &str, more: &str) -> Value {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("filter", filter).finish();
        self.get(&format!("{endpoint}?{query}{more}")).await
    }

    /// Expects a refusal in SCIM's form, and returns its `scimType`.
    pub async fn refused(&self, status: u16, method: Method, path: &str, body: Option<Value>) -> String {
        let body = self.expect(status, method, path, body).await;
        assert_eq!(body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
        assert_eq!(body["status"], status.to_string());
        assert!(body["detail"].as_str().is_some_and(|it| !it.is_empty()));
        body["scimType"].as_str().unwrap_or_default().to_owned()
    }

    /// Makes a user as Entra's client does, with these attributes besides; returns the id.
    pub async fn user(&self, user_name: &str, more: Value) -> String {
        let mut body = json!({
            "schemas": [
                "urn:ietf:params:scim:schemas:core:2.0:User",
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
            ],
            "externalId": user_name.split('@').next().unwrap(),
            "userName": user_name,
            "active": true,
            "displayName": user_name.split('@').next().unwrap(),
            "emails": [{"primary": true, "type": "work", "value": user_name}],
            "meta": {"resourceType": "User"},
            "name": {"formatted": "A B", "familyName": "B", "givenName": "A"},
            "roles": [],
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = self.expect(201, Method::POST, "/Users", Some(body)).await;
        made["id"].as_str().unwrap().to_owned()
    }

    /// Makes a group as Entra's client does, which is without members; returns the id.
    pub async fn group(&self, name: &str, external_id: &str) -> String {
        let body = json!({
            "schemas": [
                "urn:ietf:params:scim:schemas:core:2.0:Group",
                "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group",
            ],
            "externalId": external_id,
            "displayName": name,
            "meta": {"resourceType": "Group"},
        });
        let made = self.expect(201, Method::POST, "/Groups", Some(body)).await;
        assert_eq!(made.get("members"), None);
        made["id"].as_str().unwrap().to_owned()
    }

    pub async fn patch(&self, status: u16, path: &str, operations: Value) -> Value {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations,
        });
        self.expect(status, Method::PATCH, path, Some(body)).await
    }

    /// Adds members to a group, as Entra's client does.
    pub async fn add(&self, group: &str, users: &[&String]) {
        let members: Vec<Value> = users.iter().map(|it| json!({"$ref": null, "value": it})).collect();
        let operations = json!([{"op": "Add", "path": "members", "value": members}]);
        self.patch(204, &format!("/Groups/{group}"), operations).await;
    }
}

/// Contoso with provisioning and switches, and a client.
pub async fn start(switches: &str) -> (World, Scim) {
    let world = provisioned_with("", switches).await;
    let scim = Scim::new(&world);
    (world, scim)
}

pub async fn user(world: &World, name: &str) -> Value {
    let id = world.operator.id("/users", name).await;
    world.operator.get(&format!("/users/{id}")).await
}

/// The group of this name: id, Entra id, and members by the first letters of their names.
pub async fn group(world: &World, name: &str, is_synced: bool) -> Option<(String, Value, String)> {
    let list = world.operator.get("/groups?pageSize=500").await["data"].as_array().unwrap().clone();
    let found = list.into_iter().find(|it| it["name"] == name && it["isSynced"] == is_synced)?;
    let users = world.operator.get("/users?pageSize=500").await["data"].as_array().unwrap().clone();
    let is_in = |it: &&Value| found["userIds"].as_array().unwrap().contains(&it["id"]);
    let mut members: Vec<char> =
        users.iter().filter(is_in).map(|it| it["name"].as_str().unwrap().chars().next().unwrap()).collect();
    members.sort_unstable();
    Some((found["id"].as_str().unwrap().to_owned(), found["externalId"].clone(), members.into_iter().collect()))
}

pub async fn members(world: &World, name: &str) -> String {
    group(world, name, true).await.unwrap_or_else(|| panic!("no synced group {name}")).2
}

pub async fn required(world: &World) -> Value {
    world.operator.get("/invitations/required").await["data"].clone()
}

/// What became of a user of the provider's.
pub async fn error(world: &World, id: &str) -> Value {
    let users = world.control.get("/scim").await["users"].as_array().unwrap().clone();
    users.iter().find(|it| it["id"] == id).unwrap()["error"].clone()
}

pub async fn no_violations(world: &World) {
    assert_eq!(world.control.get("/violations").await["total"], 0);
}
