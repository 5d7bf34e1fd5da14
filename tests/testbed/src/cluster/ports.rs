//! Free ports on 127.0.0.1, and who holds one that is not.

use std::net::{Ipv4Addr, TcpListener};

use procfs::net::TcpState;
use procfs::process::FDTarget;

use crate::error::{Error, Result};

/// As many ports as asked for that nobody listens on now, all different.
pub(super) fn free<const COUNT: usize>() -> Result<[u16; COUNT]> {
    let mut ports = [0; COUNT];
    // All are held until all are chosen, else the system could give one twice.
    let mut held = Vec::with_capacity(COUNT);
    for port in &mut ports {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Error::format("a free port of 127.0.0.1"))?;
        *port = listener.local_addr().map_err(Error::format("a free port of 127.0.0.1"))?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// Who listens on a port: "process 4711 (nginx)"; none if nobody does.
///
/// Between the choice of a free port and its use another process may take it. That is rare, and then this says who did.
pub(super) fn holder(port: u16) -> Option<String> {
    let listening = [procfs::net::tcp(), procfs::net::tcp6()].into_iter().flatten().flatten();
    let socket =
        listening.filter(|entry| entry.state == TcpState::Listen).find(|entry| entry.local_address.port() == port)?;
    let processes = procfs::process::all_processes().ok()?;
    let owner = processes.flatten().find(|process| {
        process.fd().is_ok_and(|files| {
            files.flatten().any(|file| matches!(file.target, FDTarget::Socket(inode) if inode == socket.inode))
        })
    });
    Some(match owner {
        Some(process) => {
            let name = process.stat().map(|stat| stat.comm).unwrap_or_default();
            format!("process {} ({name})", process.pid)
        }
        None => format!("a process of user id {} that we may not look into", socket.uid),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_who_listens() {
        let [port] = free::<1>().unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        let holder_now = holder(port).unwrap();
        assert!(holder_now.contains(&format!("process {} ", std::process::id())), "{holder_now}");
        drop(listener);
        assert_eq!(holder(port), None);
    }
}
