//! Whether the work can be done at all, where it is asked for.

use super::{Observed, acceptable, critical, warning};
use crate::api::{Finding, MigrationMode, SsoMigrationSpec};
use crate::devolutions::PROVISIONING_OPERATIONS;
use crate::plan::{Refusal, name_some};

/// Operations that provisioning takes and the server does not have.
#[must_use]
pub fn lacking_operations(operations: &[String]) -> Vec<&'static str> {
    PROVISIONING_OPERATIONS.into_iter().filter(|name| !operations.iter().any(|it| it == name)).collect()
}

/// Why a server that lacks these cannot be provisioned by us.
#[must_use]
pub fn provisioning_not_supported(lacking: &[&str]) -> Refusal {
    Refusal::new(
        "ProvisioningNotSupported",
        format!(
            "This server cannot set provisioning up: it lacks the operations {} of the cloud contract. Use a server or bridge that can, or take spec.provisioning out and set provisioning up by hand.",
            name_some(lacking.iter().copied())
        ),
    )
}

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
    if !seen.cannot_provision.is_empty() {
        let finding = if is_asked_for { critical } else { warning };
        let refusal = provisioning_not_supported(&seen.cannot_provision);
        findings.push(finding(refusal.reason, refusal.message));
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
