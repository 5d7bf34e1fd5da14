//! What the commands ask of a resource, whatever its kind.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt as _;
use kube::core::object::HasStatus;

use super::Stop;
use crate::api::{CommonStatus, GroupReplacement, Kind, MigrationMode, SsoMigration};

/// A resource that the commands speak of.
pub trait Subject: Kind + HasStatus<Status: CommonStatus> {
    /// The short name of its kind.
    const SHORT: &'static str;

    /// The reasons of `Ready` when all that its spec asks for is done.
    fn done(&self) -> &'static [&'static str];

    /// What it is, for a sentence.
    fn called(&self) -> String {
        let namespace = self.namespace().unwrap_or_default();
        format!("{} \"{}\" in namespace \"{namespace}\"", Self::kind(&()), self.name_any())
    }

    /// That it does not have `what` was asked for, and why.
    fn lacks(&self, what: &str) -> Stop {
        let why = match self.condition("Ready") {
            Some(ready) => format!("{}: {}", ready.reason, ready.message),
            None => "The operator has not looked at it. Is it running, and does it work in this namespace?".to_owned(),
        };
        Stop::failed(format!("{} has no {what}. {why}", self.called()))
    }

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
        self.is_observed() && self.done().contains(&self.reason())
    }

    /// Whether it cannot go on without a person who mends something.
    fn is_stalled(&self) -> bool {
        self.condition("Stalled").is_some_and(|stalled| stalled.status == "True")
    }
}

impl Subject for GroupReplacement {
    const SHORT: &'static str = "grpr";

    fn done(&self) -> &'static [&'static str] {
        &["Replaced", "NothingToReplace", "RolledBack"]
    }
}

impl Subject for SsoMigration {
    const SHORT: &'static str = "ssom";

    fn done(&self) -> &'static [&'static str] {
        match self.spec.mode {
            MigrationMode::Plan => &["Planned"],
            MigrationMode::Apply => &["CutOver", "Verified", "Replaced"],
            MigrationMode::Rollback => &["RolledBack"],
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::client::example;

    #[test]
    fn a_migration_is_done_when_its_mode_is() {
        let is_done = |mode: &str, reason: &str| example::migration(&json!({"mode": mode, "reason": reason})).is_done();
        for (mode, done) in
            [("Plan", &["Planned"][..]), ("Apply", &["CutOver", "Verified", "Replaced"]), ("Rollback", &["RolledBack"])]
        {
            for reason in [
                "Planned",
                "CutOver",
                "Verified",
                "Replaced",
                "RolledBack",
                "AwaitingApproval",
                "Returned",
                "SignInFails",
            ] {
                assert_eq!(is_done(mode, reason), done.contains(&reason), "{mode} {reason}");
            }
        }
        let before = json!({"mode": "Apply", "reason": "CutOver", "generation": 2});
        assert!(!example::migration(&before).is_done(), "that was before the last change");
    }

    #[test]
    fn what_is_lacking_is_told_with_why() {
        let migration = example::migration(&json!({"reason": "EntraNotConfigured", "message": "Add it."}));
        let said = "SsoMigration \"contoso\" in namespace \"migration\" has no plan. EntraNotConfigured: Add it.";
        assert_eq!(migration.lacks("plan").message, said);
        assert!(example::replacement().lacks("plan").message.contains("The operator has not looked at it."));
    }
}
