//! Colours, marks and line breaks. Colours are taken out again where nobody sees them: `anstream`
//! knows terminals and `NO_COLOR` (<https://no-color.org>).

use std::io::Write as _;

use anstyle::{AnsiColor, Style};

use super::Stop;
use crate::api::StepState;

/// What fits a terminal of the usual width.
pub const WIDTH: usize = 80;
/// How many marks a full bar has.
const BAR: usize = 20;

/// Names of things.
pub const STRONG: Style = Style::new().bold();
/// What matters less.
pub const FAINT: Style = Style::new().dimmed();
/// What is well.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// What waits for somebody.
pub const WAITS: Style = AnsiColor::Yellow.on_default();
/// What is not well.
pub const BAD: Style = AnsiColor::Red.on_default();

/// Writes to standard output. A reader that has gone, such as `head`, is no reason to panic.
pub fn show(text: &str) -> Result<(), Stop> {
    let mut output = anstream::stdout();
    let written = output.write_all(text.as_bytes()).and_then(|()| output.flush());
    written.map_err(|e| Stop::failed(format!("Could not write the output: {e}")))
}

/// `text` in a style.
pub fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// The mark of a step, and its style.
pub fn mark(state: StepState) -> (&'static str, Style) {
    match state {
        StepState::Pending => ("·", FAINT),
        StepState::Running => ("▶", STRONG),
        StepState::Waiting => ("…", WAITS),
        StepState::Completed => ("✓", GOOD),
        StepState::Failed => ("✗", BAD),
        StepState::Skipped => ("-", FAINT),
    }
}

/// `[##########----------] 50%`
pub fn bar(percent: u8) -> String {
    let full = usize::from(percent.min(100)) * BAR / 100;
    format!("[{}{}] {percent}%", "#".repeat(full), "-".repeat(BAR - full))
}

/// `text` without what could make a terminal show something else than it says: names of vaults and
/// entries are other people's, and somebody decides by what they read here.
pub fn plain(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_harmless = |c: char| c == '\n' || !(c.is_control() || turns(c));
    text.chars().map(|c| if is_harmless(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

/// `text` in lines, the first after `first`, the others as far in.
pub fn wrap(first: &str, text: &str) -> String {
    let indent = " ".repeat(textwrap::core::display_width(first));
    let options = textwrap::Options::new(WIDTH)
        .initial_indent(first)
        .subsequent_indent(&indent)
        // A command or a hash that is broken in two cannot be copied.
        .break_words(false)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    // Without a word there would be no line, and the first part would be lost.
    if text.is_empty() { first.trim_end().to_owned() } else { textwrap::fill(&plain(text), options) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_full_only_at_the_end() {
        assert_eq!(bar(0), "[--------------------] 0%");
        assert_eq!(bar(99), "[###################-] 99%");
        assert_eq!(bar(100), "[####################] 100%");
    }

    #[test]
    fn a_name_cannot_forge_the_screen() {
        let name = "x\u{1b}[1A\u{1b}[2Kharmless\r\u{202e}y";
        assert!(!wrap("", name).contains(['\u{1b}', '\r', '\u{202e}']));
        assert_eq!(plain("vault \"Zürich\" → x"), "vault \"Zürich\" → x");
    }

    #[test]
    fn what_cannot_be_broken_stays_whole() {
        let hash = format!("sha256:{}", "0".repeat(64));
        let text = wrap("  Plan ", &format!("the plan {hash} waits"));
        assert!(text.lines().any(|line| line.trim() == hash), "{text}");
        assert!(text.lines().all(|line| line.starts_with("  ")), "{text}");
    }
}
