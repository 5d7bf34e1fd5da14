//! The tenant itself, its domains, and the gallery's one template that matters here.

use serde_json::json;

use super::Answer;
use super::error::GraphError;
use super::kind::Item;
use super::types::{APPLICATION_TEMPLATE, DOMAIN, ORGANIZATION};
use super::view::{Listing, View};
use crate::entra::seconds;
use crate::world::entra::{CUSTOM_TEMPLATE, Domain, LONG_AGO};

impl View<'_> {
    /// `/organization`
    pub fn organization(&self, rest: &[&str]) -> Result<Answer, GraphError> {
        self.caller.needs(&[
            "Organization.Read.All",
            "Directory.Read.All",
            "Directory.ReadWrite.All",
            "User.Read.All",
        ])?;
        let entra = self.entra;
        let property = |name: &str| {
            Some(match name {
                "id" => json!(entra.tenant_id),
                "displayName" => json!(entra.organization),
                "createdDateTime" => json!(seconds(LONG_AGO)),
                "tenantType" => json!("AAD"),
                "mobileDeviceManagementAuthority" => json!("unknown"),
                "verifiedDomains" => {
                    let verified = entra.domains.iter().enumerate().filter(|(_, it)| it.is_verified);
                    let domain = |(index, it): (usize, &Domain)| {
                        json!({
                            "capabilities": "Email, OfficeCommunicationsOnline", "isDefault": index == 0,
                            "isInitial": is_initial(it), "name": it.name, "type": "Managed",
                        })
                    };
                    verified.map(domain).collect()
                }
                _ => return None,
            })
        };
        let item = Item { kind: &ORGANIZATION, property: Box::new(property) };
        match rest {
            [] => self.list(&ORGANIZATION, vec![item], &Listing::set("organization")).map(Answer::Json),
            [id] if *id == entra.tenant_id.to_string() => self.one("organization", &item).map(Answer::Json),
            [id] => Err(GraphError::not_found(id)),
            _ => Err(super::no_segment(rest)),
        }
    }

    /// `/domains`
    pub fn domains(&self, rest: &[&str]) -> Result<Answer, GraphError> {
        self.caller.needs(&["Domain.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"])?;
        let item = |(index, it): (usize, &Domain)| {
            let (domain, is_default) = (it.clone(), index == 0);
            let property = move |name: &str| {
                Some(match name {
                    "id" => json!(domain.name),
                    "authenticationType" => json!("Managed"),
                    "isAdminManaged" | "isRoot" => json!(true),
                    "isDefault" => json!(is_default),
                    "isInitial" => json!(is_initial(&domain)),
                    "isVerified" => json!(domain.is_verified),
                    "supportedServices" if domain.is_verified => json!(["Email", "OfficeCommunicationsOnline"]),
                    _ => return None,
                })
            };
            Item { kind: &DOMAIN, property: Box::new(property) }
        };
        let mut all = self.entra.domains.iter().enumerate();
        match rest {
            [] => self.list(&DOMAIN, all.map(item).collect(), &Listing::set("domains")).map(Answer::Json),
            [name] => {
                let found = all.find(|(_, it)| it.name.eq_ignore_ascii_case(name));
                let found = found.ok_or_else(|| GraphError::not_found(name))?;
                self.one("domains", &item(found)).map(Answer::Json)
            }
            _ => Err(super::no_segment(rest)),
        }
    }

    /// `/applicationTemplates`: that for applications that are not in the gallery. Any token will do.
    pub fn application_templates(&self, rest: &[&str]) -> Result<Answer, GraphError> {
        let property = |name: &str| {
            Some(match name {
                "id" => json!(CUSTOM_TEMPLATE),
                "displayName" => json!("Custom"),
                "supportedSingleSignOnModes" => json!(["password", "saml", "external"]),
                "supportedProvisioningTypes" => json!(["sync"]),
                _ => return None,
            })
        };
        let item = Item { kind: &APPLICATION_TEMPLATE, property: Box::new(property) };
        match rest {
            [] => self.list(&APPLICATION_TEMPLATE, vec![item], &Listing::set("applicationTemplates")).map(Answer::Json),
            [id] if *id == CUSTOM_TEMPLATE.to_string() => self.one("applicationTemplates", &item).map(Answer::Json),
            [id] => Err(GraphError::not_found(id)),
            _ => Err(super::no_segment(rest)),
        }
    }
}

/// Below the domain that every tenant begins with.
fn is_initial(domain: &Domain) -> bool {
    domain.name.contains(".onmicrosoft.")
}
