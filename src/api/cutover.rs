//! How an `SsoMigration` makes its application ready, and when people begin to sign in by it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::status::Gate;

/// Where the new application may send people back to.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RedirectUris {
    /// Those of the current application, such as that of an encryption service. Devolutions Cloud's own callback URL is
    /// always among them.
    #[serde(default = "yes")]
    pub copy_from_current: bool,
    /// Further ones.
    #[serde(default)]
    #[schemars(length(max = 32), inner(length(min = 1, max = 256)), extend("x-kubernetes-list-type" = "set"))]
    #[x_kube(validation = Rule::new("self.all(uri, uri.startsWith('https://') && isURL(uri) && url(uri).getHostname() != '' && !uri.contains('#') && !uri.contains('*'))")
        .message("a redirect URI begins with https://, names a host, and has neither # nor *"))]
    pub additional: Vec<String>,
}

fn yes() -> bool {
    true
}

impl Default for RedirectUris {
    fn default() -> Self {
        Self { copy_from_current: true, additional: Vec::new() }
    }
}

/// The new application's client secret.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClientSecretSettings {
    /// How long it is valid, such as `17520h` (two years). When it expires nobody can sign in; the date is in
    /// `status.application.clientSecret`.
    #[serde(default = "default_valid_for")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = Rule::new("self.matches('^[0-9]+h$') && duration(self) >= duration('24h') && duration(self) <= duration('17520h')")
        .message("must be in hours, from 24h to 17520h (two years), such as 8760h"))]
    pub valid_for: String,
}

fn default_valid_for() -> String {
    "17520h".to_owned()
}

impl Default for ClientSecretSettings {
    fn default() -> Self {
        Self { valid_for: default_valid_for() }
    }
}

/// When people begin to sign in by the new application.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CutoverSettings {
    /// Whether people sign in by the new application before or after everybody has come across by it.
    #[serde(default)]
    pub when: CutoverOrder,
    /// Only in this time. Everything else is made ready before it; what is ready after it waits for another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
}

/// When people begin to sign in by the new application, seen from provisioning.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum CutoverOrder {
    /// Before it: the vendor's order.
    #[default]
    BeforeProvisioning,
    /// When every user who should be is synced: sign-in stays as it is until then. That Devolutions Cloud takes users from
    /// an application that nobody signs in by is not documented.
    AfterVerification,
}

/// A span of time.
#[derive(Clone, Debug, Deserialize, Eq, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("!has(self.notBefore) || !has(self.notAfter) || self.notBefore < self.notAfter")
    .message("notBefore must be before notAfter"))]
#[x_kube(validation = Rule::new("has(self.notBefore) || has(self.notAfter)")
    .message("give notBefore, notAfter or both"))]
pub struct Window {
    /// Its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Time>,
    /// Its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<Time>,
}

/// The gates where a person is asked unless the spec says otherwise.
pub(super) fn default_approvals() -> Vec<Gate> {
    vec![Gate::Cutover, Gate::Provisioning]
}
