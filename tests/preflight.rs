//! What could get in the way of a migration is found, named, and comes with what to do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test ends at the first surprise.
#![allow(clippy::needless_pass_by_value)] // Written in place, every time.

use operator::api::{Acknowledgement, Finding, Severity, SsoMigrationSpec};
use operator::devolutions::{Domain, Group, GroupId, SsoConfiguration, SsoProvider, User, UserId};
use operator::entra::{Application, Assignment, ConditionalAccessPolicy, EntraGroup, SecretPolicy, ServicePrincipal};
use operator::plan::forecast::{Answer, Cause, Class, UserForecast, Waivers};
use operator::plan::preflight::{
    AssignedGroup, Current, Existing, Observed, WantedGroup, current_app_id, findings, is_open,
};
use serde_json::{Value, json};
use uuid::Uuid;

const TENANT: &str = "6f1c0000-0000-4000-8000-000000000001";
const CURRENT: &str = "9c1e0000-0000-4000-8000-000000000002";
const CALLBACK: &str = "https://contoso.devolutions.app/callback";

fn spec(more: Value) -> SsoMigrationSpec {
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
fn clean() -> Observed {
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
        lacking: Vec::new(),
    }
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn domain(name: &str, status: &str) -> Domain {
    Domain {
        name: name.to_owned(),
        status: status.to_owned(),
        host_name: Some(format!("_devolutions-challenge.{name}")),
        txt_value: Some("DEVOLUTIONS-DOMAIN-VERIFICATION=abc".to_owned()),
    }
}

fn custom_group(name: &str) -> Group {
    Group {
        id: GroupId(Uuid::from_u128(7)),
        name: name.to_owned(),
        user_ids: Vec::new(),
        is_synced: Some(false),
        external_id: None,
    }
}

fn entra_group(n: u128, name: &str, is_security: bool) -> EntraGroup {
    EntraGroup {
        id: Uuid::from_u128(n),
        display_name: Some(name.to_owned()),
        security_enabled: Some(is_security),
        visibility: None,
    }
}

fn wanted(name: &str, found: Vec<EntraGroup>) -> WantedGroup {
    WantedGroup { reference: serde_json::from_value(json!({"displayName": name})).unwrap(), found }
}

fn staff() -> AssignedGroup {
    AssignedGroup { name: "Staff".to_owned(), ..AssignedGroup::default() }
}

/// What is said of an assigned group.
fn about(group: AssignedGroup) -> Vec<Finding> {
    found(json!({}), |seen| seen.assigned_groups = vec![group])
}

fn policy(name: &str, state: &str, applications: Value) -> ConditionalAccessPolicy {
    serde_json::from_value(json!({"displayName": name, "state": state, "conditions": {"applications": applications}}))
        .unwrap()
}

/// What is found in the clean tenant after one change to it.
fn found(spec_more: Value, change: impl FnOnce(&mut Observed)) -> Vec<Finding> {
    let mut seen = clean();
    change(&mut seen);
    findings(&spec(spec_more), &seen, &Waivers::default(), None)
}

/// The one finding after a change, with its words.
fn one(reason: &str, severity: Severity, acceptable: bool, says: &[&str], found: Vec<Finding>) {
    let [finding] = found.as_slice() else { panic!("{reason}: not one finding but {found:#?}") };
    assert_eq!((finding.reason.as_str(), finding.severity), (reason, severity), "{finding:?}");
    assert_eq!(finding.acknowledgement == Acknowledgement::Possible, acceptable, "{finding:?}");
    assert_eq!(is_open(finding), severity == Severity::Critical);
    for words in says {
        assert!(finding.message.contains(words), "{words:?} is not in {:?}", finding.message);
    }
}

use Severity::{Critical, Warning};

#[test]
fn a_clean_tenant_has_no_findings() {
    assert_eq!(found(json!({}), |_| {}), []);
}

#[test]
fn how_people_sign_in_now() {
    let sso = |change: fn(&mut SsoConfiguration)| found(json!({}), |seen| change(seen.sso.as_mut().unwrap()));
    one(
        "NoWayBack",
        Critical,
        true,
        &["organization", "spec.acknowledgements"],
        sso(|s| s.provider = SsoProvider::Organization),
    );
    one("SingleSignOnOff", Critical, false, &["nothing to migrate"], sso(|s| s.provider = SsoProvider::None));
    one("SingleSignOnOff", Critical, false, &["switched off"], sso(|s| s.enabled = false));
    one(
        "OtherTenant",
        Critical,
        false,
        &[TENANT, "another tenant"],
        sso(|s| {
            s.discovery_url =
                Some("https://login.microsoftonline.com/6f1c0000-0000-4000-8000-00000000000f/v2.0".to_owned());
        }),
    );
    one("SingleSignOnNotChecked", Critical, true, &["does not tell"], found(json!({}), |s| s.sso = None));
    one("SingleSignOnForced", Critical, false, &["ForceSSOLogin"], found(json!({}), |s| s.forces_sso = Some(true)));
    one("SingleSignOnForcedNotChecked", Critical, true, &[], found(json!({}), |s| s.forces_sso = None));
}

#[test]
fn domains_with_the_record_that_is_lacking() {
    let record = "TXT record _devolutions-challenge.contoso.example = DEVOLUTIONS-DOMAIN-VERIFICATION=abc";
    let domains = |all: Vec<Domain>| found(json!({}), |seen| seen.domains = Some(all));
    one("NoVerifiedDomain", Critical, false, &[record, "Pending"], domains(vec![domain("contoso.example", "Pending")]));
    one("NoVerifiedDomain", Critical, false, &["none is there yet"], domains(Vec::new()));
    let some = vec![domain("fabrikam.example", "Verified"), domain("contoso.example", "Expired")];
    one("DomainNotVerified", Warning, false, &[record, "Expired"], domains(some));
    one("DomainsNotChecked", Critical, true, &[], found(json!({}), |seen| seen.domains = None));
}

#[test]
fn which_application_is_the_current_one() {
    let id = |spec_more: Value, told: Option<&str>| {
        let mut sso = clean().sso.unwrap();
        sso.client_id = told.map(ToOwned::to_owned);
        current_app_id(&spec(spec_more), Some(&sso)).map_err(|finding| finding.reason)
    };
    let named = |id: &str| json!({"currentApplication": {"appId": id}});
    assert_eq!(id(json!({}), Some(CURRENT)), Ok(CURRENT.to_owned()));
    assert_eq!(id(named(&CURRENT.to_uppercase()), None), Ok(CURRENT.to_owned()));
    assert_eq!(id(named(&CURRENT.to_uppercase()), Some(CURRENT)), Ok(CURRENT.to_owned()));
    assert_eq!(id(named(TENANT), Some(CURRENT)), Err("CurrentApplicationDiffers".to_owned()));
    assert_eq!(id(json!({}), None), Err("CurrentApplicationUnknown".to_owned()));
}

#[test]
fn the_current_application_and_what_does_not_follow_to_the_new_one() {
    let current = |change: fn(&mut Current)| found(json!({}), |seen| change(seen.current.as_mut().unwrap()));
    one(
        "CurrentApplicationDisabled",
        Critical,
        false,
        &["Devolutions Hub"],
        current(|c| {
            c.principal.account_enabled = Some(false);
        }),
    );
    one("CurrentApplicationForeign", Critical, true, &[CURRENT], current(|c| c.application = None));
    one(
        "PoliciesOnCurrentApplication",
        Critical,
        true,
        &["Mail from UPN"],
        current(|c| {
            c.policies = Some(vec!["Mail from UPN".to_owned()]);
        }),
    );
    one(
        "FurtherRedirectUris",
        Warning,
        false,
        &["https://encryption.contoso.example"],
        current(|c| {
            c.application.as_mut().unwrap().web.redirect_uris.push("https://encryption.contoso.example".to_owned());
        }),
    );
    one(
        "CallbackNotRegistered",
        Warning,
        false,
        &[CALLBACK],
        current(|c| {
            c.application.as_mut().unwrap().web.redirect_uris.clear();
        }),
    );
    let namesake: Application = read(json!({"id": Uuid::nil(), "appId": "a-1"}));
    one(
        "ApplicationNameTaken",
        Warning,
        false,
        &["a-1", "\"Devolutions Cloud\""],
        found(json!({}), |seen| {
            seen.namesakes = vec![namesake];
        }),
    );
}

#[test]
fn what_the_work_takes() {
    let cannot = |mode: &str| found(json!({"mode": mode}), |seen| seen.cannot_save = true);
    one("SingleSignOnNotWritable", Critical, false, &["saveSsoConfiguration"], cannot("Apply"));
    one("SingleSignOnNotWritable", Warning, false, &["can only look"], cannot("Plan"));
    let lacks =
        |mode: &str| found(json!({"mode": mode}), |seen| seen.lacking = vec!["AppRoleAssignment.ReadWrite.All"]);
    let says = ["AppRoleAssignment.ReadWrite.All", "admin consent"];
    one("PermissionsToApplyNotSeen", Critical, true, &says, lacks("Apply"));
    assert!(lacks("Plan").is_empty(), "a look takes none of them");
    // Copied or not, it is said what becomes of other redirect URIs.
    let other = |copy: bool| {
        found(json!({"application": {"redirectUris": {"copyFromCurrent": copy}}}), |seen| {
            let application = seen.current.as_mut().unwrap().application.as_mut().unwrap();
            application.web.redirect_uris.push("https://encryption.contoso.example".to_owned());
        })
    };
    one("FurtherRedirectUris", Warning, false, &["gets these redirect URIs as well"], other(true));
    one("FurtherRedirectUris", Warning, false, &["copyFromCurrent is false"], other(false));
}

#[test]
fn an_application_that_is_there_already() {
    let made = |app_id: &str, template: Option<&str>| {
        let application = json!({"id": Uuid::from_u128(8), "appId": app_id, "displayName": "Mine", "applicationTemplateId": template});
        (read(application), read(json!({"id": Uuid::from_u128(9), "appId": app_id})))
    };
    let existing = |found: Option<(Application, ServicePrincipal)>| {
        let app_id = found.as_ref().map_or("unknown".to_owned(), |(application, _)| application.app_id.clone());
        self::found(json!({}), move |seen| seen.existing = Some(Existing { app_id, found }))
    };
    assert!(existing(Some(made("new", Some("8adf8e6e")))).is_empty());
    one("ExistingApplicationNotFound", Critical, false, &["unknown"], existing(None));
    one("ExistingIsCurrent", Critical, false, &["Mine"], existing(Some(made(CURRENT, Some("8adf8e6e")))));
    one("ExistingCannotProvision", Critical, true, &["Mine"], existing(Some(made("new", None))));
}

#[test]
fn policies_of_the_tenant() {
    let policies =
        |policies: Vec<ConditionalAccessPolicy>| found(json!({}), |seen| seen.conditional_access = Some(policies));
    let including = json!({"includeApplications": [CURRENT.to_uppercase()]});
    one(
        "ConditionalAccessNamesApplication",
        Critical,
        true,
        &["Require MFA", "with less than today"],
        policies(vec![
            policy("Require MFA", "enabled", including.clone()),
            policy("Everybody", "enabled", json!({"includeApplications": ["All"]})),
        ]),
    );
    one(
        "ConditionalAccessSparesApplication",
        Critical,
        true,
        &["Block all else"],
        policies(vec![policy(
            "Block all else",
            "enabledForReportingButNotEnforced",
            json!({"includeApplications": ["All"], "excludeApplications": [CURRENT]}),
        )]),
    );
    let by_filter = json!({"applicationFilter": {"mode": "include", "rule": "CustomSecurityAttribute.x"}});
    one(
        "ConditionalAccessByFilter",
        Warning,
        false,
        &["Filtered"],
        policies(vec![policy("Filtered", "enabled", by_filter)]),
    );
    assert_eq!(policies(vec![policy("Off", "disabled", including)]), []);
    one(
        "ConditionalAccessNotChecked",
        Critical,
        true,
        &["Policy.Read.All"],
        found(json!({}), |seen| {
            seen.conditional_access = None;
        }),
    );
    let secrets = |policy: SecretPolicy| found(json!({}), |seen| seen.secret_policy = Some(policy));
    one("ClientSecretsForbidden", Critical, true, &[], secrets(SecretPolicy { forbidden: true, longest_life: None }));
    let bounded = SecretPolicy { forbidden: false, longest_life: Some("P90D".to_owned()) };
    one("ClientSecretLifeBounded", Warning, false, &["P90D"], secrets(bounded));
}

#[test]
fn the_groups_to_be_assigned() {
    let groups = |wanted: WantedGroup| found(json!({}), |seen| seen.wanted = vec![wanted]);
    let name = "Vault-Admins";
    assert_eq!(groups(wanted(name, vec![entra_group(1, name, true)])), []);
    one("GroupNotFound", Critical, false, &[name, "letter by letter"], groups(wanted(name, Vec::new())));
    let other_case = vec![entra_group(1, "vault-admins", true)];
    one("GroupNotFound", Critical, false, &["there is vault-admins"], groups(wanted(name, other_case)));
    let two = vec![entra_group(1, name, true), entra_group(2, name, true)];
    one(
        "AmbiguousName",
        Critical,
        false,
        &["fits 2 groups", &Uuid::from_u128(2).to_string()],
        groups(wanted(name, two)),
    );
    one("GroupNotSecurityEnabled", Critical, false, &[name], groups(wanted(name, vec![entra_group(1, name, false)])));
    one("NestedGroups", Warning, false, &["Staff"], about(AssignedGroup { nests: true, ..staff() }));
    one(
        "NobodyAssigned",
        Critical,
        false,
        &[],
        found(json!({"assignments": {"fromCurrentApplication": false}}), |_| {}),
    );
}

#[test]
fn a_custom_group_must_not_share_its_name_with_an_assigned_entra_group() {
    let clash = |name: &str| {
        let groups = vec![custom_group(name)];
        found(json!({}), |seen| {
            seen.wanted = vec![wanted("Vault-Admins", vec![entra_group(1, "Vault-Admins", true)])];
            seen.groups = groups;
        })
    };
    one("CustomGroupSharesName", Critical, true, &["Vault-Admins"], clash("vault-admins"));
    one("CustomGroupSharesName", Critical, true, &["Staff"], clash("Staff"));
    assert_eq!(clash("Others"), []);
    let synced = Group { is_synced: Some(true), ..custom_group("Staff") };
    assert_eq!(found(json!({}), |seen| seen.groups = vec![synced]), []);
    // What is not taken over is not assigned.
    let spec = json!({"assignments": {"fromCurrentApplication": false, "groups": [{"displayName": "Other"}]}});
    assert_eq!(
        found(spec, |seen| {
            seen.groups = vec![custom_group("Staff")];
            seen.wanted = vec![wanted("Other", vec![entra_group(1, "Other", true)])];
        }),
        []
    );
}

#[test]
fn the_break_glass_user() {
    one("NoBreakGlassUser", Critical, true, &[], found(json!({"breakGlass": null}), |_| {}));
    let user = |change: fn(&mut User)| found(json!({}), |seen| change(&mut seen.users[0]));
    for (change, says) in [
        ((|u| u.email = "else@contoso.example".to_owned()) as fn(&mut User), "is not a user"),
        (|u| u.user_type = "Application".to_owned(), "application identity"),
        (|u| u.is_enabled = false, "is disabled"),
        (|u| u.is_administrator = false, "not an administrator"),
        (|u| u.invitation_state = Some("Pending".to_owned()), "has not joined"),
    ] {
        one("BreakGlassUserUnfit", Critical, false, &[says, "emergency@contoso.example"], user(change));
    }
    assert_eq!(found(json!({"breakGlass": {"user": "Emergency@Contoso.example"}}), |_| {}), []);
}

#[test]
fn what_a_person_accepts_holds_nothing_up_and_nothing_else_can_be_accepted() {
    let accept = |reasons: &[&str], change: fn(&mut Observed)| {
        let mut seen = clean();
        change(&mut seen);
        findings(&spec(json!({"acknowledgements": reasons})), &seen, &Waivers::default(), Some(&forecast(|_| {})))
    };
    let accepted = accept(&["ConditionalAccessNotChecked"], |seen| seen.conditional_access = None);
    assert_eq!(accepted.len(), 1);
    assert!(accepted[0].acknowledgement == Acknowledgement::Given && !is_open(&accepted[0]), "{accepted:?}");
    // Not what must be resolved.
    let forced = accept(&["SingleSignOnForced"], |seen| seen.forces_sso = Some(true));
    assert!(forced.iter().any(|f| f.reason == "SingleSignOnForced" && is_open(f)), "{forced:?}");
    assert!(forced.iter().any(|f| f.reason == "AcknowledgementOfNothing" && f.message.contains("SingleSignOnForced")));
    // Nor what is not there, lest it be accepted when it comes.
    one("AcknowledgementOfNothing", Warning, false, &["NoWayBack"], accept(&["NoWayBack"], |_| {}));
}

#[test]
fn the_gravest_come_first() {
    let found = found(json!({}), |seen| {
        seen.assigned_groups = vec![AssignedGroup { nests: true, ..staff() }];
        seen.forces_sso = Some(true);
        seen.conditional_access = None;
    });
    let reasons: Vec<&str> = found.iter().map(|f| f.reason.as_str()).collect();
    assert_eq!(reasons, ["ConditionalAccessNotChecked", "SingleSignOnForced", "NestedGroups"]);
}

/// The break-glass user and one more, as a forecast has them.
fn forecast(change: impl FnOnce(&mut UserForecast)) -> Vec<UserForecast> {
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

fn foreseen(change: impl FnOnce(&mut UserForecast)) -> Vec<Finding> {
    findings(&spec(json!({})), &clean(), &Waivers::default(), Some(&forecast(change)))
}

#[test]
fn what_becomes_of_the_users() {
    assert_eq!(foreseen(|_| {}), [], "the break-glass user is to get in otherwise");
    let lost = Answer::No(Cause::NotAssigned);
    one("UsersWouldLoseSignIn", Critical, false, &["u@x.example (not assigned"], foreseen(|u| u.after = lost));
    one(
        "LossesWaived",
        Warning,
        false,
        &["u@x.example"],
        foreseen(|u| {
            u.after = lost;
            u.waived = Some("leaves".to_owned());
        }),
    );
    one("UsersWouldGainSignIn", Warning, false, &["u@x.example (not assigned"], foreseen(|u| u.today = lost));
    one(
        "UsersWouldNotBeSynced",
        Warning,
        false,
        &["u@x.example (not assigned"],
        foreseen(|u| {
            (u.synced, u.class) = (lost, Class::Missing);
        }),
    );
    one("UsersWouldBeDisabled", Critical, false, &["u@x.example"], foreseen(|u| u.disabled = true));
    assert_eq!(
        foreseen(|u| (u.disabled, u.waived) = (true, Some("leaves".to_owned()))),
        [],
        "a person has said so of this user"
    );
    one("UsersNotFoundInEntra", Critical, true, &["u@x.example"], foreseen(|u| u.not_found = true));
    one("AnotherAccountCouldSignIn", Critical, true, &["u@x.example"], foreseen(|u| u.lets_another_in = true));
    one(
        "UsersShareEntraUser",
        Critical,
        true,
        &["u@x.example"],
        foreseen(|u| {
            u.synced = Answer::No(Cause::SharedEntraUser);
        }),
    );
    one(
        "MatchingUnknown",
        Warning,
        false,
        &["u@x.example"],
        foreseen(|u| {
            (u.after, u.entra_users) = (Answer::DependsOnMatching, vec![Uuid::nil()]);
        }),
    );
}

#[test]
fn the_break_glass_user_must_be_out_of_the_scope_of_provisioning() {
    let emergency = |change: fn(&mut UserForecast)| {
        let mut users = forecast(|_| {});
        change(&mut users[0]);
        findings(&spec(json!({})), &clean(), &Waivers::default(), Some(&users))
    };
    one("BreakGlassUserUnfit", Critical, false, &["scope of provisioning"], emergency(|u| u.in_scope = true));
    one(
        "BreakGlassUserSignsInByEntra",
        Warning,
        false,
        &["Devolutions Account"],
        emergency(|u| {
            (u.today, u.after, u.not_found) = (Answer::Yes, Answer::Yes, false);
        }),
    );
}

#[test]
fn what_else_could_let_people_in_or_leave_them_out() {
    let not_required = json!({"application": {"assignmentRequired": "NotRequired"}});
    one("OpenToEverybody", Critical, true, &["guests included"], found(not_required.clone(), |_| {}));
    assert_eq!(
        found(not_required, |seen| {
            seen.current.as_mut().unwrap().principal.app_role_assignment_required = false;
        }),
        []
    );
    one(
        "PoliciesNotChecked",
        Critical,
        true,
        &["home realm"],
        found(json!({}), |seen| {
            seen.current.as_mut().unwrap().policies = None;
        }),
    );
    one("PoliciesNotChecked", Critical, true, &["client secrets"], found(json!({}), |seen| seen.secret_policy = None));
    one(
        "TenantNotTold",
        Critical,
        true,
        &["organizations"],
        found(json!({}), |seen| {
            let url = "https://login.microsoftonline.com/organizations/v2.0/.well-known/openid-configuration";
            seen.sso.as_mut().unwrap().discovery_url = Some(url.to_owned());
        }),
    );
    one(
        "HiddenMembership",
        Critical,
        true,
        &["Member.Read.Hidden"],
        about(AssignedGroup { hides_members: true, ..staff() }),
    );
    one("AssignedGroupGone", Warning, false, &["Staff"], about(AssignedGroup { is_gone: true, ..staff() }));
    one(
        "NobodyAssigned",
        Critical,
        false,
        &[],
        found(json!({}), |seen| {
            seen.current.as_mut().unwrap().assignments.clear();
        }),
    );
    one(
        "DomainsNotChecked",
        Critical,
        true,
        &["contoso.example (1 user)"],
        found(json!({}), |seen| seen.domains = None),
    );
    let waiver = json!([{"emailDomain": "contoso.exmaple", "reason": "misspelt"}]);
    let spec = spec(json!({"verification": {"waivers": waiver}}));
    let waivers = Waivers::in_force(&spec.verification.waivers, k8s_openapi::jiff::Timestamp::UNIX_EPOCH);
    one("WaiverOfNobody", Warning, false, &["contoso.exmaple"], findings(&spec, &clean(), &waivers, None));
}
