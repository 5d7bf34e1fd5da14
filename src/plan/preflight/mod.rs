//! Preflight: everything that could get in the way of a migration, found before anything is written.
//!
//! Each check looks at one thing and says what it found, on what, and what to do. A critical finding holds the migration
//! up until it is resolved, or accepted by its reason where a person may.
//!
//! - `single_sign_on`: how people sign in now, and whether there is a way back
//! - `application`: the current application and what would not follow to the new one
//! - `group`: the groups to be assigned
//! - `user`: what the forecast says, and the break-glass user
//! - `later`: what only shows afterwards
//! - `work`: whether the work can be done at all, where it is asked for
//! - `report`: all of it, as it is kept

mod application;
mod group;
pub mod later;
mod report;
mod single_sign_on;
mod user;
mod work;

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::api::{Acknowledgement, Finding, Severity, SsoMigrationSpec};
use crate::devolutions::{Domain, Group, SsoConfiguration, User};
use crate::entra::{Application, Assignment, ConditionalAccessPolicy, SecretPolicy, ServicePrincipal};

use super::forecast::{UserForecast, Waivers};

pub use group::{WantedGroup, choose, unusable};
pub use report::{Principal, Report};
pub use work::{lacking_operations, provisioning_not_supported};

/// What was observed, before anything is done.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// The connection's Entra tenant.
    pub tenant_id: String,
    /// How people sign in now; none where the server cannot tell.
    pub sso: Option<SsoConfiguration>,
    /// The e-mail domains; none where the server cannot tell.
    pub domains: Option<Vec<Domain>>,
    /// Whether nobody may sign in otherwise; none where the server cannot tell.
    pub forces_sso: Option<bool>,
    /// The user groups of Devolutions Cloud.
    pub groups: Vec<Group>,
    /// The users of Devolutions Cloud.
    pub users: Vec<User>,
    /// The current application, where it could be found.
    pub current: Option<Current>,
    /// The groups of the spec, as found.
    pub wanted: Vec<WantedGroup>,
    /// The groups that are assigned to the current application, and those of the spec.
    pub assigned_groups: Vec<AssignedGroup>,
    /// Applications that have the new one's name already.
    pub namesakes: Vec<Application>,
    /// The application that the spec has used as the new one, where it names one.
    pub existing: Option<Existing>,
    /// Every Conditional Access policy; none where we may not look.
    pub conditional_access: Option<Vec<ConditionalAccessPolicy>>,
    /// What the tenant allows for client secrets; none where we may not look.
    pub secret_policy: Option<SecretPolicy>,
    /// Whether the server cannot save a configuration for single sign-on.
    pub cannot_save: bool,
    /// Operations that provisioning takes and the server lacks, where provisioning is asked for.
    pub cannot_provision: Vec<&'static str>,
    /// Who is assigned to the new application, where it has brought groups to Devolutions Cloud already.
    pub provisioned: Option<BTreeSet<Uuid>>,
    /// The application permissions that our token lacks to do the work, by name.
    pub lacking: Vec<&'static str>,
}

/// A group that is assigned to the current application, or is to be assigned to the new one.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AssignedGroup {
    /// Its object id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Whether it contains groups.
    pub nests: bool,
    /// Whether its members are hidden: without `Member.Read.Hidden` nothing tells who they are.
    pub hides_members: bool,
    /// Whether it is still there.
    pub is_gone: bool,
}

/// An application that is to be used as the new one.
#[derive(Clone, Debug)]
pub struct Existing {
    /// Its application (client) id, as the spec names it.
    pub app_id: String,
    /// Its registration and its enterprise application, where both are in the tenant.
    pub found: Option<(Application, ServicePrincipal)>,
}

/// The current application.
#[derive(Clone, Debug)]
pub struct Current {
    /// The enterprise application.
    pub principal: ServicePrincipal,
    /// Its registration, where that is in this tenant.
    pub application: Option<Application>,
    /// Who is assigned.
    pub assignments: Vec<Assignment>,
    /// The names of claims mapping and home realm discovery policies on it; none where we may not look.
    pub policies: Option<Vec<String>>,
}

/// The current application's id, as the spec and the server tell it; or what is to be done where they do not.
pub fn current_app_id(spec: &SsoMigrationSpec, sso: Option<&SsoConfiguration>) -> Result<String, Finding> {
    single_sign_on::current_app_id(spec, sso)
}

/// The current application's id leads nowhere.
#[must_use]
pub fn not_in_tenant(app_id: &str, tenant_id: &str) -> Finding {
    critical(
        "CurrentApplicationNotFound",
        format!(
            "The application {app_id}, by which people sign in now, is not in the Entra tenant {tenant_id} that the connection names. Is it another tenant's, or was it deleted?"
        ),
    )
}

/// Tells of findings that a status has no room for.
#[must_use]
pub fn more_findings(rest: usize) -> Finding {
    warning(
        "MoreFindings",
        format!("{rest} more are in the Secret that status.report names; `operator plan` shows them."),
    )
}

/// Everything that was found, the gravest first. `forecast` is there where one could be made.
#[must_use]
pub fn findings(
    spec: &SsoMigrationSpec,
    seen: &Observed,
    waivers: &Waivers,
    forecast: Option<&[UserForecast]>,
) -> Vec<Finding> {
    let mut all = single_sign_on::check(seen);
    all.extend(work::check(spec, seen));
    all.extend(application::check(spec, seen));
    all.extend(group::check(spec, seen));
    all.extend(user::check(spec, seen, waivers, forecast));
    acknowledge(&mut all, &spec.acknowledgements, forecast.is_some());
    all.sort_by(|a, b| (!is_open(a), a.severity, &a.reason).cmp(&(!is_open(b), b.severity, &b.reason)));
    all
}

/// What must be resolved before these `newcomers` are brought across, or accepted by whoever approves that.
#[must_use]
pub fn scope_findings(
    spec: &SsoMigrationSpec,
    newcomers: &[Principal],
    groups: &[Group],
    about_groups: &[AssignedGroup],
    forecast: &[UserForecast],
) -> Vec<Finding> {
    let names = newcomers.iter().filter(|who| who.kind == "Group").map(|who| who.name.as_str());
    let mut all: Vec<Finding> = group::shared_names(names, groups).into_iter().collect();
    all.extend(group::assigned(about_groups));
    all.extend(user::outlook(spec, forecast).into_iter().filter(user::is_of_provisioning));
    all.extend(user::break_glass_in_scope(spec, forecast));
    acknowledge(&mut all, &spec.acknowledgements, false);
    all
}

/// Marks what a person has accepted, and names acceptances of nothing that was found.
fn acknowledge(findings: &mut Vec<Finding>, acknowledged: &[String], is_complete: bool) {
    for finding in findings.iter_mut() {
        if finding.acknowledgement == Acknowledgement::Possible && acknowledged.contains(&finding.reason) {
            finding.acknowledgement = Acknowledgement::Given;
        }
        if finding.acknowledgement == Acknowledgement::Possible {
            let advice = format!(" If it is well as it is, add {} to spec.acknowledgements.", finding.reason);
            finding.message.push_str(&advice);
        }
    }
    let is_of_use =
        |reason: &&String| findings.iter().any(|f| f.reason == **reason && f.acknowledgement == Acknowledgement::Given);
    let idle = acknowledged.iter().filter(|reason| !is_of_use(reason)).map(String::as_str);
    let idle: BTreeSet<&str> = idle.filter(|reason| !later::ALL.contains(reason)).collect();
    // Without a forecast nobody knows what it would have found.
    if is_complete && !idle.is_empty() {
        let names = super::name_some(idle);
        findings.push(warning("AcknowledgementOfNothing", format!(
            "spec.acknowledgements names {names}, which was not found or cannot be accepted. Take it out, so that it does not accept something later that nobody has looked at."
        )));
    }
}

/// Whether a finding holds the migration up.
#[must_use]
pub fn is_open(finding: &Finding) -> bool {
    finding.severity == Severity::Critical && finding.acknowledgement != Acknowledgement::Given
}

/// What holds the migration up until it is resolved.
pub(crate) fn critical(reason: &str, message: impl Into<String>) -> Finding {
    Finding {
        reason: reason.to_owned(),
        severity: Severity::Critical,
        message: message.into(),
        acknowledgement: Acknowledgement::NotApplicable,
    }
}

/// What holds the migration up until it is resolved or accepted.
fn acceptable(reason: &str, message: impl Into<String>) -> Finding {
    Finding { acknowledgement: Acknowledgement::Possible, ..critical(reason, message) }
}

/// What is to be known.
fn warning(reason: &str, message: impl Into<String>) -> Finding {
    Finding { severity: Severity::Warning, ..critical(reason, message) }
}
