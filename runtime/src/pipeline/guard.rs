//! The guard that keeps telemetry running.

use super::metrics::Running as Metrics;
use super::reload::{ReloadError, reload};
use super::remote;
use super::shared::{Shared, State};
use super::stats::{Stats, TimedOut};
use super::watch_file::{FileWatch, watch};
use crate::config::{Sampler, Telemetry};
use crate::diagnostics::{self, LogLevel};
use crate::health::{Health, HealthHandle};
use crate::record::{self, Policy, QUEUE, SamplingCounts, TailCounts};
use crate::{ConfigError, clock};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Keeps telemetry running; dropping it, also in a panic, exports what is left within the shutdown timeout (5 s unless
/// configured).
///
/// Waiting for the exporters blocks the calling thread only: they run on a thread and a runtime of their own, so a guard
/// may be dropped inside a one-thread Tokio runtime. A guard that is never dropped, in a `static` or by
/// [`std::process::exit`], ends with the process: what was not exported by then is lost.
#[must_use = "telemetry ends when the guard is dropped; keep it in a variable of `main`"]
#[derive(Debug)]
pub struct Guard {
    /// `None` once the pipeline has ended.
    running: Mutex<Option<Running>>,
    metrics: Arc<Metrics>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Running {
    /// `None` if telemetry is disabled.
    collector: Option<JoinHandle<()>>,
}

/// Settles who gives the process's one place for a pipeline free: the guard, or a collector that outlived it.
#[derive(Debug, Default)]
pub(super) struct Lease(AtomicU8);

const ENDED: u8 = 1;
const GIVEN_UP: u8 = 2;

impl Lease {
    /// The collector has ended.
    pub(super) fn ended(&self) {
        if self.0.swap(ENDED, Ordering::AcqRel) == GIVEN_UP {
            super::free_the_place();
        }
    }

    /// Whether the collector has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.0.load(Ordering::Acquire) == ENDED
    }

    /// The guard stops waiting; whether the collector still runs.
    fn give_up(&self) -> bool {
        self.0.swap(GIVEN_UP, Ordering::AcqRel) != ENDED
    }
}

impl Guard {
    pub(super) fn new(collector: Option<JoinHandle<()>>, metrics: Metrics, shared: Arc<Shared>) -> Self {
        Self { running: Mutex::new(Some(Running { collector })), metrics: Arc::new(metrics), shared }
    }

    /// Whether it belongs to this process, and not to the one that this is a fork of.
    pub(super) fn is_here(&self) -> bool {
        self.shared.is_here()
    }

    pub(super) fn has_settings(&self, telemetry: &Telemetry) -> bool {
        *self.shared.settings() == *telemetry
    }

    /// Exports every span that has ended, and all metrics as they are now, and waits for it at most `timeout`.
    ///
    /// # Errors
    ///
    /// [`TimedOut`] if the exporters needed longer. Failed exports are no error here; [`stats`](Self::stats) counts them.
    pub fn force_flush(&self, timeout: Duration) -> Result<(), TimedOut> {
        if self.shared.state() != State::Running {
            return Ok(());
        }
        let deadline = clock::instant_after(timeout);
        // Readers have threads of their own, so all export at the same time.
        let metrics = self.metrics.flush();
        let spans_in_time = QUEUE.flush(timeout);
        let metrics_in_time = self.metrics.wait_flushed(&metrics, deadline);
        if spans_in_time && metrics_in_time {
            return Ok(());
        }
        Err(TimedOut { after: timeout, stats: Box::new(self.stats()), what: late(spans_in_time) })
    }

    /// Decides with another sampler from now on which traces are recorded. Traces that have begun stay what they are, whole.
    ///
    /// Threads that make spans are not held up, and it may be called as often as one likes. While telemetry is disabled, and
    /// in the child of a fork, nothing is recorded with any sampler.
    ///
    /// # Errors
    ///
    /// One sentence for every part of the sampler that cannot be used; then the one that was there stays.
    ///
    /// # Examples
    ///
    /// ```
    /// use otelier::config::Sampler;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let telemetry = otelier::init(otelier::Telemetry::default().with_sampler(Sampler::parent_based(0.01)))?;
    /// // Somebody looks for an error: everything, please.
    /// telemetry.set_sampler(Sampler::default())?;
    /// assert!(telemetry.set_sampler(Sampler::parent_based(7.0)).is_err());
    /// # telemetry.shutdown()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_sampler(&self, sampler: Sampler) -> Result<(), ConfigError> {
        let mut problems = ConfigError::default();
        sampler.check(&mut problems);
        problems.into_result()?;
        if self.shared.is_here() {
            // Held until the sampler is there, so that it is what a reload at the same time finds in force.
            let mut settings = self.shared.settings();
            let is_running = self.shared.state() == State::Running;
            let replaced = is_running.then(|| remote::install(&self.shared, &sampler));
            let replaced = (replaced, std::mem::replace(&mut settings.sampler, sampler));
            // A sampler of the program's own that ends may set another one.
            drop(settings);
            drop(replaced);
        }
        Ok(())
    }

    /// How the sampler has decided since it was installed, and why it refused what it refused.
    ///
    /// `None` for samplers that are decided with one comparison, whose decisions are not counted: always on, always off,
    /// ratios by the trace id, and parent based ones of these with the specification's other branches.
    ///
    /// ```
    /// use otelier::config::Sampler;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let telemetry = otelier::init(otelier::Telemetry::default().with_sampler(Sampler::RateLimit(1.0)))?;
    /// for _ in 0..3 {
    ///     otelier::Span::start("request").end();
    /// }
    /// let counts = telemetry.sampling_counts().expect("a rate limit counts");
    /// assert_eq!((counts.kept, counts.by_rate_limit), (1, 2));
    /// # telemetry.shutdown()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn sampling_counts(&self) -> Option<SamplingCounts> {
        let counts = self.shared.is_here() && self.shared.state() == State::Running;
        counts.then(record::sampling_counts).flatten()
    }

    /// How tail sampling has decided since it was set, by rule; `None` without tail sampling.
    ///
    /// ```
    /// use otelier::config::{Keep, TailRule, TailSampling};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let tail = TailSampling::new(0.0).with_rule(TailRule::new("errors", Keep::Always).failed());
    /// let telemetry = otelier::init(otelier::Telemetry::default().with_tail_sampling(tail))?;
    /// otelier::Span::start("good").end();
    /// let bad = otelier::Span::start("bad");
    /// bad.record_error(&std::fmt::Error);
    /// bad.end();
    /// telemetry.force_flush(std::time::Duration::from_secs(5))?;
    /// let counts = telemetry.tail_counts().expect("there is tail sampling");
    /// assert_eq!((counts.kept, counts.dropped), (1, 1));
    /// assert_eq!((counts.by_rule[0].name.as_str(), counts.by_rule[0].kept), ("errors", 1));
    /// # telemetry.shutdown()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn tail_counts(&self) -> Option<TailCounts> {
        let counts = self.shared.is_here() && self.shared.state() == State::Running;
        counts.then(record::tail_counts).flatten()
    }

    /// The meter provider of the pipeline, which is OpenTelemetry's global one with [`Hooks::Global`]. Without a reader in
    /// [`Telemetry::metrics`], its meters measure nothing.
    ///
    /// [`Hooks::Global`]: crate::config::Hooks::Global
    ///
    /// ```
    /// use otelier::config::{Hooks, MetricReader, Telemetry};
    ///
    /// let settings = Telemetry::default().with_hooks(Hooks::Manual).with_metrics(MetricReader::console());
    /// let telemetry = otelier::init(settings)?;
    /// let orders = telemetry.meter_provider().meter("shop").u64_counter("orders").build();
    /// orders.add(1, &[]);
    /// assert_eq!(telemetry.shutdown()?.exporters[0].exported, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "metrics")]
    pub fn meter_provider(&self) -> Arc<dyn opentelemetry::metrics::MeterProvider + Send + Sync> {
        self.metrics.provider()
    }

    /// What became of the spans so far, and of what else the exporters were given.
    pub fn stats(&self) -> Stats {
        self.shared.stats()
    }

    /// How telemetry is doing, at this moment. See [`health`](crate::health).
    pub fn health(&self) -> Health {
        self.health_handle().health()
    }

    /// A handle by which others ask for the health: cheap to clone, and it outlives the guard.
    ///
    /// ```
    /// use otelier::health::Status;
    ///
    /// let telemetry = otelier::init(otelier::Telemetry::default())?;
    /// let handle = telemetry.health_handle();
    /// assert_eq!(handle.health().status, Status::Ok);
    /// telemetry.shutdown()?;
    /// assert_eq!(handle.health().status, Status::Stopped);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn health_handle(&self) -> HealthHandle {
        HealthHandle::of(&self.shared)
    }

    /// Changes how much [`diagnostics`] says, at once. Default: what
    /// [`Telemetry::log_level`] was.
    ///
    /// ```
    /// use otelier::diagnostics::LogLevel;
    ///
    /// let telemetry = otelier::init(otelier::Telemetry::default())?;
    /// telemetry.set_log_level(LogLevel::Debug);
    /// assert_eq!(otelier::diagnostics::log_level(), LogLevel::Debug);
    /// # Ok::<(), otelier::Error>(())
    /// ```
    pub fn set_log_level(&self, level: LogLevel) {
        if self.is_here() {
            self.shared.settings().log_level = level;
        }
        diagnostics::set_log_level(level);
    }

    /// Applies these settings while telemetry runs: all that differ from those in force, or, if one of them cannot change
    /// while it runs, none.
    ///
    /// What can change: `sampler`, `tail_sampling`, `limits`, `span_metrics`, `panic_messages`, `log_level` and
    /// `shutdown_timeout`. A trace that has begun keeps its decision; a span that is open gets the new limits for what it
    /// records from then on. With [`Telemetry::disabled`] settings can be changed and have no effect, as at the start.
    ///
    /// # Errors
    ///
    /// [`ReloadError::CannotChange`] names each setting that differs and needs a new pipeline;
    /// [`ReloadError::Config`] each that cannot be used; [`ReloadError::NotRunning`] if the pipeline has ended. The old
    /// settings stay in force.
    ///
    /// ```
    /// use otelier::config::{Sampler, Telemetry};
    ///
    /// let settings = Telemetry::default().with_service_name("lakehouse");
    /// let telemetry = otelier::init(settings.clone())?;
    /// telemetry.reload(&settings.clone().with_sampler(Sampler::parent_based(0.1)))?;
    /// let error = telemetry.reload(&settings.with_service_name("other")).unwrap_err();
    /// assert!(error.to_string().contains("`service_name`"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reload(&self, telemetry: &Telemetry) -> Result<(), ReloadError> {
        reload(&self.shared, telemetry)
    }

    /// Reads settings again whenever the contents of a file have changed, and [applies](Self::reload) them.
    ///
    /// A thread of its own looks at the file every `interval` (at least 10 ms) and calls `load` when its bytes differ from
    /// those before. A file that is replaced, or that a symbolic link comes to point at, as Kubernetes does, counts as
    /// changed. If the file is gone, or `load` fails or panics, or the settings cannot be applied, the old ones stay in
    /// force, [`diagnostics`] says why, and [`health`](Self::health) shows it until a reload
    /// succeeds. The watch ends when what comes back is dropped, or with the pipeline.
    ///
    /// # Errors
    ///
    /// If the thread cannot be started, or the file cannot be read now: a path that is wrong from the start is a mistake.
    ///
    /// ```
    /// use otelier::config::{Sampler, Telemetry};
    /// use std::time::Duration;
    ///
    /// # let folder = std::env::temp_dir().join(format!("otelier-doc-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// # let path = folder.join("ratio.txt");
    /// std::fs::write(&path, "0.5")?;
    /// let telemetry = otelier::init(Telemetry::default())?;
    /// let file = path.clone();
    /// let watch = telemetry.reload_when_changed(&path, Duration::from_secs(5), move || {
    ///     let ratio = std::fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok());
    ///     Ok(Telemetry::default().with_sampler(Sampler::parent_based(ratio.unwrap_or(1.0))))
    /// })?;
    /// # drop(watch);
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reload_when_changed(
        &self,
        path: impl AsRef<Path>,
        interval: Duration,
        load: impl Fn() -> Result<Telemetry, ConfigError> + Send + 'static,
    ) -> io::Result<FileWatch> {
        watch(&self.shared, path.as_ref(), interval, Box::new(load))
    }

    /// Stops recording, exports what is left, and says what became of every span. Takes at most the shutdown timeout.
    ///
    /// Every exporter has the whole time for what is left, whatever the others do: one that hangs takes none of it away
    /// from one that answers, unless it keeps the thread that they share.
    ///
    /// # Errors
    ///
    /// [`TimedOut`] if the exporters needed longer; spans they still held are lost.
    pub fn shutdown(self) -> Result<Stats, TimedOut> {
        self.end()?;
        Ok(self.stats())
    }

    /// Ends the pipeline, unless somebody has.
    pub(crate) fn end(&self) -> Result<(), TimedOut> {
        if !self.is_here() {
            return Ok(());
        }
        // Held until the end, so that another who ends it, such as a signal's thread, waits for that.
        let mut place = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(running) = place.take() else { return Ok(()) };
        record::set_policy(Policy::Off);
        let timeout = self.shared.begin_to_stop();
        let deadline = clock::instant_after(timeout);
        if running.collector.is_some() {
            // Wakes the collector where it waits for exporters; the queue, where it waits for spans.
            self.shared.stop.send_replace(Some(deadline));
            QUEUE.stop(deadline);
            if self.shared.measures_itself {
                // What is measured of the exporters is all there only after them. A half of the time stays for it.
                QUEUE.wait_stopped(clock::instant_after(timeout / 2));
            }
        }
        self.shared.remote.stop(deadline);
        // Otherwise readers, which have threads of their own, export at the same time as the collector.
        self.metrics.stop(deadline);
        let in_time = match running.collector {
            None => true,
            Some(collector) => {
                let in_time = QUEUE.wait_stopped(deadline);
                if in_time {
                    // The thread has said its last word; if it panicked, there is nothing more to learn from it.
                    let _ = collector.join();
                    // A thread that was just finishing a span may have committed it behind the collector's back.
                    record::discard_ended();
                }
                in_time
            }
        };
        let metrics_in_time = self.metrics.end(deadline);
        self.shared.has_stopped();
        // A collector that hangs in an exporter keeps the pipeline occupied, because a second one would share its queue; it
        // gives the place up when it ends after all. A reader that hangs shares nothing with the next pipeline.
        if in_time || !self.shared.lease.give_up() {
            super::free_the_place();
        }
        if in_time && metrics_in_time {
            return Ok(());
        }
        let stats = self.stats();
        diagnostics::tell(LogLevel::Error, "Pipeline.Shutdown.TimedOut", || {
            self.what_is_lost(late(in_time), timeout, &stats)
        });
        Err(TimedOut { after: timeout, stats: Box::new(stats), what: late(in_time) })
    }

    fn what_is_lost(&self, what: &str, after: Duration, stats: &Stats) -> String {
        let mut text = format!("the exporters did not take all {what} within {after:?}");
        let ended = stats.started.saturating_sub(stats.open + stats.dropped());
        for exporter in stats.exporters.iter().filter(|exporter| exporter.signal == crate::export::Signal::Spans) {
            let lost = ended.saturating_sub(exporter.exported + exporter.rejected);
            if lost > 0 {
                text.push_str(&format!("; {} has {lost} of {ended} not", exporter.name));
            }
        }
        let hangs = self.shared.books.iter().find(|book| book.keeps_thread_for().is_some());
        hangs.into_iter().for_each(|book| text.push_str(&format!("; {} does not give its thread back", book.name)));
        text
    }

    #[cfg(feature = "signals")]
    pub(crate) fn shutdown_timeout(&self) -> Duration {
        self.shared.settings().shutdown_timeout
    }

    /// Whether the pipeline runs.
    pub(super) fn is_running(&self) -> bool {
        matches!(self.shared.state(), State::Running | State::Disabled)
    }
}

/// What the exporters did not take in time.
fn late(spans_in_time: bool) -> &'static str {
    if spans_in_time { "metrics" } else { "spans" }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // `shutdown` tells who wants to know.
        let _ = self.end();
        // What is left in the child of a fork: a thread in another process, which must be neither waited for nor detached.
        std::mem::forget(self.running.get_mut().unwrap_or_else(PoisonError::into_inner).take());
        if !self.is_here() {
            // Dropping what wakes the threads takes locks, which the parent's threads may have held when it forked.
            std::mem::forget((Arc::clone(&self.metrics), Arc::clone(&self.shared)));
        }
    }
}
