//! Applications that have been deleted and can be restored
//! (<https://learn.microsoft.com/en-us/graph/api/directory-deleteditems-list>).

use serde_json::json;
use uuid::Uuid;

use super::Answer;
use super::applications::{READ, registration};
use super::error::GraphError;
use super::kind::Item;
use super::people::guid;
use super::principals::principal;
use super::types::{APPLICATION, SERVICE_PRINCIPAL};
use super::view::{Listing, View};
use crate::entra::seconds;
use crate::world::entra::{Deleted, DeletedThing};

impl<'a> View<'a> {
    /// `/directory/deletedItems…`
    pub fn deleted_items(&self, rest: &[&str]) -> Result<Answer, GraphError> {
        self.caller.needs(READ)?;
        let all = self.entra.deleted.iter().map(|(id, it)| self.deleted(*id, it));
        let kind = match rest {
            ["microsoft.graph.application" | "graph.application"] => &APPLICATION,
            ["microsoft.graph.servicePrincipal" | "graph.servicePrincipal"] => &SERVICE_PRINCIPAL,
            [id] => {
                let id = guid(id)?;
                let found = self.entra.deleted.get(&id).ok_or_else(|| GraphError::not_found(&id.to_string()))?;
                return self.any("directoryObjects", &self.deleted(id, found)).map(Answer::Json);
            }
            _ => return Err(super::no_segment(rest)),
        };
        let items = all.filter(|it| it.kind.name == kind.name).collect();
        self.list(kind, items, &Listing::set(format!("{}s", kind.name))).map(Answer::Json)
    }

    /// A deleted thing, which tells since when.
    fn deleted(&'a self, id: Uuid, deleted: &'a Deleted) -> Item<'a> {
        let item = match &deleted.what {
            DeletedThing::Application(it) => registration(self.entra, id, it),
            DeletedThing::ServicePrincipal(it, _) => principal(self.entra, id, it),
        };
        let Item { kind, property } = item;
        let property = move |name: &str| {
            if name == "deletedDateTime" { Some(json!(seconds(deleted.at))) } else { property(name) }
        };
        Item { kind, property: Box::new(property) }
    }

    /// An application or a service principal, by object id.
    pub fn registered(&'a self, id: Uuid) -> Option<Item<'a>> {
        let application = self.entra.applications.get(&id).map(|it| registration(self.entra, id, it));
        application.or_else(|| self.entra.service_principals.get(&id).map(|it| principal(self.entra, id, it)))
    }
}
