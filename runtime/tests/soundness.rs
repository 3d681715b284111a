//! The paths on which threads, unwinding and user code meet, in tests so small that Miri runs them too:
//! `cargo xtask soundness`.

use opentelemetry::trace::{Span, SpanContext, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::SpanData;
use otelier::__private::{self as private, Begin, Callsite, Sample};
use otelier::config::{Limits, TailSampling};
use otelier::export::MemoryExporter;
use otelier::prelude::*;
use otelier::relation::{Links, ParentContext};
use otelier::{Guard, Pipeline, Stats};
use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::sync::{Barrier, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

/// Miri is slow, and nothing here should take long even there.
const PATIENCE: Duration = Duration::from_secs(100);

/// A pipeline into memory; tests take turns.
struct Recorder {
    memory: MemoryExporter,
    telemetry: Guard,
    /// Spans that an earlier test has leaked.
    open_before: u64,
    _turn: MutexGuard<'static, ()>,
}

impl Recorder {
    fn start() -> Self {
        Self::with(Telemetry::default())
    }

    fn with(settings: Telemetry) -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let memory = MemoryExporter::new(100_000);
        // So large that no trace is refused: what is dropped is not the subject here.
        let settings = settings.with_max_queue_size(1 << 16);
        let settings = settings.with_shutdown_timeout(PATIENCE).with_export_timeout(PATIENCE);
        let telemetry =
            Pipeline::new(settings).with_span_exporter(memory.clone()).start().expect("the pipeline starts");
        let open_before = telemetry.stats().open;
        Self { memory, telemetry, open_before, _turn: turn }
    }

    fn flush(&self) {
        self.telemetry.force_flush(PATIENCE).expect("the flush ends in time");
    }

    /// Ends the pipeline; every span must be accounted for, and every one that was exported is another.
    #[track_caller]
    fn finish(self) -> (Vec<SpanData>, Stats) {
        let mut stats = self.telemetry.shutdown().expect("the pipeline ends in time");
        stats.started -= self.open_before;
        stats.open -= self.open_before;
        let spans = self.memory.spans();
        let ids: HashSet<_> = spans.iter().map(|span| span.span_context.span_id()).collect();
        assert_eq!(ids.len(), spans.len(), "a span was exported twice");
        assert_eq!(spans.len() as u64, stats.exporters[0].exported);
        assert_eq!(stats.started, stats.open + stats.dropped() + stats.exporters[0].exported, "{stats:?}");
        (spans, stats)
    }

    /// The same, where every span has ended and none was dropped; how many of them have this name.
    #[track_caller]
    fn expect(self, wanted: &[(&str, usize)]) -> Vec<SpanData> {
        let (spans, stats) = self.finish();
        assert_eq!((stats.open, stats.dropped()), (0, 0), "{stats:?}");
        for &(name, count) in wanted {
            assert_eq!(spans.iter().filter(|span| span.name == name).count(), count, "`{name}`");
        }
        assert_eq!(spans.len(), wanted.iter().map(|(_, count)| count).sum::<usize>());
        spans
    }
}

fn attribute(span: &SpanData, key: &str) -> String {
    let mut found = span.attributes.iter().filter(|attribute| attribute.key.as_str() == key);
    found.next().map_or_else(String::new, |attribute| attribute.value.to_string())
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut std::task::Context::from_waker(Waker::noop()))
}

/// Gives way so many times.
async fn pauses(times: usize) {
    for _ in 0..times {
        let mut paused = false;
        std::future::poll_fn(|_| if std::mem::replace(&mut paused, true) { Poll::Ready(()) } else { Poll::Pending })
            .await;
    }
}

#[trace(app.value = value)]
fn leaf(value: u64) -> u64 {
    event!("leaf", app.value = value);
    value
}

/// Displays with a span of its own in the middle, and panics in the end if it is told so.
struct Traced {
    panics: bool,
}

impl fmt::Display for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("before ")?;
        leaf(1);
        assert!(!self.panics, "on purpose");
        f.write_str("after")
    }
}

struct TracedDrop(u64);

impl Drop for TracedDrop {
    fn drop(&mut self) {
        leaf(self.0);
    }
}

#[trace(
    app.int = -1,
    app.unsigned = 7_u8,
    app.float = 0.5,
    app.flag = true,
    app.text = "text",
    app.owned = "owned".to_owned(),
    app.missing = None::<u32>,
    app.some = Some(3),
    app.list = vec!["a".to_owned(), "bc".to_owned()],
    app.numbers = vec![1_i64, 2, 3],
    app.display = %format_args!("{}-{}", "left", depth),
    app.debug = ?Some(depth)
)]
fn every_kind(depth: usize) {
    record!(app.text = "x".repeat(100 * depth));
    event!("in between", app.depth = depth, app.text = "event");
    if depth > 0 {
        every_kind(depth - 1);
    }
    record!(app.int = depth);
}

#[test]
fn nested_spans_hold_attributes_of_every_kind() {
    let recorder = Recorder::start();
    every_kind(3);
    let spans = recorder.expect(&[("every_kind", 4)]);
    let outermost = spans.iter().find(|span| attribute(span, "app.int") == "3").expect("the outermost span");
    assert_eq!(attribute(outermost, "app.text").len(), 300);
    assert_eq!(attribute(outermost, "app.list"), r#"["a","bc"]"#);
    assert_eq!(attribute(outermost, "app.display"), "left-3");
}

#[trace(app.traced = %Traced { panics: false })]
fn displays() {
    event!("displayed", app.traced = %Traced { panics: false });
    let bad = || record!(app.traced = %Traced { panics: true });
    assert!(catch_unwind(AssertUnwindSafe(bad)).is_err());
    let bad = || event!("bad", app.traced = %Traced { panics: true });
    assert!(catch_unwind(AssertUnwindSafe(bad)).is_err());
    record!(app.last = 1);
}

#[trace(app.traced = %Traced { panics: false })]
async fn displays_later() {
    event!("displayed", app.traced = %Traced { panics: false });
    pauses(1).await;
    let bad = || record!(app.traced = %Traced { panics: true });
    assert!(catch_unwind(AssertUnwindSafe(bad)).is_err());
    let bad = || event!("bad", app.traced = %Traced { panics: true });
    assert!(catch_unwind(AssertUnwindSafe(bad)).is_err());
    record!(app.last = 1);
}

#[test]
fn a_value_that_is_displayed_may_be_traced_and_may_panic() {
    let recorder = Recorder::start();
    displays();
    let mut later = pin!(displays_later());
    assert!(poll(later.as_mut()).is_pending());
    assert!(poll(later.as_mut()).is_ready());
    displays();
    let spans = recorder.expect(&[("displays", 2), ("displays_later", 1), ("leaf", 12)]);
    for span in spans.iter().filter(|span| span.name != "leaf") {
        assert_eq!((attribute(span, "app.traced"), attribute(span, "app.last")), ("before after".into(), "1".into()));
    }
}

#[trace]
fn unwinds(depth: u64) {
    let _first = TracedDrop(depth);
    let _second = TracedDrop(depth + 100);
    assert!(depth > 0, "on purpose");
    unwinds(depth - 1);
}

#[test]
fn what_is_dropped_while_unwinding_may_be_traced() {
    let recorder = Recorder::start();
    assert!(catch_unwind(|| unwinds(2)).is_err());
    drop(TracedDrop(9));
    let spans = recorder.expect(&[("unwinds", 3), ("leaf", 7)]);
    for span in spans.iter().filter(|span| span.name == "unwinds") {
        assert_eq!(attribute(span, "error.type"), "panic");
    }
}

#[trace(app.number = number)]
async fn moves(number: u64) {
    let _dropped = TracedDrop(number);
    inner_of_moves().await;
    record!(app.late = number);
    pauses(2).await;
    event!("moved", app.number = number);
    leaf(number);
}

#[trace]
async fn inner_of_moves() {
    pauses(2).await;
}

#[test]
fn a_future_is_polled_on_one_thread_after_another() {
    let recorder = Recorder::start();
    let mut future: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(moves(5));
    let mut polls = 0;
    loop {
        polls += 1;
        let (back, ready) = thread::spawn(move || {
            leaf(0);
            let ready = poll(future.as_mut()).is_ready();
            (future, ready)
        })
        .join()
        .expect("the thread ends");
        future = back;
        if ready {
            break;
        }
    }
    drop(future);
    let spans = recorder.expect(&[("moves", 1), ("inner_of_moves", 1), ("leaf", polls + 2)]);
    let moves = spans.iter().find(|span| span.name == "moves").expect("the span");
    assert_eq!((attribute(moves, "app.late"), moves.events.len()), ("5".into(), 1));
}

#[test]
fn futures_that_panic_or_are_dropped_elsewhere_end_where_they_are() {
    #[trace]
    async fn panics() {
        let _dropped = TracedDrop(1);
        pauses(1).await;
        panic!("on purpose");
    }
    let recorder = Recorder::start();
    let mut dropped = Box::pin(moves(1));
    let mut panicking = Box::pin(panics());
    assert!(poll(dropped.as_mut()).is_pending());
    assert!(poll(panicking.as_mut()).is_pending());
    thread::spawn(move || {
        leaf(7);
        drop(dropped);
        assert!(catch_unwind(AssertUnwindSafe(|| poll(panicking.as_mut()))).is_err());
    })
    .join()
    .expect("the thread ends");
    recorder.expect(&[("moves", 1), ("inner_of_moves", 1), ("panics", 1), ("leaf", 3)]);
}

#[test]
fn spans_of_the_api_end_on_another_thread_after_theirs_is_gone() {
    let recorder = Recorder::start();
    let mut spans: Vec<_> = thread::spawn(|| {
        let tracer = otelier::bridge::TracerProvider::new().tracer("soundness");
        (0..3_i64)
            .map(|number| {
                let mut span = tracer.start(format!("span {number}"));
                span.set_attribute(KeyValue::new("app.number", number));
                span
            })
            .collect()
    })
    .join()
    .expect("the thread ends");
    spans[0].add_event("late", vec![KeyValue::new("app.text", "late")]);
    spans[1].end();
    thread::scope(|scope| {
        for span in spans {
            scope.spawn(move || drop(span));
        }
    });
    recorder.expect(&[("span 0", 1), ("span 1", 1), ("span 2", 1)]);
}

#[trace]
fn gives_context() -> Context {
    Context::current()
}

#[trace(kind = client)]
fn gives_client_context() -> Context {
    leaf(1);
    Context::current()
}

#[trace]
async fn gives_context_later() -> Context {
    pauses(1).await;
    otelier::current_context()
}

fn use_context(context: &Context) {
    let span = context.span();
    span.set_attribute(KeyValue::new("app.late", "late"));
    span.add_event("late", vec![KeyValue::new("app.text", "late")]);
    span.update_name("late");
    span.add_link(span.span_context().clone(), Vec::new());
    span.set_status(opentelemetry::trace::Status::Ok);
    span.end();
}

#[test]
fn a_context_outlives_its_span_and_its_thread() {
    let recorder = Recorder::start();
    let contexts = thread::spawn(|| {
        let mut later = pin!(gives_context_later());
        assert!(poll(later.as_mut()).is_pending());
        let Poll::Ready(later) = poll(later.as_mut()) else { panic!("it is ready") };
        [gives_context(), gives_client_context(), later, trace_block!(name = "outer", { gives_context() })]
    });
    let contexts = contexts.join().expect("the thread ends");
    for context in contexts {
        use_context(&context);
        let _attached = context.clone().attach();
        leaf(2);
        use_context(&context);
    }
    let wanted =
        [("gives_context", 2), ("gives_client_context", 1), ("gives_context_later", 1), ("outer", 1), ("leaf", 5)];
    for span in recorder.expect(&wanted) {
        assert_eq!(
            (attribute(&span, "app.late"), span.events.iter().filter(|event| event.name == "late").count()),
            (String::new(), 0)
        );
    }
}

#[trace(kind = server, app.early = 1)]
fn ends_meanwhile(context: impl FnOnce(Context)) {
    context(otelier::current_context());
    event!("in time");
    leaf(1);
    record!(app.last = 1);
}

#[test]
fn another_thread_records_on_a_span_that_ends_meanwhile() {
    let recorder = Recorder::start();
    let rounds = if cfg!(miri) { 3 } else { 100 };
    for _ in 0..rounds {
        thread::scope(|scope| {
            ends_meanwhile(|context| {
                for _ in 0..2 {
                    let context = context.clone();
                    scope.spawn(move || (0..3).for_each(|_| use_context(&context)));
                }
            });
        });
    }
    let (spans, stats) = recorder.finish();
    assert_eq!((stats.started, stats.dropped(), stats.open), (2 * rounds, 0, 0), "{stats:?}");
    for span in spans.iter().filter(|span| span.span_kind == opentelemetry::trace::SpanKind::Server) {
        assert_eq!((attribute(span, "app.early"), attribute(span, "app.last")), ("1".into(), "1".into()));
    }
}

#[test]
fn an_owned_span_ends_once_although_two_threads_end_it() {
    let recorder = Recorder::start();
    let tracer = otelier::bridge::TracerProvider::new().tracer("soundness");
    let rounds = if cfg!(miri) { 3 } else { 100 };
    for _ in 0..rounds {
        let context = Context::new().with_span(tracer.start("contended"));
        let barrier = Barrier::new(2);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    barrier.wait();
                    context.span().set_attribute(KeyValue::new("app.late", "perhaps"));
                    context.span().end();
                });
            }
        });
    }
    recorder.expect(&[("contended", rounds)]);
}

#[test]
fn threads_come_and_go_while_another_one_flushes() {
    let recorder = Recorder::start();
    let done = AtomicBool::new(false);
    let (threads, spans) = if cfg!(miri) { (8, 3) } else { (64, 50) };
    thread::scope(|scope| {
        let flushing = scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                recorder.flush();
                let stats = recorder.telemetry.stats();
                assert!(stats.started >= stats.open + stats.exporters[0].exported, "{stats:?}");
            }
        });
        for _ in 0..threads / 4 {
            let started: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        (0..spans).for_each(|value| {
                            leaf(value);
                        })
                    })
                })
                .collect();
            started.into_iter().for_each(|thread| thread.join().expect("the thread ends"));
        }
        done.store(true, Ordering::Release);
        flushing.join().expect("the flushes end");
    });
    recorder.expect(&[("leaf", threads * spans as usize)]);
}

#[trace(app.text = "x".repeat(length))]
fn long(length: usize) {}

#[trace]
fn forgotten(spans: usize) {
    (0..spans).for_each(|_| long(700));
    // Of another trace, which is decided by itself, and which nothing keeps either.
    let _detached = Context::new().attach();
    let mut other = pin!(inner_of_moves());
    while poll(other.as_mut()).is_pending() {}
}

#[trace]
fn fails(spans: usize) -> Result<(), fmt::Error> {
    (0..spans).for_each(|_| long(700));
    Err(fmt::Error)
}

#[test]
fn a_trace_that_is_not_kept_is_put_back_across_chunks() {
    let recorder = Recorder::with(Telemetry::default().with_tail_sampling(TailSampling::failed()));
    let rounds = 4;
    for round in 0..rounds {
        forgotten(2 * round);
        let _ = fails(2 * round);
        if round % 2 == 1 {
            recorder.flush();
        }
    }
    let (spans, stats) = recorder.finish();
    let of = |name| spans.iter().filter(|span| span.name == name).count();
    assert_eq!((of("fails"), of("long"), of("forgotten"), of("inner_of_moves")), (rounds, 12, 0, 0));
    // Those of `forgotten`, and the trace of its own that begins in each.
    assert_eq!((stats.open, stats.dropped(), stats.dropped_by_tail_sampling), (0, 20, 20), "{stats:?}");
}

#[trace(app.first = 1)]
fn over_the_limits() {
    for number in 0..5 {
        record!(app.same = number);
        event!("event", app.number = number, app.text = "text");
    }
    record!(app.third = 3);
    record!(app.fourth = "kept out");
    let context = otelier::current_context();
    for number in 0..5 {
        context.span().set_attribute(KeyValue::new(format!("app.late{number}"), number));
        context.span().add_event("late", vec![KeyValue::new("app.a", 1), KeyValue::new("app.b", 2)]);
        context.span().add_link(context.span().span_context().clone(), vec![KeyValue::new("app.a", 1)]);
    }
}

#[test]
fn what_is_over_the_limits_is_kept_out_and_counted() {
    let mut limits = Limits::default();
    (limits.attributes, limits.events, limits.links) = (3, 3, 2);
    (limits.event_attributes, limits.link_attributes, limits.attribute_value_length) = (1, 0, 4);
    let recorder = Recorder::with(Telemetry::default().with_limits(limits));
    over_the_limits();
    let spans = recorder.expect(&[("over_the_limits", 1)]);
    let span = &spans[0];
    assert_eq!((span.attributes.len(), span.events.len(), span.links.len()), (3, 3, 2));
    assert_eq!((span.dropped_attributes_count, span.events.dropped_count, span.links.dropped_count), (6, 7, 3));
    assert_eq!(attribute(span, "app.same"), "4");
}

#[test]
fn a_future_that_is_leaked_leaves_its_span_open_and_nothing_else_wrong() {
    // What lies in a static is never dropped, and Miri does not call it a leak.
    static LEAKED: Mutex<Vec<Pin<Box<dyn Future<Output = ()> + Send>>>> = Mutex::new(Vec::new());
    let recorder = Recorder::start();
    let leaks = thread::spawn(|| {
        let mut future = Box::pin(trace_block!(name = "leaked", async {
            let _dropped = TracedDrop(1);
            moves(1).await;
        }));
        leaf(1);
        assert!(poll(future.as_mut()).is_pending());
        leaf(2);
        LEAKED.lock().unwrap_or_else(PoisonError::into_inner).push(future);
    });
    leaks.join().expect("the thread ends");
    leaf(3);
    let (spans, stats) = recorder.finish();
    assert_eq!((spans.len(), stats.open, stats.dropped()), (3, 3, 0), "{stats:?}");
}

/// Makes spans, and uses a context, when its thread is torn down.
struct AtTheEnd(Option<Context>);

impl Drop for AtTheEnd {
    fn drop(&mut self) {
        leaf(1);
        trace_block!(name = "at the end", { leaf(2) });
        if let Some(context) = &self.0 {
            use_context(context);
        }
        let mut later = pin!(inner_of_moves());
        while poll(later.as_mut()).is_pending() {}
    }
}

thread_local! {
    static BEFORE_THE_FIRST_SPAN: RefCell<AtTheEnd> = const { RefCell::new(AtTheEnd(None)) };
    static AFTER_THE_FIRST_SPAN: RefCell<AtTheEnd> = const { RefCell::new(AtTheEnd(None)) };
}

#[test]
fn destructors_of_thread_locals_may_make_spans() {
    let recorder = Recorder::start();
    for first in [true, false] {
        let open = Mutex::new(None);
        thread::scope(|scope| {
            let ended = scope.spawn(|| {
                if first {
                    BEFORE_THE_FIRST_SPAN.with(|_| ());
                }
                // It ends in the destructor of a thread-local that is older than the thread's state.
                let mut future = Box::pin(gives_context_later());
                assert!(poll(future.as_mut()).is_pending());
                let context = gives_context();
                AFTER_THE_FIRST_SPAN.with_borrow_mut(|last| last.0 = Some(context.clone()));
                BEFORE_THE_FIRST_SPAN.with_borrow_mut(|last| last.0 = Some(context));
                *open.lock().unwrap_or_else(PoisonError::into_inner) = Some(future);
            });
            ended.join().expect("the thread ends");
        });
        drop(open);
    }
    // Whether what ran at the end could still be recorded is the platform's choice; it is counted in any case.
    let (spans, stats) = recorder.finish();
    assert_eq!((stats.open, stats.dropped()), (0, stats.dropped_thread_gone), "{stats:?}");
    assert_eq!(spans.len() as u64 + stats.dropped_thread_gone, 2 * (2 + 2 * 4), "{stats:?}");
}

/// Calls the spans of others while it names a parent or links, and panics in the end if it is told so.
struct Related {
    panics: bool,
}

impl ParentContext for Related {
    fn parent_context(&self) -> Option<Context> {
        leaf(1);
        assert!(!self.panics, "on purpose");
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parent_context()
    }
}

impl Links for Related {
    fn each_link(&self, f: &mut dyn FnMut(&SpanContext, &[KeyValue])) {
        leaf(2);
        f(Context::current().span().span_context(), &[KeyValue::new("app.value", 3)]);
        assert!(!self.panics, "on purpose");
    }
}

#[test]
fn relations_nest_move_and_are_given_up_at_any_point() {
    static SITE: Callsite = Callsite::new("related", otelier::schema::Kind::Internal);
    let recorder = Recorder::start();
    let begin = |panics| private::begin(move || Begin::new().parent(&Related { panics }).root());
    let future = |panics| {
        let body = async move {
            let anchor = ();
            let span = private::span_ref(&anchor);
            pauses(1).await;
            span.links(&Related { panics });
        };
        private::instrument_with(&SITE, begin(false), body, private::no_outcome)
    };
    trace_block!(name = "outer", {
        for panics in [false, true] {
            let called = catch_unwind(AssertUnwindSafe(|| {
                let mut span = private::Guard::new();
                span.enter_with(&SITE, || Begin::new().root().sample(Sample::Always));
                let mut inner = private::Guard::new();
                inner.enter_with(&SITE, || Begin::new().parent(&Related { panics }));
                // The top of the scratch is the inner one's.
                span.links(&Related { panics });
            }));
            assert_eq!(called.is_err(), panics);
            assert_eq!(catch_unwind(|| begin(panics)).is_err(), panics);
            // Polled here, ended on another thread.
            let mut moved = Box::pin(future(panics));
            assert!(poll(moved.as_mut()).is_pending());
            thread::scope(|scope| {
                let polled = scope.spawn(move || catch_unwind(AssertUnwindSafe(|| poll(moved.as_mut()).is_ready())));
                assert_eq!(polled.join().expect("it was caught").is_err(), panics);
            });
            // Never polled, and given up.
            drop(future(panics));
            let mut given_up = Box::pin(future(panics));
            assert!(poll(given_up.as_mut()).is_pending());
        }
    });
    // Of each round: 2 synchronous ones, the second of which does not begin if its parent panics, and 2 futures.
    let spans = recorder.expect(&[("outer", 1), ("related", 7), ("leaf", 13)]);
    assert_eq!(spans.iter().map(|span| span.links.len()).sum::<usize>(), 3);
}

/// A stream that is pinned for good, pauses between its items, and drops something traced.
struct Pinned {
    left: u64,
    waits: bool,
    _dropped: TracedDrop,
    _pinned: std::marker::PhantomPinned,
}

impl futures_core::Stream for Pinned {
    type Item = Result<u64, Traced>;

    fn poll_next(self: Pin<&mut Self>, _: &mut std::task::Context<'_>) -> Poll<Option<Self::Item>> {
        // SAFETY: nothing is moved out of it.
        let this = unsafe { self.get_unchecked_mut() };
        this.waits = !this.waits;
        if this.waits {
            return Poll::Pending;
        }
        let Some(left) = this.left.checked_sub(1) else { return Poll::Ready(None) };
        this.left = left;
        otelier::current_span().set_attribute("app.left", leaf(left));
        Poll::Ready(Some(if left == 1 { Err(Traced { panics: false }) } else { Ok(left) }))
    }
}

#[test]
fn a_pinned_stream_is_polled_on_one_thread_after_another_and_dropped_elsewhere() {
    use otelier::TraceStream;
    let recorder = Recorder::start();
    let pinned = || Pinned { left: 3, waits: false, _dropped: TracedDrop(5), _pinned: std::marker::PhantomPinned };
    for polls in [8, 3] {
        let mut stream = Box::pin(pinned().try_in_span("stream"));
        for _ in 0..polls {
            stream = thread::spawn(move || {
                let item = futures_core::Stream::poll_next(
                    stream.as_mut(),
                    &mut std::task::Context::from_waker(Waker::noop()),
                );
                drop(item);
                stream
            })
            .join()
            .expect("the thread ends");
        }
        drop(stream);
    }
    // Three items and the error's display, the stream's drop; then one item and the drop.
    let spans = recorder.expect(&[("stream", 2), ("leaf", 7)]);
    let mut counts: Vec<_> = spans.iter().map(|span| attribute(span, "otelier.item_count")).collect();
    counts.sort();
    assert_eq!(counts[counts.len() - 2..], ["1", "3"]);
}

#[test]
fn an_iterator_in_a_span_may_panic_and_be_dropped_while_unwinding() {
    use otelier::TraceIterator;
    let recorder = Recorder::start();
    let dropped = TracedDrop(1);
    let items = (0..3_u64)
        .map(move |number| (leaf(number), std::ptr::from_ref(&dropped)))
        .inspect(|(number, _)| assert!(*number < 2));
    let sum = catch_unwind(AssertUnwindSafe(|| items.in_span("items").map(|(number, _)| number).sum::<u64>()));
    assert!(sum.is_err());
    let spans = recorder.expect(&[("items", 1), ("leaf", 4)]);
    let span = spans.iter().find(|span| span.name == "items").expect("the span");
    assert_eq!((attribute(span, "otelier.item_count"), attribute(span, "error.type")), ("2".into(), "panic".into()));
}

#[trace(app.value = 1)]
fn hands_out(panics: bool) -> otelier::CurrentSpan {
    let span = otelier::current_span();
    thread::scope(|scope| {
        for number in 0..2_u64 {
            let span = &span;
            scope.spawn(move || {
                span.set_attribute("app.elsewhere", number);
                span.add_event("elsewhere", [KeyValue::new("app.text", "text")]);
            });
        }
        span.set_attribute("app.value", 2);
        leaf(1);
    });
    otelier::trace_block!(name = "inside", {
        span.set_attribute("app.inside", true);
        otelier::current_span().record_error(&Traced { panics: false });
    });
    assert!(!panics, "on purpose");
    span
}

#[test]
fn handles_of_lazy_spans_are_used_from_everywhere_and_kept_for_ever() {
    let recorder = Recorder::start();
    let kept = otelier::trace_block!(name = "root", {
        assert!(catch_unwind(|| hands_out(true)).is_err());
        hands_out(false)
    });
    kept.set_attribute("app.late", 1);
    thread::spawn(move || kept.update_name("late")).join().expect("the thread ends");
    let spans = recorder.expect(&[("root", 1), ("hands_out", 2), ("inside", 2), ("leaf", 4)]);
    for span in spans.iter().filter(|span| span.name == "hands_out") {
        assert_eq!((attribute(span, "app.value"), attribute(span, "app.inside")), ("2".into(), "true".into()));
        assert!(span.events.len() >= 2 && !attribute(span, "app.elsewhere").is_empty());
    }
}

/// Where a scope is kept for longer than whoever entered it.
type Kept<'a> = RefCell<Option<otelier::Entered<'a>>>;

// So large that its memory is not kept for another span.
#[trace(app.text = "x".repeat(1024))]
async fn enters<'a>(span: &'a otelier::Span, kept: &Kept<'a>) {
    *kept.borrow_mut() = Some(span.enter());
}

#[trace(ret(|value| app.value = value))]
async fn leaves<'a>(span: &'a otelier::Span, kept: &Kept<'a>) -> u64 {
    enters(span, kept).await;
    drop(kept.take());
    leaf(7)
}

#[trace]
fn enters_and_returns<'a>(span: &'a otelier::Span, kept: &Kept<'a>) {
    *kept.borrow_mut() = Some(span.enter());
}

#[test]
fn a_scope_may_be_left_when_the_span_that_it_was_entered_in_is_gone() {
    let recorder = Recorder::start();
    let span = otelier::Span::start("by hand");
    let kept = Kept::default();
    let mut future = Box::pin(leaves(&span, &kept));
    assert!(poll(future.as_mut()).is_ready());
    drop(future);
    let handle = trace_block!(name = "root", {
        enters_and_returns(&span, &kept);
        drop(kept.take());
        otelier::current_span()
    });
    assert!(!handle.is_recording());
    drop(kept);
    drop(span);
    let spans = recorder.expect(&[
        ("by hand", 1),
        ("enters", 1),
        ("leaves", 1),
        ("leaf", 1),
        ("root", 1),
        ("enters_and_returns", 1),
    ]);
    let span = spans.iter().find(|span| span.name == "leaves").expect("the span");
    assert_eq!(attribute(span, "app.value"), "7");
}

/// Errors of every kind that the value can be looked at as.
#[derive(Debug)]
struct Classified(String);

impl fmt::Display for Classified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        leaf(1);
        f.write_str(&self.0)
    }
}

impl std::error::Error for Classified {}

impl ErrorClass for Classified {
    fn error_type(&self) -> std::borrow::Cow<'static, str> {
        leaf(2);
        self.0.clone().into()
    }
    fn is_retryable(&self) -> bool {
        true
    }
}

struct OnlyClass(#[allow(dead_code)] Box<u8>);

impl fmt::Display for OnlyClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl ErrorClass for OnlyClass {
    fn error_type(&self) -> std::borrow::Cow<'static, str> {
        format!("class {}", self.0).into()
    }
}

struct Opaque([u64; 5]);
struct Nothing;

#[trace]
fn returns<T, E>(result: Result<T, E>) -> Result<T, E> {
    result
}

macro_rules! fails {
    ($name:ident: $type:ty = $value:expr) => {
        #[trace(name = "fails")]
        fn $name() -> $type {
            $value
        }
        #[trace(name = "fails later", err(|_error| app.seen = true))]
        async fn later() -> $type {
            pauses(1).await;
            $value
        }
        let _result = $name();
        let mut later = pin!(later());
        assert!(poll(later.as_mut()).is_pending() && poll(later.as_mut()).is_ready());
    };
}

#[test]
fn errors_of_every_kind_are_looked_at_where_they_lie() {
    let recorder = Recorder::start();
    let classified = || Classified("classified".to_owned());
    {
        fails!(with_source: Result<u8, Classified> = Err(Classified("classified".to_owned())));
    }
    {
        fails!(class: Result<u8, OnlyClass> = Err(OnlyClass(Box::new(7))));
    }
    {
        fails!(error: std::io::Result<Vec<u8>> = Err(std::io::Error::other(Classified("classified".to_owned()))));
    }
    {
        fails!(pointer: Result<(), Box<dyn std::error::Error + Send + Sync>> = Err("text".into()));
    }
    {
        fails!(displayed: Result<u8, String> = Err("displayed".to_owned()));
    }
    {
        fails!(opaque: Result<u8, Opaque> = Err(Opaque([7; 5])));
    }
    {
        // There is no address to speak of.
        fails!(empty: Option<Result<u8, Nothing>> = Some(Err(Nothing)));
    }
    {
        fails!(inside: Poll<Option<Result<u8, Classified>>> = Poll::Ready(Some(Err(Classified("classified".to_owned())))));
    }
    assert!(returns::<u8, _>(Err(Opaque([8; 5]))).is_err_and(|error| error.0 == [8; 5]));
    // Told, and kept by nobody.
    let span = otelier::Span::start("told");
    span.record_error_class(&classified());
    span.in_scope(|| otelier::current_span().record_error_class(&OnlyClass(Box::new(9))));
    trace_block!(name = "lazy", { otelier::current_span().record_error(&classified()) });
    drop(span);
    let (spans, stats) = recorder.finish();
    assert_eq!((stats.open, stats.dropped()), (0, 0), "{stats:?}");
    let mut types: Vec<_> = spans
        .iter()
        .filter(|span| span.name.starts_with("fails"))
        .map(|span| attribute(span, "error.type").rsplit("::").next().unwrap_or_default().to_owned())
        .collect();
    types.sort();
    let wanted = ["Box<dyn core", "Error", "Nothing", "Opaque", "String", "class 7", "classified", "classified"];
    assert_eq!(types.len(), 2 * wanted.len(), "{types:?}");
    assert_eq!(types.iter().filter(|kind| *kind == "classified").count(), 4, "{types:?}");
    assert_eq!(types.iter().filter(|kind| *kind == "class 7").count(), 2, "{types:?}");
}

#[test]
fn a_span_by_hand_is_entered_on_many_threads_at_once_and_its_context_outlives_it() {
    let recorder = Recorder::start();
    let span = otelier::Span::start("shared");
    let context = thread::scope(|scope| {
        for number in 0..2_u64 {
            let span = &span;
            scope.spawn(move || {
                span.in_scope(|| leaf(number));
                let entered = span.enter();
                let child = span.child("child");
                child.in_scope(|| otelier::current_span().set_attribute("app.number", number));
                let context = span.context().clone();
                drop((child, entered));
                span.in_scope(|| span.context().clone());
                use_context(&context);
            });
        }
        // Its context is in its own memory, and here twice.
        let _entered = span.enter();
        Context::current()
    });
    thread::spawn(move || drop(span)).join().expect("the thread ends");
    let kept = context.clone();
    thread::spawn(move || use_context(&context)).join().expect("the thread ends");
    kept.attach();
    let (spans, _) = recorder.finish();
    assert_eq!(spans.len(), 5);
}

/// Items of an annotated function, of which the last one panics if it is told so.
#[trace(iterator, app.items = items)]
fn items(items: u64, panics: bool) -> impl Iterator<Item = Result<u64, Traced>> {
    let dropped = TracedDrop(items);
    leaf(0);
    assert!(items > 0, "on purpose");
    (0..items).map(move |number| {
        let _keep = &dropped;
        leaf(number);
        assert!(!panics || number + 1 < items, "on purpose");
        if number == 1 { Err(Traced { panics: false }) } else { Ok(number) }
    })
}

#[test]
fn the_items_of_an_annotated_function_may_panic_move_and_be_left() {
    let recorder = Recorder::start();
    // In the function itself: its argument is dropped, one leaf before.
    assert!(catch_unwind(|| items(0, false).count()).is_err());
    assert!(catch_unwind(|| items(3, true).count()).is_err());
    let mut moved = items(3, false);
    assert!(moved.next().is_some());
    let moved = thread::spawn(move || {
        let mut moved = moved;
        assert!(moved.next().is_some_and(|item| item.is_err()));
        moved
    });
    drop(moved.join().expect("the thread ends"));
    // Polled again after the panic that ended its span.
    let mut broken = items(2, true);
    assert!(broken.next().is_some());
    assert!(catch_unwind(AssertUnwindSafe(|| broken.next().is_some())).is_err());
    assert!(broken.next().is_none());
    drop(broken);
    let (spans, stats) = recorder.finish();
    assert_eq!((stats.open, stats.dropped()), (0, 0), "{stats:?}");
    let mut found: Vec<_> = spans
        .iter()
        .filter(|span| span.name == "items")
        .map(|span| (attribute(span, "otelier.item_count"), attribute(span, "error.type") == "panic"))
        .collect();
    found.sort();
    let wanted = [("", true), ("1", true), ("2", false), ("2", true)];
    assert_eq!(found, wanted.map(|(count, panicked)| (count.to_owned(), panicked)));
}

#[trace]
fn fans_out_to(threads: u64, fails: bool) {
    leaf(0);
    thread::scope(|scope| {
        for number in 0..threads {
            scope.spawn(otelier::with_current_context(move || {
                leaf(number);
                if fails {
                    trace_block!(name = "failing", { otelier::current_span().record_error(&Traced { panics: false }) });
                }
            }));
        }
        leaf(9);
    });
}

#[test]
fn tail_sampling_holds_back_while_others_take_away_and_the_rules_change() {
    const ROUNDS: u64 = if cfg!(miri) { 3 } else { 100 };
    // As large as in every test: the size of the queue cannot change.
    let settings = |fails: bool| {
        let tail = if fails { TailSampling::failed() } else { TailSampling::failed().or_ratio(0.5) };
        let settings = Telemetry::default().with_max_queue_size(1 << 16).with_tail_sampling(tail);
        settings.with_shutdown_timeout(PATIENCE).with_export_timeout(PATIENCE)
    };
    let recorder = Recorder::with(settings(true));
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let busy: Vec<_> = (0..3)
            .map(|number| scope.spawn(move || (0..ROUNDS).for_each(|round| fans_out_to(2, (round + number) % 2 == 0))))
            .collect();
        scope.spawn(|| {
            for round in 0_u64.. {
                recorder.flush();
                recorder.telemetry.reload(&settings(round.is_multiple_of(2))).expect("it can change");
                if over.load(Ordering::Acquire) {
                    break;
                }
            }
        });
        busy.into_iter().for_each(|thread| thread.join().expect("no panic"));
        over.store(true, Ordering::Release);
    });
    // A root that nobody ends, for as long as the thread lives. What lies in a static is no leak to Miri and to sanitizers.
    static KEPT: AtomicPtr<private::Guard> = AtomicPtr::new(std::ptr::null_mut());
    thread::spawn(|| {
        let mut root = Box::new(private::Guard::new());
        static SITE: Callsite = Callsite::new("leaked", otelier::schema::Kind::Server);
        root.enter(&SITE);
        leaf(3);
        KEPT.store(Box::into_raw(root), Ordering::Release);
    })
    .join()
    .expect("the thread ends");
    let (spans, stats) = recorder.finish();
    assert!(spans.iter().any(|span| span.name == "fans_out_to") && stats.open == 1, "{stats:?}");
}
