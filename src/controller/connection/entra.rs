//! From a connection's `entra` to a tenant that can be asked.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::PostParams;
use kube::{Api, Client, ResourceExt as _};
use secrecy::SecretString;

use super::source::{Source, text};
use super::{Fingerprint, invalid};
use crate::api::{EntraCredential, EntraTenant, TenantConnection};
use crate::entra::{Assertion, Certificate, Credential, EntraEndpoint, Hosts};
use crate::error::{Class, Failure};

/// The audience that Entra ID asks of a service account's token
/// (<https://learn.microsoft.com/entra/workload-id/workload-identity-federation>).
const AUDIENCE: &str = "api://AzureADTokenExchange";
/// How long such a token lives, in seconds: the least that Kubernetes gives. It is asked for anew with each Entra token.
const TOKEN_SECONDS: i64 = 600;

/// Where the tenant is and how we prove who we are; and what that was made from.
pub async fn endpoint(
    client: &Client,
    connection: &TenantConnection,
    tenant: &EntraTenant,
) -> Result<(Fingerprint, EntraEndpoint), Failure> {
    let source = Source::of(client, connection);
    let ca_bundle = source.ca_bundle(tenant.ca_bundle_ref.as_ref(), "entra.caBundleRef").await?;
    let hosts = Hosts::of(&tenant.cloud)?;
    let EntraCredential { client_secret, workload_identity, client_certificate, .. } = &tenant.credential;
    let (version, credential) = match (client_secret, workload_identity, client_certificate) {
        (Some(given), None, None) => {
            let field = "entra.credential.clientSecret.secretRef";
            let secret = source.secret(&given.secret_ref.name, field, "the key clientSecret").await?;
            let value = text(&secret, "clientSecret", "the Value of a client secret of the operator's application")?;
            (secret.resource_version(), Credential::Secret(value))
        }
        (None, Some(given), None) => {
            let token = ServiceAccountToken {
                client: client.clone(),
                namespace: connection.namespace().unwrap_or_default(),
                name: given.service_account_ref.name.clone(),
            };
            (None, Credential::Assertion(Arc::new(token)))
        }
        (None, None, Some(given)) => {
            let field = "entra.credential.clientCertificate.secretRef";
            let secret = source.secret(&given.secret_ref.name, field, "the keys tls.crt and tls.key").await?;
            let certificate = text(&secret, "tls.crt", "a certificate of the operator's application in PEM form")?;
            let key = text(&secret, "tls.key", "the private key of that certificate in PEM form")?;
            let certificate = Certificate::from_pem(&certificate, &key)?;
            let assertion = certificate.speaks_for(&tenant.client_id, &tenant.tenant_id, &hosts.authority);
            (secret.resource_version(), Credential::Assertion(assertion))
        }
        _ => {
            return Err(invalid(
                "CredentialUnclear",
                "entra.credential must hold exactly the field that its type names.".to_owned(),
            ));
        }
    };
    let fingerprint = Fingerprint::new(connection, version, ca_bundle.as_ref());
    let endpoint = EntraEndpoint {
        tenant_id: tenant.tenant_id.clone(),
        client_id: tenant.client_id.clone(),
        authority: hosts.authority,
        graph: hosts.graph,
        template: hosts.template,
        to_be_allowed: hosts.to_be_allowed,
        credential,
        ca_bundle: ca_bundle.map(|bundle| bundle.pem),
    };
    Ok((fingerprint, endpoint))
}

/// Tokens of a service account of the connection's namespace.
struct ServiceAccountToken {
    client: Client,
    namespace: String,
    name: String,
}

impl Assertion for ServiceAccountToken {
    fn token(&self) -> BoxFuture<'_, Result<SecretString, Failure>> {
        self.request().boxed()
    }
}

impl ServiceAccountToken {
    async fn request(&self) -> Result<SecretString, Failure> {
        let api: Api<ServiceAccount> = Api::namespaced(self.client.clone(), &self.namespace);
        let request = TokenRequest {
            spec: TokenRequestSpec {
                audiences: vec![AUDIENCE.to_owned()],
                expiration_seconds: Some(TOKEN_SECONDS),
                ..TokenRequestSpec::default()
            },
            ..TokenRequest::default()
        };
        let name = &self.name;
        let answer = api.create_token_request(name, &PostParams::default(), &request).await.map_err(|e| match &e {
            kube::Error::Api(status) if status.is_not_found() => invalid(
                "ServiceAccountNotFound",
                format!("There is no ServiceAccount \"{name}\" in this namespace. Create it, or mend entra.credential.workloadIdentity.serviceAccountRef."),
            ),
            kube::Error::Api(status) if status.is_forbidden() => Failure::new(
                Class::Denied,
                "ServiceAccountTokenDenied",
                format!("The operator may not request tokens of ServiceAccount \"{name}\". Add it to the chart's workloadIdentityServiceAccounts."),
            ),
            _ => Failure::kubernetes(&format!("request a token of ServiceAccount \"{name}\""), &e),
        })?;
        Ok(SecretString::from(answer.status.map(|status| status.token).unwrap_or_default()))
    }
}
