//! Journal, violations, faults and holds, as tests of the operator use them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::{World, contoso};

async fn journal(world: &World) -> Vec<Value> {
    world.control.get("/journal").await["entries"].as_array().unwrap().clone()
}

/// A write that changes something: its path, and how often it is in the journal with a status.
async fn write(world: &World) -> (String, Value) {
    let group = world.operator.id("/groups", "SG-Helpdesk").await;
    (format!("/system-permissions/groups/{group}"), json!({"flags": {"addVaults": true}}))
}

async fn is_applied(world: &World) -> bool {
    let set = world.person.get("/system-permissions").await;
    set["groups"].as_object().unwrap().len() == 2
}

#[tokio::test]
async fn the_journal_has_everything_in_order_and_no_secret() {
    let world = contoso().await;
    let (path, body) = write(&world).await;
    world.operator.put(&path, body).await;
    world.person.get("/me").await;
    world.operator.refused(404, Method::GET, "/nope", None).await;
    let entries = journal(&world).await;
    let seqs: Vec<u64> = entries.iter().map(|it| it["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=entries.len() as u64).collect::<Vec<_>>());
    let told = |it: &Value| (it["identity"].clone(), it["method"].clone(), it["status"].clone(), it["isWrite"].clone());
    let expected = [
        (json!("operator"), json!("POST"), json!(200), json!(false)),
        (json!("person"), json!("POST"), json!(200), json!(false)),
        (json!("operator"), json!("GET"), json!(200), json!(false)),
        (json!("operator"), json!("PUT"), json!(200), json!(true)),
        (json!("person"), json!("GET"), json!(200), json!(false)),
        (json!("operator"), json!("GET"), json!(404), json!(false)),
    ];
    assert_eq!(entries.iter().map(told).collect::<Vec<_>>(), expected);
    let text = serde_json::to_string(&entries).unwrap();
    assert!(!text.contains(&world.sandbox.operator.secret) && !text.contains(world.operator.token.as_ref().unwrap()));
    let rest = world.control.get("/journal?after=4").await;
    assert_eq!((&rest["last"], rest["entries"].as_array().unwrap().len()), (&json!(6), 2));
}

#[tokio::test]
async fn what_the_operator_changes_is_a_violation_and_what_people_change_is_not() {
    let world = contoso().await;
    let (path, body) = write(&world).await;
    world.person.put(&path, body.clone()).await;
    world.person.delete(&path).await;
    assert_eq!(world.control.get("/violations").await["total"], 0);
    world.operator.put(&path, body).await;
    let found = world.control.get("/violations").await;
    // Dave and Erin gain one flag, under six rules, against the state before and against the base line.
    assert_eq!(found["total"], 24);
    assert_eq!(found["byRule"]["union"], 4);
    let first = &found["violations"][0];
    assert_eq!(
        (&first["before"], &first["after"], &first["place"]),
        (&json!([]), &json!(["addVaults"]), &json!("system permissions"))
    );
    assert_eq!(first["request"]["path"], format!("/api/v1{path}"));
    let put = journal(&world).await.into_iter().rfind(|it| it["method"] == "PUT").unwrap();
    assert_eq!(first["request"]["seq"], put["seq"]);
}

#[tokio::test]
async fn a_replacement_in_the_right_order_leaves_no_trace_but_the_new_group() {
    let world = contoso().await;
    let (from, to) =
        (world.operator.id("/groups", "Sysadmins").await, world.operator.id("/groups", "Vault-Admins").await);
    let before = world.control.get("/state").await;
    // Leaf to root, as (depth, path of the set, permission).
    let mut held = Vec::new();
    for (depth, path) in [(0, "/system-permissions".to_owned()), (1, "/system-vault-permissions".to_owned())] {
        held.push((depth, world.operator.get(&path).await["groups"][&from].clone(), path));
    }
    for vault in world.operator.get("/vaults").await["data"].as_array().unwrap() {
        let vault = format!("/vaults/{}", vault["id"].as_str().unwrap());
        let set = world.operator.get(&format!("{vault}/permissions")).await;
        held.push((2, set["groups"][&from].clone(), format!("{vault}/permissions")));
        for entry in
            world.operator.get(&format!("{vault}/entries?hasPermissions=true")).await["data"].as_array().unwrap()
        {
            let depth = 3 + entry["ancestorIds"].as_array().unwrap().len();
            let path = format!("{vault}/entries/{}/permissions", entry["id"].as_str().unwrap());
            held.push((depth, entry["permissions"]["groups"][&from].clone(), path));
        }
    }
    held.retain(|(_, permission, _)| !permission.is_null());
    held.sort_by_key(|(depth, _, _)| std::cmp::Reverse(*depth));
    assert_eq!(held.len(), 10);
    for (_, permission, path) in &held {
        world.operator.put(&format!("{path}/groups/{to}"), permission.clone()).await;
    }
    for (_, _, path) in held.iter().rev() {
        world.operator.delete(&format!("{path}/groups/{from}")).await;
    }
    let after = world.control.get("/state").await;
    assert_eq!(world.control.get("/violations").await["total"], 0);
    assert_ne!(after, before);
    // Compared as values: the dictionaries are in the order of ids, and those differ.
    let renamed: Value = serde_json::from_str(&before.to_string().replace(&from, &to)).unwrap();
    assert_eq!(after, renamed);
}

#[tokio::test]
async fn provisioning_changes_members_and_the_base_line() {
    let world = contoso().await;
    let sync = json!({"group": "SG-Auditors", "members": ["carol@contoso.example", "erin@contoso.example"]});
    world.control.expect(204, Method::POST, "/sync", Some(sync)).await;
    let group = world.operator.get(&format!("/groups/{}", world.operator.id("/groups", "SG-Auditors").await)).await;
    assert_eq!(group["userIds"].as_array().unwrap().len(), 2);
    assert!(group["userIds"].as_array().unwrap().contains(&json!(world.operator.id("/users", "Erin Evans").await)));
    for (group, members) in [("Auditors", json!([])), ("SG-Auditors", json!(["nobody@contoso.example"]))] {
        world.control.expect(404, Method::POST, "/sync", Some(json!({"group": group, "members": members}))).await;
    }
    assert_eq!(world.control.get("/violations").await["total"], 0);
}

#[tokio::test]
async fn access_is_told_for_one_user() {
    let world = contoso().await;
    let access = world.control.get("/access?user=dave@contoso.example").await;
    let places = access["places"].as_array().unwrap();
    let tickets = places.iter().find(|it| it["place"] == "vault \"Infrastructure\" / \"Tickets\"").unwrap();
    assert_eq!(tickets["access"]["mostRestrictive"], json!(["viewVault"]));
    assert_eq!(
        tickets["access"]["nearestLevel"],
        json!(["executeEntries", "viewEntries", "viewSensitive", "viewVault"])
    );
}

#[tokio::test]
async fn an_injected_status_refuses_without_effect() {
    let world = contoso().await;
    let (path, body) = write(&world).await;
    let action = json!({"type": "Status", "status": 429, "name": "TooManyRequests", "retryAfterSeconds": 7});
    let fault =
        world.control.fault(json!({"method": "PUT", "path": "/api/v1/system-permissions/**", "action": action})).await;
    let answer = world.operator.send(Method::PUT, &path, Some(body.clone())).await.unwrap();
    assert_eq!(
        (answer.status.as_u16(), &answer.headers["retry-after"], &answer.body["name"]),
        (429, &"7".parse().unwrap(), &json!("TooManyRequests"))
    );
    assert!(!is_applied(&world).await);
    world.operator.put(&path, body).await;
    let faults = world.control.get("/faults").await;
    assert_eq!((&faults["faults"][0]["id"], &faults["faults"][0]["fired"]), (&json!(fault), &json!(1)));
    world.control.delete(&format!("/faults/{fault}")).await;
    world.control.expect(404, Method::DELETE, &format!("/faults/{fault}"), None).await;
    let refused: Vec<Value> = journal(&world).await.into_iter().filter(|it| it["fault"] == json!(fault)).collect();
    assert_eq!((refused.len(), &refused[0]["status"], &refused[0]["isWrite"]), (1, &json!(429), &json!(true)));
}

#[tokio::test]
async fn a_lost_connection_before_or_after_the_effect() {
    for (action, applied, status) in [("DropBeforeCommit", false, 0), ("DropAfterCommit", true, 200)] {
        let world = contoso().await;
        let (path, body) = write(&world).await;
        world.control.fault(json!({"method": "PUT", "action": {"type": action}})).await;
        let lost = world.operator.send(Method::PUT, &path, Some(body.clone())).await.unwrap_err();
        assert!(lost.is_request(), "{action}: {lost:?}");
        assert_eq!(is_applied(&world).await, applied, "{action}");
        let puts: Vec<Value> = journal(&world).await.into_iter().filter(|it| it["method"] == "PUT").collect();
        assert_eq!((puts.len(), &puts[0]["status"]), (1, &json!(status)), "{action}");
        world.operator.put(&path, body).await;
    }
}

#[tokio::test]
async fn a_truncated_answer_breaks_in_its_body() {
    let world = contoso().await;
    world.control.fault(json!({"path": "/api/v1/groups", "action": {"type": "Truncate"}})).await;
    let response = world.operator.request(Method::GET, "/groups").send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.bytes().await.unwrap_err();
    world.operator.get("/groups").await;
}

#[tokio::test]
async fn a_held_write_stands_before_or_after_its_effect() {
    for (action, applied) in [("HoldBeforeCommit", false), ("HoldAfterCommit", true)] {
        let world = contoso().await;
        let (path, body) = write(&world).await;
        let fault =
            world.control.fault(json!({"method": "PUT", "identity": "operator", "action": {"type": action}})).await;
        assert_eq!(world.control.get("/holds").await["holds"], json!([]));
        let operator = world.operator.clone();
        let request = tokio::spawn(async move { operator.send(Method::PUT, &path, Some(body)).await });
        let holds = world.control.get("/holds?wait=30").await["holds"].clone();
        assert_eq!((&holds[0]["faultId"], &holds[0]["method"]), (&json!(fault), &json!("PUT")));
        assert_eq!(is_applied(&world).await, applied, "{action}");
        assert_eq!(journal(&world).await.iter().any(|it| it["method"] == "PUT"), applied, "{action}");
        let hold = format!("/holds/{}", holds[0]["id"]);
        world.control.delete(&hold).await;
        assert_eq!(request.await.unwrap().unwrap().status, 200);
        assert!(is_applied(&world).await);
        // It is gone, and letting it go again is no error.
        assert_eq!(world.control.get("/holds").await["holds"], json!([]));
        world.control.delete(&hold).await;
        world.control.expect(404, Method::DELETE, "/holds/99", None).await;
    }
}

#[tokio::test]
async fn a_held_write_whose_client_goes_away_does_not_take_effect_later() {
    for http2 in [true, false] {
        for (action, times) in [("HoldBeforeCommit", 0), ("HoldAfterCommit", 1)] {
            let world = contoso().await;
            let (path, body) = write(&world).await;
            world.control.fault(json!({"method": "PUT", "action": {"type": action}})).await;
            let ca = reqwest::Certificate::from_pem(world.sandbox.ca.as_bytes()).unwrap();
            let builder = reqwest::Client::builder().tls_certs_only([ca]);
            let client = if http2 { builder } else { builder.http1_only() }.build().unwrap();
            let operator = support::Caller { client, ..world.operator.clone() };
            let request = tokio::spawn(async move { operator.send(Method::PUT, &path, Some(body)).await });
            let hold = world.control.get("/holds?wait=30").await["holds"][0]["id"].clone();
            request.abort();
            assert!(request.await.unwrap_err().is_cancelled());
            // The hold ends by itself once the sandbox notices.
            while world.control.get("/holds").await["holds"] != json!([]) {
                tokio::task::yield_now().await;
            }
            world.control.delete(&format!("/holds/{hold}")).await;
            let puts = journal(&world).await.iter().filter(|it| it["method"] == "PUT").count();
            assert_eq!((puts, is_applied(&world).await), (times, times == 1), "{action}, http2: {http2}");
        }
    }
}

#[tokio::test]
async fn a_slow_answer_comes_after_all() {
    let world = contoso().await;
    world.control.fault(json!({"path": "/api/v1/me", "action": {"type": "Slow", "millis": 30}})).await;
    assert_eq!(world.operator.get("/me").await["name"], "Migration operator");
}

#[tokio::test]
async fn nonsense_in_a_fault_is_refused() {
    let world = contoso().await;
    for (rule, status) in [
        (json!({"action": {"type": "Explode"}}), 422),
        (json!({"pth": "/x", "action": {"type": "Truncate"}}), 422),
        (json!({"path": "[", "action": {"type": "Truncate"}}), 400),
    ] {
        world.control.expect(status, Method::POST, "/faults", Some(rule)).await;
    }
}

#[tokio::test]
async fn the_world_is_told_in_numbers() {
    let world = contoso().await;
    let told = world.control.get("/world").await;
    assert_eq!((&told["users"], &told["vaults"], &told["entries"]), (&json!(12), &json!(4), &json!(16)));
    assert_eq!(
        (&told["groups"][0]["name"], &told["groups"][0]["kind"], &told["groups"][0]["assignments"]),
        (&json!("Sysadmins"), &json!("custom"), &json!(10))
    );
}
