//! Who must act on a replacement now, and how.

use super::{Advice, general, look_again, merge, ours, unobserved};
use crate::api::GroupReplacement;
use crate::client::subject::Subject as _;

/// Who must act on `object` now, and how.
pub fn of(object: &GroupReplacement) -> Advice {
    if let Some(advice) = unobserved(object, "Progressing") {
        return advice;
    }
    match object.reason() {
        "AwaitingApproval" => Advice::person(
            "Somebody with the verb approve. Look at the plan, then approve it:",
            vec![ours(object, "plan"), ours(object, "approve")],
        ),
        "Planned" => Advice::person(
            "Whoever wants it carried out. Look at the plan, then set the mode:",
            vec![ours(object, "plan"), merge(object, "{\"mode\":\"Apply\"}")],
        ),
        "PlanStale" => Advice::person(
            "Somebody who knows what was changed. See that it is right, then ask for a new plan:",
            vec![look_again(object)],
        ),
        "Replaced" | "RolledBack" => Advice::nobody("Nobody: it is done."),
        "Soaking" => Advice::nobody("Nobody: it goes on by itself at that time."),
        _ => general(object),
    }
}
