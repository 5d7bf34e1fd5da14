//! The one screen of `operator status`.
//!
//! - here: what is shown in what order, and what every kind has
//! - `connection`, `migration`, `replacement`: one of a kind
//! - `steps`: how far it is

mod connection;
mod migration;
mod replacement;
mod steps;

use std::fmt::Write as _;

use anstyle::Style;
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;

use super::advice::Advice;
use super::style::{STRONG, WIDTH, paint, paragraph, plain, wrap};
use super::subject::Subject;
use crate::api::{GroupReplacement, SsoMigration, TenantConnection};

/// What is shown.
pub struct Screen<'a> {
    /// Connections, by namespace and name.
    pub connections: &'a [TenantConnection],
    /// Migrations, by namespace and name.
    pub migrations: &'a [SsoMigration],
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
        let mut blocks: Vec<String> = self.connections.iter().map(|c| connection::draw(self, c)).collect();
        blocks.push(self.migrations.iter().map(|m| migration::draw(self, m)).collect());
        blocks.push(self.replacements.iter().map(|r| replacement::draw(self, r)).collect());
        blocks.retain(|block| !block.is_empty());
        blocks.join("\n")
    }

    /// What it is, and at the right its state.
    fn title(&self, kind: &str, object: &impl ResourceExt, state: &str, style: Style) -> String {
        let name = match (self.with_namespace, object.namespace()) {
            (true, Some(namespace)) => format!("{namespace}/{}", object.name_any()),
            _ => object.name_any(),
        };
        let used = kind.len() + 1 + name.len() + state.len();
        let gap = " ".repeat(WIDTH.saturating_sub(used).max(2));
        format!("{kind} {}{gap}{}\n", paint(STRONG, &name), paint(style, &plain(state)))
    }
}

/// Who must act, and how.
fn act(text: &mut String, advice: &Advice) {
    let _ = writeln!(text, "{}", wrap("  Who must act: ", &advice.text));
    for command in &advice.commands {
        let _ = writeln!(text, "    {command}");
    }
    if let Some((how, commands)) = &advice.instead {
        let _ = writeln!(text, "{}", wrap("  ", how));
        for command in commands {
            let _ = writeln!(text, "    {command}");
        }
    }
}

/// One of many: as few lines as tell how far it is and what to do.
fn brief<N: steps::Name>(object: &impl Subject, what: &str, steps: &steps::Steps<'_, N>, advice: &Advice) -> String {
    // Where no command helps, only the whole message tells what to do.
    let told = if advice.needs_a_person && advice.commands.is_empty() { object.told() } else { object.summary() };
    let mut text = format!("{}\n", paragraph(&format!("{what}: {told}")));
    if object.is_done() {
        return text;
    }
    text.push_str(&steps.brief());
    if let Some(command) = advice.commands.last() {
        let _ = writeln!(text, "  To act: {command}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::example;

    fn screen(migrations: &[SsoMigration], replacements: &[GroupReplacement]) -> String {
        let connections = [example::connection()];
        let now = Timestamp::UNIX_EPOCH;
        Screen { connections: &connections, migrations, replacements, with_namespace: false, now }.draw()
    }

    #[test]
    fn one_migration_is_shown_in_full() {
        let (migration, _) = example::preflight_failed();
        example::check("status.txt", &screen(&[migration], &[example::replacement()]));
    }

    #[test]
    fn several_are_shown_in_short() {
        let (failed, _) = example::preflight_failed();
        let mut planned = example::migration(&serde_json::json!({
            "reason": "Planned",
            "summary": "16 users will be able to sign in (16 can today, none loses it); 16 will be synced",
        }));
        planned.metadata.name = Some("fabrikam".to_owned());
        example::check("status-brief.txt", &screen(&[failed, planned], &[]));
    }

    #[test]
    fn a_cut_over_is_followed_step_by_step() {
        example::check("status-applying.txt", &screen(&[example::cutover::waiting()], &[]));
        example::check("status-cutover.txt", &screen(&[example::cutover::done()], &[]));
    }

    #[test]
    fn a_return_is_a_step_and_only_then() {
        let text = |migration| anstream::adapter::strip_str(&screen(&[migration], &[])).to_string();
        let shown = text(example::cutover::returned());
        assert!(shown.contains("✓ Rollback"), "{shown}");
        assert!(shown.contains("by the old application\n            again since"), "{shown}");
        let mut again = example::cutover::returned();
        again.status.as_mut().unwrap().cutover = None;
        assert!(!text(again.clone()).contains("Rollback"), "that was before");
        again.spec.mode = crate::api::MigrationMode::Rollback;
        let rolled_back = text(again);
        assert!(rolled_back.contains("✓ Rollback") && !rolled_back.contains("Preflight"), "{rolled_back}");
    }

    #[test]
    fn the_gate_to_begin_is_a_step_where_a_person_is_asked() {
        let mut migration = example::cutover::waiting();
        assert!(!screen(&[migration.clone()], &[]).contains("Start"));
        let steps = &mut migration.status.as_mut().unwrap().steps;
        steps[1].state = crate::api::StepState::Completed;
        assert!(screen(&[migration], &[]).contains("Start"));
    }

    #[test]
    fn what_was_seen_before_is_told_from_what_is() {
        let (mut suspended, _) = example::preflight_failed();
        for condition in &mut suspended.status.as_mut().unwrap().conditions {
            condition.reason = "Suspended".to_owned();
            condition.message = "Suspended. Nothing is looked at until spec.suspend is false.".to_owned();
        }
        let text = screen(&[suspended], &[]);
        assert!(text.contains("  At the last look:\n"), "{text}");
        assert!(text.contains("\"suspend\":false"), "{text}");
    }

    #[test]
    fn a_name_forges_no_line() {
        let line = "Who must act: Nobody: it is done.";
        let (failed, _) = example::preflight_failed();
        // By a line break, and by words that fill the line before.
        let forged = (0..80).map(|n| format!("x{} {line}", " y".repeat(n)));
        for forged in forged.chain([format!("x\n  {line}"), format!("x\u{2028}  {line}")]) {
            let mut migration = failed.clone();
            let status = migration.status.as_mut().unwrap();
            status.current_application.as_mut().unwrap().display_name.clone_from(&forged);
            status.findings[1].message.clone_from(&forged);
            status.steps[0].message.clone_from(&forged);
            migration.spec.application.display_name.clone_from(&forged);
            let mut applying = example::cutover::waiting();
            let status = applying.status.as_mut().unwrap();
            status.application.as_mut().unwrap().display_name.clone_from(&forged);
            status.conditions[0].message.clone_from(&forged);
            let mut replacement = example::replacement();
            replacement.spec.from.name = Some(forged.clone());
            for text in [screen(&[migration], &[replacement]), screen(&[applying], &[])] {
                let text = anstream::adapter::strip_str(&text).to_string();
                assert!(!text.contains(&format!("\n  {line}")), "{text}");
            }
        }
    }
}
