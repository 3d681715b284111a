//! Closures and futures in a span.

use super::{Inspect, Span, SpanBuilder, failure, nothing};
use crate::record::{Outcome, TracedFuture};
use std::fmt;
use std::future::Future;

/// Runs a closure in a span, and returns what it returns. A panic is recorded.
///
/// A function cannot see whether the value is a failure; to record that, take [`try_in_span`] for a `Result`, or the macro
/// of this name, `otelier::in_span!("name", |span| ..)`, which records whatever an annotation would.
///
/// ```
/// let sum = otelier::in_span("add", |span| {
///     span.set_attribute("app.terms", 2);
///     1 + 2
/// });
/// assert_eq!(sum, 3);
/// ```
pub fn in_span<T>(span: impl Into<SpanBuilder>, f: impl FnOnce(&Span) -> T) -> T {
    in_span_with(span, f, nothing)
}

/// Runs a closure in a span, and returns what it returns. An error is recorded on the span, and so is a panic.
///
/// `error.type` is the name of the error's type. For an [`ErrorClass`](crate::ErrorClass) write
/// `otelier::in_span!("name", |span| ..)`.
///
/// ```
/// let port = otelier::try_in_span("parse", |_| "80".parse::<u16>());
/// assert_eq!(port, Ok(80));
/// ```
///
/// # Errors
///
/// Those of the closure.
pub fn try_in_span<T, E: fmt::Display>(
    span: impl Into<SpanBuilder>,
    f: impl FnOnce(&Span) -> Result<T, E>,
) -> Result<T, E> {
    in_span_with(span, f, failure)
}

/// Runs a closure in a span; `inspect` says what to record of the value.
pub fn in_span_with<T>(
    span: impl Into<SpanBuilder>,
    f: impl FnOnce(&Span) -> T,
    inspect: impl for<'a> FnOnce(&'a T) -> Outcome<'a>,
) -> T {
    let span = span.into().start();
    span.in_scope(|| {
        let value = f(&span);
        if span.is_recording() {
            span.tell(&inspect(&value));
        }
        value
    })
}

/// A future with a span by hand; see [`InSpan`].
pub type SpanFuture<F> = TracedFuture<F, Inspect<<F as Future>::Output>, SpanBuilder>;

/// Gives futures a span.
///
/// The span starts when the future is polled first, is active while it is polled, and ends when it is ready. If the future
/// is dropped before, the span ends with `otelier.cancelled`, which is no error. What is recorded inside reaches the span
/// through [`current_span`](crate::current_span).
///
/// ```
/// use otelier::{InSpan, Span};
/// use otelier::schema::Kind;
///
/// # async fn load() -> std::io::Result<u32> { Ok(3) }
/// # async fn example() -> std::io::Result<()> {
/// let found = load().try_in_span(Span::builder("load").kind(Kind::Client)).await?;
/// async { otelier::current_span().set_attribute("app.found", found) }.in_span("report").await;
/// # Ok(())
/// # }
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
/// # runtime.block_on(example()).expect("no error");
/// ```
pub trait InSpan: Future + Sized {
    /// Gives the future a span that does not look at the output.
    fn in_span(self, span: impl Into<SpanBuilder>) -> SpanFuture<Self> {
        TracedFuture::new(self, nothing, span.into())
    }

    /// Gives the future a span that records the error, if the output is one.
    fn try_in_span<T, E: fmt::Display>(self, span: impl Into<SpanBuilder>) -> SpanFuture<Self>
    where
        Self: Future<Output = Result<T, E>>,
    {
        TracedFuture::new(self, failure, span.into())
    }
}

impl<F: Future> InSpan for F {}

/// Gives a future a span, as [`InSpan::in_span`] does.
///
/// ```
/// # async fn example() -> i32 {
/// otelier::in_span_async("add", async { 1 + 2 }).await
/// # }
/// ```
pub fn in_span_async<F: Future>(span: impl Into<SpanBuilder>, future: F) -> SpanFuture<F> {
    future.in_span(span)
}

/// Gives a future a span; `inspect` says what to record of the output.
pub fn future_with<F, I>(span: impl Into<SpanBuilder>, future: F, inspect: I) -> TracedFuture<F, I, SpanBuilder>
where
    F: Future,
    I: for<'a> FnMut(&'a F::Output) -> Outcome<'a>,
{
    TracedFuture::new(future, inspect, span.into())
}
