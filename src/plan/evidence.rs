//! Do people sign in by the new application? What Entra's sign-in log says, and what it does not.
//!
//! One success shows that the way is open. Silence shows nothing. A failure shows something only where its cause is the
//! application and not the person: a wrong password or a disabled account is of before and after alike.

use std::collections::BTreeSet;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::count;
use crate::entra::SignIn;

/// Somebody who is not assigned (<https://learn.microsoft.com/entra/identity-platform/reference-error-codes>). It is the
/// application's fault where that person should be.
pub const NOT_ASSIGNED: i64 = 50105;
/// Failures whose cause is the application or its set-up, by the same page.
const FAULTS: [(i64, &str); 12] = [
    (50011, "the redirect URI is not the application's"),
    (500_113, "the application has no redirect URI"),
    (50194, "the application is not for several tenants"),
    (65001, "nobody has consented"),
    (90094, "an administrator must consent"),
    (90095, "an administrator must consent"),
    (650_052, "the application asks for a service that the tenant does not have"),
    (700_016, "the application is not in the tenant"),
    (700_054, "the application may not answer in this way"),
    (7_000_112, "the application is disabled"),
    (7_000_215, "the client secret is wrong"),
    (7_000_222, "the client secret has expired"),
];

/// What the log says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Testimony {
    /// Sign-ins that went well.
    pub succeeded: usize,
    /// Sign-ins that did not.
    pub failed: usize,
    /// Why people cannot sign in, where that is proven: nobody has, and the fault is the application's.
    pub fault: Option<String>,
}

/// What the sign-ins by the new application say; `entitled` are those who are assigned to it. One person's failure can be
/// made by that person, so it takes two of them, or one that stood for as long as `lasts` without anybody getting in.
#[must_use]
pub fn testimony(sign_ins: &[SignIn], entitled: &BTreeSet<Uuid>, now: Timestamp, lasts: SignedDuration) -> Testimony {
    let succeeded = sign_ins.iter().filter(|s| s.status.error_code == 0).count();
    let faults = || sign_ins.iter().filter_map(|sign_in| Some((sign_in, fault_of(sign_in, entitled)?)));
    let people: BTreeSet<Option<Uuid>> = faults().map(|(sign_in, _)| sign_in.user_id).collect();
    let first = faults().map(|(sign_in, _)| sign_in.created_date_time).min();
    let is_proven = people.len() > 1 || first.is_some_and(|at| now.duration_since(at) >= lasts);
    let fault = faults().next().filter(|_| succeeded == 0 && is_proven).map(|(sign_in, what)| {
        format!(
            "{} failed by the application's fault and none went well: AADSTS{}, {what}.",
            count(faults().count(), "sign-in"),
            sign_in.status.error_code
        )
    });
    Testimony { succeeded, failed: sign_ins.len() - succeeded, fault }
}

fn fault_of(sign_in: &SignIn, entitled: &BTreeSet<Uuid>) -> Option<&'static str> {
    let code = sign_in.status.error_code;
    if code == NOT_ASSIGNED {
        let should = sign_in.user_id.is_some_and(|user| entitled.contains(&user));
        return should.then_some("somebody is not assigned who should be");
    }
    FAULTS.iter().find(|(fault, _)| *fault == code).map(|(_, what)| *what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entra::SignInStatus;

    fn sign_in(user: u128, error_code: i64) -> SignIn {
        SignIn {
            created_date_time: Timestamp::UNIX_EPOCH,
            user_id: Some(Uuid::from_u128(user)),
            status: SignInStatus { error_code },
        }
    }

    const LASTS: SignedDuration = SignedDuration::from_mins(10);

    fn after(minutes: i64, sign_ins: &[SignIn]) -> Testimony {
        let now = Timestamp::from_second(60 * minutes).unwrap();
        testimony(sign_ins, &BTreeSet::from([Uuid::from_u128(1), Uuid::from_u128(3)]), now, LASTS)
    }

    #[test]
    fn silence_and_what_people_do_wrong_prove_nothing() {
        assert_eq!(after(60, &[]), Testimony { succeeded: 0, failed: 0, fault: None });
        // A wrong password, a disabled account, an interruption, somebody who is not to be assigned.
        let theirs = [sign_in(1, 50126), sign_in(3, 50057), sign_in(1, 50140), sign_in(2, NOT_ASSIGNED)];
        assert_eq!(after(60, &theirs), Testimony { succeeded: 0, failed: 4, fault: None });
    }

    #[test]
    fn the_applications_fault_is_one_until_somebody_gets_in() {
        for code in [50011, 65001, NOT_ASSIGNED, 7_000_112] {
            let two = [sign_in(1, 50126), sign_in(1, code), sign_in(3, code)];
            let fault = after(1, &two).fault.unwrap();
            assert!(fault.contains(&format!("AADSTS{code}")) && fault.starts_with("2 sign-ins failed"), "{fault}");
            let passed = after(60, &[sign_in(1, code), sign_in(3, code), sign_in(1, 0)]);
            assert_eq!(passed, Testimony { succeeded: 1, failed: 2, fault: None });
        }
    }

    #[test]
    fn what_one_person_alone_meets_must_last() {
        let again = [sign_in(1, 50011), sign_in(1, 50011)];
        assert_eq!(after(9, &again).fault, None);
        assert!(after(10, &again).fault.is_some());
    }
}
