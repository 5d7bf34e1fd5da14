//! Who must act on a replacement now, and how.

use super::{Advice, general, look_again, merge, unobserved};
use crate::api::{GroupReplacement, MigrationMode, SsoMigration};
use crate::client::subject::Subject as _;

/// Who must act on `object` now, and how. `migration` is the one that it belongs to, where that is known.
pub fn of(object: &GroupReplacement, migration: Option<&SsoMigration>) -> Advice {
    if let Some(advice) = unobserved(object) {
        return advice;
    }
    match object.reason() {
        "PlanStale" => Advice::person(
            "Somebody who knows what was changed. See that it is right, then ask for a new plan:",
            vec![look_again(object)],
        ),
        "AwaitingMigration" => match migration.filter(|migration| migration.spec.mode != MigrationMode::Apply) {
            None => Advice::nobody("Nobody here: it goes on by itself when its migration is that far."),
            Some(migration) => Advice::person(
                format!(
                    "Whoever wants it carried out. Its migration is in mode {:?}, by which it never comes that far. Set that mode:",
                    migration.spec.mode
                ),
                vec![merge(migration, "{\"mode\":\"Apply\"}")],
            ),
        },
        "Replaced" | "NothingToReplace" | "RolledBack" => Advice::nobody("Nobody: it is done."),
        "Soaking" | "Settling" => Advice::nobody("Nobody: it goes on by itself at that time."),
        _ => general(object),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::Mode;
    use crate::client::example;

    fn at(reason: &str) -> GroupReplacement {
        let mut object = example::replacement();
        object.metadata.generation = Some(1);
        object.status = serde_json::from_value(json!({
            "observedGeneration": 1,
            "conditions": [{"type": "Ready", "status": "False", "reason": reason, "message": "", "lastTransitionTime": "2026-11-25T10:00:00Z"}],
        }))
        .unwrap();
        object
    }

    #[test]
    fn a_migration_that_goes_another_way_is_set_on_its_way() {
        let in_mode = |mode: &str| example::migration(&json!({"mode": mode, "reason": "Planned"}));
        let advice = |migration: Option<&SsoMigration>| of(&at("AwaitingMigration"), migration);
        assert!(!advice(None).needs_a_person && !advice(Some(&in_mode("Apply"))).needs_a_person);
        for mode in ["Plan", "Rollback"] {
            let advice = advice(Some(&in_mode(mode)));
            assert!(advice.needs_a_person && advice.text.contains(&format!("in mode {mode}")), "{advice:?}");
            let command = "kubectl patch ssom contoso -n migration --type=merge -p '{\"spec\":{\"mode\":\"Apply\"}}'";
            assert_eq!(advice.commands, [command]);
        }
    }

    #[test]
    fn where_nothing_can_be_put_back_the_mode_is() {
        let mut object = at("NothingToRollBack");
        object.spec.mode = Mode::Rollback;
        let advice = of(&object, None);
        assert!(advice.needs_a_person && advice.text.starts_with("Nothing is to be mended."), "{advice:?}");
        assert!(advice.commands[0].ends_with("-p '{\"spec\":{\"mode\":\"Plan\"}}'"), "{advice:?}");
        assert!(advice.instead.unwrap().1[0].starts_with("kubectl delete grpr "));
    }
}
