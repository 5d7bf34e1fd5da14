//! Entra's provisioning, into Devolutions Cloud's own SCIM server: people come across without a double in between.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::provisioning::PROVISION;
use support::{CONTOSO, World, world};

/// E-mail addresses of those who are there and synced, in alphabetical order.
async fn synced(world: &World) -> Vec<String> {
    let users = world.operator.get("/users?pageSize=100").await;
    let is_synced = |it: &&Value| it["isSynced"] == true;
    let mut all: Vec<String> = users["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter(is_synced)
        .map(|it| it["email"].as_str().unwrap().to_owned())
        .collect();
    all.sort();
    all
}

#[tokio::test]
async fn whoever_is_assigned_comes_to_be_synced_and_keeps_what_they_may() {
    let world = world(&CONTOSO.replace(", synced: true", "")).await;
    assert_eq!(synced(&world).await, [""; 0]);
    let graph = world.graph_as(PROVISION).await;
    let enabled = world.operator.expect(200, Method::POST, "/authentication/provisioning", None).await;
    let made = graph.instantiate("New").await;
    let path = format!("/servicePrincipals/{}/synchronization", made.principal);
    let secrets = json!([
        {"key": "BaseAddress", "value": enabled["tenantUrl"]},
        {"key": "SecretToken", "value": enabled["secretToken"]},
    ]);
    graph.done(204, Method::PUT, &format!("{path}/secrets"), json!({"value": secrets})).await;
    let job = graph.done(201, Method::POST, &format!("{path}/jobs"), json!({"templateId": "scim"})).await;
    let job = format!("{path}/jobs/{}", job["id"].as_str().unwrap());
    graph.done(204, Method::POST, &format!("{job}/validateCredentials"), json!({"credentials": secrets})).await;
    world.assign(json!({"group": "Devolutions users"}), true).await;
    world.assign(json!({"group": "Vault-Admins"}), true).await;
    graph.done(204, Method::POST, &format!("{job}/start"), Value::Null).await;
    let status = world.cycle().await;
    assert_eq!((&status["code"], &status["quarantine"]), (&json!("Active"), &Value::Null), "{status}");

    // Frank is disabled in Entra, Erin only in a group within the assigned one; Olivia and Grace are not assigned.
    let there = ["adam", "bob", "carol", "dave"].map(|it| format!("{it}@contoso.example"));
    assert_eq!(synced(&world).await, there);
    let scim = world.control.get("/scim").await;
    let failed: Vec<(&str, &str)> = scim["users"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|it| Some((it["email"].as_str()?, it["error"].as_str()?)))
        .collect();
    assert_eq!(failed, [("heidi@contoso.example", "InvitationPending")]);
    // Nobody has invited Ivan.
    let invited = world.operator.get("/invitations/required").await;
    let invited: Vec<&str> =
        invited["data"].as_array().unwrap().iter().map(|it| it["email"].as_str().unwrap()).collect();
    assert_eq!(invited, ["ivan@contoso.example"]);
    assert_eq!(
        world.control.get("/violations").await["violations"],
        json!([]),
        "what SCIM changes is nobody's violation"
    );
}
