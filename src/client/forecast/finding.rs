//! What was found before anything is done, and how it reads.

use anstyle::Style;

use crate::api::{Acknowledgement, Finding, Severity};
use crate::client::style::{BAD, GOOD, STRONG, WAITS, hanging, paint, plain, wrap};
use crate::plan::{count, preflight::is_open};

/// The mark of a finding, and its style.
pub fn mark(finding: &Finding) -> (&'static str, Style) {
    match (finding.severity, finding.acknowledgement) {
        (_, Acknowledgement::Given) => ("✓", GOOD),
        (Severity::Critical, _) => ("✗", BAD),
        (Severity::Warning, _) => ("!", WAITS),
    }
}

/// `1 accepted, 3 to be known`.
pub fn counted<'a>(findings: impl IntoIterator<Item = &'a &'a Finding>) -> String {
    let (mut open, mut accepted, mut known) = (0, 0, 0);
    for finding in findings {
        match (is_open(finding), finding.acknowledgement) {
            (true, _) => open += 1,
            (false, Acknowledgement::Given) => accepted += 1,
            (false, _) => known += 1,
        }
    }
    let parts = [(open, "to be resolved"), (accepted, "accepted"), (known, "to be known")];
    let parts: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    parts.join(", ")
}

/// All of them, the gravest first, and what was accepted after what was not.
pub fn list(findings: &[Finding]) -> String {
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|f| (f.severity, f.acknowledgement == Acknowledgement::Given));
    let title = if sorted.is_empty() {
        "Nothing was found that could get in the way".to_owned()
    } else {
        format!("{}: {}", count(sorted.len(), "finding"), counted(&sorted))
    };
    let entries: String = sorted.into_iter().map(entry).collect();
    format!("\n{}\n{entries}", paint(STRONG, &title))
}

/// One of them in full.
pub fn entry(finding: &Finding) -> String {
    let (sign, style) = mark(finding);
    let state = match finding.acknowledgement {
        Acknowledgement::Given => " (accepted)",
        Acknowledgement::Possible => " (can be accepted)",
        Acknowledgement::NotApplicable => "",
    };
    let name = plain(&finding.reason);
    let first = hanging(&format!("  {sign} "), &format!("{name}{state}"));
    // Coloured only now, since colours would count for the line breaks.
    let first = first.replacen(sign, &paint(style, sign), 1).replacen(&name, &paint(STRONG, &name), 1);
    format!("{first}\n{}\n", wrap("      ", &finding.message))
}
