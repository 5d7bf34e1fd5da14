//! What only shows after the preflight, and a person may accept by its reason.

/// The first user was brought across and is not shown as synced: a server may keep back what it is sent until
/// synchronization is activated.
pub const CANARY_NOT_SEEN: &str = "CanaryNotSeen";
/// Permissions hang on groups that only the new application fills.
pub const REPLACEMENTS_DEPEND_ON_IT: &str = "ReplacementsDependOnIt";
/// Somebody still signs in by the old application.
pub const OLD_APPLICATION_IN_USE: &str = "OldApplicationInUse";
/// Provisioning runs, and who was to come across before it did is written down nowhere any more.
pub const EXPECTATION_MISSING: &str = "ExpectationMissing";

/// All of them. The preflight cannot say that there is nothing to accept.
pub(super) const ALL: [&str; 4] =
    [CANARY_NOT_SEEN, REPLACEMENTS_DEPEND_ON_IT, OLD_APPLICATION_IN_USE, EXPECTATION_MISSING];
