//! Settings of metrics that somebody else fetches.

use super::{AttributeKeys, CardinalityLimits};
use crate::ConfigError;

/// A reader that collects metrics when somebody asks for them. YAML: `pull`.
///
/// ```
/// use otelier::config::{Prometheus, PullReader};
///
/// let reader = PullReader::prometheus(Prometheus::default().with_port(9090));
/// let telemetry = otelier::Telemetry::default().with_metrics(reader);
/// assert_eq!(telemetry.metrics.pull.len(), 1);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PullReader {
    /// Who asks, and how. Environment: `OTEL_METRICS_EXPORTER`. YAML: `pull.exporter`.
    pub exporter: PullExporter,
    /// How many combinations of attributes an instrument may have. YAML: `pull.cardinality_limits`.
    pub cardinality_limits: CardinalityLimits,
}

/// Who asks for metrics, and how.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum PullExporter {
    /// Prometheus, over HTTP. YAML: `prometheus/development`. Needs the feature `prometheus`.
    Prometheus(Prometheus),
}

impl PullReader {
    /// Serves metrics to Prometheus.
    pub fn prometheus(prometheus: Prometheus) -> Self {
        Self { exporter: PullExporter::Prometheus(prometheus), cardinality_limits: CardinalityLimits::default() }
    }

    /// Sets how many combinations of attributes an instrument may have. Default: 2,000.
    #[must_use]
    pub fn with_cardinality_limits(mut self, limits: CardinalityLimits) -> Self {
        self.cardinality_limits = limits;
        self
    }

    pub(super) fn check(&self, problems: &mut ConfigError) {
        #[cfg(not(feature = "prometheus"))]
        problems.push(Prometheus::NOT_BUILT);
        let PullExporter::Prometheus(prometheus) = &self.exporter;
        if prometheus.host.trim().is_empty() {
            problems
                .push("the host to serve Prometheus at is empty; expected a name or an address, such as `localhost`");
        }
    }
}

/// Serves metrics to Prometheus: `GET /metrics` (or `/`) over HTTP, in Prometheus' text format. Feature `prometheus`.
///
/// The server has a thread of its own. It listens from [`init`](crate::init) on, which fails if it cannot, until the
/// pipeline ends. Names, types and labels are made as the specification says in "Prometheus and OpenMetrics
/// Compatibility". Values are always counted from the start. Exponential histograms, which the text format does not have,
/// are served with their count, their sum and the bucket `+Inf`.
///
/// Whoever reaches the address can read the metrics: there is neither TLS nor a password, so leave the host a loopback
/// address unless the network is trusted.
///
/// The exporter's name in [`Stats`](crate::Stats) has the address, with the port that was found if `port` is 0.
///
/// ```
/// # #[cfg(feature = "prometheus")] {
/// use otelier::config::{Prometheus, PullReader};
///
/// let prometheus = PullReader::prometheus(Prometheus::default().with_host("127.0.0.1").with_port(0));
/// let telemetry = otelier::init(otelier::Telemetry::default().with_metrics(prometheus))?;
/// let name = &telemetry.stats().exporters[0].name;
/// assert!(name.starts_with("prometheus http://127.0.0.1:"));
/// # }
/// # Ok::<(), otelier::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Prometheus {
    /// The name or the address to listen at. All addresses that a name has are listened at, so `localhost` is both that of
    /// IPv4 and that of IPv6; `0.0.0.0` is all of IPv4. Environment: `OTEL_EXPORTER_PROMETHEUS_HOST`. YAML: `host`. Default:
    /// `localhost`.
    pub host: String,
    /// The port to listen at; 0 for any that is free. Environment: `OTEL_EXPORTER_PROMETHEUS_PORT`. YAML: `port`. Default:
    /// 9464.
    pub port: u16,
    /// Whether every metric has labels that name the scope that made it: `otel_scope_name`, `otel_scope_version`,
    /// `otel_scope_schema_url`, and `otel_scope_` before the key of each of its attributes. Without them, of two scopes that
    /// have the same metric with the same labels, one is left out. YAML: `scope_info_enabled`. Default: true.
    pub scope_info: bool,
    /// Whether there is a metric `target_info` with the attributes of the resource. YAML:
    /// `target_info_enabled/development`. Default: true.
    pub target_info: bool,
    /// Which attributes of the resource are labels of every metric, too. A label of the metric's own wins. YAML:
    /// `resource_constant_labels`. Default: `None`, which is none of them.
    pub resource_labels: Option<AttributeKeys>,
    /// How names become names of Prometheus. YAML: `translation_strategy`. Default:
    /// [`Translation::UnderscoresWithSuffixes`].
    pub translation: Translation,
}

/// How names of metrics and attributes become names of Prometheus.
///
/// Names with other characters than letters, digits, `_` and (in metrics) `:` are served only to those who accept
/// them (`escaping=allow-utf-8`, as Prometheus 3 does); others get underscores in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Translation {
    /// `http.server.duration` in `ms` becomes `http_server_duration_milliseconds`; a counter gets `_total`. YAML:
    /// `underscore_escaping_with_suffixes`.
    #[default]
    UnderscoresWithSuffixes,
    /// It becomes `http_server_duration`. YAML: `underscore_escaping_without_suffixes/development`.
    UnderscoresWithoutSuffixes,
    /// It becomes `http.server.duration_milliseconds`. YAML: `no_utf8_escaping_with_suffixes/development`.
    Utf8WithSuffixes,
    /// It stays as it is. YAML: `no_translation/development`.
    Untranslated,
}

impl Translation {
    /// Whether units and `_total` are added.
    #[cfg(feature = "prometheus")]
    pub(crate) fn has_suffixes(self) -> bool {
        matches!(self, Self::UnderscoresWithSuffixes | Self::Utf8WithSuffixes)
    }

    /// Whether other characters stay.
    #[cfg(feature = "prometheus")]
    pub(crate) fn is_utf8(self) -> bool {
        matches!(self, Self::Utf8WithSuffixes | Self::Untranslated)
    }
}

impl Default for Prometheus {
    fn default() -> Self {
        Self {
            host: "localhost".to_owned(),
            port: 9464,
            scope_info: true,
            target_info: true,
            resource_labels: None,
            translation: Translation::default(),
        }
    }
}

impl Prometheus {
    pub(crate) const NOT_BUILT: &str =
        "metrics are to be served to Prometheus, but `otelier` was built without the feature `prometheus`";

    /// Sets the name or the address to listen at. Default: `localhost`.
    #[must_use]
    pub fn with_host(mut self, host: impl Into<String>) -> Self {
        self.host = host.into();
        self
    }

    /// Sets the port to listen at; 0 for any that is free. Default: 9464.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets whether labels name the scope. Default: yes.
    #[must_use]
    pub fn with_scope_info(mut self, scope_info: bool) -> Self {
        self.scope_info = scope_info;
        self
    }

    /// Sets whether there is a metric with the resource. Default: yes.
    #[must_use]
    pub fn with_target_info(mut self, target_info: bool) -> Self {
        self.target_info = target_info;
        self
    }

    /// Makes these attributes of the resource labels of every metric. Default: none.
    #[must_use]
    pub fn with_resource_labels(mut self, keys: AttributeKeys) -> Self {
        self.resource_labels = Some(keys);
        self
    }

    /// Sets how names become names of Prometheus. Default: underscores, units and `_total`.
    #[must_use]
    pub fn with_translation(mut self, translation: Translation) -> Self {
        self.translation = translation;
        self
    }
}
