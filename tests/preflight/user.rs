//! What becomes of the users, and who gets in when all fails.

use crate::stage::*;
use Severity::{Critical, Warning};
use operator::api::Severity;
use operator::devolutions::User;
use operator::plan::forecast::{Answer, Cause, Class, UserForecast, Waivers};
use operator::plan::preflight::{AssignedGroup, findings};
use serde_json::json;
use uuid::Uuid;

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
