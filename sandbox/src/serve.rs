//! HTTP/1.1 and HTTP/2 over TLS, with connections that can be cut.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio_rustls::TlsAcceptor;

/// How long requests under way may take to end when the sandbox does.
const FAREWELL: Duration = Duration::from_secs(2);

/// The connection that a request came on.
#[derive(Debug, Clone, Default)]
pub struct Connection(Arc<Notify>);

impl Connection {
    /// Cuts it, so that no answer follows. Never returns: the request's own future goes with the connection.
    pub async fn close(&self) -> axum::response::Response {
        self.0.notify_one();
        let never: Infallible = std::future::pending().await;
        match never {}
    }
}

/// Binds an address; the error says which.
pub async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let named =
        |error: std::io::Error| std::io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"));
    TcpListener::bind(address).await.map_err(named)
}

/// Serves until `stop` says so, then lets requests under way end for a while.
pub async fn serve(listener: TcpListener, config: Arc<ServerConfig>, router: Router, mut stop: watch::Receiver<bool>) {
    let acceptor = TlsAcceptor::from(config);
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Usually out of file descriptors; trying again at once would only burn the processor.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let (acceptor, router, watcher) = (acceptor.clone(), router.clone(), graceful.watcher());
        tokio::spawn(async move {
            let stream = match acceptor.accept(stream).await {
                Ok(stream) => stream,
                Err(error) => return tracing::debug!(%error, "no TLS with this client"),
            };
            let connection = Connection::default();
            let service = TowerToHyperService::new(router.layer(Extension(connection.clone())));
            let server = auto::Builder::new(TokioExecutor::new());
            let serving = watcher.watch(server.serve_connection(TokioIo::new(stream), service).into_owned());
            tokio::select! {
                end = serving => if let Err(error) = end {
                    tracing::debug!(%error, "a connection ended early");
                },
                () = connection.0.notified() => {}
            }
        });
    }
    if tokio::time::timeout(FAREWELL, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were still under way");
    }
}
