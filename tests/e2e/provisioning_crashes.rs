//! Whatever is killed or deleted while provisioning is set up: nothing is made twice, and nothing is done unasked.

use serde_json::json;

use crate::crashes::killed_until;
use crate::cutover::{applied, approve, saves, waits};
use crate::cutover_crashes::{Outcome, outcome};
use crate::migration::until_reason;
use crate::provisioning::{across, five, set_up, stage, synced, to_provisioning};
use crate::quiet::passes_quietly;
use crate::stage::{ALICE, Stage, WITHIN, approval, run};

/// What bringing everybody across leaves behind, whatever happened on the way: who signs in by what, and who is synced.
async fn left(stage: &Stage) -> (Outcome, Vec<String>) {
    (outcome(stage).await, synced(&stage.sandbox).await)
}

/// What a run without any trouble ends in.
async fn undisturbed(name: &str) -> (Outcome, Vec<String>) {
    let stage = stage(name, "").await;
    to_provisioning(&stage, json!({"approvals": []})).await;
    until_reason(&stage, "Verified").await;
    let end = left(&stage).await;
    stage.end().await;
    assert_eq!(end.1, five());
    end
}

#[test]
fn killed_at_every_write_of_the_set_up_it_makes_nothing_twice() {
    run(async {
        let expected = undisturbed("provisioning-none").await;
        for action in ["HoldBeforeCommit", "HoldAfterCommit"] {
            let mut stage = stage(&format!("provisioning-{}", action[4..9].to_lowercase()), "").await;
            for (system, method, path) in [
                ("Graph", "POST", "/v1.0/servicePrincipals/*/synchronization/**"),
                ("Graph", "PUT", "/v1.0/servicePrincipals/*/synchronization/**"),
                ("DevolutionsCloud", "POST", "/api/v1/authentication/provisioning"),
                ("DevolutionsCloud", "POST", "/api/v1/authentication/provisioning/**"),
            ] {
                stage.fault(json!({"system": system, "method": method, "path": path, "times": 0, "action": {"type": action}})).await;
            }
            to_provisioning(&stage, json!({"approvals": []})).await;
            let points = killed_until(&mut stage, "Verified").await;
            for end in ["provisioning", "jobs", "secrets", "provisionOnDemand", "start", "activate"] {
                assert!(
                    points.iter().any(|(_, path)| path.ends_with(&format!("/{end}"))),
                    "never killed at {end}: {points:?}"
                );
            }
            assert_eq!(left(&stage).await, expected, "{action}");
            let all = set_up(&stage.writes().await);
            for once in ["POST provisioning", "POST jobs", "POST start", "POST activate"] {
                assert_eq!(all.iter().filter(|w| *w == once).count(), 1, "{action} {once}: {all:?}");
            }
            assert_eq!(saves(&stage).await, 1, "{action}");
            stage.assert_no_violation().await;
            stage.end().await;
        }
    });
}

#[test]
fn deleted_in_the_middle_and_applied_again_it_sets_nothing_up_twice_and_asks_again() {
    run(async {
        let stage = stage("provisioning-deleted", "").await;
        to_provisioning(&stage, json!({"approvals": ["Provisioning"]})).await;
        let old = approval(&waits(&stage, "Provisioning").await, ALICE);
        let again = async || {
            stage.kubectl(&["delete", "ssom", "contoso"]).await;
            stage.apply(&applied(across(json!({"approvals": ["Provisioning"]})))).await.unwrap();
        };
        again().await;
        // A word that was given for the deleted one.
        stage.approve_as(ALICE, &old).await.unwrap();
        waits(&stage, "Provisioning").await;
        assert_eq!(set_up(&stage.writes().await), [""; 0]);

        // With the job made and not started, it asks anew before the next thing is done.
        let path = "/v1.0/servicePrincipals/*/synchronization/jobs";
        let hold = json!({"system": "Graph", "method": "POST", "path": path, "action": {"type": "HoldAfterCommit"}});
        stage.sandbox.add_fault(&hold).await.unwrap();
        approve(&stage, "Provisioning").await;
        let held = stage.sandbox.wait_for_hold(WITHIN).await.unwrap();
        again().await;
        stage.sandbox.release(held.id).await.unwrap();
        waits(&stage, "Provisioning").await;
        assert_eq!(set_up(&stage.writes().await), ["POST provisioning", "POST jobs"]);
        approve(&stage, "Provisioning").await;
        until_reason(&stage, "Verified").await;
        let all =
            ["POST provisioning", "POST jobs", "PUT secrets", "POST provisionOnDemand", "POST start", "POST activate"];
        assert_eq!(set_up(&stage.writes().await).iter().filter(|w| !w.contains("validate")).collect::<Vec<_>>(), all);

        // Once it runs nothing is left to be asked for, and nothing is written.
        let writes = stage.writes().await.len();
        again().await;
        until_reason(&stage, "Verified").await;
        assert_eq!(stage.writes().await.len(), writes);
        passes_quietly(&stage, "ssom", "contoso", "Verified").await;
        stage.end().await;
    });
}
