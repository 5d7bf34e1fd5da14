//! The planners: from what is, to what is to be done, as data.
//!
//! The rule of this folder: no client, no clock, no `async`, nothing of kube or reqwest. A preview,
//! the proof, the crash tests and the property tests all rest on that.

pub mod application;
pub mod approval;
pub mod assignment;
pub mod client_secret;
mod digest;
pub mod evidence;
pub mod forecast;
pub mod group;
pub mod mapping;
pub mod membership;
pub mod migration;
pub mod neutrality;
pub mod preflight;
pub mod provisioning;
pub mod replacement;
pub mod run;
pub mod verification;
pub mod window;

pub use digest::PlanHash;

/// Why no plan can be made, in terms that a person can act on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal {
    /// `CamelCase`, stable: the reason of a condition.
    pub reason: &'static str,
    /// What is wrong, on what, and what to do.
    pub message: String,
}

impl Refusal {
    pub(crate) fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

/// At most this many names in a message; the rest is counted.
pub const NAMES_SHOWN: usize = 20;

/// `a, b, c and 4 more`.
pub(crate) fn name_some<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut all: Vec<&str> = names.into_iter().collect();
    let rest = all.len().saturating_sub(NAMES_SHOWN);
    all.truncate(NAMES_SHOWN);
    let shown = all.join(", ");
    if rest == 0 { shown } else { format!("{shown} and {rest} more") }
}

/// `1 permission`, `2 permissions`.
#[must_use]
pub fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}
