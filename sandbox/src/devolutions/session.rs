//! Logging in and out.

use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::Caller;
use super::error::ApiError;
use crate::cloud::App;
use crate::gate::Identity;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Login {
    app_key: String,
    app_secret: String,
}

/// `POST /login`
pub async fn log_in(
    State(app): State<App>,
    body: Result<Json<Login>, JsonRejection>,
) -> Result<(Extension<Identity>, Json<Value>), ApiError> {
    let Json(login) = body?;
    let mut cloud = app.cloud();
    let user = cloud.authenticate(&login.app_key, &login.app_secret);
    let user = user.ok_or_else(|| ApiError::unauthenticated("The application key or secret is wrong."))?;
    if !cloud.world.users.get(&user).is_some_and(|it| it.is_enabled) {
        return Err(ApiError::user_disabled());
    }
    let (token, expires_at) = cloud.log_in(user);
    let identity = Identity(cloud.identity(user));
    Ok((Extension(identity), Json(json!({"tokenId": token, "expiresAt": expires_at}))))
}

/// `POST /logout`
pub async fn log_out(State(app): State<App>, caller: Caller) -> Response {
    app.cloud().log_out(&caller.token);
    StatusCode::NO_CONTENT.into_response()
}
