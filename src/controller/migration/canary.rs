//! One user is brought across alone, and it is looked at what came of it, before anybody else is.

use k8s_openapi::jiff::Timestamp;
use uuid::Uuid;

use super::Pass;
use super::job::There;
use super::outcome::Outcome;
use super::scope::Scope;
use super::standing::{LOOKS, PAUSE};
use crate::api::MigrationStepName::Provisioning as Step;
use crate::api::StepState;
use crate::controller::Connector;
use crate::devolutions::DevolutionsCloud as _;
use crate::entra::Provisioner as _;
use crate::error::Failure;
use crate::plan::Refusal;
use crate::plan::preflight::later::CANARY_NOT_SEEN;
use crate::store::MigrationCheckpoint;

impl<K: Connector> Pass<'_, K> {
    /// Brings one user across, and looks at what came of it; none where all is well.
    pub(super) async fn bring_canary(
        &mut self,
        checkpoint: &mut MigrationCheckpoint,
        scope: &Scope,
        there: &There,
        job: &str,
        canary: Option<&(String, Uuid)>,
    ) -> Result<Option<Outcome>, Failure> {
        // It comes from the plan that was approved; without one it is made first.
        let Some((email, id)) = canary else { return Ok(Some(Outcome::Working)) };
        self.step(Step, StepState::Running, &format!("Bringing {email} across alone."));
        let said = self.entra.provision_on_demand(&scope.principal, job, *id).await?;
        let code = said.code.as_deref().unwrap_or_default();
        if code == "NotEffectivelyEntitled" {
            let text = format!("Entra's provisioning service has not heard yet that {email} is assigned.");
            return Ok(Some(Outcome::waiting(Step, "AwaitingReplication", text)));
        }
        if !said.result.eq_ignore_ascii_case("Success") && code != "RedundantExport" {
            return Ok(Some(refused(
                "CanaryFailed",
                format!(
                    "{email} was brought across alone and it went wrong: {} {code}. Nobody else was. Look at the provisioning log of the enterprise application \"{}\", or name another user in spec.provisioning.canary.",
                    said.result,
                    scope.principal.label()
                ),
            )));
        }
        for look in 0..LOOKS {
            if look > 0 {
                tokio::time::sleep(PAUSE).await;
            }
            let users = self.cloud.users().await?;
            let address = email.trim().to_lowercase();
            let Some(user) = users.iter().find(|user| user.address() == address) else { continue };
            if !user.is_enabled {
                return Ok(Some(refused(
                    "CanaryDisabled",
                    format!(
                        "{email} was brought across alone and is disabled in Devolutions Cloud since. Nobody else was brought across. Enable the user again, and find out why before anything else."
                    ),
                )));
            }
            if user.is_synced != Some(false) {
                return self.canary_is_across(checkpoint).await;
            }
        }
        // What a server keeps back until synchronization is activated cannot be seen before.
        let is_accepted = self.object.spec.accepts(CANARY_NOT_SEEN);
        if is_accepted && !there.provisioning.synchronization_active {
            return self.canary_is_across(checkpoint).await;
        }
        Ok(Some(refused(
            CANARY_NOT_SEEN,
            format!(
                "Entra ID has brought {email} across alone, and Devolutions Cloud does not show it as synced. Nobody else was brought across. Does the user's e-mail address there equal the user principal name and mail address in Entra ID? Where the server keeps everything back until synchronization is activated, add {CANARY_NOT_SEEN} to spec.acknowledgements."
            ),
        )))
    }

    async fn canary_is_across(&mut self, checkpoint: &mut MigrationCheckpoint) -> Result<Option<Outcome>, Failure> {
        checkpoint.provisioning.get_or_insert_default().canary_at = Some(Timestamp::now());
        self.checkpoints.save(checkpoint).await?;
        Ok(None)
    }
}

fn refused(reason: &'static str, message: String) -> Outcome {
    Outcome::Refused(Refusal::new(reason, message))
}
