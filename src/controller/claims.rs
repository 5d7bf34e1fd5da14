//! Who is writing for which group: one at a time, since what one write rests on another could take away.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{Mutex as Lock, OwnedMutexGuard};

use crate::devolutions::GroupId;

type Key = (String, GroupId);

/// A lock for each group of a tenant that somebody is writing for.
#[derive(Debug, Default)]
pub struct Claims(Mutex<HashMap<Key, Weak<Lock<()>>>>);

impl Claims {
    /// Waits until nobody else of this process writes for any of `groups`, and keeps others out until
    /// the guards are dropped.
    pub async fn claim(&self, tenant: &str, mut groups: [GroupId; 2]) -> [OwnedMutexGuard<()>; 2] {
        // Always in the same order, so that no two wait for each other.
        groups.sort_unstable();
        let [first, second] = groups.map(|group| self.lock(tenant, group));
        [first.lock_owned().await, second.lock_owned().await]
    }

    fn lock(&self, tenant: &str, group: GroupId) -> Arc<Lock<()>> {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        locks.retain(|_, lock| lock.strong_count() > 0);
        let key = (tenant.to_owned(), group);
        locks.get(&key).and_then(Weak::upgrade).unwrap_or_else(|| {
            let lock = Arc::new(Lock::new(()));
            locks.insert(key, Arc::downgrade(&lock));
            lock
        })
    }
}
