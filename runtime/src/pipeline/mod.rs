//! From settings to a running pipeline.

mod collector;
mod drops;
mod exporters;
mod exporting;
mod guard;
mod lanes;
mod load;
mod losses;
mod machine;
#[cfg_attr(not(feature = "metrics"), path = "no_metrics.rs")]
mod metrics;
mod once;
mod reload;
#[cfg_attr(not(feature = "otlp-http"), path = "no_remote.rs")]
mod remote;
#[cfg(feature = "metrics")]
mod sdk_metrics;
mod shared;
mod stats;
mod watch_file;

pub use crate::export::BreakerState;
pub use crate::record::{SamplingCounts, TailCounts, TailRuleCounts};
pub use guard::Guard;
pub use once::{SharedGuard, init_once};
pub use reload::ReloadError;
pub(crate) use shared::{Shared, State};
pub use stats::{ExporterStats, ReceiverStats, Stats, TimedOut};
pub use watch_file::FileWatch;

use crate::config::{Batching, ExceptionSignal, Hooks, Telemetry};
use crate::diagnostics::{self, LogLevel};
use crate::export::delivery::Stop;
use crate::export::sdk::SdkExporter;
use crate::export::{Book, Exporter, Signal};
use crate::record::{self, COUNTERS, Policy, capture};
use crate::{ConfigError, Error, bridge, resource};
use collector::Supplies;
use exporters::Placed;
use lanes::Target;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanExporter;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a guard is alive.
static RUNNING: AtomicBool = AtomicBool::new(false);

/// Starts telemetry; the guard that comes back ends it.
///
/// One pipeline runs at a time in a process. Everything it needs runs on a thread of its own, so it works the same with
/// Tokio (also with one thread) and without. Once the guard is gone another may start. [`init_once`] is for code that
/// does not know whether telemetry runs already.
///
/// # Errors
///
/// [`Error::Config`] names every setting that cannot be used; [`Error::AlreadyRunning`] if a guard is alive, or an exporter
/// hangs that the pipeline before has left behind.
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
        #[cfg(all(feature = "signals", unix))]
        crate::signals::in_child();
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

    /// Whether the settings can be used, without starting anything: nothing is connected, and no file is made.
    /// Certificates are read.
    ///
    /// # Errors
    ///
    /// Every setting that cannot be used.
    ///
    /// ```
    /// use otelier::config::{Otlp, Telemetry};
    ///
    /// let settings = Telemetry::default().with_otlp(Otlp::to("localhost"));
    /// assert!(otelier::Pipeline::new(settings).check().is_err());
    /// ```
    pub fn check(&self) -> Result<(), ConfigError> {
        let mut problems = ConfigError::default();
        self.telemetry.check(&mut problems);
        let settings = exporters::without_files(self.telemetry.clone());
        exporters::of(&settings, &Resource::builder_empty().build(), &mut problems);
        metrics::Readers::of(&settings, &mut problems);
        problems.into_result()
    }

    /// Starts the pipeline.
    ///
    /// # Errors
    ///
    /// See [`init`].
    pub fn start(self) -> Result<Guard, Error> {
        #[cfg(feature = "metrics")]
        let Self { telemetry, exporters: own, metrics: custom } = self;
        #[cfg(not(feature = "metrics"))]
        let Self { telemetry, exporters: own } = self;
        let mut problems = ConfigError::default();
        telemetry.check(&mut problems);
        let resource = Arc::new(resource::resource(&telemetry));
        let mut all = Vec::new();
        if !telemetry.disabled {
            all = exporters::of(&telemetry, &resource, &mut problems);
        }
        let readers = metrics::Readers::of(&telemetry, &mut problems);
        problems.into_result()?;
        if !telemetry.disabled {
            // Before the place is taken, because this calls code that may panic.
            all.extend(own.into_iter().map(|make| (Target::Direct(make(&resource)), telemetry.batch.clone())));
        }
        if RUNNING.swap(true, Ordering::AcqRel) {
            return Err(Error::AlreadyRunning);
        }
        let warnings = telemetry.warnings.clone();
        // Ids go on also where no spans are recorded.
        telemetry.correlation.set_of_process();
        let guard = if telemetry.disabled {
            diagnostics::set_log_level(telemetry.log_level);
            Ok(Guard::new(None, metrics::Running::none(), Arc::new(Shared::new(telemetry, Vec::new()))))
        } else {
            #[cfg(feature = "metrics")]
            let readers = readers.and(custom);
            start(telemetry, resource, all, readers)
        };
        for warning in warnings {
            diagnostics::tell(LogLevel::Warn, "Config.Read.Warning", || warning.to_string());
        }
        guard
    }
}

fn start(
    telemetry: Telemetry,
    resource: Arc<Resource>,
    exporters: Vec<Placed>,
    readers: metrics::Readers,
) -> Result<Guard, Error> {
    let exporters = exporters::supplied(exporters, &telemetry).inspect_err(|_| free_the_place())?;
    capture::set_collector(true);
    let metrics = readers.start(&telemetry, &resource).inspect_err(|_| free_the_place())?;
    COUNTERS.reset();
    record::begin_totals();
    record::forget_load();
    watch_forks();
    let batchings = || exporters.iter().map(|exporter| &exporter.batching).chain([&telemetry.batch]);
    let room = batchings().map(Batching::max_bytes).max().unwrap_or_default();
    let smallest = batchings().map(|batching| batching.max_export_batch_size as u64).min().unwrap_or(1);
    // Two batches at once, because waking the collector costs the thread that does it as much as ten spans.
    record::open_queue(room, 2 * smallest);
    drop(reload::apply(&telemetry));
    // Who takes no log records sees the exceptions on the spans, or nobody would see them.
    let takes_logs = exporters.iter().any(|exporter| exporter.book.signal == Signal::Logs);
    record::set_exception_signal(if takes_logs { telemetry.exception_signal } else { ExceptionSignal::SpanEvents });
    record::old_names::set(&telemetry.old_names, telemetry.span_types);
    let (hooks, panic_messages, batching) = (telemetry.hooks, telemetry.panic_messages, telemetry.batch.clone());
    let (retry, breaker) = (telemetry.retry.clone(), telemetry.circuit_breaker.clone());
    let propagators = telemetry.propagators.clone();
    let books: Vec<_> = exporters.iter().map(|exporter| Arc::clone(&exporter.book)).chain(metrics.books()).collect();
    diagnostics::tell(LogLevel::Debug, "Pipeline.Start.Done", || what_starts(&telemetry, &books));
    let shared = Arc::new(Shared::new(telemetry, books));
    let (stop, drops) = (Stop::new(shared.stop.subscribe()), Arc::clone(&shared.drops));
    let its_resource = Arc::clone(&resource);
    let supplies = Supplies { batching, retry, breaker, resource, exporters, stop, drops };
    if shared.measures_itself {
        metrics.measure(&shared);
    }
    let thread = collector::spawn(supplies, Arc::clone(&shared.lease)).map_err(|error| {
        free_the_place();
        Error::Thread(error)
    })?;
    if hooks == Hooks::Global {
        bridge::install(&propagators);
    }
    metrics.install(hooks);
    record::set_panic_messages(panic_messages);
    record::set_policy(if hooks == Hooks::None { Policy::Attached } else { Policy::Lazy });
    remote::begin(&shared, &its_resource);
    Ok(Guard::new(Some(thread), metrics, shared))
}

/// Settings and exporters, without secrets: their `Debug` hides them.
fn what_starts(telemetry: &Telemetry, books: &[Arc<Book>]) -> String {
    let names: Vec<_> = books.iter().map(|book| format!("{} ({})", book.name, book.signal)).collect();
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    format!("telemetry has started; exporters: {names}; settings: {telemetry:?}")
}
