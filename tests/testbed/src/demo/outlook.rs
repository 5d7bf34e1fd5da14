//! What was foretold of every user, and what became of it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::MIGRATION;
use super::screen::Screen;
use super::stage::{Actor, Stage};
use super::tenant::{Person, Tenant, each};
use crate::error::{Error, Result};

/// The operator's forecast once everything was decided, before anything was cut over.
pub(super) struct Outlook {
    /// By class and cause.
    classes: BTreeMap<(String, String), Vec<Foretold>>,
}

/// Of one user.
struct Foretold {
    id: String,
    label: String,
    /// Whether the user comes across, and gets in: `Yes`, `No`, or what nobody can know before.
    synced: Option<bool>,
    after: Option<bool>,
}

impl Outlook {
    /// The forecast's report as the command line gives it.
    pub(super) async fn report(stage: &Stage, admin: &Actor) -> Result<Value> {
        let words = ["plan", MIGRATION, "-n", stage.namespace(), "-o", "json"];
        let told = stage.run_operator_unseen(admin, &words).await?;
        let told: Value = serde_json::from_str(&told).map_err(Error::format("the forecast"))?;
        Ok(told["report"].clone())
    }

    /// The forecast as it is now.
    pub(super) async fn read(stage: &Stage, admin: &Actor) -> Result<Self> {
        let report = Self::report(stage, admin).await?;
        let mut classes: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for user in each(&report["users"]) {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let cause = match &user["synced"] {
                Value::String(answer) => answer.clone(),
                answer => text(&answer["No"]),
            };
            let waived = user["class"] == "Waived";
            let foretold = Foretold {
                id: text(&user["id"]),
                label: text(&user["label"]),
                // One who is waived may come across all the same.
                synced: if waived { None } else { answered(&user["synced"]) },
                after: answered(&user["after"]),
            };
            classes.entry((text(&user["class"]), cause)).or_default().push(foretold);
        }
        Ok(Self { classes })
    }

    /// Names a user of every class, with what became of them; whether all of it was foretold.
    pub(super) fn show(&self, screen: &Screen, after: &Tenant) -> bool {
        let mut all_right = !self.classes.is_empty();
        for ((class, cause), users) in &self.classes {
            let surprises: Vec<&Foretold> = users.iter().filter(|user| !user.came_true(after)).collect();
            let Some(example) = surprises.first().copied().or_else(|| users.first()) else { continue };
            let became = after.users.get(&example.id).map_or_else(|| "is gone".to_owned(), |person| became(*person));
            let others = match (surprises.len(), users.len()) {
                (0, 1) => String::new(),
                (0, count) => format!(", and so for all {count}"),
                (wrong, count) => format!(", which was not foretold: {wrong} of {count} such users"),
            };
            let why = if class == "Expected" && cause == "Yes" { String::new() } else { format!("{cause}: ") };
            screen.verdict(surprises.is_empty(), class, &format!("{why}{} {became}{others}", example.label));
            all_right &= surprises.is_empty();
        }
        all_right
    }
}

impl Foretold {
    fn came_true(&self, after: &Tenant) -> bool {
        let Some(person) = after.users.get(&self.id) else { return false };
        self.synced.is_none_or(|synced| synced == person.came) && self.after.is_none_or(|able| able == person.gets_in)
    }
}

/// Yes or no; neither where it depends on what no public source tells.
fn answered(answer: &Value) -> Option<bool> {
    match answer {
        Value::String(text) => (text == "Yes").then_some(true),
        _ => Some(false),
    }
}

fn became(person: Person) -> String {
    let came = if person.came { "came across" } else { "did not come across" };
    let gets_in = if person.gets_in { "can sign in" } else { "cannot sign in" };
    let disabled = if person.is_enabled { "" } else { " and is disabled" };
    format!("{came}, {gets_in}{disabled}")
}
