//! `$batch`: up to twenty requests in one (<https://learn.microsoft.com/en-us/graph/json-batching>).

use std::collections::HashMap;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

use super::error::GraphError;
use super::{Answer, Desk, Request};

/// The most requests of a batch.
const MOST: usize = 20;

/// The requests of a batch, wherever they are written.
fn requests(body: &Value) -> &[Value] {
    body.get("requests").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Whether one of the requests asks for a change.
pub fn is_write(body: &Value) -> bool {
    requests(body).iter().any(|it| {
        let (Some(method), Some(url)) = (text(it, "method"), text(it, "url")) else { return false };
        let path = url.split('?').next().unwrap_or(url);
        Method::from_bytes(method.to_uppercase().as_bytes()).is_ok_and(|it| super::is_write(&it, path, &Value::Null))
    })
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

/// Answers all requests of a batch, the last one first: no order is promised.
pub fn answer(desk: &mut Desk<'_>, version: &str, headers: &HeaderMap, body: &Value) -> Result<Answer, GraphError> {
    let requests = requests(body);
    if requests.is_empty() {
        return Err(GraphError::bad("Invalid batch payload format."));
    }
    // That it is refused so is not documented.
    if requests.len() > MOST {
        let text = format!("Number of batch request steps exceeds the maximum value of {MOST}.");
        return Err(GraphError::bad(text));
    }
    let mut statuses: HashMap<&str, u16> = HashMap::new();
    let mut responses = Vec::new();
    for request in requests {
        let id = text(request, "id").ok_or_else(|| GraphError::bad("Request Id cannot be empty."))?;
        if statuses.contains_key(id) {
            return Err(GraphError::bad(format!("Request Id '{id}' is not unique in the batch.")));
        }
        let depends = request.get("dependsOn").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut is_held_up = false;
        for other in depends {
            let status = other.as_str().and_then(|it| statuses.get(it));
            is_held_up |= *status.ok_or_else(|| GraphError::bad("Invalid batch payload format."))? >= 400;
        }
        let answer = if is_held_up {
            let text = "The request could not be executed because one it depends on has failed.";
            Err(GraphError::new(StatusCode::FAILED_DEPENDENCY, "FailedDependency", text))
        } else {
            one(desk, version, headers, request)
        };
        let (status, body) = match answer {
            Ok(Answer::Json(body)) => (200, body),
            Ok(Answer::Created(body)) => (201, body),
            Ok(Answer::NoContent) => (204, Value::Null),
            Ok(Answer::Count(count)) => (200, json!(count)),
            Err(error) => (error.status.as_u16(), error.body(desk.numbers)),
        };
        statuses.insert(id, status);
        let headers = json!({"Content-Type": "application/json"});
        responses.push(json!({"id": id, "status": status, "headers": headers, "body": body}));
    }
    responses.reverse();
    Ok(Answer::Json(json!({"responses": responses})))
}

/// One request of a batch, with the token of the whole.
fn one(desk: &mut Desk<'_>, version: &str, outer: &HeaderMap, request: &Value) -> Result<Answer, GraphError> {
    let invalid = || GraphError::bad("Invalid batch payload format.");
    let method = text(request, "method").ok_or_else(invalid)?.to_uppercase();
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| invalid())?;
    let url = text(request, "url").ok_or_else(invalid)?;
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let mut headers = HeaderMap::new();
    if let Some(token) = outer.get("authorization") {
        headers.insert("authorization", token.clone());
    }
    for (name, value) in request.get("headers").and_then(Value::as_object).into_iter().flatten() {
        let value = value.as_str().and_then(|it| HeaderValue::from_str(it).ok());
        if let (Ok(name), Some(value)) = (HeaderName::from_bytes(name.to_lowercase().as_bytes()), value) {
            headers.insert(name, value);
        }
    }
    let body = request.get("body").unwrap_or(&Value::Null);
    let path = path.trim_start_matches('/');
    if path.starts_with("$batch") {
        return Err(invalid());
    }
    desk.answer(&Request { method: &method, version, path, query, headers: &headers, body })
}
