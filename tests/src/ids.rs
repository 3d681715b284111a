//! Which spans arrived, by their ids: what a test of losses and duplicates asks for.

use crate::Receiver;
use crate::behaviour::Behaviour;
use crate::received::{Arrival, SpanId, lock};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

impl Receiver {
    /// From now on only the ids of spans are kept, not requests and headers: for tests with very many.
    #[must_use]
    pub fn counting(self) -> Self {
        self.received.keeps.store(false, Relaxed);
        self
    }

    /// From now on requests are answered like this; the last one stays. What is left of the script is forgotten.
    pub fn answer(&self, script: impl IntoIterator<Item = Behaviour>) {
        *lock(&self.received.script) = script.into_iter().collect();
    }

    /// The requests with spans that arrived so far, in order, however they were answered.
    pub fn arrivals(&self) -> Vec<Arrival> {
        lock(&self.received.record).arrivals.clone()
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> u64 {
        lock(&self.received.record).connections
    }

    /// The spans in requests that were answered with success.
    pub fn accepted_ids(&self) -> BTreeSet<SpanId> {
        lock(&self.received.record).accepted.keys().copied().collect()
    }

    /// The spans that were accepted more than once, and how often.
    pub fn ids_twice(&self) -> BTreeMap<SpanId, u32> {
        let record = lock(&self.received.record);
        record.accepted.iter().filter(|(_, times)| **times > 1).map(|(id, times)| (*id, *times)).collect()
    }

    /// The spans in all requests, however these were answered.
    pub fn seen_ids(&self) -> BTreeSet<SpanId> {
        lock(&self.received.record).arrivals.iter().flat_map(|arrival| arrival.spans.iter().copied()).collect()
    }

    /// Waits until so many different spans were accepted; how many there are in the end.
    pub fn wait_for_ids(&self, count: usize, timeout: Duration) -> usize {
        self.wait_until(timeout, |record| record.accepted.len() >= count);
        lock(&self.received.record).accepted.len()
    }

    /// Waits until so many requests with spans have arrived; how many there are in the end.
    pub fn wait_for_arrivals(&self, count: usize, timeout: Duration) -> usize {
        self.wait_until(timeout, |record| record.arrivals.len() >= count);
        lock(&self.received.record).arrivals.len()
    }

    fn wait_until(&self, timeout: Duration, done: impl Fn(&crate::received::Record) -> bool) {
        let deadline = Instant::now() + timeout;
        let mut record = lock(&self.received.record);
        while !done(&record) {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else { break };
            record = self.received.recorded.wait_timeout(record, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
