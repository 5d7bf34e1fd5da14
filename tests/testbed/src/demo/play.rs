//! The demo as people see it, from an empty cluster to the account at the end.

use std::path::Path;
use std::time::{Duration, Instant};

use super::account::{Account, Verdicts, approvals};
use super::background::Background;
use super::manifests::{self, Pair};
use super::migration::{self, People};
use super::outlook::Outlook;
use super::place::Place;
use super::plan::Waiting;
use super::profile::{self, LIKELY, OTHERWISE};
use super::provisioning::{self, Across};
use super::replacements;
use super::screen::Screen;
use super::stage::{Actor, Stage, here, is_on_path};
use super::tenant::Tenant;
use super::{CHART, COMPANY, MIGRATION, OPERATOR_NAMESPACE, RELEASE, operator_arguments};
use crate::error::{Error, Result};

/// So many lines of each part of a forecast are shown.
const FORECAST_LINES: usize = 24;
/// Who approves; `examples/roles.yaml` names her.
pub(super) const APPROVER: &str = "alice@contoso.example";
/// Who may write approvals but lacks the verb.
pub(super) const AUTHOR: &str = "bob@contoso.example";
/// How long anything may take that the operator does. On an idle machine it is some seconds.
pub(super) const WITHIN: Duration = Duration::from_mins(3);
/// How often the operator is killed: in the cut-over, and between two grants.
const KILLS: u64 = 2;

/// Shows the demo in `folder`. Whether everything was right is in the result.
pub async fn play(folder: &Path) -> Result<()> {
    let (place, screen) = (Place::new(folder)?, Screen::new());
    let shown = show(&place, &screen).await;
    // Before the operator was started, all ends with this process.
    if shown.is_err() && place.record()?.is_some_and(|record| record.operator.is_some()) {
        screen.line("");
        screen.say("Everything keeps running, so that you can look into it. `make demo-down` ends it.");
    }
    shown
}

async fn show(place: &Place, screen: &Screen) -> Result<()> {
    let began = Instant::now();
    screen.heading(
        "Single sign-on moves to a new application, everybody comes across, and custom groups are replaced, in a sandbox of Devolutions Cloud and Entra ID",
    );
    screen.say(
        "A Kubernetes API server, the sandbox and the operator run on this machine, on 127.0.0.1 only. \
         Nothing of what you see is staged: look into any of it while it runs.",
    );
    let mut background = Background::begin(place, screen).await?;
    let likely = Stage::set(place, &LIKELY, screen.clone())?;
    let otherwise = Stage::set(place, &OTHERWISE, Screen::dark())?;
    let (first, second) = tokio::try_join!(Beginning::of(&likely), Beginning::of(&otherwise))?;
    first.introduce(screen);

    // Two whole tenants' worth of state: not for the stack.
    let work = Box::pin(async {
        install(&likely, &mut background).await?;
        let unseen = async {
            let there = |error| Error::Demo(format!("in namespace {}: {error}", otherwise.namespace()));
            work(&otherwise, &second.pairs, None).await.map_err(there)
        };
        tokio::try_join!(work(&likely, &first.pairs, Some(&mut background)), unseen)
    });
    let work = second.people.keep_signing_in(work);
    let (shown, unseen) = first.people.keep_signing_in(work).await?;

    screen.heading("10. The outcome");
    let admin = likely.administrator();
    likely.run(&admin, &["get", "ssom", "-A"]).await?;
    likely.run(&admin, &["get", "grpr", "-n", likely.namespace()]).await?;
    replacements::in_full(&likely, &admin.kubectl().get(&["grpr", "-n", likely.namespace()]).await?);
    screen.heading(&format!("The account of {}, by the sandbox's word", likely.namespace()));
    let mut all_right = first.account(&likely, &shown, screen).await?;
    screen.heading(&format!("The same of {}", otherwise.namespace()));
    screen.say(&format!("There {}.", OTHERWISE.about));
    all_right &= second.account(&otherwise, &unseen, screen).await?;
    screen.line("");
    let mut verdicts = Verdicts::new(screen);
    approvals(&mut verdicts, &admin.kubectl().get(&["papp", "-A"]).await?);
    let starts = place.record()?.and_then(|record| record.operator).map_or(0, |launch| launch.starts);
    let restarts = starts.saturating_sub(1);
    let text = format!("{restarts}, and it was killed {KILLS} times");
    verdicts.say(restarts == KILLS, "operator restarts", &text);
    verdicts.say(true, "time", &format!("{} s", began.elapsed().as_secs()));
    if !(all_right && verdicts.all_right()) {
        return Err(Error::Demo(format!(
            "not all of it is right; the operator's log is {}",
            here(&place.operator_log())
        )));
    }
    what_next(&likely, &shown.plans, first.people.somebody());
    Ok(())
}

/// A tenant before anything is done.
struct Beginning {
    tenant: Tenant,
    pairs: Vec<Pair>,
    people: People,
}

impl Beginning {
    async fn of(stage: &Stage) -> Result<Self> {
        let tenant = Tenant::look(&stage.sandbox).await?;
        let people = People::who_get_in(stage, &tenant)?;
        Ok(Self { pairs: Pair::all(&tenant.world), tenant, people })
    }

    fn introduce(&self, screen: &Screen) {
        let world = &self.tenant.world;
        screen.say(&format!(
            "The tenant: {} users, {} vaults, {} folders and entries, {} permissions. {} custom groups have an Entra group \
             with the same members beside them.",
            world["users"],
            world["vaults"],
            world["entries"],
            world["assignments"],
            self.pairs.len()
        ));
        screen.say(&format!(
            "{} people can sign in to Devolutions Cloud today. From now on one after the other of them does, all the time.",
            self.people.count()
        ));
        screen.line("");
        screen.say(&format!(
            "No public source tells how Devolutions Cloud behaves in some things. In namespace {} {}. In namespace {} the \
             same company moves at the same time, unseen, by the same operator, where {}. Its account is at the end.",
            LIKELY.namespace, LIKELY.about, OTHERWISE.namespace, OTHERWISE.about
        ));
    }

    /// Holds what was done against the tenant as it is now. Whether all of it is right.
    async fn account(&self, stage: &Stage, work: &Work, screen: &Screen) -> Result<bool> {
        let after = Tenant::look(&stage.sandbox).await?;
        let account = Account {
            before: &self.tenant,
            after: &after,
            pairs: &self.pairs,
            plans: &work.plans,
            outlook: &work.outlook,
            across: &work.across,
            since: work.since,
            asked: work.asked,
        };
        account.show(screen, &stage.sandbox).await
    }
}

/// What was done in a tenant, as far as the account needs it.
struct Work {
    plans: Vec<Waiting>,
    /// What was foretold of every user.
    outlook: Outlook,
    /// Who came across, by the operator's word.
    across: Across,
    /// The number of the last request to the sandbox before the forecast.
    since: u64,
    /// And before the migration was asked for.
    asked: u64,
}

/// All that people and the operator do, while others sign in. With its `background` the operator is killed now and then.
async fn work(stage: &Stage, pairs: &[Pair], mut background: Option<&mut Background>) -> Result<Work> {
    let admin = stage.administrator();
    connect(stage, &admin).await?;
    let since = stage.sandbox.journal(0).await?.last;
    forecast(stage, &admin, pairs).await?;
    let asked = stage.sandbox.journal(0).await?.last;
    let outlook = migration::ask(stage, &admin, pairs).await?;
    let (alice, bob) = people(stage, &admin).await?;
    migration::approve(stage, &admin, (&alice, &bob), background.as_deref_mut()).await?;
    let across = provisioning::bring_across(stage, &admin, &alice).await?;
    let plans = replacements::ask(stage, &admin, pairs).await?;
    replacements::inspect(stage, &admin, &plans).await?;
    replacements::approve(stage, &alice, &plans, background).await?;
    Ok(Work { plans, outlook, across, since, asked })
}

/// Kinds, policy, account, rights, and the operator itself.
async fn install(stage: &Stage, background: &mut Background) -> Result<()> {
    stage.screen.heading("1. Install the chart: the kinds, the rule on who may approve, the operator and its rights");
    let admin = stage.administrator();
    let namespaces = profile::ALL.map(|profile| profile.namespace);
    for namespace in namespaces {
        stage.run(&admin, &["create", "namespace", namespace]).await?;
    }
    let values = format!(
        "watchNamespaces={{{}}},allowHosts={{127.0.0.1}},allowEntraHosts={{127.0.0.1}},observeIntervalSeconds=5",
        namespaces.join(",")
    );
    let release = ["install", RELEASE, CHART, "--namespace", OPERATOR_NAMESPACE, "--create-namespace"];
    stage.run_helm(&[&release[..], &["--set", &values, "--hide-notes"]].concat()).await?;
    let rules = r#"jsonpath={range .items[*].rules[*]}{.verbs}{"\t"}{.resources}{"\n"}{end}"#;
    stage.run(&admin, &["get", "role", "-n", stage.namespace(), "-o", rules]).await?;
    // Not shown: the kinds are there before anybody could type the next command.
    let kinds = ["tenantconnections", "ssomigrations", "groupreplacements", "planapprovals"];
    let kinds = kinds.map(|kind| format!("{kind}.migration.devolutions.net"));
    let mut wait = vec!["wait", "crd", "--for=condition=Established"];
    wait.extend(kinds.iter().map(String::as_str));
    admin.kubectl().run(&wait, None).await?;
    stage.screen.line("");
    stage.screen.say("This cluster has no nodes, so the chart's pod never starts. Instead of it, on this machine:");
    stage.screen.command("", &format!("operator {}", operator_arguments().join(" ")));
    let pid = background.start_operator().await?;
    stage.screen.say(&format!("It runs as process {pid}, with a token of its service account and the rights of that."));
    Ok(())
}

async fn connect(stage: &Stage, admin: &Actor) -> Result<()> {
    stage
        .screen
        .heading("2. Connect Devolutions Cloud and Entra ID: credentials, an authority to trust, and where they are");
    let file = stage.write("connection.yaml", &[manifests::connection(&stage.sandbox)?])?;
    stage.run(admin, &["apply", "-n", stage.namespace(), "-f", &file]).await?;
    let ready = ["wait", "tconn", COMPANY, "-n", stage.namespace(), "--for=condition=Ready", "--timeout=60s"];
    stage.run(admin, &ready).await
}

/// What a new enterprise application would mean for each user. It only looks.
async fn forecast(stage: &Stage, admin: &Actor, pairs: &[Pair]) -> Result<()> {
    stage.screen.heading("3. What would a new enterprise application mean for each user?");
    let file = stage.write("migration.yaml", &[manifests::migration(pairs)])?;
    stage.run(admin, &["apply", "-n", stage.namespace(), "-f", &file]).await?;
    let told = "--for=jsonpath={.status.report.secretName}";
    stage.run(admin, &["wait", MIGRATION, "-n", stage.namespace(), told, "--timeout=60s"]).await?;
    stage.run(admin, &["get", "ssom", "-n", stage.namespace()]).await?;
    stage.screen.line("");
    stage.screen.say(
        "The operator has read both tenants. It names what is in the way, and for each user whether they will sign in and be synced, and if not, \
         the one cause:",
    );
    let shown = stage.run_operator(admin, &["plan", MIGRATION, "-n", stage.namespace()]).await?;
    // What was found, and then the outlook: each to its first lines.
    let (found, outlook) = shown.split_at(shown.find("\nOutlook for ").unwrap_or(shown.len()));
    for part in [found, outlook.trim_start()] {
        let (head, more) = part.split_at(part.match_indices('\n').nth(FORECAST_LINES).map_or(part.len(), |(at, _)| at));
        stage.screen.output(head.trim_end());
        if !more.trim().is_empty() {
            stage.screen.output("…");
        }
    }
    Ok(())
}

/// Who may approve and who may not.
async fn people(stage: &Stage, admin: &Actor) -> Result<(Actor, Actor)> {
    stage.screen.heading("5. Who may approve is a matter of RBAC; then people sign in by the new application");
    let file = stage.write("author.yaml", &[manifests::author(AUTHOR)])?;
    let apply = ["apply", "-n", stage.namespace(), "-f", "examples/roles.yaml", "-f", &file];
    stage.run(admin, &apply).await?;
    Ok((stage.person("alice", APPROVER)?, stage.person("bob", AUTHOR)?))
}

fn what_next(stage: &Stage, plans: &[Waiting], user: &str) {
    let screen = &stage.screen;
    screen.heading("Cluster, sandboxes and operator keep running. To look around, in this folder:");
    screen.line("");
    let (name, namespace) = (plans.first().map(|plan| plan.name.as_str()).unwrap_or_default(), stage.namespace());
    if !is_on_path("kubectl") {
        screen.line(&format!("  alias kubectl={}", stage.cluster.kubectl_program().display()));
    }
    screen.line("  eval \"$(make -s demo-env)\"");
    screen.line(&format!("  operator status -n {namespace}"));
    screen.line(&format!("  operator plan grpr/{name} -n {namespace}"));
    screen.line("  kubectl get ssom,grpr,tconn -A");
    screen.line(&format!("  kubectl -n {namespace} describe {MIGRATION}"));
    screen.line(&format!("  kubectl -n {namespace} describe grpr {name}"));
    screen.line("  # Somebody signs in to Devolutions Cloud:");
    screen.line(&format!(
        "  curl --cacert \"$SANDBOX_CA\" \"$CONTROL_URL/sign-in\" \\\n    -H 'Content-Type: application/json' -d '{{\"user\":\"{user}\"}}'"
    ));
    screen.line("  # Have people sign in by the old application again:");
    screen.line(&format!(
        "  kubectl -n {namespace} patch {MIGRATION} --type=merge -p '{{\"spec\":{{\"mode\":\"Rollback\"}}}}'"
    ));
    screen.line("  # Put a group back as it was, here without asking anybody:");
    screen.line(&format!(
        "  kubectl -n {namespace} patch grpr {name} --type=merge \\\n    -p '{{\"spec\":{{\"mode\":\"Rollback\",\"approval\":\"NotRequired\"}}}}'"
    ));
    screen.line("  make demo-down");
}
