//! The recording path: from an annotated function to a finished record in the queue.
//!
//! ```text
//! enter ──► open span (on the caller's stack, or in the future) ──► record ──► the thread's chunk ──► queue ──► collector
//!            attributes on the thread's scratch stack                            (no lock, no heap)    (bounded)
//! ```
//!
//! * A call site is one `static`; what is known at compile time lives there and costs nothing per span.
//! * Nothing here blocks, and nothing is lost without being counted.
//! * User code (the values of attributes, `Display`, errors) may itself be traced, and may panic: no reference into the
//!   thread's state is held while it runs.

mod adopted;
mod alive;
mod ambient;
mod begin;
pub(crate) mod capture;
mod chunk;
mod counters;
mod error_class;
mod exceptions;
mod fork;
mod future;
mod guard;
mod handle;
#[cfg(test)]
mod held_tests;
#[cfg(feature = "tracing")]
mod library;
mod limits;
mod matching;
pub(crate) mod old_names;
mod outbox;
mod outcome;
mod owned;
mod panic;
mod pieces;
mod queue;
mod returned;
mod roots;
mod sampling;
#[cfg(feature = "tower")]
mod served;
mod shared;
mod start;
mod sync;
mod tail;
mod thread;
mod undecided;
mod view;
mod watch;
mod words;

pub use begin::{Begin, Priority, Sample, begin};
pub use error_class::{
    AsBacktrace, AsSource, BacktraceKnown, BacktraceOther, ErrorClass, ErrorKind, InnerAnything, InnerError,
    InnerErrorClass, InnerErrorClassWithSource, InnerPointer, InnerStdError, Recovery, Severity,
};
pub(crate) use future::{AsyncSpan, Entry};
pub use future::{Instrumented, SpanRef, instrument, instrument_with, span_ref};
pub use guard::{EventWriter, Guard};
pub use handle::OtelSpan;
pub(crate) use handle::span_of;
pub use outcome::{
    Fallible, MaybeNone, Outcome, OutcomeDisplay, OutcomeError, OutcomeErrorClass, OutcomeErrorClassWithSource,
    OutcomePlain, OutcomePointer, OutcomeResult, Probe, none_is,
};
pub use pieces::{Drain, Opening, Start, TracedFuture, TracedIterator, TracedStream};
pub use returned::{ReturnedFallible, ReturnedItem, ReturnedPlain, ReturnedWrapper};

pub(crate) use adopted::{adopt, is_busy, settle};
pub(crate) use alive::has_context;
pub(crate) use ambient::{AmbientGuard, carried_to, enter_ambient, with_ambient};
pub(crate) use capture::set_policy;
pub(crate) use counters::COUNTERS;
pub use exceptions::ExceptionSignal;
pub(crate) use exceptions::set_exception_signal;
pub(crate) use fork::{forks, watch_forks};
pub(crate) use guard::Policy;
#[cfg(any(feature = "tower", feature = "tracing"))]
pub(crate) use guard::enabled;
#[cfg(feature = "tracing")]
pub(crate) use library::may_begin;
pub use limits::Limits;
pub(crate) use limits::{links as max_links, set_limits};
pub(crate) use matching::{Condition, Wanted};
pub use old_names::OldNames;
pub(crate) use outbox::{count_records, split_record};
pub(crate) use outcome::Told;
pub(crate) use owned::{owned, owned_by};
pub(crate) use panic::set_panic_messages;
pub(crate) use roots::count_roots;
#[cfg(feature = "otlp-http")]
pub(crate) use sampling::Operations;
pub use sampling::SamplingCounts;
#[cfg(feature = "_otlp")]
pub(crate) use sampling::ToldState;
#[cfg(any(feature = "tower", feature = "tracing"))]
pub(crate) use sampling::asks_attributes;
#[cfg(all(test, feature = "tower"))]
pub(crate) use sampling::budget_used;
#[cfg(feature = "tower")]
pub(crate) use sampling::note_budget;
pub(crate) use sampling::{AdaptiveNode, Bucket, Composed, CustomNode, Match, Node, Parent, Parents, Rates};
pub(crate) use sampling::{Entered, Entering, adjusted_count, rule_names, simulate};
pub(crate) use sampling::{Grounds, Kept};
pub(crate) use sampling::{LoadLimits, Readings, follows_load, forget_load, note_load, sampling_factor};
pub(crate) use sampling::{RuleNode, SchemaBuckets, Tame};
pub(crate) use sampling::{consistent_threshold, sampling_counts, set_sampler, tell_refusals, threshold};
pub(crate) use sampling::{error_boost, follows_errors, load_factor};
#[cfg(feature = "tower")]
pub(crate) use served::{Begun, Passing, Request as ServedRequest, Served, Serving, serving};
pub(crate) use shared::SharedSpan;
pub(crate) use start::{Exact, lazy_span};
pub(crate) use tail::{
    Held, Holding, Share, TailPolicy, TailRuleNode, TailSettings, forgotten_traces, set_tail, tail_counts,
};
pub(crate) use tail::{Subject, TailConditions};
pub use tail::{TailCounts, TailRuleCounts};
pub(crate) use thread::{begin_totals, collect_from_threads, discard_ended, never_here, open_queue, totals};
#[cfg(feature = "testing")]
pub(crate) use view::recorded;
pub(crate) use view::{Event, Key, Link, Records, SpanRecord, Status, Time, Value};
pub(crate) use watch::set_metrics;
pub use watch::{Verdict, Watch};

use crate::schema::{Schema, SchemaDef, check_required};
use opentelemetry::InstrumentationScope;
use otelier_spec::{Kind, MAX_ATTRIBUTES};
use std::sync::LazyLock;

/// The one queue between all threads and the collector.
pub(crate) static QUEUE: LazyLock<queue::Queue> = LazyLock::new(queue::Queue::new);

/// What is known of an annotated function at compile time. Made by the macros, one `static` each.
#[derive(Debug)]
pub struct Callsite {
    /// The span's name unless the schema has a pattern.
    pub name: &'static str,
    /// Whether `name` was given in the annotation and so wins over the schema's pattern.
    pub named: bool,
    /// Whether `name` is a pattern over attributes: `load {app.symbol}`.
    pub pattern: bool,
    /// The span's kind.
    pub kind: Kind,
    /// The schema, if the annotation names one.
    pub schema: Option<&'static SchemaDef>,
    /// Names of attributes that the schema does not have, and of events, in the order of their indices.
    pub keys: &'static [&'static str],
    /// Attributes whose values are known at compile time.
    pub constants: &'static [(&'static str, Constant)],
    /// Who made the spans, unless they were made by us.
    pub scope: Option<&'static InstrumentationScope>,
    /// What is looked at when a span ends; given together with `simple: false`.
    pub watch: Option<&'static Watch>,
    /// Whether the span is internal and nothing is looked at when it ends.
    pub simple: bool,
    /// How much the traces matter that begin here.
    pub priority: Priority,
    /// Whether values of attributes are recorded when the span begins, and the generated code says when that is done.
    pub given: bool,
    /// The same of links.
    pub linked: bool,
}

/// The value of an attribute that is known at compile time.
#[derive(Clone, Copy, Debug)]
pub enum Constant {
    /// A string.
    Str(&'static str),
    /// An integer.
    Int(i64),
    /// A float.
    Double(f64),
    /// A boolean.
    Bool(bool),
}

impl Callsite {
    /// A call site without a schema.
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            named: false,
            pattern: false,
            kind,
            schema: None,
            keys: &[],
            constants: &[],
            scope: None,
            watch: None,
            simple: matches!(kind, Kind::Internal),
            priority: Priority::Normal,
            given: false,
            linked: false,
        }
    }

    /// A call site with a schema. Refuses, at compile time, one that lacks required attributes; `given` holds the bits of
    /// those it has.
    #[track_caller]
    pub const fn declared<S: Schema>(name: &'static str, given: u128) -> Self {
        check_required::<S>(given);
        Self { schema: Some(S::DEF), ..Self::new(name, S::DEF.kind) }
    }

    /// The name of the attribute or event with this index: with a schema, its attributes come first.
    #[inline]
    pub(crate) fn key(&self, index: u16) -> Option<&'static str> {
        let index = usize::from(index);
        match self.schema {
            None => self.keys.get(index).copied(),
            Some(schema) => match index.checked_sub(MAX_ATTRIBUTES) {
                None => schema.attributes.get(index).map(|attribute| attribute.name),
                Some(index) => self.keys.get(index).copied(),
            },
        }
    }

    /// A call site whose spans get their names at run time.
    pub(crate) const fn renamed() -> Self {
        Self { named: true, ..Self::new("", Kind::Internal) }
    }

    /// The call site, with something to look at when a span ends.
    #[must_use]
    pub const fn watched(self, watch: &'static Watch) -> Self {
        Self { watch: Some(watch), simple: false, ..self }
    }
}

/// A flag of a finished record. Three bits hold the number of the span's kind, or 0 for the call site's.
pub(crate) mod flag {
    /// The parent is in another process.
    pub(crate) const REMOTE_PARENT: u8 = 1;
    /// The span ended because of a panic.
    pub(crate) const PANIC: u8 = 2;
    /// The span's status is an error.
    pub(crate) const FAILED: u8 = 4;
    /// The times are nanoseconds of Unix time, not ticks.
    pub(crate) const UNIX: u8 = 8;
    /// The time of the end is.
    pub(crate) const UNIX_END: u8 = 0x80;
    pub(crate) const KIND_SHIFT: u8 = 4;
    pub(crate) const KIND_MASK: u8 = 7;
}

/// What the first word of a record holds besides its flags and its length.
pub(crate) mod head_bits {
    use super::sampling::GroundsNumber;

    /// The span is one with which the trace enters the process.
    pub(crate) const LOCAL_ROOT: u64 = 1 << 8;
    /// Tail sampling has kept the trace.
    pub(crate) const DECIDED: u64 = 1 << 9;
    /// The span began while its thread held the trace back.
    pub(crate) const BEGAN_HELD: u64 = 1 << 10;
    const GROUNDS_SHIFT: u32 = 16;
    /// The number of the grounds on which the trace is kept.
    pub(crate) const GROUNDS: u64 = 0xffff << GROUNDS_SHIFT;

    pub(crate) const fn of_grounds(number: GroundsNumber) -> u64 {
        (number as u64) << GROUNDS_SHIFT
    }

    pub(crate) const fn grounds_of(head: u64) -> GroundsNumber {
        (head >> GROUNDS_SHIFT) as GroundsNumber
    }
}
