//! What a look comes to, in the words of a status.

use crate::api::{Finding, SsoMigrationStatus};
use crate::controller::state::truncated_to;
use crate::plan::preflight::{is_open, more_findings};
use crate::plan::{count, name_some};

/// More findings than these are only in the Secret, and a longer message too: a status is small.
const FINDINGS_SHOWN: usize = 20;
const FINDING_BYTES: usize = 768;

/// What holds it up, in a sentence without its stop; and what the gravest of it says.
pub(super) fn open(findings: &[Finding]) -> (String, Option<&str>) {
    let open: Vec<&Finding> = findings.iter().filter(|f| is_open(f)).collect();
    let reasons = name_some(open.iter().map(|f| f.reason.as_str()));
    let held = format!("{} to be resolved: {reasons}", count(open.len(), "finding"));
    (held, open.first().map(|first| first.message.as_str()))
}

/// What fits a status.
pub(super) fn shown(findings: &[Finding]) -> Vec<Finding> {
    let cut = |f: &Finding| Finding { message: truncated_to(FINDING_BYTES, &f.message), ..f.clone() };
    let mut shown: Vec<Finding> = findings.iter().take(FINDINGS_SHOWN).map(cut).collect();
    if let Some(rest) = findings.len().checked_sub(FINDINGS_SHOWN).filter(|rest| *rest > 0) {
        shown.push(more_findings(rest));
    }
    shown
}

/// What will come of it, in a sentence without its stop.
pub(super) fn outlook(status: &SsoMigrationStatus) -> String {
    let Some(forecast) = &status.forecast else {
        return "Too little is known to say what will become of the users".to_owned();
    };
    let (sign_in, sync) = (&forecast.sign_in, &forecast.synchronization);
    let lost = match (sign_in.lost, sign_in.waived) {
        (0, 0) => "none loses it".to_owned(),
        (lost, 0) => format!("{lost} would lose it"),
        (0, waived) => format!("{waived} would lose it, which is waived"),
        (lost, waived) => format!("{lost} would lose it, and {waived} more, which is waived"),
    };
    let missing = if sync.missing == 0 { String::new() } else { format!(", {} would not", sync.missing) };
    format!(
        "{} will be able to sign in ({} can today, {lost}); {} will be synced{missing}",
        count(sign_in.after as usize, "user"),
        sign_in.today,
        sync.synced
    )
}
