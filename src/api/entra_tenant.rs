//! The Entra ID side of a `TenantConnection`: which tenant, and as whom.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reference::{CaBundleRef, LocalRef};

/// An Entra ID tenant and the application as which the operator works in it.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EntraTenant {
    /// The tenant's (directory's) id.
    #[schemars(length(max = 36))]
    #[x_kube(validation = Rule::new("self.matches('^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$')")
        .message("must be a GUID: the tenant id, as Entra ID shows it under Overview"))]
    pub tenant_id: String,
    /// The application (client) id of the application as which the operator signs in. It is one of the operator's own,
    /// not the application by which people sign in.
    #[schemars(length(max = 36))]
    #[x_kube(validation = Rule::new("self.matches('^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$')")
        .message("must be a GUID: the application (client) id, as Entra ID shows it under App registrations"))]
    pub client_id: String,
    /// How that application proves that it is the one.
    pub credential: EntraCredential,
    /// Which of Microsoft's clouds the tenant is in.
    #[serde(default)]
    pub cloud: EntraCloud,
    /// A ConfigMap with further certificate authorities to trust for Entra ID and Microsoft Graph, where a proxy
    /// stands between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle_ref: Option<CaBundleRef>,
}

/// How an application proves that it is the one: `type`, and the field of that name.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("has(self.workloadIdentity) == (self.type == 'WorkloadIdentity')")
    .message("give workloadIdentity if, and only if, type is WorkloadIdentity"))]
#[x_kube(validation = Rule::new("has(self.clientSecret) == (self.type == 'ClientSecret')")
    .message("give clientSecret if, and only if, type is ClientSecret"))]
#[x_kube(validation = Rule::new("has(self.clientCertificate) == (self.type == 'ClientCertificate')")
    .message("give clientCertificate if, and only if, type is ClientCertificate"))]
pub struct EntraCredential {
    /// `WorkloadIdentity` needs no secret: prefer it. `ClientCertificate` and `ClientSecret` work from any cluster.
    #[serde(rename = "type")]
    pub kind: EntraCredentialType,
    /// A token of a service account of this namespace, which the application trusts by a federated identity
    /// credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload_identity: Option<WorkloadIdentity>,
    /// A client secret of the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<ClientSecret>,
    /// A certificate of the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<ClientCertificate>,
}

/// The kinds of credentials.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum EntraCredentialType {
    /// See `workloadIdentity`.
    WorkloadIdentity,
    /// See `clientSecret`.
    ClientSecret,
    /// See `clientCertificate`.
    ClientCertificate,
}

/// A service account whose tokens the application trusts.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkloadIdentity {
    /// The service account. The operator must be allowed to request its tokens, see the chart's
    /// `workloadIdentityServiceAccounts`. The federated identity credential names the cluster's issuer, the subject
    /// `system:serviceaccount:<namespace>:<name>` and the audience `api://AzureADTokenExchange`.
    pub service_account_ref: LocalRef,
}

/// A client secret.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClientSecret {
    /// A Secret with the key `clientSecret`.
    /// It must carry the label `migration.devolutions.net/connection: <name of this connection>`.
    pub secret_ref: LocalRef,
}

/// A certificate and its key.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClientCertificate {
    /// A Secret of the type `kubernetes.io/tls` with an RSA key, such as cert-manager writes; the application has its
    /// certificate under Certificates & secrets.
    /// It must carry the label `migration.devolutions.net/connection: <name of this connection>`.
    pub secret_ref: LocalRef,
}

/// Which of Microsoft's clouds: `type`, and `custom` for one of your own.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("has(self.custom) == (has(self.type) && self.type == 'Custom')")
    .message("give custom if, and only if, type is Custom"))]
pub struct EntraCloud {
    /// Its name.
    #[serde(default, rename = "type")]
    pub kind: EntraCloudType,
    /// The addresses of a cloud that is not Microsoft's. Its hosts must be allowed by the operator's
    /// `--allow-entra-host`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom: Option<CustomCloud>,
}

/// The clouds, by the names that Microsoft gives them.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum EntraCloudType {
    /// The global one.
    #[default]
    Public,
    /// US Government L4.
    UsGovernment,
    /// US Government L5 (Department of Defense).
    UsGovernmentDod,
    /// China, operated by 21Vianet.
    China,
    /// See `custom`.
    Custom,
}

/// Addresses of a cloud that is not Microsoft's.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CustomCloud {
    /// Where tokens come from, such as `https://login.microsoftonline.com`.
    #[schemars(length(min = 9, max = 2048))]
    #[x_kube(validation = Rule::new("self.startsWith('https://') && isURL(self) && url(self).getHostname() != '' && url(self).getQuery().size() == 0 && !self.contains('#') && !self.contains('@')")
        .message("must be an https URL without query, fragment or user name"))]
    pub authority_host: String,
    /// Where Microsoft Graph is, without a version, such as `https://graph.microsoft.com`.
    #[schemars(length(min = 9, max = 2048))]
    #[x_kube(validation = Rule::new("self.startsWith('https://') && isURL(self) && url(self).getHostname() != '' && url(self).getQuery().size() == 0 && !self.contains('#') && !self.contains('@')")
        .message("must be an https URL without query, fragment or user name"))]
    pub graph_url: String,
}

/// What the operator's application is, and may read, in Entra ID.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObservedEntra {
    /// The name of the operator's application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
    /// The application permissions of Microsoft Graph that our token carries.
    pub permissions_found: Vec<String>,
    /// Those that are missing, each with what it is needed for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions_missing: Vec<MissingPermission>,
}

/// An application permission that was not granted.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MissingPermission {
    /// Its name in Microsoft Graph.
    pub name: String,
    /// What cannot be done without it.
    pub needed_for: String,
    /// Whether the rest works without it.
    pub optional: bool,
}
