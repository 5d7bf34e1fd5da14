//! Clients of the Entra side: of the token endpoint and of Microsoft Graph.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Client, Method};
use ring::rsa::KeyPair;
use ring::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding};
use rsa::pkcs8::EncodePrivateKey as _;
use sandbox::EntraAccess;
use serde_json::{Value, json};

use super::{Answer, World, answer};

/// The current application of `contoso.yaml`.
pub const HUB: &str = "9c1e5a7d-4b1f-4c53-8f0a-2d7e6b9c1a01";

impl World {
    pub fn entra(&self) -> &EntraAccess {
        self.sandbox.entra.as_ref().unwrap()
    }

    /// Asks for a token with these parameters besides client, grant and scope; an empty value takes one away.
    pub async fn token(&self, parameters: &[(&str, &str)]) -> Answer {
        self.token_of(&self.entra().tenant_id.to_string(), parameters).await
    }

    pub async fn token_of(&self, tenant: &str, parameters: &[(&str, &str)]) -> Answer {
        let entra = self.entra();
        let scope = format!("{}/.default", entra.graph_url);
        let id = entra.client_id.to_string();
        let mut form = vec![("client_id", id.as_str()), ("grant_type", "client_credentials"), ("scope", &scope)];
        form.retain(|(name, _)| !parameters.iter().any(|(other, _)| other == name));
        form.extend(parameters.iter().filter(|(_, value)| !value.is_empty()));
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let url = format!("{}/{tenant}/oauth2/v2.0/token", entra.authority_url);
        let request = self.control.client.post(url).header("content-type", "application/x-www-form-urlencoded");
        answer(request.body(body)).await.unwrap()
    }

    /// Microsoft Graph with a token for the operator's secret.
    pub async fn graph(&self) -> Graph {
        let secret = self.entra().client_secret.clone();
        let answer = self.token(&[("client_secret", &secret)]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        self.graph_with(answer.body["access_token"].as_str().unwrap())
    }

    pub fn graph_with(&self, token: &str) -> Graph {
        Graph { client: self.control.client.clone(), base: self.entra().graph_url.clone(), token: token.to_owned() }
    }

    /// The OpenID metadata document of the tenant.
    pub fn document(&self) -> String {
        let entra = self.entra();
        format!("{}/{}/v2.0/.well-known/openid-configuration", entra.authority_url, entra.tenant_id)
    }

    /// Somebody signs in to Devolutions Cloud: `ok`, or where it failed and with which code.
    pub async fn sign_in(&self, user: &str) -> String {
        let told = self.control.expect(200, Method::POST, "/sign-in", Some(json!({"user": user}))).await;
        let error = &told["error"];
        if told["ok"] == true {
            return "ok".to_owned();
        }
        format!("{} {}", error["stage"].as_str().unwrap(), error["code"].as_str().unwrap())
    }

    /// Who can sign in now, by name before the `@`.
    pub async fn able(&self) -> Vec<String> {
        let told = self.control.get("/sign-in/able").await;
        let users = told["users"].as_array().unwrap().iter().map(|it| it.as_str().unwrap());
        users.map(|it| it.split('@').next().unwrap().to_owned()).collect()
    }

    /// Gives the operator these permissions, and asks for a token that has them.
    pub async fn graph_as(&self, permissions: &[&str]) -> Graph {
        let body = json!({"permissions": permissions});
        self.control.expect(204, Method::POST, "/entra/permissions", Some(body)).await;
        self.graph().await
    }
}

pub const INSTANTIATE: &str = "/applicationTemplates/8adf8e6e-67b2-4cf2-a259-e3dc5476c621/instantiate";

/// The role `User` of the template.
pub const USER_ROLE: &str = "18d14569-c3bd-439b-9a66-3a2aee01d14f";

/// What the operator's application has where the scenario says nothing else, in order.
pub const DEFAULT_PERMISSIONS: &[&str] = &[
    "AppRoleAssignment.ReadWrite.All",
    "Application.Read.All",
    "Application.ReadWrite.All",
    "AuditLog.Read.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "GroupMember.Read.All",
    "Policy.Read.All",
    "ProvisioningLog.Read.All",
    "Synchronization.ReadWrite.All",
    "User.Read.All",
];

/// What a migration of single sign-on needs.
pub const MIGRATE: &[&str] = &[
    "Application.ReadWrite.OwnedBy",
    "Application.Read.All",
    "AppRoleAssignment.ReadWrite.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "GroupMember.Read.All",
    "User.Read.All",
    "Policy.Read.All",
    "AuditLog.Read.All",
];

/// An application that has been made: object id, appId, and the object id of its service principal.
pub struct Made {
    pub id: String,
    pub app_id: String,
    pub principal: String,
    pub body: Value,
}

/// Microsoft Graph with a token.
#[derive(Clone)]
pub struct Graph {
    pub client: Client,
    pub base: String,
    pub token: String,
}

impl Graph {
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}/v1.0{path}", self.base)).bearer_auth(&self.token)
    }

    pub async fn send(&self, path: &str) -> Answer {
        answer(self.request(Method::GET, path)).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = self.send(path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.body
    }

    /// With the header of advanced queries.
    pub async fn eventual(&self, path: &str) -> Answer {
        answer(self.request(Method::GET, path).header("ConsistencyLevel", "eventual")).await.unwrap()
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        answer(self.request(Method::POST, path).json(&body)).await.unwrap()
    }

    pub async fn write(&self, method: Method, path: &str, body: Value) -> Answer {
        answer(self.request(method, path).json(&body)).await.unwrap()
    }

    /// Writes, expects this status, and returns what came back.
    pub async fn done(&self, status: u16, method: Method, path: &str, body: Value) -> Value {
        let answer = self.write(method.clone(), path, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        answer.body
    }

    /// Expects a write to be refused, and returns code and sentence.
    pub async fn denied(&self, status: u16, method: Method, path: &str, body: Value) -> (String, String) {
        let answer = self.write(method.clone(), path, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        refusal(&answer)
    }

    /// Makes an application from the template.
    pub async fn instantiate(&self, name: &str) -> Made {
        let made = self.done(201, Method::POST, INSTANTIATE, json!({"displayName": name})).await;
        let text = |thing: &str, field: &str| made[thing][field].as_str().unwrap().to_owned();
        Made {
            id: text("application", "id"),
            app_id: text("application", "appId"),
            principal: text("servicePrincipal", "id"),
            body: made.clone(),
        }
    }

    /// Expects a refusal and returns its code and sentence.
    pub async fn refused(&self, status: u16, path: &str) -> (String, String) {
        let answer = self.send(path).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        refusal(&answer)
    }

    /// One field of all items of a list.
    pub async fn all(&self, path: &str, field: &str) -> Vec<String> {
        values(&self.get(path).await, field)
    }
}

pub fn refusal(answer: &Answer) -> (String, String) {
    let error = &answer.body["error"];
    for field in ["date", "request-id", "client-request-id"] {
        assert!(error["innerError"][field].is_string(), "{answer:?}");
    }
    (error["code"].as_str().unwrap().to_owned(), error["message"].as_str().unwrap().to_owned())
}

pub fn values(list: &Value, field: &str) -> Vec<String> {
    list["value"].as_array().unwrap().iter().map(|it| it[field].as_str().unwrap_or_default().to_owned()).collect()
}

/// The same token with another signature.
pub fn forged(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (first, rest) = signature.split_at(1);
    format!("{signed}.{}{rest}", if first == "A" { "B" } else { "A" })
}

/// Somebody who signs assertions: an RSA key, and a certificate of it. Made once for all tests of a program.
pub struct Signer {
    pub der: Vec<u8>,
    pub pem: String,
    pair: KeyPair,
}

pub fn signer() -> &'static Signer {
    static SIGNER: OnceLock<Signer> = OnceLock::new();
    SIGNER.get_or_init(|| {
        let key = rsa::PrivateKey::new(&mut rand::rng(), 2048).unwrap().to_pkcs8_der().unwrap();
        let pkcs8 = rustls::pki_types::PrivatePkcs8KeyDer::from(key.as_bytes().to_vec());
        let pair = rcgen::KeyPair::try_from(&pkcs8).unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&pair).unwrap();
        let (der, pem) = (certificate.der().to_vec(), certificate.pem());
        Signer { der, pem, pair: KeyPair::from_pkcs8(key.as_bytes()).unwrap() }
    })
}

impl Signer {
    /// A token with this header and these claims.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", encode(header), encode(claims));
        let algorithm: &dyn RsaEncoding = if header["alg"] == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
        let mut signature = vec![0; self.pair.public().modulus_len()];
        let random = ring::rand::SystemRandom::new();
        self.pair.sign(algorithm, &random, signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// What an issuer with this key publishes.
    pub fn jwks(&self) -> Value {
        let public = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(self.pair.public());
        let (n, e) = (URL_SAFE_NO_PAD.encode(public.n), URL_SAFE_NO_PAD.encode(public.e));
        json!({"keys": [{"kty": "RSA", "kid": "k1", "n": n, "e": e}]})
    }
}
