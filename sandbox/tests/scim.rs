//! What SCIM does to the tenant: who is synced, which groups there are, who is in them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::scim::{HELPDESK, NEW, Scim, error, group, members, no_violations, provisioned, required, start, user};

#[tokio::test]
async fn users_who_are_there_are_synced_and_others_have_to_be_invited() {
    let (world, scim) = start("").await;
    assert_eq!(user(&world, "Olivia Owner").await["isSynced"], false);
    scim.user("OLIVIA@contoso.example", json!({})).await;
    assert_eq!(user(&world, "Olivia Owner").await["isSynced"], true);
    let ivan = scim.user("ivan@contoso.example", json!({"displayName": "Ivan Ito"})).await;
    let group = scim.group("SG-New", NEW).await;
    scim.add(&group, &[&ivan]).await;
    let expected = json!([{"email": "ivan@contoso.example", "displayName": "Ivan Ito", "groups": ["SG-New"]}]);
    assert_eq!(required(&world).await, expected);
    assert_eq!(members(&world, "SG-New").await, "");
    // Of another domain, and invited already.
    let grace = scim.user("grace@partner.example", json!({})).await;
    let heidi = scim.user("heidi@contoso.example", json!({})).await;
    assert_eq!(error(&world, &grace).await, "DomainNotVerified");
    assert_eq!(error(&world, &heidi).await, "InvitationPending");
    assert_eq!(user(&world, "Grace Green").await["isSynced"], false);
    assert_eq!(user(&world, "Heidi Hill").await["isSynced"], false);
    let again =
        scim.user("x@contoso.example", json!({"emails": [{"type": "work", "value": "olivia@contoso.example"}]})).await;
    assert_eq!(error(&world, &again).await, "UserTaken");
    assert_eq!(required(&world).await, expected);
    scim.patch(200, &format!("/Users/{ivan}"), json!([{"op": "Replace", "path": "active", "value": "False"}])).await;
    assert_eq!(required(&world).await, json!([]));
    no_violations(&world).await;
}

#[tokio::test]
async fn a_domain_counts_from_the_next_write_after_it_is_verified() {
    let (world, scim) = start("").await;
    let status = async |status: &str| {
        let path = "/sso/domains/contoso.example";
        world.control.expect(204, Method::PUT, path, Some(json!({"status": status}))).await;
    };
    status("Expired").await;
    let olivia = scim.user("olivia@contoso.example", json!({})).await;
    assert_eq!(error(&world, &olivia).await, "DomainNotVerified");
    status("Verified").await;
    scim.patch(200, &format!("/Users/{olivia}"), json!([{"op": "Add", "path": "title", "value": "Owner"}])).await;
    assert_eq!(error(&world, &olivia).await, Value::Null);
    assert_eq!(user(&world, "Olivia Owner").await["isSynced"], true);
}

#[tokio::test]
async fn whoever_scim_disables_it_enables_again_and_nobody_else() {
    let (world, scim) = start("").await;
    let bob = scim.user("bob@contoso.example", json!({})).await;
    scim.user("frank@contoso.example", json!({})).await;
    assert_eq!(user(&world, "Frank Fox").await["isEnabled"], false, "a person has disabled him");
    let active = async |operation: Value, expected: bool| {
        let shown = scim.patch(200, &format!("/Users/{bob}"), json!([operation])).await;
        assert_eq!(shown["active"], expected);
        assert_eq!(user(&world, "Bob Baker").await["isEnabled"], expected);
    };
    active(json!({"op": "Replace", "path": "active", "value": "False"}), false).await;
    active(json!({"op": "Replace", "path": "active", "value": "True"}), true).await;
    active(json!({"op": "replace", "value": {"active": false}}), false).await;
    assert_eq!(world.sign_in("bob@contoso.example").await, "match UserDisabled");
    active(json!({"op": "add", "path": "active", "value": true}), true).await;
    assert_eq!(world.sign_in("bob@contoso.example").await, "ok");
    scim.expect(204, Method::DELETE, &format!("/Users/{bob}"), None).await;
    let bob = user(&world, "Bob Baker").await;
    assert_eq!((&bob["isSynced"], &bob["isEnabled"]), (&json!(false), &json!(true)));
}

#[tokio::test]
async fn groups_are_found_by_id_then_by_name_else_made() {
    let (world, scim) = start("").await;
    let before = world.operator.get("/groups").await["totalCount"].as_u64().unwrap();
    assert_eq!(scim.get("/Groups").await["totalResults"], 0);
    let (helpdesk, _, people) = group(&world, "SG-Helpdesk", true).await.unwrap();
    assert_eq!(people, "DE");
    // By id, with a new name; it keeps its members.
    scim.group("SG-Service-Desk", HELPDESK).await;
    assert_eq!(group(&world, "SG-Service-Desk", true).await, Some((helpdesk, json!(HELPDESK), "DE".to_owned())));
    // By name; the custom group of that name is left alone.
    let (operators, ..) = group(&world, "Vault-Operators", true).await.unwrap();
    let custom = group(&world, "Vault-Operators", false).await;
    scim.group("vault-operators", NEW).await;
    let (id, external_id, _) = group(&world, "vault-operators", true).await.unwrap();
    assert_eq!((id, external_id), (operators, json!(NEW)));
    assert_eq!(group(&world, "Vault-Operators", false).await, custom);
    assert_eq!(world.operator.get("/groups").await["totalCount"], before);
    scim.group("Sysadmins", "5d0f3b1e-8a5c-4c1e-9d57-3f2b6a7c9e98").await;
    assert_eq!(world.operator.get("/groups").await["totalCount"], before + 1);
    assert_eq!(members(&world, "Sysadmins").await, "");
    let renamed = json!([{"op": "Replace", "path": "displayName", "value": "SG-Sysadmins"}]);
    let id = scim.find("/Groups", "displayName eq \"Sysadmins\"", "").await["Resources"][0]["id"].clone();
    scim.patch(204, &format!("/Groups/{}", id.as_str().unwrap()), renamed).await;
    assert_eq!(members(&world, "SG-Sysadmins").await, "");
}

#[tokio::test]
async fn members_come_and_go_with_those_who_are_there() {
    let (world, scim) = start("").await;
    let id = scim.group("SG-New", NEW).await;
    let path = format!("/Groups/{id}");
    let bob = scim.user("bob@contoso.example", json!({})).await;
    let carol = scim.user("carol@contoso.example", json!({})).await;
    let ivan = scim.user("ivan@contoso.example", json!({})).await;
    scim.add(&id, &[&bob, &carol, &ivan]).await;
    assert_eq!(members(&world, "SG-New").await, "BC");
    scim.patch(204, &path, json!([{"op": "Remove", "path": "members", "value": [{"$ref": null, "value": bob}]}])).await;
    assert_eq!(members(&world, "SG-New").await, "C");
    scim.patch(204, &path, json!([{"op": "remove", "path": format!("members[value eq \"{carol}\"]")}])).await;
    assert_eq!(members(&world, "SG-New").await, "");
    // Somebody who is there only later: by a new e-mail address.
    let operation =
        json!([{"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "erin@contoso.example"}]);
    scim.patch(200, &format!("/Users/{ivan}"), operation).await;
    assert_eq!(members(&world, "SG-New").await, "E");
    scim.expect(204, Method::DELETE, &format!("/Users/{ivan}"), None).await;
    assert_eq!(members(&world, "SG-New").await, "");
    let whole = json!({"displayName": "SG-New", "externalId": NEW, "members": [{"value": bob}]});
    assert_eq!(scim.expect(200, Method::PUT, &path, Some(whole)).await["members"], json!([{"value": bob}]));
    assert_eq!(members(&world, "SG-New").await, "B");
    let nobody = json!([{"op": "Add", "path": "members", "value": [{"value": NEW}]}]);
    let body = json!({"Operations": nobody});
    assert_eq!(scim.refused(400, Method::PATCH, &path, Some(body)).await, "invalidValue");
    no_violations(&world).await;
}

#[tokio::test]
async fn who_was_in_a_group_before_stays_until_something_else_is_said() {
    let (world, scim) = start("").await;
    let id = scim.group("SG-Helpdesk", HELPDESK).await;
    let emails = json!({"emails": [{"type": "work", "value": "dave@contoso.example"}]});
    let dave = scim.user("dave.diaz@contoso.example", emails).await;
    let bob = scim.user("bob@contoso.example", json!({})).await;
    scim.add(&id, &[&dave, &bob]).await;
    assert_eq!(members(&world, "SG-Helpdesk").await, "BDE");
    scim.patch(
        204,
        &format!("/Groups/{id}"),
        json!([{"op": "remove", "path": format!("members[value eq \"{dave}\"]")}]),
    )
    .await;
    assert_eq!(members(&world, "SG-Helpdesk").await, "BE");
    let operation = json!([{"op": "replace", "path": "members", "value": [{"value": bob}]}]);
    scim.patch(204, &format!("/Groups/{id}"), operation).await;
    assert_eq!(members(&world, "SG-Helpdesk").await, "B");
}

#[tokio::test]
async fn what_scim_changes_is_a_new_base_line() {
    let (world, scim) = start("").await;
    let vault = world.person.id("/vaults", "Infrastructure").await;
    let (synced, ..) = group(&world, "SG-Helpdesk", true).await.unwrap();
    let permission = format!("/vaults/{vault}/permissions/groups/{synced}");
    world.person.put(&permission, json!({"flags": {"viewPassword": true}})).await;
    let id = scim.group("SG-Helpdesk", HELPDESK).await;
    let bob = scim.user("bob@contoso.example", json!({})).await;
    scim.add(&id, &[&bob]).await;
    no_violations(&world).await;
    // Were the operator to take it away, Bob would lose something.
    world.operator.delete(&permission).await;
    let violations = world.control.get("/violations").await["violations"].as_array().unwrap().clone();
    assert!(violations.iter().any(|it| it["userName"] == "Bob Baker"));
}

#[tokio::test]
async fn the_journal_tells_who_it_was() {
    let world = provisioned("").await;
    let scim = Scim::new(&world);
    let fault = json!({
        "system": "Scim", "identity": "scim", "path": "/scim/v2/Users",
        "action": {"type": "Status", "status": 429, "name": "tooMany", "retryAfterSeconds": 1},
    });
    world.control.fault(fault).await;
    assert_eq!(scim.refused(429, Method::GET, "/Users?count=1", None).await, "tooMany");
    scim.user("bob@contoso.example", json!({})).await;
    Scim { token: "made-up".to_owned(), ..scim.clone() }.refused(401, Method::GET, "/Users", None).await;
    let entries = world.control.get("/journal").await["entries"].as_array().unwrap().clone();
    let of_scim: Vec<_> = entries.iter().filter(|it| it["system"] == "Scim").collect();
    let told: Vec<Value> = of_scim
        .iter()
        .map(|it| json!([it["identity"], it["method"], it["path"], it["status"], it["isWrite"]]))
        .collect();
    let expected = json!([
        ["scim", "GET", "/scim/v2/Users", 429, false],
        ["scim", "POST", "/scim/v2/Users", 201, true],
        [null, "GET", "/scim/v2/Users", 401, false],
    ]);
    assert_eq!(json!(told), expected);
    assert_eq!(of_scim[0]["query"], "count=1");
}
