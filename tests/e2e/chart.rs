//! The Helm chart: what it renders is accepted, is what the operator understands, and is as its README says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::Parser as _;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use operator::cli::{Cli, Command};
use serde_json::{Value, json};

use crate::stage::{CHART, RELEASE, cluster, manifest, run, upgrade};

/// The role that stands for what an upgrade does change.
const APPROVER: &str = "devolutions-migration-approver";
/// The release's namespace in these renderings.
const NAMESPACE: &str = "devolutions-migration";

/// The chart's values files for tests, by name.
fn values_files() -> Vec<PathBuf> {
    let files = std::fs::read_dir(Path::new(CHART).join("ci")).unwrap();
    let files: BTreeSet<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    assert!(files.len() >= 4, "{files:?}");
    files.into_iter().collect()
}

/// What `helm template` says with these arguments.
async fn template(arguments: &[&str]) -> testbed::Result<String> {
    let all = [&["template", RELEASE, CHART, "--namespace", NAMESPACE], arguments].concat();
    cluster().await.helm().run(&all).await.map(|output| output.stdout)
}

fn documents(yaml: &str) -> Vec<Value> {
    let all: Vec<Value> = serde_saphyr::from_multiple(yaml).unwrap();
    all.into_iter().filter(|document| !document.is_null()).collect()
}

async fn rendered(values: &Path) -> Vec<Value> {
    documents(&template(&["--values", values.to_str().unwrap()]).await.unwrap())
}

fn of_kind<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    objects.iter().filter(|object| object["kind"] == kind).collect()
}

#[test]
fn the_api_server_accepts_every_object_for_each_values_file() {
    run(async {
        let cluster = cluster().await;
        for namespace in ["migration", "contoso", "fabrikam"] {
            cluster.kubectl(&["create", "namespace", namespace], None).await.unwrap();
        }
        let mut kinds = BTreeSet::new();
        for file in values_files() {
            let (monitors, objects): (Vec<Value>, Vec<Value>) =
                rendered(&file).await.into_iter().partition(|object| object["kind"] == "ServiceMonitor");
            for object in objects.iter().chain(&monitors) {
                kinds.insert(object["kind"].as_str().unwrap().to_owned());
            }
            let list = json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
            let dry = ["apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-"];
            cluster.kubectl(&dry, Some(&list)).await.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            // No kind of this cluster's: it must find the Service, and a port of its.
            for monitor in monitors {
                let services = of_kind(&objects, "Service");
                let wanted = monitor["spec"]["selector"]["matchLabels"].as_object().unwrap();
                let found = services.iter().find(|s| wanted.iter().all(|(k, v)| &s["metadata"]["labels"][k] == v));
                let ports = found.unwrap()["spec"]["ports"].as_array().unwrap();
                assert!(ports.iter().any(|port| port["name"] == monitor["spec"]["endpoints"][0]["port"]));
            }
        }
        // Or something optional is tried by no file.
        let all = "ClusterRole ClusterRoleBinding CustomResourceDefinition Deployment NetworkPolicy PodDisruptionBudget Role \
                   RoleBinding Service ServiceAccount ServiceMonitor ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding";
        assert_eq!(kinds, all.split_whitespace().map(ToOwned::to_owned).collect());
    });
}

#[test]
fn a_namespace_with_the_restricted_standard_takes_the_pod() {
    run(async {
        let cluster = cluster().await;
        cluster.kubectl(&["create", "namespace", "restricted"], None).await.unwrap();
        // https://kubernetes.io/docs/concepts/security/pod-security-admission/
        let enforce = "pod-security.kubernetes.io/enforce=restricted";
        cluster.kubectl(&["label", "namespace", "restricted", enforce], None).await.unwrap();
        for file in values_files() {
            let objects = rendered(&file).await;
            let mut pod = of_kind(&objects, "Deployment")[0]["spec"]["template"].clone();
            pod["apiVersion"] = json!("v1");
            pod["kind"] = json!("Pod");
            pod["metadata"]["name"] = json!("operator");
            // Nobody made that account there, and it is not what this is about.
            pod["spec"]["serviceAccountName"] = json!("default");
            let dry = ["create", "--dry-run=server", "-n", "restricted", "-f", "-"];
            let taken = cluster.kubectl(&dry, Some(&pod.to_string())).await;
            taken.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        }
    });
}

#[test]
fn the_operator_understands_the_arguments_it_is_given() {
    run(async {
        for file in values_files() {
            let objects = rendered(&file).await;
            let container = &of_kind(&objects, "Deployment")[0]["spec"]["template"]["spec"]["containers"][0];
            let given: Vec<&str> = container["args"].as_array().unwrap().iter().map(|a| a.as_str().unwrap()).collect();
            let cli = Cli::try_parse_from([&["operator"], &given[..]].concat())
                .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            let Command::Run(arguments) = cli.command else { panic!("{given:?}") };
            // One Role or none for each namespace that it watches.
            let roles: BTreeSet<String> = of_kind(&objects, "Role")
                .iter()
                .filter(|role| !role["metadata"]["name"].as_str().unwrap().ends_with("-lease"))
                .map(|role| role["metadata"]["namespace"].as_str().unwrap().to_owned())
                .collect();
            assert_eq!(roles, arguments.namespaces.into_iter().collect(), "{}", file.display());
            assert_eq!(arguments.lease_namespace.as_deref(), Some(NAMESPACE));
            let port = container["ports"].as_array().unwrap().iter().find(|port| port["name"] == "http").unwrap();
            assert_eq!(json!(arguments.listen.unwrap().port()), port["containerPort"]);
        }
    });
}

#[test]
fn what_the_operator_compares_or_generates_is_installed_as_it_is() {
    run(async {
        let text = template(&["--set", "watchNamespaces={migration}"]).await.unwrap();
        let objects = documents(&text);
        for shipped in documents(&manifest("charts/devolutions-migration-operator/files/admission-policy.yaml")) {
            assert!(objects.contains(&shipped), "{shipped}");
        }
        let definitions = of_kind(&objects, "CustomResourceDefinition");
        let generated = operator::api::definitions();
        assert_eq!(definitions.len(), generated.len());
        for definition in generated {
            let name = definition.metadata.name.as_deref();
            let installed = definitions.iter().find(|d| d["metadata"]["name"].as_str() == name).unwrap();
            let read: CustomResourceDefinition = serde_json::from_value((**installed).clone()).unwrap();
            assert!(read.spec == definition.spec, "{name:?}");
            assert_eq!(installed["metadata"]["annotations"]["helm.sh/resource-policy"], "keep");
        }
    });
}

/// An approval counts only if it is younger than the policy's last change.
#[test]
fn an_upgrade_that_changes_other_things_leaves_the_admission_policy_untouched() {
    run(async {
        let cluster = cluster().await;
        let policy = "planapprovals.migration.devolutions.net";
        let versions = async || {
            let kinds = ["validatingadmissionpolicy", "validatingadmissionpolicybinding"];
            let mut versions = Vec::new();
            for (kind, name) in kinds.map(|k| (k, policy)).into_iter().chain([("clusterrole", APPROVER)]) {
                let object = cluster.admin().get(&[kind, name]).await.unwrap();
                versions.push(object["metadata"]["resourceVersion"].clone());
            }
            versions
        };
        let before = versions().await;
        upgrade(cluster, "another").await;
        let after = versions().await;
        assert_eq!(before[..2], after[..2]);
        assert_ne!(before[2], after[2], "the upgrade changed nothing at all");
    });
}

#[test]
fn it_says_what_to_set_where_a_value_lacks_or_makes_no_sense() {
    run(async {
        for (set, says) in [
            ("replicaCount=1", "Set watchNamespaces to the namespaces it may work in"),
            ("watchNamespaces={a},watchAllNamespaces=true", "Set one of them"),
            ("watchNamespaces={a},serviceAccount.create=false", "set serviceAccount.name"),
            ("watchNamespaces={a},serviceMonitor.enabled=true,service.enabled=false", "set service.enabled=true"),
            ("watchNamespace={a}", "'watchNamespace' not allowed"),
            ("watchNamespaces={a},allowHosts={https://x}", "/allowHosts/0"),
            ("watchNamespaces={a},observeIntervalSeconds=0", "/observeIntervalSeconds"),
            ("watchNamespaces={a},image.digest=abc", "/image/digest"),
            ("watchNamespaces={a},log.format=xml", "/log/format"),
        ] {
            let said = template(&["--set", set]).await.unwrap_err().to_string();
            assert!(said.contains(says), "{set}: {said}");
        }
    });
}

#[test]
fn its_readme_schema_and_version_are_in_step() {
    let file = |name: &str| manifest(&format!("charts/devolutions-migration-operator/{name}"));
    let chart: Value = serde_saphyr::from_str(&file("Chart.yaml")).unwrap();
    assert_eq!(
        (&chart["version"], &chart["appVersion"]),
        (&json!(env!("CARGO_PKG_VERSION")), &json!(env!("CARGO_PKG_VERSION")))
    );

    let values: Value = serde_saphyr::from_str(&file("values.yaml")).unwrap();
    let schema: Value = serde_json::from_str(&file("values.schema.json")).unwrap();
    let mut real = BTreeMap::new();
    flatten(&values, &schema, "", &mut real);
    let readme = file("README.md");
    let table = readme.split("## Values").nth(1).unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `")).map(|line| {
        let cells: Vec<&str> = line.split(" | ").collect();
        assert!(cells.len() == 3 && cells[2].len() > 10, "{line}");
        let code = |cell: &str| cell.trim_start_matches("| ").trim_matches('`').to_owned();
        (code(cells[0]), serde_json::from_str(&code(cells[1])).unwrap())
    });
    assert_eq!(rows.collect::<BTreeMap<String, Value>>(), real);
}

/// Every value by its path, as deep as the schema knows it; the schema knows all of them and no others.
fn flatten(values: &Value, schema: &Value, path: &str, all: &mut BTreeMap<String, Value>) {
    let Some(known) = schema["properties"].as_object() else {
        all.insert(path.to_owned(), values.clone());
        return;
    };
    let values = values.as_object().unwrap();
    // Helm's own: https://helm.sh/docs/chart_template_guide/subcharts_and_globals/
    let known: BTreeSet<&String> = known.keys().filter(|name| *name != "global").collect();
    assert_eq!(known, values.keys().collect(), "at {path:?}");
    for (name, value) in values {
        let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        flatten(value, &schema["properties"][name], &below, all);
    }
}
