//! Provisioning as it is set up for one application
//! (<https://learn.microsoft.com/en-us/graph/api/resources/synchronization-overview>).

mod ask;
mod schema;
mod status;

use axum::http::StatusCode;
use indexmap::IndexMap;
use serde_json::{Value, json};
use uuid::Uuid;

pub use ask::ask;
pub use status::status;

use super::Answer;
use super::applications::keyed;
use super::caller::Caller;
use super::error::GraphError;
use super::kind::Item;
use super::types::{SYNCHRONIZATION_JOB, SYNCHRONIZATION_TEMPLATE};
use super::view::{Listing, View};
use crate::world::Entra;
use crate::world::entra::synchronization::{Job, SCIM_TEMPLATE, Synchronization};
use crate::world::entra::{CUSTOM_TEMPLATE, ServicePrincipal};

/// The permissions to look and to write. That an owner may without them is documented, and reported not to be so: here
/// it is not (<https://learn.microsoft.com/en-us/graph/api/synchronization-synchronizationjob-get>).
pub const WRITE: &[&str] = &["Synchronization.ReadWrite.All"];
const READ: &[&str] = &["Synchronization.Read.All", "Synchronization.ReadWrite.All"];

/// What a secret is shown as.
pub const MASK: &str = "*";

/// What can be saved (<https://learn.microsoft.com/en-us/graph/api/resources/synchronization-synchronizationsecretkeystringvaluepair>),
/// and of that, what is not shown.
const KEYS: &str = "None UserName Password SecretToken AppKey BaseAddress ClientIdentifier ClientSecret \
    SingleSignOnType Sandbox Url Domain ConsumerKey ConsumerSecret TokenKey TokenExpiration Oauth2AccessToken \
    Oauth2AccessTokenCreationTime Oauth2RefreshToken SyncAll InstanceName Oauth2ClientId Oauth2ClientSecret CompanyId \
    UpdateKeyOnSoftDelete SynchronizationSchedule SystemOfRecord SandboxName EnforceDomain SyncNotificationSettings \
    SkipOutOfScopeDeletions Oauth2AuthorizationCode Oauth2RedirectUri ApplicationTemplateIdentifier \
    Oauth2TokenExchangeUri Oauth2AuthorizationUri AuthenticationType Server PerformInboundEntitlementGrants \
    HardDeletesEnabled SyncAgentCompatibilityKey SyncAgentADContainer ValidateDomain TestReferences ConnectionString";
const MASKED: [&str; 11] = [
    "Password",
    "SecretToken",
    "AppKey",
    "ClientSecret",
    "ConsumerSecret",
    "TokenKey",
    "Oauth2AccessToken",
    "Oauth2RefreshToken",
    "Oauth2ClientSecret",
    "Oauth2AuthorizationCode",
    "ConnectionString",
];

/// Refuses whoever has none of these permissions, in the way that this service has: with no reason
/// (<https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/8800>).
pub fn needs(caller: &Caller, any: &[&str]) -> Result<(), GraphError> {
    let denied = || GraphError::new(StatusCode::UNAUTHORIZED, "UnknownError", "");
    caller.has(any).then_some(()).ok_or_else(denied)
}

/// Keys and values of a body.
pub fn credentials(given: Option<&Value>) -> Result<IndexMap<String, String>, GraphError> {
    let given = given.and_then(Value::as_array).ok_or_else(|| GraphError::bad("The credentials are missing."))?;
    let one = |it: &Value| {
        let key = it["key"].as_str().filter(|key| KEYS.split_whitespace().any(|it| it == *key));
        let key = key.ok_or_else(|| GraphError::bad("The key of a credential is not valid."))?;
        Ok((key.to_owned(), it["value"].as_str().unwrap_or_default().to_owned()))
    };
    given.iter().map(one).collect()
}

/// A service principal as far as it is seen.
fn find<'a>(entra: &'a Entra, key: &str) -> Result<(Uuid, &'a ServicePrincipal), GraphError> {
    let by_id = |id| entra.service_principals.get(&id).map(|it| (id, it));
    keyed(key, by_id, |app_id| entra.service_principal(app_id))
}

/// A job.
pub fn job<'a>(set_up: &'a Synchronization, job: &'a Job) -> Item<'a> {
    Item { kind: &SYNCHRONIZATION_JOB, property: Box::new(move |name| status::property(set_up, job, name)) }
}

fn template() -> Item<'static> {
    let property = |name: &str| {
        Some(match name {
            "id" => json!(SCIM_TEMPLATE),
            "applicationId" => json!(Uuid::nil()),
            "default" => json!(true),
            "discoverable" => json!(false),
            "factoryTag" => json!("CustomSCIM"),
            "metadata" => json!([
                {"key": "GalleryApplicationIdentifier", "value": CUSTOM_TEMPLATE},
                {"key": "GalleryApplicationKey", "value": "customappsso"},
                {
                    "key": "ConfigurationFields",
                    "value": "[{\"name\":\"baseaddress\"},{\"name\":\"secrettoken\",\"secret\":true}]",
                },
            ]),
            _ => return None,
        })
    };
    Item { kind: &SYNCHRONIZATION_TEMPLATE, property: Box::new(property) }
}

impl View<'_> {
    /// Whatever is read below `/servicePrincipals/{id}/synchronization`.
    pub fn synchronization(&self, key: &str, rest: &[&str]) -> Result<Answer, GraphError> {
        needs(self.caller, if rest == ["secrets"] { WRITE } else { READ })?;
        let (id, principal) = find(self.entra, key)?;
        let set_up = self.entra.synchronization.get(&id);
        let found = set_up.and_then(|it| it.job.as_ref().map(|job| (it, job)));
        let of = |part: &str| format!("servicePrincipals('{id}')/synchronization/{part}");
        let this = |wanted: &str| {
            let is_it = |(_, it): &(&Synchronization, &Job)| it.id == wanted;
            found.filter(is_it).ok_or_else(|| GraphError::not_found(wanted))
        };
        let templates = principal.is_from_template.then(template);
        match rest {
            ["templates"] => {
                let all = templates.into_iter().collect();
                self.list(&SYNCHRONIZATION_TEMPLATE, all, &Listing::set(of("templates"))).map(Answer::Json)
            }
            ["templates", wanted] | ["templates", wanted, "schema"] => {
                let is_there = templates.filter(|_| *wanted == SCIM_TEMPLATE);
                let template = is_there.ok_or_else(|| GraphError::not_found(wanted))?;
                if rest.len() == 2 {
                    return self.one(&of("templates"), &template).map(Answer::Json);
                }
                let context = self.context(&of(&format!("templates('{wanted}')/schema/$entity")));
                Ok(Answer::Json(schema::schema(&context, SCIM_TEMPLATE, self.entra.tenant_id)))
            }
            ["secrets"] => {
                let secrets = set_up.into_iter().flat_map(|it| &it.secrets);
                let shown = |(key, value): (&String, &String)| {
                    let is_masked = MASKED.contains(&key.as_str());
                    json!({"key": key, "value": if is_masked { MASK } else { value }})
                };
                let value: Vec<Value> = secrets.map(shown).collect();
                Ok(Answer::Json(json!({"@odata.context": self.context(&of("secrets")), "value": value})))
            }
            ["jobs"] => {
                let all = found.map(|(set_up, it)| job(set_up, it)).into_iter().collect();
                self.list(&SYNCHRONIZATION_JOB, all, &Listing::set(of("jobs"))).map(Answer::Json)
            }
            ["jobs", wanted] => {
                let (set_up, it) = this(wanted)?;
                self.one(&of("jobs"), &job(set_up, it)).map(Answer::Json)
            }
            ["jobs", wanted, "schema"] => {
                this(wanted)?;
                let context = self.context(&of(&format!("jobs('{wanted}')/schema/$entity")));
                Ok(Answer::Json(schema::schema(&context, wanted, self.entra.tenant_id)))
            }
            _ => Err(super::no_segment(rest)),
        }
    }
}
