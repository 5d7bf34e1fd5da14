//! An application made from the template for applications that are not in the gallery, and what takes things away.
//!
//! What such an application has at first follows the samples of
//! <https://learn.microsoft.com/en-us/graph/api/applicationtemplate-instantiate>; that deleted things can be restored
//! follows <https://learn.microsoft.com/en-us/graph/api/resources/directory>.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::applications::{CUSTOM, INTEGRATED};
use super::{Application, Deleted, DeletedThing, Entra, ServicePrincipal};

/// Where such an application is said to begin.
const HOME_PAGE: &str = "https://account.activedirectory.windowsazure.com:444/applications/default.aspx?metadata=customappsso|ISV9.1|primary|z";

impl Entra {
    /// Makes an application and its service principal, and tells their object ids. `by` is the appId and the object
    /// id of who asks: it owns both.
    pub(crate) fn instantiate(&mut self, name: &str, reference: Option<&Value>, by: (Uuid, Uuid)) -> (Uuid, Uuid) {
        let (id, principal_id, app_id) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
        let scope = json!({
            "id": Uuid::new_v4(), "value": "user_impersonation", "type": "User", "isEnabled": true,
            "adminConsentDisplayName": format!("Access {name}"),
            "adminConsentDescription":
                format!("Allow the application to access {name} on behalf of the signed-in user."),
            "userConsentDisplayName": format!("Access {name}"),
            "userConsentDescription": format!("Allow the application to access {name} on your behalf."),
        });
        let mut properties = Map::new();
        properties.insert("web".to_owned(), json!({"homePageUrl": HOME_PAGE}));
        properties.insert("api".to_owned(), json!({"oauth2PermissionScopes": [scope]}));
        if let Some(reference) = reference {
            properties.insert("serviceManagementReference".to_owned(), reference.clone());
        }
        let owners = BTreeSet::from([by.1]);
        let application = Application {
            app_id,
            display_name: name.to_owned(),
            created_at: Timestamp::now(),
            created_by: Some(by.0),
            is_from_template: true,
            redirect_uris: Vec::new(),
            properties,
            owners: owners.clone(),
            passwords: Vec::new(),
            certificates: Vec::new(),
            federated: Vec::new(),
            app_management: Vec::new(),
        };
        let mut properties = Map::new();
        properties.insert("tags".to_owned(), json!([CUSTOM, INTEGRATED]));
        properties.insert("homepage".to_owned(), json!(HOME_PAGE));
        properties.insert("oauth2PermissionScopes".to_owned(), json!([scope]));
        let principal = ServicePrincipal {
            app_id,
            display_name: name.to_owned(),
            is_enabled: true,
            assignment_required: true,
            is_from_template: true,
            created_by: Some(by.0),
            properties,
            owners,
            assigned: IndexMap::new(),
            claims_mapping: Vec::new(),
            home_realm_discovery: Vec::new(),
            app_management: Vec::new(),
        };
        self.applications.insert(id, application);
        self.service_principals.insert(principal_id, principal);
        (id, principal_id)
    }

    /// Deletes an application, and its service principal with it.
    pub(crate) fn delete_application(&mut self, id: Uuid) {
        let Some(application) = self.applications.shift_remove(&id) else { return };
        if let Some((principal, _)) = self.service_principal(application.app_id) {
            self.delete_service_principal(principal);
        }
        self.deleted.insert(id, Deleted { at: Timestamp::now(), what: DeletedThing::Application(application) });
    }

    /// Deletes a service principal, and its provisioning for good; the application stays.
    pub(crate) fn delete_service_principal(&mut self, id: Uuid) {
        let Some(principal) = self.service_principals.shift_remove(&id) else { return };
        self.synchronization.shift_remove(&id);
        let (own, others) = self.grants.drain(..).partition(|it| it.client == id);
        self.grants = others;
        let what = DeletedThing::ServicePrincipal(principal, own);
        self.deleted.insert(id, Deleted { at: Timestamp::now(), what });
    }

    /// Takes a deletion back. The service principal of a restored application stays deleted.
    pub(crate) fn restore(&mut self, id: Uuid) {
        match self.deleted.shift_remove(&id).map(|it| it.what) {
            Some(DeletedThing::Application(application)) => {
                self.applications.insert(id, application);
            }
            Some(DeletedThing::ServicePrincipal(principal, grants)) => {
                self.service_principals.insert(id, principal);
                self.grants.extend(grants);
            }
            None => {}
        }
    }
}
