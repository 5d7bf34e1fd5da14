//! Saving and testing a configuration for single sign-on, as the vendor's page does on *Save* and *Test Configuration*
//! (<https://github.com/Devolutions/doc>,
//! `docs/content/en/hub/getting-started/get-started-sso-hub-business/configure-sso-authentication-microsoft-azure.md`).
//! That a server can do either without a person is unknown.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::authentication::record;
use super::caller::Caller;
use super::error::ApiError;
use super::relying_party::Provider;
use crate::cloud::App;
use crate::world::{Provider as Form, Sso};

/// An application, as it is typed in.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Application {
    client_id: String,
    client_secret: String,
    discovery_url: String,
}

#[derive(Deserialize)]
pub struct Configuration {
    name: String,
    #[serde(flatten)]
    application: Application,
}

impl Application {
    /// Refuses what cannot be right.
    fn id(&self) -> Result<Uuid, ApiError> {
        let id = self.client_id.parse().map_err(|_| ApiError::invalid("`clientId` is the id of an application."))?;
        if self.client_secret.trim().is_empty() {
            return Err(ApiError::invalid("`clientSecret` is not empty."));
        }
        let url = url::Url::parse(&self.discovery_url).ok().filter(|it| it.scheme() == "https");
        let is_document = |it: &url::Url| it.path().ends_with("/.well-known/openid-configuration");
        if !url.is_some_and(|it| is_document(&it)) {
            let text = "`discoveryUrl` is the https address of an OpenID Connect metadata document.";
            return Err(ApiError::invalid(text));
        }
        Ok(id)
    }
}

/// `PUT /authentication/sso`: all at once, and nobody sees half of it.
pub async fn save(
    State(app): State<App>,
    caller: Caller,
    body: Result<Json<Configuration>, JsonRejection>,
) -> Result<Json<Value>, ApiError> {
    let mut cloud = app.cloud();
    caller.needs(&cloud, "manageSystemConfiguration")?;
    let Json(Configuration { name, application }) = body?;
    let client_id = application.id()?;
    if name.trim().is_empty() {
        return Err(ApiError::invalid("A configuration has a name."));
    }
    let world = &mut cloud.world;
    let sso = world.sso.get_or_insert_with(|| Sso::none(world.organization_id));
    if sso.provider != Form::OpenId {
        // What was there instead cannot be brought back by any write.
        (sso.provider, sso.is_enabled) = (Form::OpenId, true);
    }
    sso.name.clone_from(&name);
    (sso.client_id, sso.client_secret) = (Some(client_id), Some(application.client_secret));
    sso.discovery_url = Some(application.discovery_url);
    sso.updated_at = Timestamp::now();
    sso.revision += 1;
    caller.log(&mut cloud, "SaveSsoConfiguration", name);
    Ok(Json(record(&app, &cloud)))
}

/// `POST /authentication/sso/test`: whether the document can be read and the secret is good. The vendor's page asks a
/// person to sign in instead.
pub async fn test(
    State(app): State<App>,
    caller: Caller,
    body: Result<Json<Application>, JsonRejection>,
) -> Result<Json<Value>, ApiError> {
    caller.needs(&app.cloud(), "manageSystemConfiguration")?;
    let Json(application) = body?;
    let id = application.id()?.to_string();
    let tested = match Provider::discover(&app.outside, &application.discovery_url).await {
        Ok(provider) => provider.probe(&app.outside, &id, &application.client_secret).await,
        Err(failure) => Err(failure),
    };
    Ok(Json(match tested {
        Ok(()) => json!({"ok": true}),
        Err(failure) => json!({"ok": false, "error": failure}),
    }))
}
