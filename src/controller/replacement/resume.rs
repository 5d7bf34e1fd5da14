//! Goes on with a pinned plan, to its end.

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;

use super::outcome::Outcome;
use super::world::World;
use super::{Pass, act};
use crate::api::{Gate, GroupReplacement, Mode, REQUESTED_AT};
use crate::controller::Connector;
use crate::controller::connection::Connected;
use crate::error::{Class, Failure};
use crate::plan::replacement::Plan;
use crate::plan::run::Phase;
use crate::plan::window::end_of;
use crate::plan::{Refusal, count};
use crate::store::{Checkpoint, Stopped};

impl<K: Connector> Pass<'_, K> {
    /// Goes on with the pinned plan.
    pub(super) async fn resume(
        &mut self,
        mut checkpoint: Checkpoint,
        tenant: &Connected<K::Cloud>,
        world: &World,
    ) -> Result<Outcome, Failure> {
        let Some(run) = checkpoint.run.clone() else {
            return Ok(Outcome::Working);
        };
        if let Some(stopped) = run.stopped {
            return Ok(Outcome::Refused(Refusal::new("PlanStale", stopped.message)));
        }
        let plan: Plan = match self.archive.load(&run.plan_secret).await {
            Ok(plan) => plan,
            // Only a new plan helps, so this is as final as a stale one.
            Err(failure) if failure.class == Class::Invalid => {
                return self.stop(checkpoint, Refusal::new("PlanStale", failure.message)).await;
            }
            Err(failure) => return Err(failure),
        };
        self.reporter.running(&plan, &run).await?;
        let phase = if run.granted_at.is_none() { Phase::Grant } else { Phase::Revoke };
        let mut fresh = None;
        if world.remaining(&plan, &run.hash, phase).is_err() {
            // A stop is final until a person says otherwise, so one odd answer must not bring it about.
            fresh = Some(World::observe(&*tenant.cloud).await?);
        }
        let remaining = match fresh.as_ref().unwrap_or(world).remaining(&plan, &run.hash, phase) {
            Ok(remaining) => remaining,
            Err(refusal) => return self.stop(checkpoint, refusal).await,
        };
        if let (Phase::Revoke, Some(granted_at)) = (phase, run.granted_at) {
            let until = soak_end(granted_at, self.object, &plan, run.approval.is_some());
            if until > Timestamp::now() {
                return Ok(Outcome::Soaking { until });
            }
            if remaining.is_empty() {
                return self.finish(checkpoint, &plan).await;
            }
        }
        // Rights can be taken from us between the phases, and what we cannot see we cannot prove.
        if let Err(refusal) = fresh.as_ref().unwrap_or(world).refuse_unseen_vaults(&plan) {
            return Ok(Outcome::Refused(refusal));
        }
        let writer = act::Writer {
            cloud: &*tenant.cloud,
            plan: &plan,
            phase,
            object: self.object,
            context: &self.shared.context,
        };
        match writer.write(&remaining, self.reporter).await? {
            act::End::Complete => {}
            // The next pass finds out what is wanted now.
            act::End::Interrupted => return Ok(Outcome::Working),
            act::End::Held(refusal) => return Ok(Outcome::Refused(refusal)),
            act::End::Stale(refusal) => return self.stop(checkpoint, refusal).await,
        }
        if phase == Phase::Grant {
            if let Some(run) = &mut checkpoint.run {
                run.granted_at = Some(Timestamp::now());
            }
            self.checkpoints.save(&checkpoint).await?;
        }
        // Whatever comes next rests on a fresh look at the world.
        Ok(Outcome::Working)
    }

    /// The world fits the plan no longer: no write until a person asks for another plan.
    async fn stop(&mut self, mut checkpoint: Checkpoint, refusal: Refusal) -> Result<Outcome, Failure> {
        if let Some(run) = &mut checkpoint.run {
            run.stopped = Some(Stopped {
                at: Timestamp::now(),
                message: refusal.message.clone(),
                generation: self.object.metadata.generation,
                requested_at: self.object.annotations().get(REQUESTED_AT).cloned(),
            });
        }
        self.checkpoints.save(&checkpoint).await?;
        Ok(Outcome::Refused(refusal))
    }

    /// All is done, and the inventory that says so is fresh.
    async fn finish(&mut self, mut checkpoint: Checkpoint, plan: &Plan) -> Result<Outcome, Failure> {
        if let Some(run) = &mut checkpoint.run {
            run.finished_at = Some(Timestamp::now());
        }
        if plan.gate == Gate::Rollback {
            checkpoint.snapshots.clear();
        }
        self.checkpoints.save(&checkpoint).await?;
        self.reporter.completed(plan.hash().as_str());
        let (giver, taker) = (&plan.ground.giver.name, &plan.ground.taker.name);
        Ok(if plan.gate == Gate::Rollback {
            Outcome::RolledBack {
                message: format!(
                    "{} put back. \"{taker}\" holds what it held before, and \"{giver}\" no longer what it got for it.",
                    count(plan.revokes.len(), "permission")
                ),
            }
        } else {
            Outcome::Succeeded {
                reason: "Replaced",
                message: format!(
                    "{} moved. \"{taker}\" holds all that \"{giver}\" held, and \"{giver}\" holds none that this identity can read. Licence auto-assignment and pending invitations name groups too: look at them by hand.",
                    count(plan.revokes.len(), "permission")
                ),
            }
        })
    }
}

/// What was approved is the least; what nobody was asked about is as the spec says now.
fn soak_end(granted_at: Timestamp, object: &GroupReplacement, plan: &Plan, is_approved: bool) -> Timestamp {
    let approved = if is_approved { end_of(granted_at, &plan.soak) } else { granted_at };
    let asked = if object.spec.mode == Mode::Rollback { granted_at } else { end_of(granted_at, &object.spec.soak) };
    approved.max(asked)
}
