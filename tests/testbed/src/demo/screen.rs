//! What the demo shows: headings, words, commands and what they say. Colours only on a terminal that wants them.

use console::{Term, style};

/// Words are wrapped at this width at the latest, and nothing is longer where there is no terminal.
const WIDTH: usize = 100;
/// A terminal narrower than this has to wrap by itself.
const NARROWEST: usize = 40;
/// Before everything but headings.
const INDENT: &str = "  ";

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
        let begin = format!("{INDENT}{prompt}$ ");
        // Room for the blank and the backslash.
        let options = textwrap::Options::new(self.width - 2)
            .initial_indent(&begin)
            .subsequent_indent("      ")
            .word_splitter(textwrap::WordSplitter::NoHyphenation)
            .break_words(false);
        self.line("");
        for line in textwrap::wrap(command, options).join(" \\\n").lines() {
            self.line(&style(line).dim().to_string());
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
