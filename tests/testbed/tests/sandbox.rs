//! The sandbox runs as a process, and its control interface says what the calls here expect.

#![allow(clippy::unwrap_used, reason = "the permission for tests in clippy.toml does not reach their helper functions")]

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use testbed::Error;
use testbed::sandbox::Sandbox;

const SMALL: [&str; 10] = ["--seed", "7", "--users", "12", "--groups", "2", "--vaults", "3", "--entries", "12"];
const SOON: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_sandbox_serves_and_can_be_steered() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::start(folder.path(), &SMALL).await.unwrap();
    assert!(sandbox.authority().is_file());
    assert!(sandbox.export("DEVOLUTIONS_APPLICATION_KEY").is_some());
    assert_eq!(sandbox.world().await.unwrap()["vaults"], 3);
    let state = sandbox.state().await.unwrap();
    assert!(!state.is_null());

    let person = sandbox.as_person().await.unwrap();
    let vaults = person.call(Method::GET, "/api/v1/vaults", None).await.unwrap();
    assert_eq!(vaults["data"].as_array().map(Vec::len), Some(3), "{vaults}");
    let missing = person.call(Method::GET, "/api/v1/no-such-thing", None).await;
    assert!(matches!(missing, Err(Error::Answer { status: 404, .. })), "{missing:?}");

    let journal = sandbox.journal(0).await.unwrap();
    assert!(journal.entries.iter().any(|one| one.path == "/api/v1/vaults" && one.status == 200 && !one.is_write));
    assert!(sandbox.journal(journal.last).await.unwrap().entries.is_empty());

    a_held_request_waits(&sandbox).await;

    let members: Vec<&str> = Vec::new();
    let world = sandbox.world().await.unwrap();
    let groups = world["groups"].as_array().unwrap();
    let synced = groups.iter().find(|group| group["kind"] == "synced").unwrap();
    sandbox.sync(synced["name"].as_str().unwrap(), &members).await.unwrap();
    let unknown = sandbox.sync("no such group", &members).await;
    assert!(matches!(unknown, Err(Error::Answer { status: 404, .. })), "{unknown:?}");
    // People may change what they like.
    let violations = sandbox.violations().await.unwrap();
    assert_eq!((violations.total, violations.violations.len()), (0, 0), "{violations:?}");

    let attached = Sandbox::attach(&folder.path().join("env")).unwrap();
    sandbox.stop().await.unwrap();
    let gone = attached.world().await.unwrap_err().to_string();
    assert!(gone.contains("got no answer"), "{gone}");
}

async fn a_held_request_waits(sandbox: &Sandbox) {
    let rule = json!({
        "method": "GET", "path": "/api/v1/vaults", "identity": "person", "action": { "type": "HoldAfterCommit" },
    });
    let fault = sandbox.add_fault(&rule).await.unwrap();
    let person = sandbox.as_person().await.unwrap();
    let steer = async {
        let hold = sandbox.wait_for_hold(SOON).await.unwrap();
        assert_eq!((hold.fault_id, hold.path.as_str()), (fault.id, "/api/v1/vaults"));
        sandbox.release(hold.id).await.unwrap();
    };
    let (answer, ()) = tokio::join!(person.call(Method::GET, "/api/v1/vaults", None), steer);
    assert!(answer.unwrap()["data"].is_array());
    assert_eq!(sandbox.faults().await.unwrap()[0].fired, 1);
    sandbox.clear_faults().await.unwrap();
    assert!(sandbox.faults().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_sandbox_that_cannot_start_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = folder.path().join("nonsense.yaml");
    std::fs::write(&scenario, "nonsense: true\n").unwrap();
    let error = Sandbox::start(folder.path(), &["--scenario", scenario.to_str().unwrap()]).await.unwrap_err();
    assert!(matches!(error, Error::Ended { .. }), "{error}");
    assert!(error.to_string().contains("nonsense"), "{error}");
}

#[test]
fn a_file_that_lacks_an_export_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("env");
    std::fs::write(&file, "export SANDBOX_CA='/none'\n").unwrap();
    let error = Sandbox::attach(&file).unwrap_err().to_string();
    assert!(error.contains("CONTROL_URL") && error.contains(file.to_str().unwrap()), "{error}");
}
