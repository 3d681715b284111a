//! A limit of so many a second.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

/// A bucket of tokens, as one moment: that at which it would be full again. Each token puts it later by the time in which
/// one is made; if it lies too far ahead, the bucket is empty.
#[derive(Debug)]
pub(crate) struct Bucket {
    start: Instant,
    /// Nanoseconds in which one token is made.
    each: u64,
    /// How far ahead the moment may lie for there to be a token.
    ahead: u64,
    /// Nanoseconds since `start`.
    full: AtomicU64,
}

impl Bucket {
    /// So many tokens a second, and room for as many, at least for one. It is full.
    pub(crate) fn new(per_second: f64) -> Self {
        // A number that is out of range ends at the ends of that of the integers.
        let each = ((1e9 / per_second) as u64).max(1);
        let ahead = ((per_second.max(1.0) - 1.0) * each as f64) as u64;
        Self { start: Instant::now(), each, ahead, full: AtomicU64::new(0) }
    }

    /// Takes a token, if there is one.
    pub(crate) fn take(&self) -> bool {
        self.take_at(u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    fn take_at(&self, now: u64) -> bool {
        self.full
            .fetch_update(Relaxed, Relaxed, |full| {
                let full = full.max(now);
                (full - now <= self.ahead).then(|| full.saturating_add(self.each))
            })
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn taken(bucket: &Bucket, now: u64, tries: usize) -> usize {
        (0..tries).filter(|_| bucket.take_at(now)).count()
    }

    #[test]
    fn a_full_bucket_gives_a_second_worth_at_once_and_then_what_is_made() {
        let bucket = Bucket::new(10.0);
        assert_eq!(taken(&bucket, 0, 100), 10);
        assert_eq!(taken(&bucket, SECOND / 10, 100), 1);
        assert_eq!(taken(&bucket, SECOND, 100), 9);
        assert_eq!(taken(&bucket, 100 * SECOND, 100), 10, "it holds no more than it has room for");
    }

    #[test]
    fn fewer_than_one_a_second_are_one_now_and_then() {
        let bucket = Bucket::new(0.25);
        assert_eq!(taken(&bucket, 0, 10), 1);
        assert_eq!(taken(&bucket, 4 * SECOND - 1, 10), 0);
        assert_eq!(taken(&bucket, 4 * SECOND, 10), 1);
    }

    #[test]
    fn a_clock_that_stands_still_or_a_wild_number_breaks_nothing() {
        for per_second in [f64::MIN_POSITIVE, 1e-9, 1e9, f64::MAX] {
            let bucket = Bucket::new(per_second);
            assert!(bucket.take_at(0), "{per_second}");
            taken(&bucket, u64::MAX, 3);
            taken(&bucket, 0, 3);
        }
    }

    #[test]
    fn threads_together_take_no_more_than_there_is() {
        let bucket = Bucket::new(50.0);
        let all: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| taken(&bucket, 7, 50))).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
        });
        assert_eq!(all, 50);
    }
}
