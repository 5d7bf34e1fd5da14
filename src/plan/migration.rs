//! The plans of a migration: what passes the gates `Start`, `Cutover` and `Rollback`, with all that it rests on.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::preflight::Principal;
use super::{PlanHash, count};
use crate::api::{Acknowledgement, Finding, Gate, Severity};
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
    },
    /// Have people sign in by the old application again.
    Rollback {
        /// The configuration that is saved now.
        from: SsoClient,
        /// The one to be brought back.
        to: SsoClient,
        /// How often people have gone there and back.
        attempt: u32,
    },
}

impl MigrationPlan {
    /// The gate that it passes.
    #[must_use]
    pub fn gate(&self) -> Gate {
        match self.work {
            Work::Start { .. } => Gate::Start,
            Work::Cutover { .. } => Gate::Cutover,
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
            Work::Start { current, name, existing, assignment_required, redirect_uris, assignments, accepted } => {
                json!({
                    "current": current.0, "name": name, "existing": existing, "assignmentRequired": assignment_required,
                    "redirectUris": redirect_uris, "assignments": ids(assignments),
                    "accepted": accepted,
                })
            }
            Work::Cutover {
                from,
                to,
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
            } => json!({
                "from": from, "to": to, "attempt": attempt, "existing": existing,
                "assignmentRequired": assignment_required, "redirectUris": redirect_uris, "assignments": ids(assignments),
                "forced": forced, "wayBack": way_back, "returnsByItself": returns_by_itself, "accepted": accepted,
                "losing": losing,
            }),
            Work::Rollback { from, to, attempt } => json!({"from": from, "to": to, "attempt": attempt}),
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

    /// What is done, a sentence each, in order.
    #[must_use]
    pub fn effects(&self) -> Vec<String> {
        match &self.work {
            Work::Start { name, existing, assignment_required, redirect_uris, assignments, current, .. } => {
                let make = match existing {
                    Some(app_id) => format!("Use the application {app_id}, and add what it lacks"),
                    None => format!("Make the application \"{name}\" from the template that can provision users"),
                };
                let required =
                    if *assignment_required { "only those who are assigned" } else { "everybody in the tenant" };
                let uris = redirect_uris.iter().map(|uri| format!("It may send people back to {uri}"));
                let assign =
                    assignments.iter().map(|who| format!("Assign {} \"{}\"", who.kind.to_lowercase(), who.name));
                [make, format!("It lets in {required}; consent for everybody to read who signs in")]
                    .into_iter()
                    .chain(uris)
                    .chain([
                        "Add a client secret to it, and keep that in a Secret".to_owned(),
                        format!(
                            "Add a client secret to the old application \"{}\" for the way back, and keep that too",
                            current.1
                        ),
                    ])
                    .chain(assign)
                    .collect()
            }
            Work::Cutover { from, to, way_back, returns_by_itself, .. } => {
                let back = match (way_back, returns_by_itself) {
                    (true, true) => {
                        "If sign-ins fail by the new application's fault before one goes well, bring the old one back by itself"
                    }
                    (true, false) => {
                        "The old one can be brought back by mode Rollback; not by itself, since the sign-in log may not be read"
                    }
                    (false, _) => {
                        "There is no way back: nobody has a client secret of the old application, or no write could restore what was"
                    }
                };
                vec![saved(from, to), "Show the new application to people".to_owned(), back.to_owned()]
            }
            Work::Rollback { from, to, .. } => {
                vec![saved(from, to), "Hide the new application from people again".to_owned()]
            }
        }
    }

    /// The same in a sentence.
    #[must_use]
    pub fn purpose(&self) -> String {
        match &self.work {
            Work::Start { name, assignments, existing, .. } => {
                let which = match existing {
                    None => format!("makes the application \"{name}\""),
                    Some(app_id) => format!("uses the application {app_id}"),
                };
                format!("{which} with {}", count(assignments.len(), "assignment"))
            }
            Work::Cutover { .. } => "has people sign in by the new application in the place of the old one".to_owned(),
            Work::Rollback { .. } => "has people sign in by the old application again".to_owned(),
        }
    }
}

fn ids(principals: &[Principal]) -> BTreeSet<Uuid> {
    principals.iter().map(|principal| principal.id).collect()
}

fn saved(from: &SsoClient, to: &SsoClient) -> String {
    format!(
        "Save in Devolutions Cloud, in one request: client id {} → {}, with its client secret",
        from.client_id, to.client_id
    )
}

/// What people have accepted, with what was said: an approval is for these and no others.
#[must_use]
pub fn accepted(findings: &[Finding]) -> BTreeMap<String, String> {
    let given =
        findings.iter().filter(|f| f.severity == Severity::Critical && f.acknowledgement == Acknowledgement::Given);
    given.map(|finding| (finding.reason.clone(), finding.message.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(id: &str) -> SsoClient {
        SsoClient {
            name: "Microsoft".to_owned(),
            client_id: id.to_owned(),
            discovery_url: "https://x.example".to_owned(),
        }
    }

    fn plan(work: Work) -> MigrationPlan {
        MigrationPlan { tenant: "https://contoso.devolutions.app".to_owned(), entra_tenant: "t".to_owned(), work }
    }

    fn who(name: &str, id: u128) -> Principal {
        Principal { kind: "Group".to_owned(), name: name.to_owned(), id: Uuid::from_u128(id) }
    }

    fn cutover() -> Work {
        Work::Cutover {
            from: client("old"),
            to: client("new"),
            attempt: 0,
            existing: None,
            assignment_required: true,
            redirect_uris: BTreeSet::from(["https://a.example".to_owned()]),
            assignments: vec![who("Sales", 1)],
            forced: Some(false),
            way_back: true,
            returns_by_itself: true,
            accepted: BTreeMap::from([("NoWayBack".to_owned(), "said".to_owned())]),
            losing: BTreeSet::new(),
        }
    }

    #[test]
    fn every_input_of_the_cut_over_changes_its_hash_and_a_new_name_does_not() {
        let base = plan(cutover());
        let with = |field: &str, value: serde_json::Value| {
            let mut changed = serde_json::to_value(&base).unwrap();
            *changed["work"].pointer_mut(field).unwrap() = value;
            serde_json::from_value::<MigrationPlan>(changed).unwrap()
        };
        let mut hashes = BTreeSet::from([base.hash().to_string()]);
        for (field, value) in [
            ("/from/clientId", json!("other")),
            ("/from/name", json!("Other")),
            ("/from/discoveryUrl", json!("https://y.example")),
            ("/to/clientId", json!("other")),
            ("/attempt", json!(1)),
            ("/existing", json!("other")),
            ("/assignmentRequired", json!(false)),
            ("/redirectUris", json!([])),
            ("/assignments", json!([])),
            ("/forced", json!(null)),
            ("/wayBack", json!(false)),
            ("/returnsByItself", json!(false)),
            ("/accepted", json!({"NoWayBack": "says more"})),
            ("/losing", json!(["grace@partner.example"])),
        ] {
            assert!(hashes.insert(with(field, value).hash().to_string()), "a change of {field} went unnoticed");
        }
        let renamed = with("/assignments/0/name", json!("Sales (EMEA)"));
        assert_eq!(renamed.hash(), base.hash());
        assert_ne!(renamed.digest(), base.digest());
        let elsewhere = MigrationPlan { tenant: "https://other.devolutions.app".to_owned(), ..base.clone() };
        assert!(hashes.insert(elsewhere.hash().to_string()));
        let back = |attempt| plan(Work::Rollback { from: client("new"), to: client("old"), attempt });
        assert_ne!(back(0).hash(), back(1).hash());
    }

    #[test]
    fn a_plan_that_was_shown_stays_as_long_as_nobody_else_loses() {
        let losing = |names: &[&str]| {
            let mut work = cutover();
            if let Work::Cutover { losing, .. } = &mut work {
                *losing = names.iter().map(ToString::to_string).collect();
            }
            plan(work)
        };
        let shown = losing(&["grace", "heidi"]);
        assert_eq!(losing(&["grace"]).still(Some(shown.clone())).hash(), shown.hash());
        assert_ne!(losing(&["grace", "ivan"]).still(Some(shown.clone())).hash(), shown.hash());
        let mut other = losing(&["grace"]);
        "https://other.devolutions.app".clone_into(&mut other.tenant);
        assert_eq!(other.clone().still(Some(shown)), other, "everything else must be the same");
        assert_eq!(other.clone().still(None), other);
    }

    #[test]
    fn a_renamed_group_makes_no_other_start_and_another_group_does() {
        let start = |name: &str, id: u128| {
            plan(Work::Start {
                current: ("old".to_owned(), "Devolutions Hub".to_owned()),
                name: "Devolutions Cloud".to_owned(),
                existing: None,
                assignment_required: true,
                redirect_uris: BTreeSet::new(),
                assignments: vec![who(name, id)],
                accepted: BTreeMap::new(),
            })
        };
        assert_eq!(start("Sales", 1).hash(), start("Sales (EMEA)", 1).hash());
        assert_ne!(start("Sales", 1).hash(), start("Sales", 2).hash());
        assert!(start("Sales", 1).effects().contains(&"Assign group \"Sales\"".to_owned()));
    }
}
