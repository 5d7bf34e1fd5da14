//! Whether it is time.

use k8s_openapi::jiff::Timestamp;

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
}
