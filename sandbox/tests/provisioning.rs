//! Provisioning as Devolutions Cloud switches it on, and its token.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::scim::{PROVISIONED, Scim, provisioned};
use support::{CONTOSO, World, contoso, contoso_with, world};

const PROVISIONING: &str = "/authentication/provisioning";

async fn post(world: &World, path: &str) -> Value {
    world.operator.expect(200, Method::POST, &format!("{PROVISIONING}{path}"), None).await
}

async fn refused(world: &World, method: Method, path: &str) -> String {
    let (code, name) = world.operator.refused(409, method, &format!("{PROVISIONING}{path}"), None).await;
    assert_eq!(code, 0);
    name
}

#[tokio::test]
async fn it_is_off_and_its_token_is_told_once() {
    let world = contoso().await;
    let off = world.operator.get(PROVISIONING).await;
    let none = json!({
        "enabled": false, "tenantUrl": null, "synchronizationActive": false, "tokenCreatedAt": null,
        "tokenExpiresAt": null,
    });
    assert_eq!(off, none);
    assert_eq!(world.operator.get("/invitations/required").await["totalCount"], 0);
    let mut on = post(&world, "").await;
    let token = on.as_object_mut().unwrap().shift_remove("secretToken").unwrap();
    assert_eq!(on["tenantUrl"], format!("{}/scim/v2", world.sandbox.devolutions_url));
    let time = |name: &str| on[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert_eq!(time("tokenExpiresAt").duration_since(time("tokenCreatedAt")).as_hours(), 365 * 24);
    assert_eq!(world.operator.get(PROVISIONING).await, on);
    assert_eq!(refused(&world, Method::POST, "").await, "ProvisioningEnabled");
    let scim = Scim::of(&world, token.as_str().unwrap());
    assert_eq!(scim.get("/Users").await["totalResults"], 0);
    assert!(world.sandbox.scim.is_none(), "the scenario does not enable it");
}

#[tokio::test]
async fn it_is_activated_and_deleted() {
    let world = contoso().await;
    for (method, path) in [(Method::POST, "/token"), (Method::POST, "/activate"), (Method::DELETE, "")] {
        assert_eq!(refused(&world, method, path).await, "ProvisioningNotEnabled", "{path}");
    }
    let token = post(&world, "").await["secretToken"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        let active = post(&world, "/activate").await;
        assert_eq!((&active["synchronizationActive"], active.get("secretToken")), (&json!(true), None));
    }
    let scim = Scim::of(&world, &token);
    scim.user("bob@contoso.example", json!({})).await;
    world.operator.delete(PROVISIONING).await;
    assert_eq!(world.operator.get(PROVISIONING).await["enabled"], false);
    assert_eq!(scim.send(Method::GET, "/Users", None).await.status, 401);
    // What is synced stays so, and a new beginning knows nothing.
    let bob = world.operator.id("/users", "Bob Baker").await;
    assert_eq!(world.operator.get(&format!("/users/{bob}")).await["isSynced"], true);
    let token = post(&world, "").await["secretToken"].as_str().unwrap().to_owned();
    assert_eq!(Scim::of(&world, &token).get("/Users").await["totalResults"], 0);
}

#[tokio::test]
async fn a_new_token_takes_the_place_of_the_old_one() {
    let world = provisioned("").await;
    let old = Scim::new(&world);
    old.get("/Users").await;
    let renewed = post(&world, "/token").await;
    let token = renewed["secretToken"].as_str().unwrap();
    assert_ne!(token, old.token);
    let refused = old.send(Method::GET, "/Users", None).await;
    assert_eq!((refused.status.as_u16(), &refused.headers["www-authenticate"]), (401, &"Bearer".parse().unwrap()));
    assert_eq!((&refused.body["status"], refused.body.get("scimType")), (&json!("401"), None));
    Scim::of(&world, token).get("/Users").await;
    let secrets = [token, &old.token];
    for path in ["/journal", "/scim"] {
        let told = world.control.get(path).await.to_string();
        assert!(!secrets.iter().any(|it| told.contains(*it)), "{path}");
    }
    assert!(!world.operator.get("/siem-logs").await.to_string().contains(token));
}

#[tokio::test]
async fn a_token_lasts_for_a_year() {
    for (hours, status) in [(365 * 24 - 1, 200), (365 * 24 + 1, 401)] {
        let made = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(hours);
        let world = provisioned(&format!(", tokenCreatedAt: {made}, active: true")).await;
        let answer = Scim::new(&world).send(Method::GET, "/Groups", None).await;
        assert_eq!(answer.status, status, "{hours}");
        assert_eq!(world.operator.get(PROVISIONING).await["synchronizationActive"], true);
    }
}

#[tokio::test]
async fn it_needs_a_verified_domain_and_single_sign_on() {
    let world = contoso().await;
    let domain = async |status: &str| {
        let path = "/sso/domains/contoso.example";
        world.control.expect(204, Method::PUT, path, Some(json!({"status": status}))).await;
    };
    let sso = async |body: Value| world.control.expect(204, Method::PATCH, "/sso", Some(body)).await;
    for status in ["Pending", "Expired"] {
        domain(status).await;
        assert_eq!(refused(&world, Method::POST, "").await, "ProvisioningNotReady", "{status}");
    }
    domain("Verified").await;
    sso(json!({"enabled": false})).await;
    assert_eq!(refused(&world, Method::POST, "").await, "ProvisioningNotReady");
    sso(json!({"enabled": true, "provider": "none"})).await;
    assert_eq!(refused(&world, Method::POST, "").await, "ProvisioningNotReady");
    sso(json!({"provider": "openId"})).await;
    post(&world, "").await;
    let world = self::world("organization: X\nusers: []").await;
    assert_eq!(refused(&world, Method::POST, "").await, "ProvisioningNotReady");
}

#[tokio::test]
async fn only_who_may_configure_does_any_of_it() {
    let yaml = CONTOSO.replace("organization: Contoso", "organization: Contoso\nidentities: {operator: Backup job}");
    let world = world(&yaml).await;
    for (method, path) in [
        (Method::GET, PROVISIONING),
        (Method::POST, PROVISIONING),
        (Method::DELETE, PROVISIONING),
        (Method::POST, "/authentication/provisioning/token"),
        (Method::POST, "/authentication/provisioning/activate"),
        (Method::GET, "/invitations/required"),
    ] {
        let refused = world.operator.refused(403, method, path, None).await;
        assert_eq!(refused, (8, "AccessDenied".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn a_server_may_lack_it() {
    let world = contoso_with("cannot: [enableProvisioning, activateSynchronization, listRequiredInvitations]").await;
    for (method, path) in [
        (Method::POST, PROVISIONING),
        (Method::POST, "/authentication/provisioning/activate"),
        (Method::GET, "/invitations/required"),
    ] {
        let refused = world.operator.refused(404, method, path, None).await;
        assert_eq!(refused, (0, "NoSuchOperation".to_owned()), "{path}");
    }
    world.operator.get(PROVISIONING).await;
    let capabilities = world.operator.get("/capabilities").await["operations"].to_string();
    assert!(capabilities.contains("getProvisioning") && !capabilities.contains("enableProvisioning"));
}

#[tokio::test]
async fn what_is_done_is_logged() {
    let world = contoso().await;
    for path in ["", "/token", "/activate"] {
        post(&world, path).await;
    }
    world.operator.delete(PROVISIONING).await;
    let log = world.operator.get("/siem-logs").await;
    let actions: Vec<&str> = log["data"].as_array().unwrap().iter().map(|it| it["action"].as_str().unwrap()).collect();
    let expected =
        ["EnableProvisioning", "RegenerateProvisioningToken", "ActivateSynchronization", "DeleteProvisioning"];
    assert_eq!(actions, expected);
}

#[tokio::test]
async fn a_scenario_that_cannot_have_it_is_refused() {
    let yaml = CONTOSO.replace("status: Verified", "status: Pending");
    let yaml = yaml.replace("\nsso:\n", &format!("\nsso:\n  {PROVISIONED}}}\n"));
    let scenario = sandbox::Scenario::from_yaml(&yaml).unwrap();
    let error = sandbox::Sandbox::start(&scenario, sandbox::Addresses::default()).await.err().unwrap();
    assert!(error.to_string().contains("`provisioning` needs"), "{error}");
}
