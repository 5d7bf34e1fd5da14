//! How a spec says how long something lasts.

/// The rule for a while in hours, minutes and seconds, such as `24h`, `1h30m` or `0s`, and at most a year.
pub const WHILE: &str =
    "self.matches('^([0-9]+h)?([0-9]+m)?([0-9]+s)?$') && self != '' && duration(self) <= duration('8760h')";
