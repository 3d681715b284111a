//! What an exporter still has to do, so that who flushes knows what to wait for.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, watch};

/// Everything that an exporter was handed and is not done with.
#[derive(Debug)]
pub(crate) struct Turns {
    open: Mutex<Open>,
    changed: Notify,
    is_closed: AtomicBool,
    /// The number of the latest flush.
    hurried: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    /// The latest flush for which each has done what could be done.
    settled: BTreeMap<u64, u64>,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Arc<Turns>,
    number: u64,
    hurried: watch::Receiver<u64>,
}

impl Turns {
    pub(crate) fn new() -> Self {
        Self {
            open: Mutex::default(),
            changed: Notify::new(),
            is_closed: AtomicBool::new(false),
            hurried: watch::Sender::new(0),
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn begin(self: &Arc<Self>) -> Turn {
        let mut open = self.open();
        let number = open.next;
        open.next += 1;
        open.settled.insert(number, 0);
        // Under the lock, so that it is not asked to hurry by a flush that does not wait for it.
        let mut hurried = self.hurried.subscribe();
        hurried.mark_unchanged();
        Turn { turns: Arc::clone(self), number, hurried }
    }

    /// Asks all to try at once what they wait with, and gives the number of this flush.
    pub(crate) fn hurry(&self) -> u64 {
        let mut flush = 0;
        self.hurried.send_modify(|latest| {
            *latest += 1;
            flush = *latest;
        });
        flush
    }

    /// Waits until all that are open now are over, or have tried at once what they were waiting with.
    pub(crate) async fn flush(&self) {
        let flush = self.hurry();
        let end = self.open().next;
        self.wait(|open| open.settled.range(..end).all(|(_, settled)| *settled >= flush)).await;
    }

    /// Waits until all that are open have done what could be done at once for the latest flush.
    #[cfg(all(feature = "metrics", feature = "_otlp"))]
    pub(crate) async fn all_settled(&self) {
        self.wait(|open| open.settled.values().all(|settled| *settled >= *self.hurried.borrow())).await;
    }

    /// Waits until all are over.
    pub(crate) async fn all_over(&self) {
        self.wait(|open| open.settled.is_empty()).await;
    }

    /// Says that there will be no more.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.changed.notify_waiters();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Ends when one of them is over or has settled, or when there will be no more.
    pub(crate) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    async fn wait(&self, done: impl Fn(&Open) -> bool) {
        loop {
            let changed = self.changed.notified();
            if done(&self.open()) {
                return;
            }
            changed.await;
        }
    }
}

impl Turn {
    /// Ends as soon as a flush asks for haste that was not heard of yet.
    pub(crate) async fn hurried(&mut self) {
        if self.hurried.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// The latest flush that this one has heard of.
    pub(crate) fn flush(&mut self) -> u64 {
        *self.hurried.borrow_and_update()
    }

    /// What could be done at once for this flush was done.
    pub(crate) fn settle(&self, flush: u64) {
        let mut open = self.turns.open();
        if let Some(settled) = open.settled.get_mut(&self.number).filter(|settled| **settled < flush) {
            *settled = flush;
            drop(open);
            self.turns.changed.notify_waiters();
        }
    }
}

impl Turn {
    /// Whether this is the only one, and whether no other one has something to do for this flush that this one would have to
    /// wait for.
    pub(crate) fn is_alone(&self, flush: u64) -> (bool, bool) {
        let open = self.turns.open();
        let mut others = open.settled.iter().filter(|(number, _)| **number != self.number);
        (open.settled.len() == 1, others.all(|(_, settled)| *settled >= flush))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.open().settled.remove(&self.number);
        self.turns.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn poll(future: std::pin::Pin<&mut impl Future>) -> bool {
        future.poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn a_flush_waits_for_what_is_open_and_not_for_what_comes_after() {
        let turns = Arc::new(Turns::new());
        let first = turns.begin();
        let mut flush = pin!(turns.flush());
        assert!(!poll(flush.as_mut()));
        let _second = turns.begin();
        drop(first);
        assert!(poll(flush.as_mut()));
    }

    #[test]
    fn what_was_tried_at_once_and_goes_on_waiting_does_not_hold_up_a_flush() {
        let turns = Arc::new(Turns::new());
        let mut turn = turns.begin();
        let mut flush = pin!(turns.flush());
        assert!(!poll(flush.as_mut()));
        assert!(poll(pin!(turn.hurried())));
        let heard = turn.flush();
        turn.settle(heard);
        assert!(poll(flush.as_mut()));
        let mut next = pin!(turns.flush());
        assert!(!poll(next.as_mut()), "the next flush asks again");
    }

    #[test]
    fn one_that_begins_after_a_flush_was_asked_for_does_not_hear_of_it() {
        let turns = Arc::new(Turns::new());
        turns.hurry();
        let mut turn = turns.begin();
        assert!(matches!(pin!(turn.hurried()).poll(&mut Context::from_waker(Waker::noop())), Poll::Pending));
    }
}
