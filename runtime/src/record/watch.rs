//! What the end of a span says of itself: whether it kept its budget and its objective, how it ended, how long it took.

use super::limits::key_of;
use super::shared::keyed;
use super::thread::Thread;
use super::view::error;
use super::{Callsite, flag};
use crate::attribute::KeyedTarget;
use crate::clock;
use crate::wire::{self, Items, Scratch};
use opentelemetry::Context;
pub use otelier_spec::domain::Verdict;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

/// What is looked at when a span ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    /// The time the operation may take: `performance.budget.limit` and its siblings.
    pub budget: Option<Duration>,
    /// The time that the service level objective allows: `performance.slo.threshold`, `performance.slo.compliant`.
    pub slo: Option<Duration>,
    /// The service level indicator that the duration is a value of: `performance.sli.name`, `performance.sli.value`.
    pub sli: Option<&'static str>,
    /// The kind of operation: `operation.type`, also of the metric.
    pub operation_type: Option<&'static str>,
    /// Whether every call is counted and timed in the histogram `otelier.operation.duration`.
    pub metrics: bool,
    /// The attribute that says how the operation ended.
    pub verdict: Option<Verdict>,
}

impl Watch {
    /// Nothing is looked at.
    pub const NONE: Self =
        Self { budget: None, slo: None, sli: None, operation_type: None, metrics: false, verdict: None };
}

/// Whether metrics of operations are recorded where a call site asks for them.
static METRICS: AtomicBool = AtomicBool::new(true);

pub(crate) fn set_metrics(on: bool) {
    METRICS.store(on, Relaxed);
}

/// Whether the calls of this call site are measured.
fn is_measured(watch: &Watch) -> bool {
    cfg!(feature = "metrics") && watch.metrics && METRICS.load(Relaxed)
}

/// Whether a call that opens no span is to be measured: not if telemetry is suppressed, or in the middle of itself.
pub(super) fn is_measured_unrecorded(callsite: &Callsite, thread: &Thread) -> bool {
    callsite.watch.is_some_and(is_measured)
        && !thread.scratch.busy()
        && !Context::map_current(Context::is_telemetry_suppressed)
}

/// How an operation ended, and after what time.
#[derive(Debug)]
pub(super) struct End {
    callsite: &'static Callsite,
    watch: &'static Watch,
    seconds: f64,
    /// When, in ticks.
    time: u64,
    how: How,
    /// An expected error is none.
    failed: bool,
    /// Only for the metric.
    error_type: Option<String>,
    /// Whether the body has recorded the attribute of the verdict.
    has_verdict: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Good,
    Error,
    Panic,
    Cancelled,
}

impl End {
    /// Looks at what a span has recorded. `flags` and `items` are those of its record, `start` and `time` in ticks.
    pub(super) fn of(
        callsite: &'static Callsite,
        watch: &'static Watch,
        flags: u8,
        items: &[u64],
        start: u64,
        time: u64,
    ) -> Self {
        let mut end = Self {
            callsite,
            watch,
            seconds: clock::seconds_in(time.saturating_sub(start)),
            time,
            how: How::Good,
            failed: flags & (flag::FAILED | flag::PANIC) != 0,
            error_type: None,
            has_verdict: false,
        };
        for item in Items(items) {
            match item.tag {
                wire::ERROR => {
                    end.how = How::Error;
                    let error_type = error(item.index, item.payload).map(|(_, error)| error.error_type);
                    end.error_type = error_type.filter(|_| end.failed && watch.metrics).map(str::to_owned);
                }
                wire::CANCELLED => end.how = How::Cancelled,
                _ => {
                    let verdict = watch.verdict.as_ref().map(|verdict| verdict.key);
                    end.has_verdict |= verdict.is_some() && key_of(&item, callsite) == verdict;
                }
            }
        }
        if flags & flag::PANIC != 0 {
            end.how = How::Panic;
            end.error_type = Some("panic".to_owned());
        }
        end
    }

    fn exceeds(&self, limit: Duration) -> bool {
        self.seconds > limit.as_secs_f64()
    }

    /// Whether the budget was too small; then there is an event that says so.
    pub(super) fn is_over_budget(&self) -> bool {
        self.watch.budget.is_some_and(|budget| self.exceeds(budget))
    }

    /// The share of the budget that was used; a number also if there was none to use.
    fn used(&self, budget: Duration) -> f64 {
        self.seconds / budget.max(Duration::from_nanos(1)).as_secs_f64()
    }

    /// Records what there is to say.
    pub(super) fn attributes(&self, span: &dyn KeyedTarget) {
        let double = |key, value| span.keyed(key, &mut |slot| slot.double(value));
        let boolean = |key, value| span.keyed(key, &mut |slot| slot.boolean(value));
        let str = |key, value: &str| span.keyed(key, &mut |slot| slot.str(value));
        let Watch { budget, slo, sli, operation_type, verdict, .. } = self.watch;
        if let Some(operation_type) = operation_type {
            str("operation.type", operation_type);
        }
        if let Some(budget) = *budget {
            double("performance.budget.limit", budget.as_secs_f64());
            double("performance.budget.used", self.used(budget));
            boolean("performance.budget.exceeded", self.exceeds(budget));
        }
        if let Some(sli) = sli {
            str("performance.sli.name", sli);
            double("performance.sli.value", self.seconds);
        }
        if let Some(slo) = *slo {
            double("performance.slo.threshold", slo.as_secs_f64());
            boolean("performance.slo.compliant", !self.failed && !self.exceeds(slo));
        }
        if let Some(verdict) = verdict {
            let holds = self.has_verdict && matches!(self.how, How::Good | How::Error);
            let value = match self.how {
                How::Good if self.failed => verdict.failed,
                How::Good => verdict.good,
                How::Error => verdict.failed,
                How::Panic => verdict.panicked,
                How::Cancelled => verdict.cancelled,
            };
            if !holds {
                str(verdict.key, value);
            }
        }
    }

    /// Writes the event that says that the budget was exceeded. It happens when the span ends.
    pub(super) fn event(&self, scratch: &Scratch) {
        let Some(budget) = self.watch.budget else { return };
        let event = scratch.begin(wire::NAMED_EVENT, 0);
        scratch.push(self.time);
        scratch.whole_str(wire::header(wire::STR, 0, 0), "performance.budget_exceeded");
        keyed(scratch, "operation.name", &mut |slot| slot.str(self.callsite.name));
        keyed(scratch, "performance.budget.limit", &mut |slot| slot.double(budget.as_secs_f64()));
        keyed(scratch, "performance.budget.used", &mut |slot| slot.double(self.used(budget)));
        event.finish_words();
    }

    /// Records the duration in the histogram, if the call site asks for it. Runs the code of whoever made the meters, which
    /// may be traced itself, and measured.
    #[cfg(feature = "metrics")]
    pub(super) fn measure(&self) {
        use opentelemetry::KeyValue;
        thread_local! {
            static MEASURING: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
        }
        if !is_measured(self.watch) || MEASURING.replace(true) {
            return;
        }
        let mut attributes = Vec::with_capacity(4);
        attributes.push(KeyValue::new("operation.name", self.callsite.name));
        if let Some(operation_type) = self.watch.operation_type {
            attributes.push(KeyValue::new("operation.type", operation_type));
        }
        if self.failed {
            // Somebody set the status through OpenTelemetry's API, and said no more.
            let error_type = self.error_type.clone().unwrap_or_else(|| "_OTHER".to_owned());
            attributes.push(KeyValue::new("error.type", error_type));
        }
        if self.how == How::Cancelled {
            attributes.push(KeyValue::new("otelier.cancelled", true));
        }
        let record = || instrument::current().record(self.seconds, &attributes);
        // Its message is shown already; the annotated function goes on.
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(record));
        MEASURING.set(false);
    }

    /// There are no metrics.
    #[cfg(not(feature = "metrics"))]
    pub(super) fn measure(&self) {}
}

/// The histogram of the durations of operations.
#[cfg(feature = "metrics")]
mod instrument {
    use opentelemetry::global;
    use opentelemetry::metrics::{Histogram, MeterProvider};
    use std::sync::{Arc, PoisonError, RwLock, Weak};

    /// The boundaries that the semantic conventions give to durations in seconds.
    const BOUNDARIES: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

    /// The histogram, and the provider that made it: there may be another one later. A `Weak` lets it go, but keeps its
    /// address from being given to the next.
    type Known = (Weak<dyn MeterProvider + Send + Sync>, Histogram<f64>);

    static KNOWN: RwLock<Option<Known>> = RwLock::new(None);

    /// The histogram of the provider that is OpenTelemetry's global one now.
    pub(super) fn current() -> Histogram<f64> {
        let provider = global::meter_provider();
        let is_current = |known: &&Known| std::ptr::addr_eq(known.0.as_ptr(), Arc::as_ptr(&provider));
        if let Some((_, histogram)) = KNOWN.read().unwrap_or_else(PoisonError::into_inner).as_ref().filter(is_current) {
            return histogram.clone();
        }
        let histogram = provider
            .meter("otelier")
            .f64_histogram("otelier.operation.duration")
            .with_description("Duration of annotated operations.")
            .with_unit("s")
            .with_boundaries(BOUNDARIES.to_vec())
            .build();
        let new = (Arc::downgrade(&provider), histogram.clone());
        let before = KNOWN.write().unwrap_or_else(PoisonError::into_inner).replace(new);
        // Not while the lock is held: this may be the last of a provider of somebody else.
        drop(before);
        histogram
    }
}
