//! The replacements of a migration: those of its mapping are made, and followed to their end; and those that hang on it hold
//! its way back.

use std::collections::{BTreeMap, BTreeSet};

use k8s_controller::conditions::{self, ConditionStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};
use serde_json::json;

use super::Pass;
use super::outcome::Outcome;
use crate::api::MigrationStepName::Replacements as Step;
use crate::api::{
    Gate, GroupMapping, GroupReplacement, GroupReplacements, Mode, PlanReference, PlanState, ReplacementSummary,
    SsoMigration, StepState, SuggestedMapping, UsesConnection as _,
};
use crate::controller::Connector;
use crate::devolutions::{DevolutionsCloud as _, GroupId};
use crate::error::{Class, Failure};
use crate::plan::mapping::{name, require_once, suggest};
use crate::plan::preflight::later::REPLACEMENTS_DEPEND_ON_IT as DEPEND_ON_IT;
use crate::plan::verification::Expectation;
use crate::plan::{NAMES_SHOWN, PlanHash, Refusal, count, name_some};
use crate::store::managed;

/// The label of those that were made from a mapping, with the migration's name.
const MADE_BY: &str = "migration.devolutions.net/migration";

impl<K: Connector> Pass<'_, K> {
    /// Everybody has come across, which `verified` tells: the custom groups of the mapping are replaced.
    pub(super) async fn replace_groups(&mut self, verified: Outcome) -> Result<Outcome, Failure> {
        let settings = self.object.spec.group_replacements.clone();
        let mapping = settings.as_ref().map(|settings| settings.mapping.as_slice()).unwrap_or_default();
        if let Err(refusal) = require_once(mapping) {
            return Ok(Outcome::Refused(refusal));
        }
        let migration = self.object.name_any();
        let wanted: BTreeMap<String, &GroupMapping> =
            mapping.iter().map(|pair| (name(&migration, pair), pair)).collect();
        let there = self.all_replacements().await?;
        let mut summary = self.summary(mapping, &wanted, &there).await?;
        let Some(settings) = &settings else {
            let is_news = !summary.suggested.is_empty() || !summary.unmanaged.is_empty();
            self.reporter.replacements(is_news.then_some(summary));
            return Ok(verified);
        };
        self.reporter.settled(&verified);
        let mut left = Vec::new();
        for (name, pair) in &wanted {
            let found = there.iter().find(|it| it.name_any() == *name);
            if let Some(taken) = found.filter(|it| !it.is_part_of(self.object) || !is_of(it, pair)) {
                return Ok(Outcome::Refused(taken_by_another(taken)));
            }
            if found.is_none() {
                if self.is_interrupted().await? {
                    return Ok(Outcome::Working);
                }
                self.make_replacement(name, pair, settings).await?;
            }
            match found {
                Some(found) if has_succeeded(found) => summary.succeeded += 1,
                found => left.push((name.clone(), found.map_or("NotSeenYet", ready_reason).to_owned())),
            }
        }
        summary.pending = left.iter().map(|(name, _)| name.clone()).take(NAMES_SHOWN).collect();
        let (done, total) = (summary.succeeded as usize, wanted.len());
        self.reporter.replacements(Some(summary));
        if left.is_empty() {
            self.step(Step, StepState::Completed, &format!("{} replaced.", count(total, "group")));
            return Ok(Outcome::Replaced { groups: total });
        }
        let is_stuck = there.iter().any(|it| wanted.contains_key(&it.name_any()) && is_stalled(it));
        let which: Vec<String> = left.iter().map(|(name, reason)| format!("{name} ({reason})")).collect();
        let message = format!(
            "{done} of {} replaced. Not yet: {}.",
            count(total, "group"),
            name_some(which.iter().map(String::as_str))
        );
        Ok(Outcome::Replacing { done, total, message, is_stuck })
    }

    /// What there is to say of a mapping before it is looked at who is replaced.
    async fn summary(
        &self,
        mapping: &[GroupMapping],
        wanted: &BTreeMap<String, &GroupMapping>,
        there: &[GroupReplacement],
    ) -> Result<ReplacementSummary, Failure> {
        let mut groups = self.cloud.groups().await?;
        self.expectation().await?.tell_synced(&mut groups);
        let is_left = |it: &&GroupReplacement| self.has_made(it) && !wanted.contains_key(&it.name_any());
        // By whatever name or id it was asked for.
        let is_taken = |custom: &str| {
            let by_name = |it: &GroupReplacement| it.spec.from.name.as_deref() == Some(custom);
            let found = |it: &GroupReplacement| {
                it.status.as_ref().and_then(|status| status.from.as_ref()).is_some_and(|from| from.name == custom)
            };
            there.iter().any(|it| by_name(it) || found(it))
        };
        let suggested = suggest(&groups, mapping).into_iter().filter(|(custom, _)| !is_taken(custom)).take(NAMES_SHOWN);
        Ok(ReplacementSummary {
            total: u32::try_from(wanted.len()).unwrap_or(u32::MAX),
            unmanaged: there.iter().filter(is_left).map(kube::ResourceExt::name_any).take(NAMES_SHOWN).collect(),
            suggested: suggested.map(|(from, to)| SuggestedMapping { from, to }).collect(),
            ..ReplacementSummary::default()
        })
    }

    /// Makes one. It has no owner: it holds a way back, and must not go when the migration's resource does. From then on it
    /// is for people to change.
    async fn make_replacement(
        &self,
        name: &str,
        pair: &GroupMapping,
        settings: &GroupReplacements,
    ) -> Result<(), Failure> {
        let spec = json!({
            "migrationRef": {"name": self.object.name_any()},
            "from": pair.from,
            "to": pair.to,
            "soak": settings.template.soak,
        });
        let what = format!("make GroupReplacement \"{name}\"");
        let spec = serde_json::from_value(spec)
            .map_err(|e| Failure::new(Class::Bug, "ReplacementUnwritable", format!("Could not {what}: {e}")))?;
        let mut replacement = GroupReplacement::new(name, spec);
        replacement.labels_mut().insert(MADE_BY.to_owned(), label(&self.object.name_any()));
        match self.api().create(&managed(), &replacement).await {
            // It was made by a pass whose end nobody knows.
            Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
            made => made.map(drop).map_err(|e| Failure::kubernetes(&what, &e)),
        }
    }

    /// Whether it was made from this migration's mapping.
    fn has_made(&self, replacement: &GroupReplacement) -> bool {
        let mark = replacement.labels().get(MADE_BY);
        replacement.is_part_of(self.object) && mark == Some(&label(&self.object.name_any()))
    }

    /// Why the way back must wait for these replacements, where it must: their Entra groups are filled by nothing but the
    /// provisioning that it pauses.
    pub(super) fn held_by(&self, dependents: &[String]) -> Option<Refusal> {
        if dependents.is_empty() || self.object.spec.accepts(DEPEND_ON_IT) {
            return None;
        }
        Some(Refusal::new(
            DEPEND_ON_IT,
            format!(
                "These GroupReplacements have moved permissions to groups that only the new application's provisioning fills, which a rollback pauses: {}. Set their spec.mode to Rollback first. If people must sign in as before at once, add {DEPEND_ON_IT} to spec.acknowledgements: nobody loses access by that, but whoever joins or leaves those groups in Entra ID is not followed any more.",
                name_some(dependents.iter().map(String::as_str))
            ),
        ))
    }

    /// The replacements whose permissions hang on this migration, by name, sorted.
    pub(super) async fn dependents(&self) -> Result<Vec<String>, Failure> {
        let here = self.object.namespace().unwrap_or_default();
        let migrations: Api<SsoMigration> = Api::namespaced(self.context.client.clone(), &here);
        let listed = migrations.list(&ListParams::default()).await;
        let others = listed.map_err(|e| Failure::kubernetes("list SsoMigrations", &e))?.items;
        let all = self.all_replacements().await?;
        let ours = self.object.connection_name();
        // One that goes by a migration works where that one does, and nobody knows where that is once it is gone.
        let whole = |it: &GroupReplacement| others.iter().find(|migration| it.is_part_of(migration));
        let works_here = |it: &&GroupReplacement| {
            let its = |migration: &SsoMigration| migration.connection_name() == ours;
            it.connection_name().map_or_else(|| whole(it).is_none_or(its), |name| Some(name) == ours)
        };
        let moved: Vec<&GroupReplacement> = all.iter().filter(works_here).filter(|it| has_replaced(it)).collect();
        if moved.is_empty() {
            return Ok(Vec::new());
        }
        let expectation = match self.expectation().await {
            // Nobody's way back hangs on a document: where it cannot be read, all of them are said to depend.
            Err(failure) if matches!(failure.class, Class::Invalid | Class::Conflict) => {
                tracing::warn!("{failure}");
                Expectation::default()
            }
            expectation => expectation?,
        };
        let hang = moved.into_iter().filter(|it| depends(it, &expectation));
        let mut names: Vec<String> = hang.map(kube::ResourceExt::name_any).collect();
        names.sort();
        Ok(names)
    }

    async fn all_replacements(&self) -> Result<Vec<GroupReplacement>, Failure> {
        let listed = self.api().list(&ListParams::default()).await;
        Ok(listed.map_err(|e| Failure::kubernetes("list GroupReplacements", &e))?.items)
    }

    fn api(&self) -> Api<GroupReplacement> {
        Api::namespaced(self.context.client.clone(), &self.object.namespace().unwrap_or_default())
    }
}

/// What a person has accepted of replacements that depend on it, as whoever approves the way back sees it.
pub(super) fn accepted_dependents(dependents: &[String]) -> BTreeMap<String, String> {
    let said = format!(
        "These GroupReplacements keep their permissions on groups that nothing fills any more: {}",
        name_some(dependents.iter().map(String::as_str))
    );
    (!dependents.is_empty()).then(|| (DEPEND_ON_IT.to_owned(), said)).into_iter().collect()
}

/// A label's value, which is shorter than a name may be: the name's hash where it does not fit.
fn label(migration: &str) -> String {
    let fits = migration.len() <= 63;
    if fits { migration.to_owned() } else { PlanHash::of(&json!(migration)).short().to_owned() }
}

fn is_of(replacement: &GroupReplacement, pair: &GroupMapping) -> bool {
    replacement.spec.from == pair.from && replacement.spec.to == pair.to
}

fn condition<'a>(replacement: &'a GroupReplacement, kind: &str) -> Option<&'a Condition> {
    conditions::find(&replacement.status.as_ref()?.conditions, kind)
}

fn has_succeeded(replacement: &GroupReplacement) -> bool {
    // A success stays said until it is undone.
    replacement.spec.mode == Mode::Apply
        && condition(replacement, "Succeeded").is_some_and(|it| it.status == ConditionStatus::True.as_str())
}

fn is_stalled(replacement: &GroupReplacement) -> bool {
    condition(replacement, "Stalled").is_some()
}

fn ready_reason(replacement: &GroupReplacement) -> &str {
    condition(replacement, "Ready").map_or("NotSeenYet", |it| &it.reason)
}

/// Whether permissions were moved, and not put back.
fn has_replaced(replacement: &GroupReplacement) -> bool {
    let Some(status) = &replacement.status else { return false };
    let has_run = |state| matches!(state, PlanState::Running | PlanState::Completed | PlanState::Stale);
    let succeeded = condition(replacement, "Succeeded");
    let is_back = succeeded.is_some_and(|it| it.status == ConditionStatus::False.as_str() && it.reason == "RolledBack");
    // One that was deleted and applied again shows no plan of before.
    let has_moved = succeeded.is_some_and(|it| it.reason == "Replaced");
    // What was put back since is no more.
    let is_way_back = |plan: &PlanReference| plan.gate == Gate::Rollback && plan.state == PlanState::Completed;
    let since = status.plans.iter().rposition(is_way_back).map_or(0, |at| at + 1);
    !is_back && (has_moved || status.plans.iter().skip(since).any(|plan| has_run(plan.state)))
}

/// Whether its Entra group came to be by this migration, for all that is known.
fn depends(replacement: &GroupReplacement, expectation: &Expectation) -> bool {
    let Some(to) = replacement.status.as_ref().and_then(|status| status.to.as_ref()) else { return false };
    let there = |before: &BTreeSet<GroupId>| before.iter().any(|id| id.to_string() == to.id);
    !expectation.groups.as_ref().is_some_and(there)
}

fn taken_by_another(replacement: &GroupReplacement) -> Refusal {
    Refusal::new(
        "ReplacementNameTaken",
        format!(
            "GroupReplacement \"{}\" has the name that a pair of spec.groupReplacements.mapping would have, and is about something else. Rename or delete it.",
            replacement.name_any()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One with these plans, by gate and state, the oldest first.
    fn replacement(succeeded: (&str, &str), plans: &[(&str, &str)]) -> GroupReplacement {
        let plan = |(gate, state): &(&str, &str)| json!({"gate": gate, "state": state, "hash": "x", "secretName": "x", "documentDigest": "x"});
        let plans: Vec<_> = plans.iter().map(plan).collect();
        let condition = json!({
            "type": "Succeeded", "status": succeeded.0, "reason": succeeded.1, "message": "",
            "lastTransitionTime": "1970-01-01T00:00:00Z",
        });
        serde_json::from_value(json!({
            "apiVersion": "migration.devolutions.net/v1alpha1", "kind": "GroupReplacement", "metadata": {"name": "x"},
            "spec": {"connectionRef": {"name": "x"}, "from": {"name": "x"}, "to": {"displayName": "x"}},
            "status": {"conditions": [condition], "plans": plans},
        }))
        .unwrap()
    }

    #[test]
    fn what_was_put_back_holds_no_way_back() {
        let (there, back, waits) =
            (("Replacement", "Completed"), ("Rollback", "Completed"), ("Replacement", "AwaitingApproval"));
        let unknown = ("Unknown", "AwaitingApproval");
        for (succeeded, plans, has) in [
            (unknown, vec![waits], false),
            (unknown, vec![("Replacement", "Running")], true),
            (unknown, vec![("Replacement", "Stale")], true),
            (("True", "Replaced"), vec![there], true),
            (("True", "Replaced"), vec![], true),
            (("False", "RolledBack"), vec![there, back], false),
            (unknown, vec![there, back, waits], false),
            (unknown, vec![there, back, ("Replacement", "Running")], true),
            (("True", "Replaced"), vec![there, ("Rollback", "Running")], true),
        ] {
            assert_eq!(has_replaced(&replacement(succeeded, &plans)), has, "{succeeded:?} {plans:?}");
        }
    }
}
