//! A pass over what is done: it is looked at, and nothing is written.

use std::collections::BTreeSet;

use serde_json::Value;
use testbed::wait::{self, Object};

use crate::approvals::all_judged;
use crate::rights::{requests, right};
use crate::stage::{RELEASE, Stage, WITHIN, eventually, is_session, ready_reason};

/// Asks a resource that is done for another pass, which writes nothing but that it was asked for.
pub async fn passes_quietly(stage: &Stage, kind: &str, name: &str, reason: &str) {
    let versions = async || {
        let all = stage.cluster.admin().get(&["tconn,ssom,grpr,papp,secret", "-n", &stage.namespace]).await.unwrap();
        let version = |o: &Value| {
            let (uid, version) = (o["metadata"]["uid"].to_string(), o["metadata"]["resourceVersion"].to_string());
            (format!("{}/{}", o["kind"], o["metadata"]["name"]), uid, version)
        };
        all["items"].as_array().unwrap().iter().map(version).collect::<BTreeSet<_>>()
    };
    let account = format!("system:serviceaccount:{}:{RELEASE}", stage.namespace);
    let changes = async || {
        let all = requests(&account).await.into_iter();
        let is_read = |verb: &str| ["get", "list", "watch"].contains(&verb);
        let changes = all.filter(|e| !is_read(e["verb"].as_str().unwrap_or_default())).map(|e| right(&e));
        // An event is told only with a status that was written, after it: one of the pass before may come late.
        let others = ["coordination.k8s.io", "events.k8s.io"];
        changes.filter(|r| !others.contains(&r.1.as_str()) && !r.1.starts_with("authentication.")).collect::<Vec<_>>()
    };
    // What is still to be said of the pass before is none of this one's.
    all_judged(stage).await;
    let (before, outside, changed) = (versions().await, stage.journal().await.last, changes().await.len());
    let asked = format!("after-{outside}");
    let annotation = format!("migration.devolutions.net/requestedAt={asked}");
    stage.kubectl(&["annotate", kind, name, "--overwrite", &annotation]).await;
    let object = Object { kind, namespace: Some(&stage.namespace), name };
    let handled = |s: &Value| s["status"]["lastHandledReconcileAt"] == asked && ready_reason(s) == reason;
    wait::until(&stage.cluster.admin(), object, "another pass", WITHIN, handled).await.unwrap();
    let since = stage.sandbox.journal(outside).await.unwrap().entries;
    assert!(since.iter().all(|r| !r.is_write || is_session(r)), "{since:#?}");
    let after = versions().await;
    let changed_here: Vec<_> = after.difference(&before).collect();
    assert_eq!(changed_here.len(), 1, "the resource itself, with the annotation: {changed_here:#?}");
    assert_eq!(after.len(), before.len());
    // By the API server's own account: the one that says what was asked for.
    let resource = match kind {
        "grpr" => "groupreplacements/status",
        _ => "ssomigrations/status",
    };
    let noted = ["patch", "migration.devolutions.net", resource].map(str::to_owned);
    let since = || async { Some(changes().await.split_off(changed)).filter(|since| !since.is_empty()) };
    assert_eq!(eventually("the API server's account of it", since).await, [noted.into()]);
}
