//! The Devolutions Cloud side: the cloud contract (`contract/devolutions-cloud.openapi.yaml`), which is this project's
//! own. No endpoint of it is known to exist on the vendor's service.

mod caller;
mod error;
mod gate;
mod groups;
mod page;
mod permissions;
mod session;
mod tenant;
mod users;
mod vaults;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, post};

use crate::cloud::App;
use crate::world::Level;

use error::ApiError;

/// Where the contract is served.
pub const BASE: &str = "/api/v1";

/// The ids of all operations, as `GET /capabilities` tells them.
pub const OPERATIONS: &[&str] = &[
    "login",
    "logout",
    "getCapabilities",
    "getMe",
    "listUsers",
    "getUser",
    "listGroups",
    "getGroup",
    "updateGroup",
    "deleteGroup",
    "addGroupMembers",
    "removeGroupMember",
    "listVaults",
    "listVaultRoles",
    "listEntryRoles",
    "getSystemSettings",
    "getSystemPermissions",
    "putSystemPermissionOfGroup",
    "deleteSystemPermissionOfGroup",
    "putSystemPermissionOfUser",
    "deleteSystemPermissionOfUser",
    "getSystemVaultPermissions",
    "putSystemVaultPermissionOfGroup",
    "deleteSystemVaultPermissionOfGroup",
    "putSystemVaultPermissionOfUser",
    "deleteSystemVaultPermissionOfUser",
    "getVaultPermissions",
    "putVaultPermissionOfGroup",
    "deleteVaultPermissionOfGroup",
    "putVaultPermissionOfUser",
    "deleteVaultPermissionOfUser",
    "listEntries",
    "getEntryPermissions",
    "putEntryPermissionOfGroup",
    "deleteEntryPermissionOfGroup",
    "putEntryPermissionOfUser",
    "deleteEntryPermissionOfUser",
    "listSiemLogs",
];

/// Everything under [`BASE`], behind the gate that injects faults and keeps the journal.
pub fn router(app: App) -> Router {
    let contract = Router::new()
        .route("/login", post(session::log_in))
        .route("/logout", post(session::log_out))
        .route("/capabilities", get(tenant::capabilities))
        .route("/me", get(tenant::me))
        .route("/system-settings", get(tenant::system_settings))
        .route("/siem-logs", get(tenant::siem_logs))
        .route("/users", get(users::list))
        .route("/users/{id}", get(users::read))
        .route("/groups", get(groups::list))
        .route("/groups/{id}", get(groups::read).patch(groups::update).delete(groups::remove))
        .route("/groups/{id}/members", post(groups::add_members))
        .route("/groups/{id}/members/{user}", delete(groups::remove_member))
        .route("/vaults", get(vaults::list))
        .route("/vaults/{vault}/entries", get(vaults::entries))
        .route("/vault-roles", get(vaults::vault_roles))
        .route("/entry-roles", get(vaults::entry_roles))
        .nest("/system-permissions", permissions::router(Level::System))
        .nest("/system-vault-permissions", permissions::router(Level::AllVaults))
        .nest("/vaults/{vault}/permissions", permissions::router(Level::Vault))
        .nest("/vaults/{vault}/entries/{entry}/permissions", permissions::router(Level::Entry));
    Router::new()
        .nest(BASE, contract)
        .fallback(async || ApiError::not_found("NoSuchOperation", "The contract has no such path."))
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .layer(from_fn_with_state(app.clone(), gate::gate))
        .with_state(app)
}
