//! Functions of every shape: an annotation changes nothing of what they do, and the span is about what they do.

use crate::support::{Recorder, int, named, one_thread, tree};
use opentelemetry::trace::SpanId;
use otelier::prelude::*;
use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

/// What was dropped, in that order.
type Log = Rc<RefCell<Vec<&'static str>>>;

/// Says when it is dropped.
struct Drops(&'static str, Log);

impl Drop for Drops {
    fn drop(&mut self) {
        self.1.borrow_mut().push(self.0);
    }
}

/// The same function without and with annotations, as those that stay asynchronous and those that do not.
macro_rules! three_times {
    ($plain:ident $traced:ident $kept:ident, $($rest:tt)*) => {
        #[allow(unused_variables)]
        async fn $plain $($rest)*
        #[allow(unused_variables)]
        #[trace]
        async fn $traced $($rest)*
        #[allow(unused_variables)]
        #[trace]
        #[must_use = "it may be dropped"]
        async fn $kept $($rest)*
    };
}

three_times! { plain_used traced_used kept_used, (first: Drops, second: Drops, third: Drops) -> u8 {
    let _inside = Drops("inside", Rc::clone(&first.1));
    tokio::task::yield_now().await;
    drop(second);
    let _moved = third;
    0
} }

three_times! { plain_unused traced_unused kept_unused, (first: Drops, _second: Drops, _: Drops, log: &Log) -> u8 {
    log.borrow_mut().push("begins");
    tokio::task::yield_now().await;
    log.borrow_mut().push("ends");
    0
} }

three_times! { plain_patterns traced_patterns kept_patterns,
    ((first, _): (Drops, Drops), [_, third]: [Drops; 2], mut last: Drops, log: &Log) -> u8 {
        log.borrow_mut().push("begins");
        let _first = &first;
        tokio::task::yield_now().await;
        last.0 = "last, changed";
        log.borrow_mut().push("ends");
        0
    }
}

three_times! { plain_fails traced_fails kept_fails, (first: Drops, _: Drops, log: &Log) -> Result<u8, &'static str> {
    tokio::task::yield_now().await;
    Err::<(), _>("on purpose")?;
    log.borrow_mut().push("not reached");
    Ok(1)
} }

/// What a future drops, polled to its end, not polled at all, and dropped after its first poll.
fn dropped<'a, F: Future + 'a>(log: &'a Log, call: impl Fn() -> F) -> [Vec<&'static str>; 3] {
    let taken = || std::mem::take(&mut *log.borrow_mut());
    one_thread().block_on(async { drop(call().await) });
    let ended = taken();
    drop(call());
    let never = taken();
    let mut future = Box::pin(call());
    let _ = future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
    drop(future);
    [ended, never, taken()]
}

fn drops(name: &'static str, log: &Log) -> Drops {
    Drops(name, Rc::clone(log))
}

#[test]
fn parameters_are_dropped_in_the_order_of_a_function_without_annotation() {
    let recorder = Recorder::start();
    let log = &Log::default();
    macro_rules! same {
        ($plain:ident $traced:ident $kept:ident, $($argument:expr),*) => {
            let plain = dropped(log, || $plain($($argument),*));
            assert_eq!(dropped(log, || $traced($($argument),*)), plain, stringify!($traced));
            assert_eq!(dropped(log, || $kept($($argument),*)), plain, stringify!($kept));
            assert!(plain.iter().all(|order| order.len() > 1), "{plain:?}");
        };
    }
    same!(plain_used traced_used kept_used, drops("1", log), drops("2", log), drops("3", log));
    same!(plain_unused traced_unused kept_unused, drops("1", log), drops("2", log), drops("3", log), log);
    same!(plain_patterns traced_patterns kept_patterns, (drops("1", log), drops("2", log)),
        [drops("3", log), drops("4", log)], drops("last", log), log);
    same!(plain_fails traced_fails kept_fails, drops("1", log), drops("2", log), log);
    drop(recorder.spans());
}

#[test]
fn a_future_that_is_never_polled_drops_its_parameters_and_has_no_span() {
    let recorder = Recorder::start();
    let log = &Log::default();
    drop(traced_used(drops("1", log), drops("2", log), drops("3", log)));
    drop(kept_used(drops("1", log), drops("2", log), drops("3", log)));
    assert_eq!(log.borrow().len(), 6);
    recorder.expect(&[]);
}

#[trace]
fn made_first() {}

#[trace]
fn returns_a_future(step: u8) -> impl Future<Output = u8> {
    made_first();
    async move {
        made_first();
        step
    }
}

#[trace]
fn returns_a_box(step: u8) -> Pin<Box<dyn Future<Output = Result<u8, String>> + Send>> {
    Box::pin(async move {
        made_first();
        if step == 0 { Err("none".to_owned()) } else { Ok(step) }
    })
}

#[trace(future)]
fn returns_one_made_elsewhere(step: u8) -> impl Future<Output = u8> {
    made_first();
    returns_a_future(step)
}

#[test]
fn a_span_is_about_the_future_and_not_about_making_it() {
    let recorder = Recorder::start();
    let future = returns_a_future(1);
    trace_block!(name = "between", {});
    one_thread().block_on(future);
    drop(returns_a_box(1));
    one_thread().block_on(returns_a_box(0)).expect_err("there is none");
    one_thread().block_on(returns_one_made_elsewhere(1));
    let text = tree(recorder.spans());
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('*'));
    let names: Vec<&str> = lines.map(|line| line.split_once(" error.type").map_or(line, |(name, _)| name)).collect();
    assert_eq!(
        names,
        [
            "made_first",
            "between",
            "returns_a_future",
            "  made_first",
            "returns_a_box",
            "  made_first",
            "made_first",
            "made_first",
            "returns_one_made_elsewhere",
            "  returns_a_future",
            "    made_first",
        ]
    );
    assert!(text.contains("\nreturns_a_box error.type="), "{text}");
}

#[trace(app.n = n)]
fn down(n: u64) -> u64 {
    if n == 0 { 0 } else { down(n - 1) + 1 }
}

#[trace(app.n = n)]
async fn down_later(n: u64) -> u64 {
    if n == 0 { 0 } else { Box::pin(down_later(n - 1)).await + 1 }
}

#[trace(app.n = n)]
fn down_boxed(n: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async move { if n == 0 { 0 } else { down_boxed(n - 1).await + 1 } })
}

#[test]
fn recursion_is_a_span_in_a_span() {
    let recorder = Recorder::start();
    assert_eq!(down(2), 2);
    assert_eq!(one_thread().block_on(down_later(2)), 2);
    assert_eq!(one_thread().block_on(down_boxed(2)), 2);
    recorder.expect(&[
        "down app.n=2",
        "  down app.n=1",
        "    down app.n=0",
        "down_later app.n=2",
        "  down_later app.n=1",
        "    down_later app.n=0",
        "down_boxed app.n=2",
        "  down_boxed app.n=1",
        "    down_boxed app.n=0",
    ]);
}

struct Pool<T>(T);

#[trace(app.pool = true)]
impl<T> Pool<T>
where
    T: Clone + Send + Sync,
{
    /// Named after the type, too.
    fn new(value: T) -> Self {
        Self(value)
    }

    fn by_reference(&self) -> &T {
        &self.0
    }

    fn by_mutable_reference(&mut self, value: T) -> &mut T {
        self.0 = value;
        &mut self.0
    }

    #[allow(clippy::boxed_local)]
    fn by_box(self: Box<Self>) -> T {
        self.0
    }

    fn by_rc(self: Rc<Self>) -> usize {
        Rc::strong_count(&self)
    }

    fn by_arc(self: Arc<Self>) -> Option<T> {
        Some(self.0.clone())
    }

    fn by_pin(self: Pin<&mut Self>) -> Result<T, String> {
        Ok(self.0.clone())
    }

    async fn later(mut self, value: T) -> Result<T, String> {
        tokio::task::yield_now().await;
        self.0 = value;
        Ok(self.0)
    }

    #[trace(skip)]
    fn skipped(&self) {}

    #[trace(name = "own", app.own = 1)]
    fn with_its_own(&self) {}

    fn by_value(mut self, value: T) -> T {
        self.0 = value;
        self.0
    }
}

trait Store {
    fn save(&self, row: u8) -> Result<(), String>;

    fn load(&self) -> impl Future<Output = u8> + Send;

    fn default_body(&self) -> u8 {
        3
    }
}

#[trace]
impl<T: Sync> Store for &Pool<T> {
    fn save(&self, row: u8) -> Result<(), String> {
        if row > 3 { Err("full".to_owned()) } else { Ok(()) }
    }

    async fn load(&self) -> u8 {
        tokio::task::yield_now().await;
        7
    }
}

#[trace]
trait Named {
    fn name(&self) -> String {
        "name".to_owned()
    }
}

impl Named for u8 {}

#[test]
fn methods_are_named_after_their_type_whatever_they_take() {
    let recorder = Recorder::start();
    let mut pool = Pool::new(1u8);
    pool.by_reference();
    pool.by_mutable_reference(2);
    Box::new(Pool(1u8)).by_box();
    Rc::new(Pool(1u8)).by_rc();
    Arc::new(Pool(1u8)).by_arc();
    Pin::new(&mut pool).by_pin().expect("it never fails");
    one_thread().block_on(Pool(1u8).later(2)).expect("it never fails");
    pool.skipped();
    pool.with_its_own();
    (&&pool).save(1).expect("there is room");
    one_thread().block_on((&&pool).load());
    (&&pool).default_body();
    1u8.name();
    pool.by_value(3);
    recorder.expect(&[
        "Pool::new app.pool=true",
        "Pool::by_reference app.pool=true",
        "Pool::by_mutable_reference app.pool=true",
        "Pool::by_box app.pool=true",
        "Pool::by_rc app.pool=true",
        "Pool::by_arc app.pool=true",
        "Pool::by_pin app.pool=true",
        "Pool::later app.pool=true",
        "own app.pool=true app.own=1",
        "Pool::save",
        "Pool::load",
        "Named::name",
        "Pool::by_value app.pool=true",
    ]);
}

#[async_trait::async_trait]
trait Load {
    async fn load(&self, id: u64) -> Result<u64, String>;

    #[trace(app.id = id)]
    async fn load_all(&self, mut id: u64) -> u64 {
        id += 1;
        self.load(id).await.unwrap_or_default()
    }
}

struct Above;
struct Below;
struct Method;

#[trace]
#[async_trait::async_trait]
impl Load for Above {
    async fn load(&self, id: u64) -> Result<u64, String> {
        tokio::task::yield_now().await;
        made_first();
        Ok(id)
    }
}

#[async_trait::async_trait]
#[trace]
impl Load for Below {
    async fn load(&self, id: u64) -> Result<u64, String> {
        tokio::task::yield_now().await;
        let id = id.checked_sub(100).ok_or("none")?;
        Ok(id)
    }
}

#[async_trait::async_trait]
impl Load for Method {
    #[trace(app.id = id)]
    async fn load(&self, id: u64) -> Result<u64, String> {
        tokio::task::yield_now().await;
        made_first();
        Ok(id)
    }
}

#[test]
fn methods_of_async_trait_have_one_span_in_either_order() {
    let recorder = Recorder::start();
    drop(Above.load(1));
    assert_eq!(one_thread().block_on(Above.load_all(1)), 2);
    assert!(one_thread().block_on(Below.load(1)).is_err());
    assert_eq!(one_thread().block_on(Method.load(1)), Ok(1));
    let text = tree(recorder.spans());
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('*'));
    let names: Vec<&str> = lines.map(|line| line.split_once(" exception").map_or(line, |(name, _)| name)).collect();
    assert_eq!(names[..3], ["load_all app.id=1", "  Above::load", "    made_first"], "{text}");
    assert!(names[3].starts_with("Below::load error.type="), "{text}");
    assert_eq!(names[4..], ["load app.id=1", "  made_first"], "{text}");
}

/// Unused arguments live as long as the body.
#[test]
fn an_argument_that_is_not_used_lives_until_the_body_ends() {
    #[trace]
    async fn holds(_lock: Drops, log: &Log) {
        tokio::task::yield_now().await;
        log.borrow_mut().push("body");
    }
    #[trace]
    fn holds_at_once(_lock: Drops, log: &Log) {
        log.borrow_mut().push("body");
    }
    let recorder = Recorder::start();
    let log = Log::default();
    one_thread().block_on(holds(drops("lock", &log), &log));
    assert_eq!(*log.borrow(), ["body", "lock"]);
    log.borrow_mut().clear();
    holds_at_once(drops("lock", &log), &log);
    assert_eq!(*log.borrow(), ["body", "lock"]);
    let spans = recorder.spans();
    assert!(named(&spans, "holds").start_time <= named(&spans, "holds_at_once").start_time);
}

/// A future whose type does not say so.
type Answer = std::pin::Pin<Box<dyn Future<Output = Result<u8, String>>>>;

#[test]
fn a_future_behind_an_alias_is_seen_by_what_the_body_ends_in() {
    #[trace(app.fails = fails)]
    fn answer(fails: bool) -> Answer {
        Box::pin(async move {
            tokio::task::yield_now().await;
            if fails { Err("no".to_owned()) } else { Ok(1) }
        })
    }
    let recorder = Recorder::start();
    drop(answer(false));
    assert_eq!(one_thread().block_on(answer(false)), Ok(1));
    assert!(one_thread().block_on(answer(true)).is_err());
    recorder.expect(&[
        "answer app.fails=false",
        "answer app.fails=true error.type=alloc::string::String !no",
        "  * exception exception.type=alloc::string::String exception.message=no",
    ]);
}

#[test]
fn outermost_is_one_span_for_a_recursion_and_one_for_each_thread() {
    #[trace(outermost, app.depth = depth)]
    fn descend(depth: u64) -> Result<u64, String> {
        if depth == 0 {
            return Err("the bottom".to_owned());
        }
        if depth == 7 {
            return std::thread::scope(|scope| {
                let inner = otelier::with_current_context(|| descend(1));
                scope.spawn(inner).join().expect("the thread ends")
            });
        }
        assert_ne!(depth, 5, "half way");
        descend(depth - 1)
    }
    let recorder = Recorder::start();
    assert!(descend(2).is_err());
    assert!(descend(7).is_err());
    // A panic leaves the count as it was.
    assert!(std::panic::catch_unwind(|| descend(6)).is_err());
    assert!(descend(1).is_err());
    let spans = recorder.spans();
    let mut depths: Vec<_> =
        spans.iter().map(|span| (int(span, "app.depth"), span.parent_span_id != SpanId::INVALID)).collect();
    depths.sort();
    assert_eq!(depths, [(1, false), (1, true), (2, false), (6, false), (7, false)]);
}
