//! Attempts of one piece of work as spans that link to each other.

use super::{Span, SpanBuilder, current_span, failure};
use crate::record::{ErrorClass, Outcome, SharedSpan, Start, TracedFuture};
use opentelemetry::KeyValue;
use opentelemetry::trace::SpanContext;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::time::Duration;

const ATTEMPT: &str = "retry.attempt";
const MAX_ATTEMPTS: &str = "retry.max_attempts";
const DELAY: &str = "retry.delay";
/// What a link means; on the links from an attempt to the one before it.
const LINK_TYPE: (&str, &str) = ("otelier.link.type", "previous_attempt");

/// How attempts tell an error: by its text. See [`Attempts`].
#[derive(Clone, Copy, Debug)]
pub enum ByText {}

/// How attempts tell an error: by its class as well. See [`Attempts::by_class`].
#[derive(Clone, Copy, Debug)]
pub enum ByClass {}

/// A way to tell errors of a type; [`ByText`] or [`ByClass`].
pub trait Tells<E>: sealed::Sealed {
    #[doc(hidden)]
    fn otelier_outcome<T>(result: &Result<T, E>) -> Outcome<'_>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::ByText {}
    impl Sealed for super::ByClass {}
}

impl<E: fmt::Display> Tells<E> for ByText {
    fn otelier_outcome<T>(result: &Result<T, E>) -> Outcome<'_> {
        failure(result)
    }
}

impl<E: ErrorClass> Tells<E> for ByClass {
    fn otelier_outcome<T>(result: &Result<T, E>) -> Outcome<'_> {
        result.as_ref().err().map_or(Outcome::NONE, Outcome::of_class)
    }
}

/// Attempts of one piece of work: every one has a span of its own, with its number, and links to the one before it.
///
/// | on the span | |
/// |-|-|
/// | `retry.attempt` | the number of the attempt; the first is 1 |
/// | `retry.max_attempts` | how many are made at most, if that was said |
/// | link with `otelier.link.type` `previous_attempt` | the attempt before |
/// | event `retry.scheduled` | it failed, and another one follows after `retry.delay` seconds |
/// | event `retry.exhausted` | it failed, and was the last one |
///
/// [`retry`] and [`retry_async`] are the loops around it. For a loop of your own:
///
/// ```
/// let mut attempts = otelier::Attempts::new("fetch").max(5);
/// let port = loop {
///     match attempts.run(|_span| "80".parse::<u16>()) {
///         Ok(port) => break Ok(port),
///         Err(error) if attempts.is_exhausted() => break Err(error),
///         Err(_) => {}
///     }
/// };
/// assert_eq!((port, attempts.made()), (Ok(80), 1));
/// ```
#[must_use = "call `run`, or give it to `retry`"]
#[derive(Clone, Debug)]
pub struct Attempts<Told = ByText> {
    span: SpanBuilder,
    made: u32,
    max: Option<u32>,
    previous: Option<SpanContext>,
    told: PhantomData<Told>,
}

impl Attempts {
    /// Attempts whose spans have this name, or begin like this builder. `error.type` is the name of the error's type; for an
    /// [`ErrorClass`] add [`by_class`](Self::by_class).
    pub fn new(span: impl Into<SpanBuilder>) -> Self {
        Self { span: span.into(), made: 0, max: None, previous: None, told: PhantomData }
    }

    /// Attempts that are calls of an annotated function, which says so by [`mark_current`](Self::mark_current).
    ///
    /// Its span is the attempt's: checked against its schema, and with the class of its error. Spans that are started by
    /// [`start`](Self::start) all the same are named `attempt`.
    pub fn annotated() -> Self {
        Self::new("attempt")
    }

    /// Records of errors what their [`ErrorClass`] says: `error.type`, `failure.kind` and so on. A function cannot see
    /// whether an error has one, so it is said here.
    ///
    /// ```
    /// use otelier::prelude::*;
    /// use otelier::{Attempts, retry};
    /// use std::time::Duration;
    ///
    /// #[derive(Debug, ErrorClass)]
    /// #[error_class(kind = unavailable, retryable)]
    /// struct Busy;
    ///
    /// impl std::fmt::Display for Busy {
    ///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    ///         f.write_str("busy")
    ///     }
    /// }
    ///
    /// // `error.type` is `busy`.
    /// let attempts = Attempts::new("fetch").by_class();
    /// let result: Result<(), Busy> = retry(attempts, [Duration::ZERO; 2], Busy::is_retryable, |_span| Err(Busy));
    /// # assert!(result.is_err());
    /// ```
    pub fn by_class(self) -> Attempts<ByClass> {
        let Self { span, made, max, previous, told: _ } = self;
        Attempts { span, made, max, previous, told: PhantomData }
    }
}

impl<Told> Attempts<Told> {
    /// Sets how many attempts are made at most. Default: not said, and no limit. [`run`](Self::run) does not enforce it.
    pub fn max(mut self, attempts: u32) -> Self {
        self.max = Some(attempts);
        self
    }

    /// How many attempts have begun.
    pub fn made(&self) -> u32 {
        self.made
    }

    /// Whether there were as many attempts as there may be.
    pub fn is_exhausted(&self) -> bool {
        self.max.is_some_and(|max| self.made >= max)
    }

    /// Starts the span of the next attempt, for code that is neither a closure nor a future.
    ///
    /// ```
    /// let mut attempts = otelier::Attempts::new("fetch");
    /// let first = attempts.start();
    /// first.record_error(&"no answer");
    /// first.end();
    /// let second = attempts.start(); // links to the first
    /// ```
    pub fn start(&mut self) -> Span {
        self.made = self.made.saturating_add(1);
        let mut span = self.span.clone().attribute(ATTEMPT, self.made);
        if let Some(max) = self.max {
            span = span.attribute(MAX_ATTEMPTS, max);
        }
        if let Some(previous) = self.previous.take().filter(SpanContext::is_valid) {
            span = span.link(&previous, [KeyValue::new(LINK_TYPE.0, LINK_TYPE.1)]);
        }
        let span = span.start();
        self.previous = Some(span.span_context());
        span
    }

    /// Makes the span that is active now the next attempt: it gets the number, and links to the attempt before. For the
    /// body of an annotated function, which is called in a loop of yours. The events are not recorded.
    ///
    /// ```
    /// use otelier::Attempts;
    /// use otelier::prelude::*;
    ///
    /// #[trace]
    /// fn fetch(attempts: &mut Attempts) -> Result<u16, std::num::ParseIntError> {
    ///     attempts.mark_current();
    ///     if attempts.made() < 2 { "" } else { "80" }.parse()
    /// }
    ///
    /// let mut attempts = Attempts::annotated().max(3);
    /// let port = loop {
    ///     match fetch(&mut attempts) {
    ///         Err(_) if !attempts.is_exhausted() => {}
    ///         done => break done,
    ///     }
    /// };
    /// assert_eq!((port, attempts.made()), (Ok(80), 2));
    /// ```
    pub fn mark_current(&mut self) {
        self.made = self.made.saturating_add(1);
        let span = current_span();
        span.set_attribute(ATTEMPT, self.made);
        span.set_attribute(MAX_ATTEMPTS, self.max);
        if let Some(previous) = self.previous.take().filter(SpanContext::is_valid) {
            span.add_link(&previous, [KeyValue::new(LINK_TYPE.0, LINK_TYPE.1)]);
        }
        self.previous = Some(span.span_context());
    }

    /// Runs the next attempt. An error is recorded on its span, and so is a panic.
    ///
    /// # Errors
    ///
    /// Those of `op`.
    pub fn run<T, E>(&mut self, op: impl FnOnce(&Span) -> Result<T, E>) -> Result<T, E>
    where
        Told: Tells<E>,
    {
        let (span, last) = (self.start(), self.is_exhausted());
        let result = span.in_scope(|| op(&span));
        if let Some(span) = span.shared() {
            Next::known(last).record(self, span, &result);
        }
        result
    }

    /// Runs the next attempt. An error is recorded on its span; dropped before it is ready, it was cancelled.
    ///
    /// ```
    /// # async fn fetch() -> std::io::Result<u32> { Ok(3) }
    /// # async fn example() -> std::io::Result<u32> {
    /// let mut attempts = otelier::Attempts::new("fetch").max(2);
    /// match attempts.run_async(fetch()).await {
    ///     Err(_) => attempts.run_async(fetch()).await,
    ///     found => found,
    /// }
    /// # }
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    /// # assert_eq!(runtime.block_on(example()).ok(), Some(3));
    /// ```
    ///
    /// # Errors
    ///
    /// Those of the future.
    pub async fn run_async<T, E>(&mut self, future: impl Future<Output = Result<T, E>>) -> Result<T, E>
    where
        Told: Tells<E>,
    {
        let (span, last) = (self.start(), self.is_exhausted());
        self.watch(span, future, |_| Next::known(last)).await
    }

    /// A future in the span of an attempt; `decide` says what becomes of a failure.
    fn watch<T, E, F: Future<Output = Result<T, E>>>(
        &self,
        span: Span,
        future: F,
        mut decide: impl FnMut(&E) -> Next,
    ) -> impl Future<Output = F::Output>
    where
        Told: Tells<E>,
    {
        let recorded = span.open.as_ref().map(|open| open.handle());
        watched(future, span, move |result: &Result<T, E>| {
            let next = result.as_ref().err().map_or(Next::Unknown, &mut decide);
            if let Some(span) = &recorded {
                next.record(self, span, result);
            }
            Outcome::NONE
        })
    }
}

fn watched<F, S, I>(future: F, start: S, inspect: I) -> TracedFuture<F, I, S>
where
    F: Future,
    S: Start,
    I: for<'a> FnMut(&'a F::Output) -> Outcome<'a>,
{
    TracedFuture::new(future, inspect, start)
}

/// What follows a failure.
#[derive(Clone, Copy, Debug)]
enum Next {
    /// It is not our decision, or nothing does.
    Unknown,
    Exhausted,
    Retry(Duration),
}

impl Next {
    fn known(last: bool) -> Self {
        if last { Self::Exhausted } else { Self::Unknown }
    }

    /// Records the failure, and what follows it.
    fn record<T, E, Told: Tells<E>>(self, of: &Attempts<Told>, span: &SharedSpan, result: &Result<T, E>) {
        let outcome = Told::otelier_outcome(result);
        let Some(error_type) = outcome.error_type() else { return };
        span.fail(&outcome);
        let (name, delay) = match self {
            Self::Unknown => return,
            Self::Exhausted => ("retry.exhausted", None),
            Self::Retry(delay) => ("retry.scheduled", Some(delay.as_secs_f64())),
        };
        let attributes = [
            Some(KeyValue::new(ATTEMPT, i64::from(of.made))),
            delay.map(|delay| KeyValue::new(DELAY, delay)),
            of.max.map(|max| KeyValue::new(MAX_ATTEMPTS, i64::from(max))),
            Some(KeyValue::new("error.type", error_type)),
        ];
        span.event(name, None, &attributes.into_iter().flatten().collect::<Vec<_>>());
    }

    /// What follows an error: nothing if it is not worth another attempt, else the next delay.
    fn after<Told>(of: &Attempts<Told>, retries: bool, delays: &mut impl Iterator<Item = Duration>) -> Self {
        if !retries {
            return Self::Unknown;
        }
        let delay = if of.is_exhausted() { None } else { delays.next() };
        delay.map_or(Self::Exhausted, Self::Retry)
    }
}

/// Calls `op` until it succeeds, `should_retry` says no to its error, there are no more `delays`, or there were as many
/// attempts as there may be. Between two attempts the thread sleeps.
///
/// The delays are yours: any iterator, such as one that doubles. Without an end of the delays, and without
/// [`Attempts::max`], it goes on until it succeeds.
///
/// ```
/// use otelier::{Attempts, retry};
/// use std::time::Duration;
///
/// let doubling = std::iter::successors(Some(Duration::from_millis(1)), |delay| Some(*delay * 2));
/// let mut answers = ["", "", "80"].into_iter();
/// let port = retry(
///     Attempts::new("fetch").max(5),
///     doubling,
///     |error: &std::num::ParseIntError| error.kind() == &std::num::IntErrorKind::Empty,
///     |_span| answers.next().unwrap_or_default().parse::<u16>(),
/// );
/// assert_eq!(port, Ok(80));
/// ```
///
/// # Errors
///
/// That of the last attempt.
pub fn retry<T, E, Told: Tells<E>>(
    mut attempts: Attempts<Told>,
    delays: impl IntoIterator<Item = Duration>,
    mut should_retry: impl FnMut(&E) -> bool,
    mut op: impl FnMut(&Span) -> Result<T, E>,
) -> Result<T, E> {
    let mut delays = delays.into_iter();
    loop {
        let span = attempts.start();
        let result = span.in_scope(|| op(&span));
        let Err(error) = &result else { return result };
        let next = Next::after(&attempts, should_retry(error), &mut delays);
        if let Some(span) = span.shared() {
            next.record(&attempts, span, &result);
        }
        drop(span);
        match next {
            Next::Retry(delay) => std::thread::sleep(delay),
            Next::Unknown | Next::Exhausted => return result,
        }
    }
}

/// The same for futures: `op` makes one for each attempt, whose number it gets, and `sleep` waits, on whatever runtime.
///
/// The attempt's span is active inside of the future: [`current_span`](crate::current_span) finds it.
///
/// ```
/// use otelier::{Attempts, retry_async};
/// use std::time::Duration;
///
/// # async fn example() -> Result<u16, std::num::ParseIntError> {
/// retry_async(
///     Attempts::new("fetch").max(3),
///     [Duration::from_millis(1); 4],
///     tokio::time::sleep,
///     |_error| true,
///     |attempt| async move { if attempt < 3 { "" } else { "80" }.parse::<u16>() },
/// )
/// .await
/// # }
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
/// # assert_eq!(runtime.block_on(example()), Ok(80));
/// ```
///
/// # Errors
///
/// That of the last attempt.
pub async fn retry_async<T, E, F, W, Told>(
    mut attempts: Attempts<Told>,
    delays: impl IntoIterator<Item = Duration>,
    mut sleep: impl FnMut(Duration) -> W,
    mut should_retry: impl FnMut(&E) -> bool,
    mut op: impl FnMut(u32) -> F,
) -> Result<T, E>
where
    Told: Tells<E>,
    F: Future<Output = Result<T, E>>,
    W: Future,
{
    let mut delays = delays.into_iter();
    loop {
        let span = attempts.start();
        let future = span.in_scope(|| op(attempts.made()));
        let mut decided = None;
        let decide = |error: &E| *decided.insert(Next::after(&attempts, should_retry(error), &mut delays));
        let result = attempts.watch(span, future, decide).await;
        let Err(error) = &result else { return result };
        // Where nothing is recorded, nobody has looked at the error yet.
        match decided.unwrap_or_else(|| Next::after(&attempts, should_retry(error), &mut delays)) {
            Next::Retry(delay) => drop(sleep(delay).await),
            Next::Unknown | Next::Exhausted => return result,
        }
    }
}
