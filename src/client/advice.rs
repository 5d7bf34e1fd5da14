//! Who must act now, and how.

use kube::ResourceExt as _;

use super::program;
use crate::api::{GroupReplacement, REQUESTED_AT};

/// Who must act now, and how.
#[derive(Debug)]
pub struct Advice {
    /// Whether a person has to do something.
    pub needs_a_person: bool,
    /// A sentence.
    pub text: String,
    /// Commands to copy.
    pub commands: Vec<String>,
}

impl Advice {
    fn nobody(text: impl Into<String>) -> Self {
        Self { needs_a_person: false, text: text.into(), commands: Vec::new() }
    }

    fn person(text: impl Into<String>, commands: Vec<String>) -> Self {
        Self { needs_a_person: true, text: text.into(), commands }
    }
}

/// A condition's status and reason.
fn find<'a>(object: &'a GroupReplacement, kind: &str) -> Option<(&'a str, &'a str)> {
    let conditions = &object.status.as_ref()?.conditions;
    conditions.iter().find(|c| c.type_ == kind).map(|c| (c.status.as_str(), c.reason.as_str()))
}

/// The reason of `Ready`: the state in a word.
pub fn reason(object: &GroupReplacement) -> &str {
    find(object, "Ready").map_or("NotSeenYet", |(_, reason)| reason)
}

/// Whether the status speaks of the present spec.
pub fn is_observed(object: &GroupReplacement) -> bool {
    object.status.as_ref().is_some_and(|s| s.observed_generation == object.metadata.generation)
}

/// Whether all that was asked for is done.
pub fn is_done(object: &GroupReplacement) -> bool {
    is_observed(object) && matches!(reason(object), "Replaced" | "RolledBack")
}

/// Whether it cannot go on without a person who mends something.
pub fn is_stalled(object: &GroupReplacement) -> bool {
    find(object, "Stalled").is_some_and(|(status, _)| status == "True")
}

/// Who must act on `object` now, and how.
pub fn of(object: &GroupReplacement) -> Advice {
    let (name, namespace) = (object.name_any(), object.namespace().unwrap_or_default());
    let ours = |command: &str| format!("{} {command} grpr/{name} -n {namespace}", program());
    let patch = |spec: &str| format!("kubectl patch grpr {name} -n {namespace} --type=merge -p '{{\"spec\":{spec}}}'");
    match reason(object) {
        "NotSeenYet" => Advice::person(
            "Nobody yet: the operator has not looked at it. If that lasts, is it running, and does it work in this namespace?",
            vec![],
        ),
        // A phase under way speaks of the spec that it began with, and is at work all the same.
        reason if !is_observed(object) && reason != "Progressing" => {
            Advice::nobody("Nobody yet: the operator has not looked at the last change. If that lasts, is it running?")
        }
        "AwaitingApproval" => Advice::person(
            "Somebody with the verb approve. Look at the plan, then approve it:",
            vec![ours("plan"), ours("approve")],
        ),
        "Planned" => Advice::person(
            "Whoever wants it carried out. Look at the plan, then set the mode:",
            vec![ours("plan"), patch("{\"mode\":\"Apply\"}")],
        ),
        "Suspended" => Advice::person("Whoever suspended it. To let it go on:", vec![patch("{\"suspend\":false}")]),
        "PlanStale" => Advice::person(
            "Somebody who knows what was changed. See that it is right, then ask for a new plan:",
            vec![format!(
                "kubectl annotate grpr {name} -n {namespace} --overwrite \\\n      {REQUESTED_AT}=\"$(date -Is)\""
            )],
        ),
        "Replaced" | "RolledBack" => Advice::nobody("Nobody: it is done."),
        "Soaking" => Advice::nobody("Nobody: it goes on by itself at that time."),
        "Progressing" | "Observing" => Advice::nobody("Nobody: the operator is at work."),
        _ if is_stalled(object) => {
            Advice::person("Somebody who can mend what is said above. It then goes on by itself.", vec![])
        }
        _ => Advice::nobody("Nobody yet: the operator tries again by itself."),
    }
}
