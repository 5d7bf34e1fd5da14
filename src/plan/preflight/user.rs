//! What the forecast says, and the user who still gets in when single sign-on fails.

use super::{Observed, acceptable, critical, warning};
use crate::api::{AssignmentRequirement, Finding, SsoMigrationSpec};
use crate::plan::forecast::{Answer, Cause, Class, UserForecast, Waivers};
use crate::plan::{count, name_some, provisioning};

pub(super) fn check(
    spec: &SsoMigrationSpec,
    seen: &Observed,
    waivers: &Waivers,
    forecast: Option<&[UserForecast]>,
) -> Vec<Finding> {
    let mut findings: Vec<Finding> = forecast.map(|forecast| outlook(spec, forecast)).unwrap_or_default();
    findings.extend(open_to_everybody(spec, seen));
    findings.extend(break_glass(spec, seen, forecast));
    findings.extend(canary(spec, seen, forecast));
    let idle = waivers.of_nobody(&seen.users);
    if !idle.is_empty() {
        findings.push(warning("WaiverOfNobody", format!(
            "verification.waivers names {}, which no user of Devolutions Cloud has. Is it misspelt? A domain is meant without what is below it.",
            name_some(idle)
        )));
    }
    findings
}

/// What is said of some users: a finding's reason, whom it is about, what is added to each name, and the words around how
/// many they are and who.
struct About {
    reason: &'static str,
    finding: fn(&str, String) -> Finding,
    fits: fn(&UserForecast) -> bool,
    why: fn(&UserForecast) -> Option<Answer>,
    says: &'static str,
    advice: &'static str,
}

const ABOUT: [About; 9] = [
    About {
        reason: "UsersWouldLoseSignIn",
        finding: critical,
        fits: UserForecast::loses,
        why: |user| Some(user.after),
        says: "can sign in today and could not by the new application",
        advice: "Mend each cause, or waive them by name in verification.waivers.",
    },
    About {
        reason: "AnotherAccountCouldSignIn",
        finding: acceptable,
        fits: |user| user.lets_another_in,
        why: |_| None,
        says: "of Devolutions Cloud could be signed in to by an Entra account that cannot sign in today and has the same address as another",
        advice: "Give each Entra account an address of its own.",
    },
    About {
        reason: "UsersShareEntraUser",
        finding: acceptable,
        fits: |user| user.synced == Answer::No(Cause::SharedEntraUser),
        why: |_| None,
        says: "of Devolutions Cloud with an Entra user that fits another of them, too, and only one can be signed in to by it",
        advice: "Give each of them the address of an Entra user of its own.",
    },
    About {
        reason: "UsersNotFoundInEntra",
        finding: acceptable,
        fits: |user| user.not_found && user.waived.is_none(),
        why: |_| None,
        says: "of a verified e-mail domain without an Entra user of that address, of whom nothing can be said",
        advice: "Whoever signs in with a Devolutions Account is not concerned; whose address was changed in one place only may be signing in today. Make the addresses the same, or waive them in verification.waivers.",
    },
    About {
        reason: "UsersWouldBeDisabled",
        finding: critical,
        fits: |user| user.disabled && user.waived.is_none(),
        why: |_| None,
        says: "would be disabled in Devolutions Cloud by provisioning, being disabled in Entra ID",
        advice: "Enable the accounts, take them out of the assigned groups if they work with a Devolutions Account, or waive them by name in verification.waivers.",
    },
    About {
        reason: "LossesWaived",
        finding: warning,
        fits: |user| user.today.is_yes() && !user.after.is_yes() && user.waived.is_some(),
        why: |user| Some(user.after),
        says: "can sign in today and could not by the new application, which verification.waivers accepts",
        advice: "Is that still so?",
    },
    About {
        reason: "UsersWouldGainSignIn",
        finding: warning,
        fits: UserForecast::gains,
        why: |user| Some(user.today),
        says: "cannot sign in today and could by the new application",
        advice: "Is that meant?",
    },
    About {
        reason: "UsersWouldNotBeSynced",
        finding: warning,
        fits: |user| user.class == Class::Missing,
        why: |user| Some(user.synced),
        says: "would not be flagged as synced, which the migration waits for at its end",
        advice: "Mend each cause, or waive them in verification.waivers.",
    },
    About {
        reason: "MatchingUnknown",
        finding: warning,
        fits: |user| {
            let depends = |answer| answer == Answer::DependsOnMatching;
            user.entra_users.len() == 1 && (depends(user.after) || depends(user.synced))
        },
        why: |_| None,
        says: "with an e-mail address in Devolutions Cloud that is the user principal name or the mail address in Entra ID, but not both, and no public source tells which one is matched",
        advice: "Make both the same to be sure.",
    },
];

/// Whether a finding is about what provisioning could do to somebody.
pub(super) fn is_of_provisioning(finding: &Finding) -> bool {
    ["AnotherAccountCouldSignIn", "UsersShareEntraUser", "UsersWouldBeDisabled"].contains(&finding.reason.as_str())
}

/// The account for emergencies must never be touched by provisioning.
pub(super) fn break_glass_in_scope(spec: &SsoMigrationSpec, forecast: &[UserForecast]) -> Option<Finding> {
    let user = &spec.break_glass.as_ref()?.user;
    let is_it = |one: &&UserForecast| one.label.eq_ignore_ascii_case(user.trim());
    forecast.iter().find(is_it).filter(|one| one.in_scope).map(|_| {
        critical("BreakGlassInScope", format!(
            "{user} is the account for emergencies and is assigned to the new application, so provisioning would manage it. Take it out of the assigned groups, or name another account in spec.breakGlass."
        ))
    })
}

pub(super) fn outlook(spec: &SsoMigrationSpec, forecast: &[UserForecast]) -> Vec<Finding> {
    let break_glass = spec.break_glass.as_ref().map(|b| b.user.trim().to_lowercase()).unwrap_or_default();
    let finding = |about: &About| {
        // Whoever is to get in otherwise is not missed.
        let missed = |user: &&UserForecast| !(user.not_found && user.label.to_lowercase() == break_glass);
        let names: Vec<String> = forecast
            .iter()
            .filter(|user| (about.fits)(user))
            .filter(missed)
            .map(|user| match (about.why)(user) {
                Some(Answer::No(cause)) => format!("{} ({})", user.label, cause.meaning()),
                _ => user.label.clone(),
            })
            .collect();
        let who = name_some(names.iter().map(String::as_str));
        let text = format!("{} {}: {who}. {}", count(names.len(), "user"), about.says, about.advice);
        (!names.is_empty()).then(|| (about.finding)(about.reason, text))
    };
    ABOUT.iter().filter_map(finding).collect()
}

/// The user who is to come across first must be able to.
fn canary(spec: &SsoMigrationSpec, seen: &Observed, forecast: Option<&[UserForecast]>) -> Option<Finding> {
    let email = &spec.provisioning.as_ref()?.canary.user;
    // Once it has come across it is only one of all.
    let forecast = forecast.filter(|_| seen.provisioned.is_none())?;
    let refusal = provisioning::canary(email, &seen.users, forecast).err()?;
    Some(critical(refusal.reason, refusal.message))
}

/// Whoever is in the tenant could sign in, known to Devolutions Cloud or not.
fn open_to_everybody(spec: &SsoMigrationSpec, seen: &Observed) -> Option<Finding> {
    let today = seen.current.as_ref()?.principal.app_role_assignment_required;
    let opens = today && spec.application.assignment_required == AssignmentRequirement::NotRequired;
    opens.then(|| acceptable("OpenToEverybody", "The current application lets in only those who are assigned, and the new one would let in every account of the tenant, guests included. Set application.assignmentRequired to FromCurrentApplication or Required."))
}

fn break_glass(spec: &SsoMigrationSpec, seen: &Observed, forecast: Option<&[UserForecast]>) -> Option<Finding> {
    let Some(wanted) = &spec.break_glass else {
        return Some(acceptable(
            "NoBreakGlassUser",
            "spec.breakGlass names no user who still gets in when single sign-on fails. Name an administrator with a Devolutions Account.",
        ));
    };
    let name = &wanted.user;
    let user = seen.users.iter().find(|u| u.address() == name.trim().to_lowercase());
    let forecast = forecast.and_then(|all| all.iter().find(|f| user.is_some_and(|u| u.id == f.id)));
    let wrong = match user {
        None => "is not a user of Devolutions Cloud",
        Some(user) if user.is_application() => "is an application identity",
        Some(user) if !user.is_enabled => "is disabled in Devolutions Cloud",
        Some(user) if !user.is_administrator => "is not an administrator of Devolutions Cloud, and could mend nothing",
        Some(user) if user.is_pending() => "has not joined yet",
        Some(_) if forecast.is_some_and(|f| f.in_scope) => {
            "would be in the scope of provisioning, which could disable it"
        }
        Some(_) if forecast.is_some_and(|f| f.today.is_yes()) => {
            return Some(warning(
                "BreakGlassUserSignsInByEntra",
                format!(
                    "breakGlass.user \"{name}\" can sign in by the current application today. See that it has a Devolutions Account, too, or it gets in no more than anybody else when single sign-on fails."
                ),
            ));
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
