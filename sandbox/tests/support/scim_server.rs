//! A tiny SCIM server with an authority of its own, which remembers what it was asked.

use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use indexmap::IndexMap;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};

/// The token that it takes.
pub const TOKEN: &str = "a-token-of-the-server";

/// What it knows.
#[derive(Default)]
pub struct Memory {
    /// Method, path with query, body.
    pub requests: Vec<(String, String, Value)>,
    pub users: IndexMap<String, Value>,
    pub groups: IndexMap<String, Value>,
    /// The token is not taken any more.
    pub is_revoked: bool,
    /// `userName` and the status that writing it has.
    pub refuses: Option<(String, u16)>,
    made: usize,
}

/// A server, and what it knows.
#[derive(Clone)]
pub struct ScimServer {
    pub base: String,
    pub authority: String,
    memory: Arc<Mutex<Memory>>,
}

impl ScimServer {
    pub async fn start() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.unwrap().with_no_client_auth().with_single_cert(vec![certificate.into()], key).unwrap();
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let base = format!("https://localhost:{}/scim/v2", listener.local_addr().unwrap().port());
        let memory: Arc<Mutex<Memory>> = Arc::default();
        let router = Router::new().fallback(answer).with_state(memory.clone());
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, service) = (acceptor.clone(), TowerToHyperService::new(router.clone()));
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                    let _ended = server.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { base, authority: issuer.pem(), memory }
    }

    pub fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap()
    }

    /// The requests since the last call: method, path behind the base, body; without look-ups.
    pub fn writes(&self) -> Vec<(String, String, Value)> {
        let all = std::mem::take(&mut self.memory().requests);
        all.into_iter().filter(|(method, ..)| method != "GET").collect()
    }

    /// `userName` and `active` of everybody, in the order in which they were made.
    pub fn people(&self) -> Vec<(String, bool)> {
        let of = |it: &Value| (it["userName"].as_str().unwrap().to_owned(), it["active"].as_bool().unwrap());
        self.memory().users.values().map(of).collect()
    }

    /// The members of a group, by `userName`, in alphabetical order.
    pub fn members(&self, group: &str) -> Vec<String> {
        let memory = self.memory();
        let group = memory.groups.values().find(|it| it["displayName"] == group).expect("no such group");
        let name = |it: &Value| memory.users[it["value"].as_str().unwrap()]["userName"].as_str().unwrap().to_owned();
        let mut members: Vec<String> = group["members"].as_array().into_iter().flatten().map(name).collect();
        members.sort();
        members
    }
}

async fn answer(
    State(memory): State<Arc<Mutex<Memory>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut memory = memory.lock().unwrap();
    let memory = &mut *memory;
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let at = uri.path_and_query().unwrap().as_str().strip_prefix("/scim/v2/").expect("below the base").to_owned();
    memory.requests.push((method.to_string(), at, body.clone()));
    let is_known = headers.get("authorization").is_some_and(|it| it == &format!("Bearer {TOKEN}"));
    if memory.is_revoked || !is_known {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if method == Method::POST || method == Method::PATCH {
        assert_eq!(headers["content-type"], "application/scim+json");
    }
    let path = uri.path().trim_start_matches("/scim/v2/");
    let (kind, id) = path.split_once('/').unwrap_or((path, ""));
    let id = percent_encoding::percent_decode_str(id).decode_utf8_lossy().into_owned();
    if let Some((name, status)) = &memory.refuses {
        let is_it = |it: &Value| it["userName"].as_str() == Some(name);
        if method != Method::GET && (is_it(&body) || memory.users.get(&id).is_some_and(is_it)) {
            return (StatusCode::from_u16(*status).unwrap(), "not so").into_response();
        }
    }
    let things = if kind == "Users" { &mut memory.users } else { &mut memory.groups };
    match method.as_str() {
        "GET" => {
            let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned();
            let filter = query.into_iter().find(|(name, _)| name == "filter").map(|(_, it)| it).unwrap();
            let (attribute, value) = filter.split_once(" eq ").unwrap();
            let found: Vec<&Value> = things.values().filter(|it| it[attribute] == value.trim_matches('"')).collect();
            respond(200, &json!({"totalResults": found.len(), "Resources": found}))
        }
        "POST" => {
            memory.made += 1;
            let id = format!("{kind}-{}", memory.made);
            let mut made = body;
            made["id"] = json!(id);
            things.insert(id, made.clone());
            respond(201, &made)
        }
        "PATCH" => {
            let Some(thing) = things.get_mut(&id) else { return StatusCode::NOT_FOUND.into_response() };
            for operation in body["Operations"].as_array().unwrap() {
                apply(thing, operation);
            }
            StatusCode::NO_CONTENT.into_response()
        }
        _ => {
            let is_gone = things.shift_remove(&id).is_some();
            if is_gone { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }.into_response()
        }
    }
}

/// One operation of a PATCH, in either dialect.
fn apply(thing: &mut Value, operation: &Value) {
    let (op, value) = (operation["op"].as_str().unwrap().to_lowercase(), &operation["value"]);
    match operation["path"].as_str() {
        Some("members") if op == "add" => {
            let mut members = thing["members"].as_array().cloned().unwrap_or_default();
            members.extend(value.as_array().unwrap().iter().cloned());
            thing["members"] = json!(members);
        }
        Some(path) if path.starts_with("members") => {
            let ids: Vec<&Value> = value.as_array().into_iter().flatten().map(|it| &it["value"]).collect();
            let is_it = |it: &Value| ids.contains(&&it["value"]) || path.contains(it["value"].as_str().unwrap());
            thing["members"].as_array_mut().unwrap().retain(|it| !is_it(it));
        }
        Some("active") => thing["active"] = json!(value == "True" || *value == true),
        Some(path) if !path.contains('[') => set(thing, path, value),
        Some(_) => {}
        None => value.as_object().unwrap().iter().for_each(|(path, value)| set(thing, path, value)),
    }
}

fn set(thing: &mut Value, path: &str, value: &Value) {
    let mut place = thing;
    for name in path.split('.') {
        place = &mut place[name];
    }
    *place = value.clone();
}

fn respond(status: u16, body: &Value) -> Response {
    let headers = [("content-type", "application/scim+json")];
    (StatusCode::from_u16(status).unwrap(), headers, body.to_string()).into_response()
}
