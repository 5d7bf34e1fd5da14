//! What cannot be done safely is refused, with a message that tells a person what to do, and nothing is written.

use serde_json::{Value, json};

use crate::stage::{Stage, condition, message, run};

struct Case {
    name: &'static str,
    from: Value,
    to: Value,
    spec: Value,
    reason: &'static str,
    says: &'static [&'static str],
}

fn case(name: &'static str, from: &str, to: &str, reason: &'static str, says: &'static [&'static str]) -> Case {
    Case { name, from: json!({"name": from}), to: json!({"displayName": to}), spec: json!({}), reason, says }
}

fn cases() -> Vec<Case> {
    vec![
        case(
            "two-of-a-name",
            "Contractors",
            "SG-Helpdesk",
            "AmbiguousName",
            &["\"Contractors\" fits 2 groups", "from.id"],
        ),
        case(
            "same-name-as-entra",
            "Vault-Operators",
            "Vault-Operators",
            "AmbiguousName",
            &["(custom)", "(synced)", "Rename one"],
        ),
        case(
            "to-is-also-a-custom-name",
            "Helpdesk",
            "Vault-Operators",
            "AmbiguousName",
            &["to.id with the group's object id"],
        ),
        case(
            "unequal",
            "Auditors",
            "SG-Auditors",
            "MembersDiffer",
            &["erin@contoso.example", "would lose access", "dave@contoso.example", "would gain access"],
        ),
        case("exchanged", "Vault-Admins", "Sysadmins", "FromIsSynced", &["Did you exchange from and to?"]),
        case("custom-to", "Helpdesk", "Sysadmins", "ToIsCustom", &["is a custom group"]),
        case(
            "no-such-group",
            "sysadmins",
            "Vault-Admins",
            "GroupNotFound",
            &["but one named \"Sysadmins\"", "letter by letter"],
        ),
        case("part-of-a-name", "Sysadmin", "Vault-Admins", "GroupNotFound", &["no user group named \"Sysadmin\""]),
        Case {
            spec: json!({"failsafe": {"maxAssignments": 3}}),
            ..case("too-much", "Sysadmins", "Vault-Admins", "FailsafeTripped", &["failsafe.maxAssignments allows 3"])
        },
        Case {
            spec: json!({"connectionRef": {"name": "nowhere"}}),
            ..case(
                "no-connection",
                "Sysadmins",
                "Vault-Admins",
                "ConnectionNotFound",
                &["TenantConnection \"nowhere\""],
            )
        },
        Case {
            spec: json!({"mode": "Rollback"}),
            ..case("nothing-to-roll-back", "Sysadmins", "Vault-Admins", "NothingToRollBack", &["has changed nothing"])
        },
    ]
}

#[test]
fn every_refusal_names_what_is_wrong_and_what_to_do() {
    run(async {
        let stage = Stage::new("refusals").await;
        for mut case in cases() {
            // It is not for want of an approval that nothing is written.
            case.spec["approval"] = json!("NotRequired");
            stage.replace(case.name, case.from, case.to, case.spec).await;
        }
        for case in cases() {
            let state = stage.until_reason(case.name, case.reason).await;
            for says in case.says {
                assert!(message(&state).contains(says), "{}: {}", case.name, message(&state));
            }
            assert_eq!(condition(&state, "Stalled").unwrap()["status"], "True", "{}", case.name);
            assert!(condition(&state, "Reconciling").is_none(), "{}", case.name);
            assert_eq!(condition(&state, "Succeeded").unwrap()["status"], "Unknown", "{}", case.name);
        }
        stage.assert_nothing_written().await;
        stage.end().await;
    });
}

#[test]
fn a_wrong_secret_an_unlabelled_one_and_a_foreign_host_are_told_apart_and_mended() {
    run(async {
        let stage = Stage::new("credentials").await;
        let connection = |spec: Value| json!({"spec": spec}).to_string();
        let until = async |reason: &str| {
            let object = testbed::wait::Object { kind: "tconn", namespace: Some(&stage.namespace), name: "contoso" };
            let admin = stage.cluster.admin();
            let state = testbed::wait::until(&admin, object, reason, crate::stage::WITHIN, |s| {
                crate::stage::ready_reason(s) == reason
            })
            .await;
            message(&state.unwrap()).to_owned()
        };
        assert!(until("Connected").await.contains("as an administrator; sees"));
        let good = stage.sandbox.export("DEVOLUTIONS_APPLICATION_SECRET").unwrap().to_owned();
        let ask = async |n: &str| {
            let annotation = format!("migration.devolutions.net/requestedAt={n}");
            stage.kubectl(&["annotate", "--overwrite", "tconn", "contoso", &annotation]).await;
        };

        let secret = |value: &str| json!({"stringData": {"applicationSecret": value}}).to_string();
        stage.kubectl(&["patch", "secret", "devolutions-cloud", "-p", &secret("bm90IHRoZSBzZWNyZXQ=")]).await;
        ask("1").await;
        let said = until("CredentialsRefused").await;
        assert!(said.contains("HTTP 401") && said.contains("applicationSecret") && !said.contains("bm90"), "{said}");

        stage.kubectl(&["patch", "secret", "devolutions-cloud", "-p", &secret(&good)]).await;
        stage.kubectl(&["label", "secret", "devolutions-cloud", "migration.devolutions.net/connection-"]).await;
        ask("2").await;
        assert!(until("CredentialsNotLabelled").await.contains("kubectl label secret devolutions-cloud"));

        stage.kubectl(&["label", "secret", "devolutions-cloud", "migration.devolutions.net/connection=contoso"]).await;
        ask("3").await;
        until("Connected").await;

        let elsewhere = connection(json!({"devolutionsCloud": {"url": "https://devolutions.app.evil.example"}}));
        let refused = stage
            .cluster
            .kubectl(&["patch", "tconn", "contoso", "-n", &stage.namespace, "--type=merge", "-p", &elsewhere], None)
            .await;
        assert!(refused.unwrap_err().to_string().contains("devolutionsCloud.url is immutable"));
        stage.apply(&json!({
            "apiVersion": "migration.devolutions.net/v1alpha1", "kind": "TenantConnection", "metadata": {"name": "evil"},
            "spec": {"devolutionsCloud": {"url": "https://devolutions.app.evil.example", "credentialsRef": {"name": "stolen"}}},
        })).await.unwrap();
        stage.apply(&json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "stolen", "labels": {"migration.devolutions.net/connection": "evil"}},
            "stringData": {"applicationKey": "k", "applicationSecret": "s"},
        })).await.unwrap();
        stage.kubectl(&["annotate", "tconn", "evil", "migration.devolutions.net/requestedAt=1"]).await;
        let object = testbed::wait::Object { kind: "tconn", namespace: Some(&stage.namespace), name: "evil" };
        let said = testbed::wait::until(&stage.cluster.admin(), object, "refusal", crate::stage::WITHIN, |s| {
            crate::stage::ready_reason(s) == "HostNotAllowed"
        })
        .await;
        assert!(message(&said.unwrap()).contains("--allow-host=devolutions.app.evil.example"));

        let log = stage.operator.log().unwrap();
        assert!(!log.contains(&good) && !log.contains("bm90"), "a secret is in the log");
        stage.end().await;
    });
}
