//! An application that provisions to a SCIM server.

use reqwest::Method;
use serde_json::{Value, json};

use super::World;
use super::entra::{Graph, USER_ROLE};
use super::scim_server::{ScimServer, TOKEN};

/// What setting it up needs, and looking at it.
pub const PROVISION: &[&str] = &[
    "Application.ReadWrite.OwnedBy",
    "Application.Read.All",
    "AppRoleAssignment.ReadWrite.All",
    "GroupMember.Read.All",
    "Synchronization.ReadWrite.All",
    "ProvisioningLog.Read.All",
];

/// An application from the template with a job, and the server.
pub struct Setup {
    pub graph: Graph,
    pub scim: ScimServer,
    pub principal: String,
    /// `/servicePrincipals/{id}/synchronization`.
    pub path: String,
    pub job: String,
}

impl World {
    /// An application with credentials and a job that is not started; `flags` follow the base address.
    pub async fn provisioning(&self, flags: &str) -> Setup {
        let graph = self.graph_as(PROVISION).await;
        let scim = ScimServer::start().await;
        let authority = json!({"certificate": scim.authority});
        self.control.expect(204, Method::POST, "/entra/authorities", Some(authority)).await;
        let made = graph.instantiate("New").await;
        let path = format!("/servicePrincipals/{}/synchronization", made.principal);
        let secrets = json!({"value": [
            {"key": "BaseAddress", "value": format!("{}{flags}", scim.base)},
            {"key": "SecretToken", "value": TOKEN},
        ]});
        graph.done(204, Method::PUT, &format!("{path}/secrets"), secrets).await;
        let job = graph.done(201, Method::POST, &format!("{path}/jobs"), json!({"templateId": "scim"})).await;
        let job = job["id"].as_str().unwrap().to_owned();
        Setup { graph, scim, principal: made.principal, path, job }
    }

    /// Runs a cycle of all jobs, and tells the status of the one.
    pub async fn cycle(&self) -> Value {
        let told = self.control.expect(200, Method::POST, "/entra/provision", None).await;
        assert_eq!(told["cycles"].as_array().unwrap().len(), 1, "{told}");
        told["cycles"][0]["status"].clone()
    }

    /// Who is assigned to the application: `{group: …}` or `{user: …}`.
    pub async fn assign(&self, who: Value, assigned: bool) {
        let mut body = json!({"application": "New", "assigned": assigned});
        body.as_object_mut().unwrap().extend(who.as_object().unwrap().clone());
        self.control.expect(204, Method::PUT, "/entra/assignments", Some(body)).await;
    }

    pub async fn members(&self, group: &str, members: &[&str]) {
        let body = json!({"group": group, "members": members});
        self.control.expect(204, Method::PUT, "/entra/members", Some(body)).await;
    }
}

impl Setup {
    pub fn job(&self, action: &str) -> String {
        format!("{}/jobs/{}{action}", self.path, self.job)
    }

    pub async fn act(&self, action: &str) {
        self.graph.done(204, Method::POST, &self.job(action), Value::Null).await;
    }

    pub async fn status(&self) -> Value {
        self.graph.get(&self.job("")).await["status"].clone()
    }

    /// Assigns somebody through Graph, as the operator does.
    pub async fn assign(&self, principal: &str) {
        let body = json!({"principalId": principal, "resourceId": self.principal, "appRoleId": USER_ROLE});
        let path = format!("/servicePrincipals/{}/appRoleAssignedTo", self.principal);
        self.graph.done(201, Method::POST, &path, body).await;
    }

    /// Action, status, code and whom of everything in the log, the oldest first.
    pub async fn log(&self) -> Vec<String> {
        let path = format!("/auditLogs/provisioning?$filter=jobId eq '{}'", self.job);
        let log = self.graph.get(&path).await;
        let line = |it: &Value| {
            let status = &it["provisioningStatusInfo"];
            let text = |it: &Value| it.as_str().unwrap_or("-").to_owned();
            [
                text(&it["provisioningAction"]),
                text(&status["status"]),
                text(&status["errorInformation"]["errorCode"]),
                text(&it["sourceIdentity"]["displayName"]),
            ]
            .join(" ")
        };
        log["value"].as_array().unwrap().iter().rev().map(line).collect()
    }
}
