//! Futures of exporters, whose panics must not end anything but themselves.

use crate::export::{Book, Failure};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A future that is begun when it is polled first, and whose panics are failures, also while it is begun and dropped.
pub(crate) struct Caught<'a, T, B> {
    book: &'a Book,
    begin: Option<B>,
    future: Option<Boxed<'a, T>>,
}

impl<'a, T, B: FnOnce() -> Boxed<'a, T> + Unpin> Caught<'a, T, B> {
    pub(crate) fn new(book: &'a Book, begin: B) -> Self {
        Self { book, begin: Some(begin), future: None }
    }
}

impl<'a, T, B: FnOnce() -> Boxed<'a, T> + Unpin> Future for Caught<'a, T, B> {
    type Output = Result<T, Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { book, begin, future } = &mut *self;
        let _polling = book.polling();
        let polled = catch_unwind(AssertUnwindSafe(|| {
            if let Some(begin) = begin.take() {
                *future = Some(begin());
            }
            future.as_mut().map_or(Poll::Pending, |future| future.as_mut().poll(cx))
        }));
        match polled {
            Ok(polled) => polled.map(Ok),
            Err(panic) => Poll::Ready(Err(Failure::of_panic(&*panic))),
        }
    }
}

impl<T, B> Drop for Caught<'_, T, B> {
    fn drop(&mut self) {
        let _polling = self.book.polling();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(self.future.take())));
    }
}
