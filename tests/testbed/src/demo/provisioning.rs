//! Entra ID brings everybody across: shown, approved, tried with one user, followed to its end.

use serde_json::Value;

use super::NAMESPACE;
use super::manifests;
use super::play::{APPROVER, WITHIN};
use super::stage::{Actor, Stage, here};
use crate::error::{Error, Result};
use crate::wait;

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
    let target = format!("ssom/{NAMESPACE}");
    let waits = "--for=jsonpath={.status.steps[?(@.name==\"Provisioning\")].state}=Waiting";
    stage.run_quietly(admin, &["wait", &target, "-n", NAMESPACE, waits, "--timeout=120s"], "").await?;
    let state = admin.kubectl().get(&["ssom", NAMESPACE, "-n", NAMESPACE]).await?;
    let plan = state["status"]["plans"].as_array().and_then(|plans| plans.last()).cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (hash, secret) = (text(&plan["hash"]), text(&plan["secretName"]));
    let report = text(&state["status"]["report"]["secretName"]);
    let reader = manifests::plan_reader("provisioning-reader", APPROVER, &[&secret, &report]);
    let reader = manifests::write(&stage.place.manifests(), "provisioning-reader.yaml", &[reader])?;
    stage.run_quietly(admin, &["apply", "-n", NAMESPACE, "-f", &here(&reader)], "").await?;
    let shown = stage.run_operator(alice, &["plan", &target, "-n", NAMESPACE]).await?;
    let plan = shown.find("\nPlan of ").map_or(shown.as_str(), |at| &shown[at + 1..]);
    stage.screen.output(plan.trim_end());
    let words = ["approve", &target, "-n", NAMESPACE, "--yes", "--wait=false", "--hash", &hash];
    let said = stage.run_operator(alice, &words).await?;
    stage.screen.output(said.lines().next_back().unwrap_or_default());
    stage.screen.line("");
    stage.screen.say(
        "Its own words, as they change. The sandbox's Entra ID speaks SCIM to its Devolutions Cloud over TLS, in cycles of ten \
         seconds instead of forty minutes:",
    );
    let mut last = String::new();
    let mut ended = Ok(());
    let seen = |state: &Value| {
        let told = Told::of(state);
        if told.summary != last {
            stage.screen.output(&format!("  {}", told.summary));
            last.clone_from(&told.summary);
        }
        if told.is_stalled {
            ended = Err(Error::Demo(format!("somebody must act: {}", told.summary)));
        }
        told.is_stalled || told.has_succeeded
    };
    wait::until_seen(admin.kubectl(), "ssom", NAMESPACE, "everybody to come across", WITHIN, seen).await?;
    ended?;
    let message = "jsonpath={.status.conditions[?(@.type==\"Succeeded\")].message}";
    let said = stage.run_quietly(admin, &["get", &target, "-n", NAMESPACE, "-o", message], "").await?;
    stage.screen.quote(&said.stdout);
    let state = admin.kubectl().get(&["ssom", NAMESPACE, "-n", NAMESPACE]).await?;
    let number = |name: &str| state["status"]["verification"][name].as_u64().unwrap_or_default();
    Ok(Across { expected: number("expected"), synced: number("synced"), waived: number("waived") })
}

/// What a status says to people and to their tools.
struct Told {
    summary: String,
    is_stalled: bool,
    has_succeeded: bool,
}

impl Told {
    fn of(state: &Value) -> Self {
        Self {
            summary: state["status"]["summary"].as_str().unwrap_or_default().to_owned(),
            is_stalled: wait::has_condition(state, "Stalled"),
            has_succeeded: wait::has_condition(state, "Succeeded"),
        }
    }
}
