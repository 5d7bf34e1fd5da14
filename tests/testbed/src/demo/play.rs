//! The demo as people see it, from an empty cluster to the account at the end.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::account::{Account, Tenant};
use super::live::Board;
use super::manifests::{self, Pair};
use super::migration::{self, People};
use super::place::Place;
use super::plan::Waiting;
use super::provisioning::{self, Across};
use super::screen::Screen;
use super::stage::{Actor, Stage, here, is_on_path};
use super::{CHART, Launch, NAMESPACE, OPERATOR_ARGUMENTS, OPERATOR_NAMESPACE, RELEASE};
use crate::error::{Error, Result};
use crate::wait;

/// So much of a plan is shown: its head, and its end.
const PLAN_HEAD: usize = 14;
const PLAN_TAIL: usize = 6;
/// And so many lines of each part of a forecast.
const FORECAST_LINES: usize = 24;
/// Who approves; `examples/roles.yaml` names her.
pub(super) const APPROVER: &str = "alice@contoso.example";
/// Who may write approvals but lacks the verb.
const AUTHOR: &str = "bob@contoso.example";
/// How long anything may take that the operator does. On an idle machine it is some seconds.
pub(super) const WITHIN: Duration = Duration::from_mins(3);
/// How long the sandbox takes for a write, as a server far away would.
const WRITE_MILLIS: u64 = 40;

/// Shows the demo in `folder`. Whether everything was right is in the result.
pub async fn play(folder: &Path) -> Result<()> {
    let screen = Screen::new();
    let shown = show(folder, &screen).await;
    // Before the operator was started, all ends with this process.
    if shown.is_err() && Place::new(folder)?.record()?.is_some_and(|record| record.operator.is_some()) {
        screen.line("");
        screen.say("Everything keeps running, so that you can look into it. `make demo-down` ends it.");
    }
    shown
}

async fn show(folder: &Path, screen: &Screen) -> Result<()> {
    let began = Instant::now();
    screen.heading(
        "Single sign-on moves to a new application, everybody comes across, and custom groups are replaced, in a sandbox of Devolutions Cloud and Entra ID",
    );
    screen.say(
        "A Kubernetes API server, the sandbox and the operator run on this machine, on 127.0.0.1 only. \
         Nothing of what you see is staged: look into any of it while it runs.",
    );
    let mut stage = Stage::set(folder, screen.clone()).await?;
    let before = Tenant::look(&stage.sandbox).await?;
    let pairs = Pair::all(&before.world);
    tenant(&stage, &before, &pairs);
    let people = People::who_get_in(&stage).await?;
    screen.say(&format!(
        "{} people can sign in to Devolutions Cloud today. From now on one after the other of them does, all the time.",
        people.count()
    ));
    let work = people.keep_signing_in(work(&mut stage, &pairs)).await?;

    screen.heading("10. The outcome");
    let admin = stage.administrator();
    for kind in ["ssom", "grpr"] {
        stage.run(&admin, &["get", kind, "-n", NAMESPACE]).await?;
    }
    in_full(&stage, &admin.kubectl().get(&["grpr", "-n", NAMESPACE]).await?);
    let after = Tenant::look(&stage.sandbox).await?;
    let starts = stage.place.record()?.and_then(|record| record.operator).map_or(0, |launch| launch.starts);
    screen.heading("The account, by the sandbox's word");
    let account = Account {
        before: &before,
        after: &after,
        pairs: &pairs,
        plans: &work.plans,
        across: &work.across,
        since: work.since,
        asked: work.asked,
        people: people.count(),
        restarts: starts.saturating_sub(1),
        kills: 2,
        took: began.elapsed(),
    };
    if !account.show(screen, &stage.sandbox).await? {
        return Err(Error::Demo(format!(
            "not all of it is right; the operator's log is {}",
            here(&stage.place.operator_log())
        )));
    }
    what_next(&stage, &work.plans);
    Ok(())
}

/// What was done, as far as the account needs it.
struct Work {
    plans: Vec<Waiting>,
    /// Who came across, by the operator's word.
    across: Across,
    /// The number of the last request to the sandbox before the forecast.
    since: u64,
    /// And before the migration was asked for.
    asked: u64,
}

/// All that people and the operator do, while others sign in.
async fn work(stage: &mut Stage, pairs: &[Pair]) -> Result<Work> {
    let admin = stage.administrator();
    let launch = install(stage, &admin).await?;
    connect(stage, &admin).await?;
    let since = stage.sandbox.journal(0).await?.last;
    forecast(stage, &admin, pairs).await?;
    let asked = stage.sandbox.journal(0).await?.last;
    migration::ask(stage, &admin, pairs).await?;
    let (alice, bob) = people(stage, &admin).await?;
    let launch = migration::approve(stage, &admin, (&alice, &bob), (APPROVER, AUTHOR), launch).await?;
    let across = provisioning::bring_across(stage, &admin, &alice).await?;
    let plans = ask(stage, &admin, pairs).await?;
    inspect(stage, &admin, &plans).await?;
    approve(stage, &alice, &plans, launch).await?;
    Ok(Work { plans, across, since, asked })
}

fn tenant(stage: &Stage, before: &Tenant, pairs: &[Pair]) {
    let world = &before.world;
    stage.screen.say(&format!(
        "The tenant: {} users, {} vaults, {} folders and entries, {} permissions. {} custom groups have an Entra group \
         with the same members beside them.",
        world["users"],
        world["vaults"],
        world["entries"],
        world["assignments"],
        pairs.len()
    ));
}

/// Kinds, policy, account, rights, and the operator itself.
async fn install(stage: &mut Stage, admin: &Actor) -> Result<Launch> {
    stage.screen.heading("1. Install the chart: the kinds, the rule on who may approve, the operator and its rights");
    stage.run(admin, &["create", "namespace", NAMESPACE]).await?;
    let watch = format!("watchNamespaces={{{NAMESPACE}}}");
    let release = ["install", RELEASE, CHART, "--namespace", OPERATOR_NAMESPACE, "--create-namespace"];
    let values =
        ["--set", &watch, "--set", "allowHosts={127.0.0.1},allowEntraHosts={127.0.0.1},observeIntervalSeconds=5"];
    stage.run_helm(&[&release[..], &values, &["--hide-notes"]].concat()).await?;
    let rules = r#"jsonpath={range .items[*].rules[*]}{.verbs}{"\t"}{.resources}{"\n"}{end}"#;
    stage.run(admin, &["get", "role", "-n", NAMESPACE, "-o", rules]).await?;
    // Not shown: the kinds are there before anybody could type the next command.
    let kinds = ["tenantconnections", "ssomigrations", "groupreplacements", "planapprovals"];
    let kinds = kinds.map(|kind| format!("{kind}.migration.devolutions.net"));
    let mut wait = vec!["wait", "crd", "--for=condition=Established"];
    wait.extend(kinds.iter().map(String::as_str));
    admin.kubectl().run(&wait, None).await?;
    stage.screen.line("");
    stage.screen.say("This cluster has no nodes, so the chart's pod never starts. Instead of it, on this machine:");
    stage.screen.command("", &format!("operator {}", OPERATOR_ARGUMENTS.join(" ")));
    let launch = stage.start_operator().await?;
    stage.screen.say(&format!(
        "It runs as process {}, with a token of its service account and the rights of that.",
        launch.process.pid
    ));
    Ok(launch)
}

async fn connect(stage: &Stage, admin: &Actor) -> Result<()> {
    stage.screen.heading("2. Connect both tenants: credentials, an authority to trust, and where they are");
    let file =
        manifests::write(&stage.place.manifests(), "connection.yaml", &[manifests::connection(&stage.sandbox)?])?;
    stage.run(admin, &["apply", "-n", NAMESPACE, "-f", &here(&file)]).await?;
    stage.run(admin, &["wait", "tconn", NAMESPACE, "-n", NAMESPACE, "--for=condition=Ready", "--timeout=60s"]).await
}

/// What a new enterprise application would mean for each user. It only looks.
async fn forecast(stage: &Stage, admin: &Actor, pairs: &[Pair]) -> Result<()> {
    stage.screen.heading("3. What would a new enterprise application mean for each user?");
    let file = manifests::write(&stage.place.manifests(), "migration.yaml", &[manifests::migration(pairs)])?;
    stage.run(admin, &["apply", "-n", NAMESPACE, "-f", &here(&file)]).await?;
    let told = "--for=jsonpath={.status.report.secretName}";
    let name = format!("ssom/{NAMESPACE}");
    stage.run(admin, &["wait", &name, "-n", NAMESPACE, told, "--timeout=60s"]).await?;
    stage.run(admin, &["get", "ssom", "-n", NAMESPACE]).await?;
    stage.screen.line("");
    stage.screen.say(
        "The operator has read both tenants. It names what is in the way, and for each user whether they will sign in and be synced, and if not, \
         the one cause:",
    );
    let shown = stage.run_operator(admin, &["plan", &name, "-n", NAMESPACE]).await?;
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

/// One replacement for each pair; back when each plan waits for a person.
async fn ask(stage: &Stage, admin: &Actor, pairs: &[Pair]) -> Result<Vec<Waiting>> {
    stage.screen.heading("7. Ask for the replacements, which wait for the migration");
    let documents: Vec<String> = pairs.iter().map(Pair::manifest).collect();
    let file = manifests::write(&stage.place.manifests(), "replacements.yaml", &documents)?;
    stage.screen.say(&format!("{} of them, each like this:", pairs.len()));
    for line in documents.first().map(|text| text.lines()).into_iter().flatten() {
        stage.screen.output(&format!("    {line}"));
    }
    let applied = stage.run_quietly(admin, &["apply", "-n", NAMESPACE, "-f", &here(&file)], "").await?;
    summary(stage, &applied.stdout);
    stage.screen.line("");
    stage.screen.say(
        "The operator reads who holds what, compares the members of both groups, and writes down what it would do. \
         Then it waits.",
    );
    let reason = "--for=jsonpath={.status.conditions[?(@.type==\"Ready\")].reason}=AwaitingApproval";
    let wait = ["wait", "grpr", "--all", "-n", NAMESPACE, reason, "--timeout=60s"];
    let waited = stage.run_quietly(admin, &wait, "").await?;
    summary(stage, &waited.stdout);
    for kind in ["tconn", "grpr"] {
        stage.run(admin, &["get", kind, "-n", NAMESPACE]).await?;
    }
    let list = admin.kubectl().get(&["grpr", "-n", NAMESPACE]).await?;
    in_full(stage, &list);
    Waiting::all(&list)
}

/// The first summary as it stands: in the table above there may be no room for it.
fn in_full(stage: &Stage, list: &Value) {
    let first = &list["items"][0];
    if let (Some(name), Some(text)) = (first["metadata"]["name"].as_str(), first["status"]["summary"].as_str()) {
        stage.screen.line("");
        stage.screen.say(&format!("The summary of {name}: {text}"));
    }
}

/// The first line of many that say the same, and how many there are.
fn summary(stage: &Stage, said: &str) {
    let mut lines = said.lines();
    if let Some(first) = lines.next() {
        stage.screen.output(first);
    }
    match lines.count() {
        0 => {}
        more => stage.screen.output(&format!("… and {more} more")),
    }
}

async fn inspect(stage: &Stage, admin: &Actor, plans: &[Waiting]) -> Result<()> {
    stage.screen.heading("8. Look at a plan");
    let Some(plan) = plans.first() else { return Err(Error::Demo("there is no plan to look at".into())) };
    stage.screen.say(
        "Nobody loses access at any moment and nobody gains any: the Entra group gets everything before the custom \
         group loses anything, and the order is such that at each place one of the two is always whole.",
    );
    let target = format!("grpr/{}", plan.name);
    let shown = stage.run_operator(admin, &["plan", &target, "-n", NAMESPACE]).await?;
    let lines: Vec<&str> = shown.lines().collect();
    match lines.split_at_checked(PLAN_HEAD) {
        Some((head, rest)) if rest.len() > PLAN_TAIL => {
            stage.screen.output(&head.join("\n"));
            stage.screen.output("…");
            stage.screen.output(&rest[rest.len() - PLAN_TAIL..].join("\n"));
        }
        _ => stage.screen.output(&shown),
    }
    Ok(())
}

/// Who may approve and who may not.
async fn people(stage: &Stage, admin: &Actor) -> Result<(Actor, Actor)> {
    stage.screen.heading("5. Who may approve is a matter of RBAC; then people sign in by the new application");
    let file = manifests::write(&stage.place.manifests(), "author.yaml", &[manifests::author(AUTHOR)])?;
    let apply = ["apply", "-n", NAMESPACE, "-f", "examples/roles.yaml", "-f", &here(&file)];
    stage.run(admin, &apply).await?;
    Ok((stage.person("alice", APPROVER)?, stage.person("bob", AUTHOR)?))
}

/// Alice approves, the operator works, is killed once, and finishes.
async fn approve(stage: &mut Stage, alice: &Actor, plans: &[Waiting], launch: Launch) -> Result<()> {
    let grants: u64 = plans.iter().map(|plan| plan.grants).sum();
    let revokes: u64 = plans.iter().map(|plan| plan.revokes).sum();
    stage.screen.heading(&format!("9. Approve, and watch {grants} grants and {revokes} revokes"));
    // The first rule that fits is the one that counts: this one write is held, and all others take their time.
    let third = grants / 3;
    let held =
        json!({ "method": "PUT", "identity": "operator", "nth": third, "action": { "type": "HoldAfterCommit" } });
    let slow = |method| {
        json!({
            "method": method, "identity": "operator", "times": 0, "action": { "type": "Slow", "millis": WRITE_MILLIS },
        })
    };
    for rule in [held, slow("PUT"), slow("DELETE")] {
        stage.sandbox.add_fault(&rule).await?;
    }
    let secrets: Vec<&str> = plans.iter().map(|plan| plan.secret.as_str()).collect();
    let reader = manifests::plan_reader("plan-reader", APPROVER, &secrets);
    let reader = manifests::write(&stage.place.manifests(), "plan-reader.yaml", &[reader])?;
    stage.run_quietly(&stage.administrator(), &["apply", "-n", NAMESPACE, "-f", &here(&reader)], "").await?;
    stage.screen.say(&format!("The sandbox takes {WRITE_MILLIS} ms for each write, as a server far away would."));

    for (index, plan) in plans.iter().enumerate() {
        let target = format!("grpr/{}", plan.name);
        // By the hash that was looked at: that plan, or none.
        let words = ["approve", &target, "-n", NAMESPACE, "--yes", "--wait=false", "--hash", &plan.hash];
        if index == 0 {
            let said = stage.run_operator(alice, &words).await?;
            stage.screen.output(said.lines().next_back().unwrap_or_default());
        } else {
            stage.run_operator_unseen(alice, &words).await?;
        }
    }
    stage.screen.output(&format!("… and {} more", plans.len() - 1));

    let admin = stage.administrator();
    let mut board = Board::new(&stage.screen, plans)?;
    let hold = tokio::select! {
        hold = stage.sandbox.wait_for_hold(WITHIN) => hold,
        early = follow(&admin, &mut board) => early.and(Err(Error::Demo("all was done before it could be killed".into()))),
    };
    board.end();
    let hold = hold?;
    stage.screen.line("");
    stage.screen.say(&format!(
        "Grant {third} of {grants} has taken effect and its answer is still on the way: the worst moment. The operator \
         is killed."
    ));
    stage.kill(launch).await?;
    stage.sandbox.release(hold.id).await?;
    let again = stage.next_launch().await?;
    stage.screen.say(&format!("It was started again as process {} and goes on where it was.", again.process.pid));

    let mut board = Board::new(&stage.screen, plans)?;
    let done = follow(&admin, &mut board).await;
    board.end();
    done?;
    stage.sandbox.clear_faults().await?;
    let wait = ["wait", "grpr", "--all", "-n", NAMESPACE, "--for=condition=Succeeded", "--timeout=60s"];
    let waited = stage.run_quietly(&admin, &wait, "").await?;
    summary(stage, &waited.stdout);
    Ok(())
}

/// Keeps the board up to date until all replacements have succeeded.
async fn follow(admin: &Actor, board: &mut Board) -> Result<()> {
    let seen = |state: &Value| {
        board.see(state);
        board.is_done()
    };
    wait::until_seen(admin.kubectl(), "grpr", NAMESPACE, "all replacements to succeed", WITHIN, seen).await
}

fn what_next(stage: &Stage, plans: &[Waiting]) {
    let screen = &stage.screen;
    screen.heading("Cluster, sandbox and operator keep running. To look around, in this folder:");
    screen.line("");
    let name = plans.first().map(|plan| plan.name.as_str()).unwrap_or_default();
    if !is_on_path("kubectl") {
        screen.line(&format!("  alias kubectl={}", stage.cluster.kubectl_program().display()));
    }
    screen.line("  eval \"$(make -s demo-env)\"");
    screen.line(&format!("  kubectl -n {NAMESPACE} get ssom,grpr,tconn"));
    screen.line(&format!("  kubectl -n {NAMESPACE} describe ssom {NAMESPACE}"));
    screen.line(&format!("  kubectl -n {NAMESPACE} describe grpr {name}"));
    screen.line("  # Have people sign in by the old application again:");
    screen.line(&format!(
        "  kubectl -n {NAMESPACE} patch ssom {NAMESPACE} --type=merge -p '{{\"spec\":{{\"mode\":\"Rollback\"}}}}'"
    ));
    screen.line("  # Put a group back as it was, here without asking anybody:");
    screen.line(&format!(
        "  kubectl -n {NAMESPACE} patch grpr {name} --type=merge \\\n    -p '{{\"spec\":{{\"mode\":\"Rollback\",\"approval\":\"NotRequired\"}}}}'"
    ));
    screen.line("  make demo-down");
}
