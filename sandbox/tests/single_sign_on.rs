//! Single sign-on and its domains as Devolutions Cloud tells them, and servers that cannot.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::entra::HUB;
use support::{contoso, contoso_with, world};

const SSO: &str = "/authentication/sso";

#[tokio::test]
async fn the_record_leads_to_the_application_and_its_tenant() {
    let world = contoso().await;
    let entra = world.entra();
    let sso = world.operator.get(SSO).await;
    let discovery = format!("{}/{}/v2.0/.well-known/openid-configuration", entra.authority_url, entra.tenant_id);
    let callback = "https://sso.devolutions.example/callback/contoso";
    let expected = json!({
        "provider": "openId", "name": "Microsoft", "enabled": true, "clientId": HUB, "discoveryUrl": discovery,
        "callbackUrl": callback, "clientSecretSet": true, "updatedAt": "2022-05-17T08:30:00Z",
    });
    assert_eq!(sso, expected);
    let hub = world.graph().await.get(&format!("/applications(appId='{HUB}')")).await;
    assert!(hub["web"]["redirectUris"].as_array().unwrap().contains(&json!(callback)));
    let document = world.control.client.get(sso["discoveryUrl"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(document.status(), 200);
    assert_eq!(world.operator.get("/system-settings").await["forceSsoLogin"], false);
}

#[tokio::test]
async fn people_change_it() {
    let world = contoso().await;
    let change = async |body: Value| world.control.expect(204, Method::PATCH, "/sso", Some(body)).await;
    change(json!({"forceSsoLogin": true, "enabled": false, "application": "Payroll"})).await;
    let sso = world.operator.get(SSO).await;
    let payroll = "9c1e5a7d-4b1f-4c53-8f0a-2d7e6b9c1a02";
    assert_eq!((&sso["enabled"], &sso["clientId"]), (&json!(false), &json!(payroll)));
    assert_ne!(sso["updatedAt"], "2022-05-17T08:30:00Z");
    assert_eq!(world.operator.get("/system-settings").await["forceSsoLogin"], true);
    change(json!({"provider": "organization"})).await;
    let sso = world.operator.get(SSO).await;
    assert_eq!(
        (&sso["provider"], &sso["clientId"], &sso["discoveryUrl"], &sso["clientSecretSet"]),
        (&json!("organization"), &Value::Null, &Value::Null, &json!(false))
    );
    change(json!({"provider": "none"})).await;
    assert_eq!(world.operator.get(SSO).await["name"], Value::Null);
    for body in [json!({"application": "Nothing"}), json!({"application": "Microsoft Graph", "x": 1})] {
        let status = if body["x"].is_null() { 404 } else { 422 };
        world.control.expect(status, Method::PATCH, "/sso", Some(body)).await;
    }
}

#[tokio::test]
async fn a_domain_tells_its_proof_and_how_long_it_is_looked_for() {
    let world = contoso().await;
    let domain = async || world.operator.get("/authentication/domains").await["data"][0].clone();
    let verified = domain().await;
    assert_eq!(
        (&verified["name"], &verified["status"], &verified["hostName"], &verified["expiresAt"]),
        (&json!("contoso.example"), &json!("Verified"), &json!("_devolutions-challenge.contoso.example"), &Value::Null)
    );
    assert!(verified["txtValue"].as_str().unwrap().starts_with("DEVOLUTIONS-DOMAIN-VERIFICATION="));
    let path = "/sso/domains/contoso.example";
    world.control.expect(204, Method::PUT, path, Some(json!({"status": "Pending"}))).await;
    let pending = domain().await;
    let expires: jiff::Timestamp = pending["expiresAt"].as_str().unwrap().parse().unwrap();
    let hours = expires.duration_since(jiff::Timestamp::now()).as_hours();
    assert_eq!((&pending["status"], hours), (&json!("Pending"), 47));
    assert_eq!(pending["txtValue"], verified["txtValue"]);
    world.control.expect(404, Method::PUT, "/sso/domains/x.example", Some(json!({"status": "Pending"}))).await;
}

#[tokio::test]
async fn only_who_may_configure_reads_it() {
    let yaml =
        support::CONTOSO.replace("organization: Contoso", "organization: Contoso\nidentities: {operator: Backup job}");
    let world = world(&yaml).await;
    for path in [SSO, "/authentication/domains", "/system-settings"] {
        assert_eq!(world.operator.refused(403, Method::GET, path, None).await, (8, "AccessDenied".to_owned()));
    }
}

#[tokio::test]
async fn a_server_may_not_tell_the_application() {
    let world = contoso_with("ssoHidesApplication: true").await;
    let sso = world.operator.get(SSO).await;
    let names: Vec<&String> = sso.as_object().unwrap().keys().collect();
    assert_eq!(names, ["provider", "name", "enabled", "callbackUrl", "clientSecretSet", "updatedAt"]);
}

#[tokio::test]
async fn a_server_may_lack_operations() {
    let world = contoso_with("cannot: [getSsoConfiguration, listDomains, putVaultPermissionOfGroup]").await;
    let capabilities = world.operator.get("/capabilities").await["operations"].to_string();
    for operation in ["getSsoConfiguration", "listDomains", "putVaultPermissionOfGroup"] {
        assert!(!capabilities.contains(operation), "{operation}");
    }
    let vault = world.operator.id("/vaults", "Infrastructure").await;
    let group = world.operator.id("/groups", "SG-Helpdesk").await;
    let permission = format!("/vaults/{vault}/permissions/groups/{group}");
    let body = || Some(json!({"flags": {"viewVault": true}}));
    for (method, path) in [(Method::GET, SSO), (Method::GET, "/authentication/domains"), (Method::PUT, &permission)] {
        let refused = world.operator.refused(404, method, path, body()).await;
        assert_eq!(refused, (0, "NoSuchOperation".to_owned()), "{path}");
    }
    world.operator.refused(404, Method::DELETE, &permission, None).await;
    world.operator.get(&format!("/vaults/{vault}/permissions")).await;
}

#[tokio::test]
async fn another_tenant_may_be_configured() {
    let own = "  application: Devolutions Hub\n";
    let other = format!("{own}  discoveryUrl: https://login.example/x/v2.0/.well-known/openid-configuration\n");
    let world = world(&support::CONTOSO.replacen(own, &other, 1)).await;
    let sso = world.operator.get(SSO).await;
    assert_eq!(sso["discoveryUrl"], "https://login.example/x/v2.0/.well-known/openid-configuration");
}

#[tokio::test]
async fn a_configuration_that_makes_no_sense_is_refused_and_one_that_is_wrong_is_tried() {
    let world = contoso().await;
    let before = world.operator.get(SSO).await;
    let (id, document) = (HUB, world.document());
    let body = |id: &str, secret: &str, url: &str| json!({"name": "X", "clientId": id, "clientSecret": secret, "discoveryUrl": url});
    for wrong in [
        body("nonsense", "s", &document),
        body(id, " ", &document),
        body(id, "s", "nonsense"),
        body(id, "s", &document.replace("https", "http")),
        body(id, "s", "https://login.example/"),
        json!({"name": "X", "clientId": id, "discoveryUrl": document}),
    ] {
        let refused = world.operator.refused(400, Method::PUT, SSO, Some(wrong.clone())).await;
        assert_eq!(refused.1, "InvalidData", "{wrong}");
        world.operator.refused(400, Method::POST, "/authentication/sso/test", Some(wrong)).await;
    }
    world
        .operator
        .refused(
            400,
            Method::PUT,
            SSO,
            Some(json!({"name": "", "clientId": id, "clientSecret": "s", "discoveryUrl": document})),
        )
        .await;
    assert_eq!(world.operator.get(SSO).await, before);
    let test = async |url: &str| {
        let tested =
            world.operator.expect(200, Method::POST, "/authentication/sso/test", Some(body(id, "s", url))).await;
        format!("{} {}", tested["error"]["stage"].as_str().unwrap(), tested["error"]["code"].as_str().unwrap())
    };
    let tenant = world.entra().tenant_id.to_string();
    assert_eq!(test(&document).await, "token AADSTS7000215");
    // The document names the tenant by its id.
    assert_eq!(test(&document.replace(&tenant, "contoso.example")).await, "discovery IssuerMismatch");
    assert_eq!(test(&document.replace(&tenant, "nonsense")).await, "discovery AADSTS900023");
    assert_eq!(test("https://127.0.0.1:1/.well-known/openid-configuration").await, "discovery Unreachable");
    let yaml =
        support::CONTOSO.replace("organization: Contoso", "organization: Contoso\nidentities: {operator: Backup job}");
    let world = self::world(&yaml).await;
    for (method, path, body) in [
        (Method::PUT, SSO, body(id, "s", &document)),
        (Method::POST, "/authentication/sso/test", body(id, "s", &document)),
        (Method::PATCH, "/system-settings", json!({"forceSsoLogin": true})),
    ] {
        let refused = world.operator.refused(403, method, path, Some(body)).await;
        assert_eq!(refused, (8, "AccessDenied".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn single_sign_on_is_forced_only_where_there_is_some() {
    let world = contoso().await;
    let patch = async |body: Value| world.operator.expect(200, Method::PATCH, "/system-settings", Some(body)).await;
    assert_eq!(patch(json!({"forceSsoLogin": true})).await["forceSsoLogin"], true);
    assert_eq!(patch(json!({})).await["forceSsoLogin"], true);
    assert_eq!(patch(json!({"forceSsoLogin": false})).await["forceSsoLogin"], false);
    world.operator.refused(400, Method::PATCH, "/system-settings", Some(json!({"forceSsoLogin": 1}))).await;
    let world = self::world("organization: X\nusers: []").await;
    let refused =
        world.operator.refused(400, Method::PATCH, "/system-settings", Some(json!({"forceSsoLogin": true}))).await;
    assert_eq!(refused.1, "InvalidData");
    // Where there was none a configuration can be saved.
    let body = json!({
        "name": "X", "clientId": HUB, "clientSecret": "s",
        "discoveryUrl": "https://login.example/x/v2.0/.well-known/openid-configuration",
    });
    let record = world.operator.put(SSO, body).await;
    assert_eq!((&record["provider"], &record["enabled"]), (&json!("openId"), &json!(true)));
}
