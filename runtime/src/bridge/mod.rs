//! OpenTelemetry's API in both directions: its spans become ours, and ours are its parents.
//!
//! A span of ours is OpenTelemetry's current span where it can matter to others: at local roots, in asynchronous
//! functions, and for every kind but internal. `Context::current().span().set_attribute(..)` then reaches it.
//!
//! Synchronous internal spans are *lazy*: to attach a [`Context`] for each would cost several times as much as the span
//! itself. They are still exact parents for everything that goes through a *hook*, which asks for the span that is active
//! just now:
//!
//! | who asks | hook |
//! |-|-|
//! | spans made with OpenTelemetry's API, `tracing-opentelemetry` | [`TracerProvider`], or your own provider in [`hooked`] |
//! | headers written by a propagator | your propagator in [`hooked`] |
//! | log records | your log processor in [`hooked`] (feature `logs`) |
//! | your code that hands a context on | [`current_context`], [`spawn_thread`], [`in_current_context`] |
//!
//! [`Hooks::Global`](crate::config::Hooks) (the default) installs the first two globally when the pipeline starts. Code
//! that reads `Context::current()` itself sees the nearest span that is attached: the right trace and the right sampling
//! decision, but perhaps an ancestor of the active span. With [`Hooks::None`](crate::config::Hooks) nothing is lazy, and
//! every span costs a context.

mod hooked;
mod tracer;

pub use hooked::{Hooked, hooked};
#[cfg(feature = "tracing")]
pub(crate) use tracer::callsite;
pub use tracer::{Tracer, TracerProvider};

use crate::config::Propagator;
use crate::headers;
pub use crate::record::OtelSpan;
use crate::record::capture::{OnThread, carried};
use crate::record::{Exact, forks, is_busy, lazy_span};
use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry::{Context, ContextGuard, global};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// OpenTelemetry's current context with the span in it that is active just now, lazy or not.
///
/// ```
/// use opentelemetry::trace::TraceContextExt;
/// use otelier::prelude::*;
///
/// #[trace]
/// fn outer() { inner() }
///
/// #[trace]
/// fn inner() {
///     let span = otelier::current_context().span().span_context().clone();
///     // Whoever attaches the context, on whatever thread, makes children of `inner`.
///     assert!(span.is_valid());
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let telemetry = otelier::init(Telemetry::default())?;
/// outer();
/// # telemetry.shutdown()?;
/// # Ok(())
/// # }
/// ```
pub fn current_context() -> Context {
    carried(exact(&Context::current()))
}

/// The ids of the span that is active just now, lazy or not; not valid if there is none. Cheaper than
/// [`current_context`], for log lines and headers.
///
/// ```
/// assert!(!otelier::bridge::current_span_context().is_valid());
/// ```
pub fn current_span_context() -> SpanContext {
    if is_busy() {
        return SpanContext::NONE;
    }
    Context::map_current(|context| {
        let span = context.span();
        lazy_span(span.span_context()).unwrap_or_else(|| span.span_context().clone())
    })
}

/// Whether lines of a log with this target are OpenTelemetry's own. Some are written while it changes its context, which
/// panics if it is looked at meanwhile.
#[cfg(any(feature = "log", feature = "tracing"))]
pub(crate) fn is_of_opentelemetry(target: &str) -> bool {
    target
        .strip_prefix("opentelemetry")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['_', '-']) || rest.starts_with("::"))
}

/// The context, or if the span in it is only the attached ancestor of the active one, a context with that one.
fn exact(context: &Context) -> Context {
    match lazy_span(context.span().span_context()) {
        Some(active) => context.with_remote_span_context(active),
        None => context.clone(),
    }
}

/// A future that runs in the context of its making: spans in it are children of the span that is active now.
///
/// ```
/// # async fn load() {}
/// # async fn example() {
/// let task = otelier::in_current_context(load());
/// # task.await;
/// # }
/// ```
pub fn in_current_context<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let context = current_context();
    async move {
        let mut future = pin!(future);
        let in_context = poll_fn(|task| {
            let _exact = Exact::enter();
            let _capture = OnThread::of(&context);
            let _attached: ContextGuard = context.clone().attach();
            future.as_mut().poll(task)
        });
        in_context.await
    }
}

/// Like [`std::thread::spawn`]; spans of the new thread are children of the span that is active now.
///
/// # Panics
///
/// If the operating system cannot make a thread.
pub fn spawn_thread<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    std::thread::spawn(with_current_context(f))
}

/// A closure that runs in the context of its making, for thread pools and scoped threads.
///
/// ```
/// use otelier::prelude::*;
///
/// #[trace]
/// fn part(number: usize) {}
///
/// #[trace]
/// fn whole() {
///     std::thread::scope(|scope| {
///         for number in 0..4 {
///             scope.spawn(otelier::with_current_context(move || part(number)));
///         }
///     });
/// }
/// # whole();
/// ```
pub fn with_current_context<T>(f: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let context = current_context();
    move || {
        let _exact = Exact::enter();
        let _capture = OnThread::of(&context);
        let _attached: ContextGuard = context.attach();
        f()
    }
}

static INSTALLED: AtomicBool = AtomicBool::new(false);

/// Whether our spans and propagator have been made the process's.
#[cfg(feature = "testing")]
pub(crate) fn is_installed() -> bool {
    INSTALLED.load(Ordering::Relaxed)
}

/// Makes our spans and these propagators the process's.
pub(crate) fn install(propagators: &[Propagator]) {
    // The child of a fork has what its parent installed. To set it again would wait for OpenTelemetry's locks, which a thread
    // may have held that the child does not have.
    if INSTALLED.swap(true, Ordering::Relaxed) && forks() > 0 {
        return;
    }
    // Without a propagator headers name no parent; that is something else than that nobody has set one.
    headers::set_are_read(!propagators.is_empty());
    #[cfg(feature = "tower")]
    global::set_text_map_propagator(hooked(crate::propagation::installed(propagators)));
    #[cfg(not(feature = "tower"))]
    global::set_text_map_propagator(hooked(crate::propagation::Propagators::new(propagators.iter().copied())));
    global::set_tracer_provider(TracerProvider::new());
}
