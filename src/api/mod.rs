//! The custom resources of API group `migration.devolutions.net`.
//!
//! Field descriptions here become the descriptions in `crds/` and in `kubectl explain`, so they are
//! written for the person who fills the fields in.

// Every `printcolumn` names its type and path: clippy takes these for repeated attributes.
#![allow(clippy::duplicated_attributes)]

mod cutover;
mod entra_tenant;
mod forecast;
mod group_replacement;
mod kind;
mod lapse;
mod mapping;
mod migration_status;
mod plan_approval;
mod provisioning;
mod reference;
mod retirement;
mod sso_migration;
mod status;
mod tenant_connection;

pub use cutover::{ClientSecretSettings, CutoverOrder, CutoverSettings, RedirectUris, Window};
pub use entra_tenant::{
    ClientCertificate, ClientSecret, CustomCloud, EntraCloud, EntraCloudType, EntraCredential, EntraCredentialType,
    EntraTenant, MissingPermission, ObservedEntra, WorkloadIdentity,
};
pub use forecast::{
    Acknowledgement, CauseCount, Finding, ForecastSummary, Question, ReportReference, Severity, SignInForecast,
    SynchronizationForecast,
};
pub use group_replacement::{
    ApprovalRequirement, CustomGroupRef, EntraGroupRef, Failsafe, GroupReplacement, GroupReplacementSpec,
    GroupReplacementStatus, Mode, ResolvedGroup,
};
pub use kind::{Asks, CommonStatus, Kind, UsesConnection};
pub use mapping::{
    GroupMapping, GroupReplacements, ReplacementCreation, ReplacementSummary, ReplacementTemplate, SuggestedMapping,
};
pub use migration_status::{
    Evidence, KeptSecret, MadeApplication, MigrationStepName, ObservedApplication, ObservedCutover, SignInCounts,
    SsoMigrationStatus,
};
pub use plan_approval::{ApprovalTarget, PlanApproval, PlanApprovalSpec, PlanApprovalStatus, TargetKind};
pub use provisioning::{Canary, GroupVerification, ObservedProvisioning, ProvisioningSettings, VerificationSummary};
pub use reference::{CaBundleRef, LocalRef};
pub use retirement::{RetirementPolicy, RetirementSettings};
pub use sso_migration::{
    ApplicationRef, AssignmentRequirement, Assignments, BreakGlass, MigrationMode, NewApplication, SsoMigration,
    SsoMigrationSpec, Verification, Waiver,
};
pub use status::{Gate, PlanReference, PlanState, Progress, Step, StepName, StepState};
pub use tenant_connection::{
    DevolutionsCloud, ObservedCloud, Policy, TenantConnection, TenantConnectionSpec, TenantConnectionStatus,
};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt as _;

/// The API group of every kind here.
pub const GROUP: &str = "migration.devolutions.net";

/// A Secret is sent to a connection's servers only if it carries this label with the connection's name.
pub const CONNECTION_LABEL: &str = "migration.devolutions.net/connection";

/// Set it to a new value (by custom a time) to ask for another try without changing the spec.
pub const REQUESTED_AT: &str = "migration.devolutions.net/requestedAt";

/// Every definition, in the order in which `operator crds` writes them.
#[must_use]
pub fn definitions() -> Vec<CustomResourceDefinition> {
    vec![TenantConnection::crd(), SsoMigration::crd(), GroupReplacement::crd(), PlanApproval::crd()]
}
