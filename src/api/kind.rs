//! What our kinds have in common, for code that serves them all.

use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{Resource, ResourceExt as _};
use serde::de::DeserializeOwned;

use super::{
    Gate, GroupReplacement, GroupReplacementStatus, PlanReference, SsoMigration, SsoMigrationStatus, TargetKind,
    TenantConnectionStatus,
};

/// A kind of ours.
pub trait Kind:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + Send + Sync + DeserializeOwned + 'static
{
}
impl<T> Kind for T where
    T: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + Send
        + Sync
        + DeserializeOwned
        + 'static
{
}

/// What a status tells, whatever its kind.
pub trait CommonStatus {
    /// The generation that it speaks of.
    fn observed_generation(&self) -> Option<i64>;
    /// The conditions.
    fn conditions(&self) -> &[Condition];
    /// The state in a sentence.
    fn summary(&self) -> &str;
}

macro_rules! common_status {
    ($($status:ty),+) => {$(
        impl CommonStatus for $status {
            fn observed_generation(&self) -> Option<i64> {
                self.observed_generation
            }

            fn conditions(&self) -> &[Condition] {
                &self.conditions
            }

            fn summary(&self) -> &str {
                &self.summary
            }
        }
    )+};
}
common_status!(TenantConnectionStatus, SsoMigrationStatus, GroupReplacementStatus);

/// A kind whose objects ask for work that has plans.
pub trait Asks: Kind {
    /// How a `PlanApproval` names it.
    const TARGET: TargetKind;
    /// Its name in a URL.
    const PLURAL: &'static str;
    /// Its plans, the present one last.
    fn plans(&self) -> &[PlanReference];
}

macro_rules! asks {
    ($($kind:ident, $plural:literal);+) => {$(
        impl Asks for $kind {
            const TARGET: TargetKind = TargetKind::$kind;
            const PLURAL: &'static str = $plural;

            fn plans(&self) -> &[PlanReference] {
                self.status.as_ref().map(|status| status.plans.as_slice()).unwrap_or_default()
            }
        }
    )+};
}
asks!(GroupReplacement, "groupreplacements"; SsoMigration, "ssomigrations");

/// A kind that works through a `TenantConnection`.
pub trait UsesConnection {
    /// The connection's name, in the same namespace; none where another resource says which one.
    fn connection_name(&self) -> Option<&str>;
}

impl UsesConnection for GroupReplacement {
    fn connection_name(&self) -> Option<&str> {
        self.spec.connection_ref.as_ref().map(|connection| connection.name.as_str())
    }
}

impl UsesConnection for SsoMigration {
    fn connection_name(&self) -> Option<&str> {
        Some(&self.spec.connection_ref.name)
    }
}

/// How a migration is ready, or what it is about, where everybody has come across.
const VERIFIED: [&str; 4] = ["Verified", "Replacing", "Replaced", "OldApplicationInUse"];

impl SsoMigration {
    /// Whether people sign in by the new application and everybody has come across, by what was last seen for this very
    /// spec.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        let Some(status) = &self.status else { return false };
        let ready = status.conditions.iter().find(|condition| condition.type_ == "Ready");
        let is_well = ready.is_some_and(|ready| VERIFIED.contains(&ready.reason.as_str()));
        let at_retirement = ready.is_some_and(|ready| ready.reason == "AwaitingApproval")
            && status.plans.last().is_some_and(|plan| plan.gate == Gate::Retirement);
        status.observed_generation == self.metadata.generation
            && (is_well || at_retirement)
            && status.verification.as_ref().is_some_and(|seen| seen.verified_at.is_some())
    }
}

impl GroupReplacement {
    /// Whether it waits for this migration.
    #[must_use]
    pub fn is_part_of(&self, migration: &SsoMigration) -> bool {
        let waits = self.spec.migration_ref.as_ref().is_some_and(|reference| reference.name == migration.name_any());
        waits && self.namespace() == migration.namespace()
    }
}
