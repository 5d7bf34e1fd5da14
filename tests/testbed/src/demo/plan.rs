//! A plan that waits for a person, and how it reads in short.

use std::collections::BTreeMap;
use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use reqwest::Method;
use serde_json::Value;

use super::screen::Screen;
use crate::error::{Error, Result};
use crate::sandbox::Sandbox;

/// How many lines of each half are shown, the last one apart.
const SHOWN: usize = 4;

/// A plan as the status of its `GroupReplacement` shows it.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    /// The name of the `GroupReplacement`.
    pub(super) name: String,
    /// Its uid.
    pub(super) uid: String,
    /// The plan's hash.
    pub(super) hash: String,
    /// The Secret with the plan in full.
    pub(super) secret: String,
    /// How many permissions it grants.
    pub(super) grants: u64,
    /// How many it revokes.
    pub(super) revokes: u64,
}

impl Waiting {
    /// The plans of all `GroupReplacement`s in a list.
    pub(super) fn all(list: &Value) -> Result<Vec<Self>> {
        let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        items.iter().map(|item| Self::of(item).ok_or_else(|| without_plan(item))).collect()
    }

    fn of(item: &Value) -> Option<Self> {
        let plan = item["status"]["plans"].as_array()?.last()?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Some(Self {
            name: text(&item["metadata"]["name"])?,
            uid: text(&item["metadata"]["uid"])?,
            hash: text(&plan["hash"])?,
            secret: text(&plan["secretName"])?,
            grants: plan["grants"].as_u64()?,
            revokes: plan["revokes"].as_u64()?,
        })
    }
}

fn without_plan(item: &Value) -> Error {
    let (name, summary) = (&item["metadata"]["name"], &item["status"]["summary"]);
    Error::Demo(format!("GroupReplacement {name} has no plan: {summary}"))
}

/// The roles' names by their ids, as Devolutions Cloud lists them.
pub(super) async fn roles(sandbox: &Sandbox) -> Result<BTreeMap<String, String>> {
    let person = sandbox.as_person().await?;
    let mut roles = BTreeMap::new();
    for kind in ["vault-roles", "entry-roles"] {
        let list = person.call(Method::GET, &format!("/api/v1/{kind}?pageSize=500"), None).await?;
        let list = list["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        let named = list.iter().filter_map(|role| Some((role["id"].as_str()?, role["name"].as_str()?)));
        roles.extend(named.map(|(id, name)| (id.to_owned(), name.to_owned())));
    }
    Ok(roles)
}

/// Shows the first lines of a plan. `data` is what its Secret holds, as `kubectl` writes it.
pub(super) fn show(screen: &Screen, data: &str, roles: &BTreeMap<String, String>) -> Result<()> {
    let plan = read(data)?;
    let (giver, taker) = (&plan["ground"]["giver"]["name"], &plan["ground"]["taker"]["name"]);
    for (field, what, order) in [
        ("grants", format!("First {taker} is granted"), "from the entries up to the system"),
        ("revokes", format!("Then {giver} loses"), "from the system down to the entries"),
    ] {
        let effects = plan[field].as_array().map(Vec::as_slice).unwrap_or_default();
        screen.line("");
        screen.say(&format!("{what} {} permissions, {order}:", effects.len()));
        for (index, effect) in effects.iter().enumerate() {
            if index < SHOWN || index + 1 == effects.len() {
                let label = effect["label"].as_str().unwrap_or_default();
                screen.output(&format!("{:>4}  {label:<46}  {}", index + 1, words(&effect["permission"], roles)));
            } else if index == SHOWN {
                screen.output("   …");
            }
        }
    }
    Ok(())
}

/// Plans of this size are in one piece; a longer one is spread over several Secrets.
fn read(data: &str) -> Result<Value> {
    let what = "a plan's Secret";
    let compressed = STANDARD.decode(data.trim()).map_err(Error::format(what))?;
    let mut text = String::new();
    GzDecoder::new(compressed.as_slice()).read_to_string(&mut text).map_err(Error::format(what))?;
    serde_json::from_str(&text).map_err(Error::format(what))
}

/// A permission in few words.
fn words(permission: &Value, roles: &BTreeMap<String, String>) -> String {
    if let Some(role) = permission["roleId"].as_str() {
        return format!("role {}", roles.get(role).map_or(role, String::as_str));
    }
    let flags = permission["flags"].as_object().into_iter().flatten();
    flags.filter(|(_, on)| *on == true).map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
}
