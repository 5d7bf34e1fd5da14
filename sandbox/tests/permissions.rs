//! Who may write what, what is kept of it, and what the switches change.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::{World, answer, contoso, contoso_with, world};

async fn group(world: &World, name: &str) -> String {
    world.operator.id("/groups", name).await
}

#[tokio::test]
async fn a_permission_is_kept_as_it_was_written() {
    let world = contoso().await;
    let group = group(&world, "SG-Helpdesk").await;
    let path = format!("/system-vault-permissions/groups/{group}");
    let text = r#"{"zeta":{"b":1,"a":[null,2.50]},"flags":{"viewPassword":true,"addEntries":false,"ofALaterVersion":true},"alpha":"x"}"#;
    let request = world.operator.request(Method::PUT, &path).header("content-type", "application/json").body(text);
    assert_eq!(answer(request).await.unwrap().status, 200);
    let state =
        world.operator.request(Method::GET, "/system-vault-permissions").send().await.unwrap().text().await.unwrap();
    // Order and unknown fields as written; only the form of a number may differ.
    let kept = text.replace("2.50", "2.5");
    assert!(state.contains(&format!("\"{group}\":{kept}")), "{state}");
}

#[tokio::test]
async fn a_put_overwrites_and_a_delete_of_nothing_is_404() {
    let world = contoso().await;
    let path = format!("/system-permissions/groups/{}", group(&world, "Sysadmins").await);
    world.operator.put(&path, json!({"flags": {"addVaults": true}})).await;
    assert_eq!(world.operator.get("/system-permissions").await["groups"].as_object().unwrap().len(), 1);
    world.operator.delete(&path).await;
    let refused = world.operator.refused(404, Method::DELETE, &path, None).await;
    assert_eq!(refused, (0, "PermissionNotFound".to_owned()));
}

#[tokio::test]
async fn what_is_no_permission_is_refused() {
    let world = contoso().await;
    let group = group(&world, "Helpdesk").await;
    let vault_role = world.operator.id("/vault-roles", "Readers").await;
    let entry_role = world.operator.id("/entry-roles", "Readers").await;
    assert_ne!(vault_role, entry_role);
    let all = format!("/system-vault-permissions/groups/{group}");
    for body in [
        json!({}),
        json!({"flags": {"a": true}, "roleId": vault_role}),
        json!({"flags": {"a": "yes"}}),
        json!({"flags": ["a"]}),
        json!({"roleId": entry_role}),
        json!({"roleId": "Readers"}),
        json!([]),
    ] {
        assert_eq!(world.operator.refused(400, Method::PUT, &all, Some(body)).await, (0, "InvalidData".to_owned()));
    }
    world.operator.put(&all, json!({"roleId": vault_role})).await;
    let system = format!("/system-permissions/groups/{group}");
    world.operator.refused(400, Method::PUT, &system, Some(json!({"roleId": vault_role}))).await;
}

#[tokio::test]
async fn a_write_with_an_old_etag_changes_nothing() {
    let world = contoso().await;
    let path = format!("/system-permissions/groups/{}", group(&world, "Helpdesk").await);
    let read = async || answer(world.operator.request(Method::GET, "/system-permissions")).await.unwrap();
    let write = async |etag: &str| {
        let request = world
            .operator
            .request(Method::PUT, &path)
            .header("If-Match", etag)
            .json(&json!({"flags": {"addVaults": true}}));
        answer(request).await.unwrap()
    };
    let before = read().await;
    let etag = before.headers["etag"].to_str().unwrap().to_owned();
    let stale = write("\"0000000000000000\"").await;
    assert_eq!((stale.status.as_u16(), &stale.body["name"]), (412, &json!("PreconditionFailed")));
    assert_eq!(read().await.body, before.body);
    assert_eq!(write(&etag).await.status, 200);
    assert_eq!(write(&etag).await.status, 412);
    assert_ne!(read().await.headers["etag"].to_str().unwrap(), etag);
    world.operator.delete(&path).await;
    assert_eq!(read().await.headers["etag"].to_str().unwrap(), etag, "equal content has an equal tag");
}

#[tokio::test]
async fn without_etags_nothing_is_compared() {
    let world = contoso_with("noETag: true").await;
    let read = answer(world.operator.request(Method::GET, "/system-permissions")).await.unwrap();
    assert!(!read.headers.contains_key("etag"));
    let path = format!("/system-permissions/groups/{}", group(&world, "Helpdesk").await);
    let request = world.operator.request(Method::PUT, &path).header("If-Match", "\"old\"").json(&json!({"flags": {}}));
    assert_eq!(answer(request).await.unwrap().status, 200);
}

#[tokio::test]
async fn what_a_server_cannot_tell_it_leaves_out() {
    let told = contoso().await;
    let groups = told.operator.get("/groups").await["data"].clone();
    assert_eq!((&groups[0]["isSynced"], &groups[0]["externalId"]), (&json!(false), &Value::Null));
    assert_eq!(
        (&groups[1]["isSynced"], &groups[1]["externalId"]),
        (&json!(true), &json!("5d0f3b1e-8a5c-4c1e-9d57-3f2b6a7c9e01"))
    );
    let silent = contoso_with("noIsSynced: true, noExternalId: true").await;
    for list in ["/groups", "/users"] {
        for item in silent.operator.get(list).await["data"].as_array().unwrap() {
            assert_eq!((item.get("isSynced"), item.get("externalId")), (None, None), "{item}");
        }
    }
}

#[tokio::test]
async fn synced_groups_are_not_written() {
    let world = contoso().await;
    let path = format!("/groups/{}", group(&world, "Vault-Admins").await);
    let bob = world.operator.id("/users", "Bob Baker").await;
    for (method, path, body) in [
        (Method::PATCH, path.clone(), Some(json!({"name": "x"}))),
        (Method::DELETE, path.clone(), None),
        (Method::POST, format!("{path}/members"), Some(json!({"userIds": [bob]}))),
        (Method::DELETE, format!("{path}/members/{bob}"), None),
    ] {
        let refused = world.operator.refused(403, method, &path, body).await;
        assert_eq!(refused, (13, "OrganizationSynchronizedMember".to_owned()));
    }
}

#[tokio::test]
async fn hidden_vaults_are_as_if_they_were_not_there() {
    let world = contoso_with("hiddenVaults: [Finance]").await;
    let names = |body: Value| body["data"].as_array().unwrap().iter().map(|it| it["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names(world.operator.get("/vaults").await), ["Infrastructure", "Network", "Workplace"]);
    assert_eq!(names(world.person.get("/vaults").await).len(), 4);
    let finance = world.person.id("/vaults", "Finance").await;
    for path in [format!("/vaults/{finance}/permissions"), format!("/vaults/{finance}/entries")] {
        let refused = world.operator.refused(404, Method::GET, &path, None).await;
        assert_eq!(refused, (0, "VaultNotFound".to_owned()));
        world.person.get(&path).await;
    }
}

#[tokio::test]
async fn an_entry_grant_can_need_a_vault_grant_first() {
    for (switch, expected) in [("false", 200), ("true", 403)] {
        let world = contoso_with(&format!("restrictedNeedsVaultGrantFirst: {switch}")).await;
        let group = group(&world, "SG-Helpdesk").await;
        let vault = world.operator.id("/vaults", "Infrastructure").await;
        let entry = world.operator.id(&format!("/vaults/{vault}/entries"), "Tickets").await;
        let path = format!("/vaults/{vault}/entries/{entry}/permissions/groups/{group}");
        let body = json!({"flags": {"viewEntries": true}});
        world.operator.expect(expected, Method::PUT, &path, Some(body.clone())).await;
        world
            .operator
            .put(&format!("/vaults/{vault}/permissions/groups/{group}"), json!({"flags": {"viewVault": true}}))
            .await;
        world.operator.put(&path, body).await;
    }
}

const WEAK: &str = "
organization: Test
users:
  - {name: Migration operator, type: Application}
groups: [{name: G, kind: custom}]
permissions:
  allVaults: [{user: Migration operator, role: Readers}]
vaults:
  - {name: Read only}
  - {name: Owned, permissions: [{user: Migration operator, role: Vault owners}]}
";

#[tokio::test]
async fn rights_are_enforced() {
    let world = world(WEAK).await;
    let denied = (8, "AccessDenied".to_owned());
    for path in ["/users", "/groups", "/system-permissions", "/system-vault-permissions", "/siem-logs"] {
        assert_eq!(world.operator.refused(403, Method::GET, path, None).await, denied, "{path}");
    }
    let group = world.person.id("/groups", "G").await;
    let body = || Some(json!({"flags": {"viewVault": true}}));
    for path in ["/system-permissions", "/system-vault-permissions"] {
        assert_eq!(world.operator.refused(403, Method::PUT, &format!("{path}/groups/{group}"), body()).await, denied);
    }
    let vault = async |name| format!("/vaults/{}/permissions/groups/{group}", world.operator.id("/vaults", name).await);
    assert_eq!(world.operator.refused(403, Method::PUT, &vault("Read only").await, body()).await, denied);
    world.operator.expect(200, Method::PUT, &vault("Owned").await, body()).await;
    // The system permission gives the right at once.
    let me = world.operator.get("/me").await["userId"].as_str().unwrap().to_owned();
    let flags = json!({"flags": {"manageSystemConfiguration": true, "manageUsersGroups": true}});
    world.person.put(&format!("/system-permissions/users/{me}"), flags).await;
    world.operator.get("/groups").await;
    world.operator.expect(200, Method::PUT, &format!("/system-vault-permissions/groups/{group}"), body()).await;
}

#[tokio::test]
async fn a_token_ends() {
    let world = contoso_with("tokenLifetimeSeconds: 0").await;
    world.operator.refused(401, Method::GET, "/me", None).await;
    let world = contoso().await;
    world.operator.expect(204, Method::POST, "/logout", None).await;
    world.operator.refused(401, Method::GET, "/me", None).await;
    world.person.get("/me").await;
}

#[tokio::test]
async fn entries_with_permissions_bring_their_whole_chain() {
    let world = contoso().await;
    let vault = world.operator.id("/vaults", "Infrastructure").await;
    let all = world.operator.get(&format!("/vaults/{vault}/entries")).await;
    let some = world.operator.get(&format!("/vaults/{vault}/entries?hasPermissions=true")).await;
    assert_eq!((&all["totalCount"], &some["totalCount"]), (&json!(8), &json!(5)));
    let id = |name: &str| all["data"].as_array().unwrap().iter().find(|it| it["name"] == name).unwrap()["id"].clone();
    let leaf = some["data"].as_array().unwrap().iter().find(|it| it["name"] == "Domain administrator").unwrap();
    // The folder above it is not listed, having no permissions.
    assert_eq!(leaf["ancestorIds"], json!([id("Servers"), id("Windows")]));
    assert_eq!(leaf["parentId"], id("Windows"));
    assert_eq!(some["data"].as_array().unwrap().iter().filter(|it| it["id"] == id("Windows")).count(), 0);
}

#[tokio::test]
async fn administrative_actions_are_logged() {
    let world = contoso().await;
    let path = format!("/system-permissions/groups/{}", group(&world, "Sysadmins").await);
    world.person.delete(&path).await;
    let logs = world.operator.get("/siem-logs?from=2000-01-01T00:00:00Z").await;
    assert_eq!(
        (&logs["data"][0]["actor"], &logs["data"][0]["action"]),
        (&json!("Alice Admin"), &json!("RemovePermission"))
    );
    assert_eq!(world.operator.get("/siem-logs?from=9000-01-01T00:00:00Z").await["totalCount"], 0);
}
