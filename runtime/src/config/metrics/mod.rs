//! Settings of metrics: what is read how often, where it goes, and what views make of it.

mod check;
mod prometheus;
mod sdk;
mod view;

pub use prometheus::{Prometheus, PullExporter, PullReader, Translation};
pub use view::{Aggregation, AttributeKeys, InstrumentType, View, ViewSelector, ViewStream};

use super::{Failover, Otlp, OtlpFile};
use std::time::Duration;

/// Which metrics are exported, and how: the `meter_provider` of OpenTelemetry's declarative configuration.
///
/// | | |
/// |-|-|
/// | Default | no readers: nothing is measured |
/// | Environment | `OTEL_METRICS_EXPORTER`, `OTEL_METRIC_EXPORT_INTERVAL`, `OTEL_METRIC_EXPORT_TIMEOUT`, `OTEL_EXPORTER_OTLP_METRICS_…`, `OTEL_EXPORTER_PROMETHEUS_HOST`, `OTEL_EXPORTER_PROMETHEUS_PORT` |
/// | YAML | `meter_provider` |
///
/// ```
/// use otelier::config::{Aggregation, MetricReader, Metrics, View, ViewSelector};
///
/// let metrics = Metrics::from(MetricReader::console())
///     .with_view(View::of(ViewSelector::name("http.client.*")).with_aggregation(Aggregation::Drop));
/// let telemetry = otelier::Telemetry::default().with_metrics(metrics);
/// assert_eq!(telemetry.metrics.readers.len(), 1);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Metrics {
    /// Each reader keeps aggregates of its own, and exports them on its own. YAML: `meter_provider.readers`. Default: none.
    pub readers: Vec<MetricReader>,
    /// Those that are read when somebody asks; each keeps aggregates of its own, too. YAML: `meter_provider.readers`.
    /// Default: none.
    pub pull: Vec<PullReader>,
    /// What becomes of which instruments. An instrument that several views select makes a stream for each; one that none
    /// selects makes the default stream. YAML: `meter_provider.views`. Default: none.
    pub views: Vec<View>,
}

/// A periodic reader: collects all metrics at an interval, and exports them.
///
/// ```
/// use otelier::config::{MetricReader, Otlp, Temporality};
/// use std::time::Duration;
///
/// let reader = MetricReader::otlp(Otlp::to("http://localhost:4318"))
///     .with_interval(Duration::from_secs(10))
///     .with_temporality(Temporality::Delta);
/// assert_eq!(reader.timeout, Duration::from_secs(30));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MetricReader {
    /// The time from the start of one export to the start of the next. Environment: `OTEL_METRIC_EXPORT_INTERVAL`, in
    /// milliseconds. YAML: `periodic.interval`, in milliseconds. Default: 60 s.
    pub interval: Duration,
    /// How long one export may take; [`Duration::MAX`] for as long as it wants. Environment: `OTEL_METRIC_EXPORT_TIMEOUT`,
    /// in milliseconds. YAML: `periodic.timeout`, in milliseconds, of which 0 stands for no limit. Default: 30 s.
    pub timeout: Duration,
    /// Where the metrics go. Environment: `OTEL_METRICS_EXPORTER`. YAML: `periodic.exporter`.
    pub exporter: MetricExporter,
    /// What a value is counted from. Environment: `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE`. YAML:
    /// `temporality_preference` of the exporter. Default: [`Temporality::Cumulative`].
    pub temporality: Temporality,
    /// What histograms are made of where no view says it. Environment:
    /// `OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION`. YAML: `default_histogram_aggregation` of the exporter.
    /// Default: [`HistogramAggregation::ExplicitBuckets`].
    pub histogram_aggregation: HistogramAggregation,
    /// How many combinations of attributes an instrument may have. YAML: `periodic.cardinality_limits`.
    pub cardinality_limits: CardinalityLimits,
}

/// Where metrics go.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum MetricExporter {
    /// To an OTLP receiver. HTTP appends `/v1/metrics` to an endpoint that is a base. YAML: `otlp_http`, `otlp_grpc`.
    Otlp(Otlp),
    /// To the first of several OTLP receivers that works. YAML: `otelier/failover`.
    Failover(Failover),
    /// To standard error, as lines for people. YAML: `console`.
    Console,
    /// Writes metrics as lines of OTLP JSON, one for each export. YAML: `otlp_file/development`,
    /// `otelier/otlp_file`.
    OtlpFile(OtlpFile),
}

/// What the value of a sum or a histogram is counted from. Values that go up and down are counted from the start in any
/// case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Temporality {
    /// Everything since the start. YAML: `cumulative`.
    #[default]
    Cumulative,
    /// Counters and histograms since the export before. YAML: `delta`.
    Delta,
    /// Counters and histograms since the export before, but counters that are observed by a callback since the start.
    /// YAML: `low_memory`.
    LowMemory,
}

/// What histograms are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HistogramAggregation {
    /// Buckets whose boundaries the instrument names, or OpenTelemetry's default boundaries. YAML:
    /// `explicit_bucket_histogram`.
    #[default]
    ExplicitBuckets,
    /// Buckets that grow exponentially, at most 160 in each direction; boundaries that the instrument names do not matter.
    /// YAML: `base2_exponential_bucket_histogram`.
    Base2Exponential,
}

/// How many combinations of attributes an instrument may have between two exports, or since the start if it is cumulative.
/// Further ones are summed up under the attribute `otel.metric.overflow`. A view may set another limit for its stream.
///
/// ```
/// use otelier::config::CardinalityLimits;
///
/// let mut limits = CardinalityLimits::default();
/// limits.histogram = Some(500);
/// assert_eq!((limits.default, limits.counter), (2000, None));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CardinalityLimits {
    /// Where nothing else is said. YAML: `cardinality_limits.default`. Default: 2,000.
    pub default: usize,
    /// Of counters. Default: as [`default`](Self::default).
    pub counter: Option<usize>,
    /// Of gauges. Default: as [`default`](Self::default).
    pub gauge: Option<usize>,
    /// Of histograms. Default: as [`default`](Self::default).
    pub histogram: Option<usize>,
    /// Of counters that a callback observes. Default: as [`default`](Self::default).
    pub observable_counter: Option<usize>,
    /// Of gauges that a callback observes. Default: as [`default`](Self::default).
    pub observable_gauge: Option<usize>,
    /// Of sums that go up and down and that a callback observes. Default: as [`default`](Self::default).
    pub observable_up_down_counter: Option<usize>,
    /// Of sums that go up and down. Default: as [`default`](Self::default).
    pub up_down_counter: Option<usize>,
}

impl CardinalityLimits {
    /// The limit of instruments of this type.
    pub fn of(&self, instrument: InstrumentType) -> usize {
        let own = match instrument {
            InstrumentType::Counter => self.counter,
            InstrumentType::Gauge => self.gauge,
            InstrumentType::Histogram => self.histogram,
            InstrumentType::ObservableCounter => self.observable_counter,
            InstrumentType::ObservableGauge => self.observable_gauge,
            InstrumentType::ObservableUpDownCounter => self.observable_up_down_counter,
            InstrumentType::UpDownCounter => self.up_down_counter,
        };
        own.unwrap_or(self.default)
    }
}

impl Default for CardinalityLimits {
    fn default() -> Self {
        Self {
            default: 2000,
            counter: None,
            gauge: None,
            histogram: None,
            observable_counter: None,
            observable_gauge: None,
            observable_up_down_counter: None,
            up_down_counter: None,
        }
    }
}

impl Metrics {
    /// Adds a reader.
    #[must_use]
    pub fn with_reader(mut self, reader: MetricReader) -> Self {
        self.readers.push(reader);
        self
    }

    /// Adds a reader that others ask.
    #[must_use]
    pub fn with_pull(mut self, reader: PullReader) -> Self {
        self.pull.push(reader);
        self
    }

    /// Adds a view.
    #[must_use]
    pub fn with_view(mut self, view: View) -> Self {
        self.views.push(view);
        self
    }
}

impl From<MetricReader> for Metrics {
    fn from(reader: MetricReader) -> Self {
        Self::default().with_reader(reader)
    }
}

impl From<PullReader> for Metrics {
    fn from(reader: PullReader) -> Self {
        Self::default().with_pull(reader)
    }
}

impl MetricReader {
    /// Exports there every 60 s.
    pub fn new(exporter: MetricExporter) -> Self {
        Self {
            interval: Duration::from_secs(60),
            timeout: Duration::from_secs(30),
            exporter,
            temporality: Temporality::default(),
            histogram_aggregation: HistogramAggregation::default(),
            cardinality_limits: CardinalityLimits::default(),
        }
    }

    /// Exports by OTLP every 60 s.
    pub fn otlp(otlp: Otlp) -> Self {
        Self::new(MetricExporter::Otlp(otlp))
    }

    /// Prints to standard error every 60 s.
    pub fn console() -> Self {
        Self::new(MetricExporter::Console)
    }

    /// Writes lines of OTLP JSON every 60 s.
    ///
    /// ```
    /// use otelier::config::{MetricReader, OtlpFile};
    ///
    /// let reader = MetricReader::otlp_file(OtlpFile::to("/var/log/metrics.jsonl"));
    /// let telemetry = otelier::Telemetry::default().with_metrics(reader);
    /// assert_eq!(telemetry.metrics.readers.len(), 1);
    /// ```
    pub fn otlp_file(file: OtlpFile) -> Self {
        Self::new(MetricExporter::OtlpFile(file))
    }

    /// Sets the time from the start of one export to the start of the next. Default: 60 s.
    #[must_use]
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets how long one export may take. Default: 30 s.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets what values are counted from. Default: the start.
    #[must_use]
    pub fn with_temporality(mut self, temporality: Temporality) -> Self {
        self.temporality = temporality;
        self
    }

    /// Sets what histograms are made of where no view says it. Default: explicit buckets.
    #[must_use]
    pub fn with_histogram_aggregation(mut self, aggregation: HistogramAggregation) -> Self {
        self.histogram_aggregation = aggregation;
        self
    }

    /// Sets how many combinations of attributes an instrument may have. Default: 2,000.
    #[must_use]
    pub fn with_cardinality_limits(mut self, limits: CardinalityLimits) -> Self {
        self.cardinality_limits = limits;
        self
    }
}
