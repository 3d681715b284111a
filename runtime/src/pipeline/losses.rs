//! Which share of the spans is lost on its way, for samplers that follow the load.

use crate::export::{Book, Signal};
use crate::record::COUNTERS;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// What became of spans, and what of it was known at the last look.
pub(super) struct Losses {
    books: Vec<(Arc<Book>, Fate)>,
    /// For want of room in the queue.
    dropped: u64,
}

/// Of the spans of one exporter: those that arrived, and those that did not.
#[derive(Clone, Copy, Default)]
struct Fate {
    arrived: u64,
    lost: u64,
}

impl Fate {
    fn of(book: &Book) -> Self {
        let (arrived, failed, rejected) = book.numbers();
        Self { arrived, lost: failed + rejected }
    }
}

impl Losses {
    /// What was lost before is over.
    pub(super) fn since_now(books: impl IntoIterator<Item = Arc<Book>>) -> Self {
        let spans = books.into_iter().filter(|book| book.signal == Signal::Spans);
        let books = spans.map(|book| (Arc::clone(&book), Fate::of(&book))).collect();
        Self { books, dropped: COUNTERS.queue_full.load(Relaxed) }
    }

    /// The share of what was lost since the last look; `None` if nothing became of anything.
    pub(super) fn share(&mut self) -> Option<f64> {
        let dropped = COUNTERS.queue_full.load(Relaxed);
        let new_dropped = dropped.saturating_sub(std::mem::replace(&mut self.dropped, dropped));
        let new: Vec<Fate> = self
            .books
            .iter_mut()
            .map(|(book, before)| {
                let (now, was) = (Fate::of(book), *before);
                *before = now;
                Fate { arrived: now.arrived.saturating_sub(was.arrived), lost: now.lost.saturating_sub(was.lost) }
            })
            .collect();
        // A receiver that takes nothing gets no better by getting less, and others must not get less for its sake.
        let is_any_taken = new.iter().any(|fate| fate.arrived > 0);
        let counts = new.iter().filter(|fate| fate.arrived > 0 || !is_any_taken);
        let sum = counts.fold(Fate { arrived: 0, lost: new_dropped }, |sum, fate| Fate {
            arrived: sum.arrived + fate.arrived,
            lost: sum.lost + fate.lost,
        });
        let all = sum.arrived + sum.lost;
        (all > 0).then(|| sum.lost as f64 / all as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::{Accepted, Failure};
    use std::time::Duration;

    fn books<const N: usize>() -> [Arc<Book>; N] {
        std::array::from_fn(|_| Arc::new(Book::new("book", Signal::Spans, Duration::from_secs(1))))
    }

    fn arrive(book: &Book, count: u64) {
        book.book(count, Ok(Accepted::default()));
    }

    fn fail(book: &Book, count: u64) {
        book.book(count, Err(Failure::BacklogFull));
    }

    #[test]
    fn what_was_lost_since_the_last_look_counts_and_nothing_before() {
        let [book] = books();
        fail(&book, 100);
        let mut losses = Losses::since_now([Arc::clone(&book)]);
        assert_eq!(losses.share(), None, "nothing became of anything");
        arrive(&book, 30);
        fail(&book, 10);
        assert_eq!(losses.share(), Some(0.25));
        assert_eq!(losses.share(), None);
        arrive(&book, 1);
        assert_eq!(losses.share(), Some(0.0));
    }

    #[test]
    fn an_exporter_that_delivers_nothing_counts_only_if_no_other_delivers() {
        let [broken, good] = books();
        let mut losses = Losses::since_now([Arc::clone(&broken), Arc::clone(&good)]);
        fail(&broken, 50);
        arrive(&good, 50);
        assert_eq!(losses.share(), Some(0.0));
        fail(&broken, 50);
        assert_eq!(losses.share(), Some(1.0));
    }

    #[test]
    fn log_records_and_metrics_are_not_looked_at() {
        let logs = Arc::new(Book::new("logs", Signal::Logs, Duration::from_secs(1)));
        let mut losses = Losses::since_now([Arc::clone(&logs)]);
        fail(&logs, 10);
        assert_eq!(losses.share(), None);
    }
}
