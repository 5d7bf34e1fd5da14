//! Client secrets: made, kept before anything else happens, and proven to get tokens.

use std::time::Duration;

use k8s_openapi::jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

use super::Pass;
use super::observe::Sight;
use super::outcome::Outcome;
use crate::api::{MigrationStepName, StepState};
use crate::controller::Connector;
use crate::entra::{Application, Entra as _, EntraWriter as _, is_bad_request};
use crate::error::Failure;
use crate::plan::client_secret::{Kept, need};
use crate::store::{ClientSecret, MigrationCheckpoint, Purpose};

/// How often in a row a secret must get a token: another replica may not know it yet.
const PROOFS: usize = 3;
/// How often what was just told is tried to be kept: nobody will tell it again.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(500);
/// What the token endpoint says of a secret or an application that it has not heard of yet.
const NOT_HEARD_OF: [&str; 3] = ["ClientSecretWrong", "ApplicationNotFound", "ApplicationNotInstalled"];

/// Whether a secret can be relied on.
pub(super) enum Proven {
    /// It gets tokens.
    Good(ClientSecret),
    /// Not now.
    Not(Outcome),
}

impl<K: Connector> Pass<'_, K> {
    /// A client secret of `application` that is kept and gets tokens.
    pub(super) async fn secret(
        &mut self,
        checkpoint: &MigrationCheckpoint,
        purpose: Purpose,
        application: &Application,
        sight: &Sight,
    ) -> Result<Proven, Failure> {
        let name = format!("devolutions-migration {}", checkpoint.migration_id);
        let mut kept = self.secrets.load(purpose, &application.app_id).await?;
        let about =
            |kept: &ClientSecret| Kept { key_id: kept.key_id, made_at: kept.made_at, expires_at: kept.expires_at };
        let listed = (application.password_credentials.as_slice(), name.as_str());
        let need = need(kept.as_ref().map(about), listed, checkpoint.was_saved, self.settles(), Timestamp::now());
        for key_id in need.left_over {
            if self.is_interrupted().await? {
                return Ok(Proven::Not(Outcome::Working));
            }
            match self.entra.remove_secret(application, key_id).await {
                // It is gone already, and was listed all the same.
                Err(failure) if is_bad_request(&failure) => tracing::info!("{failure}"),
                removed => removed?,
            }
        }
        if need.another {
            if self.is_interrupted().await? {
                return Ok(Proven::Not(Outcome::Working));
            }
            let what = format!("Adding a client secret to \"{}\".", application.label());
            self.step(MigrationStepName::Application, StepState::Running, &what);
            kept = Some(self.add(purpose, application, &name, sight).await?);
        }
        let Some(secret) = kept else { return Ok(Proven::Not(Outcome::Working)) };
        self.reporter.secret(purpose, &self.secrets.name(purpose), &secret);
        self.prove(purpose, application, secret).await
    }

    /// Adds a secret and keeps it.
    async fn add(
        &self,
        purpose: Purpose,
        application: &Application,
        name: &str,
        sight: &Sight,
    ) -> Result<ClientSecret, Failure> {
        let longest = sight.observed().secret_policy.as_ref().and_then(|policy| policy.longest_life.as_deref());
        let now = Timestamp::now();
        let until = now.checked_add(self.life(longest)).unwrap_or(now);
        let made = self.entra.add_secret(application, name, until).await?;
        let secret = ClientSecret {
            app_id: application.app_id.clone(),
            key_id: made.key_id,
            made_at: now,
            expires_at: made.end_date_time,
            value: made.secret_text,
        };
        // What was not kept is clutter, which the next pass takes away.
        keep(|| self.secrets.save(purpose, &secret)).await?;
        Ok(secret)
    }

    /// How long a secret is to be good: as asked for, or as long as the tenant allows.
    fn life(&self, longest: Option<&str>) -> SignedDuration {
        let span = |text: &str| -> Option<SignedDuration> {
            text.parse::<Span>().ok()?.to_duration(SpanRelativeTo::days_are_24_hours()).ok()
        };
        // The spec's was checked when it was applied.
        let asked =
            span(&self.object.spec.application.client_secret.valid_for).unwrap_or(SignedDuration::from_hours(24));
        longest.and_then(span).map_or(asked, |longest| asked.min(longest))
    }

    /// Has a secret get tokens, several times in a row.
    async fn prove(
        &self,
        purpose: Purpose,
        application: &Application,
        secret: ClientSecret,
    ) -> Result<Proven, Failure> {
        for _ in 0..PROOFS {
            match self.entra.redeems(&secret.app_id, &secret.value).await {
                Ok(()) => {}
                Err(failure) if NOT_HEARD_OF.contains(&failure.reason) && !self.is_long_ago(secret.made_at) => {
                    let text = format!(
                        "Entra ID does not know the client secret of \"{}\" everywhere yet; it is tried until it gets tokens several times in a row.",
                        application.label()
                    );
                    return Ok(Proven::Not(Outcome::waiting(
                        MigrationStepName::Application,
                        "AwaitingReplication",
                        text,
                    )));
                }
                Err(failure) if NOT_HEARD_OF.contains(&failure.reason) => {
                    let name = self.secrets.name(purpose);
                    return Err(Failure {
                        message: format!(
                            "The client secret in Secret {name} gets no token: {} If somebody has removed it in Entra ID, delete the Secret, and another is made.",
                            failure.message
                        ),
                        ..failure
                    });
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(Proven::Good(secret))
    }
}

/// Keeps what was just told, by `save`, which is tried several times.
pub(super) async fn keep<F: Future<Output = Result<(), Failure>>>(save: impl Fn() -> F) -> Result<(), Failure> {
    let mut tries = 1;
    loop {
        match save().await {
            Ok(()) => return Ok(()),
            Err(failure) if failure.class.needs_a_person() || tries == TRIES => return Err(failure),
            Err(failure) => {
                tracing::warn!(tries, "{failure}");
                tokio::time::sleep(PAUSE * tries).await;
                tries += 1;
            }
        }
    }
}
