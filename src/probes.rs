//! `/livez`, `/readyz` and `/metrics` over plain HTTP, and the one value that says whether we are ready.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::error::{Class, Failure};
use crate::metrics::Metrics;

/// How far the operator is: what the probe says, the log and the metric.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Readiness {
    /// It has just begun.
    Starting,
    /// The resources' definitions are not there, or it may not read the resources.
    WaitingForDefinitions,
    /// Another replica does the work; this one would take over.
    Standby,
    /// It does the work.
    Leading,
    /// It was asked to stop.
    Stopping,
}

impl Readiness {
    fn is_ready(self) -> bool {
        match self {
            Self::Standby | Self::Leading => true,
            Self::Starting | Self::WaitingForDefinitions | Self::Stopping => false,
        }
    }
}

#[derive(Clone)]
struct Shared {
    readiness: watch::Receiver<Readiness>,
    metrics: Arc<Metrics>,
}

/// Serves the probes at `address` until the process ends.
pub async fn serve(
    address: SocketAddr,
    readiness: watch::Receiver<Readiness>,
    metrics: Arc<Metrics>,
) -> Result<(), Failure> {
    let taken = |e| {
        Failure::new(
            Class::Invalid,
            "AddressInUse",
            format!("Could not listen on {address} for probes and metrics: {e}. Give another one with --listen."),
        )
    };
    let listener = TcpListener::bind(address).await.map_err(taken)?;
    let bound = listener.local_addr().map_err(taken)?;
    tracing::info!(address = %bound, "serving probes and metrics");
    let app = Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics_text))
        .with_state(Shared { readiness, metrics });
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, app).await {
            tracing::error!("the server for probes and metrics ended: {error}");
        }
    });
    Ok(())
}

async fn ready(State(shared): State<Shared>) -> impl IntoResponse {
    let readiness = *shared.readiness.borrow();
    let status = if readiness.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, format!("{readiness:?}\n"))
}

async fn metrics_text(State(shared): State<Shared>) -> impl IntoResponse {
    match shared.metrics.encode() {
        Ok(text) => {
            (StatusCode::OK, [(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
        }
        Err(error) => {
            (StatusCode::INTERNAL_SERVER_ERROR, [(CONTENT_TYPE, "text/plain; charset=utf-8")], error.to_string())
        }
    }
}
