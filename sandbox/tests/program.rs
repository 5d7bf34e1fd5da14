//! The sandbox as a program: what it prints, what it writes, how it ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::path::Path;
use std::process::Stdio;

use reqwest::Method;
use serde_json::json;
use tokio::io::AsyncBufReadExt as _;
use tokio::process::{Child, Command};

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_sandbox"))
}

/// Starts it and waits until it says that it serves.
async fn serve(dir: &Path) -> Child {
    serve_world(dir, &["--seed", "7"]).await
}

async fn serve_world(dir: &Path, world: &[&str]) -> Child {
    let mut command = program();
    command.arg("serve").args(world).args(["--exit-on-stdin-close", "--dir"]).arg(dir.join("tls"));
    command.arg("--env-file").arg(dir.join("env")).stdin(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut lines = tokio::io::BufReader::new(child.stderr.take().unwrap()).lines();
    while !lines.next_line().await.unwrap().expect("it ended early").contains("serving") {}
    child
}

fn export(file: &str, name: &str) -> String {
    let line = file
        .lines()
        .find(|it| it.starts_with(&format!("export {name}='")))
        .unwrap_or_else(|| panic!("{name} in {file}"));
    line.split('\'').nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn its_exports_are_all_that_a_client_needs_and_it_ends_with_its_input() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = serve(dir.path()).await;
    let file = std::fs::read_to_string(dir.path().join("env")).unwrap();
    let client = support::client(&std::fs::read_to_string(export(&file, "SANDBOX_CA")).unwrap());
    for who in ["DEVOLUTIONS", "PERSON"] {
        let (key, secret) =
            (export(&file, &format!("{who}_APPLICATION_KEY")), export(&file, &format!("{who}_APPLICATION_SECRET")));
        assert_eq!((key.split(';').count(), key.len(), secret.len()), (2, 73, 44));
        let base = format!("{}/api/v1", export(&file, "DEVOLUTIONS_URL"));
        let caller = support::Caller { client: client.clone(), base, token: None };
        let login = json!({"appKey": key, "appSecret": secret});
        caller.expect(200, Method::POST, "/login", Some(login)).await;
    }
    let control = support::Caller { client, base: export(&file, "CONTROL_URL"), token: None };
    assert_eq!(control.get("/violations").await["total"], 0);
    let [graph, authority, tenant, id, secret] =
        ["GRAPH_URL", "AUTHORITY_URL", "TENANT_ID", "CLIENT_ID", "CLIENT_SECRET"].map(|it| export(&file, it));
    assert_eq!(authority, format!("https://{}", export(&file, "METADATA_HOST")));
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &id),
        ("client_secret", &secret),
        ("scope", &format!("{graph}/.default")),
    ];
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let request = control.client.post(format!("{authority}/{tenant}/oauth2/v2.0/token"));
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
    let token = support::answer(request).await.unwrap().body["access_token"].as_str().unwrap().to_owned();
    let users = control.client.get(format!("{graph}/v1.0/users")).bearer_auth(token);
    assert_eq!(support::answer(users).await.unwrap().status, 200);
    drop(child.stdin.take());
    assert!(child.wait().await.unwrap().success());
}

#[tokio::test]
async fn what_provisioning_needs_is_exported_only_where_it_is_enabled() {
    let dir = tempfile::tempdir().unwrap();
    let scenario = dir.path().join("scenario.yaml");
    let in_scenario = "\n  provisioning: {enabled: true}";
    for (more, argument, is_there) in [("", None, false), (in_scenario, None, true), ("", Some("--provisioning"), true)]
    {
        std::fs::write(&scenario, support::CONTOSO.replace("\nsso:", &format!("\nsso:{more}"))).unwrap();
        let arguments: Vec<&str> = ["--scenario", scenario.to_str().unwrap()].into_iter().chain(argument).collect();
        let _child = serve_world(dir.path(), &arguments).await;
        let file = std::fs::read_to_string(dir.path().join("env")).unwrap();
        assert_eq!((file.contains("SCIM_URL"), file.contains("SCIM_TOKEN")), (is_there, is_there));
        if is_there {
            let client = support::client(&std::fs::read_to_string(export(&file, "SANDBOX_CA")).unwrap());
            let [url, token] = ["SCIM_URL", "SCIM_TOKEN"].map(|it| export(&file, it));
            assert_eq!(url, format!("{}/scim/v2", export(&file, "DEVOLUTIONS_URL")));
            let groups = support::answer(client.get(format!("{url}/Groups")).bearer_auth(token)).await.unwrap();
            assert_eq!((groups.status.as_u16(), &groups.body["totalResults"]), (200, &json!(0)));
        }
    }
}

#[tokio::test]
async fn it_ends_well_on_sigterm() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = serve(dir.path()).await;
    let kill = Command::new("kill").args(["-TERM", &child.id().unwrap().to_string()]).status().await.unwrap();
    assert!(kill.success());
    assert!(child.wait().await.unwrap().success());
}

#[tokio::test]
async fn a_taken_port_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = program()
        .args(["serve", "--listen", &address, "--dir", "d", "--env-file", "e"])
        .current_dir(&dir)
        .output()
        .await
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && error.contains(&address), "{error}");
    assert!(!dir.path().join("e").exists());
}

#[tokio::test]
async fn a_world_survives_being_written_down() {
    let dir = tempfile::tempdir().unwrap();
    let sizes = ["--seed", "5", "--users", "50", "--groups", "6", "--vaults", "8", "--entries", "90"];
    let print = async |arguments: &[&str]| {
        let output = program().arg("world").args(arguments).output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let generated = print(&sizes).await;
    assert_eq!(generated, print(&sizes).await, "the same seed is the same world");
    let file = dir.path().join("world.yaml");
    std::fs::write(&file, &generated).unwrap();
    assert_eq!(print(&["--scenario", file.to_str().unwrap()]).await, generated);
    let (one, two) = (support::world(&generated).await, support::world(&generated).await);
    assert_eq!(one.control.get("/state").await, two.control.get("/state").await);
    assert_eq!(one.control.get("/world").await, two.control.get("/world").await);
    assert_ne!(generated, print(&["--seed", "6"]).await);
}

#[tokio::test]
async fn switches_can_be_set_for_any_world() {
    let output =
        program().args(["world", "--switches", "{noETag: true, hiddenVaults: [Web 01]}"]).output().await.unwrap();
    let yaml = String::from_utf8(output.stdout).unwrap();
    assert!(yaml.contains("noETag: true") && yaml.contains("hiddenVaults:"), "{yaml}");
    let output = program().args(["world", "--switches", "{noTag: true}"]).output().await.unwrap();
    assert!(!output.status.success() && String::from_utf8(output.stderr).unwrap().contains("noTag"));
}

#[tokio::test]
async fn a_scenario_that_contradicts_itself_is_refused_in_words() {
    let dir = tempfile::tempdir().unwrap();
    for (scenario, expected) in [
        ("organization: X\nusers: []\ngroups: [{name: G, kind: custom, members: [bob]}]", "no user called \"bob\""),
        (
            "organization: X\nusers: []\nvaults: [{name: V, permissions: [{group: G, role: Readers}]}]",
            "no group called \"G\"",
        ),
        (
            "organization: X\nusers: []\ngroups: [{name: G, kind: custom}, {name: G, kind: synced}]\nvaults: [{name: V, permissions: [{group: G, role: Readers}]}]",
            "more than one group",
        ),
        (
            "organization: X\nusers: []\ngroups: [{name: G, kind: custom}]\nvaults: [{name: V, permissions: [{group: G, role: Emperors}]}]",
            "no role is called \"Emperors\"",
        ),
        ("organization: X\nusers: []\nswitchs: {}", "switchs"),
        ("organization: X\nusers: []\nswitches: {cannot: [getSso]}", "there is no operation \"getSso\""),
        ("organization: X\nusers: []\nsso: {provider: openId}", "an `application` belongs to the provider `openId`"),
        ("organization: X\nusers: []\nsso: {provider: openId, application: A}", "no application called \"A\""),
        ("organization: X\nusers: []\nsso: {provisioning: {enabled: true}}", "`provisioning` needs single sign-on"),
        (
            "organization: X\nusers: []\nentra: {operator: {permissions: [Everything]}}",
            "\"Everything\" is no application permission",
        ),
        (
            "organization: X\nusers: []\nentra: {groups: [{displayName: G, members: [bob@x.example]}]}",
            "no user called \"bob@x.example\" (referred to by group \"G\")",
        ),
        (
            "organization: X\nusers: []\nentra: {users: [{displayName: A, userPrincipalName: a@x}, {displayName: B, userPrincipalName: A@x}]}",
            "userPrincipalName \"A@x\" is there twice",
        ),
        (
            "organization: X\nusers: []\nentra: {groups: [{displayName: G, securityEnabled: false}], applications: [{displayName: A, assignments: [{group: G}]}]}",
            "group \"G\" is no security group",
        ),
        (
            "organization: X\nusers: []\ngroups: [{name: G, kind: synced, externalId: 5d0f3b1e-8a5c-4c1e-9d57-3f2b6a7c9e01}]\nentra: {groups: [{displayName: G, id: 5d0f3b1e-8a5c-4c1e-9d57-3f2b6a7c9e02}]}",
            "no group \"G\" has the id 5d0f3b1e-8a5c-4c1e-9d57-3f2b6a7c9e01",
        ),
        (
            "organization: X\nusers: []\nentra: {conditionalAccessPolicies: [{displayName: P, includeApplications: [A]}]}",
            "no application called \"A\" (referred to by Conditional Access policy \"P\")",
        ),
    ] {
        let file = dir.path().join("scenario.yaml");
        std::fs::write(&file, scenario).unwrap();
        let arguments = ["serve", "--scenario", "scenario.yaml", "--dir", "d", "--env-file", "e"];
        let output = program().args(arguments).current_dir(&dir).output().await.unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && error.contains(expected), "{error}");
    }
}
