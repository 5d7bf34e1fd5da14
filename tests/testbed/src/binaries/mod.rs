//! The cluster's programs: from the folder that `KUBEBUILDER_ASSETS` names, else built once from `tests/cluster` into a
//! cache that all clones of one user share.

mod build;
mod go;
mod progress;
mod recipe;

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use progress::Progress;
use recipe::Recipe;

/// The variable that names a folder with ready programs: the one that `setup-envtest` prints
/// (<https://book.kubebuilder.io/reference/envtest>).
pub const ASSETS_VARIABLE: &str = "KUBEBUILDER_ASSETS";

/// A folder with all of the cluster's programs.
#[derive(Debug, Clone)]
pub struct Binaries {
    folder: PathBuf,
}

impl Binaries {
    /// Finds the programs or builds them, which takes minutes the first time and says so on the error stream.
    ///
    /// Call it from the main thread of a process: the compilers it starts end with the calling thread.
    pub async fn provide() -> Result<Self> {
        if let Some(folder) = std::env::var_os(ASSETS_VARIABLE).filter(|value| !value.is_empty()) {
            return Self::complete(PathBuf::from(folder));
        }
        let go = go::Go::find().await?;
        let recipe = Recipe::new(&go);
        let cache = cache_folder()?;
        let folder = cache.join(recipe.key());
        if !folder.is_dir() {
            std::fs::create_dir_all(&cache).map_err(Error::file("create", &cache))?;
            let _lock = lock(&cache).await?;
            // Another process may have built them while this one waited.
            if !folder.is_dir() {
                build::into_cache(&go, &recipe, &cache, &folder).await?;
            }
        }
        Ok(Self { folder })
    }

    /// The folder all of them are in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The path of `etcd`.
    #[must_use]
    pub fn etcd(&self) -> PathBuf {
        self.folder.join("etcd")
    }

    /// The path of `kube-apiserver`.
    #[must_use]
    pub fn api_server(&self) -> PathBuf {
        self.folder.join("kube-apiserver")
    }

    /// The path of `kube-controller-manager`.
    #[must_use]
    pub fn controller_manager(&self) -> PathBuf {
        self.folder.join("kube-controller-manager")
    }

    /// The path of `kubectl`.
    #[must_use]
    pub fn kubectl(&self) -> PathBuf {
        self.folder.join("kubectl")
    }

    /// The path of `helm`.
    #[must_use]
    pub fn helm(&self) -> PathBuf {
        self.folder.join("helm")
    }

    fn complete(folder: PathBuf) -> Result<Self> {
        for program in recipe::PROGRAMS {
            if !folder.join(program.name).is_file() {
                return Err(Error::Assets { folder, program: program.name });
            }
        }
        Ok(Self { folder })
    }
}

/// `$XDG_CACHE_HOME` or `~/.cache` (<https://specifications.freedesktop.org/basedir-spec/latest/>), and our place in it.
fn cache_folder() -> Result<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
        .ok_or_else(|| Error::Format {
            what: "the user's cache folder".into(),
            reason: format!("neither XDG_CACHE_HOME nor HOME is set; set one of them, or {ASSETS_VARIABLE}"),
        })?;
    Ok(base.join("devolutions-migration-operator").join("cluster"))
}

/// Holds off other builders until it is dropped. The kernel drops it with the process, however that ends.
async fn lock(cache: &Path) -> Result<File> {
    let path = cache.join("lock");
    let file = File::create(&path).map_err(Error::file("create", &path))?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {}
        Err(std::fs::TryLockError::Error(source)) => {
            return Err(Error::file("lock", &path)(source));
        }
    }
    let mut progress = Progress::new();
    progress.begin(format!("another process is building the cluster for tests into {}; waiting", cache.display()));
    let mut waiting = tokio::task::spawn_blocking(move || file.lock().map(|()| file));
    let mut tick = tokio::time::interval(Progress::STEP);
    let locked = loop {
        tokio::select! {
            locked = &mut waiting => break locked,
            _ = tick.tick() => progress.show(),
        }
    };
    progress.finish("the other process is done or gone");
    locked.unwrap_or_else(|stopped| Err(std::io::Error::other(stopped))).map_err(Error::file("lock", &path))
}
