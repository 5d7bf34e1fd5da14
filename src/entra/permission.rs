//! The application permissions of Microsoft Graph that the operator needs, and what for
//! (<https://learn.microsoft.com/graph/permissions-reference>).

use std::collections::BTreeSet;

/// A permission, or another that includes it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Needed {
    /// The least privileged one.
    pub name: &'static str,
    /// Others that include it.
    pub or: &'static [&'static str],
    /// What cannot be done without it.
    pub what_for: &'static str,
    /// Whether the rest works without it.
    pub is_optional: bool,
}

/// All of them.
pub const NEEDED: [Needed; 10] = [
    Needed {
        name: "Application.Read.All",
        or: &["Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
        what_for: "reading the current application and who is assigned to it",
        is_optional: false,
    },
    Needed {
        name: "GroupMember.Read.All",
        or: &[
            "Group.Read.All",
            "GroupMember.ReadWrite.All",
            "Group.ReadWrite.All",
            "Directory.Read.All",
            "Directory.ReadWrite.All",
        ],
        what_for: "reading groups and their members",
        is_optional: false,
    },
    Needed {
        name: "User.Read.All",
        or: &["User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
        what_for: "reading addresses of users and whether their accounts are enabled",
        is_optional: false,
    },
    Needed {
        name: POLICIES,
        or: &[],
        what_for: "reading Conditional Access and the other policies that would not follow to the new application",
        is_optional: true,
    },
    Needed {
        name: APPLICATIONS,
        or: &[],
        what_for: "making the new application, and a client secret on the old one for the way back",
        is_optional: true,
    },
    Needed {
        name: ASSIGNMENTS,
        or: &[],
        what_for: "assigning people and groups to the new application",
        is_optional: true,
    },
    Needed {
        name: CONSENT,
        or: &["Directory.ReadWrite.All"],
        what_for: "consenting that the new application may read who signs in",
        is_optional: true,
    },
    Needed {
        name: SIGN_INS,
        or: &[],
        what_for: "seeing that people sign in by the new application, without which nothing is brought back by itself",
        is_optional: true,
    },
    Needed {
        name: SYNCHRONIZATION,
        or: &[],
        what_for: "setting provisioning up, and seeing how far it is",
        is_optional: true,
    },
    Needed {
        name: PROVISIONING_LOG,
        or: &[SIGN_INS, "Directory.Read.All"],
        what_for: "telling why somebody was not brought across",
        is_optional: true,
    },
];

/// The permissions without which `mode: Apply` cannot do all of its work, where nobody else has done it.
pub const TO_APPLY: [&str; 3] = [APPLICATIONS, ASSIGNMENTS, CONSENT];

/// The permission without which `spec.provisioning` cannot be done, where nobody else has done it.
pub const TO_PROVISION: [&str; 1] = [SYNCHRONIZATION];

/// The permission to write applications. `Application.ReadWrite.OwnedBy` does for the new one, and for the old one only
/// where our application is an owner of it.
pub const APPLICATIONS: &str = "Application.ReadWrite.All";
/// The permission to assign.
pub const ASSIGNMENTS: &str = "AppRoleAssignment.ReadWrite.All";
/// The permission to consent, and to read what was consented to.
pub const CONSENT: &str = "DelegatedPermissionGrant.ReadWrite.All";
/// The permission to read the sign-in log.
pub const SIGN_INS: &str = "AuditLog.Read.All";

/// The permission to set provisioning up. The documentation lets an owner do without it; people report otherwise
/// (<https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/8800>).
pub const SYNCHRONIZATION: &str = "Synchronization.ReadWrite.All";
/// The permission to read the provisioning log.
pub const PROVISIONING_LOG: &str = "ProvisioningLog.Read.All";

/// The permission without which no policy is looked at.
pub const POLICIES: &str = "Policy.Read.All";

/// Those of [`NEEDED`] that `found` does not contain.
#[must_use]
pub fn missing(found: &BTreeSet<String>) -> Vec<Needed> {
    let has = |needed: &Needed| found.contains(needed.name) || needed.or.iter().any(|name| found.contains(*name));
    NEEDED.into_iter().filter(|needed| !has(needed)).collect()
}

#[cfg(test)]
mod tests {

    #[test]
    fn a_larger_permission_counts_for_the_smaller_one_and_nothing_for_the_policies() {
        let others = [super::SIGN_INS, super::SYNCHRONIZATION, super::PROVISIONING_LOG];
        let to_work = |name: &&str| super::TO_APPLY.contains(name) || others.contains(name);
        let missing = |found: &[&str]| -> Vec<&str> {
            let all = super::missing(&found.iter().map(ToString::to_string).collect());
            all.into_iter().map(|n| n.name).filter(|name| !to_work(name)).collect()
        };
        assert_eq!(missing(&["Directory.Read.All"]), ["Policy.Read.All"]);
        assert_eq!(
            missing(&["User.ReadBasic.All", "Policy.Read.All"]),
            ["Application.Read.All", "GroupMember.Read.All", "User.Read.All"]
        );
    }
}
