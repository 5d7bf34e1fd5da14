//! Who must act on a replacement now, and how.

use super::{Advice, general, look_again, unobserved};
use crate::api::GroupReplacement;
use crate::client::subject::Subject as _;

/// Who must act on `object` now, and how.
pub fn of(object: &GroupReplacement) -> Advice {
    if let Some(advice) = unobserved(object) {
        return advice;
    }
    match object.reason() {
        "PlanStale" => Advice::person(
            "Somebody who knows what was changed. See that it is right, then ask for a new plan:",
            vec![look_again(object)],
        ),
        "AwaitingMigration" => Advice::nobody("Nobody here: it goes on by itself when its migration is that far."),
        "Replaced" | "NothingToReplace" | "RolledBack" => Advice::nobody("Nobody: it is done."),
        "Soaking" => Advice::nobody("Nobody: it goes on by itself at that time."),
        _ => general(object),
    }
}
