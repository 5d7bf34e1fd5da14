//! `/Users`.

use std::borrow::Cow;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::error::{Scim, ScimError};
use super::patch::Patch;
use super::resource::{Kind, View, made, sent, with_id};
use super::{effect, tenant_url};
use crate::cloud::{App, Cloud};
use crate::world::ScimUser;

const KIND: Kind = Kind::User;

fn directory(cloud: &Cloud) -> impl Iterator<Item = (&Uuid, &ScimUser)> {
    cloud.world.provisioning.iter().flat_map(|it| &it.directory.users)
}

fn find(cloud: &Cloud, id: Uuid) -> Result<&ScimUser, ScimError> {
    let directory = cloud.world.provisioning.as_ref().map(|it| &it.directory);
    directory.and_then(|it| it.users.get(&id)).ok_or_else(|| KIND.none(id))
}

/// Refuses a user who has no name, or that of another.
fn check(cloud: &Cloud, id: Uuid, attributes: &Map<String, Value>) -> Result<(), ScimError> {
    let name = attributes.get("userName").and_then(Value::as_str).filter(|it| !it.trim().is_empty());
    let name = name.ok_or_else(|| ScimError::value("A user has a `userName`."))?;
    let is_it = |it: &ScimUser| it.resource.text("userName").is_some_and(|it| it.eq_ignore_ascii_case(name));
    if directory(cloud).any(|(other, it)| *other != id && is_it(it)) {
        return Err(ScimError::uniqueness(format!("There is a user {name:?} already.")));
    }
    Ok(())
}

/// Keeps what somebody is now, and lets it take effect.
fn keep(cloud: &mut Cloud, id: Uuid, attributes: Map<String, Value>) -> Result<(), ScimError> {
    check(cloud, id, &attributes)?;
    let directory = cloud.world.provisioning.as_mut().map(|it| &mut it.directory);
    if let Some(it) = directory.and_then(|it| it.users.get_mut(&id)) {
        (it.resource.attributes, it.resource.modified_at) = (with_id(id, attributes), Timestamp::now());
    }
    effect::user_changed(cloud, id);
    Ok(())
}

/// `GET /Users`
pub async fn list(State(app): State<App>, view: View) -> Result<Scim, ScimError> {
    let cloud = app.cloud();
    view.list(KIND, &tenant_url(&app), directory(&cloud).map(|(_, it)| Cow::Borrowed(&it.resource)))
}

/// `GET /Users/{id}`
pub async fn read(State(app): State<App>, Path(id): Path<String>, view: View) -> Result<Scim, ScimError> {
    let cloud = app.cloud();
    let user = find(&cloud, KIND.id(&id)?)?;
    Ok(Scim(StatusCode::OK, view.show(KIND, &tenant_url(&app), &user.resource)))
}

/// `POST /Users`
pub async fn create(State(app): State<App>, view: View, body: Bytes) -> Result<Response, ScimError> {
    let (id, mut attributes) = (Uuid::new_v4(), sent(&body)?);
    attributes.entry("active").or_insert(Value::Bool(true));
    let mut cloud = app.cloud();
    check(&cloud, id, &attributes)?;
    let user = ScimUser::new(made(id, attributes));
    let shown = view.show(KIND, &tenant_url(&app), &user.resource);
    if let Some(it) = cloud.world.provisioning.as_mut() {
        it.directory.users.insert(id, user);
    }
    effect::user_changed(&mut cloud, id);
    let location = format!("{}{}/{id}", tenant_url(&app), KIND.endpoint());
    Ok(([(header::LOCATION, location)], Scim(StatusCode::CREATED, shown)).into_response())
}

/// `PUT /Users/{id}`
pub async fn replace(
    State(app): State<App>,
    Path(id): Path<String>,
    view: View,
    body: Bytes,
) -> Result<Scim, ScimError> {
    let id = KIND.id(&id)?;
    {
        let mut cloud = app.cloud();
        find(&cloud, id)?;
        let mut attributes = sent(&body)?;
        attributes.entry("active").or_insert(Value::Bool(true));
        keep(&mut cloud, id, attributes)?;
    }
    read(State(app), Path(id.to_string()), view).await
}

/// `PATCH /Users/{id}`
pub async fn change(
    State(app): State<App>,
    Path(id): Path<String>,
    view: View,
    body: Bytes,
) -> Result<Scim, ScimError> {
    let id = KIND.id(&id)?;
    {
        let mut cloud = app.cloud();
        let before = &find(&cloud, id)?.resource.attributes;
        let attributes = Patch::parse(&body)?.apply(before)?;
        keep(&mut cloud, id, attributes)?;
    }
    read(State(app), Path(id.to_string()), view).await
}

/// `DELETE /Users/{id}`
pub async fn remove(State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode, ScimError> {
    let id = KIND.id(&id)?;
    let mut cloud = app.cloud();
    find(&cloud, id)?;
    effect::user_removed(&mut cloud, id);
    Ok(StatusCode::NO_CONTENT)
}
