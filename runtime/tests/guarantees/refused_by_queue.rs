//! What counts say of traces that the sampler keeps and the queue has no room for.

use crate::support::{Gate, start, turn};
use otelier::config::Sampler;
use otelier::prelude::*;
use otelier::{Span, Telemetry};

#[trace]
fn leaf() {}

#[trace(sample = always)]
fn hinted() {}

#[test]
fn who_subtracts_them_has_the_number_of_traces_that_are_recorded() {
    let _turn = turn();
    for sampler in [Sampler::RateLimit(1e9), Sampler::Probability(0.9)] {
        let gate = Gate::default();
        let telemetry = start(Telemetry::default().with_sampler(sampler.clone()), gate.clone());
        while telemetry.stats().dropped_refused < 200 {
            leaf();
            Span::start("by hand").end();
        }
        let counts = telemetry.sampling_counts().expect("they are counted");
        hinted();
        assert_eq!(telemetry.sampling_counts(), Some(counts.clone()), "{sampler}: it has not asked");
        gate.open();
        let stats = telemetry.shutdown().expect("in time");
        assert!(counts.refused_by_queue >= 200 && counts.kept > counts.refused_by_queue, "{sampler}: {counts:?}");
        assert_eq!(counts.refused_by_queue, stats.dropped_refused - 1, "{sampler}: {counts:?}");
        assert_eq!(counts.recorded(), stats.exporters[0].exported, "{sampler}: {counts:?}");
    }
}
