//! The numbers of one collection, read once for all instruments.

use super::super::shared::{Shared, State};
use super::component::{self, Component};
use crate::Stats;
use crate::export::{Book, Signal};
use crate::record::{self, QUEUE, SamplingCounts, TailCounts};
use opentelemetry::KeyValue;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Weak};

/// Everything that is observed, at one moment.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) stats: Stats,
    pub(super) exporters: Vec<Numbers>,
    pub(super) processor: Vec<KeyValue>,
    /// How many spans every exporter of spans has been given; `None` if there is none.
    pub(super) processed: Option<u64>,
    /// What waits in the queue: in bytes, how many bytes there is room for, and how many spans it is.
    pub(super) queue: (usize, usize, u64),
    pub(super) sampling_factor: Option<f64>,
    /// How the sampler has decided, and tail sampling; `None` where nothing is counted.
    pub(super) sampling: Option<SamplingCounts>,
    pub(super) tail: Option<TailCounts>,
}

/// The numbers of one exporter.
#[derive(Debug)]
pub(super) struct Numbers {
    pub(super) component: Component,
    pub(super) signal: Signal,
    pub(super) handed: u64,
    pub(super) exported: u64,
    pub(super) failed: u64,
    pub(super) rejected: u64,
    /// What failed, by reason.
    pub(super) lost: Vec<(&'static str, u64)>,
    /// The share of all exports that succeeded, and of the latest.
    pub(super) success_rates: Option<(f64, f64)>,
}

impl Numbers {
    fn of(book: &Book, component: &Component) -> Self {
        // In this order: what is over was handed before, and every failure has its reason.
        let (exported, failed, rejected) = book.numbers();
        let (lost, handed) = (book.lost(), book.handed());
        let success_rates = book.history().success_rates();
        let component = component.clone();
        Self { component, signal: book.signal, handed, exported, failed, rejected, lost, success_rates }
    }

    /// What the exporter has and has not done with.
    pub(super) fn inflight(&self) -> u64 {
        self.handed.saturating_sub(self.exported + self.failed + self.rejected)
    }

    /// What was not exported, each with its `error.type`.
    pub(super) fn errors(&self) -> Vec<(&'static str, u64)> {
        let known: u64 = self.lost.iter().map(|(_, count)| count).sum();
        let others = [("rejected", self.rejected), ("_OTHER", self.failed.saturating_sub(known))];
        self.lost.iter().copied().chain(others).filter(|(_, count)| *count > 0).collect()
    }
}

impl Snapshot {
    /// Spans that have ended and are on their way to an exporter: in their threads, in the queue, or in a batch that is not
    /// full yet.
    pub(super) fn waiting(&self) -> u64 {
        let Some(processed) = self.processed else { return self.queue.2 };
        self.stats.started.saturating_sub(self.stats.open + self.stats.dropped() + processed)
    }
}

/// Where snapshots come from.
#[derive(Debug)]
pub(super) struct Source {
    /// Which pipeline it is.
    number: u64,
    shared: Weak<Shared>,
    components: Arc<[Component]>,
    /// A sum must not fall, also if two readers look at the same time.
    processed: AtomicU64,
}

/// What this thread has read last.
struct Latest {
    pipeline: u64,
    /// The instruments that have had it, one bit each.
    seen_by: u64,
    snapshot: Rc<Snapshot>,
}

thread_local! {
    static LATEST: RefCell<Option<Latest>> = const { RefCell::new(None) };
}

impl Source {
    pub(super) fn new(shared: &Arc<Shared>, components: Arc<[Component]>) -> Self {
        static PIPELINES: AtomicU64 = AtomicU64::new(0);
        let number = PIPELINES.fetch_add(1, Relaxed);
        Self { number, shared: Arc::downgrade(shared), components, processed: AtomicU64::new(0) }
    }

    /// Shows an instrument the numbers, if the pipeline is there.
    ///
    /// A collection asks all instruments on one thread, each once. So what the thread has read last is of this collection
    /// unless the instrument has seen it already.
    pub(super) fn look(&self, instrument: usize, show: impl FnOnce(&Snapshot)) {
        let Some(shared) = self.shared.upgrade() else { return };
        if !matches!(shared.state(), State::Running | State::Stopping) {
            return;
        }
        let bit = 1 << instrument;
        // A thread whose locals are gone collects nothing any more.
        let snapshot = LATEST.try_with(|latest| {
            let mut latest = latest.borrow_mut();
            if let Some(latest) = latest.as_mut().filter(|it| it.pipeline == self.number && it.seen_by & bit == 0) {
                latest.seen_by |= bit;
                return Rc::clone(&latest.snapshot);
            }
            let snapshot = Rc::new(self.read(&shared));
            *latest = Some(Latest { pipeline: self.number, seen_by: bit, snapshot: Rc::clone(&snapshot) });
            snapshot
        });
        if let Ok(snapshot) = snapshot {
            show(&snapshot);
        }
    }

    fn read(&self, shared: &Shared) -> Snapshot {
        // The exporters first: never more was exported than has ended.
        let of = |(book, component): (&Arc<Book>, &Component)| Numbers::of(book, component);
        let exporters: Vec<_> = shared.books.iter().zip(&*self.components).map(of).collect();
        let spans = exporters.iter().filter(|exporter| exporter.signal == Signal::Spans);
        let processed = spans.map(|exporter| exporter.handed).min();
        let processed = processed.map(|now| now.max(self.processed.fetch_max(now, Relaxed)));
        let stats = shared.stats();
        Snapshot {
            stats,
            exporters,
            processor: component::processor(),
            processed,
            queue: QUEUE.fill(),
            sampling_factor: record::sampling_factor(),
            sampling: record::sampling_counts(),
            tail: record::tail_counts(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Telemetry;

    fn looks(source: &Source, instrument: usize) -> Option<*const Snapshot> {
        let mut seen = None;
        source.look(instrument, |snapshot| seen = Some(std::ptr::from_ref(snapshot)));
        seen
    }

    #[test]
    fn the_instruments_of_one_collection_see_the_same_numbers() {
        let shared = Arc::new(Shared::new(Telemetry::default(), Vec::new()));
        let source = Source::new(&shared, Arc::default());
        assert!(looks(&source, 0).is_some());
        // Kept, so that no later one can have its place.
        let first = LATEST.with_borrow(|latest| latest.as_ref().map(|it| Rc::clone(&it.snapshot))).expect("it looked");
        assert_eq!(looks(&source, 1), Some(Rc::as_ptr(&first)));
        assert_ne!(looks(&source, 1), Some(Rc::as_ptr(&first)), "another collection");
    }

    #[test]
    fn nothing_is_seen_of_a_pipeline_that_has_ended_or_is_gone() {
        let shared = Arc::new(Shared::new(Telemetry::default(), Vec::new()));
        let source = Source::new(&shared, Arc::default());
        assert!(looks(&source, 0).is_some());
        assert_eq!(Arc::strong_count(&shared), 1, "it does not keep the pipeline");
        drop(shared);
        assert!(looks(&source, 1).is_none());
        let disabled = Telemetry { disabled: true, ..Telemetry::default() };
        let shared = Arc::new(Shared::new(disabled, Vec::new()));
        assert!(looks(&Source::new(&shared, Arc::default()), 0).is_none());
        let shared = Arc::new(Shared::new(Telemetry::default(), Vec::new()));
        let source = Source::new(&shared, Arc::default());
        shared.has_stopped();
        assert!(looks(&source, 0).is_none());
    }
}
