//! Requests that stand still until somebody lets them go.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{Notify, watch};

/// A request that is held.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hold {
    pub id: u64,
    pub fault_id: u64,
    pub method: String,
    pub path: String,
    pub request_id: String,
    #[serde(skip)]
    release: Arc<Notify>,
}

/// All held requests.
#[derive(Debug, Clone)]
pub struct Holds {
    inner: Arc<Mutex<Inner>>,
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Inner {
    held: BTreeMap<u64, Hold>,
    last: u64,
}

/// Takes the hold off the list when the request goes on, or when its client went away and it is dropped.
struct Listed<'a>(&'a Holds, u64);

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        self.0.with(|inner| inner.held.remove(&self.1));
        self.0.changed.send_replace(());
    }
}

impl Default for Holds {
    fn default() -> Self {
        Self { inner: Arc::default(), changed: watch::Sender::new(()) }
    }
}

impl Holds {
    /// Stands still until released. Dropping the future ends the hold too.
    pub async fn hold(&self, fault_id: u64, method: &str, path: &str, request_id: &str) {
        let release = Arc::new(Notify::new());
        let id = self.with(|inner| {
            inner.last += 1;
            let (method, path, request_id) = (method.to_owned(), path.to_owned(), request_id.to_owned());
            let hold = Hold { id: inner.last, fault_id, method, path, request_id, release: release.clone() };
            inner.held.insert(inner.last, hold);
            inner.last
        });
        let _listed = Listed(self, id);
        self.changed.send_replace(());
        release.notified().await;
    }

    /// What is held now; waits so long until something is.
    pub async fn list(&self, wait: Duration) -> Vec<Hold> {
        let mut changed = self.changed.subscribe();
        let held = async {
            loop {
                let held: Vec<Hold> = self.with(|inner| inner.held.values().cloned().collect());
                if !held.is_empty() {
                    return held;
                }
                if changed.changed().await.is_err() {
                    return Vec::new();
                }
            }
        };
        tokio::time::timeout(wait, held).await.unwrap_or_default()
    }

    /// Lets one go. A hold that ended by itself counts as let go; `false` for one that never was.
    pub fn release(&self, id: u64) -> bool {
        self.with(|inner| {
            // Taken out here, not when its request goes on: whoever waits for the next one must not be told of this one.
            if let Some(hold) = inner.held.remove(&id) {
                hold.release.notify_one();
            }
            (1..=inner.last).contains(&id)
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Inner) -> T) -> T {
        act(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
