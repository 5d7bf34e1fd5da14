//! Who is still to be assigned to the new application. Nobody is ever unassigned: what Devolutions Cloud does to a group
//! that leaves the application is unknown, and permissions may hang on it.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::Refusal;
use super::preflight::Principal;
use crate::entra::{Assignment, ServicePrincipal};

/// The name of the role that an application from the template has for people.
const USER: &str = "User";

/// Those who are not assigned yet.
#[must_use]
pub fn missing<'a>(wanted: &'a [Principal], assigned: &[Assignment]) -> Vec<&'a Principal> {
    let there: BTreeSet<Uuid> = assigned.iter().map(|a| a.principal_id).collect();
    wanted.iter().filter(|principal| !there.contains(&principal.id)).collect()
}

/// Users and groups that are assigned and that nothing asks for, by name.
#[must_use]
pub fn unmanaged(wanted: &[Principal], assigned: &[Assignment]) -> BTreeSet<String> {
    let asked: BTreeSet<Uuid> = wanted.iter().map(|principal| principal.id).collect();
    let other = |a: &&Assignment| !asked.contains(&a.principal_id) && a.principal_type != "ServicePrincipal";
    let name = |a: &Assignment| a.principal_display_name.clone().unwrap_or_else(|| a.principal_id.to_string());
    assigned.iter().filter(other).map(name).collect()
}

/// The role in which people are assigned: that for users, or the default one where the application has none at all
/// (<https://learn.microsoft.com/graph/api/serviceprincipal-post-approleassignedto>).
pub fn role(principal: &ServicePrincipal) -> Result<Uuid, Refusal> {
    if principal.app_roles.is_empty() {
        return Ok(Uuid::nil());
    }
    let for_people =
        || principal.app_roles.iter().filter(|r| r.is_enabled && r.allowed_member_types.iter().any(|t| t == USER));
    let named = for_people().find(|role| role.display_name.as_deref() == Some(USER));
    named.or_else(|| for_people().next()).map(|role| role.id).ok_or_else(|| {
        Refusal::new(
            "NoRoleForUsers",
            format!(
                "The application \"{}\" has no app role that users and groups can be assigned in. Enable its role User.",
                principal.label()
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn principal(kind: &str, id: u128) -> Principal {
        Principal { kind: kind.to_owned(), name: format!("{kind} {id}"), id: Uuid::from_u128(id) }
    }

    fn assignment(kind: &str, id: u128) -> Assignment {
        Assignment {
            principal_id: Uuid::from_u128(id),
            principal_type: kind.to_owned(),
            principal_display_name: Some(format!("{kind} {id}")),
        }
    }

    #[test]
    fn who_is_there_is_not_asked_for_again_and_others_are_named_and_stay() {
        let wanted = [principal("Group", 1), principal("User", 2), principal("User", 3)];
        let assigned =
            [assignment("User", 2), assignment("User", 2), assignment("Group", 9), assignment("ServicePrincipal", 8)];
        let names: Vec<&str> = missing(&wanted, &assigned).iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["Group 1", "User 3"]);
        assert_eq!(Vec::from_iter(unmanaged(&wanted, &assigned)), ["Group 9"]);
        assert!(missing(&[], &assigned).is_empty());
    }

    #[test]
    fn the_role_is_that_for_people() {
        let with = |roles: serde_json::Value| -> ServicePrincipal {
            serde_json::from_value(json!({"id": Uuid::nil(), "appId": "a", "appRoles": roles})).unwrap()
        };
        let role_of = |id: u128, name: &str, enabled: bool, kind: &str| json!({"id": Uuid::from_u128(id), "displayName": name, "isEnabled": enabled, "allowedMemberTypes": [kind]});
        assert_eq!(role(&with(json!([]))), Ok(Uuid::nil()));
        let both = with(json!([role_of(1, "msiam_access", true, "User"), role_of(2, "User", true, "User")]));
        assert_eq!(role(&both), Ok(Uuid::from_u128(2)));
        let renamed = with(json!([role_of(1, "User", false, "User"), role_of(2, "Member", true, "User")]));
        assert_eq!(role(&renamed), Ok(Uuid::from_u128(2)));
        let none = with(json!([role_of(1, "User", true, "Application")]));
        assert_eq!(role(&none).unwrap_err().reason, "NoRoleForUsers");
    }
}
