//! Every operation of the contract's document is served, and answers as its schemas say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Map, Value, json};
use support::{Caller, World, answer, contoso};

const DOCUMENT: &str = include_str!("../../contract/devolutions-cloud.openapi.yaml");

fn document() -> Value {
    serde_saphyr::from_str(DOCUMENT).unwrap()
}

/// All operations: path, method, definition.
fn operations(document: &Value) -> Vec<(&String, &String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| item.as_object().unwrap().iter().map(move |(method, it)| (path, method, it)))
        .collect()
}

fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => document.pointer(reference.strip_prefix('#').unwrap()).unwrap(),
        None => value,
    }
}

/// A validator for one schema of the document.
fn validator(document: &Value, schema: &Value) -> jsonschema::Validator {
    let mut root = schema.as_object().unwrap().clone();
    root.insert("components".to_owned(), document["components"].clone());
    jsonschema::draft202012::options().should_validate_formats(true).build(&Value::Object(root)).unwrap()
}

/// Fails unless an answer is one that the document has for this operation.
fn check(document: &Value, operation: &Value, answer: &support::Answer) {
    let id = &operation["operationId"];
    assert!(answer.headers.contains_key("x-request-id"), "{id}: no X-Request-Id");
    let responses = operation["responses"].as_object().unwrap();
    let response =
        responses.get(answer.status.as_str()).unwrap_or_else(|| panic!("{id}: {} is undocumented", answer.status));
    let schema = &resolve(document, response)["content"]["application/json"]["schema"];
    if schema.is_null() {
        assert_eq!(answer.body, Value::Null, "{id}: a body where none is documented");
    } else {
        let errors: Vec<String> = validator(document, schema)
            .iter_errors(&answer.body)
            .map(|it| format!("{it} at {}", it.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{id}: {errors:?} in {}", answer.body);
    }
}

struct Ids(Map<String, Value>);

impl Ids {
    /// Things that exist, by the names of path parameters; `id` depends on the path.
    async fn of(caller: &Caller) -> Self {
        let vault = caller.id("/vaults", "Infrastructure").await;
        let ids = json!({
            "vaultId": vault,
            "entryId": caller.id(&format!("/vaults/{vault}/entries"), "Tickets").await,
            "groupId": caller.id("/groups", "Helpdesk").await,
            "userId": caller.id("/users", "Dave Diaz").await,
        });
        Self(ids.as_object().unwrap().clone())
    }

    fn fill(&self, path: &str) -> String {
        let id = if path.starts_with("/users") { "userId" } else { "groupId" };
        let mut path = path.replace("{id}", self.0[id].as_str().unwrap());
        for (name, id) in &self.0 {
            path = path.replace(&format!("{{{name}}}"), id.as_str().unwrap());
        }
        path
    }
}

fn body(world: &World, operation: &Value) -> Option<Value> {
    let schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str()?;
    Some(match schema.rsplit('/').next().unwrap() {
        "Login" => json!({"appKey": world.sandbox.operator.key, "appSecret": world.sandbox.operator.secret}),
        "GroupUpdate" => json!({"description": "changed"}),
        "Members" => json!({"userIds": []}),
        "SystemSettingsUpdate" => json!({"forceSsoLogin": true}),
        "SsoConfigurationUpdate" => client(world, json!({"name": "Microsoft"})),
        "SsoClient" => client(world, json!({})),
        "Permission" | "SystemPermission" => json!({"flags": {"viewVault": true}, "unknown": [1, "two", null]}),
        other => panic!("no example of a {other}"),
    })
}

/// The operator's own application, which has a secret that is known.
fn client(world: &World, mut body: Value) -> Value {
    let entra = world.entra();
    let document = format!("{}/{}/v2.0/.well-known/openid-configuration", entra.authority_url, entra.tenant_id);
    let fields = [
        ("clientId", entra.client_id.to_string()),
        ("clientSecret", entra.client_secret.clone()),
        ("discoveryUrl", document),
    ];
    body.as_object_mut().unwrap().extend(fields.map(|(name, it)| (name.to_owned(), json!(it))));
    body
}

/// Sends every operation once, in an order in which what it needs is still there.
async fn send_all(world: &World, caller: &Caller, document: &Value, ids: &Ids) -> Vec<(Value, support::Answer)> {
    let mut operations = operations(document);
    // Writes after reads, what takes away after what gives, the group last but one, the logout last.
    let rank = |path: &str, method: &str| match (method, path) {
        (_, "/logout") => 5,
        ("delete", "/groups/{id}") => 4,
        ("delete", path) if path.starts_with("/groups") => 3,
        ("delete", _) => 2,
        ("get", _) => 0,
        _ => 1,
    };
    operations.sort_by_key(|(path, method, _)| rank(path, method));
    let mut answers = Vec::new();
    for (path, method, operation) in operations {
        let method: Method = method.to_uppercase().parse().unwrap();
        let sent = caller.send(method, &ids.fill(path), body(world, operation)).await.unwrap();
        answers.push((operation.clone(), sent));
    }
    answers
}

#[tokio::test]
async fn every_operation_is_served_and_answers_as_documented() {
    let (world, document) = (contoso().await, document());
    let ids = Ids::of(&world.operator).await;
    for (operation, answer) in send_all(&world, &world.operator, &document, &ids).await {
        check(&document, &operation, &answer);
        assert!(answer.status.is_success(), "{}: {answer:?}", operation["operationId"]);
    }
}

#[tokio::test]
async fn every_operation_but_login_needs_a_token() {
    let (world, document) = (contoso().await, document());
    let ids = Ids::of(&world.operator).await;
    for token in [None, Some("made-up".to_owned())] {
        let stranger = Caller { token, ..world.operator.clone() };
        for (operation, answer) in send_all(&world, &stranger, &document, &ids).await {
            check(&document, &operation, &answer);
            let is_open = operation["security"] == json!([]);
            assert_eq!(answer.status, if is_open { 200 } else { 401 }, "{}", operation["operationId"]);
        }
    }
}

#[tokio::test]
async fn wrong_credentials_are_refused() {
    let world = contoso().await;
    let (operator, person) = (&world.sandbox.operator, &world.sandbox.person);
    for (key, secret) in
        [(&operator.key, &person.secret), (&person.key, &operator.secret), (&operator.key, &String::new())]
    {
        let login = json!({"appKey": key, "appSecret": secret});
        let refused = world.operator.refused(401, Method::POST, "/login", Some(login)).await;
        assert_eq!(refused, (0, "Unauthenticated".to_owned()));
    }
    world.operator.refused(400, Method::POST, "/login", Some(json!({"appKey": operator.key}))).await;
}

#[tokio::test]
async fn what_does_not_exist_is_404_by_name() {
    let (world, document) = (contoso().await, document());
    let Ids(mut ids) = Ids::of(&world.operator).await;
    for id in ids.values_mut() {
        *id = json!("00000000-0000-4000-8000-000000000000");
    }
    let ids = Ids(ids);
    for (operation, answer) in send_all(&world, &world.operator, &document, &ids).await {
        if operation["responses"].as_object().unwrap().contains_key("404") {
            check(&document, &operation, &answer);
            assert_eq!(answer.status, 404, "{}", operation["operationId"]);
        }
    }
}

#[tokio::test]
async fn no_path_is_served_that_the_document_does_not_have() {
    let world = contoso().await;
    let refused = world.operator.refused(404, Method::GET, "/nope", None).await;
    assert_eq!(refused, (0, "NoSuchOperation".to_owned()));
    let refused = world.operator.refused(405, Method::DELETE, "/users", None).await;
    assert_eq!(refused, (0, "MethodNotAllowed".to_owned()));
}

#[tokio::test]
async fn capabilities_are_the_operations_of_the_document() {
    let (world, document) = (contoso().await, document());
    let capabilities = world.operator.get("/capabilities").await;
    let served: BTreeSet<&str> =
        capabilities["operations"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    let documented: BTreeSet<&str> =
        operations(&document).iter().map(|(_, _, it)| it["operationId"].as_str().unwrap()).collect();
    assert_eq!(served, documented);
    assert_eq!(capabilities["contractVersion"], document["info"]["version"]);
}

#[test]
fn every_operation_tells_its_cmdlet_and_its_evidence() {
    let document = document();
    let evidence = ["cmdlet", "vendor document", "inferred", "unknown"];
    for (path, method, operation) in operations(&document) {
        assert!(operation["x-cmdlet"].as_str().is_some_and(|it| !it.is_empty()), "{method} {path}");
        assert!(evidence.contains(&operation["x-evidence"].as_str().unwrap()), "{method} {path}");
    }
    assert!(document["info"]["description"].as_str().unwrap().contains("not a Devolutions API"));
}

#[tokio::test]
async fn a_request_id_comes_back() {
    let world = contoso().await;
    let sent = answer(world.operator.request(Method::GET, "/me").header("X-Request-Id", "my-own")).await.unwrap();
    assert_eq!(sent.headers["x-request-id"], "my-own");
    let entries = world.control.get("/journal").await["entries"].as_array().unwrap().clone();
    assert_eq!(entries.last().unwrap()["requestId"], "my-own");
}

#[tokio::test]
async fn lists_come_in_pages() {
    let world = contoso().await;
    let mut names = Vec::new();
    for page in 1..=4 {
        let body = world.operator.get(&format!("/groups?page={page}&pageSize=3")).await;
        assert_eq!(
            (&body["currentPage"], &body["totalCount"], &body["totalPage"]),
            (&json!(page), &json!(10), &json!(4))
        );
        names.extend(body["data"].as_array().unwrap().iter().map(|it| it["name"].clone()));
    }
    assert_eq!(names.len(), 10);
    assert_eq!(names[9], "Vault-Operators");
    for query in ["page=0", "pageSize=0", "pageSize=501", "page=x"] {
        world.operator.refused(400, Method::GET, &format!("/groups?{query}"), None).await;
    }
}
