//! What can go wrong with an outside system, classed by what is to be done about it.

use std::time::Duration;

use thiserror::Error;

/// What kind of failure, and so when to try again and what to tell people.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Class {
    /// It may pass by itself: back off and try again.
    Transient,
    /// The server asked to wait.
    Throttled,
    /// Somebody else wrote at the same time: look again soon.
    Conflict,
    /// The credentials or their rights do not suffice: a person must act.
    Denied,
    /// What we were told to use is wrong: a person must act.
    Invalid,
    /// The answer makes no sense to us.
    Bug,
}

impl Class {
    /// Whether only a person can mend it.
    #[must_use]
    pub fn needs_a_person(self) -> bool {
        match self {
            Self::Denied | Self::Invalid => true,
            Self::Transient | Self::Throttled | Self::Conflict | Self::Bug => false,
        }
    }
}

/// A failure: what was tried, on what, what came back, what to do. It never holds a secret.
#[derive(Clone, Debug, Error)]
#[error("{message}")]
pub struct Failure {
    /// What kind.
    pub class: Class,
    /// `CamelCase`, stable: the reason of a condition.
    pub reason: &'static str,
    /// For people.
    pub message: String,
    /// How long the server asked to wait.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// A failure without a wish of the server's.
    pub fn new(class: Class, reason: &'static str, message: impl Into<String>) -> Self {
        Self { class, reason, message: message.into(), retry_after: None }
    }

    /// A failure of a request to the Kubernetes API. `what` says what was tried, on what.
    #[must_use]
    pub fn kubernetes(what: &str, error: &kube::Error) -> Self {
        let class = match error {
            kube::Error::Api(status) => match status.code {
                409 => Class::Conflict,
                401 | 403 => Class::Denied,
                400 | 404 | 422 => Class::Invalid,
                429 => Class::Throttled,
                _ => Class::Transient,
            },
            _ => Class::Transient,
        };
        // A status prints all its fields, and a failed connection only its outermost layer.
        let said = match error {
            kube::Error::Api(status) => status.message.clone(),
            error => chain(error),
        };
        Self::new(class, "KubernetesRequestFailed", format!("Could not {what}: {said}"))
    }
}

/// An error and what it came from, each said once.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let more = source.to_string();
        if !said.contains(&more) {
            said = format!("{said}: {more}");
        }
        next = source.source();
    }
    said
}
