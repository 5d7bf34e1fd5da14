//! Client secrets of applications. Entra ID tells one once, in the answer to the request that makes it, so it is kept
//! here before anything else happens. It has no owner: people may sign in by it when the resource is long gone.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use super::{Keeper, Secrets};
use crate::error::{Class, Failure};

const VALUE: &str = "clientSecret";
const KEY_ID: &str = "keyId";
const APP_ID: &str = "clientId";
const MADE: &str = "madeAt";
const EXPIRES: &str = "expiresAt";

/// Whose secret, and what for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Purpose {
    /// The new application's, by which people will sign in.
    SignIn,
    /// The old application's, for the way back.
    Return,
}

impl Purpose {
    /// What the Secret's name ends with.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::SignIn => "client-secret",
            Self::Return => "return-secret",
        }
    }
}

/// A client secret and what belongs to it.
#[derive(Clone)]
pub struct ClientSecret {
    /// The application that it is a secret of, by its client id.
    pub app_id: String,
    /// Its id in Entra ID.
    pub key_id: Uuid,
    /// When it was made.
    pub made_at: Timestamp,
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// Itself.
    pub value: SecretString,
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSecret")
            .field("app_id", &self.app_id)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

/// The client secrets of one resource.
#[derive(Clone, Debug)]
pub struct ClientSecrets(Secrets);

impl ClientSecrets {
    /// The client secrets of `object`.
    #[must_use]
    pub fn new<R: Keeper>(client: &Client, object: &R) -> Self {
        Self(Secrets::of(client, object))
    }

    /// The name of the Secret for `purpose`.
    #[must_use]
    pub fn name(&self, purpose: Purpose) -> String {
        self.0.owner.name_of(purpose.suffix())
    }

    /// The secret that is kept, if it is one of this application.
    pub async fn load(&self, purpose: Purpose, app_id: &str) -> Result<Option<ClientSecret>, Failure> {
        let Some(secret) = self.get(purpose).await? else { return Ok(None) };
        Ok(self.read(&secret, purpose)?.filter(|kept| kept.app_id.eq_ignore_ascii_case(app_id)))
    }

    /// Keeps a secret, in the place of one that served before.
    pub async fn save(&self, purpose: Purpose, kept: &ClientSecret) -> Result<(), Failure> {
        let name = self.name(purpose);
        let data = [
            (APP_ID, kept.app_id.clone()),
            (KEY_ID, kept.key_id.to_string()),
            (MADE, kept.made_at.to_string()),
            (EXPIRES, kept.expires_at.to_string()),
            (VALUE, kept.value.expose_secret().to_owned()),
        ];
        let data = data.map(|(key, value)| (key.to_owned(), ByteString(value.into_bytes())));
        let secret = Secret {
            metadata: self.0.owner.metadata(name.clone(), purpose.suffix()),
            data: Some(BTreeMap::from(data)),
            ..Secret::default()
        };
        let there = self.get(purpose).await?;
        let kept_there = there.as_ref().map(|there| self.read(there, purpose)).transpose()?.flatten();
        // By one of another application people may be signing in.
        if kept_there.is_some_and(|is| !is.app_id.eq_ignore_ascii_case(&kept.app_id)) {
            return Err(Failure::new(
                Class::Invalid,
                "ClientSecretOfAnother",
                format!(
                    "Secret {name} holds a client secret of another application, by which people may be signing in, so it is not overwritten. If nobody does, delete it."
                ),
            ));
        }
        self.0.put(secret, there).await
    }

    /// Takes a secret out of its Secret, which stays, empty: it is good for nothing any more.
    pub async fn empty(&self, purpose: Purpose) -> Result<(), Failure> {
        let Some(there) = self.get(purpose).await? else { return Ok(()) };
        self.0.put(Secret { data: None, ..there.clone() }, Some(there)).await
    }

    /// Whether a client secret is kept for any purpose.
    pub async fn is_any_kept(&self) -> Result<bool, Failure> {
        Ok(self.get(Purpose::SignIn).await?.is_some() || self.get(Purpose::Return).await?.is_some())
    }

    async fn get(&self, purpose: Purpose) -> Result<Option<Secret>, Failure> {
        self.0.get(&self.name(purpose), "a client secret of this migration").await
    }

    /// None where it is empty, as it is once the way back was removed.
    fn read(&self, secret: &Secret, purpose: Purpose) -> Result<Option<ClientSecret>, Failure> {
        let Some(data) = secret.data.as_ref().filter(|data| !data.is_empty()) else { return Ok(None) };
        let text = |key: &str| data.get(key).and_then(|value| std::str::from_utf8(&value.0).ok()).map(str::trim);
        let read = || {
            Some(ClientSecret {
                app_id: text(APP_ID)?.to_owned(),
                key_id: text(KEY_ID)?.parse().ok()?,
                made_at: text(MADE)?.parse().ok()?,
                expires_at: text(EXPIRES)?.parse().ok()?,
                value: text(VALUE).filter(|value| !value.is_empty())?.into(),
            })
        };
        let name = self.name(purpose);
        read().map(Some).ok_or_else(|| {
            Failure::new(
                Class::Invalid,
                "ClientSecretUnreadable",
                format!(
                    "Secret {name} should hold a client secret with its keys {APP_ID}, {KEY_ID}, {MADE}, {EXPIRES} and {VALUE}, and does not. Restore it from a backup."
                ),
            )
        })
    }
}
