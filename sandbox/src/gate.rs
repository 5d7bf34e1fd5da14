//! What every request passes: its number, the faults that hit it, and the journal.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::{Extension, Router};
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;

use crate::cloud::App;
use crate::fault::{Action, InjectedStatus, Refusal};
use crate::journal::Record;
use crate::serve::Connection;
use crate::system::{Numbers, System};

/// No request is near this, in bytes.
const LONGEST_BODY: usize = 4 << 20;

/// How long the first half of a truncated answer has to leave.
const LEAVING: Duration = Duration::from_millis(50);

/// On the answer of a login: who has logged in.
#[derive(Debug, Clone)]
pub struct Identity(pub String);

/// The header of a request that is to leave no trace, with the secret of [`App::probe`].
pub const PROBE: &str = "x-sandbox-probe";

/// On a request that is to leave no trace: the sandbox itself tries what somebody could do.
#[derive(Debug, Clone, Copy)]
pub struct Probe;

/// A request on its way, as the journal will know it.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: String,
    pub path: String,
}

/// Puts what a system serves behind the gate.
pub fn guard(router: Router, app: &App, system: System) -> Router {
    router.layer(from_fn_with_state((app.clone(), system), gate))
}

/// Lets a request through, or does to it what a fault rule says.
///
/// A request takes effect and is journaled without a pause in between, so a client that goes away sees either both or
/// neither.
async fn gate(
    State((app, system)): State<(App, System)>,
    Extension(connection): Extension<Connection>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let numbers = system.numbers(&parts.headers);
    let (method, path) = (parts.method.to_string(), parts.uri.path().to_owned());
    let identity = system.identity(&app, &parts.headers);
    let Ok(body) = to_bytes(body, LONGEST_BODY).await else {
        let refusal = Refusal::new("InvalidData", "The body broke off or is too long.");
        return tagged(system.refuse(StatusCode::BAD_REQUEST, &refusal, &numbers), system, &numbers);
    };
    let record = Record {
        seq: 0,
        time: Timestamp::now(),
        system,
        identity: identity.clone(),
        is_write: system.is_write(&parts.method, &path, &body),
        query: parts.uri.query().map(str::to_owned),
        status: 0,
        request_id: numbers.client.clone(),
        fault: None,
        method: method.clone(),
        path: path.clone(),
    };
    parts.extensions.insert(Arc::new(Call { method: method.clone(), path: path.clone() }));
    parts.extensions.insert(numbers.clone());
    if parts.headers.get(PROBE).is_some_and(|it| it.as_bytes() == app.probe.as_bytes()) {
        parts.extensions.insert(Probe);
        let _turn = app.turn.lock().await;
        return tagged(next.run(Request::from_parts(parts, Body::from(body))).await, system, &numbers);
    }
    let request = Request::from_parts(parts, Body::from(body));

    let hit = app.faults().decide(system, &method, &path, identity.as_deref());
    let Some((fault, action)) = hit else {
        return tagged(commit(&app, record, request, next).await, system, &numbers);
    };
    let record = Record { fault: Some(fault), ..record };
    let response = match action {
        Action::Status(injected) => {
            let response = refused(system, &numbers, injected);
            note(&app, Record { status: response.status().as_u16(), ..record }).await;
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
            app.holds.hold(fault, &method, &path, &numbers.client).await;
            commit(&app, record, request, next).await
        }
        Action::HoldAfterCommit => {
            let response = commit(&app, record, request, next).await;
            app.holds.hold(fault, &method, &path, &numbers.client).await;
            response
        }
        Action::StatusAfterCommit(injected) => {
            commit(&app, record, request, next).await;
            refused(system, &numbers, injected)
        }
        Action::Truncate => truncated(commit(&app, record, request, next).await, &connection).await,
        Action::Slow { millis } => {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            commit(&app, record, request, next).await
        }
    };
    tagged(response, system, &numbers)
}

/// An injected refusal.
fn refused(system: System, numbers: &Numbers, injected: InjectedStatus) -> Response {
    let InjectedStatus { status, retry_after_seconds, code, name, message } = injected;
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = system.refuse(status, &Refusal { code, name, message }, numbers);
    if let Some(seconds) = retry_after_seconds.and_then(|it| HeaderValue::from_str(&it.to_string()).ok()) {
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

/// Lets the request take effect, and journals it.
async fn commit(app: &App, record: Record, request: Request, next: Next) -> Response {
    let (_turn, mut response) = if record.system.asks_others(&record.path) {
        let response = next.run(request).await;
        (app.turn.lock().await, response)
    } else {
        let turn = app.turn.lock().await;
        (turn, next.run(request).await)
    };
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

fn tagged(mut response: Response, system: System, numbers: &Numbers) -> Response {
    for (name, value) in system.tags(numbers) {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
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
