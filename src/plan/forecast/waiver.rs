//! Who need not come along, because a person said so by name.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::jiff::Timestamp;

use crate::api::Waiver;
use crate::devolutions::User;

/// The waivers that count now.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Waivers {
    /// Reasons by e-mail address, in small letters.
    users: BTreeMap<String, String>,
    /// Reasons by e-mail domain, in small letters.
    domains: BTreeMap<String, String>,
}

impl Waivers {
    /// Those of `waivers` that have not run out at `now`.
    #[must_use]
    pub fn in_force(waivers: &[Waiver], now: Timestamp) -> Self {
        let mut all = Self::default();
        for waiver in waivers.iter().filter(|w| w.until.as_ref().is_none_or(|until| until.0 > now)) {
            if let Some(user) = &waiver.user {
                all.users.insert(user.trim().to_lowercase(), waiver.reason.clone());
            }
            if let Some(domain) = &waiver.email_domain {
                all.domains.insert(domain.to_lowercase(), waiver.reason.clone());
            }
        }
        all
    }

    /// Why this user need not come along, where that is so. A domain is meant itself, without what is below it.
    #[must_use]
    pub fn of(&self, user: &User) -> Option<&str> {
        self.of_address(&user.email)
    }

    /// The same of a user of whom nothing but the e-mail address is known.
    #[must_use]
    pub fn of_address(&self, address: &str) -> Option<&str> {
        let address = address.trim().to_lowercase();
        let by_domain = || self.domains.get(address.rsplit_once('@')?.1);
        self.users.get(&address).or_else(by_domain).map(String::as_str)
    }

    /// Those that fit none of these users: misspelt, perhaps.
    #[must_use]
    pub fn of_nobody(&self, users: &[User]) -> Vec<&str> {
        let addresses: BTreeSet<String> = users.iter().map(User::address).collect();
        let domains: BTreeSet<String> = users.iter().filter_map(User::domain).collect();
        let users = self.users.keys().filter(|user| !addresses.contains(*user));
        let idle = self.domains.keys().filter(|domain| !domains.contains(*domain));
        users.chain(idle).map(String::as_str).collect()
    }
}
