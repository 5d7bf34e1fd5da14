//! The plans of a migration: what passes the gates `Start`, `Cutover`, `Provisioning`, `Retirement` and `Rollback`, with all
//! that it rests on.

mod effect;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::PlanHash;
use super::preflight::Principal;
use crate::api::{Acknowledgement, Finding, Gate, Severity, Window};
use crate::devolutions::SsoClient;

/// What is to be done, with all that it rests on.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MigrationPlan {
    /// The server's address.
    pub tenant: String,
    /// The Entra tenant's id.
    pub entra_tenant: String,
    /// What is to be done.
    pub work: Work,
}

/// What is to be done behind a gate.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "gate", rename_all_fields = "camelCase")]
pub enum Work {
    /// Make the new application and assign people to it.
    Start {
        /// The application (client) id of the current application, and its name.
        current: (String, String),
        /// The new application's name.
        name: String,
        /// The application (client) id of one that is there already.
        existing: Option<String>,
        /// The application (client) id of the one that this migration has made by now. That follows from what was approved.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        made: Option<String>,
        /// Whether only those who are assigned can sign in.
        assignment_required: bool,
        /// Where it may send people back to.
        redirect_uris: BTreeSet<String>,
        /// Who is to be assigned.
        assignments: Vec<Principal>,
        /// Findings that a person has accepted, with what they said.
        accepted: BTreeMap<String, String>,
    },
    /// Have people sign in by the new application.
    Cutover {
        /// The configuration that is saved now.
        from: SsoClient,
        /// The one to be saved.
        to: SsoClient,
        /// Only in this time; none where it is any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        window: Option<Window>,
        /// How often people have gone there and back: a word that was given once opens no later gate.
        attempt: u32,
        /// The application (client) id of one that was there already.
        existing: Option<String>,
        /// Whether only those who are assigned can sign in.
        assignment_required: bool,
        /// Where the new application may send people back to.
        redirect_uris: BTreeSet<String>,
        /// Who is assigned.
        assignments: Vec<Principal>,
        /// Whether nobody may sign in otherwise; none where the server cannot tell.
        forced: Option<bool>,
        /// Whether the old configuration can be brought back.
        way_back: bool,
        /// Whether it is brought back by itself when sign-ins fail.
        returns_by_itself: bool,
        /// Findings that a person has accepted, with what they said.
        accepted: BTreeMap<String, String>,
        /// Who can sign in now and will not be able to, by what people know them by. As long as nobody else comes to be among
        /// them, a plan that was shown stays the one that it was: see [`MigrationPlan::still`].
        losing: BTreeSet<String>,
        /// The users in Entra ID who will be able to sign in, where only those can who are assigned. That follows from
        /// `assignments`; whoever is assigned later may have been refused before, which is no fault.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        entitled: BTreeSet<Uuid>,
    },
    /// Have Entra ID bring users to Devolutions Cloud.
    Provisioning {
        /// The application (client) id of the new application, and its name.
        application: (String, String),
        /// The user who comes first: the e-mail address, and the object id in Entra ID; none where provisioning runs already.
        canary: Option<(String, Uuid)>,
        /// Who is assigned, or is to be, and so brought across.
        assignments: Vec<Principal>,
        /// Those of them who are not assigned yet.
        to_assign: Vec<Principal>,
        /// How many users are to come to be synced.
        expected: usize,
        /// How often people have gone there and back: a word that was given once opens no later gate.
        attempt: u32,
        /// Users whom it disables in Devolutions Cloud, because their accounts in Entra ID are.
        disabled: BTreeSet<String>,
        /// Users who cannot sign in now and will be able to, because `to_assign` are assigned. That follows from
        /// `assignments`, and is over once they are.
        #[serde(default)]
        gaining: BTreeSet<String>,
        /// Findings that a person has accepted, with what they said.
        accepted: BTreeMap<String, String>,
    },
    /// Remove the way back to the old application.
    Retirement {
        /// The application (client) id of the old application, and its name where it is known.
        application: (String, String),
        /// The id of its client secret that is removed.
        key_id: Uuid,
        /// How many have signed in by it since all else was done; none where the log may not be read. Only whether any have
        /// makes another plan of it.
        sign_ins: Option<usize>,
        /// Since when all else is done.
        since: String,
        /// How often people have gone there and back.
        attempt: u32,
    },
    /// Have people sign in by the old application again.
    Rollback {
        /// The configuration that is saved now.
        from: SsoClient,
        /// The one to be brought back.
        to: SsoClient,
        /// How often people have gone there and back.
        attempt: u32,
        /// Findings that a person has accepted, with what they said.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        accepted: BTreeMap<String, String>,
    },
}

impl MigrationPlan {
    /// The gate that it passes.
    #[must_use]
    pub fn gate(&self) -> Gate {
        match self.work {
            Work::Start { .. } => Gate::Start,
            Work::Cutover { .. } => Gate::Cutover,
            Work::Provisioning { .. } => Gate::Provisioning,
            Work::Retirement { .. } => Gate::Retirement,
            Work::Rollback { .. } => Gate::Rollback,
        }
    }

    /// The digest of all that it says, names included.
    #[must_use]
    pub fn digest(&self) -> PlanHash {
        PlanHash::of(&serde_json::to_value(self).unwrap_or_default())
    }

    /// The hash over what is done and everything that it rests on.
    #[must_use]
    pub fn hash(&self) -> PlanHash {
        // Destructured in full, so that a new field cannot be forgotten here.
        let Self { tenant, entra_tenant, work } = self;
        let work = match work {
            Work::Start {
                current,
                name,
                existing,
                made: _,
                assignment_required,
                redirect_uris,
                assignments,
                accepted,
            } => json!({
                "current": current.0, "name": name, "existing": existing, "assignmentRequired": assignment_required,
                "redirectUris": redirect_uris, "assignments": ids(assignments),
                "accepted": accepted,
            }),
            Work::Cutover {
                from,
                to,
                window,
                attempt,
                existing,
                assignment_required,
                redirect_uris,
                assignments,
                forced,
                way_back,
                returns_by_itself,
                accepted,
                losing,
                entitled: _,
            } => json!({
                "from": from, "to": to, "window": window, "attempt": attempt, "existing": existing,
                "assignmentRequired": assignment_required, "redirectUris": redirect_uris, "assignments": ids(assignments),
                "forced": forced, "wayBack": way_back, "returnsByItself": returns_by_itself, "accepted": accepted,
                "losing": losing,
            }),
            Work::Provisioning {
                application,
                canary,
                assignments,
                to_assign: _,
                expected: _,
                attempt,
                disabled,
                gaining: _,
                accepted,
            } => json!({
                "application": application.0, "canary": canary.as_ref().map(|canary| canary.1),
                "assignments": ids(assignments), "attempt": attempt, "disabled": disabled, "accepted": accepted,
            }),
            Work::Retirement { application, key_id, sign_ins, since, attempt } => json!({
                "application": application.0, "keyId": key_id, "isUsed": sign_ins.map(|n| n > 0), "since": since, "attempt": attempt,
            }),
            Work::Rollback { from, to, attempt, accepted } => {
                json!({"from": from, "to": to, "attempt": attempt, "accepted": accepted})
            }
        };
        PlanHash::of(&json!({"tenant": tenant, "entraTenant": entra_tenant, "gate": self.gate(), "work": work}))
    }

    /// This plan, or the one that was `shown` before where that is the same and at most fewer people are concerned: whoever
    /// approved that has approved this too.
    #[must_use]
    pub fn still(self, shown: Option<Self>) -> Self {
        let (Work::Cutover { losing, .. }, Some(shown)) = (&self.work, shown) else { return self };
        let Work::Cutover { losing: before, .. } = &shown.work else { return self };
        if !losing.is_subset(before) {
            return self;
        }
        let mut same = self.clone();
        if let Work::Cutover { losing, .. } = &mut same.work {
            losing.clone_from(before);
        }
        if same.hash() == shown.hash() { shown } else { self }
    }
}

fn ids(principals: &[Principal]) -> BTreeSet<Uuid> {
    principals.iter().map(|principal| principal.id).collect()
}

/// What people have accepted, with what was said: an approval is for these and no others.
#[must_use]
pub fn accepted(findings: &[Finding]) -> BTreeMap<String, String> {
    let given =
        findings.iter().filter(|f| f.severity == Severity::Critical && f.acknowledgement == Acknowledgement::Given);
    given.map(|finding| (finding.reason.clone(), finding.message.clone())).collect()
}

#[cfg(test)]
mod tests;
