//! Groups of a cycle: found by their name or made without members, then told who is in them
//! (<https://learn.microsoft.com/en-us/entra/identity/app-provisioning/use-scim-to-provision-users-and-groups#group-operations>).

use std::collections::BTreeSet;

use serde_json::{Value, json};
use uuid::Uuid;

use super::attributes::{GROUP_TYPE, spelled};
use super::cycle::{Cycle, Entry};
use super::scim::{self, Problem, Refused};
use super::scope::SubjectGroup;
use crate::world::entra::synchronization::{Identity, LinkedGroup, Verdict};

/// What the service says of its groups beside the standard's type.
const MICROSOFT_TYPE: &str = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";

impl Cycle {
    /// Brings one group in line, its members included.
    pub async fn group(&mut self, group: &SubjectGroup) -> Result<(), Refused> {
        let (link, is_told) = match self.links.groups.get(&group.id).cloned() {
            Some(link) => (link, false),
            None => match self.adopt_group(group).await? {
                Some(found) => found,
                None => return Ok(()),
            },
        };
        // Those who are in the group and at the server; whoever is not there cannot be referred to.
        let wanted: BTreeSet<Uuid> =
            group.users.iter().filter(|it| self.links.users.contains_key(*it)).copied().collect();
        let operations = self.operations(group, &link, &wanted);
        let mut entry = Entry::new(identity(group.id, &group.display_name), "update");
        entry.target.clone_from(&link.scim_id);
        if operations.is_empty() {
            if self.tells_all && !is_told {
                let text = "The state of the group in both the source and target systems already match.";
                self.note(Entry { action: "other", ..entry }, Verdict::Skipped("RedundantExport", text.to_owned()));
            }
            return Ok(());
        }
        let changed = wanted.symmetric_difference(&link.members).count();
        self.counts.imported_reference_deltas += i64::try_from(changed).unwrap_or_default();
        match self.scim.patch("Groups", &link.scim_id, &operations).await {
            Ok(()) => {
                let name = |id: &Uuid| self.links.users.get(id).map(|it| it.scim_id.clone());
                let added = wanted.difference(&link.members).map(|it| ("members".to_owned(), None, name(it)));
                let removed = link.members.difference(&wanted).map(|it| ("members".to_owned(), name(it), None));
                entry.modified = added.chain(removed).collect();
                if link.display_name != group.display_name {
                    let (old, new) = (link.display_name.clone(), group.display_name.clone());
                    entry.modified.push(("displayName".to_owned(), Some(old), Some(new)));
                }
                let display_name = group.display_name.clone();
                self.links.groups.insert(group.id, LinkedGroup { display_name, members: wanted, ..link });
                self.succeed(entry);
                Ok(())
            }
            Err(Problem::Gone) if self.links.groups.shift_remove(&group.id).is_some() => {
                // Somebody has deleted it there: the next cycle looks for it anew.
                self.fail(entry, Problem::Gone)
            }
            Err(problem) => self.fail(entry, problem),
        }
    }

    /// Finds a group at the server, or makes it there, and whether the log tells of it; `None` if neither went through.
    async fn adopt_group(&mut self, group: &SubjectGroup) -> Result<Option<(LinkedGroup, bool)>, Refused> {
        let display_name = group.display_name.clone();
        let mut entry = Entry::new(identity(group.id, &display_name), "create");
        let outcome = match self.scim.find("Groups", "displayName", &display_name).await {
            Ok(Some(found)) => scim::id(&found).map(|id| (id, false, found["externalId"] == group.id.to_string())),
            Ok(None) => {
                let body = json!({
                    "schemas": [GROUP_TYPE, MICROSOFT_TYPE], "externalId": group.id, "displayName": display_name,
                    "meta": {"resourceType": "Group"},
                });
                self.scim.create("Groups", &body).await.map(|id| (id, true, true))
            }
            Err(problem) => Err(problem),
        };
        let outcome = match outcome {
            // One that was there before learns whose it is now.
            Ok((id, false, false)) => {
                let op = spelled("Replace", self.scim.is_compliant);
                let operation = json!({"op": op, "path": "externalId", "value": group.id});
                self.scim.patch("Groups", &id, &[operation]).await.map(|()| (id, "update"))
            }
            Ok((id, is_new, _)) => Ok((id, if is_new { "create" } else { "other" })),
            Err(problem) => Err(problem),
        };
        let (scim_id, action) = match outcome {
            Ok(found) => found,
            Err(problem) => return self.fail(entry, problem).map(|()| None),
        };
        entry.target.clone_from(&scim_id);
        entry.action = action;
        let link = LinkedGroup { scim_id, display_name, members: BTreeSet::new() };
        self.links.groups.insert(group.id, link.clone());
        let is_told = action != "other";
        if is_told {
            self.succeed(entry);
        }
        Ok(Some((link, is_told)))
    }

    fn operations(&self, group: &SubjectGroup, link: &LinkedGroup, wanted: &BTreeSet<Uuid>) -> Vec<Value> {
        let is_compliant = self.scim.is_compliant;
        let mut operations = Vec::new();
        if link.display_name != group.display_name {
            let op = spelled("Replace", is_compliant);
            operations.push(json!({"op": op, "path": "displayName", "value": group.display_name}));
        }
        let scim_id = |it: &Uuid| self.links.users.get(it).map(|it| it.scim_id.as_str());
        let member = |id: &str| if is_compliant { json!({"value": id}) } else { json!({"$ref": null, "value": id}) };
        let added: Vec<Value> = wanted.difference(&link.members).filter_map(scim_id).map(member).collect();
        if !added.is_empty() {
            operations.push(json!({"op": spelled("Add", is_compliant), "path": "members", "value": added}));
        }
        let removed: Vec<&str> = link.members.difference(wanted).filter_map(scim_id).collect();
        if is_compliant {
            let one = |id: &&str| json!({"op": "remove", "path": format!("members[value eq \"{id}\"]")});
            operations.extend(removed.iter().map(one));
        } else if !removed.is_empty() {
            let members: Vec<Value> = removed.into_iter().map(member).collect();
            operations.push(json!({"op": "Remove", "path": "members", "value": members}));
        }
        operations
    }

    /// Deletes a group that is no longer assigned.
    pub async fn drop_group(&mut self, id: Uuid) -> Result<(), Refused> {
        let Some(link) = self.links.groups.get(&id).cloned() else { return Ok(()) };
        if self.keeps_leavers {
            return Ok(());
        }
        let mut entry = Entry::new(identity(id, &link.display_name), "delete");
        entry.target.clone_from(&link.scim_id);
        match self.scim.delete("Groups", &link.scim_id).await {
            Ok(()) | Err(Problem::Gone) => {
                self.links.groups.shift_remove(&id);
                self.succeed(entry);
                Ok(())
            }
            Err(problem) => self.fail(entry, problem),
        }
    }
}

fn identity(id: Uuid, display_name: &str) -> Identity {
    Identity { id: id.to_string(), display_name: display_name.to_owned(), kind: "Group" }
}
