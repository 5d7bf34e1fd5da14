//! Whom provisioning covers, as the new application stands now, and what is expected of each user.

use std::collections::BTreeSet;

use k8s_openapi::jiff::Timestamp;

use super::Pass;
use super::groups::{WithMembers, assigned_to, group, look_up, with_members};
use super::observe::{Sight, access, entra_users_of, is_there, told, verified};
use crate::controller::Connector;
use crate::devolutions::{DevolutionsCloud as _, Group, User, UserId};
use crate::entra::{Entra as _, Member, ServicePrincipal};
use crate::error::Failure;
use crate::plan::Refusal;
use crate::plan::forecast::{Access, Assigned, Ground, UserForecast, Waivers, forecast};
use crate::plan::preflight::{AssignedGroup, Current, Principal, choose, unusable};
use crate::plan::verification::ExpectedGroup;
use crate::store::MigrationCheckpoint;

/// Whom provisioning covers.
pub(super) struct Scope {
    /// The new application.
    pub principal: ServicePrincipal,
    /// Who is assigned to it.
    pub assigned: Vec<(Principal, Assigned)>,
    /// Groups of the spec that are not.
    pub to_assign: Vec<(Principal, Assigned)>,
    /// Every user of Devolutions Cloud.
    pub users: Vec<User>,
    /// Every group of Devolutions Cloud.
    pub groups: Vec<Group>,
    /// What there is to say of the groups that are assigned, or are to be.
    pub about_groups: Vec<AssignedGroup>,
    /// What is expected of each user.
    pub forecast: Vec<UserForecast>,
    /// Who need not come along.
    pub waivers: Waivers,
    /// Who will be able to sign in once `to_assign` are assigned, and cannot now: only after the cut-over.
    pub gaining: BTreeSet<String>,
}

impl Scope {
    /// Who is assigned, or is to be.
    pub fn principals(&self) -> Vec<Principal> {
        self.assigned.iter().chain(&self.to_assign).map(|(principal, _)| principal.clone()).collect()
    }

    /// Who is to be assigned.
    pub fn newcomers(&self) -> Vec<Principal> {
        self.to_assign.iter().map(|(principal, _)| principal.clone()).collect()
    }

    /// The groups that are assigned, with their direct members.
    pub fn expected_groups(&self) -> Vec<ExpectedGroup> {
        let group = |(principal, assigned): &(Principal, Assigned)| match assigned {
            Assigned::User(_) => None,
            Assigned::Group { members, .. } => Some(ExpectedGroup {
                group: principal.clone(),
                members: members
                    .iter()
                    .filter_map(|member| match member {
                        Member::User(id) => Some(*id),
                        Member::Group(_) | Member::Other(_) => None,
                    })
                    .collect(),
            }),
        };
        self.assigned.iter().filter_map(group).collect()
    }
}

impl<K: Connector> Pass<'_, K> {
    /// Reads it all. Who could sign in before is judged by the old application, as long as that is there.
    pub(super) async fn scope(
        &self,
        checkpoint: &MigrationCheckpoint,
        principal: ServicePrincipal,
        sight: Option<&Sight>,
    ) -> Result<Result<Scope, Refusal>, Failure> {
        let (assigned, mut about_groups) = assigned_to(&self.about(principal.clone()).await?, self.entra).await?;
        // Nobody comes by a group that is gone from Entra ID, though it is listed for a while.
        let assigned: Vec<_> = assigned.into_iter().filter(|(who, _)| is_there(who, &about_groups)).collect();
        let to_assign = match sight {
            // Before the cut-over whoever comes to be assigned to the old application is to be to the new one, too.
            Some(sight) => Ok(sight.all_to_assign(&self.object.spec)),
            None => self.of_spec().await?,
        };
        let (mut to_assign, about) = match to_assign {
            Ok(to_assign) => to_assign,
            Err(refusal) => return Ok(Err(refusal)),
        };
        to_assign.retain(|(who, _)| !assigned.iter().any(|(there, _)| there.id == who.id));
        about_groups.extend(about);
        let after = access(&principal, assigned.iter().chain(&to_assign));
        let today = match self.entra.service_principal(&checkpoint.before.client_id).await? {
            // Nobody knows any more who could: whoever will not be able to is missed, then.
            None => Access::by(false, []),
            Some(old) => {
                let (assigned, _) = assigned_to(&self.about(old.clone()).await?, self.entra).await?;
                access(&old, &assigned)
            }
        };
        let (users, groups) = (self.cloud.users().await?, self.cloud.groups().await?);
        let operations = self.cloud.operations().await?;
        let can = operations.iter().any(|operation| operation == "listDomains");
        let domains = told(can.then_some("listDomains"), self.cloud.domains()).await?;
        let entra_users = entra_users_of(&users, self.entra).await?;
        let waivers = Waivers::in_force(&self.object.spec.verification.waivers, Timestamp::now());
        let verified_domains = verified(domains.as_deref());
        let ground = Ground {
            users: &users,
            entra_users: &entra_users,
            verified_domains: verified_domains.as_ref(),
            today: &today,
            after: &after,
            waivers: &waivers,
        };
        let scope = forecast(&ground).and_then(|coming| {
            // Before the cut-over being assigned lets nobody in.
            let gaining = if sight.is_some() || to_assign.is_empty() {
                BTreeSet::new()
            } else {
                let now = access(&principal, &assigned);
                gaining(&forecast(&Ground { after: &now, ..ground })?, &coming)
            };
            Ok((coming, gaining))
        });
        Ok(scope.map(|(forecast, gaining)| Scope {
            principal,
            assigned,
            to_assign,
            users,
            groups,
            about_groups,
            forecast,
            waivers,
            gaining,
        }))
    }

    /// The groups of the spec: one may have been added since the cut-over.
    async fn of_spec(&self) -> Result<Result<WithMembers, Refusal>, Failure> {
        let mut groups = Vec::new();
        for reference in &self.object.spec.assignments.groups {
            let wanted = look_up(reference.clone(), self.entra).await?;
            if let Some(refusal) = unusable(&wanted) {
                return Ok(Err(refusal));
            }
            groups.extend(choose(&wanted.reference, &wanted.found).map(group));
        }
        with_members(groups, self.entra).await.map(Ok)
    }

    async fn about(&self, principal: ServicePrincipal) -> Result<Current, Failure> {
        let assignments = self.entra.assignments(&principal).await?;
        Ok(Current { application: None, assignments, policies: None, principal })
    }
}

/// Who gets in by the second of two forecasts of the same users, and not by the first.
fn gaining(now: &[UserForecast], then: &[UserForecast]) -> BTreeSet<String> {
    let able: BTreeSet<UserId> = now.iter().filter(|user| user.after.is_yes()).map(|user| user.id).collect();
    let newly = then.iter().filter(|user| user.after.is_yes() && !able.contains(&user.id));
    newly.map(|user| user.label.clone()).collect()
}
