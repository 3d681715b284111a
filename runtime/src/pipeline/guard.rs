//! The guard that keeps telemetry running.

use super::metrics::Running as Metrics;
use super::stats::{Destination, Stats, TimedOut, stats};
use crate::clock;
use crate::record::{self, Policy, QUEUE};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Keeps telemetry running; dropping it, also in a panic, exports what is left within the shutdown timeout (5 s unless
/// configured).
///
/// Waiting for the exporters blocks the calling thread only: they run on a thread and a runtime of their own, so a guard
/// may be dropped inside a one-thread Tokio runtime.
#[must_use = "telemetry ends when the guard is dropped; keep it in a variable of `main`"]
#[derive(Debug)]
pub struct Guard {
    running: Option<Running>,
    timeout: Duration,
    destinations: Arc<[Destination]>,
    metrics: Metrics,
    lease: Arc<Lease>,
    disabled: bool,
    /// The process this guard belongs to; a copy of it in the child of a fork has nothing to end.
    forks: u64,
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

    /// The guard stops waiting; whether the collector still runs.
    fn give_up(&self) -> bool {
        self.0.swap(GIVEN_UP, Ordering::AcqRel) != ENDED
    }
}

impl Guard {
    pub(super) fn new(
        collector: JoinHandle<()>,
        timeout: Duration,
        destinations: Arc<[Destination]>,
        metrics: Metrics,
        lease: Arc<Lease>,
    ) -> Self {
        Self {
            running: Some(Running { collector: Some(collector) }),
            timeout,
            destinations,
            metrics,
            lease,
            disabled: false,
            forks: record::forks(),
        }
    }

    pub(super) fn disabled(timeout: Duration) -> Self {
        let running = Some(Running { collector: None });
        Self {
            running,
            timeout,
            destinations: Arc::new([]),
            metrics: Metrics::none(),
            lease: Arc::default(),
            disabled: true,
            forks: record::forks(),
        }
    }

    /// Exports every span that has ended, and all metrics as they are now, and waits for it at most `timeout`.
    ///
    /// # Errors
    ///
    /// [`TimedOut`] if the exporters needed longer. Failed exports are no error here; [`stats`](Self::stats) counts them.
    pub fn force_flush(&self, timeout: Duration) -> Result<(), TimedOut> {
        let enabled = self.running.as_ref().is_some_and(|running| running.collector.is_some());
        let enabled = enabled && self.forks == record::forks();
        if !enabled {
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
        Err(TimedOut { after: timeout, stats: self.stats() })
    }

    /// The meter provider of the pipeline, which is OpenTelemetry's global one with [`Hooks::Global`]. Without a reader in
    /// [`Telemetry::metrics`], its meters measure nothing.
    ///
    /// [`Hooks::Global`]: crate::config::Hooks::Global
    /// [`Telemetry::metrics`]: crate::Telemetry::metrics
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
        if self.disabled {
            return Stats::default();
        }
        if self.forks != record::forks() {
            // In the child of a fork the exporters are copies, and perhaps locked for good.
            return stats(&[]);
        }
        let mut stats = stats(&self.destinations);
        stats.exporters.extend(self.metrics.stats());
        stats
    }

    /// Stops recording, exports what is left, and says what became of every span. Takes at most the shutdown timeout.
    ///
    /// # Errors
    ///
    /// [`TimedOut`] if the exporters needed longer; spans they still held are lost.
    pub fn shutdown(mut self) -> Result<Stats, TimedOut> {
        self.end()?;
        Ok(self.stats())
    }

    fn end(&mut self) -> Result<(), TimedOut> {
        let Some(running) = self.running.take() else { return Ok(()) };
        if self.forks != record::forks() {
            // The collector's thread is in another process, where it must not be waited for.
            std::mem::forget(running);
            std::mem::replace(&mut self.metrics, Metrics::none()).forget();
            return Ok(());
        }
        let deadline = clock::instant_after(self.timeout);
        record::set_policy(Policy::Off);
        self.metrics.stop(deadline);
        let in_time = match running.collector {
            None => true,
            Some(collector) => {
                let in_time = QUEUE.stop(self.timeout);
                if in_time {
                    // The thread has said its last word; if it panicked, there is nothing more to learn from it.
                    let _ = collector.join();
                    // A thread that was just finishing a span may have committed it behind the collector's back.
                    record::discard_ended();
                }
                in_time
            }
        };
        // A reader that hangs shares nothing with the next pipeline, so it does not keep the place.
        let metrics_in_time = self.metrics.end(deadline);
        // A collector that hangs in an exporter keeps the pipeline occupied, because a second one would share its queue; it
        // gives the place up when it ends after all.
        if in_time || !self.lease.give_up() {
            super::free_the_place();
        }
        if in_time && metrics_in_time {
            return Ok(());
        }
        Err(TimedOut { after: self.timeout, stats: self.stats() })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // `shutdown` tells who wants to know.
        let _ = self.end();
    }
}
