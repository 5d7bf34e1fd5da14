//! Plans in full, and how they read.
//!
//! - here: what every plan has
//! - `replacement`, `migration`: what the plans of one kind have

mod migration;
mod replacement;

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::cluster::Cluster;
use super::style::{STRONG, field, paint};
use super::subject::Subject;
use crate::api::{Asks, PlanReference, PlanState, REQUESTED_AT};
use crate::error::{Class, Failure};
use crate::plan::PlanHash;
use crate::store::{Archive, Keeper};

/// What becomes of an approval that is given meanwhile.
const SUSPENDED: &str = "It is suspended, so nothing is done until spec.suspend is false; the approval counts as long as the plan is the same.";

/// How much of a plan is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Detail {
    /// The first of many and the last.
    Short,
    /// All of them.
    Full,
}

impl Detail {
    /// Whether the one with this `index` is shown, of `total` that are `first` ones and the last in short.
    fn shows(self, index: usize, total: usize, first: usize) -> bool {
        self == Self::Full || index < first || index + 1 == total
    }
}

/// A plan in full.
pub trait Document: DeserializeOwned + Serialize {
    /// What an approval names.
    fn hash(&self) -> PlanHash;
    /// The digest of all that it says.
    fn digest(&self) -> PlanHash;
    /// What is done, effect by effect, and what that rests on.
    fn body(&self, detail: Detail) -> String;
}

/// A kind whose plans people read and approve.
pub trait Planning: Asks + Subject + Keeper {
    /// A plan of it in full.
    type Plan: Document;

    /// What a plan is for and where, for its heading.
    fn facts(&self, plan: &Self::Plan) -> Vec<(&'static str, String)>;
    /// What an approval of this plan waits for although it counts; none where it is used at once.
    fn deferral(&self, reference: &PlanReference, now: Timestamp) -> Option<String>;
    /// Before when nothing is done on its approval, whatever is approved.
    fn opens(&self, _: &PlanReference, _: Timestamp) -> Option<Timestamp> {
        None
    }
}

/// The present plan of a resource: the last in its status.
pub fn present(object: &impl Asks) -> Option<&PlanReference> {
    object.plans().last()
}

/// Reads the plan that `reference` names, and makes sure that it is that one.
pub async fn read<R: Planning>(cluster: &Cluster, object: &R, reference: &PlanReference) -> Result<R::Plan, Failure> {
    let plan = Archive::new(&cluster.client, object).load(&reference.secret_name).await?;
    if is_as_written(&plan, reference) {
        return Ok(plan);
    }
    Err(Failure::new(
        Class::Invalid,
        "PlanMismatch",
        format!(
            "Secret {} does not hold the plan {} as the operator wrote it: somebody changed it, or it is of another version of the operator. To have a new plan made, set the annotation {REQUESTED_AT} to a new value.",
            reference.secret_name, reference.hash,
        ),
    ))
}

/// Whether `plan` is the one that status speaks of, to the letter.
fn is_as_written(plan: &impl Document, reference: &PlanReference) -> bool {
    let is_same = reference.document_digest.is_empty() || plan.digest().as_str() == reference.document_digest;
    is_same && plan.hash().as_str() == reference.hash
}

/// How far a plan is, for people.
pub fn state(reference: &PlanReference) -> &'static str {
    match reference.state {
        PlanState::Preview => "shown only, since the mode is Plan",
        PlanState::AwaitingApproval => "waits for approval",
        PlanState::Approved => "approved, and waits for its time",
        PlanState::Running => "being carried out",
        PlanState::Stale => "stopped: the world no longer fits it",
        PlanState::Completed => "done",
    }
}

/// All of a plan, for people.
pub fn text<R: Planning>(object: &R, reference: &PlanReference, plan: &R::Plan, detail: Detail) -> String {
    heading(object, reference, Some(plan)) + &plan.body(detail)
}

/// What a plan is and how far it is; without the plan itself, what status says of it.
pub fn heading<R: Planning>(object: &R, reference: &PlanReference, plan: Option<&R::Plan>) -> String {
    let title = format!("Plan of {} in namespace {}", object.name_any(), object.namespace().unwrap_or_default());
    let mut text = format!("{}\n", paint(STRONG, &title));
    let mut line = |name: &str, value: &str| text.push_str(&field(name, value));
    for (name, value) in plan.map(|plan| object.facts(plan)).unwrap_or_default() {
        line(name, &value);
    }
    line("State", state(reference));
    match (&reference.approver, reference.state) {
        (Some(approver), _) => line("Approved", &format!("by {approver}")),
        (None, PlanState::AwaitingApproval) => line("Approved", "by nobody yet"),
        (None, PlanState::Preview) => {}
        (None, _) => line("Approved", "by nobody: no approval was required"),
    }
    line("Gate", reference.gate.as_str());
    line("Hash", &reference.hash);
    if reference.state != PlanState::AwaitingApproval {
        line("Now", object.summary());
    }
    text
}

/// One after the other what `draw` makes of those that are shown; in short these are the `first` ones and the last.
fn excerpt(total: usize, first: usize, detail: Detail, draw: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    let mut next = 0;
    for index in (0..total).filter(|index| detail.shows(*index, total, first)) {
        if index != next {
            text.push_str(&left_out(index - next));
        }
        text.push_str(&draw(index));
        next = index + 1;
    }
    text
}

/// So many are not shown.
fn left_out(count: usize) -> String {
    format!("      … and {count} more (--full shows all)\n")
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::api::Gate;
    use crate::client::example;

    #[test]
    fn only_the_plan_that_the_operator_wrote_is_shown() {
        let plan = example::cutover::to_begin("Devolutions Cloud", BTreeMap::new());
        let mut reference = example::reference(Gate::Start, &plan);
        assert!(is_as_written(&plan, &reference));
        // The name of a principal is not in the hash: nobody may be shown another one all the same.
        let mut renamed = serde_json::to_value(&plan).unwrap();
        renamed["work"]["assignments"][0]["name"] = "Nobody".into();
        let renamed: crate::plan::migration::MigrationPlan = serde_json::from_value(renamed).unwrap();
        assert_eq!(Document::hash(&renamed), plan.hash());
        assert!(!is_as_written(&renamed, &reference));
        let other = example::cutover::to_cut_over(BTreeMap::new(), BTreeSet::new());
        assert!(!is_as_written(&other, &reference));
        reference.hash = "sha256:0".to_owned();
        assert!(!is_as_written(&plan, &reference));
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let drawn = |detail| excerpt(7, 3, detail, |index| format!("{index}\n"));
        assert_eq!(drawn(Detail::Short), "0\n1\n2\n      … and 3 more (--full shows all)\n6\n");
        assert_eq!(drawn(Detail::Full), "0\n1\n2\n3\n4\n5\n6\n");
        assert_eq!(excerpt(4, 3, Detail::Short, |index| format!("{index}")), "0123");
    }
}
