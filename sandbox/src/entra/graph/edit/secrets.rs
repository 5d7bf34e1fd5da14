//! Client secrets, and the policies that may forbid or bound them.

use axum::http::StatusCode;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use serde_json::Value;
use uuid::Uuid;

use super::Edit;
use crate::entra::graph::Answer;
use crate::entra::graph::applications::password;
use crate::entra::graph::error::GraphError;
use crate::entra::graph::shape::check;
use crate::world::entra::{Application, Entra, Password, PasswordRestriction, RestrictionType, new_secret};

/// How long a secret lasts that does not say so itself
/// (<https://learn.microsoft.com/en-us/graph/api/application-addpassword>).
const DEFAULT_YEARS: i64 = 2;

impl Edit<'_> {
    /// `POST /applications/{id}/addPassword`: the value is in this answer and in no other.
    pub fn add_password(&mut self, key: &str) -> Result<Answer, GraphError> {
        let id = self.application(key)?;
        let empty = serde_json::json!({});
        let body = check("addPassword", if self.body.is_null() { &empty } else { self.body }, None)?;
        let wanted = body.get("passwordCredential");
        let time = |name: &str| wanted?.get(name)?.as_str()?.parse::<Timestamp>().ok();
        let starts_at = time("startDateTime").unwrap_or_else(Timestamp::now);
        let ends_at = time("endDateTime").unwrap_or_else(|| in_years(starts_at, DEFAULT_YEARS));
        if ends_at <= starts_at {
            return Err(GraphError::directory("Key credential end date is invalid."));
        }
        let Some(application) = self.entra.applications.get(&id) else { return Ok(Answer::NoContent) };
        allowed(self.entra, application, starts_at, ends_at)?;
        let display_name = wanted.and_then(|it| it.get("displayName")).and_then(Value::as_str).map(str::to_owned);
        let made = Password { key_id: Uuid::new_v4(), display_name, starts_at, ends_at, value: new_secret() };
        let mut answer = password(&made);
        answer["secretText"] = made.value.clone().into();
        if let Value::Object(properties) = &mut answer {
            let context = self.view().context("microsoft.graph.passwordCredential");
            properties.shift_insert(0, "@odata.context".to_owned(), context);
        }
        if let Some(application) = self.entra.applications.get_mut(&id) {
            application.passwords.push(made);
        }
        Ok(Answer::Json(answer))
    }

    /// `POST /applications/{id}/removePassword`
    pub fn remove_password(&mut self, key: &str) -> Result<Answer, GraphError> {
        let id = self.application(key)?;
        let body = check("removePassword", self.body, None)?;
        let key = body.get("keyId").and_then(Value::as_str).and_then(|it| it.parse::<Uuid>().ok());
        let Some(application) = self.entra.applications.get_mut(&id) else { return Ok(Answer::NoContent) };
        let before = application.passwords.len();
        application.passwords.retain(|it| Some(it.key_id) != key);
        if application.passwords.len() == before {
            return Err(GraphError::directory("No password credential found with keyId."));
        }
        Ok(Answer::NoContent)
    }
}

fn in_years(from: Timestamp, years: i64) -> Timestamp {
    let time = from.to_zoned(jiff::tz::TimeZone::UTC).checked_add(Span::new().years(years));
    time.map_or(Timestamp::MAX, |it| it.timestamp())
}

/// Refuses a secret that the application's policy, or else the tenant's, does not allow
/// (<https://learn.microsoft.com/en-us/graph/api/resources/applicationauthenticationmethodpolicy>). Codes and sentences
/// are published (<https://github.com/microsoft/PubSec-Info-Assistant/issues/681>).
fn allowed(entra: &Entra, it: &Application, starts_at: Timestamp, ends_at: Timestamp) -> Result<(), GraphError> {
    let own: Vec<_> = it.app_management.iter().filter(|it| it.is_enabled).collect();
    let tenant = entra.app_management.is_enabled.then_some(("default", &entra.app_management.password_credentials));
    let policies: Vec<(&str, &Vec<PasswordRestriction>)> = if it.app_management.is_empty() {
        tenant.into_iter().collect()
    } else {
        own.iter().map(|it| (it.display_name.as_str(), &it.password_credentials)).collect()
    };
    for (policy, restrictions) in policies {
        for restriction in restrictions {
            if restriction.restrict_for_apps_created_after_date_time.is_some_and(|from| it.created_at < from) {
                continue;
            }
            let lifetime = ends_at.duration_since(starts_at);
            let (code, text) = match restriction.restriction_type {
                RestrictionType::PasswordAddition => {
                    ("CredentialTypeNotAllowedAsPerAppPolicy", "Credential type not allowed as per assigned policy")
                }
                RestrictionType::PasswordLifetime if most(restriction).is_some_and(|most| lifetime > most) => (
                    "CredentialInvalidLifetimeAsPerAppPolicy",
                    "Credential lifetime exceeds the max value allowed as per assigned policy",
                ),
                _ => continue,
            };
            return Err(GraphError::new(StatusCode::BAD_REQUEST, code, format!("{text} '{policy}'.")));
        }
    }
    Ok(())
}

/// The longest life that a restriction allows.
fn most(restriction: &PasswordRestriction) -> Option<SignedDuration> {
    let span: Span = restriction.max_lifetime.as_ref()?.parse().ok()?;
    span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()
}
