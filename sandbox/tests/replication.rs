//! What was written is not seen at once, and servers that lie about what they did.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::entra::{HUB, INSTANTIATE, MIGRATE, USER_ROLE, refusal};
use support::{World, contoso, contoso_with};

const HELPDESK: &str = "5d0f3b1e-8a5c-4c1e-9d57-3f2b6a7c9e02";

async fn replicate(world: &World) {
    world.control.expect(204, Method::POST, "/entra/replicate", None).await;
}

#[tokio::test]
async fn a_new_application_is_not_seen_until_it_has_replicated() {
    let world = contoso_with("entraDelaySeconds: {applications: 600, servicePrincipals: 600}").await;
    let graph = world.graph_as(MIGRATE).await;
    let before = graph.all("/applications", "id").await;
    let made = graph.instantiate("New").await;
    let (application, principal) =
        (format!("/applications/{}", made.id), format!("/servicePrincipals/{}", made.principal));
    for path in [&application, &principal, &format!("/applications(appId='{}')", made.app_id)] {
        assert_eq!(graph.refused(404, path).await.0, "Request_ResourceNotFound");
    }
    assert_eq!(graph.all("/applications", "id").await, before);
    let assignment = json!({"principalId": HELPDESK, "resourceId": made.principal, "appRoleId": USER_ROLE});
    for (method, path, body) in [
        (Method::PATCH, application.clone(), json!({"notes": "x"})),
        (Method::POST, format!("{application}/addPassword"), json!({})),
        (Method::PATCH, principal.clone(), json!({"notes": "x"})),
        (Method::POST, format!("{principal}/appRoleAssignedTo"), assignment.clone()),
    ] {
        assert_eq!(graph.denied(404, method, &path, body).await.0, "Request_ResourceNotFound", "{path}");
    }
    replicate(&world).await;
    graph.get(&application).await;
    graph.done(201, Method::POST, &format!("{principal}/appRoleAssignedTo"), assignment).await;
    // What was there before is seen as it was, until the change arrives.
    graph.done(204, Method::PATCH, &application, json!({"notes": "x"})).await;
    assert_eq!(graph.get(&application).await["notes"], Value::Null);
    graph.done(204, Method::DELETE, &application, Value::Null).await;
    graph.get(&application).await;
    replicate(&world).await;
    graph.refused(404, &application).await;
}

#[tokio::test]
async fn delays_are_of_their_own_kinds_and_sign_ins_see_no_more_than_reads() {
    let world = contoso_with("entraDelaySeconds: {assignments: 600, secrets: 600, consent: 600}").await;
    let graph = world.graph_as(MIGRATE).await;
    let made = graph.instantiate("New").await;
    let (application, assigned) =
        (format!("/applications/{}", made.id), format!("/servicePrincipals/{}/appRoleAssignedTo", made.principal));
    let change = json!({
        "web": {"redirectUris": ["https://sso.devolutions.example/callback/contoso"]},
        "optionalClaims": {"idToken": [{"name": "email", "essential": false}]},
    });
    graph.done(204, Method::PATCH, &application, change).await;
    let secret = graph.done(200, Method::POST, &format!("{application}/addPassword"), json!({})).await;
    assert_eq!(graph.get(&application).await["passwordCredentials"], json!([]));
    let secret = secret["secretText"].as_str().unwrap();
    let token = world.token(&[("client_id", &made.app_id), ("client_secret", secret)]).await;
    assert_eq!(token.body["error_codes"], json!([7_000_215]));
    let resource = graph.get("/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')").await["id"].clone();
    let grant = json!({
        "clientId": made.principal, "consentType": "AllPrincipals", "resourceId": resource, "scope": "openid profile email",
    });
    graph.done(201, Method::POST, "/oauth2PermissionGrants", grant.clone()).await;
    graph.denied(409, Method::POST, "/oauth2PermissionGrants", grant).await;
    let body = json!({"principalId": HELPDESK, "resourceId": made.principal, "appRoleId": USER_ROLE});
    graph.done(201, Method::POST, &assigned, body.clone()).await;
    // It is not listed, and cannot be made again.
    assert_eq!(graph.get(&assigned).await["value"], json!([]));
    graph.denied(400, Method::POST, &assigned, body).await;
    let save = json!({"name": "X", "clientId": made.app_id, "clientSecret": secret, "discoveryUrl": world.document()});
    world.operator.put("/authentication/sso", save).await;
    assert_eq!(world.sign_in("dave@contoso.example").await, "authorize AADSTS50105");
    assert!(world.able().await.is_empty());
    // What people do is seen at once, and makes nothing else appear.
    let carol = json!({"application": made.app_id, "user": "carol@contoso.example"});
    world.control.expect(204, Method::PUT, "/entra/assignments", Some(carol)).await;
    assert_eq!(graph.all(&assigned, "principalDisplayName").await, ["Carol Chen"]);
    assert_eq!(world.sign_in("carol@contoso.example").await, "authorize AADSTS65001");
    replicate(&world).await;
    assert_eq!(world.able().await, ["carol", "dave", "erin"]);
    let filter = graph.get("/oauth2PermissionGrants").await;
    assert_eq!(filter["value"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn time_passes_too() {
    let world = contoso_with("entraDelaySeconds: {applications: 1, servicePrincipals: 1, secrets: 1}").await;
    let graph = world.graph_as(MIGRATE).await;
    let made = graph.instantiate("New").await;
    let path = format!("/applications/{}", made.id);
    graph.refused(404, &path).await;
    for _ in 0..100 {
        if graph.send(&path).await.status == 200 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("it never appeared");
}

#[tokio::test]
async fn reads_may_flap() {
    let world = contoso_with("entraDelaySeconds: {applications: 600, flaps: true}").await;
    let graph = world.graph_as(MIGRATE).await;
    let made = graph.instantiate("New").await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(graph.send(&format!("/applications/{}", made.id)).await.status.as_u16());
    }
    assert_eq!(seen, [200, 404, 200, 404]);
    replicate(&world).await;
    graph.get(&format!("/applications/{}", made.id)).await;
    graph.get(&format!("/applications/{}", made.id)).await;
}

#[tokio::test]
async fn whether_a_job_runs_may_be_seen_late() {
    let world = contoso_with("entraDelaySeconds: {jobs: 600, flaps: true}").await;
    let setup = world.provisioning("").await;
    let state = async || setup.graph.get(&setup.job("")).await["schedule"]["state"].as_str().unwrap().to_owned();
    assert_eq!(state().await, "Disabled", "that it was made is seen at once");
    setup.act("/start").await;
    assert_eq!([state().await, state().await, state().await], ["Active", "Disabled", "Active"]);
    // It runs, whatever is seen.
    world.cycle().await;
    replicate(&world).await;
    setup.act("/pause").await;
    setup.act("/start").await;
    assert_eq!([state().await, state().await], ["Active", "Active"], "the newest is all that there is to hear");
    replicate(&world).await;
    assert_eq!([state().await, state().await], ["Active", "Active"]);
}

#[tokio::test]
async fn a_server_may_lie_about_what_it_did() {
    let world = contoso().await;
    let graph = world.graph_as(MIGRATE).await;
    let text = "Graph call failed with httpCode=NotFound, errorCode=, errorMessage=, reason=Not Found.";
    let lie = json!({"type": "StatusAfterCommit", "status": 404, "name": "NotFound", "message": text, "retryAfterSeconds": 1});
    let fault = world.control.fault(json!({"path": "/v1.0/applicationTemplates/*/instantiate", "action": lie})).await;
    let answer = graph.post(INSTANTIATE, json!({"displayName": "New"})).await;
    assert_eq!((answer.status.as_u16(), refusal(&answer)), (404, ("NotFound".to_owned(), text.to_owned())));
    assert_eq!(answer.headers["retry-after"], "1");
    assert_eq!(graph.all("/applications?$filter=displayName eq 'New'", "displayName").await, ["New"]);
    assert_eq!(graph.all("/servicePrincipals?$filter=displayName eq 'New'", "displayName").await, ["New"]);
    // The journal tells what it did, and that it lied.
    let journal = world.control.get("/journal").await["entries"].as_array().unwrap().clone();
    let entry = journal.iter().find(|it| it["fault"] == fault).unwrap();
    assert_eq!((&entry["status"], &entry["isWrite"]), (&json!(201), &json!(true)));
    // So may the others.
    for (system, method) in [("DevolutionsCloud", "PUT"), ("Login", "POST")] {
        let lie = json!({"type": "StatusAfterCommit", "status": 503});
        world.control.fault(json!({"system": system, "method": method, "action": lie})).await;
    }
    let save = json!({"name": "X", "clientId": HUB, "clientSecret": "s", "discoveryUrl": world.document()});
    world.operator.expect(503, Method::PUT, "/authentication/sso", Some(save)).await;
    assert_eq!(world.operator.get("/authentication/sso").await["name"], "X");
    let secret = world.entra().client_secret.clone();
    assert_eq!(world.token(&[("client_secret", &secret)]).await.status, 503);
    assert_eq!(world.token(&[("client_secret", &secret)]).await.status, 200);
}
