//! What becomes of the users, and who gets in when all fails.

use std::collections::BTreeSet;

use crate::stage::*;
use Severity::{Critical, Warning};
use operator::api::Severity;
use operator::devolutions::{User, UserId};
use operator::plan::forecast::{Answer, Cause, Class, UserForecast, Waivers};
use operator::plan::preflight::{AssignedGroup, Principal, findings, is_open, scope_findings};
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

#[test]
fn who_is_to_come_across_first_must_be_able_to() {
    let with = |canary: &str, is_provisioned: bool, change: fn(&mut UserForecast)| {
        let mut seen = clean();
        seen.provisioned = is_provisioned.then(BTreeSet::new);
        let user = seen.users[0].clone();
        seen.users.push(User { id: UserId(Uuid::from_u128(2)), email: "u@x.example".to_owned(), ..user });
        let spec = spec(json!({"provisioning": {"canary": {"user": canary}}}));
        let all = findings(
            &spec,
            &seen,
            &Waivers::default(),
            Some(&forecast(|user| {
                user.entra_users = vec![Uuid::from_u128(2)];
                change(user);
            })),
        );
        all.into_iter().filter(|finding| finding.reason == "CanaryUnusable").collect::<Vec<_>>()
    };
    assert_eq!(with("U@X.example", false, |_| {}), []);
    one("CanaryUnusable", Critical, false, &["no user of that e-mail"], with("nobody@x.example", false, |_| {}));
    let out: fn(&mut UserForecast) = |user| user.synced = Answer::No(Cause::NotAssigned);
    one("CanaryUnusable", Critical, false, &["not assigned"], with("u@x.example", false, out));
    assert_eq!(with("u@x.example", true, out), [], "it has come across long since");
    let two: fn(&mut UserForecast) = |user| user.entra_users.push(Uuid::from_u128(9));
    one("CanaryUnusable", Critical, false, &["more than one"], with("u@x.example", false, two));
}

#[test]
fn what_must_be_resolved_before_anybody_is_brought_across() {
    let group =
        |n: u128, name: &str| Principal { kind: "Group".to_owned(), name: name.to_owned(), id: Uuid::from_u128(n) };
    let about = |name: &str| AssignedGroup { name: name.to_owned(), hides_members: true, ..AssignedGroup::default() };
    let found = |more, newcomers: &[Principal], about: &[AssignedGroup], change: fn(&mut UserForecast)| {
        let groups = [custom_group("Staff")];
        let all = scope_findings(&spec(more), newcomers, &groups, about, &forecast(change));
        all.into_iter().filter(is_open).map(|finding| finding.reason).collect::<Vec<_>>()
    };
    let none: fn(&mut UserForecast) = |_| {};
    assert_eq!(found(json!({}), &[group(4, "Sales")], &[], none), [""; 0]);
    assert_eq!(found(json!({}), &[group(4, "Staff")], &[], none), ["CustomGroupSharesName"]);
    let accepted = json!({"acknowledgements": ["CustomGroupSharesName"]});
    assert_eq!(found(accepted, &[group(4, "Staff")], &[], none), [""; 0]);
    assert_eq!(found(json!({}), &[], &[about("Secret")], none), ["HiddenMembership"]);
    assert_eq!(found(json!({}), &[], &[], |user| user.disabled = true), ["UsersWouldBeDisabled"]);
    assert_eq!(found(json!({}), &[], &[], |user| user.lets_another_in = true), ["AnotherAccountCouldSignIn"]);
    let in_scope = json!({"breakGlass": {"user": "U@x.example"}});
    assert_eq!(found(in_scope, &[], &[], none), ["BreakGlassInScope"]);
}
