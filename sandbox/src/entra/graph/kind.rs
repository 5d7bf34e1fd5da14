//! The types of Graph: which properties they have, which are shown unasked, and which can be filtered by.
//!
//! Names are those of the v1.0 metadata (<https://github.com/microsoftgraph/msgraph-metadata>); what is shown and what
//! can be filtered follows the types' pages (<https://learn.microsoft.com/en-us/graph/api/resources/user> and so on).

use serde_json::{Map, Value};

/// A type. Its properties are written with blanks between them; `[]` behind a name says that it is a collection, which
/// is empty and not null where there is nothing.
#[derive(Debug)]
pub struct Kind {
    /// Without its name space: `user`.
    pub name: &'static str,
    /// Shown unless others are selected.
    pub shown: &'static str,
    /// Shown only if selected.
    pub hidden: &'static str,
    /// Can be filtered by.
    pub filters: &'static str,
    /// Lives in the directory: advanced queries need a header there.
    pub is_directory: bool,
}

/// Looks up a property by name; `None` for one that there is nothing for.
pub type Properties<'a> = Box<dyn Fn(&str) -> Option<Value> + 'a>;

/// A thing of some type, whose properties are looked up when they are asked for.
pub struct Item<'a> {
    pub kind: &'static Kind,
    pub property: Properties<'a>,
}

impl Kind {
    /// All properties, and whether each is a collection.
    fn properties(&self) -> impl Iterator<Item = (&'static str, bool)> {
        names(self.shown).chain(names(self.hidden))
    }

    /// The property of that name.
    pub fn property(&self, name: &str) -> Option<(&'static str, bool)> {
        self.properties().find(|(it, _)| *it == name)
    }

    /// Whether one can filter by a property.
    pub fn filters_by(&self, name: &str) -> bool {
        self.filters.split_whitespace().any(|it| it == name)
    }

    /// As the directory calls it in its messages: `User`.
    pub fn title(&self) -> String {
        let mut letters = self.name.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
    }
}

fn names(list: &'static str) -> impl Iterator<Item = (&'static str, bool)> {
    list.split_whitespace().map(|name| name.strip_suffix("[]").map_or((name, false), |name| (name, true)))
}

impl Item<'_> {
    /// One property's value.
    pub fn value(&self, name: &str, is_collection: bool) -> Value {
        let nothing = || if is_collection { Value::Array(Vec::new()) } else { Value::Null };
        (self.property)(name).unwrap_or_else(nothing)
    }

    /// The selected properties, or those that are shown unasked; `annotated` with the type, as members are.
    pub fn show(&self, select: Option<&[String]>, annotated: bool) -> Value {
        let mut json = Map::new();
        if annotated {
            json.insert("@odata.type".to_owned(), format!("#microsoft.graph.{}", self.kind.name).into());
        }
        let mut add = |name: &str, is_collection| json.insert(name.to_owned(), self.value(name, is_collection));
        match select {
            Some(select) => select.iter().for_each(|name| {
                if let Some((name, is_collection)) = self.kind.property(name) {
                    add(name, is_collection);
                }
            }),
            None => names(self.kind.shown).for_each(|(name, is_collection)| {
                add(name, is_collection);
            }),
        }
        Value::Object(json)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const THING: Kind = Kind { name: "thing", shown: "id tags[]", hidden: "secret", filters: "id", is_directory: true };

    #[test]
    fn what_is_not_there_is_null_or_an_empty_list() {
        let property = |name: &str| (name == "id").then(|| json!("7"));
        let thing = Item { kind: &THING, property: Box::new(property) };
        assert_eq!(thing.show(None, false), json!({"id": "7", "tags": []}));
        let select = ["secret".to_owned(), "tags".to_owned()];
        let expected = json!({"@odata.type": "#microsoft.graph.thing", "secret": null, "tags": []});
        assert_eq!(thing.show(Some(&select), true), expected);
        assert_eq!((THING.title().as_str(), THING.filters_by("tags")), ("Thing", false));
    }
}
