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

mod chunk;
mod counters;
mod future;
mod guard;
mod outcome;
mod queue;
mod sampling;
mod thread;
mod view;

pub use future::{Instrumented, SpanRef, instrument, span_ref};
pub use guard::{EventWriter, Guard, enter};
pub use outcome::{ErrorClass, Outcome, OutcomeDisplay, OutcomeErrorClass, OutcomePlain, OutcomeResult, Probe};

pub(crate) use chunk::Records;
pub(crate) use counters::COUNTERS;
pub(crate) use queue::QUEUE;
pub(crate) use sampling::set_decision;
pub(crate) use thread::{collect_from_threads, set_enabled};
pub(crate) use view::{SpanRecord, Status, Value};

use crate::schema::SchemaDef;
use otelier_spec::Kind;

/// What is known of an annotated function at compile time. Made by the macros, one `static` each.
#[derive(Debug)]
pub struct Callsite {
    /// The span's name unless the schema has a pattern.
    pub name: &'static str,
    /// Whether `name` was given in the annotation and so wins over the schema's pattern.
    pub named: bool,
    /// The span's kind if there is no schema.
    pub kind: Kind,
    /// The schema, if the annotation names one.
    pub schema: Option<&'static SchemaDef>,
    /// Names of attributes and events, in the order of their indices.
    pub keys: &'static [&'static str],
}

impl Callsite {
    pub(crate) fn kind(&self) -> Kind {
        self.schema.map_or(self.kind, |schema| schema.kind)
    }
}

/// A flag of a finished record.
pub(crate) mod flag {
    /// The parent is in another process.
    pub(crate) const REMOTE_PARENT: u8 = 1;
    /// The span ended because of a panic.
    pub(crate) const PANIC: u8 = 2;
}
