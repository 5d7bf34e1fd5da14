//! `operator status`: what there is, how far it is, and who must act. `--watch` draws it again on events.

use std::io::IsTerminal as _;
use std::sync::Arc;

use clap::Args;
use futures::StreamExt as _;
use futures::stream::select;
use k8s_openapi::jiff::Timestamp;
use kube::api::ListParams;
use kube::runtime::reflector::{self, Store, store};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, ResourceExt as _};

use super::cluster::Cluster;
use super::screen::Screen;
use super::style::show;
use super::{ClusterArgs, Stop, Target};
use crate::api::{GroupReplacement, TenantConnection};

/// Settings of `operator status`.
#[derive(Args, Clone, Debug)]
pub struct StatusArgs {
    /// Only this one: grpr/NAME [default: all]
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
    let connections = list(&scope.connections, scope.of_connections.as_deref(), &scope.place).await?;
    let replacements = list(&scope.replacements, scope.of_replacements.as_deref(), &scope.place).await?;
    if args.watch {
        return scope.watch().await;
    }
    if connections.is_empty() && replacements.is_empty() {
        return show(&format!("There is no TenantConnection and no GroupReplacement in {}.\n", scope.place));
    }
    show(&scope.draw(connections, replacements))
}

/// What is looked at.
struct Scope {
    connections: Api<TenantConnection>,
    of_connections: Option<String>,
    replacements: Api<GroupReplacement>,
    of_replacements: Option<String>,
    with_namespace: bool,
    /// For people.
    place: String,
}

impl Scope {
    async fn of(args: &StatusArgs, cluster: &Cluster) -> Result<Self, Stop> {
        let by_name = |name: &str| Some(format!("metadata.name={name}"));
        let (of_connections, of_replacements) = match &args.target {
            None => (None, None),
            // A replacement's connection never changes.
            Some(target) => {
                let object = cluster.get(target).await?;
                (by_name(&object.spec.connection_ref.name), by_name(&target.name))
            }
        };
        let client = &cluster.client;
        let (connections, replacements, place) = if args.all_namespaces {
            (Api::all(client.clone()), Api::all(client.clone()), "any namespace".to_owned())
        } else {
            let namespace = &cluster.namespace;
            (
                Api::namespaced(client.clone(), namespace),
                Api::namespaced(client.clone(), namespace),
                format!("namespace \"{namespace}\""),
            )
        };
        let with_namespace = args.all_namespaces;
        Ok(Self { connections, of_connections, replacements, of_replacements, with_namespace, place })
    }

    fn draw(&self, mut connections: Vec<TenantConnection>, mut replacements: Vec<GroupReplacement>) -> String {
        connections.sort_by_key(|c| (c.namespace(), c.name_any()));
        replacements.sort_by_key(|r| (r.namespace(), r.name_any()));
        Screen {
            connections: &connections,
            replacements: &replacements,
            with_namespace: self.with_namespace,
            now: Timestamp::now(),
        }
        .draw()
    }

    /// Draws on every event until somebody ends it.
    async fn watch(&self) -> Result<(), Stop> {
        let (connections, connections_writer) = store();
        let (replacements, replacements_writer) = store();
        let of_connections = follow(&self.connections, self.of_connections.as_deref(), connections_writer);
        let of_replacements = follow(&self.replacements, self.of_replacements.as_deref(), replacements_writer);
        let mut events = select(of_connections.map(|shown| (0, shown)), of_replacements.map(|shown| (1, shown)));
        let mut is_listed = [false; 2];
        let is_terminal = std::io::stdout().is_terminal();
        let mut last = String::new();
        while let Some(event) = events.next().await {
            let (kind, Shown::Changed(trouble)) = event else { continue };
            // Half of it would look like all of it.
            is_listed[kind] |= trouble.is_none();
            if trouble.is_none() && is_listed.contains(&false) {
                continue;
            }
            let mut screen = self.draw(snapshot(&connections), snapshot(&replacements));
            if let Some(trouble) = trouble {
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

/// What an event means for the screen.
enum Shown {
    /// Nothing yet.
    Same,
    /// There is something else to see, or a trouble to tell.
    Changed(Option<String>),
}

fn follow<R>(
    api: &Api<R>,
    fields: Option<&str>,
    writer: reflector::store::Writer<R>,
) -> impl futures::Stream<Item = Shown> + Unpin + use<R>
where
    R: kube::Resource<DynamicType = ()> + Clone + std::fmt::Debug + Send + Sync + serde::de::DeserializeOwned + 'static,
{
    let settings = fields.map_or_else(watcher::Config::default, |fields| watcher::Config::default().fields(fields));
    watcher(api.clone(), settings)
        .default_backoff()
        .reflect(writer)
        .map(|event| match event {
            Ok(watcher::Event::Init | watcher::Event::InitApply(_)) => Shown::Same,
            Ok(_) => Shown::Changed(None),
            Err(error) => Shown::Changed(Some(error.to_string())),
        })
        .boxed()
}

fn snapshot<R>(store: &Store<R>) -> Vec<R>
where
    R: kube::Resource<DynamicType = ()> + Clone + 'static,
{
    store.state().into_iter().map(Arc::unwrap_or_clone).collect()
}

async fn list<R>(api: &Api<R>, fields: Option<&str>, place: &str) -> Result<Vec<R>, Stop>
where
    R: kube::Resource<DynamicType = ()> + Clone + std::fmt::Debug + serde::de::DeserializeOwned,
{
    let settings = fields.map_or_else(ListParams::default, |fields| ListParams::default().fields(fields));
    let what = format!("list {} in {place}", R::plural(&()));
    api.list(&settings).await.map(|list| list.items).map_err(|e| Stop::kubernetes(&what, &e))
}
