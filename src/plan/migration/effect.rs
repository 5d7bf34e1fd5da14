//! What a plan does, in sentences.

use super::{MigrationPlan, Work};
use crate::devolutions::SsoClient;
use crate::plan::count;

impl MigrationPlan {
    /// What is done, a sentence each, in order.
    #[must_use]
    pub fn effects(&self) -> Vec<String> {
        match &self.work {
            Work::Start { name, existing, made, assignment_required, redirect_uris, assignments, current, .. } => {
                let make = match (existing, made) {
                    (Some(app_id), _) => format!("Use the application {app_id}, and add what it lacks"),
                    (None, Some(app_id)) => {
                        format!(
                            "Use the application \"{name}\" ({app_id}), which this migration has made, and add what it lacks"
                        )
                    }
                    (None, None) => {
                        format!("Make the application \"{name}\" from the template that can provision users")
                    }
                };
                let required =
                    if *assignment_required { "only those who are assigned" } else { "everybody in the tenant" };
                let uris = redirect_uris.iter().map(|uri| format!("It may send people back to {uri}"));
                let assign =
                    assignments.iter().map(|who| format!("Assign {} \"{}\"", who.kind.to_lowercase(), who.name));
                let unless = if made.is_some() { ", unless a good one is kept" } else { "" };
                [make, format!("It lets in {required}; consent for everybody to read who signs in")]
                    .into_iter()
                    .chain(uris)
                    .chain([
                        format!("Add a client secret to it, and keep that in a Secret{unless}"),
                        format!(
                            "Add a client secret to the old application \"{}\" for the way back, and keep that too{unless}",
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
            Work::Provisioning { application, canary, disabled, to_assign, .. } => {
                let disable =
                    disabled.iter().map(|user| format!("It disables {user}, whose account in Entra ID is disabled"));
                let assign = to_assign.iter().map(|who| format!("Assign {} \"{}\"", who.kind.to_lowercase(), who.name));
                let activate = "Activate synchronization in Devolutions Cloud";
                let Some(canary) = canary else {
                    let activate = std::iter::once(format!("{activate}, unless it is"));
                    return assign.chain(activate).chain(disable).collect();
                };
                let set_up = [
                    "Enable provisioning in Devolutions Cloud, and keep its token in a Secret".to_owned(),
                    format!(
                        "Set provisioning up in \"{}\": only whoever is assigned; nobody is disabled for being assigned no longer",
                        application.1
                    ),
                    format!("Bring {} across alone, and look at what came of it", canary.0),
                    "Start provisioning: Entra ID brings across whoever is assigned, every 40 minutes from then on"
                        .to_owned(),
                    activate.to_owned(),
                ];
                assign.chain(set_up).chain(disable).collect()
            }
            Work::Retirement { application, key_id, .. } => {
                let which = if application.1.is_empty() { &application.0 } else { &application.1 };
                vec![
                    format!(
                        "Remove the client secret {key_id} of the old application \"{which}\", which only the way back uses"
                    ),
                    "Empty the Secret that holds it".to_owned(),
                    "The old application stays as it is, with its assignments".to_owned(),
                    "From then on nothing here can bring the old configuration back".to_owned(),
                ]
            }
            Work::Rollback { from, to, .. } => {
                vec![
                    saved(from, to),
                    "Hide the new application from people again".to_owned(),
                    "Pause its provisioning, if that runs: whoever came across stays".to_owned(),
                ]
            }
        }
    }

    /// The same in a sentence.
    #[must_use]
    pub fn purpose(&self) -> String {
        match &self.work {
            Work::Start { name, assignments, existing, made, .. } => {
                let which = match (existing, made) {
                    (Some(app_id), _) => format!("uses the application {app_id}"),
                    (None, Some(_)) => format!("uses the application \"{name}\", which it has made,"),
                    (None, None) => format!("makes the application \"{name}\""),
                };
                format!("{which} with {}", count(assignments.len(), "assignment"))
            }
            Work::Cutover { .. } => "has people sign in by the new application in the place of the old one".to_owned(),
            Work::Provisioning { expected, .. } => {
                format!("has Entra ID bring {} to Devolutions Cloud", count(*expected, "user"))
            }
            Work::Retirement { .. } => "removes the way back to the old application".to_owned(),
            Work::Rollback { .. } => "has people sign in by the old application again".to_owned(),
        }
    }
}

fn saved(from: &SsoClient, to: &SsoClient) -> String {
    format!(
        "Save in Devolutions Cloud, in one request: client id {} → {}, with its client secret",
        from.client_id, to.client_id
    )
}
