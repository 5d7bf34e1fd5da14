//! What people see in each state of a replacement and of a migration, kept in `golden/`: transcripts of commands, with
//! what differs from run to run masked. `UPDATE_GOLDEN=1` writes them anew; then read them as somebody
//! who has never seen the project. They must tell what it is doing, how far it is, what failed, on what,
//! who must act, and how.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use crate::approvals::all_judged;
use crate::cli::Person;
use crate::cutover::{applied, approve, change, sign_in, waits};
use crate::migration::{decided, migration, until_reason as migration_until};
use crate::provisioning;
use crate::stage::{ALICE, Stage, WITHIN, run};

/// What differs from run to run, each with what stands for it. Of the same length where a column follows.
static MASKS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        ("sha256:[0-9a-f]{64}", "sha256:<hash>"),
        ("plan-[0-9a-f]{12}", "plan-<short hash>"),
        ("127\\.0\\.0\\.1:[0-9]+", "127.0.0.1:ppppp"),
        ("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<uuid>"),
        // Parts of generated names: no vowels (k8s.io/apimachinery/pkg/util/rand).
        ("(sysadmins|contoso|approval)-[bcdfghjklmnpqrstvwxz2456789]{5}", "$1-xxxxx"),
        ("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z", "<time>"),
        ("expires on [0-9]{4}-[0-9]{2}-[0-9]{2}", "expires on <date>"),
        ("about [0-9]+ (s|min) left", "about <time> left"),
        ("(Resource Version: +)[0-9]+", "$1<number>"),
        ("(?m)^((?:[a-z]+\\.migration|contoso ).*) [0-9]+[smh]([0-9]+s)?$", "$1 <age>"),
    ]
    .map(|(pattern, mask)| (Regex::new(pattern).unwrap(), mask))
    .into()
});

/// What somebody typed and saw.
pub struct Transcript(String);

impl Transcript {
    pub fn new(about: &str) -> Self {
        Self(format!("# {about}\n"))
    }

    fn add(&mut self, command: &str, output: &str) {
        // Events come in an order of their own and are counted by time.
        let output = output.split("\nEvents:").next().unwrap_or_default();
        write!(self.0, "\n$ {command}\n{}\n", output.trim_end()).unwrap();
    }

    pub async fn kubectl(&mut self, stage: &Stage, arguments: &[&str]) {
        let output = stage.kubectl(arguments).await;
        self.add(&format!("kubectl {}", arguments.join(" ")), &output);
    }

    pub async fn operator(&mut self, person: &Person, arguments: &[&str]) {
        let ended = person.operator(arguments).await;
        let mut output = ended.stdout + &ended.stderr;
        if ended.code != 0 {
            write!(output, "[exit code {}]", ended.code).unwrap();
        }
        self.add(&format!("operator {}", arguments.join(" ")), &output);
    }

    /// What everybody would look at in any state.
    async fn look(&mut self, stage: &Stage, person: &Person, name: &str) {
        self.operator(person, &["status"]).await;
        self.kubectl(stage, &["get", "tconn,grpr,papp"]).await;
        self.kubectl(stage, &["describe", "grpr", name]).await;
    }

    pub async fn look_at_migration(&mut self, stage: &Stage, person: &Person) {
        self.operator(person, &["status"]).await;
        self.operator(person, &["plan", "ssom/contoso"]).await;
        self.kubectl(stage, &["get", "ssom,tconn"]).await;
        self.kubectl(stage, &["describe", "ssom", "contoso"]).await;
    }

    pub fn check(self, file: &str) {
        let mut text = self.0;
        for (pattern, mask) in &*MASKS {
            text = pattern.replace_all(&text, *mask).into_owned();
        }
        // Padding before what is masked says nothing.
        let text = text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n") + "\n";
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/golden").join(file);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            return std::fs::write(&path, text).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(golden == text, "{file} has changed; UPDATE_GOLDEN=1 writes it anew. Now it is:\n{text}");
    }
}

pub fn grant(state: &Value) -> Option<u64> {
    let steps = state["status"]["steps"].as_array()?;
    steps.iter().find(|step| step["name"] == "Grant")?["progress"]["completed"].as_u64()
}

/// Lets the operator grant `count` permissions and holds it before the next.
pub async fn hold_after(stage: &Stage, count: u64) {
    let nth = |nth: u64, action: Value| json!({"identity": "operator", "method": "PUT", "nth": nth, "action": action});
    // Progress is written every two seconds at most, so the last write before takes longer than that.
    let slow = nth(count, json!({"type": "Slow", "millis": 2100}));
    stage.sandbox.add_fault(&slow).await.unwrap();
    stage.sandbox.add_fault(&nth(count + 1, json!({"type": "HoldBeforeCommit"}))).await.unwrap();
}

pub async fn connected(stage: &Stage) {
    stage.kubectl(&["wait", "--for=condition=Ready", "tconn/contoso", "--timeout=60s"]).await;
}

#[test]
fn from_waiting_to_rolled_back() {
    run(async {
        let stage = Stage::new("golden").await;
        let alice = Person::new(&stage, ALICE).await;
        connected(&stage).await;
        stage.replace_sysadmins(json!({})).await;
        let waiting = stage.until_reason("sysadmins", "AwaitingApproval").await;
        let mut seen = Transcript::new("A replacement was asked for, and its plan waits for a person.");
        seen.look(&stage, &alice, "sysadmins").await;
        seen.operator(&alice, &["plan", "grpr/sysadmins"]).await;
        seen.check("waiting.txt");

        let half = waiting["status"]["plans"][0]["grants"].as_u64().unwrap() / 2;
        hold_after(&stage, half).await;
        let mut seen = Transcript::new("The plan is approved on the command line.");
        seen.operator(&alice, &["approve", "grpr/sysadmins"]).await;
        seen.operator(&alice, &["approve", "grpr/sysadmins", "--yes"]).await;
        let is_half = |s: &Value| s["status"]["summary"].as_str().is_some_and(|it| it.contains("(50%)"));
        stage.until("sysadmins", "half of it done", is_half).await;
        seen.operator(&alice, &["approve", "grpr/sysadmins", "--yes"]).await;
        seen.check("approving.txt");

        let hold = stage.sandbox.wait_for_hold(WITHIN).await.unwrap();
        stage.until("sysadmins", "half of the grants", |state| grant(state) == Some(half)).await;
        all_judged(&stage).await;
        let mut seen = Transcript::new("About half of the permissions are granted.");
        seen.look(&stage, &alice, "sysadmins").await;
        seen.check("granting.txt");

        stage.sandbox.release(hold.id).await.unwrap();
        stage.until_reason("sysadmins", "Replaced").await;
        let mut seen = Transcript::new("The Entra group has taken the custom group's place.");
        seen.look(&stage, &alice, "sysadmins").await;
        seen.check("replaced.txt");

        stage.patch("sysadmins", json!({"mode": "Rollback"})).await;
        stage.approve("sysadmins").await;
        stage.until_reason("sysadmins", "RolledBack").await;
        all_judged(&stage).await;
        let mut seen = Transcript::new("Everything was put back.");
        seen.look(&stage, &alice, "sysadmins").await;
        seen.operator(&alice, &["plan", "grpr/sysadmins"]).await;
        seen.check("rolled-back.txt");
        stage.end().await;
    });
}

#[test]
fn a_migration_that_only_looks() {
    run(async {
        let stage = Stage::new("golden-migration").await;
        let alice = Person::new(&stage, ALICE).await;
        connected(&stage).await;
        stage.apply(&migration(json!({"assignments": {"groups": [{"displayName": "Vault-Admins"}, {"displayName": "vault-operators"}]}}))).await.unwrap();
        migration_until(&stage, "PreflightFailed").await;
        let mut seen = Transcript::new("A migration is looked at, and some things are in its way.");
        seen.look_at_migration(&stage, &alice).await;
        seen.check("migration-in-the-way.txt");

        stage.apply(&migration(decided())).await.unwrap();
        migration_until(&stage, "Planned").await;
        let mut seen = Transcript::new("What was in its way is resolved, accepted or waived.");
        seen.look_at_migration(&stage, &alice).await;
        seen.check("migration-planned.txt");
        stage.end().await;
    });
}

#[test]
fn a_migration_from_its_beginning_to_its_end_and_back() {
    run(async {
        let stage = Stage::new("golden-cutover").await;
        let alice = Person::new(&stage, ALICE).await;
        connected(&stage).await;
        stage.apply(&applied(json!({"approvals": ["Start", "Cutover"]}))).await.unwrap();
        waits(&stage, "Start").await;
        let mut seen = Transcript::new("A migration is asked for, and a person is asked before it begins.");
        seen.operator(&alice, &["status"]).await;
        seen.operator(&alice, &["plan", "ssom/contoso"]).await;
        seen.operator(&alice, &["approve", "ssom/contoso", "--yes"]).await;
        seen.check("migration-start.txt");

        waits(&stage, "Cutover").await;
        all_judged(&stage).await;
        let mut seen = Transcript::new("Everything is ready, and a person is asked before people sign in by it.");
        seen.look_at_migration(&stage, &alice).await;
        seen.operator(&alice, &["approve", "ssom/contoso", "--yes"]).await;
        seen.check("migration-approving.txt");

        migration_until(&stage, "AwaitingProof").await;
        let mut seen = Transcript::new("The new configuration is saved, and nobody has signed in by it yet.");
        seen.operator(&alice, &["status"]).await;
        seen.check("migration-saved.txt");

        assert!(sign_in(&stage, "bob@contoso.example").await);
        migration_until(&stage, "CutOver").await;
        let mut seen = Transcript::new("People sign in by the new application.");
        seen.look_at_migration(&stage, &alice).await;
        seen.check("migration-cut-over.txt");

        change(&stage, json!({"mode": "Rollback"})).await;
        migration_until(&stage, "RolledBack").await;
        let mut seen = Transcript::new("People sign in by the old application again.");
        seen.look_at_migration(&stage, &alice).await;
        seen.check("migration-rolled-back.txt");
        stage.end().await;
    });
}

#[test]
fn a_migration_that_brings_everybody_across() {
    run(async {
        let stage = provisioning::stage("golden-provisioning", "").await;
        let alice = Person::new(&stage, ALICE).await;
        connected(&stage).await;
        stage.apply(&applied(provisioning::across(json!({"approvals": ["Provisioning"]})))).await.unwrap();
        migration_until(&stage, "AwaitingProof").await;
        assert!(sign_in(&stage, "bob@contoso.example").await);
        waits(&stage, "Provisioning").await;
        let mut seen = Transcript::new("People sign in by it, and a person is asked before they are brought across.");
        seen.operator(&alice, &["status"]).await;
        seen.operator(&alice, &["plan", "ssom/contoso"]).await;
        seen.check("migration-provisioning.txt");

        stage.sandbox.add_fault(&provisioning::refuse(2)).await.unwrap();
        approve(&stage, "Provisioning").await;
        migration_until(&stage, "UsersMissing").await;
        all_judged(&stage).await;
        let mut seen = Transcript::new("One came across, and the others did not.");
        seen.operator(&alice, &["status"]).await;
        seen.kubectl(&stage, &["get", "ssom,papp"]).await;
        seen.kubectl(&stage, &["describe", "ssom", "contoso"]).await;
        seen.check("migration-missing.txt");

        stage.sandbox.clear_faults().await.unwrap();
        migration_until(&stage, "Verified").await;
        all_judged(&stage).await;
        let mut seen = Transcript::new("Everybody has come across.");
        seen.look_at_migration(&stage, &alice).await;
        seen.check("migration-verified.txt");
        stage.end().await;
    });
}

#[test]
fn a_migration_that_went_back_by_itself() {
    run(async {
        let stage = Stage::new("golden-returned").await;
        let alice = Person::new(&stage, ALICE).await;
        connected(&stage).await;
        stage.apply(&applied(json!({"approvals": []}))).await.unwrap();
        let state = migration_until(&stage, "AwaitingProof").await;
        let path = format!("/entra/applications/{}", state["status"]["application"]["appId"].as_str().unwrap());
        stage.sandbox.control_patch(&path, &json!({"redirectUris": ["https://elsewhere.example/"]})).await.unwrap();
        assert!(!sign_in(&stage, "bob@contoso.example").await);
        migration_until(&stage, "Returned").await;
        let mut seen = Transcript::new("Sign-ins failed, and the old configuration came back by itself.");
        seen.look_at_migration(&stage, &alice).await;
        seen.check("migration-returned.txt");
        stage.end().await;
    });
}

#[test]
fn refused() {
    run(async {
        let stage = Stage::new("golden-refused").await;
        let alice = Person::new(&stage, ALICE).await;
        connected(&stage).await;
        let (from, to) = (json!({"name": "Auditors"}), json!({"displayName": "SG-Auditors"}));
        stage.replace("auditors", from, to, json!({})).await;
        stage.until_reason("auditors", "MembersDiffer").await;
        let mut seen = Transcript::new("The two groups do not have the same members.");
        seen.look(&stage, &alice, "auditors").await;
        seen.operator(&alice, &["plan", "grpr/auditors"]).await;
        seen.operator(&alice, &["approve", "grpr/auditors", "--yes"]).await;
        seen.check("refused.txt");
        stage.end().await;
    });
}

#[test]
fn stale() {
    run(async {
        let stage = Stage::new("golden-stale").await;
        let alice = Person::new(&stage, ALICE).await;
        connected(&stage).await;
        stage.replace_sysadmins(json!({})).await;
        stage.until_reason("sysadmins", "AwaitingApproval").await;
        hold_after(&stage, 2).await;
        stage.approve("sysadmins").await;
        let hold = stage.sandbox.wait_for_hold(WITHIN).await.unwrap();
        stage.until("sysadmins", "two grants", |state| grant(state) == Some(2)).await;
        stage.sandbox.sync("Vault-Admins", &["adam@contoso.example", "bob@contoso.example"]).await.unwrap();
        stage.sandbox.release(hold.id).await.unwrap();
        stage.until_reason("sysadmins", "PlanStale").await;
        all_judged(&stage).await;
        let mut seen = Transcript::new("In the middle of the grants two people were taken out of the Entra group.");
        seen.look(&stage, &alice, "sysadmins").await;
        seen.operator(&alice, &["approve", "grpr/sysadmins", "--yes"]).await;
        seen.check("stale.txt");
        stage.end().await;
    });
}
