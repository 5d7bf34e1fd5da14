//! A migration on the screen.

use std::fmt::Write as _;

use super::steps::Steps;
use super::{Screen, act, brief};
use crate::api::MigrationStepName::{
    Application, Assignments, Cutover, Preflight, Provisioning, Replacements, Retirement, Rollback, Start,
    Synchronization, Verification,
};
use crate::api::{
    CutoverOrder, Evidence, Finding, MadeApplication, MigrationMode, MigrationStepName, ObservedCutover, SsoMigration,
    SsoMigrationStatus, StepState, VerificationSummary,
};
use crate::client::style::{field, paint, paragraph, two_lines, wrap};
use crate::client::subject::Subject as _;
use crate::client::{advice, forecast};
use crate::plan::{count, preflight::is_open};

pub(super) fn draw(screen: &Screen<'_>, object: &SsoMigration) -> String {
    let advice = advice::migration::of(object);
    let colour = advice::colour(object, &advice);
    let mut text = screen.title("SsoMigration", object, object.reason(), colour);
    let steps = Steps {
        names: steps_of(object),
        begun: object.status.as_ref().map(|s| s.steps.as_slice()).unwrap_or_default(),
        now: screen.now,
    };
    if screen.migrations.len() > 1 {
        text.push_str(&brief(object, &applications(object), &steps, &advice));
        return text;
    }
    let what = format!("{}, mode {:?}", applications(object), object.spec.mode);
    let _ = writeln!(text, "{}", paragraph(&what));
    let told = told(object);
    if !told.is_empty() {
        let _ = writeln!(text, "{}", paragraph(told));
    }
    text.push_str(&steps.list(told));
    if let Some(status) = &object.status {
        text.push_str(&status.application.as_ref().map(made).unwrap_or_default());
        text.push_str(&status.cutover.as_ref().map(cut_over).unwrap_or_default());
        text.push_str(&status.verification.as_ref().map(come_across).unwrap_or_default());
        if forecast::is_ahead(object) {
            text.push_str(&foreseen(object, status));
        }
    }
    act(&mut text, &advice);
    text
}

/// The steps of the mode in order, whether begun or not.
fn steps_of(object: &SsoMigration) -> Vec<MigrationStepName> {
    let status = object.status.as_ref();
    let state = |name| status.and_then(|s| s.steps.iter().find(|step| step.name == name)).map(|step| step.state);
    match object.spec.mode {
        MigrationMode::Plan => vec![Preflight],
        MigrationMode::Apply => {
            // Whether a person is asked depends on the connection too, so only the operator can tell.
            let is_asked = state(Start).is_some_and(|state| state != StepState::Skipped);
            let is_returned =
                status.and_then(|s| s.cutover.as_ref()).is_some_and(|cutover| !cutover.returned.is_empty());
            // Once done it speaks of now only where the operator went back by itself.
            let returns = state(Rollback).is_some_and(|state| is_returned || state != StepState::Completed);
            let across = [Provisioning, Synchronization, Verification].into_iter();
            let across = across.filter(|_| object.spec.provisioning.is_some());
            let is_first = object.spec.cutover.when == CutoverOrder::AfterVerification;
            let (before, after): (Vec<_>, Vec<_>) = across.partition(|_| is_first);
            let replacements = object.spec.group_replacements.as_ref().map(|_| Replacements);
            let retirement = object.spec.retirement.as_ref().map(|_| Retirement);
            [Preflight, Start, Application, Assignments]
                .into_iter()
                .chain(before)
                .chain([Cutover])
                .chain(after)
                .chain(replacements)
                .chain(retirement)
                .chain([Rollback])
                .filter(|name| (is_asked || *name != Start) && (returns || *name != Rollback))
                .collect()
        }
        MigrationMode::Rollback => vec![Rollback],
    }
}

/// From what to what, as found or else as asked for.
fn applications(object: &SsoMigration) -> String {
    let status = object.status.as_ref();
    let named = |name: &str, id: &str| if name.is_empty() { id.to_owned() } else { format!("\"{name}\"") };
    let found = status.and_then(|s| s.current_application.as_ref()).map(|a| named(&a.display_name, &a.app_id));
    let asked = || object.spec.current_application.as_ref().map(|a| a.app_id.clone());
    let from = found.or_else(asked).unwrap_or_else(|| "the current application".to_owned());
    let application = &object.spec.application;
    let made = status.and_then(|s| s.application.as_ref()).map(|a| named(&a.display_name, &a.app_id));
    let to = made.unwrap_or_else(|| match &application.existing {
        Some(existing) => existing.app_id.clone(),
        None => format!("\"{}\"", application.display_name),
    });
    format!("{from} → new application {to}")
}

/// The new application.
fn made(application: &MadeApplication) -> String {
    let secret = match &application.client_secret {
        Some(secret) => format!("its client secret expires on {}", secret.expires_at.0.strftime("%F")),
        None => "it has no client secret yet".to_owned(),
    };
    let text = format!("\"{}\", client id {}; {secret}", application.display_name, application.app_id);
    field("New", &text)
}

/// The cut-over, and what proves that it works.
fn cut_over(cutover: &ObservedCutover) -> String {
    let at = cutover.saved_at.0;
    if !cutover.returned.is_empty() {
        return field("Cut over", &format!("at {at}, and people sign in by the old application again since"));
    }
    let evidence = match cutover.evidence {
        Evidence::Attested => "Devolutions Cloud took the new application, and does not show it",
        Evidence::Configured => "Devolutions Cloud shows the new application",
        Evidence::CredentialsProven => "the new client secret gets tokens",
        Evidence::SignInSeen => "people sign in by the new application",
    };
    let seen = match &cutover.sign_ins {
        Some(seen) => format!("{} went well, {} failed", count(seen.succeeded as usize, "sign-in"), seen.failed),
        None => "sign-ins cannot be seen".to_owned(),
    };
    let back = if cutover.way_back { "there is a way back" } else { "there is no way back" };
    field("Cut over", &format!("at {at}: {evidence}; {seen}; {back}"))
}

/// Who came across.
fn come_across(seen: &VerificationSummary) -> String {
    let let_off = match (seen.not_applicable, seen.waived) {
        (0, 0) => String::new(),
        (others, 0) => format!("; {others} need not be"),
        (others, waived) => format!("; {others} need not be, {waived} waived"),
    };
    let expected = count(seen.expected as usize, "user");
    field("Synced", &format!("{} of {expected}, {} missing{let_off}", seen.synced, seen.missing))
}

/// What was found before the cut-over, and what will become of the users.
fn foreseen(object: &SsoMigration, status: &SsoMigrationStatus) -> String {
    let before = if !forecast::has_looked(object) && status.forecast.is_some() { "  At the last look:\n" } else { "" };
    let numbers = status.forecast.as_ref().map(forecast::numbers).unwrap_or_default();
    format!("{before}{}{numbers}", findings(&status.findings))
}

/// The state in full. After a look the findings and the numbers follow on lines of their own, so a sentence suffices.
fn told(object: &SsoMigration) -> &str {
    let told = object.told();
    if !forecast::has_looked(object) {
        return told;
    }
    told.split_once(". ").map_or(told, |(sentence, _)| sentence)
}

/// What holds it up, each in a line or two; the rest is counted.
fn findings(findings: &[Finding]) -> String {
    let (open, rest): (Vec<&Finding>, Vec<&Finding>) = findings.iter().partition(|finding| is_open(finding));
    let mut text = String::new();
    for finding in &open {
        let (sign, style) = forecast::finding::mark(finding);
        let said = two_lines(&format!("    {sign} "), &format!("{}: {}", finding.reason, finding.message));
        let _ = writeln!(text, "{}", said.replacen(sign, &paint(style, sign), 1));
    }
    let counted = forecast::finding::counted(&rest);
    match (rest.is_empty(), open.is_empty()) {
        (true, _) => {}
        (false, true) => text.push_str(&field("Findings", &counted)),
        (false, false) => {
            let _ = writeln!(text, "{}", wrap("    ", &format!("and {counted}")));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::client::example;

    #[test]
    fn every_step_that_is_asked_for_is_shown_in_its_order() {
        let mut migration = example::cutover::waiting();
        let shown = |migration: &SsoMigration| steps_of(migration);
        let before = shown(&migration);
        migration.spec.provisioning = serde_json::from_value(json!({"canary": {"user": "c@x.example"}})).unwrap();
        let pair = json!({"from": {"name": "A"}, "to": {"displayName": "B"}});
        let mapping = json!({"create": "FromMapping", "mapping": [pair]});
        migration.spec.group_replacements = serde_json::from_value(mapping).unwrap();
        migration.spec.retirement = serde_json::from_value(json!({"policy": "Retain"})).unwrap();
        let more = [Provisioning, Synchronization, Verification, Replacements, Retirement];
        assert_eq!(shown(&migration), [&before[..], &more].concat());
        migration.spec.cutover.when = CutoverOrder::AfterVerification;
        let ends = [Verification, Cutover, Replacements, Retirement];
        assert!(shown(&migration).ends_with(&ends), "{:?}", shown(&migration));
    }
}
