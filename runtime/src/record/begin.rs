//! What an annotation says of how its span begins: below whom, and whether its trace is recorded.

use super::Callsite;
use super::guard::enabled;
use crate::relation::ParentContext;
use opentelemetry::trace::TraceId;
use opentelemetry::{Context, trace::TraceContextExt};

/// How a span begins. Without anything said it begins below the current span.
///
/// With a parent and `root` the span is the parent's child, and begins a trace if the parent is not valid: what an
/// endpoint does that trusts headers and nobody else.
#[must_use = "it says how a span begins"]
#[derive(Clone, Debug, Default)]
pub struct Begin {
    /// A context with a valid span.
    pub(super) parent: Option<Context>,
    pub(super) root: bool,
    pub(super) sample: Option<Sample>,
    /// Where the span is made, for a future that has not been polled yet.
    pub(super) callsite: Option<&'static Callsite>,
}

impl Begin {
    /// Below the current span.
    pub const fn new() -> Self {
        Self { parent: None, root: false, sample: None, callsite: None }
    }

    /// Below the span that `parent` names, if it names a valid one. What else is in the parent's context is current during
    /// the new span.
    pub fn parent(mut self, parent: &(impl ParentContext + ?Sized)) -> Self {
        // Whoever implements the trait may forget to look.
        self.parent = parent.parent_context().filter(|context| context.span().span_context().is_valid());
        self
    }

    /// With the parent's context replaced by what `f` makes of it, if there is a parent.
    pub fn inside(mut self, f: impl FnOnce(&Context) -> Context) -> Self {
        self.parent = self.parent.map(|parent| f(&parent));
        self
    }

    /// At the beginning of a trace, whatever span is current. What else is in the current context stays.
    pub const fn root(mut self) -> Self {
        self.root = true;
        self
    }

    /// With this decision in place of the sampler's, if the trace begins here: there is no parent, given or current.
    /// Elsewhere the trace is decided already.
    ///
    /// The decision holds for all of the trace in this process, whatever the sampler; headers carry it to others. Tail
    /// sampling then chooses among the traces that are recorded, as always.
    pub const fn sample(mut self, sample: Sample) -> Self {
        self.sample = Some(sample);
        self
    }

    /// Drops it. What lies in the parent's context may panic then; its message is shown already, and the span has begun.
    pub(super) fn forget(self) {
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(self)));
    }
}

/// Which of the traces that begin at a call site are recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sample {
    /// All.
    Always,
    /// None.
    Never,
    /// This share of them, `0.0..=1.0`, chosen by the trace id as the sampler does: with the same ratio it chooses the same.
    Ratio(f64),
}

/// How much a trace matters to whoever annotated where it begins: `priority = low`, `normal` or `high`. Without a word about it,
/// it is normal.
///
/// Priority keeps no trace that a sampler does not want, and drops none that it wants. It says who comes first where not all can
/// be kept:
///
/// | | low | normal | high |
/// |-|-|-|-|
/// | an [adaptive](crate::config::Adaptive) sampler multiplies the ratio with the factor of the load | twice | once | not at all |
/// | rules of [samplers](crate::config::Rule::priority) and of [tail sampling](crate::config::TailRule::priority) that ask for at least this | `low` | `low`, `normal` | all |
/// | a trace that begins here while the queue of the pipeline is more than half full | refused | refused | recorded, as long as there is room |
///
/// For samplers and the queue the annotation counts with which the trace enters this process; what is below it in the process
/// shares its decision. Rules of tail sampling look at every span. `sample = …` of an annotation decides before all of this except
/// the queue. In an annotated block it is the default of all methods.
///
/// ```
/// use otelier::prelude::*;
///
/// #[trace(priority = high)]
/// fn pay(amount: u64) {}
///
/// #[trace(priority = low, sample = 0.1)]
/// fn poll() {}
/// # pay(1);
/// # poll();
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::exhaustive_enums)]
pub enum Priority {
    /// Less than others.
    Low,
    /// As much as others.
    #[default]
    Normal,
    /// More than others.
    High,
}

impl Priority {
    /// Its word in annotations and settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }
}

/// Evaluates how the span of a future begins, if telemetry is on.
pub fn begin(f: impl FnOnce() -> Begin) -> Option<Box<Begin>> {
    enabled().then(|| Box::new(f()))
}

/// The decision of an annotation on a trace. It lies in the contexts of the trace, for a sampler that does not ask parents.
#[derive(Debug)]
pub(super) struct Decided {
    pub(super) trace: TraceId,
    pub(super) sampled: bool,
}

impl Decided {
    /// What was decided on the trace of the span in `context`, which is this process's.
    pub(super) fn find(context: &Context) -> Option<bool> {
        let decided = context.get::<Self>()?;
        let span = context.span();
        let span = span.span_context();
        (span.trace_id() == decided.trace && !span.is_remote()).then_some(decided.sampled)
    }
}
