//! Guard: whether this migration may work here at all.

use std::collections::BTreeSet;

use kube::api::ListParams;
use kube::{Api, ResourceExt as _};

use super::Pass;
use crate::api::{MigrationMode, MigrationStepName, SsoMigration, Step, TenantConnection};
use crate::controller::Connector;
use crate::entra::permission;
use crate::error::Failure;
use crate::plan::{Refusal, name_some};
use crate::store::{MigrationCheckpoint, Purpose};

impl<K: Connector> Pass<'_, K> {
    /// What was begun elsewhere is never taken for this.
    pub(super) fn other_work(&self, checkpoint: &MigrationCheckpoint) -> Option<Refusal> {
        let url = &self.connection.spec.devolutions_cloud.url;
        let tenant = self.connection.spec.entra.as_ref().map(|entra| entra.tenant_id.as_str()).unwrap_or_default();
        let existing =
            self.object.spec.application.existing.as_ref().map(|application| application.app_id.to_lowercase());
        let ids = checkpoint.application.as_ref();
        let what = if checkpoint.tenant != *url {
            format!("on {}, and its connection now points at {url}", checkpoint.tenant)
        } else if !checkpoint.entra_tenant.eq_ignore_ascii_case(tenant) {
            format!("in the Entra tenant {}, and its connection now names {tenant}", checkpoint.entra_tenant)
        } else if let Some(ids) = ids.filter(|ids| ids.was_there && existing.is_none()) {
            format!("with the application {}, and spec.application.existing no longer names it", ids.app_id)
        } else if let Some((ids, wanted)) =
            ids.zip(existing).filter(|(ids, wanted)| ids.app_id.to_lowercase() != *wanted)
        {
            format!("with the new application {}, and spec.application.existing now names {wanted}", ids.app_id)
        } else {
            return None;
        };
        Some(Refusal::new(
            "CheckpointMismatch",
            format!(
                "Under this name a migration was begun {what}. Go on with that one as it was, or give the new resource another name."
            ),
        ))
    }

    /// Why this migration may not be begun, where that is so.
    pub(super) async fn may_not_begin(&self, has_checkpoint: bool) -> Result<Option<Refusal>, Failure> {
        if !has_checkpoint && self.secrets.is_any_kept().await? {
            return Ok(Some(self.checkpoint_missing()));
        }
        self.another_migration().await
    }

    /// What was done is not known, though something was.
    pub(super) fn checkpoint_missing(&self) -> Refusal {
        Refusal::new(
            "CheckpointMissing",
            format!(
                "There are client secrets of a migration of this name, in the Secrets {} and {}, and its checkpoint is gone, so nothing tells what was done. Restore it from a backup. To bring the old application back by hand, save it in Administration - Authentication - Single Sign-On (SSO) with the clientId and clientSecret of the latter. If nobody signs in by either, delete them, or give this resource another name.",
                self.secrets.name(Purpose::SignIn),
                self.secrets.name(Purpose::Return)
            ),
        )
    }

    /// Two that work on one tenant would undo each other's work: the one that has begun goes on, or else the older one.
    pub(super) async fn another_migration(&self) -> Result<Option<Refusal>, Failure> {
        let namespace = self.object.namespace().unwrap_or_default();
        let (client, all) = (self.context.client.clone(), ListParams::default());
        let connections: Api<TenantConnection> = Api::namespaced(client.clone(), &namespace);
        let connections = connections.list(&all).await;
        let connections = connections.map_err(|e| Failure::kubernetes("list the TenantConnections", &e))?;
        let url = self.connection.spec.devolutions_cloud.url.trim_end_matches('/');
        let is_same =
            |c: &TenantConnection| c.spec.devolutions_cloud.url.trim_end_matches('/').eq_ignore_ascii_case(url);
        let same = |name: &str| connections.items.iter().any(|c| c.name_any() == name && is_same(c));
        let migrations: Api<SsoMigration> = Api::namespaced(client, &namespace);
        let migrations = migrations.list(&all).await;
        let migrations = migrations.map_err(|e| Failure::kubernetes("list the SsoMigrations", &e))?;
        let age = |object: &SsoMigration| (object.creation_timestamp().map(|t| t.0), object.uid());
        let is_begun = |step: &Step<MigrationStepName>| step.name == MigrationStepName::Application;
        let has_begun = |object: &SsoMigration| object.status.as_ref().is_some_and(|s| s.steps.iter().any(is_begun));
        let other = migrations.items.iter().find(|other| {
            other.uid() != self.object.uid()
                && other.spec.mode != MigrationMode::Plan
                && same(&other.spec.connection_ref.name)
                && (has_begun(other) || age(other) < age(self.object))
        });
        Ok(other.map(|other| {
            Refusal::new(
                "AnotherMigration",
                format!(
                    "SsoMigration \"{}\" works on the same tenant and has begun, or is older. Set its mode to Plan, or delete it, before another one works.",
                    other.name_any()
                ),
            )
        }))
    }
}

/// Without these nothing could be said.
pub(super) fn refuse_missing(found: &BTreeSet<String>) -> Option<Refusal> {
    let missing: Vec<_> = permission::missing(found).into_iter().filter(|needed| !needed.is_optional).collect();
    if missing.is_empty() {
        return None;
    }
    let what_for: Vec<String> =
        missing.iter().map(|needed| format!("{} for {}", needed.name, needed.what_for)).collect();
    Some(Refusal::new(
        "PermissionMissing",
        format!(
            "The operator's application in Entra ID lacks application permissions of Microsoft Graph: {}. Add them under API permissions, grant admin consent, and wait some minutes for the next token.",
            name_some(what_for.iter().map(String::as_str))
        ),
    ))
}
