//! How long to wait after a failure: longer each time, per object, and what the server asked for.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::error::{Class, Failure};

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_mins(2);

/// Failures in a row, by the object's uid.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: Mutex<HashMap<String, u32>>,
}

impl Backoff {
    /// Notes a failure and tells how long to wait.
    #[must_use]
    pub fn failed(&self, uid: &str, failure: &Failure) -> Duration {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let count = failures.entry(uid.to_owned()).or_default();
        *count += 1;
        wait(*count, failure).mul_f64(rand::random_range(1.0..1.25))
    }

    /// Notes a success, or that the object is gone.
    pub fn reset(&self, uid: &str) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }
}

fn wait(count: u32, failure: &Failure) -> Duration {
    let growing = FIRST.saturating_mul(1 << count.saturating_sub(1).min(16)).min(LONGEST);
    match failure.class {
        // A server that asks for no wait at all is not asked to mean a flood.
        Class::Throttled => failure.retry_after.unwrap_or(growing).max(FIRST),
        Class::Transient => failure.retry_after.unwrap_or_default().max(growing),
        Class::Conflict => growing,
        // Only a person can mend it, and no event may tell that they did.
        Class::Denied | Class::Invalid => growing.max(Duration::from_secs(15)),
        Class::Bug => growing.max(Duration::from_secs(5)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(class: Class) -> Failure {
        Failure::new(class, "X", "x")
    }

    #[test]
    fn waits_grow_are_bounded_and_start_again_after_a_success() {
        let transient = failure(Class::Transient);
        assert_eq!(wait(1, &transient), FIRST);
        assert_eq!(wait(2, &transient), FIRST * 2);
        assert_eq!(wait(40, &transient), LONGEST);
        let backoff = Backoff::default();
        for _ in 0..5 {
            let _ = backoff.failed("a", &transient);
        }
        assert!(backoff.failed("a", &transient) >= FIRST * 32);
        backoff.reset("a");
        assert!(backoff.failed("a", &transient) < FIRST * 2);
    }

    #[test]
    fn a_server_that_asks_to_wait_is_given_what_it_asks_for() {
        let mut throttled = failure(Class::Throttled);
        throttled.retry_after = Some(Duration::from_mins(5));
        assert_eq!(wait(1, &throttled), Duration::from_mins(5));
    }
}
