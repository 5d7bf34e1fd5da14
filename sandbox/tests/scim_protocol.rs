//! SCIM as a protocol: resources, lists, PATCH and refusals (RFC 7643 and 7644), as Entra's client uses it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::World;
use support::scim::{Scim, provisioned};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

async fn start() -> (World, Scim) {
    let world = provisioned("").await;
    let scim = Scim::new(&world);
    (world, scim)
}

#[tokio::test]
async fn entra_tests_the_connection() {
    let (_world, scim) = start().await;
    let found = scim.find("/Users", "userName eq \"3f0f0b0e-4b7c-4d53-a0a3-0c0b1a2f9e11\"", "").await;
    let empty = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": 0, "itemsPerPage": 0,
        "startIndex": 1, "Resources": [],
    });
    assert_eq!(found, empty);
}

#[tokio::test]
async fn a_user_is_shown_as_it_was_sent() {
    let (_world, scim) = start().await;
    let more =
        json!({"nickName": "Bo", ENTERPRISE: {"department": "IT"}, "unknown": {"a": [1]}, "id": "x", "title": null});
    let id = scim.user("bob@contoso.example", more).await;
    let user = scim.get(&format!("/Users/{id}")).await;
    assert_eq!(user["schemas"], json!(["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE]));
    assert_eq!((&user["id"], &user["active"], &user["unknown"]), (&json!(id), &json!(true), &json!({"a": [1]})));
    assert_eq!(user["emails"][0]["value"], "bob@contoso.example");
    assert_eq!((user.get("title"), user.get("roles")), (None, None), "what is empty is left out");
    let meta = &user["meta"];
    assert_eq!(
        (&meta["resourceType"], &meta["location"]),
        (&json!("User"), &json!(format!("{}/Users/{id}", scim.base)))
    );
    assert!(meta["created"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
    // A whole one replaces it.
    let whole = json!({"USERNAME": "bob@contoso.example", "active": "False"});
    let user = scim.expect(200, Method::PUT, &format!("/Users/{id}"), Some(whole)).await;
    assert_eq!((&user["userName"], &user["active"]), (&json!("bob@contoso.example"), &json!(false)));
    assert_eq!((user.get("nickName"), &user["id"]), (None, &json!(id)));
}

#[tokio::test]
async fn users_and_groups_are_looked_up() {
    let (_world, scim) = start().await;
    let bob = scim.user("bob@contoso.example", json!({})).await;
    let other = json!({"emails": [{"type": "home", "value": "bob@contoso.example"}]});
    let carol = scim.user("carol@contoso.example", other).await;
    let group = scim.group("SG-\"New\"", "5d0f3b1e-8a5c-4c1e-9d57-3f2b6a7c9e99").await;
    scim.add(&group, &[&bob]).await;
    for (endpoint, filter, expected) in [
        ("/Users", "userName eq \"BOB@contoso.example\"".to_owned(), Some(&bob)),
        ("/Users", "externalId eq \"carol\"".to_owned(), Some(&carol)),
        ("/Users", "displayName eq \"carol\" and active eq true".to_owned(), Some(&carol)),
        ("/Users", "emails[type eq \"work\"].value eq \"bob@contoso.example\"".to_owned(), Some(&bob)),
        ("/Users", "emails[type eq \"work\"].value eq \"carol@contoso.example\"".to_owned(), None),
        ("/Users", format!("id eq \"{carol}\""), Some(&carol)),
        ("/Groups", "displayName eq \"sg-\\\"new\\\"\"".to_owned(), Some(&group)),
        ("/Groups", "externalId eq \"5d0f3b1e-8a5c-4c1e-9d57-3f2b6a7c9e99\"".to_owned(), Some(&group)),
        ("/Groups", format!("id eq \"{group}\" and members eq \"{bob}\""), Some(&group)),
        ("/Groups", format!("id eq \"{group}\" and members eq \"{carol}\""), None),
    ] {
        let found = scim.find(endpoint, &filter, "").await;
        assert_eq!(found["totalResults"], u64::from(expected.is_some()), "{filter}");
        assert_eq!(found["Resources"][0]["id"].as_str(), expected.map(String::as_str), "{filter}");
    }
    for wrong in ["userName", "userName is \"x\""] {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("filter", wrong).finish();
        assert_eq!(scim.refused(400, Method::GET, &format!("/Users?{query}"), None).await, "invalidFilter");
    }
}

#[tokio::test]
async fn lists_come_in_pages_and_show_what_is_asked_for() {
    let (_world, scim) = start().await;
    for number in 1..=5 {
        scim.user(&format!("user{number}@contoso.example"), json!({})).await;
    }
    for (query, start, names) in [
        ("startIndex=2&count=2", 2, vec!["user2", "user3"]),
        ("startIndex=5&count=2", 5, vec!["user5"]),
        ("startIndex=9", 9, vec![]),
        ("startIndex=0&count=1", 1, vec!["user1"]),
        ("count=0", 1, vec![]),
        ("count=-1", 1, vec![]),
    ] {
        let list = scim.get(&format!("/Users?{query}")).await;
        let found: Vec<&str> =
            list["Resources"].as_array().unwrap().iter().map(|it| it["displayName"].as_str().unwrap()).collect();
        assert_eq!((&list["totalResults"], &list["startIndex"]), (&json!(5), &json!(start)), "{query}");
        assert_eq!(list["itemsPerPage"], names.len(), "{query}");
        assert_eq!(found, names, "{query}");
    }
    assert_eq!(scim.refused(400, Method::GET, "/Users?count=x", None).await, "invalidValue");
    let one = scim.get("/Users?attributes=userName,name.givenName&count=1").await["Resources"][0].clone();
    let names: Vec<&String> = one.as_object().unwrap().keys().collect();
    assert_eq!(names, ["schemas", "id", "userName", "name"]);
    let user = one["id"].as_str().unwrap().to_owned();
    let group = scim.group("SG-New", "5d0f3b1e-8a5c-4c1e-9d57-3f2b6a7c9e99").await;
    scim.add(&group, &[&user]).await;
    for (query, is_there) in [("", true), ("?excludedAttributes=members", false)] {
        for path in [format!("/Groups{query}"), format!("/Groups/{group}{query}")] {
            let body = scim.get(&path).await;
            let shown = if path.contains(&group) { &body } else { &body["Resources"][0] };
            assert_eq!(shown.get("members").is_some(), is_there, "{path}");
        }
    }
}

#[tokio::test]
async fn what_is_wrong_is_refused_in_its_form() {
    let (_world, scim) = start().await;
    let bob = scim.user("bob@contoso.example", json!({})).await;
    let carol = scim.user("carol@contoso.example", json!({})).await;
    let group = scim.group("SG-New", "5d0f3b1e-8a5c-4c1e-9d57-3f2b6a7c9e99").await;
    let (one, path) = (format!("/Users/{carol}"), format!("/Groups/{group}"));
    let patch = |operation: Value| Some(json!({"Operations": [operation]}));
    let taken = || Some(json!({"userName": "Bob@contoso.example"}));
    let (post, put) = (Method::POST, Method::PUT);
    for (status, method, path, body, expected) in [
        (409, post.clone(), "/Users", taken(), "uniqueness"),
        (409, put.clone(), &*one, taken(), "uniqueness"),
        (
            409,
            Method::PATCH,
            &one,
            patch(json!({"op": "Replace", "path": "userName", "value": "BOB@contoso.example"})),
            "uniqueness",
        ),
        (409, post.clone(), "/Groups", Some(json!({"displayName": "sg-new"})), "uniqueness"),
        (400, post.clone(), "/Users", Some(json!({"displayName": "X"})), "invalidValue"),
        (400, post.clone(), "/Users", Some(json!({"userName": "x", "active": "perhaps"})), "invalidValue"),
        (400, post.clone(), "/Groups", Some(json!({"externalId": "x"})), "invalidValue"),
        (400, post.clone(), "/Users", Some(json!([])), "invalidSyntax"),
        (400, Method::PATCH, &one, Some(json!({})), "invalidSyntax"),
        (400, Method::PATCH, &one, patch(json!({"op": "remove", "path": "userName"})), "invalidValue"),
        (400, Method::PATCH, &path, patch(json!({"op": "Remove"})), "noTarget"),
        (400, Method::PATCH, &path, patch(json!({"op": "Replace", "path": "members[", "value": []})), "invalidPath"),
        (404, Method::GET, "/Users/x", None, ""),
        (404, Method::DELETE, &format!("/Groups/{bob}"), None, ""),
        (404, put, &format!("/Users/{group}"), Some(json!({"userName": "y"})), ""),
        (404, Method::GET, "/Nothing/here", None, ""),
        (405, Method::DELETE, "/Users", None, ""),
        (405, post, "/Schemas", None, ""),
    ] {
        let refused = scim.refused(status, method.clone(), path, body.clone()).await;
        assert_eq!(refused, expected, "{method} {path} {body:?}");
    }
    assert_eq!(scim.get(&one).await["userName"], "carol@contoso.example");
}

#[tokio::test]
async fn a_patch_is_whole_or_not_at_all() {
    let (_world, scim) = start().await;
    let bob = scim.user("bob@contoso.example", json!({})).await;
    let path = format!("/Users/{bob}");
    let before = scim.get(&path).await;
    let operations = json!([{"op": "Replace", "path": "displayName", "value": "B"}, {"op": "jump"}]);
    let body = json!({"Operations": operations});
    assert_eq!(scim.refused(400, Method::PATCH, &path, Some(body)).await, "invalidSyntax");
    assert_eq!(scim.get(&path).await, before);
    let several = json!([{"op": "replace", "value": {
        "displayName": "B", "name.givenName": "C", "emails[type eq \"work\"].value": "b@contoso.example",
        format!("{ENTERPRISE}:department"): "IT",
    }}]);
    let user = scim.patch(200, &path, several).await;
    assert_eq!((&user["displayName"], &user["name"]["givenName"]), (&json!("B"), &json!("C")));
    assert_eq!(user["name"]["familyName"], "B");
    assert_eq!(
        (&user["emails"][0]["value"], &user[ENTERPRISE]["department"]),
        (&json!("b@contoso.example"), &json!("IT"))
    );
}

#[tokio::test]
async fn it_tells_what_it_is() {
    let (_world, scim) = start().await;
    let configuration = scim.get("/ServiceProviderConfig").await;
    let supported = |name: &str| configuration[name]["supported"].as_bool().unwrap();
    assert!(supported("patch") && supported("filter") && !supported("bulk") && !supported("etag"));
    assert_eq!(configuration["authenticationSchemes"][0]["type"], "oauthbearertoken");
    for (list, names) in
        [("/ResourceTypes", vec!["User", "Group"]), ("/Schemas", vec!["User", "Group", "EnterpriseUser"])]
    {
        let found = scim.get(list).await["Resources"].as_array().unwrap().clone();
        assert_eq!(found.iter().map(|it| it["name"].as_str().unwrap()).collect::<Vec<_>>(), names);
        for one in found {
            assert_eq!(scim.get(&format!("{list}/{}", one["id"].as_str().unwrap())).await, one);
        }
        scim.refused(404, Method::GET, &format!("{list}/Nothing"), None).await;
    }
}
