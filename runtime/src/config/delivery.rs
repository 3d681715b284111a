//! What happens to batches that do not arrive at once.

use super::{Exporter, LogExporter, MetricExporter, Otlp, Telemetry};
use std::path::PathBuf;
use std::time::Duration;

/// How batches are sent again that a receiver could not take, as OTLP's specification has it. YAML:
/// `distribution.otelier.retry`.
///
/// Sent again is what got no connection, lost it or got no answer in time; what was answered 429, 502, 503 or 504; and over
/// gRPC `CANCELLED`, `DEADLINE_EXCEEDED`, `ABORTED`, `OUT_OF_RANGE`, `UNAVAILABLE`, `DATA_LOSS`, and `RESOURCE_EXHAUSTED`
/// with a `RetryInfo`. Every other answer is final. The pause before the attempt `n + 1` is drawn evenly from 0 to
/// `initial_backoff * 2^(n-1)`, at most `max_backoff`; where the receiver names a pause (`Retry-After`, `RetryInfo`), that
/// counts. A batch may arrive twice if an answer is lost. While the pipeline stops, a batch gets one attempt, and up to three
/// where a receiver answers that it cannot now.
///
/// Metrics are sent again within the time of their export only ([`MetricReader::timeout`](super::MetricReader)): what did not
/// arrive by then is not kept, because the next export brings the sums again.
///
/// ```
/// use otelier::config::Retry;
/// use std::time::Duration;
///
/// let retry = Retry::default().with_backoff(Duration::from_secs(1), Duration::from_secs(10));
/// let telemetry = otelier::Telemetry::default().with_retry(retry);
/// assert_eq!(telemetry.retry.max_elapsed, Duration::from_secs(300));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retry {
    /// The longest first pause. Default: 5 s.
    pub initial_backoff: Duration,
    /// The longest pause. Default: 30 s.
    pub max_backoff: Duration,
    /// How long after its first attempt a batch is given up: the budget of its retries; [`Duration::ZERO`]: nothing is
    /// sent again. What was not tried yet, because a receiver is left alone, does not age. What lies in a [`DiskBuffer`] is not
    /// given up before its `max_age`. Environment: `OTELIER_RETRY_MAX_ELAPSED`, in milliseconds. Default: 5 minutes.
    pub max_elapsed: Duration,
    /// How many bytes of batches wait in memory for one exporter, at most, whether they were tried or not; each counts 4 KiB
    /// besides its spans. An exporter that
    /// is not sent to again has as much room as the queue ([`Batching::max_queue_size`](super::Batching)). When no exporter
    /// has room, spans stay in the queue; one that has had none for a second while others have loses what comes, and counts
    /// it (`backlog_full`). A flush may take as much again, a shutdown what is left. Default: 16 MiB.
    pub max_pending_bytes: usize,
    /// HTTP statuses that count as those above, for receivers that do not keep to the specification. Default: none.
    pub also_statuses: Vec<u16>,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            initial_backoff: Duration::from_secs(5),
            max_backoff: Duration::from_secs(30),
            max_elapsed: Duration::from_secs(300),
            max_pending_bytes: 16 << 20,
            also_statuses: Vec::new(),
        }
    }
}

impl Retry {
    /// Nothing is sent again.
    pub fn never() -> Self {
        Self { max_elapsed: Duration::ZERO, ..Self::default() }
    }

    /// Sets the longest first pause and the longest of all. Default: 5 s and 30 s.
    #[must_use]
    pub fn with_backoff(mut self, initial: Duration, max: Duration) -> Self {
        (self.initial_backoff, self.max_backoff) = (initial, max);
        self
    }

    /// Sets how long after its first attempt a batch is given up; 0: nothing is sent again. Default: 5 minutes.
    #[must_use]
    pub fn with_max_elapsed(mut self, elapsed: Duration) -> Self {
        self.max_elapsed = elapsed;
        self
    }

    /// Sets how many bytes wait in memory for one exporter. Default: 16 MiB.
    #[must_use]
    pub fn with_max_pending_bytes(mut self, bytes: usize) -> Self {
        self.max_pending_bytes = bytes;
        self
    }

    /// Adds an HTTP status after which a batch is sent again. Default: 429, 502, 503 and 504.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.also_statuses.push(status);
        self
    }

    fn check(&self, problems: &mut crate::ConfigError) {
        if self.initial_backoff.is_zero() || self.initial_backoff > self.max_backoff {
            problems.push(format_args!(
                "the first pause before a retry is {:?} and the longest {:?}; expected 0 < `initial_backoff` <= \
                 `max_backoff`",
                self.initial_backoff, self.max_backoff
            ));
        }
        for status in self.also_statuses.iter().filter(|status| !(400..=599).contains(*status)) {
            problems.push(format_args!("`also_statuses` has {status}; expected statuses of errors, 400 to 599"));
        }
    }
}

/// When a receiver is left alone for a while. YAML: `distribution.otelier.circuit_breaker`. Each receiver of each exporter has
/// a breaker of its own.
///
/// An attempt fails if it got no connection, no answer in time, or an answer after which a batch is [sent again](Retry). An
/// answer that is final is a success: the receiver works. One that names a pause (`Retry-After`) is neither: nothing is sent
/// until the pause is over.
///
/// Closed, everything is sent. After `failures` attempts in a row that failed it opens: nothing is sent for `open_for`, and
/// batches wait or go to the next exporter of a [`Failover`]. Then it is half-open: one batch is sent to see. If that
/// arrives, and so many as `successes` says, the breaker closes; if not, it opens again, each time for twice as long, up to
/// ten times `open_for`. A flush lets one batch look at once; a shutdown gives each an attempt whatever the state.
///
/// ```
/// use otelier::config::CircuitBreaker;
///
/// assert_eq!(CircuitBreaker::default().failures, 5);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CircuitBreaker {
    /// How many attempts in a row must fail; 0: it never opens. Default: 5.
    pub failures: u32,
    /// How long nothing is sent. Default: 30 s.
    pub open_for: Duration,
    /// How many batches must arrive one after the other before everything is sent again. Default: 2.
    pub successes: u32,
}

impl Default for CircuitBreaker {
    fn default() -> Self {
        Self { failures: 5, open_for: Duration::from_secs(30), successes: 2 }
    }
}

impl CircuitBreaker {
    /// A breaker that never opens.
    pub fn never() -> Self {
        Self { failures: 0, ..Self::default() }
    }

    /// Sets after how many attempts in a row that failed it opens; 0: never. Default: 5.
    #[must_use]
    pub fn with_failures(mut self, failures: u32) -> Self {
        self.failures = failures;
        self
    }

    /// Sets how long nothing is sent. Default: 30 s.
    #[must_use]
    pub fn with_open_for(mut self, time: Duration) -> Self {
        self.open_for = time;
        self
    }

    /// Sets how many batches must arrive before everything is sent again. Default: 2.
    #[must_use]
    pub fn with_successes(mut self, successes: u32) -> Self {
        self.successes = successes;
        self
    }

    fn check(&self, problems: &mut crate::ConfigError) {
        if self.failures > 0 && self.open_for.is_zero() {
            problems.push("a circuit breaker is open for 0 s; expected at least 1 ms, or `failures` of 0 for none");
        }
        if self.failures > 0 && self.successes == 0 {
            problems.push("a circuit breaker closes after 0 batches that arrived; expected at least 1");
        }
    }
}

/// Several receivers of which one gets each batch: the first that works. YAML: `otelier/failover`, an exporter.
///
/// Whether one works is for its [`CircuitBreaker`] to say. While the breaker of a receiver before the present one is
/// half-open, single batches go there to see; the present one is left when that breaker has closed, so that a receiver that
/// works only now and then gets nothing but these. A batch that one receiver could not take, or does not want, is offered to
/// the others at once; if none takes it then, and one has refused it, it is lost and counted.
///
/// A receiver that hangs costs its [`Otlp::timeout`] for every batch until its breaker opens; 2 s in place of 10 s is better
/// where there is another to go to.
///
/// ```
/// use otelier::config::{Exporter, Failover, Otlp};
///
/// let failover = Failover::between([Otlp::to("http://primary:4318"), Otlp::to("http://secondary:4318")]);
/// let telemetry = otelier::Telemetry::default().with_exporter(Exporter::Failover(failover));
/// assert_eq!(telemetry.exporters.len(), 1);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failover {
    /// The receivers, the one to prefer first. YAML: `exporters`.
    pub exporters: Vec<Otlp>,
}

impl Failover {
    /// Sends to the first of these that works.
    pub fn between(exporters: impl IntoIterator<Item = Otlp>) -> Self {
        Self { exporters: exporters.into_iter().collect() }
    }
}

/// A directory in which batches wait until they have arrived, over the end of the process. Environment:
/// `OTELIER_DISK_BUFFER`, the directory. YAML: `distribution.otelier.disk_buffer`.
///
/// Every batch of spans or log records for OTLP and Zipkin is written into a log of its exporter before it is sent, and
/// leaves it when it has arrived; what an earlier process left is sent first, in its order, one request at a time. Processes
/// that have the same directory at the same time write into logs of their own, and empty those of processes that have ended.
/// What the log has taken survives the process's sudden end (`kill -9`); whether it survives the machine's is for
/// [`sync`](Self::sync) to say. A batch that was on its way at such an end is sent again, so one batch may arrive twice.
///
/// Spans that no batch has yet are not in the log: those of the last [`Batching::schedule_delay`](super::Batching), 5 s, are
/// lost by a `kill -9`. Metrics are not buffered. Logs are numbered in the order of the exporters, so what was left goes to
/// the exporter that then has the number; programs that send elsewhere need directories of their own. Batches are stored as
/// they are sent, so what was left as protobuf (also of gRPC) is lost, and counted
/// ([`lost_of_others`](crate::ExporterStats::lost_of_others)), if the exporter then sends JSON, and the other way round.
///
/// ```
/// use otelier::config::DiskBuffer;
///
/// let buffer = DiskBuffer::in_directory("/var/lib/shop/telemetry").with_max_bytes(1 << 30);
/// let telemetry = otelier::Telemetry::default().with_disk_buffer(buffer);
/// assert!(telemetry.disk_buffer.is_some());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DiskBuffer {
    /// Made if it is missing, for its owner alone.
    pub directory: PathBuf,
    /// How many bytes the log of one exporter has at most; at least [`MIN_BYTES`](Self::MIN_BYTES). When it is full, what was
    /// taken stays, and what comes waits in memory ([`Retry::max_pending_bytes`]) and is tried from there. Only when there is
    /// no room either, it is dropped and counted. Each process that runs at the same time has so many. Default: 512 MiB.
    pub max_bytes: u64,
    /// How long a batch waits at most; what is older is dropped and counted. A process measures its own batches by a clock
    /// that only runs, and those of earlier processes by the wall clock. Default: 24 hours.
    pub max_age: Duration,
    /// When the disk is made to keep what was written. Default: once a second.
    pub sync: Sync,
}

/// When what was written is forced to the disk (`fsync`), so that it survives a power failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sync {
    /// When the operating system does. YAML: `never`.
    Never,
    /// At most so long after it was written, and when a file of the log is full. YAML: a duration in milliseconds.
    Every(Duration),
    /// Before the batch counts as taken, which costs an `fsync` for each. YAML: `always`.
    Always,
}

impl DiskBuffer {
    /// A buffer in this directory, with the defaults for the rest.
    pub fn in_directory(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            max_bytes: 512 << 20,
            max_age: Duration::from_secs(24 * 60 * 60),
            sync: Sync::Every(Duration::from_secs(1)),
        }
    }

    /// Sets how many bytes the log of one exporter has at most. Default: 512 MiB.
    #[must_use]
    pub fn with_max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets how long a batch waits at most. Default: 24 hours.
    #[must_use]
    pub fn with_max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }

    /// Sets when the disk is made to keep what was written. Default: once a second.
    #[must_use]
    pub fn with_sync(mut self, sync: Sync) -> Self {
        self.sync = sync;
        self
    }

    /// The least that [`max_bytes`](Self::max_bytes) may be: a log that is smaller could not be emptied in parts.
    pub const MIN_BYTES: u64 = 1 << 20;

    fn check(&self, problems: &mut crate::ConfigError) {
        if self.directory.as_os_str().is_empty() {
            problems.push("the directory of the disk buffer is empty; expected a path");
        }
        if self.max_bytes < Self::MIN_BYTES {
            problems.push(format_args!(
                "the disk buffer has {} bytes; expected at least {}",
                self.max_bytes,
                Self::MIN_BYTES
            ));
        }
        if self.max_age.is_zero() {
            problems.push("batches wait 0 s in the disk buffer; expected at least 1 ms");
        }
    }
}

impl Telemetry {
    /// Sets how batches are sent again that a receiver could not take. Default: after 5 to 30 s, for 5 minutes.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Sets when a receiver that fails is left alone. Default: after 5 failures, for 30 s.
    #[must_use]
    pub fn with_circuit_breaker(mut self, breaker: CircuitBreaker) -> Self {
        self.circuit_breaker = breaker;
        self
    }

    /// Keeps batches in a directory until they have arrived. Default: they wait in memory.
    #[must_use]
    pub fn with_disk_buffer(mut self, buffer: DiskBuffer) -> Self {
        self.disk_buffer = Some(buffer);
        self
    }

    /// What is wrong with the settings of this file.
    pub(super) fn check_delivery(&self, problems: &mut crate::ConfigError) {
        self.retry.check(problems);
        self.circuit_breaker.check(problems);
        self.disk_buffer.iter().for_each(|buffer| buffer.check(problems));
        let spans = self.exporters.iter().filter_map(|exporter| match exporter.parts().0 {
            Exporter::Failover(failover) => Some(failover),
            _ => None,
        });
        let logs = self.log_exporters.iter().flatten().filter_map(|exporter| match exporter.parts().0 {
            LogExporter::Failover(failover) => Some(failover),
            _ => None,
        });
        let metrics = self.metrics.readers.iter().filter_map(|reader| match &reader.exporter {
            MetricExporter::Failover(failover) => Some(failover),
            _ => None,
        });
        if spans.chain(logs).chain(metrics).any(|failover| failover.exporters.is_empty()) {
            problems.push("a failover has no exporters; expected at least one");
        }
    }
}
