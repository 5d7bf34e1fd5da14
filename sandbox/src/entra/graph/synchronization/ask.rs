//! What asks the SCIM server before it is answered: whether credentials are good, and one user on demand.

use axum::http::StatusCode;
use indexmap::IndexMap;
use serde_json::{Value, json};
use uuid::Uuid;

use super::schema::RULE;
use super::{MASK, WRITE, credentials, find, needs};
use crate::cloud::App;
use crate::entra::Hosts;
use crate::entra::graph::caller::Caller;
use crate::entra::graph::error::GraphError;
use crate::entra::graph::people::guid;
use crate::entra::graph::provisioning_log::{errors, modified, steps};
use crate::entra::graph::{Answer, Request, no_segment, segments};
use crate::entra::provisioning;
use crate::world::entra::synchronization::{SCIM_TEMPLATE, Verdict};
use crate::world::entra::{Entra, ProvisioningEvent};

/// What is to be asked.
enum Ask {
    Validate(IndexMap<String, String>),
    /// A user, for a service principal's job.
    Provision(Uuid, Uuid),
}

/// `POST …/validateCredentials` and `POST …/provisionOnDemand`.
pub async fn ask(app: &App, hosts: &Hosts, request: &Request<'_>) -> Result<Answer, GraphError> {
    let ask = {
        let mut cloud = app.cloud();
        let entra = cloud.world.entra.as_mut().ok_or_else(|| no_segment(&["synchronization"]))?;
        let caller = Caller::of(request.headers, hosts, entra)?;
        needs(&caller, WRITE)?;
        entra.read(|entra| Ask::of(entra, request))?
    };
    match ask {
        Ask::Validate(secrets) => match provisioning::validate(app, &secrets).await {
            Ok(()) => Ok(Answer::NoContent),
            Err(refused) => Err(GraphError::new(StatusCode::BAD_REQUEST, refused.code, refused.message)),
        },
        Ask::Provision(principal, user) => {
            let done = provisioning::on_demand(app, principal, user).await;
            let done = done.ok_or_else(|| GraphError::not_found(&principal.to_string()))?;
            Ok(Answer::Json(told(&done, hosts, request.version)))
        }
    }
}

impl Ask {
    fn of(entra: &Entra, request: &Request<'_>) -> Result<Self, GraphError> {
        let segments = segments(request.path);
        let segments: Vec<&str> = segments.iter().map(|it| it.trim_start_matches("microsoft.graph.")).collect();
        let ["servicePrincipals", key, "synchronization", "jobs", rest @ ..] = segments.as_slice() else {
            return Err(no_segment(&segments));
        };
        let (id, _) = find(entra, key)?;
        let set_up = entra.synchronization.get(&id);
        let job = |wanted: &str| {
            let job = set_up.and_then(|it| it.job.as_ref()).filter(|it| it.id == wanted);
            job.map(drop).ok_or_else(|| GraphError::not_found(wanted))
        };
        match rest {
            ["validateCredentials"] | [_, "validateCredentials"] => {
                if let [wanted, _] = rest {
                    job(wanted)?;
                } else if request.body["templateId"].as_str().is_some_and(|it| it != SCIM_TEMPLATE) {
                    return Err(GraphError::bad("The templateId is not that of a template of this application."));
                }
                let saved = set_up.map(|it| it.secrets.clone()).unwrap_or_default();
                if request.body["useSavedCredentials"] == true {
                    return Ok(Self::Validate(saved));
                }
                let mut given = credentials(request.body.get("credentials"))?;
                for (key, value) in &mut given {
                    if value == MASK {
                        value.clone_from(saved.get(key).unwrap_or(&String::new()));
                    }
                }
                Ok(Self::Validate(given))
            }
            [wanted, "provisionOnDemand"] => {
                job(wanted)?;
                Ok(Self::Provision(id, subject(request.body)?))
            }
            _ => Err(no_segment(rest)),
        }
    }
}

/// The one user that a body names. Groups are not served on demand here.
fn subject(body: &Value) -> Result<Uuid, GraphError> {
    let invalid = |what: &str| GraphError::bad(format!("The parameters are not valid: {what}."));
    let [parameter] = body["parameters"].as_array().map(Vec::as_slice).unwrap_or_default() else {
        return Err(invalid("there is not exactly one of them"));
    };
    // Its version may be written behind it.
    if parameter["ruleId"].as_str().and_then(|it| it.split('#').next()) != Some(RULE) {
        return Err(invalid("the ruleId is none of the job's schema"));
    }
    let [subject] = parameter["subjects"].as_array().map(Vec::as_slice).unwrap_or_default() else {
        return Err(invalid("there is not exactly one subject"));
    };
    if subject["objectTypeName"] != "User" {
        return Err(invalid("the sandbox provisions users only"));
    }
    guid(subject["objectId"].as_str().unwrap_or_default())
}

/// Two texts of JSON, as the service answers even if it fails
/// (<https://learn.microsoft.com/en-us/graph/api/synchronization-synchronizationjob-provisionondemand>).
fn told(event: &ProvisioningEvent, hosts: &Hosts, version: &str) -> Value {
    let (result, details) = match &event.verdict {
        Verdict::Success => ("Success", Value::Null),
        Verdict::Skipped(code, text) => ("Skipped", json!({"errorCode": code, "errorMessage": text})),
        Verdict::Failure(code, text) => ("Failure", json!({"errorCode": code, "errorMessage": text})),
    };
    let mut letters = event.action.chars();
    let action: String = letters.next().map(|it| it.to_uppercase().chain(letters).collect()).unwrap_or_default();
    let value = json!({
        "action": action,
        "changeId": event.change_id,
        "modifiedProperties": modified(event),
        "provisioningSteps": steps(event),
        "sourceIdentity": {"id": event.source.id, "displayName": event.source.display_name, "type": event.source.kind},
        "targetIdentity": {"id": event.target.id, "displayName": event.target.display_name, "type": event.target.kind},
        "statusInfo": {"status": result, "errorInformation": errors(event)},
    });
    json!({
        "@odata.context": format!("{}/{version}/$metadata#microsoft.graph.stringKeyStringValuePair", hosts.graph_url),
        "key": json!({"result": result, "details": details}).to_string(),
        "value": value.to_string(),
    })
}
