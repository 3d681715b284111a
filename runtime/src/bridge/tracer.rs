//! Spans of OpenTelemetry's API as spans of ours.

use crate::record::{Callsite, OtelSpan, SharedSpan};
use opentelemetry::trace::{SpanBuilder, SpanKind, TraceContextExt};
use opentelemetry::{Context, InstrumentationScope};
use otelier_spec::Kind;
use std::sync::atomic::{AtomicPtr, Ordering};

/// Makes tracers whose spans go the way of ours: the same queue, the same exporters, the same numbers in
/// [`Stats`](crate::Stats), and ours as parents and children.
///
/// ```
/// use opentelemetry::trace::{Tracer, TracerProvider};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let telemetry = otelier::init(otelier::Telemetry::default())?;
/// let tracer = otelier::bridge::TracerProvider::new().tracer("billing");
/// tracer.in_span("charge", |_| {});
/// assert_eq!(telemetry.shutdown()?.started, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct TracerProvider(());

impl TracerProvider {
    /// The provider; all of them are the same.
    pub fn new() -> Self {
        Self(())
    }
}

impl opentelemetry::trace::TracerProvider for TracerProvider {
    type Tracer = Tracer;

    fn tracer_with_scope(&self, scope: InstrumentationScope) -> Tracer {
        Tracer { callsite: callsite(scope) }
    }
}

/// The most scopes that are told apart; a program has a handful.
const MAX_SCOPES: usize = 1024;

static OTHER: Callsite = Callsite::renamed();

/// A scope that was seen; and the one that was seen before it.
struct Known {
    scope: InstrumentationScope,
    /// Refers to the scope.
    callsite: Callsite,
    before: Option<&'static Known>,
}

/// The scope that was seen last. No lock, or one that a thread held at the moment of a fork would stay locked in the child.
static KNOWN: AtomicPtr<Known> = AtomicPtr::new(std::ptr::null_mut());

/// The call site of a scope. There is one for each scope ever seen, because records point to it for good.
pub(crate) fn callsite(scope: InstrumentationScope) -> &'static Callsite {
    // SAFETY: what is stored is never freed.
    let last = || unsafe { KNOWN.load(Ordering::Acquire).as_ref() };
    let mut new: Option<Box<Known>> = None;
    loop {
        let before = last();
        let known = || std::iter::successors(before, |known| known.before);
        if let Some(known) = known().find(|known| known.scope == scope) {
            return &known.callsite;
        }
        if known().count() >= MAX_SCOPES {
            return &OTHER;
        }
        let mut known = new
            .take()
            .unwrap_or_else(|| Box::new(Known { scope: scope.clone(), callsite: Callsite::renamed(), before: None }));
        known.before = before;
        let known = Box::into_raw(known);
        // SAFETY: nobody else has seen it, and it stays where it is for good unless nobody will.
        unsafe { (*known).callsite.scope = Some(&(*known).scope) };
        let expected = before.map_or(std::ptr::null_mut(), |before| std::ptr::from_ref(before).cast_mut());
        match KNOWN.compare_exchange(expected, known, Ordering::AcqRel, Ordering::Acquire) {
            // SAFETY: it is never freed from now on.
            Ok(_) => return unsafe { &(*known).callsite },
            // SAFETY: nobody else has seen it.
            Err(_) => new = Some(unsafe { Box::from_raw(known) }),
        }
    }
}

/// Makes spans for one instrumentation scope; see [`TracerProvider`].
#[derive(Clone, Debug)]
pub struct Tracer {
    callsite: &'static Callsite,
}

impl opentelemetry::trace::Tracer for Tracer {
    type Span = OtelSpan;

    fn build_with_context(&self, builder: SpanBuilder, parent: &Context) -> OtelSpan {
        let parent_span = parent.span();
        let parent_context = parent_span.span_context();
        let kind = builder.span_kind.as_ref().map_or(Kind::Internal, |kind| match kind {
            SpanKind::Internal => Kind::Internal,
            SpanKind::Server => Kind::Server,
            SpanKind::Client => Kind::Client,
            SpanKind::Producer => Kind::Producer,
            SpanKind::Consumer => Kind::Consumer,
        });
        let suppressed = parent.is_telemetry_suppressed();
        let attributes = builder.attributes.as_deref().unwrap_or_default();
        let links = builder.links.as_deref().unwrap_or_default();
        let started = (!suppressed)
            .then(|| {
                SharedSpan::start(self.callsite, &builder.name, kind, builder.start_time, parent, attributes, links)
            })
            .flatten();
        let Some((span, context)) = started else { return OtelSpan::owner(None, parent_context.clone()) };
        for attribute in builder.attributes.into_iter().flatten() {
            span.attribute(attribute.key.as_str(), &attribute.value);
        }
        for event in builder.events.into_iter().flatten() {
            span.event(&event.name, Some(event.timestamp), &event.attributes);
        }
        for link in builder.links.into_iter().flatten() {
            span.link(&link.span_context, &link.attributes);
        }
        OtelSpan::owner(Some(span), context)
    }
}
