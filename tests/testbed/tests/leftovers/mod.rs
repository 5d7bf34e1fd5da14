//! Which processes there are that should not be.

use std::path::Path;

/// A process that runs.
#[derive(Debug, PartialEq, Eq)]
pub struct Leftover {
    /// Its id.
    pub pid: i32,
    /// Its command line.
    pub command: String,
}

/// All running processes, other than this one, whose command line names something in `folder`.
pub fn of(folder: &Path) -> Vec<Leftover> {
    let folder = folder.to_str().unwrap();
    let own = i32::try_from(std::process::id()).unwrap();
    let processes = procfs::process::all_processes().unwrap();
    processes
        .flatten()
        .filter(|process| process.pid != own && process.stat().is_ok_and(|stat| stat.state != 'Z'))
        .filter_map(|process| Some((process.pid, process.cmdline().ok()?.join(" "))))
        .filter(|(_, command)| command.contains(folder))
        .map(|(pid, command)| Leftover { pid, command })
        .collect()
}
