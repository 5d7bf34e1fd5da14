//! Provisioning cycles, against a SCIM server that remembers what it was asked.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::provisioning::Setup;
use support::{World, contoso, contoso_with};

const NEVER: &str = "0001-01-01T00:00:00Z";

fn group() -> Value {
    json!({"group": "Devolutions users"})
}

fn user(name: &str) -> Value {
    json!({"user": format!("{name}@contoso.example")})
}

/// Names before the `@` of those who are active, in alphabetical order.
fn active(setup: &Setup) -> Vec<String> {
    let people = setup.scim.people().into_iter().filter(|(_, is_active)| *is_active);
    let mut names: Vec<String> = people.map(|(name, _)| name.split('@').next().unwrap().to_owned()).collect();
    names.sort();
    names
}

async fn enable(world: &World, name: &str, is_enabled: bool) {
    let body = json!({"accountEnabled": is_enabled});
    world.control.expect(204, Method::PATCH, &format!("/entra/users/{name}@contoso.example"), Some(body)).await;
}

#[tokio::test]
async fn an_initial_cycle_brings_whoever_is_assigned() {
    let world = contoso().await;
    let setup = world.provisioning("").await;
    world.assign(group(), true).await;
    world.assign(user("carol"), true).await;
    // Bob is there already, in part.
    let there = json!({"id": "old-bob", "userName": "bob@contoso.example", "active": true, "displayName": "Robert"});
    setup.scim.memory().users.insert("old-bob".to_owned(), there);
    setup.act("/start").await;
    let status = world.cycle().await;
    // Frank is disabled, and Erin is only in a group within the assigned one.
    assert_eq!(active(&setup), ["adam", "bob", "carol", "dave.diaz", "heidi", "ivan"]);
    let members = setup.scim.members("Devolutions users");
    let names: Vec<&str> = members.iter().map(|it| it.split('@').next().unwrap()).collect();
    assert_eq!(names, ["adam", "bob", "dave.diaz", "heidi", "ivan"]);
    assert_eq!(setup.scim.memory().groups.len(), 1);
    assert_eq!(setup.scim.memory().users["old-bob"]["displayName"], "Bob Baker");

    assert_eq!((&status["code"], &status["quarantine"]), (&json!("Active"), &Value::Null));
    let last = &status["lastExecution"];
    assert_eq!((&last["state"], &last["error"]), (&json!("Succeeded"), &Value::Null));
    let counts = ["countEntitled", "countEntitledForProvisioning", "countEscrowed", "countExported", "countImported"];
    // Six users of seven, the group, and the group's members.
    assert_eq!(counts.map(|it| last[it].as_i64().unwrap()), [8, 7, 0, 8, 8]);
    assert_ne!(status["steadyStateFirstAchievedTime"], NEVER);
    assert_eq!(status["lastSuccessfulExecutionWithExports"]["activityIdentifier"], last["activityIdentifier"]);
    let count = |at: usize| status["synchronizedEntryCountByType"][at]["value"].as_i64();
    assert_eq!((count(0), count(1)), (Some(6), Some(1)));
    assert_eq!(setup.status().await, status);

    let log = setup.log().await;
    assert_eq!(log.len(), 9, "{log:?}");
    for line in [
        "create success - Adam Admin",
        "update success - Bob Baker",
        "other skipped EntrySynchronizationSkipped Frank Fox",
        "create success - Devolutions users",
    ] {
        assert!(log.iter().any(|it| it == line), "{line}: {log:?}");
    }
    let page = setup.graph.get("/auditLogs/provisioning?$top=2").await;
    assert_eq!(page["value"].as_array().unwrap().len(), 2);
    assert!(page["@odata.nextLink"].as_str().unwrap().contains("skiptoken"));
    let later = format!("jobId eq '{}' and activityDateTime gt 2999-01-01T00:00:00Z", setup.job);
    assert_eq!(setup.graph.get(&format!("/auditLogs/provisioning?$filter={later}")).await["value"], json!([]));
}

#[tokio::test]
async fn what_is_sent_is_in_the_old_dialect_unless_asked_otherwise() {
    for (flags, is_compliant) in [("", false), ("?aadOptscim062020", true)] {
        let world = contoso().await;
        let setup = world.provisioning(flags).await;
        world.members("SG-Auditors", &["dave.diaz@contoso.example", "carol@contoso.example"]).await;
        world.assign(json!({"group": "SG-Auditors"}), true).await;
        setup.act("/start").await;
        world.cycle().await;
        let writes = setup.scim.writes();
        let made: Vec<&str> = writes.iter().map(|(method, path, _)| [method.as_str(), path][1]).collect();
        assert_eq!(made[..3], ["Users", "Users", "Groups"]);
        let dave = writes.iter().map(|(.., it)| it).find(|it| it["userName"] == "dave.diaz@contoso.example").unwrap();
        assert_eq!(dave["emails"], json!([{"primary": true, "type": "work", "value": "dave@contoso.example"}]));
        assert_eq!(dave["name"], json!({"familyName": "Diaz", "formatted": "Dave Diaz", "givenName": "Dave"}));
        assert_eq!((&dave["active"], &dave["externalId"]), (&json!(true), &json!("dave.diaz")));
        let (_, path, made) = &writes[2];
        assert_eq!(
            (path.as_str(), &made["displayName"], &made["members"]),
            ("Groups", &json!("SG-Auditors"), &Value::Null)
        );
        assert_eq!(made["externalId"], "5d0f3b1e-8a5c-4c1e-9d57-3f2b6a7c9e03");
        let op = if is_compliant { "add" } else { "Add" };
        assert_eq!((&writes[3].2["Operations"][0]["op"], writes.len()), (&json!(op), 4));

        world.members("SG-Auditors", &["dave.diaz@contoso.example"]).await;
        world.cycle().await;
        let writes = setup.scim.writes();
        let operations: Vec<&Value> = writes.iter().map(|(.., it)| &it["Operations"]).collect();
        let carol = writes[0].1.trim_start_matches("Users/").to_owned();
        let (disable, remove) = if is_compliant {
            let path = format!("members[value eq \"{carol}\"]");
            (json!([{"op": "replace", "value": {"active": false}}]), json!([{"op": "remove", "path": path}]))
        } else {
            let members = json!([{"$ref": null, "value": carol}]);
            (
                json!([{"op": "Replace", "path": "active", "value": "False"}]),
                json!([{"op": "Remove", "path": "members", "value": members}]),
            )
        };
        assert_eq!(operations, [&disable, &remove]);
        assert_eq!((active(&setup), setup.scim.members("SG-Auditors").len()), (vec!["dave.diaz".to_owned()], 1));
    }
}

#[tokio::test]
async fn later_cycles_carry_only_what_has_changed() {
    let world = contoso().await;
    let setup = world.provisioning("").await;
    world.assign(user("adam"), true).await;
    world.assign(user("bob"), true).await;
    setup.act("/start").await;
    world.cycle().await;
    let lines = setup.log().await.len();
    setup.scim.writes();
    let status = world.cycle().await;
    assert_eq!((setup.scim.writes(), setup.log().await.len()), (vec![], lines));
    assert_eq!(status["lastExecution"]["countExported"], 0);
    assert_ne!(status["lastSuccessfulExecution"], status["lastSuccessfulExecutionWithExports"]);

    enable(&world, "bob", false).await;
    world.assign(user("adam"), false).await;
    world.assign(user("carol"), true).await;
    let status = world.cycle().await;
    assert_eq!((active(&setup), setup.scim.people().len()), (vec!["carol".to_owned()], 3));
    assert_eq!(status["lastExecution"]["countImportedDeltas"], 3);
    let log = setup.log().await;
    let new = &log[lines..];
    assert_eq!(new, ["disable success - Bob Baker", "create success - Carol Chen", "disable success - Adam Admin"]);
    // Both come back as who they were.
    enable(&world, "bob", true).await;
    world.assign(user("adam"), true).await;
    world.cycle().await;
    assert_eq!((active(&setup).len(), setup.scim.people().len()), (3, 3));
}

#[tokio::test]
async fn whoever_leaves_the_scope_may_be_left_alone() {
    let world = contoso().await;
    let setup = world.provisioning("").await;
    world.assign(group(), true).await;
    setup.act("/start").await;
    world.cycle().await;
    let secrets = json!({"value": [{"key": "SkipOutOfScopeDeletions", "value": "True"}]});
    setup.graph.done(204, Method::PUT, &format!("{}/secrets", setup.path), secrets.clone()).await;
    world.assign(group(), false).await;
    setup.scim.writes();
    world.cycle().await;
    assert_eq!((setup.scim.writes(), active(&setup).len()), (vec![], 5));
    let secrets = json!({"value": [{"key": "SkipOutOfScopeDeletions", "value": ""}]});
    setup.graph.done(204, Method::PUT, &format!("{}/secrets", setup.path), secrets).await;
    world.cycle().await;
    assert_eq!((active(&setup).len(), setup.scim.memory().groups.len()), (0, 0));
    assert!(setup.log().await.contains(&"delete success - Devolutions users".to_owned()));
}

#[tokio::test]
async fn one_entry_that_fails_stops_no_other() {
    let world = contoso().await;
    let setup = world.provisioning("").await;
    world.assign(group(), true).await;
    setup.scim.memory().refuses = Some(("bob@contoso.example".to_owned(), 409));
    setup.act("/start").await;
    let status = world.cycle().await;
    let last = &status["lastExecution"];
    assert_eq!((&last["state"], &last["countEscrowed"]), (&json!("EntryLevelErrors"), &json!(1)));
    assert_eq!((&status["code"], &status["lastSuccessfulExecution"]), (&json!("Active"), &Value::Null));
    assert_ne!(status["steadyStateFirstAchievedTime"], NEVER);
    assert_eq!(active(&setup), ["adam", "dave.diaz", "heidi", "ivan"]);
    let conflict = "create failure SystemForCrossDomainIdentityManagementEntryConflict Bob Baker";
    assert!(setup.log().await.contains(&conflict.to_owned()));
    let failed = "/auditLogs/provisioning?$filter=provisioningStatusInfo/status eq 'failure'";
    let failed = setup.graph.get(failed).await;
    let reason = failed["value"][0]["provisioningStatusInfo"]["errorInformation"]["reason"].as_str().unwrap();
    assert!(reason.contains("409") && reason.contains("not so"), "{reason}");
    // It is tried again, and then Bob is in the group, too.
    setup.scim.memory().refuses = None;
    let status = world.cycle().await;
    assert_eq!(status["lastExecution"]["state"], "Succeeded");
    assert_eq!(setup.scim.members("Devolutions users").len(), 5);
}

#[tokio::test]
async fn a_token_that_is_not_taken_puts_the_job_into_quarantine() {
    let world = contoso().await;
    let setup = world.provisioning("").await;
    world.assign(group(), true).await;
    setup.scim.memory().is_revoked = true;
    setup.act("/start").await;
    for series in [1, 2] {
        let status = world.cycle().await;
        let quarantine = &status["quarantine"];
        let code = json!("SystemForCrossDomainIdentityManagementInvalidCredentials");
        assert_eq!((&status["code"], &quarantine["error"]["code"]), (&json!("Quarantine"), &code));
        assert_eq!((&status["lastExecution"]["state"], &quarantine["seriesCount"]), (&json!("Failed"), &json!(series)));
        assert_eq!(status["countSuccessiveCompleteFailures"], series);
        let time = |name: &str| quarantine[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        let minutes = if series == 1 { 5 } else { 6 * 60 };
        assert_eq!(time("nextAttempt").duration_since(time("currentBegan")).as_mins(), minutes);
    }
    setup.scim.memory().is_revoked = false;
    setup.graph.done(204, Method::POST, &setup.job("/restart"), json!({"criteria": {}})).await;
    assert_eq!(setup.status().await["quarantine"], Value::Null);
    let status = world.cycle().await;
    assert_eq!((&status["code"], active(&setup).len()), (&json!("Active"), 5));
}

#[tokio::test]
async fn a_restart_looks_at_everybody_again() {
    let world = contoso().await;
    let setup = world.provisioning("").await;
    world.assign(user("adam"), true).await;
    setup.act("/start").await;
    world.cycle().await;
    // Somebody deletes him there, which the service does not know until it looks.
    setup.scim.memory().users.clear();
    world.cycle().await;
    assert_eq!(active(&setup).len(), 0);
    let scope = json!({"criteria": {"resetScope": "Full"}});
    setup.graph.done(204, Method::POST, &setup.job("/restart"), scope).await;
    assert_eq!(setup.status().await["steadyStateFirstAchievedTime"], NEVER);
    world.cycle().await;
    assert_eq!(active(&setup), ["adam"]);
}

#[tokio::test]
async fn whoever_was_deleted_there_is_made_anew_when_something_is_to_be_told() {
    let world = contoso().await;
    let setup = world.provisioning("").await;
    world.assign(group(), true).await;
    setup.act("/start").await;
    world.cycle().await;
    {
        let mut memory = setup.scim.memory();
        memory.users.retain(|_, it| it["userName"] != "bob@contoso.example");
        let left: Vec<Value> = memory.users.keys().map(|it| json!({"value": it})).collect();
        memory.groups[0]["members"] = json!(left);
    }
    let body = json!({"mail": "bob.baker@contoso.example"});
    world.control.expect(204, Method::PATCH, "/entra/users/bob@contoso.example", Some(body)).await;
    world.cycle().await;
    assert_eq!((active(&setup).len(), setup.scim.members("Devolutions users").len()), (5, 5));
}

#[tokio::test]
async fn cycles_run_by_themselves_and_see_what_has_replicated() {
    let world = contoso_with("provisioningCycleSeconds: 1, entraDelaySeconds: {assignments: 600}").await;
    let setup = world.provisioning("").await;
    let users = setup.graph.get("/groups?$filter=displayName eq 'Devolutions users'").await;
    world.control.expect(204, Method::POST, "/entra/replicate", None).await;
    setup.assign(users["value"][0]["id"].as_str().unwrap()).await;
    setup.act("/start").await;
    let wait = async |done: &dyn Fn(&Value) -> bool| {
        for _ in 0..100 {
            let status = setup.status().await;
            if done(&status) {
                return status;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        panic!("{}", setup.status().await);
    };
    let status = wait(&|it| it["steadyStateFirstAchievedTime"] != NEVER).await;
    assert_eq!((&status["lastExecution"]["countEntitled"], active(&setup).len()), (&json!(0), 0));
    world.control.expect(204, Method::POST, "/entra/replicate", None).await;
    wait(&|it| it["lastSuccessfulExecutionWithExports"] != Value::Null).await;
    assert_eq!(active(&setup).len(), 5);
    setup.act("/pause").await;
    assert_eq!(setup.status().await["code"], "Paused");
}
