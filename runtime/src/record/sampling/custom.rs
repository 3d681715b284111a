//! Samplers of the program's own.

use super::grounds::{Grounds, GroundsNumber, Kept};
use super::node::{Answer, Asked, Reason};
use super::refusals;
use crate::record::thread;
use opentelemetry::Context;
use opentelemetry::trace::{SpanKind, TraceContextExt, TraceId};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};
use otelier_spec::Kind;
use std::borrow::Cow;
use std::fmt;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Whoever decides in place of ours.
#[derive(Clone, Debug)]
pub(crate) struct CustomNode(pub(crate) Arc<Tame<dyn ShouldSample>>);

/// A sampler that may end on any thread, in the midst of a decision on a trace: there it must not panic.
pub(crate) struct Tame<S: ?Sized>(ManuallyDrop<S>);

impl<S> Tame<S> {
    pub(crate) fn new(sampler: S) -> Self {
        Self(ManuallyDrop::new(sampler))
    }
}

impl<S: ?Sized + fmt::Debug> fmt::Debug for Tame<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        S::fmt(&self.0, f)
    }
}

impl<S: ?Sized> Drop for Tame<S> {
    fn drop(&mut self) {
        let sampler = &mut self.0;
        // SAFETY: nobody looks at it any more.
        let end = || unsafe { ManuallyDrop::drop(sampler) };
        if let Err(payload) = catch_unwind(AssertUnwindSafe(end)) {
            // Its end may panic as well.
            std::mem::forget(payload);
        }
    }
}

impl CustomNode {
    /// Why such a trace is kept. Nobody knows how many traces it stands for.
    pub(super) fn grounds() -> GroundsNumber {
        Grounds::new(Kept::Custom, None).number()
    }

    pub(super) fn ask(&self, asked: &Asked<'_>) -> Answer {
        // What it calls may be traced, and would ask it again; so would its allocations, in the midst of a decision.
        thread::quietly(|| match catch_unwind(AssertUnwindSafe(|| self.result(asked))) {
            Ok(result) => answer(asked, result),
            Err(payload) => {
                // Its end may panic as well.
                std::mem::forget(payload);
                refusals::note_panic();
                Answer { reason: Reason::Panicked, ..Answer::of_parent(asked) }
            }
        })
    }

    fn result(&self, asked: &Asked<'_>) -> SamplingResult {
        let Asked { trace, who, .. } = asked;
        let trace = TraceId::from(u128::from(trace.0) << 64 | u128::from(trace.1));
        let context = parent_context(asked);
        self.0.0.should_sample(context.as_deref(), trace, who.name, &kind(who.kind), &who.attributes(), &who.links())
    }
}

/// The context with the parent in it, if there is one.
fn parent_context<'a>(asked: &Asked<'a>) -> Option<Cow<'a, Context>> {
    let parent = asked.parent;
    if !parent.is_valid() {
        return None;
    }
    match asked.context {
        Some(context) if context.span().span_context() == parent => Some(Cow::Borrowed(context)),
        Some(context) => Some(Cow::Owned(context.with_remote_span_context(parent.clone()))),
        None => Some(Cow::Owned(Context::new().with_remote_span_context(parent.clone()))),
    }
}

fn answer(asked: &Asked<'_>, result: SamplingResult) -> Answer {
    let SamplingResult { decision, attributes, trace_state } = result;
    let sampled = decision == SamplingDecision::RecordAndSample;
    let state = (trace_state != *asked.parent.trace_state() || !asked.parent.is_valid()).then_some(trace_state);
    let grounds = if sampled { CustomNode::grounds() } else { 0 };
    let attributes = if sampled { attributes } else { Vec::new() };
    Answer { state, grounds, attributes, ..Answer::plain(sampled, Reason::Custom) }
}

fn kind(kind: Kind) -> SpanKind {
    match kind {
        Kind::Client => SpanKind::Client,
        Kind::Server => SpanKind::Server,
        Kind::Producer => SpanKind::Producer,
        Kind::Consumer => SpanKind::Consumer,
        Kind::Internal => SpanKind::Internal,
    }
}
