//! How many of the traces in a batch of records failed, by their local roots.

use super::head_bits::LOCAL_ROOT;
use super::outbox::split_record;
use super::view::{Records, Status};

/// How many local roots there are among these records, and how many of them failed. Only they are read.
pub(crate) fn count_roots(mut words: &[u64]) -> (u64, u64) {
    let (mut ended, mut failed) = (0, 0);
    while let Some((record, rest)) = split_record(words) {
        words = rest;
        let is_root = record.first().is_some_and(|head| head & LOCAL_ROOT != 0);
        if is_root && let Some(span) = Records::from_words(record).next() {
            ended += 1;
            failed += u64::from(matches!(span.status(), Status::Error(_)));
        }
    }
    (ended, failed)
}
