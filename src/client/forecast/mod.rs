//! What a migration will mean, in full, and how it reads.
//!
//! - here: the whole of it
//! - `finding`: what was found before anything is done
//! - `user`: what will become of the users

pub mod finding;
mod user;

use std::fmt::Write as _;

use kube::ResourceExt as _;
use serde_json::Value;

use super::style::{STRONG, field, paint, wrap};
use super::subject::Subject as _;
use super::{Stop, advice, cluster::Cluster};
use crate::api::{AssignmentRequirement, ForecastSummary, MigrationMode, REQUESTED_AT, ReportReference, SsoMigration};
use crate::error::{Class, Failure};
use crate::plan::forecast::summary;
use crate::plan::preflight::{Principal, Report};
use crate::plan::{PlanHash, count};
use crate::store::Archive;

/// How many of those who would be assigned are named; the rest is counted.
const ASSIGNED_SHOWN: usize = 12;

/// Whether what is foreseen is still to come: after the cut-over it is of the past, unless the old application is back.
pub fn is_ahead(object: &SsoMigration) -> bool {
    let cutover = object.status.as_ref().and_then(|s| s.cutover.as_ref());
    object.spec.mode != MigrationMode::Rollback && cutover.is_none_or(|cutover| !cutover.returned.is_empty())
}

/// Whether the state comes of a look, so that what the status says of users and findings is the present.
pub fn has_looked(object: &SsoMigration) -> bool {
    matches!(object.reason(), "Planned" | "PreflightFailed")
}

/// Where the present report is kept.
pub fn present(object: &SsoMigration) -> Option<&ReportReference> {
    object.status.as_ref()?.report.as_ref()
}

/// Reads the report that the Secret `name` holds, as it is stored.
pub async fn read(cluster: &Cluster, object: &SsoMigration, report: &ReportReference) -> Result<Value, Stop> {
    let name = &report.secret_name;
    let read = Archive::new(&cluster.client, object).load(name).await;
    let stored: Value = read.map_err(|failure: Failure| match (failure.class, failure.reason) {
        (_, "DocumentMissing" | "DocumentUnreadable") => Stop::failed(format!(
            "Secret {name} should hold the forecast of SsoMigration \"{}\" and is missing in part, or damaged. Nothing rests on it: delete what is left of it, and the operator writes it anew at its next look, or at once when the annotation {REQUESTED_AT} gets a new value.",
            object.name_any(),
        )),
        (Class::Denied, _) => Stop::failed(format!(
            "{}. What there is to know without the names of users: {}",
            failure.message.trim_end_matches('.'),
            advice::ours(object, "status")
        )),
        _ => failure.into(),
    })?;
    if PlanHash::of(&stored).as_str() != report.digest {
        return Err(Stop::failed(format!(
            "Secret {name} does not hold the report as the operator wrote it: it was just replaced, or somebody changed it. Try again; if that lasts, delete the Secret, and the operator writes it anew at its next look."
        )));
    }
    Ok(stored)
}

/// A stored report, to be shown.
pub fn parse(stored: Value, name: &str) -> Result<Report, Stop> {
    serde_json::from_value(stored).map_err(|e| {
        Stop::failed(format!(
            "Secret {name} holds no forecast that this version can show ({e}). Use the command line of the operator's version; -o json prints it as it is stored."
        ))
    })
}

/// All of it, for people.
pub fn text(object: &SsoMigration, report: &Report) -> String {
    let findings = finding::list(&report.findings);
    let heading = heading(object, Some(report));
    format!("{heading}{findings}{}{}", assigned(&report.assignments), users(report))
}

/// What there is to show without a forecast.
pub fn without(object: &SsoMigration) -> String {
    let findings = object.status.as_ref().map(|s| s.findings.as_slice()).unwrap_or_default();
    if findings.is_empty() { String::new() } else { format!("{}{}", heading(object, None), finding::list(findings)) }
}

/// What the migration is and how far it is; without a report, what spec and status say of it.
fn heading(object: &SsoMigration, report: Option<&Report>) -> String {
    let title = format!("Forecast of {} in namespace {}", object.name_any(), object.namespace().unwrap_or_default());
    let mut text = format!("{}\n", paint(STRONG, &title));
    let mut line = |name: &str, value: &str| text.push_str(&field(name, value));
    let what = match object.spec.mode {
        MigrationMode::Plan => "this is a preview, and nothing is written",
        MigrationMode::Apply | MigrationMode::Rollback => "this is what it means for the users",
    };
    line("What", &format!("single sign-on moves to a new enterprise application; {what}"));
    if let Some(report) = report {
        line("Tenant", &report.tenant);
        line("Entra ID", &format!("tenant {}", report.entra_tenant));
    }
    let found = object.status.as_ref().and_then(|s| s.current_application.as_ref());
    let current = match report {
        Some(report) => report.current_application.clone(),
        None => found.map(|a| (a.display_name.clone(), a.app_id.clone())),
    };
    line("Current", &current.map_or("not known".to_owned(), |(name, id)| format!("\"{name}\" ({id})")));
    line("New", &format!("\"{}\"", report.map_or(&object.spec.application.display_name, |r| &r.application)));
    let is_required = match (report, object.spec.application.assignment_required) {
        (Some(report), _) => Some(report.assignment_required),
        (None, AssignmentRequirement::FromCurrentApplication) => found.map(|a| a.assignment_required),
        (None, asked) => Some(asked == AssignmentRequirement::Required),
    };
    line(
        "Open to",
        match is_required {
            Some(true) => "those who are assigned to the new application, and nobody else",
            Some(false) => "everybody in the Entra tenant, assigned or not",
            None => "whom the current application is open to",
        },
    );
    line("State", &format!("{}: {}", object.reason(), object.summary()));
    if !object.is_observed() {
        line("", "The operator has not looked at the last change yet: what follows is of before.");
    } else if !has_looked(object) {
        line("", "What follows is what it saw at the last look.");
    }
    text
}

/// Who can sign in and who will be synced, in a line each.
pub fn numbers(forecast: &ForecastSummary) -> String {
    let (sign_in, sync) = (&forecast.sign_in, &forecast.synchronization);
    let joining = if sign_in.once_joined == 0 {
        String::new()
    } else {
        format!(", {} once they have joined", sign_in.once_joined)
    };
    let signing_in = format!(
        "{} today → {} after; {} lost, {} waived, {} gained, {} depending on matching{joining}",
        sign_in.today, sign_in.after, sign_in.lost, sign_in.waived, sign_in.gained, sign_in.depends_on_matching
    );
    let synced = format!(
        "{}; {} missing, {} not applicable, {} waived, {} to be disabled",
        sync.synced, sync.missing, sync.not_applicable, sync.waived, sync.disabled
    );
    format!("{}{}", field("Sign in", &signing_in), field("Synced", &synced))
}

/// Who would be assigned to the new application.
fn assigned(principals: &[Principal]) -> String {
    let (groups, users) = by_kind(principals);
    let mut text = format!("\n{}\n", paint(STRONG, &format!("To be assigned: {}", size(principals))));
    for (name, principals) in [("Groups", groups), ("Users", users)] {
        if principals.is_empty() {
            continue;
        }
        let mut names: Vec<String> =
            principals.iter().take(ASSIGNED_SHOWN).map(|p| format!("\"{}\"", p.name)).collect();
        if let Some(rest) = principals.len().checked_sub(ASSIGNED_SHOWN).filter(|rest| *rest > 0) {
            names.push(format!("and {rest} more (-o json has all)"));
        }
        text.push_str(&field(name, &names.join(", ")));
    }
    text
}

/// Groups and users.
fn by_kind(principals: &[Principal]) -> (Vec<&Principal>, Vec<&Principal>) {
    principals.iter().partition(|principal| principal.kind == "Group")
}

/// `3 groups and 14 users`.
pub fn size(principals: &[Principal]) -> String {
    let (groups, users) = by_kind(principals);
    format!("{} and {}", count(groups.len(), "group"), count(users.len(), "user"))
}

/// The outlook in numbers, then everybody for whom something is not well.
fn users(report: &Report) -> String {
    let Some(users) = &report.users else {
        let said = "Too little is known to say what will become of the users.";
        return format!("\n{}\n", wrap("", said));
    };
    // Counted here, so that the numbers are those of the names below, even if the status is of a moment before.
    let numbers = numbers(&summary(users));
    let title = format!("Outlook for {} of Devolutions Cloud", count(users.len(), "user"));
    let mut text = String::new();
    let _ = write!(text, "\n{}\n{numbers}{}", paint(STRONG, &title), user::sections(users));
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::client::example;

    #[test]
    fn a_forecast_reads_well() {
        let (migration, report) = example::preflight_failed();
        example::check("plan.txt", &text(&migration, &report));
    }

    #[test]
    fn after_the_cut_over_the_forecast_is_of_the_past() {
        let is_ahead = |mode: &str, cutover: Value| {
            super::is_ahead(&example::migration(&json!({"mode": mode, "reason": "Any", "cutover": cutover})))
        };
        let saved = |returned: &str| json!({"savedAt": "2026-11-25T10:00:00Z", "evidence": "Configured", "wayBack": true, "returned": returned});
        assert!(is_ahead("Plan", Value::Null) && is_ahead("Apply", Value::Null));
        assert!(!is_ahead("Rollback", Value::Null) && !is_ahead("Apply", saved("")));
        assert!(is_ahead("Apply", saved("Nobody could sign in.")), "there is another try to come");
    }

    #[test]
    fn a_stored_report_is_read_again() {
        let (_, report) = example::preflight_failed();
        let stored = serde_json::to_value(&report).unwrap();
        assert_eq!(parse(stored, "ssom-contoso-forecast").unwrap(), report);
        let stop = parse(json!({}), "ssom-contoso-forecast").unwrap_err();
        assert!(stop.message.contains("ssom-contoso-forecast") && stop.message.contains("-o json"), "{}", stop.message);
    }

    #[test]
    fn without_a_forecast_the_findings_are_shown() {
        let finding = json!({
            "reason": "CurrentApplicationUnknown", "severity": "Critical", "acknowledgement": "NotApplicable",
            "message": "This server does not tell by which application people sign in now.",
        });
        let message = "1 finding to be resolved: CurrentApplicationUnknown. Too little is known.";
        let migration = example::migration(&json!({
            "reason": "PreflightFailed", "message": message, "summary": "1 finding to be resolved", "findings": [finding],
        }));
        let shown = without(&migration);
        assert!(shown.contains("This server does not tell") && shown.contains("not known"), "{shown}");
        assert!(shown.contains("whom the current application is open to"), "{shown}");

        let unseen = example::migration(&json!({"reason": "EntraNotConfigured", "message": "Add it."}));
        assert_eq!(without(&unseen), "");
    }
}
