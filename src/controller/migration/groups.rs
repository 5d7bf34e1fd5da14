//! Who is assigned to an application, and who is in the groups.

use std::collections::BTreeSet;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use uuid::Uuid;

use crate::api::EntraGroupRef;
use crate::entra::{Entra, EntraGroup, Member};
use crate::error::{Class, Failure};
use crate::plan::forecast::Assigned;
use crate::plan::preflight::{AssignedGroup, Current, Principal, WantedGroup};

/// How many groups are read at once.
pub(super) const GROUPS_AT_ONCE: usize = 4;

/// Principals with what is in each, and what there is to say of those that are groups.
pub(super) type WithMembers = (Vec<(Principal, Assigned)>, Vec<AssignedGroup>);

/// Who is assigned to the current application, with what is in each group.
pub(super) async fn assigned_to<E: Entra>(current: &Current, entra: &E) -> Result<WithMembers, Failure> {
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
    let mut groups = Vec::new();
    for named in principal("Group") {
        match entra.group(named.id).await? {
            Some(found) => groups.push((named, found)),
            None => all.push((named, Assigned::Group { members: Vec::new(), within: Vec::new() })),
        }
    }
    let gone: Vec<AssignedGroup> = all
        .iter()
        .filter(|(principal, _)| principal.kind == "Group")
        .map(|(group, _)| AssignedGroup {
            id: group.id,
            name: group.name.clone(),
            is_gone: true,
            ..AssignedGroup::default()
        })
        .collect();
    let (with_members, mut about) = with_members(groups, entra).await?;
    all.extend(with_members);
    about.extend(gone);
    Ok((all, about))
}

pub(super) async fn with_members<E: Entra>(
    groups: Vec<(Principal, EntraGroup)>,
    entra: &E,
) -> Result<WithMembers, Failure> {
    let read = |(principal, group): (Principal, EntraGroup)| async move {
        let assigned = members(&principal, entra).await?;
        let about = AssignedGroup {
            id: principal.id,
            name: principal.name.clone(),
            nests: nests(&assigned),
            hides_members: group.visibility.as_deref() == Some("HiddenMembership"),
            is_gone: false,
        };
        Ok::<_, Failure>(((principal, assigned), about))
    };
    let all: Vec<_> = stream::iter(groups).map(read).buffered(GROUPS_AT_ONCE).try_collect().await?;
    Ok(all.into_iter().unzip())
}

pub(super) fn group(found: &EntraGroup) -> (Principal, EntraGroup) {
    let name = found.display_name.clone().unwrap_or_default();
    (Principal { kind: "Group".to_owned(), name, id: found.id }, found.clone())
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
    let contains_groups = members.iter().any(|member| matches!(member, Member::Group(_)));
    let within: Vec<Uuid> =
        if contains_groups { entra.users_within(group.id, &label).await?.ok_or_else(gone)? } else { Vec::new() };
    Ok(Assigned::Group { members, within })
}

fn nests(assigned: &Assigned) -> bool {
    match assigned {
        Assigned::User(_) => false,
        Assigned::Group { members, .. } => members.iter().any(|member| matches!(member, Member::Group(_))),
    }
}

pub(super) async fn look_up<E: Entra>(reference: EntraGroupRef, entra: &E) -> Result<WantedGroup, Failure> {
    let found = match (&reference.id, &reference.display_name) {
        (Some(id), _) => match Uuid::parse_str(id) {
            Ok(id) => entra.group(id).await?.into_iter().collect(),
            Err(_) => Vec::new(),
        },
        // A name that cannot even be looked for is one that there is not.
        (None, Some(name)) => match entra.groups_named(name).await {
            Err(failure) if failure.reason == "NameTooLong" => Vec::new(),
            found => found?,
        },
        (None, None) => Vec::new(),
    };
    Ok(WantedGroup { reference, found })
}
