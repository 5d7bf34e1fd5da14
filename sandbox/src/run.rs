//! Starting and stopping a sandbox.

use std::net::SocketAddr;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::cloud::{App, Credentials};
use crate::tls::{Tls, TlsError};
use crate::world::{Scenario, ScenarioError, World};
use crate::{control, devolutions, serve};

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The scenario contradicts itself.
    #[error("the scenario is wrong: {0}")]
    Scenario(#[from] ScenarioError),
    /// No certificates.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A port that is taken, say.
    #[error(transparent)]
    Listen(#[from] std::io::Error),
}

/// A sandbox that serves.
pub struct Sandbox {
    /// The certificate to trust, PEM.
    pub ca: String,
    /// Where the cloud contract is; the base path is not part of it.
    pub devolutions_url: String,
    /// Where the control interface is, its path included.
    pub control_url: String,
    /// The identity that is judged.
    pub operator: Credentials,
    /// The identity that stands for people.
    pub person: Credentials,
    stop: watch::Sender<bool>,
    servers: [JoinHandle<()>; 2],
}

impl Sandbox {
    /// Makes a world and serves it. Port 0 takes a free one.
    pub async fn start(
        scenario: &Scenario,
        listen: SocketAddr,
        control_listen: SocketAddr,
    ) -> Result<Self, StartError> {
        let app = App::new(World::build(scenario)?);
        let tls = Tls::generate()?;
        let (cloud, control) = (serve::bind(listen).await?, serve::bind(control_listen).await?);
        let devolutions_url = format!("https://{}", cloud.local_addr()?);
        let control_url = format!("https://{}{}", control.local_addr()?, control::BASE);
        let (operator, person) = {
            let cloud = app.cloud();
            (cloud.operator.clone(), cloud.person.clone())
        };
        let (stop, stopped) = watch::channel(false);
        let servers = [
            tokio::spawn(serve::serve(cloud, tls.config.clone(), devolutions::router(app.clone()), stopped.clone())),
            tokio::spawn(serve::serve(control, tls.config, control::router(app), stopped)),
        ];
        Ok(Self { ca: tls.ca, devolutions_url, control_url, operator, person, stop, servers })
    }

    /// Stops serving; requests under way have a moment to end.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        for server in self.servers {
            if let Err(error) = server.await {
                tracing::error!(%error, "a server did not end well");
            }
        }
    }
}
