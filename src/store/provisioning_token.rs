//! The token by which Entra ID brings users to Devolutions Cloud. It is told once, so it is kept before it is used. It has
//! no owner: provisioning goes on when the resource is gone.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use secrecy::{ExposeSecret as _, SecretString};

use super::{Keeper, Secrets};
use crate::error::{Class, Failure};

const SUFFIX: &str = "provisioning-token";
const WHAT: &str = "the token for provisioning of this migration";
const VALUE: &str = "secretToken";
const URL: &str = "tenantUrl";
const MADE: &str = "createdAt";
const EXPIRES: &str = "expiresAt";

/// A token and what belongs to it.
#[derive(Clone)]
pub struct ProvisioningToken {
    /// The SCIM server's address.
    pub tenant_url: String,
    /// When it was made, by the server's word.
    pub created_at: Timestamp,
    /// Until when it is good.
    pub expires_at: Option<Timestamp>,
    /// Itself.
    pub value: SecretString,
}

impl fmt::Debug for ProvisioningToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProvisioningToken").field("tenant_url", &self.tenant_url).finish_non_exhaustive()
    }
}

/// The token of one resource.
#[derive(Clone, Debug)]
pub struct ProvisioningTokens(Secrets);

impl ProvisioningTokens {
    /// The token of `object`.
    #[must_use]
    pub fn new<R: Keeper>(client: &Client, object: &R) -> Self {
        Self(Secrets::of(client, object))
    }

    /// The name of the Secret.
    #[must_use]
    pub fn name(&self) -> String {
        self.0.owner.name_of(SUFFIX)
    }

    /// The token that is kept.
    pub async fn load(&self) -> Result<Option<ProvisioningToken>, Failure> {
        let Some(secret) = self.0.get(&self.name(), WHAT).await? else { return Ok(None) };
        let data = secret.data.unwrap_or_default();
        let text = |key: &str| data.get(key).and_then(|value| std::str::from_utf8(&value.0).ok()).map(str::trim);
        let read = || {
            Some(ProvisioningToken {
                tenant_url: text(URL)?.to_owned(),
                created_at: text(MADE)?.parse().ok()?,
                expires_at: text(EXPIRES).and_then(|at| at.parse().ok()),
                value: text(VALUE).filter(|value| !value.is_empty())?.into(),
            })
        };
        read().map(Some).ok_or_else(|| {
            Failure::new(
                Class::Invalid,
                "ProvisioningTokenUnreadable",
                format!(
                    "Secret {} should hold the token for provisioning with its keys {URL}, {MADE} and {VALUE}, and does not. Restore it from a backup.",
                    self.name()
                ),
            )
        })
    }

    /// Keeps a token, in the place of one before.
    pub async fn save(&self, token: &ProvisioningToken) -> Result<(), Failure> {
        let name = self.name();
        let data = [
            (URL, token.tenant_url.clone()),
            (MADE, token.created_at.to_string()),
            (EXPIRES, token.expires_at.map(|at| at.to_string()).unwrap_or_default()),
            (VALUE, token.value.expose_secret().to_owned()),
        ];
        let data = data.map(|(key, value)| (key.to_owned(), ByteString(value.into_bytes())));
        let secret = Secret {
            metadata: self.0.owner.metadata(name.clone(), SUFFIX),
            data: Some(BTreeMap::from(data)),
            ..Secret::default()
        };
        self.0.put(secret, self.0.get(&name, WHAT).await?).await
    }
}
