//! How spans go to Zipkin.

use super::otlp::without_credentials;
use std::fmt;
use std::time::Duration;

/// Where spans go as Zipkin's JSON, version 2; needs the feature `zipkin`. Environment: `OTEL_TRACES_EXPORTER=zipkin`. YAML:
/// `otelier/zipkin`.
///
/// OpenTelemetry has deprecated Zipkin exporters: a Collector (`zipkin` exporter) or Zipkin's own module `zipkin-otel`
/// takes OTLP, which loses nothing. Zipkin's format has no place for some of a span: links, the trace state, and which
/// values of a tag are numbers. What is mapped follows the specification:
///
/// * attributes are tags, and so are those of the resource and the scope; `service.name` is the local endpoint;
/// * a status is `otel.status_code` and, of a failure, `error` with its description;
/// * events are annotations such as `"started": {"app.symbols":2}`;
/// * of clients and producers, `peer.service`, `server.address` or one of their older names is the remote endpoint.
///
/// Log records do not go to Zipkin; see [`Telemetry::with_log_exporters`](super::Telemetry::with_log_exporters).
///
/// ```
/// use otelier::config::{Exporter, Zipkin};
/// use std::time::Duration;
///
/// let zipkin = Zipkin::to("http://zipkin:9411/api/v2/spans").with_timeout(Duration::from_secs(2));
/// let telemetry = otelier::Telemetry::default().with_exporter(Exporter::Zipkin(zipkin));
/// assert_eq!(telemetry.exporters.len(), 1);
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Zipkin {
    /// The URL, which is used as it is; `https` needs the feature `tls` and the system's certificates. Credentials in it are
    /// refused, and never shown. Checked when the pipeline starts. Environment: `OTEL_EXPORTER_ZIPKIN_ENDPOINT`. YAML:
    /// `endpoint`. Default: `http://localhost:9411/api/v2/spans`.
    pub endpoint: String,
    /// How long one request may take, connecting included; [`Duration::ZERO`] for no limit but that of the batch.
    /// Environment: `OTEL_EXPORTER_ZIPKIN_TIMEOUT`, in milliseconds. YAML: `timeout`. Default: 10 s.
    pub timeout: Duration,
}

impl Zipkin {
    /// Sends to this URL.
    ///
    /// ```
    /// let zipkin = otelier::config::Zipkin::to("http://zipkin:9411/api/v2/spans");
    /// assert_eq!(zipkin.timeout.as_secs(), 10);
    /// ```
    pub fn to(endpoint: impl Into<String>) -> Self {
        Self { endpoint: endpoint.into(), ..Self::default() }
    }

    /// Sets how long one request may take; [`Duration::ZERO`] for no limit. Default: 10 s.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl Default for Zipkin {
    fn default() -> Self {
        Self { endpoint: "http://localhost:9411/api/v2/spans".to_owned(), timeout: Duration::from_secs(10) }
    }
}

impl fmt::Debug for Zipkin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zipkin")
            .field("endpoint", &without_credentials(&self.endpoint))
            .field("timeout", &self.timeout)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_not_shown() {
        let shown = format!("{:?}", Zipkin::to("http://user:secret@zipkin:9411/api/v2/spans"));
        assert_eq!(shown, "Zipkin { endpoint: \"http://…@zipkin:9411/api/v2/spans\", timeout: 10s }");
    }
}
