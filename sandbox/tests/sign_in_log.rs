//! Entra's sign-in log: every attempt, and perhaps late.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use reqwest::Method;
use serde_json::json;
use support::browser::visit;
use support::entra::HUB;
use support::{contoso, contoso_with};

#[tokio::test]
async fn every_attempt_is_in_the_log_the_newest_first() {
    let world = contoso().await;
    for who in ["dave.diaz@contoso.example", "erin@contoso.example", "nobody@contoso.example"] {
        visit(&world, &[("login_hint", who)]).await;
    }
    visit(&world, &[("redirect_uri", "https://x.example")]).await;
    let graph = world.graph_as(&["AuditLog.Read.All"]).await;
    let log = graph
        .get(&format!("/auditLogs/signIns?$filter=appId eq '{HUB}' and createdDateTime ge 2026-01-01T00:00:00Z"))
        .await;
    let log = log["value"].as_array().unwrap();
    let codes: Vec<_> = log.iter().map(|it| it["status"]["errorCode"].as_u64().unwrap()).collect();
    assert_eq!(codes, [50_011, 50_034, 50_105, 0]);
    let nobody = "00000000-0000-0000-0000-000000000000";
    assert_eq!((&log[1]["userId"], &log[1]["userPrincipalName"]), (&json!(nobody), &json!("nobody@contoso.example")));
    assert_eq!(
        (&log[3]["userDisplayName"], &log[3]["appDisplayName"]),
        (&json!("Dave Diaz"), &json!("Devolutions Hub"))
    );
    assert_eq!((&log[3]["isInteractive"], &log[3]["status"]["failureReason"]), (&json!(true), &json!("Other.")));
    // Policies are told to whoever may read them.
    assert_eq!(
        (&log[3]["conditionalAccessStatus"], &log[3]["appliedConditionalAccessPolicies"]),
        (&json!("success"), &json!([]))
    );
    let failed = graph.get("/auditLogs/signIns?$filter=status/errorCode ne 0&$top=2").await;
    assert_eq!(failed["value"].as_array().unwrap().len(), 2);
    assert!(failed["@odata.nextLink"].is_string());
    let later = graph.get("/auditLogs/signIns?$filter=createdDateTime ge 2999-01-01T00:00:00Z").await;
    assert_eq!(later["value"], json!([]));
    let one = graph.get(&format!("/auditLogs/signIns/{}", log[0]["id"].as_str().unwrap())).await;
    assert_eq!(one["status"]["errorCode"], 50_011);
    let graph = world.graph_as(&["AuditLog.Read.All", "Policy.Read.All"]).await;
    let applied = graph.get("/auditLogs/signIns").await["value"][3]["appliedConditionalAccessPolicies"].clone();
    let told: Vec<_> = applied.as_array().unwrap().iter().map(|it| (&it["displayName"], &it["result"])).collect();
    assert_eq!(
        told,
        [(&json!("MFA for the vaults"), &json!("success")), (&json!("MFA for everything else"), &json!("success"))]
    );
}

#[tokio::test]
async fn the_log_may_come_late() {
    let world = contoso_with("signInLogDelaySeconds: 600").await;
    visit(&world, &[]).await.code();
    let graph = world.graph_as(&["AuditLog.Read.All"]).await;
    assert_eq!(graph.get("/auditLogs/signIns").await["value"], json!([]));
    world.control.expect(204, Method::POST, "/entra/replicate", None).await;
    assert_eq!(graph.get("/auditLogs/signIns").await["value"].as_array().unwrap().len(), 1);
}
