//! A tenant in which nothing is in the way, and what is found once something is.

use operator::api::{Acknowledgement, Finding, Severity, SsoMigrationSpec};
use operator::devolutions::{Domain, Group, GroupId, SsoConfiguration, SsoProvider, User, UserId};
use operator::entra::{Assignment, ConditionalAccessPolicy, EntraGroup, SecretPolicy};
use operator::plan::forecast::{Answer, Cause, Class, UserForecast, Waivers};
use operator::plan::preflight::{AssignedGroup, Current, Observed, WantedGroup, findings, is_open};
use serde_json::{Value, json};
use uuid::Uuid;

pub const TENANT: &str = "6f1c0000-0000-4000-8000-000000000001";
pub const CURRENT: &str = "9c1e0000-0000-4000-8000-000000000002";
pub const CALLBACK: &str = "https://contoso.devolutions.app/callback";

pub fn spec(more: Value) -> SsoMigrationSpec {
    let mut spec = json!({
        "connectionRef": {"name": "contoso"},
        "mode": "Plan",
        "breakGlass": {"user": "emergency@contoso.example"},
    });
    let Value::Object(more) = more else { panic!("an object") };
    spec.as_object_mut().unwrap().extend(more);
    serde_json::from_value(spec).unwrap()
}

/// A tenant in which nothing is in the way.
pub fn clean() -> Observed {
    Observed {
        tenant_id: TENANT.to_owned(),
        sso: Some(SsoConfiguration {
            provider: SsoProvider::OpenId,
            enabled: true,
            name: Some("Microsoft".to_owned()),
            client_id: Some(CURRENT.to_owned()),
            discovery_url: Some(format!(
                "https://login.microsoftonline.com/{TENANT}/v2.0/.well-known/openid-configuration"
            )),
            callback_url: Some(CALLBACK.to_owned()),
        }),
        domains: Some(vec![domain("contoso.example", "Verified")]),
        forces_sso: Some(false),
        groups: Vec::new(),
        users: vec![User {
            id: UserId(Uuid::from_u128(1)),
            email: "emergency@contoso.example".to_owned(),
            name: "Emergency".to_owned(),
            user_type: "User".to_owned(),
            is_enabled: true,
            is_administrator: true,
            invitation_state: None,
            is_synced: None,
        }],
        current: Some(Current {
            principal: read(json!({
                "id": Uuid::from_u128(2), "appId": CURRENT, "displayName": "Devolutions Hub", "accountEnabled": true,
                "appRoleAssignmentRequired": true,
            })),
            application: Some(read(json!({
                "id": Uuid::from_u128(3), "appId": CURRENT, "displayName": "Devolutions Hub",
                "web": {"redirectUris": [CALLBACK]},
            }))),
            assignments: vec![Assignment {
                principal_id: Uuid::from_u128(4),
                principal_type: "Group".to_owned(),
                principal_display_name: Some("Staff".to_owned()),
            }],
            policies: Some(Vec::new()),
        }),
        wanted: Vec::new(),
        assigned_groups: Vec::new(),
        namesakes: Vec::new(),
        conditional_access: Some(Vec::new()),
        secret_policy: Some(SecretPolicy::default()),
        existing: None,
        cannot_save: false,
        cannot_provision: Vec::new(),
        provisioned: None,
        lacking: Vec::new(),
    }
}

pub fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

pub fn domain(name: &str, status: &str) -> Domain {
    Domain {
        name: name.to_owned(),
        status: status.to_owned(),
        host_name: Some(format!("_devolutions-challenge.{name}")),
        txt_value: Some("DEVOLUTIONS-DOMAIN-VERIFICATION=abc".to_owned()),
    }
}

pub fn custom_group(name: &str) -> Group {
    Group {
        id: GroupId(Uuid::from_u128(7)),
        name: name.to_owned(),
        user_ids: Vec::new(),
        is_synced: Some(false),
        external_id: None,
    }
}

pub fn entra_group(n: u128, name: &str, is_security: bool) -> EntraGroup {
    EntraGroup {
        id: Uuid::from_u128(n),
        display_name: Some(name.to_owned()),
        security_enabled: Some(is_security),
        visibility: None,
    }
}

pub fn wanted(name: &str, found: Vec<EntraGroup>) -> WantedGroup {
    WantedGroup { reference: serde_json::from_value(json!({"displayName": name})).unwrap(), found }
}

pub fn staff() -> AssignedGroup {
    AssignedGroup { name: "Staff".to_owned(), ..AssignedGroup::default() }
}

/// What is said of an assigned group.
pub fn about(group: AssignedGroup) -> Vec<Finding> {
    found(json!({}), |seen| seen.assigned_groups = vec![group])
}

pub fn policy(name: &str, state: &str, applications: Value) -> ConditionalAccessPolicy {
    serde_json::from_value(json!({"displayName": name, "state": state, "conditions": {"applications": applications}}))
        .unwrap()
}

/// What is found in the clean tenant after one change to it.
pub fn found(spec_more: Value, change: impl FnOnce(&mut Observed)) -> Vec<Finding> {
    let mut seen = clean();
    change(&mut seen);
    findings(&spec(spec_more), &seen, &Waivers::default(), None)
}

/// The one finding after a change, with its words.
pub fn one(reason: &str, severity: Severity, acceptable: bool, says: &[&str], found: Vec<Finding>) {
    let [finding] = found.as_slice() else { panic!("{reason}: not one finding but {found:#?}") };
    assert_eq!((finding.reason.as_str(), finding.severity), (reason, severity), "{finding:?}");
    assert_eq!(finding.acknowledgement == Acknowledgement::Possible, acceptable, "{finding:?}");
    assert_eq!(is_open(finding), severity == Severity::Critical);
    for words in says {
        assert!(finding.message.contains(words), "{words:?} is not in {:?}", finding.message);
    }
}

/// The break-glass user and one more, as a forecast has them.
pub fn forecast(change: impl FnOnce(&mut UserForecast)) -> Vec<UserForecast> {
    let user = |n: u128, label: &str, answer: Answer| UserForecast {
        id: UserId(Uuid::from_u128(n)),
        label: label.to_owned(),
        entra_users: Vec::new(),
        today: answer,
        after: answer,
        synced: answer,
        class: if answer.is_yes() { Class::Expected } else { Class::NotApplicable },
        disabled: false,
        in_scope: answer.is_yes(),
        lets_another_in: false,
        not_found: false,
        waived: None,
    };
    let mut users =
        vec![user(1, "emergency@contoso.example", Answer::No(Cause::NoEntraUser)), user(2, "u@x.example", Answer::Yes)];
    users[0].not_found = true;
    change(&mut users[1]);
    users
}

pub fn foreseen(change: impl FnOnce(&mut UserForecast)) -> Vec<Finding> {
    findings(&spec(json!({})), &clean(), &Waivers::default(), Some(&forecast(change)))
}
