//! Whether an approval counts.

use k8s_openapi::jiff::Timestamp;

use crate::api::{Gate, PlanApprovalSpec, TargetKind};

/// What an approval is held against: the present plan of one object.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pending<'a> {
    /// The object's kind.
    pub kind: TargetKind,
    /// The object's name.
    pub name: &'a str,
    /// The object's uid.
    pub uid: &'a str,
    /// The gate and hash of its present plan; none where it has none.
    pub plan: Option<(Gate, &'a str)>,
}

/// Whether the admission policy that ties an approver's name to the requester stood guard when the
/// approval was made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Guard {
    /// Policy and binding are as shipped, and have been since then.
    Proven {
        /// When either was last changed.
        since: Timestamp,
    },
    /// They are not, and why.
    Unproven(String),
}

/// What becomes of an approval.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It counts for the present plan.
    Accepted,
    /// It does not.
    Refused {
        /// `CamelCase`, stable.
        reason: &'static str,
        /// Why, and what to do.
        message: String,
    },
}

fn refused(reason: &'static str, message: impl Into<String>) -> Verdict {
    Verdict::Refused { reason, message: message.into() }
}

/// Judges an approval. `target` is none where no object of that kind and name exists; `made_at` is
/// when the API server stored the approval.
#[must_use]
pub fn judge(
    approval: &PlanApprovalSpec,
    made_at: Timestamp,
    target: Option<&Pending<'_>>,
    guard: &Guard,
    now: Timestamp,
) -> Verdict {
    let named = format!("{:?} \"{}\"", approval.target.kind, approval.target.name);
    let Some(target) = target.filter(|t| t.kind == approval.target.kind && t.name == approval.target.name) else {
        return refused("TargetNotFound", format!("There is no {named} in this namespace."));
    };
    if target.uid != approval.target.uid {
        return refused(
            "TargetNotFound",
            format!(
                "{named} is not the object that was approved: it was deleted and created again, or the uid is not that one: it is {}. Look at its plan and approve that one.",
                target.uid
            ),
        );
    }
    match guard {
        Guard::Unproven(why) => {
            return refused(
                "ApproverUnproven",
                format!(
                    "Nothing proves that {} made this approval: {why}. Restore the admission policy as shipped, then approve again.",
                    approval.approver
                ),
            );
        }
        // A policy that was changed in the second in which the approval was made proves nothing.
        Guard::Proven { since } if *since >= made_at => {
            return refused(
                "ApproverUnproven",
                format!(
                    "Nothing proves that {} made this approval: the admission policy was installed or changed at {since}, not before it. Approve again.",
                    approval.approver
                ),
            );
        }
        Guard::Proven { .. } => {}
    }
    if approval.expires_at.as_ref().is_some_and(|at| at.0 <= now) {
        return refused("Expired", "It expired before it was used. Approve again.");
    }
    match target.plan {
        None => refused("PlanStale", format!("{named} has no plan that waits for an approval now.")),
        Some((gate, _)) if gate != approval.gate => refused(
            "PlanStale",
            format!(
                "The plan of {named} that waits now is for the gate {}, not {}.",
                gate.as_str(),
                approval.gate.as_str()
            ),
        ),
        Some((_, hash)) if hash != approval.plan => refused(
            "PlanStale",
            format!(
                "Something that the approved plan rests on has changed. The plan of {named} is now {hash}: look at it and approve that one."
            ),
        ),
        Some(_) => Verdict::Accepted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ApprovalTarget;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    const PLAN: &str = "sha256:9f2c";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).expect("a time")
    }

    fn approval() -> PlanApprovalSpec {
        PlanApprovalSpec {
            target: ApprovalTarget {
                kind: TargetKind::GroupReplacement,
                name: "sysadmins".to_owned(),
                uid: "uid-1".to_owned(),
            },
            gate: Gate::Replacement,
            plan: PLAN.to_owned(),
            approver: "alice@contoso.example".to_owned(),
            expires_at: None,
        }
    }

    fn pending() -> Pending<'static> {
        let plan = Some((Gate::Replacement, PLAN));
        Pending { kind: TargetKind::GroupReplacement, name: "sysadmins", uid: "uid-1", plan }
    }

    fn since(second: i64) -> Guard {
        Guard::Proven { since: at(second) }
    }

    /// The approval is made at second 10, the policy is of second 0, and it is second 20 now.
    fn verdict(approval: &PlanApprovalSpec, target: Option<&Pending<'_>>, guard: &Guard) -> Verdict {
        judge(approval, at(10), target, guard, at(20))
    }

    fn reason(verdict: &Verdict) -> &'static str {
        match verdict {
            Verdict::Accepted => "Accepted",
            Verdict::Refused { reason, message } => {
                assert!(!message.is_empty());
                reason
            }
        }
    }

    #[test]
    fn an_approval_of_the_present_plan_counts() {
        assert_eq!(verdict(&approval(), Some(&pending()), &since(0)), Verdict::Accepted);
    }

    #[test]
    fn every_other_target_or_plan_has_its_reason() {
        let none: Option<Pending<'_>> = None;
        let cases = [
            ("no object", none, "TargetNotFound"),
            ("another name", Some(Pending { name: "sysadmins-2", ..pending() }), "TargetNotFound"),
            ("created again", Some(Pending { uid: "uid-2", ..pending() }), "TargetNotFound"),
            ("no plan", Some(Pending { plan: None, ..pending() }), "PlanStale"),
            ("another gate", Some(Pending { plan: Some((Gate::Rollback, PLAN)), ..pending() }), "PlanStale"),
            (
                "another plan",
                Some(Pending { plan: Some((Gate::Replacement, "sha256:9f2d")), ..pending() }),
                "PlanStale",
            ),
            (
                "the hash's beginning",
                Some(Pending { plan: Some((Gate::Replacement, "sha256:9f")), ..pending() }),
                "PlanStale",
            ),
        ];
        for (what, target, expected) in cases {
            assert_eq!(reason(&verdict(&approval(), target.as_ref(), &since(0))), expected, "{what}");
        }
    }

    #[test]
    fn the_message_says_what_to_look_at() {
        let said = |target: Pending<'_>| match verdict(&approval(), Some(&target), &since(0)) {
            Verdict::Refused { message, .. } => message,
            Verdict::Accepted => panic!("accepted"),
        };
        assert!(said(Pending { uid: "uid-2", ..pending() }).contains("the uid is not that one: it is uid-2"));
        assert!(said(Pending { plan: Some((Gate::Replacement, "sha256:9f2d")), ..pending() }).contains("sha256:9f2d"));
        let gates = said(Pending { plan: Some((Gate::Rollback, PLAN)), ..pending() });
        assert!(gates.contains("Rollback") && gates.contains("Replacement"), "{gates}");
    }

    #[test]
    fn without_a_guard_that_was_there_before_no_approval_counts() {
        let made = at(10);
        let almost = Guard::Proven { since: made.checked_sub(std::time::Duration::from_nanos(1)).expect("a time") };
        for (guard, expected) in [
            (since(9), "Accepted"),
            (almost, "Accepted"),
            // In the same second: which of both was first, nobody can tell.
            (since(10), "ApproverUnproven"),
            (since(11), "ApproverUnproven"),
            (Guard::Unproven("the binding is missing".to_owned()), "ApproverUnproven"),
        ] {
            let verdict = judge(&approval(), made, Some(&pending()), &guard, at(20));
            assert_eq!(reason(&verdict), expected, "{guard:?}");
        }
        let verdict = verdict(&approval(), Some(&pending()), &Guard::Unproven("the binding is missing".to_owned()));
        let Verdict::Refused { message, .. } = verdict else { panic!("accepted") };
        assert!(message.contains("the binding is missing") && message.contains("alice@contoso.example"), "{message}");
    }

    #[test]
    fn an_approval_counts_until_it_expires() {
        for (expires, expected) in [(19, "Expired"), (20, "Expired"), (21, "Accepted")] {
            let approval = PlanApprovalSpec { expires_at: Some(Time(at(expires))), ..approval() };
            assert_eq!(reason(&verdict(&approval, Some(&pending()), &since(0))), expected, "{expires}");
        }
    }

    /// Where several things are wrong, the first of them is told that a person has to see to first.
    #[test]
    fn reasons_come_in_an_order() {
        let expired = PlanApprovalSpec { expires_at: Some(Time(at(1))), ..approval() };
        let stale = Pending { plan: None, ..pending() };
        let unproven = Guard::Unproven(String::new());
        assert_eq!(reason(&verdict(&expired, None, &unproven)), "TargetNotFound");
        assert_eq!(reason(&verdict(&expired, Some(&stale), &unproven)), "ApproverUnproven");
        assert_eq!(reason(&verdict(&expired, Some(&stale), &since(0))), "Expired");
        assert_eq!(reason(&verdict(&approval(), Some(&stale), &since(0))), "PlanStale");
    }
}
