//! Whether all is as it should be, by the word of the sandbox and not of the operator.

use serde_json::Value;

use super::manifests::Pair;
use super::outlook::Outlook;
use super::plan::Waiting;
use super::provisioning::Across;
use super::screen::Screen;
use super::tenant::{Person, Tenant, each};
use super::writes::{Moved, PROVISIONING, Writes};
use crate::error::Result;
use crate::sandbox::{Journal, Request, Sandbox};

/// What is to be held against the world.
pub(super) struct Account<'a> {
    pub(super) before: &'a Tenant,
    pub(super) after: &'a Tenant,
    pub(super) pairs: &'a [Pair],
    pub(super) plans: &'a [Waiting],
    /// What was foretold of every user.
    pub(super) outlook: &'a Outlook,
    /// Who came across, by the operator's word.
    pub(super) across: &'a Across,
    /// The number of the last request to the sandbox before the forecast.
    pub(super) since: u64,
    /// And before the migration was asked for.
    pub(super) asked: u64,
}

/// Says of one thing after the other whether it is right, and remembers whether all were.
pub(super) struct Verdicts<'a> {
    screen: &'a Screen,
    all_right: bool,
}

impl<'a> Verdicts<'a> {
    pub(super) fn new(screen: &'a Screen) -> Self {
        Self { screen, all_right: true }
    }

    pub(super) fn say(&mut self, right: bool, about: &str, text: &str) {
        self.all_right &= right;
        self.screen.verdict(right, about, text);
    }

    pub(super) fn all_right(&self) -> bool {
        self.all_right
    }
}

/// Every word that was given opened a gate, killed operator or not, and says so.
pub(super) fn approvals(verdicts: &mut Verdicts<'_>, list: &Value) {
    let is_used =
        |one: &&Value| each(&one["status"]["conditions"]).any(|it| it["type"] == "Accepted" && it["reason"] == "Used");
    let (given, used) = (each(&list["items"]).count(), each(&list["items"]).filter(is_used).count());
    verdicts.say(used == given && used > 0, "approvals", &format!("{given} given, {used} of them used"));
}

impl Account<'_> {
    /// Shows it. Whether all of it is right.
    pub(super) async fn show(&self, screen: &Screen, sandbox: &Sandbox) -> Result<bool> {
        let mut verdicts = Verdicts::new(screen);
        let journal = sandbox.journal(self.since).await?;
        let moved = Moved::of(&self.before.entra, &self.after.entra, &journal.entries);
        self.application(&mut verdicts, &journal, &moved);
        self.sign_ins(&mut verdicts, sandbox, &moved).await?;
        self.provisioning(&mut verdicts, &journal);
        self.permissions(&mut verdicts, &journal);
        self.access(&mut verdicts, sandbox).await?;
        screen.line("");
        screen.say("A user of every class that was foretold, and what became of them:");
        let foretold = self.outlook.show(screen, self.before, self.after);
        Ok(verdicts.all_right() && foretold)
    }

    fn application(&self, verdicts: &mut Verdicts<'_>, journal: &Journal, moved: &Moved) {
        let asked = || journal.entries.iter().filter(|one| one.seq <= self.asked);
        let graph = asked().filter(|one| one.system == "Graph").count();
        let is_ours = |one: &&Request| one.identity.as_deref() == Some("operator") && one.system != "Login";
        let written = asked().filter(is_ours).filter(|one| one.is_write).count();
        let text = format!("{graph} requests to Entra ID; {written} writes, to whichever system");
        verdicts.say(written == 0 && graph > 0, "forecast", &text);

        let text = format!(
            "{} made, {} secret on it and {} on the old one",
            moved.new.len(),
            moved.secrets.0,
            moved.secrets.1
        );
        verdicts.say(moved.new.len() == 1 && moved.secrets == (1, 1), "new application", &text);

        let taken_over = moved.before.intersection(&moved.assigned).count();
        let groups = self.pairs.iter().filter(|pair| moved.names.contains(&pair.entra)).count();
        let text = format!(
            "{taken_over} of {} principals of the old application, {groups} of {} Entra groups, {} in all; the old one's are as they were",
            moved.before.len(),
            self.pairs.len(),
            moved.assigned.len()
        );
        let all = taken_over == moved.before.len() && taken_over > 0 && groups == self.pairs.len();
        verdicts.say(all && moved.still == moved.before, "assignments", &text);
        verdicts.say(moved.saves == 1, "single sign-on", &format!("saved {} time", moved.saves));
    }

    async fn sign_ins(&self, verdicts: &mut Verdicts<'_>, sandbox: &Sandbox, moved: &Moved) -> Result<()> {
        let tally = sandbox.sign_ins().await?;
        let people = self.before.count(|person| person.gets_in);
        let text = format!("{} tried by {people} people, {} failed", tally["attempts"], tally["failures"]);
        verdicts.say(tally["failures"] == 0 && tally["attempts"].as_u64() > Some(0), "sign-ins", &text);

        let able = self.after.count(|person| person.gets_in);
        let is_out = |(id, person): &(&String, &Person)| {
            person.gets_in && self.after.users.get(*id).is_none_or(|now| !now.gets_in)
        };
        let lost = self.before.users.iter().filter(is_out).count();
        let by = |tenant: &Tenant, only: &[String]| tenant.signs_in_by.iter().eq(only);
        let moved = by(self.before, &moved.old) && by(self.after, &moved.new);
        let how = if moved { "all by the new application" } else { "not all by the application that it should be" };
        let text = format!("{people} could at the beginning, {able} at the end, {how}; {lost} lost it");
        verdicts.say(lost == 0 && able > 0 && moved, "sign-in in the end", &text);
        Ok(())
    }

    fn provisioning(&self, verdicts: &mut Verdicts<'_>, journal: &Journal) {
        let made = |method: &str, end: &str| {
            let entries = journal.entries.iter().filter(|one| one.method == method && one.path.ends_with(end));
            entries.filter(|one| (200..300).contains(&one.status)).count()
        };
        let (enabled, jobs, started) =
            (made("POST", PROVISIONING), made("POST", "/synchronization/jobs"), made("POST", "/start"));
        let is_active = self.after.is_synchronizing;
        let active = if is_active { "activated" } else { "not activated" };
        let text = format!("enabled {enabled} time, {jobs} job made, {started} started; synchronization is {active}");
        verdicts.say((enabled, jobs, started) == (1, 1, 1) && is_active, "provisioning", &text);

        let Across { expected, synced, waived } = *self.across;
        let came = self.after.count(|person| person.came && person.is_enabled);
        let before = self.before.count(|person| person.came);
        let text =
            format!("{synced} of {expected} who should, {waived} waived; {came} have come across, {before} had before");
        // One who is waived may come across all the same.
        let all = expected > 0 && synced == expected && (synced..=synced + waived).contains(&came) && before == 0;
        verdicts.say(all, "users synced", &text);
    }

    fn permissions(&self, verdicts: &mut Verdicts<'_>, journal: &Journal) {
        let replaced = self.pairs.iter().filter(|pair| self.after.held_by(&pair.custom_id) == Some(0)).count();
        let text = format!("{replaced} of {} custom groups hold nothing any more", self.pairs.len());
        verdicts.say(replaced == self.pairs.len() && replaced > 0, "groups replaced", &text);

        let writes = Writes::of(&journal.entries);
        let planned = |count: fn(&Waiting) -> u64| self.plans.iter().map(count).sum::<u64>();
        for (about, method, planned) in [
            ("permissions granted", "PUT", planned(|plan| plan.grants)),
            ("permissions revoked", "DELETE", planned(|plan| plan.revokes)),
        ] {
            let (all, different) = writes.count(method);
            let twice = all - different;
            let text = format!("{all} successful {method} requests, {twice} of them twice, and {planned} were planned");
            verdicts.say(all == planned && different == all, about, &text);
        }
        verdicts.say(writes.others == 0, "other writes", &writes.others.to_string());

        let same = self.before.replaced(self.pairs) == self.after.state;
        let text = if same {
            "each is where it was and says what it said, and the Entra group holds it now"
        } else {
            "some are not what they were"
        };
        verdicts.say(same, "permissions", text);
    }

    async fn access(&self, verdicts: &mut Verdicts<'_>, sandbox: &Sandbox) -> Result<()> {
        let rules = self.before.rules();
        let names = rules.iter().copied().collect::<Vec<_>>().join(", ");
        let violations = sandbox.violations().await?;
        let none = violations.total == 0 && violations.by_rule.values().all(|count| *count == 0);
        let text = if none {
            format!("0 under each of {} rules by which rights may combine: {names}", rules.len())
        } else {
            format!("{} in all: {:?}", violations.total, violations.by_rule)
        };
        verdicts.say(none && !rules.is_empty(), "access violations", &text);

        let changed = self.before.access.iter().filter(|(user, access)| self.after.access.get(*user) != Some(access));
        let changed = changed.count();
        let text = format!("{changed} of {} users may do anything else than before", self.before.access.len());
        verdicts.say(changed == 0, "access in the end", &text);
        Ok(())
    }
}
