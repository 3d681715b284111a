//! How often samplers have decided what.

use super::{Found, LONG, fails, last, reader, settings, spans};
use crate::support::{PROTOCOLS, receiver_with_logs, turn};
use otelier::Pipeline;
use otelier::config::{Keep, Sampler, TailRule, TailSampling};
use otelier::export::MemoryExporter;
use otelier_tests::Behaviour;

#[test]
fn what_samplers_decide_is_told_by_reason_and_by_rule() {
    let _turn = turn();
    let receiver = receiver_with_logs(PROTOCOLS[0], Behaviour::Accept);
    let tail = TailSampling::new(0.0).with_rule(TailRule::new("errors", Keep::Always).failed());
    let settings = settings(reader(&receiver)).with_sampler(Sampler::RateLimit(3.0)).with_tail_sampling(tail);
    let telemetry = Pipeline::new(settings).with_span_exporter(MemoryExporter::new(10)).start().expect("it starts");
    let _ = fails();
    spans(9);
    telemetry.force_flush(LONG).expect("in time");
    telemetry.force_flush(LONG).expect("in time");
    let found: Found = last(&receiver);
    let (decision, reason, rule) = ("otelier.sampler.decision", "otelier.sampler.reason", "otelier.sampler.rule");
    let head = |kept| found.value("otelier.sampling.trace", "", &[(decision, kept), (reason, "rate_limit")]);
    let (kept, dropped) = (head("kept").expect("some are"), head("dropped").expect("some are"));
    // On a machine that is busy there is time for more than three.
    assert!((3.0..10.0).contains(&kept) && kept + dropped == 10.0, "{kept} and {dropped}");
    let tail = |kept, name| found.value("otelier.tail_sampling.trace", "", &[(decision, kept), (rule, name)]);
    assert_eq!((tail("kept", "errors"), tail("dropped", "errors")), (Some(1.0), Some(0.0)));
    assert_eq!((tail("kept", "ratio"), tail("dropped", "ratio")), (Some(0.0), Some(kept - 1.0)));
    assert_eq!(found.value("otelier.tail_sampling.held", "", &[]), Some(0.0));
    telemetry.shutdown().expect("in time");
}
