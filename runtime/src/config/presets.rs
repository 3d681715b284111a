//! Receivers by name: what each of them wants of OTLP.

use super::{Endpoint, Otlp, Protocol, percent_encoded};

impl Otlp {
    /// OTLP to an OpenTelemetry Collector, or to anything else that keeps to the specification.
    ///
    /// Takes a host (`otel.internal`, `10.0.0.7`, `[::1]`), which is reached by `http` at port 4318, or at 4317 if the
    /// transport is [`Protocol::Grpc`]; a host with a port; or the base URL as [`Otlp::to`] takes it. The Collector needs its
    /// receiver `otlp` with the protocol `http` or `grpc`, in a pipeline for each signal, and must listen on an address that
    /// can be reached: by default it is `localhost`.
    ///
    /// ```
    /// use otelier::config::{Otlp, Protocol};
    ///
    /// let otlp = Otlp::collector("otel.internal").with_protocol(Protocol::Grpc);
    /// let telemetry = otelier::Telemetry::default().with_otlp(otlp);
    /// # assert_eq!(telemetry.exporters.len(), 1);
    /// ```
    pub fn collector(host_or_url: impl Into<String>) -> Self {
        Self { endpoint: Some(place(host_or_url.into())), ..Self::default() }
    }

    /// OTLP to Jaeger, from 1.35 on: port 4318, or 4317 if the transport is [`Protocol::Grpc`].
    ///
    /// Takes a host or a URL as [`Otlp::collector`] does. Jaeger 2 takes OTLP by default; 1.x may need
    /// `COLLECTOR_OTLP_ENABLED=true`. Jaeger stores spans alone, and answers 404 or `UNIMPLEMENTED` to logs and metrics.
    ///
    /// ```
    /// use otelier::config::Otlp;
    ///
    /// let telemetry = otelier::Telemetry::default().with_otlp(Otlp::jaeger("localhost"));
    /// # assert_eq!(telemetry.exporters.len(), 1);
    /// ```
    pub fn jaeger(host_or_url: impl Into<String>) -> Self {
        Self::collector(host_or_url)
    }

    /// OTLP to Grafana Tempo: port 4318, or 4317 if the transport is [`Protocol::Grpc`].
    ///
    /// Takes a host or a URL as [`Otlp::collector`] does. Tempo needs `distributor.receivers.otlp.protocols` with `http` or
    /// `grpc`, each with an `endpoint` that can be reached. With `multitenancy_enabled` it wants a tenant:
    /// `.with_header("X-Scope-OrgID", "shop")`. Tempo stores spans alone.
    ///
    /// ```
    /// use otelier::config::Otlp;
    ///
    /// let otlp = Otlp::tempo("tempo.internal").with_header("X-Scope-OrgID", "shop");
    /// let telemetry = otelier::Telemetry::default().with_otlp(otlp);
    /// # assert_eq!(telemetry.exporters.len(), 1);
    /// ```
    pub fn tempo(host_or_url: impl Into<String>) -> Self {
        Self::collector(host_or_url)
    }

    /// OTLP to the Datadog Agent on this host, which has the API key: port 4318, or 4317 if the transport is
    /// [`Protocol::Grpc`].
    ///
    /// Takes a host or a URL as [`Otlp::collector`] does. The Agent (from 7.32 on, for logs from 7.48 on) takes no OTLP by
    /// default. It needs `otlp_config.receiver.protocols.http.endpoint` (`DD_OTLP_CONFIG_RECEIVER_PROTOCOLS_HTTP_ENDPOINT`)
    /// of `0.0.0.0:4318`, or `…grpc.endpoint` of `0.0.0.0:4317`; for logs also `logs_enabled` and `otlp_config.logs.enabled`
    /// (`DD_LOGS_ENABLED`, `DD_OTLP_CONFIG_LOGS_ENABLED`). Datadog recommends metrics of delta temporality.
    ///
    /// ```
    /// use otelier::config::Otlp;
    ///
    /// let telemetry = otelier::Telemetry::default().with_otlp(Otlp::datadog_agent("localhost"));
    /// # assert_eq!(telemetry.exporters.len(), 1);
    /// ```
    pub fn datadog_agent(host_or_url: impl Into<String>) -> Self {
        Self::collector(host_or_url)
    }

    /// OTLP over HTTP to OpenObserve: `…/api/{organization}/v1/traces`, `/v1/logs` and `/v1/metrics`, with the stream in the
    /// header `stream-name`.
    ///
    /// Takes the URL of the server without a path (of its own, port 5080), an organization (`default` in a new server) and a
    /// stream, which is made if it is missing (`default`). It wants credentials: the mail address and the password of a
    /// user, or those that its page "Data sources" shows. For gRPC see [`Otlp::open_observe_grpc`].
    ///
    /// ```
    /// use otelier::config::Otlp;
    ///
    /// let otlp = Otlp::open_observe("http://localhost:5080", "default", "shop")
    ///     .with_basic_auth("root@example.com", "s3cr3t");
    /// let telemetry = otelier::Telemetry::default().with_otlp(otlp);
    /// # assert_eq!(telemetry.exporters.len(), 1);
    /// ```
    pub fn open_observe(url: impl AsRef<str>, organization: impl AsRef<str>, stream: impl Into<String>) -> Self {
        // A name with a slash would be more of a path than was meant.
        let organization = percent_encoded(organization.as_ref());
        let base = format!("{}/api/{organization}", url.as_ref().trim_end_matches('/'));
        Self::to(base).with_header("stream-name", stream)
    }

    /// OTLP over gRPC to OpenObserve, with the organization and the stream in the metadata `organization` and `stream-name`.
    ///
    /// Takes a URL with the port of its gRPC server, 5081 unless `ZO_GRPC_PORT` says otherwise, and the same credentials as
    /// [`Otlp::open_observe`]. Needs the feature `otlp-grpc`.
    ///
    /// ```
    /// use otelier::config::Otlp;
    ///
    /// let otlp = Otlp::open_observe_grpc("http://localhost:5081", "default", "shop")
    ///     .with_basic_auth("root@example.com", "s3cr3t");
    /// # assert_eq!(otlp.protocol, otelier::config::Protocol::Grpc);
    /// ```
    pub fn open_observe_grpc(
        url: impl Into<String>,
        organization: impl Into<String>,
        stream: impl Into<String>,
    ) -> Self {
        let otlp = Self::to(url).with_protocol(Protocol::Grpc);
        otlp.with_header("organization", organization).with_header("stream-name", stream)
    }
}

/// A URL as it is, or a host whose port is for the transport to say.
fn place(host_or_url: String) -> Endpoint {
    if host_or_url.contains("://") || host_or_url.starts_with("unix:") {
        Endpoint::Base(host_or_url)
    } else {
        Endpoint::Host(host_or_url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_told_from_a_url() {
        for (given, expected) in [
            ("otel.internal", Endpoint::Host("otel.internal".to_owned())),
            ("localhost:4318", Endpoint::Host("localhost:4318".to_owned())),
            ("::1", Endpoint::Host("::1".to_owned())),
            ("https://otel/base", Endpoint::Base("https://otel/base".to_owned())),
            ("unix:/run/otel.sock", Endpoint::Base("unix:/run/otel.sock".to_owned())),
        ] {
            assert_eq!(Otlp::collector(given).endpoint, Some(expected), "{given}");
        }
    }

    #[test]
    fn open_observe_has_the_organization_in_the_path_or_in_the_metadata() {
        let http = Otlp::open_observe("https://o2.internal/", "a/b c", "shop");
        assert_eq!(http.endpoint, Some(Endpoint::Base("https://o2.internal/api/a%2Fb%20c".to_owned())));
        let grpc = Otlp::open_observe_grpc("http://o2.internal:5081", "acme", "shop");
        let names: Vec<&str> = grpc.headers.pairs.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!((names, grpc.protocol), (vec!["organization", "stream-name"], Protocol::Grpc));
    }
}
