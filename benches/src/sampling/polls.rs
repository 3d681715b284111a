//! What it costs to hold back the spans of asynchronous functions: of tasks on one thread, and of two threads.

use crate::child::{Child, Tail};
use crate::stretch::{Stretch, measure};
use crate::tail::start;
use otelier::prelude::*;
use std::cell::Cell;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::task::{Context, Poll, Waker};

/// Traces of a stretch.
const TRACES: usize = 300;
/// Of them at once open.
const OPEN: usize = 50;

/// Polls of futures with a span.
static POLLS: AtomicUsize = AtomicUsize::new(0);

/// Counts how often a future is polled.
async fn counted<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        POLLS.fetch_add(1, Relaxed);
        future.as_mut().poll(context)
    })
    .await
}

/// Pending once.
async fn later() {
    let mut polled = false;
    std::future::poll_fn(|context| {
        if polled {
            return Poll::Ready(());
        }
        polled = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[trace(name = "part", "app.number" = number, "app.symbol" = symbol)]
async fn part(number: i64, symbol: &'static str) {
    later().await;
    later().await;
    later().await;
}

/// Awaits two parts, and two that are tasks.
#[trace(name = "request", "app.customer" = customer, "app.number" = number)]
async fn with_tasks(customer: &'static str, number: i64) {
    let tasks = [1, 2].map(|number| otelier::spawn(counted(part(number, "ETH-USDT"))));
    counted(part(3, "BTC-USDT")).await;
    counted(part(4, "BTC-USDT")).await;
    for task in tasks {
        task.await.expect("it does not panic");
    }
}

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

thread_local! {
    /// What is for the other thread.
    static OTHERS: Cell<Vec<Work>> = const { Cell::new(Vec::new()) };
}

fn give(work: Work) {
    let mut others = OTHERS.take();
    others.push(work);
    OTHERS.set(others);
}

/// Awaits two parts, of which one is polled to its end on another thread.
#[trace(name = "request", "app.customer" = customer, "app.number" = number)]
async fn with_thread(customer: &'static str, number: i64) {
    counted(part(1, "BTC-USDT")).await;
    let ended = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&ended);
    give(Box::pin(otelier::in_current_context(async move {
        counted(part(2, "ETH-USDT")).await;
        told.store(true, Relaxed);
    })));
    std::future::poll_fn(|_| if ended.load(Relaxed) { Poll::Ready(()) } else { Poll::Pending }).await;
    counted(part(3, "BTC-USDT")).await;
}

/// A thread that polls what it gets to the end.
struct Helper {
    work: SyncSender<Vec<Work>>,
    done: Receiver<()>,
}

impl Helper {
    fn start() -> Self {
        let (work, orders) = sync_channel::<Vec<Work>>(1);
        let (say, done) = sync_channel(1);
        std::thread::spawn(move || {
            for work in orders {
                work.into_iter().for_each(drive);
                // Whoever does not listen any more has all it wants.
                let _ = say.send(());
            }
        });
        Self { work, done }
    }

    fn run(&self) {
        self.work.send(OTHERS.take()).expect("the helper lives");
        self.done.recv().expect("the helper lives");
    }
}

fn drive(mut work: Work) {
    while step(&mut work) {}
}

/// Whether there is more.
fn step(work: &mut Work) -> bool {
    work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending()
}

fn threads(helper: &Helper) {
    for batch in 0..TRACES / OPEN {
        let open = |number: usize| -> Work { Box::pin(counted(with_thread("acme", (batch * OPEN + number) as i64))) };
        let mut open: Vec<Work> = (0..OPEN).map(open).collect();
        // Each to where it waits for the other thread: the part's three polls, and the one after.
        for work in &mut open {
            for _ in 0..4 {
                step(work);
            }
        }
        helper.run();
        open.into_iter().for_each(drive);
    }
}

async fn tasks() {
    for batch in 0..TRACES / OPEN {
        let open = |number: usize| tokio::spawn(counted(with_tasks("acme", (batch * OPEN + number) as i64)));
        let open: Vec<_> = (0..OPEN).map(open).collect();
        for task in open {
            task.await.expect("it does not panic");
        }
    }
}

/// What tail sampling does here.
pub(crate) const TAILS: [Tail; 3] = [Tail::Off, Tail::Kept, Tail::Dropped];

pub(crate) const TASKS: &str = "tasks on one thread";
pub(crate) const THREADS: &str = "polled on two threads";

fn polls_of(work: impl Fn()) -> usize {
    let before = POLLS.load(Relaxed);
    work();
    POLLS.load(Relaxed) - before
}

pub(crate) fn child(child: &Child) {
    // Before the pipeline, whose threads come after the second.
    let helper = Helper::start();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let (tasks, threads) = (|| runtime.block_on(tasks()), || threads(&helper));
    // How often they poll does not change from time to time.
    let polls = [polls_of(tasks), polls_of(threads)];
    let telemetry = start(child.tail, child.otlp.as_deref());
    let stretches = vec![Stretch::new(TASKS, polls[0], tasks), Stretch::new(THREADS, polls[1], threads)];
    measure(child.how, &telemetry, stretches);
    let stats = telemetry.shutdown().expect("everything is flushed already");
    let lost = stats.dropped() - stats.dropped_by_tail_sampling;
    assert!(lost == 0 && stats.open == 0, "{stats:?}");
}
