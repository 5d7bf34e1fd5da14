//! `TenantConnection`: which tenant, and how to reach it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::entra_tenant::{EntraTenant, ObservedEntra};
use super::reference::{CaBundleRef, LocalRef};
use super::status::{Gate, conditions_schema};

/// One Devolutions Cloud tenant and the Entra ID tenant of its users, and how to reach them.
#[derive(Clone, CustomResource, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[kube(
    group = "migration.devolutions.net",
    version = "v1alpha1",
    kind = "TenantConnection",
    plural = "tenantconnections",
    namespaced,
    shortname = "tconn",
    category = "devolutions",
    status = "TenantConnectionStatus",
    derive = "PartialEq",
    doc = "One Devolutions Cloud tenant and the Entra ID tenant of its users, and how to reach them.",
    validation = Rule::new("size(self.metadata.name) <= 63").message("metadata.name must be at most 63 characters: a label on the credentials' Secret carries it"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Devolutions Cloud", type_ = "string", json_path = ".spec.devolutionsCloud.url"),
    printcolumn(name = "Entra tenant", type_ = "string", json_path = ".spec.entra.tenantId", priority = 1),
    printcolumn(name = "Summary", type_ = "string", json_path = ".status.summary"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("self.devolutionsCloud.url == oldSelf.devolutionsCloud.url")
    .message("devolutionsCloud.url is immutable: replacements that rest on this connection have recorded it. Create another TenantConnection for another tenant."))]
#[x_kube(validation = Rule::new("!has(oldSelf.entra) || (has(self.entra) && self.entra.tenantId == oldSelf.entra.tenantId)")
    .message("entra.tenantId is immutable once it is there: create another TenantConnection for another tenant"))]
#[x_kube(validation = Rule::new("!has(oldSelf.entra) || (has(self.entra) && self.entra.cloud == oldSelf.entra.cloud)")
    .message("entra.cloud is immutable once it is there: create another TenantConnection for another cloud"))]
pub struct TenantConnectionSpec {
    /// Entra ID's side. An `SsoMigration` needs it, a `GroupReplacement` alone does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entra: Option<EntraTenant>,
    /// Devolutions Cloud's side.
    pub devolutions_cloud: DevolutionsCloud,
    /// What holds for every resource that uses this connection, whatever its own spec says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
}

/// How to reach Devolutions Cloud.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DevolutionsCloud {
    /// The server that speaks the cloud contract: the bridge's address, or the tenant's.
    /// A host outside `*.devolutions.app` must be allowed by the operator's `--allow-host`.
    #[schemars(length(min = 9, max = 2048))]
    #[x_kube(validation = Rule::new("self.startsWith('https://') && isURL(self) && url(self).getHostname() != ''")
        .message("must be an https URL such as https://contoso.devolutions.app"))]
    #[x_kube(validation = Rule::new("!isURL(self) || (url(self).getQuery().size() == 0 && !self.contains('#') && !self.contains('@'))")
        .message("must hold no query, fragment or user name: credentials belong into the Secret that credentialsRef names"))]
    pub url: String,
    /// A Secret with the keys `applicationKey` and `applicationSecret` of an application identity.
    /// It must carry the label `migration.devolutions.net/connection: <name of this connection>`.
    pub credentials_ref: LocalRef,
    /// A ConfigMap with further certificate authorities to trust for this server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle_ref: Option<CaBundleRef>,
}

/// What holds for every resource that uses a connection.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Policy {
    /// Gates that need an approval even where a resource's own spec asks for none: an `SsoMigration` has `Start`, `Cutover`,
    /// `Provisioning`, `Rollback` and `Retirement`, a `GroupReplacement` has `Replacement` and `Rollback`.
    #[serde(default)]
    #[schemars(length(max = 6), extend("x-kubernetes-list-type" = "set"))]
    pub gates: Vec<Gate>,
}

/// What the operator found.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantConnectionStatus {
    /// The generation that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `DevolutionsCloudReady`, `EntraReady` where `spec.entra` is given, and `Ready`: all of them.
    #[serde(default)]
    #[schemars(schema_with = "conditions_schema")]
    pub conditions: Vec<Condition>,
    /// The state in a sentence.
    #[serde(default)]
    pub summary: String,
    /// What this identity is and can see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub devolutions_cloud: Option<ObservedCloud>,
    /// What the operator's application may do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entra: Option<ObservedEntra>,
    /// The last value of the annotation `migration.devolutions.net/requestedAt` that was acted on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
}

/// What the operator's identity is, and what it can see, in Devolutions Cloud.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObservedCloud {
    /// The identity's name.
    pub identity: String,
    /// Whether it is an administrator. One that is not may see only part of the vaults.
    pub administrator: bool,
    /// How many vaults it can see.
    pub visible_vaults: u32,
    /// The operations of the cloud contract that the server says it can do.
    pub operations: Vec<String>,
}
