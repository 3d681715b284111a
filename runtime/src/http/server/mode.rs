//! Whether the bodies of requests are looked at.

use super::attributes::{REQUEST_CONTENT, REQUEST_CUT, content_length};
use super::capture::Collected;
use super::work::Work;
use crate::attribute::Slot;
use crate::record::SharedSpan;
use ::http::{HeaderMap, Request};
use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// What the service behind a [`ServerLayer`](super::ServerLayer) gets as the body of a request; see [`AsIs`] and [`Read`].
pub trait Mode: sealed::Sealed + 'static {
    /// The body that the service gets in place of `B`.
    type Body<B>;

    #[doc(hidden)]
    const READS: bool;

    #[doc(hidden)]
    fn wrap<B>(request: Request<B>, reading: Option<Reading>) -> Request<Self::Body<B>>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::AsIs {}
    impl Sealed for super::Read {}
}

/// Bodies of requests go to the service as they are.
#[derive(Clone, Copy, Debug)]
pub enum AsIs {}

/// Bodies of requests are counted while the service reads them; it gets a [`RequestBody`].
#[derive(Clone, Copy, Debug)]
pub enum Read {}

impl Mode for AsIs {
    type Body<B> = B;

    const READS: bool = false;

    #[inline]
    fn wrap<B>(request: Request<B>, _reading: Option<Reading>) -> Request<B> {
        request
    }
}

impl Mode for Read {
    type Body<B> = RequestBody<B>;

    const READS: bool = true;

    #[inline]
    fn wrap<B>(request: Request<B>, reading: Option<Reading>) -> Request<RequestBody<B>> {
        request.map(|body| RequestBody { body, reading: Told(reading) })
    }
}

/// What is recorded of a body that is read. It may outlive the span, which then takes no more.
#[doc(hidden)]
pub struct Reading {
    span: Arc<SharedSpan>,
    /// Where the size goes, unless it is known.
    size: Option<u16>,
    read: u64,
    collected: Option<Box<Collected>>,
}

impl Reading {
    pub(super) fn new(work: &Work, headers: &HeaderMap) -> Self {
        let capture = work.settings.request_capture.as_ref();
        Self {
            span: work.served.handle(),
            size: content_length(headers).is_none().then_some(work.site.request_size),
            read: 0,
            collected: capture.and_then(|capture| capture.collect(headers)),
        }
    }

    /// Records what was read; the size is known only of a body that was read to its end.
    fn end(self, is_whole: bool) {
        if let Some(size) = self.size.filter(|_| is_whole) {
            Slot::new(&*self.span, size).int(i64::try_from(self.read).unwrap_or(i64::MAX));
        }
        if let Some((text, is_cut)) = self.collected.and_then(|collected| collected.finish(is_whole)) {
            self.span.attribute(REQUEST_CONTENT, &*text);
            if is_cut {
                self.span.attribute(REQUEST_CUT, &true);
            }
        }
    }
}

/// Records what was read when it is dropped.
struct Told(Option<Reading>);

impl Told {
    fn end(&mut self, is_whole: bool) {
        if let Some(reading) = self.0.take() {
            reading.end(is_whole);
        }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.end(false);
    }
}

pin_project_lite::pin_project! {
    /// The body of a request, which passes unchanged.
    ///
    /// Its size is recorded when it is read to its end while the request's span is open, unless the request said it.
    pub struct RequestBody<B> {
        #[pin]
        body: B,
        reading: Told,
    }
}

impl<B> fmt::Debug for RequestBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let read = self.reading.0.as_ref().map(|reading| reading.read);
        f.debug_struct("RequestBody").field("read", &read).finish_non_exhaustive()
    }
}

impl<B: Default> Default for RequestBody<B> {
    fn default() -> Self {
        Self { body: B::default(), reading: Told(None) }
    }
}

impl<B: Body> Body for RequestBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let frame = ready!(this.body.as_mut().poll_frame(task));
        match &frame {
            None => this.reading.end(true),
            Some(Err(_)) => this.reading.end(false),
            Some(Ok(frame)) => {
                if let Some(reading) = &mut this.reading.0
                    && let Some(data) = frame.data_ref()
                {
                    reading.read += data.remaining() as u64;
                    if let Some(collected) = &mut reading.collected {
                        collected.add(data);
                    }
                }
                if this.body.is_end_stream() {
                    this.reading.end(true);
                }
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
