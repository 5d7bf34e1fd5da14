//! The files in `examples/` are what a cluster with these kinds takes, to the last field.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the permission for tests in clippy.toml does not reach their helper functions"
)]

use std::path::{Path, PathBuf};

use testbed::Error;
use testbed::cluster::Cluster;
use testbed::kubectl::Kubectl;

const NAMESPACE: &str = "examples";
const KINDS: [&str; 4] = ["tenantconnections", "ssomigrations", "groupreplacements", "planapprovals"];

#[tokio::test]
async fn a_cluster_takes_every_example() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::start(folder.path()).await.unwrap();
    let admin = cluster.admin();
    install(&admin).await;

    let mut names = Vec::new();
    for file in std::fs::read_dir(root().join("examples")).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        dry_run(&admin, &text).await.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        names.push(path.file_name().unwrap().to_owned().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["approval.yaml", "connection.yaml", "migration.yaml", "replacement.yaml", "roles.yaml"]);

    // Or it would take anything.
    let replacement = example("replacement.yaml");
    for (right, wrong) in
        [("soak: 24h", "soka: 24h"), ("soak: 24h", "soak: a day"), ("    name: Sysadmins\n", "    {}\n")]
    {
        assert!(replacement.contains(right), "{right}");
        let refused = dry_run(&admin, &replacement.replace(right, wrong)).await;
        assert!(matches!(refused, Err(Error::Command { .. })), "{wrong}: {refused:?}");
    }

    the_approver_may_approve_and_change_nothing(&cluster).await;
    cluster.stop().await.unwrap();
}

async fn the_approver_may_approve_and_change_nothing(cluster: &Cluster) {
    cluster.kubectl(&["apply", "-n", NAMESPACE, "-f", "-"], Some(&example("roles.yaml"))).await.unwrap();
    let kubeconfig = cluster.user_kubeconfig("alice@contoso.example", None).unwrap();
    let alice = cluster.kubectl_as(&kubeconfig);
    let within = std::time::Duration::from_mins(1);
    let all = "planapprovals.migration.devolutions.net";
    testbed::wait::until_allowed(&alice, "create", all, NAMESPACE, within).await.unwrap();
    for (verb, kind, may) in [
        ("approve", "groupreplacements", true),
        ("create", "planapprovals", true),
        ("update", "groupreplacements", false),
        ("patch", "planapprovals", false),
    ] {
        let kind = format!("{kind}.migration.devolutions.net");
        let answer = alice.run(&["auth", "can-i", verb, &kind, "-n", NAMESPACE], None).await;
        assert_eq!(answer.is_ok(), may, "{verb} {kind}: {answer:?}");
    }
}

async fn install(admin: &Kubectl) {
    let crds = root().join("crds");
    admin.run(&["apply", "-f", crds.to_str().unwrap()], None).await.unwrap();
    let kinds = KINDS.map(|kind| format!("{kind}.migration.devolutions.net"));
    let mut wait = vec!["wait", "crd", "--for=condition=Established", "--timeout=60s"];
    wait.extend(kinds.iter().map(String::as_str));
    admin.run(&wait, None).await.unwrap();
    admin.run(&["create", "namespace", NAMESPACE], None).await.unwrap();
}

/// Everything but the storing: defaults, schema, rules, unknown fields.
async fn dry_run(admin: &Kubectl, text: &str) -> testbed::Result<()> {
    admin.run(&["create", "--dry-run=server", "-n", NAMESPACE, "-f", "-"], Some(text)).await.map(drop)
}

fn example(name: &str) -> String {
    std::fs::read_to_string(root().join("examples").join(name)).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
