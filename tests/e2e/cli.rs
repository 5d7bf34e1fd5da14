//! The command line as people use it: the real binary, as Alice and as Mallory.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use testbed::wait;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::stage::{ALICE, MALLORY, Stage, WITHIN, run};

/// Somebody with a kubeconfig whose context has the test's namespace.
pub struct Person {
    kubeconfig: PathBuf,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Person {
    /// `user`, who may read all that the commands read, the plans in full included.
    pub async fn new(stage: &Stage, user: &str) -> Self {
        Self::with_rights(
            stage,
            user,
            json!([
                {
                    "apiGroups": ["migration.devolutions.net"], "verbs": ["get", "list", "watch"],
                    "resources": ["tenantconnections", "ssomigrations", "groupreplacements", "planapprovals"],
                },
                {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]},
            ]),
        )
        .await
    }

    #[allow(clippy::needless_pass_by_value)] // Written in place, every time.
    pub async fn with_rights(stage: &Stage, user: &str, rules: Value) -> Self {
        let api = "rbac.authorization.k8s.io";
        let short = user.split('@').next().unwrap();
        let metadata = json!({"name": format!("reader-{short}")});
        let version = format!("{api}/v1");
        let role = json!({"apiVersion": version, "kind": "Role", "metadata": metadata, "rules": rules});
        let binding = json!({
            "apiVersion": version, "kind": "RoleBinding", "metadata": metadata,
            "roleRef": {"apiGroup": api, "kind": "Role", "name": metadata["name"]},
            "subjects": [{"kind": "User", "apiGroup": api, "name": user}],
        });
        for object in [&role, &binding] {
            stage.apply(object).await.unwrap();
        }
        // A copy of one's own, since the namespace is set in it.
        let shared = stage.cluster.user_kubeconfig(user, None).unwrap();
        let kubeconfig =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(&stage.namespace).join(format!("{short}.kubeconfig"));
        std::fs::copy(shared, &kubeconfig).unwrap();
        let namespace = format!("--namespace={}", stage.namespace);
        let kubectl = stage.cluster.kubectl_as(&kubeconfig);
        kubectl.run(&["config", "set-context", "--current", &namespace], None).await.unwrap();
        let last = role["rules"].as_array().unwrap().last().unwrap();
        let text = |list: &str| last[list][0].as_str().unwrap();
        let name = last["resourceNames"][0].as_str().map(|name| format!("/{name}")).unwrap_or_default();
        let resource = format!("{}.{}", text("resources"), text("apiGroups"));
        let resource = format!("{}{name}", resource.trim_end_matches('.'));
        wait::until_allowed(&kubectl, text("verbs"), &resource, &stage.namespace, WITHIN).await.unwrap();
        Self { kubeconfig }
    }

    fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).env("KUBECONFIG", &self.kubeconfig);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    pub async fn operator(&self, arguments: &[&str]) -> Ended {
        ended(self.command(&program(), arguments)).await
    }
}

fn program() -> PathBuf {
    testbed::workspace::program("operator").unwrap()
}

async fn ended(mut command: Command) -> Ended {
    let output = tokio::time::timeout(WITHIN, command.output()).await.expect("it ends").unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Ended { code: output.status.code().unwrap(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

async fn approvals(stage: &Stage) -> Vec<Value> {
    let list = stage.cluster.admin().get(&["papp", "-n", &stage.namespace]).await.unwrap();
    list["items"].as_array().unwrap().clone()
}

#[test]
fn a_plan_is_shown_and_approved_by_who_may() {
    run(async {
        let stage = Stage::new("cli").await;
        let (alice, mallory) = (Person::new(&stage, ALICE).await, Person::new(&stage, MALLORY).await);
        stage.replace_sysadmins(json!({})).await;
        let state = stage.until_reason("sysadmins", "AwaitingApproval").await;
        let shown = &state["status"]["plans"][0];

        let json = alice.operator(&["plan", "grpr/sysadmins", "-o", "json"]).await;
        let document: Value = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!(document["status"], *shown);
        assert_eq!(document["plan"]["grants"].as_array().unwrap().len() as u64, shown["grants"].as_u64().unwrap());

        // Nobody approves without the verb, without a terminal, or another plan than the one that they mean.
        let refused = mallory.operator(&["approve", "grpr/sysadmins", "--yes"]).await;
        assert_eq!(refused.code, 3);
        assert!(refused.stderr.contains("\"mallory@contoso.example\" may not approve"), "{}", refused.stderr);
        assert!(refused.stderr.contains("The verb approve on groupreplacements"), "{}", refused.stderr);
        let unasked = alice.operator(&["approve", "grpr/sysadmins"]).await;
        assert_eq!(unasked.code, 3);
        assert!(unasked.stderr.contains("no terminal"), "{}", unasked.stderr);
        let zeros = format!("sha256:{}", "0".repeat(64));
        let other = alice.operator(&["approve", "grpr/sysadmins", "--yes", "--hash", &zeros]).await;
        assert_eq!(other.code, 3);
        assert!(other.stderr.contains(shown["hash"].as_str().unwrap()), "{}", other.stderr);
        assert!(approvals(&stage).await.is_empty());
        stage.assert_nothing_written().await;

        let hash = shown["hash"].as_str().unwrap();
        let arguments = ["approve", "grpr/sysadmins", "--yes", "--hash", hash, "--expires-in", "2h"];
        let approved = alice.operator(&arguments).await;
        assert_eq!(approved.code, 0, "{approved:?}");
        assert!(approved.stdout.contains("Approved, and the operator has begun."), "{}", approved.stdout);
        let approvals = approvals(&stage).await;
        assert_eq!(approvals.len(), 1);
        assert_eq!(approvals[0]["spec"]["approver"], ALICE);
        assert!(approvals[0]["spec"]["expiresAt"].is_string());
        stage.until_reason("sysadmins", "Replaced").await;

        let nothing = alice.operator(&["approve", "grpr/sysadmins", "--yes"]).await;
        assert_eq!(nothing.code, 3);
        assert!(nothing.stderr.contains("waits for approval"), "{}", nothing.stderr);
        stage.end().await;
    });
}

#[test]
fn a_plan_that_cannot_be_read_is_approved_only_where_that_is_asked_for() {
    run(async {
        let stage = Stage::new("cli-unread").await;
        let rules = json!([{
            "apiGroups": ["migration.devolutions.net"], "verbs": ["get", "list", "watch"],
            "resources": ["groupreplacements", "planapprovals"],
        }]);
        let alice = Person::with_rights(&stage, ALICE, rules).await;
        stage.replace_sysadmins(json!({})).await;
        stage.until_reason("sysadmins", "AwaitingApproval").await;
        let refused = alice.operator(&["approve", "grpr/sysadmins", "--yes"]).await;
        assert_eq!(refused.code, 3);
        assert!(refused.stderr.contains("could not be shown") && refused.stderr.contains("--without-reading"));
        assert!(approvals(&stage).await.is_empty());
        let plan = alice.operator(&["plan", "grpr/sysadmins"]).await;
        assert_eq!(plan.code, 1);
        assert!(plan.stderr.contains("secrets \"grpr-sysadmins-plan-"), "{}", plan.stderr);

        let unread = alice.operator(&["approve", "grpr/sysadmins", "--yes", "--without-reading"]).await;
        assert_eq!(unread.code, 0, "{unread:?}");
        assert!(unread.stdout.contains("Nobody read this plan here"), "{}", unread.stdout);
        stage.until_reason("sysadmins", "Replaced").await;
        stage.end().await;
    });
}

#[test]
fn a_preview_can_be_approved_ahead() {
    run(async {
        let stage = Stage::new("cli-preview").await;
        let alice = Person::new(&stage, ALICE).await;
        stage.replace_sysadmins(json!({"mode": "Plan"})).await;
        stage.until_reason("sysadmins", "Planned").await;
        let plan = alice.operator(&["plan", "grpr/sysadmins"]).await;
        assert!(plan.stdout.contains("shown only, since the mode is Plan"), "{}", plan.stdout);
        let ahead = alice.operator(&["approve", "grpr/sysadmins", "--yes"]).await;
        assert_eq!(ahead.code, 0, "{ahead:?}");
        assert!(ahead.stdout.contains("nothing is done until it is Apply"), "{}", ahead.stdout);
        stage.assert_nothing_written().await;
        stage.patch("sysadmins", json!({"mode": "Apply"})).await;
        stage.until_reason("sysadmins", "Replaced").await;
        stage.end().await;
    });
}

#[test]
fn what_became_of_an_approval_is_told() {
    run(async {
        let mut stage = Stage::new("cli-outcome").await;
        let alice = Person::new(&stage, ALICE).await;
        stage.replace_sysadmins(json!({})).await;
        stage.until_reason("sysadmins", "AwaitingApproval").await;
        stage.operator.kill().await.unwrap();
        let unheard = alice.operator(&["approve", "grpr/sysadmins", "--yes", "--timeout", "1s"]).await;
        assert_eq!(unheard.code, 1);
        assert!(unheard.stderr.contains("is the operator running"), "{}", unheard.stderr);
        stage.kubectl(&["delete", "papp", "--all"]).await;

        // While nobody looks, the plan that waits becomes another one.
        stage.sandbox.sync("Vault-Admins", &["adam@contoso.example"]).await.unwrap();
        let approving = alice.command(&program(), &["approve", "grpr/sysadmins", "--yes"]);
        let approving = tokio::spawn(ended(approving));
        let admin = stage.cluster.admin();
        wait::until_seen(&admin, "papp", &stage.namespace, "an approval", WITHIN, |_| true).await.unwrap();
        stage.operator.restart().await.unwrap();
        let refused = approving.await.unwrap();
        assert_eq!(refused.code, 3, "{refused:?}");
        assert!(refused.stderr.contains("The operator refused PlanApproval"), "{}", refused.stderr);
        assert!(refused.stderr.contains("PlanStale"), "{}", refused.stderr);
        stage.assert_nothing_written().await;
        stage.end().await;
    });
}

#[test]
fn status_is_drawn_again_on_events() {
    run(async {
        let stage = Stage::new("cli-watch").await;
        let alice = Person::new(&stage, ALICE).await;
        let mut watching = alice.command(&program(), &["status", "--watch"]).spawn().unwrap();
        let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
        let mut until = async |what: &str| {
            let seen = async {
                while let Some(line) = lines.next_line().await.unwrap() {
                    if line.contains(what) {
                        return;
                    }
                }
                panic!("it ended before it showed {what}");
            };
            tokio::time::timeout(WITHIN, seen).await.unwrap_or_else(|_| panic!("{what} is never shown"));
        };
        until("Connected as").await;
        stage.replace_sysadmins(json!({})).await;
        until("operator approve grpr/sysadmins -n e2e-cli-watch").await;
        stage.approve("sysadmins").await;
        until("Nobody: it is done.").await;
        watching.kill().await.unwrap();
        stage.end().await;
    });
}

#[test]
fn kubectl_finds_the_plugin_and_it_calls_itself_so() {
    run(async {
        let stage = Stage::new("cli-plugin").await;
        let alice = Person::new(&stage, ALICE).await;
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&stage.namespace);
        std::os::unix::fs::symlink(program(), folder.join("kubectl-devolutions_migration")).unwrap();
        let kubectl = async |arguments: &[&str]| {
            let mut command = alice.command(stage.cluster.kubectl_program(), arguments);
            command.env("PATH", &folder).env("KUBERC", "off");
            ended(command).await
        };
        stage.replace_sysadmins(json!({})).await;
        stage.until_reason("sysadmins", "AwaitingApproval").await;
        let plan = kubectl(&["devolutions-migration", "plan", "grpr/sysadmins"]).await;
        assert!(plan.stdout.contains("\"Vault-Admins\" takes the place of \"Sysadmins\""), "{plan:?}");
        let status = kubectl(&["devolutions-migration", "status"]).await;
        let line = "kubectl devolutions-migration approve grpr/sysadmins -n e2e-cli-plugin";
        assert!(status.stdout.contains(line), "{}", status.stdout);
        let help = kubectl(&["devolutions-migration", "approve", "--help"]).await;
        assert!(help.stdout.contains("Usage: kubectl devolutions-migration approve"), "{}", help.stdout);
        stage.end().await;
    });
}

#[test]
fn what_is_wrong_is_told_with_what_to_do() {
    run(async {
        let stage = Stage::new("cli-wrong").await;
        let alice = Person::new(&stage, ALICE).await;
        let kubeconfig = alice.kubeconfig.to_str().unwrap();
        for (arguments, code, says) in [
            (vec!["plan", "grpr/nobody"], 1, "There is no GroupReplacement \"nobody\" in namespace \"e2e-cli-wrong\""),
            (vec!["plan", "pod/x"], 2, "write grpr/NAME"),
            (vec!["approve"], 2, "Usage: operator approve"),
            (vec!["status", "-n", "elsewhere"], 1, "cannot list resource"),
            (vec!["status", "-A"], 1, "at the cluster scope"),
            (vec!["status", "--context", "nowhere"], 1, "context \"nowhere\""),
            (vec!["status", "--kubeconfig", "/nonexistent"], 1, "/nonexistent"),
        ] {
            let ended = alice.operator(&arguments).await;
            assert_eq!(ended.code, code, "{arguments:?}: {ended:?}");
            assert!(ended.stderr.contains(says), "{arguments:?}: {}", ended.stderr);
        }
        let mut command = Command::new(program());
        command.args(["status", "--kubeconfig", kubeconfig]).env_remove("KUBECONFIG").stdin(Stdio::null());
        let status = ended(command).await;
        assert!(status.stdout.contains("TenantConnection contoso"), "{status:?}");
        let script = alice.operator(&["completion", "bash"]).await;
        assert!(script.stdout.contains("without-reading"), "completion knows the options");
        stage.end().await;
    });
}
