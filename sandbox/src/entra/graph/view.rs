//! One request's view of the tenant, and answers of one thing or of a page of things.

use serde_json::{Map, Value, json};

use super::caller::Caller;
use super::error::GraphError;
use super::kind::{Item, Kind};
use super::options::Options;
use crate::entra::Hosts;
use crate::world::{Entra, Switches};

/// What a request needs to be answered.
pub struct View<'a> {
    pub entra: &'a Entra,
    pub switches: &'a Switches,
    pub hosts: &'a Hosts,
    pub caller: &'a Caller,
    pub options: Options,
    /// `v1.0` or `beta`.
    pub version: &'a str,
    /// The path behind the version, as it was asked for.
    pub path: &'a str,
}

/// What kind of list is answered.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// What it is called in `@odata.context`.
    pub context: String,
    /// The list of a relation, of which less can be asked.
    pub is_relation: bool,
    /// Each item tells its type, for they may differ.
    pub is_annotated: bool,
}

impl Listing {
    /// A set of things of one type.
    pub fn set(context: impl Into<String>) -> Self {
        Self { context: context.into(), ..Self::default() }
    }

    /// The things of different types that stand in a relation to another.
    pub fn relation() -> Self {
        Self { context: "directoryObjects".to_owned(), is_relation: true, is_annotated: true }
    }
}

impl View<'_> {
    /// `@odata.context` of something.
    pub fn context(&self, of: &str) -> Value {
        format!("{}/{}/$metadata#{of}", self.hosts.graph_url, self.version).into()
    }

    fn selected(&self) -> String {
        let names = self.options.select.as_ref().map(|it| it.join(","));
        names.map_or_else(String::new, |names| format!("({names})"))
    }

    /// One thing of a set.
    pub fn one(&self, set: &str, item: &Item<'_>) -> Result<Value, GraphError> {
        self.options.check(item.kind, false)?;
        let context = self.context(&format!("{set}{}/$entity", self.selected()));
        let mut json = Map::from_iter([("@odata.context".to_owned(), context)]);
        if let Value::Object(properties) = item.show(self.options.select.as_deref(), false) {
            json.extend(properties);
        }
        Ok(Value::Object(json))
    }

    /// One thing of a set whose things may differ in type.
    pub fn any(&self, set: &str, item: &Item<'_>) -> Result<Value, GraphError> {
        let mut json = self.one(set, item)?;
        if let Value::Object(json) = &mut json {
            json.shift_insert(1, "@odata.type".to_owned(), format!("#microsoft.graph.{}", item.kind.name).into());
        }
        Ok(json)
    }

    /// A page of things.
    pub fn list(&self, kind: &Kind, items: Vec<Item<'_>>, listing: &Listing) -> Result<Value, GraphError> {
        self.options.check(kind, listing.is_relation)?;
        let items = self.wanted(items);
        let (skip, size) = (self.options.skip, self.options.page(kind));
        let select = self.options.select.as_deref();
        let show = |item: &Item<'_>| item.show(select, listing.is_annotated);
        let page: Vec<Value> = items.iter().skip(skip).take(size).map(show).collect();
        let mut json = Map::new();
        json.insert("@odata.context".to_owned(), self.context(&format!("{}{}", listing.context, self.selected())));
        if self.options.count && skip == 0 && (self.options.is_eventual || !kind.is_directory) {
            json.insert("@odata.count".to_owned(), items.len().into());
        }
        if skip + page.len() < items.len() {
            let query = self.options.next(skip + page.len());
            let link = format!("{}/{}/{}?{query}", self.hosts.graph_url, self.version, self.path);
            json.insert("@odata.nextLink".to_owned(), link.into());
        }
        json.insert("value".to_owned(), page.into());
        Ok(Value::Object(json))
    }

    /// How many things there are.
    pub fn count(&self, kind: &Kind, items: Vec<Item<'_>>) -> Result<usize, GraphError> {
        if !self.options.is_eventual {
            return Err(GraphError::directory("$count is not currently supported."));
        }
        let mut options = self.options.clone();
        options.count = true;
        options.check(kind, false)?;
        Ok(self.wanted(items).len())
    }

    /// All things in answer to an action, which has no pages here.
    pub fn all(&self, items: &[Item<'_>]) -> Value {
        let value: Vec<Value> = items.iter().map(|it| it.show(None, true)).collect();
        json!({"@odata.context": self.context("directoryObjects"), "value": value})
    }

    fn wanted<'b>(&self, mut items: Vec<Item<'b>>) -> Vec<Item<'b>> {
        if let Some(filter) = &self.options.filter {
            items.retain(|it| filter.matches(it));
        }
        if let Some((path, descends)) = &self.options.order {
            let key = |item: &Item<'_>| (item.property)(path).map(|it| it.to_string().to_lowercase());
            items.sort_by_cached_key(key);
            if *descends {
                items.reverse();
            }
        }
        items
    }
}
