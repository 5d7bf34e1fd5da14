//! How far a resource is, step by step.

use std::fmt::{Debug, Write as _};

use anstyle::Style;
use k8s_openapi::jiff::{SignedDuration, Timestamp};

use crate::api::{Step, StepState};
use crate::client::style::{FAINT, bar, mark, paint, paragraph, wrap};

/// A kind's names of steps.
pub trait Name: Copy + Debug + PartialEq {}

impl<N: Copy + Debug + PartialEq> Name for N {}

/// The steps of a resource.
pub struct Steps<'a, N> {
    /// All that its mode has, in order.
    pub names: Vec<N>,
    /// Those that were begun.
    pub begun: &'a [Step<N>],
    /// Now, for what is left of an estimate.
    pub now: Timestamp,
}

impl<N: Name> Steps<'_, N> {
    /// A step, where it was begun.
    fn step(&self, name: N) -> Option<&Step<N>> {
        self.begun.iter().find(|s| s.name == name)
    }

    /// One by one. What was `told` above is not said again.
    pub fn list(&self, told: &str) -> String {
        let mut text = String::new();
        let wide = self.names.iter().map(|name| format!("{name:?}").len()).max().unwrap_or_default().max(13);
        for name in &self.names {
            let step = self.step(*name);
            let (sign, style) = mark(step.map(|step| step.state));
            let mut first = format!("  {sign} {:<wide$} ", format!("{name:?}"));
            let said = match step {
                None => vec![String::new()],
                Some(step) if step.message == told => self.said(step, "See above."),
                Some(step) => self.said(step, &step.message),
            };
            let mut lines = Vec::new();
            for part in said {
                lines.push(wrap(&first, &part));
                first = " ".repeat(textwrap::core::display_width(&first));
            }
            // The mark alone is coloured; it was there for the line breaks.
            let lines = lines.join("\n").replacen(sign, &paint(style, sign), 1);
            let style = if step.is_none() { FAINT } else { Style::new() };
            let _ = writeln!(text, "{}", paint(style, lines.trim_end()));
        }
        text
    }

    /// All in a line, and below it how far the one under way is.
    pub fn brief(&self) -> String {
        let marked = self.names.iter().map(|name| {
            let (sign, style) = mark(self.step(*name).map(|step| step.state));
            paint(style, &format!("{sign} {name:?}"))
        });
        let mut text = format!("  {}\n", marked.collect::<Vec<_>>().join(" "));
        if let Some(step) = self.begun.iter().find(|s| s.state == StepState::Running && s.progress.is_some()) {
            for part in self.said(step, &step.message) {
                let _ = writeln!(text, "{}", paragraph(&part));
            }
        }
        text
    }

    /// What there is to say of a step, in one part or two.
    fn said(&self, step: &Step<N>, message: &str) -> Vec<String> {
        let Some(progress) = step.progress.as_ref().filter(|_| step.state == StepState::Running) else {
            return vec![message.to_owned()];
        };
        let mut said = format!("{}, {} of {}", bar(progress.percent), progress.completed, progress.total);
        if let Some(eta) = &progress.eta {
            let left = eta.0.duration_since(self.now);
            let _ = write!(said, ", about {} left", roughly(left));
        }
        // What it is at stands on a line of its own.
        if message.is_empty() { vec![said] } else { vec![said, message.to_owned()] }
    }
}

/// A span of time as people say it.
fn roughly(span: SignedDuration) -> String {
    match span.as_secs() {
        ..=0 => "0 s".to_owned(),
        seconds @ 1..=99 => format!("{seconds} s"),
        seconds @ 100..=5999 => format!("{} min", (seconds + 30) / 60),
        seconds => format!("{} h", (seconds + 1800) / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_said_roughly() {
        let said = |seconds| roughly(SignedDuration::from_secs(seconds));
        assert_eq!(said(-5), "0 s");
        assert_eq!(said(40), "40 s");
        assert_eq!(said(150), "3 min");
        assert_eq!(said(7300), "2 h");
    }
}
