//! What was foretold of every user, and what became of it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::MIGRATION;
use super::screen::Screen;
use super::stage::{Actor, Stage};
use super::tenant::{Tenant, each};
use crate::error::{Error, Result};

/// The classes of users that the world has.
const CLASSES: [&str; 3] = ["Expected", "NotApplicable", "Waived"];

/// The operator's forecast once everything was decided, before anything was cut over.
pub(super) struct Outlook {
    /// By class and cause.
    classes: BTreeMap<(String, String), Vec<Foretold>>,
}

/// Of one user.
struct Foretold {
    id: String,
    label: String,
    /// Whether the user comes across, and gets in; none where nobody can know before.
    synced: Option<bool>,
    after: Option<bool>,
    /// Whether provisioning may disable the user.
    disabled: bool,
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
            // Who has two names may be waived though they would come.
            let waived = user["waived"].is_string();
            let class = if waived { "Waived".to_owned() } else { text(&user["class"]) };
            let foretold = Foretold {
                id: text(&user["id"]),
                label: text(&user["label"]),
                // One who is waived may come across all the same; all others who are expected have to.
                synced: (!waived).then_some(class == "Expected"),
                after: match user["after"].as_str() {
                    Some("Yes") => Some(true),
                    Some("DependsOnMatching") => None,
                    _ => Some(false),
                },
                disabled: user["disabled"] == true,
            };
            classes.entry((class, cause)).or_default().push(foretold);
        }
        Ok(Self { classes })
    }

    /// Names a user of every class, with what became of them; whether all of it was foretold.
    pub(super) fn show(&self, screen: &Screen, before: &Tenant, after: &Tenant) -> bool {
        let mut all_right = true;
        for class in CLASSES {
            if !self.classes.keys().any(|(there, _)| there == class) {
                screen.verdict(false, class, "nobody, and somebody should have been");
                all_right = false;
            }
        }
        for ((class, cause), users) in &self.classes {
            let is_wrong = |user: &&Foretold| !user.came_true(before, after);
            let wrong = users.iter().filter(is_wrong).count();
            let Some(example) = users.iter().find(is_wrong).or_else(|| users.first()) else { continue };
            let so = users.iter().filter(|user| user.became(after) == example.became(after)).count();
            let others = match (wrong, so, users.len()) {
                (0, 1, 1) => String::new(),
                (0, so, count) if so == count => format!(", and so for all {count}"),
                (0, so, count) => format!(", and so for {so} of {count}"),
                (wrong, _, count) => format!(", which was not foretold: {wrong} of {count} such users"),
            };
            let why = if class == "Expected" && cause == "Yes" { String::new() } else { format!("{cause}: ") };
            screen.verdict(wrong == 0, class, &format!("{why}{} {}{others}", example.label, example.became(after)));
            all_right &= wrong == 0;
        }
        all_right
    }
}

impl Foretold {
    fn came_true(&self, before: &Tenant, after: &Tenant) -> bool {
        let (Some(was), Some(is)) = (before.users.get(&self.id), after.users.get(&self.id)) else { return false };
        let fits = |foretold: Option<bool>, came: bool| foretold.is_none_or(|foretold| foretold == came);
        fits(self.synced, is.came) && fits(self.after, is.gets_in) && (self.disabled || was.is_enabled == is.is_enabled)
    }

    fn became(&self, after: &Tenant) -> String {
        let Some(person) = after.users.get(&self.id) else { return "is gone".to_owned() };
        let came = if person.came { "came across" } else { "did not come across" };
        let gets_in = if person.gets_in { "can sign in" } else { "cannot sign in" };
        let disabled = if person.is_enabled { "" } else { " and is disabled" };
        format!("{came}, {gets_in}{disabled}")
    }
}
