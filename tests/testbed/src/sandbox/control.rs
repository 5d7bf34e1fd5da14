//! The sandbox's control interface: what happened, what is wrong, what is to go wrong next.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Sandbox, send};
use crate::error::{Error, Result};

/// Requests to the sandbox, in the order in which they took effect.
#[derive(Debug, Clone, Deserialize)]
pub struct Journal {
    /// The number of the last request so far; ask for what comes after it next time.
    pub last: u64,
    /// The requests.
    pub entries: Vec<Request>,
}

/// One request to the sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// Counted from 1, without gaps.
    pub seq: u64,
    /// Which system it was for: `DevolutionsCloud`, `Graph` or `Login`.
    pub system: String,
    /// `operator`, `person` or another user's name; none before a login.
    pub identity: Option<String>,
    /// The method.
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// The query.
    pub query: Option<String>,
    /// The status answered; 0 if the request was dropped before it took effect.
    pub status: u16,
    /// Whether it asked for a change of the tenant.
    pub is_write: bool,
    /// The fault that hit it.
    pub fault: Option<u64>,
}

/// Changes of somebody's access that must not have happened.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Violations {
    /// How many in all.
    pub total: u64,
    /// How many under each rule by which rights may combine.
    pub by_rule: BTreeMap<String, u64>,
    /// The first ones in full, for people to read.
    pub violations: Vec<Value>,
}

/// A rule for requests that shall go wrong, and what it has done so far.
#[derive(Debug, Clone, Deserialize)]
pub struct Fault {
    /// Its number.
    pub id: u64,
    /// How many requests it fitted.
    pub matched: u64,
    /// How many of them it hit.
    pub fired: u64,
}

/// A request that stands still until it is [released](Sandbox::release).
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hold {
    /// Its number.
    pub id: u64,
    /// The fault that holds it.
    pub fault_id: u64,
    /// The method.
    pub method: String,
    /// The path without the query.
    pub path: String,
}

impl Sandbox {
    /// The requests after this number; all of them after 0.
    pub async fn journal(&self, after: u64) -> Result<Journal> {
        self.control(Method::GET, &format!("/journal?after={after}"), None).await
    }

    /// The violations since the sandbox started.
    pub async fn violations(&self) -> Result<Violations> {
        self.control(Method::GET, "/violations", None).await
    }

    /// All permissions there are, in an order that does not change: for comparison.
    pub async fn state(&self) -> Result<Value> {
        self.control(Method::GET, "/state", None).await
    }

    /// What there is in the tenant, counted, and its groups.
    pub async fn world(&self) -> Result<Value> {
        self.control(Method::GET, "/world", None).await
    }

    /// What a user (by id, e-mail or name) may do at each place where they or their groups are named, under each rule.
    pub async fn access(&self, user: &str) -> Result<Value> {
        self.control(Method::GET, &format!("/access?user={user}"), None).await
    }

    /// Lets requests go wrong:
    /// `{"method": "PUT", "path": "/api/v1/vaults/*/permissions/**", "nth": 3, "action": {"type": "HoldAfterCommit"}}`.
    pub async fn add_fault(&self, rule: &Value) -> Result<Fault> {
        self.control(Method::POST, "/faults", Some(rule)).await
    }

    /// The rules in force, the oldest first.
    pub async fn faults(&self) -> Result<Vec<Fault>> {
        let list: Value = self.control(Method::GET, "/faults", None).await?;
        read(list["faults"].clone(), "/faults")
    }

    /// Takes all rules out of force. Requests that are held stay so.
    pub async fn clear_faults(&self) -> Result<()> {
        self.control(Method::DELETE, "/faults", None).await
    }

    /// A request that is held, as soon as there is one.
    pub async fn wait_for_hold(&self, within: Duration) -> Result<Hold> {
        let list: Value = self.control(Method::GET, &format!("/holds?wait={}", within.as_secs().max(1)), None).await?;
        let holds: Vec<Hold> = read(list["holds"].clone(), "/holds")?;
        match holds.into_iter().next() {
            Some(hold) => Ok(hold),
            None => Err(Error::Timeout {
                what: "a request that is held".into(),
                within,
                last: format!("the faults {:?}", self.faults().await?),
            }),
        }
    }

    /// Lets a held request go on.
    pub async fn release(&self, hold: u64) -> Result<()> {
        self.control(Method::DELETE, &format!("/holds/{hold}"), None).await
    }

    /// Gives a synced group these members, by e-mail, name or id, as provisioning does.
    pub async fn sync(&self, group: &str, members: &[&str]) -> Result<()> {
        let body = json!({ "group": group, "members": members });
        self.control(Method::POST, "/sync", Some(&body)).await
    }

    /// Lets every user of Devolutions Cloud really try to sign in: `{users: [e-mail addresses that got in], …}`.
    pub async fn who_can_sign_in(&self) -> Result<Value> {
        self.control(Method::GET, "/sign-in/able", None).await
    }

    /// Lets somebody sign in to Devolutions Cloud, by e-mail address or UPN: `{ok, application, error?, …}`.
    pub async fn sign_in(&self, user: &str) -> Result<Value> {
        self.control(Method::POST, "/sign-in", Some(&json!({ "user": user }))).await
    }

    /// How sign-ins have gone so far: `{attempts, failures, byApplication, lastFailures}`.
    pub async fn sign_ins(&self) -> Result<Value> {
        self.control(Method::GET, "/sign-ins", None).await
    }

    /// What provisioning has brought: `{enabled, users, groups}`, each with the user or group that it is.
    pub async fn scim(&self) -> Result<Value> {
        self.control(Method::GET, "/scim", None).await
    }

    /// What Entra ID holds: users, groups, applications with their assignments and secrets, but no secret's value.
    pub async fn entra(&self) -> Result<Value> {
        self.control(Method::GET, "/entra", None).await
    }

    /// Changes a part of the world, as people do: `/sso`, `/entra/users/<name>`.
    pub async fn control_patch(&self, path: &str, change: &Value) -> Result<()> {
        self.control(Method::PATCH, path, Some(change)).await
    }

    /// Tells the world something new, as people do: `/entra/permissions`, `/issuers`.
    pub async fn control_post(&self, path: &str, body: &Value) -> Result<()> {
        self.control(Method::POST, path, Some(body)).await
    }

    /// Sets what belongs to what, as people do: `/entra/assignments`, `/entra/members`.
    pub async fn control_put(&self, path: &str, body: &Value) -> Result<()> {
        self.control(Method::PUT, path, Some(body)).await
    }

    /// Has every job that is started do a cycle now, and waits for its end.
    pub async fn provision(&self) -> Result<Value> {
        self.control(Method::POST, "/entra/provision", Some(&Value::Object(serde_json::Map::new()))).await
    }

    async fn control<T: DeserializeOwned>(&self, method: Method, path: &str, body: Option<&Value>) -> Result<T> {
        let url = format!("{}{path}", self.exports["CONTROL_URL"]);
        let mut request = self.client.request(method.clone(), &url);
        if let Some(body) = body {
            request = request.json(body);
        }
        read(send(request, method.as_str(), &url).await?, path)
    }
}

fn read<T: DeserializeOwned>(value: Value, path: &str) -> Result<T> {
    serde_json::from_value(value).map_err(Error::format(format!("the sandbox's answer to {path}")))
}
