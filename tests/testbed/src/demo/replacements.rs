//! Custom groups are replaced by Entra groups: asked for, looked at, approved, followed to the end.

use serde_json::{Value, json};

use super::background::Background;
use super::live::Board;
use super::manifests::{self, Pair};
use super::plan::Waiting;
use super::play::{APPROVER, WITHIN};
use super::stage::{Actor, Stage};
use crate::error::{Error, Result};
use crate::wait;

/// So much of a plan is shown: its head, and its end.
const PLAN_HEAD: usize = 14;
const PLAN_TAIL: usize = 6;
/// How long the sandbox takes for a write, as a server far away would.
const WRITE_MILLIS: u64 = 40;

/// One replacement for each pair; back when each plan waits for a person.
pub(super) async fn ask(stage: &Stage, admin: &Actor, pairs: &[Pair]) -> Result<Vec<Waiting>> {
    stage.screen.heading("7. Ask for the replacements, which begin only where the migration is verified");
    let documents: Vec<String> = pairs.iter().map(Pair::manifest).collect();
    let file = stage.write("replacements.yaml", &documents)?;
    stage.screen.say(&format!("{} of them, each like this:", pairs.len()));
    for line in documents.first().map(|text| text.lines()).into_iter().flatten() {
        stage.screen.output(&format!("    {line}"));
    }
    let applied = stage.run_quietly(admin, &["apply", "-n", stage.namespace(), "-f", &file], "").await?;
    summary(stage, &applied.stdout);
    stage.screen.line("");
    stage.screen.say(
        "The operator reads who holds what, compares the members of both groups, and writes down what it would do. \
         Then it waits.",
    );
    let reason = "--for=jsonpath={.status.conditions[?(@.type==\"Ready\")].reason}=AwaitingApproval";
    let wait = ["wait", "grpr", "--all", "-n", stage.namespace(), reason, "--timeout=60s"];
    let waited = stage.run_quietly(admin, &wait, "").await?;
    summary(stage, &waited.stdout);
    for kind in ["tconn", "grpr"] {
        stage.run(admin, &["get", kind, "-n", stage.namespace()]).await?;
    }
    let list = admin.kubectl().get(&["grpr", "-n", stage.namespace()]).await?;
    in_full(stage, &list);
    Waiting::all(&list)
}

/// The first summary as it stands: in the table above there may be no room for it.
pub(super) fn in_full(stage: &Stage, list: &Value) {
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

pub(super) async fn inspect(stage: &Stage, admin: &Actor, plans: &[Waiting]) -> Result<()> {
    stage.screen.heading("8. Look at a plan");
    let Some(plan) = plans.first() else { return Err(Error::Demo("there is no plan to look at".into())) };
    stage.screen.say(
        "Nobody loses access at any moment and nobody gains any: the Entra group gets everything before the custom \
         group loses anything, and the order is such that at each place one of the two is always whole.",
    );
    let target = format!("grpr/{}", plan.name);
    let shown = stage.run_operator(admin, &["plan", &target, "-n", stage.namespace()]).await?;
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

/// Alice approves, the operator works, is killed once if its `background` is given, and finishes.
pub(super) async fn approve(
    stage: &Stage,
    alice: &Actor,
    plans: &[Waiting],
    background: Option<&mut Background>,
) -> Result<()> {
    let grants: u64 = plans.iter().map(|plan| plan.grants).sum();
    let revokes: u64 = plans.iter().map(|plan| plan.revokes).sum();
    stage.screen.heading(&format!("9. Approve, and watch {grants} grants and {revokes} revokes"));
    let third = grants / 3;
    // The first rule that fits is the one that counts: this one write is held, and all others take their time.
    if background.is_some() {
        let held =
            json!({ "method": "PUT", "identity": "operator", "nth": third, "action": { "type": "HoldAfterCommit" } });
        stage.sandbox.add_fault(&held).await?;
    }
    for method in ["PUT", "DELETE"] {
        stage.slow_down(json!({ "method": method, "identity": "operator" }), WRITE_MILLIS).await?;
    }
    let secrets: Vec<&str> = plans.iter().map(|plan| plan.secret.as_str()).collect();
    let reader = manifests::plan_reader("plan-reader", APPROVER, &secrets);
    let reader = stage.write("plan-reader.yaml", &[reader])?;
    stage.run_quietly(&stage.administrator(), &["apply", "-n", stage.namespace(), "-f", &reader], "").await?;
    if let Some(secret) = secrets.first() {
        let secret = format!("secret/{secret}");
        wait::until_allowed(alice.kubectl(), "get", &secret, stage.namespace(), WITHIN).await?;
    }
    stage.screen.say(&format!("The sandbox takes {WRITE_MILLIS} ms for each write, as a server far away would."));

    for (index, plan) in plans.iter().enumerate() {
        let target = format!("grpr/{}", plan.name);
        // By the hash that was looked at: that plan, or none.
        let words = ["approve", &target, "-n", stage.namespace(), "--yes", "--wait=false", "--hash", &plan.hash];
        if index == 0 {
            let said = stage.run_operator(alice, &words).await?;
            stage.screen.output(said.lines().next_back().unwrap_or_default());
        } else {
            stage.run_operator_unseen(alice, &words).await?;
        }
    }
    stage.screen.output(&format!("… and {} more", plans.len() - 1));

    if let Some(background) = background {
        let board = Board::new(&stage.screen, plans)?;
        let hold = follow(stage, board, async { stage.sandbox.wait_for_hold(WITHIN).await.map(Some) }).await?;
        let hold = hold.ok_or_else(|| Error::Demo("all was done before it could be killed".into()))?;
        stage.screen.line("");
        stage.screen.say(&format!(
            "Grant {third} of {grants} has taken effect and its answer is still on the way: the worst moment. The \
             operator is killed."
        ));
        background.kill_operator().await?;
        stage.sandbox.release(hold.id).await?;
        let pid = background.operator_started().await?;
        stage.screen.say(&format!("It was started again as process {pid} and goes on where it was."));
    }
    follow::<()>(stage, Board::new(&stage.screen, plans)?, std::future::pending()).await?;
    stage.sandbox.clear_faults().await?;
    let wait = ["wait", "grpr", "--all", "-n", stage.namespace(), "--for=condition=Succeeded", "--timeout=60s"];
    let waited = stage.run_quietly(&stage.administrator(), &wait, "").await?;
    summary(stage, &waited.stdout);
    Ok(())
}

/// Keeps the board up to date until all replacements have succeeded, or until `before`; gives what that was.
async fn follow<T>(
    stage: &Stage,
    mut board: Board,
    before: impl Future<Output = Result<Option<T>>>,
) -> Result<Option<T>> {
    let admin = stage.administrator();
    let seen = |state: &Value| {
        board.see(state);
        board.is_done()
    };
    let all = "all replacements to succeed";
    let ended = tokio::select! {
        met = before => met,
        done = wait::until_seen(admin.kubectl(), "grpr", stage.namespace(), all, WITHIN, seen) => done.map(|()| None),
    };
    board.end();
    ended
}
