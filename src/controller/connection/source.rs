//! What a connection refers to in its namespace: Secrets that are marked for it, and certificates.

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{Api, Client, ResourceExt as _};
use secrecy::SecretString;

use super::invalid;
use crate::api::{CONNECTION_LABEL, CaBundleRef, TenantConnection};
use crate::error::Failure;

/// Reads what one connection refers to.
pub struct Source<'a> {
    client: &'a Client,
    namespace: String,
    connection: String,
}

/// PEM certificates, with the version of what they come from.
pub struct CaBundle {
    pub version: String,
    pub pem: Vec<u8>,
}

impl<'a> Source<'a> {
    pub fn of(client: &'a Client, connection: &TenantConnection) -> Self {
        Self { client, namespace: connection.namespace().unwrap_or_default(), connection: connection.name_any() }
    }

    /// The Secret `name` that `field` refers to. Only one that is marked for this connection is sent anywhere.
    pub async fn secret(&self, name: &str, field: &str, keys: &str) -> Result<Secret, Failure> {
        let api: Api<Secret> = Api::namespaced(self.client.clone(), &self.namespace);
        let secret = api
            .get_opt(name)
            .await
            .map_err(|e| Failure::kubernetes(&format!("read Secret \"{name}\" that {field} names"), &e))?
            .ok_or_else(|| {
                invalid(
                    "CredentialsNotFound",
                    format!("There is no Secret \"{name}\" in this namespace. Create it with {keys}, or mend {field}."),
                )
            })?;
        match unmarked(name, &self.namespace, &self.connection, secret.labels().get(CONNECTION_LABEL)) {
            Some(message) => Err(invalid("CredentialsNotLabelled", message)),
            None => Ok(secret),
        }
    }

    /// The certificates that `field` refers to, where it is given.
    pub async fn ca_bundle(&self, reference: Option<&CaBundleRef>, field: &str) -> Result<Option<CaBundle>, Failure> {
        let Some(CaBundleRef { name, key }) = reference else { return Ok(None) };
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), &self.namespace);
        let map = api
            .get_opt(name)
            .await
            .map_err(|e| Failure::kubernetes(&format!("read ConfigMap \"{name}\" that {field} names"), &e))?
            .ok_or_else(|| {
                invalid(
                    "CaBundleNotFound",
                    format!("There is no ConfigMap \"{name}\" in this namespace. Create it, or mend {field}."),
                )
            })?;
        let version = map.resource_version().unwrap_or_default();
        let pem = map.data.and_then(|mut data| data.remove(key)).ok_or_else(|| {
            invalid("CaBundleNotFound", format!("ConfigMap \"{name}\" has no key \"{key}\", which {field} names."))
        })?;
        Ok(Some(CaBundle { version, pem: pem.into_bytes() }))
    }
}

/// What is wrong with the mark of the Secret `name`; none where it is that of `connection`.
fn unmarked(name: &str, namespace: &str, connection: &str, mark: Option<&String>) -> Option<String> {
    match mark {
        Some(mark) if mark == connection => None,
        Some(mark) => Some(format!(
            "Secret \"{name}\" is marked for connection \"{mark}\", not for this one, so it is not sent anywhere. Give this connection a Secret of its own, with the label {CONNECTION_LABEL}={connection}."
        )),
        None => Some(format!(
            "Secret \"{name}\" is not marked for this connection, so it is not sent anywhere. If it is meant: kubectl label secret {name} -n {namespace} {CONNECTION_LABEL}={connection}"
        )),
    }
}

/// The text in one key of a Secret. `needs` says what the Secret is for.
pub fn text(secret: &Secret, key: &str, needs: &str) -> Result<SecretString, Failure> {
    let bytes = secret.data.as_ref().and_then(|data| data.get(key)).filter(|b| !b.0.is_empty());
    let text = bytes.and_then(|b| std::str::from_utf8(&b.0).ok()).map(str::trim);
    text.map(SecretString::from).ok_or_else(|| {
        invalid(
            "CredentialsIncomplete",
            format!("Secret \"{}\" has no text in its key \"{key}\". It needs {needs}.", secret.name_any()),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_secret_that_is_marked_for_nobody_is_to_be_marked() {
        let told = |mark: Option<&str>| unmarked("keys", "migration", "fabrikam", mark.map(ToOwned::to_owned).as_ref());
        assert_eq!(told(Some("fabrikam")), None);
        let command = "kubectl label secret keys -n migration migration.devolutions.net/connection=fabrikam";
        assert!(told(None).unwrap().ends_with(command));
        let of_another = told(Some("contoso")).unwrap();
        assert!(of_another.contains("for connection \"contoso\"") && !of_another.contains("kubectl"), "{of_another}");
    }
}
