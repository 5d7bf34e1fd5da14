//! Which changes wake which driver.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use kube::runtime::controller::{Action, Controller, Error};
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::utils::Predicate as _;
use kube::runtime::{Config, WatchStreamExt as _, predicates, watcher};
use kube::{Api, Client, ResourceExt as _};

use super::migration::{self, Migrations};
use super::replacement::{self, Replacements};
use super::tenant::{self, Tenants};
use super::{Connector, Context, Events, after_failure, approval};
use crate::api::{Asks, GroupReplacement, Kind, PlanApproval, SsoMigration, TenantConnection, UsesConnection};
use crate::error::Failure;

/// How many objects of a kind are worked on at once.
const CONCURRENCY: u16 = 4;
/// Shorter than the idle time after which common load balancers drop a watch without a word.
const WATCH_SECONDS: u32 = 200;

/// The controllers of one namespace, or of all. On `stop` they finish the passes that are under way.
pub fn controllers<K: Connector>(
    context: &Arc<Context<K>>,
    namespace: Option<&String>,
    stop: &(impl Future<Output = ()> + Clone + Send + Sync + 'static),
) -> [BoxFuture<'static, ()>; 4] {
    let client = &context.client;
    let settings = || Config::default().concurrency(CONCURRENCY);

    let tenants = watched::<TenantConnection>(client, namespace, wants)
        .with_config(settings())
        .graceful_shutdown_on(stop.clone())
        .run(
            tenant::reconcile,
            |object, failure, shared| after_failure(&object, failure, &shared.context),
            Arc::new(Tenants {
                context: context.clone(),
                events: Events::new(client.clone(), "tenantconnection", &context.instance),
            }),
        )
        .for_each(log);

    let controller = watched::<SsoMigration>(client, namespace, wants);
    let of_connection = controller.store();
    context.metrics.count_migrations(of_connection.clone());
    let events = Events::new(client.clone(), "ssomigration", &context.instance);
    let migrations = controller
        .watches_stream(changes::<PlanApproval>(client, namespace, wants), |approval| {
            target_of::<SsoMigration>(&approval)
        })
        .watches_stream(changes::<TenantConnection>(client, namespace, wants), move |connection| {
            users_of(&of_connection, &connection)
        })
        .watches_stream(changes::<GroupReplacement>(client, namespace, |part| Some(ends(part))), |part| whole_of(&part))
        .with_config(settings())
        .graceful_shutdown_on(stop.clone())
        .run(
            migration::reconcile,
            |object, failure, shared| after_failure(&object, failure, &shared.context),
            Arc::new(Migrations { context: context.clone(), events: Arc::new(events) }),
        )
        .for_each(log);

    let controller = watched::<GroupReplacement>(client, namespace, wants);
    let (of_connection, of_migration) = (controller.store(), controller.store());
    context.metrics.count_replacements(of_connection.clone());
    let events = Events::new(client.clone(), "groupreplacement", &context.instance);
    let replacements = controller
        .watches_stream(changes::<PlanApproval>(client, namespace, wants), |approval| {
            target_of::<GroupReplacement>(&approval)
        })
        .watches_stream(changes::<TenantConnection>(client, namespace, wants), move |connection| {
            users_of(&of_connection, &connection)
        })
        .watches_stream(
            changes::<SsoMigration>(client, namespace, |migration| Some(lets(migration))),
            move |migration| parts_of(&of_migration, &migration),
        )
        .with_config(settings())
        .graceful_shutdown_on(stop.clone())
        .run(
            replacement::reconcile,
            |object, failure, shared| after_failure(&object, failure, &shared.context),
            Arc::new(Replacements { context: context.clone(), events: Arc::new(events) }),
        )
        .for_each(log);

    let controller = watched::<PlanApproval>(client, namespace, wants);
    let (of_replacement, of_migration) = (controller.store(), controller.store());
    let approvals = controller
        .watches_stream(changes::<GroupReplacement>(client, namespace, |target| Some(shows(target))), move |target| {
            approvals_of(&of_replacement, &target)
        })
        .watches_stream(changes::<SsoMigration>(client, namespace, |target| Some(shows(target))), move |target| {
            approvals_of(&of_migration, &target)
        })
        .with_config(settings())
        .graceful_shutdown_on(stop.clone())
        .run(approval::reconcile, |object, failure, context| after_failure(&object, failure, &context), context.clone())
        .for_each(log);

    [tenants.boxed(), migrations.boxed(), replacements.boxed(), approvals.boxed()]
}

/// The resources of a kind in one namespace, or in all.
#[must_use]
pub fn api<R: Kind>(client: &Client, namespace: Option<&String>) -> Api<R> {
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}

/// What a person asks for: our own status writes must not wake us.
fn wants<R: kube::Resource>(object: &R) -> Option<u64> {
    (predicates::generation as fn(&R) -> Option<u64>).combine(predicates::annotations).hash_property(object)
}

/// What approvals are held against: the object itself and its plans.
fn shows<R: Asks>(object: &R) -> u64 {
    let mut hasher = DefaultHasher::new();
    object.uid().hash(&mut hasher);
    for plan in object.plans() {
        (plan.state as u8, &plan.hash, &plan.approval).hash(&mut hasher);
    }
    hasher.finish()
}

fn watched<R: Kind>(client: &Client, namespace: Option<&String>, property: fn(&R) -> Option<u64>) -> Controller<R> {
    let (reader, writer) = reflector::store();
    let stream = watcher(api::<R>(client, namespace), watcher::Config::default().timeout(WATCH_SECONDS))
        .default_backoff()
        .modify(|object| object.meta_mut().managed_fields = None)
        .reflect(writer)
        .applied_objects()
        .predicate_filter(property, kube::runtime::PredicateConfig::default());
    Controller::for_stream(stream, reader)
}

fn changes<R: Kind>(
    client: &Client,
    namespace: Option<&String>,
    property: fn(&R) -> Option<u64>,
) -> impl futures::Stream<Item = Result<R, watcher::Error>> + Send + 'static {
    watcher(api::<R>(client, namespace), watcher::Config::default().timeout(WATCH_SECONDS))
        .default_backoff()
        .touched_objects()
        .predicate_filter(property, kube::runtime::PredicateConfig::default())
        .inspect_err(|error| tracing::warn!("watching {} failed: {error}", R::kind(&())))
}

fn users_of<R: Kind + UsesConnection>(store: &Store<R>, connection: &TenantConnection) -> Vec<ObjectRef<R>> {
    let (name, namespace) = (connection.name_any(), connection.namespace());
    let uses = |r: &Arc<R>| r.connection_name().is_none_or(|its| its == name) && r.namespace() == namespace;
    store.state().iter().filter(|r| uses(r)).map(|r| ObjectRef::from_obj(&**r)).collect()
}

/// What a replacement waits for in its migration.
fn lets(migration: &SsoMigration) -> u64 {
    let mut hasher = DefaultHasher::new();
    (migration.uid(), migration.spec.mode as u8, migration.is_verified()).hash(&mut hasher);
    hasher.finish()
}

/// What a migration follows in its replacements.
fn ends(replacement: &GroupReplacement) -> u64 {
    let mut hasher = DefaultHasher::new();
    replacement.uid().hash(&mut hasher);
    for condition in replacement.status.iter().flat_map(|status| &status.conditions) {
        (&condition.type_, &condition.status, &condition.reason).hash(&mut hasher);
    }
    hasher.finish()
}

/// The migration that a replacement is part of.
fn whole_of(replacement: &GroupReplacement) -> Option<ObjectRef<SsoMigration>> {
    let migration = replacement.spec.migration_ref.as_ref()?;
    replacement.namespace().map(|namespace| ObjectRef::new(&migration.name).within(&namespace))
}

fn parts_of(store: &Store<GroupReplacement>, migration: &SsoMigration) -> Vec<ObjectRef<GroupReplacement>> {
    let is_part = |r: &Arc<GroupReplacement>| r.is_part_of(migration);
    store.state().iter().filter(|r| is_part(r)).map(|r| ObjectRef::from_obj(&**r)).collect()
}

/// What an approval is of, where it is one of this kind.
fn target_of<R: Asks>(approval: &PlanApproval) -> Option<ObjectRef<R>> {
    let target = Some(&approval.spec.target).filter(|target| target.kind == R::TARGET)?;
    approval.namespace().map(|namespace| ObjectRef::new(&target.name).within(&namespace))
}

fn approvals_of<R: Asks>(store: &Store<PlanApproval>, target: &R) -> Vec<ObjectRef<PlanApproval>> {
    let (name, namespace) = (target.name_any(), target.namespace());
    let names = |a: &Arc<PlanApproval>| {
        a.spec.target.kind == R::TARGET && a.spec.target.name == name && a.namespace() == namespace
    };
    store.state().iter().filter(|a| names(a)).map(|a| ObjectRef::from_obj(&**a)).collect()
}

async fn log<R: Kind>(result: Result<(ObjectRef<R>, Action), Error<Failure, watcher::Error>>) {
    match result {
        Ok((object, _)) => tracing::debug!(%object, "pass done"),
        // The reconciler's own failures were logged with their next try.
        Err(Error::ReconcilerFailed(..)) => {}
        Err(Error::ObjectNotFound(object)) => tracing::debug!(%object, "gone"),
        Err(error) => tracing::warn!("{error}"),
    }
}
