//! Lists in pages, as the API of Devolutions Server has them (<https://github.com/Devolutions/go-dvls>).

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::ApiError;

/// The most items that one page can have.
const MOST: usize = 500;

/// Which page of a list.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    number: usize,
    size: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    #[serde(default = "first")]
    page: usize,
    #[serde(default = "hundred")]
    page_size: usize,
}

fn first() -> usize {
    1
}

fn hundred() -> usize {
    100
}

impl<S: Sync> FromRequestParts<S> for Page {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let parameters = Query::try_from_uri(&parts.uri);
        let Query(Parameters { page, page_size }) = parameters.map_err(|it: QueryRejection| ApiError::from(it))?;
        if page == 0 || !(1..=MOST).contains(&page_size) {
            return Err(ApiError::invalid(format!("`page` counts from 1 and `pageSize` is 1 to {MOST}.")));
        }
        Ok(Self { number: page, size: page_size })
    }
}

impl Page {
    /// This page of so many items.
    pub fn of<T>(self, items: impl Iterator<Item = T>, show: impl Fn(T) -> Value) -> Json<Value> {
        let first = (self.number - 1).saturating_mul(self.size);
        let (mut total, mut data) = (0, Vec::new());
        for item in items {
            if total >= first && data.len() < self.size {
                data.push(show(item));
            }
            total += 1;
        }
        Json(json!({
            "data": data,
            "currentPage": self.number,
            "pageSize": self.size,
            "totalCount": total,
            "totalPage": total.div_ceil(self.size),
        }))
    }
}
