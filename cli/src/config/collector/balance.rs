//! The exporter that leads all spans of a trace to the same Collector.

use super::exporters::{self, Delivery};
use super::yaml::{Yaml, printable};
use super::{bracketed, duration};
use std::net::Ipv6Addr;
use std::time::Duration;

const NAME: &str = "load_balancing";

/// How the Collectors of the second tier are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resolver {
    Dns,
    Static,
    Kubernetes,
    CloudMap,
}

impl Resolver {
    /// What `--backends` has to be.
    const fn expected(self) -> &'static str {
        match self {
            Self::Dns => "`host` or `host:port`, such as `otel-sampling.telemetry.svc:4317`",
            Self::Static => "`host` or `host:port`, several with commas between, such as `10.0.0.1,10.0.0.2:4327`",
            Self::Kubernetes => "`service.namespace` or `service.namespace:port`, such as `otel-sampling.telemetry`",
            Self::CloudMap => {
                "`namespace/service` or `namespace/service:port`, such as `telemetry.local/otel-sampling`"
            }
        }
    }
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
    /// What the exporter could not resolve.
    pub(crate) fn new(resolver: Resolver, backends: &str, port: u16) -> Result<Self, String> {
        let wrong = |what: &str| format!("`--backends` {what}; expected {}", resolver.expected());
        if backends.trim().is_empty() {
            return Err(wrong("is empty"));
        }
        let items: Vec<&str> = backends.split(',').map(str::trim).collect();
        if resolver != Resolver::Static && items.len() != 1 {
            let what = format!("has {} names, and one stands for all of them", items.len());
            return Err(format!("{}\n  help: `--resolver static` takes a list", wrong(&what)));
        }
        let mut hosts: Vec<(String, u16)> = Vec::new();
        for (number, item) in items.iter().enumerate() {
            if item.is_empty() {
                return Err(wrong(&format!("is empty at place {}, between its commas", number + 1)));
            }
            let about = |why: String| wrong(&format!("has `{}`{why}", printable(item)));
            let (name, port) = parted(item, port).map_err(about)?;
            let is_right = match resolver {
                Resolver::Dns | Resolver::Static => host(name),
                Resolver::Kubernetes => service(name),
                Resolver::CloudMap => registered(name),
            };
            is_right.map_err(about)?;
            let found = (name.to_owned(), port);
            let is_same = |(other, at): &(String, u16)| other.eq_ignore_ascii_case(name) && *at == port;
            if hosts.iter().any(is_same) {
                return Err(format!("`--backends` has {}:{port} twice; expected each once", bracketed(name)));
            }
            hosts.push(found);
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
            (Resolver::CloudMap, [(name, port), ..]) => {
                let (namespace, service) = name.rsplit_once('/').unwrap_or(("", name));
                notes.push(
                    "the resolver `aws_cloud_map` asks AWS: the Collector needs credentials that allow \
                     `servicediscovery:DiscoverInstances`, and AWS_REGION"
                        .to_owned(),
                );
                let place = [
                    ("namespace", Yaml::text(namespace)),
                    ("service_name", Yaml::text(service)),
                    ("port", Yaml::Integer(u64::from(*port))),
                ];
                ("aws_cloud_map", Yaml::map(place))
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

/// The name and the port of `name`, `name:port`, `[::1]:port` or an address of IPv6; why there is none.
fn parted(text: &str, port: u16) -> Result<(&str, u16), String> {
    if text.contains("://") {
        return Err(", which is a URL".to_owned());
    }
    let (name, port) = match text.rsplit_once(':') {
        _ if text.parse::<Ipv6Addr>().is_ok() => (text, port),
        Some((name, number)) if !text.ends_with(']') => {
            let right = number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok()).flatten();
            let right = right.filter(|port| *port > 0);
            (name, right.ok_or_else(|| format!(", and `{}` is no port from 1 to 65535", printable(number)))?)
        }
        _ => (text, port),
    };
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    match bare {
        Some(bare) if bare.parse::<Ipv6Addr>().is_ok() => Ok((bare, port)),
        Some(_) => Err(", which has no address of IPv6 in its brackets".to_owned()),
        None if name.contains(':') && name.parse::<Ipv6Addr>().is_err() => {
            Err(", which has more than one colon; an address of IPv6 with a port stands in brackets".to_owned())
        }
        None => Ok((name, port)),
    }
}

/// Whether DNS can have this name, or it is an address.
pub(super) fn host(name: &str) -> Result<(), String> {
    if name.parse::<std::net::IpAddr>().is_ok() {
        return Ok(());
    }
    let labels: Vec<&str> = name.strip_suffix('.').unwrap_or(name).split('.').collect();
    let is_label = |label: &&str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if name.len() > 253 || !labels.iter().all(is_label) {
        return Err(", which is no name of a host".to_owned());
    }
    // Names do not end in numbers, addresses do.
    if labels.last().is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(", which is no address of IPv4".to_owned());
    }
    Ok(())
}

/// Whether Kubernetes can have this service. Whatever is behind the first point is the namespace for the exporter.
fn service(name: &str) -> Result<(), String> {
    let is_label = |label: &&str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    match *name.split('.').collect::<Vec<_>>() {
        [service] if is_label(&service) => {
            Err(" without a namespace: the exporter would look in the one that the Collector runs in, or in `default`"
                .to_owned())
        }
        [service, namespace] if is_label(&service) && is_label(&namespace) => Ok(()),
        [service, namespace, ..] if is_label(&service) && is_label(&namespace) => {
            Err(format!(", which is a name of DNS: write `{service}.{namespace}`, or take `--resolver dns`"))
        }
        _ => Err(", which Kubernetes does not take: small letters, digits and `-`".to_owned()),
    }
}

/// Whether AWS Cloud Map can have this namespace with this service.
fn registered(name: &str) -> Result<(), String> {
    let Some((namespace, service)) = name.rsplit_once('/') else {
        return Err(" without a namespace".to_owned());
    };
    let is_visible = namespace.bytes().all(|byte| byte.is_ascii_graphic());
    let is_service = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if !(1..=1024).contains(&namespace.len()) || !is_visible {
        return Err(format!(", where `{}` is no namespace of AWS Cloud Map", printable(namespace)));
    }
    if !(1..=127).contains(&service.len()) || !service.bytes().all(is_service) {
        return Err(format!(", where `{}` is no service of AWS Cloud Map", printable(service)));
    }
    Ok(())
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
        assert_eq!(hosts(Resolver::Dns, "[::2]:3"), Ok(vec![host("::2", 3)]));
        assert_eq!(hosts(Resolver::Dns, "tier.example."), Ok(vec![host("tier.example.", 4317)]));
        let k8s = Resolver::Kubernetes;
        assert_eq!(hosts(k8s, "tier.telemetry:4400"), Ok(vec![host("tier.telemetry", 4400)]));
        let cloud = Resolver::CloudMap;
        assert_eq!(hosts(cloud, "shop.local/tier:1"), Ok(vec![host("shop.local/tier", 1)]));
        let long = "a".repeat(64);
        for (resolver, text, why) in [
            (Resolver::Dns, "a,b", "has 2 names, and one stands for all of them; expected `host` or `host:port`, such"),
            (Resolver::Dns, "", "is empty; expected `host` or"),
            (Resolver::Dns, " ", "is empty"),
            (Resolver::Dns, "10.0.0.256", "has `10.0.0.256`, which is no address of IPv4"),
            (Resolver::Dns, "a..b", "has `a..b`, which is no name of a host"),
            (Resolver::Dns, "-a", "no name of a host"),
            (Resolver::Dns, &long, "no name of a host"),
            (Resolver::Dns, "${env:HOME}", "has `${env:HOME}`, and `HOME}` is no port"),
            (Resolver::Dns, "$HOME", "has `$HOME`, which is no name of a host"),
            (Resolver::Dns, "grün", "no name of a host"),
            (Resolver::Dns, "a: b", "and ` b` is no port"),
            (Resolver::Dns, "a:+1", "and `+1` is no port"),
            (Resolver::Dns, "a:", "and `` is no port"),
            (Resolver::Dns, "::1:2:3:4:5:6:7:8:9", "more than one colon"),
            (Resolver::Dns, "[a]:1", "no address of IPv6 in its brackets"),
            (Resolver::Static, "a,a:4317", "has a:4317 twice"),
            (Resolver::Static, "a:1,A:1", "has A:1 twice"),
            (Resolver::Static, "::1,[::1]:4317", "has [::1]:4317 twice"),
            (Resolver::Static, "a,,b", "is empty at place 2, between its commas"),
            (Resolver::Static, "a,", "is empty at place 2"),
            (Resolver::Static, "a:0", "has `a:0`, and `0` is no port from 1 to 65535"),
            (Resolver::Static, "a:70000", "has `a:70000`"),
            (Resolver::Static, "http://a", "has `http://a`, which is a URL; expected `host` or `host:port`, several"),
            (Resolver::Static, "a b\n", "has `a b`, which is no name"),
            (Resolver::Static, "a\n- b: c", "has `a\\n- b: c`"),
            (Resolver::Static, "a\"]", "no name of a host"),
            (k8s, "", "is empty; expected `service.namespace` or `service.namespace:port`"),
            (k8s, "tier", "has `tier` without a namespace: the exporter would look in the one"),
            (k8s, "tier:4317", "has `tier:4317` without a namespace"),
            (
                k8s,
                "tier.telemetry.svc.cluster.local",
                "which is a name of DNS: write `tier.telemetry`, or take `--resolver dns`",
            ),
            (k8s, "Tier.telemetry", "which Kubernetes does not take"),
            (k8s, "tier.", "which Kubernetes does not take"),
            (k8s, "tier.tele_metry", "which Kubernetes does not take"),
            (k8s, "tier.telemetry:4317,4318", "has 2 names"),
            (cloud, "tier", "has `tier` without a namespace; expected `namespace/service`"),
            (cloud, "shop local/tier", "`shop local` is no namespace of AWS Cloud Map"),
            (cloud, "shop/", "`` is no service of AWS Cloud Map"),
            (cloud, "shop/a b", "`a b` is no service"),
        ] {
            let error = hosts(resolver, text).unwrap_err();
            assert!(error.starts_with("`--backends` ") && error.contains(why), "{text}: {error}");
        }
    }
}
