//! From names to ids: the names that scenarios refer by, and ids that follow from a seed.

use std::collections::HashMap;

use uuid::Uuid;

/// A reference that does not fit exactly one thing.
#[derive(Debug, thiserror::Error)]
pub enum NameProblem {
    #[error("there is no {kind} called {name:?} (referred to by {by})")]
    Unknown { kind: &'static str, name: String, by: String },
    #[error("{name:?} fits more than one {kind} (referred to by {by}); give them different `key`s")]
    Ambiguous { kind: &'static str, name: String, by: String },
}

/// Names of one kind of things; `None` stands for a name that more than one thing has.
#[derive(Debug)]
pub struct Names {
    kind: &'static str,
    ids: HashMap<String, Option<Uuid>>,
}

impl Names {
    pub fn of(kind: &'static str) -> Self {
        Self { kind, ids: HashMap::new() }
    }

    pub fn remember(&mut self, name: &str, id: Uuid) {
        self.ids.entry(name.to_owned()).and_modify(|it| *it = None).or_insert(Some(id));
    }

    pub fn find(&self, name: &str, by: &str) -> Result<Uuid, NameProblem> {
        let (kind, name, by) = (self.kind, name.to_owned(), by.to_owned());
        match self.ids.get(&name) {
            Some(Some(id)) => Ok(*id),
            Some(None) => Err(NameProblem::Ambiguous { kind, name, by }),
            None => Err(NameProblem::Unknown { kind, name, by }),
        }
    }
}

/// Makes ids from names, the same ones for the same seed; a second thing of the same name gets one of its own.
pub struct Ids {
    pub namespace: Uuid,
    seen: HashMap<String, u32>,
}

impl Ids {
    pub fn new(seed: u64) -> Self {
        Self {
            namespace: Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("sandbox world {seed}").as_bytes()),
            seen: HashMap::new(),
        }
    }

    pub fn mint(&mut self, what: &str) -> Uuid {
        let count = self.seen.entry(what.to_owned()).and_modify(|it| *it += 1).or_default();
        let name = if *count == 0 { what.to_owned() } else { format!("{what}#{count}") };
        Uuid::new_v5(&self.namespace, name.as_bytes())
    }
}
