//! Act: one write after the other, each on a place that was just looked at, each read back.

use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt as _;

use super::report::Reporter;
use super::world::refuse_unseen_vaults;
use crate::api::{GroupReplacement, StepName, StepState};
use crate::controller::{Connector, Context};
use crate::devolutions::{DevolutionsCloud, Observed, Place, Target, look_around};
use crate::error::{Class, Failure};
use crate::plan::replacement::{Effect, Plan};
use crate::plan::run::{AtPlace, Phase, same_members, still_needed, still_neutral};
use crate::plan::{Refusal, count};

/// How often a write is tried while others write to the same place.
const TRIES: u32 = 5;
/// How often a write that was taken is looked for, and how long it is waited in between.
const LOOKS: u32 = 6;
const PAUSE: Duration = Duration::from_millis(500);

/// How a phase ended.
pub enum End {
    /// Every effect is done.
    Complete,
    /// The resource was suspended, changed or deleted, or the operator is to stop.
    Interrupted,
    /// Somebody changed what the plan rests on.
    Stale(Refusal),
    /// It cannot go on until a person mends something; the plan stands.
    Held(Refusal),
}

/// Carries out one phase of a plan.
pub struct Writer<'a, K: Connector> {
    /// The tenant.
    pub cloud: &'a K::Cloud,
    /// The plan.
    pub plan: &'a Plan,
    /// Which half of it.
    pub phase: Phase,
    /// The resource as this pass began with it.
    pub object: &'a Arc<GroupReplacement>,
    /// What all drivers share.
    pub context: &'a Context<K>,
}

impl<K: Connector> Writer<'_, K> {
    /// Does `remaining`, in order.
    pub async fn write(&self, remaining: &[&Effect], reporter: &mut Reporter) -> Result<End, Failure> {
        let (step, total) = match self.phase {
            Phase::Grant => (StepName::Grant, self.plan.grants.len()),
            Phase::Revoke => (StepName::Revoke, self.plan.revokes.len()),
        };
        let done = total - remaining.len();
        reporter.progress(step, done, total, remaining.first().map_or("", |e| e.label.as_str())).await?;
        for (index, effect) in remaining.iter().enumerate() {
            if let Some(end) = self.one(effect).await? {
                return Ok(end);
            }
            // Whatever gets done ends a row of failures.
            self.context.backoff.reset(&self.object.uid().unwrap_or_default());
            reporter.progress(step, done + index + 1, total, &effect.label).await?;
        }
        let what = match self.phase {
            Phase::Grant => format!("\"{}\" got {}.", self.plan.ground.taker.name, count(total, "permission")),
            Phase::Revoke => format!("\"{}\" gave up {}.", self.plan.ground.giver.name, count(total, "permission")),
        };
        reporter.step(step, StepState::Completed, &what).await?;
        Ok(End::Complete)
    }

    /// One effect. Where somebody else wrote to the place at the same moment, such as another
    /// replacement of ours, it is looked at again.
    async fn one(&self, effect: &Effect) -> Result<Option<End>, Failure> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.attempt(effect).await {
                Err(failure) if failure.class == Class::Conflict && tries < TRIES => {
                    tracing::debug!(tries, "{failure}");
                }
                result => return result,
            }
        }
    }

    async fn attempt(&self, effect: &Effect) -> Result<Option<End>, Failure> {
        // Two replacements of ours with a group in common, one there and one back, must not decide at
        // once: an ETag would keep them apart at one place only, and not every server has one.
        let ground = &self.plan.ground;
        let _alone = self.context.claims.claim([ground.giver.id, ground.taker.id]).await;
        let around = look_around(self.cloud, &effect.place).await?;
        if effect.place == Place::AllVaults {
            // Whether we see them all was looked at when the phase began, perhaps hours ago.
            let (identity, groups) = (self.cloud.identity().await?, self.cloud.groups().await?);
            if let Err(refusal) = refuse_unseen_vaults(self.plan, &identity, &groups, &around) {
                return Ok(Some(End::Held(refusal)));
            }
        }
        let before = self.look(effect).await?;
        match still_needed(effect, self.phase, self.held(&before)) {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(refusal) => return Ok(Some(End::Stale(refusal))),
        }
        let fits = still_neutral(self.plan, effect, self.phase, &around);
        if self.context.is_interrupted(&**self.object).await? {
            return Ok(Some(End::Interrupted));
        }
        // The members last: they change most easily, and from here one request is all that can still happen.
        if let Err(refusal) = fits.and(self.members_are_the_same().await?) {
            return Ok(Some(End::Stale(refusal)));
        }
        let group = match self.phase {
            Phase::Grant => self.plan.ground.taker.id,
            Phase::Revoke => self.plan.ground.giver.id,
        };
        let target = Target { place: &effect.place, label: &effect.label, group, etag: before.etag.as_deref() };
        match self.phase {
            Phase::Grant => self.cloud.grant(&target, &effect.permission).await?,
            Phase::Revoke => self.cloud.revoke(&target).await?,
        }
        match self.outcome(effect).await? {
            Ok(false) => {
                self.context.metrics.written(match self.phase {
                    Phase::Grant => "grant",
                    Phase::Revoke => "revoke",
                });
                Ok(None)
            }
            Ok(true) => Err(Failure::new(
                Class::Transient,
                "NotVisibleYet",
                format!(
                    "The server took the change at {} but does not show it yet. It is looked at again before anything else is done.",
                    effect.label
                ),
            )),
            Err(refusal) => Ok(Some(End::Stale(refusal))),
        }
    }

    /// Whether a write that was taken is not seen yet. A replica may lag, so it is looked at more than once.
    async fn outcome(&self, effect: &Effect) -> Result<Result<bool, Refusal>, Failure> {
        let mut looks = 1;
        loop {
            let needed = still_needed(effect, self.phase, self.held(&self.look(effect).await?));
            if !matches!(needed, Ok(true)) || looks == LOOKS {
                return Ok(needed);
            }
            looks += 1;
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn look(&self, effect: &Effect) -> Result<Observed, Failure> {
        // A place that is gone holds nothing, which is never what a plan expects.
        Ok(self.cloud.permissions(&effect.place, &effect.label).await?.unwrap_or_default())
    }

    fn held<'o>(&self, observed: &'o Observed) -> AtPlace<'o> {
        let ground = &self.plan.ground;
        AtPlace {
            giver: observed.permissions.groups.get(&ground.giver.id),
            taker: observed.permissions.groups.get(&ground.taker.id),
        }
    }

    /// Membership can change at any moment from outside; this narrows the gap to one write.
    async fn members_are_the_same(&self) -> Result<Result<(), Refusal>, Failure> {
        let ground = &self.plan.ground;
        let (giver, taker) = (self.cloud.group(ground.giver.id).await?, self.cloud.group(ground.taker.id).await?);
        Ok(match (giver, taker) {
            (Some(giver), Some(taker)) => same_members(self.plan, &giver, &taker),
            _ => Err(Refusal::new(
                "PlanStale",
                format!(
                    "Stopped, because \"{}\" or \"{}\" was deleted in Devolutions Cloud. Nothing more is written.",
                    ground.giver.name, ground.taker.name
                ),
            )),
        })
    }
}
