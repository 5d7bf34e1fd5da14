//! Who is writing for which group: one at a time, since what one write rests on another could take away.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{Mutex as Lock, OwnedMutexGuard};

use crate::devolutions::GroupId;

/// A lock for each group that somebody is writing for. A group's id is a GUID and so tells it from those of all tenants,
/// while a tenant's address can be spelled in more than one way.
#[derive(Debug, Default)]
pub struct Claims(Mutex<HashMap<GroupId, Weak<Lock<()>>>>);

impl Claims {
    /// Waits until nobody else of this process writes for any of `groups`, and keeps others out until
    /// the guards are dropped.
    pub async fn claim(&self, mut groups: [GroupId; 2]) -> [OwnedMutexGuard<()>; 2] {
        // Always in the same order, so that no two wait for each other.
        groups.sort_unstable();
        let [first, second] = groups.map(|group| self.lock(group));
        [first.lock_owned().await, second.lock_owned().await]
    }

    fn lock(&self, group: GroupId) -> Arc<Lock<()>> {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        locks.retain(|_, lock| lock.strong_count() > 0);
        locks.get(&group).and_then(Weak::upgrade).unwrap_or_else(|| {
            let lock = Arc::new(Lock::new(()));
            locks.insert(group, Arc::downgrade(&lock));
            lock
        })
    }
}
