//! The token endpoint: who gets a token, and what everybody else is told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use sha1::{Digest as _, Sha1};
use sha2::Sha256;
use support::entra::{DEFAULT_PERMISSIONS, HUB, forged, signer};
use support::{Answer, World, contoso, contoso_with, world};

/// What a refusal says: status, `error` and AADSTS number.
fn refusal(answer: &Answer) -> (u16, String, u64) {
    let body = &answer.body;
    let code = body["error_codes"][0].as_u64().unwrap_or_else(|| panic!("{answer:?}"));
    let text = body["error_description"].as_str().unwrap();
    let (trace, correlation) = (body["trace_id"].as_str().unwrap(), body["correlation_id"].as_str().unwrap());
    let told = body["timestamp"].as_str().unwrap();
    assert!(text.starts_with(&format!("AADSTS{code}: ")), "{text}");
    let end = format!(" Trace ID: {trace} Correlation ID: {correlation} Timestamp: {told}");
    assert!(text.ends_with(&end), "{text}");
    assert!(body["error_uri"].as_str().unwrap().ends_with(&format!("/error?code={code}")));
    assert_eq!(answer.headers["x-ms-request-id"], trace);
    assert_eq!(answer.headers["client-request-id"], correlation);
    (answer.status.as_u16(), body["error"].as_str().unwrap().to_owned(), code)
}

async fn refused(world: &World, parameters: &[(&str, &str)]) -> (u16, String, u64) {
    refusal(&world.token(parameters).await)
}

fn told(status: u16, error: &str, code: u64) -> (u16, String, u64) {
    (status, error.to_owned(), code)
}

fn claims(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

#[tokio::test]
async fn a_secret_gets_a_token_that_the_published_key_verifies() {
    let world = contoso().await;
    let entra = world.entra();
    let answer = world.token(&[("client_secret", &entra.client_secret)]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        (&answer.body["token_type"], &answer.body["expires_in"], &answer.body["ext_expires_in"]),
        (&json!("Bearer"), &json!(3599), &json!(3599))
    );
    let token = answer.body["access_token"].as_str().unwrap();
    let claims = claims(token);
    assert_eq!(claims["aud"], entra.graph_url);
    assert_eq!(claims["iss"], format!("{}/{}/", entra.authority_url, entra.tenant_id));
    assert_eq!((&claims["appid"], &claims["tid"]), (&json!(entra.client_id), &json!(entra.tenant_id)));
    assert_eq!((&claims["idtyp"], &claims["ver"], &claims["appidacr"]), (&json!("app"), &json!("1.0"), &json!("1")));
    assert_eq!(claims["roles"], json!(DEFAULT_PERMISSIONS));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
    assert_eq!(world.graph_with(token).send("/organization").await.status, 200);

    // By the way that clients find it.
    let get = async |url: &str| world.control.client.get(url).send().await.unwrap().json::<Value>().await.unwrap();
    let discovery = format!("{}/{}/v2.0/.well-known/openid-configuration", entra.authority_url, entra.tenant_id);
    let configuration = get(&discovery).await;
    assert_eq!(configuration["issuer"], format!("{}/{}/v2.0", entra.authority_url, entra.tenant_id));
    assert_eq!(
        configuration["token_endpoint"],
        format!("{}/{}/oauth2/v2.0/token", entra.authority_url, entra.tenant_id)
    );
    let keys = get(configuration["jwks_uri"].as_str().unwrap()).await;
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let header: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap();
    let key = keys["keys"].as_array().unwrap().iter().find(|it| it["kid"] == header["kid"]).unwrap();
    let part = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
    let public = ring::signature::RsaPublicKeyComponents { n: part("n"), e: part("e") };
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let algorithm = &ring::signature::RSA_PKCS1_2048_8192_SHA256;
    public.verify(algorithm, signed.as_bytes(), &signature).expect("the published key verifies it");
}

#[tokio::test]
async fn wrong_and_old_secrets_are_told_apart() {
    let world = contoso().await;
    assert_eq!(refused(&world, &[("client_secret", "made-up")]).await, told(401, "invalid_client", 7_000_215));
    assert_eq!(refused(&world, &[]).await, told(401, "invalid_client", 7_000_216));
    let make = async |body: Value| world.control.expect(201, Method::POST, "/entra/secrets", Some(body)).await;
    let old = make(json!({"endDateTime": "2020-01-01T00:00:00Z"})).await["secretText"].as_str().unwrap().to_owned();
    assert_eq!(refused(&world, &[("client_secret", &old)]).await, told(401, "invalid_client", 7_000_222));
    let new = make(json!({})).await["secretText"].as_str().unwrap().to_owned();
    assert_eq!(world.token(&[("client_secret", &new)]).await.status, 200);
    // A secret is one application's.
    let hub = make(json!({"application": "Devolutions Hub"})).await["secretText"].as_str().unwrap().to_owned();
    assert_eq!(refused(&world, &[("client_secret", &hub)]).await, told(401, "invalid_client", 7_000_215));
    let answer = world.token(&[("client_id", HUB), ("client_secret", &hub)]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(claims(answer.body["access_token"].as_str().unwrap())["roles"], Value::Null);
}

#[tokio::test]
async fn unknown_tenants_and_applications_are_refused() {
    let world = contoso().await;
    let secret = world.entra().client_secret.clone();
    for (tenant, expected) in [
        ("3c0f1335-a58c-52cb-ba74-bc800da7609b", told(400, "invalid_request", 90_002)),
        ("fabrikam.example", told(400, "invalid_request", 90_002)),
        ("contoso-labs.example", told(400, "invalid_request", 90_002)),
        ("nonsense", told(400, "invalid_request", 900_023)),
    ] {
        let answer = world.token_of(tenant, &[("client_secret", &secret)]).await;
        assert_eq!(refusal(&answer), expected, "{tenant}");
    }
    assert_eq!(world.token_of("Contoso.example", &[("client_secret", &secret)]).await.status, 200);
    for id in ["3c0f1335-a58c-52cb-ba74-bc800da7609b", "nonsense"] {
        let refused = refused(&world, &[("client_id", id), ("client_secret", &secret)]).await;
        assert_eq!(refused, told(400, "unauthorized_client", 700_016));
    }
    let disabled = json!({"accountEnabled": false});
    let path = format!("/entra/applications/{}", world.entra().client_id);
    world.control.expect(204, Method::PATCH, &path, Some(disabled)).await;
    let refused = refused(&world, &[("client_secret", &secret)]).await;
    assert_eq!(refused, told(400, "unauthorized_client", 7_000_112));
}

#[tokio::test]
async fn a_client_may_name_itself_in_the_header() {
    use base64::Engine as _;
    let world = contoso().await;
    let entra = world.entra();
    let url = format!("{}/{}/oauth2/v2.0/token", entra.authority_url, entra.tenant_id);
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    for (secret, expected) in [(entra.client_secret.as_str(), 200), ("wrong", 401)] {
        let told = format!("{}:{}", entra.client_id, encoded(secret));
        let told = base64::engine::general_purpose::STANDARD.encode(told);
        let body = format!("grant_type=client_credentials&scope={}/.default", entra.graph_url);
        let request = world.control.client.post(&url).header("authorization", format!("Basic {told}"));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        assert_eq!(request.send().await.unwrap().status(), expected, "{secret}");
    }
}

#[tokio::test]
async fn a_request_that_makes_no_sense_is_refused() {
    let world = contoso().await;
    let entra = world.entra();
    let secret = ("client_secret", entra.client_secret.as_str());
    let graph = entra.graph_url.as_str();
    for (name, value, expected) in [
        ("grant_type", "password", told(400, "unsupported_grant_type", 70_003)),
        ("grant_type", "", told(400, "invalid_request", 900_144)),
        ("client_id", "", told(400, "invalid_request", 900_144)),
        ("scope", "", told(400, "invalid_request", 90_014)),
        ("scope", &format!("{graph}/User.Read.All"), told(400, "invalid_scope", 1_002_012)),
        ("scope", "/.default", told(400, "invalid_scope", 1_002_012)),
        ("scope", &format!("{graph}/.default openid"), told(400, "invalid_scope", 70_011)),
        ("scope", "https://graph.microsoft.com/.default", told(400, "invalid_resource", 500_011)),
    ] {
        assert_eq!(refused(&world, &[secret, (name, value)]).await, expected, "{name}={value}");
    }
    for scope in [format!("{graph}//.default"), "00000003-0000-0000-c000-000000000000/.default".to_owned()] {
        assert_eq!(world.token(&[secret, ("scope", &scope)]).await.status, 200, "{scope}");
    }
}

const BEARER: (&str, &str) = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");

#[tokio::test]
async fn a_federated_token_stands_for_the_application() {
    let issuer = "https://cluster.example";
    let subject = "system:serviceaccount:apps:operator";
    let world = contoso().await;
    let now = Timestamp::now().as_second();
    let assertion = |changed: Value| {
        let mut claims = json!({
            "iss": issuer, "sub": subject, "aud": ["api://AzureADTokenExchange"], "nbf": now - 5, "exp": now + 600,
        });
        claims.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
        signer().sign(&json!({"alg": "RS256", "kid": "k1"}), &claims)
    };
    let ask = async |assertion: &str| refused(&world, &[BEARER, ("client_assertion", assertion)]).await;
    assert_eq!(ask(&assertion(json!({}))).await, told(401, "invalid_client", 700_211));
    let trusted = json!({"issuer": issuer, "subject": subject});
    world.control.expect(204, Method::POST, "/entra/federated-credentials", Some(trusted)).await;
    // Nobody knows the issuer's keys yet.
    assert_eq!(ask(&assertion(json!({}))).await, told(400, "invalid_request", 50_166));
    let keys = json!({"issuer": issuer, "jwks": signer().jwks()});
    world.control.expect(204, Method::POST, "/issuers", Some(keys)).await;
    for (changed, code) in [
        (json!({"sub": "system:serviceaccount:apps:other"}), 700_213),
        // Case counts.
        (json!({"sub": subject.to_uppercase()}), 700_213),
        (json!({"aud": "https://kubernetes.default.svc"}), 700_212),
        (json!({"iss": format!("{issuer}/")}), 700_211),
        (json!({"exp": now - 1}), 700_024),
        (json!({"nbf": now + 60}), 700_024),
    ] {
        assert_eq!(ask(&assertion(changed.clone())).await, told(401, "invalid_client", code), "{changed}");
    }
    let good = assertion(json!({}));
    assert_eq!(ask(&good.replace('.', ".AA")).await, told(400, "invalid_request", 50_027));
    assert_eq!(ask(&forged(&good)).await, told(401, "invalid_client", 50_013));
    assert_eq!(refused(&world, &[("client_assertion", &good)]).await, told(400, "invalid_request", 900_144));
    let answer = world.token(&[BEARER, ("client_assertion", &good)]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(claims(answer.body["access_token"].as_str().unwrap())["appidacr"], "2");
}

#[tokio::test]
async fn a_certificate_proves_the_application() {
    let world = contoso().await;
    let entra = world.entra();
    let id = entra.client_id.to_string();
    let url = format!("{}/{}/oauth2/v2.0/token", entra.authority_url, entra.tenant_id);
    let now = Timestamp::now().as_second();
    // As MSAL writes a time.
    let exp = Timestamp::now().as_duration().as_secs_f64() + 300.5;
    let assertion = |header: Value, changed: Value| {
        let mut claims = json!({"iss": id, "sub": id, "aud": url, "jti": "1", "nbf": now - 5, "iat": now, "exp": exp});
        claims.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
        signer().sign(&header, &claims)
    };
    let sha1 = URL_SAFE_NO_PAD.encode(Sha1::digest(&signer().der));
    let sha256 = URL_SAFE_NO_PAD.encode(Sha256::digest(&signer().der));
    let new = json!({"alg": "PS256", "typ": "JWT", "x5t#S256": sha256});
    let ask = async |assertion: &str| refused(&world, &[BEARER, ("client_assertion", assertion)]).await;
    assert_eq!(ask(&assertion(new.clone(), json!({}))).await, told(401, "invalid_client", 700_027));
    let pem = json!({"certificate": signer().pem});
    world.control.expect(204, Method::POST, "/certificates", Some(pem)).await;
    for (changed, code) in [
        (json!({"exp": now - 1}), 700_024),
        (json!({"aud": "https://login.microsoftonline.com/x/oauth2/v2.0/token"}), 700_023),
        (json!({"sub": HUB}), 700_021),
    ] {
        assert_eq!(ask(&assertion(new.clone(), changed.clone())).await, told(401, "invalid_client", code), "{changed}");
    }
    // As MSAL writes it.
    let old = json!({"alg": "RS256", "typ": "JWT", "x5t": format!("{sha1}=")});
    let unnamed = json!({"alg": "PS256", "typ": "JWT"});
    let mixed = json!({"alg": "RS256", "typ": "JWT", "x5t#S256": "AAAA"});
    for (header, status) in [(new, 200), (old, 200), (unnamed, 401), (mixed, 401)] {
        let assertion = assertion(header.clone(), json!({}));
        assert_eq!(world.token(&[BEARER, ("client_assertion", &assertion)]).await.status, status, "{header}");
    }
    let nonsense = json!({"certificate": "nonsense"});
    world.control.expect(400, Method::POST, "/certificates", Some(nonsense)).await;
}

#[tokio::test]
async fn a_token_lasts_as_long_as_the_world_says() {
    let world = contoso_with("entraTokenLifetimeSeconds: 0").await;
    let secret = world.entra().client_secret.clone();
    let answer = world.token(&[("client_secret", &secret)]).await;
    assert_eq!(answer.body["expires_in"], 0);
    let graph = world.graph_with(answer.body["access_token"].as_str().unwrap());
    let (code, message) = graph.refused(401, "/users").await;
    assert_eq!((code.as_str(), message.contains("expired")), ("InvalidAuthenticationToken", true));
}

#[tokio::test]
async fn the_cloud_describes_itself() {
    let world = contoso().await;
    let entra = world.entra();
    let get = async |path: &str| {
        let answer = support::answer(world.control.client.get(format!("https://{}{path}", entra.metadata_host))).await;
        answer.unwrap()
    };
    let cloud = get("/metadata/endpoints?api-version=2022-09-01").await.body;
    assert_eq!(cloud["authentication"]["loginEndpoint"], entra.authority_url);
    assert_eq!(cloud["microsoftGraphResourceId"], entra.graph_url);
    assert_eq!(get("/metadata/endpoints?api-version=2019-05-01").await.body[0], cloud);
    let instance = get("/common/discovery/instance?api-version=1.1&authorization_endpoint=x").await.body;
    assert_eq!(instance["metadata"][0]["aliases"], json!([entra.metadata_host]));
    let refused = refusal(&get("/nonsense/v2.0/.well-known/openid-configuration").await);
    assert_eq!(refused, told(400, "invalid_tenant", 900_023));
}

#[tokio::test]
async fn without_an_entra_tenant_there_is_none() {
    let world = world("organization: X\nusers: []").await;
    assert!(world.sandbox.entra.is_none());
    world.control.expect(404, Method::GET, "/entra", None).await;
    assert_eq!(world.operator.get("/authentication/sso").await["provider"], "none");
    assert_eq!(world.operator.get("/authentication/domains").await["totalCount"], 0);
}
