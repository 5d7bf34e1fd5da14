//! Whether the work can be done at all, where it is asked for.

use super::{Observed, acceptable, critical, warning};
use crate::api::{Finding, MigrationMode, SsoMigrationSpec};

pub(super) fn check(spec: &SsoMigrationSpec, seen: &Observed) -> Vec<Finding> {
    let is_asked_for = spec.mode != MigrationMode::Plan;
    let mut findings = Vec::new();
    if seen.cannot_save {
        let finding = if is_asked_for { critical } else { warning };
        findings.push(finding(
            "SingleSignOnNotWritable",
            "This server cannot save how people sign in (operation saveSsoConfiguration of the cloud contract), so this version can only look. Use a server or bridge that can.".to_owned(),
        ));
    }
    if is_asked_for && !seen.lacking.is_empty() {
        findings.push(acceptable(
            "PermissionsToApplyNotSeen",
            format!(
                "The operator's token does not carry the application permissions of Microsoft Graph that the work takes: {}. Grant them with admin consent and wait some minutes for the next token. Where a directory role or ownership gives the same rights, or a person has done that part already, none is needed.",
                seen.lacking.join(", ")
            ),
        ));
    }
    findings
}
