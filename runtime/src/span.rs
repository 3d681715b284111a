//! Spans made by hand, for code that cannot be annotated: loops, callbacks, work that is handed from thread to thread.

use crate::attribute::{AnyAttribute, SpanAttributes};
use crate::record::{AsyncSpan, Callsite, Outcome, Scope, SharedSpan, Told};
use crate::schema::Kind;
use crate::wire::status;
use opentelemetry::trace::{SpanContext, Status, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use std::fmt;
use std::sync::Arc;

/// All spans made by hand.
static BY_HAND: Callsite = Callsite::renamed();

/// A span made by hand; it ends when it is dropped.
///
/// It may be sent to another thread, shared, and dropped in any order, unlike the span of an annotated function, which
/// costs less. [`enter`](Self::enter) makes it the parent of what begins on this thread; [`context`](Self::context) does so
/// elsewhere.
///
/// ```
/// use otelier::Span;
/// use otelier::schema::Kind;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let telemetry = otelier::init(otelier::Telemetry::default())?;
/// let span = Span::builder("poll").kind(Kind::Consumer).attribute("messaging.batch.message_count", 2).start();
/// for message in ["one", "two"] {
///     span.in_scope(|| otelier::trace_block!(name = "handle", app.message = message, {}));
/// }
/// span.set_attribute("app.done", true);
/// drop(span);
/// assert_eq!(telemetry.shutdown()?.started, 3);
/// # Ok(())
/// # }
/// ```
#[must_use = "the span ends when it is dropped"]
#[derive(Debug)]
pub struct Span {
    /// `None` if nothing is recorded.
    open: Option<AsyncSpan>,
    /// What is current for OpenTelemetry inside the span.
    context: Context,
}

/// A span that has not started; made by [`Span::builder`].
#[must_use = "call `start`"]
#[derive(Clone, Debug)]
pub struct SpanBuilder {
    name: String,
    kind: Kind,
    parent: Option<Context>,
    attributes: Vec<KeyValue>,
    links: Vec<(SpanContext, Vec<KeyValue>)>,
}

impl SpanBuilder {
    /// Sets the span's kind. Default: internal.
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// Sets the context whose span is the parent. Default: [`current_context`](crate::current_context).
    pub fn parent(mut self, parent: &Context) -> Self {
        self.parent = Some(parent.clone());
        self
    }

    /// Begins a trace, whatever span is active.
    pub fn root(self) -> Self {
        self.parent(&Context::new())
    }

    /// Adds an attribute.
    pub fn attribute(mut self, key: &'static str, value: impl Into<opentelemetry::Value>) -> Self {
        self.attributes.push(KeyValue::new(key, value));
        self
    }

    /// Adds a link to another span.
    pub fn link(mut self, to: &SpanContext, attributes: impl IntoIterator<Item = KeyValue>) -> Self {
        self.links.push((to.clone(), attributes.into_iter().collect()));
        self
    }

    /// Starts the span.
    pub fn start(self) -> Span {
        let parent = self.parent.unwrap_or_else(crate::bridge::current_context);
        let span = (!parent.is_telemetry_suppressed())
            .then(|| SharedSpan::start(&BY_HAND, &self.name, self.kind, None, &parent))
            .flatten();
        let Some(span) = span else { return Span { open: None, context: parent } };
        for attribute in &self.attributes {
            span.attribute(attribute.key.as_str(), &attribute.value);
        }
        for (to, attributes) in &self.links {
            span.link(to, attributes);
        }
        let own = span.span_context(parent.span().span_context());
        let context = parent.with_span(crate::record::OtelSpan::of(Arc::clone(&span), own));
        Span { open: Some(AsyncSpan::new(span, context.clone())), context }
    }
}

impl Span {
    /// Starts a span with this name below the active one.
    pub fn start(name: impl Into<String>) -> Self {
        Self::builder(name).start()
    }

    /// A span with this name, to be started with more said about it.
    pub fn builder(name: impl Into<String>) -> SpanBuilder {
        SpanBuilder { name: name.into(), kind: Kind::Internal, parent: None, attributes: Vec::new(), links: Vec::new() }
    }

    fn shared(&self) -> Option<&SharedSpan> {
        self.open.as_ref().map(AsyncSpan::span)
    }

    /// Whether what is recorded goes anywhere.
    pub fn is_recording(&self) -> bool {
        self.shared().is_some_and(SharedSpan::is_open)
    }

    /// The context with this span in it, to be attached on whatever thread its children begin.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The ids of the span.
    pub fn span_context(&self) -> SpanContext {
        self.context.span().span_context().clone()
    }

    /// Records an attribute; of two values the later one counts.
    pub fn set_attribute(&self, key: &str, value: impl AnyAttribute) {
        if let Some(span) = self.shared() {
            span.attribute(key, &value);
        }
    }

    /// Records the attributes of a struct that derives [`SpanAttributes`](macro@crate::SpanAttributes). It is not looked at
    /// if nothing is recorded.
    pub fn set_attributes(&self, of: &(impl SpanAttributes + ?Sized)) {
        if let Some(span) = self.shared() {
            span.attributes(of);
        }
    }

    /// Records an event.
    pub fn add_event(&self, name: &str, attributes: impl IntoIterator<Item = KeyValue>) {
        if let Some(span) = self.shared() {
            span.event(name, None, &attributes.into_iter().collect::<Vec<_>>());
        }
    }

    /// Links to another span.
    pub fn add_link(&self, to: &SpanContext, attributes: impl IntoIterator<Item = KeyValue>) {
        if let Some(span) = self.shared() {
            span.link(to, &attributes.into_iter().collect::<Vec<_>>());
        }
    }

    /// Records an error as an annotated function does that returns it: an exception event, `error.type` and the status.
    pub fn record_error<E: fmt::Display>(&self, error: &E) {
        if let Some(span) = self.shared() {
            span.fail(&Outcome::of_told(&Told { error, exception_type: std::any::type_name::<E>() }));
        }
    }

    /// Sets the status. "Ok" is final; an error wins over an unset status.
    pub fn set_status(&self, status: Status) {
        if let Some(span) = self.shared() {
            match status {
                Status::Unset => {}
                Status::Ok => span.status(status::OK, ""),
                Status::Error { description } => span.status(status::ERROR, &description),
            }
        }
    }

    /// Gives the span another name.
    pub fn update_name(&self, name: &str) {
        if let Some(span) = self.shared() {
            span.rename(name);
        }
    }

    /// Makes the span active on this thread until the result is dropped.
    ///
    /// A panic on the way there is recorded on the span, and ends it.
    pub fn enter(&self) -> Entered<'_> {
        let scope = match &self.open {
            Some(open) => In::Span(Scope::enter(Some(open))),
            None => In::Context { _attached: self.context.clone().attach() },
        };
        Entered { scope: Some(scope), panicking: std::thread::panicking() }
    }

    /// Runs `f` while the span is active on this thread.
    pub fn in_scope<T>(&self, f: impl FnOnce() -> T) -> T {
        let _entered = self.enter();
        f()
    }

    /// Ends the span now.
    pub fn end(self) {}
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(span) = self.shared() {
            span.end(None);
        }
    }
}

/// The time during which a span made by hand is active on a thread; see [`Span::enter`].
#[must_use = "the span is active until this is dropped"]
#[derive(Debug)]
pub struct Entered<'a> {
    scope: Option<In<'a>>,
    panicking: bool,
}

#[derive(Debug)]
enum In<'a> {
    Span(Scope<'a>),
    Context { _attached: opentelemetry::ContextGuard },
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        if let Some(In::Span(scope)) = self.scope.take()
            && (self.panicking || !std::thread::panicking())
        {
            scope.leave();
        }
    }
}
