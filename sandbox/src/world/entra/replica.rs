//! What reads still see after a write: a replica that hears of each change after a while.
//!
//! Directory writes are eventually consistent: what was just made may be missing from the next read, and come and go
//! until it has reached every replica
//! (<https://devblogs.microsoft.com/identity/designing-for-eventual-consistency-for-microsoft-entra>). How long that takes
//! is promised nowhere, so a switch says it.

use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::synchronization::Schedule;
use super::{Application, Assignment, Entra, Password, PermissionGrant, ServicePrincipal};
use crate::world::scenario::EntraDelays;

/// A change that the replica has not heard of yet; `None` says that the thing is gone.
#[derive(Debug, Clone)]
enum Fact {
    /// Without its secrets.
    Application(Uuid, Option<Box<Application>>),
    Secret(Uuid, Uuid, Option<Password>),
    /// Without its assignments.
    Principal(Uuid, Option<Box<ServicePrincipal>>),
    Assignment(Uuid, String, Option<Assignment>),
    Grant(String, Option<PermissionGrant>),
    /// Whether the job of a service principal runs; that there is one, and its status, are seen at once.
    Schedule(Uuid, Option<Schedule>),
}

impl Fact {
    /// Whether both are about one thing.
    fn is_about(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Application(one, _), Self::Application(other, _))
            | (Self::Principal(one, _), Self::Principal(other, _))
            | (Self::Secret(_, one, _), Self::Secret(_, other, _))
            | (Self::Schedule(one, _), Self::Schedule(other, _)) => one == other,
            (Self::Assignment(_, one, _), Self::Assignment(_, other, _))
            | (Self::Grant(one, _), Self::Grant(other, _)) => one == other,
            _ => false,
        }
    }

    fn seconds(&self, delays: &EntraDelays) -> u32 {
        match self {
            Self::Application(..) => delays.applications,
            Self::Secret(..) => delays.secrets,
            Self::Principal(..) => delays.service_principals,
            Self::Assignment(..) => delays.assignments,
            Self::Grant(..) => delays.consent,
            Self::Schedule(..) => delays.jobs,
        }
    }
}

/// The collections that lag behind.
#[derive(Debug, Clone, Default)]
struct Registry {
    applications: IndexMap<Uuid, Application>,
    principals: IndexMap<Uuid, ServicePrincipal>,
    grants: Vec<PermissionGrant>,
    schedules: IndexMap<Uuid, Schedule>,
}

/// What reads see, while it differs from what is.
#[derive(Debug, Clone, Default)]
pub(super) struct Replica {
    seen: Registry,
    /// In the order in which they were written.
    pending: Vec<(Timestamp, Fact)>,
    /// Reads since the last write, where every other one sees everything.
    reads: Option<u64>,
}

impl Replica {
    /// Hears of everything that is due.
    fn settle(&mut self, now: Timestamp) {
        let (due, pending) = std::mem::take(&mut self.pending).into_iter().partition(|(at, _)| *at <= now);
        self.pending = pending;
        // Twice: a thing may have been waiting for what it is a part of.
        let due: Vec<(Timestamp, Fact)> = due;
        let parts = due.into_iter().filter_map(|(at, fact)| self.apply(fact).map(|it| (at, it))).collect::<Vec<_>>();
        for (at, fact) in parts {
            if let Some(fact) = self.apply(fact)
                && self.awaits(&fact)
            {
                self.pending.push((at, fact));
            }
        }
    }

    /// Whether what the fact's thing is a part of is still to come.
    fn awaits(&self, fact: &Fact) -> bool {
        self.pending.iter().any(|(_, it)| match (it, fact) {
            (Fact::Application(id, Some(_)), Fact::Secret(of, ..))
            | (Fact::Principal(id, Some(_)), Fact::Assignment(of, ..)) => id == of,
            _ => false,
        })
    }

    /// Hears of one change; gives it back if what it is a part of is not there.
    fn apply(&mut self, fact: Fact) -> Option<Fact> {
        let seen = &mut self.seen;
        match fact {
            Fact::Application(id, Some(mut it)) => {
                it.passwords = seen.applications.get(&id).map(|it| it.passwords.clone()).unwrap_or_default();
                seen.applications.insert(id, *it);
            }
            Fact::Application(id, None) => drop(seen.applications.shift_remove(&id)),
            Fact::Principal(id, Some(mut it)) => {
                it.assigned = seen.principals.get(&id).map(|it| it.assigned.clone()).unwrap_or_default();
                seen.principals.insert(id, *it);
            }
            Fact::Principal(id, None) => drop(seen.principals.shift_remove(&id)),
            Fact::Secret(id, key, secret) => {
                let Some(application) = seen.applications.get_mut(&id) else {
                    return Some(Fact::Secret(id, key, secret));
                };
                application.passwords.retain(|it| it.key_id != key);
                application.passwords.extend(secret);
            }
            Fact::Assignment(id, key, assignment) => {
                let Some(principal) = seen.principals.get_mut(&id) else {
                    return Some(Fact::Assignment(id, key, assignment));
                };
                match assignment {
                    Some(it) => drop(principal.assigned.insert(key, it)),
                    None => drop(principal.assigned.shift_remove(&key)),
                }
            }
            Fact::Grant(id, grant) => {
                seen.grants.retain(|it| it.id != id);
                seen.grants.extend(grant);
            }
            Fact::Schedule(id, Some(schedule)) => drop(seen.schedules.insert(id, schedule)),
            Fact::Schedule(id, None) => drop(seen.schedules.shift_remove(&id)),
        }
        None
    }
}

/// What has changed between two states.
fn changes(before: &Registry, now: &Entra) -> Vec<Fact> {
    let mut facts = Vec::new();
    for (id, it) in &now.applications {
        let bare = |it: &Application| Application { passwords: Vec::new(), ..it.clone() };
        let old = before.applications.get(id);
        if old.map(bare).as_ref() != Some(&bare(it)) {
            facts.push(Fact::Application(*id, Some(Box::new(bare(it)))));
        }
        let had = old.map(|it| it.passwords.as_slice()).unwrap_or_default();
        let new = it.passwords.iter().filter(|it| !had.contains(it));
        facts.extend(new.map(|it| Fact::Secret(*id, it.key_id, Some(it.clone()))));
        let gone = had.iter().filter(|had| !it.passwords.iter().any(|it| it.key_id == had.key_id));
        facts.extend(gone.map(|it| Fact::Secret(*id, it.key_id, None)));
    }
    for (id, it) in &now.service_principals {
        let bare = |it: &ServicePrincipal| ServicePrincipal { assigned: IndexMap::new(), ..it.clone() };
        let old = before.principals.get(id);
        if old.map(bare).as_ref() != Some(&bare(it)) {
            facts.push(Fact::Principal(*id, Some(Box::new(bare(it)))));
        }
        let had = |key: &String| old.is_some_and(|it| it.assigned.contains_key(key));
        let new = it.assigned.iter().filter(|(key, _)| !had(key));
        facts.extend(new.map(|(key, it)| Fact::Assignment(*id, key.clone(), Some(it.clone()))));
        let gone = old.into_iter().flat_map(|it| it.assigned.keys()).filter(|key| !it.assigned.contains_key(*key));
        facts.extend(gone.map(|key| Fact::Assignment(*id, key.clone(), None)));
    }
    let gone = before.applications.keys().filter(|id| !now.applications.contains_key(*id));
    facts.extend(gone.map(|id| Fact::Application(*id, None)));
    let gone = before.principals.keys().filter(|id| !now.service_principals.contains_key(*id));
    facts.extend(gone.map(|id| Fact::Principal(*id, None)));
    let new = now.grants.iter().filter(|it| !before.grants.contains(it));
    facts.extend(new.map(|it| Fact::Grant(it.id.clone(), Some(it.clone()))));
    let gone = before.grants.iter().filter(|old| !now.grants.iter().any(|it| it.id == old.id));
    facts.extend(gone.map(|it| Fact::Grant(it.id.clone(), None)));
    let had = before.schedules.iter().map(|(id, old)| (*id, *old, now.schedule(*id)));
    facts.extend(had.filter(|(_, old, new)| *new != Some(*old)).map(|(id, _, new)| Fact::Schedule(id, new)));
    facts
}

impl Entra {
    fn registry(&self) -> Registry {
        let (applications, principals) = (self.applications.clone(), self.service_principals.clone());
        let schedules = self.synchronization.keys().filter_map(|id| Some((*id, self.schedule(*id)?))).collect();
        Registry { applications, principals, grants: self.grants.clone(), schedules }
    }

    fn schedule(&self, principal: Uuid) -> Option<Schedule> {
        self.synchronization.get(&principal)?.job.as_ref().map(|it| it.schedule)
    }

    fn swap(&mut self, replica: &mut Replica) {
        std::mem::swap(&mut self.applications, &mut replica.seen.applications);
        std::mem::swap(&mut self.service_principals, &mut replica.seen.principals);
        std::mem::swap(&mut self.grants, &mut replica.seen.grants);
        for (id, seen) in &mut replica.seen.schedules {
            if let Some(job) = self.synchronization.get_mut(id).and_then(|it| it.job.as_mut()) {
                std::mem::swap(&mut job.schedule, seen);
            }
        }
    }

    fn settled(&mut self) -> Option<Box<Replica>> {
        let mut replica = self.replica.take()?;
        replica.settle(Timestamp::now());
        (!replica.pending.is_empty()).then_some(replica)
    }

    /// Reads from the tenant as far as it has replicated.
    pub(crate) fn read<T>(&mut self, read: impl FnOnce(&Self) -> T) -> T {
        let Some(mut replica) = self.settled() else { return read(self) };
        let sees_all = replica.reads.is_some_and(|it| it % 2 == 0);
        replica.reads = replica.reads.map(|it| it + 1);
        if sees_all {
            self.replica = Some(replica);
            return read(self);
        }
        self.replica = Some(replica);
        self.peek(read)
    }

    /// The same without being noticed: as the read that sees least.
    pub(crate) fn peek<T>(&mut self, read: impl FnOnce(&Self) -> T) -> T {
        let Some(mut replica) = self.settled() else { return read(self) };
        self.swap(&mut replica);
        let answer = read(self);
        self.swap(&mut replica);
        self.replica = Some(replica);
        answer
    }

    /// Changes the tenant; reads see it after these delays, or at once.
    pub(crate) fn write<T>(&mut self, delays: Option<&EntraDelays>, write: impl FnOnce(&mut Self) -> T) -> T {
        let replica = self.settled();
        if replica.is_none() && delays.is_none_or(|it| !it.are_any()) {
            return write(self);
        }
        self.replica = replica;
        let before = self.registry();
        let answer = write(self);
        let mut replica =
            self.replica.take().unwrap_or_else(|| Box::new(Replica { seen: before.clone(), ..Replica::default() }));
        // A job that was made meanwhile is seen as it was until now.
        for (id, schedule) in &before.schedules {
            replica.seen.schedules.entry(*id).or_insert(*schedule);
        }
        let now = Timestamp::now();
        for fact in changes(&before, self) {
            let seconds = delays.map_or(0, |it| fact.seconds(it));
            let due = now.saturating_add(SignedDuration::from_secs(seconds.into())).unwrap_or(Timestamp::MAX);
            // What is known of a thing now is all that there is to know of it.
            replica.pending.retain(|(at, it)| *at < due || !it.is_about(&fact));
            replica.pending.push((due, fact));
            replica.reads = delays.filter(|it| it.flaps).map(|_| 0).or(replica.reads);
        }
        self.replica = Some(replica);
        answer
    }

    /// Whether an application or service principal that is there is not seen yet.
    pub(crate) fn hides(&self, id: Uuid) -> bool {
        let hidden = |it: &Registry| {
            let is_there = self.applications.contains_key(&id) || self.service_principals.contains_key(&id);
            is_there && !it.applications.contains_key(&id) && !it.principals.contains_key(&id)
        };
        self.replica.as_ref().is_some_and(|it| hidden(&it.seen))
    }

    /// Lets reads see everything, the sign-in log included.
    pub(crate) fn replicate(&mut self) {
        self.replica = None;
        let now = Timestamp::now();
        self.sign_ins.iter_mut().for_each(|it| it.shown_at = it.shown_at.min(now));
    }
}
