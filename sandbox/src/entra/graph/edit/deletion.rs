//! Deleting applications, and taking that back within a month
//! (<https://learn.microsoft.com/en-us/graph/api/directory-deleteditems-restore>).

use uuid::Uuid;

use super::Edit;
use crate::entra::graph::Answer;
use crate::entra::graph::error::GraphError;
use crate::entra::graph::people::guid;
use crate::world::entra::DeletedThing;

impl Edit<'_> {
    /// `DELETE /applications/{id}`
    pub fn delete_application(&mut self, key: &str) -> Result<Answer, GraphError> {
        let id = self.application(key)?;
        self.entra.delete_application(id);
        Ok(Answer::NoContent)
    }

    /// `DELETE /servicePrincipals/{id}`
    pub fn delete_principal(&mut self, key: &str) -> Result<Answer, GraphError> {
        let id = self.own(key)?;
        self.entra.delete_service_principal(id);
        Ok(Answer::NoContent)
    }

    /// A deleted thing that this caller may write.
    fn deleted(&self, id: &str) -> Result<Uuid, GraphError> {
        self.needs_write()?;
        let id = guid(id)?;
        let deleted = self.entra.deleted.get(&id).ok_or_else(|| GraphError::not_found(&id.to_string()))?;
        self.needs_ownership(match &deleted.what {
            DeletedThing::Application(it) => &it.owners,
            DeletedThing::ServicePrincipal(it, _) => &it.owners,
        })?;
        Ok(id)
    }

    /// `POST /directory/deletedItems/{id}/restore`
    pub fn restore(&mut self, id: &str) -> Result<Answer, GraphError> {
        let id = self.deleted(id)?;
        self.entra.restore(id);
        let view = self.view();
        let item = view.registered(id).ok_or_else(|| GraphError::not_found(&id.to_string()))?;
        view.any("directoryObjects", &item).map(Answer::Json)
    }

    /// `DELETE /directory/deletedItems/{id}`: for good.
    pub fn purge(&mut self, id: &str) -> Result<Answer, GraphError> {
        let id = self.deleted(id)?;
        self.entra.deleted.shift_remove(&id);
        Ok(Answer::NoContent)
    }
}
