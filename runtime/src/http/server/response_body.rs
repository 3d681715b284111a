//! Bodies of answers.

use super::future::Within;
use super::work::Sending;
use crate::record::Passing;
use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use std::fmt;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The body of an answer, which passes unchanged. The span of the request ends with it.
pub struct ResponseBody<B> {
    body: ManuallyDrop<B>,
    state: Sent,
}

#[derive(Debug)]
enum Sent {
    /// There is no span, or none any more.
    Over,
    /// Nothing is recorded of what happens meanwhile.
    Suppressed,
    /// The span is not recorded.
    Passing(Passing),
    Open(Sending),
}

impl Sent {
    fn enter(&self) -> Within<'_> {
        match self {
            Self::Over => Within::Nothing,
            Self::Suppressed => Within::suppressed(),
            Self::Passing(span) => Within::Span(span.enter()),
            Self::Open(sending) => Within::Span(sending.work.served.enter()),
        }
    }
}

impl<B> fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").field("state", &self.state).finish_non_exhaustive()
    }
}

impl<B> ResponseBody<B> {
    pub(super) fn new(body: B, sending: Option<Sending>) -> Self {
        Self { body: ManuallyDrop::new(body), state: sending.map_or(Sent::Over, Sent::Open) }
    }

    pub(super) fn quiet(body: B) -> Self {
        Self::new(body, None)
    }

    pub(super) fn passing(body: B, span: Option<Passing>) -> Self {
        Self { body: ManuallyDrop::new(body), state: span.map_or(Sent::Over, Sent::Passing) }
    }

    pub(super) fn suppressed(body: B) -> Self {
        Self { body: ManuallyDrop::new(body), state: Sent::Suppressed }
    }
}

impl<B: Body> Body for ResponseBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        // SAFETY: `body` is pinned structurally: it is never moved, and dropped in place. Nothing else is pinned.
        let Self { body, state } = unsafe { self.get_unchecked_mut() };
        // SAFETY: as above.
        let mut body = unsafe { Pin::new_unchecked(&mut **body) };
        let within = state.enter();
        let poll = body.as_mut().poll_frame(task);
        within.leave();
        let sending = match state {
            Sent::Over | Sent::Suppressed => return poll,
            Sent::Passing(_) => {
                let is_over = match &poll {
                    Poll::Pending => false,
                    Poll::Ready(None | Some(Err(_))) => true,
                    Poll::Ready(Some(Ok(_))) => body.is_end_stream(),
                };
                if is_over {
                    *state = Sent::Over;
                }
                return poll;
            }
            Sent::Open(sending) => sending,
        };
        let over = match &poll {
            Poll::Pending => false,
            Poll::Ready(None) => true,
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    sending.sent += data.remaining() as u64;
                    if let Some(collected) = &mut sending.collected {
                        collected.add(data);
                    }
                }
                // Who sends it may not ask again.
                body.is_end_stream()
            }
            Poll::Ready(Some(Err(_))) => {
                if let Sent::Open(sending) = std::mem::replace(state, Sent::Over) {
                    sending.failed(std::any::type_name::<B::Error>());
                }
                false
            }
        };
        if over && let Sent::Open(sending) = std::mem::replace(state, Sent::Over) {
            sending.end();
        }
        poll
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for ResponseBody<B> {
    fn drop(&mut self) {
        if let Sent::Over = self.state {
            // SAFETY: as below, and nothing else is done.
            return unsafe { ManuallyDrop::drop(&mut self.body) };
        }
        let ends = Ends(std::mem::replace(&mut self.state, Sent::Over));
        let within = ends.0.enter();
        // SAFETY: this is the only place that drops the body, and runs once.
        unsafe { ManuallyDrop::drop(&mut self.body) };
        within.leave();
    }
}

/// Ends the span of a body that is dropped, also if its drop panics.
struct Ends(Sent);

impl Drop for Ends {
    fn drop(&mut self) {
        if let Sent::Open(sending) = std::mem::replace(&mut self.0, Sent::Over) {
            sending.dropped();
        }
    }
}

impl<B: Default> Default for ResponseBody<B> {
    /// A body without a span; some middlewares make one in place of a real one.
    fn default() -> Self {
        Self::quiet(B::default())
    }
}
