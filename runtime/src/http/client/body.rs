//! A body whose end is the end of a span.

use super::super::grpc::Rpc;
use super::call::Call;
use ::http::HeaderMap;
use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pin_project! {
    /// The body of an answer, which ends the span of its request: when it has been read, when reading fails, or when it is
    /// dropped.
    ///
    /// A span whose body was dropped before its end has `otelier.cancelled`. What there is to read is not changed.
    pub struct TracedBody<B: Body> {
        #[pin]
        inner: B,
        // `None` if there is nothing to record, or no more.
        watch: Option<Watch>,
        error: for<'a> fn(&'a B::Error) -> &'a (dyn Error + 'static),
    }
}

impl<B: Body + fmt::Debug> fmt::Debug for TracedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TracedBody").field("inner", &self.inner).finish_non_exhaustive()
    }
}

/// Whose body it is.
#[derive(Debug)]
pub(in crate::http) enum Watch {
    Call(Call),
    Rpc(Rpc),
}

impl Watch {
    fn data(&mut self, bytes: usize) {
        if let Self::Call(call) = self {
            call.received(bytes as u64);
        }
    }

    fn trailers(&mut self, trailers: &HeaderMap) {
        if let Self::Rpc(rpc) = self {
            rpc.trailers(trailers);
        }
    }

    fn drained(mut self) {
        match &mut self {
            Self::Call(call) => call.drained(),
            Self::Rpc(rpc) => rpc.drained(),
        }
    }

    fn failed(mut self, error: &(dyn Error + 'static)) {
        match &mut self {
            Self::Call(call) => call.failed(error),
            Self::Rpc(rpc) => rpc.failed(error),
        }
    }

    /// Runs what makes the body inside of the span, if it is this process that makes it.
    fn within<T>(this: Option<&Self>, f: impl FnOnce() -> T) -> T {
        match this {
            Some(Self::Rpc(rpc)) if rpc.makes_body() => rpc.recording().within(f),
            _ => f(),
        }
    }
}

impl<B: Body> TracedBody<B> {
    pub(in crate::http) fn new(
        inner: B,
        watch: Option<Watch>,
        error: for<'a> fn(&'a B::Error) -> &'a (dyn Error + 'static),
    ) -> Self {
        let mut body = Self { inner, watch, error };
        if body.inner.is_end_stream()
            && let Some(watch) = body.watch.take()
        {
            watch.drained();
        }
        body
    }
}

impl<B: Body> Body for TracedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let inner = this.inner.as_mut();
        let frame = ready!(Watch::within(this.watch.as_ref(), || inner.poll_frame(task)));
        let Some(watch) = this.watch else { return Poll::Ready(frame) };
        let mut over = false;
        match &frame {
            None => over = true,
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    watch.data(data.remaining());
                } else if let Some(trailers) = frame.trailers_ref() {
                    watch.trailers(trailers);
                    over = true;
                }
                // Many readers stop here, and never hear that there is no more.
                over |= this.inner.is_end_stream();
            }
            Some(Err(error)) => {
                if let Some(watch) = this.watch.take() {
                    watch.failed((this.error)(error));
                }
            }
        }
        if over && let Some(watch) = this.watch.take() {
            watch.drained();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
