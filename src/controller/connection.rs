//! From a `TenantConnection` to a server that can be asked: credentials, trust, and who may be spoken to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{Api, Client, ResourceExt as _};
use secrecy::SecretString;
use url::Url;

use crate::api::{CONNECTION_LABEL, TenantConnection};
use crate::devolutions::{Credentials, DevolutionsCloud, Rest};
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

/// Makes clients. The tests put one in its place that misbehaves.
pub trait Connector: Send + Sync + 'static {
    /// What it makes.
    type Cloud: DevolutionsCloud;
    /// A client of the server at `endpoint`.
    fn connect(&self, endpoint: Endpoint) -> Result<Self::Cloud, Failure>;
}

/// Speaks the cloud contract to the hosts that it is allowed to.
#[derive(Clone, Debug)]
pub struct RestConnector {
    /// Hosts beside `*.devolutions.app`. Without this list any author of a `TenantConnection` could
    /// have a Secret sent to a host of theirs.
    pub allowed_hosts: Vec<String>,
    /// Where requests are counted.
    pub metrics: Arc<Metrics>,
}

impl Connector for RestConnector {
    type Cloud = Rest;

    fn connect(&self, endpoint: Endpoint) -> Result<Rest, Failure> {
        let host = endpoint.url.host_str().unwrap_or_default();
        let vendors = host.strip_suffix(".devolutions.app").is_some_and(|tenant| !tenant.is_empty());
        if endpoint.url.scheme() != "https"
            || !(vendors || self.allowed_hosts.iter().any(|h| h.eq_ignore_ascii_case(host)))
        {
            return Err(Failure::new(
                Class::Invalid,
                "HostNotAllowed",
                format!(
                    "devolutionsCloud.url names the host \"{host}\", which is not under devolutions.app. Whoever runs the operator must allow it with --allow-host={host}."
                ),
            ));
        }
        Rest::new(&endpoint.url, endpoint.credentials, endpoint.ca_bundle.as_deref(), self.metrics.clone())
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

type Cached<C> = HashMap<(String, String), (Fingerprint, Arc<C>)>;

/// The clients by connection, each with its session.
pub struct Connections<K: Connector> {
    client: Client,
    connector: K,
    cached: Mutex<Cached<K::Cloud>>,
}

impl<K: Connector> Connections<K> {
    /// No connections yet.
    pub fn new(client: Client, connector: K) -> Self {
        Self { client, connector, cached: Mutex::default() }
    }

    /// The tenant that the connection `name` stands for, with credentials as they are now.
    pub async fn get(&self, namespace: &str, name: &str) -> Result<Connected<K::Cloud>, Failure> {
        let api: Api<TenantConnection> = Api::namespaced(self.client.clone(), namespace);
        let connection = api
            .get_opt(name)
            .await
            .map_err(|e| Failure::kubernetes(&format!("read TenantConnection \"{name}\""), &e))?
            .ok_or_else(|| {
                invalid(
                    "ConnectionNotFound",
                    format!(
                        "There is no TenantConnection \"{name}\" in this namespace. Create it, or mend connectionRef."
                    ),
                )
            })?;
        let cloud = self.of(&connection).await?;
        Ok(Connected { connection, cloud })
    }

    /// The client for `connection`.
    pub async fn of(&self, connection: &TenantConnection) -> Result<Arc<K::Cloud>, Failure> {
        let namespace = connection.namespace().unwrap_or_default();
        let name = connection.name_any();
        let spec = &connection.spec.devolutions_cloud;
        let url = Url::parse(&spec.url)
            .map_err(|e| invalid("UrlInvalid", format!("devolutionsCloud.url \"{}\" is not a URL: {e}.", spec.url)))?;
        let secret = self.secret(&namespace, &name, &spec.credentials_ref.name).await?;
        let ca_bundle = match &spec.ca_bundle_ref {
            None => None,
            Some(bundle) => Some(self.ca_bundle(&namespace, &bundle.name, &bundle.key).await?),
        };
        let fingerprint = Fingerprint {
            uid: connection.uid(),
            generation: connection.metadata.generation,
            secret: secret.resource_version(),
            ca_bundle: ca_bundle.as_ref().map(|(version, _)| version.clone()),
        };
        let key = (namespace, name);
        if let Some((known, cloud)) = self.cached.lock().unwrap_or_else(PoisonError::into_inner).get(&key)
            && *known == fingerprint
        {
            return Ok(cloud.clone());
        }
        let endpoint = Endpoint { url, credentials: credentials(&secret)?, ca_bundle: ca_bundle.map(|(_, pem)| pem) };
        let cloud = Arc::new(self.connector.connect(endpoint)?);
        self.cached.lock().unwrap_or_else(PoisonError::into_inner).insert(key, (fingerprint, cloud.clone()));
        Ok(cloud)
    }

    async fn secret(&self, namespace: &str, connection: &str, name: &str) -> Result<Secret, Failure> {
        let api: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
        let secret = api
            .get_opt(name)
            .await
            .map_err(|e| Failure::kubernetes(&format!("read Secret \"{name}\" that credentialsRef names"), &e))?
            .ok_or_else(|| invalid("CredentialsNotFound", format!("There is no Secret \"{name}\" in this namespace. Create it with the keys applicationKey and applicationSecret, or mend credentialsRef.")))?;
        if secret.labels().get(CONNECTION_LABEL).map(String::as_str) != Some(connection) {
            return Err(invalid(
                "CredentialsNotLabelled",
                format!(
                    "Secret \"{name}\" is not marked for this connection, so it is not sent anywhere. If it is meant: kubectl label secret {name} {CONNECTION_LABEL}={connection}"
                ),
            ));
        }
        Ok(secret)
    }

    async fn ca_bundle(&self, namespace: &str, name: &str, key: &str) -> Result<(String, Vec<u8>), Failure> {
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), namespace);
        let map = api
            .get_opt(name)
            .await
            .map_err(|e| Failure::kubernetes(&format!("read ConfigMap \"{name}\" that caBundleRef names"), &e))?
            .ok_or_else(|| {
                invalid(
                    "CaBundleNotFound",
                    format!("There is no ConfigMap \"{name}\" in this namespace. Create it, or mend caBundleRef."),
                )
            })?;
        let version = map.resource_version().unwrap_or_default();
        let pem = map.data.and_then(|mut data| data.remove(key)).ok_or_else(|| {
            invalid("CaBundleNotFound", format!("ConfigMap \"{name}\" has no key \"{key}\", which caBundleRef names."))
        })?;
        Ok((version, pem.into_bytes()))
    }
}

fn credentials(secret: &Secret) -> Result<Credentials, Failure> {
    let read = |key: &str| {
        let bytes = secret.data.as_ref().and_then(|data| data.get(key)).filter(|b| !b.0.is_empty());
        let text = bytes.and_then(|b| std::str::from_utf8(&b.0).ok()).map(str::trim);
        text.map(SecretString::from).ok_or_else(|| {
            invalid("CredentialsIncomplete", format!(
                "Secret \"{}\" has no text in its key \"{key}\". It needs applicationKey and applicationSecret of an application identity.",
                secret.name_any()
            ))
        })
    };
    Ok(Credentials { application_key: read("applicationKey")?, application_secret: read("applicationSecret")? })
}

fn invalid(reason: &'static str, message: String) -> Failure {
    Failure::new(Class::Invalid, reason, message)
}
