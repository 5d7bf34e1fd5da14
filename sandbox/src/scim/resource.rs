//! Resources as they are shown and listed (<https://www.rfc-editor.org/rfc/rfc7644#section-3.4.2>).

use std::borrow::Cow;

use axum::extract::{FromRequestParts, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::attributes::{is_many, normal};
use super::error::{Scim, ScimError};
use super::matching::{fits, parse};
use crate::entra::seconds;
use crate::world::Resource;

/// The most resources that one answer lists.
pub const MOST: usize = 200;

/// How many it lists unless asked otherwise.
const USUAL: usize = 100;

/// The kinds of resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    User,
    Group,
}

impl Kind {
    /// Its name as a resource type.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// Where it is.
    pub fn endpoint(self) -> &'static str {
        match self {
            Self::User => "/Users",
            Self::Group => "/Groups",
        }
    }

    /// The name of its core schema.
    pub fn schema(self) -> String {
        format!("urn:ietf:params:scim:schemas:core:2.0:{}", self.name())
    }

    /// Refuses a path that names nothing.
    pub fn id(self, path: &str) -> Result<Uuid, ScimError> {
        path.parse().map_err(|_| self.none(path))
    }

    /// The refusal.
    pub fn none(self, id: impl std::fmt::Display) -> ScimError {
        ScimError::not_found(format!("There is no {} {id}.", self.name()))
    }
}

/// A resource of what a client has sent.
pub fn made(id: Uuid, attributes: Map<String, Value>) -> Resource {
    let now = Timestamp::now();
    Resource { attributes: with_id(id, attributes), created_at: now, modified_at: now }
}

/// A resource has its id among its attributes, so that a filter finds it.
pub fn with_id(id: Uuid, attributes: Map<String, Value>) -> Map<String, Value> {
    std::iter::once(("id".to_owned(), Value::from(id.to_string()))).chain(attributes).collect()
}

/// The attributes in a body.
pub fn sent(body: &[u8]) -> Result<Map<String, Value>, ScimError> {
    let wrong = |error| ScimError::bad("invalidSyntax", format!("The body is no JSON object: {error}"));
    normal(serde_json::from_slice(body).map_err(wrong)?)
}

/// What a request asks to see.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct View {
    filter: Option<String>,
    start_index: Option<i64>,
    count: Option<i64>,
    attributes: Option<String>,
    excluded_attributes: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for View {
    type Rejection = ScimError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ScimError> {
        let Query(view) = Query::try_from_uri(&parts.uri)?;
        Ok(view)
    }
}

impl View {
    /// Whether an attribute is shown; an `id` always is.
    fn shows(&self, name: &str) -> bool {
        let names = |list: &Option<String>| {
            let list = list.as_deref()?;
            Some(list.split(',').any(|it| it.trim().split('.').next().is_some_and(|it| it.eq_ignore_ascii_case(name))))
        };
        name == "id" || (names(&self.attributes).unwrap_or(true) && !names(&self.excluded_attributes).unwrap_or(false))
    }

    /// One resource; `base` is where SCIM is served.
    pub fn show(&self, kind: Kind, base: &str, it: &Resource) -> Value {
        let extensions = it.attributes.keys().filter(|it| it.starts_with("urn:")).cloned();
        let schemas: Vec<String> = std::iter::once(kind.schema()).chain(extensions).collect();
        let mut shown = Map::from_iter([("schemas".to_owned(), json!(schemas))]);
        let attributes = it.attributes.iter().filter(|(name, value)| {
            let is_empty = is_many(name) && value.as_array().is_some_and(Vec::is_empty);
            self.shows(name) && !is_empty
        });
        shown.extend(attributes.map(|(name, value)| (name.clone(), value.clone())));
        if self.shows("meta") {
            let id = it.text("id").unwrap_or_default();
            let meta = json!({
                "resourceType": kind.name(),
                "created": seconds(it.created_at),
                "lastModified": seconds(it.modified_at),
                "location": format!("{base}{}/{id}", kind.endpoint()),
            });
            shown.insert("meta".to_owned(), meta);
        }
        Value::Object(shown)
    }

    /// Those that fit, a page of them.
    pub fn list<'a>(
        &self,
        kind: Kind,
        base: &str,
        items: impl Iterator<Item = Cow<'a, Resource>>,
    ) -> Result<Scim, ScimError> {
        let filter = self.filter.as_deref().filter(|it| !it.trim().is_empty()).map(parse).transpose()?;
        // By the RFC less than 1 is 1, and a negative count is none.
        let start = self.start_index.map_or(1, |it| usize::try_from(it).unwrap_or(1).max(1));
        let count = self.count.map_or(USUAL, |it| usize::try_from(it).unwrap_or(0)).min(MOST);
        let (mut total, mut resources) = (0, Vec::new());
        for item in items.filter(|it| filter.as_ref().is_none_or(|filter| fits(filter, &it.attributes))) {
            total += 1;
            if total >= start && resources.len() < count {
                resources.push(self.show(kind, base, &item));
            }
        }
        Ok(Scim(StatusCode::OK, listed(total, start, &resources)))
    }
}

/// The form of every list.
pub fn listed(total: usize, start: usize, resources: &[Value]) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "itemsPerPage": resources.len(),
        "startIndex": start,
        "Resources": resources,
    })
}
