//! The running tenant: its world, who is logged in, and what has been asked of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use uuid::Uuid;

use crate::access::{Cause, Watch};
use crate::control::Tally;
use crate::devolutions::relying_party::Outside;
use crate::entra::{FederatedKeys, Hosts};
use crate::fault::Faults;
use crate::hold::Holds;
use crate::journal::Journal;
use crate::world::entra::Code;
use crate::world::{Change, World};

/// How long a login lasts unless the world says otherwise.
const TOKEN_LIFETIME_SECONDS: u32 = 3600;

/// An application key and secret, in the formats of the product: `guid;guid` and base64 of 32 bytes
/// (<https://github.com/Devolutions/doc>, `docs/content/en/powershell/hub-powershell/powershell-commands.md`).
#[derive(Clone)]
pub struct Credentials {
    /// `guid;guid`.
    pub key: String,
    /// Base64 of 32 bytes.
    pub secret: String,
}

impl Credentials {
    /// New ones for a user, whose id is the first half of the key.
    fn mint(user: Uuid) -> Self {
        use base64::Engine as _;
        let secret: [u8; 32] = rand::random();
        let secret = base64::engine::general_purpose::STANDARD.encode(secret);
        Self { key: format!("{user};{}", Uuid::new_v4()), secret }
    }
}

/// A login.
#[derive(Debug, Clone, Copy)]
struct Session {
    user: Uuid,
    expires_at: Timestamp,
}

/// An administrative action, as `GET /siem-logs` tells it.
#[derive(Debug, Clone, Serialize)]
pub struct SiemEvent {
    pub time: Timestamp,
    pub actor: String,
    pub action: &'static str,
    pub object: String,
}

/// The running tenant.
pub struct Cloud {
    pub world: World,
    pub watch: Watch,
    pub journal: Journal,
    pub siem: Vec<SiemEvent>,
    pub operator: Credentials,
    pub person: Credentials,
    /// The keys of issuers whose tokens may stand for an application of the Entra tenant.
    pub issuers: FederatedKeys,
    /// How logins to Devolutions Cloud have gone.
    pub sign_ins: Tally,
    /// Authorization codes of Entra's that are out.
    pub codes: HashMap<String, Code>,
    /// The authorities (PEM) that provisioning believes.
    pub authorities: Vec<String>,
    sessions: HashMap<String, Session>,
}

impl Cloud {
    fn new(world: World, authority: String) -> Self {
        Self {
            watch: Watch::new(&world),
            operator: Credentials::mint(world.operator),
            person: Credentials::mint(world.person),
            world,
            journal: Journal::default(),
            siem: Vec::new(),
            issuers: FederatedKeys::new(),
            sign_ins: Tally::default(),
            codes: HashMap::new(),
            authorities: vec![authority],
            sessions: HashMap::new(),
        }
    }

    /// Applies a change and judges it.
    pub fn change(&mut self, change: &Change, cause: &Cause) {
        self.watch.apply(&mut self.world, change, cause);
    }

    /// The user whose credentials these are.
    pub fn authenticate(&self, key: &str, secret: &str) -> Option<Uuid> {
        let known = [(&self.operator, self.world.operator), (&self.person, self.world.person)];
        known.into_iter().find(|(it, _)| it.key == key && it.secret == secret).map(|(_, user)| user)
    }

    /// Makes a token for a user.
    pub fn log_in(&mut self, user: Uuid) -> (String, Timestamp) {
        let seconds = self.world.switches.token_lifetime_seconds.unwrap_or(TOKEN_LIFETIME_SECONDS);
        let now = Timestamp::now();
        let expires_at = now.saturating_add(SignedDuration::from_secs(seconds.into())).unwrap_or(Timestamp::MAX);
        self.sessions.retain(|_, session| session.expires_at > now);
        let token = Uuid::new_v4().to_string();
        self.sessions.insert(token.clone(), Session { user, expires_at });
        (token, expires_at)
    }

    /// Ends a login.
    pub fn log_out(&mut self, token: &str) {
        self.sessions.remove(token);
    }

    /// The user of a token that is still good.
    pub fn session(&self, token: &str) -> Option<Uuid> {
        self.sessions.get(token).filter(|it| it.expires_at > Timestamp::now()).map(|it| it.user)
    }

    /// What the journal and the fault rules call a user.
    pub fn identity(&self, user: Uuid) -> String {
        if user == self.world.operator {
            "operator".to_owned()
        } else if user == self.world.person {
            "person".to_owned()
        } else {
            self.world.users.get(&user).map_or_else(|| user.to_string(), |it| it.name.clone())
        }
    }
}

/// What all requests share.
#[derive(Clone)]
pub struct App {
    cloud: Arc<Mutex<Cloud>>,
    faults: Arc<Mutex<Faults>>,
    /// The Entra side, if there is one.
    pub entra: Option<Arc<Hosts>>,
    /// With what Devolutions Cloud asks OpenID providers.
    pub outside: Outside,
    pub holds: Holds,
    /// Where Devolutions Cloud is; no base path is part of it.
    pub devolutions_url: Arc<str>,
    /// What a request of the sandbox's own carries that nobody is to notice.
    pub probe: Arc<str>,
    /// Held while a request takes effect and is journaled, so that the journal's order is the order of effects.
    pub turn: Arc<tokio::sync::Mutex<()>>,
    /// Held while provisioning speaks to a SCIM server: one thing at a time.
    pub provisioning: Arc<tokio::sync::Mutex<()>>,
}

impl App {
    /// Starts a world, whose own authority is this.
    pub fn new(world: World, devolutions_url: &str, entra: Option<Hosts>, outside: Outside, authority: String) -> Self {
        Self {
            devolutions_url: devolutions_url.into(),
            outside,
            entra: entra.map(Arc::new),
            cloud: Arc::new(Mutex::new(Cloud::new(world, authority))),
            faults: Arc::default(),
            holds: Holds::default(),
            probe: Uuid::new_v4().to_string().into(),
            turn: Arc::default(),
            provisioning: Arc::default(),
        }
    }

    /// The tenant; never keep it across an await.
    pub fn cloud(&self) -> MutexGuard<'_, Cloud> {
        self.cloud.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The fault rules; never keep them across an await.
    pub fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
