//! People and groups are assigned to the new application.

use super::Pass;
use super::outcome::Outcome;
use crate::api::MigrationStepName::Assignments;
use crate::api::StepState;
use crate::controller::Connector;
use crate::entra::{Entra as _, EntraWriter as _, ServicePrincipal, is_bad_request};
use crate::error::Failure;
use crate::plan::assignment::{missing, role, unmanaged};
use crate::plan::preflight::Principal;
use crate::plan::{count, name_some};

impl<K: Connector> Pass<'_, K> {
    /// Whether somebody of those is not shown as assigned.
    pub(super) async fn lacks_any(
        &self,
        application: &ServicePrincipal,
        wanted: &[Principal],
    ) -> Result<bool, Failure> {
        Ok(!missing(wanted, &self.entra.assignments(application).await?).is_empty())
    }

    /// Assigns who is missing, and nobody else; none where all are listed.
    pub(super) async fn assign(
        &mut self,
        application: &ServicePrincipal,
        wanted: &[Principal],
    ) -> Result<Option<Outcome>, Failure> {
        let label = application.label();
        let assigned = self.entra.assignments(application).await?;
        self.reporter.assignments(assigned.len());
        let todo = missing(wanted, &assigned);
        if todo.is_empty() {
            let others = unmanaged(wanted, &assigned);
            let more = if others.is_empty() {
                String::new()
            } else {
                format!(
                    " Assigned as well, though nothing asks for them any more: {}. They are left alone.",
                    name_some(others.iter().map(String::as_str))
                )
            };
            let text = format!("{} listed.{more}", count(wanted.len(), "assignment"));
            self.step(Assignments, StepState::Completed, &text);
            return Ok(None);
        }
        let role = match role(application) {
            Ok(role) => role,
            Err(refusal) => return Ok(Some(Outcome::Refused(refusal))),
        };
        let (total, mut refused) = (wanted.len(), None);
        // Whoever was assigned lately need not be listed yet.
        let now: Vec<_> = todo.iter().filter(|who| !self.is_recent(&(who.id, application.id))).collect();
        for (done, principal) in (total - now.len()..).zip(now) {
            if self.is_interrupted().await? {
                return Ok(Some(Outcome::Working));
            }
            let who = format!("{} \"{}\"", principal.kind.to_lowercase(), principal.name);
            self.reporter.progress(Assignments, done, total, &format!("Assigning {who}.")).await?;
            match self.entra.assign(principal.id, (&who, label), application.id, role).await {
                Ok(()) => self.note(&(principal.id, application.id)),
                // Entra ID refuses so what is there already and not listed yet, and what it has not heard of yet: whoever
                // is listed in the end is well.
                Err(failure) if is_bad_request(&failure) || failure.reason == "NotFound" => {
                    self.note(&(principal.id, application.id));
                    refused.get_or_insert(failure);
                }
                Err(failure) => return Err(failure),
            }
        }
        let assigned = self.entra.assignments(application).await?;
        self.reporter.assignments(assigned.len());
        let left = missing(wanted, &assigned);
        if left.is_empty() {
            return Ok(Some(Outcome::Working));
        }
        let names = name_some(left.iter().map(|principal| principal.name.as_str()));
        let text = match refused {
            None => format!("Assigned, and not listed yet: {names}. Entra ID is asked until all are."),
            Some(failure) => format!("Not listed yet: {names}. {} It is tried again.", failure.message),
        };
        Ok(Some(Outcome::waiting(Assignments, "AwaitingReplication", text)))
    }
}
