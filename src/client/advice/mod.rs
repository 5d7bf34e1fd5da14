//! Who must act now, and how.
//!
//! - here: what holds for every kind
//! - `replacement`, `migration`: what the reasons of one kind ask for

pub mod migration;
pub mod replacement;

use anstyle::Style;
use kube::ResourceExt as _;

use super::program;
use super::style::{BAD, GOOD, STRONG, WAITS};
use super::subject::Subject;
use crate::api::REQUESTED_AT;

/// Who must act now, and how.
#[derive(Debug)]
pub struct Advice {
    /// Whether a person has to do something.
    pub needs_a_person: bool,
    /// A sentence.
    pub text: String,
    /// Commands to copy, the one that matters most last.
    pub commands: Vec<String>,
    /// What can be done instead, and the commands for it. It is shown only where there is room.
    pub instead: Option<(String, Vec<String>)>,
}

impl Advice {
    fn nobody(text: impl Into<String>) -> Self {
        Self { needs_a_person: false, text: text.into(), commands: Vec::new(), instead: None }
    }

    fn person(text: impl Into<String>, commands: Vec<String>) -> Self {
        Self { needs_a_person: true, commands, ..Self::nobody(text) }
    }
}

/// The colour of a state.
pub fn colour(object: &impl Subject, advice: &Advice) -> Style {
    if object.is_done() {
        GOOD
    } else if object.is_stalled() {
        BAD
    } else if advice.needs_a_person {
        WAITS
    } else {
        STRONG
    }
}

/// Where the status does not speak of the present spec. Work under way speaks of the spec that it began with, and goes on
/// all the same.
fn unobserved<R: Subject>(object: &R) -> Option<Advice> {
    match object.reason() {
        "NotSeenYet" => Some(Advice::person(
            "Nobody yet: the operator has not looked at it. If that lasts, is it running, and does it work in this namespace?",
            vec![],
        )),
        reason if !object.is_observed() && reason != "Progressing" => Some(Advice::nobody(
            "Nobody yet: the operator has not looked at the last change. If that lasts, is it running?",
        )),
        _ => None,
    }
}

/// What holds for every kind, where no reason of its own says more.
fn general<R: Subject>(object: &R) -> Advice {
    match object.reason() {
        "AwaitingApproval" => Advice::person(
            "Somebody with the verb approve. Look at the plan, then approve it:",
            vec![ours(object, "plan"), ours(object, "approve")],
        ),
        "Planned" => Advice::person(
            "Whoever wants it carried out. Look at the plan, then set the mode:",
            vec![ours(object, "plan"), merge(object, "{\"mode\":\"Apply\"}")],
        ),
        "Suspended" => {
            Advice::person("Whoever suspended it. To let it go on:", vec![merge(object, "{\"suspend\":false}")])
        }
        "NothingToRollBack" => Advice {
            instead: Some(("Or delete it:".to_owned(), vec![kubectl(object, "delete")])),
            ..Advice::person(
                "Nothing is to be mended. Whoever set the mode sets it back:",
                vec![merge(object, "{\"mode\":\"Plan\"}")],
            )
        },
        "Progressing" | "Observing" => Advice::nobody("Nobody: the operator is at work."),
        _ if object.is_stalled() => {
            Advice::person("Somebody who can mend what is said above. It then goes on by itself.", vec![])
        }
        _ => Advice::nobody("Nobody yet: the operator tries again by itself."),
    }
}

/// A command of ours about `object`.
pub fn ours<R: Subject>(object: &R, command: &str) -> String {
    let namespace = object.namespace().unwrap_or_default();
    format!("{} {command} {}/{} -n {namespace}", program(), R::SHORT, object.name_any())
}

/// A command of kubectl's about `object`.
fn kubectl<R: Subject>(object: &R, command: &str) -> String {
    format!("kubectl {command} {} {} -n {}", R::SHORT, object.name_any(), object.namespace().unwrap_or_default())
}

fn merge<R: Subject>(object: &R, spec: &str) -> String {
    format!("{} --type=merge -p '{{\"spec\":{spec}}}'", kubectl(object, "patch"))
}

/// Has the operator look again at once.
fn look_again<R: Subject>(object: &R) -> String {
    format!("{} --overwrite \\\n      {REQUESTED_AT}=\"$(date -Is)\"", kubectl(object, "annotate"))
}
