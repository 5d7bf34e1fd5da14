//! What the forecast says, and the user who still gets in when single sign-on fails.

use super::{Observed, acceptable, critical, warning};
use crate::api::{Finding, SsoMigrationSpec};
use crate::plan::forecast::{Answer, Class, UserForecast};
use crate::plan::{count, name_some};

pub(super) fn check(spec: &SsoMigrationSpec, seen: &Observed, forecast: Option<&[UserForecast]>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = forecast.map(outlook).unwrap_or_default();
    findings.extend(break_glass(spec, seen, forecast));
    findings
}

fn outlook(forecast: &[UserForecast]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let named = |is: &dyn Fn(&UserForecast) -> bool, with: &dyn Fn(&UserForecast) -> Option<&'static str>| {
        let names: Vec<String> = forecast
            .iter()
            .filter(|user| is(user))
            .map(|user| with(user).map_or_else(|| user.label.clone(), |why| format!("{} ({why})", user.label)))
            .collect();
        (count(names.len(), "user"), name_some(names.iter().map(String::as_str)), names.is_empty())
    };
    let why = |answer: Answer| if let Answer::No(cause) = answer { Some(cause.meaning()) } else { None };

    let (how_many, who, nobody) = named(&UserForecast::loses, &|user| why(user.after));
    if !nobody {
        findings.push(critical("UsersWouldLoseSignIn", format!(
            "{how_many} can sign in today and could not by the new application: {who}. Mend each cause, or waive them by name in verification.waivers."
        )));
    }
    let (how_many, who, nobody) = named(&UserForecast::gains, &|user| why(user.today));
    if !nobody {
        findings.push(warning(
            "UsersWouldGainSignIn",
            format!("{how_many} cannot sign in today and could by the new application: {who}. Is that meant?"),
        ));
    }
    let (how_many, who, nobody) = named(&|user| user.disabled, &|_| None);
    if !nobody {
        findings.push(acceptable("UsersWouldBeDisabled", format!(
            "{how_many} would be disabled in Devolutions Cloud by provisioning, being disabled in Entra ID: {who}. Enable the accounts, or take them out of the assigned groups, if they still work with a Devolutions Account."
        )));
    }
    let (how_many, who, nobody) = named(&|user| user.class == Class::Missing, &|user| why(user.synced));
    if !nobody {
        findings.push(warning("UsersWouldNotBeSynced", format!(
            "{how_many} would not be flagged as synced, which the migration waits for at its end: {who}. Mend each cause, or waive them in verification.waivers."
        )));
    }
    let depends =
        |user: &UserForecast| user.after == Answer::DependsOnMatching || user.synced == Answer::DependsOnMatching;
    let (how_many, who, nobody) = named(&depends, &|_| None);
    if !nobody {
        findings.push(warning("MatchingUnknown", format!(
            "For {how_many} the e-mail address in Devolutions Cloud is the user principal name or the mail address in Entra ID, but not both, and no public source tells which one is matched: {who}. Make both the same to be sure."
        )));
    }
    findings
}

fn break_glass(spec: &SsoMigrationSpec, seen: &Observed, forecast: Option<&[UserForecast]>) -> Option<Finding> {
    let Some(wanted) = &spec.break_glass else {
        return Some(acceptable(
            "NoBreakGlassUser",
            "spec.breakGlass names no user who still gets in when single sign-on fails. Name an administrator with a Devolutions Account.",
        ));
    };
    let name = &wanted.user;
    let user = seen.users.iter().find(|u| u.email.eq_ignore_ascii_case(name));
    let forecast = forecast.and_then(|all| all.iter().find(|f| user.is_some_and(|u| u.id == f.id)));
    let wrong = match user {
        None => "is not a user of Devolutions Cloud",
        Some(user) if user.is_application() => "is an application identity",
        Some(user) if !user.is_enabled => "is disabled in Devolutions Cloud",
        Some(user) if !user.is_administrator => "is not an administrator of Devolutions Cloud, and could mend nothing",
        Some(user) if user.is_pending() => "has not joined yet",
        Some(_) if forecast.is_some_and(|f| f.synced.is_yes() || f.disabled) => {
            "would be in the scope of provisioning, which could disable it"
        }
        Some(_) => return None,
    };
    Some(critical(
        "BreakGlassUserUnfit",
        format!(
            "breakGlass.user \"{name}\" {wrong}. Name an enabled administrator who is not assigned to the new application."
        ),
    ))
}
