//! What is asked of Entra's provisioning service, and how it is set up, through Microsoft Graph.

use k8s_openapi::jiff::Timestamp;
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Graph;
use crate::entra::filter::equals;
use crate::entra::permission::{PROVISIONING_LOG, SYNCHRONIZATION};
use crate::entra::session::{Read, Write};
use crate::entra::{
    Job, OnDemand, Provisioner, ProvisioningCredentials, ProvisioningEntry, SavedProvisioning, ServicePrincipal,
};
use crate::error::{Class, Failure};

/// The template of jobs for applications that are in no gallery.
const TEMPLATE: &str = "scim";

#[derive(Deserialize)]
struct Setting {
    key: String,
    #[serde(default)]
    value: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JobSchema {
    #[serde(default)]
    synchronization_rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    id: String,
}

/// Both are JSON in a text (<https://learn.microsoft.com/graph/api/synchronization-synchronizationjob-provisionondemand>).
#[derive(Deserialize)]
struct Told {
    key: String,
    value: String,
}

fn label(principal: &ServicePrincipal) -> String {
    format!("provisioning of the enterprise application \"{}\"", principal.label())
}

/// The same credentials, as the service takes them.
fn pairs(credentials: &ProvisioningCredentials) -> [Value; 2] {
    [
        json!({"key": "BaseAddress", "value": credentials.tenant_url}),
        json!({"key": "SecretToken", "value": credentials.token.expose_secret()}),
    ]
}

impl Graph {
    async fn synchronization(
        &self,
        what: &str,
        method: Method,
        principal: &ServicePrincipal,
        path: &[&str],
        body: &Value,
    ) -> Result<crate::http::Answer, Failure> {
        let id = principal.id.to_string();
        let path: Vec<&str> =
            ["servicePrincipals", &id, "synchronization"].into_iter().chain(path.iter().copied()).collect();
        self.session.write(&Write { what, permission: SYNCHRONIZATION, method, path: &path, body }).await
    }
}

impl Provisioner for Graph {
    async fn provisioning_settings(&self, principal: &ServicePrincipal) -> Result<SavedProvisioning, Failure> {
        let what = format!("read the settings of the {}", label(principal));
        let path = ["servicePrincipals", &principal.id.to_string(), "synchronization", "secrets"];
        let settings: Vec<Setting> =
            self.whole(&Read { what: &what, permission: SYNCHRONIZATION, path: &path, query: &[] }).await?;
        let value = |key: &str| {
            let found = settings.iter().find(|setting| setting.key == key);
            found.and_then(|setting| setting.value.as_deref()).filter(|value| !value.is_empty())
        };
        let is_true = |key: &str| value(key).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        Ok(SavedProvisioning {
            tenant_url: value("BaseAddress").map(ToOwned::to_owned),
            covers_everybody: is_true("SyncAll"),
            keeps_out_of_scope: is_true("SkipOutOfScopeDeletions"),
        })
    }

    async fn save_provisioning(
        &self,
        principal: &ServicePrincipal,
        credentials: &ProvisioningCredentials,
    ) -> Result<(), Failure> {
        let what = format!("save the settings of the {}", label(principal));
        let settings = pairs(credentials).into_iter().chain([
            json!({"key": "SyncAll", "value": "false"}),
            json!({"key": "SkipOutOfScopeDeletions", "value": "True"}),
        ]);
        let body = json!({"value": settings.collect::<Vec<_>>()});
        self.synchronization(&what, Method::PUT, principal, &["secrets"], &body).await.map(drop)
    }

    async fn jobs(&self, principal: &ServicePrincipal) -> Result<Vec<Job>, Failure> {
        let what = format!("read the job for the {}", label(principal));
        let path = ["servicePrincipals", &principal.id.to_string(), "synchronization", "jobs"];
        self.whole(&Read { what: &what, permission: SYNCHRONIZATION, path: &path, query: &[] }).await
    }

    async fn make_job(&self, principal: &ServicePrincipal) -> Result<Job, Failure> {
        let what = format!("make the job for the {}", label(principal));
        let body = json!({"templateId": TEMPLATE});
        self.synchronization(&what, Method::POST, principal, &["jobs"], &body).await?.json()
    }

    async fn validate_provisioning(
        &self,
        principal: &ServicePrincipal,
        job: &str,
        credentials: &ProvisioningCredentials,
    ) -> Result<(), Failure> {
        let what = format!("have Entra ID try the {} at {}", label(principal), credentials.tenant_url);
        let body = json!({"useSavedCredentials": false, "templateId": TEMPLATE, "credentials": pairs(credentials)});
        let path = ["jobs", job, "validateCredentials"];
        self.synchronization(&what, Method::POST, principal, &path, &body).await.map(drop)
    }

    async fn start_job(&self, principal: &ServicePrincipal, job: &str) -> Result<(), Failure> {
        let what = format!("start the {}", label(principal));
        self.synchronization(&what, Method::POST, principal, &["jobs", job, "start"], &Value::Null).await.map(drop)
    }

    async fn pause_job(&self, principal: &ServicePrincipal, job: &str) -> Result<(), Failure> {
        let what = format!("pause the {}", label(principal));
        self.synchronization(&what, Method::POST, principal, &["jobs", job, "pause"], &Value::Null).await.map(drop)
    }

    async fn provision_on_demand(
        &self,
        principal: &ServicePrincipal,
        job: &str,
        user: Uuid,
    ) -> Result<OnDemand, Failure> {
        let what = format!("bring the user {user} across by the {}", label(principal));
        let path = ["servicePrincipals", &principal.id.to_string(), "synchronization", "jobs", job, "schema"];
        let read = Read { what: &what, permission: SYNCHRONIZATION, path: &path, query: &[] };
        let schema: Option<JobSchema> = self.session.one(&read).await?;
        let Some(rule) = schema.and_then(|schema| schema.synchronization_rules.into_iter().next()) else {
            let message = format!("Could not {what}: the job's schema has no rule. Look at its attribute mappings.");
            return Err(Failure::new(Class::Invalid, "ProvisioningRuleMissing", message));
        };
        let subject = json!({"objectId": user, "objectTypeName": "User"});
        let body = json!({"parameters": [{"ruleId": rule.id, "subjects": [subject]}]});
        let path = ["jobs", job, "provisionOnDemand"];
        let told: Told = self.synchronization(&what, Method::POST, principal, &path, &body).await?.json()?;
        outcome(&told).ok_or_else(|| {
            let message = format!(
                "Could not {what}: the answer does not have the expected form. Look at the provisioning log. Please report this."
            );
            Failure::new(Class::Bug, "AnswerNotUnderstood", message)
        })
    }

    async fn provisioning_log(&self, job: &str, since: Timestamp) -> Result<Vec<ProvisioningEntry>, Failure> {
        let what = "read the provisioning log";
        let since = Timestamp::from_second(since.as_second()).unwrap_or(since);
        let filter = format!("{} and activityDateTime gt {since}", equals("jobId", job));
        let query = [("$filter", filter.as_str()), ("$top", "500")];
        let path = ["auditLogs", "provisioning"];
        self.whole(&Read { what, permission: PROVISIONING_LOG, path: &path, query: &query }).await
    }
}

/// The outcome stands in the first text, or, where that only names a type, in the second.
fn outcome(told: &Told) -> Option<OnDemand> {
    let of = |result: &Value, details: &Value| {
        let code = details["errorCode"].as_str().filter(|code| !code.is_empty());
        Some(OnDemand { result: result.as_str()?.to_owned(), code: code.map(str::to_owned) })
    };
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    let first = read(&told.key).and_then(|first| of(&first["result"], &first["details"]));
    first.or_else(|| {
        let value = read(&told.value)?;
        let info = &value.get(0).unwrap_or(&value)["statusInfo"];
        of(&info["status"], &info["errorInformation"])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_of_one_user_stands_in_either_text() {
        let told = |key: &str, value: &str| Told { key: key.to_owned(), value: value.to_owned() };
        let is = |result: &str, code: Option<&str>| {
            Some(OnDemand { result: result.to_owned(), code: code.map(str::to_owned) })
        };
        let skipped = r#"{"result":"Skipped","details":{"errorCode":"RedundantExport","errorMessage":"x"}}"#;
        assert_eq!(outcome(&told(skipped, "{}")), is("Skipped", Some("RedundantExport")));
        assert_eq!(outcome(&told(r#"{"result":"Success","details":null}"#, "")), is("Success", None));
        let info = r#"{"statusInfo":{"status":"Failure","errorInformation":{"errorCode":"EntryConflict"}}}"#;
        let named = "Microsoft.Identity.Health.CPP.Common.DataContracts.SyncFabric.StatusInfo";
        for value in [info.to_owned(), format!("[{info}]")] {
            assert_eq!(outcome(&told(named, &value)), is("Failure", Some("EntryConflict")), "{value}");
        }
        for nonsense in ["", "[]", "null", "7"] {
            assert_eq!(outcome(&told(nonsense, nonsense)), None, "{nonsense}");
        }
    }
}
