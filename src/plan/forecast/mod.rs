//! The forecast: what a migration will mean for each user, before anything is written.
//!
//! Two questions are answered for each user of Devolutions Cloud, and each "no" has exactly one cause:
//! will they *sign in* by the new application, and will provisioning flag them as *synced*?
//!
//! Where no public source tells how Devolutions Cloud behaves, what users have today is judged generously and what they
//! will have strictly, so that a loss is rather announced than overlooked:
//!
//! - An e-mail domain that is not verified keeps nobody from signing in today, and everybody afterwards.
//! - By what an Entra user is matched is unknown: an e-mail address that is both the user principal name and the mail
//!   address is a "yes", one that is only one of them is a yes that depends on it.

mod access;
mod answer;
mod summary;
mod waiver;

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use access::{Access, Assigned};
pub use answer::{Answer, Cause};
pub use summary::summary;
pub use waiver::Waivers;

use super::Refusal;
use crate::devolutions::{User, UserId};
use crate::entra::EntraUser;

/// What a forecast rests on.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// Every user of Devolutions Cloud.
    pub users: &'a [User],
    /// The Entra users whose name or address is that of one of them.
    pub entra_users: &'a [EntraUser],
    /// The verified e-mail domains in small letters; none where the server cannot tell.
    pub verified_domains: Option<&'a BTreeSet<String>>,
    /// Who may sign in to the current application.
    pub today: &'a Access,
    /// Who may sign in to the new one.
    pub after: &'a Access,
    /// Who need not come along.
    pub waivers: &'a Waivers,
}

/// What will become of one user.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "each tells something else of a user")]
pub struct UserForecast {
    /// Its id in Devolutions Cloud.
    pub id: UserId,
    /// What people know it by.
    pub label: String,
    /// The Entra users that it may be: one, as a rule.
    pub entra_users: Vec<Uuid>,
    /// Whether it can sign in by the current application.
    pub today: Answer,
    /// Whether it will be able to by the new one.
    pub after: Answer,
    /// Whether it will be flagged as synced.
    pub synced: Answer,
    /// What verification expects of it.
    pub class: Class,
    /// Whether provisioning would disable it in Devolutions Cloud.
    pub disabled: bool,
    /// Whether provisioning would cover it at all.
    #[serde(default)]
    pub in_scope: bool,
    /// Whether another Entra account of the same address could get in, and perhaps as this user.
    #[serde(default)]
    pub lets_another_in: bool,
    /// Whether it should have an Entra user and none has its address: a person of a domain that may sign in.
    #[serde(default)]
    pub not_found: bool,
    /// The reason of the waiver, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waived: Option<String>,
}

impl UserForecast {
    /// Can sign in now, will not be able to, and nobody has said that this is well.
    #[must_use]
    pub fn loses(&self) -> bool {
        self.today.is_yes() && !self.after.is_yes() && self.waived.is_none()
    }

    /// Whether it should be synced, be it that a person has said that it need not.
    #[must_use]
    pub fn should_come(&self) -> bool {
        is_to_come(self.synced, self.today)
    }

    /// Cannot sign in now and will be able to.
    #[must_use]
    pub fn gains(&self) -> bool {
        !self.today.is_yes() && self.after.is_yes()
    }
}

/// What verification expects of a user.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Class {
    /// It will be synced.
    Expected,
    /// It can never come from Entra ID, or cannot sign in today either.
    NotApplicable,
    /// It will not be synced, and a person has said that this is well.
    Waived,
    /// It should be synced and will not be.
    Missing,
}

/// Answers both questions for every user, in the order of what people know them by.
pub fn forecast(ground: &Ground<'_>) -> Result<Vec<UserForecast>, Refusal> {
    let tells = |user: &EntraUser| user.account_enabled.is_some();
    if !ground.entra_users.is_empty() && !ground.entra_users.iter().any(tells) {
        return Err(Refusal::new(
            "PermissionMissing",
            "Entra ID tells of no user whether the account is enabled, so nothing can be said of who will sign in. Grant the operator's application User.Read.All; User.ReadBasic.All does not reach that far.",
        ));
    }
    let directory = Directory::new(ground.entra_users, ground.users);
    let mut forecasts: Vec<UserForecast> = ground.users.iter().map(|user| of(user, ground, &directory)).collect();
    forecasts.sort_by(|a, b| (&a.label, a.id).cmp(&(&b.label, b.id)));
    Ok(forecasts)
}

fn of(user: &User, ground: &Ground<'_>, directory: &Directory<'_>) -> UserForecast {
    let candidates = directory.candidates(&user.address());
    let today = answer::today(user, &candidates, ground);
    let after = answer::after(user, &candidates, ground);
    let synced = answer::synced(user, &candidates, ground);
    let waived = ground.waivers.of(user).map(ToOwned::to_owned);
    let class = match (synced.is_yes(), waived.is_some()) {
        (true, _) => Class::Expected,
        (false, true) => Class::Waived,
        (false, false) if is_to_come(synced, today) => Class::Missing,
        (false, false) => Class::NotApplicable,
    };
    let may_come = |domain: String| ground.verified_domains.is_none_or(|verified| verified.contains(&domain));
    UserForecast {
        id: user.id,
        label: user.label().to_owned(),
        entra_users: candidates.iter().map(|c| c.user.id).collect(),
        disabled: answer::is_disabled_by_provisioning(user, &candidates, ground),
        in_scope: candidates.iter().any(|c| ground.after.entitled.contains(&c.user.id)),
        lets_another_in: answer::lets_another_in(user, &candidates, ground),
        not_found: candidates.is_empty()
            && answer::unable(user).is_none()
            && !user.is_pending()
            && user.domain().is_some_and(may_come),
        today,
        after,
        synced,
        class,
        waived,
    }
}

fn is_to_come(synced: Answer, today: Answer) -> bool {
    match synced {
        Answer::No(cause) => !cause.is_beyond_reach() && today.is_yes(),
        _ => true,
    }
}

/// An Entra user that a user of Devolutions Cloud may be.
#[derive(Clone, Copy, Debug)]
struct Candidate<'a> {
    user: &'a EntraUser,
    /// Whether both its user principal name and its mail address are the user's e-mail address.
    is_certain: bool,
    /// Whether it may be another user of Devolutions Cloud as well.
    is_shared: bool,
}

/// The Entra users by what they can be matched by, in small letters.
struct Directory<'a> {
    by_name: HashMap<String, Vec<&'a EntraUser>>,
    shared: HashSet<Uuid>,
}

fn names(user: &EntraUser) -> BTreeSet<String> {
    [&user.user_principal_name, &user.mail].into_iter().flatten().map(|name| name.trim().to_lowercase()).collect()
}

impl<'a> Directory<'a> {
    fn new(entra_users: &'a [EntraUser], users: &[User]) -> Self {
        let mut by_name: HashMap<String, Vec<&EntraUser>> = HashMap::new();
        for user in entra_users {
            for name in names(user) {
                by_name.entry(name).or_default().push(user);
            }
        }
        // Whoever can sign in at all counts, once for each user of Devolutions Cloud.
        let (mut seen, mut shared) = (HashSet::new(), HashSet::new());
        for user in users.iter().filter(|user| answer::unable(user).is_none()) {
            for candidate in by_name.get(&user.address()).into_iter().flatten() {
                if !seen.insert(candidate.id) {
                    shared.insert(candidate.id);
                }
            }
        }
        Self { by_name, shared }
    }

    fn candidates(&self, address: &str) -> Vec<Candidate<'a>> {
        let is = |name: &Option<String>| name.as_ref().is_some_and(|name| name.trim().to_lowercase() == address);
        let found = self.by_name.get(address).into_iter().flatten().copied();
        let mut all: Vec<Candidate<'_>> = found
            .map(|user| Candidate {
                user,
                is_certain: is(&user.user_principal_name) && is(&user.mail),
                is_shared: self.shared.contains(&user.id),
            })
            .collect();
        all.sort_by_key(|c| c.user.id);
        all
    }
}
