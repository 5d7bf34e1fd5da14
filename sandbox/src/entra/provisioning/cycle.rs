//! One cycle: whoever is in scope is found or made at the SCIM server, and whoever no longer is is disabled there
//! (<https://learn.microsoft.com/en-us/entra/identity/app-provisioning/how-provisioning-works#provisioning-cycles-initial-and-incremental>).

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::attributes::{self, GROUP_TYPE, USER_TYPE};
use super::scim::{self, Problem, Refused, Scim};
use super::scope::{Scope, Subject};
use crate::world::entra::ProvisioningEvent;
use crate::world::entra::synchronization::{Attributes, Counts, Identity, LinkedUser, Links, Verdict};

/// Name, old and new value of what was changed, as the log has it.
pub type Modified = Vec<(String, Option<String>, Option<String>)>;

/// A cycle on its way, or a single user on demand.
pub struct Cycle {
    pub id: Uuid,
    pub principal: Uuid,
    pub job_id: String,
    pub scim: Scim,
    pub links: Links,
    pub events: Vec<ProvisioningEvent>,
    pub counts: Counts,
    /// Nothing is known of what has changed: everything in scope is looked at, and told in the log.
    pub tells_all: bool,
    /// Whoever leaves the scope stays as they are.
    pub keeps_leavers: bool,
}

/// An entry of the log before it is written.
pub struct Entry {
    pub action: &'static str,
    pub source: Identity,
    /// The id at the server.
    pub target: String,
    pub modified: Modified,
    pub since: Timestamp,
}

impl Cycle {
    /// Does all that there is to do.
    pub async fn work(&mut self, scope: &Scope) -> Result<(), Refused> {
        self.scim.check().await?;
        self.counts.entitled = count(scope.users.len() + scope.groups.len());
        let enabled = scope.users.values().filter(|it| it.is_enabled).count();
        self.counts.entitled_for_provisioning = count(enabled + scope.groups.len());
        if self.tells_all {
            self.counts.imported = self.counts.entitled;
        }
        for subject in scope.users.values() {
            self.user(subject).await?;
        }
        let leavers: Vec<Uuid> = self.links.users.keys().filter(|it| !scope.users.contains_key(*it)).copied().collect();
        for id in leavers {
            self.leave(id).await?;
        }
        for group in scope.groups.values() {
            self.group(group).await?;
        }
        let gone: Vec<Uuid> = self.links.groups.keys().filter(|it| !scope.groups.contains_key(*it)).copied().collect();
        for id in gone {
            self.drop_group(id).await?;
        }
        Ok(())
    }

    /// Brings one user in line.
    pub async fn user(&mut self, subject: &Subject) -> Result<(), Refused> {
        match self.links.users.get(&subject.id).cloned() {
            None if !subject.is_enabled => {
                if self.tells_all {
                    let text = "The user is disabled in the source system, and is not there in the target system.";
                    let verdict = Verdict::Skipped("EntrySynchronizationSkipped", text.to_owned());
                    self.note(Entry::of(subject, "other"), verdict);
                }
                Ok(())
            }
            None => self.adopt(subject).await,
            Some(link) => {
                if link.sent == subject.attributes && !self.tells_all {
                    return Ok(());
                }
                self.counts.imported_deltas += i64::from(!self.tells_all);
                self.update(subject, link).await
            }
        }
    }

    /// Finds somebody at the server, or makes them there.
    async fn adopt(&mut self, subject: &Subject) -> Result<(), Refused> {
        self.counts.imported_deltas += i64::from(!self.tells_all);
        let mut entry = Entry::of(subject, "create");
        let outcome = match self.scim.find("Users", "userName", &subject.upn).await {
            Ok(Some(resource)) => match scim::id(&resource) {
                Ok(scim_id) => {
                    let link = LinkedUser { scim_id, sent: attributes::found(&resource) };
                    return self.update(subject, link).await;
                }
                Err(problem) => Err(problem),
            },
            Ok(None) => self.scim.create("Users", &attributes::new_user(&subject.attributes)).await,
            Err(problem) => Err(problem),
        };
        match outcome {
            Ok(scim_id) => {
                entry.target.clone_from(&scim_id);
                entry.modified = modified(&Attributes::new(), &subject.attributes);
                let link = LinkedUser { scim_id, sent: subject.attributes.clone() };
                self.links.users.insert(subject.id, link);
                self.succeed(entry);
                Ok(())
            }
            Err(problem) => self.fail(entry, problem),
        }
    }

    /// Tells the server in what somebody differs.
    async fn update(&mut self, subject: &Subject, link: LinkedUser) -> Result<(), Refused> {
        let operations = attributes::operations(&link.sent, &subject.attributes, self.scim.is_compliant);
        let is_disabled = link.is_active() && !subject.is_enabled;
        let mut entry = Entry::of(subject, if is_disabled { "disable" } else { "update" });
        entry.target.clone_from(&link.scim_id);
        if operations.is_empty() {
            self.links.users.insert(subject.id, link);
            let text = "The state of the user in both the source and target systems already match.";
            self.note(Entry { action: "other", ..entry }, Verdict::Skipped("RedundantExport", text.to_owned()));
            return Ok(());
        }
        match self.scim.patch("Users", &link.scim_id, &operations).await {
            Ok(()) => {
                entry.modified = modified(&link.sent, &subject.attributes);
                let link = LinkedUser { sent: subject.attributes.clone(), ..link };
                self.links.users.insert(subject.id, link);
                self.succeed(entry);
                Ok(())
            }
            Err(Problem::Gone) => {
                self.forget(subject.id);
                // Somebody has deleted them there: they are looked for anew.
                if subject.is_enabled { Box::pin(self.adopt(subject)).await } else { Ok(()) }
            }
            Err(problem) => self.fail(entry, problem),
        }
    }

    /// Disables somebody who is no longer in scope, once.
    async fn leave(&mut self, id: Uuid) -> Result<(), Refused> {
        let Some(link) = self.links.users.get(&id).filter(|it| it.is_active()).cloned() else { return Ok(()) };
        if self.keeps_leavers {
            return Ok(());
        }
        self.counts.imported_deltas += i64::from(!self.tells_all);
        let mut sent = link.sent.clone();
        sent.insert("active", json!(false));
        let operations = attributes::operations(&link.sent, &sent, self.scim.is_compliant);
        let text = |name: &str| link.sent.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let source = Identity { id: id.to_string(), display_name: text("displayName"), kind: "User" };
        let mut entry = Entry::new(source, "disable");
        entry.target.clone_from(&link.scim_id);
        match self.scim.patch("Users", &link.scim_id, &operations).await {
            Ok(()) => {
                entry.modified = modified(&link.sent, &sent);
                self.links.users.insert(id, LinkedUser { sent, ..link });
                self.succeed(entry);
                Ok(())
            }
            Err(Problem::Gone) => {
                self.forget(id);
                Ok(())
            }
            Err(problem) => self.fail(entry, problem),
        }
    }

    /// Somebody is not at the server any more, nor in any group there.
    fn forget(&mut self, id: Uuid) {
        self.links.users.shift_remove(&id);
        for group in self.links.groups.values_mut() {
            group.members.remove(&id);
        }
    }

    pub fn succeed(&mut self, entry: Entry) {
        self.counts.exported += 1;
        self.counts.exports += 1;
        self.note(entry, Verdict::Success);
    }

    /// Notes what did not go through and is tried again in the next cycle; or ends everything.
    pub fn fail(&mut self, entry: Entry, problem: Problem) -> Result<(), Refused> {
        let (code, text) = match problem {
            Problem::Refused(refused) => return Err(refused),
            Problem::Gone => {
                ("SystemForCrossDomainIdentityManagementServiceIncompatible", "404 (Not Found).".to_owned())
            }
            Problem::Entry(code, text) => (code, text),
        };
        self.counts.escrowed += 1;
        self.note(entry, Verdict::Failure(code, text));
        Ok(())
    }

    pub fn note(&mut self, entry: Entry, verdict: Verdict) {
        self.events.push(Self::event(self.id, self.principal, self.job_id.clone(), entry, verdict));
    }

    /// An entry of the log, written now.
    pub fn event(id: Uuid, principal: Uuid, job_id: String, entry: Entry, verdict: Verdict) -> ProvisioningEvent {
        let Entry { action, source, target, modified, since } = entry;
        let now = Timestamp::now();
        let kind = if source.kind == "Group" { GROUP_TYPE } else { USER_TYPE };
        let target = Identity { id: target, display_name: source.display_name.clone(), kind };
        ProvisioningEvent {
            id: Uuid::new_v4(),
            at: now,
            millis: i64::try_from(now.duration_since(since).as_millis()).unwrap_or_default(),
            job_id,
            cycle_id: id,
            change_id: Uuid::new_v4(),
            principal,
            action,
            source,
            target,
            verdict,
            modified,
        }
    }
}

impl Entry {
    pub fn new(source: Identity, action: &'static str) -> Self {
        Self { action, source, target: String::new(), modified: Modified::new(), since: Timestamp::now() }
    }

    fn of(subject: &Subject, action: &'static str) -> Self {
        let Subject { id, display_name, .. } = subject;
        Self::new(Identity { id: id.to_string(), display_name: display_name.clone(), kind: "User" }, action)
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What differs, as the log has it.
fn modified(old: &Attributes, new: &Attributes) -> Modified {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let one = |path: &'static str| (path.to_owned(), old.get(path).map(text), new.get(path).map(text));
    attributes::changed(old, new).into_iter().map(one).collect()
}
