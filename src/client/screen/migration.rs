//! A migration on the screen.

use std::fmt::Write as _;

use super::steps::Steps;
use super::{Screen, act, brief};
use crate::api::{Finding, MigrationStepName, SsoMigration};
use crate::client::style::{paint, paragraph, two_lines, wrap};
use crate::client::subject::Subject as _;
use crate::client::{advice, forecast};
use crate::plan::preflight::is_open;

/// The steps in order, whether begun or not.
const STEPS: [MigrationStepName; 1] = [MigrationStepName::Preflight];

pub(super) fn draw(screen: &Screen<'_>, object: &SsoMigration) -> String {
    let advice = advice::migration::of(object);
    let colour = advice::colour(object, &advice);
    let mut text = screen.title("SsoMigration", object, object.reason(), colour);
    let steps = Steps {
        names: STEPS.to_vec(),
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
        if !forecast::has_looked(object) && status.forecast.is_some() {
            text.push_str("  At the last look:\n");
        }
        text.push_str(&findings(&status.findings));
        text.push_str(&status.forecast.as_ref().map(forecast::numbers).unwrap_or_default());
    }
    act(&mut text, &advice);
    text
}

/// From what to what, as found or else as asked for.
fn applications(object: &SsoMigration) -> String {
    let found = object.status.as_ref().and_then(|s| s.current_application.as_ref());
    let asked = object.spec.current_application.as_ref();
    let from = match (found, asked) {
        (Some(found), _) if !found.display_name.is_empty() => format!("\"{}\"", found.display_name),
        (Some(found), _) => found.app_id.clone(),
        (None, Some(asked)) => asked.app_id.clone(),
        (None, None) => "the current application".to_owned(),
    };
    format!("{from} → new application \"{}\"", object.spec.application.display_name)
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
    if !rest.is_empty() {
        let also = if open.is_empty() { "" } else { "and " };
        let _ = writeln!(text, "{}", wrap("    ", &format!("{also}{}", forecast::finding::counted(&rest))));
    }
    text
}
