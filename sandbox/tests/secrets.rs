//! Client secrets through Microsoft Graph, and the policies about them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::entra::MIGRATE;
use support::{answer, contoso, world};

#[tokio::test]
async fn a_secret_is_told_once() {
    let world = contoso().await;
    let graph = world.graph_as(MIGRATE).await;
    let made = graph.instantiate("New").await;
    let path = format!("/applications/{}", made.id);
    let wanted = json!({"passwordCredential": {"displayName": "return", "endDateTime": "2030-01-01T00:00:00Z"}});
    let secret = graph.done(200, Method::POST, &format!("{path}/addPassword"), wanted).await;
    let value = secret["secretText"].as_str().unwrap();
    assert_eq!((&secret["displayName"], &secret["endDateTime"]), (&json!("return"), &json!("2030-01-01T00:00:00Z")));
    assert_eq!(secret["hint"], value[..3]);
    let listed = graph.get(&path).await["passwordCredentials"][0].clone();
    assert_eq!(
        (&listed["keyId"], &listed["secretText"], &listed["hint"]),
        (&secret["keyId"], &Value::Null, &secret["hint"])
    );
    let token = world.token(&[("client_id", &made.app_id), ("client_secret", value)]).await;
    assert_eq!(token.status, 200, "{token:?}");
    // Two years unless asked otherwise; twice is two; an empty body will do.
    let second = graph.request(Method::POST, &format!("{path}/addPassword"));
    let second = answer(second).await.unwrap();
    assert_eq!(second.status, 200, "{second:?}");
    let time = |name: &str| second.body[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert!((730..=731).contains(&(time("endDateTime").duration_since(time("startDateTime")).as_hours() / 24)));
    assert_eq!(graph.get(&path).await["passwordCredentials"].as_array().unwrap().len(), 2);
    let remove = format!("{path}/removePassword");
    graph.done(204, Method::POST, &remove, json!({"keyId": secret["keyId"]})).await;
    let gone = graph.denied(400, Method::POST, &remove, json!({"keyId": secret["keyId"]})).await;
    assert_eq!(gone.1, "No password credential found with keyId.");
    let token = world.token(&[("client_id", &made.app_id), ("client_secret", value)]).await;
    assert_eq!(token.body["error_codes"], json!([7_000_215]));
    let backwards = json!({"passwordCredential": {"endDateTime": "2020-01-01T00:00:00Z"}});
    graph.denied(400, Method::POST, &format!("{path}/addPassword"), backwards).await;
    let unknown = json!({"passwordCredential": {"secretText": "mine"}});
    graph.denied(400, Method::POST, &format!("{path}/addPassword"), unknown).await;
    let text = world.control.get("/journal").await.to_string();
    assert!(!text.contains(value));
}

#[tokio::test]
async fn a_policy_bounds_or_forbids_secrets() {
    let restricted = |restriction: &str| {
        format!(
            "organization: X\nusers: []\nentra:\n  domains: [{{name: x.example}}]\n  \
             operator: {{permissions: [Application.ReadWrite.OwnedBy]}}\n  defaultAppManagementPolicy:\n    \
             isEnabled: true\n    passwordCredentials: [{{{restriction}}}]"
        )
    };
    let tomorrow = jiff::Timestamp::now().checked_add(jiff::SignedDuration::from_hours(24)).unwrap();
    let short = json!({"passwordCredential": {"endDateTime": tomorrow}});
    for (restriction, body, expected) in [
        (
            "restrictionType: passwordLifetime, maxLifetime: P90D",
            json!({}),
            Some("CredentialInvalidLifetimeAsPerAppPolicy"),
        ),
        ("restrictionType: passwordLifetime, maxLifetime: P90D", short.clone(), None),
        ("restrictionType: passwordAddition", short.clone(), Some("CredentialTypeNotAllowedAsPerAppPolicy")),
        ("restrictionType: customPasswordAddition", short.clone(), None),
        ("restrictionType: passwordAddition, restrictForAppsCreatedAfterDateTime: 2999-01-01T00:00:00Z", short, None),
    ] {
        let world = world(&restricted(restriction)).await;
        let graph = world.graph().await;
        let made = graph.instantiate("New").await;
        let answer = graph.post(&format!("/applications/{}/addPassword", made.id), body).await;
        assert_eq!(answer.body["error"]["code"].as_str(), expected, "{restriction}: {answer:?}");
        assert_eq!(answer.status, if expected.is_some() { 400 } else { 200 });
    }
}
