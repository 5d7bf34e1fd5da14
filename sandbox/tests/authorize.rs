//! People at Entra's login host: who gets a code, what it is worth, and what the log says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use support::browser::{CALLBACK, visit};
use support::entra::{HUB, MIGRATE};
use support::{World, contoso, contoso_with, world};

async fn secret(world: &World) -> String {
    let hub = json!({"application": "Devolutions Hub"});
    let made = world.control.expect(201, Method::POST, "/entra/secrets", Some(hub)).await;
    made["secretText"].as_str().unwrap().to_owned()
}

async fn redeem(world: &World, secret: &str, code: &str, parameters: &[(&str, &str)]) -> support::Answer {
    let usual = [
        ("grant_type", "authorization_code"),
        ("client_id", HUB),
        ("client_secret", secret),
        ("redirect_uri", CALLBACK),
        ("code", code),
    ];
    let mut form: Vec<_> = usual.into_iter().filter(|(name, _)| !parameters.iter().any(|(it, _)| it == name)).collect();
    form.extend(parameters.iter().copied().chain([("scope", "")]));
    world.token(&form).await
}

fn claims(answer: &support::Answer, token: &str) -> Value {
    let token = answer.body[token].as_str().unwrap_or_else(|| panic!("{answer:?}"));
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

#[tokio::test]
async fn a_code_is_worth_an_id_token_with_the_claims_that_are_configured() {
    let world = contoso().await;
    let (entra, secret) = (world.entra(), secret(&world).await);
    let seen = visit(&world, &[]).await;
    assert_eq!(seen.status, 302);
    let answer = redeem(&world, &secret, &seen.code(), &[]).await;
    assert_eq!((&answer.body["token_type"], &answer.body["scope"]), (&json!("Bearer"), &json!("openid profile email")));
    let id = claims(&answer, "id_token");
    assert_eq!(id["iss"], format!("{}/{}/v2.0", entra.authority_url, entra.tenant_id));
    for (name, value) in [
        ("aud", json!(HUB)),
        ("tid", json!(entra.tenant_id)),
        ("nonce", json!("n-1")),
        ("ver", json!("2.0")),
        ("preferred_username", json!("dave.diaz@contoso.example")),
        ("upn", json!("dave.diaz@contoso.example")),
        ("email", json!("dave@contoso.example")),
        ("given_name", json!("Dave")),
        ("family_name", json!("Diaz")),
        ("xms_tpl", json!("en")),
    ] {
        assert_eq!(id[name], value, "{name}");
    }
    let dave = world.graph().await.get("/users/dave.diaz@contoso.example").await["id"].clone();
    assert_eq!(id["oid"], dave);
    assert_ne!(id["sub"], dave);
    assert_eq!(id["exp"].as_i64().unwrap() - id["iat"].as_i64().unwrap(), 3600);
    let access = claims(&answer, "access_token");
    assert_eq!((&access["aud"], &access["scp"]), (&json!(entra.graph_url), &json!("openid profile email")));
    // It is for what the person may do, which this Graph does not serve.
    world.graph_with(answer.body["access_token"].as_str().unwrap()).refused(403, "/users").await;
    // Less is asked for, less is told.
    let code = visit(&world, &[("scope", "openid"), ("nonce", "")]).await.code();
    let id = claims(&redeem(&world, &secret, &code, &[]).await, "id_token");
    for name in ["oid", "email", "upn", "given_name", "preferred_username", "nonce"] {
        assert_eq!(id[name], Value::Null, "{name}");
    }
    // The same person is somebody else to another application, and it tells what that one is configured for.
    let code = visit(&world, &[("scope", "profile email")]).await.code();
    assert_eq!(redeem(&world, &secret, &code, &[]).await.body["id_token"], Value::Null);
    let all = world.graph_as(&["Application.ReadWrite.All"]).await;
    let claim = json!({"optionalClaims": {"idToken": [{"name": "upn", "essential": false}]}});
    all.done(204, Method::PATCH, &format!("/applications(appId='{HUB}')"), claim).await;
    let code = visit(&world, &[]).await.code();
    let fewer = claims(&redeem(&world, &secret, &code, &[]).await, "id_token");
    assert_eq!((&fewer["email"], &fewer["sub"]), (&Value::Null, &id["sub"]));
    assert!(fewer["upn"].is_string());
}

#[tokio::test]
async fn a_code_is_good_once_and_for_its_client_only() {
    let world = contoso().await;
    let secret = secret(&world).await;
    let told = |answer: &support::Answer| {
        (
            answer.status.as_u16(),
            answer.body["error"].as_str().unwrap().to_owned(),
            answer.body["error_codes"][0].as_u64().unwrap(),
        )
    };
    let grant = |number| (400, "invalid_grant".to_owned(), number);
    let code = visit(&world, &[]).await.code();
    let wrong = redeem(&world, "made-up", &code, &[]).await;
    assert_eq!(told(&wrong), (401, "invalid_client".to_owned(), 7_000_215));
    let other = [("redirect_uri", "https://encryption.contoso.example/callback")];
    assert_eq!(told(&redeem(&world, &secret, &code, &other).await).2, 500_112);
    assert_eq!(told(&redeem(&world, &secret, "made-up", &[]).await), grant(9_002_313));
    let own = world.entra();
    let stranger = [("client_id", own.client_id.to_string()), ("client_secret", own.client_secret.clone())];
    let stranger: Vec<_> = stranger.iter().map(|(name, it)| (*name, it.as_str())).collect();
    assert_eq!(told(&redeem(&world, &secret, &code, &stranger).await), grant(70_000));
    assert_eq!(redeem(&world, &secret, &code, &[]).await.status, 200);
    assert_eq!(told(&redeem(&world, &secret, &code, &[]).await), grant(54_005));
    // Somebody is disabled between the one and the other.
    let code = visit(&world, &[]).await.code();
    let off = json!({"accountEnabled": false});
    world.control.expect(204, Method::PATCH, "/entra/users/dave.diaz@contoso.example", Some(off)).await;
    assert_eq!(told(&redeem(&world, &secret, &code, &[]).await), grant(50_057));
    // With PKCE.
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest("verifier"));
    for (verifier, expected) in [("verifier", 0), ("other", 50_148), ("", 900_144)] {
        let hint = ("login_hint", "bob@contoso.example");
        let code =
            visit(&world, &[hint, ("code_challenge", &challenge), ("code_challenge_method", "S256")]).await.code();
        let answer = redeem(&world, &secret, &code, &[("code_verifier", verifier)]).await;
        assert_eq!(answer.body["error_codes"][0].as_u64().unwrap_or_default(), expected, "{verifier}");
    }
    let world = contoso_with("entraCodeLifetimeSeconds: 0").await;
    let secret = self::secret(&world).await;
    let code = visit(&world, &[]).await.code();
    assert_eq!(told(&redeem(&world, &secret, &code, &[]).await), grant(70_008));
}

#[tokio::test]
async fn what_is_wrong_with_a_person_is_told_on_a_page_or_silently_to_the_application() {
    let world = contoso().await;
    for (who, number, error) in [
        // Only in a group within the assigned one.
        ("erin@contoso.example", 50_105, "interaction_required"),
        ("frank@contoso.example", 50_057, "invalid_grant"),
        ("nobody@contoso.example", 50_034, "invalid_grant"),
        // The mail of Dave, who signs in with another name.
        ("dave@contoso.example", 50_034, "invalid_grant"),
        ("", 50_058, "login_required"),
    ] {
        let seen = visit(&world, &[("login_hint", who)]).await;
        assert_eq!((seen.status, seen.number(), seen.back.is_none()), (400, number, true), "{who}");
        assert!(seen.page.contains("Sorry, but we're having trouble signing you in."));
        let seen = visit(&world, &[("login_hint", who), ("prompt", "none")]).await;
        assert_eq!((seen.status, seen.number()), (302, number), "{who}");
        let (to, with) = seen.back.unwrap();
        assert_eq!((to.as_str(), with["error"].as_str(), with["state"].as_str()), (CALLBACK, error, "s t&te"));
        assert!(with["error_uri"].ends_with(&format!("/error?code={number}")));
    }
    for mode in ["fragment", "query"] {
        visit(&world, &[("response_mode", mode), ("prompt", "none")]).await.code();
    }
    let form = visit(&world, &[("response_mode", "form_post")]).await;
    assert!(form.status == 200 && form.page.contains("value=\"s t&amp;te\""), "{form:?}");
}

#[tokio::test]
async fn what_is_wrong_with_the_application_is_never_sent_to_a_stranger() {
    let world = contoso().await;
    let other = "https://sso.devolutions.example/callback/Contoso";
    for (parameters, number) in [
        ([("client_id", "3c0f1335-a58c-52cb-ba74-bc800da7609b")], 700_016),
        ([("client_id", "")], 900_144),
        // Case counts.
        ([("redirect_uri", other)], 50_011),
        ([("redirect_uri", "")], 900_971),
        ([("client_id", &*world.entra().client_id.to_string())], 500_113),
        ([("scope", "openid Mail.Read")], 650_053),
    ] {
        let seen = visit(&world, &parameters).await;
        assert_eq!((seen.number(), seen.back.is_none()), (number, true), "{parameters:?}");
        if !parameters[0].0.starts_with("scope") {
            assert!(visit(&world, &[parameters[0], ("prompt", "none")]).await.back.is_none());
        }
    }
    for (parameter, number) in
        [(("response_type", "token"), 700_054), (("scope", ""), 900_144), (("response_type", ""), 900_144)]
    {
        let seen = visit(&world, &[parameter]).await;
        assert_eq!((seen.number(), seen.back.is_some()), (number, true), "{parameter:?}");
    }
    let tenant = format!("{}/nonsense/oauth2/v2.0/authorize?client_id={HUB}", world.entra().authority_url);
    let page = world.control.client.get(tenant).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("AADSTS900023"), "{page}");
}

#[tokio::test]
async fn consent_is_needed_and_where_assignment_is_required_nobody_gives_it_alone() {
    let world = contoso().await;
    let graph = world.graph_as(MIGRATE).await;
    let hub = graph.get(&format!("/servicePrincipals(appId='{HUB}')")).await["id"].as_str().unwrap().to_owned();
    let grant = graph.all(&format!("/oauth2PermissionGrants?$filter=clientId eq '{hub}'"), "id").await.remove(0);
    let scope = json!({"scope": "openid profile"});
    graph.done(204, Method::PATCH, &format!("/oauth2PermissionGrants/{grant}"), scope).await;
    assert_eq!(visit(&world, &[]).await.number(), 65_001);
    let silent = visit(&world, &[("prompt", "none")]).await;
    assert_eq!(silent.back.unwrap().1["error"], "consent_required");
    visit(&world, &[("scope", "openid profile")]).await.code();
    let free = json!({"appRoleAssignmentRequired": false});
    world.control.expect(204, Method::PATCH, &format!("/entra/applications/{HUB}"), Some(free)).await;
    // There Erin comes in too, who is assigned to nothing; and everybody consents for themselves, if asked.
    visit(&world, &[("login_hint", "erin@contoso.example")]).await.code();
    assert_eq!(visit(&world, &[("prompt", "none")]).await.number(), 65_001);
    for (application, number) in [("Microsoft%20Graph", 500_014), (HUB, 7_000_112)] {
        let off = json!({"accountEnabled": false});
        world.control.expect(204, Method::PATCH, &format!("/entra/applications/{application}"), Some(off)).await;
        assert_eq!(visit(&world, &[]).await.number(), number, "{application}");
    }
}

#[tokio::test]
async fn a_request_to_sign_in_may_be_posted() {
    let world = world(support::CONTOSO).await;
    let entra = world.entra();
    let url = format!("{}/{}/oauth2/v2.0/authorize", entra.authority_url, entra.tenant_id);
    let form = format!(
        "client_id={HUB}&response_type=code&scope=openid&login_hint=erin@contoso.example&redirect_uri={CALLBACK}"
    );
    let request = world.control.client.post(url).header("content-type", "application/x-www-form-urlencoded");
    let page = request.body(form).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("AADSTS50105: Your administrator has configured the application Devolutions Hub"), "{page}");
    let journal = world.control.get("/journal").await["entries"].as_array().unwrap().last().unwrap().clone();
    let told = (&journal["system"], &journal["identity"], &journal["isWrite"]);
    assert_eq!(told, (&json!("Login"), &json!("erin@contoso.example"), &json!(false)));
}
