//! Everything that a preflight found, in full: what the Secret beside the resource holds.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::api::Finding;
use crate::plan::forecast::UserForecast;

/// Everything that a preflight found.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The server's address.
    pub tenant: String,
    /// The Entra tenant's id.
    pub entra_tenant: String,
    /// The name and the application (client) id of the application by which people sign in now, where it is known.
    pub current_application: Option<(String, String)>,
    /// The name of the new one.
    pub application: String,
    /// Whether only those who are assigned to the new one would get in.
    pub assignment_required: bool,
    /// Who would be assigned to the new one.
    pub assignments: Vec<Principal>,
    /// What was found, the gravest first.
    pub findings: Vec<Finding>,
    /// What would become of each user; none where too little is known to say.
    pub users: Option<Vec<UserForecast>>,
}

/// Who would be assigned to the new application.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Principal {
    /// `User` or `Group`.
    pub kind: String,
    /// The name.
    pub name: String,
    /// The object id in Entra ID.
    pub id: Uuid,
}
