//! What the chart lets the operator and people do: the requests that are made, and no more.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use testbed::operator::{Operator, Options};
use testbed::wait::{self, Object};

use crate::stage::{CHART, RELEASE, Stage, WITHIN, cluster, run};

/// A request as RBAC sees it: verb, group, resource with subresource.
type Right = (String, String, String);

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// What an operator's account was answered in this cluster, by the API server's own account.
pub async fn requests(account: &str) -> Vec<Value> {
    let log = std::fs::read_to_string(cluster().await.audit_log()).unwrap();
    // Most lines are of other accounts, and reading them all takes seconds.
    let lines = testbed::wait::whole_lines(&log).filter(|line| line.contains(account));
    let events = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.filter(|event| event["user"]["username"] == account).collect()
}

pub fn right(event: &Value) -> Right {
    let object = &event["objectRef"];
    let resource = match object["subresource"].as_str() {
        Some(subresource) => format!("{}/{subresource}", text(&object["resource"])),
        None => text(&object["resource"]),
    };
    (text(&event["verb"]), text(&object["apiGroup"]), resource)
}

/// The rights in a role, each as often as there are verbs, groups and resources in a rule.
fn rights(role: &Value) -> BTreeSet<Right> {
    let list = |value: &Value| value.as_array().unwrap().iter().map(text).collect::<Vec<_>>();
    let mut all = BTreeSet::new();
    for rule in role["rules"].as_array().unwrap() {
        for verb in list(&rule["verbs"]) {
            for group in list(&rule["apiGroups"]) {
                all.extend(list(&rule["resources"]).into_iter().map(|r| (verb.clone(), group.clone(), r)));
            }
        }
    }
    all
}

/// The operator as the chart's Deployment runs it, but for the address and the pod's name.
async fn as_installed(stage: &Stage) -> Operator {
    let deployment = stage.cluster.admin().get(&["deployment", RELEASE, "-n", &stage.namespace]).await.unwrap();
    let given = deployment["spec"]["template"]["spec"]["containers"][0]["args"].as_array().unwrap().iter().map(text);
    let arguments = given.skip(1).map(|argument| match argument.split('=').next() {
        Some("--listen") => "--listen=127.0.0.1:0".to_owned(),
        Some("--identity") => "--identity=pod-1".to_owned(),
        _ => argument,
    });
    let valid = Duration::from_hours(1);
    let account = stage.cluster.service_account_kubeconfig(&stage.namespace, RELEASE, valid).await.unwrap();
    let log = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(&stage.namespace).join("installed.log");
    let mut options = Options::new(&account, &log);
    options.arguments = arguments.collect();
    Operator::start(&options).await.unwrap()
}

#[test]
fn the_operator_as_installed_is_refused_nothing_and_uses_every_right_it_has() {
    run(async {
        let stage = crate::provisioning::stage("rights", "").await;
        stage.operator.kill().await.unwrap();
        let operator = as_installed(&stage).await;
        crate::credentials::looks_with_workload_identity(&stage).await;
        stage.replace_sysadmins(json!({})).await;
        stage.approve("sysadmins").await;
        stage.until_reason("sysadmins", "Replaced").await;
        stage.patch("sysadmins", json!({"mode": "Rollback"})).await;
        stage.approve("sysadmins").await;
        stage.until_reason("sysadmins", "RolledBack").await;
        let pair = crate::mapping::pair("Helpdesk", "SG-Helpdesk");
        let asked = crate::provisioning::across(crate::mapping::mapping(&[pair]));
        stage.apply(&crate::cutover::applied(asked)).await.unwrap();
        crate::cutover::cut_over_and(&stage).await;
        crate::cutover::approve(&stage, "Provisioning").await;
        crate::migration::until_reason(&stage, "Replacing").await;
        operator.terminate().unwrap();
        operator.ended().await.unwrap();

        let account = format!("system:serviceaccount:{}:{RELEASE}", stage.namespace);
        let requests = requests(&account).await;
        let denied: Vec<_> = requests.iter().filter(|e| e["responseStatus"]["code"] == 403).map(right).collect();
        assert!(denied.is_empty(), "{denied:?}");
        let used: BTreeSet<Right> = requests.iter().filter(|e| e["objectRef"].is_object()).map(right).collect();

        let name = format!("{}-{RELEASE}", stage.namespace);
        let (lease, policy) = (format!("{RELEASE}-lease"), format!("{name}-policy"));
        let mut given = BTreeSet::new();
        for role in [
            &["role", &name, "-n", &stage.namespace][..],
            &["role", &lease, "-n", &stage.namespace],
            &["clusterrole", &policy],
        ] {
            given.extend(rights(&stage.cluster.admin().get(role).await.unwrap()));
        }
        assert_eq!(
            used.difference(&given).collect::<Vec<_>>(),
            Vec::<&Right>::new(),
            "used, but not given by the chart"
        );
        assert_eq!(
            given.difference(&used).collect::<Vec<_>>(),
            Vec::<&Right>::new(),
            "given by the chart, but never used"
        );
        // Nothing outside its namespace but the policy.
        let elsewhere = requests.iter().filter(|e| {
            let namespace = &e["objectRef"]["namespace"];
            e["objectRef"].is_object()
                && *namespace != json!(stage.namespace)
                && right(e).1 != "admissionregistration.k8s.io"
        });
        assert_eq!(elsewhere.map(right).collect::<Vec<_>>(), []);
        stage.end().await;
    });
}

#[test]
fn whoever_watches_all_namespaces_has_the_same_rights_in_each() {
    run(async {
        let render = async |set: &str| {
            let arguments = ["template", RELEASE, CHART, "--show-only", "templates/role.yaml", "--set", set];
            let yaml = cluster().await.helm().run(&arguments).await.unwrap().stdout;
            let all: Vec<Value> = serde_saphyr::from_multiple(&yaml).unwrap();
            let roles = all.into_iter().filter(|role| role["rules"].is_array());
            roles.map(|role| (text(&role["kind"]), rights(&role))).collect::<Vec<_>>()
        };
        let (one, all) = (render("watchNamespaces={a}").await, render("watchAllNamespaces=true").await);
        assert_eq!((one[0].0.as_str(), all[0].0.as_str(), one.len(), all.len()), ("Role", "ClusterRole", 1, 1));
        assert_eq!(one[0].1, all[0].1);
        // No wildcards either: they would be a verb, group or resource of that name.
        let secrets = one[0].1.iter().filter(|right| right.2 == "secrets").map(|right| right.0.as_str());
        assert_eq!(secrets.collect::<Vec<_>>(), ["create", "get", "update"]);
        assert!(
            one[0].1.iter().all(|(verb, group, resource)| ![verb, group, resource].iter().any(|w| w.contains('*')))
        );
    });
}

#[test]
fn who_edits_or_administrates_a_namespace_may_not_approve_in_it_and_an_approver_may() {
    run(async {
        let cluster = cluster().await;
        let namespace = "e2e-roles";
        cluster.kubectl(&["create", "namespace", namespace], None).await.unwrap();
        let users =
            [("view", "view"), ("edit", "edit"), ("admin", "admin"), ("approver", "devolutions-migration-approver")];
        for (user, role) in users {
            let arguments = ["create", "rolebinding", user, "-n", namespace, "--clusterrole", role, "--user", user];
            cluster.kubectl(&arguments, None).await.unwrap();
        }
        // A controller adds our rules to these some time after the chart is installed.
        for (name, resource) in
            [("view", "planapprovals"), ("edit", "groupreplacements"), ("admin", "tenantconnections")]
        {
            let object = Object { kind: "clusterrole", namespace: None, name };
            let has = |role: &Value| rights(role).iter().any(|right| right.2 == resource);
            wait::until(&cluster.admin(), object, "our rules in it", WITHIN, has).await.unwrap();
        }
        for (request, may) in [
            (("list", "groupreplacements"), &["view", "edit", "admin", "approver"][..]),
            (("list", "tenantconnections"), &["view", "edit", "admin", "approver"]),
            (("list", "planapprovals"), &["view", "edit", "admin", "approver"]),
            (("list", "ssomigrations"), &["view", "edit", "admin", "approver"]),
            (("create", "ssomigrations"), &["edit", "admin"]),
            (("patch", "ssomigrations/status"), &[]),
            (("create", "groupreplacements"), &["edit", "admin"]),
            (("delete", "groupreplacements"), &["edit", "admin"]),
            (("create", "tenantconnections"), &["admin"]),
            (("update", "tenantconnections"), &["admin"]),
            (("approve", "groupreplacements"), &["approver"]),
            (("approve", "ssomigrations"), &["approver"]),
            (("create", "planapprovals"), &["approver"]),
            (("delete", "planapprovals"), &["approver"]),
            (("update", "planapprovals"), &[]),
            (("patch", "groupreplacements/status"), &[]),
            (("patch", "planapprovals/status"), &[]),
        ] {
            let (verb, resource) = request;
            let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
            let resource = format!("{resource}.migration.devolutions.net");
            let subresource = format!("--subresource={subresource}");
            let ask = ["auth", "can-i", verb, &resource, &subresource, "-n", namespace];
            for (user, _) in users {
                let kubectl = cluster.kubectl_as(&cluster.user_kubeconfig(user, None).unwrap());
                // "no" is exit status 1, and a broken question would be too: it would fail where the answer is to be yes.
                let answer = kubectl.run(&ask, None).await.is_ok();
                assert_eq!(answer, may.contains(&user), "{user}: {request:?}");
            }
        }
    });
}
