//! From settings to a running pipeline.

mod collector;
mod guard;
#[cfg_attr(not(feature = "metrics"), path = "no_metrics.rs")]
mod metrics;
mod stats;

pub use guard::Guard;
pub use stats::{ExporterStats, Stats, TimedOut};

use crate::config::{ExceptionSignal, Hooks, Sampler, Telemetry};
use crate::export::console::ConsoleExporter;
use crate::export::sdk::SdkExporter;
use crate::export::{Exporter, Signal};
use crate::record::{self, COUNTERS, Keep, Policy, capture};
use crate::{ConfigError, Error, bridge, clock, resource};
use collector::Collector;
use guard::Lease;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanExporter;
use stats::Destination;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a guard is alive.
static RUNNING: AtomicBool = AtomicBool::new(false);

/// Starts telemetry; the guard that comes back ends it.
///
/// One pipeline runs at a time in a process. Everything it needs runs on a thread of its own, so it works the same with
/// Tokio (also with one thread) and without.
///
/// # Errors
///
/// [`Error::Config`] names every setting that cannot be used; [`Error::AlreadyRunning`] if a guard is alive.
///
/// # Examples
///
/// ```
/// use otelier::prelude::*;
///
/// #[trace]
/// fn work() {}
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let telemetry = otelier::init(Telemetry::default().with_service_name("example").with_console(true))?;
/// work();
/// telemetry.shutdown()?;
/// # Ok(())
/// # }
/// ```
pub fn init(telemetry: Telemetry) -> Result<Guard, Error> {
    Pipeline::new(telemetry).start()
}

/// Lets another pipeline start.
fn free_the_place() {
    capture::set_collector(false);
    RUNNING.store(false, Ordering::Release);
}

/// The child of a fork has no pipeline.
pub(crate) fn watch_forks() {
    record::watch_forks(|| {
        RUNNING.store(false, Ordering::Release);
        metrics::in_child_of_fork();
    });
}

type MakeExporter = Box<dyn FnOnce(&Resource) -> Arc<dyn Exporter> + Send>;

/// A pipeline that has not started: settings, and exporters that settings cannot name.
#[must_use = "call `start`"]
pub struct Pipeline {
    telemetry: Telemetry,
    exporters: Vec<MakeExporter>,
    #[cfg(feature = "metrics")]
    metrics: Vec<metrics::Custom>,
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline")
            .field("telemetry", &self.telemetry)
            .field("exporters", &self.exporters.len())
            .finish()
    }
}

impl Pipeline {
    /// A pipeline with these settings.
    pub fn new(telemetry: Telemetry) -> Self {
        Self {
            telemetry,
            exporters: Vec::new(),
            #[cfg(feature = "metrics")]
            metrics: Vec::new(),
        }
    }

    /// Adds an exporter made for the OpenTelemetry SDK. It is called on the pipeline's own thread, inside a
    /// current-thread Tokio runtime, one batch at a time.
    pub fn with_span_exporter(mut self, exporter: impl SpanExporter + 'static) -> Self {
        self.exporters.push(Box::new(move |resource| Arc::new(SdkExporter::new(exporter, resource))));
        self
    }

    /// Adds an exporter of log records made for the OpenTelemetry SDK. It gets the exceptions of errors, if
    /// [`with_exception_signal`](Telemetry::with_exception_signal) makes them log records, and is called as exporters of
    /// spans are: on the pipeline's own thread, one batch at a time, and not for a batch without exceptions.
    ///
    /// ```
    /// use otelier::config::{ExceptionSignal, Telemetry};
    /// use opentelemetry_sdk::error::OTelSdkResult;
    /// use opentelemetry_sdk::logs::{LogBatch, LogExporter};
    ///
    /// #[derive(Debug)]
    /// struct Print;
    ///
    /// impl LogExporter for Print {
    ///     async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
    ///         batch.iter().for_each(|(record, _scope)| println!("{:?}", record.severity_number()));
    ///         Ok(())
    ///     }
    /// }
    ///
    /// #[otelier::trace]
    /// fn parse(text: &str) -> Result<u8, std::num::ParseIntError> {
    ///     text.parse()
    /// }
    ///
    /// let settings = Telemetry::default().with_exception_signal(ExceptionSignal::Logs);
    /// let telemetry = otelier::Pipeline::new(settings).with_log_exporter(Print).start()?;
    /// assert!(parse("seven").is_err());
    /// let stats = telemetry.shutdown()?;
    /// assert_eq!(stats.exporters[0].exported, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "logs")]
    pub fn with_log_exporter(mut self, exporter: impl opentelemetry_sdk::logs::LogExporter + 'static) -> Self {
        use crate::export::logs::SdkLogExporter;
        self.exporters.push(Box::new(move |resource| Arc::new(SdkLogExporter::new(exporter, resource))));
        self
    }

    /// Adds an exporter of metrics made for the OpenTelemetry SDK. A periodic reader with the default interval (60 s),
    /// timeout (30 s) and limits, and with the exporter's temporality, hands it all metrics, to which the views of
    /// [`Telemetry::metrics`] apply. It is called on the reader's own thread, inside a current-thread Tokio runtime; for
    /// views that choose attributes, once for each choice.
    ///
    /// ```
    /// use opentelemetry::global;
    /// use opentelemetry_sdk::error::OTelSdkResult;
    /// use opentelemetry_sdk::metrics::Temporality;
    /// use opentelemetry_sdk::metrics::data::ResourceMetrics;
    /// use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
    /// use std::time::Duration;
    ///
    /// struct Print;
    ///
    /// impl PushMetricExporter for Print {
    ///     async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
    ///         let scopes = metrics.scope_metrics();
    ///         scopes.flat_map(|scope| scope.metrics()).for_each(|metric| println!("{}", metric.name()));
    ///         Ok(())
    ///     }
    ///     fn force_flush(&self) -> OTelSdkResult {
    ///         Ok(())
    ///     }
    ///     fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
    ///         Ok(())
    ///     }
    ///     fn temporality(&self) -> Temporality {
    ///         Temporality::Cumulative
    ///     }
    /// }
    ///
    /// let telemetry = otelier::Pipeline::new(otelier::Telemetry::default()).with_metric_exporter(Print).start()?;
    /// global::meter("shop").u64_counter("orders").build().add(1, &[]);
    /// let stats = telemetry.shutdown()?;
    /// assert_eq!(stats.exporters[0].exported, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "metrics")]
    pub fn with_metric_exporter(
        mut self,
        exporter: impl opentelemetry_sdk::metrics::exporter::PushMetricExporter,
    ) -> Self {
        self.metrics.push(metrics::Custom::new(exporter));
        self
    }

    /// Starts the pipeline.
    ///
    /// # Errors
    ///
    /// See [`init`].
    pub fn start(self) -> Result<Guard, Error> {
        #[cfg(feature = "metrics")]
        let Self { telemetry, exporters, metrics: custom } = self;
        #[cfg(not(feature = "metrics"))]
        let Self { telemetry, exporters } = self;
        let mut problems = ConfigError::default();
        telemetry.check(&mut problems);
        let resource = Arc::new(resource::resource(&telemetry));
        let mut all: Vec<Arc<dyn Exporter>> = Vec::new();
        if !telemetry.disabled {
            all.extend(otlp(&telemetry, &mut problems));
            if telemetry.console {
                all.push(Arc::new(SdkExporter::new(ConsoleExporter::new(), &resource)));
            }
        }
        let readers = metrics::Readers::of(&telemetry, &mut problems);
        problems.into_result()?;
        if !telemetry.disabled {
            // Before the place is taken, because this calls code that may panic.
            all.extend(exporters.into_iter().map(|make| make(&resource)));
        }
        if RUNNING.swap(true, Ordering::AcqRel) {
            return Err(Error::AlreadyRunning);
        }
        if telemetry.disabled {
            return Ok(Guard::disabled(telemetry.shutdown_timeout));
        }
        let destinations: Arc<[Destination]> = all.into_iter().map(Destination::new).collect();
        #[cfg(feature = "metrics")]
        let readers = readers.and(custom);
        start(&telemetry, resource, destinations, readers)
    }
}

fn start(
    telemetry: &Telemetry,
    resource: Arc<Resource>,
    destinations: Arc<[Destination]>,
    readers: metrics::Readers,
) -> Result<Guard, Error> {
    capture::set_collector(true);
    let mut metrics = readers.start(telemetry, &resource).inspect_err(|_| free_the_place())?;
    COUNTERS.reset();
    record::begin_totals();
    watch_forks();
    let batch = &telemetry.batch;
    // Two batches at once, because waking the collector costs the thread that does it as much as ten spans.
    record::open_queue(batch.max_bytes(), 2 * batch.max_export_batch_size as u64);
    let (ratio, follow_parent) = match telemetry.sampler {
        Sampler::AlwaysOn => (1.0, false),
        Sampler::AlwaysOff => (0.0, false),
        Sampler::TraceIdRatio(ratio) => (ratio, false),
        Sampler::ParentBased(ratio) => (ratio, true),
    };
    record::set_decision(ratio, follow_parent);
    record::set_tail(telemetry.tail_sampling.as_ref().map(|tail| Keep {
        failed: tail.failed,
        slower_than: tail.slower_than.map_or(u64::MAX, clock::ticks_in),
        ratio: tail.ratio,
    }));
    record::set_limits(&telemetry.limits);
    // Who takes no log records sees the exceptions on the spans, or nobody would see them.
    let takes_logs = destinations.iter().any(|destination| destination.exporter.signal() == Signal::Logs);
    record::set_exception_signal(if takes_logs { telemetry.exception_signal } else { ExceptionSignal::SpanEvents });
    record::old_names::set(&telemetry.old_names, telemetry.span_types);
    record::set_metrics(telemetry.span_metrics);
    let lease = Arc::new(Lease::default());
    let collector = Collector::new(batch.clone(), resource, Arc::clone(&destinations), Arc::clone(&lease));
    let thread = collector.spawn().map_err(|error| {
        free_the_place();
        Error::Thread(error)
    })?;
    if telemetry.hooks == Hooks::Global {
        bridge::install();
    }
    metrics.install(telemetry.hooks);
    record::set_panic_messages(telemetry.panic_messages);
    record::set_policy(if telemetry.hooks == Hooks::None { Policy::Attached } else { Policy::Lazy });
    Ok(Guard::new(thread, telemetry.shutdown_timeout, destinations, metrics, lease))
}

#[cfg(feature = "_otlp")]
fn otlp(telemetry: &Telemetry, problems: &mut ConfigError) -> Vec<Arc<dyn Exporter>> {
    let with_logs = telemetry.exception_signal.in_logs();
    telemetry.otlp.as_ref().map_or_else(Vec::new, |otlp| crate::export::otlp::exporters(otlp, with_logs, problems))
}

#[cfg(not(feature = "_otlp"))]
fn otlp(telemetry: &Telemetry, problems: &mut ConfigError) -> Vec<Arc<dyn Exporter>> {
    if telemetry.otlp.is_some() {
        problems.push("OTLP is configured, but `otelier` was built without the features `otlp-http` and `otlp-grpc`");
    }
    Vec::new()
}
