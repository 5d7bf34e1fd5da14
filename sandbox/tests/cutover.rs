//! Single sign-on moves to another application: the vendor's order, what goes wrong in other orders, and who can sign in.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::entra::{Graph, HUB, MIGRATE, Made, USER_ROLE};
use support::{World, contoso, contoso_with, world};

const SSO: &str = "/authentication/sso";
const CALLBACK: &str = "https://sso.devolutions.example/callback/contoso";
const ABLE: [&str; 4] = ["adam", "bob", "carol", "dave"];

/// The new application, step by step in the vendor's order.
struct Migration<'a> {
    world: &'a World,
    graph: Graph,
    made: Made,
    secret: String,
}

impl<'a> Migration<'a> {
    async fn begin(world: &'a World) -> Self {
        let graph = world.graph_as(MIGRATE).await;
        let made = graph.instantiate("Devolutions (new)").await;
        Self { world, graph, made, secret: String::new() }
    }

    async fn configure(&self) {
        let claim = |name| json!({"name": name, "source": null, "essential": false, "additionalProperties": []});
        let claims = ["email", "family_name", "given_name", "upn", "xms_pl", "xms_tpl"].map(claim);
        let change = json!({"web": {"redirectUris": [CALLBACK]}, "optionalClaims": {"idToken": claims}});
        self.graph.done(204, Method::PATCH, &format!("/applications/{}", self.made.id), change).await;
    }

    async fn consent(&self) {
        let resource = self.graph.get("/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')").await;
        let body = json!({
            "clientId": self.made.principal, "consentType": "AllPrincipals", "resourceId": resource["id"],
            "scope": "openid profile email User.Read",
        });
        self.graph.done(201, Method::POST, "/oauth2PermissionGrants", body).await;
    }

    async fn make_secret(&mut self) {
        let made =
            self.graph.done(200, Method::POST, &format!("/applications/{}/addPassword", self.made.id), json!({})).await;
        made["secretText"].as_str().unwrap().clone_into(&mut self.secret);
    }

    /// Those of the old application.
    async fn assign(&self) {
        let old = self.graph.get(&format!("/servicePrincipals(appId='{HUB}')/appRoleAssignedTo")).await;
        let path = format!("/servicePrincipals/{}/appRoleAssignedTo", self.made.principal);
        for one in old["value"].as_array().unwrap() {
            let body =
                json!({"principalId": one["principalId"], "resourceId": self.made.principal, "appRoleId": USER_ROLE});
            self.graph.done(201, Method::POST, &path, body).await;
        }
    }

    fn client(&self) -> Value {
        json!({"clientId": self.made.app_id, "clientSecret": self.secret, "discoveryUrl": self.world.document()})
    }

    async fn test(&self) -> Value {
        self.world.operator.expect(200, Method::POST, "/authentication/sso/test", Some(self.client())).await
    }

    async fn save(&self) -> Value {
        let mut body = self.client();
        body["name"] = json!("Entra ID");
        self.world.operator.put(SSO, body).await
    }
}

#[tokio::test]
async fn who_can_sign_in_is_tried_and_nobody_notices() {
    let world = contoso().await;
    let before = world.control.get("/journal").await["last"].clone();
    world.control.fault(json!({"system": "Login", "times": 0, "action": {"type": "Status", "status": 503}})).await;
    assert_eq!(world.able().await, ABLE);
    let each = world.control.get("/sign-in/able").await["each"].clone();
    let why = |email: &str| {
        let told = each.as_array().unwrap().iter().find(|it| it["email"] == email).unwrap();
        told["error"]["code"].as_str().unwrap().to_owned()
    };
    for (email, code) in [
        // Only in a group within the assigned one.
        ("erin@contoso.example", "AADSTS50105"),
        ("frank@contoso.example", "AADSTS50057"),
        ("grace@partner.example", "DomainNotVerified"),
        ("heidi@contoso.example", "InvitationPending"),
        ("olivia@contoso.example", "AADSTS50034"),
    ] {
        assert_eq!(why(email), code, "{email}");
    }
    assert_eq!(world.control.get("/journal").await["last"], before);
    assert_eq!(world.control.get("/sign-ins").await["attempts"], 0);
    world.control.delete("/faults").await;
    let graph = world.graph_as(&["AuditLog.Read.All"]).await;
    assert_eq!(graph.get("/auditLogs/signIns").await["value"], json!([]));
}

#[tokio::test]
async fn in_the_vendors_order_everybody_who_could_sign_in_still_can() {
    let world = contoso().await;
    let before = world.able().await;
    let mut migration = Migration::begin(&world).await;
    assert_eq!(world.able().await, before);
    migration.configure().await;
    migration.consent().await;
    migration.make_secret().await;
    migration.assign().await;
    assert_eq!(migration.test().await, json!({"ok": true}));
    assert_eq!((world.able().await, world.sign_in("dave@contoso.example").await), (before.clone(), "ok".to_owned()));
    let record = migration.save().await;
    let expected = (&json!("Entra ID"), &json!(migration.made.app_id), &json!(CALLBACK), &json!(true));
    assert_eq!((&record["name"], &record["clientId"], &record["callbackUrl"], &record["clientSecretSet"]), expected);
    assert_eq!(record, world.operator.get(SSO).await);
    assert!(!record.to_string().contains(&migration.secret));
    assert_eq!(world.able().await, before);
    for user in ["adam@contoso.example", "dave@contoso.example"] {
        assert_eq!(world.sign_in(user).await, "ok");
    }
    let tally = world.control.get("/sign-ins").await;
    assert_eq!((&tally["attempts"], &tally["failures"]), (&json!(3), &json!(0)));
    assert_eq!(tally["byApplication"][&migration.made.app_id]["attempts"], 2);
    assert_eq!(tally["byApplication"][HUB]["attempts"], 1);
    let filter = format!("/auditLogs/signIns?$filter=appId eq '{}' and status/errorCode eq 0", migration.made.app_id);
    assert_eq!(migration.graph.get(&filter).await["value"].as_array().unwrap().len(), 2);
    // The old application has done its part.
    let off = json!({"accountEnabled": false});
    world.control.expect(204, Method::PATCH, &format!("/entra/applications/{HUB}"), Some(off)).await;
    assert_eq!(world.able().await, before);
    let log = world.operator.get("/siem-logs").await.to_string();
    assert!(log.contains("SaveSsoConfiguration"));
    // Nobody was asked who has nothing to do with it, and no test is a change.
    let journal = world.control.get("/journal").await["entries"].as_array().unwrap().clone();
    let is = |path: &str| {
        journal.iter().find(|it| it["path"] == format!("/api/v1{path}") && it["method"] != "GET").unwrap()["isWrite"]
            .clone()
    };
    assert_eq!((is("/authentication/sso/test"), is(SSO)), (json!(false), json!(true)));
}

#[tokio::test]
async fn each_step_that_is_left_out_fails_in_its_own_way() {
    let world = contoso().await;
    let mut migration = Migration::begin(&world).await;
    migration.secret = "made-up".to_owned();
    let tested = migration.test().await;
    assert_eq!(
        (&tested["ok"], &tested["error"]["stage"], &tested["error"]["code"]),
        (&json!(false), &json!("token"), &json!("AADSTS7000215"))
    );
    migration.save().await;
    let mut seen = vec![world.sign_in("bob@contoso.example").await];
    migration.configure().await;
    seen.push(world.sign_in("bob@contoso.example").await);
    migration.assign().await;
    seen.push(world.sign_in("bob@contoso.example").await);
    migration.consent().await;
    seen.push(world.sign_in("bob@contoso.example").await);
    migration.make_secret().await;
    migration.save().await;
    seen.push(world.sign_in("bob@contoso.example").await);
    let expected =
        ["authorize AADSTS500113", "authorize AADSTS50105", "authorize AADSTS65001", "token AADSTS7000215", "ok"];
    assert_eq!(seen, expected);
    let tally = world.control.get("/sign-ins").await;
    assert_eq!((&tally["attempts"], &tally["failures"]), (&json!(5), &json!(4)));
    assert_eq!(tally["lastFailures"][1]["error"]["code"], "AADSTS50105");
    world.control.expect(204, Method::POST, "/sign-ins/reset", None).await;
    assert_eq!(world.control.get("/sign-ins").await["lastFailures"], json!([]));
    // Without the claim nobody is known; with another address nobody comes back.
    let path = format!("/applications/{}", migration.made.id);
    let without = json!({"optionalClaims": {"idToken": []}});
    migration.graph.done(204, Method::PATCH, &path, without).await;
    assert_eq!(world.sign_in("bob@contoso.example").await, "match NoClaim");
    let elsewhere = json!({"web": {"redirectUris": ["https://elsewhere.example"]}});
    migration.graph.done(204, Method::PATCH, &path, elsewhere).await;
    assert_eq!(world.sign_in("bob@contoso.example").await, "authorize AADSTS50011");
    assert!(world.able().await.is_empty());
}

#[tokio::test]
async fn people_stop_being_able_as_things_change() {
    let world = contoso().await;
    let user = async |user: &str, change: Value| {
        world.control.expect(204, Method::PATCH, &format!("/entra/users/{user}"), Some(change)).await;
    };
    user("adam@contoso.example", json!({"accountEnabled": false})).await;
    user("bob@contoso.example", json!({"mail": ""})).await;
    user("carol@contoso.example", json!({"mail": "carol.chen@contoso.example"})).await;
    assert_eq!(world.sign_in("adam@contoso.example").await, "authorize AADSTS50057");
    assert_eq!(world.sign_in("bob@contoso.example").await, "match NoClaim");
    assert_eq!(world.sign_in("carol@contoso.example").await, "match UnknownUser");
    assert_eq!(world.sign_in("ivan@contoso.example").await, "match UnknownUser");
    assert_eq!(world.able().await, ["dave"]);
    let sso = async |change: Value| world.control.expect(204, Method::PATCH, "/sso", Some(change)).await;
    sso(json!({"clientSecret": "made-up"})).await;
    assert_eq!(world.sign_in("dave@contoso.example").await, "token AADSTS7000215");
    sso(json!({"application": "Devolutions Hub"})).await;
    assert_eq!(world.sign_in("dave@contoso.example").await, "ok");
    let pending = json!({"status": "Pending"});
    world.control.expect(204, Method::PUT, "/sso/domains/contoso.example", Some(pending)).await;
    assert_eq!(world.sign_in("dave@contoso.example").await, "match DomainNotVerified");
    sso(json!({"enabled": false})).await;
    assert_eq!(world.sign_in("dave@contoso.example").await, "configuration SingleSignOnDisabled");
    sso(json!({"provider": "none"})).await;
    assert_eq!(world.sign_in("dave@contoso.example").await, "configuration NoSingleSignOn");
}

#[tokio::test]
async fn users_may_be_found_by_another_claim() {
    let world = contoso_with("matchUsersBy: upn").await;
    assert_eq!(world.able().await, ["adam", "bob", "carol"]);
    assert_eq!(world.sign_in("dave@contoso.example").await, "match UnknownUser");
}

#[tokio::test]
async fn a_login_under_way_ends_with_what_it_began_with_or_fails() {
    for (switches, expected) in [("", "ok"), ("ssoCodesInFlightFail: true", "token LoginBegunBeforeSave")] {
        let world = contoso_with(switches).await;
        let mut migration = Migration::begin(&world).await;
        migration.make_secret().await;
        let hold = json!({"path": "/*/oauth2/v2.0/authorize", "action": {"type": "HoldAfterCommit"}});
        world.control.fault(hold).await;
        let save = async {
            let hold = world.control.get("/holds?wait=30").await["holds"][0]["id"].clone();
            migration.save().await;
            world.control.delete(&format!("/holds/{hold}")).await;
        };
        let (seen, ()) = tokio::join!(world.sign_in("bob@contoso.example"), save);
        assert_eq!(seen, expected);
    }
}

#[tokio::test]
async fn a_provider_that_is_away_keeps_people_out() {
    let world = contoso().await;
    for (path, action, expected) in [
        ("/*/oauth2/v2.0/token", json!({"type": "Status", "status": 503}), "token AADSTS90033"),
        ("/*/oauth2/v2.0/authorize", json!({"type": "DropBeforeCommit"}), "authorize Unreachable"),
        ("/*/v2.0/.well-known/openid-configuration", json!({"type": "Truncate"}), "discovery Unreachable"),
    ] {
        world.control.fault(json!({"system": "Login", "path": path, "action": action})).await;
        assert_eq!(world.sign_in("bob@contoso.example").await, expected);
    }
    assert_eq!(world.sign_in("bob@contoso.example").await, "ok");
}

#[tokio::test]
async fn in_a_generated_world_most_people_can_sign_in() {
    let sizes = sandbox::Sizes { users: 60, groups: 4, vaults: 3, entries: 10 };
    let world = world(&sandbox::generate(3, sizes).to_yaml().unwrap()).await;
    let told = world.control.get("/sign-in/able").await;
    let (users, each) = (told["users"].as_array().unwrap(), told["each"].as_array().unwrap());
    assert!(users.len() > 40 && each.len() > users.len(), "{told}");
    assert!(each.iter().all(|it| it["ok"] == true || it["error"]["code"].is_string()), "{told}");
}
