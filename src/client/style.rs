//! Colours, marks and line breaks. Colours are taken out again where nobody sees them: `anstream`
//! knows terminals and `NO_COLOR` (<https://no-color.org>).

use std::io::{ErrorKind, Write as _};

use anstyle::{AnsiColor, Style};

use serde_json::Value;
use textwrap::core::display_width;

use super::Stop;
use crate::api::StepState;

/// What fits a terminal of the usual width.
pub const WIDTH: usize = 80;
/// How many marks a full bar has.
const BAR: usize = 20;
/// Between two columns.
const GAP: usize = 2;
/// How far in a paragraph's further lines are.
const HANGING: usize = 6;

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

/// Writes to standard output. A reader that has gone, such as `head`, ends the command without a word.
pub fn show(text: &str) -> Result<(), Stop> {
    let mut output = anstream::stdout();
    let written = output.write_all(text.as_bytes()).and_then(|()| output.flush());
    written.map_err(|e| match e.kind() {
        ErrorKind::BrokenPipe => Stop::failed(""),
        _ => Stop::failed(format!("Could not write the output: {e}")),
    })
}

/// `text` in a style.
pub fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// The mark of a step, and its style; none is one that was not begun.
pub fn mark(state: Option<StepState>) -> (&'static str, Style) {
    match state {
        None => ("·", FAINT),
        Some(StepState::Running) => ("▶", STRONG),
        Some(StepState::Waiting) => ("…", WAITS),
        Some(StepState::Completed) => ("✓", GOOD),
        Some(StepState::Failed) => ("✗", BAD),
        Some(StepState::Skipped) => ("-", FAINT),
    }
}

/// `[##########----------] 50%`
pub fn bar(percent: u8) -> String {
    let full = usize::from(percent.min(100)) * BAR / 100;
    format!("[{}{}] {percent}%", "#".repeat(full), "-".repeat(BAR - full))
}

/// Whether `c` is shown as something else than itself: it moves the cursor or turns the direction of writing.
fn misleads(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || c.is_control()
}

/// `text` in one line, without what could make a terminal show something else than it says: names of groups,
/// users and entries are other people's, and somebody decides by what they read here. A name with a line break could
/// forge a whole line.
pub fn plain(text: &str) -> String {
    let shown = |c: char| match c {
        // All kinds of spaces, so that lines can be broken at each.
        c if c.is_whitespace() => ' ',
        c if misleads(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.chars().map(shown).collect()
}

/// A document for programs. In JSON such characters stand in strings only, where an escape means the same.
pub fn json(document: &Value) -> String {
    let shown = |c: char| {
        if c != '\n' && misleads(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() }
    };
    format!("{document:#}\n").chars().map(shown).collect()
}

/// `text` in lines, the first after `first`, the others as far in.
pub fn wrap(first: &str, text: &str) -> String {
    hang(first, display_width(first), text)
}

/// `text` in lines, the first a little in, the others further in than anything else begins: whoever chooses a name
/// chooses where its line is broken too, and what follows must not look like a line of ours.
pub fn paragraph(text: &str) -> String {
    hanging("  ", text)
}

/// The same, the first line after `first`.
pub fn hanging(first: &str, text: &str) -> String {
    hang(first, HANGING, text)
}

/// `text` in lines, the first after `first`, the others `indent` in.
fn hang(first: &str, indent: usize, text: &str) -> String {
    let indent = " ".repeat(indent);
    let options = textwrap::Options::new(WIDTH)
        .initial_indent(first)
        .subsequent_indent(&indent)
        // A command or a hash that is broken in two cannot be copied.
        .break_words(false)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    // Without a word there would be no line, and the first part would be lost.
    if text.is_empty() { first.trim_end().to_owned() } else { textwrap::fill(&plain(text), options) }
}

/// A value with its name, in a heading.
pub fn field(name: &str, value: &str) -> String {
    format!("{}\n", wrap(&format!("  {name:<9} "), value))
}

/// `text` in at most two lines; what does not fit is left out.
pub fn two_lines(first: &str, text: &str) -> String {
    let whole = wrap(first, text);
    let mut lines = whole.lines();
    let (Some(one), Some(two), Some(_)) = (lines.next(), lines.next(), lines.next()) else { return whole };
    let mut two = two;
    while display_width(two) + GAP > WIDTH {
        let Some((shorter, _)) = two.rsplit_once(' ') else { break };
        two = shorter;
    }
    format!("{one}\n{} …", two.trim_end_matches([' ', ',', ';', ':', '.']))
}

/// Names in columns, from left to right. One that is too long for a column gets a line of its own.
pub fn columns(indent: usize, names: impl IntoIterator<Item = String>) -> String {
    // Two spaces side by side would look like the end of a column.
    let names = names.into_iter().map(|name| plain(&name).split_whitespace().collect::<Vec<_>>().join(" "));
    let names: Vec<String> = names.collect();
    let room = WIDTH.saturating_sub(indent);
    let fits = |name: &&String| display_width(name) * 2 + GAP <= room;
    let width = names.iter().filter(fits).map(|name| display_width(name)).max().unwrap_or(room);
    let per_line = ((room + GAP) / (width + GAP)).max(1);
    let mut lines: Vec<Vec<&String>> = Vec::new();
    for name in &names {
        match lines.last_mut() {
            Some(line) if fits(&name) && fits(&line[0]) && line.len() < per_line => line.push(name),
            _ => lines.push(vec![name]),
        }
    }
    let left = " ".repeat(indent);
    let draw = |line: Vec<&String>| match line.as_slice() {
        // Further in, lest the rest of a name be taken for another.
        [name] => format!("{}\n", hang(&left, indent + HANGING, name)),
        several => {
            let pad =
                |name: &&String| format!("{name}{}", " ".repeat((width + GAP).saturating_sub(display_width(name))));
            format!("{left}{}\n", several.iter().map(pad).collect::<String>().trim_end())
        }
    };
    lines.into_iter().map(draw).collect()
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
        for line_break in ['\n', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'] {
            assert_eq!(plain(&format!("x{line_break}y")), "x y", "{line_break:?}");
        }
        // Where it would be broken by the terminal at the edge, the rest must not begin at the left.
        let padded = format!("x{}State     done", "\u{a0}".repeat(70));
        assert!(field("What", &padded).lines().skip(1).all(|line| line.starts_with("            ")));
    }

    #[test]
    fn json_is_harmless_and_says_the_same() {
        let document = serde_json::json!({"name": "a\nb\u{9b}1A\u{202e}\u{7f}ü\u{1b}"});
        let text = json(&document);
        assert!(!text.contains(['\u{9b}', '\u{202e}', '\u{7f}', '\u{1b}']) && text.contains('ü'), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), document);
    }

    #[test]
    fn what_cannot_be_broken_stays_whole() {
        let hash = format!("sha256:{}", "0".repeat(64));
        let text = wrap("  Plan ", &format!("the plan {hash} waits"));
        assert!(text.lines().any(|line| line.trim() == hash), "{text}");
        assert!(text.lines().all(|line| line.starts_with("  ")), "{text}");
    }

    #[test]
    fn more_than_two_lines_are_cut() {
        assert_eq!(two_lines("  ", "short"), "  short");
        let text = two_lines("  x: ", &"word, ".repeat(40));
        assert_eq!(text.lines().count(), 2);
        assert!(text.ends_with("word …") && text.lines().all(|line| display_width(line) <= WIDTH), "{text}");
    }

    #[test]
    fn names_stand_in_columns() {
        let long = "l".repeat(70);
        let names = ["a@x.example", "bb@x.example", "c  c\n  d@x.example", &long, "e", "f"].map(ToOwned::to_owned);
        assert_eq!(
            columns(4, names),
            format!("    a@x.example      bb@x.example     c c d@x.example\n    {long}\n    e                f\n")
        );
        assert_eq!(columns(4, []), "");
    }
}
