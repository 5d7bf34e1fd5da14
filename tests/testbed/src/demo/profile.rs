//! How a tenant's servers behave where no public source tells: the demo has two, each with a tenant of its own.

/// One way to behave.
#[derive(Debug)]
pub(super) struct Profile {
    /// The namespace of the tenant's resources, and the name of the sandbox's folder.
    pub(super) namespace: &'static str,
    /// The sandbox's switches; its README has them.
    switches: &'static str,
    /// What that means, for people; after "where".
    pub(super) about: &'static str,
    /// Whether all groups have their members once everybody has come across.
    pub(super) groups_are_filled: bool,
    /// Whether people are known by their UPN, which their administrators know.
    pub(super) goes_by_upn: bool,
}

/// The likeliest answers.
pub(super) const LIKELY: Profile = Profile {
    namespace: "contoso",
    // Cycles of Entra's provisioning are 40 minutes apart; nobody would wait for the second.
    switches: "{provisioningCycleSeconds: 10}",
    about: "all is as it most likely is",
    groups_are_filled: true,
    goes_by_upn: false,
};

/// The others, as far as a migration can be done with them.
pub(super) const OTHERWISE: Profile = Profile {
    namespace: "contoso-otherwise",
    switches: "{provisioningCycleSeconds: 10, noETag: true, noIsSynced: true, matchUsersBy: upn, \
               membersAppearAtLogin: true, scimListsCustomGroups: true, scimDeletesUnassigned: true, \
               tokenLifetimeSeconds: 20, signInLogDelaySeconds: 2, \
               entraDelaySeconds: {assignments: 1, secrets: 1, jobs: 1, flaps: true}}",
    about: "permissions have no ETag, nobody is told to be synced, people are known by their UPN, groups get their \
            members when those sign in, and Entra ID shows secrets, assignments and that a job runs only after a while",
    groups_are_filled: false,
    goes_by_upn: true,
};

/// Both, the one that is shown first.
pub(super) const ALL: [&Profile; 2] = [&LIKELY, &OTHERWISE];

/// The company in numbers: the same seed makes the same one.
const WORLD: [&str; 11] =
    ["--seed", "1", "--users", "200", "--groups", "12", "--vaults", "40", "--entries", "600", "--unsynced"];

impl Profile {
    /// The sandbox's arguments.
    pub(super) fn world(&self) -> Vec<&'static str> {
        [&WORLD[..], &["--switches", self.switches]].concat()
    }
}
