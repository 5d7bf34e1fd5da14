//! A replacement on the screen.

use std::fmt::Write as _;

use kube::ResourceExt as _;

use super::steps::Steps;
use super::{Screen, act, brief};
use crate::api::{GroupReplacement, Mode, ResolvedGroup, SsoMigration, StepName};
use crate::client::advice;
use crate::client::style::paragraph;
use crate::client::subject::Subject as _;

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

pub(super) fn draw(screen: &Screen<'_>, object: &GroupReplacement) -> String {
    let its = object.spec.migration_ref.as_ref().map(|reference| reference.name.as_str());
    let is_its = |m: &&SsoMigration| Some(m.name_any().as_str()) == its && m.namespace() == object.namespace();
    let advice = advice::replacement::of(object, screen.migrations.iter().find(is_its));
    let colour = advice::colour(object, &advice);
    let mut text = screen.title("GroupReplacement", object, object.reason(), colour);
    let steps = Steps {
        names: STEPS.into_iter().filter(|name| belongs(object.spec.mode, *name)).collect(),
        begun: object.status.as_ref().map(|s| s.steps.as_slice()).unwrap_or_default(),
        now: screen.now,
    };
    if screen.replacements.len() > 1 {
        text.push_str(&brief(object, &groups(object), &steps, &advice));
        return text;
    }
    let what = format!("custom group {}, mode {:?}", groups(object), object.spec.mode);
    let _ = writeln!(text, "{}", paragraph(&what));
    let told = object.told();
    if !told.is_empty() {
        let _ = writeln!(text, "{}", paragraph(told));
    }
    text.push_str(&steps.list(told));
    act(&mut text, &advice);
    text
}

/// From what to what, as found or else as asked for.
fn groups(object: &GroupReplacement) -> String {
    let spec = &object.spec;
    let status = object.status.as_ref();
    let asked = |name: &Option<String>, id: &Option<String>| {
        name.as_ref().map(|n| format!("\"{n}\"")).or_else(|| id.clone()).unwrap_or_default()
    };
    let found = |group: Option<&ResolvedGroup>| group.map(|g| format!("\"{}\"", g.name));
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
