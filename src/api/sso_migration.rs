//! `SsoMigration`: from an old single sign-on configuration to a new enterprise application.
//! The settings of its parts that say how, and when, stand in `cutover`.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cutover::{ClientSecretSettings, CutoverSettings, RedirectUris, default_approvals};
use super::group_replacement::EntraGroupRef;
use super::mapping::GroupReplacements;
use super::migration_status::SsoMigrationStatus;
use super::provisioning::{GroupVerification, ProvisioningSettings};
use super::reference::LocalRef;
use super::retirement::RetirementSettings;
use super::status::Gate;

/// Moves the single sign-on of Devolutions Cloud to a new enterprise application in Entra ID.
#[derive(Clone, CustomResource, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[kube(
    group = "migration.devolutions.net",
    version = "v1alpha1",
    kind = "SsoMigration",
    plural = "ssomigrations",
    namespaced,
    shortname = "ssom",
    category = "devolutions",
    status = "SsoMigrationStatus",
    derive = "PartialEq",
    doc = "Moves the single sign-on of Devolutions Cloud from an old application to a new enterprise application in Entra ID, in the vendor's order and with a way back.",
    validation = Rule::new("size(self.metadata.name) <= 200").message("metadata.name must be at most 200 characters: names of Secrets are made from it"),
    printcolumn(name = "Mode", type_ = "string", json_path = ".spec.mode"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Will sign in", type_ = "integer", json_path = ".status.forecast.signIn.after"),
    printcolumn(name = "Will lose", type_ = "integer", json_path = ".status.forecast.signIn.lost"),
    printcolumn(name = "Will sync", type_ = "integer", json_path = ".status.forecast.synchronization.synced"),
    printcolumn(name = "Cutover", type_ = "string", json_path = ".status.cutover.evidence"),
    printcolumn(name = "Summary", type_ = "string", json_path = ".status.summary"),
    printcolumn(name = "Connection", type_ = "string", json_path = ".spec.connectionRef.name", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("self.connectionRef == oldSelf.connectionRef")
    .message("connectionRef is immutable: create another SsoMigration"))]
#[x_kube(validation = Rule::new("self.cutover.when != 'AfterVerification' || has(self.provisioning)")
    .message("cutover.when AfterVerification needs provisioning: give provisioning.canary.user"))]
#[x_kube(validation = Rule::new("!has(self.groupReplacements) || has(self.provisioning)")
    .message("groupReplacements needs provisioning, which fills the Entra groups: give provisioning.canary.user"))]
pub struct SsoMigrationSpec {
    /// The `TenantConnection` to work through. It needs its `entra` side.
    pub connection_ref: LocalRef,
    /// `Plan` shows what would come of it and writes nothing outside the cluster; `Apply` does it; `Rollback` brings the
    /// old configuration back.
    pub mode: MigrationMode,
    /// Stops before the next request that changes anything. Set it back to go on. Meanwhile nothing is looked at either, so
    /// nothing is brought back by itself.
    #[serde(default)]
    pub suspend: bool,
    /// The application by which people sign in now. Only needed where Devolutions Cloud's side cannot tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_application: Option<ApplicationRef>,
    /// The new enterprise application.
    #[serde(default)]
    pub application: NewApplication,
    /// Who is to be assigned to the new application.
    #[serde(default)]
    pub assignments: Assignments,
    /// When and how people begin to sign in by the new application.
    #[serde(default)]
    pub cutover: CutoverSettings,
    /// How users are brought across: once they sign in by the new application, or before that, as `cutover.when` says. Left
    /// out, the migration ends with the cut-over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioning: Option<ProvisioningSettings>,
    /// Where a person is asked before it goes on: `Start`, `Cutover`, `Provisioning`, `Rollback`, `Retirement`. What the
    /// connection's policy asks for counts as well.
    #[serde(default = "default_approvals")]
    #[schemars(length(max = 5), extend("x-kubernetes-list-type" = "set"))]
    #[x_kube(validation = Rule::new("self.all(gate, gate in ['Start', 'Cutover', 'Provisioning', 'Rollback', 'Retirement'])")
        .message("a migration has the gates Start, Cutover, Provisioning, Rollback and Retirement"))]
    pub approvals: Vec<Gate>,
    /// The account that still gets in when single sign-on fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub break_glass: Option<BreakGlass>,
    /// Findings that a person has looked at and accepts, by their reasons, such as `ConditionalAccessNotChecked`.
    /// Only findings that say so can be accepted.
    #[serde(default)]
    #[schemars(length(max = 32), inner(length(min = 1, max = 64)), extend("x-kubernetes-list-type" = "set"))]
    pub acknowledgements: Vec<String>,
    /// What is expected of the outcome.
    #[serde(default)]
    pub verification: Verification,
    /// Which custom user groups are replaced once everybody has come across. Left out, none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_replacements: Option<GroupReplacements>,
    /// What becomes of the old application when all of it is done. Left out, everything stays, and the way back with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retirement: Option<RetirementSettings>,
}

impl SsoMigrationSpec {
    /// Whether a person accepts the finding of this reason.
    #[must_use]
    pub fn accepts(&self, reason: &str) -> bool {
        self.acknowledgements.iter().any(|accepted| accepted == reason)
    }
}

/// What an `SsoMigration` is to do.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum MigrationMode {
    /// Look, tell what would come of it, write nothing outside.
    Plan,
    /// Make the new application, assign people to it, have them sign in by it, and bring them across where
    /// `provisioning` asks for it.
    Apply,
    /// Have people sign in by the old application again, and pause the new one's provisioning. The new one and its
    /// assignments stay, and whoever came across.
    Rollback,
}

/// Names an application by its application (client) id.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApplicationRef {
    /// Its application (client) id.
    #[schemars(length(max = 36))]
    #[x_kube(validation = Rule::new("self.matches('^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$')")
        .message("must be a GUID: the application (client) id, as Entra ID shows it"))]
    pub app_id: String,
}

/// The new enterprise application.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewApplication {
    /// The name that it is made with. Of no account where `existing` is given.
    #[serde(default = "default_display_name")]
    #[schemars(length(min = 1, max = 120))]
    pub display_name: String,
    /// An application that is there already, such as one that a person has made from the template: it is used, and only
    /// what it lacks is added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub existing: Option<ApplicationRef>,
    /// Where it may send people back to.
    #[serde(default)]
    pub redirect_uris: RedirectUris,
    /// The secret by which Devolutions Cloud proves that it may ask for the application's tokens.
    #[serde(default)]
    pub client_secret: ClientSecretSettings,
    /// Whether only those who are assigned may sign in.
    #[serde(default)]
    pub assignment_required: AssignmentRequirement,
}

fn default_display_name() -> String {
    "Devolutions Cloud".to_owned()
}

impl Default for NewApplication {
    fn default() -> Self {
        Self {
            display_name: default_display_name(),
            existing: None,
            redirect_uris: RedirectUris::default(),
            client_secret: ClientSecretSettings::default(),
            assignment_required: AssignmentRequirement::default(),
        }
    }
}

/// Whether only those who are assigned may sign in.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum AssignmentRequirement {
    /// As the current application has it, so that nobody gains or loses by it.
    #[default]
    FromCurrentApplication,
    /// Yes.
    Required,
    /// No: everybody in the tenant may.
    NotRequired,
}

/// Who is to be assigned to the new application.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Assignments {
    /// The users and groups that are assigned to the current application.
    #[serde(default = "yes")]
    pub from_current_application: bool,
    /// Further Entra groups, such as those that are to hold permissions.
    #[serde(default)]
    #[schemars(length(max = 200), extend("x-kubernetes-list-type" = "atomic"))]
    pub groups: Vec<EntraGroupRef>,
}

fn yes() -> bool {
    true
}

impl Default for Assignments {
    fn default() -> Self {
        Self { from_current_application: true, groups: Vec::new() }
    }
}

/// The account that still gets in when single sign-on fails.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BreakGlass {
    /// Its e-mail address in Devolutions Cloud: an enabled administrator with a Devolutions Account, not assigned to the
    /// new application, so that provisioning never touches it.
    #[schemars(length(min = 3, max = 320))]
    pub user: String,
}

/// What is expected of the outcome.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Verification {
    /// Whether users must be in their synced groups, too.
    #[serde(default)]
    pub groups: GroupVerification,
    /// Users who need not come along.
    #[serde(default)]
    #[schemars(length(max = 100), extend("x-kubernetes-list-type" = "atomic"))]
    pub waivers: Vec<Waiver>,
}

/// Users who need not come along, and why.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("has(self.user) != has(self.emailDomain)")
    .message("give exactly one of user and emailDomain"))]
pub struct Waiver {
    /// One user, by the e-mail address in Devolutions Cloud.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 3, max = 320))]
    pub user: Option<String>,
    /// All users whose e-mail address is in this domain itself, such as `partner.example`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new("self.matches('^[^@*./ ]+([.][^@*./ ]+)+$')")
        .message("must be a domain such as partner.example: no @, no *, no dot at either end"))]
    pub email_domain: Option<String>,
    /// Why, for whoever reads it later.
    #[schemars(length(min = 1, max = 256))]
    pub reason: String,
    /// From then on it no longer counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
}
