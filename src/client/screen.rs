//! The one screen of `operator status`.

use std::fmt::Write as _;

use anstyle::Style;
use k8s_openapi::jiff::{SignedDuration, Timestamp};

use super::advice;
use super::style::{BAD, FAINT, GOOD, STRONG, WAITS, WIDTH, bar, mark, paint, wrap};
use crate::api::{GroupReplacement, Mode, Step, StepName, StepState, TenantConnection};

/// The steps in order, whether begun or not.
const STEPS: [StepName; 7] = [
    StepName::Inventory,
    StepName::Membership,
    StepName::Approval,
    StepName::Grant,
    StepName::Soak,
    StepName::Revoke,
    StepName::Verification,
];

/// What is shown.
pub struct Screen<'a> {
    /// Connections, by namespace and name.
    pub connections: &'a [TenantConnection],
    /// Replacements, by namespace and name.
    pub replacements: &'a [GroupReplacement],
    /// Whether names are shown with their namespace.
    pub with_namespace: bool,
    /// Now, for what is left of an estimate.
    pub now: Timestamp,
}

impl Screen<'_> {
    /// The screen as text with styles.
    pub fn draw(&self) -> String {
        let mut blocks: Vec<String> = self.connections.iter().map(|c| self.connection(c)).collect();
        blocks.push(self.replacements.iter().map(|r| self.replacement(r)).collect());
        blocks.retain(|block| !block.is_empty());
        blocks.join("\n")
    }

    fn title(&self, kind: &str, object: &impl kube::ResourceExt, state: &str, style: Style) -> String {
        let name = match (self.with_namespace, object.namespace()) {
            (true, Some(namespace)) => format!("{namespace}/{}", object.name_any()),
            _ => object.name_any(),
        };
        let used = kind.len() + 1 + name.len() + state.len();
        let gap = " ".repeat(WIDTH.saturating_sub(used).max(2));
        format!("{kind} {}{gap}{}\n", paint(STRONG, &name), paint(style, state))
    }

    fn connection(&self, connection: &TenantConnection) -> String {
        let status = connection.status.as_ref();
        let ready = status.and_then(|s| s.conditions.iter().find(|c| c.type_ == "Ready"));
        let (state, style) = match ready {
            None => ("NotSeenYet", WAITS),
            Some(ready) if ready.status == "True" => (ready.reason.as_str(), GOOD),
            Some(ready) => (ready.reason.as_str(), BAD),
        };
        let mut text = self.title("TenantConnection", connection, state, style);
        let _ = writeln!(text, "{}", wrap("  ", &connection.spec.devolutions_cloud.url));
        let said = ready.map_or("The operator has not looked at it. Is it running?", |ready| ready.message.as_str());
        let _ = writeln!(text, "{}", wrap("  ", said));
        text
    }

    fn replacement(&self, object: &GroupReplacement) -> String {
        let advice = advice::of(object);
        let style = if advice::is_done(object) {
            GOOD
        } else if advice::is_stalled(object) {
            BAD
        } else if advice.needs_a_person {
            WAITS
        } else {
            STRONG
        };
        let mut text = self.title("GroupReplacement", object, advice::reason(object), style);
        let conditions = object.status.as_ref().map(|s| s.conditions.as_slice()).unwrap_or_default();
        let told = conditions.iter().find(|c| c.type_ == "Ready").map_or("", |ready| ready.message.as_str());
        if self.replacements.len() > 1 {
            self.brief(&mut text, object, told, &advice);
            return text;
        }
        let _ =
            writeln!(text, "{}", wrap("  ", &format!("custom group {}, mode {:?}", groups(object), object.spec.mode)));
        if !told.is_empty() {
            let _ = writeln!(text, "{}", wrap("  ", told));
        }
        self.steps(&mut text, object, told);
        let _ = writeln!(text, "{}", wrap("  Who must act: ", &advice.text));
        for command in advice.commands {
            let _ = writeln!(text, "    {command}");
        }
        text
    }

    /// One of many: as few lines as tell how far it is and what to do.
    fn brief(&self, text: &mut String, object: &GroupReplacement, told: &str, advice: &advice::Advice) {
        let summary = object.status.as_ref().map(|s| s.summary.as_str()).unwrap_or_default();
        // Where no command helps, only the whole message tells what to do.
        let said = if advice.needs_a_person && advice.commands.is_empty() { told } else { summary };
        let _ = writeln!(text, "{}", wrap("  ", &format!("{}: {said}", groups(object))));
        if advice::is_done(object) {
            return;
        }
        let begun = object.status.as_ref().map(|s| s.steps.as_slice()).unwrap_or_default();
        let steps = STEPS.into_iter().filter(|name| belongs(object.spec.mode, *name)).map(|name| {
            let (sign, style) = mark(begun.iter().find(|s| s.name == name).map_or(StepState::Pending, |s| s.state));
            paint(style, &format!("{sign} {name:?}"))
        });
        let _ = writeln!(text, "  {}", steps.collect::<Vec<_>>().join(" "));
        if let Some(step) = begun.iter().find(|s| s.state == StepState::Running && s.progress.is_some()) {
            let _ = writeln!(text, "{}", wrap("  ", &self.step(step)));
        }
        if let Some(command) = advice.commands.last() {
            let _ = writeln!(text, "  To act: {command}");
        }
    }

    /// The steps, one by one. What was `told` above is not said again.
    fn steps(&self, text: &mut String, object: &GroupReplacement, told: &str) {
        let begun = object.status.as_ref().map(|s| s.steps.as_slice()).unwrap_or_default();
        for name in STEPS.into_iter().filter(|name| belongs(object.spec.mode, *name)) {
            let step = begun.iter().find(|s| s.name == name);
            let state = step.map_or(StepState::Pending, |s| s.state);
            let (sign, style) = mark(state);
            let first = format!("  {sign} {:<13} ", format!("{name:?}"));
            let said = match step {
                None => String::new(),
                Some(step) if step.message == told => "See above.".to_owned(),
                Some(step) => self.step(step),
            };
            let lines = wrap(&first, &said);
            // The mark alone is coloured; it was there for the line breaks.
            let lines = lines.replacen(sign, &paint(style, sign), 1);
            let style = if state == StepState::Pending { FAINT } else { Style::new() };
            let _ = writeln!(text, "{}", paint(style, lines.trim_end()));
        }
    }

    fn step(&self, step: &Step) -> String {
        let Some(progress) = step.progress.as_ref().filter(|_| step.state == StepState::Running) else {
            return step.message.clone();
        };
        let mut said = format!("{}, {} of {}", bar(progress.percent), progress.completed, progress.total);
        if let Some(eta) = &progress.eta {
            let left = eta.0.duration_since(self.now);
            let _ = write!(said, ", about {} left", roughly(left));
        }
        // What it is at stands on a line of its own.
        if step.message.is_empty() { said } else { format!("{said}\n{}", step.message) }
    }
}

/// From what to what, as found or else as asked for.
fn groups(object: &GroupReplacement) -> String {
    let spec = &object.spec;
    let status = object.status.as_ref();
    let asked = |name: &Option<String>, id: &Option<String>| {
        name.as_ref().map(|n| format!("\"{n}\"")).or_else(|| id.clone()).unwrap_or_default()
    };
    let found = |group: Option<&crate::api::ResolvedGroup>| group.map(|g| format!("\"{}\"", g.name));
    let from = found(status.and_then(|s| s.from.as_ref())).unwrap_or_else(|| asked(&spec.from.name, &spec.from.id));
    let to = found(status.and_then(|s| s.to.as_ref())).unwrap_or_else(|| asked(&spec.to.display_name, &spec.to.id));
    format!("{from} → Entra group {to}")
}

/// Whether a step is one of the mode's.
fn belongs(mode: Mode, name: StepName) -> bool {
    match mode {
        Mode::Plan => matches!(name, StepName::Inventory | StepName::Membership),
        Mode::Apply => true,
        Mode::Rollback => name != StepName::Soak,
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
