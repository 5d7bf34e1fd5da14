//! Provisioning as Microsoft Graph sets it up: templates, secrets, jobs and their status.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::contoso;
use support::entra::{HUB, values};
use support::scim_server::TOKEN;

const NEVER: &str = "0001-01-01T00:00:00Z";

#[tokio::test]
async fn a_missing_permission_is_told_without_a_reason() {
    let world = contoso().await;
    let setup = world.provisioning("").await;
    let unknown = ("UnknownError".to_owned(), String::new());
    let graph = world.graph_as(&["Application.ReadWrite.All", "Application.Read.All", "AuditLog.Read.All"]).await;
    for path in ["/templates", "/jobs", "/secrets"] {
        assert_eq!(graph.refused(401, &format!("{}{path}", setup.path)).await, unknown);
    }
    for action in ["/start", "/validateCredentials", "/provisionOnDemand"] {
        assert_eq!(graph.denied(401, Method::POST, &setup.job(action), json!({})).await, unknown);
    }
    graph.get("/auditLogs/provisioning").await;
    let graph = world.graph_as(&["Synchronization.Read.All"]).await;
    graph.get(&format!("{}/jobs", setup.path)).await;
    assert_eq!(graph.denied(401, Method::POST, &setup.job("/start"), json!({})).await, unknown);
    assert_eq!(graph.refused(401, &format!("{}/secrets", setup.path)).await, unknown);
    graph.refused(403, "/auditLogs/provisioning").await;
}

#[tokio::test]
async fn only_an_application_from_a_template_can_provision() {
    let world = contoso().await;
    let setup = world.provisioning("").await;
    let templates = setup.graph.get(&format!("{}/templates", setup.path)).await;
    let template = &templates["value"][0];
    assert_eq!(
        (&template["id"], &template["factoryTag"], &template["default"]),
        (&json!("scim"), &json!("CustomSCIM"), &json!(true))
    );
    setup.graph.get(&format!("{}/templates/scim", setup.path)).await;
    let old = format!("/servicePrincipals(appId='{HUB}')/synchronization");
    for path in ["templates", "jobs"] {
        assert_eq!(setup.graph.get(&format!("{old}/{path}")).await["value"], json!([]));
    }
    setup.graph.denied(400, Method::POST, &format!("{old}/jobs"), json!({"templateId": "scim"})).await;
    setup.graph.denied(400, Method::PUT, &format!("{old}/secrets"), json!({"value": []})).await;
}

#[tokio::test]
async fn secrets_are_merged_by_key_and_never_told() {
    let world = contoso().await;
    let setup = world.provisioning("").await;
    let path = format!("{}/secrets", setup.path);
    let read = async || {
        let secrets = setup.graph.get(&path).await;
        values(&secrets, "key").into_iter().zip(values(&secrets, "value")).collect::<Vec<_>>()
    };
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let base = pair("BaseAddress", &setup.scim.base);
    assert_eq!(read().await, [base.clone(), pair("SecretToken", "*"), pair("SyncAll", "false")]);
    let change = json!({"value": [
        {"key": "SkipOutOfScopeDeletions", "value": "True"}, {"key": "SecretToken", "value": "*"},
    ]});
    setup.graph.done(204, Method::PUT, &path, change).await;
    assert_eq!(read().await.len(), 4);
    // The mask left the token as it was.
    let saved = json!({"useSavedCredentials": true});
    setup.graph.done(204, Method::POST, &setup.job("/validateCredentials"), saved).await;
    let change =
        json!({"value": [{"key": "SkipOutOfScopeDeletions", "value": ""}, {"key": "SecretToken", "value": ""}]});
    setup.graph.done(204, Method::PUT, &path, change).await;
    assert_eq!(read().await, [base, pair("SyncAll", "false")]);
    setup.graph.denied(400, Method::PUT, &path, json!({"value": [{"key": "Token", "value": "x"}]})).await;
    let told = world.control.get("/journal").await.to_string() + &world.control.get("/entra").await.to_string();
    assert!(!told.contains(TOKEN));
}

#[tokio::test]
async fn credentials_are_tried_at_the_server() {
    let world = contoso().await;
    let setup = world.provisioning("").await;
    let with = |base: &str, token: &str| {
        json!({
            "useSavedCredentials": false, "templateId": "scim",
            "credentials": [{"key": "BaseAddress", "value": base}, {"key": "SecretToken", "value": token}],
        })
    };
    let (base, of_all) = (&setup.scim.base, format!("{}/jobs/validateCredentials", setup.path));
    setup.scim.writes();
    setup.graph.done(204, Method::POST, &of_all, with(base, TOKEN)).await;
    let asked = setup.scim.memory().requests.clone();
    assert_eq!((asked.len(), asked[0].0.as_str()), (1, "GET"));
    assert!(asked[0].1.starts_with("Users?filter=userName%20eq%20%22"), "{asked:?}");
    setup.graph.done(204, Method::POST, &setup.job("/validateCredentials"), with(base, "*")).await;
    let (code, _) = setup.graph.denied(400, Method::POST, &of_all, with(base, "wrong")).await;
    assert_eq!(code, "SystemForCrossDomainIdentityManagementInvalidCredentials");
    for wrong in [base.replace("https", "http"), "nothing".to_owned(), world.sandbox.devolutions_url.clone()] {
        let (code, _) = setup.graph.denied(400, Method::POST, &of_all, with(&wrong, TOKEN)).await;
        assert_eq!(code, "SystemForCrossDomainIdentityManagementCredentialValidationUnavailable", "{wrong}");
    }
    let (code, _) = setup.graph.denied(400, Method::POST, &of_all, with(base, "")).await;
    assert_eq!(code, "CredentialsMissing");
}

#[tokio::test]
async fn a_job_looks_failed_before_it_has_run() {
    let world = contoso().await;
    let setup = world.provisioning("").await;
    let jobs = format!("{}/jobs", setup.path);
    let job = setup.graph.get(&setup.job("")).await;
    assert_eq!(job["schedule"], json!({"expiration": null, "interval": "PT40M", "state": "Disabled"}));
    let status = &job["status"];
    assert_eq!((&status["code"], &status["lastExecution"]), (&json!("Paused"), &Value::Null));
    assert_eq!((&status["steadyStateFirstAchievedTime"], &status["progress"]), (&json!(NEVER), &json!([])));
    let tenant = world.entra().tenant_id.simple();
    assert!(setup.job.starts_with(&format!("scim.{tenant}.")), "{}", setup.job);
    let again = setup.graph.denied(409, Method::POST, &jobs, json!({"templateId": "scim"})).await;
    assert_eq!(again.0, "Conflict");
    assert_eq!(setup.graph.all(&jobs, "id").await.concat(), setup.job);
    setup.act("/start").await;
    let job = setup.graph.get(&setup.job("")).await;
    let (schedule, status) = (&job["schedule"]["state"], &job["status"]);
    assert_eq!((schedule, &status["code"]), (&json!("Active"), &json!("NotRun")));
    let last = &status["lastExecution"];
    assert_eq!((&last["state"], &last["error"]["code"]), (&json!("Failed"), &json!("None")));
    assert_eq!((&last["timeEnded"], &last["countExported"]), (&json!(NEVER), &json!(0)));
    setup.act("/pause").await;
    let job = setup.graph.get(&setup.job("")).await;
    assert_eq!((&job["schedule"]["state"], &job["status"]["code"]), (&json!("Paused"), &json!("Paused")));
    let nothing = world.control.expect(200, Method::POST, "/entra/provision", None).await;
    assert_eq!(nothing, json!({"cycles": []}));
    let wrong = json!({"criteria": {"resetScope": "Everything"}});
    setup.graph.denied(400, Method::POST, &setup.job("/restart"), wrong).await;
    setup.graph.done(204, Method::DELETE, &setup.job(""), Value::Null).await;
    setup.graph.refused(404, &setup.job("")).await;
    setup.graph.denied(404, Method::POST, &setup.job("/start"), Value::Null).await;
}

#[tokio::test]
async fn a_job_goes_with_its_service_principal() {
    let world = contoso().await;
    let setup = world.provisioning("").await;
    setup.graph.done(204, Method::DELETE, &format!("/servicePrincipals/{}", setup.principal), Value::Null).await;
    setup.graph.refused(404, &setup.job("")).await;
    let restore = format!("/directory/deletedItems/{}/restore", setup.principal);
    setup.graph.done(200, Method::POST, &restore, json!({})).await;
    setup.graph.refused(404, &setup.job("")).await;
}

#[tokio::test]
async fn the_schema_tells_what_users_are_matched_by() {
    let world = contoso().await;
    let setup = world.provisioning("").await;
    let schema = setup.graph.get(&setup.job("/schema")).await;
    let rule = &schema["synchronizationRules"][0];
    assert!(rule["id"].as_str().is_some_and(|it| it.len() == 36));
    let mappings = rule["objectMappings"].as_array().unwrap();
    let matched = |it: &Value| {
        let all = it["attributeMappings"].as_array().unwrap().clone();
        let by: Vec<Value> = all.into_iter().filter(|it| it["matchingPriority"] == 1).collect();
        assert_eq!((by.len(), &it["enabled"]), (1, &json!(true)));
        (it["sourceObjectName"].clone(), by[0]["targetAttributeName"].clone(), by[0]["source"]["name"].clone())
    };
    let matched: Vec<_> = mappings.iter().map(matched).collect();
    let three = |a, b, c| (json!(a), json!(b), json!(c));
    assert_eq!(matched, [three("Group", "displayName", "displayName"), three("User", "userName", "userPrincipalName")]);
}

#[tokio::test]
async fn one_user_is_provisioned_on_demand() {
    let world = contoso().await;
    let setup = world.provisioning("?aadOptscim062020").await;
    world.assign(json!({"user": "bob@contoso.example"}), true).await;
    let state = world.control.get("/entra").await;
    let id = |name: &str| {
        let users = state["users"].as_array().unwrap();
        users.iter().find(|it| it["displayName"] == name).unwrap()["id"].clone()
    };
    let rule = setup.graph.get(&setup.job("/schema")).await["synchronizationRules"][0]["id"].clone();
    let body = |name: &str| {
        let subject = json!({"objectId": id(name), "objectTypeName": "User"});
        json!({"parameters": [{"ruleId": rule, "subjects": [subject]}]})
    };
    let ask = async |name: &str| {
        let told = setup.graph.done(200, Method::POST, &setup.job("/provisionOnDemand"), body(name)).await;
        let inner = |field: &str| serde_json::from_str::<Value>(told[field].as_str().unwrap()).unwrap();
        let (key, value) = (inner("key"), inner("value"));
        assert!(value["provisioningSteps"].is_array() && value["changeId"].is_string(), "{value}");
        [&key["result"], &key["details"]["errorCode"]].map(|it| it.as_str().unwrap_or("-").to_owned()).join(" ")
    };
    assert_eq!(ask("Bob Baker").await, "Success -");
    assert_eq!(setup.scim.people(), [("bob@contoso.example".to_owned(), true)]);
    assert_eq!(ask("Bob Baker").await, "Skipped RedundantExport");
    assert_eq!(ask("Carol Chen").await, "Skipped NotEffectivelyEntitled");
    // It is no cycle: the job has not run.
    assert_eq!(setup.status().await["code"], "Paused");
    setup.scim.memory().refuses = Some(("bob@contoso.example".to_owned(), 409));
    world
        .control
        .expect(204, Method::PATCH, "/entra/users/bob@contoso.example", Some(json!({"mail": "b@x.example"})))
        .await;
    assert_eq!(ask("Bob Baker").await, "Failure SystemForCrossDomainIdentityManagementEntryConflict");
    setup.scim.memory().refuses = None;
    setup.scim.writes();
    assert_eq!(ask("Bob Baker").await, "Success -");
    // The old dialect, whatever the address says.
    assert_eq!(setup.scim.writes()[0].2["Operations"][0]["op"], "Replace");
    setup.scim.memory().is_revoked = true;
    assert_eq!(ask("Bob Baker").await, "Skipped RedundantExport");
    let secrets = json!({"value": [{"key": "SecretToken", "value": ""}]});
    setup.graph.done(204, Method::PUT, &format!("{}/secrets", setup.path), secrets).await;
    assert_eq!(ask("Bob Baker").await, "Failure CredentialsMissing");
    let wrong = json!({"parameters": [{"ruleId": "x", "subjects": []}]});
    setup.graph.denied(400, Method::POST, &setup.job("/provisionOnDemand"), wrong).await;
}
