//! Whether it is time.

use k8s_openapi::jiff::{SignedDuration, Span, Timestamp};

use crate::api::Window;

/// Where a moment lies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Position {
    /// The window opens then.
    Before(Timestamp),
    /// It is open, or there is none.
    Within,
    /// It closed then.
    After(Timestamp),
}

/// Where `now` lies. The beginning belongs to the window, the end does not.
#[must_use]
pub fn position(window: Option<&Window>, now: Timestamp) -> Position {
    let Some(window) = window else { return Position::Within };
    match (&window.not_before, &window.not_after) {
        (Some(from), _) if now < from.0 => Position::Before(from.0),
        (_, Some(to)) if now >= to.0 => Position::After(to.0),
        _ => Position::Within,
    }
}

/// When a while that began then is over, such as `24h`. What it may be was checked when it was applied; one that is not
/// readable all the same never ends.
#[must_use]
pub fn end_of(began: Timestamp, lasts: &str) -> Timestamp {
    let lasts = lasts.parse::<Span>().ok().and_then(|span| SignedDuration::try_from(span).ok());
    lasts.and_then(|lasts| began.checked_add(lasts).ok()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    #[test]
    fn the_end_is_outside_and_an_open_side_has_none() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let window = |from: Option<i64>, to: Option<i64>| Window {
            not_before: from.map(|s| Time(at(s))),
            not_after: to.map(|s| Time(at(s))),
        };
        let both = window(Some(10), Some(20));
        for (now, expected) in [
            (9, Position::Before(at(10))),
            (10, Position::Within),
            (19, Position::Within),
            (20, Position::After(at(20))),
        ] {
            assert_eq!(position(Some(&both), at(now)), expected, "{now}");
        }
        assert_eq!(position(Some(&window(None, Some(20))), at(0)), Position::Within);
        assert_eq!(position(Some(&window(Some(10), None)), at(1000)), Position::Within);
        assert_eq!(position(None, at(0)), Position::Within);
    }

    #[test]
    fn a_while_ends_and_one_that_cannot_be_read_never_does() {
        let then = Timestamp::UNIX_EPOCH;
        let after = |lasts: &str| end_of(then, lasts).as_second();
        assert_eq!((after("0s"), after("90s"), after("1h30m"), after("720h")), (0, 90, 5400, 720 * 3600));
        for never in ["", "a while", "999999999999h"] {
            assert_eq!(end_of(then, never), Timestamp::MAX, "{never}");
        }
    }
}
