//! Which spans belong to a test that captures its own; see `otelier::testing`.
//!
//! ```text
//! Context ─ Scope(7) ─┐   a span begins at a boundary         records on their way out
//! thread  ─ CURRENT ──┴─► (a trace begins or is handed on)    pass the tap of whoever drains
//!                           │ entered: capture 7, its trace     │ kept by trace, for capture 7
//!                           └──────────────► finish: what the capture's entries lead to ◄┘
//! ```
//!
//! A trace that began in the capture is all its own. Of a trace that somebody else began, it has the spans that began in it
//! at a boundary, and what is below them: two tests may continue one and the same remote trace.
//!
//! Without the feature `testing` nothing of this is compiled, and what the recording path asks answers itself.

#[cfg(feature = "testing")]
mod live;

#[cfg(feature = "testing")]
pub(crate) use live::*;

#[cfg(not(feature = "testing"))]
pub(crate) use off::*;

use super::begin::Decided;
use super::sampling;
use super::thread::Mode;
use opentelemetry::Context;

/// Who looks at a span that begins at a boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), allow(dead_code))]
pub(super) enum SeenBy {
    /// The pipeline.
    Pipeline,
    /// Nobody: there are captures, but not of this span, and no pipeline.
    Nobody,
    /// A capture that records whatever the sampler says, or one that asks it.
    Capture { always: bool },
}

impl SeenBy {
    /// Whether a capture looks that records whatever the sampler says.
    #[inline]
    pub(super) fn is_always(self) -> bool {
        matches!(self, Self::Capture { always: true })
    }

    /// The decision on a trace.
    #[inline]
    pub(super) fn decide(self, trace_low: u64, parent: Option<bool>, continues: bool, context: &Context) -> Mode {
        match self {
            // What an annotation decided is no matter of chance.
            Self::Capture { always: true } if Decided::find(context) != Some(false) => Mode::Recording,
            _ => sampling::decide(trace_low, parent, continues, context),
        }
    }
}

#[cfg(not(feature = "testing"))]
mod off {
    use super::SeenBy;
    use crate::record::guard::store_policy;
    use crate::record::queue::FullChunk;
    use crate::record::thread::Thread;
    use crate::record::{Policy, QUEUE};
    use opentelemetry::Context;
    use opentelemetry::trace::SpanContext;

    #[inline(always)]
    pub(in crate::record) fn find(_: &Thread, _: &SpanContext) -> SeenBy {
        SeenBy::Pipeline
    }

    #[inline(always)]
    pub(in crate::record) fn enter(_: &Thread, _: (u64, u64), _: u64, _: &SpanContext) {}

    pub(crate) struct OnThread;

    impl OnThread {
        #[inline(always)]
        pub(crate) fn of(_: &Context) -> Self {
            Self
        }
    }

    #[inline(always)]
    pub(crate) fn carried(context: Context) -> Context {
        context
    }

    /// Nobody looks at what passes.
    pub(crate) struct Tap;

    impl Tap {
        #[inline(always)]
        pub(crate) fn open() -> Self {
            Self
        }

        #[inline(always)]
        pub(crate) fn words(&mut self, _: &[u64]) {}

        #[inline(always)]
        pub(crate) fn pop(&mut self) -> Option<FullChunk> {
            QUEUE.pop()
        }
    }

    pub(crate) fn set_policy(policy: Policy) {
        store_policy(policy);
    }

    #[inline(always)]
    pub(crate) fn set_collector(_: bool) {}
}
