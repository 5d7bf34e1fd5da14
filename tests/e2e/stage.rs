//! What every test stands on: one cluster for all of them; a namespace, a sandbox and an operator for each.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use serde_json::{Value, json};
use testbed::cluster::Cluster;
use testbed::kubectl::Kubectl;
use testbed::operator::{Operator, Options};
use testbed::sandbox::{Journal, Request, Sandbox};
use testbed::wait::{self, Object};
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

pub use crate::manifests::{approval, condition, is_observed, message, ready_reason, replacement};
use crate::manifests::{connection, people};

/// The bound of every wait: far more than anything here takes, on a slow machine too, so that reaching it means never.
pub const WITHIN: Duration = Duration::from_mins(5);
/// How long what is new in Entra ID may be unseen, to the operators of the tests.
pub const ENTRA_SETTLES: Duration = Duration::from_secs(6);
/// The chart.
pub const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/charts/devolutions-migration-operator");
/// The chart's release in each namespace, and so the operator's account there.
pub const RELEASE: &str = "devolutions-migration-operator";
/// She may approve.
pub const ALICE: &str = "alice@contoso.example";
/// He may create approvals, but not approve anything.
pub const MALLORY: &str = "mallory@contoso.example";

/// Outlives every test, so that what one test started goes on for the next.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
/// Held until the process ends: two runs in one clone would take each other's folders away.
static ALONE: LazyLock<File> = LazyLock::new(|| {
    let file = File::create(Path::new(env!("CARGO_TARGET_TMPDIR")).join("e2e.lock")).unwrap();
    file.lock().unwrap();
    file
});

/// Looks again and again, within the bound of every wait, until there is something to see: for what nobody tells a test
/// of, such as a file, a list, an answer over HTTP. `what` completes "waited for …".
pub async fn eventually<T, L: Future<Output = Option<T>>>(what: &str, look: impl Fn() -> L) -> T {
    let looks = async {
        let mut pause = tokio::time::interval(Duration::from_millis(50));
        loop {
            pause.tick().await;
            if let Some(seen) = look().await {
                return seen;
            }
        }
    };
    tokio::time::timeout(WITHIN, looks).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// Runs a check that must fail, and gives what it complained of.
pub fn complaint(check: impl Future<Output = ()> + Send + 'static) -> String {
    let panic = RUNTIME.block_on(RUNTIME.spawn(check)).expect_err("the check let a mistake pass").into_panic();
    let formatted = panic.downcast_ref::<String>().cloned();
    formatted.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
}

/// Runs a test on the common runtime.
pub fn run(test: impl Future<Output = ()> + Send + 'static) {
    RUNTIME.block_on(RUNTIME.spawn(test)).unwrap();
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

pub fn manifest(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The cluster, with everything in it that an administrator installs.
pub async fn cluster() -> &'static Cluster {
    CLUSTER
        .get_or_init(|| async {
            tokio::task::spawn_blocking(|| LazyLock::force(&ALONE)).await.unwrap();
            let _ = rustls::crypto::ring::default_provider().install_default();
            let cluster = Cluster::start(&folder("e2e-cluster")).await.unwrap();
            // Once what there can be only one of; each test has a release of its own for the rest.
            install(&cluster, "devolutions-migration", &[]).await;
            settle_policy(&cluster).await;
            cluster
                .kubectl(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"], None)
                .await
                .unwrap();
            cluster
        })
        .await
}

/// Upgrades the release once. Helm leaves the admission policy as it is from then on: before, it moves behind the
/// controller that has written the policy's status in between, and whatever was approved by then counts no more.
async fn settle_policy(cluster: &Cluster) {
    let policy = "planapprovals.migration.devolutions.net";
    let object = Object { kind: "validatingadmissionpolicy", namespace: None, name: policy };
    let is_checked = |state: &Value| state["status"]["observedGeneration"] == state["metadata"]["generation"];
    wait::until(&cluster.admin(), object, "the policy checked", WITHIN, is_checked).await.unwrap();
    // Who has written what is noted with whole seconds, and the upgrade is to come after.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    upgrade(cluster, "none").await;
}

/// Upgrades the cluster's own release to another label on all that it holds.
pub async fn upgrade(cluster: &Cluster, team: &str) {
    let label = format!("commonLabels.team={team}");
    let release = ["upgrade", RELEASE, CHART, "--namespace", "devolutions-migration"];
    cluster.helm().run(&[&release[..], &["--reuse-values", "--set", &label]].concat()).await.unwrap();
}

/// Installs the chart into a namespace that it is made to work in. Pods do not run: the operator is started beside.
pub async fn install(cluster: &Cluster, namespace: &str, more: &[&str]) {
    let watch = format!("watchNamespaces={{{namespace}}}");
    let arguments = ["install", RELEASE, CHART, "--namespace", namespace, "--create-namespace", "--set", &watch];
    cluster.helm().run(&[&arguments, more].concat()).await.unwrap();
}

pub fn contoso() -> [&'static str; 2] {
    ["--scenario", concat!(env!("CARGO_MANIFEST_DIR"), "/sandbox/scenarios/contoso.yaml")]
}

/// One test's namespace, sandbox and operator.
pub struct Stage {
    pub cluster: &'static Cluster,
    pub sandbox: Sandbox,
    pub operator: Operator,
    pub namespace: String,
}

impl Stage {
    /// The small company of `sandbox/scenarios/contoso.yaml`.
    pub async fn new(name: &str) -> Self {
        Self::with(name, &contoso(), None).await
    }

    /// Another world: see the sandbox's arguments.
    pub async fn in_world(name: &str, world: &[&str]) -> Self {
        Self::with(name, world, None).await
    }

    /// Another world, worked on by another operator than ours.
    pub async fn in_world_with_operator(name: &str, world: &[&str], program: PathBuf) -> Self {
        Self::with(name, world, Some(program)).await
    }

    /// The small company, worked on by another operator than ours.
    pub async fn with_operator(name: &str, program: PathBuf) -> Self {
        Self::with(name, &contoso(), Some(program)).await
    }

    /// The small company on a server that behaves otherwise: see the sandbox's switches.
    pub async fn with_switches(name: &str, switches: &str) -> Self {
        let [option, scenario] = contoso();
        Self::with(name, &[option, scenario, "--switches", switches], None).await
    }

    async fn with(name: &str, world: &[&str], program: Option<PathBuf>) -> Self {
        let cluster = cluster().await;
        let namespace = format!("e2e-{name}");
        let folder = folder(&namespace);
        let sandbox = Sandbox::start(&folder.join("sandbox"), world).await.unwrap();
        let own = "crds.enabled=false,admissionPolicy.enabled=false,userRoles.enabled=false";
        let settings = "allowHosts={127.0.0.1},allowEntraHosts={127.0.0.1},observeIntervalSeconds=2,devolutionsSettleSeconds=3,workloadIdentityServiceAccounts={migrator}";
        install(cluster, &namespace, &["--set", own, "--set", settings]).await;
        let apply = |manifest: String| {
            let namespace = namespace.clone();
            async move { cluster.kubectl(&["apply", "-n", &namespace, "-f", "-"], Some(&manifest)).await.unwrap() }
        };
        apply(people()).await;
        apply(connection(&sandbox)).await;
        let options = options(&namespace, &folder.join("operator.log"), program).await;
        let operator = Operator::start(&options).await.unwrap();
        Self { cluster, sandbox, operator, namespace }
    }

    /// One more operator for this namespace, with more arguments.
    pub async fn another_operator(&self, arguments: &[String]) -> Operator {
        let log =
            folder(&format!("{}-{}", self.namespace, arguments.join("").replace(|c: char| !c.is_alphanumeric(), "")));
        let mut options = options(&self.namespace, &log.join("operator.log"), None).await;
        // In the place of those that it would have.
        for flag in arguments.iter().filter(|argument| argument.starts_with("--")) {
            if let Some(at) = options.arguments.iter().position(|argument| argument == flag) {
                options.arguments.drain(at..at + 2);
            }
        }
        options.arguments.extend_from_slice(arguments);
        Operator::start(&options).await.unwrap()
    }

    /// Waits until the operator has logged this.
    pub async fn operator_says(&self, words: &str) {
        let says = || self.operator.log().unwrap().contains(words).then_some(());
        eventually(&format!("the operator to say: {words}"), || async { says() }).await;
    }

    /// Has the operator look at once, at all that works by the connection: what happens outside sends no event. It is not
    /// asked for another attempt by that.
    pub async fn nudge(&self) {
        let annotation = format!("e2e/nudged={}", self.journal().await.last);
        self.kubectl(&["annotate", "tconn", "contoso", "--overwrite", &annotation]).await;
    }

    /// `kubectl` in this namespace, as administrator.
    pub async fn kubectl(&self, arguments: &[&str]) -> String {
        let all = [arguments, &["-n", &self.namespace]].concat();
        self.cluster.kubectl(&all, None).await.unwrap().stdout
    }

    pub async fn apply(&self, manifest: &Value) -> testbed::Result<()> {
        let arguments = ["apply", "-n", &self.namespace, "-f", "-"];
        self.cluster.kubectl(&arguments, Some(&manifest.to_string())).await.map(drop)
    }

    /// Applies a `GroupReplacement`; `spec` adds to or replaces fields.
    pub async fn replace(&self, name: &str, from: Value, to: Value, spec: Value) {
        self.apply(&replacement(name, from, to, spec)).await.unwrap();
    }

    /// The case that most tests are about.
    pub async fn replace_sysadmins(&self, spec: Value) {
        self.replace("sysadmins", json!({"name": "Sysadmins"}), json!({"displayName": "Vault-Admins"}), spec).await;
    }

    pub async fn patch(&self, name: &str, spec: Value) {
        let patch = json!({"spec": spec}).to_string();
        self.kubectl(&["patch", "grpr", name, "--type=merge", "-p", &patch]).await;
    }

    /// Waits until a replacement is in a state.
    pub async fn until(&self, name: &str, what: &str, satisfied: impl FnMut(&Value) -> bool) -> Value {
        let object = Object { kind: "grpr", namespace: Some(&self.namespace), name };
        match wait::until(&self.cluster.admin(), object, what, WITHIN, satisfied).await {
            Ok(state) => state,
            Err(error) => panic!("{error}\nThe operator's log:\n{}", self.operator.log().unwrap_or_default()),
        }
    }

    /// Waits until `Ready` has this reason, for the present spec.
    pub async fn until_reason(&self, name: &str, reason: &str) -> Value {
        self.until(name, reason, |state| ready_reason(state) == reason && is_observed(state)).await
    }

    /// Alice approves the plan that waits now.
    pub async fn approve(&self, name: &str) {
        let state = self.until_reason(name, "AwaitingApproval").await;
        self.approve_as(ALICE, &approval(&state, ALICE)).await.unwrap();
    }

    pub async fn approve_as(&self, user: &str, manifest: &Value) -> testbed::Result<()> {
        let arguments = ["create", "-n", &self.namespace, "-f", "-"];
        self.as_user(user).run(&arguments, Some(&manifest.to_string())).await.map(drop)
    }

    pub fn as_user(&self, user: &str) -> Kubectl {
        self.cluster.kubectl_as(&self.cluster.user_kubeconfig(user, None).unwrap())
    }

    /// Something goes wrong with the operator's requests, and with nobody else's.
    pub async fn fault(&self, mut rule: Value) {
        rule["identity"] = json!("operator");
        self.sandbox.add_fault(&rule).await.unwrap();
    }

    pub async fn journal(&self) -> Journal {
        self.sandbox.journal(0).await.unwrap()
    }

    /// Waits for a request to the sandbox after number `after`.
    pub async fn until_request(&self, after: u64, fits: impl Fn(&Request) -> bool) {
        eventually("such a request", || async {
            let since = self.sandbox.journal(after).await.unwrap().entries;
            since.iter().any(&fits).then_some(())
        })
        .await;
    }

    /// What the operator changed in the outside world, in order.
    pub async fn writes(&self) -> Vec<Request> {
        let journal = self.journal().await;
        journal
            .entries
            .into_iter()
            .filter(|r| r.is_write && (200..300).contains(&r.status) && !is_session(r) && !is_person(r))
            .collect()
    }

    pub async fn assert_no_violation(&self) {
        let violations = self.sandbox.violations().await.unwrap();
        assert_eq!(violations.total, 0, "{:#?}", violations.violations);
    }

    pub async fn assert_nothing_written(&self) {
        let writes = self.writes().await;
        assert!(writes.is_empty(), "{writes:?}");
    }

    /// Its account was refused nothing: it asks for no more than the chart gives.
    fn assert_nothing_forbidden(&self) {
        let account = format!("\"system:serviceaccount:{}:{RELEASE}\"", self.namespace);
        let log = std::fs::read_to_string(self.cluster.audit_log()).unwrap();
        let is_forbidden = |line: &&str| line.contains(r#""authorization.k8s.io/decision":"forbid""#);
        let forbidden: Vec<&str> = log.lines().filter(is_forbidden).filter(|line| line.contains(&account)).collect();
        assert!(forbidden.is_empty(), "{forbidden:#?}");
    }

    pub async fn end(self) {
        self.assert_nothing_forbidden();
        self.end_though_forbidden().await;
    }

    /// Of a test in which the operator lacks rights on purpose.
    pub async fn end_though_forbidden(self) {
        self.operator.stop().await.unwrap();
        self.sandbox.stop().await.unwrap();
    }
}

/// How an operator for one namespace runs: with its own account's token, never as an administrator.
async fn options(namespace: &str, log: &Path, program: Option<PathBuf>) -> Options {
    let valid = Duration::from_hours(1);
    let account = cluster().await.service_account_kubeconfig(namespace, RELEASE, valid).await.unwrap();
    let mut options = Options::new(&account, log);
    let hosts = ["--allow-host", "127.0.0.1", "--allow-entra-host", "127.0.0.1"];
    let settle = ENTRA_SETTLES.as_secs().to_string();
    let pace =
        ["--observe-interval-seconds", "2", "--entra-settle-seconds", &settle, "--devolutions-settle-seconds", "3"];
    let arguments = [&["--namespace", namespace], &hosts[..], &pace].concat();
    options.arguments = arguments.into_iter().map(ToOwned::to_owned).collect();
    options.program = program;
    options
}

pub fn is_session(request: &Request) -> bool {
    request.path.ends_with("/login") || request.path.ends_with("/logout")
}

fn is_person(request: &Request) -> bool {
    request.identity.as_deref().is_some_and(|name| name != "operator")
}
