//! Setting up provisioning: its credentials, its job, and when that runs
//! (<https://learn.microsoft.com/en-us/graph/api/resources/synchronization-overview>).

use axum::http::StatusCode;
use serde_json::Value;
use uuid::Uuid;

use super::Edit;
use crate::entra::graph::Answer;
use crate::entra::graph::error::GraphError;
use crate::entra::graph::synchronization::{MASK, WRITE, credentials, job, needs};
use crate::world::entra::synchronization::{Job, Links, SCIM_TEMPLATE};

/// What a restart may forget (<https://learn.microsoft.com/en-us/graph/api/resources/synchronization-synchronizationjobrestartcriteria>).
const SCOPES: [(&str, u64); 7] = [
    ("None", 0),
    ("ConnectorDataStore", CONNECTOR_DATA_STORE),
    ("Escrows", 2),
    ("Watermark", WATERMARK),
    ("QuarantineState", QUARANTINE_STATE),
    ("Full", 15),
    ("ForceDeletes", 32),
];
const CONNECTOR_DATA_STORE: u64 = 1;
const WATERMARK: u64 = 4;
const QUARANTINE_STATE: u64 = 8;

/// What it forgets if nothing is said: what the portal's *Restart provisioning* does.
const USUAL: u64 = 2 + WATERMARK + QUARANTINE_STATE;

impl Edit<'_> {
    /// Whatever is written below `/servicePrincipals/{id}/synchronization`.
    pub fn synchronization(&mut self, method: &str, key: &str, rest: &[&str]) -> Result<Answer, GraphError> {
        needs(self.caller, WRITE)?;
        let principal = self.principal(key)?;
        match (method, rest) {
            ("PUT", ["secrets"]) => self.save_secrets(principal),
            ("POST", ["jobs"]) => self.add_job(principal),
            ("DELETE", ["jobs", id]) => {
                self.job(principal, id)?;
                if let Some(it) = self.entra.synchronization.get_mut(&principal) {
                    it.job = None;
                }
                Ok(Answer::NoContent)
            }
            ("POST", ["jobs", id, action]) => {
                let cycle_seconds = self.switches.cycle_seconds();
                match action.trim_start_matches("microsoft.graph.") {
                    "start" => self.job(principal, id)?.start(cycle_seconds),
                    "pause" => self.job(principal, id)?.pause(),
                    "restart" => {
                        let scope = reset_scope(self.body)?;
                        let job = self.job(principal, id)?;
                        restart(job, scope);
                        job.start(cycle_seconds);
                    }
                    _ => return Err(super::not_allowed()),
                }
                Ok(Answer::NoContent)
            }
            _ => Err(super::not_allowed()),
        }
    }

    fn job(&mut self, principal: Uuid, id: &str) -> Result<&mut Job, GraphError> {
        self.entra.job(principal, id).ok_or_else(|| GraphError::not_found(id))
    }

    /// Refuses an application that was not made from a template, which can provision nothing
    /// (<https://learn.microsoft.com/en-us/entra/identity/app-provisioning/known-issues>). The sentence is this
    /// sandbox's own.
    fn needs_template(&self, principal: Uuid) -> Result<(), GraphError> {
        let is_from = self.entra.service_principals.get(&principal).is_some_and(|it| it.is_from_template);
        let none = || GraphError::bad("The application has no template for provisioning.");
        is_from.then_some(()).ok_or_else(none)
    }

    /// `PUT …/secrets` (<https://learn.microsoft.com/en-us/graph/api/synchronization-serviceprincipal-put-synchronization>):
    /// key by key, an empty value taking one away, and the mask leaving one as it is.
    fn save_secrets(&mut self, principal: Uuid) -> Result<Answer, GraphError> {
        self.needs_template(principal)?;
        let given = credentials(self.body.get("value"))?;
        let set_up = self.entra.synchronization.entry(principal).or_default();
        for (key, value) in given {
            if value.is_empty() {
                set_up.secrets.shift_remove(&key);
            } else if value != MASK {
                set_up.secrets.insert(key, value);
            }
        }
        // That one comes by itself (<https://github.com/hashicorp/terraform-provider-azuread/issues/1013>).
        set_up.secrets.entry("SyncAll".to_owned()).or_insert_with(|| "false".to_owned());
        Ok(Answer::NoContent)
    }

    /// `POST …/jobs` (<https://learn.microsoft.com/en-us/graph/api/synchronization-synchronizationjob-post-synchronizationjobs>).
    /// That a second one is refused is decided here.
    fn add_job(&mut self, principal: Uuid) -> Result<Answer, GraphError> {
        self.needs_template(principal)?;
        let template = self.body.get("templateId").and_then(Value::as_str);
        if template != Some(SCIM_TEMPLATE) {
            return Err(GraphError::bad("The templateId is not that of a template of this application."));
        }
        let tenant = self.entra.tenant_id;
        let set_up = self.entra.synchronization.entry(principal).or_default();
        if set_up.job.is_some() {
            let text = "A job of this template exists already.";
            return Err(GraphError::new(StatusCode::CONFLICT, "Conflict", text));
        }
        set_up.job = Some(Job::new(tenant, principal));
        let view = self.view();
        let set_up = view.entra.synchronization.get(&principal);
        let made = set_up.and_then(|it| Some(job(it, it.job.as_ref()?)));
        let made = made.ok_or_else(|| GraphError::not_found(SCIM_TEMPLATE))?;
        let set = format!("servicePrincipals('{principal}')/synchronization/jobs");
        view.one(&set, &made).map(Answer::Created)
    }
}

/// The scope of a restart: names with commas between them.
fn reset_scope(body: &Value) -> Result<u64, GraphError> {
    let Some(given) = body.pointer("/criteria/resetScope").filter(|it| !it.is_null()) else { return Ok(USUAL) };
    let invalid = || GraphError::bad("The resetScope is not valid.");
    let names = given.as_str().ok_or_else(invalid)?.split(',').map(str::trim).filter(|it| !it.is_empty());
    let flag = |name: &str| SCOPES.iter().find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, it)| *it);
    let flags: Vec<u64> = names.map(|it| flag(it).ok_or_else(invalid)).collect::<Result<_, _>>()?;
    Ok(if flags.is_empty() { USUAL } else { flags.into_iter().fold(0, |all, it| all | it) })
}

fn restart(job: &mut Job, scope: u64) {
    job.restarts += 1;
    // So that a start is one.
    job.pause();
    if scope & CONNECTOR_DATA_STORE != 0 {
        job.links = Links::default();
    }
    if scope & WATERMARK != 0 {
        (job.has_watermark, job.steady_first, job.steady_last) = (false, None, None);
    }
    if scope & QUARANTINE_STATE != 0 {
        (job.quarantine, job.failures) = (None, 0);
    }
}
