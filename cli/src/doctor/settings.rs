//! The settings that are looked at, and where they send telemetry to.

use crate::config::engine;
use clap::ArgMatches;
use http::Uri;
use otelier::config::{ExceptionSignal, Otlp, OtlpLogs, Protocol, Sampler, Telemetry, Variables};
use otelier_spec::duration;
use std::fmt::Write;
use std::time::Duration;

/// What the arguments say.
pub(super) struct Arguments {
    pub(super) config: Option<String>,
    endpoint: Option<String>,
    protocol: Option<Protocol>,
    /// As `OTEL_EXPORTER_OTLP_HEADERS` has them.
    headers: String,
    pub(super) lock: Option<String>,
    /// How long one step may take.
    pub(super) timeout: Duration,
    pub(super) json: bool,
    pub(super) network: bool,
}

impl Arguments {
    pub(super) fn of(matches: &ArgMatches) -> Result<Self, String> {
        let text = |name: &str| matches.get_one::<String>(name).cloned();
        let timeout = text("timeout").unwrap_or_default();
        let timeout = duration::parse(&timeout)
            .filter(|timeout| (Duration::from_millis(1)..=Duration::from_secs(600)).contains(timeout))
            .ok_or_else(|| format!("`--timeout` is `{timeout}`; expected `1ms` to `10m`, such as `5s`"))?;
        let mut headers = String::new();
        for header in matches.get_many::<String>("header").into_iter().flatten() {
            let Some((key, value)) = header.split_once('=').filter(|(key, _)| !key.trim().is_empty()) else {
                // Not the value: it may be a secret that was only written wrongly.
                return Err("a `--header` has no name; expected `KEY=VALUE`".to_owned());
            };
            // Writing to a `String` does not fail.
            let _ = write!(headers, "{}{}={}", if headers.is_empty() { "" } else { "," }, key.trim(), encoded(value));
        }
        Ok(Self {
            config: text("config"),
            endpoint: text("endpoint"),
            protocol: text("protocol").map(|name| match name.as_str() {
                "grpc" => Protocol::Grpc,
                _ => Protocol::HttpProtobuf,
            }),
            headers,
            lock: text("lock"),
            timeout,
            json: matches.get_flag("json"),
            network: !matches.get_flag("no-network"),
        })
    }

    /// The settings of the file or the environment, with what the arguments say in their place.
    pub(super) fn telemetry(&self) -> Result<Telemetry, Vec<String>> {
        let mut telemetry = engine::telemetry(self.config.as_deref())?;
        if self.endpoint.is_none() && self.protocol.is_none() && self.headers.is_empty() {
            return Ok(telemetry);
        }
        let mut otlp = telemetry.otlp.take().unwrap_or_default();
        if let Some(endpoint) = &self.endpoint {
            otlp.endpoint = Some(endpoint.clone());
            otlp.traces_endpoint = None;
            otlp.logs.iter_mut().for_each(|logs| logs.endpoint = None);
        }
        if let Some(protocol) = self.protocol {
            otlp.protocol = protocol;
            otlp.logs.iter_mut().for_each(|logs| logs.protocol = None);
        }
        if !self.headers.is_empty() {
            for headers in std::iter::once(&mut otlp.headers).chain(otlp.logs.iter_mut().filter_map(headers_of)) {
                if !headers.is_empty() {
                    headers.push(',');
                }
                headers.push_str(&self.headers);
            }
        }
        telemetry.otlp = Some(otlp);
        Ok(telemetry)
    }

    /// The settings with which a span is tried out: every span is recorded, nothing else is printed, and nothing takes
    /// longer than a step may.
    pub(super) fn trial(&self, telemetry: &Telemetry) -> Telemetry {
        let mut trial = telemetry.clone().with_sampler(Sampler::AlwaysOn).with_console(false);
        trial.tail_sampling = None;
        if trial.service_name.is_none() && !trial.resource_attributes.iter().any(|(key, _)| key == "service.name") {
            trial = trial.with_service_name("otelier-doctor");
        }
        if let Some(otlp) = &mut trial.otlp {
            otlp.timeout = otlp.timeout.min(self.timeout);
        }
        let timeout = trial.batch.export_timeout.min(self.timeout);
        trial.with_export_timeout(timeout).with_shutdown_timeout(self.timeout)
    }

    /// Whether metrics go by OTLP, and where `--endpoint` does not say it, from the environment.
    pub(super) fn metrics(&self, otlp: &Otlp) -> Result<Target, String> {
        let variables = Variables::of_the_process();
        let variable = |name: &str| variables.get(name);
        let exporters = variable("OTEL_METRICS_EXPORTER").unwrap_or_else(|| "otlp".to_owned());
        if self.endpoint.is_none() && !exporters.split(',').any(|exporter| exporter.trim() == "otlp") {
            return Err(format!("`OTEL_METRICS_EXPORTER` is `{exporters}`, so no metrics go by OTLP"));
        }
        let exact = variable("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT").filter(|_| self.endpoint.is_none());
        let protocol = match variable("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL").filter(|_| self.protocol.is_none()) {
            None => otlp.protocol,
            Some(name) if name == "grpc" => Protocol::Grpc,
            Some(name) if name == "http/protobuf" => Protocol::HttpProtobuf,
            Some(name) => return Err(format!("metrics go by `{name}`, which this version does not speak")),
        };
        let headers = variable("OTEL_EXPORTER_OTLP_METRICS_HEADERS").filter(|_| self.headers.is_empty());
        let headers = headers.as_deref().unwrap_or(&otlp.headers);
        Target::new(Signal::Metrics, protocol, otlp.endpoint.as_deref(), exact.as_deref(), headers)
    }
}

fn headers_of(logs: &mut OtlpLogs) -> Option<&mut String> {
    logs.headers.as_mut()
}

/// A value with everything percent-encoded that would mean something in a list.
fn encoded(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'%' | b',' | b';' | b'"' | b'\\');
    value.bytes().fold(String::new(), |mut encoded, byte| {
        match plain(byte) {
            true => encoded.push(char::from(byte)),
            // Writing to a `String` does not fail.
            false => drop(write!(encoded, "%{byte:02X}")),
        }
        encoded
    })
}

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

    const fn path(self) -> &'static str {
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
    pub(super) headers: String,
}

impl Target {
    fn new(
        signal: Signal,
        protocol: Protocol,
        base: Option<&str>,
        exact: Option<&str>,
        headers: &str,
    ) -> Result<Self, String> {
        let default = match protocol {
            Protocol::Grpc => "http://localhost:4317",
            _ => "http://localhost:4318",
        };
        let base = base.unwrap_or(default);
        let url = match exact {
            Some(exact) => exact.to_owned(),
            None if protocol == Protocol::Grpc => base.to_owned(),
            None => {
                let (path, query) = base.split_once('?').map_or((base, None), |(path, query)| (path, Some(query)));
                let query = query.map(|query| format!("?{query}")).unwrap_or_default();
                format!("{}/{}{query}", path.trim_end_matches('/'), signal.path())
            }
        };
        let no_url = || format!("{} have no endpoint that is a URL such as `http://localhost:4318`", signal.as_str());
        let url: Uri = url.parse().map_err(|_| no_url())?;
        // Credentials are refused by the runtime; here they must not be shown.
        let is_plain = url.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        match url.scheme_str() {
            Some("http" | "https") if is_plain => Ok(Self { signal, protocol, url, headers: headers.to_owned() }),
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
        let names = self.headers.split(',').filter_map(|pair| pair.split_once('='));
        names.map(|(name, _)| name.trim()).collect()
    }
}

/// `http/protobuf` or `grpc`.
pub(super) fn protocol_name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Grpc => "grpc",
        _ => "http/protobuf",
    }
}

/// Where spans and log records go.
pub(super) fn targets(telemetry: &Telemetry) -> Vec<Result<Target, String>> {
    let Some(otlp) = telemetry.otlp.as_ref().filter(|_| !telemetry.disabled) else { return Vec::new() };
    let base = otlp.endpoint.as_deref();
    let exact = otlp.traces_endpoint.as_deref();
    let mut targets = vec![Target::new(Signal::Spans, otlp.protocol, base, exact, &otlp.headers)];
    if let Some(logs) = otlp.logs.as_ref().filter(|_| telemetry.exception_signal != ExceptionSignal::SpanEvents) {
        let protocol = logs.protocol.unwrap_or(otlp.protocol);
        let headers = logs.headers.as_deref().unwrap_or(&otlp.headers);
        targets.push(Target::new(Signal::Logs, protocol, base, logs.endpoint.as_deref(), headers));
    }
    targets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(protocol: Protocol, base: Option<&str>, exact: Option<&str>) -> Option<String> {
        Target::new(Signal::Metrics, protocol, base, exact, "").ok().map(|target| target.url.to_string())
    }

    #[test]
    fn targets_have_the_urls_that_the_exporters_use() {
        let http = Protocol::HttpProtobuf;
        assert_eq!(url(http, None, None).unwrap(), "http://localhost:4318/v1/metrics");
        assert_eq!(url(http, Some("http://a:1/b/?c=d"), None).unwrap(), "http://a:1/b/v1/metrics?c=d");
        assert_eq!(url(http, Some("http://a:1"), Some("http://b:2/c")).unwrap(), "http://b:2/c");
        assert_eq!(url(Protocol::Grpc, Some("http://a:1"), None).unwrap(), "http://a:1/");
        for wrong in ["a:1", "ftp://a", "http://user:secret@a", ""] {
            assert_eq!(url(http, Some(wrong), None), None, "{wrong}");
        }
    }

    #[test]
    fn header_values_survive_the_list() {
        assert_eq!(encoded("Bearer a,b%"), "Bearer%20a%2Cb%25");
        let target = Target::new(Signal::Spans, Protocol::Grpc, None, None, "api-key=secret, x = 1").ok().unwrap();
        assert_eq!(target.header_names(), ["api-key", "x"]);
    }
}
