//! Whatever is killed or deleted while provisioning is set up: nothing is made twice, and nothing is done unasked.

use std::collections::BTreeSet;

use serde_json::json;
use testbed::sandbox::Request;

use crate::cutover::{applied, approve, sign_in, waits};
use crate::cutover_crashes::passes_quietly;
use crate::migration::until_reason;
use crate::provisioning::{across, five, set_up, stage, synced, to_provisioning};
use crate::stage::{ALICE, WITHIN, approval, run};

#[test]
fn killed_at_every_write_of_the_set_up_it_makes_nothing_twice() {
    run(async {
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
            stage.apply(&applied(across(json!({"approvals": []})))).await.unwrap();
            until_reason(&stage, "AwaitingProof").await;
            assert!(sign_in(&stage, "bob@contoso.example").await);
            let mut points = BTreeSet::new();
            loop {
                let held = tokio::select! {
                    hold = stage.sandbox.wait_for_hold(WITHIN) => Some(hold.unwrap()),
                    _ = until_reason(&stage, "Verified") => None,
                };
                let Some(hold) = held else { break };
                let end = hold.path.rsplit('/').next().unwrap_or_default().to_owned();
                if points.insert(end) {
                    stage.operator.kill().await.unwrap();
                    stage.sandbox.release(hold.id).await.unwrap();
                    stage.operator.restart().await.unwrap();
                } else {
                    stage.sandbox.release(hold.id).await.unwrap();
                }
            }
            for end in ["provisioning", "jobs", "secrets", "provisionOnDemand", "start", "activate"] {
                assert!(points.contains(end), "never killed at {end}: {points:?}");
            }
            assert_eq!(synced(&stage.sandbox).await, five());
            let provisioning: Vec<Request> = stage.writes().await;
            let good = |end: &str| {
                provisioning.iter().filter(|r| r.path.ends_with(end) && (200..300).contains(&r.status)).count()
            };
            assert_eq!((good("/authentication/provisioning"), good("/synchronization/jobs")), (1, 1), "{action}");
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
        passes_quietly(&stage, "Verified").await;
        stage.end().await;
    });
}
