//! The groups to be assigned to the new application.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{AssignedGroup, Observed, acceptable, critical, warning};
use crate::api::{EntraGroupRef, Finding, SsoMigrationSpec};
use crate::devolutions::Group;
use crate::entra::EntraGroup;
use crate::plan::{Refusal, name_some};

/// A group of the spec, and what Entra ID has under that name or id.
#[derive(Clone, Debug)]
pub struct WantedGroup {
    /// As the spec has it.
    pub reference: EntraGroupRef,
    /// What was found.
    pub found: Vec<EntraGroup>,
}

/// The one group that a reference names, letter by letter; none where there is none, or more than one.
#[must_use]
pub fn choose<'a>(reference: &EntraGroupRef, found: &'a [EntraGroup]) -> Option<&'a EntraGroup> {
    match fitting(reference, found).as_slice() {
        [one] => Some(one),
        _ => None,
    }
}

/// Graph does not tell small letters from capitals; we do.
fn fitting<'a>(reference: &EntraGroupRef, found: &'a [EntraGroup]) -> Vec<&'a EntraGroup> {
    let fits = |group: &&EntraGroup| match (&reference.id, &reference.display_name) {
        (Some(id), _) => Uuid::parse_str(id).is_ok_and(|id| id == group.id),
        (None, name) => &group.display_name == name,
    };
    found.iter().filter(fits).collect()
}

pub(super) fn check(spec: &SsoMigrationSpec, seen: &Observed) -> Vec<Finding> {
    let unusable = seen.wanted.iter().filter_map(unusable);
    let mut findings: Vec<Finding> = unusable.map(|refusal| critical(refusal.reason, refusal.message)).collect();
    findings.extend(namesakes(spec, seen));
    findings.extend(assigned(&seen.assigned_groups));
    let takes_over = spec.assignments.from_current_application
        && seen.current.as_ref().is_none_or(|current| !current.assignments.is_empty());
    if spec.assignments.groups.is_empty() && !takes_over {
        findings.push(critical("NobodyAssigned", "Nobody would be assigned to the new application, and so nobody provisioned: spec.assignments names no group, and it takes over no assignment of the current application. Add groups."));
    }
    findings
}

/// What there is to say of groups that are assigned, or are to be.
pub(super) fn assigned(groups: &[AssignedGroup]) -> Vec<Finding> {
    let named = |is: fn(&AssignedGroup) -> bool| {
        let names: BTreeSet<&str> = groups.iter().filter(|g| is(g)).map(|g| g.name.as_str()).collect();
        (!names.is_empty()).then(|| name_some(names))
    };
    let mut findings = Vec::new();
    if let Some(names) = named(|group| group.hides_members) {
        findings.push(acceptable("HiddenMembership", format!(
            "These groups hide their members, and without the application permission Member.Read.Hidden nothing tells whether all of them were seen: {names}. Grant it, or use groups that do not."
        )));
    }
    if let Some(names) = named(|group| group.is_gone) {
        findings.push(warning("AssignedGroupGone", format!(
            "These groups are assigned to the current application and are no longer there: {names}. Nobody gets in by them."
        )));
    }
    if let Some(names) = named(|group| group.nests) {
        findings.push(warning("NestedGroups", format!(
            "These groups contain groups, whose members can neither sign in nor be provisioned by way of them: {names}. Where that is why a user cannot, the forecast says OnlyInNestedGroup."
        )));
    }
    findings
}

fn label(reference: &EntraGroupRef) -> &str {
    reference.display_name.as_deref().or(reference.id.as_deref()).unwrap_or_default()
}

/// Why a group of the spec cannot be assigned, where that is so.
pub fn unusable(wanted: &WantedGroup) -> Option<Refusal> {
    let name = label(&wanted.reference);
    match fitting(&wanted.reference, &wanted.found).as_slice() {
        [] => {
            let mut near: Vec<&str> = wanted.found.iter().filter_map(|g| g.display_name.as_deref()).collect();
            near.sort_unstable();
            let near = if near.is_empty() { String::new() } else { format!(" (there is {})", name_some(near)) };
            Some(Refusal::new(
                "GroupNotFound",
                format!(
                    "assignments.groups: Entra ID has no group \"{name}\"{near}. Names are compared letter by letter; correct it, or give its object id."
                ),
            ))
        }
        [one] if one.security_enabled == Some(false) => Some(Refusal::new(
            "GroupNotSecurityEnabled",
            format!(
                "assignments.groups: \"{name}\" ({}) is not security-enabled, so it cannot be assigned to an application. Use a security group.",
                one.id
            ),
        )),
        [_] => None,
        several => {
            let mut ids: Vec<String> = several.iter().map(|g| g.id.to_string()).collect();
            ids.sort_unstable();
            Some(Refusal::new(
                "AmbiguousName",
                format!(
                    "assignments.groups: \"{name}\" fits {} groups: {}. Give the object id of the one that is meant.",
                    several.len(),
                    name_some(ids.iter().map(String::as_str))
                ),
            ))
        }
    }
}

/// Entra's provisioning finds a group in Devolutions Cloud by its name: were it shown a custom group of the same name,
/// it could take that for its own, members and permissions included (whether it is shown them is unknown).
pub(super) fn shared_names<'a>(names: impl Iterator<Item = &'a str>, groups: &[Group]) -> Option<Finding> {
    let is_custom = |name: &&str| groups.iter().any(|g| !g.is_provably_synced() && g.name.eq_ignore_ascii_case(name));
    let clashes: BTreeSet<&str> = names.filter(is_custom).collect();
    (!clashes.is_empty()).then(|| {
        acceptable("CustomGroupSharesName", format!(
            "These Entra groups share their name with a custom group of Devolutions Cloud, which provisioning could take for them: {}. Rename the custom groups first.",
            name_some(clashes)
        ))
    })
}

fn namesakes(spec: &SsoMigrationSpec, seen: &Observed) -> Option<Finding> {
    // What it has made of them itself looks like a custom group, where the server does not tell.
    let is_new = |id: Uuid| !seen.provisioned.as_ref().is_some_and(|known| known.contains(&id));
    let of_spec = seen.wanted.iter().filter_map(|w| choose(&w.reference, &w.found)).filter(|g| is_new(g.id));
    let of_spec = of_spec.filter_map(|g| g.display_name.as_deref());
    let of_current = seen
        .current
        .iter()
        .filter(|_| spec.assignments.from_current_application)
        .flat_map(|current| &current.assignments)
        .filter(|a| a.principal_type == "Group" && is_new(a.principal_id))
        .filter_map(|a| a.principal_display_name.as_deref());
    shared_names(of_spec.chain(of_current), &seen.groups)
}
