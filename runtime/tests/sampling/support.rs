//! A pipeline into a tally, and numbers drawn with a seed.

use opentelemetry::trace::TraceId;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use otelier::{Guard, Pipeline, Stats, Telemetry};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Only something that hangs takes as long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The attribute by which a span says of which trace of the load it is.
pub const NUMBER: &str = "app.trace";

/// More than the spans between two flushes.
const QUEUE: usize = 1 << 17;

pub fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The right to run a pipeline: tests take turns.
pub fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    lock(&TURN)
}

/// Numbers that look as if they were random, the same for each seed.
#[derive(Clone, Debug)]
pub struct Draw(u64);

impl Draw {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// SplitMix64.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below this.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// So many times of a thousand.
    pub fn per_mille(&mut self, times: u64) -> bool {
        self.below(1000) < times
    }
}

/// What arrived of one trace of the load.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    pub spans: usize,
    /// Spans without a parent.
    pub roots: usize,
    /// The ids of the spans, each once.
    pub traces: Vec<TraceId>,
    /// `otelier.sampler.rule` of the root.
    pub rule: Option<String>,
    /// `otelier.sampler.reason` of the root.
    pub reason: Option<String>,
    /// `otelier.sampler.probability` of the root.
    pub probability: Option<f64>,
}

/// An exporter that keeps of every trace only whether it is whole.
#[derive(Clone, Debug, Default)]
pub struct Tally(Arc<Mutex<HashMap<usize, Seen>>>);

impl Tally {
    pub fn take(&self) -> HashMap<usize, Seen> {
        std::mem::take(&mut lock(&self.0))
    }
}

fn text(span: &SpanData, key: &str) -> Option<String> {
    span.attributes.iter().find(|attribute| attribute.key.as_str() == key).map(|found| found.value.to_string())
}

impl SpanExporter for Tally {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let mut all = lock(&self.0);
        for span in batch {
            let number = text(&span, NUMBER).and_then(|number| number.parse().ok()).expect("every span has its number");
            let seen = all.entry(number).or_default();
            seen.spans += 1;
            if span.parent_span_id == opentelemetry::trace::SpanId::INVALID {
                seen.roots += 1;
                seen.rule = text(&span, "otelier.sampler.rule");
                seen.reason = text(&span, "otelier.sampler.reason");
                seen.probability = text(&span, "otelier.sampler.probability").and_then(|text| text.parse().ok());
            }
            let id = span.span_context.trace_id();
            if !seen.traces.contains(&id) {
                seen.traces.push(id);
            }
        }
        Ok(())
    }
}

/// A pipeline into a tally.
pub struct Recorder {
    tally: Tally,
    telemetry: Guard,
    // Last, so that the pipeline ends before the next test begins.
    _turn: MutexGuard<'static, ()>,
}

impl Recorder {
    pub fn with(settings: Telemetry) -> Self {
        let turn = turn();
        let tally = Tally::default();
        let settings = settings.with_max_queue_size(QUEUE).with_shutdown_timeout(PATIENCE);
        let pipeline = Pipeline::new(settings).with_span_exporter(tally.clone());
        Self { tally, telemetry: pipeline.start().expect("the pipeline starts"), _turn: turn }
    }

    pub fn flush(&self) {
        self.telemetry.force_flush(PATIENCE).expect("nothing takes so long");
    }

    pub fn finish(self) -> (HashMap<usize, Seen>, Stats) {
        self.flush();
        let stats = self.telemetry.shutdown().expect("the pipeline ends in time");
        (self.tally.take(), stats)
    }
}

/// An exporter for tests that look at decisions alone.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

impl SpanExporter for Nothing {
    async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
        Ok(())
    }
}
