//! The sandbox as a program.

use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use sandbox::{Addresses, Sandbox, Scenario, Sizes, StartError, generate};
use tokio::signal::unix::{SignalKind, signal};

/// A stand-in for Devolutions Cloud and the Entra tenant beside it.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve a world until told to stop.
    Serve(Serve),
    /// Print a world as a scenario file.
    World(WorldArguments),
}

#[derive(Args)]
struct WorldArguments {
    /// A scenario file (YAML); without one a world is generated.
    #[arg(long, conflicts_with_all = ["seed", "users", "groups", "vaults", "entries"])]
    scenario: Option<PathBuf>,
    /// The same seed and sizes make the same world, ids included.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Users, application identities included.
    #[arg(long, default_value_t = 200)]
    users: usize,
    /// Custom groups to be replaced; each has a synced twin beside it.
    #[arg(long, default_value_t = 12)]
    groups: usize,
    /// Vaults.
    #[arg(long, default_value_t = 40)]
    vaults: usize,
    /// Folders and entries, over all vaults.
    #[arg(long, default_value_t = 600)]
    entries: usize,
    /// Nobody is flagged as synced as yet, whoever that will be.
    #[arg(long)]
    unsynced: bool,
    /// Provisioning is enabled already: its address and token are exported.
    #[arg(long)]
    provisioning: bool,
    /// What no public source tells, as in a scenario file, e.g. '{noETag: true}'; replaces the file's own.
    #[arg(long)]
    switches: Option<String>,
}

#[derive(Args)]
struct Serve {
    #[command(flatten)]
    world: WorldArguments,
    /// Where the cloud contract is served; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where the control interface is served; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    control_listen: SocketAddr,
    /// Where Entra issues tokens, if the world has an Entra tenant; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    authority_listen: SocketAddr,
    /// Where Microsoft Graph is served, likewise.
    #[arg(long, default_value = "127.0.0.1:0")]
    graph_listen: SocketAddr,
    /// Where `ca.crt` is written.
    #[arg(long)]
    dir: PathBuf,
    /// Written once it serves: shell exports with addresses and credentials.
    #[arg(long)]
    env_file: PathBuf,
    /// End when standard input does, so that no sandbox outlives whoever started it.
    #[arg(long)]
    exit_on_stdin_close: bool,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("cannot read {path}: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("cannot write {path}: {source}")]
    Write { path: PathBuf, source: std::io::Error },
    #[error("{path} is not a scenario: {source}")]
    Parse { path: PathBuf, source: Box<serde_saphyr::Error> },
    #[error("--switches is not understood: {0}")]
    Switches(Box<serde_saphyr::Error>),
    #[error("the world cannot be written as YAML: {0}")]
    Print(#[from] serde_saphyr::ser_error::Error),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("cannot wait for signals: {0}")]
    Signals(std::io::Error),
    #[error("cannot print: {0}")]
    Standard(std::io::Error),
}

#[tokio::main]
async fn main() -> ExitCode {
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        eprintln!("sandbox: another cryptography provider is already installed");
        return ExitCode::FAILURE;
    }
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    // Whoever reads this may go away; that is no reason to end.
    let log = tracing_subscriber::fmt().log_internal_errors(false);
    log.with_env_filter(filter).with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr).init();
    let done = match Arguments::parse().command {
        Command::Serve(arguments) => serve(arguments).await,
        Command::World(arguments) => print(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sandbox: {error}");
            ExitCode::FAILURE
        }
    }
}

fn scenario(arguments: &WorldArguments) -> Result<Scenario, Failure> {
    let WorldArguments { scenario, seed, users, groups, vaults, entries, unsynced, provisioning, switches } = arguments;
    let mut world = if let Some(path) = scenario {
        let text = std::fs::read_to_string(path).map_err(|source| Failure::Read { path: path.clone(), source })?;
        let parsed = Scenario::from_yaml(&text);
        parsed.map_err(|source| Failure::Parse { path: path.clone(), source: Box::new(source) })?
    } else {
        generate(*seed, Sizes { users: *users, groups: *groups, vaults: *vaults, entries: *entries })
    };
    if *unsynced {
        world.before_provisioning();
    }
    if *provisioning {
        world.enable_provisioning();
    }
    if let Some(switches) = switches {
        world.set_switches(switches).map_err(|source| Failure::Switches(Box::new(source)))?;
    }
    Ok(world)
}

fn print(arguments: &WorldArguments) -> Result<(), Failure> {
    let yaml = scenario(arguments)?.to_yaml()?;
    std::io::stdout().write_all(yaml.as_bytes()).map_err(Failure::Standard)
}

async fn serve(arguments: Serve) -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::Signals)?;
    let scenario = scenario(&arguments.world)?;
    let addresses = Addresses {
        cloud: arguments.listen,
        control: arguments.control_listen,
        authority: arguments.authority_listen,
        graph: arguments.graph_listen,
    };
    let sandbox = Sandbox::start(&scenario, addresses).await?;
    drop(scenario);
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source| Failure::Write { path, source }
    };
    std::fs::create_dir_all(&arguments.dir).map_err(failed(&arguments.dir))?;
    let dir = arguments.dir.canonicalize().map_err(failed(&arguments.dir))?;
    let ca = dir.join("ca.crt");
    replace(&ca, &sandbox.ca).map_err(failed(&ca))?;
    replace(&arguments.env_file, &exports(&sandbox, &ca)).map_err(failed(&arguments.env_file))?;
    tracing::info!(devolutions = sandbox.devolutions_url, control = sandbox.control_url, "serving");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = input_closed(), if arguments.exit_on_stdin_close => {}
    }
    tracing::info!("stopping");
    sandbox.stop().await;
    Ok(())
}

/// Waits for the end of standard input, in a thread of its own: one that still reads must not keep the program alive.
async fn input_closed() {
    let (closed, wait) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        if let Err(error) = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink()) {
            tracing::warn!(%error, "standard input broke");
        }
        closed.send(())
    });
    // Either way the input is no longer read.
    let _closed = wait.await;
}

fn exports(sandbox: &Sandbox, ca: &Path) -> String {
    let ca = ca.display().to_string();
    let mut exports = vec![
        ("SANDBOX_CA", ca),
        ("DEVOLUTIONS_URL", sandbox.devolutions_url.clone()),
        ("DEVOLUTIONS_APPLICATION_KEY", sandbox.operator.key.clone()),
        ("DEVOLUTIONS_APPLICATION_SECRET", sandbox.operator.secret.clone()),
        ("PERSON_APPLICATION_KEY", sandbox.person.key.clone()),
        ("PERSON_APPLICATION_SECRET", sandbox.person.secret.clone()),
        ("CONTROL_URL", sandbox.control_url.clone()),
    ];
    if let Some(entra) = &sandbox.entra {
        exports.extend([
            ("GRAPH_URL", entra.graph_url.clone()),
            ("AUTHORITY_URL", entra.authority_url.clone()),
            ("METADATA_HOST", entra.metadata_host.clone()),
            ("TENANT_ID", entra.tenant_id.to_string()),
            ("CLIENT_ID", entra.client_id.to_string()),
            ("CLIENT_SECRET", entra.client_secret.clone()),
        ]);
    }
    if let Some(scim) = &sandbox.scim {
        exports.extend([("SCIM_URL", scim.url.clone()), ("SCIM_TOKEN", scim.token.clone())]);
    }
    let line = |(name, value): &(&str, String)| format!("export {name}='{}'\n", value.replace('\'', r"'\''"));
    exports.iter().map(line).collect()
}

/// Writes a file that its readers see whole or not at all, and that only its owner can read.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", std::process::id()));
    let beside = path.with_file_name(name);
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}
