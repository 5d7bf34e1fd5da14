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

/// What libraries put before a cause without saying more than that there is one.
const INTRODUCTIONS: [&str; 5] =
    ["error sending request", "client error (Connect)", "dns error", "error resolving DNS", "tcp connect error"];

/// An error and what it came from, each said once, without what only introduces the next.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut said: Vec<String> = Vec::new();
    for link in std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string) {
        if said.iter().any(|before| before.contains(&link)) {
            continue;
        }
        if said.last().is_some_and(|before| INTRODUCTIONS.iter().any(|words| before.ends_with(words))) {
            said.pop();
        }
        said.push(link);
    }
    said.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Error)]
    #[error("{0}")]
    struct Link(&'static str, #[source] Option<Box<Link>>);

    fn told(links: &[&'static str]) -> String {
        let error = links.iter().rev().fold(None, |source, text| Some(Box::new(Link(text, source))));
        chain(&*error.unwrap())
    }

    #[test]
    fn a_cause_is_told_without_its_wrappers() {
        let dns = "failed to lookup address information: Name or service not known";
        let wrapped = ["error sending request", "client error (Connect)", "dns error", "error resolving DNS", dns];
        assert_eq!(told(&wrapped), dns);
        assert_eq!(told(&["ServiceError: client error (Connect)", "client error (Connect)", "refused"]), "refused");
        assert_eq!(told(&["error sending request"]), "error sending request", "nothing more is known");
        assert_eq!(told(&["unable to run auth exec", "No such file"]), "unable to run auth exec: No such file");
        assert_eq!(told(&["auth exec: No such file", "No such file"]), "auth exec: No such file");
    }
}
