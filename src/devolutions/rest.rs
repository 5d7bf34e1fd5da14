//! The cloud contract over HTTP. Our own contract, modelled on the conventions of Devolutions
//! Server's API v1; no endpoint of it is known to exist on the vendor's service.

use std::sync::Arc;

use reqwest::Method;
use reqwest::header::IF_MATCH;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use super::session::Session;
use super::{
    Credentials, DevolutionsCloud, Domain, Entry, Group, GroupId, Identity, NewProvisioningToken, Observed, Permission,
    PermissionSet, Place, Provisioning, SsoClient, SsoConfiguration, SsoTest, Target, User, Vault,
};
use crate::error::{Class, Failure};
use crate::http::{self, Answer, Outcome};
use crate::metrics::Metrics;

/// How many items of a list are asked for at once.
const PAGE_SIZE: u32 = 500;
/// Where provisioning is.
const PROVISIONING: [&str; 2] = ["authentication", "provisioning"];
/// A list with more pages than this is taken for a server that counts wrong.
const MAX_PAGES: u32 = 10_000;

/// A server that speaks the cloud contract.
#[derive(Debug)]
pub struct Rest {
    session: Session,
}

#[derive(Deserialize)]
struct Page<T> {
    data: Vec<T>,
    #[serde(rename = "currentPage")]
    number: u32,
    #[serde(rename = "totalCount")]
    total: usize,
    #[serde(rename = "totalPage")]
    count: u32,
}

#[derive(Deserialize)]
struct Capabilities {
    operations: Vec<String>,
}

/// The part of `Get-HubSystemSettings` that we need.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SystemSettings {
    #[serde(default)]
    force_sso_login: Option<bool>,
}

impl Rest {
    /// The server at `url`. Nothing is sent yet.
    pub fn new(
        url: &Url,
        credentials: Credentials,
        ca_bundle: Option<&[u8]>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, Failure> {
        Ok(Self { session: Session::new(http::client(ca_bundle)?, metrics, url, credentials)? })
    }

    async fn post(&self, what: &str, path: &[&str]) -> Result<Answer, Failure> {
        self.session.call(what, Method::POST, path, |r| r).await?.good()
    }

    async fn read<T: DeserializeOwned>(&self, what: &str, path: &[&str]) -> Result<T, Failure> {
        self.session.call(what, Method::GET, path, |r| r).await?.good()?.json()
    }

    async fn read_if_any<T: DeserializeOwned>(&self, what: &str, path: &[&str]) -> Result<Option<T>, Failure> {
        match self.session.call(what, Method::GET, path, |r| r).await? {
            Outcome::NotFound(_) => Ok(None),
            outcome => Ok(Some(outcome.good()?.json()?)),
        }
    }

    /// A whole list; none if what it hangs on is gone.
    async fn list<T: DeserializeOwned>(
        &self,
        what: &str,
        path: &[&str],
        filter: &[(&str, &str)],
    ) -> Result<Option<Vec<T>>, Failure> {
        let (mut all, mut total) = (Vec::new(), None);
        for number in 1..=MAX_PAGES {
            let paging = [("page", number), ("pageSize", PAGE_SIZE)];
            let page: Page<T> =
                match self.session.call(what, Method::GET, path, |r| r.query(filter).query(&paging)).await? {
                    Outcome::NotFound(_) => return Ok(None),
                    outcome => outcome.good()?.json()?,
                };
            all.extend(page.data);
            // Somebody who adds or takes an item while we turn the pages moves others over a border.
            if page.number != number || *total.get_or_insert(page.total) != page.total {
                return Err(changed_meanwhile(what));
            }
            if number >= page.count {
                return if all.len() == page.total { Ok(Some(all)) } else { Err(changed_meanwhile(what)) };
            }
        }
        Err(Failure::new(
            Class::Bug,
            "AnswerNotUnderstood",
            format!("Could not {what}: the list has more than {MAX_PAGES} pages."),
        ))
    }

    async fn whole_list<T: DeserializeOwned>(&self, what: &str, path: &[&str]) -> Result<Vec<T>, Failure> {
        self.list(what, path, &[]).await?.ok_or_else(|| {
            Failure::new(Class::Invalid, "NotFound", format!(
                "Could not {what}: the server knows no such list. Does devolutionsCloud.url point at a server that speaks the cloud contract?"
            ))
        })
    }
}

fn changed_meanwhile(what: &str) -> Failure {
    let message = format!("Could not {what}: the list changed while its pages were read. It is read again.");
    Failure::new(Class::Transient, "ListChangedMeanwhile", message)
}

/// The path of a place's permissions.
fn path_of(place: &Place) -> Vec<String> {
    let path = |parts: &[&str]| parts.iter().map(|&p| p.to_owned()).collect();
    match place {
        Place::System => path(&["system-permissions"]),
        Place::AllVaults => path(&["system-vault-permissions"]),
        Place::Vault { vault } => path(&["vaults", &vault.to_string(), "permissions"]),
        Place::Entry { vault, entry } => {
            path(&["vaults", &vault.to_string(), "entries", &entry.to_string(), "permissions"])
        }
    }
}

fn path_of_group(at: &Target<'_>) -> Vec<String> {
    let mut path = path_of(at.place);
    path.extend(["groups".to_owned(), at.group.to_string()]);
    path
}

/// A configuration as a person would type it in.
fn typed_in(client: &SsoClient, secret: &SecretString) -> Value {
    json!({
        "clientId": client.client_id,
        "clientSecret": secret.expose_secret(),
        "discoveryUrl": client.discovery_url,
    })
}

fn strs(path: &[String]) -> Vec<&str> {
    path.iter().map(String::as_str).collect()
}

fn tie(request: reqwest::RequestBuilder, etag: Option<&str>) -> reqwest::RequestBuilder {
    match etag {
        Some(etag) => request.header(IF_MATCH, etag),
        None => request,
    }
}

impl DevolutionsCloud for Rest {
    async fn operations(&self) -> Result<Vec<String>, Failure> {
        let capabilities: Capabilities = self.read("ask the server what it can do", &["capabilities"]).await?;
        Ok(capabilities.operations)
    }

    async fn identity(&self) -> Result<Identity, Failure> {
        self.read("ask the server who we are", &["me"]).await
    }

    async fn users(&self) -> Result<Vec<User>, Failure> {
        self.whole_list("list the users", &["users"]).await
    }

    async fn groups(&self) -> Result<Vec<Group>, Failure> {
        self.whole_list("list the user groups", &["groups"]).await
    }

    async fn group(&self, id: GroupId) -> Result<Option<Group>, Failure> {
        self.read_if_any(&format!("read the user group {id}"), &["groups", &id.to_string()]).await
    }

    async fn sso(&self) -> Result<Option<SsoConfiguration>, Failure> {
        self.read_if_any("read how people sign in", &["authentication", "sso"]).await
    }

    async fn test_sso(&self, client: &SsoClient, secret: &SecretString) -> Result<Option<SsoTest>, Failure> {
        let what = format!("test single sign-on by the application {}", client.client_id);
        let body = typed_in(client, secret);
        match self.session.call(&what, Method::POST, &["authentication", "sso", "test"], |r| r.json(&body)).await? {
            Outcome::NotFound(_) => Ok(None),
            outcome => Ok(Some(outcome.good()?.json()?)),
        }
    }

    async fn save_sso(&self, client: &SsoClient, secret: &SecretString) -> Result<(), Failure> {
        let what = format!("save single sign-on by the application {}", client.client_id);
        let mut body = typed_in(client, secret);
        body["name"] = client.name.clone().into();
        let outcome = self.session.call(&what, Method::PUT, &["authentication", "sso"], |r| r.json(&body)).await?;
        outcome.good().map(drop)
    }

    async fn provisioning(&self) -> Result<Option<Provisioning>, Failure> {
        self.read_if_any("read whether provisioning is enabled", &PROVISIONING).await
    }

    async fn enable_provisioning(&self) -> Result<NewProvisioningToken, Failure> {
        self.post("enable provisioning", &PROVISIONING).await?.json()
    }

    async fn renew_provisioning_token(&self) -> Result<NewProvisioningToken, Failure> {
        self.post("make the token for provisioning anew", &[PROVISIONING[0], PROVISIONING[1], "token"]).await?.json()
    }

    async fn activate_synchronization(&self) -> Result<(), Failure> {
        self.post("activate synchronization", &[PROVISIONING[0], PROVISIONING[1], "activate"]).await.map(drop)
    }

    async fn domains(&self) -> Result<Option<Vec<Domain>>, Failure> {
        self.list("list the e-mail domains", &["authentication", "domains"], &[]).await
    }

    async fn forces_sso(&self) -> Result<Option<bool>, Failure> {
        let what = "read whether single sign-on is forced";
        let settings: Option<SystemSettings> = self.read_if_any(what, &["system-settings"]).await?;
        Ok(settings.and_then(|s| s.force_sso_login))
    }

    async fn vaults(&self) -> Result<Vec<Vault>, Failure> {
        self.whole_list("list the vaults", &["vaults"]).await
    }

    async fn entries(&self, vault: &Vault) -> Result<Option<Vec<Entry>>, Failure> {
        let what = format!("list the entries of vault \"{}\" with permissions of their own", vault.name);
        self.list(&what, &["vaults", &vault.id.to_string(), "entries"], &[("hasPermissions", "true")]).await
    }

    async fn permissions(&self, place: &Place, label: &str) -> Result<Option<Observed>, Failure> {
        let what = format!("read what is assigned at {label}");
        match self.session.call(&what, Method::GET, &strs(&path_of(place)), |r| r).await? {
            Outcome::NotFound(_) => Ok(None),
            outcome => {
                let answer = outcome.good()?;
                let permissions: PermissionSet = answer.json()?;
                Ok(Some(Observed { permissions, etag: answer.etag }))
            }
        }
    }

    async fn grant(&self, at: &Target<'_>, permission: &Permission) -> Result<(), Failure> {
        let what = format!("grant group {} its permission at {}", at.group, at.label);
        let path = path_of_group(at);
        let outcome = self.session.call(&what, Method::PUT, &strs(&path), |r| tie(r.json(permission), at.etag)).await?;
        outcome.good().map(drop)
    }

    async fn revoke(&self, at: &Target<'_>) -> Result<(), Failure> {
        let what = format!("revoke the permission of group {} at {}", at.group, at.label);
        let path = path_of_group(at);
        match self.session.call(&what, Method::DELETE, &strs(&path), |r| tie(r, at.etag)).await? {
            // Gone is what was wanted; a read follows and shows it.
            Outcome::NotFound(_) => Ok(()),
            outcome => outcome.good().map(drop),
        }
    }
}
