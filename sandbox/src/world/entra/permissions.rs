//! Application permissions of Microsoft Graph: the app roles of its service principal.

use uuid::Uuid;

/// The appId of Microsoft Graph, the same in every tenant.
pub const GRAPH_APP_ID: Uuid = Uuid::from_u128(0x0000_0003_0000_0000_c000_0000_0000_0000);

/// Name, id and display name of the permissions that this sandbox knows
/// (<https://learn.microsoft.com/en-us/graph/permissions-reference>).
pub const PERMISSIONS: &[(&str, &str, &str)] = &[
    ("Application.Read.All", "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30", "Read all applications"),
    ("Application.ReadWrite.All", "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9", "Read and write all applications"),
    (
        "Application.ReadWrite.OwnedBy",
        "18a4783c-866b-4cc7-a460-3d5e5662c884",
        "Manage apps that this app creates or owns",
    ),
    (
        "AppRoleAssignment.ReadWrite.All",
        "06b708a9-e830-4db3-a914-8e69da51d44f",
        "Manage app permission grants and app role assignments",
    ),
    ("AuditLog.Read.All", "b0afded3-3588-46d8-8b3d-9842eff778da", "Read all audit log data"),
    (
        "DelegatedPermissionGrant.ReadWrite.All",
        "8e8e4742-1d95-4f68-9d56-6ee75648c72a",
        "Manage all delegated permission grants",
    ),
    ("Directory.Read.All", "7ab1d382-f21e-4acd-a863-ba3e13f7da61", "Read directory data"),
    ("Directory.ReadWrite.All", "19dbc75e-c2e2-444c-a770-ec69d8559fc7", "Read and write directory data"),
    ("Domain.Read.All", "dbb9058a-0e50-45d7-ae91-66909b5d4664", "Read domains"),
    ("Group.Create", "bf7b1a76-6e77-406b-b258-bf5c7720e98f", "Create groups"),
    ("Group.Read.All", "5b567255-7703-4780-807c-7be8301ae99b", "Read all groups"),
    ("Group.ReadWrite.All", "62a82d76-70ea-41e2-9197-370581804d09", "Read and write all groups"),
    ("GroupMember.Read.All", "98830695-27a2-44f7-8c18-0c3ebc9698f6", "Read all group memberships"),
    ("GroupMember.ReadBasic.All", "8222c640-cae5-4860-8d11-b32cfad95e03", "Read all group memberships"),
    ("GroupMember.ReadWrite.All", "dbaae8cf-10b5-4b86-a4a1-f871c94c6695", "Read and write all group memberships"),
    ("Organization.Read.All", "498476ce-e0fe-48b0-b801-37ba7e2685c6", "Read organization information"),
    ("Policy.Read.All", "246dd0d5-5bd0-4def-940b-0421030a5b68", "Read your organization's policies"),
    (
        "Policy.Read.ConditionalAccess",
        "37730810-e9ba-4e46-b07e-8ca78d182097",
        "Read your organization's conditional access policies",
    ),
    (
        "Policy.ReadWrite.ApplicationConfiguration",
        "be74164b-cff1-491c-8741-e671cb536e13",
        "Read and write your organization's application configuration policies",
    ),
    ("ProvisioningLog.Read.All", "091937d3-3e38-47a1-8649-b2f99d3035f1", "Read all provisioning log data"),
    ("Synchronization.Read.All", "5ba43d2f-fa88-4db2-bd1c-a67c5f0fb1ce", "Read all Azure AD synchronization data."),
    (
        "Synchronization.ReadWrite.All",
        "9b50c33d-700f-43b1-b2eb-87e89b703581",
        "Read and write all Azure AD synchronization data.",
    ),
    ("User.Read.All", "df021288-bdef-4463-88db-98f22de89214", "Read all users' full profiles and company properties"),
    ("User.ReadBasic.All", "97235f07-e226-4f63-ace3-39588e11d3a1", "Read all users' basic profiles"),
    ("User.ReadWrite.All", "741f803b-c850-494e-b5df-cde7c675a1ca", "Read and write all users' full profiles"),
];

/// The delegated permissions that an administrator consents to for a sign-in, from the same page.
pub const SCOPES: &[(&str, &str)] = &[
    ("User.Read", "e1fe6dd8-ba31-4d61-89e7-88639da4683d"),
    ("email", "64a6cdd6-aab1-4aaf-94b8-3cc8405e90d0"),
    ("offline_access", "7427e0e9-2fba-42fe-b0c0-848c9e6a8182"),
    ("openid", "37f7f235-527c-4136-accd-4a02d197296e"),
    ("profile", "14dad69e-099b-42c9-810b-d002981feec1"),
];

/// The id of a permission.
pub fn permission_id(name: &str) -> Option<Uuid> {
    PERMISSIONS.iter().find(|(it, ..)| *it == name).and_then(|(_, id, _)| id.parse().ok())
}

/// The name of a permission.
pub fn permission_name(id: Uuid) -> Option<&'static str> {
    PERMISSIONS.iter().find(|(_, it, _)| it.parse() == Ok(id)).map(|(name, ..)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_is_found_by_its_name_and_by_its_id() {
        for (name, ..) in PERMISSIONS {
            assert_eq!(permission_name(permission_id(name).unwrap()), Some(*name));
        }
        assert!(SCOPES.iter().all(|(_, id)| id.parse::<Uuid>().is_ok()));
        assert_eq!(permission_id("Everything.Read.All"), None);
    }
}
