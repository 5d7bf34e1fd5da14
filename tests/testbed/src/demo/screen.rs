//! What the demo shows: headings, words, commands and what they say. Colours only on a terminal that wants them.

use console::{Term, style};
use textwrap::core::Word;

/// Words are wrapped at this width at the latest, and nothing is longer where there is no terminal.
const WIDTH: usize = 100;
/// A terminal narrower than this has to wrap by itself.
const NARROWEST: usize = 40;
/// Before everything but headings.
const INDENT: &str = "  ";
/// So much of a table's column has to be seen for it to tell anything.
const NARROWEST_COLUMN: usize = 24;
/// So many blanks are between two columns at least.
const GAP: usize = 3;

/// The demo's output.
#[derive(Debug, Clone)]
pub(super) struct Screen {
    /// None for what is done unseen.
    terminal: Option<Term>,
    width: usize,
}

impl Screen {
    pub(super) fn new() -> Self {
        let terminal = Term::stdout();
        let width = terminal.size_checked().map_or(WIDTH, |(_, columns)| usize::from(columns).max(NARROWEST));
        Self { terminal: Some(terminal), width }
    }

    /// One that nobody sees.
    pub(super) fn dark() -> Self {
        Self { terminal: None, width: WIDTH }
    }

    /// Whether nobody sees it.
    pub(super) fn is_dark(&self) -> bool {
        self.terminal.is_none()
    }

    /// Whether somebody watches live, so that lines can be drawn over.
    pub(super) fn is_live(&self) -> bool {
        self.terminal.as_ref().is_some_and(Term::is_term)
    }

    /// A step begins.
    pub(super) fn heading(&self, text: &str) {
        self.line("");
        self.line(&style(text).bold().cyan().to_string());
    }

    /// Words, wrapped.
    pub(super) fn say(&self, text: &str) {
        let options = textwrap::Options::new(self.width.min(WIDTH)).initial_indent(INDENT).subsequent_indent(INDENT);
        for line in textwrap::wrap(text, options) {
            self.line(&line);
        }
    }

    /// Words of somebody else, wrapped and set apart.
    pub(super) fn quote(&self, text: &str) {
        let bar = format!("{INDENT}│ ");
        let options = textwrap::Options::new(self.width.min(WIDTH)).initial_indent(&bar).subsequent_indent(&bar);
        for line in textwrap::wrap(text, options) {
            self.line(&style(line).yellow().to_string());
        }
    }

    /// A command as a person would type it, after an empty line. A long one goes on with a backslash, as in a shell.
    pub(super) fn command(&self, prompt: &str, command: &str) {
        self.line("");
        for line in typed(&format!("{INDENT}{prompt}$ "), command, self.width) {
            self.line(&style(line).dim().to_string());
        }
    }

    /// A table as a command gave it: columns of which too little could be shown are left out.
    pub(super) fn table(&self, text: &str) {
        let columns = fitting(text.lines().next().unwrap_or_default(), self.width - INDENT.len());
        for line in text.lines() {
            self.output(&line.chars().take(columns).collect::<String>());
        }
    }

    /// What a command said: lines too long for the terminal are cut.
    pub(super) fn output(&self, text: &str) {
        for line in text.lines() {
            let line = format!("{INDENT}{}", line.trim_end());
            self.line(&console::truncate_str(&line, self.width, "…"));
        }
    }

    /// One line of the account: whether it is right, what it is about, and what there is to say.
    pub(super) fn verdict(&self, right: bool, about: &str, text: &str) {
        let mark = if right { style("✓").green() } else { style("✗").red() };
        let begin = format!("{INDENT}  {about:<21}");
        let next = " ".repeat(begin.chars().count());
        let options = textwrap::Options::new(self.width.min(WIDTH)).initial_indent(&begin).subsequent_indent(&next);
        for (index, line) in textwrap::wrap(text, options).iter().enumerate() {
            if index == 0 {
                self.line(&format!("{INDENT}{mark} {}", line.trim_start()));
            } else {
                self.line(line);
            }
        }
    }

    /// A line as it is. That nobody reads it is no reason to fail.
    pub(super) fn line(&self, text: &str) {
        if let Some(terminal) = &self.terminal {
            let _ = terminal.write_line(text);
        }
    }
}

/// A command after `begin`, in lines of this width that can be pasted: a word in quotes is not broken.
fn typed(begin: &str, command: &str, width: usize) -> Vec<String> {
    // Room for the blank and the backslash.
    let options = textwrap::Options::new(width - 2)
        .initial_indent(begin)
        .subsequent_indent("      ")
        .word_separator(textwrap::WordSeparator::Custom(words))
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .break_words(false);
    textwrap::wrap(command, options).join(" \\\n").lines().map(ToOwned::to_owned).collect()
}

/// The words of a command as a shell tells them apart, each with the blank after it.
fn words(command: &str) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    let (mut quoted, mut before) = (false, ' ');
    let ends = move |c: char| {
        if c == '\'' && (quoted || before != '\\') {
            quoted = !quoted;
        }
        before = c;
        c == ' ' && !quoted
    };
    Box::new(command.split_inclusive(ends).map(Word::from))
}

/// How many columns of text are shown of a table of `kubectl` with this header: whole columns, and the beginning of the
/// next if that tells anything.
fn fitting(header: &str, width: usize) -> usize {
    let header: Vec<char> = header.chars().collect();
    let begins = |at: &usize| *at == 0 || (header[*at] != ' ' && header[..*at].ends_with(&[' '; GAP]));
    let starts: Vec<usize> = (0..header.len()).filter(begins).collect();
    for (index, start) in starts.iter().enumerate() {
        let end = starts.get(index + 1).map_or(header.len(), |next| next - GAP);
        if end > width {
            return if width.saturating_sub(*start) < NARROWEST_COLUMN { *start } else { usize::MAX };
        }
    }
    usize::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_command_can_be_pasted() {
        let command =
            r#"kubectl patch ssom contoso -n demo --type=merge -p '{"spec": {"mode": "it'\''s so"}}' -o 'a b'"#;
        for width in [20, 40, 60, 80, 200] {
            let lines = typed("  $ ", command, width);
            let pasted: Vec<&str> = lines.iter().map(|line| line.trim_end_matches('\\').trim()).collect();
            assert_eq!(pasted.join(" "), format!("$ {command}"), "{width}");
            // With all quotes closed at its end each line is whole words.
            let is_whole = |line: &str| line.replace(r"'\''", "").matches('\'').count().is_multiple_of(2);
            assert!(pasted.iter().all(|line| is_whole(line)), "{lines:#?}");
        }
        assert_eq!(typed("  $ ", "a b", 80), ["  $ a b"]);
        assert_eq!(typed("  $ ", "kubectl get ssom 'x y'", 20), ["  $ kubectl get \\", "      ssom 'x y'"]);
    }

    #[test]
    fn a_column_is_shown_if_it_tells_anything() {
        let header = "NAME      WILL SIGN IN   SUMMARY                                   AGE";
        let cases = [(100, usize::MAX), (60, usize::MAX), (49, usize::MAX), (48, 25), (22, 25), (21, 10)];
        for (width, shown) in cases {
            assert_eq!(fitting(header, width), shown, "{width}");
        }
    }
}
