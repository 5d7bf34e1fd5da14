//! Everything before the cut-over, in the vendor's order, as far as it goes in a pass.

use k8s_openapi::jiff::Timestamp;
use uuid::Uuid;

use super::observe::{Ours, Sight, Tenants};
use super::outcome::Outcome;
use super::pause::provisions_unasked;
use super::provisioning::Moment;
use super::{Pass, guard};
use crate::api::{CutoverOrder, MigrationMode, ReportReference};
use crate::controller::Connector;
use crate::devolutions::SsoProvider;
use crate::entra::Entra as _;
use crate::error::Failure;
use crate::plan::Refusal;
use crate::plan::mapping::require_once;
use crate::plan::preflight::{Report, is_open};
use crate::store::MigrationCheckpoint;

impl<K: Connector> Pass<'_, K> {
    /// Everything before the cut-over, up to it.
    pub(super) async fn prepare(&mut self, checkpoint: Option<MigrationCheckpoint>) -> Result<Outcome, Failure> {
        let mapping = self.object.spec.group_replacements.as_ref().map(|it| it.mapping.as_slice()).unwrap_or_default();
        if let Err(refusal) = require_once(mapping) {
            return Ok(Outcome::Refused(refusal));
        }
        let ours = checkpoint.as_ref().and_then(|checkpoint| {
            let is_provisioned = checkpoint.provisioning.as_ref().is_some_and(|run| run.started_at.is_some());
            checkpoint.application.as_ref().map(|ids| Ours { app_id: ids.app_id.clone(), is_provisioned })
        });
        let tenants = Tenants { connection: self.connection, cloud: self.cloud, entra: self.entra };
        // Rights come by application permissions or by directory roles, and a token tells only of the former: so it is
        // tried, and only a refusal asks what is missing.
        let sight = match Sight::take(&self.object.spec, &tenants, ours.as_ref()).await {
            Err(failure) if failure.reason == "PermissionMissing" => {
                let permissions = self.entra.permissions().await?;
                return permissions.as_ref().and_then(guard::refuse_missing).map(Outcome::Refused).ok_or(failure);
            }
            sight => sight?,
        };
        let report = match sight.judge(&self.object.spec, &tenants, Timestamp::now()) {
            Ok(report) => report,
            Err(refusal) => return Ok(Outcome::Refused(refusal)),
        };
        let (secret_name, digest) = self.archive.save_forecast(&report).await?;
        let stored = ReportReference { secret_name, digest: digest.to_string() };
        self.reporter.looked(sight.current_application(), &report, stored);
        if report.findings.iter().any(is_open) {
            return Ok(Outcome::Looked { report: Box::new(report) });
        }
        if self.object.spec.mode == MigrationMode::Plan {
            self.preview(checkpoint.as_ref(), &sight, &report).await?;
            return Ok(Outcome::Looked { report: Box::new(report) });
        }
        self.work(checkpoint, &sight, &report).await
    }

    /// All that the vendor's order asks for, as far as it goes now.
    async fn work(
        &mut self,
        checkpoint: Option<MigrationCheckpoint>,
        sight: &Sight,
        report: &Report,
    ) -> Result<Outcome, Failure> {
        let Some(before) = self.configured_now(sight) else {
            return Ok(Outcome::Refused(Refusal::new(
                "CurrentApplicationUnknown",
                "It is not known by which application people sign in now. Give it as spec.currentApplication.appId.",
            )));
        };
        let mut checkpoint = checkpoint.unwrap_or_else(|| MigrationCheckpoint {
            migration_id: Uuid::new_v4(),
            tenant: self.connection.spec.devolutions_cloud.url.clone(),
            entra_tenant: sight.observed().tenant_id.clone(),
            before: before.clone(),
            before_provider: sight.observed().sso.as_ref().map_or(SsoProvider::OpenId, |sso| sso.provider),
            restoring_at: None,
            asked: None,
            application: None,
            start: None,
            shown: None,
            cutover: None,
            provisioning: None,
            retirement: None,
            rollback: None,
            attempt: 0,
            was_saved: false,
            used_approvals: Vec::new(),
        });
        if !checkpoint.before.client_id.eq_ignore_ascii_case(&before.client_id) {
            return Ok(Outcome::Refused(Refusal::new(
                "CheckpointMismatch",
                format!(
                    "Under this name a migration was begun from the application {}, and now people sign in by {}. Go on with that one as it was, or give the new resource another name.",
                    checkpoint.before.client_id, before.client_id
                ),
            )));
        }
        checkpoint.before = before;
        let intended = sight.intended(&self.object.spec);
        if let Some(outcome) = self.start(&mut checkpoint, sight, report, &intended).await? {
            return Ok(outcome);
        }
        let made = match self.application(&mut checkpoint, sight, &intended).await? {
            Ok(made) => made,
            Err(outcome) => return Ok(outcome),
        };
        // Whom a running job would bring across at once is for whoever approves that.
        let provisions = self.provisions(&checkpoint, &made.principal).await?;
        if !provisions && let Some(outcome) = self.assign(&made.principal, &intended.assignments).await? {
            return Ok(outcome);
        }
        let lacks = provisions && self.lacks_any(&made.principal, &intended.assignments).await?;
        if lacks && self.object.spec.provisioning.is_none() {
            return Ok(Outcome::Refused(provisions_unasked(&made.principal)));
        }
        if lacks || self.object.spec.cutover.when == CutoverOrder::AfterVerification {
            match self.bring_across(&mut checkpoint, Moment::Before(sight)).await? {
                Outcome::Verified { .. } => {}
                other => return Ok(other),
            }
        }
        self.cut_over(checkpoint, &made, sight, report, &intended).await
    }
}
