//! A forecast in numbers, for a status.

use std::collections::BTreeMap;

use super::{Answer, Cause, Class, UserForecast};
use crate::api::{CauseCount, ForecastSummary, Question, SignInForecast, SynchronizationForecast};
use crate::plan::NAMES_SHOWN;

/// A name longer than this is cut: a status is small.
const NAME_CHARS: usize = 48;

/// The numbers of a forecast.
#[must_use]
pub fn summary(forecast: &[UserForecast]) -> ForecastSummary {
    let count = |is: &dyn Fn(&UserForecast) -> bool| size(forecast.iter().filter(|user| is(user)).count());
    let class = |class: Class| count(&|user| user.class == class);
    let sign_in = counts(Question::SignIn, causes(forecast, |user| user.after));
    let synchronization = counts(Question::Synchronization, causes(forecast, |user| user.synced));
    let mut all: Vec<CauseCount> = sign_in.chain(synchronization).collect();
    all.sort_by_key(|c| (c.question, std::cmp::Reverse(c.count)));
    ForecastSummary {
        users: size(forecast.len()),
        sign_in: SignInForecast {
            today: count(&|user| user.today.is_yes()),
            after: count(&|user| user.after.is_yes()),
            lost: count(&UserForecast::loses),
            waived: count(&|user| user.today.is_yes() && !user.after.is_yes() && user.waived.is_some()),
            gained: count(&UserForecast::gains),
            depends_on_matching: count(&|user| user.after == Answer::DependsOnMatching),
            once_joined: count(&|user| user.after == Answer::OnceJoined),
        },
        synchronization: SynchronizationForecast {
            synced: class(Class::Expected),
            missing: class(Class::Missing),
            not_applicable: class(Class::NotApplicable),
            waived: class(Class::Waived),
            disabled: count(&|user| user.disabled),
        },
        causes: all,
    }
}

/// The users who share a "no", by its cause.
fn causes(forecast: &[UserForecast], answer: impl Fn(&UserForecast) -> Answer) -> BTreeMap<Cause, Vec<&str>> {
    let mut causes: BTreeMap<Cause, Vec<&str>> = BTreeMap::new();
    for user in forecast {
        if let Answer::No(cause) = answer(user) {
            causes.entry(cause).or_default().push(&user.label);
        }
    }
    causes
}

fn counts(question: Question, causes: BTreeMap<Cause, Vec<&str>>) -> impl Iterator<Item = CauseCount> {
    causes.into_iter().map(move |(cause, users)| CauseCount {
        question,
        cause: cause.as_str().to_owned(),
        count: size(users.len()),
        users: users.iter().take(NAMES_SHOWN).map(|name| name.chars().take(NAME_CHARS).collect()).collect(),
        remedy: cause.remedy().to_owned(),
    })
}

fn size(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
