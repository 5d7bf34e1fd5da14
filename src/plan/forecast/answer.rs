//! The answers for one user.

use serde::{Deserialize, Serialize};

use super::{Access, Candidate, Ground};
use crate::devolutions::User;
use crate::entra::EntraUser;

/// An answer to one question about one user.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Answer {
    /// Yes.
    Yes,
    /// Yes, if Devolutions Cloud matches users by the one of two names that fits.
    DependsOnMatching,
    /// Yes, once the user has accepted the invitation.
    OnceJoined,
    /// No, for this one cause.
    No(Cause),
}

impl Answer {
    /// Whether it is a yes, if perhaps one that depends on something.
    #[must_use]
    pub fn is_yes(self) -> bool {
        !matches!(self, Self::No(_))
    }
}

/// Why not. Where several causes hold, the first one here is given: what is furthest from being mended by an assignment.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Cause {
    /// A program, not a person.
    ApplicationIdentity,
    /// It has no e-mail address to be matched by.
    NoEmail,
    /// It was invited and has not joined yet.
    NotJoined,
    /// It is disabled in Devolutions Cloud.
    DisabledInDevolutionsCloud,
    /// No Entra user has that e-mail address.
    NoEntraUser,
    /// More than one Entra user has that e-mail address.
    AmbiguousEntraUser,
    /// Its Entra user is another user's of Devolutions Cloud, too.
    SharedEntraUser,
    /// Its account is disabled in Entra ID.
    DisabledInEntra,
    /// Entra ID does not tell whether its account is enabled.
    EnabledUnknown,
    /// Its e-mail domain is not verified in Devolutions Cloud.
    DomainNotVerified,
    /// The application is disabled in Entra ID.
    ApplicationDisabled,
    /// It is only in a group within an assigned group.
    OnlyInNestedGroup,
    /// It is not assigned to the application.
    NotAssigned,
}

impl Cause {
    /// The cause in a word, as the serialised form has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ApplicationIdentity => "ApplicationIdentity",
            Self::NoEmail => "NoEmail",
            Self::NotJoined => "NotJoined",
            Self::DisabledInDevolutionsCloud => "DisabledInDevolutionsCloud",
            Self::NoEntraUser => "NoEntraUser",
            Self::AmbiguousEntraUser => "AmbiguousEntraUser",
            Self::SharedEntraUser => "SharedEntraUser",
            Self::DisabledInEntra => "DisabledInEntra",
            Self::EnabledUnknown => "EnabledUnknown",
            Self::DomainNotVerified => "DomainNotVerified",
            Self::ApplicationDisabled => "ApplicationDisabled",
            Self::OnlyInNestedGroup => "OnlyInNestedGroup",
            Self::NotAssigned => "NotAssigned",
        }
    }

    /// What it means, for people.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::ApplicationIdentity => "an application identity, which never signs in this way",
            Self::NoEmail => "has no e-mail address to be matched by",
            Self::NotJoined => "was invited and has not joined yet",
            Self::DisabledInDevolutionsCloud => "disabled in Devolutions Cloud",
            Self::NoEntraUser => "no Entra user has this e-mail address",
            Self::AmbiguousEntraUser => "more than one Entra user has this e-mail address",
            Self::SharedEntraUser => "its Entra user fits another user of Devolutions Cloud, too",
            Self::DisabledInEntra => "disabled in Entra ID",
            Self::EnabledUnknown => "Entra ID does not tell whether the account is enabled",
            Self::DomainNotVerified => "the e-mail domain is not verified in Devolutions Cloud",
            Self::ApplicationDisabled => "the application is disabled in Entra ID",
            Self::OnlyInNestedGroup => "only in a group within an assigned group, which counts for nothing",
            Self::NotAssigned => "not assigned to the application",
        }
    }

    /// What helps, for people.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::ApplicationIdentity => "Nothing to do.",
            Self::NoEmail => "Give the user an e-mail address, or waive it.",
            Self::NotJoined => "Nothing to do: whoever joins later comes with the new application.",
            Self::DisabledInDevolutionsCloud => "Nothing to do, unless the user is to work again.",
            Self::NoEntraUser => {
                "Make the e-mail address in Devolutions Cloud and the user principal name or mail address in Entra ID the same, or leave it if this person signs in with a Devolutions Account."
            }
            Self::AmbiguousEntraUser => {
                "See to it that only one Entra user has this address as user principal name or mail address."
            }
            Self::SharedEntraUser => {
                "See to it that the user principal name and the mail address of an Entra user are those of one user of Devolutions Cloud only."
            }
            Self::EnabledUnknown => "See that the operator's application may read this user, such as by User.Read.All.",
            Self::DisabledInEntra => "Nothing to do, unless the user is to work again: then enable the account.",
            Self::DomainNotVerified => {
                "Verify the domain in Administration - Authentication - Domain, or waive it with verification.waivers."
            }
            Self::ApplicationDisabled => "Enable the enterprise application for sign-in in Entra ID.",
            Self::OnlyInNestedGroup => {
                "Make the user a direct member of an assigned group, or add the inner group to assignments.groups."
            }
            Self::NotAssigned => "Add a group that the user is a direct member of to assignments.groups.",
        }
    }

    /// Whether no assignment and no set-up could ever make such a user come from Entra ID.
    pub(super) fn is_beyond_reach(self) -> bool {
        match self {
            Self::ApplicationIdentity | Self::NotJoined | Self::DisabledInDevolutionsCloud | Self::DisabledInEntra => {
                true
            }
            Self::NoEmail
            | Self::NoEntraUser
            | Self::AmbiguousEntraUser
            | Self::SharedEntraUser
            | Self::EnabledUnknown
            | Self::DomainNotVerified
            | Self::ApplicationDisabled
            | Self::OnlyInNestedGroup
            | Self::NotAssigned => false,
        }
    }
}

/// Can this user sign in by the current application? In doubt yes: what might be had can be lost. One without an Entra
/// user of that address gets a no all the same, for nothing tells which account it might be; that is a finding.
pub(super) fn today(user: &User, candidates: &[Candidate<'_>], ground: &Ground<'_>) -> Answer {
    unable(user).map_or_else(|| joined(user, able_today(candidates, ground)), Answer::No)
}

/// Will this user be able to sign in by the new application? In doubt no.
pub(super) fn after(user: &User, candidates: &[Candidate<'_>], ground: &Ground<'_>) -> Answer {
    unable(user).map_or_else(|| joined(user, able_after(user, candidates, ground)), Answer::No)
}

/// An invitation has a key of its own, so that whoever has not accepted it does not get in by signing in alone
/// (<https://docs.devolutions.net/cloud/>, Invite users; that signing in alone does not do is inferred).
fn joined(user: &User, answer: Answer) -> Answer {
    if user.is_pending() && answer.is_yes() { Answer::OnceJoined } else { answer }
}

fn able_today(candidates: &[Candidate<'_>], ground: &Ground<'_>) -> Answer {
    let answers: Vec<Answer> =
        candidates.iter().map(|candidate| signs_in(*candidate, ground.today, Doubt::Yes)).collect();
    match answers.as_slice() {
        [] => Answer::No(Cause::NoEntraUser),
        [one] => *one,
        several if several.iter().any(|a| a.is_yes()) => Answer::DependsOnMatching,
        _ => Answer::No(Cause::AmbiguousEntraUser),
    }
}

fn able_after(user: &User, candidates: &[Candidate<'_>], ground: &Ground<'_>) -> Answer {
    let verified = is_verified(user, ground);
    let answer = |candidate: &Candidate<'_>| match disabled(candidate.user, Doubt::No) {
        None if !verified => Answer::No(Cause::DomainNotVerified),
        _ => signs_in(*candidate, ground.after, Doubt::No),
    };
    match candidates {
        [] => Answer::No(Cause::NoEntraUser),
        [one] => answer(one),
        // Whichever account it is that gets in today, that one must.
        several => {
            let today: Vec<&Candidate<'_>> =
                several.iter().filter(|candidate| signs_in(**candidate, ground.today, Doubt::Yes).is_yes()).collect();
            let must = if today.is_empty() { several.iter().collect() } else { today };
            if must.into_iter().all(|candidate| answer(candidate).is_yes()) {
                Answer::DependsOnMatching
            } else {
                Answer::No(Cause::AmbiguousEntraUser)
            }
        }
    }
}

/// Will provisioning flag this user as synced? It covers those who are assigned, whether or not the application asks
/// for an assignment (the scope "assigned users and groups").
pub(super) fn synced(user: &User, candidates: &[Candidate<'_>], ground: &Ground<'_>) -> Answer {
    if let Some(cause) = unable(user) {
        return Answer::No(cause);
    }
    if user.is_pending() {
        return Answer::No(Cause::NotJoined);
    }
    let candidate = match candidates {
        [] => return Answer::No(Cause::NoEntraUser),
        [one] => *one,
        _ => return Answer::No(Cause::AmbiguousEntraUser),
    };
    if candidate.is_shared {
        return Answer::No(Cause::SharedEntraUser);
    }
    if let Some(cause) = disabled(candidate.user, Doubt::No) {
        return Answer::No(cause);
    }
    if !is_verified(user, ground) {
        return Answer::No(Cause::DomainNotVerified);
    }
    if let Some(cause) = not_entitled(candidate.user, ground.after) {
        return Answer::No(cause);
    }
    yes(candidate)
}

/// Would provisioning disable this user? It covers a user whose account is disabled, finds an enabled one in Devolutions
/// Cloud, and the default mapping flows "is it disabled" into `active`. That this happens to a user whom it did not
/// create is inferred from
/// <https://learn.microsoft.com/entra/identity/app-provisioning/how-provisioning-works#deprovisioning>.
pub(super) fn is_disabled_by_provisioning(user: &User, candidates: &[Candidate<'_>], ground: &Ground<'_>) -> bool {
    let is_off = |c: &Candidate<'_>| c.user.account_enabled == Some(false);
    unable(user).is_none() && candidates.iter().any(|c| is_off(c) && ground.after.entitled.contains(&c.user.id))
}

/// Could an account get in that cannot today, while another of the same address can or could? It might get in as this
/// user.
pub(super) fn lets_another_in(user: &User, candidates: &[Candidate<'_>], ground: &Ground<'_>) -> bool {
    let newly = |c: &Candidate<'_>| {
        signs_in(*c, ground.after, Doubt::Yes).is_yes() && !signs_in(*c, ground.today, Doubt::No).is_yes()
    };
    unable(user).is_none() && candidates.len() > 1 && candidates.iter().any(newly)
}

/// What keeps a user from signing in and from being synced, whatever Entra ID says.
pub(super) fn unable(user: &User) -> Option<Cause> {
    if user.is_application() {
        Some(Cause::ApplicationIdentity)
    } else if user.address().is_empty() {
        Some(Cause::NoEmail)
    } else if !user.is_enabled {
        Some(Cause::DisabledInDevolutionsCloud)
    } else {
        None
    }
}

/// For what an account is taken of which Entra ID does not tell whether it is enabled.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Doubt {
    Yes,
    No,
}

fn signs_in(candidate: Candidate<'_>, access: &Access, doubt: Doubt) -> Answer {
    if let Some(cause) = disabled(candidate.user, doubt) {
        return Answer::No(cause);
    }
    if !access.is_enabled {
        return Answer::No(Cause::ApplicationDisabled);
    }
    if access.is_assignment_required
        && let Some(cause) = not_entitled(candidate.user, access)
    {
        return Answer::No(cause);
    }
    yes(candidate)
}

fn not_entitled(user: &EntraUser, access: &Access) -> Option<Cause> {
    if access.entitled.contains(&user.id) {
        None
    } else if access.nested.contains(&user.id) {
        Some(Cause::OnlyInNestedGroup)
    } else {
        Some(Cause::NotAssigned)
    }
}

fn yes(candidate: Candidate<'_>) -> Answer {
    if candidate.is_certain && !candidate.is_shared { Answer::Yes } else { Answer::DependsOnMatching }
}

fn disabled(user: &EntraUser, doubt: Doubt) -> Option<Cause> {
    match user.account_enabled {
        Some(true) => None,
        Some(false) => Some(Cause::DisabledInEntra),
        None => (doubt == Doubt::No).then_some(Cause::EnabledUnknown),
    }
}

/// "Only users with emails whose domains have been verified are allowed to log in via SSO or be provisioned via SCIM"
/// (<https://docs.devolutions.net/cloud/>, Configure SSO authentication with Okta). Where the server cannot tell,
/// that is a finding of its own, which names the domains.
fn is_verified(user: &User, ground: &Ground<'_>) -> bool {
    ground.verified_domains.is_none_or(|verified| user.domain().is_some_and(|domain| verified.contains(&domain)))
}
