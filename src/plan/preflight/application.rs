//! The current application, and what would not follow from it to the new one.

use super::{Current, Existing, Observed, acceptable, critical, warning};
use crate::api::{Finding, SsoMigrationSpec};
use crate::entra::{Application, ConditionalAccessPolicy};
use crate::plan::name_some;

pub(super) fn check(spec: &SsoMigrationSpec, seen: &Observed) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(current) = &seen.current {
        findings.extend(registration(spec, current, seen));
        findings.extend(policies_on(current));
    }
    findings.extend(seen.existing.iter().filter_map(|existing| adopted(existing, seen.current.as_ref())));
    findings.extend(no_redirect_uri(spec, seen));
    findings.extend(conditional_access(seen));
    if seen.current.as_ref().is_some_and(|current| current.policies.is_none()) || seen.secret_policy.is_none() {
        findings.push(acceptable(
            "PoliciesNotChecked",
            "The operator may not read the tenant's policies on applications (Policy.Read.All): claims mapping and home realm discovery policies on the current application, which do not follow to the new one and without which users may not be recognised, and the app management policy, which may forbid client secrets.",
        ));
    }
    if let Some(policy) = &seen.secret_policy {
        if policy.forbidden {
            findings.push(acceptable(
                "ClientSecretsForbidden",
                "The tenant's app management policy forbids new client secrets, and the new application needs one. Exempt the applications of this migration from the default policy by one of their own.",
            ));
        } else if let Some(longest) = &policy.longest_life {
            findings.push(warning(
                "ClientSecretLifeBounded",
                format!("The tenant's app management policy allows client secrets for {longest} at most. When the secret expires nobody can sign in: plan its renewal."),
            ));
        }
    }
    if !seen.namesakes.is_empty() {
        let mut ids: Vec<&str> = seen.namesakes.iter().map(|a| a.app_id.as_str()).collect();
        ids.sort_unstable();
        findings.push(warning(
            "ApplicationNameTaken",
            format!(
                "There is an application named \"{}\" already: {}. The new one would bear the same name; give it another in spec.application.displayName if that confuses people.",
                spec.application.display_name,
                name_some(ids)
            ),
        ));
    }
    findings
}

/// Nothing says where the new application may send people back to.
fn no_redirect_uri(spec: &SsoMigrationSpec, seen: &Observed) -> Option<Finding> {
    let current = seen.current.as_ref()?;
    let uris = &spec.application.redirect_uris;
    let lists_any = |application: &Application| !application.web.redirect_uris.is_empty();
    let is_copied = uris.copy_from_current && current.application.as_ref().is_some_and(lists_any);
    let existing = seen.existing.as_ref().and_then(|existing| existing.found.as_ref());
    let is_there = existing.is_some_and(|(application, _)| lists_any(application));
    let is_told = seen.sso.as_ref().is_some_and(|sso| sso.callback_url.is_some());
    (!is_told && !is_copied && !is_there && uris.additional.is_empty()).then(|| critical(
        "NoRedirectUri",
        "This server does not tell its callback URL, and nothing else says where the new application may send people back to, so nobody could sign in by it. Give the callback URL, as Administration - Authentication - Single Sign-On (SSO) shows it, in spec.application.redirectUris.additional.",
    ))
}

fn registration(spec: &SsoMigrationSpec, current: &Current, seen: &Observed) -> Vec<Finding> {
    let mut findings = Vec::new();
    let name = current.principal.display_name.as_deref().unwrap_or(&current.principal.app_id);
    if current.principal.account_enabled == Some(false) {
        findings.push(critical("CurrentApplicationDisabled", format!(
            "The current application \"{name}\" is disabled in Entra ID, so nobody can sign in today and nothing proves who could. Enable it, or look at how people really sign in."
        )));
    }
    let Some(application) = &current.application else {
        findings.push(acceptable("CurrentApplicationForeign", format!(
            "The registration of the current application \"{name}\" ({}) is not in this tenant, so its redirect URIs cannot be copied and no return secret can be made on it: a rollback would need its owner.",
            current.principal.app_id
        )));
        return findings;
    };
    let uris = &application.web.redirect_uris;
    if let Some(callback) = seen.sso.as_ref().and_then(|sso| sso.callback_url.as_ref()) {
        if !uris.iter().any(|uri| uri.eq_ignore_ascii_case(callback)) {
            findings.push(warning("CallbackNotRegistered", format!(
                "The current application \"{name}\" does not list Devolutions Cloud's callback URL {callback} among its redirect URIs. Does it really sign people in?"
            )));
        }
        let mut others: Vec<&str> =
            uris.iter().filter(|uri| !uri.eq_ignore_ascii_case(callback)).map(String::as_str).collect();
        others.sort_unstable();
        if !others.is_empty() {
            findings.push(warning("FurtherRedirectUris", format!(
                "The current application sends people to {} too, such as an encryption service does. {}",
                name_some(others),
                if spec.application.redirect_uris.copy_from_current {
                    "The new one gets these redirect URIs as well."
                } else {
                    "The new one does not, since spec.application.redirectUris.copyFromCurrent is false: is that meant?"
                }
            )));
        }
    }
    findings
}

/// What speaks against using an application that is there already.
fn adopted(existing: &Existing, current: Option<&Current>) -> Option<Finding> {
    let app_id = &existing.app_id;
    let Some((application, _)) = &existing.found else {
        return Some(critical(
            "ExistingApplicationNotFound",
            format!(
                "spec.application.existing names the application {app_id}, which is not in the tenant with both its registration and its enterprise application. Compare the Application (client) ID."
            ),
        ));
    };
    if current.is_some_and(|current| current.principal.app_id.eq_ignore_ascii_case(app_id)) {
        return Some(critical(
            "ExistingIsCurrent",
            format!(
                "spec.application.existing names \"{}\", by which people sign in now. Provisioning needs another application than the old one: leave the field out and one is made, or name the new one.",
                application.label()
            ),
        ));
    }
    application.application_template_id.is_none().then(|| acceptable("ExistingCannotProvision", format!(
        "spec.application.existing names \"{}\", which was not made from a template, and Entra ID provisions users only for such applications. Make it as an enterprise application (Create your own application), or leave the field out and one is made.",
        application.label()
    )))
}

fn policies_on(current: &Current) -> Option<Finding> {
    let policies = current.policies.as_ref().filter(|policies| !policies.is_empty())?;
    Some(acceptable(
        "PoliciesOnCurrentApplication",
        format!(
            "Policies hang on the current application and do not follow to the new one: {}. They change what its tokens say, or where people are sent to sign in; without them, users may not be recognised.",
            name_some(policies.iter().map(String::as_str))
        ),
    ))
}

fn conditional_access(seen: &Observed) -> Vec<Finding> {
    let Some(policies) = &seen.conditional_access else {
        return vec![acceptable(
            "ConditionalAccessNotChecked",
            "The operator may not read Conditional Access policies (Policy.Read.All). A policy that names the current application does not hold for the new one: people could be let in more easily than before, or be blocked.",
        )];
    };
    let Some(current) = &seen.current else { return Vec::new() };
    let app_id = &current.principal.app_id;
    let in_force = |policy: &&ConditionalAccessPolicy| policy.state.as_deref() != Some("disabled");
    let list = |names: Vec<&ConditionalAccessPolicy>| {
        let mut names: Vec<&str> =
            names.iter().map(|p| p.display_name.as_deref().unwrap_or("(without a name)")).collect();
        names.sort_unstable();
        name_some(names)
    };
    let applications = |policy: &ConditionalAccessPolicy| policy.conditions.applications.clone().unwrap_or_default();
    let names = |ids: &[String]| ids.iter().any(|id| id.eq_ignore_ascii_case(app_id));
    let (including, excluding, by_filter): (Vec<_>, Vec<_>, Vec<_>) = {
        let mut sorted = (Vec::new(), Vec::new(), Vec::new());
        for policy in policies.iter().filter(in_force) {
            let applications = applications(policy);
            if names(&applications.include_applications) {
                sorted.0.push(policy);
            } else if names(&applications.exclude_applications) {
                sorted.1.push(policy);
            } else if applications.application_filter.is_some() {
                sorted.2.push(policy);
            }
        }
        sorted
    };
    let mut findings = Vec::new();
    if !including.is_empty() {
        findings.push(acceptable("ConditionalAccessNamesApplication", format!(
            "Conditional Access policies hold for the current application by its id and would not hold for the new one, so people would get in with less than today: {}. Have somebody add the new application to them as soon as it is there.",
            list(including)
        )));
    }
    if !excluding.is_empty() {
        findings.push(acceptable("ConditionalAccessSparesApplication", format!(
            "Conditional Access policies leave the current application out by its id and would hold for the new one, so people could be blocked: {}. Have somebody leave the new application out of them as soon as it is there.",
            list(excluding)
        )));
    }
    if !by_filter.is_empty() {
        findings.push(warning("ConditionalAccessByFilter", format!(
            "Conditional Access policies choose applications by custom attributes, which cannot be worked out from outside: {}. Give the new application the current one's attributes.",
            list(by_filter)
        )));
    }
    findings
}
