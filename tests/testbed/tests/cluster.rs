//! A real cluster starts, works and ends; and whoever is killed, nothing of it stays behind.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the permission for tests in clippy.toml does not reach their helper functions"
)]

mod leftovers;

use std::time::Duration;

use serde_json::Value;
use testbed::Error;
use testbed::cluster::Cluster;
use testbed::process::Process;
use testbed::wait::{self, Object};

const SOON: Duration = Duration::from_mins(1);

const POLICY: &str = r#"
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: no-forbidden-maps
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
    - apiGroups: [""]
      apiVersions: [v1]
      operations: [CREATE]
      resources: [configmaps]
  validations:
  - expression: object.metadata.name != 'forbidden'
    message: this name is not for you
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: no-forbidden-maps
spec:
  policyName: no-forbidden-maps
  validationActions: [Deny]
"#;

fn object<'a>(kind: &'a str, namespace: Option<&'a str>, name: &'a str) -> Object<'a> {
    Object { kind, namespace, name }
}

/// One cluster for all of it: starting one is what takes the time.
#[tokio::test]
async fn a_cluster_works() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::start(folder.path()).await.unwrap();
    let admin = cluster.admin();

    // Controllers: a namespace gets a default account and the authority's certificate.
    cluster.kubectl(&["create", "namespace", "place"], None).await.unwrap();
    let account = object("serviceaccount", Some("place"), "default");
    wait::until(&admin, account, "the default service account", SOON, |_| true).await.unwrap();
    let authority = object("configmap", Some("place"), "kube-root-ca.crt");
    let made = |state: &Value| state["data"]["ca.crt"].as_str().is_some_and(|text| text.contains("BEGIN CERTIFICATE"));
    wait::until(&admin, authority, "the authority's certificate", SOON, made).await.unwrap();

    a_service_account_has_the_rights_it_is_given(&cluster).await;
    a_user_is_who_the_certificate_says(&cluster).await;
    an_admission_policy_is_checked_and_enforced(&cluster).await;

    // A wait in vain says what was there instead.
    let vain = wait::until(&admin, account, "what never comes", Duration::from_secs(15), |_| false).await;
    let message = vain.unwrap_err().to_string();
    assert!(message.contains("what never comes") && message.contains(r#""name": "default""#), "{message}");
    let nothing = object("configmap", Some("place"), "nothing");
    let vain = wait::until(&admin, nothing, "what is not there", Duration::from_secs(1), |_| true).await;
    assert!(vain.unwrap_err().to_string().contains("no configmap nothing in namespace place"));

    cluster.kubectl(&["delete", "namespace", "place", "--wait=false"], None).await.unwrap();
    wait::gone(&admin, object("namespace", None, "place"), SOON).await.unwrap();

    let audited = std::fs::read_to_string(cluster.audit_log()).unwrap();
    let events: Vec<Value> = wait::whole_lines(&audited).map(|line| serde_json::from_str(line).unwrap()).collect();
    let by_account = |event: &&Value| event["user"]["username"] == "system:serviceaccount:place:robot";
    assert!(events.iter().filter(by_account).count() > 0, "no request of the account in the audit log");
    assert!(events.iter().all(|event| event["stage"] != "RequestReceived" && event["requestObject"].is_null()));

    // Nobody else gets into the folder while it runs, and the one that runs does not mind.
    let second = Cluster::start(folder.path()).await.unwrap_err();
    assert!(second.to_string().contains("already holds a running cluster"), "{second}");
    Cluster::attach(folder.path()).unwrap().kubectl(&["get", "namespaces"], None).await.unwrap();

    let processes = leftovers::of(folder.path());
    assert_eq!(processes.len(), 4, "supervisor, etcd, API server, controller manager: {processes:?}");
    cluster.stop().await.unwrap();
    assert_eq!(leftovers::of(folder.path()), Vec::new());
    assert!(matches!(Cluster::attach(folder.path()), Err(Error::NotRunning { .. })));
}

async fn a_service_account_has_the_rights_it_is_given(cluster: &Cluster) {
    for arguments in [
        &["create", "serviceaccount", "robot", "-n", "place"][..],
        &["create", "role", "reader", "-n", "place", "--verb=list", "--resource=configmaps"],
        &["create", "rolebinding", "reader", "-n", "place", "--role=reader", "--serviceaccount=place:robot"],
    ] {
        cluster.kubectl(arguments, None).await.unwrap();
    }
    let kubeconfig = cluster.service_account_kubeconfig("place", "robot", Duration::from_hours(1)).await.unwrap();
    let robot = cluster.kubectl_as(&kubeconfig);
    wait::until_allowed(&robot, "list", "configmaps", "place", SOON).await.unwrap();
    robot.run(&["get", "configmaps", "-n", "place"], None).await.unwrap();
    let denied = robot.run(&["get", "secrets", "-n", "place"], None).await.unwrap_err();
    assert!(denied.to_string().contains("Forbidden"), "{denied}");
}

async fn a_user_is_who_the_certificate_says(cluster: &Cluster) {
    let kubeconfig = cluster.user_kubeconfig("ann@example.com", Some("auditors")).unwrap();
    let answer = cluster.kubectl_as(&kubeconfig).run(&["auth", "whoami", "-o", "json"], None).await.unwrap();
    let review: Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!(review["status"]["userInfo"]["username"], "ann@example.com");
    let groups = review["status"]["userInfo"]["groups"].as_array().unwrap();
    assert!(groups.contains(&"auditors".into()), "{groups:?}");
}

async fn an_admission_policy_is_checked_and_enforced(cluster: &Cluster) {
    let admin = cluster.admin();
    admin.apply(POLICY).await.unwrap();
    // The type checker of the controller manager has seen it.
    let policy = object("validatingadmissionpolicy", None, "no-forbidden-maps");
    let checked = |state: &Value| state["status"]["observedGeneration"] == 1;
    let state = wait::until(&admin, policy, "the policy's type check", SOON, checked).await.unwrap();
    assert!(state["status"]["typeChecking"]["expressionWarnings"].is_null(), "{state}");
    // The API server takes a new policy into account after a moment of which it tells nobody.
    let refusal = tokio::time::timeout(SOON, async {
        loop {
            let create = ["create", "configmap", "forbidden", "-n", "place", "--dry-run=server"];
            if let Err(error) = admin.run(&create, None).await {
                return error.to_string();
            }
        }
    });
    let refusal = refusal.await.expect("the policy never came into force");
    assert!(refusal.contains("this name is not for you"), "{refusal}");
}

#[tokio::test]
async fn nothing_stays_behind_a_killed_owner() {
    let folder = tempfile::tempdir().unwrap();
    let mut owner = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "owner", "--ignored", "--nocapture"])
        .env("OWNED_CLUSTER", folder.path())
        .spawn()
        .unwrap();
    let processes = running(folder.path()).await;
    owner.kill().unwrap();
    owner.wait().unwrap();
    all_end(processes).await;
    assert_eq!(leftovers::of(folder.path()), Vec::new());
}

#[tokio::test]
async fn nothing_stays_behind_a_killed_supervisor() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::start(folder.path()).await.unwrap();
    let processes = running(folder.path()).await;
    Cluster::supervisor(folder.path()).unwrap().unwrap().kill().unwrap();
    all_end(processes).await;
    assert_eq!(leftovers::of(folder.path()), Vec::new());
    assert!(matches!(Cluster::attach(folder.path()), Err(Error::NotRunning { .. })));
    drop(cluster);
    // What it left in the folder is no obstacle.
    Cluster::start(folder.path()).await.unwrap().stop().await.unwrap();
}

/// Not a test: the process that [`nothing_stays_behind_a_killed_owner`] kills.
#[tokio::test]
#[ignore = "run by another test, as a process of its own"]
async fn owner() {
    let folder = std::env::var_os("OWNED_CLUSTER").expect("OWNED_CLUSTER");
    let _cluster = Cluster::start(folder.as_ref()).await.unwrap();
    std::future::pending::<()>().await;
}

/// The cluster's processes, once all are there.
async fn running(folder: &std::path::Path) -> Vec<Process> {
    let all_there = async {
        let mut look = tokio::time::interval(Duration::from_millis(50));
        loop {
            look.tick().await;
            if Cluster::attach(folder).is_ok() {
                return;
            }
        }
    };
    // The first start ever builds the programs.
    tokio::time::timeout(Duration::from_mins(30), all_there).await.expect("no cluster");
    let processes: Vec<_> = leftovers::of(folder).iter().filter_map(|one| Process::open(one.pid).unwrap()).collect();
    assert!(processes.len() >= 4, "{processes:?}");
    processes
}

async fn all_end(processes: Vec<Process>) {
    for process in processes {
        let ended = tokio::time::timeout(SOON, process.ended()).await;
        ended.unwrap_or_else(|_| panic!("{process:?} still runs")).unwrap();
    }
}
