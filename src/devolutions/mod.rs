//! Devolutions Cloud: the trait says what we need of it, in our words; `rest` speaks the cloud
//! contract (`contract/devolutions-cloud.openapi.yaml`).

mod inventory;
mod model;
mod provisioning;
mod refusal;
mod rest;
mod session;

pub use inventory::{around as look_around, take as take_inventory};
pub use model::*;
pub use provisioning::{NewProvisioningToken, OPERATIONS as PROVISIONING_OPERATIONS, Provisioning};
pub use rest::Rest;
pub use session::Credentials;

use std::collections::BTreeMap;
use std::future::Future;

use secrecy::SecretString;
use uuid::Uuid;

use crate::error::Failure;

/// A vault (`Get-HubVault`).
#[derive(Clone, Debug, serde::Deserialize)]
pub struct Vault {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
}

/// A folder or entry with permissions of its own (`Get-HubEntry -VaultId`).
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its id.
    pub id: Uuid,
    /// The folders above it, the outermost first. Never left out: the order of the writes hangs on it.
    pub ancestor_ids: Vec<Uuid>,
    /// Its name.
    pub name: String,
    /// Whether it is a folder.
    #[serde(default)]
    pub is_folder: bool,
    /// What is assigned at it.
    pub permissions: PermissionSet,
}

/// What is assigned at one place.
#[derive(Clone, Debug, Default, serde::Deserialize)]
pub struct PermissionSet {
    /// What each group holds.
    pub groups: BTreeMap<GroupId, Permission>,
    /// What users hold in person. It is never touched.
    #[serde(default)]
    pub users: BTreeMap<UserId, Permission>,
}

/// What is assigned at one place, with the mark that a write can be tied to.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// What is assigned.
    pub permissions: PermissionSet,
    /// The `ETag`, where the server gives one: a write that names it fails if anybody wrote since.
    pub etag: Option<String>,
}

/// What we need of Devolutions Cloud. Every write is for one place and one group, as the vendor's
/// cmdlets have it.
pub trait DevolutionsCloud: Send + Sync + 'static {
    /// The operations that the server can do, by their names in the cloud contract.
    fn operations(&self) -> impl Future<Output = Result<Vec<String>, Failure>> + Send;
    /// Who we are.
    fn identity(&self) -> impl Future<Output = Result<Identity, Failure>> + Send;
    /// Every user.
    fn users(&self) -> impl Future<Output = Result<Vec<User>, Failure>> + Send;
    /// Every group with its members.
    fn groups(&self) -> impl Future<Output = Result<Vec<Group>, Failure>> + Send;
    /// One group, or none if it is gone.
    fn group(&self, id: GroupId) -> impl Future<Output = Result<Option<Group>, Failure>> + Send;
    /// How people sign in now; none where the server cannot tell.
    fn sso(&self) -> impl Future<Output = Result<Option<SsoConfiguration>, Failure>> + Send;
    /// Tries a configuration without saving it; none where the server cannot.
    fn test_sso(
        &self,
        client: &SsoClient,
        secret: &SecretString,
    ) -> impl Future<Output = Result<Option<SsoTest>, Failure>> + Send;
    /// Has people sign in by this configuration from now on: the whole of it in one request. Sent again it changes nothing.
    fn save_sso(&self, client: &SsoClient, secret: &SecretString) -> impl Future<Output = Result<(), Failure>> + Send;
    /// Whether an identity provider may provision; none where the server cannot tell.
    fn provisioning(&self) -> impl Future<Output = Result<Option<Provisioning>, Failure>> + Send;
    /// Enables provisioning. Refused where it is enabled already; the token is told in the answer and nowhere else.
    fn enable_provisioning(&self) -> impl Future<Output = Result<NewProvisioningToken, Failure>> + Send;
    /// Makes the token anew. The one before is good for nothing from then on.
    fn renew_provisioning_token(&self) -> impl Future<Output = Result<NewProvisioningToken, Failure>> + Send;
    /// Activates synchronization. Sent again it changes nothing.
    fn activate_synchronization(&self) -> impl Future<Output = Result<(), Failure>> + Send;
    /// The tenant's e-mail domains; none where the server cannot tell.
    fn domains(&self) -> impl Future<Output = Result<Option<Vec<Domain>>, Failure>> + Send;
    /// Whether nobody may sign in but by single sign-on; none where the server cannot tell.
    fn forces_sso(&self) -> impl Future<Output = Result<Option<bool>, Failure>> + Send;
    /// Every vault that this identity can see.
    fn vaults(&self) -> impl Future<Output = Result<Vec<Vault>, Failure>> + Send;
    /// The folders and entries of a vault that have permissions of their own; none if the vault is gone.
    fn entries(&self, vault: &Vault) -> impl Future<Output = Result<Option<Vec<Entry>>, Failure>> + Send;
    /// What is assigned at a place, or none if the place is gone. `label` names it in errors.
    fn permissions(&self, place: &Place, label: &str)
    -> impl Future<Output = Result<Option<Observed>, Failure>> + Send;
    /// Gives a group a permission at a place, in the place of any that it has there.
    fn grant(&self, at: &Target<'_>, permission: &Permission) -> impl Future<Output = Result<(), Failure>> + Send;
    /// Takes from a group what it holds at a place; well if it holds nothing.
    fn revoke(&self, at: &Target<'_>) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// What one write is about.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The place.
    pub place: &'a Place,
    /// Its name in errors.
    pub label: &'a str,
    /// The group.
    pub group: GroupId,
    /// What the place looked like when the write was decided on.
    pub etag: Option<&'a str>,
}
