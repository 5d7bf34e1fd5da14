//! Vaults, their entries, and the roles.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::caller::Caller;
use super::error::ApiError;
use super::page::Page;
use super::permissions::{VaultId, visible};
use crate::cloud::App;
use crate::world::{Object, Role};

/// `GET /vaults`: those that the identity can see.
pub async fn list(State(app): State<App>, caller: Caller, page: Page) -> Json<Value> {
    let cloud = app.cloud();
    let visible = cloud.world.vaults.iter().filter(|(id, _)| caller.sees(&cloud, **id));
    page.of(visible, |(id, vault)| json!({"id": id, "name": vault.name, "type": vault.kind, "state": "Active"}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Filter {
    #[serde(default)]
    has_permissions: bool,
}

/// `GET /vaults/{vault}/entries`
pub async fn entries(
    State(app): State<App>,
    caller: Caller,
    VaultId(vault): VaultId,
    page: Page,
    query: Result<Query<Filter>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    let Query(filter) = query?;
    let cloud = app.cloud();
    let found = visible(&cloud, &caller, vault)?;
    let permissions = |entry: Uuid| cloud.world.permissions(Object::Entry { vault, entry });
    let listed = found.entries.iter().filter(|(id, _)| !filter.has_permissions || permissions(**id).is_some());
    Ok(page.of(listed, |(id, entry)| {
        json!({
            "id": id,
            "parentId": entry.ancestors.last(),
            "ancestorIds": entry.ancestors,
            "name": entry.name,
            "isFolder": entry.is_folder,
            "version": entry.version,
            "permissions": permissions(*id).cloned().unwrap_or_default().to_json(),
        })
    }))
}

fn roles(page: Page, roles: &IndexMap<Uuid, Role>) -> Json<Value> {
    page.of(roles.iter(), |(id, role)| json!({"id": id, "name": role.name, "permission": role.permission}))
}

/// `GET /vault-roles`
pub async fn vault_roles(State(app): State<App>, _: Caller, page: Page) -> Json<Value> {
    roles(page, &app.cloud().world.vault_roles)
}

/// `GET /entry-roles`
pub async fn entry_roles(State(app): State<App>, _: Caller, page: Page) -> Json<Value> {
    roles(page, &app.cloud().world.entry_roles)
}
