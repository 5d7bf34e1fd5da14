//! What people do to provisioning by hand, and what must not be taken for that.

use reqwest::Method;
use serde_json::{Value, json};
use testbed::sandbox::Sandbox;

use crate::cutover::{applied, approve, ask_again, change, cut_over, saves, waits, written};
use crate::mapping::without_helpdesk;
use crate::migration::{until, until_reason};
use crate::outlook::Administrator;
use crate::provisioning::{five, set_up, stage, synced, to_provisioning};
use crate::stage::{Stage, WITHIN, condition, message, ready_reason, run};
use crate::verification::accepting;

/// The new application's name.
const NEW: &str = "Devolutions Cloud";

/// An application's provisioning, in an administrator's hands.
pub struct Hands<'a> {
    sandbox: &'a Sandbox,
    person: Administrator<'a>,
    /// `/servicePrincipals/{id}/synchronization`
    path: String,
}

impl<'a> Hands<'a> {
    /// On the application of this name.
    pub async fn on(stage: &'a Stage, name: &str) -> Self {
        let entra = stage.sandbox.entra().await.unwrap();
        let one = entra["applications"].as_array().unwrap().iter().find(|it| it["name"] == name).unwrap();
        let path = format!("/servicePrincipals/{}/synchronization", one["servicePrincipalId"].as_str().unwrap());
        let person = Administrator::with_the_operators_rights(&stage.sandbox).await;
        Self { sandbox: &stage.sandbox, person, path }
    }

    async fn job(&self) -> Value {
        self.person.graph(Method::GET, &format!("{}/jobs", self.path), None).await["value"][0].clone()
    }

    async fn act(&self, action: &str) {
        let job = self.job().await;
        let path = format!("{}/jobs/{}/{action}", self.path, job["id"].as_str().unwrap());
        self.person.graph(Method::POST, &path, None).await;
    }

    /// Has it bring people there.
    pub async fn provision(&self, address: &Value, token: &Value) {
        self.person.graph(Method::POST, &format!("{}/jobs", self.path), Some(json!({"templateId": "scim"}))).await;
        let values = json!([{"key": "BaseAddress", "value": address}, {"key": "SecretToken", "value": token}]);
        self.person.graph(Method::PUT, &format!("{}/secrets", self.path), Some(json!({"value": values}))).await;
        self.act("start").await;
    }

    /// All that the operator would do.
    async fn set_up(&self) {
        let cloud = self.sandbox.as_person().await.unwrap();
        let provisioning = "/api/v1/authentication/provisioning";
        let told = cloud.call(Method::POST, provisioning, None).await.unwrap();
        self.provision(&told["tenantUrl"], &told["secretToken"]).await;
        cloud.call(Method::POST, &format!("{provisioning}/activate"), None).await.unwrap();
    }
}

/// Holds the nth time from now that the operator asks for the job, before or after that is answered.
fn held(when: &str, nth: u64) -> Value {
    let path = "/v1.0/servicePrincipals/*/synchronization/jobs";
    json!({"system": "Graph", "identity": "operator", "method": "GET", "path": path, "nth": nth, "action": {"type": when}})
}

#[test]
fn one_answer_is_no_proof_that_a_job_runs_nor_that_it_is_paused() {
    run(async {
        let stage = stage("by-hand-answers", "").await;
        to_provisioning(&stage, json!({"approvals": ["Provisioning"]})).await;
        let start = json!({"system": "Graph", "path": "/v1.0/servicePrincipals/*/synchronization/jobs/*/start",
            "action": {"type": "HoldAfterCommit"}});
        stage.sandbox.add_fault(&start).await.unwrap();
        approve(&stage, "Provisioning").await;
        let starting = stage.sandbox.wait_for_hold(WITHIN).await.unwrap();
        let hands = Hands::on(&stage, NEW).await;
        // It is seen to run twice, and then by a replica that has not heard of it.
        stage.sandbox.add_fault(&held("HoldBeforeCommit", 3)).await.unwrap();
        stage.sandbox.release(starting.id).await.unwrap();
        let asking = stage.sandbox.wait_for_hold(WITHIN).await.unwrap();
        hands.act("pause").await;
        stage.sandbox.release(asking.id).await.unwrap();
        until(&stage, "ssom", "nothing proven", |s| message(s).contains("Not everywhere is it seen yet")).await;
        ask_again(&stage, "0").await;
        until_reason(&stage, "Verified").await;

        // A replica that has not heard of the start says that it is paused.
        let before = stage.writes().await.len();
        hands.act("pause").await;
        stage.sandbox.add_fault(&held("HoldAfterCommit", 1)).await.unwrap();
        ask_again(&stage, "1").await;
        let told = stage.sandbox.wait_for_hold(WITHIN).await.unwrap();
        hands.act("start").await;
        stage.sandbox.release(told.id).await.unwrap();
        let looked = |s: &Value| s["status"]["lastHandledReconcileAt"] == "1";
        let state = until(&stage, "ssom", "another look", looked).await;
        assert_eq!(ready_reason(&state), "Verified", "{}", message(&state));
        assert_eq!(stage.writes().await.len(), before + 2, "the person's own");

        // A way back pauses it all the same.
        hands.act("pause").await;
        stage.sandbox.add_fault(&held("HoldAfterCommit", 1)).await.unwrap();
        change(&stage, json!({"mode": "Rollback"})).await;
        let told = stage.sandbox.wait_for_hold(WITHIN).await.unwrap();
        hands.act("start").await;
        stage.sandbox.release(told.id).await.unwrap();
        until_reason(&stage, "RolledBack").await;
        assert_eq!(hands.job().await["schedule"]["state"], "Paused");
        stage.end().await;
    });
}

#[test]
fn whom_a_job_would_bring_across_at_once_is_not_assigned_unasked_whoever_has_started_it() {
    run(async {
        let stage = stage("by-hand-before", "").await;
        stage.apply(&applied(json!({}))).await.unwrap();
        waits(&stage, "Cutover").await;
        Hands::on(&stage, NEW).await.set_up().await;
        let assigned = async || written(&stage.writes().await, "/appRoleAssignedTo").len();
        let before = assigned().await;
        let groups = ["Vault-Admins", "SG-Helpdesk", "SG-Auditors"].map(|name| json!({"displayName": name}));
        change(&stage, json!({"assignments": {"groups": groups}})).await;
        let state = until_reason(&stage, "ProvisioningRuns").await;
        assert_eq!(assigned().await, before, "{}", message(&state));
        assert!(state["status"].get("plans").is_none(), "nobody waits for the cut-over now: {state:#}");
        stage.end().await;
    });
}

#[test]
fn a_way_back_pauses_what_a_person_has_set_up_and_is_held_by_what_hangs_on_it() {
    run(async {
        let stage = without_helpdesk("by-hand-back").await;
        stage.apply(&applied(json!({}))).await.unwrap();
        cut_over(&stage).await;
        let hands = Hands::on(&stage, NEW).await;
        hands.set_up().await;
        stage.sandbox.provision().await.unwrap();
        assert_eq!(synced(&stage.sandbox).await, five());
        let (from, to) = (json!({"name": "Helpdesk"}), json!({"displayName": "SG-Helpdesk"}));
        stage.replace("helpdesk", from, to, json!({"approval": "NotRequired"})).await;
        stage.until_reason("helpdesk", "Replaced").await;

        let before = saves(&stage).await;
        change(&stage, json!({"mode": "Rollback"})).await;
        let state = until_reason(&stage, "ReplacementsDependOnIt").await;
        assert!(message(&state).contains("helpdesk"), "{}", message(&state));
        assert_eq!((saves(&stage).await, hands.job().await["schedule"]["state"].as_str()), (before, Some("Active")));
        stage.patch("helpdesk", json!({"mode": "Rollback"})).await;
        stage.until_reason("helpdesk", "RolledBack").await;
        // People can sign in as before at once, whatever Entra says of its job.
        let refuse = json!({"system": "Graph", "method": "POST", "path": "/v1.0/servicePrincipals/*/synchronization/jobs/*/pause",
            "times": 0, "action": {"type": "Status", "status": 503}});
        stage.fault(refuse).await;
        let told =
            |s: &Value| message(s).starts_with("People sign in as they did before. The new application's provisioning");
        let state = until(&stage, "ssom", "what is left to do", told).await;
        assert_eq!(
            (saves(&stage).await, ready_reason(&state) == "RolledBack"),
            (before + 1, false),
            "{}",
            message(&state)
        );
        stage.sandbox.clear_faults().await.unwrap();
        until_reason(&stage, "RolledBack").await;
        assert_eq!(hands.job().await["schedule"]["state"], "Paused");
        assert_eq!(saves(&stage).await, before + 1);
        stage.assert_no_violation().await;
        stage.end().await;
    });
}

#[test]
fn who_was_expected_is_not_made_up_once_that_is_lost() {
    run(async {
        let stage = stage("by-hand-expectation", "").await;
        to_provisioning(&stage, json!({"approvals": ["Provisioning"]})).await;
        approve(&stage, "Provisioning").await;
        until_reason(&stage, "Verified").await;
        let (secret, before) = ("ssom-contoso-expectation", set_up(&stage.writes().await));
        stage.kubectl(&["delete", "secret", secret]).await;
        ask_again(&stage, "1").await;
        let state = until_reason(&stage, "ExpectationMissing").await;
        for said in [secret, "backup", "disabled", "spec.acknowledgements"] {
            assert!(message(&state).contains(said), "{said}: {}", message(&state));
        }
        assert_eq!(condition(&state, "Stalled").unwrap()["status"], "True");
        // Whoever has looked for themselves says so, and it goes on from what there is.
        change(&stage, json!({"acknowledgements": accepting("ExpectationMissing")})).await;
        let state = until_reason(&stage, "Verified").await;
        assert_eq!(state["status"]["verification"]["expected"], 5, "{state:#}");
        stage.kubectl(&["get", "secret", secret]).await;
        assert_eq!(set_up(&stage.writes().await), before);
        assert_eq!(written(&stage.writes().await, "/authentication/sso").len(), 1);
        stage.end().await;
    });
}
