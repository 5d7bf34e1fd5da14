//! Killed at any moment, or with a network and a server that misbehave, the operator goes on where it
//! was: nothing twice, nothing lost, nobody notices.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testbed::sandbox::Hold;

use crate::migration::until_reason;
use crate::stage::{Stage, WITHIN, run};

/// What a run without any trouble writes and ends in.
async fn undisturbed(name: &str) -> (usize, Value) {
    let stage = Stage::new(name).await;
    stage.replace_sysadmins(json!({"approval": "NotRequired"})).await;
    stage.until_reason("sysadmins", "Replaced").await;
    let outcome = (stage.writes().await.len(), stage.sandbox.state().await.unwrap());
    stage.end().await;
    outcome
}

/// Nobody noticed, and all is as after a run without trouble.
async fn ends_as(stage: &Stage, writes: usize, end: &Value) {
    stage.until_reason("sysadmins", "Replaced").await;
    assert_eq!(stage.sandbox.state().await.unwrap(), *end);
    assert_eq!(stage.writes().await.len(), writes, "nothing was written twice");
    stage.assert_no_violation().await;
}

/// Kills the operator at what stands still, and starts it again as a kubelet would.
pub async fn kill_at(stage: &mut Stage, hold: &Hold) {
    stage.operator.kill().await.unwrap();
    stage.sandbox.release(hold.id).await.unwrap();
    stage.operator.restart().await.unwrap();
}

/// Kills it at what stands still next.
async fn kill_at_next(stage: &mut Stage) -> Hold {
    let hold = stage.sandbox.wait_for_hold(WITHIN).await.unwrap();
    kill_at(stage, &hold).await;
    hold
}

/// Kills at all that stands still, once at each method and path, until there is this reason; where that was.
pub async fn killed_until(stage: &mut Stage, reason: &str) -> BTreeSet<(String, String)> {
    let mut points = BTreeSet::new();
    loop {
        let hold = tokio::select! {
            hold = stage.sandbox.wait_for_hold(WITHIN) => hold.unwrap(),
            _ = until_reason(stage, reason) => return points,
        };
        // What was killed before it took effect comes once more, and then it may pass.
        if points.insert((hold.method.clone(), hold.path.clone())) {
            kill_at(stage, &hold).await;
        } else {
            stage.sandbox.release(hold.id).await.unwrap();
        }
    }
}

/// A linear congruential generator (Knuth's MMIX constants): the same moments on every machine.
pub struct Seed(pub u64);

impl Seed {
    /// Has one of the operator's next requests stand still.
    async fn arm(&mut self, stage: &Stage, within: u64) {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let nth = 1 + (self.0 >> 33) % within;
        stage.fault(json!({"nth": nth, "action": {"type": "HoldAfterCommit"}})).await;
    }

    /// Kills the operator at one of its next requests; nothing else ends the wait for it.
    pub async fn kill(&mut self, stage: &mut Stage, within: u64) -> Hold {
        self.arm(stage, within).await;
        kill_at_next(stage).await
    }
}

/// Kills at each write once: before it took effect, or after.
async fn killed_at_every_write(name: &str, action: &str) {
    let (writes, end) = undisturbed(&format!("{name}-none")).await;
    let mut stage = Stage::new(name).await;
    for method in ["PUT", "DELETE"] {
        stage.fault(json!({"method": method, "times": 0, "action": {"type": action}})).await;
    }
    stage.replace_sysadmins(json!({"approval": "NotRequired"})).await;
    let mut killed = BTreeSet::new();
    while killed.len() < writes {
        let hold = stage.sandbox.wait_for_hold(WITHIN).await.unwrap();
        // What was killed before it took effect comes once more, and then it may pass.
        if killed.insert((hold.method.clone(), hold.path.clone())) {
            kill_at(&mut stage, &hold).await;
        } else {
            stage.sandbox.release(hold.id).await.unwrap();
        }
    }
    stage.sandbox.clear_faults().await.unwrap();
    ends_as(&stage, writes, &end).await;
    stage.end().await;
}

#[test]
fn killed_at_every_write_before_it_took_effect() {
    run(killed_at_every_write("kill-before", "HoldBeforeCommit"));
}

#[test]
fn killed_at_every_write_after_it_took_effect() {
    run(killed_at_every_write("kill-after", "HoldAfterCommit"));
}

#[test]
fn killed_between_the_phases_and_at_ten_seeded_moments() {
    run(async {
        let (writes, end) = undisturbed("kill-seeded-none").await;
        let mut stage = Stage::new("kill-seeded").await;
        let mut seed = Seed(20_261_123);
        stage.replace_sysadmins(json!({"approval": "NotRequired", "soak": "24h"})).await;
        let mut written = Vec::new();
        for kill in 0..10 {
            if kill == 5 {
                stage.until_reason("sysadmins", "Soaking").await;
                stage.operator.restart().await.unwrap();
                // Before it may go on: it could be done sooner than it is told where to stand still.
                seed.arm(&stage, 60).await;
                stage.patch("sysadmins", json!({"soak": "0s"})).await;
                kill_at_next(&mut stage).await;
            } else {
                seed.kill(&mut stage, if kill < 5 { 40 } else { 60 }).await;
            }
            written.push(stage.writes().await.len());
        }
        let within = |phase: std::ops::Range<usize>| written.iter().any(|count| phase.contains(count));
        assert!(within(1..writes / 2) && within(writes / 2 + 1..writes), "{written:?} of {writes}");
        ends_as(&stage, writes, &end).await;
        stage.end().await;
    });
}

#[test]
fn a_server_that_refuses_stalls_drops_and_cuts_off_changes_nothing_in_the_outcome() {
    run(async {
        let (writes, end) = undisturbed("faults-none").await;
        let stage = Stage::new("faults").await;
        let troubles = [
            json!({"type": "Status", "status": 429, "retryAfterSeconds": 1}),
            json!({"type": "Status", "status": 503}),
            json!({"type": "Status", "status": 423, "code": 1, "name": "LockedForEdit"}),
            json!({"type": "Status", "status": 401}),
            json!({"type": "Status", "status": 412}),
            json!({"type": "DropBeforeCommit"}),
            json!({"type": "DropAfterCommit"}),
            json!({"type": "Truncate"}),
        ];
        // Every second try passes: what a row of failures does to the waits is the back-off's own test.
        for (nth, action) in troubles.iter().enumerate() {
            for method in ["PUT", "DELETE"] {
                stage.fault(json!({"method": method, "nth": 2 * nth + 1, "action": action})).await;
            }
            stage.fault(json!({"method": "GET", "nth": 25 * (nth + 1), "action": action})).await;
        }
        stage.replace_sysadmins(json!({"approval": "NotRequired"})).await;
        ends_as(&stage, writes, &end).await;
        assert!(stage.sandbox.faults().await.unwrap().iter().any(|f| f.fired > 0));
        stage.end().await;
    });
}

#[test]
fn suspend_stops_within_one_request() {
    run(async {
        let stage = Stage::new("suspend").await;
        stage.fault(json!({"method": "PUT", "nth": 3, "action": {"type": "HoldAfterCommit"}})).await;
        stage.replace_sysadmins(json!({"approval": "NotRequired"})).await;
        let hold = stage.sandbox.wait_for_hold(WITHIN).await.unwrap();
        stage.patch("sysadmins", json!({"suspend": true})).await;
        stage.sandbox.release(hold.id).await.unwrap();
        stage.until_reason("sysadmins", "Suspended").await;
        let stopped = stage.writes().await.len();
        assert!((3..=4).contains(&stopped), "{stopped} writes");
        stage.patch("sysadmins", json!({"suspend": false})).await;
        stage.until_reason("sysadmins", "Replaced").await;
        stage.assert_no_violation().await;
        stage.end().await;
    });
}
