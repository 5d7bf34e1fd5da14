//! Examples, for tests of what people see.
//!
//! - here: a migration that has looked, with its connection, and a replacement
//! - `cutover`: a migration that is carried out, with its plans

pub mod cutover;

use std::path::Path;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::api::{Gate, GroupReplacement, PlanReference, PlanState, SsoMigration, TenantConnection};
use crate::client::document::Document;
use crate::plan::forecast::{Answer, Cause, Class, UserForecast, summary};
use crate::plan::preflight::{Principal, Report};

/// What `UPDATE_GOLDEN=1` writes anew: `text` without its colours.
pub fn check(file: &str, text: &str) {
    let text = anstream::adapter::strip_str(text).to_string();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/client/testdata").join(file);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        return std::fs::write(&path, text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == text, "{file} has changed; UPDATE_GOLDEN=1 writes it anew. Now it is:\n{text}");
}

/// A migration with a `mode`, and with these parts of a status: `reason`, `message`, `summary`, `stalled`, and fields as
/// they are. The operator has looked at generation 1.
pub fn migration(status: &Value) -> SsoMigration {
    let message = status.get("message").cloned().unwrap_or_default();
    let condition = |kind: &str, value: &str| {
        json!({
            "type": kind, "status": value, "reason": status["reason"], "message": message.as_str().unwrap_or_default(),
            "lastTransitionTime": "2026-11-23T10:00:00Z",
        })
    };
    let stalled = status["stalled"] == true;
    let conditions: Vec<Value> =
        std::iter::once(condition("Ready", "False")).chain(stalled.then(|| condition("Stalled", "True"))).collect();
    let field = |name: &str| status.get(name).cloned().unwrap_or(json!([]));
    serde_json::from_value(json!({
        "apiVersion": "migration.devolutions.net/v1alpha1",
        "kind": "SsoMigration",
        "metadata": {
            "name": "contoso", "namespace": "migration", "generation": status.get("generation").unwrap_or(&json!(1)),
        },
        "spec": {
            "connectionRef": {"name": "contoso"},
            "mode": status.get("mode").unwrap_or(&json!("Plan")),
            "acknowledgements": ["ConditionalAccessNotChecked"],
        },
        "status": {
            "observedGeneration": 1,
            "conditions": conditions,
            "summary": status.get("summary").unwrap_or(&json!("")),
            "currentApplication": status.get("currentApplication"),
            "application": status.get("application"),
            "cutover": status.get("cutover"),
            "plans": field("plans"),
            "findings": field("findings"),
            "forecast": status.get("forecast"),
            "report": status.get("forecast").map(|_| json!({"secretName": "ssom-contoso-forecast", "digest": "sha256:0"})),
            "steps": field("steps"),
        },
    }))
    .unwrap()
}

/// A migration with findings to be resolved, and what was found in full.
pub fn preflight_failed() -> (SsoMigration, Report) {
    let held = "3 findings to be resolved: NoBreakGlassUser, UsersWouldBeDisabled, UsersWouldLoseSignIn";
    let outlook = "14 users will be able to sign in (17 can today, 2 would lose it); 13 will be synced, 2 would not";
    let findings = findings();
    let migration = migration(&json!({
        "reason": "PreflightFailed",
        "message": format!("{held}. {outlook}. {}", findings[0]["message"].as_str().unwrap()),
        "summary": held,
        "stalled": true,
        "currentApplication": {
            "appId": Uuid::from_u128(0x0a), "displayName": "Devolutions Hub Business", "assignmentRequired": true,
            "assignments": 5,
        },
        "findings": findings,
        "forecast": summary(&users()),
        "steps": [{"name": "Preflight", "state": "Failed", "message": held}],
    }));
    let report = Report {
        tenant: "https://contoso.devolutions.app".to_owned(),
        entra_tenant: Uuid::from_u128(0x7e).to_string(),
        current_application: Some(("Devolutions Hub Business".to_owned(), Uuid::from_u128(0x0a).to_string())),
        application: "Devolutions Cloud".to_owned(),
        assignment_required: true,
        assignments: assignments(),
        findings: serde_json::from_value(findings).unwrap(),
        users: Some(users()),
    };
    (migration, report)
}

/// Its connection.
pub fn connection() -> TenantConnection {
    serde_json::from_value(json!({
        "apiVersion": "migration.devolutions.net/v1alpha1",
        "kind": "TenantConnection",
        "metadata": {"name": "contoso", "namespace": "migration"},
        "spec": {
            "entra": {
                "tenantId": Uuid::from_u128(0x7e), "clientId": Uuid::from_u128(0x0b),
                "credential": {"type": "ClientSecret", "clientSecret": {"secretRef": {"name": "entra"}}},
            },
            "devolutionsCloud": {"url": "https://contoso.devolutions.app", "credentialsRef": {"name": "contoso"}},
        },
        "status": {"conditions": [{
            "type": "Ready", "status": "True", "reason": "Connected", "lastTransitionTime": "2026-11-23T10:00:00Z",
            "message": "Connected as \"Migration operator\", as an administrator; sees 4 vaults. Entra ID: connected as \"Migration operator\"; without Policy.Read.All (for reading Conditional Access and the other policies that would not follow to the new application).",
        }]},
    }))
    .unwrap()
}

/// A replacement through the same connection that nobody has looked at.
pub fn replacement() -> GroupReplacement {
    serde_json::from_value(json!({
        "apiVersion": "migration.devolutions.net/v1alpha1",
        "kind": "GroupReplacement",
        "metadata": {"name": "sysadmins", "namespace": "migration"},
        "spec": {
            "connectionRef": {"name": "contoso"}, "from": {"name": "Sysadmins"}, "to": {"displayName": "Vault-Admins"},
        },
    }))
    .unwrap()
}

/// What status says of a plan that waits for approval.
pub fn reference(gate: Gate, plan: &impl Document) -> PlanReference {
    PlanReference {
        gate,
        state: PlanState::AwaitingApproval,
        hash: plan.hash().to_string(),
        secret_name: "the-plan".to_owned(),
        document_digest: plan.digest().to_string(),
        grants: None,
        revokes: None,
        approver: None,
        approval: None,
    }
}

fn findings() -> Value {
    let finding = |reason: &str, severity: &str, acknowledgement: &str, message: &str| json!({"reason": reason, "severity": severity, "acknowledgement": acknowledgement, "message": message});
    json!([
        finding(
            "ConditionalAccessNotChecked",
            "Critical",
            "Given",
            "The operator may not read Conditional Access policies (Policy.Read.All). A policy that names the current application does not hold for the new one: people could be let in more easily than before, or be blocked. If it is well as it is, add ConditionalAccessNotChecked to spec.acknowledgements."
        ),
        finding(
            "NoBreakGlassUser",
            "Critical",
            "Possible",
            "spec.breakGlass names no user who still gets in when single sign-on fails. Name an administrator with a Devolutions Account. If it is well as it is, add NoBreakGlassUser to spec.acknowledgements."
        ),
        finding(
            "UsersWouldBeDisabled",
            "Critical",
            "Possible",
            "1 user would be disabled in Devolutions Cloud by provisioning, because their accounts in Entra ID are: quinn@contoso.example. Enable the accounts, or take them out of the assigned groups, if they still work with a Devolutions Account. If it is well as it is, add UsersWouldBeDisabled to spec.acknowledgements."
        ),
        finding(
            "UsersWouldLoseSignIn",
            "Critical",
            "NotApplicable",
            "2 users can sign in today and could not by the new application: nina@contoso.example (only in a group within an assigned group, which counts for nothing), olaf@partner.example (the e-mail domain is not verified in Devolutions Cloud). Mend each cause, or waive them by name in verification.waivers."
        ),
        finding(
            "DomainNotVerified",
            "Warning",
            "NotApplicable",
            "Users of these e-mail domains can neither sign in nor be provisioned: partner.example (Pending). Add the DNS record, then Retry in Administration - Authentication - Domain."
        ),
        finding(
            "UsersWouldNotBeSynced",
            "Warning",
            "NotApplicable",
            "2 users would not be flagged as synced, which the migration waits for at its end: nina@contoso.example (only in a group within an assigned group, which counts for nothing), olaf@partner.example (the e-mail domain is not verified in Devolutions Cloud). Mend each cause, or waive them in verification.waivers."
        ),
    ])
}

pub fn assignments() -> Vec<Principal> {
    let principal = |kind: &str, name: String| Principal { kind: kind.to_owned(), name, id: Uuid::nil() };
    let groups = ["Staff", "Staff\n  Users     \"nobody\"", "Vault-Admins"];
    let users = (1..=14).map(|n| principal("User", format!("Contractor {n:02}")));
    groups.iter().map(|name| principal("Group", (*name).to_owned())).chain(users).collect()
}

pub fn users() -> Vec<UserForecast> {
    use Answer::{DependsOnMatching, No, OnceJoined, Yes};
    let user = |name: &str, answers: [Answer; 3], class: Class| UserForecast {
        id: serde_json::from_value(json!(Uuid::nil())).unwrap(),
        label: name.to_owned(),
        entra_users: Vec::new(),
        today: answers[0],
        after: answers[1],
        synced: answers[2],
        class,
        in_scope: false,
        lets_another_in: false,
        not_found: false,
        disabled: false,
        waived: None,
    };
    let never = |name: &str, cause: Cause| user(name, [No(cause); 3], Class::NotApplicable);
    let mut users: Vec<UserForecast> =
        (1..=12).map(|n| user(&format!("user{n:02}@contoso.example"), [Yes; 3], Class::Expected)).collect();
    users.push(user("mats@contoso.example", [DependsOnMatching; 3], Class::Expected));
    let nested = No(Cause::OnlyInNestedGroup);
    users.push(user("nina@contoso.example", [Yes, nested, nested], Class::Missing));
    let unverified = No(Cause::DomainNotVerified);
    users.push(user("olaf@partner.example", [Yes, unverified, unverified], Class::Missing));
    let waived = user("paul@gone.example", [Yes, unverified, unverified], Class::Waived);
    users.push(UserForecast { waived: Some("leaves at the end of the year".to_owned()), ..waived });
    users.push(user("zoe@contoso.example", [OnceJoined, OnceJoined, No(Cause::NotJoined)], Class::NotApplicable));
    users.push(never("Backup service", Cause::ApplicationIdentity));
    users.push(never("Migration operator", Cause::ApplicationIdentity));
    users.extend((1..=4).map(|n| never(&format!("guest{n}@elsewhere.example"), Cause::NoEntraUser)));
    let former = never("quinn\n✓ 99 users will be able to sign in@contoso.example", Cause::DisabledInEntra);
    users.push(UserForecast { disabled: true, ..former });
    users
}
