//! The guard that keeps telemetry running.

use super::stats::{Destination, Stats, TimedOut, stats};
use crate::ConfigError;
use crate::config::Sampler;
use crate::record::{self, Policy, QUEUE, SamplingCounts};
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
        lease: Arc<Lease>,
    ) -> Self {
        Self {
            running: Some(Running { collector: Some(collector) }),
            timeout,
            destinations,
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
            lease: Arc::default(),
            disabled: true,
            forks: record::forks(),
        }
    }

    /// Exports every span that has ended, and waits for it at most `timeout`.
    ///
    /// # Errors
    ///
    /// [`TimedOut`] if the exporters needed longer. Failed exports are no error here; [`stats`](Self::stats) counts them.
    pub fn force_flush(&self, timeout: Duration) -> Result<(), TimedOut> {
        let enabled = self.running.as_ref().is_some_and(|running| running.collector.is_some());
        let enabled = enabled && self.forks == record::forks();
        if enabled && !QUEUE.flush(timeout) {
            return Err(TimedOut { after: timeout, stats: self.stats() });
        }
        Ok(())
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
        if !self.disabled && self.forks == record::forks() {
            record::set_sampler(sampler.node());
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
        let counts = !self.disabled && self.forks == record::forks();
        counts.then(record::sampling_counts).flatten()
    }

    /// What became of the spans so far.
    pub fn stats(&self) -> Stats {
        // In the child of a fork the exporters are copies, and perhaps locked for good.
        let mine = self.forks == record::forks();
        if self.disabled { Stats::default() } else { stats(if mine { &self.destinations } else { &[] }) }
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
            return Ok(());
        }
        record::set_policy(Policy::Off);
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
        // A collector that hangs in an exporter keeps the pipeline occupied, because a second one would share its queue; it
        // gives the place up when it ends after all.
        if in_time || !self.lease.give_up() {
            super::free_the_place();
        }
        if in_time { Ok(()) } else { Err(TimedOut { after: self.timeout, stats: self.stats() }) }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // `shutdown` tells who wants to know.
        let _ = self.end();
    }
}
