//! Users, groups and who is in them.

use serde_json::{Value, json};
use uuid::Uuid;

use super::caller::Sight;
use super::error::GraphError;
use super::kind::{Item, Kind};
use super::types::{DIRECTORY_OBJECT, GROUP, SERVICE_PRINCIPAL, USER};
use super::view::{Listing, View};
use super::{Answer, applications, principals};
use crate::entra::seconds;
use crate::world::entra::{DirectoryGroup, LONG_AGO, Member, Person, PersonType};

/// The permissions that let an application read groups.
pub const READ_GROUPS: &[&str] = &[
    "Group.Read.All",
    "Group.ReadWrite.All",
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const READ_MEMBERS: &[&str] = &[
    "GroupMember.ReadBasic.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
/// What `User.ReadBasic.All` shows.
const BASIC: &[&str] =
    &["id", "displayName", "givenName", "surname", "mail", "userPrincipalName", "securityIdentifier"];

impl<'a> View<'a> {
    /// A user, as far as the caller sees it.
    fn user(&'a self, id: Uuid, user: &'a Person) -> Item<'a> {
        let sight = self.caller.sight();
        let property = move |name: &str| match sight {
            Sight::Id if name != "id" => None,
            Sight::Basic if !BASIC.contains(&name) => None,
            _ => property_of_user(id, user, name),
        };
        Item { kind: &USER, property: Box::new(property) }
    }

    fn group(&'a self, id: Uuid, group: &'a DirectoryGroup) -> Item<'a> {
        let domain = self.entra.domains.first().map_or("", |it| it.name.as_str());
        Item { kind: &GROUP, property: Box::new(move |name| property_of_group(id, group, domain, name)) }
    }

    /// A thing of the directory, by what it is.
    pub fn member(&'a self, member: Member) -> Option<Item<'a>> {
        match member {
            Member::User(id) => self.entra.users.get(&id).map(|it| self.user(id, it)),
            Member::Group(id) => self.entra.groups.get(&id).map(|it| self.group(id, it)),
            Member::ServicePrincipal(id) => {
                self.entra.service_principals.get(&id).map(|it| principals::principal(self.entra, id, it))
            }
        }
    }

    /// `/users…`
    pub fn users(&self, rest: &[&str]) -> Result<Answer, GraphError> {
        if self.caller.sight() == Sight::Id {
            return Err(GraphError::denied());
        }
        let filtered = self.options.filter.iter().flat_map(|it| it.paths());
        if self.caller.sight() == Sight::Basic && filtered.into_iter().any(|it| !BASIC.contains(&it)) {
            return Err(GraphError::denied());
        }
        let all = || self.entra.users.iter().map(|(id, it)| self.user(*id, it)).collect();
        match rest {
            [] => self.list(&USER, all(), &Listing::set("users")).map(Answer::Json),
            ["$count"] => self.count(&USER, all()).map(Answer::Count),
            [named] => {
                let id = named.parse::<Uuid>().ok();
                let fits = |id_of: &Uuid, it: &Person| Some(*id_of) == id || it.upn.eq_ignore_ascii_case(named);
                let found = self.entra.users.iter().find(|(id, it)| fits(id, it));
                let (id, user) = found.ok_or_else(|| GraphError::not_found(named))?;
                self.one("users", &self.user(*id, user)).map(Answer::Json)
            }
            _ => Err(super::no_segment(rest)),
        }
    }

    /// `/groups…`
    pub fn groups(&self, rest: &[&str]) -> Result<Answer, GraphError> {
        let all = || self.entra.groups.iter().map(|(id, it)| self.group(*id, it)).collect();
        if let [id, relation @ ("members" | "transitiveMembers"), cast @ ..] = rest {
            self.caller.needs(READ_MEMBERS)?;
            let id = guid(id)?;
            if !self.entra.groups.contains_key(&id) {
                return Err(GraphError::not_found(&id.to_string()));
            }
            let is_direct = *relation == "members";
            let members = if is_direct { self.entra.members(id) } else { self.entra.transitive_members(id) };
            return self.members(members, cast);
        }
        self.caller.needs(READ_GROUPS)?;
        match rest {
            [] => self.list(&GROUP, all(), &Listing::set("groups")).map(Answer::Json),
            ["$count"] => self.count(&GROUP, all()).map(Answer::Count),
            [id] => {
                let id = guid(id)?;
                let group = self.entra.groups.get(&id).ok_or_else(|| GraphError::not_found(&id.to_string()))?;
                self.one("groups", &self.group(id, group)).map(Answer::Json)
            }
            _ => Err(super::no_segment(rest)),
        }
    }

    /// The members themselves, only those of one type, or how many they are.
    fn members(&self, members: Vec<Member>, cast: &[&str]) -> Result<Answer, GraphError> {
        let (cast, is_count) = match cast {
            [before @ .., "$count"] => (before, true),
            _ => (cast, false),
        };
        let kind: Option<&'static Kind> = match cast {
            [] => None,
            // The name space may be called by its alias.
            ["microsoft.graph.user" | "graph.user"] => Some(&USER),
            ["microsoft.graph.group" | "graph.group"] => Some(&GROUP),
            ["microsoft.graph.servicePrincipal" | "graph.servicePrincipal"] => Some(&SERVICE_PRINCIPAL),
            _ => return Err(super::no_segment(cast)),
        };
        let mut items: Vec<Item<'_>> = members.into_iter().filter_map(|it| self.member(it)).collect();
        if let Some(kind) = kind {
            items.retain(|it| it.kind.name == kind.name);
        }
        let of = kind.unwrap_or(&DIRECTORY_OBJECT);
        if is_count {
            return self.count(of, items).map(Answer::Count);
        }
        let Some(kind) = kind else {
            return self.list(of, items, &Listing::relation()).map(Answer::Json);
        };
        // That both are needed is documented for casts; the sentence is this sandbox's own.
        if !self.options.is_eventual || !self.options.count {
            let text = "An OData cast of a relationship needs the header ConsistencyLevel: eventual and $count=true.";
            return Err(GraphError::unsupported(text));
        }
        let listing = Listing { context: format!("{}s", kind.name), is_relation: true, is_annotated: false };
        self.list(kind, items, &listing).map(Answer::Json)
    }

    /// `POST /directoryObjects/getByIds`: whatever is not there is left out.
    pub fn by_ids(&self, body: &Value) -> Result<Answer, GraphError> {
        self.caller.needs(&["Directory.Read.All", "Directory.ReadWrite.All"])?;
        let ids = body.get("ids").and_then(Value::as_array);
        let ids = ids.ok_or_else(|| GraphError::bad("The parameter 'ids' is missing in the request payload."))?;
        if ids.len() > 1000 {
            return Err(GraphError::directory("The number of ids exceeds the maximum of 1000."));
        }
        let types = body.get("types").and_then(Value::as_array);
        let is_wanted =
            |kind: &Kind| types.is_none_or(|all| all.iter().any(|it| it == kind.name || it == "directoryObject"));
        let mut items = Vec::new();
        for id in ids {
            let id = guid(id.as_str().unwrap_or_default())?;
            let any = [Member::User(id), Member::Group(id), Member::ServicePrincipal(id)];
            let found = any.into_iter().find_map(|it| self.member(it));
            let registration =
                || self.entra.applications.get(&id).map(|it| applications::registration(self.entra, id, it));
            items.extend(found.or_else(registration).filter(|it| is_wanted(it.kind)));
        }
        Ok(Answer::Json(self.all(&items)))
    }
}

/// A GUID in the path.
pub fn guid(text: &str) -> Result<Uuid, GraphError> {
    text.parse().map_err(|_| GraphError::directory(format!("Invalid object identifier '{text}'.")))
}

fn property_of_user(id: Uuid, user: &Person, name: &str) -> Option<Value> {
    let is_guest = user.kind == PersonType::Guest;
    let (first, last) = user.names();
    Some(match name {
        "id" => json!(id),
        "displayName" => json!(user.display_name),
        "givenName" => json!(first),
        "surname" => json!(last),
        "userPrincipalName" => json!(user.upn),
        "mail" => json!(user.mail),
        "mailNickname" => json!(user.nickname()),
        "accountEnabled" => json!(user.is_enabled),
        "userType" => json!(user.kind.name()),
        "createdDateTime" => json!(seconds(LONG_AGO)),
        "creationType" => json!(is_guest.then_some("Invitation")),
        "externalUserState" => json!(is_guest.then_some("Accepted")),
        "proxyAddresses" => json!(user.mail.iter().map(|it| format!("SMTP:{it}")).collect::<Vec<_>>()),
        _ => return None,
    })
}

fn property_of_group(id: Uuid, group: &DirectoryGroup, domain: &str, name: &str) -> Option<Value> {
    let nickname = || group.display_name.replace(|it: char| !it.is_ascii_alphanumeric(), "");
    let is_dynamic = group.membership_rule.is_some();
    Some(match name {
        "id" => json!(id),
        "displayName" => json!(group.display_name),
        "createdDateTime" | "renewedDateTime" => json!(seconds(LONG_AGO)),
        "groupTypes" => {
            let types = [(group.is_unified, "Unified"), (is_dynamic, "DynamicMembership")];
            json!(types.iter().filter(|(is, _)| *is).map(|(_, name)| name).collect::<Vec<_>>())
        }
        "securityEnabled" => json!(group.is_security),
        "mailEnabled" => json!(group.is_mail),
        "mail" => json!(group.is_mail.then(|| format!("{}@{domain}", nickname().to_lowercase()))),
        "mailNickname" => json!(nickname()),
        "membershipRule" => json!(group.membership_rule),
        "membershipRuleProcessingState" => json!(is_dynamic.then_some("On")),
        "visibility" => json!(group.is_unified.then_some("Public")),
        _ => return None,
    })
}
