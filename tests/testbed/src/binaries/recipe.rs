//! What the cluster's programs are built from: `tests/cluster` and a Go toolchain, and the key that stands for both.

use std::fmt::Write;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::go::Go;
use crate::error::{Error, Result};

/// The files of `tests/cluster`, part of this program so that it needs no source tree to build from.
const FILES: [(&str, &str); 3] = [
    ("go.mod", include_str!("../../../cluster/go.mod")),
    ("go.sum", include_str!("../../../cluster/go.sum")),
    ("etcd/main.go", include_str!("../../../cluster/etcd/main.go")),
];

/// One program to build.
pub(super) struct Program {
    /// The file's name.
    pub(super) name: &'static str,
    /// Its Go package.
    pub(super) package: &'static str,
    /// Seconds it took on 2 cores with nothing compiled but the programs before it in the list.
    pub(super) seconds: u64,
}

/// All of them, in the order in which they are built.
pub(super) const PROGRAMS: [Program; 5] = [
    Program { name: "etcd", package: "./etcd", seconds: 40 },
    Program { name: "kube-apiserver", package: "k8s.io/kubernetes/cmd/kube-apiserver", seconds: 300 },
    Program { name: "kube-controller-manager", package: "k8s.io/kubernetes/cmd/kube-controller-manager", seconds: 60 },
    Program { name: "kubectl", package: "k8s.io/kubernetes/cmd/kubectl", seconds: 40 },
    Program { name: "helm", package: "helm.sh/helm/v4/cmd/helm", seconds: 40 },
];

/// The sources and the toolchain.
pub(super) struct Recipe {
    key: String,
}

impl Recipe {
    pub(super) fn new(go: &Go) -> Self {
        let mut hash = Sha256::new();
        let flags = linker_flags();
        // `go version` names the target too: "go version go1.26.8 linux/amd64".
        let toolchain = [("toolchain", go.version_line()), ("flags", flags.as_str())];
        for (name, text) in FILES.iter().copied().chain(toolchain) {
            for part in [name, text] {
                hash.update(part.len().to_le_bytes());
                hash.update(part);
            }
        }
        // Twenty digits are enough to tell apart what one user ever builds.
        let key = hash.finalize().iter().take(10).fold(String::new(), |mut key, byte| {
            let _ = write!(key, "{byte:02x}");
            key
        });
        Self { key }
    }

    /// The name of the folder that holds what this recipe gives.
    pub(super) fn key(&self) -> &str {
        &self.key
    }
}

/// Writes the sources into a folder.
pub(super) fn write_sources(folder: &Path) -> Result<()> {
    for (name, text) in FILES {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).map_err(Error::file("create", parent))?;
        std::fs::write(&path, text).map_err(Error::file("write", &path))?;
    }
    Ok(())
}

/// The oldest Go that go.mod accepts, such as "1.26.0".
pub(super) fn required_go() -> &'static str {
    directive("go ").unwrap_or("1.26.0")
}

/// Without the versions set here clients would see `v0.0.0-master+$Format:%H$`.
pub(super) fn linker_flags() -> String {
    let kubernetes = directive("\tk8s.io/kubernetes ").unwrap_or("v0.0.0");
    let helm = directive("\thelm.sh/helm/v4 ").unwrap_or("v0.0.0");
    let mut numbers = kubernetes.trim_start_matches('v').split('.');
    let (major, minor) = (numbers.next().unwrap_or("0"), numbers.next().unwrap_or("0"));
    let version = "-X k8s.io/component-base/version.git";
    format!(
        "-s -w {version}Version={kubernetes} {version}Major={major} {version}Minor={minor} \
         -X helm.sh/helm/v4/internal/version.version={helm}"
    )
}

/// The word after `start` on the line of go.mod that begins so.
fn directive(start: &str) -> Option<&'static str> {
    let line = FILES[0].1.lines().find_map(|line| line.strip_prefix(start))?;
    line.split_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_come_from_go_mod() {
        assert!(required_go().split('.').count() >= 2, "{}", required_go());
        let flags = linker_flags();
        assert!(!flags.contains("v0.0.0"), "{flags}");
        assert!(flags.contains("gitMajor=1 "), "{flags}");
    }
}
