//! Spans over the items of iterators and streams.

use super::{Inspect, SpanBuilder, failure, nothing};
use crate::record::{Outcome, TracedIterator, TracedStream};
use futures_core::Stream;
use std::fmt;

/// An iterator with a span by hand; see [`TraceIterator`].
pub type SpanIterator<I> = TracedIterator<I, Inspect<<I as Iterator>::Item>, SpanBuilder>;

/// A stream with a span by hand; see [`TraceStream`].
pub type SpanStream<S> = TracedStream<S, Inspect<<S as Stream>::Item>, SpanBuilder>;

/// Gives iterators a span.
///
/// The span starts with the first item that is asked for, is active while an item is made (not while you work on it), and
/// ends when there are no more, or when the iterator is dropped, which is no error. It has these attributes:
///
/// | attribute | |
/// |-|-|
/// | `otelier.item_count` | items that were given |
/// | `otelier.failed_item_count` | those among them that were errors, if there were any; of the first error there is an exception event |
///
/// To make it active costs an OpenTelemetry context for every item: it is for items that take some work, such as pages of
/// an answer, not for numbers.
///
/// ```
/// use otelier::TraceIterator;
///
/// let lines = "1\n2\nx".lines().map(str::parse::<u32>);
/// let good = lines.try_in_span("parse lines").flatten().count();
/// assert_eq!(good, 2);
/// ```
pub trait TraceIterator: Iterator + Sized {
    /// Gives the iterator a span that does not look at the items.
    fn in_span(self, span: impl Into<SpanBuilder>) -> SpanIterator<Self> {
        TracedIterator::new(self, nothing, span.into())
    }

    /// Gives the iterator a span that records items that are errors.
    fn try_in_span<T, E: fmt::Display>(self, span: impl Into<SpanBuilder>) -> SpanIterator<Self>
    where
        Self: Iterator<Item = Result<T, E>>,
    {
        TracedIterator::new(self, failure, span.into())
    }
}

impl<I: Iterator> TraceIterator for I {}

/// Gives streams a span: that of [`TraceIterator`], active while the stream is polled.
///
/// A stream that is dropped while somebody waits for its next item was cancelled, and its span says so with
/// `otelier.cancelled`; one that is dropped between two items was not. Neither is an error.
///
/// ```
/// use futures_core::Stream;
/// use otelier::TraceStream;
///
/// fn watched(rows: impl Stream<Item = Result<u64, std::io::Error>>) -> impl Stream<Item = Result<u64, std::io::Error>> {
///     rows.try_in_span("read rows")
/// }
/// ```
pub trait TraceStream: Stream + Sized {
    /// Gives the stream a span that does not look at the items.
    fn in_span(self, span: impl Into<SpanBuilder>) -> SpanStream<Self> {
        TracedStream::new(self, nothing, span.into())
    }

    /// Gives the stream a span that records items that are errors.
    fn try_in_span<T, E: fmt::Display>(self, span: impl Into<SpanBuilder>) -> SpanStream<Self>
    where
        Self: Stream<Item = Result<T, E>>,
    {
        TracedStream::new(self, failure, span.into())
    }
}

impl<S: Stream> TraceStream for S {}

/// Gives an iterator a span; `inspect` says what to record of an item.
pub fn iterator_with<I, F>(span: impl Into<SpanBuilder>, iterator: I, inspect: F) -> TracedIterator<I, F, SpanBuilder>
where
    I: Iterator,
    F: for<'a> Fn(&'a I::Item) -> Outcome<'a>,
{
    TracedIterator::new(iterator, inspect, span.into())
}

/// Gives a stream a span; `inspect` says what to record of an item.
pub fn stream_with<S, F>(span: impl Into<SpanBuilder>, stream: S, inspect: F) -> TracedStream<S, F, SpanBuilder>
where
    S: Stream,
    F: for<'a> Fn(&'a S::Item) -> Outcome<'a>,
{
    TracedStream::new(stream, inspect, span.into())
}
