//! Spans made by hand, for code that cannot be annotated: closures, loops, streams, callbacks, tasks, work that is handed
//! from thread to thread.

mod attempts;
mod batch;
mod builder;
mod closure;
mod current;
mod drain;
mod task;

pub use attempts::{Attempts, ByClass, ByText, retry, retry_async};
pub use batch::batch;
pub use builder::SpanBuilder;
pub use closure::{InSpan, SpanFuture, in_span, in_span_async, try_in_span};
pub use closure::{future_with, in_span_with};
pub use current::{CurrentSpan, current_span};
pub use drain::{SpanIterator, SpanStream, TraceIterator, TraceStream};
pub use drain::{iterator_with, stream_with};
pub use task::{spawn, spawn_blocking, spawn_local};

use crate::attribute::{AnyAttribute, AttributeSink, SpanAttributes};
use crate::record::{
    AsyncSpan, Callsite, Entry, ErrorClass, Opening, Outcome, OutcomeDisplay, Probe, SharedSpan, Start, Told, settle,
};
use crate::relation::Links;
use crate::wire::status;
use opentelemetry::trace::{SpanContext, Status, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

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

impl Span {
    /// Starts a span with this name below the active one.
    pub fn start(name: impl Into<String>) -> Self {
        Self::builder(name).start()
    }

    /// Starts a span below this one, whatever span is active.
    ///
    /// ```
    /// let outer = otelier::Span::start("outer");
    /// let child = outer.child("inner");
    /// assert_eq!(child.span_context().trace_id(), outer.span_context().trace_id());
    /// ```
    pub fn child(&self, name: impl Into<String>) -> Self {
        Self::builder(name).parent(&self.context).start()
    }

    /// A span with this name, to be started with more said about it.
    pub fn builder(name: impl Into<String>) -> SpanBuilder {
        SpanBuilder::new(Cow::Owned(name.into()))
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

    /// Records an event that happened at this time.
    pub fn add_event_at(&self, name: &str, time: SystemTime, attributes: impl IntoIterator<Item = KeyValue>) {
        if let Some(span) = self.shared() {
            span.event(name, Some(time), &attributes.into_iter().collect::<Vec<_>>());
        }
    }

    /// Records an event whose attributes are values of any type that an attribute takes. `record` is not called if nothing
    /// is recorded.
    ///
    /// ```
    /// let span = otelier::Span::start("collect");
    /// span.add_event_with("stored", |event| {
    ///     event.attribute("app.rows", &7_usize);
    ///     event.attribute("app.symbols", &["BTCUSDT", "ETHUSDT"]);
    /// });
    /// ```
    pub fn add_event_with(&self, name: &str, record: impl FnOnce(&mut AttributeSink<'_>)) {
        if let Some(span) = self.shared().filter(|span| span.is_open()) {
            span.event(name, None, &builder::collect(record));
        }
    }

    /// Links to every span that a value names; what is not valid makes no link.
    pub fn add_links(&self, to: &(impl Links + ?Sized)) {
        if let Some(span) = self.shared() {
            span.links(to);
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

    /// Records an error that says itself what it is, with its `error.type`; an expected one leaves the status as it is.
    ///
    /// ```
    /// use otelier::ErrorClass;
    /// use std::borrow::Cow;
    ///
    /// #[derive(Debug)]
    /// struct NotListed;
    ///
    /// impl std::fmt::Display for NotListed {
    ///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    ///         f.write_str("the symbol is not listed")
    ///     }
    /// }
    ///
    /// impl ErrorClass for NotListed {
    ///     fn error_type(&self) -> Cow<'static, str> {
    ///         "not_listed".into()
    ///     }
    /// }
    ///
    /// otelier::Span::start("fetch").record_error_class(&NotListed);
    /// ```
    pub fn record_error_class<E: ErrorClass>(&self, error: &E) {
        self.tell(&Outcome::of_class(error));
    }

    /// Records the error of a result, if it is one.
    ///
    /// ```
    /// let span = otelier::Span::start("parse");
    /// let parsed = "seven".parse::<u32>();
    /// span.outcome(&parsed);
    /// ```
    pub fn outcome<T, E: fmt::Display>(&self, result: &Result<T, E>) {
        self.tell(&failure(result));
    }

    fn tell(&self, outcome: &Outcome<'_>) {
        if let Some(span) = self.shared().filter(|_| !outcome.is_good()) {
            span.fail(outcome);
        }
    }

    /// Sets the status. "Ok" is final; an error wins over an unset status.
    pub fn set_status(&self, status: Status) {
        if let Some(span) = self.shared() {
            set_status(span, status);
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
            Some(open) => In::Span(Entry::enter(open)),
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

    /// Says when the span ended, by the clock of whoever measured it.
    ///
    /// ```
    /// use otelier::Span;
    /// use std::time::{Duration, SystemTime};
    ///
    /// let began = SystemTime::now();
    /// let took = Duration::from_millis(20);
    /// Span::builder("measured elsewhere").start_time(began).start().end_at(began + took);
    /// ```
    pub fn end_at(self, time: SystemTime) {
        if let Some(span) = self.shared() {
            span.end(Some(time));
        }
    }
}

fn set_status(span: &SharedSpan, status: Status) {
    match status {
        Status::Unset => {}
        Status::Ok => span.status(status::OK, ""),
        Status::Error { description } => span.status(status::ERROR, &description),
    }
}

/// Looks at a value and says what to record of it.
type Inspect<T> = for<'a> fn(&'a T) -> Outcome<'a>;

/// What says nothing of success or failure.
fn nothing<T>(_: &T) -> Outcome<'_> {
    Outcome::NONE
}

fn failure<T, E: fmt::Display>(result: &Result<T, E>) -> Outcome<'_> {
    OutcomeDisplay::otelier_outcome(&&&Probe(result))
}

impl Start for Span {
    fn start(mut self) -> Opening {
        match self.open.take() {
            Some(open) => Opening::open(open),
            None => Opening::around(self.context.clone()),
        }
    }
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
    Span(Entry<'a>),
    Context { _attached: opentelemetry::ContextGuard },
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        if let Some(In::Span(entry)) = self.scope.take()
            && (self.panicking || !std::thread::panicking())
        {
            entry.leave();
        }
        // While it was active, somebody may have recorded on the span that is active again.
        self.scope = None;
        settle();
    }
}
