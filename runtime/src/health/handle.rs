//! Looking at a pipeline from outside.

use super::{ConfigurationHealth, ExporterHealth, Health, Instrumentation, PipelineHealth, QueueHealth, Status};
use crate::config::{Hooks, Telemetry};
use crate::export::{Book, BreakerState, RECENT, Signal};
use crate::pipeline::{ExporterStats, ReceiverStats, Shared, State, Stats};
use crate::record::{self, QUEUE};
use std::sync::Arc;
use std::time::Duration;

/// So many attempts in a row must fail before an exporter is said to be failing.
const FAILING: u64 = 3;
/// An exporter that keeps the thread of all exporters for longer hangs.
const KEEPS_THREAD: Duration = Duration::from_secs(2);

/// Asks a pipeline for its health. Cheap to clone; it outlives the guard, and then says that the pipeline has stopped.
///
/// ```
/// let telemetry = otelier::init(otelier::Telemetry::default())?;
/// let handle = telemetry.health_handle();
/// let json = std::thread::spawn(move || handle.health().to_json()).join().unwrap();
/// assert!(json.contains(r#""exporters":[]"#));
/// # Ok::<(), otelier::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct HealthHandle(Arc<Shared>);

impl HealthHandle {
    pub(crate) fn of(shared: &Arc<Shared>) -> Self {
        Self(Arc::clone(shared))
    }

    /// Whether the pipeline runs, or is disabled: what `/readyz` answers. Never waits.
    pub fn is_ready(&self) -> bool {
        matches!(self.0.state(), State::Running | State::Disabled)
    }

    /// Looks at everything.
    pub fn health(&self) -> Health {
        let shared = &*self.0;
        let (state, stats) = (shared.state(), shared.stats());
        // Behind the locks of a pipeline of the process that this is a fork of, perhaps nobody is any more.
        let is_here = shared.is_here();
        let settings = if is_here { shared.settings().clone() } else { Telemetry::default() };
        let mut exporters: Vec<_> = shared.books.iter().filter(|_| is_here).map(|book| exporter(book)).collect();
        exporters.sort_by_key(|exporter| exporter.signal != Signal::Spans);
        let queue = queue(shared, state);
        let configuration = configuration(shared, &settings, is_here);
        let mut pipeline = pipeline(state, shared.disabled, &stats);
        if shared.has_died() {
            pipeline.status = Status::Failing;
            pipeline.reason =
                Some("the pipeline's thread has ended by a panic: nothing is exported any more".to_owned());
        }
        let is_running = is_here && state == State::Running;
        Health {
            status: overall(&pipeline, &queue, &configuration, &exporters),
            uptime: shared.started.elapsed(),
            pipeline,
            queue,
            sampler: settings.sampler,
            sampling_factor: is_running.then(record::sampling_factor).flatten(),
            sampling_boost: is_running.then(record::error_boost).flatten(),
            exporters,
            configuration,
            instrumentation: instrumentation(settings.hooks),
        }
    }
}

fn overall(
    pipeline: &PipelineHealth,
    queue: &QueueHealth,
    configuration: &ConfigurationHealth,
    exporters: &[ExporterHealth],
) -> Status {
    if pipeline.status != Status::Ok {
        return pipeline.status;
    }
    let none_works = exporters.iter().all(|exporter| exporter.status >= Status::Failing);
    if !exporters.is_empty() && none_works {
        return Status::Failing;
    }
    let parts = exporters.iter().map(|exporter| exporter.status).chain([queue.status, configuration.status]);
    // As long as one exporter works, telemetry does.
    parts.max().unwrap_or_default().min(Status::Degraded)
}

fn pipeline(state: State, disabled: bool, stats: &Stats) -> PipelineHealth {
    let reason = match state {
        State::Running | State::Disabled => None,
        State::Stopping => Some("the pipeline is shutting down"),
        State::Stopped => Some("the pipeline has ended"),
    };
    PipelineHealth {
        status: if reason.is_some() { Status::Stopped } else { Status::Ok },
        reason: reason.map(str::to_owned),
        disabled,
        started: stats.started,
        open: stats.open,
        dropped: vec![
            ("refused", stats.dropped_refused),
            ("queue_full", stats.dropped_queue_full),
            ("too_large", stats.dropped_too_large),
            ("after_shutdown", stats.dropped_after_shutdown),
            ("thread_gone", stats.dropped_thread_gone),
            ("in_allocator", stats.dropped_in_allocator),
            ("by_tail_sampling", stats.dropped_by_tail_sampling),
        ],
    }
}

fn queue(shared: &Shared, state: State) -> QueueHealth {
    // The queue is the process's; if this pipeline has ended, another's.
    let (bytes, capacity, spans) = if state == State::Running { QUEUE.fill() } else { (0, 0, 0) };
    let recent = (state == State::Running).then(|| shared.drops.recent()).flatten();
    let reason = if bytes > capacity / 2 {
        Some("more than half of the queue is taken: the exporters are slower than the application".to_owned())
    } else {
        recent.map(|reason| format!("spans were dropped within the last minute: {reason}"))
    };
    let status = if reason.is_some() { Status::Degraded } else { Status::Ok };
    QueueHealth { status, reason, bytes, capacity, spans }
}

fn exporter(book: &Book) -> ExporterHealth {
    let (stats, history) = (ExporterStats::of(book), book.history());
    let (success_rate, recent_success_rate) = history.success_rates().unzip();
    let busy_for = book.busy_for();
    let last = || history.last_error.as_ref().map_or("", |(_, text)| text);
    let (status, reason) = match (book.keeps_thread_for(), busy_for) {
        (Some(kept), _) if kept > KEEPS_THREAD => {
            let kept = kept.as_secs();
            let reason = match book.signal {
                Signal::Spans | Signal::Logs => {
                    format!("it has kept the exporters' thread for {kept} s, and holds up all others")
                }
                Signal::Metrics => {
                    format!("it, or a callback that it asks for values, has kept its reader's thread for {kept} s")
                }
            };
            (Status::Failing, Some(reason))
        }
        // Only if the thread is held up by another one does an export overstay its time.
        (_, Some(busy)) if busy > book.timeout.saturating_add(KEEPS_THREAD) => {
            (Status::Degraded, Some(format!("its export has been under way for {} s", busy.as_secs())))
        }
        _ => match history.failed_in_a_row {
            0 if history.was_refused => {
                (Status::Degraded, Some(format!("a part of the latest export was refused: {}", last())))
            }
            0 => match left_alone(&stats.receivers) {
                None => (Status::Ok, None),
                reason => (Status::Degraded, reason),
            },
            1 => (Status::Degraded, Some(format!("the latest attempt failed: {}", last()))),
            failed if failed < FAILING => {
                (Status::Degraded, Some(format!("the latest {failed} attempts failed: {}", last())))
            }
            failed => (Status::Failing, Some(format!("the latest {failed} attempts failed: {}", last()))),
        },
    };
    ExporterHealth {
        name: stats.name,
        signal: stats.signal,
        status,
        reason,
        exported: stats.exported,
        failed: stats.failed,
        rejected: stats.rejected,
        pending: stats.pending,
        buffered: stats.buffered,
        retries: stats.retries,
        lost: stats.lost,
        receivers: stats.receivers,
        exports: history.exports,
        failed_exports: history.failed_exports,
        success_rate,
        recent_success_rate,
        last_success: history.last_success,
        last_error: history.last_error,
        busy_for,
    }
}

/// Says which receivers are left alone because they fail.
fn left_alone(receivers: &[ReceiverStats]) -> Option<String> {
    let alone = receivers.iter().filter(|receiver| receiver.breaker != BreakerState::Closed);
    let names: Vec<_> = alone.map(|receiver| receiver.name.as_str()).collect();
    (!names.is_empty()).then(|| format!("these receivers are left alone because they fail: {}", names.join(", ")))
}

fn configuration(shared: &Shared, settings: &Telemetry, is_here: bool) -> ConfigurationHealth {
    let reload = if is_here { shared.last_reload() } else { None };
    let problem = reload.as_ref().and_then(|reload| reload.problem.clone());
    let well = settings.warnings.is_empty() && problem.is_none();
    ConfigurationHealth {
        status: if well { Status::Ok } else { Status::Degraded },
        warnings: settings
            .warnings
            .iter()
            .map(|warning| crate::diagnostics::scrubbed(warning.sentence()).into_owned())
            .collect(),
        last_reload: reload.map(|reload| reload.at),
        reload_problem: problem.map(|problem| crate::diagnostics::scrubbed(&problem).into_owned()),
    }
}

fn instrumentation(hooks: Hooks) -> Instrumentation {
    #[cfg(feature = "registry")]
    let (call_sites, schemas) = {
        use crate::schema::registry;
        (Some(registry::call_sites().count()), Some(registry::spans().count()))
    };
    #[cfg(not(feature = "registry"))]
    let (call_sites, schemas) = (None, None);
    let propagated =
        opentelemetry::global::get_text_map_propagator(|propagator| propagator.fields().map(str::to_owned).collect());
    Instrumentation { call_sites, schemas, hooks, propagated }
}

// The documentation says how many.
const _: () = assert!(RECENT == 32 && FAILING == 3);
