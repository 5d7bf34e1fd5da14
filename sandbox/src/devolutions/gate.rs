//! What every request passes: its number, the faults that hit it, and the journal.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::caller::{Call, TOKEN};
use super::error::ApiError;
use crate::cloud::App;
use crate::fault::Action;
use crate::journal::Record;
use crate::serve::Connection;

const REQUEST_ID: &str = "X-Request-Id";

/// No request of the contract is near this, in bytes.
const LONGEST_BODY: usize = 4 << 20;

/// How long the first half of a truncated answer has to leave.
const LEAVING: Duration = Duration::from_millis(50);

/// On the answer of a login: who has logged in.
#[derive(Debug, Clone)]
pub struct Identity(pub String);

/// Lets a request through, or does to it what a fault rule says.
///
/// A request takes effect and is journaled without a pause in between, so a client that goes away sees either both or
/// neither.
pub async fn gate(
    State(app): State<App>,
    Extension(connection): Extension<Connection>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let id = parts.headers.get(REQUEST_ID).and_then(|it| it.to_str().ok()).map(str::to_owned);
    let id = id.unwrap_or_else(|| Uuid::new_v4().to_string());
    let (method, path) = (parts.method.to_string(), parts.uri.path().to_owned());
    let token = parts.headers.get(TOKEN).and_then(|it| it.to_str().ok());
    let identity = token.and_then(|token| {
        let cloud = app.cloud();
        Some(cloud.identity(cloud.session(token)?))
    });
    let record = Record {
        seq: 0,
        time: Timestamp::now(),
        identity: identity.clone(),
        is_write: parts.method != Method::GET && !path.ends_with("/login") && !path.ends_with("/logout"),
        query: parts.uri.query().map(str::to_owned),
        status: 0,
        request_id: id.clone(),
        fault: None,
        method: method.clone(),
        path: path.clone(),
    };
    parts.extensions.insert(Arc::new(Call { method: method.clone(), path: path.clone() }));
    let Ok(body) = to_bytes(body, LONGEST_BODY).await else {
        return ApiError::invalid("The body broke off or is too long.").into_response();
    };
    let request = Request::from_parts(parts, Body::from(body));

    let hit = app.faults().decide(&method, &path, identity.as_deref());
    let Some((fault, action)) = hit else {
        return tagged(commit(&app, record, request, next).await, &id);
    };
    let record = Record { fault: Some(fault), ..record };
    let response = match action {
        Action::Status { status, code, name, retry_after_seconds } => {
            let body = json!({"code": code, "name": name, "message": "An injected fault."});
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            note(&app, Record { status: status.as_u16(), ..record }).await;
            let mut response = (status, Json(body)).into_response();
            if let Some(seconds) = retry_after_seconds {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            response
        }
        Action::DropBeforeCommit => {
            note(&app, record).await;
            connection.close().await
        }
        Action::DropAfterCommit => {
            commit(&app, record, request, next).await;
            connection.close().await
        }
        Action::HoldBeforeCommit => {
            app.holds.hold(fault, &method, &path, &id).await;
            commit(&app, record, request, next).await
        }
        Action::HoldAfterCommit => {
            let response = commit(&app, record, request, next).await;
            app.holds.hold(fault, &method, &path, &id).await;
            response
        }
        Action::Truncate => truncated(commit(&app, record, request, next).await, &connection).await,
        Action::Slow { millis } => {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            commit(&app, record, request, next).await
        }
    };
    tagged(response, &id)
}

/// Lets the request take effect, and journals it.
async fn commit(app: &App, record: Record, request: Request, next: Next) -> Response {
    let _turn = app.turn.lock().await;
    let mut response = next.run(request).await;
    let identity = response.extensions_mut().remove::<Identity>().map(|it| it.0).or(record.identity);
    let status = response.status().as_u16();
    app.cloud().journal.push(Record { identity, status, time: Timestamp::now(), ..record });
    response
}

/// Journals a request that does not take effect.
async fn note(app: &App, record: Record) {
    let _turn = app.turn.lock().await;
    app.cloud().journal.push(Record { time: Timestamp::now(), ..record });
}

fn tagged(mut response: Response, id: &str) -> Response {
    if let Ok(id) = HeaderValue::from_str(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// The same answer with the second half of its body missing; an answer without a body is not given at all.
async fn truncated(response: Response, connection: &Connection) -> Response {
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    if body.is_empty() {
        return connection.close().await;
    }
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    let half = body.slice(..body.len() / 2);
    let chunks = stream::once(async { Ok(half) }).chain(stream::once(async {
        // An error at once would take the first half back, which is still on its way out.
        tokio::time::sleep(LEAVING).await;
        Err::<Bytes, _>(std::io::Error::from(std::io::ErrorKind::ConnectionAborted))
    }));
    Response::from_parts(parts, Body::from_stream(chunks))
}
