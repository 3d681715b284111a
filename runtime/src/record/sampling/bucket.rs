//! A limit of so many a second.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

/// How fast tokens are made, and how many a bucket holds.
#[derive(Debug)]
struct Rate {
    start: Instant,
    /// Nanoseconds in which one token is made.
    each: u64,
    /// How far ahead the moment may lie for there to be a token.
    ahead: u64,
}

/// A bucket of tokens, as one moment: that at which it would be full again, in nanoseconds since the start of its rate. Each token
/// puts it later by the time in which one is made; if it lies too far ahead, the bucket is empty.
type Full = AtomicU64;

impl Rate {
    /// So many tokens a second, and room for as many, at least for one.
    fn new(per_second: f64) -> Self {
        // A number that is out of range ends at the ends of that of the integers.
        let each = ((1e9 / per_second) as u64).max(1);
        let ahead = ((per_second.max(1.0) - 1.0) * each as f64) as u64;
        Self { start: Instant::now(), each, ahead }
    }

    /// A moment of a simulation, or without one now.
    fn moment(&self, simulated: Option<u64>) -> u64 {
        simulated.unwrap_or_else(|| u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    fn take(&self, full: &Full, now: u64) -> bool {
        full.fetch_update(Relaxed, Relaxed, |full| {
            let full = full.max(now);
            (full - now <= self.ahead).then(|| full.saturating_add(self.each))
        })
        .is_ok()
    }
}

/// One bucket.
#[derive(Debug)]
pub(crate) struct Bucket {
    rate: Rate,
    full: Full,
}

impl Bucket {
    /// So many tokens a second, and room for as many, at least for one. It is full.
    pub(crate) fn new(per_second: f64) -> Self {
        Self { rate: Rate::new(per_second), full: Full::new(0) }
    }

    /// Takes a token, if there is one: at a moment of a simulation, in nanoseconds since some moment; without one, now.
    pub(crate) fn take_in(&self, simulated: Option<u64>) -> bool {
        self.take_at(self.rate.moment(simulated))
    }

    fn take_at(&self, now: u64) -> bool {
        self.rate.take(&self.full, now)
    }
}

/// How many schemas have a bucket of their own.
const SCHEMAS: usize = 256;

/// A bucket for each schema, one for all that has none, and one for the schemas for which there is no place any more.
#[derive(Debug)]
pub(crate) struct SchemaBuckets {
    rate: Rate,
    places: Box<[Place]>,
    without: Full,
    others: Full,
}

/// A place for a bucket.
#[derive(Debug, Default)]
struct Place {
    /// The hash of the schema's id; 0: nobody's. Two ids with one hash of 64 bits would share the bucket.
    schema: AtomicU64,
    full: Full,
}

impl SchemaBuckets {
    /// So many tokens a second for each schema, and room for as many, at least for one. All are full.
    pub(crate) fn new(per_second: f64) -> Self {
        let places = (0..SCHEMAS).map(|_| Place::default()).collect();
        Self { rate: Rate::new(per_second), places, without: Full::new(0), others: Full::new(0) }
    }

    /// Takes a token of this schema's, if there is one; see [`Bucket::take_in`]. No lock is taken, also for a schema that is new.
    pub(crate) fn take_in(&self, schema: Option<&str>, simulated: Option<u64>) -> bool {
        let full = schema.map_or(&self.without, |schema| self.of(schema));
        self.rate.take(full, self.rate.moment(simulated))
    }

    fn of(&self, schema: &str) -> &Full {
        let hash = hash(schema);
        for step in 0..SCHEMAS {
            let place = &self.places[(hash as usize).wrapping_add(step) % SCHEMAS];
            let taken = match place.schema.load(Relaxed) {
                0 => place.schema.compare_exchange(0, hash, Relaxed, Relaxed).map_or_else(|found| found, |_| hash),
                found => found,
            };
            if taken == hash {
                return &place.full;
            }
        }
        &self.others
    }
}

/// Of a text, and not 0 (FNV-1a).
fn hash(text: &str) -> u64 {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    // The lower bits choose the place.
    (hash ^ hash >> 32).max(1)
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

    #[test]
    fn a_moment_of_a_simulation_counts_in_place_of_the_clock() {
        let bucket = Bucket::new(2.0);
        let year = 365 * 24 * 3600 * SECOND;
        let taken = |now| (0..9).filter(|_| bucket.take_in(Some(now))).count();
        assert_eq!([taken(year), taken(year), taken(year + SECOND / 2), taken(year + 2 * SECOND)], [2, 0, 1, 2]);
        assert!(!bucket.take_in(None), "the clock has not come that far");
    }

    fn taken_of(buckets: &SchemaBuckets, schema: Option<&str>, now: u64) -> usize {
        (0..20).filter(|_| buckets.take_in(schema, Some(now))).count()
    }

    #[test]
    fn each_schema_has_its_own_limit_and_what_has_none_shares_one() {
        let buckets = SchemaBuckets::new(3.0);
        for schema in [Some("crypto.exchange_api"), Some("crypto.ingestion"), Some(""), None] {
            assert_eq!(taken_of(&buckets, schema, 0), 3, "{schema:?}");
            assert_eq!(taken_of(&buckets, schema, 0), 0, "{schema:?}");
        }
        assert_eq!(taken_of(&buckets, Some("crypto.ingestion"), SECOND), 3, "a second later there are new ones");
    }

    #[test]
    fn schemas_beyond_the_last_place_share_one_limit_and_take_no_memory() {
        let buckets = SchemaBuckets::new(2.0);
        let ids: Vec<_> = (0..SCHEMAS + 40).map(|number| format!("app.schema_{number}")).collect();
        let taken: Vec<_> = ids.iter().map(|id| taken_of(&buckets, Some(id), 0)).collect();
        assert_eq!(taken[..SCHEMAS], [2; SCHEMAS]);
        assert_eq!(taken[SCHEMAS..].iter().sum::<usize>(), 2);
        assert_eq!(taken_of(&buckets, Some(&ids[0]), SECOND), 2, "who has a place keeps it");
    }

    #[test]
    fn threads_that_meet_a_schema_at_once_take_no_more_than_it_has() {
        const IDS: usize = 8;
        for round in 0..if cfg!(miri) { 2 } else { 50 } {
            let buckets = SchemaBuckets::new(5.0);
            let ids: Vec<_> = (0..IDS).map(|number| format!("app.{round}.{number}")).collect();
            let all: usize = std::thread::scope(|scope| {
                let of_thread = |first: usize| (0..IDS).map(move |step| (first + step) % IDS);
                let (ids, buckets) = (&ids, &buckets);
                let threads: Vec<_> = (0..4)
                    .map(|first| {
                        scope.spawn(move || {
                            of_thread(first).map(|id| taken_of(buckets, Some(&ids[id]), 7)).sum::<usize>()
                        })
                    })
                    .collect();
                threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
            });
            assert_eq!(all, IDS * 5);
            assert_eq!(buckets.places.iter().filter(|place| place.schema.load(Relaxed) != 0).count(), IDS);
        }
    }
}
