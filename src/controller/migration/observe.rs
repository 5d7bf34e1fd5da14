//! Observe: what Devolutions Cloud and Entra ID say now.

use std::collections::BTreeSet;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::jiff::Timestamp;
use uuid::Uuid;

use super::groups::{GROUPS_AT_ONCE, assigned_to, group, look_up, with_members};
use crate::api::{
    AssignmentRequirement, Finding, MigrationMode, ObservedApplication, SsoMigrationSpec, TenantConnection,
};
use crate::devolutions::{DevolutionsCloud, Domain, SsoProvider, User};
use crate::entra::permission::{TO_APPLY, TO_PROVISION};
use crate::entra::{Application, Entra, EntraUser, ServicePrincipal};
use crate::error::{Class, Failure};
use crate::plan::Refusal;
use crate::plan::forecast::{self, Access, Assigned, Waivers};
use crate::plan::preflight::{
    self, AssignedGroup, Current, Existing, Observed, Principal, Report, choose, lacking_operations,
};

/// The operation of the cloud contract by which people come to sign in by another application.
const SAVE: &str = "saveSsoConfiguration";

/// Both sides of a connection.
pub struct Tenants<'a, C, E> {
    pub connection: &'a TenantConnection,
    pub cloud: &'a C,
    pub entra: &'a E,
}

/// What we have made.
pub struct Ours {
    /// The new application's client id.
    pub app_id: String,
    /// Whether it has brought groups to Devolutions Cloud.
    pub is_provisioned: bool,
}

/// What the new application is to be.
#[derive(Debug)]
pub struct Intended {
    /// Whether only those who are assigned can sign in.
    pub assignment_required: bool,
    /// Who is to be assigned.
    pub assignments: Vec<Principal>,
    /// Where it may send people back to.
    pub redirect_uris: BTreeSet<String>,
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
    /// Who is assigned to the application that was made, and is not asked for: nobody is ever unassigned.
    beyond: Vec<(Principal, Assigned)>,
    entra_users: Vec<EntraUser>,
}

impl Sight {
    /// Reads it all. `ours` is the new application, once it is there.
    pub async fn take<C: DevolutionsCloud, E: Entra>(
        spec: &SsoMigrationSpec,
        tenants: &Tenants<'_, C, E>,
        ours: Option<&Ours>,
    ) -> Result<Self, Failure> {
        let Tenants { connection, cloud, entra } = tenants;
        let tenant_id = connection.spec.entra.as_ref().map(|entra| entra.tenant_id.clone()).unwrap_or_default();
        let operations = cloud.operations().await?;
        let can = |operation: &'static str| operations.iter().any(|o| o == operation).then_some(operation);
        let made = match ours {
            Some(ours) => assigned_already(&ours.app_id, *entra).await?,
            None => None,
        };
        let assigned_ids =
            || made.iter().flat_map(|made| &made.assignments).map(|assignment| assignment.principal_id).collect();
        let mut observed = Observed {
            tenant_id,
            sso: told(can("getSsoConfiguration"), cloud.sso()).await?,
            domains: told(can("listDomains"), cloud.domains()).await?,
            forces_sso: told(can("getSystemSettings"), cloud.forces_sso()).await?,
            groups: cloud.groups().await?,
            users: cloud.users().await?,
            cannot_save: can(SAVE).is_none(),
            cannot_provision: spec.provisioning.as_ref().map(|_| lacking_operations(&operations)).unwrap_or_default(),
            provisioned: ours.filter(|ours| ours.is_provisioned).map(|_| assigned_ids()),
            ..Observed::default()
        };
        if spec.mode == MigrationMode::Apply {
            let found = entra.permissions().await?;
            let lacks = |name: &&str| found.as_ref().is_some_and(|found| !found.contains(*name));
            let provisions: &[&str] = if spec.provisioning.is_some() { &TO_PROVISION } else { &[] };
            observed.lacking = TO_APPLY.into_iter().chain(provisions.iter().copied()).filter(lacks).collect();
        }
        if spec.application.existing.is_none() {
            observed.namesakes = entra.applications_named(&spec.application.display_name).await?;
            observed.namesakes.retain(|application| ours.is_none_or(|ours| ours.app_id != application.app_id));
        }
        observed.conditional_access = permitted(entra.conditional_access().await)?;
        observed.secret_policy = permitted(entra.secret_policy().await)?;
        let (mut no_current, mut current) = (None, Vec::new());
        match find_current(spec, &observed, *entra).await? {
            Err(finding) => no_current = Some(finding),
            Ok(principal) => {
                let found = read_current(principal, *entra).await?;
                let (assigned, groups) = assigned_to(&found, *entra).await?;
                current = assigned;
                observed.assigned_groups = groups;
                observed.current = Some(found);
            }
        }
        observed.wanted = stream::iter(spec.assignments.groups.clone())
            .map(|reference| look_up(reference, *entra))
            .buffered(GROUPS_AT_ONCE)
            .try_collect()
            .await?;
        let chosen = observed.wanted.iter().filter_map(|wanted| choose(&wanted.reference, &wanted.found));
        let (wanted, groups) = with_members(chosen.map(group).collect(), *entra).await?;
        observed.assigned_groups.extend(groups);
        let mut wanted = wanted;
        if let Some(existing) = &spec.application.existing {
            let found = find_existing(&existing.app_id, *entra).await?;
            if let Some((application, principal)) = &found {
                // Whoever is assigned to it already will sign in, too.
                let there = Current {
                    application: Some(application.clone()),
                    assignments: entra.assignments(principal).await?,
                    policies: None,
                    principal: principal.clone(),
                };
                let (assigned, groups) = assigned_to(&there, *entra).await?;
                wanted.extend(assigned);
                observed.assigned_groups.extend(groups);
            }
            observed.existing = Some(Existing { app_id: existing.app_id.to_lowercase(), found });
        }
        let known: BTreeSet<Uuid> = current.iter().chain(&wanted).map(|(who, _)| who.id).collect();
        let mut beyond = Vec::new();
        if let Some(mut made) = made {
            made.assignments.retain(|assignment| !known.contains(&assignment.principal_id));
            let (assigned, groups) = assigned_to(&made, *entra).await?;
            beyond = assigned;
            observed.assigned_groups.extend(groups);
        }
        let entra_users = entra_users_of(&observed.users, *entra).await?;
        Ok(Self { observed, no_current, current, wanted, beyond, entra_users })
    }

    /// What it means.
    pub fn judge<C, E>(
        &self,
        spec: &SsoMigrationSpec,
        tenants: &Tenants<'_, C, E>,
        now: Timestamp,
    ) -> Result<Report, Refusal> {
        let seen = &self.observed;
        let intended = self.intended(spec);
        let required_after = intended.assignment_required;
        let waivers = Waivers::in_force(&spec.verification.waivers, now);
        let assigned = self.to_assign(spec);
        let users = seen.current.as_ref().map(|current| {
            let today = access(&current.principal, &self.current);
            let all = assigned.iter().copied().chain(&self.beyond);
            let after = Access::by(required_after, all.map(|(_, assigned)| assigned));
            forecast::forecast(&forecast::Ground {
                users: &seen.users,
                entra_users: &self.entra_users,
                verified_domains: verified(seen.domains.as_deref()).as_ref(),
                today: &today,
                after: &after,
                waivers: &waivers,
            })
        });
        let users = users.transpose()?;
        let mut findings = preflight::findings(spec, seen, &waivers, users.as_deref());
        findings.splice(0..0, self.no_current.clone());
        Ok(Report {
            tenant: tenants.connection.spec.devolutions_cloud.url.clone(),
            entra_tenant: seen.tenant_id.clone(),
            current_application: self.current_application().map(|a| (a.display_name, a.app_id)),
            application: spec.application.display_name.clone(),
            assignment_required: required_after,
            assignments: intended.assignments,
            findings,
            users,
        })
    }

    /// The same, and what there is to say of the groups among them.
    pub fn all_to_assign(&self, spec: &SsoMigrationSpec) -> (Vec<(Principal, Assigned)>, Vec<AssignedGroup>) {
        let mut seen = BTreeSet::new();
        let once = self.to_assign(spec).into_iter().filter(|(who, _)| seen.insert(who.id));
        (once.cloned().collect(), self.observed.assigned_groups.clone())
    }

    /// Who will be assigned when people sign in by the new application: whoever is to be, and whoever is by now.
    pub fn assigned_by_then(&self, spec: &SsoMigrationSpec) -> Vec<Principal> {
        let all = self.to_assign(spec).into_iter().chain(&self.beyond).map(|(who, _)| who.clone());
        all.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Who is to be assigned, with what is in each.
    fn to_assign(&self, spec: &SsoMigrationSpec) -> Vec<&(Principal, Assigned)> {
        let taken_over = self.current.iter().filter(|_| spec.assignments.from_current_application);
        taken_over.chain(&self.wanted).filter(|(who, _)| is_there(who, &self.observed.assigned_groups)).collect()
    }

    /// What the new application is to be.
    pub fn intended(&self, spec: &SsoMigrationSpec) -> Intended {
        let seen = &self.observed;
        let assignment_required = match spec.application.assignment_required {
            AssignmentRequirement::FromCurrentApplication => {
                seen.current.as_ref().is_none_or(|c| c.principal.app_role_assignment_required)
            }
            AssignmentRequirement::Required => true,
            AssignmentRequirement::NotRequired => false,
        };
        // One that was there is never opened to everybody.
        let there = seen.existing.as_ref().and_then(|existing| existing.found.as_ref());
        let assignment_required =
            assignment_required || there.is_some_and(|(_, principal)| principal.app_role_assignment_required);
        let assignments: BTreeSet<Principal> =
            self.to_assign(spec).into_iter().map(|(principal, _)| principal.clone()).collect();
        let callback = seen.sso.as_ref().and_then(|sso| sso.callback_url.clone());
        let of_current = seen.current.as_ref().and_then(|current| current.application.as_ref());
        let copied = of_current.filter(|_| spec.application.redirect_uris.copy_from_current);
        let copied = copied.map(|application| application.web.redirect_uris.clone()).unwrap_or_default();
        let there = there.map(|(application, _)| application.web.redirect_uris.clone()).unwrap_or_default();
        let redirect_uris = callback
            .into_iter()
            .chain(copied)
            .chain(there)
            .chain(spec.application.redirect_uris.additional.iter().cloned())
            .collect();
        Intended { assignment_required, assignments: assignments.into_iter().collect(), redirect_uris }
    }

    /// Whether a write of ours could bring back how people sign in now.
    pub fn can_be_restored(&self) -> bool {
        self.observed.sso.as_ref().is_none_or(|sso| sso.provider == SsoProvider::OpenId)
    }

    /// What was observed.
    pub fn observed(&self) -> &Observed {
        &self.observed
    }

    /// The current application, as a status shows it.
    pub fn current_application(&self) -> Option<ObservedApplication> {
        let current = self.observed.current.as_ref()?;
        Some(shown_as(&current.principal, current.assignments.len()))
    }
}

/// An application that so many are assigned to, as a status shows it.
pub(super) fn shown_as(principal: &ServicePrincipal, assignments: usize) -> ObservedApplication {
    ObservedApplication {
        app_id: principal.app_id.clone(),
        display_name: principal.display_name.clone().unwrap_or_default(),
        assignment_required: principal.app_role_assignment_required,
        assignments: u32::try_from(assignments).unwrap_or(u32::MAX),
    }
}

/// Who may sign in to an application, and whom its provisioning covers.
pub(super) fn access<'a>(
    principal: &ServicePrincipal,
    assigned: impl IntoIterator<Item = &'a (Principal, Assigned)>,
) -> Access {
    Access {
        is_enabled: principal.account_enabled != Some(false),
        ..Access::by(principal.app_role_assignment_required, assigned.into_iter().map(|(_, assigned)| assigned))
    }
}

/// Whether a principal that is listed as assigned is still in Entra ID.
pub(super) fn is_there(principal: &Principal, about: &[AssignedGroup]) -> bool {
    !about.iter().any(|group| group.is_gone && group.id == principal.id)
}

/// The verified e-mail domains in small letters.
pub(super) fn verified(domains: Option<&[Domain]>) -> Option<BTreeSet<String>> {
    let names = |all: &[Domain]| all.iter().filter(|d| d.is_verified()).map(|d| d.name.to_lowercase()).collect();
    domains.map(names)
}

/// The Entra users who may be one of these.
pub(super) async fn entra_users_of<E: Entra>(users: &[User], entra: &E) -> Result<Vec<EntraUser>, Failure> {
    let people = users.iter().filter(|user| !user.is_application());
    let emails: BTreeSet<String> = people.map(User::address).filter(|address| !address.is_empty()).collect();
    entra.users_by_email(&emails).await
}

/// What the server says it can tell; one that says so and then knows no such thing is not believed.
pub async fn told<T>(
    can: Option<&'static str>,
    read: impl Future<Output = Result<Option<T>, Failure>>,
) -> Result<Option<T>, Failure> {
    let Some(operation) = can else { return Ok(None) };
    let known = read.await?;
    known.map(Some).ok_or_else(|| {
        Failure::new(
            Class::Transient,
            "OperationMissing",
            format!("Devolutions Cloud's side says that it can do {operation}, and answers that there is no such thing (HTTP 404). It is tried again. Does a proxy stand between?"),
        )
    })
}

/// What we may not read is not seen; that is a finding, not a failure.
pub fn permitted<T>(read: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(failure) if ["PermissionMissing", "LicenceMissing"].contains(&failure.reason) => Ok(None),
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

/// The application that was made, with who is assigned to it by now.
async fn assigned_already<E: Entra>(app_id: &str, entra: &E) -> Result<Option<Current>, Failure> {
    let Some(principal) = entra.service_principal(app_id).await? else { return Ok(None) };
    let assignments = entra.assignments(&principal).await?;
    Ok(Some(Current { application: None, assignments, policies: None, principal }))
}

async fn find_existing<E: Entra>(app_id: &str, entra: &E) -> Result<Option<(Application, ServicePrincipal)>, Failure> {
    Ok(entra.application(app_id).await?.zip(entra.service_principal(app_id).await?))
}

async fn read_current<E: Entra>(principal: ServicePrincipal, entra: &E) -> Result<Current, Failure> {
    Ok(Current {
        application: entra.application(&principal.app_id).await?,
        assignments: entra.assignments(&principal).await?,
        policies: permitted(entra.policies_on(&principal).await)?,
        principal,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_that_is_missing_is_a_finding_and_credentials_that_are_refused_are_a_failure() {
        let read = |class, reason| permitted::<()>(Err(Failure::new(class, reason, "x")));
        for reason in ["PermissionMissing", "LicenceMissing"] {
            assert_eq!(read(Class::Denied, reason).ok(), Some(None), "{reason}");
        }
        for reason in ["ClientSecretWrong", "ClientSecretExpired", "TokenRefused", "ApplicationNotInstalled"] {
            assert_eq!(read(Class::Denied, reason).unwrap_err().reason, reason);
        }
    }
}
