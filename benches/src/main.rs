//! `cargo run --release -p otelier-benches`: what a span costs the thread that makes it.
//!
//! Every case of every round runs in turn, so that all of them meet the same noise; the table shows the median and the least
//! of the rounds. Exporting happens on other threads and between the timed stretches. A run first proves that both sides
//! export what was made.

mod ours;
mod sdk;

use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

/// Leaf spans below each root.
const LEAVES: u64 = 100;
/// Traces in a timed stretch: few enough that no queue is full.
const TRACES: u64 = 10;
const ROUNDS: usize = 61;

/// Counts what it is given.
#[derive(Clone, Debug, Default)]
struct Counting {
    spans: Arc<AtomicU64>,
    attributes: Arc<AtomicU64>,
}

impl SpanExporter for Counting {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let own = |span: &SpanData| span.attributes.len() as u64;
        self.spans.fetch_add(batch.len() as u64, Relaxed);
        self.attributes.fetch_add(batch.iter().map(own).sum(), Relaxed);
        Ok(())
    }
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scenario {
    /// S1: a leaf without attributes.
    Leaf,
    /// S2: a leaf with an integer, a float, a string and a constant string.
    Attributes,
    /// S5: the same, in a trace that is not sampled.
    Unsampled,
    /// S6: the same, with telemetry off.
    Off,
}

const SCENARIOS: [(Scenario, &str); 4] = [
    (Scenario::Leaf, "S1 leaf, no attributes"),
    (Scenario::Attributes, "S2 leaf, four attributes"),
    (Scenario::Unsampled, "S5 four attributes, not sampled"),
    (Scenario::Off, "S6 four attributes, telemetry off"),
];

/// Something that makes spans.
trait Side {
    /// Gets ready for a scenario; spans go to `exporter`.
    fn start(scenario: Scenario, exporter: Counting) -> Self;
    /// One trace: a root and its leaves.
    fn trace(&self, scenario: Scenario) -> u64;
    /// Exports everything made so far.
    fn flush(&self);
}

/// Nanoseconds a leaf span in one timed stretch, and what was exported.
fn stretch<S: Side>(scenario: Scenario) -> (f64, Counting) {
    let exporter = Counting::default();
    let side = S::start(scenario, exporter.clone());
    let mut sum = side.trace(scenario);
    side.flush();
    let start = Instant::now();
    for _ in 0..TRACES {
        sum = sum.wrapping_add(side.trace(scenario));
    }
    let nanos = start.elapsed().as_nanos() as f64 / (TRACES * LEAVES) as f64;
    std::hint::black_box(sum);
    side.flush();
    drop(side);
    (nanos, exporter)
}

/// Proves that a side exports what it makes, with its attributes.
fn verify<S: Side>(name: &str) -> Result<(), String> {
    for (scenario, _) in SCENARIOS {
        let (_, exporter) = stretch::<S>(scenario);
        let traces = TRACES + 1;
        let (spans, attributes) = match scenario {
            Scenario::Leaf => (traces * (LEAVES + 1), 0),
            Scenario::Attributes => (traces * (LEAVES + 1), traces * LEAVES * 4),
            Scenario::Unsampled | Scenario::Off => (0, 0),
        };
        let seen = (exporter.spans.load(Relaxed), exporter.attributes.load(Relaxed));
        if seen != (spans, attributes) {
            return Err(format!(
                "{name}, {scenario:?}: expected {:?} spans and attributes, exported {seen:?}",
                (spans, attributes)
            ));
        }
    }
    Ok(())
}

/// The median and the least.
fn summary(mut nanos: Vec<f64>) -> (f64, f64) {
    nanos.sort_by(f64::total_cmp);
    (nanos[nanos.len() / 2], nanos[0])
}

fn main() -> Result<(), String> {
    verify::<ours::Ours>("otelier")?;
    verify::<sdk::Sdk>("OpenTelemetry SDK")?;
    println!("both sides exported every span and attribute they made\n");
    println!("| nanoseconds a span, median (least) | otelier | OpenTelemetry SDK | ratio |\n|-|-|-|-|");
    for (scenario, name) in SCENARIOS {
        let (mut ours, mut sdk) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            // Who goes first changes from round to round.
            if round % 2 == 0 {
                ours.push(stretch::<ours::Ours>(scenario).0);
                sdk.push(stretch::<sdk::Sdk>(scenario).0);
            } else {
                sdk.push(stretch::<sdk::Sdk>(scenario).0);
                ours.push(stretch::<ours::Ours>(scenario).0);
            }
        }
        let ((ours, ours_least), (sdk, sdk_least)) = (summary(ours), summary(sdk));
        println!("| {name} | {ours:.1} ({ours_least:.1}) | {sdk:.1} ({sdk_least:.1}) | {:.2} |", ours / sdk);
    }
    Ok(())
}
