//! The sign-in log: who tried to sign in where, the newest first
//! (<https://learn.microsoft.com/en-us/graph/api/signin-list>).

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Answer;
use super::error::GraphError;
use super::kind::Item;
use super::types::SIGN_IN;
use super::view::{Listing, View};
use crate::entra::seconds;
use crate::world::entra::{ConditionalAccessPolicy, PolicyState, SignIn};

/// Who may see which policies were about a sign-in
/// (<https://learn.microsoft.com/en-us/graph/api/resources/signin>).
const READ_POLICIES: &[&str] = &["Policy.Read.All", "Policy.Read.ConditionalAccess"];

impl<'a> View<'a> {
    /// `/auditLogs/signIns…`
    pub fn sign_ins(&self, rest: &[&str]) -> Result<Answer, GraphError> {
        if !self.caller.has(&["AuditLog.Read.All"]) {
            // This service words it in its own way.
            let text = "Calling principal does not have required MSGraph permissions AuditLog.Read.All";
            return Err(GraphError::new(StatusCode::FORBIDDEN, "Authentication_MSGraphPermissionMissing", text));
        }
        let now = Timestamp::now();
        let mut shown = self.entra.sign_ins.iter().rev().filter(|it| it.shown_at <= now).map(|it| self.sign_in(it));
        match rest {
            [] => self.list(&SIGN_IN, shown.collect(), &Listing::set("auditLogs/signIns")).map(Answer::Json),
            [id] => {
                let found = shown.find(|it| (it.property)("id").is_some_and(|it| it == *id));
                let found = found.ok_or_else(|| GraphError::not_found(id))?;
                self.one("auditLogs/signIns", &found).map(Answer::Json)
            }
            _ => Err(super::no_segment(rest)),
        }
    }

    fn sign_in(&'a self, it: &'a SignIn) -> Item<'a> {
        Item { kind: &SIGN_IN, property: Box::new(move |name| self.property_of_sign_in(it, name)) }
    }

    fn property_of_sign_in(&self, it: &SignIn, name: &str) -> Option<Value> {
        let user = it.user.and_then(|id| self.entra.users.get(&id));
        let is_success = it.error == 0;
        Some(match name {
            "id" => json!(it.id),
            "createdDateTime" => json!(seconds(it.at)),
            "appId" => json!(it.app_id),
            "appDisplayName" => json!(it.app_name),
            "servicePrincipalId" => json!(it.principal),
            "userId" => json!(it.user.unwrap_or(Uuid::nil())),
            "userDisplayName" => json!(user.map_or(&it.user_name, |it| &it.display_name)),
            "userPrincipalName" => json!(user.map_or(&it.user_name, |it| &it.upn).to_lowercase()),
            "status" => json!({
                "errorCode": it.error, "failureReason": it.reason, "additionalDetails": null,
            }),
            "appliedConditionalAccessPolicies" if self.caller.has(READ_POLICIES) => {
                self.entra.policies_on(it.app_id).map(|policy| applied(policy, is_success)).collect()
            }
            "conditionalAccessStatus" => {
                let enforced = self.entra.policies_on(it.app_id).any(|it| it.state == PolicyState::Enabled);
                json!(if enforced && is_success { "success" } else { "notApplied" })
            }
            "correlationId" => json!(it.correlation),
            "clientAppUsed" => json!("Browser"),
            "ipAddress" => json!("127.0.0.1"),
            "isInteractive" => json!(true),
            "resourceDisplayName" => json!(it.resource.map(|_| "Microsoft Graph")),
            "resourceId" => json!(it.resource),
            "homeTenantId" | "resourceTenantId" => json!(self.entra.tenant_id),
            "riskDetail" | "riskLevelAggregated" | "riskLevelDuringSignIn" | "riskState" => json!("none"),
            "deviceDetail" => json!({
                "browser": "", "deviceId": "", "displayName": "", "isCompliant": false, "isManaged": false,
                "operatingSystem": "", "trustType": "",
            }),
            "location" => json!({
                "city": null, "countryOrRegion": null, "geoCoordinates": null, "state": null,
            }),
            _ => return None,
        })
    }
}

/// What a policy did: nobody is ever stopped by one here.
fn applied(policy: &ConditionalAccessPolicy, is_success: bool) -> Value {
    json!({
        "id": policy.id,
        "displayName": policy.display_name,
        "enforcedGrantControls": ["Mfa"],
        "enforcedSessionControls": [],
        "result": match (policy.state, is_success) {
            (PolicyState::Enabled, true) => "success",
            (PolicyState::Enabled, false) => "notApplied",
            (_, true) => "reportOnlySuccess",
            (_, false) => "reportOnlyNotApplied",
        },
    })
}
