//! Spans over the items of iterators and streams.

use crate::support::*;
use futures_core::Stream;
use otelier::prelude::*;
use otelier::{Span, TraceIterator, TraceStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

#[trace]
fn made() {}

#[trace]
fn used() {}

#[trace]
fn dropped() {}

struct Drops;

impl Drop for Drops {
    fn drop(&mut self) {
        dropped();
    }
}

fn items(count: usize) -> impl DoubleEndedIterator<Item = usize> + ExactSizeIterator {
    (0..count).inspect(|_| made())
}

/// A stream from a script: `None` is an item that is not there yet.
struct Script<T>(std::vec::IntoIter<Option<T>>, Drops);

fn script<T>(items: Vec<Option<T>>) -> Script<T> {
    Script(items.into_iter(), Drops)
}

impl<T> Unpin for Script<T> {}

impl<T> Stream for Script<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<T>> {
        match self.0.next() {
            None => Poll::Ready(None),
            Some(None) => Poll::Pending,
            Some(item) => {
                made();
                Poll::Ready(item)
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.0.len()))
    }
}

fn next<S: Stream + Unpin>(stream: &mut S) -> Poll<Option<S::Item>> {
    Pin::new(stream).poll_next(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn the_span_covers_the_items_and_not_what_is_done_with_them() {
    let recorder = Recorder::start();
    trace_block!(name = "loop", {
        for _ in items(2).in_span("drain") {
            used();
        }
    });
    recorder.expect(&["loop", "  drain otelier.item_count=2", "    made", "    made", "  used", "  used"]);
}

#[test]
fn an_iterator_that_is_never_asked_has_no_span_and_one_that_is_dropped_early_is_no_error() {
    let recorder = Recorder::start();
    drop(items(2).in_span("never"));
    let mut early = items(5).map(|number| (number, Drops)).in_span(Span::builder("early").attribute("app.x", 1));
    std::mem::forget(early.next());
    drop(early);
    recorder.expect(&["early app.x=1 otelier.item_count=1", "  made"]);
}

#[test]
fn what_the_iterator_drops_belongs_to_its_span() {
    let recorder = Recorder::start();
    let holds = Drops;
    let mut iterator = (0..2).inspect(move |_| assert!(std::ptr::addr_of!(holds).is_aligned())).in_span("holds");
    assert_eq!(iterator.next(), Some(0));
    drop(iterator);
    recorder.expect(&["holds otelier.item_count=1", "  dropped"]);
}

#[test]
fn both_ends_and_sizes_are_those_of_the_iterator() {
    let recorder = Recorder::start();
    let mut iterator = items(3).in_span("ends");
    assert_eq!((iterator.len(), iterator.size_hint()), (3, (3, Some(3))));
    assert_eq!((iterator.next_back(), iterator.next(), iterator.len()), (Some(2), Some(0), 1));
    assert_eq!((iterator.next(), iterator.next(), iterator.next_back()), (Some(1), None, None));
    recorder.expect(&["ends otelier.item_count=3", "  made", "  made", "  made"]);
}

#[test]
fn an_item_that_is_an_error_fails_the_span_once() {
    let recorder = Recorder::start();
    let items = ["1", "x", "2", "y"].into_iter().map(str::parse::<u8>);
    assert_eq!(items.try_in_span("parse").flatten().sum::<u8>(), 3);
    let spans = recorder.spans();
    assert_eq!((int(&spans[0], "otelier.item_count"), int(&spans[0], "otelier.failed_item_count")), (4, 2));
    assert_eq!(
        (spans[0].events.len(), &spans[0].status),
        (1, &opentelemetry::trace::Status::error("invalid digit found in string"))
    );
}

#[test]
fn a_panic_ends_the_span_and_keeps_the_number() {
    let recorder = Recorder::start();
    let mut iterator = (0..3).inspect(|number| assert!(*number < 1, "on purpose")).in_span("panics");
    assert_eq!(iterator.next(), Some(0));
    assert!(catch_unwind(AssertUnwindSafe(|| iterator.next())).is_err());
    drop(iterator);
    let spans = recorder.spans();
    assert_eq!((spans.len(), int(&spans[0], "otelier.item_count")), (1, 1));
    assert_eq!(spans[0].status, opentelemetry::trace::Status::error("panicked"));
}

#[test]
fn a_stream_is_active_while_it_is_polled() {
    let recorder = Recorder::start();
    let mut stream = script(vec![None, Some(Ok(1)), None, Some(Err("no"))]).try_in_span("stream");
    assert_eq!(stream.size_hint(), (0, Some(4)));
    assert_eq!(next(&mut stream), Poll::Pending);
    used();
    assert_eq!(next(&mut stream), Poll::Ready(Some(Ok(1))));
    assert_eq!(next(&mut stream), Poll::Pending);
    assert_eq!(next(&mut stream), Poll::Ready(Some(Err("no"))));
    assert_eq!(next(&mut stream), Poll::Ready(None));
    assert_eq!(next(&mut stream), Poll::Ready(None));
    drop(stream);
    recorder.expect(&[
        "stream otelier.item_count=2 otelier.failed_item_count=1 error.type=&str !no",
        "  * exception exception.type=&str exception.message=no",
        "  made",
        "  made",
        "used",
        "dropped",
    ]);
}

#[test]
fn a_stream_that_is_dropped_while_it_is_waited_for_was_cancelled() {
    let recorder = Recorder::start();
    let mut waiting = script(vec![Some(1), None]).in_span("waiting");
    assert_eq!(next(&mut waiting), Poll::Ready(Some(1)));
    let mut between = script(vec![None, Some(1)]).in_span("between");
    assert!(next(&mut between).is_pending() && next(&mut between).is_ready());
    assert!(next(&mut waiting).is_pending());
    drop(waiting);
    drop(between);
    recorder.expect(&[
        "waiting otelier.item_count=1 otelier.cancelled=true",
        "  made",
        "  dropped",
        "between otelier.item_count=1",
        "  made",
        "  dropped",
    ]);
}

#[trace(iterator, app.x = x)]
fn counted(x: u64) -> impl Iterator<Item = u64> + use<> {
    made();
    (0..x).inspect(|_| made())
}

#[trace(iterator)]
fn lines(text: &str) -> Box<dyn Iterator<Item = Result<u8, std::num::ParseIntError>> + '_> {
    if text.is_empty() {
        return Box::new(std::iter::empty());
    }
    Box::new(text.lines().map(str::parse))
}

#[trace(stream, app.x = items.len())]
fn streamed(items: Vec<Option<u8>>) -> impl futures_core::Stream<Item = u8> {
    made();
    script(items)
}

#[trace(stream)]
fn boxed_stream(items: Vec<Option<u8>>) -> Pin<Box<dyn futures_core::Stream<Item = u8>>> {
    assert!(!items.is_empty(), "no items");
    Box::pin(script(items))
}

#[test]
fn an_annotated_function_covers_its_call_and_the_items_it_returns() {
    let recorder = Recorder::start();
    assert_eq!(counted(2).count(), 2);
    drop(counted(1));
    assert_eq!(lines("1\nx\n3").flatten().count(), 2);
    assert_eq!(lines("").count(), 0);
    let mut stream = Box::pin(streamed(vec![Some(1)]));
    assert!(next(&mut stream).is_ready() && next(&mut stream) == Poll::Ready(None));
    drop(stream);
    let mut stream = boxed_stream(vec![Some(2)]);
    assert!(next(&mut stream).is_ready());
    drop(stream);
    assert!(std::panic::catch_unwind(|| boxed_stream(Vec::new())).is_err());
    recorder.expect(&[
        "counted app.x=2 otelier.item_count=2",
        "  made",
        "  made",
        "  made",
        "counted app.x=1 otelier.item_count=0",
        "  made",
        "lines otelier.item_count=3 otelier.failed_item_count=1 error.type=core::num::error::ParseIntError \
         !invalid digit found in string",
        "  * exception exception.type=core::num::error::ParseIntError exception.message=invalid digit found in string",
        "lines otelier.item_count=0",
        "streamed app.x=1 otelier.item_count=1",
        "  made",
        "  made",
        "dropped",
        "boxed_stream otelier.item_count=1",
        "  made",
        "  dropped",
        "boxed_stream error.type=panic !panicked",
        "  * exception exception.type=panic exception.message=no items",
    ]);
}

#[test]
fn an_unsampled_parent_keeps_the_items_unsampled() {
    let recorder = Recorder::start();
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    for _ in items(2).in_span(Span::builder("unsampled").child_of(parent)) {}
    recorder.expect(&[]);
}

#[test]
fn an_item_that_is_an_error_is_asked_once_and_only_where_that_is_recorded() {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    static ASKED: AtomicU32 = AtomicU32::new(0);
    struct Asked;
    impl std::fmt::Display for Asked {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("asked")
        }
    }
    impl ErrorClass for Asked {
        fn error_type(&self) -> std::borrow::Cow<'static, str> {
            ASKED.fetch_add(1, Relaxed);
            "asked".into()
        }
    }
    let drain = || {
        let items = otelier::in_span!("items", iterator = (0..3).map(|_| Err::<u8, _>(Asked)));
        assert_eq!(items.count(), 3);
        ASKED.swap(0, Relaxed)
    };
    let recorder = Recorder::start();
    assert_eq!(drain(), 1);
    drop(recorder);
    let recorder = Recorder::with(Telemetry::default().with_sampler(otelier::config::Sampler::AlwaysOff));
    assert_eq!(drain(), 0);
    recorder.expect(&[]);
}
