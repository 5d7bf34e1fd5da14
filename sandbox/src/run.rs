//! Starting and stopping a sandbox.

use std::net::SocketAddr;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::cloud::{App, Credentials};
use crate::devolutions::relying_party::Outside;
use crate::entra::{EntraAccess, Hosts, KeyError, SigningKey};
use crate::tls::{ClientError, Tls, TlsError};
use crate::world::{Scenario, ScenarioError, World};
use crate::{control, devolutions, entra, scim, serve};

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The scenario contradicts itself.
    #[error("the scenario is wrong: {0}")]
    Scenario(#[from] ScenarioError),
    /// A switch takes away an operation that there is not.
    #[error("the scenario is wrong: `cannot`: there is no operation {0:?}")]
    Operation(String),
    /// No certificates.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No key to sign tokens with.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// No client for the sandbox's own requests.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A port that is taken, say.
    #[error(transparent)]
    Listen(#[from] std::io::Error),
}

/// Where a sandbox listens. Port 0 takes a free one.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// The cloud contract.
    pub cloud: SocketAddr,
    /// The control interface.
    pub control: SocketAddr,
    /// Where Entra issues tokens; not listened on where the scenario has no Entra.
    pub authority: SocketAddr,
    /// Microsoft Graph; likewise.
    pub graph: SocketAddr,
}

impl Default for Addresses {
    /// Any free ports of this machine's loopback.
    fn default() -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        Self { cloud: any, control: any, authority: any, graph: any }
    }
}

/// What an identity provider is told, once, so that it can provision.
pub struct ScimAccess {
    /// The tenant URL.
    pub url: String,
    /// The secret token.
    pub token: String,
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
    /// The Entra side, if the scenario has one.
    pub entra: Option<EntraAccess>,
    /// Provisioning, if the scenario switches it on.
    pub scim: Option<ScimAccess>,
    stop: watch::Sender<bool>,
    servers: Vec<JoinHandle<()>>,
}

impl Sandbox {
    /// Makes a world and serves it.
    pub async fn start(scenario: &Scenario, addresses: Addresses) -> Result<Self, StartError> {
        let world = World::build(scenario)?;
        if let Some(name) = devolutions::unknown(&world.switches.cannot) {
            return Err(StartError::Operation(name.clone()));
        }
        let tls = Tls::generate()?;
        let (cloud, control) = (serve::bind(addresses.cloud).await?, serve::bind(addresses.control).await?);
        let devolutions_url = format!("https://{}", cloud.local_addr()?);
        let control_url = format!("https://{}{}", control.local_addr()?, control::BASE);
        let directory = if world.entra.is_some() {
            Some((serve::bind(addresses.authority).await?, serve::bind(addresses.graph).await?))
        } else {
            None
        };
        let hosts = match &directory {
            Some((authority, graph)) => Some(Hosts {
                authority_url: format!("https://{}", authority.local_addr()?),
                graph_url: format!("https://{}", graph.local_addr()?),
                key: SigningKey::shared()?,
            }),
            None => None,
        };
        let entra = hosts.as_ref().zip(world.entra.as_ref()).map(|(hosts, entra)| hosts.access(entra));
        let outside = Outside::new(&tls.ca)?;
        let app = App::new(world, &devolutions_url, hosts, outside, tls.ca.clone());
        let (operator, person, scim) = {
            let cloud = app.cloud();
            let token = cloud.world.provisioning.as_ref().map(|it| it.token.clone());
            let scim = token.map(|token| ScimAccess { url: scim::tenant_url(&app), token });
            (cloud.operator.clone(), cloud.person.clone(), scim)
        };
        let (stop, stopped) = watch::channel(false);
        let serve =
            |listener, router| tokio::spawn(serve::serve(listener, tls.config.clone(), router, stopped.clone()));
        let mut servers = vec![serve(cloud, devolutions::router(&app).merge(scim::router(&app)))];
        if let Some((authority, graph)) = directory {
            servers.extend([serve(authority, entra::login::router(&app)), serve(graph, entra::graph::router(&app))]);
            servers.push(tokio::spawn(entra::provisioning::run(app.clone(), stopped.clone())));
        }
        servers.push(serve(control, control::router(app)));
        Ok(Self { ca: tls.ca, devolutions_url, control_url, operator, person, entra, scim, stop, servers })
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
