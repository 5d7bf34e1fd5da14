//! Who must act on a migration now, and how.

use super::{Advice, general, kubectl, ours, unobserved};
use crate::api::{Acknowledgement, SsoMigration};
use crate::client::subject::Subject as _;

/// Who must act on `object` now, and how.
pub fn of(object: &SsoMigration) -> Advice {
    if let Some(advice) = unobserved(object, "") {
        return advice;
    }
    let plan = vec![ours(object, "plan")];
    match object.reason() {
        "Planned" => Advice {
            commands: plan,
            ..Advice::nobody(
                "Nobody now: it is a preview, and nothing was written. To see what it means for each user:",
            )
        },
        "PreflightFailed" => {
            let accepting = accepting(object);
            let instead = (!accepting.is_empty()).then(|| {
                ("Where it is well as it is, whoever may change the SsoMigration can accept it:".to_owned(), accepting)
            });
            let text =
                "Whoever can resolve the findings; it is looked at again by itself. To see all of them, and each user:";
            Advice { instead, ..Advice::person(text, plan) }
        }
        _ => general(object),
    }
}

/// A command for each finding that can be accepted and has not been. Each adds to the list alone, so that they can be
/// run one after the other: a merge would put the list as it was seen here in the place of what it is by then. The
/// list is always there, since the definition has a default for it.
fn accepting(object: &SsoMigration) -> Vec<String> {
    let findings = object.status.as_ref().map(|s| s.findings.as_slice()).unwrap_or_default();
    let possible = findings.iter().filter(|f| f.acknowledgement == Acknowledgement::Possible);
    // A word: anything else would have a meaning for the shell.
    let words = possible.map(|f| f.reason.as_str()).filter(|reason| reason.chars().all(|c| c.is_ascii_alphanumeric()));
    let mut commands: Vec<String> = Vec::new();
    for reason in words {
        let command = format!(
            "{} --type=json \\\n      -p '[{{\"op\":\"add\",\"path\":\"/spec/acknowledgements/-\",\"value\":\"{reason}\"}}]'",
            kubectl(object, "patch")
        );
        // What is in a set already cannot be added to it.
        if !commands.contains(&command) {
            commands.push(command);
        }
    }
    commands
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::client::example::migration;

    #[test]
    fn a_preview_asks_nothing_of_anybody() {
        let advice = of(&migration(&json!({"reason": "Planned"})));
        assert!(!advice.needs_a_person && advice.instead.is_none(), "{advice:?}");
        assert_eq!(advice.commands, ["operator plan ssom/contoso -n migration"]);
    }

    #[test]
    fn each_finding_that_can_be_accepted_comes_with_the_command() {
        let finding = |reason: &str, acknowledgement: &str| json!({"reason": reason, "severity": "Critical", "message": "", "acknowledgement": acknowledgement});
        let advice = of(&migration(&json!({
            "reason": "PreflightFailed",
            "findings": [
                finding("NoBreakGlassUser", "Possible"),
                finding("NoBreakGlassUser", "Possible"),
                finding("UsersWouldLoseSignIn", "NotApplicable"),
                finding("NoWayBack", "Given"),
                finding("x'; reboot; '", "Possible"),
            ],
        })));
        assert!(advice.needs_a_person);
        assert_eq!(advice.commands, ["operator plan ssom/contoso -n migration"]);
        let (_, commands) = advice.instead.unwrap();
        let patch = r#"[{"op":"add","path":"/spec/acknowledgements/-","value":"NoBreakGlassUser"}]"#;
        assert_eq!(commands, [format!("kubectl patch ssom contoso -n migration --type=json \\\n      -p '{patch}'")]);
        assert!(serde_json::from_str::<Value>(patch).is_ok());
    }

    #[test]
    fn an_acceptance_can_be_added_to_a_list_that_nobody_has_begun() {
        use kube::CustomResourceExt as _;
        let definition = serde_json::to_value(SsoMigration::crd()).unwrap();
        let spec = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
        assert_eq!(spec["properties"]["acknowledgements"]["default"], json!([]));
    }

    #[test]
    fn what_stops_every_kind_is_told_as_for_every_kind() {
        let stalled = of(&migration(&json!({"reason": "PermissionMissing", "stalled": true})));
        assert!(stalled.text.starts_with("Somebody who can mend what is said above."), "{stalled:?}");
        let suspended = of(&migration(&json!({"reason": "Suspended"})));
        let command = "kubectl patch ssom contoso -n migration --type=merge -p '{\"spec\":{\"suspend\":false}}'";
        assert_eq!(suspended.commands, [command]);
        let passing = of(&migration(&json!({"reason": "KubernetesRequestFailed"})));
        assert!(!passing.needs_a_person, "{passing:?}");
        let unseen = of(&migration(&json!({"generation": 2, "reason": "Planned"})));
        assert!(unseen.text.starts_with("Nobody yet: the operator has not looked at the last change."), "{unseen:?}");
    }
}
