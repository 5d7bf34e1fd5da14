//! How far each replacement is: a bar for each on a terminal, else a line now and then.

use std::collections::BTreeMap;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;

use super::plan::Waiting;
use super::screen::Screen;
use crate::error::{Error, Result};
use crate::wait;

/// How often bars are drawn anew, per second.
const FRAMES: u8 = 12;

/// All replacements that are under way.
pub(super) struct Board {
    screen: Screen,
    rows: BTreeMap<String, Row>,
}

struct Row {
    bar: ProgressBar,
    plan: Waiting,
    /// What was written last where nobody watches live.
    written: u64,
    succeeded: bool,
}

impl Board {
    /// A row for each plan.
    pub(super) fn new(screen: &Screen, plans: &[Waiting]) -> Result<Self> {
        let style = ProgressStyle::with_template("  {prefix:<16} {bar:32.green/dim} {percent:>3}%  {msg}");
        let style = style.map_err(Error::format("the form of a progress bar"))?.progress_chars("━━─");
        let live = screen.is_live();
        let target = if live { ProgressDrawTarget::stdout_with_hz(FRAMES) } else { ProgressDrawTarget::hidden() };
        let bars = MultiProgress::with_draw_target(target);
        screen.line("");
        let row = |plan: &Waiting| {
            let bar = bars.add(ProgressBar::new(plan.grants + plan.revokes).with_style(style.clone()));
            bar.set_prefix(plan.name.clone());
            bar.tick();
            (plan.name.clone(), Row { bar, plan: plan.clone(), written: 0, succeeded: false })
        };
        Ok(Self { screen: screen.clone(), rows: plans.iter().map(row).collect() })
    }

    /// Takes note of a replacement's present state.
    pub(super) fn see(&mut self, state: &Value) {
        let Some(row) = state["metadata"]["name"].as_str().and_then(|name| self.rows.get_mut(name)) else { return };
        let granted = completed(state, "Grant", row.plan.grants);
        let revoked = completed(state, "Revoke", row.plan.revokes);
        row.succeeded = wait::has_condition(state, "Succeeded");
        let message = match (granted, revoked) {
            _ if row.succeeded => "replaced".to_owned(),
            (0, _) => "approved".to_owned(),
            (granted, 0) => format!("granted {granted} of {}", row.plan.grants),
            (_, revoked) => format!("revoked {revoked} of {}", row.plan.revokes),
        };
        let done = granted + revoked;
        row.bar.set_position(done);
        row.bar.set_message(message.clone());
        let total = row.plan.grants + row.plan.revokes;
        // Half and whole are enough for a log.
        let reached = (done * 2).checked_div(total).unwrap_or_default() + u64::from(row.succeeded);
        if !self.screen.is_live() && reached > row.written {
            row.written = reached;
            let percent = (done * 100).checked_div(total).unwrap_or(100);
            self.screen.output(&format!("{:<16} {percent:>3}%  {message}", row.plan.name));
        }
    }

    /// Whether all of them are done.
    pub(super) fn is_done(&self) -> bool {
        self.rows.values().all(|row| row.succeeded)
    }

    /// Leaves the rows on the screen as they are.
    pub(super) fn end(self) {
        for row in self.rows.values() {
            row.bar.abandon();
        }
        if self.screen.is_live() {
            // Bars leave the cursor at the end of the last of them.
            self.screen.line("");
        }
    }
}

/// How many parts of a step are done, of so many.
fn completed(state: &Value, step: &str, all: u64) -> u64 {
    let steps = state["status"]["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(step) = steps.iter().find(|one| one["name"] == step) else { return 0 };
    if step["state"] == "Completed" { all } else { step["progress"]["completed"].as_u64().unwrap_or(0) }
}
