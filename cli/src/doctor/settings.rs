//! The settings that are looked at.

use super::target::{Signal, Target, otlp_of_logs, otlp_of_spans};
use clap::ArgMatches;
use otelier::ConfigError;
use otelier::config::{
    Endpoint, ExceptionSignal, Exporter, LogExporter, Node, Otlp, Protocol, ResourceValue, Retry, Sampler, Settings,
    Telemetry, Tls, Variables,
};
use otelier_spec::duration;
use std::time::Duration;

/// What the arguments say.
pub(super) struct Arguments {
    config: Option<String>,
    endpoint: Option<String>,
    protocol: Option<Protocol>,
    headers: Vec<(String, String)>,
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
        let mut headers = Vec::new();
        for header in matches.get_many::<String>("header").into_iter().flatten() {
            let Some((key, value)) = header.split_once('=').filter(|(key, _)| !key.trim().is_empty()) else {
                // Not the value: it may be a secret that was only written wrongly.
                return Err("a `--header` has no name; expected `KEY=VALUE`".to_owned());
            };
            headers.push((key.trim().to_owned(), value.to_owned()));
        }
        Ok(Self {
            config: text("config"),
            endpoint: text("endpoint"),
            protocol: text("protocol").map(|name| match name.as_str() {
                "grpc" => Protocol::Grpc,
                "http/json" => Protocol::HttpJson,
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
    pub(super) fn settings(&self) -> Result<Settings, ConfigError> {
        let mut settings = crate::config::settings(self.config.as_deref())?;
        if self.endpoint.is_none() && self.protocol.is_none() && self.headers.is_empty() {
            return Ok(settings);
        }
        let telemetry = &mut settings.telemetry;
        let mut spans: Vec<Otlp> = telemetry.exporters.iter().flat_map(otlp_of_spans).cloned().collect();
        if spans.is_empty() {
            spans.push(Otlp::default());
        }
        if self.endpoint.is_some() {
            // All of them would send to one receiver.
            spans.truncate(1);
        }
        telemetry.exporters.retain(|exporter| otlp_of_spans(exporter).is_empty());
        let spans = spans.into_iter().map(|otlp| Exporter::Otlp(self.redirected(otlp)));
        telemetry.exporters.extend(spans);
        if let Some(exporters) = &mut telemetry.log_exporters {
            let logs = exporters.iter().flat_map(otlp_of_logs).cloned();
            let logs: Vec<Otlp> = logs.take(if self.endpoint.is_some() { 1 } else { usize::MAX }).collect();
            exporters.retain(|exporter| otlp_of_logs(exporter).is_empty());
            exporters.extend(logs.into_iter().map(|otlp| LogExporter::Otlp(self.redirected(otlp))));
        }
        Ok(settings)
    }

    /// An exporter with what the arguments say.
    fn redirected(&self, mut otlp: Otlp) -> Otlp {
        if let Some(protocol) = self.protocol.filter(|protocol| *protocol != otlp.protocol) {
            otlp.protocol = protocol;
            otlp.endpoint = otlp.endpoint.map(|endpoint| without_path(endpoint, protocol));
        }
        if let Some(endpoint) = &self.endpoint {
            otlp.endpoint = Some(Endpoint::Base(endpoint.clone()));
            if endpoint.starts_with("http://") {
                // The certificates are those of another endpoint.
                otlp.tls = Tls::default();
            } else if otlp.tls == Tls::default() {
                // Variables of all signals say something for `https` alone, which the endpoint becomes here.
                let variables = Variables::of_the_process();
                let file = |name: &str| variables.get(&format!("OTEL_EXPORTER_OTLP_{name}")).map(Into::into);
                otlp.tls.ca_file = file("CERTIFICATE");
                otlp.tls.key_file = file("CLIENT_KEY");
                otlp.tls.cert_file = file("CLIENT_CERTIFICATE");
            }
        }
        otlp.headers.pairs.extend(self.headers.iter().cloned());
        otlp
    }

    /// The settings with which is seen whether a pipeline starts: every span is recorded, nothing is printed or written,
    /// and nothing takes longer than a step may.
    pub(super) fn trial(&self, telemetry: &Telemetry) -> Telemetry {
        let mut trial = telemetry.clone().with_sampler(Sampler::AlwaysOn);
        trial.tail_sampling = None;
        // What a program left there is the program's to send.
        trial.disk_buffer = None;
        trial.retry = Retry::never();
        if service(telemetry).is_none() {
            trial = trial.with_service_name("otelier-doctor");
        }
        let limited = |otlp: &Otlp| {
            let timeout = if otlp.timeout.is_zero() { self.timeout } else { otlp.timeout.min(self.timeout) };
            otlp.clone().with_timeout(timeout)
        };
        let spans = telemetry.exporters.iter().flat_map(otlp_of_spans);
        trial.exporters = spans.map(|otlp| Exporter::Otlp(limited(otlp))).collect();
        let logs = |exporters: Vec<LogExporter>| {
            exporters.iter().flat_map(otlp_of_logs).map(|otlp| LogExporter::Otlp(limited(otlp))).collect()
        };
        trial.log_exporters = trial.log_exporters.map(logs);
        let timeout = trial.batch.export_timeout.min(self.timeout);
        trial.with_export_timeout(timeout).with_shutdown_timeout(self.timeout)
    }

    /// The same with one exporter of spans and none of log records.
    pub(super) fn trial_of(&self, telemetry: &Telemetry, exporter: usize) -> Telemetry {
        let mut trial = self.trial(telemetry);
        trial.exporters = trial.exporters.into_iter().skip(exporter).take(1).collect();
        trial.with_log_exporters([])
    }

    /// Where metrics go, if they go by OTLP.
    pub(super) fn metrics(&self, settings: &Settings) -> Result<Target, String> {
        let readers = settings.get("meter_provider.readers").map(Node::items).unwrap_or_default();
        let found = readers.iter().find_map(|reader| otlp_of_metrics(reader.get("periodic")?.get("exporter")?));
        match found {
            Some(otlp) => Target::new(Signal::Metrics, &self.redirected(otlp)),
            None if self.endpoint.is_some() => Target::new(Signal::Metrics, &self.redirected(Otlp::default())),
            None => Err("no metrics go by OTLP with these settings".to_owned()),
        }
    }
}

/// The endpoint of another protocol at the same host: gRPC has no path, and HTTP appends one.
fn without_path(endpoint: Endpoint, protocol: Protocol) -> Endpoint {
    let (Endpoint::Base(url) | Endpoint::Exact(url)) = endpoint else { return endpoint };
    let is_signal = ["/v1/traces", "/v1/metrics", "/v1/logs"].into_iter().find(|path| url.ends_with(path));
    let base = url.strip_suffix(is_signal.unwrap_or_default()).unwrap_or(&url);
    let has_path = base.split_once("://").is_some_and(|(_, rest)| rest.trim_end_matches('/').contains('/'));
    match (is_signal, protocol) {
        // Whoever names another path means it.
        (None, Protocol::HttpProtobuf | Protocol::HttpJson) if has_path => Endpoint::Exact(url),
        _ => Endpoint::Base(base.to_owned()),
    }
}

/// An exporter of metrics: this build's runtime has none, so only where it sends to is read.
fn otlp_of_metrics(exporter: &Node) -> Option<Otlp> {
    if let Some(failover) = exporter.get("otelier/failover") {
        return failover.get("exporters")?.items().iter().find_map(otlp_of_metrics);
    }
    let node = |key: &str| exporter.get(key).filter(|node| !node.is_null());
    let (protocol, found) = match (node("otlp_http"), node("otlp_grpc")) {
        (Some(http), _) if http.get("encoding").and_then(Node::as_text) == Some("json") => (Protocol::HttpJson, http),
        (Some(http), _) => (Protocol::HttpProtobuf, http),
        (None, Some(grpc)) => (Protocol::Grpc, grpc),
        // `otlp_http:` without anything below it.
        (None, None) if exporter.get("otlp_http").is_some() => return Some(Otlp::default()),
        (None, None) => {
            return exporter.get("otlp_grpc").map(|_| Otlp::default().with_protocol(Protocol::Grpc));
        }
    };
    let text = |node: &Node, key: &str| node.get(key).and_then(Node::as_text).map(str::to_owned);
    let mut otlp = Otlp::default().with_protocol(protocol);
    otlp.endpoint = text(found, "endpoint").map(Endpoint::Exact);
    otlp.headers.text = text(found, "headers_list").unwrap_or_default();
    for header in found.get("headers").map(Node::items).unwrap_or_default() {
        otlp.headers.pairs.extend(text(header, "name").zip(text(header, "value")));
    }
    if let Some(tls) = found.get("tls") {
        let file = |key: &str| text(tls, key).filter(|path| !path.is_empty()).map(Into::into);
        (otlp.tls.ca_file, otlp.tls.cert_file, otlp.tls.key_file) =
            (file("ca_file"), file("cert_file"), file("key_file"));
        otlp.tls.insecure = tls.get("insecure").and_then(Node::as_bool).unwrap_or(false);
    }
    Some(otlp)
}

/// `service.name` of the resource, if somebody said one.
pub(super) fn service(telemetry: &Telemetry) -> Option<&str> {
    let listed = || {
        let last = telemetry.resource.attributes.iter().rev().find(|(key, _)| key == "service.name");
        last.and_then(|(_, value)| if let ResourceValue::String(name) = value { Some(name.as_str()) } else { None })
    };
    telemetry.service_name.as_deref().or_else(listed)
}

/// Where spans and log records go, those of spans in the order of their exporters.
pub(super) fn targets(telemetry: &Telemetry) -> Vec<Result<Target, String>> {
    if telemetry.disabled {
        return Vec::new();
    }
    let spans = telemetry.exporters.iter().flat_map(otlp_of_spans);
    let mut targets: Vec<_> = spans.map(|otlp| Target::new(Signal::Spans, otlp)).collect();
    if telemetry.exception_signal != ExceptionSignal::SpanEvents {
        let logs: Vec<&Otlp> = match &telemetry.log_exporters {
            Some(exporters) => exporters.iter().flat_map(otlp_of_logs).collect(),
            None => telemetry.exporters.iter().flat_map(otlp_of_spans).collect(),
        };
        targets.extend(logs.into_iter().map(|otlp| Target::new(Signal::Logs, otlp)));
    }
    targets
}

#[cfg(test)]
mod tests {
    use super::*;
    use otelier::config::Variables;

    #[test]
    fn every_receiver_of_a_failover_is_a_target_and_is_tried_by_itself() {
        let failover = otelier::config::Failover::between([Otlp::to("http://a:1"), Otlp::to("http://b:2")]);
        let telemetry = Telemetry::default()
            .with_exporter(Exporter::Failover(failover))
            .with_disk_buffer(otelier::config::DiskBuffer::in_directory("/no/such/folder"));
        let urls: Vec<String> = targets(&telemetry).into_iter().map(|target| target.unwrap().url.to_string()).collect();
        assert_eq!(urls, ["http://a:1/v1/traces", "http://b:2/v1/traces"]);
        let matches = crate::doctor::command().get_matches_from(["doctor"]);
        let trial = Arguments::of(&matches).unwrap().trial(&telemetry);
        assert_eq!((trial.exporters.len(), trial.disk_buffer, trial.retry), (2, None, Retry::never()));
    }

    #[test]
    fn another_protocol_has_another_url_at_the_same_host() {
        let (http, grpc) = (Protocol::HttpProtobuf, Protocol::Grpc);
        let base = |url: &str| Endpoint::Base(url.to_owned());
        let exact = |url: &str| Endpoint::Exact(url.to_owned());
        assert_eq!(without_path(exact("http://a:1/v1/traces"), grpc), base("http://a:1"));
        assert_eq!(without_path(exact("http://a:1/b/v1/traces"), http), base("http://a:1/b"));
        assert_eq!(without_path(exact("http://a:1"), http), base("http://a:1"));
        assert_eq!(without_path(exact("http://a:1/b"), http), exact("http://a:1/b"));
    }

    #[test]
    fn metrics_go_where_the_settings_say() {
        let arguments = Arguments {
            config: None,
            endpoint: None,
            protocol: None,
            headers: Vec::new(),
            lock: None,
            timeout: Duration::from_secs(1),
            json: false,
            network: false,
        };
        let metrics = |name, value| {
            let settings = Settings::from_variables(&Variables::of([(name, value)])).unwrap();
            arguments.metrics(&settings).map(|target| (target.url.to_string(), target.protocol))
        };
        let default = ("http://localhost:4318/v1/metrics".to_owned(), Protocol::HttpProtobuf);
        assert_eq!(metrics("A", ""), Ok(default));
        let own = metrics("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://m:1/x");
        assert_eq!(own, Ok(("http://m:1/x".to_owned(), Protocol::HttpProtobuf)));
        let grpc = metrics("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "grpc");
        assert_eq!(grpc, Ok(("http://localhost:4317/".to_owned(), Protocol::Grpc)));
        assert!(metrics("OTEL_METRICS_EXPORTER", "none").unwrap_err().contains("no metrics go by OTLP"));
    }
}
