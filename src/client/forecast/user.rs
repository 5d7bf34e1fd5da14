//! What will become of the users, and how it reads: who has a "no", by question and cause. Who is well is counted.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use anstyle::Style;

use crate::client::style::{BAD, FAINT, GOOD, STRONG, WAITS, columns, paint, wrap};
use crate::plan::count;
use crate::plan::forecast::{Answer, Cause, Class, UserForecast};

/// Users of one lot, by the cause of their "no".
struct Section<'a> {
    mark: (&'static str, Style),
    /// What becomes of them, after how many they are.
    what: &'static str,
    causes: BTreeMap<Cause, Vec<&'a UserForecast>>,
}

/// Everybody with a "no": who loses the sign-in first.
pub fn sections(users: &[UserForecast]) -> String {
    let signing_in = |is: fn(&UserForecast) -> bool| group(users, |user| user.after, is);
    let synced = |class: Class| group(users, |user| user.synced, move |user| user.class == class);
    let all = [
        Section {
            mark: ("✗", BAD),
            what: "can sign in today and will not be able to",
            causes: signing_in(UserForecast::loses),
        },
        Section {
            mark: ("!", WAITS),
            what: "will not be able to sign in, which was waived",
            causes: signing_in(|user| user.today.is_yes() && user.waived.is_some()),
        },
        Section {
            mark: ("·", FAINT),
            what: "will not be able to sign in, and are not known to be able to today",
            causes: signing_in(|user| !user.today.is_yes()),
        },
        Section { mark: ("✗", BAD), what: "should be synced and will not be", causes: synced(Class::Missing) },
        Section { mark: ("!", WAITS), what: "will not be synced, which was waived", causes: synced(Class::Waived) },
        Section {
            mark: ("·", FAINT),
            what: "will not be synced and need not be",
            causes: synced(Class::NotApplicable),
        },
    ];
    let mut text = String::new();
    for (index, section) in all.iter().enumerate() {
        text.push_str(&section.draw(&all[..index]));
    }
    let well = users.iter().filter(|user| user.after.is_yes() && user.synced.is_yes()).count();
    let said = format!("{} will be able to sign in and will be synced", count(well, "user"));
    let _ = writeln!(text, "\n{} {}", paint(GOOD, "✓"), paint(STRONG, &said));
    text
}

/// The users who are meant and whose answer is no, by its cause.
fn group(
    users: &[UserForecast],
    answer: fn(&UserForecast) -> Answer,
    is_meant: impl Fn(&UserForecast) -> bool,
) -> BTreeMap<Cause, Vec<&UserForecast>> {
    let mut causes: BTreeMap<Cause, Vec<&UserForecast>> = BTreeMap::new();
    for user in users.iter().filter(|user| is_meant(user)) {
        if let Answer::No(cause) = answer(user) {
            causes.entry(cause).or_default().push(user);
        }
    }
    causes
}

impl Section<'_> {
    /// Users who stand in a section `above` for the same cause are not named again.
    fn draw(&self, above: &[Section<'_>]) -> String {
        let total: usize = self.causes.values().map(Vec::len).sum();
        if total == 0 {
            return String::new();
        }
        let (sign, style) = self.mark;
        let title = format!("{} {}", count(total, "user"), self.what);
        let mut text = format!("\n{} {}\n", paint(style, sign), paint(STRONG, &title));
        let mut causes: Vec<(&Cause, &Vec<&UserForecast>)> = self.causes.iter().collect();
        causes.sort_by_key(|(_, users)| Reverse(users.len()));
        for (cause, users) in causes {
            let which = format!("{} ({})", cause.as_str(), users.len());
            if above.iter().any(|section| section.causes.get(cause) == Some(users)) {
                let _ = writeln!(text, "  {which}: the same as above");
                continue;
            }
            let _ = writeln!(text, "{}", wrap("  ", &format!("{which}: {}. {}", cause.meaning(), cause.remedy())));
            text.push_str(&columns(6, users.iter().map(|user| label(user))));
        }
        text
    }
}

/// A user, and what else becomes of it.
fn label(user: &UserForecast) -> String {
    let disabled = if user.disabled { " (would be disabled)" } else { "" };
    let waived = user.waived.as_ref().map(|reason| format!(" (waived: {reason})")).unwrap_or_default();
    format!("{}{disabled}{waived}", user.label)
}
