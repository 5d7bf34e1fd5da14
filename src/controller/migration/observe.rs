//! Observe: what Devolutions Cloud and Entra ID say now.

use std::collections::BTreeSet;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::jiff::Timestamp;
use uuid::Uuid;

use crate::api::{
    AssignmentRequirement, EntraGroupRef, Finding, ObservedApplication, SsoMigrationSpec, TenantConnection,
};
use crate::devolutions::DevolutionsCloud;
use crate::entra::{Entra, EntraUser, Member, ServicePrincipal};
use crate::error::{Class, Failure};
use crate::plan::forecast::{self, Access, Assigned, Waivers};
use crate::plan::preflight::{self, Current, Observed, Principal, Report, WantedGroup};
use crate::plan::{Refusal, preflight::choose};

/// How many groups are read at once.
const GROUPS_AT_ONCE: usize = 4;

/// Both sides of a connection.
pub struct Tenants<'a, C, E> {
    pub connection: &'a TenantConnection,
    pub cloud: &'a C,
    pub entra: &'a E,
}

/// What was observed in one pass.
pub struct Sight {
    observed: Observed,
    /// Why the current application could not be found.
    no_current: Option<Finding>,
    /// Who is assigned to the current application.
    current: Vec<(Principal, Assigned)>,
    /// The groups of the spec that could be found.
    wanted: Vec<(Principal, Assigned)>,
    entra_users: Vec<EntraUser>,
}

impl Sight {
    /// Reads it all.
    pub async fn take<C: DevolutionsCloud, E: Entra>(
        spec: &SsoMigrationSpec,
        tenants: &Tenants<'_, C, E>,
        may_read_policies: bool,
    ) -> Result<Self, Failure> {
        let Tenants { connection, cloud, entra } = tenants;
        let tenant_id = connection.spec.entra.as_ref().map(|entra| entra.tenant_id.clone()).unwrap_or_default();
        let mut observed = Observed {
            tenant_id,
            sso: cloud.sso().await?,
            domains: cloud.domains().await?,
            forces_sso: cloud.forces_sso().await?,
            groups: cloud.groups().await?,
            users: cloud.users().await?,
            namesakes: entra.applications_named(&spec.application.display_name).await?,
            ..Observed::default()
        };
        if may_read_policies {
            observed.conditional_access = permitted(entra.conditional_access().await)?;
            observed.secret_policy = permitted(entra.secret_policy().await)?;
        }
        let (mut no_current, mut current) = (None, Vec::new());
        match find_current(spec, &observed, *entra).await? {
            Err(finding) => no_current = Some(finding),
            Ok(principal) => {
                let found = read_current(principal, *entra, may_read_policies).await?;
                current = assigned_to(&found, *entra).await?;
                observed.nesting = nesting(&current);
                observed.current = Some(found);
            }
        }
        observed.wanted = stream::iter(spec.assignments.groups.clone())
            .map(|reference| look_up(reference, *entra))
            .buffered(GROUPS_AT_ONCE)
            .try_collect()
            .await?;
        let chosen: Vec<Principal> = observed
            .wanted
            .iter()
            .filter_map(|wanted| choose(&wanted.reference, &wanted.found))
            .map(|group| Principal {
                kind: "Group".to_owned(),
                name: group.display_name.clone().unwrap_or_default(),
                id: group.id,
            })
            .collect();
        let wanted = with_members(chosen, *entra).await?;
        observed.nesting.extend(nesting(&wanted));
        let emails = observed.users.iter().filter(|u| !u.is_application() && !u.email.is_empty());
        let emails: BTreeSet<String> = emails.map(|u| u.email.to_lowercase()).collect();
        let entra_users = entra.users_by_email(&emails).await?;
        Ok(Self { observed, no_current, current, wanted, entra_users })
    }

    /// What it means.
    pub fn judge<C, E>(
        &self,
        spec: &SsoMigrationSpec,
        tenants: &Tenants<'_, C, E>,
        now: Timestamp,
    ) -> Result<Report, Refusal> {
        let seen = &self.observed;
        let required_today = seen.current.as_ref().is_none_or(|c| c.principal.app_role_assignment_required);
        let required_after = match spec.application.assignment_required {
            AssignmentRequirement::FromCurrentApplication => required_today,
            AssignmentRequirement::Required => true,
            AssignmentRequirement::NotRequired => false,
        };
        let taken_over = self.current.iter().filter(|_| spec.assignments.from_current_application);
        let assigned: Vec<&(Principal, Assigned)> = taken_over.chain(&self.wanted).collect();
        let users = seen.current.as_ref().map(|current| {
            let today = Access {
                is_enabled: current.principal.account_enabled != Some(false),
                ..Access::by(required_today, self.current.iter().map(|(_, assigned)| assigned))
            };
            let after = Access::by(required_after, assigned.iter().map(|(_, assigned)| assigned));
            let verified = seen.domains.as_ref().map(|domains| {
                domains.iter().filter(|d| d.is_verified()).map(|d| d.name.to_lowercase()).collect::<BTreeSet<_>>()
            });
            forecast::forecast(&forecast::Ground {
                users: &seen.users,
                entra_users: &self.entra_users,
                verified_domains: verified.as_ref(),
                today: &today,
                after: &after,
                waivers: &Waivers::in_force(&spec.verification.waivers, now),
            })
        });
        let users = users.transpose()?;
        let mut findings = preflight::findings(spec, seen, users.as_deref());
        findings.splice(0..0, self.no_current.clone());
        let assignments: BTreeSet<Principal> = assigned.iter().map(|(principal, _)| principal.clone()).collect();
        Ok(Report {
            tenant: tenants.connection.spec.devolutions_cloud.url.clone(),
            entra_tenant: seen.tenant_id.clone(),
            current_application: self.current_application().map(|a| (a.display_name, a.app_id)),
            application: spec.application.display_name.clone(),
            assignment_required: required_after,
            assignments: assignments.into_iter().collect(),
            findings,
            users,
        })
    }

    /// The current application, as a status shows it.
    pub fn current_application(&self) -> Option<ObservedApplication> {
        let current = self.observed.current.as_ref()?;
        Some(ObservedApplication {
            app_id: current.principal.app_id.clone(),
            display_name: current.principal.display_name.clone().unwrap_or_default(),
            assignment_required: current.principal.app_role_assignment_required,
            assignments: u32::try_from(current.assignments.len()).unwrap_or(u32::MAX),
        })
    }
}

/// What we may not read is not seen; that is a finding, not a failure.
fn permitted<T>(read: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(failure) if failure.class == Class::Denied => Ok(None),
        Err(failure) => Err(failure),
    }
}

async fn find_current<E: Entra>(
    spec: &SsoMigrationSpec,
    seen: &Observed,
    entra: &E,
) -> Result<Result<ServicePrincipal, Finding>, Failure> {
    let app_id = match preflight::current_app_id(spec, seen.sso.as_ref()) {
        Ok(app_id) => app_id,
        Err(finding) => return Ok(Err(finding)),
    };
    let found = entra.service_principal(&app_id).await?;
    Ok(found.ok_or_else(|| preflight::not_in_tenant(&app_id, &seen.tenant_id)))
}

async fn read_current<E: Entra>(
    principal: ServicePrincipal,
    entra: &E,
    may_read_policies: bool,
) -> Result<Current, Failure> {
    let policies = if may_read_policies { permitted(entra.policies_on(&principal).await)? } else { None };
    Ok(Current {
        application: entra.application(&principal.app_id).await?,
        assignments: entra.assignments(&principal).await?,
        policies,
        principal,
    })
}

/// Who is assigned to the current application, with what is in each group.
async fn assigned_to<E: Entra>(current: &Current, entra: &E) -> Result<Vec<(Principal, Assigned)>, Failure> {
    let principal = |kind: &str| {
        let of_kind = current.assignments.iter().filter(move |a| a.principal_type == kind).map(|a| Principal {
            kind: a.principal_type.clone(),
            name: a.principal_display_name.clone().unwrap_or_default(),
            id: a.principal_id,
        });
        // One principal can be assigned with several roles.
        of_kind.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    };
    let mut all: Vec<(Principal, Assigned)> =
        principal("User").into_iter().map(|user| (user.clone(), Assigned::User(user.id))).collect();
    all.extend(with_members(principal("Group"), entra).await?);
    Ok(all)
}

async fn with_members<E: Entra>(groups: Vec<Principal>, entra: &E) -> Result<Vec<(Principal, Assigned)>, Failure> {
    let read = |group: Principal| async move {
        let assigned = members(&group, entra).await?;
        Ok::<_, Failure>((group, assigned))
    };
    stream::iter(groups).map(read).buffered(GROUPS_AT_ONCE).try_collect().await
}

async fn members<E: Entra>(group: &Principal, entra: &E) -> Result<Assigned, Failure> {
    let gone = || {
        Failure::new(
            Class::Transient,
            "GroupVanished",
            format!(
                "Group \"{}\" ({}) was there a moment ago and is gone. It is looked at again.",
                group.name, group.id
            ),
        )
    };
    let label = format!("group \"{}\"", group.name);
    let members = entra.members(group.id, &label).await?.ok_or_else(gone)?;
    let nests = members.iter().any(|member| matches!(member, Member::Group(_)));
    let within: Vec<Uuid> =
        if nests { entra.users_within(group.id, &label).await?.ok_or_else(gone)? } else { Vec::new() };
    Ok(Assigned::Group { members, within })
}

async fn look_up<E: Entra>(reference: EntraGroupRef, entra: &E) -> Result<WantedGroup, Failure> {
    let found = match (&reference.id, &reference.display_name) {
        (Some(id), _) => match Uuid::parse_str(id) {
            Ok(id) => entra.group(id).await?.into_iter().collect(),
            Err(_) => Vec::new(),
        },
        (None, Some(name)) => entra.groups_named(name).await?,
        (None, None) => Vec::new(),
    };
    Ok(WantedGroup { reference, found })
}

/// The names of groups that contain groups.
fn nesting(assigned: &[(Principal, Assigned)]) -> Vec<String> {
    let nests = |assigned: &Assigned| match assigned {
        Assigned::User(_) => false,
        Assigned::Group { members, .. } => members.iter().any(|member| matches!(member, Member::Group(_))),
    };
    assigned.iter().filter(|(_, assigned)| nests(assigned)).map(|(group, _)| group.name.clone()).collect()
}
