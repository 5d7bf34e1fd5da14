//! What was written lately and may not be seen yet. It is not written again before it had time to be seen: that would
//! only keep a slow replica busy. A crash forgets it, which costs one more write that changes nothing.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What was written lately, by the object's uid and what it was.
#[derive(Debug, Default)]
pub struct Recent {
    written: Mutex<HashMap<(String, String), Instant>>,
}

impl Recent {
    /// Whether this was written less than `settles` ago.
    #[must_use]
    pub fn knows(&self, uid: &str, what: &str, settles: Duration) -> bool {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.retain(|_, at| at.elapsed() < settles);
        written.contains_key(&(uid.to_owned(), what.to_owned()))
    }

    /// It was written now.
    pub fn note(&self, uid: &str, what: &str) {
        let key = (uid.to_owned(), what.to_owned());
        self.written.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_known_for_a_while_for_its_object_only() {
        let recent = Recent::default();
        recent.note("uid", "consent");
        assert!(recent.knows("uid", "consent", Duration::from_mins(1)));
        assert!(
            !recent.knows("uid", "tags", Duration::from_mins(1))
                && !recent.knows("other", "consent", Duration::from_mins(1))
        );
        assert!(!recent.knows("uid", "consent", Duration::ZERO));
    }
}
