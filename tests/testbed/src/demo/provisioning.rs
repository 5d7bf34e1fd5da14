//! Entra ID brings everybody across: shown, approved, tried with one user, followed to its end.

use serde_json::{Value, json};

use super::MIGRATION;
use super::migration::{Pending, readable_plan, shown_plan};
use super::play::WITHIN;
use super::stage::{Actor, Stage};
use crate::error::{Error, Result};
use crate::wait;

/// How long the sandbox takes for a request of provisioning. Entra ID takes longer.
const REQUEST_MILLIS: u64 = 30;

/// Who came across, in numbers.
pub(super) struct Across {
    /// Who should.
    pub(super) expected: u64,
    /// Who did.
    pub(super) synced: u64,
    /// Who need not, because a person said so.
    pub(super) waived: u64,
}

/// Alice approves, and the operator brings everybody across.
pub(super) async fn bring_across(stage: &Stage, admin: &Actor, alice: &Actor) -> Result<Across> {
    stage.screen.heading("6. Bring everybody across: Entra ID provisions Devolutions Cloud");
    let waits = "--for=jsonpath={.status.steps[?(@.name==\"Provisioning\")].state}=Waiting";
    stage.run_quietly(admin, &["wait", MIGRATION, "-n", stage.namespace(), waits, "--timeout=120s"], "").await?;
    let Pending { hash, .. } = readable_plan(stage, admin, alice, "provisioning-reader").await?;
    stage.screen.output(shown_plan(stage, alice).await?.trim_end());
    stage.slow_down(json!({ "system": "Scim" }), REQUEST_MILLIS).await?;
    let words = ["approve", MIGRATION, "-n", stage.namespace(), "--yes", "--wait=false", "--hash", &hash];
    let said = stage.run_operator(alice, &words).await?;
    stage.screen.output(said.lines().next_back().unwrap_or_default());
    stage.screen.line("");
    stage.screen.say(
        "Its own words, as they change. The sandbox's Entra ID speaks SCIM to its Devolutions Cloud over TLS, in cycles of ten \
         seconds instead of forty minutes; each request takes 30 ms more than it needs, for you to see something:",
    );
    let mut last = String::new();
    let mut ended = Ok(());
    let seen = |state: &Value| {
        let summary = state["status"]["summary"].as_str().unwrap_or_default();
        if summary != last {
            stage.screen.output(&format!("  {summary}"));
            summary.clone_into(&mut last);
        }
        let is_stalled = wait::has_condition(state, "Stalled");
        if is_stalled {
            ended = Err(Error::Demo(format!("somebody must act: {summary}")));
        }
        is_stalled || wait::has_condition(state, "Succeeded")
    };
    wait::until_seen(admin.kubectl(), "ssom", stage.namespace(), "everybody to come across", WITHIN, seen).await?;
    ended?;
    stage.sandbox.clear_faults().await?;
    let message = "jsonpath={.status.conditions[?(@.type==\"Succeeded\")].message}";
    let said = stage.run_quietly(admin, &["get", MIGRATION, "-n", stage.namespace(), "-o", message], "").await?;
    stage.screen.quote(&said.stdout);
    let state = admin.kubectl().get(&[MIGRATION, "-n", stage.namespace()]).await?;
    let number = |name: &str| state["status"]["verification"][name].as_u64().unwrap_or_default();
    Ok(Across { expected: number("expected"), synced: number("synced"), waived: number("waived") })
}
