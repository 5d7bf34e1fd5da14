//! `operator status`: what there is, how far it is, and who must act. `--watch` draws it again on events.

use std::io::IsTerminal as _;
use std::sync::Arc;

use clap::Args;
use futures::StreamExt as _;
use futures::stream::{BoxStream, select_all};
use k8s_openapi::jiff::Timestamp;
use kube::api::ListParams;
use kube::runtime::reflector::{Store, store};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, ResourceExt as _};

use super::cluster::Cluster;
use super::screen::Screen;
use super::style::{plain, show};
use super::{ClusterArgs, Kind, Stop, Target};
use crate::api::{GroupReplacement, SsoMigration, TenantConnection, UsesConnection as _};

/// Settings of `operator status`.
#[derive(Args, Clone, Debug)]
pub struct StatusArgs {
    /// Only this one and its connection: grpr/NAME or ssom/NAME [default: all]
    #[arg(conflicts_with = "all_namespaces")]
    pub target: Option<Target>,
    /// Where to look.
    #[command(flatten)]
    pub cluster: ClusterArgs,
    /// Look into all namespaces
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub all_namespaces: bool,
    /// Stay, and draw it again whenever something changes
    #[arg(short, long)]
    pub watch: bool,
}

/// Moves the cursor home and clears what is below (ECMA-48: CUP and ED).
const CLEAR: &str = "\x1b[H\x1b[J";

/// Prints the screen once, or again and again.
pub async fn status(args: &StatusArgs) -> Result<(), Stop> {
    let cluster = args.cluster.connect().await?;
    let scope = Scope::of(args, &cluster).await?;
    // Once by list, also where it is watched: what is not allowed is told at once, not tried again and again.
    let connections = scope.connections.list(&scope.place).await?;
    let migrations = scope.migrations.list(&scope.place).await?;
    let replacements = scope.replacements.list(&scope.place).await?;
    if args.watch {
        return scope.watch().await;
    }
    if connections.is_empty() && migrations.is_empty() && replacements.is_empty() {
        return show(&format!(
            "There is no TenantConnection, no SsoMigration and no GroupReplacement in {}.\n",
            scope.place
        ));
    }
    show(&scope.draw(connections, migrations, replacements))
}

/// What is looked at.
struct Scope {
    connections: Part<TenantConnection>,
    migrations: Part<SsoMigration>,
    replacements: Part<GroupReplacement>,
    with_namespace: bool,
    /// For people.
    place: String,
}

impl Scope {
    async fn of(args: &StatusArgs, cluster: &Cluster) -> Result<Self, Stop> {
        let client = &cluster.client;
        if args.all_namespaces {
            return Ok(Self {
                connections: Part::of(Api::all(client.clone()), Which::All),
                migrations: Part::of(Api::all(client.clone()), Which::All),
                replacements: Part::of(Api::all(client.clone()), Which::All),
                with_namespace: true,
                place: "any namespace".to_owned(),
            });
        }
        let (connection, migration, replacement) = match &args.target {
            None => (Which::All, Which::All, Which::All),
            // The connection that something works through never changes.
            Some(Target { kind: Kind::SsoMigration, name }) => {
                let object: SsoMigration = cluster.get(name).await?;
                (Which::of(object.connection_name()), Which::One(name.clone()), Which::None)
            }
            Some(Target { kind: Kind::GroupReplacement, name }) => {
                let object: GroupReplacement = cluster.get(name).await?;
                match &object.spec.migration_ref {
                    None => (Which::of(object.connection_name()), Which::None, Which::One(name.clone())),
                    Some(migration) => {
                        // One that is gone is what its replacement tells of.
                        let whole: Option<SsoMigration> = cluster.find(&migration.name).await?;
                        let connection = whole.as_ref().and_then(|whole| whole.connection_name());
                        (Which::of(connection), Which::One(migration.name.clone()), Which::One(name.clone()))
                    }
                }
            }
        };
        let namespace = &cluster.namespace;
        Ok(Self {
            connections: Part::of(Api::namespaced(client.clone(), namespace), connection),
            migrations: Part::of(Api::namespaced(client.clone(), namespace), migration),
            replacements: Part::of(Api::namespaced(client.clone(), namespace), replacement),
            with_namespace: false,
            place: format!("namespace \"{namespace}\""),
        })
    }

    fn draw(
        &self,
        mut connections: Vec<TenantConnection>,
        mut migrations: Vec<SsoMigration>,
        mut replacements: Vec<GroupReplacement>,
    ) -> String {
        connections.sort_by_key(|c| (c.namespace(), c.name_any()));
        migrations.sort_by_key(|m| (m.namespace(), m.name_any()));
        replacements.sort_by_key(|r| (r.namespace(), r.name_any()));
        Screen {
            connections: &connections,
            migrations: &migrations,
            replacements: &replacements,
            with_namespace: self.with_namespace,
            now: Timestamp::now(),
        }
        .draw()
    }

    /// Draws on every event until somebody ends it.
    async fn watch(&self) -> Result<(), Stop> {
        let (connections, of_connections) = self.connections.follow();
        let (migrations, of_migrations) = self.migrations.follow();
        let (replacements, of_replacements) = self.replacements.follow();
        let followed: Vec<BoxStream<'static, Shown>> =
            [of_connections, of_migrations, of_replacements].into_iter().flatten().collect();
        let mut is_listed = vec![false; followed.len()];
        let numbered = followed.into_iter().enumerate().map(|(kind, events)| events.map(move |shown| (kind, shown)));
        let mut events = select_all(numbered);
        let is_terminal = std::io::stdout().is_terminal();
        let mut last = String::new();
        while let Some(event) = events.next().await {
            let (kind, Shown::Changed(trouble)) = event else { continue };
            // A part of it would look like all of it.
            is_listed[kind] |= trouble.is_none();
            if trouble.is_none() && is_listed.contains(&false) {
                continue;
            }
            let mut screen = self.draw(snapshot(&connections), snapshot(&migrations), snapshot(&replacements));
            if let Some(trouble) = trouble {
                let trouble = plain(&trouble);
                screen = format!("{screen}\nThe API server cannot be watched just now; trying again: {trouble}\n");
            }
            if screen == last {
                continue;
            }
            if is_terminal {
                show(&format!("{CLEAR}{screen}"))?;
            } else {
                show(&format!("{screen}\n"))?;
            }
            last = screen;
        }
        Ok(())
    }
}

/// Which of a kind are looked at.
enum Which {
    None,
    One(String),
    All,
}

impl Which {
    fn of(name: Option<&str>) -> Self {
        name.map_or(Self::None, |name| Self::One(name.to_owned()))
    }
}

/// One kind's part of what is looked at.
struct Part<R> {
    api: Api<R>,
    which: Which,
}

impl<R> Part<R>
where
    R: kube::Resource<DynamicType = ()> + Clone + std::fmt::Debug + Send + Sync + serde::de::DeserializeOwned + 'static,
{
    fn of(api: Api<R>, which: Which) -> Self {
        Self { api, which }
    }

    /// By which fields they are chosen.
    fn fields(&self) -> Option<String> {
        match &self.which {
            Which::One(name) => Some(format!("metadata.name={name}")),
            Which::None | Which::All => None,
        }
    }

    async fn list(&self, place: &str) -> Result<Vec<R>, Stop> {
        if matches!(self.which, Which::None) {
            return Ok(Vec::new());
        }
        let settings = ListParams { field_selector: self.fields(), ..ListParams::default() };
        let what = format!("list {} in {place}", R::plural(&()));
        self.api.list(&settings).await.map(|list| list.items).map_err(|e| Stop::kubernetes(&what, &e))
    }

    /// What is there, as it comes to be known, and the events of it; no events where nothing is looked at.
    fn follow(&self) -> (Store<R>, Option<BoxStream<'static, Shown>>) {
        let (reader, writer) = store();
        if matches!(self.which, Which::None) {
            return (reader, None);
        }
        let settings = watcher::Config { field_selector: self.fields(), ..watcher::Config::default() };
        let events = watcher(self.api.clone(), settings).default_backoff().reflect(writer).map(|event| match event {
            Ok(watcher::Event::Init | watcher::Event::InitApply(_)) => Shown::Same,
            Ok(_) => Shown::Changed(None),
            Err(error) => Shown::Changed(Some(error.to_string())),
        });
        (reader, Some(events.boxed()))
    }
}

/// What an event means for the screen.
enum Shown {
    /// Nothing yet.
    Same,
    /// There is something else to see, or a trouble to tell.
    Changed(Option<String>),
}

fn snapshot<R>(store: &Store<R>) -> Vec<R>
where
    R: kube::Resource<DynamicType = ()> + Clone + 'static,
{
    store.state().into_iter().map(Arc::unwrap_or_clone).collect()
}
