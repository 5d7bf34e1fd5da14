//! By which connection a replacement works, and whether the migration that it is part of is far enough.

use kube::{Api, ResourceExt as _};

use super::Pass;
use super::outcome::Outcome;
use crate::api::{MigrationMode, Mode, SsoMigration};
use crate::controller::Connector;
use crate::error::Failure;
use crate::plan::Refusal;
use crate::plan::verification::Expectation;
use crate::store::{Archive, Checkpoint};

/// Where a replacement works.
pub(super) struct Source {
    /// The connection's name.
    pub connection: String,
    /// Which groups there were before the migration; none known without one.
    pub expectation: Expectation,
}

impl<K: Connector> Pass<'_, K> {
    /// Where it works, or why it does not yet.
    pub(super) async fn source(&self, checkpoint: Option<&Checkpoint>) -> Result<Result<Source, Outcome>, Failure> {
        let spec = &self.object.spec;
        let by = |connection: &str| Source { connection: connection.to_owned(), expectation: Expectation::default() };
        let Some(reference) = &spec.migration_ref else {
            return Ok(Ok(by(spec.connection_ref.as_ref().map_or("", |connection| &connection.name))));
        };
        let client = &self.shared.context.client;
        let migrations: Api<SsoMigration> =
            Api::namespaced(client.clone(), &self.object.namespace().unwrap_or_default());
        let what = format!("read SsoMigration \"{}\"", reference.name);
        let migration = migrations.get_opt(&reference.name).await.map_err(|e| Failure::kubernetes(&what, &e))?;
        // What was begun can be ended and undone, whatever becomes of the migration.
        let has_begun = spec.mode == Mode::Rollback || checkpoint.is_some_and(|kept| self.is_under_way(kept));
        let Some(migration) = migration else {
            let kept = checkpoint.filter(|_| has_begun).and_then(|kept| kept.connection.as_deref());
            return Ok(kept.map(by).ok_or_else(|| Outcome::Refused(not_found(&reference.name))));
        };
        if spec.mode == Mode::Apply
            && !has_begun
            && let Some(outcome) = waits_for(&migration)
        {
            return Ok(Err(outcome));
        }
        let expectation = Archive::new(client, &migration).load_expectation().await?.unwrap_or_default();
        Ok(Ok(Source { connection: migration.spec.connection_ref.name, expectation }))
    }
}

/// What the migration lacks, where it lacks anything.
fn waits_for(migration: &SsoMigration) -> Option<Outcome> {
    let name = migration.name_any();
    if migration.spec.provisioning.is_none() {
        return Some(Outcome::Refused(Refusal::new(
            "MigrationBringsNobody",
            format!(
                "SsoMigration \"{name}\" has no spec.provisioning, so it never proves that anybody came across, which is waited for. Add it there, or create a GroupReplacement with connectionRef in the place of this one."
            ),
        )));
    }
    let is_forth = migration.spec.mode == MigrationMode::Apply;
    (!is_forth || !migration.is_verified()).then(|| {
        let now = migration.status.as_ref().map(|status| status.summary.as_str()).filter(|now| !now.is_empty());
        Outcome::AwaitingMigration {
            message: format!(
                "Waits until people sign in by the application of SsoMigration \"{name}\" and everybody has come across. That one is in mode {:?}: {}",
                migration.spec.mode,
                now.unwrap_or("nothing is known of it yet")
            ),
        }
    })
}

fn not_found(name: &str) -> Refusal {
    Refusal::new(
        "MigrationNotFound",
        format!("There is no SsoMigration \"{name}\" in this namespace. Create it, or mend migrationRef."),
    )
}
