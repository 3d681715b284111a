//! Calls, errors and durations of operations are counted whether or not their spans are kept.

use crate::support::{PATIENCE, Tally, turn};
use opentelemetry_sdk::metrics::InMemoryMetricExporter;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ResourceMetrics};
use otelier::config::{Sampler, TailSampling};
use otelier::prelude::*;
use otelier::{Pipeline, Telemetry};

const CALLS: u64 = 20_000;

/// One call in seven fails, and half of them call another.
#[trace(name = "operation", metrics, app.trace = number)]
fn operation(number: u64) -> Result<(), String> {
    if number.is_multiple_of(2) {
        within(number);
    }
    if number.is_multiple_of(7) { Err("on purpose".to_owned()) } else { Ok(()) }
}

#[trace(name = "within", metrics, app.trace = number)]
fn within(number: u64) {}

/// How often `otelier.operation.duration` was measured, by a value of an attribute.
fn measured(memory: &InMemoryMetricExporter, of: impl Fn(&str, &str) -> bool) -> u64 {
    let exports = memory.get_finished_metrics().expect("exports");
    let metrics = exports.last().into_iter().flat_map(ResourceMetrics::scope_metrics).flat_map(|scope| scope.metrics());
    let durations = metrics.filter(|metric| metric.name() == "otelier.operation.duration");
    let mut count = 0;
    for metric in durations {
        let AggregatedMetrics::F64(MetricData::Histogram(histogram)) = metric.data() else { panic!("{metric:?}") };
        for point in histogram.data_points() {
            if point.attributes().any(|attribute| of(attribute.key.as_str(), &attribute.value.to_string())) {
                count += point.count();
            }
        }
    }
    count
}

/// How many spans arrived, while every call was counted.
#[track_caller]
fn count(settings: Telemetry) -> usize {
    let _turn = turn();
    let (tally, memory) = (Tally::default(), InMemoryMetricExporter::default());
    let pipeline = Pipeline::new(settings.with_max_queue_size(1 << 17).with_shutdown_timeout(PATIENCE))
        .with_span_exporter(tally.clone());
    let telemetry = pipeline.with_metric_exporter(memory.clone()).start().expect("it starts");
    for number in 0..CALLS {
        let _ = operation(number);
    }
    let stats = telemetry.shutdown().expect("in time");
    assert_eq!(stats.dropped(), stats.dropped_by_tail_sampling, "{stats:?}");
    let failed = measured(&memory, |key, _| key == "error.type");
    let calls = measured(&memory, |_, value| value == "operation");
    let inner = measured(&memory, |_, value| value == "within");
    assert_eq!((calls, inner, failed), (CALLS, CALLS / 2, CALLS.div_ceil(7)));
    tally.take().values().map(|seen| seen.spans).sum()
}

#[test]
fn metrics_count_every_call_under_a_head_sampler_that_keeps_one_in_a_hundred() {
    for sampler in [Sampler::parent_based(0.01), Sampler::Probability(0.01), Sampler::TraceIdRatio(0.01)] {
        let spans = count(Telemetry::default().with_sampler(sampler));
        // 300 are expected; six times the deviation of that.
        assert!((150..450).contains(&spans), "{spans}");
    }
    assert_eq!(count(Telemetry::default().with_sampler(Sampler::AlwaysOff)), 0);
    assert_eq!(count(Telemetry::default().with_sampler(Sampler::RateLimit(1e-9))), 2, "the first trace has two spans");
}

#[test]
fn metrics_count_every_call_under_tail_sampling_that_drops() {
    assert_eq!(count(Telemetry::default().with_tail_sampling(TailSampling::new(0.0))), 0);
    let failed = TailSampling::failed();
    let both = CALLS.div_ceil(7) + CALLS.div_ceil(14);
    assert_eq!(count(Telemetry::default().with_tail_sampling(failed)) as u64, both);
    let under =
        Telemetry::default().with_sampler(Sampler::parent_based(0.01)).with_tail_sampling(TailSampling::new(0.0));
    assert_eq!(count(under), 0);
}
