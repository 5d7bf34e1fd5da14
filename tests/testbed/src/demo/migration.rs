//! People move to the new application: decided, approved, cut over under their eyes, with a `kill -9` at the worst moment.

use serde_json::{Value, json};
use tokio::time::MissedTickBehavior;

use super::background::Background;
use super::manifests::{self, Approval, Decided, Pair};
use super::outlook::Outlook;
use super::play::{APPROVER, AUTHOR, WITHIN};
use super::stage::{Actor, Stage};
use super::tenant::{Tenant, each};
use super::{COMPANY, MIGRATION};
use crate::error::{Error, Result};
use crate::sandbox::Sandbox;
use crate::wait;

/// So many lines of the plan are shown.
const PLAN_LINES: usize = 30;
/// Between two sign-ins: people are no load test.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

/// Those who could sign in when the demo began, signing in all the time.
pub(super) struct People {
    sandbox: Sandbox,
    able: Vec<String>,
}

impl People {
    /// Those of `tenant`, which is that of `stage`, who get in.
    pub(super) fn who_get_in(stage: &Stage, tenant: &Tenant) -> Result<Self> {
        let sandbox = Sandbox::attach(&stage.place.exports_of(stage.profile))?;
        let able = tenant.users.values().filter(|person| person.gets_in);
        Ok(Self { sandbox, able: able.map(|person| person.email.clone()).collect() })
    }

    /// One of them.
    pub(super) fn somebody(&self) -> &str {
        self.able.first().map(String::as_str).unwrap_or_default()
    }

    /// How many they are.
    pub(super) fn count(&self) -> usize {
        self.able.len()
    }

    /// One after the other signs in, as long as `demo` takes.
    pub(super) async fn keep_signing_in<T>(&self, demo: impl Future<Output = Result<T>>) -> Result<T> {
        let people = async {
            let mut pause = tokio::time::interval(PAUSE);
            // Where a sign-in takes longer than that, the operator is to have the machine too.
            pause.set_missed_tick_behavior(MissedTickBehavior::Delay);
            for user in self.able.iter().cycle() {
                pause.tick().await;
                match self.sandbox.sign_in(user).await {
                    Err(error) => return error,
                    // A failure is in the sandbox's tally.
                    Ok(told) if told["ok"] == true && told["user"] != **user => {
                        return Error::Demo(format!("{user} was let in as {}", told["user"]));
                    }
                    Ok(_) => {}
                }
            }
            Error::Demo("nobody can sign in, so there is nothing to see".into())
        };
        tokio::select! { shown = demo => shown, error = people => Err(error) }
    }
}

/// Decides what the forecast asks for, and asks for the migration. Gives what was foretold then.
pub(super) async fn ask(stage: &Stage, admin: &Actor, pairs: &[Pair]) -> Result<Outlook> {
    stage.screen.heading("4. Decide what it asks for, and have it carried out");
    let report = Outlook::report(stage, admin).await?;
    let labels = |is: fn(&&Value) -> bool| -> Vec<&str> {
        each(&report["users"]).filter(is).filter_map(|user| user["label"].as_str()).collect()
    };
    // Somebody who is the same on both sides and can be asked.
    let canary = labels(|user| {
        user["class"] == "Expected" && user["synced"] == "Yes" && user["today"] == "Yes" && user["disabled"] == false
    });
    let decided = Decided {
        disabled: labels(|user| user["disabled"] == true),
        missing: labels(|user| user["class"] == "Missing" && user["disabled"] == false),
        unmatched: if stage.profile.goes_by_upn {
            labels(|user| user["synced"] == "DependsOnMatching")
        } else {
            Vec::new()
        },
        canary: canary.first().copied().ok_or_else(|| Error::Demo("nobody could come across first".into()))?,
    };
    let manifest = manifests::migration_to_apply(pairs, &decided, stage.profile);
    let file = stage.write("migration.yaml", std::slice::from_ref(&manifest))?;
    let mut groups = 0;
    for line in manifest.lines() {
        groups += usize::from(line.contains("displayName"));
        match groups {
            2 => stage.screen.output(&format!("          # and {} more", pairs.len() - 1)),
            _ if groups > 2 && line.contains("displayName") => {}
            _ => stage.screen.output(&format!("    {line}")),
        }
        groups += usize::from(groups == 2);
    }
    stage.run(admin, &["apply", "-n", stage.namespace(), "-f", &file]).await?;
    stage.screen.line("");
    stage.screen.say(
        "The operator makes the application from the template that can provision users, keeps its client secret before \
         anything else, adds one to the old application for the way back, has both get tokens several times in a row, and \
         assigns everybody. Nobody signs in by it yet.",
    );
    let reason = "--for=jsonpath={.status.conditions[?(@.type==\"Ready\")].reason}=AwaitingApproval";
    stage.run(admin, &["wait", MIGRATION, "-n", stage.namespace(), reason, "--timeout=120s"]).await?;
    stage.run(admin, &["get", "ssom", "-n", stage.namespace()]).await?;
    Outlook::read(stage, admin).await
}

/// A plan of the migration that waits for a person.
pub(super) struct Pending {
    /// The migration's uid.
    pub(super) uid: String,
    /// The plan's hash.
    pub(super) hash: String,
}

/// The plan that waits now; alice may read it from here on, by a role of this name, and the forecast.
pub(super) async fn readable_plan(stage: &Stage, admin: &Actor, alice: &Actor, role: &str) -> Result<Pending> {
    let state = admin.kubectl().get(&[MIGRATION, "-n", stage.namespace()]).await?;
    let plan = state["status"]["plans"].as_array().and_then(|plans| plans.last()).cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (secret, report) = (text(&plan["secretName"]), text(&state["status"]["report"]["secretName"]));
    let reader = manifests::plan_reader(role, APPROVER, &[&secret, &report]);
    let reader = stage.write(&format!("{role}.yaml"), &[reader])?;
    stage.run(admin, &["apply", "-n", stage.namespace(), "-f", &reader]).await?;
    let plan_secret = format!("secret/{secret}");
    wait::until_allowed(alice.kubectl(), "get", &plan_secret, stage.namespace(), WITHIN).await?;
    Ok(Pending { uid: text(&state["metadata"]["uid"]), hash: text(&plan["hash"]) })
}

/// Shows the command, and gives the plan as somebody reads it. The forecast comes first; it was shown before.
pub(super) async fn shown_plan(stage: &Stage, reader: &Actor) -> Result<String> {
    let shown = stage.run_operator(reader, &["plan", MIGRATION, "-n", stage.namespace()]).await?;
    Ok(shown.find("\nPlan of ").map_or(shown.as_str(), |at| &shown[at + 1..]).to_owned())
}

/// Who may approve and who may not; then the cut-over, at whose worst moment the operator is killed if its `background` is given.
pub(super) async fn approve(
    stage: &Stage,
    admin: &Actor,
    (alice, bob): (&Actor, &Actor),
    background: Option<&mut Background>,
) -> Result<()> {
    let Pending { uid, hash } = readable_plan(stage, admin, alice, "migration-reader").await?;
    stage.screen.line("");
    stage.screen.say(
        "alice has the verb `approve` on ssomigrations and groupreplacements, and may read this plan and its forecast. bob \
         may create approvals, but lacks that verb. First he tries in his own name, then in alice's:",
    );
    for (name, whose) in [("approval-of-bob.yaml", AUTHOR), ("approval-forged.yaml", APPROVER)] {
        let approval = Approval {
            kind: "SsoMigration",
            gate: "Cutover",
            target: COMPANY,
            uid: &uid,
            plan: &hash,
            approver: whose,
        };
        let file = stage.write(name, &[approval.manifest()])?;
        stage.refused(bob, &["create", "-n", stage.namespace(), "-f", &file]).await?;
    }
    stage.screen.line("");
    let plan = shown_plan(stage, alice).await?;
    stage.screen.output("…");
    stage.screen.output(&plan.lines().take(PLAN_LINES).collect::<Vec<_>>().join("\n"));
    if plan.lines().count() > PLAN_LINES {
        stage.screen.output("…");
    }

    if background.is_some() {
        let held = json!({
            "system": "DevolutionsCloud", "method": "PUT", "path": "/api/v1/authentication/sso", "identity": "operator",
            "action": { "type": "HoldAfterCommit" },
        });
        stage.sandbox.add_fault(&held).await?;
    }
    let words = ["approve", MIGRATION, "-n", stage.namespace(), "--yes", "--wait=false", "--hash", &hash];
    let said = stage.run_operator(alice, &words).await?;
    stage.screen.output(said.lines().next_back().unwrap_or_default());
    if let Some(background) = background {
        let hold = stage.sandbox.wait_for_hold(WITHIN).await?;
        stage.screen.line("");
        stage.screen.say(
            "The new configuration has taken effect and the answer is still on the way: the worst moment. The operator is killed.",
        );
        background.kill_operator().await?;
        stage.sandbox.release(hold.id).await?;
        stage.sandbox.clear_faults().await?;
        let pid = background.operator_started().await?;
        stage.screen.say(&format!(
            "It was started again as process {pid} and goes on where it was. Entra's log shows it that people sign in:"
        ));
    }
    let done = "--for=jsonpath={.status.cutover.evidence}=SignInSeen";
    stage.run(admin, &["wait", MIGRATION, "-n", stage.namespace(), done, "--timeout=120s"]).await?;
    let message = "jsonpath={.status.steps[?(@.name==\"Cutover\")].message}";
    let said = stage.run_quietly(admin, &["get", MIGRATION, "-n", stage.namespace(), "-o", message], "").await?;
    stage.screen.quote(&said.stdout);
    Ok(())
}
