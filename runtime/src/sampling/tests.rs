use super::*;
use crate::Telemetry;
use crate::config::{Composable, Keep, Rule, Sampler, TailRule, TailSampling};
use opentelemetry::KeyValue;
use std::time::Duration;

const SECOND: u64 = 1_000_000_000;
const START: u64 = 1_000 * SECOND;

/// A trace of one span that begins so many milliseconds after the start and takes one.
fn root(trace_id: u128, millis: u64) -> SimulatedSpan {
    let start = START + millis * 1_000_000;
    SimulatedSpan { trace_id, span_id: 1, start, end: start + 1_000_000, bytes: 100, ..SimulatedSpan::default() }
}

fn simulation(settings: Telemetry) -> Simulation {
    Simulation::new(&settings).unwrap_or_else(|error| panic!("{error}"))
}

fn tail(tail: TailSampling) -> Simulation {
    simulation(Telemetry::default().with_tail_sampling(tail))
}

fn run(mut simulation: Simulation, spans: impl IntoIterator<Item = SimulatedSpan>) -> Report {
    spans.into_iter().for_each(|span| simulation.add(span));
    simulation.run()
}

/// Ids whose random part is spread evenly.
fn ids(count: u128) -> impl Iterator<Item = u128> {
    (0..count).map(move |number| (1 << 64) + (1 << 56) / count * number)
}

#[test]
fn rules_share_the_traces_between_them_and_their_ratio_has_the_rest() {
    let settings = TailSampling::failed()
        .with_rule(TailRule::new("health", Keep::Never).attribute_is("url.path", ["/health"]))
        .or_ratio(0.1);
    let spans = ids(1000).enumerate().map(|(number, id)| SimulatedSpan {
        failed: number % 100 == 0,
        attributes: vec![KeyValue::new("url.path", if number % 10 == 1 { "/health" } else { "/" })],
        ..root(id, number as u64 * 100)
    });
    let report = run(tail(settings), spans);
    let found: Vec<_> =
        report.lines.iter().map(|line| (line.rule.as_deref(), line.seen.traces, line.kept.traces)).collect();
    assert_eq!(found[..2], [(Some("health"), 100.0, 0.0), (Some("failed"), 10.0, 10.0)]);
    assert_eq!((found[2].0, found[2].1), (None, 890.0));
    assert!((80.0..=100.0).contains(&found[2].2), "{found:?}");
    assert_eq!((report.traces, report.spans, report.seen.bytes), (1000, 1000, 100_000.0));
    assert!((report.seconds - 99.901).abs() < 1e-6 && (report.per_second(&report.seen).spans - 10.0).abs() < 0.1);
}

#[test]
fn all_spans_of_a_trace_count_until_its_root_ends_and_later_ones_follow() {
    let child = |id: u64, end: u64, failed| SimulatedSpan {
        span_id: id,
        parent_span_id: 1,
        parent_is_remote: Some(false),
        end: START + end,
        failed,
        ..root(7, 0)
    };
    let root = || SimulatedSpan { end: START + 5 * SECOND, ..root(7, 0) };
    let report = run(tail(TailSampling::failed()), [child(2, 1, true), root(), child(3, 6 * SECOND, false)]);
    assert_eq!((report.kept.traces, report.kept.spans, report.late_spans), (1.0, 3.0, 1));
    let report = run(tail(TailSampling::failed()), [child(2, 1, false), root(), child(3, 6 * SECOND, true)]);
    assert_eq!((report.kept.traces, report.seen.spans, report.late_spans), (0.0, 3.0, 1));
    let short = TailSampling::failed().with_decide_after(Duration::from_secs(2));
    let report = run(tail(short), [child(2, 3 * SECOND, true), root()]);
    assert_eq!((report.kept.traces, report.unfinished), (0.0, 1));
    let orphan = run(tail(TailSampling::failed()), [child(2, 1, true)]);
    assert_eq!((orphan.kept.traces, orphan.without_root), (1.0, 1));
}

#[test]
fn each_process_decides_on_its_part_of_a_trace() {
    let of = |process: &str, failed| SimulatedSpan { process: process.to_owned(), failed, ..root(7, 0) };
    let report = run(tail(TailSampling::failed()), [of("a", true), of("b", false)]);
    assert_eq!((report.seen.traces, report.kept.traces), (2.0, 1.0));
}

#[test]
fn limits_follow_the_time_of_the_spans() {
    let spans = || (0..1000).map(|number| root(number, number as u64 * 10));
    let limited = TailSampling::new(0.0).with_rule(TailRule::new("few", Keep::RateLimit(5.0)));
    let report = run(tail(limited), spans());
    assert!((54.0..=56.0).contains(&report.kept.traces), "10 seconds, and a full bucket: {}", report.kept.traces);
    let head = simulation(Telemetry::default().with_sampler(Sampler::RateLimit(5.0)));
    let report = run(head, spans());
    assert!((54.0..=56.0).contains(&report.kept.traces), "{}", report.kept.traces);
    assert!(report.lines.iter().all(|line| line.reason == "rate_limit" && line.stage == Stage::Head));
}

#[test]
fn the_sampler_decides_first_and_says_why() {
    let rules = vec![
        Rule::new(Composable::AlwaysOff).named("checks").span_name("health"),
        Rule::new(Composable::Probability(0.5)).span_name("load"),
    ];
    let settings = Telemetry::default()
        .with_sampler(Sampler::Composite(Composable::RuleBased(rules)))
        .with_tail_sampling(TailSampling::new(1.0));
    let spans = ids(300).enumerate().map(|(number, id)| {
        let name = ["health", "load", "other"][number % 3].to_owned();
        SimulatedSpan { name, ..root(id, 0) }
    });
    let report = run(simulation(settings), spans);
    let found: Vec<_> = report
        .lines
        .iter()
        .map(|line| (line.rule.as_deref(), line.reason.as_str(), line.seen.traces, line.kept.traces))
        .collect();
    assert!(found.contains(&(Some("checks"), "always_off", 100.0, 0.0)), "{found:?}");
    assert!(found.contains(&(None, "no_rule", 100.0, 0.0)), "{found:?}");
    assert!(found.contains(&(Some("rules[1]"), "ratio", 50.0, 0.0)), "{found:?}");
    assert!(found.contains(&(None, "tail.ratio", 50.0, 50.0)), "{found:?}");
}

#[test]
fn adaptive_ratios_go_by_the_schema_that_was_exported() {
    let settings = Telemetry::default().with_sampler(Sampler::Adaptive(crate::config::Adaptive::default()));
    let spans = ids(200).enumerate().map(|(number, id)| {
        let schema = if number % 2 == 0 { "workflow.stage" } else { "" };
        SimulatedSpan { schema: schema.to_owned(), ..root(id, 0) }
    });
    let report = run(simulation(settings), spans);
    assert!((108.0..=112.0).contains(&report.kept.traces), "{}", report.kept.traces);
}

#[test]
fn what_was_sampled_already_counts_as_many_times_as_it_stands_for() {
    // A threshold of 0.9: one in ten was kept.
    let sampled = |id: u128| SimulatedSpan { trace_state: "ot=th:e6666666666666".to_owned(), ..root(id, 0) };
    let spans = || ids(1000).filter(|id| *id as u64 >= (1 << 56) / 10 * 9 + 100).map(sampled);
    let report = run(tail(TailSampling::new(0.01)), spans());
    assert!((report.seen.traces - 1000.0).abs() < 11.0, "{}", report.seen.traces);
    assert!((report.share() - 0.1).abs() < 0.02, "of the tenth a tenth: {}", report.share());
    let limited = TailSampling::new(0.0).with_rule(TailRule::new("few", Keep::RateLimit(50.0)));
    let kept = run(tail(limited), spans()).kept.traces;
    assert!((kept - 50.0).abs() < 1.0, "{kept}");
}

#[test]
fn memory_is_bounded_and_what_is_decided_early_is_counted() {
    let long = |id: u128| SimulatedSpan { end: START + 3_600 * SECOND, ..root(id, 0) };
    let report = run(tail(TailSampling::failed()).with_max_bytes(64 << 10), (0..10_000).map(long));
    assert_eq!(report.seen.traces, 10_000.0);
    assert!(report.early > 0 || report.unfinished > 0, "{report:?}");
}

#[test]
fn settings_that_cannot_be_used_are_refused_with_every_problem() {
    let settings =
        Telemetry::default().with_sampler(Sampler::TraceIdRatio(2.0)).with_tail_sampling(TailSampling::new(-1.0));
    let error = Simulation::new(&settings).expect_err("neither can be used");
    assert_eq!(error.problems().len(), 2);
}

#[test]
fn nothing_is_a_report_too() {
    let report = run(tail(TailSampling::failed()), []);
    assert_eq!((report.traces, report.seconds, report.share(), report.lines.len()), (0, 0.0, 0.0, 2));
}
