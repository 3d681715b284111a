//! How one signal goes by OTLP.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Where and how one signal goes by OTLP: spans, log records or metrics.
///
/// ```
/// use otelier::config::{Compression, Otlp, Protocol};
///
/// let otlp = Otlp::to("http://collector:4318")
///     .with_protocol(Protocol::HttpJson)
///     .with_header("x-tenant", "shop")
///     .with_compression(Compression::Gzip);
/// assert_eq!(otlp.timeout.as_secs(), 10);
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Otlp {
    /// Environment: `OTEL_EXPORTER_OTLP_PROTOCOL`, or that of one signal, such as `OTEL_EXPORTER_OTLP_TRACES_PROTOCOL`.
    /// YAML: the exporter's name, `otlp_http` or `otlp_grpc`, and `otlp_http.encoding`. Default: `http/protobuf`.
    pub protocol: Protocol,
    /// Default: [`Endpoint::Base`] of `http://localhost:4318`, for gRPC of `http://localhost:4317`.
    pub endpoint: Option<Endpoint>,
    /// What every request carries. Default: nothing.
    pub headers: Headers,
    /// How long one request may take, connecting included; [`Duration::ZERO`] for no limit but that of the batch.
    /// Environment: `OTEL_EXPORTER_OTLP_TIMEOUT`, in milliseconds. YAML: `timeout`. Default: 10 s.
    pub timeout: Duration,
    /// Environment: `OTEL_EXPORTER_OTLP_COMPRESSION`. YAML: `compression`. Default: none.
    pub compression: Compression,
    /// How `https` endpoints are reached.
    pub tls: Tls,
    /// The most bytes of a request's body, before compression; 0 for no limit. A batch that is larger fails and is counted.
    /// YAML: `max_request_size`. Default: 64 MiB.
    pub max_request_size: usize,
    /// The most bytes of an answer that are read. YAML: `max_response_size`. Default: 4 MiB.
    pub max_response_size: usize,
}

/// The transports of OTLP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// `http/protobuf`; needs the feature `otlp-http`, which is on by default.
    #[default]
    HttpProtobuf,
    /// `http/json`; needs the feature `otlp-http`, which is on by default.
    HttpJson,
    /// `grpc`; needs the feature `otlp-grpc`.
    Grpc,
}

impl Protocol {
    /// The name in `OTEL_EXPORTER_OTLP_PROTOCOL`: `http/protobuf`, `http/json` or `grpc`.
    ///
    /// ```
    /// assert_eq!(otelier::config::Protocol::HttpJson.as_str(), "http/json");
    /// ```
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HttpProtobuf => "http/protobuf",
            Self::HttpJson => "http/json",
            Self::Grpc => "grpc",
        }
    }
}

/// The URL of a receiver. Credentials in it are refused, and never shown; they belong into [`Headers`].
///
/// gRPC also takes `host:port`; [`Tls::insecure`] then says whether the connection is encrypted.
///
/// On Unix a receiver may also listen on a socket: `unix:///run/otel.sock`, for HTTP and for gRPC. HTTP asks it for
/// `http://localhost/v1/traces`, `/v1/logs` or `/v1/metrics`, whether the URL is that of all signals or of one.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Endpoint {
    /// The URL all signals share, to which HTTP appends `/v1/traces`, `/v1/logs` or `/v1/metrics`. Environment:
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`.
    Base(String),
    /// A URL that is used as it is. Environment: that of one signal, such as `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`. YAML:
    /// `endpoint`.
    Exact(String),
    /// A machine without a scheme, such as `otel.internal`, `10.0.0.7` or `otel.internal:14318`: `http`, and where no port
    /// is given 4318, for gRPC 4317. What the presets make of a host.
    Host(String),
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Base(url) => f.debug_tuple("Base").field(&without_credentials(url)).finish(),
            Self::Exact(url) => f.debug_tuple("Exact").field(&without_credentials(url)).finish(),
            Self::Host(host) => f.debug_tuple("Host").field(&without_credentials(host)).finish(),
        }
    }
}

/// What was given, with `…` in place of a user and a password, and of a query: some receivers take their keys there.
pub(crate) fn without_credentials(given: &str) -> String {
    // A password may hold a `?`.
    let host = given.rfind('@').unwrap_or(0);
    if let Some(query) = given[host..].find('?').map(|at| host + at) {
        return format!("{}?…", without_credentials(&given[..query]));
    }
    let (before, rest) =
        given.split_once("://").map_or(("", given), |(scheme, rest)| (&given[..scheme.len() + 3], rest));
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{before}…@{host}"),
        None => given.to_owned(),
    }
}

/// Headers of a request. They often carry credentials, so neither names nor values are printed.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Headers {
    /// Names and values as they are sent. A name in here wins over the same one in `text`. YAML: `headers`.
    pub pairs: Vec<(String, String)>,
    /// `key1=value1,key2=value2`, with percent-encoded values; checked when the pipeline starts. Environment:
    /// `OTEL_EXPORTER_OTLP_HEADERS`. YAML: `headers_list`.
    pub text: String,
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = !self.pairs.is_empty() || !self.text.is_empty();
        f.write_str(if set { "set" } else { "none" })
    }
}

/// How request bodies are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// With gzip; needs the feature `gzip`.
    Gzip,
    /// With zstd, which not every receiver understands: the OpenTelemetry Collector does. Needs the feature `zstd`, which is
    /// off by default, as it compiles C.
    Zstd,
}

/// How an `https` endpoint is reached; needs the feature `tls`.
///
/// Files hold PEM, and are read when the pipeline starts. Settings that an `http` endpoint would leave without effect are
/// refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tls {
    /// Certificates to trust in place of the system's. Environment: `OTEL_EXPORTER_OTLP_CERTIFICATE`. YAML: `tls.ca_file`.
    pub ca_file: Option<PathBuf>,
    /// The client's own certificate, with those that lead to its root; needs `key_file`. Environment:
    /// `OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE`. YAML: `tls.cert_file`.
    pub cert_file: Option<PathBuf>,
    /// The private key of `cert_file`. Environment: `OTEL_EXPORTER_OTLP_CLIENT_KEY`. YAML: `tls.key_file`.
    pub key_file: Option<PathBuf>,
    /// Whether a gRPC endpoint without `http://` or `https://` is reached without TLS. Environment:
    /// `OTEL_EXPORTER_OTLP_INSECURE`. YAML: `tls.insecure`. Default: false.
    pub insecure: bool,
}

impl Tls {
    /// Trusts the certificates in this file in place of the system's.
    #[must_use]
    pub fn with_ca_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(file.into());
        self
    }

    /// Shows this certificate to the receiver (mTLS).
    #[must_use]
    pub fn with_client_certificate(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        (self.cert_file, self.key_file) = (Some(certificate.into()), Some(key.into()));
        self
    }

    /// Says whether a gRPC endpoint without a scheme is reached without TLS. Default: no.
    #[must_use]
    pub fn with_insecure(mut self, insecure: bool) -> Self {
        self.insecure = insecure;
        self
    }
}

impl fmt::Debug for Otlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Otlp")
            .field("protocol", &self.protocol)
            .field("endpoint", &self.endpoint)
            .field("headers", &self.headers)
            .field("timeout", &self.timeout)
            .field("compression", &self.compression)
            .field("tls", &self.tls)
            .field("max_request_size", &self.max_request_size)
            .field("max_response_size", &self.max_response_size)
            .finish()
    }
}

impl Default for Otlp {
    fn default() -> Self {
        Self {
            protocol: Protocol::default(),
            endpoint: None,
            headers: Headers::default(),
            timeout: Duration::from_secs(10),
            compression: Compression::default(),
            tls: Tls::default(),
            max_request_size: 64 << 20,
            max_response_size: 4 << 20,
        }
    }
}

impl Otlp {
    /// OTLP to this base URL, such as `http://localhost:4318`.
    pub fn to(endpoint: impl Into<String>) -> Self {
        Self { endpoint: Some(Endpoint::Base(endpoint.into())), ..Self::default() }
    }

    /// OTLP to exactly this URL: HTTP appends no path to it.
    ///
    /// ```
    /// use otelier::config::{Endpoint, Otlp};
    ///
    /// let otlp = Otlp::to_exactly("http://localhost:9428/insert/opentelemetry/v1/logs");
    /// assert!(matches!(otlp.endpoint, Some(Endpoint::Exact(_))));
    /// ```
    pub fn to_exactly(endpoint: impl Into<String>) -> Self {
        Self { endpoint: Some(Endpoint::Exact(endpoint.into())), ..Self::default() }
    }

    /// Chooses the transport. Default: [`Protocol::HttpProtobuf`].
    #[must_use]
    pub fn with_protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// Sets the headers, as `key1=value1,key2=value2` with percent-encoded values.
    #[must_use]
    pub fn with_headers(mut self, headers: impl Into<String>) -> Self {
        self.headers.text = headers.into();
        self
    }

    /// Adds one header, with its value as it is sent.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.pairs.push((name.into(), value.into()));
        self
    }

    /// Sets how long one request may take; [`Duration::ZERO`] for no limit. Default: 10 s.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Chooses how request bodies are compressed. Default: not at all.
    #[must_use]
    pub fn with_compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// Sets how an `https` endpoint is reached. Default: the system's certificates are trusted.
    ///
    /// ```
    /// use otelier::config::{Otlp, Tls};
    ///
    /// let tls = Tls::default().with_ca_file("/etc/otel/ca.pem");
    /// let otlp = Otlp::to("https://collector:4318").with_tls(tls);
    /// assert!(otlp.tls.cert_file.is_none());
    /// ```
    #[must_use]
    pub fn with_tls(mut self, tls: Tls) -> Self {
        self.tls = tls;
        self
    }
}
