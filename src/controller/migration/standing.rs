//! By which application people sign in now, as far as the server tells.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

use super::Pass;
use super::observe::{Sight, told};
use crate::controller::Connector;
use crate::devolutions::{DevolutionsCloud as _, SsoClient, SsoConfiguration, SsoProvider};
use crate::entra::Entra as _;
use crate::error::{Class, Failure};
use crate::store::{ApplicationIds, MigrationCheckpoint};

/// What a configuration is called where the server does not say; the vendor's default.
const NAME: &str = "Microsoft";
/// How often in a row something must be seen where it matters, and how long between: reads come from several replicas, one
/// that has not heard of a write shows what was before, and nothing tells when it has heard.
pub(super) const LOOKS: usize = 3;
pub(super) const PAUSE: Duration = Duration::from_secs(1);

/// By which application people sign in now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Standing {
    /// The one from before.
    Old,
    /// The new one.
    New,
    /// Neither.
    Other(String),
}

impl<K: Connector> Pass<'_, K> {
    /// How people sign in, where the server can tell.
    pub(super) async fn shown(&self) -> Result<Option<SsoConfiguration>, Failure> {
        let operations = self.cloud.operations().await?;
        let can = operations.iter().any(|operation| operation == "getSsoConfiguration");
        told(can.then_some("getSsoConfiguration"), self.cloud.sso()).await
    }

    /// By which application people sign in now. Where the server hides that, what was last saved is taken for it.
    pub(super) async fn standing(&self, checkpoint: &MigrationCheckpoint) -> Result<Standing, Failure> {
        let shown = self.shown().await?;
        Ok(self.stands(checkpoint, shown.as_ref()))
    }

    pub(super) fn stands(&self, checkpoint: &MigrationCheckpoint, shown: Option<&SsoConfiguration>) -> Standing {
        let new = checkpoint.application.as_ref().map(|ids| self.client_of(checkpoint, ids));
        if let Some(shown) = shown {
            if new.is_some_and(|new| new.is_shown_by(shown) == Some(true)) {
                return Standing::New;
            }
            let is_before = match checkpoint.before_provider {
                SsoProvider::OpenId => checkpoint.before.is_shown_by(shown),
                // Ours, or somebody else's: this server does not tell whose.
                _ if shown.provider == SsoProvider::OpenId && shown.client_id.is_none() => None,
                other => Some(other == shown.provider),
            };
            match is_before {
                Some(true) => return Standing::Old,
                Some(false) => {
                    let other = shown.client_id.as_ref().map(|id| format!("the application {id}"));
                    return Standing::Other(
                        other.unwrap_or_else(|| format!("another provider ({:?})", shown.provider)),
                    );
                }
                None => {}
            }
        }
        let is_saved = checkpoint.cutover.as_ref().is_some_and(|cutover| {
            cutover.saved_at.is_some() && cutover.returning.as_ref().is_none_or(|returning| returning.done_at.is_none())
        });
        if is_saved { Standing::New } else { Standing::Old }
    }

    /// The same, asked several times in a row: one stale answer must not decide what cannot be taken back.
    pub(super) async fn standing_for_sure(&self, checkpoint: &MigrationCheckpoint) -> Result<Standing, Failure> {
        let first = self.standing(checkpoint).await?;
        for _ in 1..LOOKS {
            tokio::time::sleep(PAUSE).await;
            if self.standing(checkpoint).await? != first {
                return Err(Failure::new(
                    Class::Transient,
                    "AnswersDiffer",
                    "Devolutions Cloud told one thing and then another of how people sign in. It is asked again.",
                ));
            }
        }
        Ok(first)
    }

    /// Whether it is the new one, by several answers in a row.
    pub(super) async fn is_surely_new(&self, checkpoint: &MigrationCheckpoint) -> Result<bool, Failure> {
        Ok(self.standing_for_sure(checkpoint).await? == Standing::New)
    }

    /// Whether what was written then must be seen everywhere by now.
    pub(super) fn is_long_ago(&self, at: Timestamp) -> bool {
        at.checked_add(self.settles()).is_ok_and(|until| until < Timestamp::now())
    }

    /// The configuration by which people sign in now, as it would be typed in again; none where nothing tells which.
    pub(super) fn configured_now(&self, sight: &Sight) -> Option<SsoClient> {
        let told = sight.observed().sso.as_ref();
        let client_id = sight.observed().current.as_ref()?.principal.app_id.clone();
        Some(SsoClient {
            name: told.and_then(|sso| sso.name.clone()).unwrap_or_else(|| NAME.to_owned()),
            client_id,
            discovery_url: told
                .and_then(|sso| sso.discovery_url.clone())
                .unwrap_or_else(|| self.entra.metadata_document().to_string()),
        })
    }

    /// The configuration by which people are to sign in: the same, with the new application.
    pub(super) fn client_of(&self, checkpoint: &MigrationCheckpoint, ids: &ApplicationIds) -> SsoClient {
        SsoClient {
            name: checkpoint.before.name.clone(),
            client_id: ids.app_id.clone(),
            discovery_url: self.entra.metadata_document().to_string(),
        }
    }
}
