//! Whether endpoints have addresses, and whether somebody listens there.

use super::report::Check;
use super::target::Target;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// At most so many addresses of one name are tried.
const MAX_ADDRESSES: usize = 16;

/// The addresses of an endpoint's host.
pub(super) async fn resolve(target: &Target, limit: Duration) -> (Check, Vec<SocketAddr>) {
    const NAME: &str = "name resolution";
    let host = target.host();
    let begun = Instant::now();
    let found = timeout(limit, tokio::net::lookup_host((host, target.port()))).await;
    let took = begun.elapsed();
    let why = "Without an address nothing can be sent; exporters fail every batch.";
    let failed = |what: String| {
        let check = Check::fail(NAME, what, why).with("host", host).with("ms", milliseconds(took));
        check.help(format!(
            "Correct the host `{host}` in the endpoint, or the name service of this machine (`getent hosts {host}`)."
        ))
    };
    let mut addresses: Vec<SocketAddr> = Vec::new();
    match found {
        Err(_) => return (failed(format!("`{host}`: no answer within {limit:?}")), addresses),
        Ok(Err(error)) => return (failed(format!("`{host}`: {error}")), addresses),
        Ok(Ok(found)) => {
            for address in found {
                if !addresses.contains(&address) && addresses.len() < MAX_ADDRESSES {
                    addresses.push(address);
                }
            }
        }
    }
    if addresses.is_empty() {
        return (failed(format!("`{host}` has no address")), addresses);
    }
    if host.parse::<std::net::IpAddr>().is_ok() {
        let check = Check::ok(NAME, format!("`{host}` is an address"));
        return (check.with("host", host).with("addresses", vec![host]).with("ms", 0.0), addresses);
    }
    let list: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
    let check = Check::ok(NAME, format!("`{host}`: {} in {}", list.join(", "), shown(took)));
    (check.with("host", host).with("addresses", list).with("ms", milliseconds(took)), addresses)
}

/// Whether somebody listens; and the addresses that answered.
pub(super) async fn connect(target: &Target, addresses: &[SocketAddr], limit: Duration) -> (Check, Vec<SocketAddr>) {
    const NAME: &str = "connect";
    let mut lines = Vec::new();
    let mut open = Vec::new();
    let mut best: Option<Duration> = None;
    let mut kinds = Vec::new();
    for address in addresses {
        let begun = Instant::now();
        let result = timeout(limit, TcpStream::connect(address)).await;
        let took = begun.elapsed();
        match result {
            Ok(Ok(_)) => {
                best = Some(best.map_or(took, |best| best.min(took)));
                open.push(*address);
                lines.push(format!("{address}: connected in {}", shown(took)));
            }
            Ok(Err(error)) => {
                kinds.push(error.kind());
                lines.push(format!("{address}: {}", said(&error)));
            }
            Err(_) => {
                kinds.push(io::ErrorKind::TimedOut);
                lines.push(format!("{address}: no answer within {limit:?}"));
            }
        }
    }
    let found = lines.join("\n");
    let check = if open.is_empty() {
        let why = "Nobody takes what is sent; exporters fail every batch.";
        let check = Check::fail(NAME, found, why);
        match kinds.contains(&io::ErrorKind::ConnectionRefused) {
            true => {
                check.help(format!("Start a receiver on port {}, or correct the port of the endpoint.", target.port()))
            }
            false => {
                check.help(format!("Look for a firewall or a wrong host between here and `{}`.", target.address()))
            }
        }
    } else if open.len() < addresses.len() {
        let why = "Exporters try the addresses one after the other, and lose time on those that do not answer.";
        let help = "Name an address instead of the host, or let the receiver listen on all of them.";
        // `localhost` is both `::1` and `127.0.0.1`, and most receivers listen on one of them.
        if addresses.iter().all(|address| address.ip().is_loopback()) {
            Check::ok(NAME, found)
        } else {
            Check::warn(NAME, found, why).help(help)
        }
    } else {
        Check::ok(NAME, found)
    };
    let check = check.with("endpoint", target.address()).with("addresses", addresses.len()).with("open", open.len());
    (check.with("ms", best.map(milliseconds)), open)
}

/// What the operating system says, without its number.
fn said(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "refused: nobody listens there".to_owned(),
        _ => error.to_string(),
    }
}

pub(super) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// `0.3 ms`, `12 ms`, `1.2 s`.
pub(super) fn shown(duration: Duration) -> String {
    match duration.as_secs_f64() * 1e3 {
        few if few < 10.0 => format!("{few:.1} ms"),
        some if some < 1000.0 => format!("{some:.0} ms"),
        many => format!("{:.1} s", many / 1e3),
    }
}
