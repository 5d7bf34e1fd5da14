//! Where Entra ID and Microsoft Graph are, by the name of the cloud.

use url::Url;
use uuid::Uuid;

use crate::api::{EntraCloud, EntraCloudType};
use crate::error::{Class, Failure};

/// The addresses of a cloud.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Hosts {
    /// Where tokens come from.
    pub authority: Url,
    /// Where Microsoft Graph is, without a version.
    pub graph: Url,
    /// The template for applications that are in no gallery.
    pub template: Uuid,
    /// Hosts that are not Microsoft's. Whoever runs the operator must have allowed them: without that, any author of a
    /// `TenantConnection` could have a secret sent to a host of theirs.
    pub to_be_allowed: Vec<String>,
}

/// The template for applications that are in no gallery, by cloud
/// (<https://learn.microsoft.com/graph/api/applicationtemplate-instantiate>).
const GLOBAL_TEMPLATE: Uuid = Uuid::from_u128(0x8adf_8e6e_67b2_4cf2_a259_e3dc_5476_c621);
const US_GOVERNMENT_TEMPLATE: Uuid = Uuid::from_u128(0x4602_d0b4_76bb_404b_bca9_2652_e1a3_9c6d);
const CHINA_TEMPLATE: Uuid = Uuid::from_u128(0x5a53_2e38_1581_4918_9658_008d_c27c_1d68);

impl Hosts {
    /// The addresses of `cloud` (<https://learn.microsoft.com/graph/deployments>).
    pub fn of(cloud: &EntraCloud) -> Result<Self, Failure> {
        let (authority, graph) = match cloud.kind {
            EntraCloudType::Public => ("https://login.microsoftonline.com", "https://graph.microsoft.com"),
            EntraCloudType::UsGovernment => ("https://login.microsoftonline.us", "https://graph.microsoft.us"),
            EntraCloudType::UsGovernmentDod => ("https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
            EntraCloudType::China => ("https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn"),
            EntraCloudType::Custom => {
                let custom = cloud.custom.as_ref().ok_or_else(|| {
                    invalid("entra.cloud.type is Custom and entra.cloud.custom is not given. Give its addresses.")
                })?;
                return Self::custom(&custom.authority_host, &custom.graph_url);
            }
        };
        let template = match cloud.kind {
            EntraCloudType::UsGovernment | EntraCloudType::UsGovernmentDod => US_GOVERNMENT_TEMPLATE,
            EntraCloudType::China => CHINA_TEMPLATE,
            EntraCloudType::Public | EntraCloudType::Custom => GLOBAL_TEMPLATE,
        };
        Ok(Self {
            authority: https("authorityHost", authority)?,
            graph: https("graphUrl", graph)?,
            template,
            to_be_allowed: Vec::new(),
        })
    }

    fn custom(authority: &str, graph: &str) -> Result<Self, Failure> {
        let (authority, graph) = (https("authorityHost", authority)?, https("graphUrl", graph)?);
        // azure_identity would leave a path out without a word.
        if authority.path() != "/" {
            return Err(invalid(&format!(
                "entra.cloud.custom.authorityHost \"{authority}\" has a path. Give it without one: the tenant is added to it."
            )));
        }
        let mut to_be_allowed: Vec<String> =
            [&authority, &graph].into_iter().filter_map(Url::host_str).map(ToOwned::to_owned).collect();
        to_be_allowed.dedup();
        Ok(Self { authority, graph, template: GLOBAL_TEMPLATE, to_be_allowed })
    }
}

fn https(field: &str, text: &str) -> Result<Url, Failure> {
    let field = format!("entra.cloud.custom.{field}");
    let url = Url::parse(text).map_err(|e| invalid(&format!("{field} is not a URL: {e}.")))?;
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        // Not shown: a password may be in it.
        return Err(invalid(&format!("{field} has a user name, a query or a fragment. Give it without.")));
    }
    if url.scheme() != "https" {
        return Err(invalid(&format!("{field} \"{url}\" does not begin with https://.")));
    }
    Ok(url)
}

fn invalid(message: &str) -> Failure {
    Failure::new(Class::Invalid, "UrlInvalid", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::CustomCloud;

    fn custom(authority: &str, graph: &str) -> Result<Hosts, Failure> {
        let custom = CustomCloud { authority_host: authority.to_owned(), graph_url: graph.to_owned() };
        Hosts::of(&EntraCloud { kind: EntraCloudType::Custom, custom: Some(custom) })
    }

    #[test]
    fn microsofts_clouds_have_their_addresses_and_need_no_flag() {
        for (kind, authority, graph) in [
            (EntraCloudType::Public, "https://login.microsoftonline.com/", "https://graph.microsoft.com/"),
            (EntraCloudType::UsGovernment, "https://login.microsoftonline.us/", "https://graph.microsoft.us/"),
            (EntraCloudType::UsGovernmentDod, "https://login.microsoftonline.us/", "https://dod-graph.microsoft.us/"),
            (EntraCloudType::China, "https://login.chinacloudapi.cn/", "https://microsoftgraph.chinacloudapi.cn/"),
        ] {
            let hosts = Hosts::of(&EntraCloud { kind, custom: None }).unwrap();
            assert_eq!((hosts.authority.as_str(), hosts.graph.as_str()), (authority, graph));
            assert_eq!(hosts.to_be_allowed, [""; 0]);
        }
    }

    #[test]
    fn a_cloud_of_ones_own_needs_each_of_its_hosts_to_be_allowed() {
        let hosts = custom("https://login.example.com", "https://graph.example.com/api").unwrap();
        assert_eq!(hosts.to_be_allowed, ["login.example.com", "graph.example.com"]);
        assert_eq!(hosts.graph.as_str(), "https://graph.example.com/api");
        assert_eq!(custom("https://one.example:1", "https://one.example:2").unwrap().to_be_allowed, ["one.example"]);
    }

    #[test]
    fn what_could_not_work_or_is_not_safe_is_refused() {
        let good = "https://graph.example.com";
        for authority in [
            "http://a.example",
            "https://a.example/login",
            "a.example",
            "https://user:pass@a.example",
            "https://a.example?x",
        ] {
            let failure = custom(authority, good).unwrap_err();
            assert_eq!((failure.class, failure.reason), (Class::Invalid, "UrlInvalid"), "{authority}");
            assert!(!failure.message.contains("pass"), "{failure}");
        }
        assert!(Hosts::of(&EntraCloud { kind: EntraCloudType::Custom, custom: None }).is_err());
    }
}
