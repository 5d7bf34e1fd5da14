//! Looking at what the identity provider has sent, and at what became of it.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cloud::App;
use crate::world::{ScimGroup, ScimUser};

/// `GET /control/scim`: never the token.
pub async fn show(State(app): State<App>) -> Json<Value> {
    let cloud = app.cloud();
    let world = &cloud.world;
    let Some(provisioning) = &world.provisioning else {
        return Json(json!({"enabled": false, "users": [], "groups": []}));
    };
    let by = world.switches.match_users_by;
    let user = |(id, it): (&Uuid, &ScimUser)| {
        json!({
            "id": id, "userName": it.resource.text("userName"), "email": it.address(by), "active": it.is_active(),
            "user": it.user, "error": it.problem,
        })
    };
    let group = |(id, it): (&Uuid, &ScimGroup)| {
        json!({
            "id": id, "displayName": it.display_name(), "externalId": it.resource.text("externalId"),
            "members": it.members().len(), "group": it.group,
        })
    };
    Json(json!({
        "enabled": true,
        "synchronizationActive": provisioning.is_active,
        "users": provisioning.directory.users.iter().map(user).collect::<Vec<_>>(),
        "groups": provisioning.directory.groups.iter().map(group).collect::<Vec<_>>(),
    }))
}
