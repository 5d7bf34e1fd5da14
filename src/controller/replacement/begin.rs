//! Plan, have it approved, pin it.

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::ResourceExt as _;

use super::Pass;
use super::outcome::Outcome;
use super::world::World;
use crate::api::{ApprovalRequirement, Gate, Mode, PlanState, StepName, StepState, TargetKind};
use crate::controller::connection::Connected;
use crate::controller::{Connector, approval};
use crate::devolutions::{GroupId, take_inventory};
use crate::error::Failure;
use crate::plan::approval::Pending;
use crate::plan::replacement::{Ground, NO_SOAK, Plan, held_by, plan as plan_replacement, plan_rollback};
use crate::plan::{Refusal, count, membership, name_some};
use crate::store::{Checkpoint, Named, Run, Stopped};

/// A plan, and the groups that it was resolved to.
struct Planned {
    plan: Plan,
    custom: GroupId,
    entra: GroupId,
}

impl<K: Connector> Pass<'_, K> {
    /// Makes a plan, has it approved, and pins it.
    pub(super) async fn begin(
        &mut self,
        mut checkpoint: Option<Checkpoint>,
        tenant: &Connected<K::Cloud>,
        world: &World,
    ) -> Result<Outcome, Failure> {
        if let Some(checkpoint) = &mut checkpoint {
            self.set_aside(checkpoint).await?;
            if let Some(until) = self.settles_at(checkpoint).filter(|_| self.object.spec.mode != Mode::Plan) {
                return Ok(Outcome::Settling { until });
            }
        }
        let planned = match self.plan(checkpoint.as_ref(), tenant, world).await? {
            Ok(planned) => planned,
            Err(outcome) => return Ok(outcome),
        };
        let plan = planned.plan;
        let hash = plan.hash();
        let secret = self.archive.save_plan(hash.short(), &plan).await?;
        if self.object.spec.mode == Mode::Plan {
            self.reporter.plan(&plan, &hash, &secret, PlanState::Preview);
            return Ok(Outcome::Planned { grants: plan.grants.len(), revokes: plan.revokes.len() });
        }
        let mut approved = None;
        if self.needs_approval(tenant) {
            self.reporter.plan(&plan, &hash, &secret, PlanState::AwaitingApproval);
            let (name, uid) = (self.object.name_any(), self.object.uid().unwrap_or_default());
            let pending = Pending {
                kind: TargetKind::GroupReplacement,
                name: &name,
                uid: &uid,
                plan: Some((plan.gate, hash.as_str())),
            };
            let namespace = self.object.namespace().unwrap_or_default();
            let used = checkpoint.as_ref().map(|c| c.used_approvals.as_slice()).unwrap_or_default();
            approved = approval::find(&self.shared.context.client, &namespace, &pending, used).await?;
            if approved.is_none() {
                return Ok(Outcome::AwaitingApproval {
                    gate: plan.gate,
                    grants: plan.grants.len(),
                    revokes: plan.revokes.len(),
                });
            }
        }
        let is_first = checkpoint.is_none();
        let mut checkpoint = checkpoint.unwrap_or_else(|| Checkpoint {
            tenant: tenant.connection.spec.devolutions_cloud.url.clone(),
            connection: Some(tenant.connection.name_any()),
            named: Named::by(self.object),
            from: planned.custom,
            to: planned.entra,
            snapshots: Vec::new(),
            next_snapshot: 1,
            attempt: 0,
            used_approvals: Vec::new(),
            run: None,
        });
        if is_first {
            // Before the snapshot, so that one without a checkpoint tells that the checkpoint is lost.
            self.checkpoints.save(&checkpoint).await?;
        }
        if plan.gate == Gate::Replacement {
            self.take_snapshot(&mut checkpoint, &plan, &world.inventory).await?;
        }
        // Reading it all took its time, in which the migration may have been called back, or the policy been changed.
        if let Err(outcome) = self.source(Some(&checkpoint)).await? {
            return Ok(outcome);
        }
        if approved.is_none() && self.needs_approval(&self.connected(&tenant.connection.name_any()).await?) {
            return Ok(Outcome::Working);
        }
        checkpoint.used_approvals.extend(approved.as_ref().and_then(|a| a.metadata.uid.clone()));
        checkpoint.attempt += 1;
        checkpoint.run = Some(Run {
            uid: self.object.uid().unwrap_or_default(),
            gate: plan.gate,
            hash,
            plan_secret: secret,
            approval: approved.as_ref().map(kube::ResourceExt::name_any),
            approver: approved.map(|a| a.spec.approver),
            granted_at: None,
            finished_at: None,
            stopped: None,
        });
        self.checkpoints.save(&checkpoint).await?;
        self.resume(checkpoint, tenant, world).await
    }

    /// A plan that was being carried out is not what is asked for now: it does not go on by itself later.
    async fn set_aside(&mut self, checkpoint: &mut Checkpoint) -> Result<(), Failure> {
        let Some(run) = checkpoint.run.as_mut().filter(|run| run.ended_at().is_none()) else { return Ok(()) };
        run.stopped = Some(Stopped {
            at: Timestamp::now(),
            message: "Something else was asked for.".to_owned(),
            generation: None,
            requested_at: None,
        });
        self.checkpoints.save(checkpoint).await
    }

    /// Whether a person is asked before this mode's writes.
    pub(super) fn needs_approval(&self, tenant: &Connected<K::Cloud>) -> bool {
        self.object.spec.approval == ApprovalRequirement::Required
            || tenant.connection.spec.policy.as_ref().is_some_and(|policy| policy.gates.contains(&self.gate()))
    }

    /// Until when the way is not turned: a write of the other direction whose answer was lost can still take effect, and
    /// not every server has ETags that would refuse it.
    fn settles_at(&self, checkpoint: &Checkpoint) -> Option<Timestamp> {
        let run = checkpoint.run.as_ref().filter(|run| run.gate != self.gate())?;
        let settle = SignedDuration::try_from(self.shared.context.devolutions_settle).unwrap_or(SignedDuration::MAX);
        let until = run.ended_at()?.checked_add(settle).unwrap_or(Timestamp::MAX);
        (until > Timestamp::now()).then_some(until)
    }

    /// Everything between the world and a plan worth showing; or the outcome where there is none.
    async fn plan(
        &mut self,
        checkpoint: Option<&Checkpoint>,
        tenant: &Connected<K::Cloud>,
        world: &World,
    ) -> Result<Result<Planned, Outcome>, Failure> {
        let (custom, entra) = match world.resolve(&self.object.spec, checkpoint) {
            Ok(pair) => pair,
            Err(refusal) => return Ok(Err(Outcome::Refused(refusal))),
        };
        self.reporter.groups(custom, entra);
        let rollback = self.object.spec.mode == Mode::Rollback;
        let (giver, taker) = if rollback { (entra, custom) } else { (custom, entra) };
        let ground = Ground {
            tenant: tenant.connection.spec.devolutions_cloud.url.clone(),
            giver: giver.into(),
            taker: taker.into(),
            members: giver.user_ids.iter().copied().collect(),
            giver_held: held_by(&world.inventory, giver.id),
            taker_held: held_by(&world.inventory, taker.id),
        };
        if !rollback && ground.giver_held.is_empty() {
            return Ok(Err(self.nothing_held(checkpoint, &tenant.cloud, &ground).await?));
        }
        let origin = match (rollback, checkpoint) {
            (false, _) => None,
            (true, Some(checkpoint)) if !checkpoint.snapshots.is_empty() => Some(self.origin(checkpoint).await?),
            (
                true,
                Some(Checkpoint { run: Some(Run { gate: Gate::Rollback, finished_at: Some(_), hash, .. }), .. }),
            ) => {
                self.reporter.completed(hash.as_str());
                return Ok(Err(Outcome::RolledBack { message: "Everything is back as it was before.".to_owned() }));
            }
            (true, _) => {
                return Ok(Err(Outcome::Refused(Refusal::new(
                    "NothingToRollBack",
                    "This replacement has taken no snapshot in this namespace, so it has changed nothing that could be put back.",
                ))));
            }
        };
        let checked = world
            .refuse_own_rights(custom)
            .and_then(|()| if rollback { Ok(()) } else { membership::require_filled(entra) })
            .and_then(|()| membership::require_equal(giver, taker, &world.users));
        if let Err(refusal) = checked {
            self.reporter.step(StepName::Membership, StepState::Failed, &refusal.message).await?;
            return Ok(Err(Outcome::Refused(refusal)));
        }
        self.reporter
            .step(
                StepName::Membership,
                StepState::Completed,
                &format!("Both groups had the same {} when the plan was made.", count(ground.members.len(), "member")),
            )
            .await?;
        let plan = match &origin {
            None => plan_replacement(&ground, &world.inventory),
            Some((origin, places)) => {
                let mut inventory = places.clone();
                inventory.extend(world.inventory.clone());
                plan_rollback(&ground, &inventory, origin)
            }
        };
        let attempt = checkpoint.map_or(0, |kept| kept.attempt);
        let soak = if rollback { NO_SOAK } else { &self.object.spec.soak };
        let plan = match plan {
            Ok(plan) => plan.asked_for(attempt, soak),
            Err(refusal) => return Ok(Err(Outcome::Refused(refusal))),
        };
        if plan.is_empty() && rollback {
            let mut checkpoint = checkpoint.cloned();
            if let Some(checkpoint) = &mut checkpoint {
                checkpoint.snapshots.clear();
                // The run that is undone is over: going on with it later would be on an old approval,
                // and without a way back.
                if let Some(run) = &mut checkpoint.run {
                    run.gate = Gate::Rollback;
                    run.finished_at = Some(Timestamp::now());
                }
                self.checkpoints.save(checkpoint).await?;
            }
            return Ok(Err(Outcome::RolledBack { message: "Everything is as it was before.".to_owned() }));
        }
        if let Err(refusal) = world.refuse_unseen_vaults(&plan) {
            return Ok(Err(Outcome::Refused(refusal)));
        }
        let touched = plan.grants.len().max(plan.revokes.len());
        let most = self.object.spec.failsafe.max_assignments;
        if touched > most as usize {
            return Ok(Err(Outcome::Refused(Refusal::new(
                "FailsafeTripped",
                format!(
                    "The plan touches {touched} permissions, and failsafe.maxAssignments allows {most}. If that is what you expect, raise it."
                ),
            ))));
        }
        Ok(Ok(Planned { plan, custom: custom.id, entra: entra.id }))
    }

    /// The custom group holds nothing (any more): done, if the Entra group holds what it held.
    async fn nothing_held(
        &mut self,
        checkpoint: Option<&Checkpoint>,
        cloud: &K::Cloud,
        ground: &Ground,
    ) -> Result<Outcome, Failure> {
        let (custom, entra) = (&ground.giver.name, &ground.taker.name);
        if self.object.spec.mode == Mode::Plan {
            return Ok(Outcome::Planned { grants: 0, revokes: 0 });
        }
        // What somebody moves meanwhile, from a place that is still to be read to one that was read, is in no inventory.
        // This would be the end of it, so it takes two of them.
        if !held_by(&take_inventory(cloud).await?, ground.giver.id).is_empty() {
            return Ok(Outcome::Working);
        }
        let Some(checkpoint) = checkpoint.filter(|c| !c.snapshots.is_empty()) else {
            return Ok(Outcome::Succeeded {
                reason: "NothingToReplace",
                message: format!("Nothing to replace. \"{custom}\" holds no permission that this identity can read."),
            });
        };
        let (origin, places) = self.origin(checkpoint).await?;
        let lost = origin.custom.iter().filter(|(place, held)| ground.taker_held.get(place) != Some(held));
        let lost: Vec<&str> = lost.filter_map(|(place, _)| places.get(place)).map(|h| h.label.as_str()).collect();
        if !lost.is_empty() {
            return Ok(Outcome::Refused(Refusal::new(
                "OutcomeUnclear",
                format!(
                    "\"{custom}\" holds nothing any more, but \"{entra}\" does not hold what it held at {}. Can this identity still see them all? Look at these by hand, or roll back.",
                    name_some(lost)
                ),
            )));
        }
        if let Some(run) = &checkpoint.run {
            self.reporter.completed(run.hash.as_str());
        }
        let moved = count(origin.custom.len(), "permission");
        Ok(Outcome::Succeeded {
            reason: "Replaced",
            message: format!("{moved} moved. \"{entra}\" holds all that \"{custom}\" held."),
        })
    }
}
