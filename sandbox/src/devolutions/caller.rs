//! Who asks, and what they may.

use std::sync::Arc;

use axum::Extension;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use uuid::Uuid;

use super::error::ApiError;
use crate::access::{self, Cause, Request};
use crate::cloud::{App, Cloud, SiemEvent};
use crate::gate::Call;
use crate::world::{Change, Object};

/// The header that carries the token.
pub const TOKEN: &str = "tokenId";

/// A logged-in identity and its request.
#[derive(Debug, Clone)]
pub struct Caller {
    pub user: Uuid,
    pub token: String,
    call: Arc<Call>,
}

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let refused = || ApiError::unauthenticated("The tokenId is missing, unknown or expired; log in again.");
        let call = Extension::<Arc<Call>>::from_request_parts(parts, app).await.map_err(|_| refused())?.0;
        let token = parts.headers.get(TOKEN).and_then(|it| it.to_str().ok()).ok_or_else(refused)?.to_owned();
        let cloud = app.cloud();
        let user = cloud.session(&token).ok_or_else(refused)?;
        if !cloud.world.users.get(&user).is_some_and(|it| it.is_enabled) {
            return Err(ApiError::user_disabled());
        }
        Ok(Self { user, token, call })
    }
}

impl Caller {
    /// Whether the identity is an administrator or has a flag among the system permissions.
    pub fn is_administrator_or(&self, cloud: &Cloud, flag: &str) -> bool {
        let is_administrator = cloud.world.users.get(&self.user).is_some_and(|it| it.is_administrator);
        is_administrator || self.holds(cloud, Object::System, flag)
    }

    /// Refuses whoever is neither administrator nor has that flag among the system permissions.
    pub fn needs(&self, cloud: &Cloud, flag: &str) -> Result<(), ApiError> {
        let refused =
            || ApiError::access_denied(format!("This needs an administrator or the system permission {flag}."));
        self.is_administrator_or(cloud, flag).then_some(()).ok_or_else(refused)
    }

    /// Whether the identity effectively holds a flag at a place. Here assignments add up: for its own decisions the
    /// sandbox has to settle on one rule.
    pub fn holds(&self, cloud: &Cloud, place: Object, flag: &str) -> bool {
        let world = &cloud.world;
        let [union, ..] = access::effective(world, &world.principals_of(self.user), place);
        union.contains(world.flag_names.known(flag))
    }

    /// Whether the identity can see a vault.
    pub fn sees(&self, cloud: &Cloud, vault: Uuid) -> bool {
        let Some(found) = cloud.world.vaults.get(&vault) else { return false };
        let is_hidden = self.user == cloud.world.operator && cloud.world.switches.hidden_vaults.contains(&found.name);
        !is_hidden && self.holds(cloud, Object::Vault(vault), "viewVault")
    }

    /// Makes a change in this identity's name.
    pub fn change(&self, cloud: &mut Cloud, change: &Change, action: &'static str, object: String) {
        let cause = if self.user == cloud.world.operator {
            let Call { method, path } = Call::clone(&self.call);
            Cause::Operator(Request { seq: cloud.journal.next_seq(), method, path })
        } else {
            Cause::People
        };
        cloud.change(change, &cause);
        self.log(cloud, action, object);
    }

    /// Notes an administrative action.
    pub fn log(&self, cloud: &mut Cloud, action: &'static str, object: String) {
        let actor = cloud.world.users.get(&self.user).map(|it| it.name.clone()).unwrap_or_default();
        cloud.siem.push(SiemEvent { time: jiff::Timestamp::now(), actor, action, object });
    }
}
