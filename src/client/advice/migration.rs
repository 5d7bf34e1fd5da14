//! Who must act on a migration now, and how.

use kube::ResourceExt as _;

use super::{Advice, general, kubectl, look_again, merge, ours, unobserved};
use crate::api::{Acknowledgement, Evidence, MigrationMode, SsoMigration};
use crate::client::program;
use crate::client::subject::Subject as _;

/// Who must act on `object` now, and how.
pub fn of(object: &SsoMigration) -> Advice {
    if let Some(advice) = unobserved(object) {
        return advice;
    }
    match object.reason() {
        "PreflightFailed" => {
            let accepting = accepting(object);
            let instead = (!accepting.is_empty()).then(|| {
                ("Where it is well as it is, whoever may change the SsoMigration can accept it:".to_owned(), accepting)
            });
            let text =
                "Whoever can resolve the findings; it is looked at again by itself. To see all of them, and each user:";
            Advice { instead, ..Advice::person(text, vec![ours(object, "plan")]) }
        }
        "AwaitingWindow" => Advice::nobody("Nobody: it goes on by itself at that time."),
        "RollbackUnclear" => Advice::person(
            "Whoever may change the SsoMigration has the way back made sure of:",
            vec![merge(object, "{\"mode\":\"Rollback\"}")],
        ),
        "WindowOver" => Advice {
            instead: Some((
                "Or take the window out. The plan is another one then, and approved anew:".to_owned(),
                vec![merge(object, "{\"cutover\":{\"window\":null}}")],
            )),
            ..Advice::person(
                "Whoever may change the SsoMigration. Give another time in spec.cutover.window:",
                vec![kubectl(object, "edit")],
            )
        },
        "AwaitingReplication" | "OutcomeUnknown" if !object.is_stalled() => {
            Advice::nobody("Nobody: Entra ID takes its time, and it is looked at again by itself.")
        }
        "AwaitingProof" => Advice {
            instead: going_back(object, "If people cannot sign in, whoever may change the SsoMigration can go back:"),
            ..Advice::person("Somebody who signs in to Devolutions Cloud, so that it is seen to work.", vec![])
        },
        "SignInFails" | "CredentialsRefused" => Advice {
            instead: going_back(object, "Or whoever may change the SsoMigration has people sign in as before:"),
            ..Advice::person("Somebody who can mend what is said above, soon. It is looked at again by itself.", vec![])
        },
        "CutOver" | "Verified" | "Replaced" => Advice {
            instead: going_back(object, "To have people sign in by the old application again:"),
            ..Advice::nobody("Nobody: it is done.")
        },
        "Replacing" if !object.is_stalled() => {
            Advice::nobody("Nobody here: its GroupReplacements say who must act on each of them.")
        }
        "Replacing" => Advice::person(
            "Somebody who can mend what holds its GroupReplacements up; each of them says what that is:",
            vec![format!("{} status -n {}", program(), object.namespace().unwrap_or_default())],
        ),
        "Synchronizing" => Advice::nobody("Nobody: Entra ID brings users across, and it is looked at again by itself."),
        "UsersMissing" if !object.is_stalled() => {
            Advice::nobody("Nobody: Entra ID comes to them in a later cycle, and it is looked at again by itself.")
        }
        "UsersMissing" => Advice::person(
            "Somebody who can mend what is said above, or whoever may change the SsoMigration waives who need not come (spec.verification.waivers). It is looked at again by itself.",
            vec![kubectl(object, "edit")],
        ),
        "Returned" => Advice::person(
            "Somebody who can mend the cause. When it is mended, ask for another try:",
            vec![look_again(object)],
        ),
        "SingleSignOnChanged" => Advice {
            instead: Some((
                "If the old application is meant to stay, nothing; for another attempt, say so:".to_owned(),
                vec![look_again(object)],
            )),
            ..Advice::person("Whoever knows why single sign-on was changed by hand.", vec![])
        },
        "RolledBack" => Advice::nobody("Nobody: it is done."),
        _ if object.is_stalled() && is_unproven(object) => Advice {
            instead: going_back(
                object,
                "Until then nothing is brought back by itself. If people cannot sign in, whoever may change the SsoMigration can go back:",
            ),
            ..general(object)
        },
        _ => general(object),
    }
}

/// Whether the new configuration was saved and nobody was seen to sign in by it.
fn is_unproven(object: &SsoMigration) -> bool {
    let cutover = object.status.as_ref().and_then(|status| status.cutover.as_ref());
    object.spec.mode == MigrationMode::Apply && cutover.is_some_and(|it| it.evidence != Evidence::SignInSeen)
}

/// How to go back to the old application, after `when`; none where there is no way.
fn going_back(object: &SsoMigration, when: &str) -> Option<(String, Vec<String>)> {
    let cutover = object.status.as_ref()?.cutover.as_ref()?;
    cutover.way_back.then(|| (when.to_owned(), vec![merge(object, "{\"mode\":\"Rollback\"}")]))
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

    const PLAN: &str = "operator plan ssom/contoso -n migration";

    fn patch(spec: &str) -> String {
        format!("kubectl patch ssom contoso -n migration --type=merge -p '{{\"spec\":{spec}}}'")
    }

    /// A reason in mode `Apply`, after a cut-over where `way_back` is given.
    fn at(reason: &str, way_back: Option<bool>) -> Advice {
        let cutover =
            way_back.map(|is| json!({"savedAt": "2026-11-25T10:00:00Z", "evidence": "Configured", "wayBack": is}));
        of(&migration(&json!({"mode": "Apply", "reason": reason, "cutover": cutover})))
    }

    #[test]
    fn plans_are_looked_at_and_then_decided_on() {
        let planned = of(&migration(&json!({"reason": "Planned"})));
        assert!(planned.needs_a_person);
        assert_eq!(planned.commands, [PLAN.to_owned(), patch("{\"mode\":\"Apply\"}")]);
        let waiting = at("AwaitingApproval", None);
        assert!(waiting.needs_a_person && waiting.text.contains("the verb approve"), "{waiting:?}");
        assert_eq!(waiting.commands, [PLAN, "operator approve ssom/contoso -n migration"]);
    }

    #[test]
    fn what_goes_on_by_itself_needs_nobody() {
        for reason in ["AwaitingWindow", "AwaitingReplication", "OutcomeUnknown", "Progressing"] {
            let advice = at(reason, None);
            assert!(!advice.needs_a_person && advice.text.starts_with("Nobody: "), "{reason}: {advice:?}");
        }
        let over = at("WindowOver", None);
        assert_eq!(over.commands, ["kubectl edit ssom contoso -n migration"]);
        assert_eq!(over.instead.unwrap().1, [patch("{\"cutover\":{\"window\":null}}")]);
    }

    #[test]
    fn after_the_cut_over_the_way_back_is_shown_where_there_is_one() {
        for (reason, needs_a_person) in [("AwaitingProof", true), ("SignInFails", true), ("CutOver", false)] {
            let advice = at(reason, Some(true));
            assert_eq!(advice.needs_a_person, needs_a_person, "{reason}");
            assert_eq!(advice.instead.unwrap().1, [patch("{\"mode\":\"Rollback\"}")], "{reason}");
            assert!(at(reason, Some(false)).instead.is_none() && at(reason, None).instead.is_none(), "{reason}");
        }
        assert!(at("CredentialsRefused", Some(true)).instead.is_some());
        let changed = at("SingleSignOnChanged", Some(true));
        assert!(changed.needs_a_person && changed.instead.unwrap().1[0].contains("requestedAt"));
        let returned = at("Returned", Some(true));
        assert!(returned.needs_a_person && returned.commands[0].contains("requestedAt"), "{returned:?}");
        // What keeps the operator from looking keeps it from going back, too.
        let blind = |evidence: &str| {
            let cutover = json!({"savedAt": "2026-11-25T10:00:00Z", "evidence": evidence, "wayBack": true});
            of(&migration(
                &json!({"mode": "Apply", "reason": "ClientSecretWrong", "stalled": true, "cutover": cutover}),
            ))
        };
        assert!(blind("CredentialsProven").instead.unwrap().0.starts_with("Until then nothing is brought back"));
        assert!(blind("SignInSeen").instead.is_none());
        let back = of(&migration(&json!({"mode": "Rollback", "reason": "RolledBack"})));
        assert!(!back.needs_a_person && back.instead.is_none(), "{back:?}");
    }

    #[test]
    fn work_under_way_goes_on_whatever_the_spec_has_become() {
        let advice = of(&migration(&json!({"mode": "Apply", "generation": 2, "reason": "Progressing"})));
        assert_eq!(advice.text, "Nobody: the operator is at work.");
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
        assert_eq!(advice.commands, [PLAN]);
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
        assert_eq!(suspended.commands, [patch("{\"suspend\":false}")]);
        let passing = of(&migration(&json!({"reason": "KubernetesRequestFailed"})));
        assert!(!passing.needs_a_person, "{passing:?}");
        let unseen = of(&migration(&json!({"generation": 2, "reason": "Planned"})));
        assert!(unseen.text.starts_with("Nobody yet: the operator has not looked at the last change."), "{unseen:?}");
    }
}
