//! Looking at the Entra tenant, and changing it as its people do.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::refused;
use crate::cloud::App;
use crate::world::Entra;
use crate::world::entra::{DEFAULT_ROLE, Member, Password, ServicePrincipal, TEMPLATE_ROLES};

/// Changes the tenant while no request takes effect. `change` fails with a sentence about what is not there.
pub async fn change<T>(app: &App, change: impl FnOnce(&mut Entra) -> Result<T, String>) -> Result<T, Response> {
    let _turn = app.turn.lock().await;
    let mut cloud = app.cloud();
    let none = || refused(StatusCode::NOT_FOUND, "this world has no Entra tenant");
    let entra = cloud.world.entra.as_mut().ok_or_else(none)?;
    entra.write(None, change).map_err(|message| refused(StatusCode::NOT_FOUND, message))
}

/// `POST /control/entra/replicate`: whatever was written is seen from now on.
pub async fn replicate(State(app): State<App>) -> Response {
    let replicated = change(&app, |_| Ok(())).await;
    if let Some(entra) = app.cloud().world.entra.as_mut() {
        entra.replicate();
    }
    done(replicated)
}

fn done(changed: Result<(), Response>) -> Response {
    changed.map_or_else(|refusal| refusal, |()| StatusCode::NO_CONTENT.into_response())
}

/// The one thing that fits.
fn one(kind: &str, named: &str, mut found: impl Iterator<Item = Uuid>) -> Result<Uuid, String> {
    match (found.next(), found.next()) {
        (Some(id), None) => Ok(id),
        (Some(_), Some(_)) => Err(format!("{named:?} is more than one {kind}; use its id")),
        _ => Err(format!("there is no {kind} {named:?}")),
    }
}

/// A user by UPN or id.
fn find_user(entra: &Entra, named: &str) -> Result<Uuid, String> {
    let fits = entra.users.iter().filter(|(id, it)| it.upn.eq_ignore_ascii_case(named) || id.to_string() == named);
    one("user", named, fits.map(|(id, _)| *id))
}

/// A group by name or id.
fn find_group(entra: &Entra, named: &str) -> Result<Uuid, String> {
    let fits = entra.groups.iter().filter(|(id, it)| it.display_name == named || id.to_string() == named);
    one("group", named, fits.map(|(id, _)| *id))
}

/// A service principal by name, appId or id.
pub fn find_principal(entra: &Entra, named: &str) -> Result<Uuid, String> {
    let is = |id: &Uuid, it: &ServicePrincipal| {
        it.display_name == named || it.app_id.to_string() == named || id.to_string() == named
    };
    one("application", named, entra.service_principals.iter().filter(|(id, it)| is(id, it)).map(|(id, _)| *id))
}

/// `GET /control/entra`
pub async fn show(State(app): State<App>) -> Response {
    let cloud = app.cloud();
    let Some(entra) = cloud.world.entra.as_ref() else {
        return refused(StatusCode::NOT_FOUND, "this world has no Entra tenant");
    };
    let name = |member: &Member| match member {
        Member::User(id) => entra.users.get(id).map(|it| it.upn.as_str()),
        other => entra.display_name(*other),
    };
    // Without its value.
    let secret = |it: &Password| json!({"keyId": it.key_id, "displayName": it.display_name, "endDateTime": it.ends_at});
    let application = |(id, it): (&Uuid, &ServicePrincipal)| {
        let registration = entra.application(it.app_id);
        let assigned = it.assigned.values().map(|one| {
            let (kind, id) = match one.principal {
                Member::User(id) => ("user", id),
                Member::Group(id) => ("group", id),
                Member::ServicePrincipal(id) => ("servicePrincipal", id),
            };
            json!({"kind": kind, "id": id, "name": name(&one.principal)})
        });
        json!({
            "name": it.display_name,
            "appId": it.app_id,
            "id": registration.map(|(id, _)| id),
            "servicePrincipalId": id,
            "accountEnabled": it.is_enabled,
            "appRoleAssignmentRequired": it.assignment_required,
            "fromTemplate": it.is_from_template,
            "secrets": registration.map(|(_, it)| it.passwords.iter().map(secret).collect::<Vec<_>>()),
            "consent": entra.grants.iter().filter(|it| it.client == *id).map(|it| &it.scope).collect::<Vec<_>>(),
            "redirectUris": registration.map(|(_, it)| &it.redirect_uris),
            "assignments": assigned.collect::<Vec<Value>>(),
        })
    };
    let users = entra.users.iter().map(|(id, it)| {
        json!({
            "id": id, "displayName": it.display_name, "userPrincipalName": it.upn, "mail": it.mail,
            "accountEnabled": it.is_enabled, "userType": it.kind.name(),
        })
    });
    let groups = entra.groups.iter().map(|(id, it)| {
        let members = entra.members(*id);
        json!({
            "id": id, "displayName": it.display_name, "securityEnabled": it.is_security,
            "members": members.iter().filter(|it| matches!(it, Member::User(_))).filter_map(name).collect::<Vec<_>>(),
            "memberGroups": members.iter().filter(|it| matches!(it, Member::Group(_))).filter_map(name).collect::<Vec<_>>(),
        })
    });
    Json(json!({
        "tenantId": entra.tenant_id,
        "operator": {"clientId": entra.operator, "permissions": entra.permissions(entra.operator)},
        "applications": entra.service_principals.iter().map(application).collect::<Vec<_>>(),
        "users": users.collect::<Vec<_>>(),
        "groups": groups.collect::<Vec<_>>(),
    }))
    .into_response()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserChange {
    account_enabled: Option<bool>,
    /// `""` for none.
    mail: Option<String>,
}

/// `PATCH /control/entra/users/{upn}`
pub async fn user(State(app): State<App>, Path(upn): Path<String>, Json(wanted): Json<UserChange>) -> Response {
    let changed = change(&app, |entra| {
        let id = find_user(entra, &upn)?;
        if let Some(user) = entra.users.get_mut(&id) {
            user.is_enabled = wanted.account_enabled.unwrap_or(user.is_enabled);
            if let Some(mail) = wanted.mail {
                user.mail = Some(mail).filter(|it| !it.is_empty());
            }
        }
        Ok(())
    });
    done(changed.await)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "as scenarios name them")]
pub struct Members {
    group: String,
    /// By UPN or id.
    members: Vec<String>,
    /// By name or id; as they are if not given.
    member_groups: Option<Vec<String>>,
}

/// `PUT /control/entra/members`: a group's direct members are now these.
pub async fn members(State(app): State<App>, Json(wanted): Json<Members>) -> Response {
    let changed = change(&app, |entra| {
        let id = find_group(entra, &wanted.group)?;
        let users = wanted.members.iter().map(|it| find_user(entra, it)).collect::<Result<BTreeSet<_>, _>>()?;
        let groups = wanted.member_groups.as_ref().map(|it| it.iter().map(|it| find_group(entra, it)).collect());
        let groups: Option<BTreeSet<_>> = groups.transpose()?;
        if let Some(group) = entra.groups.get_mut(&id) {
            group.users = users;
            group.groups = groups.unwrap_or_else(|| group.groups.clone());
        }
        Ok(())
    });
    done(changed.await)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApplicationChange {
    account_enabled: Option<bool>,
    app_role_assignment_required: Option<bool>,
    redirect_uris: Option<Vec<String>>,
}

/// `PATCH /control/entra/applications/{name, appId or id}`
pub async fn application(
    State(app): State<App>,
    Path(named): Path<String>,
    Json(wanted): Json<ApplicationChange>,
) -> Response {
    let changed = change(&app, |entra| {
        let id = find_principal(entra, &named)?;
        let Some(principal) = entra.service_principals.get_mut(&id) else { return Ok(()) };
        principal.is_enabled = wanted.account_enabled.unwrap_or(principal.is_enabled);
        principal.assignment_required = wanted.app_role_assignment_required.unwrap_or(principal.assignment_required);
        let app_id = principal.app_id;
        let registration = entra.applications.values_mut().find(|it| it.app_id == app_id);
        if let (Some(registration), Some(uris)) = (registration, wanted.redirect_uris) {
            registration.redirect_uris = uris;
        }
        Ok(())
    });
    done(changed.await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssignmentChange {
    application: String,
    group: Option<String>,
    user: Option<String>,
    #[serde(default = "yes")]
    assigned: bool,
}

fn yes() -> bool {
    true
}

/// `PUT /control/entra/assignments`: a group or user is assigned to an application, or is not.
pub async fn assignment(State(app): State<App>, Json(wanted): Json<AssignmentChange>) -> Response {
    let changed = change(&app, |entra| {
        let id = find_principal(entra, &wanted.application)?;
        let member = match (&wanted.group, &wanted.user) {
            (Some(group), None) => Member::Group(find_group(entra, group)?),
            (None, Some(user)) => Member::User(find_user(entra, user)?),
            _ => return Err("an assignment names exactly one of `group` and `user`".to_owned()),
        };
        let Some(principal) = entra.service_principals.get_mut(&id) else { return Ok(()) };
        if wanted.assigned {
            let role = if principal.is_from_template { TEMPLATE_ROLES[0].0 } else { DEFAULT_ROLE };
            entra.assign(id, member, role, Timestamp::now());
        } else {
            principal.assigned.retain(|_, it| it.principal != member);
        }
        Ok(())
    });
    done(changed.await)
}
