//! `SsoMigration`: guard → observe → plan → act → report.
//!
//! - here: the order of a pass; `driver`: when one is made, and when the next
//! - `guard`: whether this migration may work here at all
//! - `observe`: what both systems say now, with `groups`; `standing`: by which application people sign in
//! - `gate`: a plan is shown, approved, and may be carried out
//! - `application`, `secrets`, `assignment`: the new application is made, set up, and people are assigned
//! - `prepare`: the order of all that comes before the cut-over
//! - `cutover`: tested, approved, in its window; `save`: the one request; `evidence`: what proves that it works, and what does not
//! - `scope`: whom provisioning covers; `provisioning`: what is missing of it is approved and done; `job`: set up and
//!   started; `canary`: one user first; `pause`: does it run already, and how it is paused; `verification`: who has come across
//! - `replacements`: those of its mapping, and those that hang on it
//! - `retirement`: the way back is removed, once nobody needs it
//! - `rollback`: the old configuration is brought back, when asked for or by itself
//! - `report`, with `outcome` and `look`: status, from what was observed and what happened

mod application;
mod assignment;
mod canary;
mod cutover;
mod driver;
mod evidence;
mod gate;
mod groups;
mod guard;
mod job;
mod look;
mod observe;
mod outcome;
mod pause;
mod prepare;
mod provisioning;
mod replacements;
mod report;
mod retirement;
mod rollback;
mod save;
mod scope;
mod secrets;
mod standing;
mod verification;

use std::sync::Arc;

use kube::ResourceExt as _;

pub use driver::reconcile;

use self::outcome::Outcome;
use self::provisioning::Moment;
use self::report::Reporter;
use self::standing::Standing;
use super::{Connector, Context, Events};
use crate::api::{Gate, MigrationMode, MigrationStepName, SsoMigration, StepState, TenantConnection};
use crate::error::Failure;
use crate::plan::Refusal;
use crate::store::{Archive, CheckpointStore, ClientSecrets, MigrationCheckpoint, ProvisioningTokens};

/// What a pass over an `SsoMigration` works with.
pub struct Migrations<K: Connector> {
    /// What all drivers share.
    pub context: Arc<Context<K>>,
    /// What is told of their changes.
    pub events: Arc<Events>,
}

/// One pass over one resource.
struct Pass<'a, K: Connector> {
    context: &'a Context<K>,
    object: &'a Arc<SsoMigration>,
    reporter: &'a mut Reporter,
    connection: &'a TenantConnection,
    cloud: &'a K::Cloud,
    entra: &'a K::Entra,
    checkpoints: CheckpointStore<MigrationCheckpoint>,
    archive: Archive,
    secrets: ClientSecrets,
    provisioning_tokens: ProvisioningTokens,
}

impl<'a, K: Connector> Pass<'a, K> {
    async fn run(
        object: &'a Arc<SsoMigration>,
        context: &'a Context<K>,
        reporter: &'a mut Reporter,
    ) -> Result<Outcome, Failure> {
        if object.spec.suspend {
            return Ok(Outcome::Suspended);
        }
        let namespace = object.namespace().unwrap_or_default();
        let name = &object.spec.connection_ref.name;
        let connected = context.connections.get(&namespace, name).await?;
        let Some(entra) = context.connections.entra_of(&connected.connection).await? else {
            return Ok(Outcome::Refused(Refusal::new(
                "EntraNotConfigured",
                format!(
                    "TenantConnection \"{name}\" has no entra, and a migration needs the Entra tenant of its users. Add it: tenantId, clientId and credential."
                ),
            )));
        };
        let pass = Pass {
            context,
            object,
            reporter,
            connection: &connected.connection,
            cloud: &*connected.cloud,
            entra: &*entra,
            checkpoints: CheckpointStore::new(&context.client, &**object),
            archive: Archive::new(&context.client, &**object),
            secrets: ClientSecrets::new(&context.client, &**object),
            provisioning_tokens: ProvisioningTokens::new(&context.client, &**object),
        };
        pass.go().await
    }

    async fn go(mut self) -> Result<Outcome, Failure> {
        let checkpoint = self.checkpoints.load().await?;
        if let Some(refusal) = checkpoint.as_ref().and_then(|c| self.other_work(c)) {
            return Ok(Outcome::Refused(refusal));
        }
        let has_begun = checkpoint.as_ref().is_some_and(|c| c.application.is_some() || c.asked.is_some());
        if !has_begun
            && self.object.spec.mode == MigrationMode::Apply
            && let Some(refusal) = self.may_not_begin(checkpoint.is_some()).await?
        {
            return Ok(Outcome::Refused(refusal));
        }
        match (self.object.spec.mode, checkpoint) {
            (MigrationMode::Rollback, Some(checkpoint)) => self.roll_back(checkpoint).await,
            (MigrationMode::Rollback, None) if self.secrets.is_any_kept().await? => {
                Ok(Outcome::Refused(self.checkpoint_missing()))
            }
            (MigrationMode::Rollback, None) => Ok(Outcome::Refused(Refusal::new(
                "NothingToRollBack",
                "Nothing was begun under this name in this namespace, so nothing was changed that could be brought back.",
            ))),
            (_, Some(checkpoint)) if checkpoint.application.is_some() => self.go_on(checkpoint).await,
            (_, checkpoint) => self.prepare(checkpoint).await,
        }
    }

    /// There is an application already: before the cut-over or after it?
    async fn go_on(&mut self, mut checkpoint: MigrationCheckpoint) -> Result<Outcome, Failure> {
        let shown = self.shown().await?;
        let is_told = shown.as_ref().is_some_and(|shown| shown.client_id.is_some());
        let standing = self.stands(&checkpoint, shown.as_ref());
        if checkpoint.restoring_at.is_some() {
            if !is_told {
                return Ok(Outcome::Refused(way_back_unclear()));
            }
            // It was saved, and the pass ended before that was written down.
            if self.standing_for_sure(&checkpoint).await? == Standing::Old {
                self.begin_anew(&mut checkpoint).await?;
                return Ok(Outcome::Working);
            }
        }
        if self.object.spec.mode == MigrationMode::Plan {
            return match refuse_preview(&checkpoint, &standing, is_told) {
                Some(refusal) => Ok(Outcome::Refused(refusal)),
                None => self.prepare(Some(checkpoint)).await,
            };
        }
        if checkpoint.rollback.is_some() || checkpoint.restoring_at.is_some() {
            // Whoever wants to go forth has taken back that they wanted to go back.
            (checkpoint.rollback, checkpoint.restoring_at) = (None, None);
            self.checkpoints.save(&checkpoint).await?;
        }
        let cutover = checkpoint.cutover.clone().unwrap_or_default();
        if let Some(returning) = cutover.returning {
            match (returning.done_at, standing) {
                // Somebody has saved the new one by hand since.
                (Some(at), Standing::New) if self.is_long_ago(at) && self.is_surely_new(&checkpoint).await? => {
                    self.begin_anew(&mut checkpoint).await?;
                    return self.follow(checkpoint).await;
                }
                (Some(_), _) if !self.is_answered(&returning) => {
                    let ends = self.until_when(&checkpoint).await?;
                    return Ok(Outcome::Returned { why: format!("{}{ends}", returning.why) });
                }
                (Some(_), _) => self.begin_anew(&mut checkpoint).await?,
                // It was being saved, and the server does not tell whether it was.
                (None, _) if returning.restoring_at.is_some() && !is_told => return self.bring_back(checkpoint).await,
                // What was about to be done may no longer be right: it is judged anew.
                (None, Standing::New) => return self.follow(checkpoint).await,
                (None, Standing::Old) if self.standing_for_sure(&checkpoint).await? == Standing::Old => {
                    return self.returned(checkpoint).await;
                }
                (None, Standing::Old | Standing::Other(_)) => {}
            }
        } else if cutover.saving_at.is_some()
            && cutover.saved_at.is_none()
            && let Some(outcome) = self.finish_save(&mut checkpoint).await?
        {
            return Ok(outcome);
        }
        let was_saved = checkpoint.cutover.as_ref().is_some_and(|cutover| cutover.saved_at.is_some());
        match self.standing(&checkpoint).await? {
            Standing::New if was_saved || self.is_surely_new(&checkpoint).await? => self.follow(checkpoint).await,
            Standing::New => Ok(Outcome::Working),
            changed if was_saved => self.changed_elsewhere(checkpoint, changed).await,
            Standing::Old => self.prepare(Some(checkpoint)).await,
            Standing::Other(app_id) => Ok(Outcome::Refused(elsewhere(&checkpoint, &app_id))),
        }
    }

    /// The new configuration is saved: does it work, and has everybody come across?
    async fn follow(&mut self, checkpoint: MigrationCheckpoint) -> Result<Outcome, Failure> {
        let seen = self.watch(checkpoint).await?;
        // As it was written meanwhile.
        let Some(mut checkpoint) = self.checkpoints.load().await? else { return Ok(Outcome::Working) };
        let done = match seen {
            Outcome::CutOver { evidence, log_is_read, way_back } => {
                let moment = Moment::After { evidence, log_is_read, way_back };
                match self.bring_across(&mut checkpoint, moment).await? {
                    verified @ Outcome::Verified { .. } => self.replace_groups(verified).await?,
                    other => other,
                }
            }
            other => other,
        };
        match done {
            Outcome::CutOver { .. } | Outcome::Verified { .. } | Outcome::Replaced { .. } => {
                self.retire(checkpoint, done).await
            }
            Outcome::Working | Outcome::Waiting { .. } => Ok(done),
            // More is to be done, or people cannot sign in.
            other => {
                self.retire_later(&mut checkpoint).await?;
                Ok(other)
            }
        }
    }

    /// There and back: what comes is another attempt, and what was approved before counts no more.
    async fn begin_anew(&mut self, checkpoint: &mut MigrationCheckpoint) -> Result<(), Failure> {
        checkpoint.start = None;
        checkpoint.cutover = None;
        checkpoint.rollback = None;
        checkpoint.restoring_at = None;
        checkpoint.retirement = None;
        checkpoint.shown = None;
        checkpoint.attempt += 1;
        self.reporter.begin_anew();
        self.checkpoints.save(checkpoint).await
    }

    /// Whether the spec or the connection's policy asks a person at this gate.
    fn asks_at(&self, gate: Gate) -> bool {
        let policy = self.connection.spec.policy.as_ref();
        self.object.spec.approvals.contains(&gate) || policy.is_some_and(|policy| policy.gates.contains(&gate))
    }

    /// Whether nothing more is to be written now.
    async fn is_interrupted(&self) -> Result<bool, Failure> {
        self.context.is_interrupted(&**self.object).await
    }

    fn step(&mut self, name: MigrationStepName, state: StepState, message: &str) {
        self.reporter.step(name, state, message);
    }
}

/// Why there is nothing to preview, where there is not.
fn refuse_preview(checkpoint: &MigrationCheckpoint, standing: &Standing, is_told: bool) -> Option<Refusal> {
    let is_saving = checkpoint.cutover.as_ref().is_some_and(|it| it.saving_at.is_some() && it.saved_at.is_none());
    if is_saving && !is_told {
        return Some(Refusal::new(
            "SaveUnclear",
            "The new configuration was being saved, and this server does not tell whether it was. Set spec.mode to Apply, which makes sure of it, or to Rollback.",
        ));
    }
    match standing {
        Standing::Old => None,
        Standing::New => Some(Refusal::new(
            "CutOverAlready",
            "The new configuration was saved already, so there is nothing to preview. To see what proves that it works, set spec.mode to Apply; to bring the old one back, to Rollback.",
        )),
        Standing::Other(app_id) => Some(elsewhere(checkpoint, app_id)),
    }
}

fn elsewhere(checkpoint: &MigrationCheckpoint, app_id: &str) -> Refusal {
    Refusal::new(
        "CheckpointMismatch",
        format!(
            "This migration was begun when people signed in by {}, and now they sign in by {app_id}. Bring the former back in Devolutions Cloud, or begin another migration under another name.",
            checkpoint.before.client_id
        ),
    )
}

fn way_back_unclear() -> Refusal {
    Refusal::new(
        "RollbackUnclear",
        "The old configuration was being saved when that was called off, and this server does not tell whether it was. Set spec.mode to Rollback, which makes sure of it; from there it can go forth again.",
    )
}
