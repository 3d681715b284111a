//! Where telemetry is sent to.

use http::{HeaderName, HeaderValue, Uri};
use otelier::config::{Endpoint, Exporter, Headers, LogExporter, Otlp, Protocol, Tls};

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Spans,
    Metrics,
    Logs,
}

impl Signal {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Spans => "spans",
            Self::Metrics => "metrics",
            Self::Logs => "log records",
        }
    }

    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Spans => "v1/traces",
            Self::Metrics => "v1/metrics",
            Self::Logs => "v1/logs",
        }
    }
}

/// Where one signal goes.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) signal: Signal,
    pub(super) protocol: Protocol,
    pub(super) url: Uri,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// Files with certificates and keys.
    #[cfg_attr(not(feature = "tls"), allow(dead_code, reason = "without TLS nobody reads them"))]
    pub(super) tls: Tls,
}

impl Target {
    /// The URL that the runtime's exporter uses; what it refuses is refused here, too.
    pub(super) fn new(signal: Signal, otlp: &Otlp) -> Result<Self, String> {
        let is_grpc = otlp.protocol == Protocol::Grpc;
        let with_scheme = |url: &str| match is_grpc && !url.is_empty() && !url.contains("://") {
            true => format!("{}://{url}", if otlp.tls.insecure { "http" } else { "https" }),
            false => url.to_owned(),
        };
        let default = if is_grpc { "http://localhost:4317" } else { "http://localhost:4318" };
        let below = |base: &str| match is_grpc {
            true => with_scheme(base),
            false => {
                let (path, query) = base.split_once('?').map_or((base, None), |(path, query)| (path, Some(query)));
                let query = query.map(|query| format!("?{query}")).unwrap_or_default();
                format!("{}/{}{query}", path.trim_end_matches('/'), signal.path())
            }
        };
        let no_url = || format!("{} have no endpoint that is a URL such as `http://localhost:4318`", signal.as_str());
        if let Some(Endpoint::Base(url) | Endpoint::Exact(url)) = &otlp.endpoint
            && url.starts_with("unix:")
        {
            return Err(format!("{} go to the socket `{url}`, which is not tried", signal.as_str()));
        }
        let url = match &otlp.endpoint {
            None => below(default),
            Some(Endpoint::Base(base)) => below(base),
            Some(Endpoint::Exact(url)) => with_scheme(url),
            Some(Endpoint::Host(host)) => below(&at_host(host, if is_grpc { 4317 } else { 4318 })),
            Some(_) => return Err(no_url()),
        };
        let url: Uri = url.parse().map_err(|_| no_url())?;
        // Credentials are refused by the runtime; here they must not be shown.
        let is_plain = url.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        match url.scheme_str() {
            Some("http" | "https") if is_plain => {
                let headers = headers(&otlp.headers);
                Ok(Self { signal, protocol: otlp.protocol, url, headers, tls: otlp.tls.clone() })
            }
            _ => Err(no_url()),
        }
    }

    pub(super) fn is_tls(&self) -> bool {
        self.url.scheme_str() == Some("https")
    }

    /// The host without the brackets of an IPv6 address.
    pub(super) fn host(&self) -> &str {
        self.url.host().unwrap_or_default().trim_matches(['[', ']'])
    }

    pub(super) fn port(&self) -> u16 {
        self.url.port_u16().unwrap_or(if self.is_tls() { 443 } else { 80 })
    }

    /// `localhost:4318`, `[::1]:4318`.
    pub(super) fn address(&self) -> String {
        format!("{}:{}", self.url.host().unwrap_or_default(), self.port())
    }

    /// The names of the headers, without their values.
    pub(super) fn header_names(&self) -> Vec<&str> {
        self.headers.iter().map(|(name, _)| name.as_str()).collect()
    }
}

/// As the runtime reads a host: with its own port, or this one.
fn at_host(host: &str, port: u16) -> String {
    if host.parse::<std::net::Ipv6Addr>().is_ok() {
        return format!("http://[{host}]:{port}");
    }
    let has_port = host.rsplit(']').next().is_some_and(|rest| rest.contains(':'));
    if has_port { format!("http://{host}") } else { format!("http://{host}:{port}") }
}

/// The headers of the settings. What is wrong with them the runtime has told already.
fn headers(given: &Headers) -> Vec<(HeaderName, HeaderValue)> {
    let header = |name: &str, value: &[u8]| {
        let mut value = HeaderValue::from_bytes(value).ok()?;
        value.set_sensitive(true);
        Some((HeaderName::from_bytes(name.trim().as_bytes()).ok()?, value))
    };
    let own: Vec<_> = given.pairs.iter().filter_map(|(name, value)| header(name, value.as_bytes())).collect();
    let listed = given.text.split(',').filter_map(|pair| pair.split_once('='));
    let listed = listed.filter_map(|(name, value)| header(name, &decoded(value.trim())));
    // A name that is given both ways has the values of the pairs.
    let mut all: Vec<_> = listed.filter(|(name, _)| own.iter().all(|(other, _)| other != name)).collect();
    all.extend(own);
    all
}

/// Text with its percent-encoded bytes.
pub(super) fn decoded(value: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.filter(|_| first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    bytes
}

/// How this exporter sends spans, if it does so by OTLP: of a failover every receiver.
pub(super) fn otlp_of_spans(exporter: &Exporter) -> &[Otlp] {
    match exporter {
        Exporter::Otlp(otlp) => std::slice::from_ref(otlp),
        Exporter::Failover(failover) => &failover.exporters,
        Exporter::Batched(inner, _) => otlp_of_spans(inner),
        _ => &[],
    }
}

/// How this exporter sends log records, if it does so by OTLP: of a failover every receiver.
pub(super) fn otlp_of_logs(exporter: &LogExporter) -> &[Otlp] {
    match exporter {
        LogExporter::Otlp(otlp) => std::slice::from_ref(otlp),
        LogExporter::Failover(failover) => &failover.exporters,
        LogExporter::Batched(inner, _) => otlp_of_logs(inner),
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(otlp: Otlp) -> Option<String> {
        Target::new(Signal::Metrics, &otlp).ok().map(|target| target.url.to_string())
    }

    #[test]
    fn targets_have_the_urls_that_the_exporters_use() {
        assert_eq!(url(Otlp::default()).unwrap(), "http://localhost:4318/v1/metrics");
        assert_eq!(url(Otlp::to("http://a:1/b/?c=d")).unwrap(), "http://a:1/b/v1/metrics?c=d");
        assert_eq!(url(Otlp::to_exactly("http://b:2/c")).unwrap(), "http://b:2/c");
        let grpc = |url: &str| Otlp::to(url).with_protocol(Protocol::Grpc);
        assert_eq!(url(grpc("http://a:1")).unwrap(), "http://a:1/");
        assert_eq!(url(grpc("a:1")).unwrap(), "https://a:1/");
        assert_eq!(url(grpc("a:1").with_tls(Tls::default().with_insecure(true))).unwrap(), "http://a:1/");
        for wrong in ["a:1", "ftp://a", "http://user:secret@a", ""] {
            assert_eq!(url(Otlp::to(wrong)), None, "{wrong}");
        }
    }

    #[test]
    fn headers_are_decoded_and_those_of_pairs_win() {
        let otlp = Otlp::default().with_headers("api-key=a%20b, x = 1").with_header("X", "%20");
        let target = Target::new(Signal::Spans, &otlp).ok().unwrap();
        assert_eq!(target.header_names(), ["api-key", "x"]);
        let values: Vec<&[u8]> = target.headers.iter().map(|(_, value)| value.as_bytes()).collect();
        assert_eq!(values, [&b"a b"[..], b"%20"]);
    }
}
