//! Waiting for something to happen in a cluster, with a bound, and telling what was there instead when it did not.

use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::time::{Instant, timeout_at};

use crate::error::{Error, Result, tail};
use crate::kubectl::Kubectl;

/// One object of a cluster, whether it exists yet or not.
#[derive(Debug, Clone, Copy)]
pub struct Object<'a> {
    /// The kind as `kubectl` understands it: `grpr`, `serviceaccount`, `leases.coordination.k8s.io`.
    pub kind: &'a str,
    /// The namespace; none for what has none.
    pub namespace: Option<&'a str>,
    /// The name.
    pub name: &'a str,
}

/// Watches `object` and gives the first state that satisfies `satisfied`, beginning with the present one.
///
/// `what` completes "waited for …". When `within` is over, the [`Error::Timeout`] shows the last state that was seen. A
/// state that was overwritten before the server sent it may be missed: ask for states that stay.
pub async fn until(
    kubectl: &Kubectl,
    object: Object<'_>,
    what: &str,
    within: Duration,
    mut satisfied: impl FnMut(&Value) -> bool,
) -> Result<Value> {
    let deadline = Instant::now() + within;
    let mut last = None;
    // By a selector, not by name: a name that does not exist is an error, a selector that fits nothing waits.
    let selector = format!("--field-selector=metadata.name={}", object.name);
    let selection = [selector.as_str()];
    let watch = follow(kubectl, object.kind, object.namespace, &selection, |event, state| {
        let done = event != "DELETED" && satisfied(&state);
        last = Some((event.to_owned(), state));
        done
    });
    match timeout_at(deadline, watch).await {
        Ok(Err(error)) => return Err(error),
        Ok(Ok(())) => {}
        Err(_) => return Err(in_vain(object, what, within, last)),
    }
    last.map(|(_, state)| state).ok_or_else(|| Error::Supervisor(format!("the watch for {what} ended without a state")))
}

/// Watches all objects of a kind in a namespace and calls `seen` with each present and later state until it says that
/// this is enough; what is deleted it is not told.
pub async fn until_seen(
    kubectl: &Kubectl,
    kind: &str,
    namespace: &str,
    what: &str,
    within: Duration,
    mut seen: impl FnMut(&Value) -> bool,
) -> Result<()> {
    let mut last = String::from("nothing");
    let watch = follow(kubectl, kind, Some(namespace), &[], |event, state| {
        let done = event != "DELETED" && seen(&state);
        let name = state["metadata"]["name"].as_str().unwrap_or_default();
        last = format!("{kind} {name}, event {event}: {}", state["status"]["summary"]);
        done
    });
    match tokio::time::timeout(within, watch).await {
        Ok(ended) => ended,
        Err(_) => Err(Error::Timeout { what: what.to_owned(), within, last }),
    }
}

/// Waits until whoever `kubectl` speaks for may do this in `namespace`: of a role that was just bound the API server hears a
/// moment later. `resource` is as in `kubectl auth can-i`.
pub async fn until_allowed(
    kubectl: &Kubectl,
    verb: &str,
    resource: &str,
    namespace: &str,
    within: Duration,
) -> Result<()> {
    let asks = async {
        let mut pause = tokio::time::interval(Duration::from_millis(50));
        loop {
            pause.tick().await;
            if kubectl.run(&["auth", "can-i", verb, resource, "-n", namespace, "--quiet"], None).await.is_ok() {
                return;
            }
        }
    };
    let in_vain = |_| Error::Timeout { what: format!("the right to {verb} {resource}"), within, last: "no".to_owned() };
    tokio::time::timeout(within, asks).await.map_err(in_vain)
}

/// Watches `object` until it does not exist (any more).
pub async fn gone(kubectl: &Kubectl, object: Object<'_>, within: Duration) -> Result<()> {
    let seconds = format!("--timeout={}s", within.as_secs().max(1));
    let name = format!("{}/{}", object.kind, object.name);
    let mut arguments = vec!["wait", "--for=delete", &name, &seconds];
    if let Some(namespace) = object.namespace {
        arguments.extend(["-n", namespace]);
    }
    kubectl.run(&arguments, None).await.map(drop)
}

/// Whether a state has a condition of this type with status "True".
#[must_use]
pub fn has_condition(state: &Value, condition: &str) -> bool {
    state["status"]["conditions"]
        .as_array()
        .is_some_and(|all| all.iter().any(|one| one["type"] == condition && one["status"] == "True"))
}

/// Calls `seen` with each event (ADDED, MODIFIED, DELETED) and state until it says that this is enough.
async fn follow(
    kubectl: &Kubectl,
    kind: &str,
    namespace: Option<&str>,
    selection: &[&str],
    mut seen: impl FnMut(&str, Value) -> bool,
) -> Result<()> {
    let mut arguments = vec!["get", kind, "-o", "json", "--watch", "--output-watch-events"];
    arguments.extend(selection);
    if let Some(namespace) = namespace {
        arguments.extend(["-n", namespace]);
    }
    loop {
        let mut child = kubectl.command(&arguments).spawn().map_err(Error::start(std::path::Path::new("kubectl")))?;
        let (Some(mut stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(Error::Supervisor("kubectl was started without pipes".into()));
        };
        let mut unread = Vec::new();
        while stdout.read_buf(&mut unread).await.unwrap_or(0) > 0 {
            let mut documents = serde_json::Deserializer::from_slice(&unread).into_iter::<Value>();
            let mut used = 0;
            while let Some(Ok(mut event)) = documents.next() {
                used = documents.byte_offset();
                let state = event["object"].take();
                if seen(event["type"].as_str().unwrap_or_default(), state) {
                    return Ok(());
                }
            }
            unread.drain(..used);
        }
        let mut said = String::new();
        let _ = stderr.read_to_string(&mut said).await;
        let status = child.wait().await.map_err(Error::start(std::path::Path::new("kubectl")))?;
        // A server ends each watch after some minutes; then a new one begins.
        if !status.success() {
            return Err(Error::Command {
                command: format!("kubectl {}", arguments.join(" ")),
                status: status.to_string(),
                stderr: tail(said.trim(), 10),
            });
        }
    }
}

fn in_vain(object: Object<'_>, what: &str, within: Duration, last: Option<(String, Value)>) -> Error {
    let Object { kind, name, .. } = object;
    let place = object.namespace.map(|namespace| format!(" in namespace {namespace}")).unwrap_or_default();
    let last = match last {
        None => format!("no {kind} {name}{place}"),
        Some((event, state)) => {
            let text = serde_json::to_string_pretty(&without_noise(state)).unwrap_or_default();
            format!("{kind} {name}{place}, event {event}:\n{text}")
        }
    };
    Error::Timeout { what: what.to_owned(), within, last }
}

/// Field managers are most of an object's text and never why a wait failed. A Secret's data are nobody's business.
fn without_noise(mut state: Value) -> Value {
    if let Some(metadata) = state["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
    if state["kind"] == "Secret"
        && let Some(secret) = state.as_object_mut()
    {
        secret.remove("data");
    }
    state
}

/// The lines of a log that somebody is writing: the last one may be half there.
#[must_use]
pub fn whole_lines(log: &str) -> impl DoubleEndedIterator<Item = &str> {
    log[..log.rfind('\n').map_or(0, |end| end + 1)].lines()
}
