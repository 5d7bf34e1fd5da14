//! A sandbox in this process, and clients that speak to it over TLS.
#![allow(dead_code, reason = "each test program uses its own part of this")]

pub mod browser;
pub mod entra;
pub mod provisioning;
pub mod scim;
pub mod scim_server;

use reqwest::{Client, Method, StatusCode};
use sandbox::{Addresses, Credentials, Sandbox, Scenario};
use serde_json::{Value, json};

pub const CONTOSO: &str = include_str!("../../scenarios/contoso.yaml");

/// A sandbox with two clients logged in.
pub struct World {
    pub sandbox: Sandbox,
    pub operator: Caller,
    pub person: Caller,
    pub control: Caller,
}

/// A client with a base URL and perhaps a token.
#[derive(Clone)]
pub struct Caller {
    pub client: Client,
    pub base: String,
    pub token: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

pub async fn contoso() -> World {
    world(CONTOSO).await
}

/// Contoso with switches, e.g. `noETag: true`.
pub async fn contoso_with(switches: &str) -> World {
    world(&CONTOSO.replace("organization: Contoso", &format!("organization: Contoso\nswitches: {{{switches}}}"))).await
}

pub async fn world(yaml: &str) -> World {
    let sandbox = Sandbox::start(&Scenario::from_yaml(yaml).unwrap(), Addresses::default()).await.unwrap();
    let client = client(&sandbox.ca);
    let base = format!("{}/api/v1", sandbox.devolutions_url);
    let nobody = Caller { client: client.clone(), base, token: None };
    let operator = nobody.log_in(&sandbox.operator).await;
    let person = nobody.log_in(&sandbox.person).await;
    let control = Caller { client, base: sandbox.control_url.clone(), token: None };
    World { sandbox, operator, person, control }
}

pub fn client(ca: &str) -> Client {
    // A second test in the same program finds it installed.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let ca = reqwest::Certificate::from_pem(ca.as_bytes()).unwrap();
    Client::builder().tls_certs_only([ca]).build().unwrap()
}

impl Caller {
    pub async fn log_in(&self, credentials: &Credentials) -> Self {
        let body = json!({"appKey": credentials.key, "appSecret": credentials.secret});
        let answer = self.send(Method::POST, "/login", Some(body)).await.unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        Self { token: answer.body["tokenId"].as_str().map(str::to_owned), ..self.clone() }
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.header("tokenId", token),
            None => request,
        }
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> reqwest::Result<Answer> {
        let request = self.request(method, path);
        answer(if let Some(body) = body { request.json(&body) } else { request }).await
    }

    pub async fn get(&self, path: &str) -> Value {
        self.expect(200, Method::GET, path, None).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Value {
        self.expect(200, Method::PUT, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) {
        self.expect(204, Method::DELETE, path, None).await;
    }

    pub async fn expect(&self, status: u16, method: Method, path: &str, body: Option<Value>) -> Value {
        let answer = self.send(method.clone(), path, body).await.unwrap();
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        answer.body
    }

    /// Expects a refusal and returns its number and name.
    pub async fn refused(&self, status: u16, method: Method, path: &str, body: Option<Value>) -> (u64, String) {
        let body = self.expect(status, method, path, body).await;
        (body["code"].as_u64().unwrap(), body["name"].as_str().unwrap().to_owned())
    }

    /// The id of the item of a list that has this name (and, if given, this `isSynced`).
    pub async fn id(&self, list: &str, name: &str) -> String {
        let items = self.get(list).await["data"].as_array().unwrap().clone();
        let found: Vec<_> = items.iter().filter(|it| it["name"] == name).collect();
        assert_eq!(found.len(), 1, "{list} with {name}");
        found[0]["id"].as_str().unwrap().to_owned()
    }

    pub async fn fault(&self, rule: Value) -> u64 {
        self.expect(201, Method::POST, "/faults", Some(rule)).await["id"].as_u64().unwrap()
    }
}

pub async fn answer(request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
    let response = request.send().await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.bytes().await?;
    Ok(Answer { status, headers, body: serde_json::from_slice(&body).unwrap_or(Value::Null) })
}
