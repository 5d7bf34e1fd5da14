//! The process itself: who leads, what probes and metrics say, how it logs, and how it ends.

use serde_json::{Value, json};
use testbed::operator::Operator;

use crate::cutover::change;
use crate::migration::{decided, migration, until_reason};
use crate::stage::{Stage, WITHIN, eventually, ready_reason, run};

/// Asks a running operator over HTTP: status and body.
async fn ask(operator: &Operator, path: &str) -> (u16, String) {
    let address = logged(operator, "serving probes and metrics").await["address"].as_str().unwrap().to_owned();
    let answer = reqwest::get(format!("http://{address}{path}")).await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// The last line of the JSON log with this message, awaited.
async fn logged(operator: &Operator, message: &str) -> Value {
    eventually(&format!("this to be logged: {message}"), || async {
        let log = operator.log().unwrap();
        let mut lines =
            testbed::wait::whole_lines(&log).rev().map(|line| serde_json::from_str::<Value>(line).expect(line));
        lines.find(|line| line["message"] == message)
    })
    .await
}

async fn is_ready(operator: &Operator, state: &str) {
    let is = || async { (ask(operator, "/readyz").await == (200, format!("{state}\n"))).then_some(()) };
    eventually(state, is).await;
}

#[test]
fn whoever_may_not_use_the_lease_says_so_and_ends() {
    run(async {
        let stage = Stage::new("no-lease").await;
        let arguments = ["--lease-namespace", "kube-system"].map(ToOwned::to_owned);
        let other = stage.another_operator(&arguments).await;
        tokio::time::timeout(WITHIN, other.ended()).await.expect("it ends").unwrap();
        let said = other.log().unwrap();
        assert!(said.contains("May not use the lease") && said.contains("--lease-namespace"), "{said}");
        stage.end_though_forbidden().await;
    });
}

#[test]
fn of_two_replicas_one_leads_and_the_other_takes_over_when_it_dies() {
    run(async {
        let stage = Stage::new("lease").await;
        stage.operator.kill().await.unwrap();
        let arguments = |identity: &str| {
            [
                "--lease-namespace",
                &stage.namespace,
                "--identity",
                identity,
                "--listen",
                "127.0.0.1:0",
                "--log-format",
                "json",
            ]
            .map(ToOwned::to_owned)
        };
        let first = stage.another_operator(&arguments("first")).await;
        is_ready(&first, "Leading").await;
        let second = stage.another_operator(&arguments("second")).await;
        is_ready(&second, "Standby").await;
        assert!(ask(&second, "/metrics").await.1.contains("devolutions_migration_leading 0"));
        assert_eq!(ask(&second, "/livez").await.0, 200);

        stage.replace_sysadmins(json!({"approval": "NotRequired", "soak": "24h"})).await;
        stage.until_reason("sysadmins", "Soaking").await;
        for line in [
            "devolutions_migration_permission_writes_total{change=\"grant\"} 10",
            "devolutions_migration_outside_requests_total{system=\"DevolutionsCloud\",method=\"PUT\",outcome=\"ok\"} 10",
            &format!(
                "devolutions_migration_group_replacements{{namespace=\"{}\",ready=\"False\",reason=\"Soaking\"}} 1",
                stage.namespace
            ),
        ] {
            // What is counted of resources is as the operator's own watch has it.
            let tells = || async { ask(&first, "/metrics").await.1.contains(line).then_some(()) };
            eventually(line, tells).await;
        }

        first.kill().await.unwrap();
        is_ready(&second, "Leading").await;
        stage.patch("sysadmins", json!({"soak": "0s"})).await;
        stage.until_reason("sysadmins", "Replaced").await;
        stage.assert_no_violation().await;
        for operator in [first, second] {
            operator.stop().await.unwrap();
        }
        stage.end().await;
    });
}

#[test]
fn asked_to_stop_it_ends_after_the_write_under_way_and_the_next_start_goes_on() {
    run(async {
        let mut stage = Stage::new("stop").await;
        let rule = json!({"identity": "operator", "method": "PUT", "nth": 3, "action": {"type": "HoldAfterCommit"}});
        stage.sandbox.add_fault(&rule).await.unwrap();
        stage.replace_sysadmins(json!({"approval": "NotRequired"})).await;
        let hold = stage.sandbox.wait_for_hold(WITHIN).await.unwrap();
        stage.operator.terminate().unwrap();
        stage.operator_says("asked to stop").await;
        stage.sandbox.release(hold.id).await.unwrap();
        stage.operator.ended().await.unwrap();
        assert_eq!(stage.writes().await.len(), 3, "the one under way, and none after it");
        assert!(stage.operator.log().unwrap().trim_end().ends_with("stopped"));

        stage.operator.restart().await.unwrap();
        stage.until_reason("sysadmins", "Replaced").await;
        stage.assert_no_violation().await;
        stage.end().await;
    });
}

/// All events, once there is one of each resource's present state: they come after the status that they tell of.
async fn all_told(stage: &Stage) -> Vec<Value> {
    let list = async |kinds: &str| {
        let list = stage.cluster.admin().get(&[kinds, "-n", &stage.namespace]).await.unwrap();
        list["items"].as_array().unwrap().clone()
    };
    eventually("the events of all resources as they are", || async {
        let events = list("events.events.k8s.io").await;
        let is_told = |state: &Value| {
            let tells = |event: &&Value| event["regarding"]["uid"] == state["metadata"]["uid"];
            let mut reasons = events.iter().filter(tells).map(|event| event["reason"].as_str().unwrap());
            reasons.any(|reason| reason == ready_reason(state))
        };
        list("tconn,ssom,grpr").await.iter().all(is_told).then_some(events)
    })
    .await
}

#[test]
fn each_change_of_state_is_one_event() {
    run(async {
        let stage = Stage::new("events").await;
        stage.replace_sysadmins(json!({})).await;
        stage.approve("sysadmins").await;
        stage.until_reason("sysadmins", "Replaced").await;
        stage.apply(&migration(decided())).await.unwrap();
        until_reason(&stage, "Planned").await;
        change(&stage, json!({"suspend": true})).await;
        until_reason(&stage, "Suspended").await;
        let events = all_told(&stage).await;
        let of = |kind: &str| {
            let all = events.iter().filter(|e| e["regarding"]["kind"] == kind);
            let mut reasons: Vec<&str> = all.map(|e| e["reason"].as_str().unwrap()).collect();
            reasons.sort_unstable();
            reasons
        };
        assert_eq!(of("GroupReplacement"), ["AwaitingApproval", "Progressing", "Replaced"]);
        assert_eq!(of("SsoMigration"), ["Planned", "Suspended"]);
        assert_eq!(of("TenantConnection"), ["Connected"]);
        stage.end().await;
    });
}
