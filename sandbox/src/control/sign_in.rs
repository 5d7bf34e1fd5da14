//! People who sign in: one on request, all of them to see who can, and how it has gone so far.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::cloud::App;
use crate::devolutions::relying_party::{Failure, Login, Provider, Settings, sign_in};
use crate::scim::effect::signed_in;
use crate::world::{UserType, World};

/// The failures that are kept in full.
const KEPT: usize = 100;

/// How logins have gone.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    attempts: u64,
    failures: u64,
    by_application: BTreeMap<String, Count>,
    /// The newest last.
    last_failures: Vec<Value>,
}

#[derive(Debug, Default, Serialize)]
struct Count {
    attempts: u64,
    failures: u64,
}

impl Tally {
    fn add(&mut self, user: &str, login: &Login) {
        let failure = login.outcome.as_ref().err();
        let application = login.application.clone().unwrap_or_else(|| "none".to_owned());
        let count = self.by_application.entry(application).or_default();
        (self.attempts, count.attempts) = (self.attempts + 1, count.attempts + 1);
        let Some(failure) = failure else { return };
        (self.failures, count.failures) = (self.failures + 1, count.failures + 1);
        if self.last_failures.len() == KEPT {
            self.last_failures.remove(0);
        }
        self.last_failures.push(json!({
            "time": jiff::Timestamp::now(), "user": user, "application": login.application, "error": failure,
        }));
    }
}

/// Under which names somebody with this e-mail address, or of this UPN, may be known to Entra: the account of that
/// UPN first, then those with that mail. The person at the browser knows; nobody else does.
fn accounts(world: &World, named: &str) -> Vec<String> {
    let people = || world.entra.iter().flat_map(|it| it.users.values());
    let has_mail = |mail: &Option<String>| mail.as_ref().is_some_and(|it| it.eq_ignore_ascii_case(named));
    let mut accounts: Vec<String> =
        people().filter(|it| it.upn.eq_ignore_ascii_case(named)).map(|it| it.upn.clone()).collect();
    let by_mail = people().filter(|it| has_mail(&it.mail) && !it.upn.eq_ignore_ascii_case(named));
    accounts.extend(by_mail.map(|it| it.upn.clone()));
    if accounts.is_empty() {
        accounts.push(named.to_owned());
    }
    accounts
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Who {
    /// By e-mail address or UPN.
    user: String,
}

/// `POST /control/sign-in`: somebody signs in, with the first account that they have.
pub async fn attempt(State(app): State<App>, Json(Who { user }): Json<Who>) -> Json<Value> {
    let account = accounts(&app.cloud().world, &user).swap_remove(0);
    let login = sign_in(&app, &app.outside, &account, None).await;
    {
        let _turn = app.turn.lock().await;
        let mut cloud = app.cloud();
        cloud.sign_ins.add(&user, &login);
        if let Ok(email) = &login.outcome {
            signed_in(&mut cloud, email);
        }
    }
    Json(told(&account, &login))
}

fn told(account: &str, login: &Login) -> Value {
    let mut told = json!({
        "ok": login.outcome.is_ok(), "account": account, "application": login.application,
    });
    match &login.outcome {
        Ok(user) => told["user"] = json!(user),
        Err(Failure { stage, code, message }) => {
            told["error"] = json!({"stage": stage, "code": code, "message": message});
        }
    }
    told
}

/// `GET /control/sign-ins`
pub async fn tally(State(app): State<App>) -> Json<Value> {
    Json(json!(app.cloud().sign_ins))
}

/// `POST /control/sign-ins/reset`
pub async fn reset(State(app): State<App>) -> StatusCode {
    app.cloud().sign_ins = Tally::default();
    StatusCode::NO_CONTENT
}

/// `GET /control/sign-in/able`: who could sign in now. Each of them tries, with each account that they may have, and
/// leaves no trace: neither in Entra's log nor in the journal nor in the tally, and no fault hits.
pub async fn able(State(app): State<App>) -> Json<Value> {
    let people: Vec<(String, Vec<String>)> = {
        let world = &app.cloud().world;
        let people = world.users.values().filter(|it| it.kind == UserType::User && !it.email.is_empty());
        people.map(|it| (it.email.clone(), accounts(world, &it.email))).collect()
    };
    let outside = app.outside.unnoticed(&app);
    let provider = match Settings::saved(&app) {
        Ok(settings) => Provider::discover(&outside, &settings.discovery_url).await.ok(),
        Err(_) => None,
    };
    let (mut users, mut each) = (Vec::new(), Vec::new());
    for (email, accounts) in people {
        let mut tried = Vec::new();
        for account in accounts {
            let login = sign_in(&app, &outside, &account, provider.as_ref()).await;
            tried.push((login.outcome.as_ref() == Ok(&email), told(&account, &login)));
        }
        let best = tried.iter().position(|(is_in, _)| *is_in);
        if best.is_some() {
            users.push(email.clone());
        }
        let (is_in, mut told) = tried.swap_remove(best.unwrap_or_default());
        told["ok"] = json!(is_in);
        told["email"] = json!(email);
        each.push(told);
    }
    Json(json!({"users": users, "each": each}))
}
