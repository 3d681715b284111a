//! Spans kept in memory.

use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Keeps finished spans in memory, for tests and for programs that show their own traces. Clones share the spans.
///
/// ```
/// use otelier::export::MemoryExporter;
///
/// let spans = MemoryExporter::new(10_000);
/// let telemetry = otelier::Pipeline::new(otelier::Telemetry::default()).with_span_exporter(spans.clone()).start()?;
/// otelier::trace_block!(name = "load", {});
/// telemetry.shutdown()?;
/// assert_eq!(spans.spans()[0].name, "load");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct MemoryExporter {
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug)]
struct Kept {
    spans: Vec<SpanData>,
    limit: usize,
    discarded: u64,
}

impl MemoryExporter {
    /// Keeps at most `limit` spans; later ones are counted and not kept.
    pub fn new(limit: usize) -> Self {
        Self { kept: Arc::new(Mutex::new(Kept { spans: Vec::new(), limit, discarded: 0 })) }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The spans that have arrived so far, in the order of arrival.
    pub fn spans(&self) -> Vec<SpanData> {
        self.kept().spans.clone()
    }

    /// How many spans came after the limit was reached.
    pub fn discarded(&self) -> u64 {
        self.kept().discarded
    }
}

impl SpanExporter for MemoryExporter {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        let mut kept = self.kept();
        let room = kept.limit.saturating_sub(kept.spans.len());
        kept.discarded += batch.len().saturating_sub(room) as u64;
        batch.truncate(room);
        kept.spans.append(&mut batch);
        Ok(())
    }
}
