//! How people sign in now, and whether there is a way back to it.

use std::collections::BTreeMap;

use url::Url;
use uuid::Uuid;

use super::{Observed, acceptable, critical, warning};
use crate::api::{Finding, SsoMigrationSpec};
use crate::devolutions::{Domain, SsoConfiguration, SsoProvider, User};
use crate::plan::{count, name_some};

/// Where a person looks.
const SCREEN: &str = "Administration - Authentication - Single Sign-On (SSO)";

pub(super) fn current_app_id(spec: &SsoMigrationSpec, sso: Option<&SsoConfiguration>) -> Result<String, Finding> {
    let told = sso.and_then(|sso| sso.client_id.as_ref());
    let named = spec.current_application.as_ref().map(|application| &application.app_id);
    match (told, named) {
        (Some(told), Some(named)) if !told.eq_ignore_ascii_case(named) => Err(critical(
            "CurrentApplicationDiffers",
            format!(
                "Devolutions Cloud signs people in by the application {told}, but spec.currentApplication names {named}. Take it out, or correct it; the one in use is shown in {SCREEN} as Client ID."
            ),
        )),
        (Some(id), _) | (None, Some(id)) => Ok(id.to_lowercase()),
        (None, None) => Err(critical(
            "CurrentApplicationUnknown",
            format!(
                "This server does not tell by which application people sign in now. Look it up in {SCREEN} (Client ID) and give it as spec.currentApplication.appId."
            ),
        )),
    }
}

pub(super) fn check(seen: &Observed) -> Vec<Finding> {
    let mut findings = Vec::new();
    match &seen.sso {
        None => findings.push(acceptable(
            "SingleSignOnNotChecked",
            format!(
                "This server does not tell how people sign in now, so it is not known whether there is a way back. Look at {SCREEN}: it must be on, and by OpenID Connect."
            ),
        )),
        Some(sso) => findings.extend(configuration(sso, &seen.tenant_id)),
    }
    match seen.forces_sso {
        Some(true) => findings.push(critical(
            "SingleSignOnForced",
            "\"Force SSO on all users\" is on. If the new sign-in failed, nobody could get in to mend it, and only the vendor's support could switch it off. Switch it off for the time of the migration (cmdlet Set-HubSystemSettings, ForceSSOLogin).",
        )),
        Some(false) => {}
        None => findings.push(acceptable(
            "SingleSignOnForcedNotChecked",
            "This server does not tell whether \"Force SSO on all users\" is on. It must be off for the time of the migration: see there.",
        )),
    }
    findings.extend(match &seen.domains {
        None => Some(acceptable(
            "DomainsNotChecked",
            format!(
                "This server does not tell which e-mail domains are verified, so all are taken to be. Only users of verified domains can sign in and be provisioned: see Administration - Authentication - Domain, and waive the users of those that are not. The users' domains: {}.",
                domains_of(&seen.users)
            ),
        )),
        Some(domains) => self::domains(domains),
    });
    findings
}

fn configuration(sso: &SsoConfiguration, tenant_id: &str) -> Option<Finding> {
    match sso.provider {
        SsoProvider::None => Some(critical(
            "SingleSignOnOff",
            format!(
                "Single sign-on is not configured, so there is nothing to migrate. To set it up anew, begin in {SCREEN}."
            ),
        )),
        SsoProvider::Organization => Some(acceptable(
            "NoWayBack",
            "People sign in by an organization of the Devolutions Portal. Once single sign-on is by OpenID Connect, no write of ours can bring that back: a rollback would need the vendor's support.",
        )),
        SsoProvider::OpenId if !sso.enabled => Some(critical(
            "SingleSignOnOff",
            format!(
                "Single sign-on is configured but switched off, so it cannot be proven that anybody signs in. Switch it on in {SCREEN}."
            ),
        )),
        SsoProvider::OpenId => tenant(sso.discovery_url.as_ref()?, tenant_id),
    }
}

/// Whose the metadata document is. Its path begins with the tenant, by its id or by one of its names
/// (<https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc>).
fn tenant(url: &str, tenant_id: &str) -> Option<Finding> {
    let named = Url::parse(url).ok().and_then(|url| url.path_segments()?.next().map(str::to_lowercase));
    let named = named.filter(|named| !named.is_empty());
    if named.as_deref() == Some(&tenant_id.to_lowercase()) {
        return None;
    }
    if named.is_some_and(|named| Uuid::parse_str(&named).is_ok()) {
        return Some(critical(
            "OtherTenant",
            format!(
                "Devolutions Cloud signs people in by {url}, which is another tenant than {tenant_id}, which the connection names. Users of one tenant cannot be found in another: use a TenantConnection for the tenant that signs people in."
            ),
        ));
    }
    Some(acceptable(
        "TenantNotTold",
        format!(
            "Devolutions Cloud signs people in by {url}, which does not name an Entra tenant by its id, so it cannot be told whether that is {tenant_id}, which the connection names. See whose it is; if it is not Entra ID at all, this migration is not for it."
        ),
    ))
}

/// The domains of people's addresses, with how many each has.
fn domains_of(users: &[User]) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for domain in users.iter().filter(|user| !user.is_application()).filter_map(User::domain) {
        *counts.entry(domain).or_default() += 1;
    }
    let each: Vec<String> = counts.iter().map(|(domain, n)| format!("{domain} ({})", count(*n, "user"))).collect();
    name_some(each.iter().map(String::as_str))
}

fn domains(domains: &[Domain]) -> Option<Finding> {
    let pending: Vec<&Domain> = domains.iter().filter(|d| !d.is_verified()).collect();
    let record = |domain: &&Domain| match (&domain.host_name, &domain.txt_value) {
        (Some(host), Some(value)) => format!("{} ({}): TXT record {host} = {value}", domain.name, domain.status),
        _ => format!("{} ({})", domain.name, domain.status),
    };
    let records: Vec<String> = pending.iter().map(record).collect();
    let records = name_some(records.iter().map(String::as_str));
    let advice = "Add the DNS record, then Retry in Administration - Authentication - Domain";
    if pending.len() == domains.len() {
        let which = if domains.is_empty() { "none is there yet".to_owned() } else { records };
        return Some(critical(
            "NoVerifiedDomain",
            format!("No e-mail domain is verified, and provisioning is closed until one is: {which}. {advice}."),
        ));
    }
    (!pending.is_empty()).then(|| {
        warning(
            "DomainNotVerified",
            format!("Users of these e-mail domains can neither sign in nor be provisioned: {records}. {advice}."),
        )
    })
}
