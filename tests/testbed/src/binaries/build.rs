//! Builds the cluster's programs into a folder beside their place in the cache, and moves the folder there when all of
//! them are whole: a build that is killed leaves nothing half.

use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};

use super::go::Go;
use super::progress::Progress;
use super::recipe::{self, PROGRAMS, Program, Recipe};
use crate::error::{Error, Result, tail};
use crate::process::{self, Identity};

/// The start of the names of folders in which a build is under way.
const UNFINISHED: &str = "building-";

/// Builds all programs and puts them at `place`, a folder in `cache`. The caller holds the cache's lock.
pub(super) async fn into_cache(go: &Go, recipe: &Recipe, cache: &Path, place: &Path) -> Result<()> {
    remove_abandoned(cache)?;
    let own = Identity::of_self()?;
    // Never used twice: compilers of a killed build may still be writing into theirs.
    let work = cache.join(format!("{UNFINISHED}{}-{}", own.pid, own.started));
    let sources = work.join("src");
    let programs = work.join("bin");
    std::fs::create_dir_all(&programs).map_err(Error::file("create", &programs))?;
    recipe::write_sources(&sources)?;

    let mut progress = Progress::new();
    progress.say(&format!(
        "building the cluster for tests, once: {} programs with {}, about {} on 2 cores, into {}",
        PROGRAMS.len(),
        go.version_line().trim_start_matches("go version "),
        Progress::roughly(PROGRAMS.iter().map(|program| program.seconds).sum()),
        cache.join(recipe.key()).display()
    ));
    for (index, program) in PROGRAMS.iter().enumerate() {
        progress.begin(format!(
            "building {} ({} of {}), about {} on 2 cores",
            program.name,
            index + 1,
            PROGRAMS.len(),
            Progress::roughly(program.seconds)
        ));
        one(program, &sources, &programs, &mut progress).await?;
        progress.finish(&format!("built {} ({} of {})", program.name, index + 1, PROGRAMS.len()));
    }
    std::fs::rename(&programs, place).map_err(Error::file("put the programs at", place))?;
    remove_abandoned(cache)
}

async fn one(program: &'static Program, sources: &Path, programs: &Path, progress: &mut Progress) -> Result<()> {
    let go = Path::new("go");
    // `-v` names each package once it is compiled, which is the progress shown.
    let mut child = process::tied(go)?
        .args(["build", "-v", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags"])
        .arg(recipe::linker_flags())
        .arg("-o")
        .arg(programs.join(program.name))
        .arg(program.package)
        .current_dir(sources)
        .env("CGO_ENABLED", "0")
        .env_remove("GOOS")
        .env_remove("GOARCH")
        .env_remove("GOFLAGS")
        // The sources must be this module and no other, even if a workspace lies around the cache.
        .env("GOWORK", "off")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(Error::start(go))?;
    let mut output = String::new();
    if let Some(stderr) = child.stderr.take() {
        let mut lines = BufReader::new(stderr).lines();
        let mut tick = tokio::time::interval(Progress::STEP);
        loop {
            tokio::select! {
                line = lines.next_line() => match line {
                    Ok(Some(line)) => {
                        progress.note(&line);
                        output.push_str(&line);
                        output.push('\n');
                    }
                    _ => break,
                },
                _ = tick.tick() => progress.show(),
            }
        }
    }
    let status = child.wait().await.map_err(Error::start(go))?;
    if status.success() {
        return Ok(());
    }
    progress.finish(&format!("{} could not be built", program.name));
    Err(Error::Build { program: program.name, status: status.to_string(), output: tail(&output, 20) })
}

/// Removes what killed builds left. Nobody else is building: the caller holds the lock.
fn remove_abandoned(cache: &Path) -> Result<()> {
    for entry in std::fs::read_dir(cache).map_err(Error::file("read", cache))? {
        let path = entry.map_err(Error::file("read", cache))?.path();
        let unfinished =
            path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(UNFINISHED));
        if unfinished {
            std::fs::remove_dir_all(&path).map_err(Error::file("remove", &path))?;
        }
    }
    Ok(())
}
