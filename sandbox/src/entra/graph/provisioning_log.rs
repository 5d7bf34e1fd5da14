//! The provisioning log: what was done about whom, the newest first
//! (<https://learn.microsoft.com/en-us/graph/api/provisioningobjectsummary-list>).

use axum::http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Answer;
use super::error::GraphError;
use super::kind::Item;
use super::types::PROVISIONING_OBJECT_SUMMARY;
use super::view::{Listing, View};
use crate::entra::seconds;
use crate::world::entra::ProvisioningEvent;
use crate::world::entra::synchronization::Verdict;

impl<'a> View<'a> {
    /// `/auditLogs/provisioning…`
    pub fn provisioning_log(&self, rest: &[&str]) -> Result<Answer, GraphError> {
        if !self.caller.has(&["ProvisioningLog.Read.All", "AuditLog.Read.All", "Directory.Read.All"]) {
            // In the words of the sign-in log.
            let text = "Calling principal does not have required MSGraph permissions ProvisioningLog.Read.All";
            return Err(GraphError::new(StatusCode::FORBIDDEN, "Authentication_MSGraphPermissionMissing", text));
        }
        let mut all = self.entra.provisioning_log.iter().rev().map(|it| self.provisioned(it));
        match rest {
            [] => {
                let listing = Listing::set("auditLogs/provisioning");
                self.list(&PROVISIONING_OBJECT_SUMMARY, all.collect(), &listing).map(Answer::Json)
            }
            [id] => {
                let found = all.find(|it| (it.property)("id").is_some_and(|it| it == *id));
                let found = found.ok_or_else(|| GraphError::not_found(id))?;
                self.one("auditLogs/provisioning", &found).map(Answer::Json)
            }
            _ => Err(super::no_segment(rest)),
        }
    }

    fn provisioned(&'a self, it: &'a ProvisioningEvent) -> Item<'a> {
        Item { kind: &PROVISIONING_OBJECT_SUMMARY, property: Box::new(move |name| self.property_of_event(it, name)) }
    }

    fn property_of_event(&self, it: &ProvisioningEvent, name: &str) -> Option<Value> {
        let principal = self.entra.service_principals.get(&it.principal);
        let principal_name = principal.map(|it| it.display_name.as_str()).unwrap_or_default();
        let tenant = self.entra.tenant_id;
        let system = |name: &str, details: Value| json!({"id": Uuid::new_v5(&tenant, name.as_bytes()), "displayName": name, "details": details});
        Some(match name {
            "id" => json!(it.id),
            "activityDateTime" => json!(seconds(it.at)),
            "changeId" => json!(it.change_id),
            "cycleId" => json!(it.cycle_id),
            "jobId" => json!(it.job_id),
            "tenantId" => json!(tenant),
            "durationInMilliseconds" => json!(it.millis),
            "provisioningAction" => json!(it.action),
            "initiatedBy" => {
                json!({"id": "", "displayName": "Azure AD Provisioning Service", "initiatorType": "system"})
            }
            "servicePrincipal" => json!({"id": it.principal, "displayName": principal_name}),
            "sourceSystem" => system("Azure Active Directory", json!({})),
            "targetSystem" => system(
                "customappsso",
                json!({
                    "ApplicationId": principal.map(|it| it.app_id),
                    "ServicePrincipalId": it.principal,
                    "ServicePrincipalDisplayName": principal_name,
                }),
            ),
            "sourceIdentity" => json!({
                "id": it.source.id, "displayName": it.source.display_name, "identityType": it.source.kind, "details": {},
            }),
            "targetIdentity" => json!({
                "id": it.target.id, "displayName": it.target.display_name, "identityType": it.target.kind, "details": {},
            }),
            "provisioningStatusInfo" => json!({"status": status(it), "errorInformation": errors(it)}),
            "provisioningSteps" => steps(it),
            "modifiedProperties" => modified(it),
            _ => return None,
        })
    }
}

/// `provisioningResult`.
fn status(event: &ProvisioningEvent) -> &'static str {
    match event.verdict {
        Verdict::Success => "success",
        Verdict::Skipped(..) => "skipped",
        Verdict::Failure(..) => "failure",
    }
}

/// Why something was skipped or failed.
pub fn errors(event: &ProvisioningEvent) -> Value {
    let (code, reason, category) = match &event.verdict {
        Verdict::Success => return Value::Null,
        Verdict::Skipped(code, reason) => (code, reason, "success"),
        Verdict::Failure(code, reason) => (code, reason, "nonServiceFailure"),
    };
    json!({
        "errorCode": code, "reason": reason, "additionalDetails": null, "errorCategory": category,
        "recommendedAction": null,
    })
}

/// The steps from the directory to the server. The last one is what may go wrong.
pub fn steps(event: &ProvisioningEvent) -> Value {
    let suffix = match event.action {
        "create" => "Add",
        "delete" => "Delete",
        _ => "Update",
    };
    let step = |name: &str, kind: &str, status: &str, text: String| {
        json!({
            "name": format!("{name}{suffix}"), "provisioningStepType": kind, "status": status, "description": text,
            "details": {"ReportableIdentifier": event.source.display_name},
        })
    };
    let of = &event.source.display_name;
    let mut steps = vec![step("EntryImport", "import", "success", format!("Received {suffix} of {of}."))];
    let (kind, text) = match &event.verdict {
        Verdict::Success => ("export", format!("{of} was exported.")),
        Verdict::Skipped(_, text) => ("scoping", text.clone()),
        Verdict::Failure(_, text) => ("export", text.clone()),
    };
    let name = if kind == "export" { "EntryExport" } else { "EntrySynchronization" };
    steps.push(step(name, kind, status(event), text));
    Value::Array(steps)
}

/// What was changed.
pub fn modified(event: &ProvisioningEvent) -> Value {
    let one = |(name, old, new): &(String, Option<String>, Option<String>)| json!({"displayName": name, "oldValue": old, "newValue": new});
    event.modified.iter().map(one).collect()
}
