//! The future of an answer.

use super::parent::tell;
use super::response_body::ResponseBody;
use super::settings::Settings;
use super::work::{Passed, Work};
use crate::record::{Exact, Serving};
use ::http::Response;
use http_body::{Body, SizeHint};
use opentelemetry::{Context, ContextGuard};
use std::fmt;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{self, Poll};

/// What becomes of a request.
#[derive(Debug)]
pub(super) enum State {
    /// It has no span.
    Quiet,
    /// It has none, and what happens in it neither.
    Suppressed,
    /// It has none, but a correlation context.
    Within(Context, Arc<Settings>),
    /// It has one that is not recorded.
    Passing(Passed),
    Open(Work),
}

/// Where nothing is recorded.
static SUPPRESSED: LazyLock<Context> = LazyLock::new(|| Context::new().with_telemetry_suppressed());

impl State {
    #[inline]
    pub(super) fn enter(&self) -> Within<'_> {
        match self {
            Self::Quiet => Within::Nothing,
            Self::Suppressed => Within::suppressed(),
            Self::Within(context, _) => Within::attached(context),
            Self::Passing(passed) => Within::Span(passed.span.enter()),
            Self::Open(work) => Within::Span(work.served.enter()),
        }
    }
}

/// The time during which a request is worked on.
pub(super) enum Within<'a> {
    Nothing,
    Suppressed { _until: Attached },
    Context { _until: Attached },
    Span(Serving<'a>),
}

pub(super) struct Attached {
    _context: ContextGuard,
    _exact: Exact,
}

impl Attached {
    fn new(context: &Context) -> Self {
        let exact = Exact::enter();
        Self { _context: context.clone().attach(), _exact: exact }
    }
}

impl Within<'_> {
    pub(super) fn suppressed() -> Self {
        Self::Suppressed { _until: Attached::new(&SUPPRESSED) }
    }

    fn attached(context: &Context) -> Self {
        Self::Context { _until: Attached::new(context) }
    }

    fn is_span(&self) -> bool {
        matches!(self, Self::Span(_))
    }

    /// The regular end; a panic drops it.
    #[inline]
    pub(super) fn leave(self) {
        if let Self::Span(serving) = self {
            serving.leave();
        }
    }
}

/// The future of an answer; of a [`Server`](super::Server).
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct ResponseFuture<F> {
    future: ManuallyDrop<F>,
    state: State,
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").field("state", &self.state).finish_non_exhaustive()
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(future: F, state: State) -> Self {
        Self { future: ManuallyDrop::new(future), state }
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Body,
{
    type Output = Result<Response<ResponseBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<Self::Output> {
        // SAFETY: `future` is pinned structurally: it is never moved, and dropped in place. Nothing else is pinned.
        let Self { future, state } = unsafe { self.get_unchecked_mut() };
        // SAFETY: as above.
        let future = unsafe { Pin::new_unchecked(&mut **future) };
        let within = state.enter();
        let poll = future.poll(task);
        // What a body says of itself is code of the user, too.
        let hint = match &poll {
            Poll::Ready(Ok(response)) if within.is_span() => {
                let body = response.body();
                (body.is_end_stream(), body.size_hint())
            }
            _ => (false, SizeHint::default()),
        };
        within.leave();
        let Poll::Ready(result) = poll else { return Poll::Pending };
        let state = std::mem::replace(state, State::Quiet);
        Poll::Ready(match (result, state) {
            (Ok(response), State::Open(work)) => Ok(answer(work, response, hint)),
            (Ok(response), State::Passing(passed)) => Ok(pass(passed, response, hint)),
            (Ok(response), State::Suppressed) => Ok(response.map(ResponseBody::suppressed)),
            (Ok(mut response), State::Within(context, settings)) => {
                settings.correlation.iter().for_each(|settings| tell(&context, settings, response.headers_mut()));
                Ok(response.map(ResponseBody::quiet))
            }
            (Ok(response), State::Quiet) => Ok(response.map(ResponseBody::quiet)),
            (Err(error), State::Open(work)) => {
                work.failed(std::any::type_name::<E>());
                work.served.end();
                Err(error)
            }
            (Err(error), _) => Err(error),
        })
    }
}

fn pass<R>(passed: Passed, response: Response<R>, (is_over, size): (bool, SizeHint)) -> Response<ResponseBody<R>> {
    let (mut head, body) = response.into_parts();
    let span = passed.answered(head.status, &mut head.headers, is_over, &size);
    Response::from_parts(head, ResponseBody::passing(body, span))
}

fn answer<R>(work: Work, response: Response<R>, (is_over, size): (bool, SizeHint)) -> Response<ResponseBody<R>> {
    let (mut head, body) = response.into_parts();
    work.answered(head.status, &mut head.headers);
    let sending = work.send(head.status, &head.headers, is_over, size);
    Response::from_parts(head, ResponseBody::new(body, sending))
}

impl<F> Drop for ResponseFuture<F> {
    fn drop(&mut self) {
        if let State::Quiet = self.state {
            // SAFETY: as below, and nothing else is done.
            return unsafe { ManuallyDrop::drop(&mut self.future) };
        }
        let state = std::mem::replace(&mut self.state, State::Quiet);
        let ends = Ends(Some(state));
        let within = ends.0.as_ref().map(State::enter);
        // SAFETY: this is the only place that drops the future, and runs once.
        unsafe { ManuallyDrop::drop(&mut self.future) };
        if let Some(within) = within {
            within.leave();
        }
    }
}

/// Ends the span of a future that is dropped before it was ready, also if its drop panics.
struct Ends(Option<State>);

impl Drop for Ends {
    fn drop(&mut self) {
        if let Some(State::Open(work)) = self.0.take() {
            work.cancelled();
        }
    }
}
