//! The exporter that leads all spans of a trace to the same Collector.

use super::exporters::{self, Delivery};
use super::yaml::{Yaml, printable};
use super::{bracketed, duration};
use std::time::Duration;

const NAME: &str = "load_balancing";

/// How the Collectors of the second tier are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resolver {
    Dns,
    Static,
    Kubernetes,
}

/// Where the Collectors of the second tier are.
#[derive(Debug)]
pub(crate) struct Balancing {
    resolver: Resolver,
    /// One, except of a list.
    hosts: Vec<(String, u16)>,
}

impl Balancing {
    /// What `--resolver` and `--backends` say; `port` is that of those without one.
    ///
    /// # Errors
    ///
    /// What cannot be an address.
    pub(crate) fn new(resolver: Resolver, backends: &str, port: u16) -> Result<Self, String> {
        let hosts =
            backends.split(',').map(str::trim).map(|text| address(text, port)).collect::<Result<Vec<_>, _>>()?;
        if resolver != Resolver::Static && hosts.len() != 1 {
            return Err(format!(
                "`--backends` has {} names; expected one that stands for all of them, or `--resolver static`",
                hosts.len()
            ));
        }
        if let Some((host, port)) =
            hosts.iter().enumerate().find(|(at, host)| hosts[..*at].contains(host)).map(|(_, host)| host)
        {
            return Err(format!("`--backends` has {}:{port} twice; expected each once", printable(host)));
        }
        Ok(Self { resolver, hosts })
    }

    pub(super) fn hosts(&self) -> impl Iterator<Item = (&str, u16)> {
        self.hosts.iter().map(|(host, port)| (host.as_str(), *port))
    }

    /// The exporter, and its name.
    pub(super) fn exporter(&self, delivery: &Delivery<'_>, notes: &mut Vec<String>) -> (&'static str, Yaml) {
        let resolver = match (self.resolver, &*self.hosts) {
            (Resolver::Dns, [(host, port), ..]) => {
                let port = Yaml::text(port.to_string());
                ("dns", Yaml::map([("hostname", Yaml::text(host.as_str())), ("port", port)]))
            }
            (Resolver::Kubernetes, [(host, port), ..]) => {
                let ports = Yaml::List(vec![Yaml::Integer(u64::from(*port))]);
                notes.push(
                    "the resolver `k8s` asks the API of Kubernetes: its service account has to get, list and watch the \
                     endpoint slices of the service"
                        .to_owned(),
                );
                ("k8s", Yaml::map([("service", Yaml::text(host.as_str())), ("ports", ports)]))
            }
            (_, hosts) => {
                let all = hosts.iter().map(|(host, port)| format!("{}:{port}", bracketed(host)));
                ("static", Yaml::map([("hostnames", Yaml::texts(all))]))
            }
        };
        notes.push(
            "between the tiers there is neither TLS nor a password: put them into one network, or add `tls` at \
             `load_balancing` and at the receiver of the second tier"
                .to_owned(),
        );
        notes.push(
            "when Collectors of the second tier come or go, some traces are led to another one in their middle, and each part is \
             decided on its own"
                .to_owned(),
        );
        let timeout = delivery.timeout(Duration::from_secs(10));
        let off = || Yaml::map([("enabled", Yaml::Bool(false))]);
        let otlp = [
            ("compression", Yaml::text("gzip")),
            ("timeout", Yaml::text(duration(timeout))),
            ("tls", Yaml::map([("insecure", Yaml::Bool(true))])),
            // One queue for all, before a receiver is chosen: what one that went away did not take goes to another.
            ("retry_on_failure", off()),
            ("sending_queue", off()),
        ];
        let mut entries = vec![
            ("routing_key".to_owned(), Yaml::text("traceID")),
            ("resolver".to_owned(), Yaml::map([resolver])),
            ("protocol".to_owned(), Yaml::map([("otlp", Yaml::map(otlp))])),
            ("timeout".to_owned(), Yaml::text(duration(timeout))),
        ];
        entries.extend(exporters::sending(delivery, notes));
        (NAME, Yaml::Map(entries))
    }
}

/// `host`, `host:port`, `[::1]:port` or an address of IPv6.
fn address(text: &str, port: u16) -> Result<(String, u16), String> {
    let wrong = || format!("`--backends` has `{}`; expected `host` or `host:port`", printable(text));
    let (host, port) = match text.rsplit_once(':') {
        _ if text.parse::<std::net::Ipv6Addr>().is_ok() => (text, port),
        Some((host, number)) if !text.ends_with(']') => {
            (host, number.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?)
        }
        _ => (text, port),
    };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let is_name = !host.is_empty()
        && (host.parse::<std::net::Ipv6Addr>().is_ok()
            || host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')));
    if is_name { Ok((host.to_owned(), port)) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backends_are_hosts_with_ports() {
        let hosts = |resolver, text| Balancing::new(resolver, text, 4317).map(|balancing| balancing.hosts);
        let host = |name: &str, port| (name.to_owned(), port);
        assert_eq!(hosts(Resolver::Dns, "tier.example"), Ok(vec![host("tier.example", 4317)]));
        assert_eq!(
            hosts(Resolver::Static, "a:1, b,::1,[::2]:3").unwrap(),
            [host("a", 1), host("b", 4317), host("::1", 4317), host("::2", 3)]
        );
        for (resolver, text, why) in [
            (Resolver::Dns, "a,b", "has 2 names; expected one"),
            (Resolver::Kubernetes, "", "has ``; expected `host`"),
            (Resolver::Static, "a,a:4317", "has a:4317 twice"),
            (Resolver::Static, "a:0", "has `a:0`"),
            (Resolver::Static, "a:70000", "has `a:70000`"),
            (Resolver::Static, "http://a", "has `http://a`"),
            (Resolver::Static, "a b\n", "has `a b`"),
        ] {
            let error = hosts(resolver, text).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
