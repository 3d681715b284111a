//! How telemetry is doing: as a value, as JSON, and over HTTP.
//!
//! [`Guard::health`](crate::Guard::health) looks at everything at once and costs the code that makes spans nothing;
//! [`Guard::health_handle`](crate::Guard::health_handle) gives a handle for those that have no guard, such as a server.
//!
//! ```
//! use otelier::health::Status;
//!
//! let telemetry = otelier::init(otelier::Telemetry::default())?;
//! let health = telemetry.health();
//! assert_eq!(health.status, Status::Ok);
//! assert!(health.to_json().starts_with(r#"{"status":"ok","#));
//! # Ok::<(), otelier::Error>(())
//! ```
//!
//! # What the states mean
//!
//! | | `ok` | `degraded` | `failing` | `stopped` |
//! |-|-|-|-|-|
//! | an exporter | its latest attempt succeeded, or there was none | it failed, a part was refused, a receiver is left alone, or an export takes longer than it may | the latest three failed, or it keeps the exporters' thread for over 2 s | |
//! | the queue | | over half full, or spans were dropped within the last minute | | |
//! | the configuration | | a setting has a [warning](crate::Telemetry::warnings), or the latest reload was refused | | |
//! | all | all are | one is not | no exporter works | the pipeline ends or has ended |
//!
//! # Over HTTP
//!
//! With the feature `http`, `respond` answers a request of any server; the features `hyper` and `axum` have it as a
//! service and as a router.
//!
//! | path | 200 | 503 |
//! |-|-|-|
//! | `/livez` | always: the process answers. | never |
//! | `/readyz` | the pipeline runs, or is disabled | it ends or has ended, as when a process shuts down |
//! | `/health` | `ok` and `degraded` | `failing` and `stopped` |
//!
//! An outage of what receives telemetry makes no process unfit for its work. So it fails neither liveness, which would
//! restart the process, nor readiness, which would take it out of service; alert on `/health`. Bodies are JSON; answers are
//! not to be cached. `GET` and `HEAD` are answered, other methods get 405, other paths 404. Nothing asks who asks: names of
//! exporters hold the addresses of receivers, so do not open `/health` to the world.

#[cfg(feature = "axum")]
mod axum;
mod handle;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "hyper")]
mod hyper;
mod json;

#[cfg(feature = "axum")]
pub use self::axum::router;
#[cfg(feature = "hyper")]
pub use self::hyper::HealthService;
pub use handle::HealthHandle;
#[cfg(feature = "http")]
pub use http::respond;

use crate::config::{Hooks, Sampler};
use crate::export::Signal;
use crate::pipeline::ReceiverStats;
use std::fmt;
use std::time::{Duration, SystemTime};

/// How something is doing; the later the worse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Status {
    /// It works.
    #[default]
    Ok,
    /// It works, but something is lost or about to be.
    Degraded,
    /// It does not work.
    Failing,
    /// It has ended, or is about to.
    Stopped,
}

impl Status {
    /// `ok`, `degraded`, `failing` or `stopped`.
    pub fn as_str(self) -> &'static str {
        ["ok", "degraded", "failing", "stopped"][self as usize]
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How telemetry was doing at one moment. Made by [`Guard::health`](crate::Guard::health) and
/// [`HealthHandle::health`]; see [the module](self) for what the states mean.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Health {
    /// All together.
    pub status: Status,
    /// How long ago the pipeline started.
    pub uptime: Duration,
    /// The pipeline and what became of the spans.
    pub pipeline: PipelineHealth,
    /// Spans that wait for the exporters.
    pub queue: QueueHealth,
    /// Which traces are recorded.
    pub sampler: Sampler,
    /// What the ratios of an [adaptive](crate::config::Adaptive) sampler are multiplied with because of the load and
    /// of its target rate: 1 if nothing is overloaded and there are no more traces than it keeps, 0 if nothing is kept. `None`
    /// with other samplers, and when the pipeline does not run.
    pub sampling_factor: Option<f64>,
    /// What the ratios of an adaptive sampler are multiplied with because many traces fail: 1 while few do, up to
    /// [`error_boost`](crate::config::Adaptive::error_boost). `None` where the factor is.
    pub sampling_boost: Option<f64>,
    /// The exporters of spans, in the order they were configured, after them those of log records, and then those of metrics.
    pub exporters: Vec<ExporterHealth>,
    /// The settings.
    pub configuration: ConfigurationHealth,
    /// What makes spans.
    pub instrumentation: Instrumentation,
}

/// The pipeline, and what became of the spans.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PipelineHealth {
    /// Whether it runs.
    pub status: Status,
    /// Why it does not, as a sentence.
    pub reason: Option<String>,
    /// Whether telemetry is [disabled](crate::Telemetry::disabled): then it is well and does nothing.
    pub disabled: bool,
    /// As in [`Stats::started`](crate::Stats::started).
    pub started: u64,
    /// As in [`Stats::open`](crate::Stats::open).
    pub open: u64,
    /// How many spans were dropped for each reason. The reasons are those of [`Stats`](crate::Stats): `refused`,
    /// `queue_full`, `too_large`, `after_shutdown`, `thread_gone`, `in_allocator`, `by_tail_sampling`.
    pub dropped: Vec<(&'static str, u64)>,
}

/// The queue of spans that wait for the exporters. What idle threads still have is not in it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct QueueHealth {
    /// Whether there is room.
    pub status: Status,
    /// Why it is not `ok`, as a sentence.
    pub reason: Option<String>,
    /// What waits, in bytes: the memory that is held for it.
    pub bytes: usize,
    /// How many bytes there is room for; [`max_queue_size`](crate::config::Batching::max_queue_size).
    pub capacity: usize,
    /// How many spans wait.
    pub spans: u64,
}

impl QueueHealth {
    /// How much of the room is taken, `0.0..=1.0`. From a half on, traces that begin are refused, except those
    /// of high [priority](crate::Priority).
    pub fn share(&self) -> f64 {
        if self.capacity == 0 { 0.0 } else { (self.bytes as f64 / self.capacity as f64).min(1.0) }
    }
}

/// One exporter.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ExporterHealth {
    /// Its type's name, or `otlp` with protocol and endpoint.
    pub name: String,
    /// What it sends.
    pub signal: Signal,
    /// Whether it works.
    pub status: Status,
    /// Why it is not `ok`, as a sentence.
    pub reason: Option<String>,
    /// Spans, log records or data points that arrived.
    pub exported: u64,
    /// Those that are lost, because their export failed for good.
    pub failed: u64,
    /// Those that the receiver refused although it took their batch.
    pub rejected: u64,
    /// Those that wait in memory, and in the disk buffer; as in [`ExporterStats`](crate::ExporterStats::pending).
    pub pending: u64,
    /// See [`pending`](Self::pending).
    pub buffered: u64,
    /// As in [`ExporterStats::retries`](crate::ExporterStats::retries).
    pub retries: u64,
    /// How many of `failed` were lost for each reason, as in [`ExporterStats::lost`](crate::ExporterStats::lost).
    pub lost: Vec<(&'static str, u64)>,
    /// The receivers, if it sends by OTLP or to Zipkin, in the order in which they are preferred, with the state of their
    /// circuit breakers.
    pub receivers: Vec<ReceiverStats>,
    /// How many exports are over, and of them how many failed. One export carries one batch, with all the attempts that it
    /// takes; one that waits for its next attempt is not over.
    pub exports: u64,
    /// See [`exports`](Self::exports).
    pub failed_exports: u64,
    /// The share of all exports that succeeded, `0.0..=1.0`; `None` before the first.
    pub success_rate: Option<f64>,
    /// The same of the latest 32 exports.
    pub recent_success_rate: Option<f64>,
    /// When an export succeeded last.
    pub last_success: Option<SystemTime>,
    /// The latest failure or refusal, as a sentence, and when it was. It stays after a success.
    pub last_error: Option<(SystemTime, String)>,
    /// How long the export that is under way has taken so far.
    pub busy_for: Option<Duration>,
}

/// The settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigurationHealth {
    /// Whether all of them have the effect they were meant to have.
    pub status: Status,
    /// [`Telemetry::warnings`](crate::Telemetry::warnings).
    pub warnings: Vec<String>,
    /// When settings were last changed at run time, or tried to be.
    pub last_reload: Option<SystemTime>,
    /// Why that was refused.
    pub reload_problem: Option<String>,
}

/// What makes spans.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Instrumentation {
    /// How many places make spans by an annotation. Known with the feature `registry` only.
    pub call_sites: Option<usize>,
    /// How many span schemas the program declares, with those that come with Otelier. Known with the feature `registry` only.
    pub schemas: Option<usize>,
    /// How far telemetry is wired into OpenTelemetry's global state.
    pub hooks: Hooks,
    /// The names of the fields that the global propagator carries, such as `traceparent`.
    pub propagated: Vec<String>,
}
