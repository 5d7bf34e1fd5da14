//! Who is assigned to an application, and what has been consented to, through Microsoft Graph.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::contoso;
use support::entra::{HUB, MIGRATE, USER_ROLE};

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";
const HELPDESK: &str = "5d0f3b1e-8a5c-4c1e-9d57-3f2b6a7c9e02";

#[tokio::test]
async fn groups_and_users_are_assigned_once() {
    let world = contoso().await;
    let graph = world.graph_as(MIGRATE).await;
    let made = graph.instantiate("New").await;
    let path = format!("/servicePrincipals/{}/appRoleAssignedTo", made.principal);
    let dave = graph.get("/users/dave.diaz@contoso.example").await["id"].as_str().unwrap().to_owned();
    let body = |who: &str, role: &str| json!({"principalId": who, "resourceId": made.principal, "appRoleId": role});
    let group = graph.done(201, Method::POST, &path, body(HELPDESK, USER_ROLE)).await;
    assert_eq!(
        (&group["principalType"], &group["principalDisplayName"], &group["resourceDisplayName"]),
        (&json!("Group"), &json!("SG-Helpdesk"), &json!("New"))
    );
    let context =
        format!("{}/v1.0/$metadata#servicePrincipals('{}')/appRoleAssignedTo/$entity", graph.base, made.principal);
    assert_eq!(group["@odata.context"], context);
    let user = graph.done(201, Method::POST, &path, body(&dave, USER_ROLE)).await;
    assert_eq!(graph.all(&path, "id").await, [&group["id"], &user["id"]].map(|it| it.as_str().unwrap()));
    let twice = graph.denied(400, Method::POST, &path, body(HELPDESK, USER_ROLE)).await;
    assert_eq!(
        twice,
        ("Request_BadRequest".to_owned(), "Permission being assigned already exists on the object".to_owned())
    );
    // Another role of the same group is another assignment.
    graph.done(201, Method::POST, &path, body(HELPDESK, "b9632174-c057-4f7e-951b-be3adc52bfe6")).await;
    let town_hall = graph.all("/groups?$filter=displayName eq 'Town hall'", "id").await.remove(0);
    let no_role = "Permission being assigned was not found on application";
    for (status, body, text) in [
        (400, body(HELPDESK, NOBODY), no_role),
        // The default role is for applications without any.
        (400, body(HELPDESK, "00000000-0000-0000-0000-000000000000"), no_role),
        (404, body(NOBODY, USER_ROLE), "does not exist"),
        (400, body(&town_hall, USER_ROLE), "security-enabled"),
        (400, json!({"principalId": HELPDESK, "resourceId": NOBODY, "appRoleId": USER_ROLE}), "resourceId"),
        (400, json!({"principalId": HELPDESK, "resourceId": made.principal}), "appRoleId"),
        (400, json!({"principalId": "x", "resourceId": made.principal, "appRoleId": USER_ROLE}), "principalId"),
    ] {
        let refused = graph.denied(status, Method::POST, &path, body.clone()).await;
        assert!(refused.1.contains(text), "{body}: {refused:?}");
    }
    let unknown = format!("/servicePrincipals/{NOBODY}/appRoleAssignedTo");
    graph.denied(404, Method::POST, &unknown, body(HELPDESK, USER_ROLE)).await;
    let one = format!("{path}/{}", user["id"].as_str().unwrap());
    graph.done(204, Method::DELETE, &one, Value::Null).await;
    graph.denied(404, Method::DELETE, &one, Value::Null).await;
    assert_eq!(graph.all(&path, "principalDisplayName").await, ["SG-Helpdesk", "SG-Helpdesk"]);
}

#[tokio::test]
async fn assigning_needs_both_permissions_and_no_ownership() {
    let world = contoso().await;
    let hub = world.graph().await.get(&format!("/servicePrincipals(appId='{HUB}')")).await["id"].clone();
    let path = format!("/servicePrincipals/{}/appRoleAssignedTo", hub.as_str().unwrap());
    let body = json!({"principalId": HELPDESK, "resourceId": hub, "appRoleId": "00000000-0000-0000-0000-000000000000"});
    for permissions in
        [&["AppRoleAssignment.ReadWrite.All"][..], &["Application.Read.All"], &["Application.ReadWrite.All"]]
    {
        world.graph_as(permissions).await.denied(403, Method::POST, &path, body.clone()).await;
    }
    let graph = world.graph_as(&["AppRoleAssignment.ReadWrite.All", "Application.Read.All"]).await;
    let made = graph.done(201, Method::POST, &path, body).await;
    let one = format!("{path}/{}", made["id"].as_str().unwrap());
    let reader = world.graph_as(&["Application.ReadWrite.All"]).await;
    reader.denied(403, Method::DELETE, &one, Value::Null).await;
    graph.done(204, Method::DELETE, &one, Value::Null).await;
}

#[tokio::test]
async fn consent_is_one_grant_of_several_scopes() {
    let world = contoso().await;
    let graph = world.graph_as(MIGRATE).await;
    let made = graph.instantiate("New").await;
    let resource = graph.get("/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')").await["id"].clone();
    let body = json!({
        "clientId": made.principal, "consentType": "AllPrincipals", "resourceId": resource, "scope": "openid profile",
    });
    let path = "/oauth2PermissionGrants";
    let grant = graph.done(201, Method::POST, path, body.clone()).await;
    assert_eq!((&grant["principalId"], &grant["scope"]), (&Value::Null, &json!("openid profile")));
    let twice = graph.denied(409, Method::POST, path, body.clone()).await;
    let text = "Permission entry already exists.";
    assert_eq!(twice, ("Request_MultipleObjectsWithSameKeyValue".to_owned(), text.to_owned()));
    let one = format!("{path}/{}", grant["id"].as_str().unwrap());
    graph.done(204, Method::PATCH, &one, json!({"scope": "openid profile email"})).await;
    assert_eq!(graph.get(&one).await["scope"], "openid profile email");
    let mine = format!("{path}?$filter=clientId eq '{}'", made.principal);
    assert_eq!(graph.all(&mine, "id").await, [grant["id"].as_str().unwrap()]);
    graph.denied(400, Method::PATCH, &one, json!({"resourceId": NOBODY})).await;
    let erin = graph.get("/users/erin@contoso.example").await["id"].clone();
    for (status, change) in [
        (400, json!({"consentType": "Some"})),
        (400, json!({"consentType": "Principal"})),
        (400, json!({"clientId": null})),
        (404, json!({"clientId": NOBODY})),
        (404, json!({"consentType": "Principal", "principalId": NOBODY})),
        (400, json!({"scopes": "x"})),
        (201, json!({"consentType": "Principal", "principalId": erin})),
    ] {
        let mut body = body.clone();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        graph.done(status, Method::POST, path, body).await;
    }
    graph.done(204, Method::DELETE, &one, Value::Null).await;
    graph.denied(404, Method::PATCH, &one, json!({"scope": "x"})).await;
    let reader = world.graph_as(&["Directory.Read.All", "Application.ReadWrite.All"]).await;
    reader.denied(403, Method::POST, path, body).await;
    // In beta a grant has times, which v1.0 does not know.
    let graph = world.graph_as(MIGRATE).await;
    let timed = json!({
        "clientId": made.principal, "consentType": "AllPrincipals", "resourceId": resource, "scope": "openid",
        "startTime": "2026-01-01T00:00:00Z", "expiryTime": "2027-01-01T00:00:00Z",
    });
    graph.denied(400, Method::POST, path, timed.clone()).await;
    let url = format!("{}/beta{path}", graph.base);
    let beta = support::answer(graph.client.post(url).bearer_auth(&graph.token).json(&timed)).await.unwrap();
    assert_eq!(beta.status, 201, "{beta:?}");
}
