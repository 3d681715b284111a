//! The metrics of a pipeline: from settings to running readers, and their end.

use super::sdk_metrics;
use super::shared::Shared;
use crate::config::{Hooks, MetricExporter, MetricReader, PullReader, Telemetry, Temporality};
use crate::diagnostics::{self, LogLevel};
use crate::export::Book;
use crate::export::metrics::{MetricSink, SdkSink};
#[cfg(feature = "prometheus")]
use crate::metrics::Serving;
use crate::metrics::{Installed, Provider, Reading, sink};
use crate::{ConfigError, Error, record};
use opentelemetry::metrics::{MeterProvider, NoopMeterProvider};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::Temporality as SdkTemporality;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Readers, and where each of them exports to.
pub(super) struct Readers {
    push: Vec<(MetricReader, Arc<dyn MetricSink>)>,
    pull: Vec<PullReader>,
}

/// An exporter that settings cannot name, and how it is read.
pub(super) struct Custom(MetricReader, Arc<dyn MetricSink>);

impl Custom {
    pub(super) fn new(exporter: impl PushMetricExporter) -> Self {
        let temporality = match exporter.temporality() {
            SdkTemporality::Delta => Temporality::Delta,
            SdkTemporality::LowMemory => Temporality::LowMemory,
            _ => Temporality::Cumulative,
        };
        // Where it goes is said by the exporter, not by the settings.
        let reader = MetricReader::new(MetricExporter::Console).with_temporality(temporality);
        Self(reader, Arc::new(SdkSink(exporter)))
    }
}

/// Whether the global meter provider is a pipeline's.
static IS_GLOBAL: AtomicBool = AtomicBool::new(false);

/// Called in the child of a fork: what annotations measure would go to a provider whose locks nobody may ever release.
pub(super) fn in_child_of_fork() {
    if IS_GLOBAL.load(Ordering::Relaxed) {
        record::set_metrics(false);
    }
}

impl Readers {
    /// The readers of the settings; what is wrong with them goes to `problems`.
    pub(super) fn of(telemetry: &Telemetry, problems: &mut ConfigError) -> Self {
        let readers = telemetry.metrics.readers.iter().filter(|_| !telemetry.disabled);
        let push = readers.filter_map(|reader| Some((reader.clone(), sink(reader, telemetry, problems)?))).collect();
        let pull = telemetry.metrics.pull.iter().filter(|_| !telemetry.disabled).cloned().collect();
        Self { push, pull }
    }

    pub(super) fn and(mut self, custom: Vec<Custom>) -> Self {
        self.push.extend(custom.into_iter().map(|Custom(reader, sink)| (reader, sink)));
        self
    }

    /// Starts to read.
    pub(super) fn start(self, telemetry: &Telemetry, resource: &Resource) -> Result<Running, Error> {
        if self.push.is_empty() && self.pull.is_empty() {
            return Ok(Running::none());
        }
        let (mut settings, sinks): (Vec<_>, Vec<_>) = self.push.into_iter().unzip();
        settings.extend(self.pull.iter().map(as_reader));
        let (provider, collected) = Provider::new(&settings, &telemetry.metrics.views, resource);
        let mut collected = collected.into_iter();
        let mut running = Running::none();
        running.provider = Some(provider);
        // Those that run already end when `running` is dropped. Servers first: they are what may fail, and so nothing has
        // been exported then.
        let pushed: Vec<_> = collected.by_ref().take(sinks.len()).collect();
        #[cfg(feature = "prometheus")]
        for (reader, collected) in self.pull.iter().zip(collected) {
            let crate::config::PullExporter::Prometheus(prometheus) = &reader.exporter;
            running.servers.push(Serving::start(prometheus, collected, resource)?);
        }
        for ((settings, sink), collected) in settings.iter().zip(sinks).zip(pushed) {
            running.readings.push(Reading::start(settings, collected, sink).map_err(Error::Thread)?);
        }
        Ok(running)
    }
}

/// How the provider aggregates for a reader that others ask: from the start, as Prometheus wants it.
fn as_reader(reader: &PullReader) -> MetricReader {
    // Where it goes is said by who asks.
    MetricReader::new(MetricExporter::Console).with_cardinality_limits(reader.cardinality_limits.clone())
}

/// The metrics of a pipeline that runs.
#[derive(Debug)]
pub(super) struct Running {
    provider: Option<Provider>,
    readings: Vec<Reading>,
    #[cfg(feature = "prometheus")]
    servers: Vec<Serving>,
    installed: Mutex<Option<Installed>>,
}

impl Running {
    pub(super) fn none() -> Self {
        Self {
            provider: None,
            readings: Vec::new(),
            #[cfg(feature = "prometheus")]
            servers: Vec::new(),
            installed: Mutex::default(),
        }
    }

    /// Makes the provider OpenTelemetry's global one, if there is one and the hooks say so.
    pub(super) fn install(&self, hooks: Hooks) {
        let provider = self.provider.clone().filter(|_| hooks == Hooks::Global);
        let installed = provider.and_then(Installed::install);
        if installed.is_some() {
            IS_GLOBAL.store(true, Ordering::Relaxed);
        } else if record::forks() > 0 {
            // The provider of the parent is still in its place.
            in_child_of_fork();
        }
        *self.installed.lock().unwrap_or_else(PoisonError::into_inner) = installed;
    }

    pub(super) fn provider(&self) -> Arc<dyn MeterProvider + Send + Sync> {
        match &self.provider {
            Some(provider) => Arc::new(provider.clone()),
            None => Arc::new(NoopMeterProvider::new()),
        }
    }

    /// Makes the pipeline measure itself.
    pub(super) fn measure(&self, shared: &Arc<Shared>) {
        match &self.provider {
            Some(provider) => sdk_metrics::install(provider, shared),
            None => diagnostics::tell(LogLevel::Warn, "Pipeline.SdkMetrics.NoReader", || {
                "`sdk_metrics` is set, but there is no reader of metrics, so the pipeline does not measure itself"
                    .into()
            }),
        }
    }

    /// Asks all readers for a flush: its number for each.
    pub(super) fn flush(&self) -> Vec<u64> {
        self.readings.iter().map(Reading::flush).collect()
    }

    /// Waits for a flush. `false` if the time was too short.
    pub(super) fn wait_flushed(&self, flush: &[u64], deadline: Instant) -> bool {
        let mut in_time = true;
        for (reading, flush) in self.readings.iter().zip(flush) {
            in_time &= reading.wait_flushed(*flush, deadline);
        }
        in_time
    }

    /// Asks all readers to export what is left by the deadline, and to end.
    pub(super) fn stop(&self, deadline: Instant) {
        self.readings.iter().for_each(|reading| reading.stop(deadline));
        #[cfg(feature = "prometheus")]
        self.servers.iter().for_each(|server| server.stop(deadline));
    }

    /// Waits for the end of all readers, and gives the global provider's place free. `false` if the time was too short.
    pub(super) fn end(&self, deadline: Instant) -> bool {
        let mut in_time = true;
        for reading in &self.readings {
            in_time &= reading.wait_ended(deadline);
        }
        #[cfg(feature = "prometheus")]
        for server in &self.servers {
            in_time &= server.wait_ended(deadline);
        }
        self.take_back();
        in_time
    }

    fn take_back(&self) {
        self.provider.iter().for_each(Provider::end);
        let installed = self.installed.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(installed) = installed {
            IS_GLOBAL.store(false, Ordering::Relaxed);
            installed.uninstall();
        }
    }

    /// The numbers of all exporters of metrics.
    pub(super) fn books(&self) -> impl Iterator<Item = Arc<Book>> {
        let books = self.readings.iter().map(Reading::book);
        #[cfg(feature = "prometheus")]
        let books = books.chain(self.servers.iter().map(Serving::book));
        books.cloned()
    }
}

impl Drop for Running {
    /// For a pipeline that did not start; elsewhere all is over already.
    fn drop(&mut self) {
        self.stop(Instant::now());
        self.take_back();
    }
}
