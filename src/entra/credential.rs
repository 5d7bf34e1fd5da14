//! How our application proves to Entra ID that it is the one.

use std::sync::Arc;

use futures::future::BoxFuture;
use secrecy::SecretString;

use crate::error::Failure;

/// How our application proves that it is the one.
#[derive(Clone)]
pub enum Credential {
    /// By a client secret.
    Secret(SecretString),
    /// By a token of another issuer, which the application trusts by a federated identity credential; or by one that its
    /// certificate's key signs.
    Assertion(Arc<dyn Assertion>),
}

/// Where such tokens come from.
pub trait Assertion: Send + Sync + 'static {
    /// One that is valid now (a JWT). It is asked for each time, and used at once.
    fn token(&self) -> BoxFuture<'_, Result<SecretString, Failure>>;
}
