//! From a `TenantConnection` to servers that can be asked: credentials, trust, and who may be spoken to.
//!
//! - here: the clients by connection, each kept as long as what it was made from
//! - `source`: what a connection refers to in its namespace
//! - `entra`: how its Entra side is reached

mod entra;
mod source;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use kube::{Api, Client, ResourceExt as _};
use url::Url;

use self::source::{CaBundle, Source, text};
use crate::api::TenantConnection;
use crate::devolutions::{Credentials, DevolutionsCloud, Rest};
use crate::entra::{EntraEndpoint, Graph, Provisioner};
use crate::error::{Class, Failure};
use crate::metrics::Metrics;

/// Where a tenant's server is and how it is proven to be that one.
pub struct Endpoint {
    /// Its address.
    pub url: Url,
    /// Ours.
    pub credentials: Credentials,
    /// Authorities to trust beside the system's, PEM.
    pub ca_bundle: Option<Vec<u8>>,
}

/// Makes clients.
pub trait Connector: Send + Sync + 'static {
    /// What it makes for Devolutions Cloud.
    type Cloud: DevolutionsCloud;
    /// What it makes for Entra ID.
    type Entra: Provisioner;
    /// A client of the server at `endpoint`.
    fn connect(&self, endpoint: Endpoint) -> Result<Self::Cloud, Failure>;
    /// A client of the Entra tenant at `endpoint`.
    fn connect_entra(&self, endpoint: EntraEndpoint) -> Result<Self::Entra, Failure>;
}

/// Speaks the cloud contract and Microsoft Graph to the hosts that it is allowed to.
#[derive(Clone, Debug)]
pub struct RestConnector {
    /// Hosts beside `*.devolutions.app`. Without this list any author of a `TenantConnection` could have a Secret sent
    /// to a host of theirs.
    pub allowed_hosts: Vec<String>,
    /// Hosts beside Microsoft's that may be given what proves our application to Entra ID. A list of its own: a bridge
    /// must never be shown what another system trusts.
    pub allowed_entra_hosts: Vec<String>,
    /// Where requests are counted.
    pub metrics: Arc<Metrics>,
}

/// Refuses a host that the operator's flags do not allow.
fn require_allowed(allowed: &[String], host: &str, field: &str, flag: &str) -> Result<(), Failure> {
    if allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(host)) {
        return Ok(());
    }
    Err(invalid(
        "HostNotAllowed",
        format!(
            "{field} names the host \"{host}\", which nobody has allowed. Whoever runs the operator must allow it with {flag}={host}."
        ),
    ))
}

impl Connector for RestConnector {
    type Cloud = Rest;
    type Entra = Graph;

    fn connect(&self, endpoint: Endpoint) -> Result<Rest, Failure> {
        let host = endpoint.url.host_str().unwrap_or_default();
        let is_vendors = host.strip_suffix(".devolutions.app").is_some_and(|tenant| !tenant.is_empty());
        if !is_vendors {
            require_allowed(&self.allowed_hosts, host, "devolutionsCloud.url", "--allow-host")?;
        }
        Rest::new(&endpoint.url, endpoint.credentials, endpoint.ca_bundle.as_deref(), self.metrics.clone())
    }

    fn connect_entra(&self, endpoint: EntraEndpoint) -> Result<Graph, Failure> {
        for host in &endpoint.to_be_allowed {
            require_allowed(&self.allowed_entra_hosts, host, "entra.cloud.custom", "--allow-entra-host")?;
        }
        Graph::new(endpoint, self.metrics.clone())
    }
}

/// A tenant that can be asked.
pub struct Connected<C> {
    /// The resource that it comes from.
    pub connection: TenantConnection,
    /// The client.
    pub cloud: Arc<C>,
}

/// Everything that a client was made from: where it changes, another client is needed.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Fingerprint {
    uid: Option<String>,
    generation: Option<i64>,
    secret: Option<String>,
    ca_bundle: Option<String>,
}

impl Fingerprint {
    fn new(connection: &TenantConnection, secret: Option<String>, ca_bundle: Option<&CaBundle>) -> Self {
        Self {
            uid: connection.uid(),
            generation: connection.metadata.generation,
            secret,
            ca_bundle: ca_bundle.map(|bundle| bundle.version.clone()),
        }
    }
}

/// Clients by namespace and name of their connection.
type Clients<C> = HashMap<(String, String), (Fingerprint, Arc<C>)>;

/// Clients, each kept as long as what it was made from.
struct Cache<C>(Mutex<Clients<C>>);

impl<C> Cache<C> {
    /// The client that was made from just this, or the one that is made now.
    fn get_or_make(
        &self,
        connection: &TenantConnection,
        fingerprint: Fingerprint,
        make: impl FnOnce() -> Result<C, Failure>,
    ) -> Result<Arc<C>, Failure> {
        let key = (connection.namespace().unwrap_or_default(), connection.name_any());
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = clients.get(&key).filter(|(known, _)| *known == fingerprint) {
            return Ok(client.clone());
        }
        let client = Arc::new(make()?);
        clients.insert(key, (fingerprint, client.clone()));
        Ok(client)
    }

    /// A connection that is gone needs no client, nor what that one knows.
    fn forget(&self, namespace: &str, name: &str) {
        let key = (namespace.to_owned(), name.to_owned());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }
}

/// The clients by connection, each with its session.
pub struct Connections<K: Connector> {
    client: Client,
    connector: K,
    clouds: Cache<K::Cloud>,
    entras: Cache<K::Entra>,
}

impl<K: Connector> Connections<K> {
    /// No connections yet.
    pub fn new(client: Client, connector: K) -> Self {
        Self { client, connector, clouds: Cache(Mutex::default()), entras: Cache(Mutex::default()) }
    }

    /// The tenant that the connection `name` stands for, with credentials as they are now.
    pub async fn get(&self, namespace: &str, name: &str) -> Result<Connected<K::Cloud>, Failure> {
        let api: Api<TenantConnection> = Api::namespaced(self.client.clone(), namespace);
        let connection = api
            .get_opt(name)
            .await
            .map_err(|e| Failure::kubernetes(&format!("read TenantConnection \"{name}\""), &e))?
            .ok_or_else(|| {
                self.clouds.forget(namespace, name);
                self.entras.forget(namespace, name);
                invalid(
                    "ConnectionNotFound",
                    format!(
                        "There is no TenantConnection \"{name}\" in this namespace. Create it, or mend connectionRef."
                    ),
                )
            })?;
        let cloud = self.cloud_of(&connection).await?;
        Ok(Connected { connection, cloud })
    }

    /// The client for the Devolutions Cloud of `connection`.
    pub async fn cloud_of(&self, connection: &TenantConnection) -> Result<Arc<K::Cloud>, Failure> {
        let spec = &connection.spec.devolutions_cloud;
        let url = Url::parse(&spec.url)
            .map_err(|e| invalid("UrlInvalid", format!("devolutionsCloud.url \"{}\" is not a URL: {e}.", spec.url)))?;
        let source = Source::of(&self.client, connection);
        let keys = "the keys applicationKey and applicationSecret";
        let secret = source.secret(&spec.credentials_ref.name, "credentialsRef", keys).await?;
        let ca_bundle = source.ca_bundle(spec.ca_bundle_ref.as_ref(), "caBundleRef").await?;
        let fingerprint = Fingerprint::new(connection, secret.resource_version(), ca_bundle.as_ref());
        self.clouds.get_or_make(connection, fingerprint, || {
            let needs = "applicationKey and applicationSecret of an application identity";
            let credentials = Credentials {
                application_key: text(&secret, "applicationKey", needs)?,
                application_secret: text(&secret, "applicationSecret", needs)?,
            };
            self.connector.connect(Endpoint { url, credentials, ca_bundle: ca_bundle.map(|bundle| bundle.pem) })
        })
    }

    /// The client for the Entra tenant of `connection`; none where it names no tenant.
    pub async fn entra_of(&self, connection: &TenantConnection) -> Result<Option<Arc<K::Entra>>, Failure> {
        let Some(tenant) = &connection.spec.entra else { return Ok(None) };
        let (fingerprint, endpoint) = entra::endpoint(&self.client, connection, tenant).await?;
        self.entras.get_or_make(connection, fingerprint, || self.connector.connect_entra(endpoint)).map(Some)
    }
}

fn invalid(reason: &'static str, message: String) -> Failure {
    Failure::new(Class::Invalid, reason, message)
}
