//! Whether an application needs a client secret of ours, and which of ours are left over.
//!
//! Entra ID tells a secret once. Where the answer was lost, nobody knows the secret, and it is only clutter that could one
//! day be found: it is taken away, as long as people cannot be signing in by it.

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::entra::PasswordCredential;

/// A secret that is kept, without its value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Kept {
    /// Its id in Entra ID.
    pub key_id: Uuid,
    /// When it was made.
    pub made_at: Timestamp,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// What is to be done.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Need {
    /// Secrets of ours that nobody knows.
    pub left_over: Vec<Uuid>,
    /// Whether a new one is needed.
    pub another: bool,
}

/// What is to be done, where `listed` are the application's secrets and ours bear `name`. A secret that was made less
/// than `settles` ago may not be listed yet. Where people may be signing in by one of them, `is_in_use`, none is taken
/// away.
#[must_use]
pub fn need(
    kept: Option<Kept>,
    (listed, name): (&[PasswordCredential], &str),
    is_in_use: bool,
    settles: SignedDuration,
    now: Timestamp,
) -> Need {
    let is_listed = |kept: Kept| listed.iter().any(|credential| credential.key_id == kept.key_id);
    // Half of its life at least: one that people begin to sign in by must not expire soon after.
    let is_fresh = |kept: &Kept| kept.expires_at.duration_since(now) > now.duration_since(kept.made_at);
    let is_good = |kept: &Kept| is_fresh(kept) && (is_listed(*kept) || now.duration_since(kept.made_at) <= settles);
    let good = kept.filter(is_good);
    let ours = listed.iter().filter(|credential| credential.display_name.as_deref() == Some(name));
    let unknown = ours.map(|credential| credential.key_id).filter(|id| kept.is_none_or(|kept| kept.key_id != *id));
    Need { left_over: if is_in_use { Vec::new() } else { unknown.collect() }, another: good.is_none() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTLES: SignedDuration = SignedDuration::from_mins(10);

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + 60 * minute).unwrap()
    }

    fn listed(id: u128, name: &str) -> PasswordCredential {
        PasswordCredential { key_id: Uuid::from_u128(id), display_name: Some(name.to_owned()), end_date_time: None }
    }

    fn kept(id: u128) -> Kept {
        Kept { key_id: Uuid::from_u128(id), made_at: at(0), expires_at: at(1000) }
    }

    #[test]
    fn one_is_made_where_there_is_none_and_not_twice() {
        let all = [listed(1, "ours"), listed(2, "SSO")];
        let none = Need { left_over: vec![], another: true };
        assert_eq!(need(None, (&all[1..], "ours"), false, SETTLES, at(1)), none);
        assert_eq!(need(Some(kept(1)), (&all, "ours"), false, SETTLES, at(400)), Need::default());
    }

    #[test]
    fn one_whose_answer_was_lost_is_taken_away_and_others_are_never_touched() {
        let all = [listed(1, "ours"), listed(2, "SSO"), listed(3, "ours")];
        assert_eq!(need(Some(kept(3)), (&all, "ours"), false, SETTLES, at(1)).left_over, [Uuid::from_u128(1)]);
        let lost = need(None, (&all, "ours"), false, SETTLES, at(1));
        assert_eq!((lost.left_over.len(), lost.another), (2, true));
    }

    #[test]
    fn nothing_is_taken_away_that_people_may_sign_in_by() {
        let all = [listed(1, "ours"), listed(3, "ours")];
        assert_eq!(need(Some(kept(3)), (&all, "ours"), true, SETTLES, at(1)), Need::default());
        assert!(need(None, (&all, "ours"), true, SETTLES, at(1)).left_over.is_empty());
    }

    #[test]
    fn a_young_one_may_be_listed_late_and_an_old_one_not() {
        assert!(!need(Some(kept(1)), (&[], "ours"), false, SETTLES, at(10)).another);
        assert!(need(Some(kept(1)), (&[], "ours"), false, SETTLES, at(11)).another);
        let listed = [listed(1, "ours")];
        assert!(!need(Some(kept(1)), (&listed, "ours"), false, SETTLES, at(499)).another);
        assert!(need(Some(kept(1)), (&listed, "ours"), false, SETTLES, at(501)).another, "past half of its life");
    }
}
