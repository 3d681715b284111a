//! Listens at all addresses of a host.

use std::io::{Error, ErrorKind, Result};
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

/// How often another port is tried, if one that is free at one address is not at another.
const ATTEMPTS: usize = 8;

/// What listens, and the first of the addresses; or where it was impossible.
pub(super) fn listen(host: &str, port: u16) -> std::result::Result<(Vec<TcpListener>, SocketAddr), (String, Error)> {
    let host = host.trim();
    // As it stands in a URL.
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let shown = || if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let addresses = (host, port).to_socket_addrs().map_err(|error| (shown(), error))?;
    let mut addresses: Vec<_> = addresses.collect();
    addresses.dedup();
    // IPv4 first, because its address is the one that everybody knows.
    addresses.sort_by_key(SocketAddr::is_ipv6);
    let mut attempt = 1;
    loop {
        match listen_at(&addresses) {
            Ok(found) => return Ok(found),
            Err((_, error)) if port == 0 && error.kind() == ErrorKind::AddrInUse && attempt < ATTEMPTS => attempt += 1,
            Err((Some(address), error)) => return Err((address.to_string(), error)),
            Err((None, error)) => return Err((shown(), error)),
        }
    }
}

type Failed = (Option<SocketAddr>, Error);

fn listen_at(addresses: &[SocketAddr]) -> std::result::Result<(Vec<TcpListener>, SocketAddr), Failed> {
    let mut listeners = Vec::new();
    let mut found: Option<SocketAddr> = None;
    let mut missing = None;
    for address in addresses {
        let mut address = *address;
        if let (0, Some(found)) = (address.port(), found) {
            address.set_port(found.port());
        }
        match bind(address) {
            Ok((listener, bound)) => {
                listeners.push(listener);
                found.get_or_insert(bound);
            }
            // A machine without IPv6 may have a name for its loopback address all the same.
            Err(error) if is_absent(&error) => missing = missing.or(Some((Some(address), error))),
            Err(error) => return Err((Some(address), error)),
        }
    }
    let nothing = || (None, Error::new(ErrorKind::AddrNotAvailable, "the host has no address"));
    found.map(|found| (listeners, found)).ok_or_else(|| missing.unwrap_or_else(nothing))
}

fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}

/// Whether the machine does not have such an address at all.
fn is_absent(error: &Error) -> bool {
    // `EAFNOSUPPORT` has no kind of its own.
    error.kind() == ErrorKind::AddrNotAvailable || matches!(error.raw_os_error(), Some(97 | 47 | 10047))
}
