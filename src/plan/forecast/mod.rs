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

use std::collections::{BTreeSet, HashMap};

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
    if let Some(user) = ground.entra_users.iter().find(|u| u.account_enabled.is_none()) {
        return Err(Refusal::new(
            "PermissionMissing",
            format!(
                "Entra ID does not tell whether accounts are enabled ({} for one), so nothing can be said of who will sign in. Grant the operator's application User.Read.All; User.ReadBasic.All does not reach that far.",
                user.user_principal_name.as_deref().unwrap_or("a user without a name")
            ),
        ));
    }
    let directory = Directory::new(ground.entra_users);
    let mut forecasts: Vec<UserForecast> = ground.users.iter().map(|user| of(user, ground, &directory)).collect();
    forecasts.sort_by(|a, b| (&a.label, a.id).cmp(&(&b.label, b.id)));
    Ok(forecasts)
}

fn of(user: &User, ground: &Ground<'_>, directory: &Directory<'_>) -> UserForecast {
    let candidates = directory.candidates(&user.email);
    let today = answer::today(user, &candidates, ground);
    let after = answer::after(user, &candidates, ground);
    let synced = answer::synced(user, &candidates, ground);
    let waived = ground.waivers.of(&user.email).map(ToOwned::to_owned);
    let class = match &synced {
        Answer::Yes | Answer::DependsOnMatching => Class::Expected,
        Answer::No(_) if waived.is_some() => Class::Waived,
        Answer::No(cause) if cause.is_beyond_reach() || !today.is_yes() => Class::NotApplicable,
        Answer::No(_) => Class::Missing,
    };
    UserForecast {
        id: user.id,
        label: user.label().to_owned(),
        entra_users: candidates.iter().map(|c| c.user.id).collect(),
        disabled: answer::is_disabled_by_provisioning(user, &candidates, ground),
        today,
        after,
        synced,
        class,
        waived,
    }
}

/// An Entra user that a user of Devolutions Cloud may be.
#[derive(Clone, Copy, Debug)]
struct Candidate<'a> {
    user: &'a EntraUser,
    /// Whether both its user principal name and its mail address are the user's e-mail address.
    is_certain: bool,
}

/// The Entra users by what they can be matched by, in small letters.
struct Directory<'a> {
    by_name: HashMap<String, Vec<&'a EntraUser>>,
}

impl<'a> Directory<'a> {
    fn new(users: &'a [EntraUser]) -> Self {
        let mut by_name: HashMap<String, Vec<&EntraUser>> = HashMap::new();
        for user in users {
            let names = [&user.user_principal_name, &user.mail].into_iter().flatten().map(|name| name.to_lowercase());
            for name in names.collect::<BTreeSet<_>>() {
                by_name.entry(name).or_default().push(user);
            }
        }
        Self { by_name }
    }

    fn candidates(&self, email: &str) -> Vec<Candidate<'a>> {
        let email = email.to_lowercase();
        if email.is_empty() {
            return Vec::new();
        }
        let is = |name: &Option<String>| name.as_ref().is_some_and(|name| name.to_lowercase() == email);
        let found = self.by_name.get(&email).into_iter().flatten().copied();
        let mut all: Vec<Candidate<'_>> =
            found.map(|user| Candidate { user, is_certain: is(&user.user_principal_name) && is(&user.mail) }).collect();
        all.sort_by_key(|c| c.user.id);
        all
    }
}
