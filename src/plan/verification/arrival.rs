//! What became of one user: synced, or missing for one cause.

use super::Ground;
use crate::devolutions::User;
use crate::entra::ProvisioningResult;
use crate::plan::forecast::{Answer, Cause, Class, UserForecast};

/// Why a user who should be synced is not.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Absence {
    /// Provisioning does not cover it.
    NotCovered(Cause),
    /// It was enabled in Devolutions Cloud when it was first expected, and is not any more.
    DisabledSince,
    /// It was a user of Devolutions Cloud then, and is none any more.
    Gone,
    /// Entra ID tried, and it failed, or it left the user out; with Microsoft's word for why.
    Failed(String),
    /// Entra ID brought it across, and Devolutions Cloud has not taken it for this user.
    NotMatched,
    /// Entra ID brought it across, the server tells of nobody whether they are synced, and whether it was taken for this
    /// user depends on which of two names counts.
    Unproven,
    /// Entra ID has not come to it.
    NotReached,
    /// The log of what Entra ID did may not be read.
    Unknown,
}

impl Absence {
    /// The cause in a word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::NotCovered(cause) => cause.as_str(),
            Self::DisabledSince => "DisabledSince",
            Self::Gone => "Gone",
            Self::Failed(_) => "ProvisioningFailed",
            Self::NotMatched => "NotMatched",
            Self::Unproven => "Unproven",
            Self::NotReached => "NotReached",
            Self::Unknown => "Unknown",
        }
    }

    /// What helps, for people.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::NotCovered(Cause::DisabledInEntra) => {
                "If the person has left, waive it in verification.waivers; if not, enable the account in Entra ID.".to_owned()
            }
            Self::NotCovered(cause) => cause.remedy().to_owned(),
            Self::DisabledSince => {
                "It was enabled in Devolutions Cloud before provisioning began. If a person has disabled it, waive it in verification.waivers; if not, pause provisioning, enable the user, and find out why."
                    .to_owned()
            }
            Self::Gone => {
                "It was a user of Devolutions Cloud before and is none any more. If that is meant, waive it in verification.waivers."
                    .to_owned()
            }
            Self::Failed(code) => format!(
                "Microsoft's word for it is {code}: look the user up in the application's provisioning log. It is tried again in each cycle."
            ),
            Self::NotMatched => {
                "Entra ID has brought this user across as somebody else, or as somebody to be invited: make the e-mail address in Devolutions Cloud and the user principal name and mail address in Entra ID the same."
                    .to_owned()
            }
            Self::Unproven => {
                "Its e-mail address in Devolutions Cloud is, or was when it was brought across, its user principal name or its mail address in Entra ID, but not both, and this server does not tell who is synced. Look in Administration - Users whether it has the icon Is sync, and if so, waive it in verification.waivers."
                    .to_owned()
            }
            Self::NotReached => {
                "Nothing to do as yet: provisioning comes to it in a later cycle. If that lasts, restart provisioning."
                    .to_owned()
            }
            Self::Unknown => {
                "Grant the operator's application ProvisioningLog.Read.All to learn why, or look the user up in the application's provisioning log."
                    .to_owned()
            }
        }
    }

    /// Whether it passes by itself.
    #[must_use]
    pub fn passes(&self) -> bool {
        *self == Self::NotReached
    }
}

/// What became of one user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Arrival {
    /// It is synced.
    Synced,
    /// It should be and is not.
    Missing(Absence),
    /// It need not be.
    NotApplicable,
    /// A waiver lets it off.
    Waived,
}

/// Judges one user.
pub(super) fn arrival(forecast: &UserForecast, user: Option<&User>, ground: &Ground<'_>) -> Arrival {
    let was_expected = ground.expectation.users.contains_key(&forecast.id);
    let found = match (forecast.class, forecast.synced) {
        (Class::NotApplicable, _) if !was_expected => return Arrival::NotApplicable,
        (_, Answer::No(Cause::DisabledInDevolutionsCloud)) if was_expected => Arrival::Missing(Absence::DisabledSince),
        // It may be flagged from before: what counts is whether this application brings it.
        (_, Answer::No(cause)) => Arrival::Missing(Absence::NotCovered(cause)),
        _ => covered(forecast, user, ground),
    };
    if found != Arrival::Synced && forecast.waived.is_some() { Arrival::Waived } else { found }
}

/// Whom provisioning covers.
fn covered(forecast: &UserForecast, user: Option<&User>, ground: &Ground<'_>) -> Arrival {
    let entry = ground.log.and_then(|log| forecast.entra_users.iter().find_map(|id| log.get(id)));
    let result = entry.and_then(|entry| entry.provisioning_status_info.as_ref());
    let went_well = result.is_some_and(|result| {
        let code = result.error_information.as_ref().and_then(|error| error.error_code.as_deref());
        result.status.eq_ignore_ascii_case("success") || code == Some("RedundantExport")
    });
    if let Some(result) = result.filter(|result| result.status.eq_ignore_ascii_case("failure")) {
        return Arrival::Missing(Absence::Failed(word(result)));
    }
    let has_arrived = went_well || ground.expectation.arrived.contains(&forecast.id);
    match (user.and_then(|user| user.is_synced), ground.log, result) {
        (Some(true), ..) => Arrival::Synced,
        // A server that cannot tell: what Entra ID says of it, or has said, is the best word that there is. As whom the
        // server has taken it is only certain where all its names are the same.
        (None, ..) if has_arrived && user.is_some() => {
            let has_one_name = forecast.synced == Answer::Yes && !ground.expectation.two_names.contains(&forecast.id);
            if has_one_name { Arrival::Synced } else { Arrival::Missing(Absence::Unproven) }
        }
        (_, None, _) => Arrival::Missing(Absence::Unknown),
        (_, Some(_), None) => Arrival::Missing(Absence::NotReached),
        _ if went_well => Arrival::Missing(Absence::NotMatched),
        (_, Some(_), Some(result)) => Arrival::Missing(Absence::Failed(word(result))),
    }
}

/// Microsoft's word for why an attempt did not go well.
fn word(result: &ProvisioningResult) -> String {
    let code = result.error_information.as_ref().and_then(|error| error.error_code.clone());
    code.filter(|code| !code.is_empty()).unwrap_or_else(|| result.status.clone())
}
