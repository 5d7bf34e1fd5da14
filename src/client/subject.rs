//! What the commands ask of a resource, whatever its kind.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::core::object::HasStatus;

use crate::api::{CommonStatus, GroupReplacement, Kind, SsoMigration};

/// A resource that the commands speak of.
pub trait Subject: Kind + HasStatus<Status: CommonStatus> {
    /// The short name of its kind.
    const SHORT: &'static str;
    /// The reason of `Ready` when all that was asked for is done.
    const DONE: &'static [&'static str];

    /// Its conditions.
    fn conditions(&self) -> &[Condition] {
        self.status().map(CommonStatus::conditions).unwrap_or_default()
    }

    /// The generation that its status speaks of.
    fn observed_generation(&self) -> Option<i64> {
        self.status()?.observed_generation()
    }

    /// Its state in a sentence.
    fn summary(&self) -> &str {
        self.status().map(CommonStatus::summary).unwrap_or_default()
    }

    /// Its condition of this type.
    fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions().iter().find(|c| c.type_ == kind)
    }

    /// The reason of `Ready`: the state in a word.
    fn reason(&self) -> &str {
        self.condition("Ready").map_or("NotSeenYet", |ready| ready.reason.as_str())
    }

    /// The message of `Ready`: the state in full.
    fn told(&self) -> &str {
        self.condition("Ready").map_or("", |ready| ready.message.as_str())
    }

    /// Whether the status speaks of the present spec.
    fn is_observed(&self) -> bool {
        self.observed_generation().is_some() && self.observed_generation() == self.meta().generation
    }

    /// Whether all that was asked for is done.
    fn is_done(&self) -> bool {
        self.is_observed() && Self::DONE.contains(&self.reason())
    }

    /// Whether it cannot go on without a person who mends something.
    fn is_stalled(&self) -> bool {
        self.condition("Stalled").is_some_and(|stalled| stalled.status == "True")
    }
}

impl Subject for GroupReplacement {
    const SHORT: &'static str = "grpr";
    const DONE: &'static [&'static str] = &["Replaced", "RolledBack"];
}

impl Subject for SsoMigration {
    const SHORT: &'static str = "ssom";
    // Its only mode so far asks for no more than a look.
    const DONE: &'static [&'static str] = &["Planned"];
}
