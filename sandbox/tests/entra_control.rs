//! What people change in the Entra tenant, and faults and the journal on its hosts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::entra::{HUB, refusal, values};
use support::{World, contoso};

async fn journal(world: &World) -> Vec<Value> {
    world.control.get("/journal").await["entries"].as_array().unwrap().clone()
}

#[tokio::test]
async fn the_journal_tells_the_system_and_who_asked() {
    let world = contoso().await;
    let graph = world.graph().await;
    graph.get("/users?$top=1").await;
    graph.post("/directoryObjects/getByIds", json!({"ids": []})).await;
    graph.post("/$batch", json!({"requests": [{"id": "1", "method": "GET", "url": "/users"}]})).await;
    graph.post("/$batch", json!({"requests": [{"id": "1", "method": "POST", "url": "/users"}]})).await;
    graph.post("/users", json!({})).await;
    world.graph_with("nonsense").send("/users").await;
    world.token(&[("client_secret", "wrong")]).await;
    let hub = json!({"application": "Devolutions Hub"});
    let hub = world.control.expect(201, Method::POST, "/entra/secrets", Some(hub)).await;
    let hub = world.token(&[("client_id", HUB), ("client_secret", hub["secretText"].as_str().unwrap())]).await;
    world.graph_with(hub.body["access_token"].as_str().unwrap()).send("/users").await;
    let entries = journal(&world).await;
    let told: Vec<Value> = entries
        .iter()
        .map(|it| json!([it["system"], it["identity"], it["method"], it["path"], it["status"], it["isWrite"]]))
        .collect();
    let token = format!("/{}/oauth2/v2.0/token", world.entra().tenant_id);
    let expected = json!([
        ["DevolutionsCloud", "operator", "POST", "/api/v1/login", 200, false],
        ["DevolutionsCloud", "person", "POST", "/api/v1/login", 200, false],
        ["Login", "operator", "POST", token, 200, false],
        ["Graph", "operator", "GET", "/v1.0/users", 200, false],
        ["Graph", "operator", "POST", "/v1.0/directoryObjects/getByIds", 403, false],
        ["Graph", "operator", "POST", "/v1.0/$batch", 200, false],
        ["Graph", "operator", "POST", "/v1.0/$batch", 200, true],
        ["Graph", "operator", "POST", "/v1.0/users", 405, true],
        ["Graph", null, "GET", "/v1.0/users", 401, false],
        ["Login", null, "POST", token, 401, false],
        ["Login", "Devolutions Hub", "POST", token, 200, false],
        ["Graph", "Devolutions Hub", "GET", "/v1.0/users", 403, false],
    ]);
    assert_eq!(Value::from(told), expected);
    let text = serde_json::to_string(&entries).unwrap();
    assert!(!text.contains(&world.entra().client_secret) && !text.contains(&graph.token));
}

#[tokio::test]
async fn a_fault_may_be_of_one_system_and_has_its_form() {
    let world = contoso().await;
    let graph = world.graph().await;
    let status = json!({"type": "Status", "status": 429, "retryAfterSeconds": 2.128});
    world.control.fault(json!({"system": "Graph", "method": "GET", "action": status})).await;
    world.operator.get("/me").await;
    let answer = graph.send("/users").await;
    assert_eq!((answer.status.as_u16(), &answer.headers["retry-after"]), (429, &"2.128".parse().unwrap()));
    let error = &answer.body["error"];
    assert_eq!(
        (&error["code"], &error["message"], &error["innerError"]["status"]),
        (&json!("TooManyRequests"), &json!("Please retry again later."), &json!("429"))
    );
    assert!(answer.headers.contains_key("request-id"));
    graph.get("/users").await;

    let status = json!({"type": "Status", "status": 401, "name": "UnknownError", "message": ""});
    world.control.fault(json!({"path": "/v1.0/groups/*", "identity": "operator", "action": status})).await;
    let answer = graph.send("/groups/5d0f3b1e-8a5c-4c1e-9d57-3f2b6a7c9e02").await;
    assert_eq!((answer.status.as_u16(), refusal(&answer)), (401, ("UnknownError".to_owned(), String::new())));

    let status = json!({"type": "Status", "status": 503, "retryAfterSeconds": 3});
    world.control.fault(json!({"system": "Login", "action": status})).await;
    let answer = world.token(&[("client_secret", &world.entra().client_secret)]).await;
    assert_eq!((answer.status.as_u16(), &answer.headers["retry-after"]), (503, &"3".parse().unwrap()));
    assert_eq!(
        (&answer.body["error"], &answer.body["error_codes"]),
        (&json!("temporarily_unavailable"), &json!([90_033]))
    );
    assert!(answer.body["error_description"].as_str().unwrap().starts_with("AADSTS90033: "));
    let status = json!({"type": "Status", "status": 401, "code": 7_000_222, "name": "invalid_client"});
    world.control.fault(json!({"system": "Login", "action": status})).await;
    let answer = world.token(&[("client_secret", &world.entra().client_secret)]).await;
    assert_eq!((answer.status.as_u16(), &answer.body["error_codes"]), (401, &json!([7_000_222])));
    let nonsense = json!({"system": "Moon", "action": {"type": "Truncate"}});
    world.control.expect(422, Method::POST, "/faults", Some(nonsense)).await;
}

#[tokio::test]
async fn connections_break_there_too() {
    let world = contoso().await;
    let graph = world.graph().await;
    for action in ["DropBeforeCommit", "DropAfterCommit"] {
        world.control.fault(json!({"system": "Graph", "action": {"type": action}})).await;
        graph.request(Method::GET, "/users").send().await.unwrap_err();
        graph.get("/users").await;
    }
    world.control.fault(json!({"path": "/v1.0/users", "action": {"type": "Truncate"}})).await;
    graph.request(Method::GET, "/users").send().await.unwrap().bytes().await.unwrap_err();
    world.control.fault(json!({"system": "Login", "action": {"type": "HoldBeforeCommit"}})).await;
    let held = async {
        let hold = world.control.get("/holds?wait=30").await["holds"][0]["id"].clone();
        world.control.delete(&format!("/holds/{hold}")).await;
    };
    let secret = world.entra().client_secret.clone();
    let parameters = [("client_secret", secret.as_str())];
    let (answer, ()) = tokio::join!(world.token(&parameters), held);
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn people_change_accounts_and_groups() {
    let world = contoso().await;
    let graph = world.graph().await;
    let patch = async |path: &str, body: Value| world.control.expect(204, Method::PATCH, path, Some(body)).await;
    patch("/entra/users/erin@contoso.example", json!({"accountEnabled": false, "mail": "e@contoso.example"})).await;
    let erin = "/users/erin@contoso.example?$select=mail,accountEnabled";
    let user = graph.get(erin).await;
    assert_eq!((&user["mail"], &user["accountEnabled"]), (&json!("e@contoso.example"), &json!(false)));
    patch("/entra/users/erin@contoso.example", json!({"mail": ""})).await;
    assert_eq!(graph.get(erin).await["mail"], Value::Null);
    world.control.expect(404, Method::PATCH, "/entra/users/x@contoso.example", Some(json!({}))).await;
    let members = json!({"group": "SG-Helpdesk", "members": ["bob@contoso.example"], "memberGroups": ["SG-Auditors"]});
    world.control.expect(204, Method::PUT, "/entra/members", Some(members)).await;
    let helpdesk = "/groups/5d0f3b1e-8a5c-4c1e-9d57-3f2b6a7c9e02/members";
    assert_eq!(graph.all(helpdesk, "displayName").await, ["Bob Baker", "SG-Auditors"]);
    let members = json!({"group": "SG-Helpdesk", "members": []});
    world.control.expect(204, Method::PUT, "/entra/members", Some(members)).await;
    assert_eq!(graph.all(helpdesk, "displayName").await, ["SG-Auditors"]);
}

#[tokio::test]
async fn people_change_applications_and_assignments() {
    let world = contoso().await;
    let graph = world.graph().await;
    let assign = async |status, body: Value| {
        world.control.expect(status, Method::PUT, "/entra/assignments", Some(body)).await;
    };
    assign(204, json!({"application": "Devolutions Hub", "group": "Vault-Admins"})).await;
    assign(204, json!({"application": HUB, "group": "Vault-Admins"})).await;
    assign(204, json!({"application": HUB, "user": "carol@contoso.example", "assigned": false})).await;
    let hub = format!("/servicePrincipals(appId='{HUB}')");
    let assigned = graph.get(&format!("{hub}/appRoleAssignedTo")).await;
    assert_eq!(values(&assigned, "principalDisplayName"), ["Devolutions users", "Grace Green", "Vault-Admins"]);
    for body in [
        json!({"application": "Nothing", "group": "Vault-Admins"}),
        json!({"application": HUB, "group": "Nobody"}),
        json!({"application": HUB}),
    ] {
        assign(404, body).await;
    }
    let change = json!({"accountEnabled": false, "appRoleAssignmentRequired": false, "redirectUris": []});
    world.control.expect(204, Method::PATCH, "/entra/applications/Devolutions%20Hub", Some(change)).await;
    let principal = graph.get(&hub).await;
    assert_eq!(
        (&principal["accountEnabled"], &principal["appRoleAssignmentRequired"], &principal["replyUrls"]),
        (&json!(false), &json!(false), &json!([]))
    );
}

#[tokio::test]
async fn the_tenant_is_shown_without_its_secrets() {
    let world = contoso().await;
    let told = world.control.get("/entra").await;
    assert_eq!(told["operator"]["clientId"], json!(world.entra().client_id));
    assert_eq!(told["operator"]["permissions"].as_array().unwrap().len(), 10);
    let hub = told["applications"].as_array().unwrap().iter().find(|it| it["appId"] == HUB).unwrap();
    let assigned: Vec<&Value> = hub["assignments"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    let guest = "grace_partner.example#EXT#@contoso.onmicrosoft.example";
    assert_eq!(assigned, ["Devolutions users", "carol@contoso.example", guest]);
    assert_eq!((told["users"].as_array().unwrap().len(), told["groups"].as_array().unwrap().len()), (10, 8));
    assert!(!told.to_string().contains(&world.entra().client_secret));
}
