//! The operations of the contract: `operationId`, method and path.

use axum::http::Method;

/// All of them, as the document has them.
pub const OPERATIONS: &[(&str, &str, &str)] = &[
    ("login", "POST", "/login"),
    ("logout", "POST", "/logout"),
    ("getCapabilities", "GET", "/capabilities"),
    ("getMe", "GET", "/me"),
    ("listUsers", "GET", "/users"),
    ("getUser", "GET", "/users/{id}"),
    ("listGroups", "GET", "/groups"),
    ("getGroup", "GET", "/groups/{id}"),
    ("updateGroup", "PATCH", "/groups/{id}"),
    ("deleteGroup", "DELETE", "/groups/{id}"),
    ("addGroupMembers", "POST", "/groups/{id}/members"),
    ("removeGroupMember", "DELETE", "/groups/{id}/members/{userId}"),
    ("listVaults", "GET", "/vaults"),
    ("listVaultRoles", "GET", "/vault-roles"),
    ("listEntryRoles", "GET", "/entry-roles"),
    ("listEntries", "GET", "/vaults/{vaultId}/entries"),
    ("getSystemSettings", "GET", "/system-settings"),
    ("updateSystemSettings", "PATCH", "/system-settings"),
    ("listSiemLogs", "GET", "/siem-logs"),
    ("getSystemPermissions", "GET", "/system-permissions"),
    ("putSystemPermissionOfGroup", "PUT", "/system-permissions/groups/{groupId}"),
    ("deleteSystemPermissionOfGroup", "DELETE", "/system-permissions/groups/{groupId}"),
    ("putSystemPermissionOfUser", "PUT", "/system-permissions/users/{userId}"),
    ("deleteSystemPermissionOfUser", "DELETE", "/system-permissions/users/{userId}"),
    ("getSystemVaultPermissions", "GET", "/system-vault-permissions"),
    ("putSystemVaultPermissionOfGroup", "PUT", "/system-vault-permissions/groups/{groupId}"),
    ("deleteSystemVaultPermissionOfGroup", "DELETE", "/system-vault-permissions/groups/{groupId}"),
    ("putSystemVaultPermissionOfUser", "PUT", "/system-vault-permissions/users/{userId}"),
    ("deleteSystemVaultPermissionOfUser", "DELETE", "/system-vault-permissions/users/{userId}"),
    ("getVaultPermissions", "GET", "/vaults/{vaultId}/permissions"),
    ("putVaultPermissionOfGroup", "PUT", "/vaults/{vaultId}/permissions/groups/{groupId}"),
    ("deleteVaultPermissionOfGroup", "DELETE", "/vaults/{vaultId}/permissions/groups/{groupId}"),
    ("putVaultPermissionOfUser", "PUT", "/vaults/{vaultId}/permissions/users/{userId}"),
    ("deleteVaultPermissionOfUser", "DELETE", "/vaults/{vaultId}/permissions/users/{userId}"),
    ("getEntryPermissions", "GET", "/vaults/{vaultId}/entries/{entryId}/permissions"),
    ("putEntryPermissionOfGroup", "PUT", "/vaults/{vaultId}/entries/{entryId}/permissions/groups/{groupId}"),
    ("deleteEntryPermissionOfGroup", "DELETE", "/vaults/{vaultId}/entries/{entryId}/permissions/groups/{groupId}"),
    ("putEntryPermissionOfUser", "PUT", "/vaults/{vaultId}/entries/{entryId}/permissions/users/{userId}"),
    ("deleteEntryPermissionOfUser", "DELETE", "/vaults/{vaultId}/entries/{entryId}/permissions/users/{userId}"),
    ("getSsoConfiguration", "GET", "/authentication/sso"),
    ("saveSsoConfiguration", "PUT", "/authentication/sso"),
    ("testSsoConfiguration", "POST", "/authentication/sso/test"),
    ("listDomains", "GET", "/authentication/domains"),
    ("getProvisioning", "GET", "/authentication/provisioning"),
    ("enableProvisioning", "POST", "/authentication/provisioning"),
    ("deleteProvisioning", "DELETE", "/authentication/provisioning"),
    ("regenerateProvisioningToken", "POST", "/authentication/provisioning/token"),
    ("activateSynchronization", "POST", "/authentication/provisioning/activate"),
    ("listRequiredInvitations", "GET", "/invitations/required"),
];

/// The first of these names that no operation has.
pub fn unknown(names: &[String]) -> Option<&String> {
    names.iter().find(|name| !OPERATIONS.iter().any(|(id, ..)| id == name))
}

/// The operation that a request is, by its path below the base path.
pub fn operation(method: &Method, path: &str) -> Option<&'static str> {
    let fits = |pattern: &str| {
        let (mut wanted, mut found) = (pattern.split('/'), path.split('/'));
        (&mut wanted).zip(&mut found).all(|(wanted, found)| wanted == found || wanted.starts_with('{'))
            && pattern.split('/').count() == path.split('/').count()
    };
    OPERATIONS.iter().find(|(_, it, pattern)| method == it && fits(pattern)).map(|(id, ..)| *id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_one_operation() {
        assert_eq!(operation(&Method::GET, "/users"), Some("listUsers"));
        assert_eq!(operation(&Method::GET, "/users/7"), Some("getUser"));
        assert_eq!(operation(&Method::PUT, "/vaults/7/permissions/groups/9"), Some("putVaultPermissionOfGroup"));
        assert_eq!(operation(&Method::PUT, "/users"), None);
        assert_eq!(operation(&Method::GET, "/users/7/8"), None);
    }
}
