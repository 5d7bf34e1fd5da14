//! What SCIM does to the tenant where no source tells: one switch each.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::scim::{HELPDESK, NEW, group, members, no_violations, required, start, user};

#[tokio::test]
async fn users_are_matched_by_what_the_switch_says() {
    // Dave's UPN is not his e-mail address.
    let dave = || json!({"emails": [{"type": "work", "value": "dave@contoso.example"}]});
    for (switches, listed) in [("", json!([])), ("matchUsersBy: upn", json!(["dave.diaz@contoso.example"]))] {
        let (world, scim) = start(switches).await;
        let id = scim.user("dave.diaz@contoso.example", dave()).await;
        let emails: Value = required(&world).await.as_array().unwrap().iter().map(|it| it["email"].clone()).collect();
        assert_eq!(emails, listed, "{switches}");
        scim.patch(200, &format!("/Users/{id}"), json!([{"op": "Remove", "path": "emails"}])).await;
        assert_eq!(required(&world).await[0]["email"], "dave.diaz@contoso.example", "where there is none");
    }
}

#[tokio::test]
async fn a_group_that_is_deleted_loses_its_members_or_goes() {
    for (switches, is_there) in [("", true), ("scimDeletesUnassigned: true", false)] {
        let (world, scim) = start(switches).await;
        let vault = world.person.id("/vaults", "Infrastructure").await;
        let (synced, ..) = group(&world, "SG-Helpdesk", true).await.unwrap();
        let permissions = format!("/vaults/{vault}/permissions");
        world.person.put(&format!("{permissions}/groups/{synced}"), json!({"flags": {"viewVault": true}})).await;
        let id = scim.group("SG-Helpdesk", HELPDESK).await;
        scim.expect(204, Method::DELETE, &format!("/Groups/{id}"), None).await;
        let found = group(&world, "SG-Helpdesk", true).await;
        assert_eq!(found, is_there.then(|| (synced.clone(), json!(HELPDESK), String::new())), "{switches}");
        let held = &world.operator.get(&permissions).await["groups"][&synced];
        assert_eq!(held.is_object(), is_there);
        scim.refused(404, Method::GET, &format!("/Groups/{id}"), None).await;
        no_violations(&world).await;
    }
}

#[tokio::test]
async fn custom_groups_may_be_listed_and_then_be_taken_over() {
    let (world, scim) = start("scimListsCustomGroups: true").await;
    assert_eq!(scim.get("/Groups").await["totalResults"], 10);
    let found = scim.find("/Groups", "displayName eq \"Sysadmins\"", "&excludedAttributes=members").await;
    let id = found["Resources"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(scim.get(&format!("/Groups/{id}")).await["displayName"], "Sysadmins");
    let taken = json!({"displayName": "Helpdesk"});
    assert_eq!(scim.refused(409, Method::POST, "/Groups", Some(taken)).await, "uniqueness");
    assert_eq!(group(&world, "Sysadmins", false).await.unwrap().2, "ABCF");
    let erin = scim.user("erin@contoso.example", json!({})).await;
    scim.add(&id, &[&erin]).await;
    assert!(group(&world, "Sysadmins", false).await.is_none());
    assert_eq!(group(&world, "Sysadmins", true).await.unwrap().2, "ABCEF");
    assert_eq!(scim.get("/Groups").await["totalResults"], 10);
    no_violations(&world).await;
}

#[tokio::test]
async fn what_comes_may_be_kept_back_until_it_is_activated() {
    let (world, scim) = start("scimNeedsActivation: true").await;
    let olivia = scim.user("olivia@contoso.example", json!({})).await;
    let frank = scim.user("bob@contoso.example", json!({"active": false})).await;
    scim.user("ivan@contoso.example", json!({})).await;
    let id = scim.group("SG-New", NEW).await;
    scim.add(&id, &[&olivia, &frank]).await;
    assert_eq!(scim.get(&format!("/Groups/{id}")).await["members"].as_array().unwrap().len(), 2);
    assert_eq!(user(&world, "Olivia Owner").await["isSynced"], false);
    assert!(group(&world, "SG-New", true).await.is_none());
    assert_eq!(required(&world).await, json!([]));
    world.operator.expect(200, Method::POST, "/authentication/provisioning/activate", None).await;
    assert_eq!(user(&world, "Olivia Owner").await["isSynced"], true);
    assert_eq!(user(&world, "Bob Baker").await["isEnabled"], false);
    assert_eq!(members(&world, "SG-New").await, "BO");
    assert_eq!(required(&world).await.as_array().unwrap().len(), 1);
    let carol = scim.user("carol@contoso.example", json!({})).await;
    scim.add(&id, &[&carol]).await;
    assert_eq!(members(&world, "SG-New").await, "BCO");
}

#[tokio::test]
async fn members_may_appear_only_when_they_sign_in() {
    let (world, scim) = start("membersAppearAtLogin: true").await;
    let id = scim.group("SG-New", NEW).await;
    let bob = scim.user("bob@contoso.example", json!({})).await;
    let carol = scim.user("carol@contoso.example", json!({})).await;
    scim.add(&id, &[&bob, &carol]).await;
    assert_eq!(members(&world, "SG-New").await, "");
    world.able().await;
    assert_eq!(members(&world, "SG-New").await, "", "nobody has signed in");
    assert_eq!(world.sign_in("bob@contoso.example").await, "ok");
    assert_eq!(members(&world, "SG-New").await, "B");
    scim.patch(204, &format!("/Groups/{id}"), json!([{"op": "Remove", "path": "members", "value": [{"value": bob}]}]))
        .await;
    scim.add(&id, &[&bob]).await;
    assert_eq!(members(&world, "SG-New").await, "", "again only when he signs in");
}
