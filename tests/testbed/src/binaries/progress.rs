//! Tells the person who waits what is being built and for how long: on one living line of a terminal, else on a new
//! line every now and then.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// The account of a build on the error stream.
pub(super) struct Progress {
    terminal: bool,
    task: String,
    began: Instant,
    shown: Option<Instant>,
    packages: usize,
    latest: String,
}

impl Progress {
    /// How often [`Self::show`] is worth calling.
    pub(super) const STEP: Duration = Duration::from_secs(1);
    /// How often a line is written where nobody watches it live.
    const QUIET_STEP: Duration = Duration::from_secs(15);
    /// Longest name shown of what is compiled.
    const WIDTH: usize = 40;

    pub(super) fn new() -> Self {
        Self {
            terminal: std::io::stderr().is_terminal(),
            task: String::new(),
            began: Instant::now(),
            shown: None,
            packages: 0,
            latest: String::new(),
        }
    }

    /// A duration for people: "about 4 minutes".
    pub(super) fn roughly(seconds: u64) -> String {
        match (seconds + 30) / 60 {
            0 => format!("{seconds} seconds"),
            1 => "1 minute".to_owned(),
            minutes => format!("{minutes} minutes"),
        }
    }

    /// One line that stays.
    pub(super) fn say(&self, text: &str) {
        self.write(&format!("{text}\n"));
    }

    /// A task begins.
    pub(super) fn begin(&mut self, task: String) {
        self.task = task;
        self.began = Instant::now();
        self.shown = None;
        self.packages = 0;
        self.latest.clear();
    }

    /// The compiler reported something: a package, or a module that is being downloaded.
    pub(super) fn note(&mut self, line: &str) {
        if !line.starts_with("go: ") {
            self.packages += 1;
        }
        self.latest = Self::end_of(line.trim_start_matches("go: "));
    }

    /// The end of a name, which tells more than its beginning.
    fn end_of(text: &str) -> String {
        let length = text.chars().count();
        if length <= Self::WIDTH {
            return text.to_owned();
        }
        std::iter::once('…').chain(text.chars().skip(length - Self::WIDTH + 1)).collect()
    }

    /// Shows where the task is, if it is time to.
    pub(super) fn show(&mut self) {
        let due = self.shown.is_none_or(|at| self.terminal || at.elapsed() >= Self::QUIET_STEP);
        if due {
            self.shown = Some(Instant::now());
            let state = format!("{}; {} so far", self.task, Self::clock(self.began.elapsed()));
            let latest = match (self.packages, self.latest.as_str()) {
                (0, "") => String::new(),
                (0, latest) => format!(", {latest}"),
                (count, latest) => format!(", {count} packages compiled, last {latest}"),
            };
            let line = format!("{state}{latest}");
            if self.terminal {
                // A line that wraps could not be written over. `ESC [ K` erases what a longer one left.
                let columns = rustix::termios::tcgetwinsize(std::io::stderr()).map_or(0, |size| size.ws_col);
                // 0 is what a terminal says that does not know.
                let width = if columns == 0 { 80 } else { columns };
                let shown: String = line.chars().take(usize::from(width) - 1).collect();
                self.write(&format!("{shown}\x1b[K"));
            } else {
                self.write(&format!("{line}\n"));
            }
        }
    }

    /// The task is over.
    pub(super) fn finish(&mut self, result: &str) {
        let end = if self.terminal { "\x1b[K\n" } else { "\n" };
        self.write(&format!("{result}, {}{end}", Self::clock(self.began.elapsed())));
    }

    fn clock(time: Duration) -> String {
        format!("{}:{:02}", time.as_secs() / 60, time.as_secs() % 60)
    }

    /// That nobody reads the progress is no reason to fail.
    fn write(&self, text: &str) {
        let start = if self.terminal { "\r" } else { "" };
        let mut stream = std::io::stderr().lock();
        let _ = write!(stream, "{start}{text}").and_then(|()| stream.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_cut_says_so() {
        let whole = "x".repeat(Progress::WIDTH);
        assert_eq!(Progress::end_of(&whole), whole);
        let cut = Progress::end_of(&format!("k8s.io/{whole}"));
        assert!(cut.starts_with("…x") && cut.chars().count() == Progress::WIDTH, "{cut}");
    }
}
