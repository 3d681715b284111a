//! What is observed: names, units and descriptions as the semantic conventions have them, version 1.44.0, and after them
//! what they do not have.

use super::snapshot::{Numbers, Snapshot};
use crate::config::BYTES_PER_SPAN;
use crate::export::Signal;
use opentelemetry::KeyValue;

/// Takes a value with its attributes.
pub(super) type To<'a, T> = &'a mut dyn FnMut(T, &[KeyValue]);

/// The kind of an instrument, and what reads its values.
#[derive(Clone, Copy)]
pub(super) enum Observe {
    Counter(fn(&Snapshot, To<'_, u64>)),
    UpDownCounter(fn(&Snapshot, To<'_, u64>)),
    Gauge(fn(&Snapshot, To<'_, f64>)),
}

/// An observable instrument.
pub(super) struct Instrument {
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    pub(super) description: &'static str,
    pub(super) observe: Observe,
}

const fn counter(
    name: &'static str,
    unit: &'static str,
    description: &'static str,
    observe: fn(&Snapshot, To<'_, u64>),
) -> Instrument {
    Instrument { name, unit, description, observe: Observe::Counter(observe) }
}

const fn up_down_counter(
    name: &'static str,
    unit: &'static str,
    description: &'static str,
    observe: fn(&Snapshot, To<'_, u64>),
) -> Instrument {
    Instrument { name, unit, description, observe: Observe::UpDownCounter(observe) }
}

const fn gauge(
    name: &'static str,
    unit: &'static str,
    description: &'static str,
    observe: fn(&Snapshot, To<'_, f64>),
) -> Instrument {
    Instrument { name, unit, description, observe: Observe::Gauge(observe) }
}

pub(super) static INSTRUMENTS: [Instrument; 20] = [
    counter("otel.sdk.span.started", "{span}", "The number of created spans.", started),
    up_down_counter(
        "otel.sdk.span.live",
        "{span}",
        "The number of created spans with `recording=true` for which the end operation has not been called yet.",
        |seen, to| to(seen.stats.open, &[sampled(true)]),
    ),
    up_down_counter(
        "otel.sdk.processor.span.queue.size",
        "{span}",
        "The number of spans in the queue of a given instance of an SDK span processor.",
        |seen, to| to(seen.waiting(), &seen.processor),
    ),
    up_down_counter(
        "otel.sdk.processor.span.queue.capacity",
        "{span}",
        "The maximum number of spans the queue of a given instance of an SDK span processor can hold.",
        |seen, to| to((seen.queue.1 / BYTES_PER_SPAN) as u64, &seen.processor),
    ),
    counter(
        "otel.sdk.processor.span.processed",
        "{span}",
        "The number of spans for which the processing has finished, either successful or failed.",
        processed,
    ),
    up_down_counter(
        "otel.sdk.exporter.span.inflight",
        "{span}",
        "The number of spans which were passed to the exporter, but that have not been exported yet (neither successful, \
         nor failed).",
        |seen, to| inflight(seen, Signal::Spans, to),
    ),
    counter(
        "otel.sdk.exporter.span.exported",
        "{span}",
        "The number of spans for which the export has finished, either successful or failed.",
        |seen, to| exported(seen, Signal::Spans, to),
    ),
    counter("otel.sdk.log.created", "{log_record}", "The number of logs submitted to enabled SDK Loggers.", created),
    up_down_counter(
        "otel.sdk.exporter.log.inflight",
        "{log_record}",
        "The number of log records which were passed to the exporter, but that have not been exported yet (neither \
         successful, nor failed).",
        |seen, to| inflight(seen, Signal::Logs, to),
    ),
    counter(
        "otel.sdk.exporter.log.exported",
        "{log_record}",
        "The number of log records for which the export has finished, either successful or failed.",
        |seen, to| exported(seen, Signal::Logs, to),
    ),
    up_down_counter(
        "otel.sdk.exporter.metric_data_point.inflight",
        "{data_point}",
        "The number of metric data points which were passed to the exporter, but that have not been exported yet (neither \
         successful, nor failed).",
        |seen, to| inflight(seen, Signal::Metrics, to),
    ),
    counter(
        "otel.sdk.exporter.metric_data_point.exported",
        "{data_point}",
        "The number of metric data points for which the export has finished, either successful or failed.",
        |seen, to| exported(seen, Signal::Metrics, to),
    ),
    counter("otelier.span.dropped", "{span}", "The number of spans that no exporter was given, by reason.", dropped),
    counter(
        "otelier.tail_sampling.overflow",
        "{trace}",
        "The number of traces that were decided before they were over, because there was no room to hold them back.",
        |seen, to| to(seen.stats.tail_overflows, &[]),
    ),
    counter(
        "otelier.sampling.trace",
        "{trace}",
        "The number of traces that entered the process and were decided by a sampler that counts, by decision and reason.",
        sampling,
    ),
    counter(
        "otelier.tail_sampling.trace",
        "{trace}",
        "The number of traces that tail sampling has decided, by rule and decision.",
        tail_sampling,
    ),
    gauge(
        "otelier.tail_sampling.held",
        "{trace}",
        "The number of traces that wait for the decision of tail sampling where spans are collected.",
        |seen, to| seen.tail.iter().for_each(|tail| to(tail.held_traces as f64, &[])),
    ),
    gauge("otelier.queue.utilization", "1", "The share of the queue's room that is taken.", |seen, to| {
        let (bytes, room, _) = seen.queue;
        // One chunk is taken whatever the room is.
        to((bytes as f64 / room.max(1) as f64).min(1.0), &seen.processor);
    }),
    gauge(
        "otelier.sampling.factor",
        "1",
        "What the ratios of an adaptive sampler are multiplied with because of the load and of its target rate.",
        |seen, to| seen.sampling_factor.into_iter().for_each(|factor| to(factor, &[])),
    ),
    gauge("otelier.exporter.success_rate", "1", "The share of exports that succeeded.", success_rate),
];

fn with(attributes: &[KeyValue], more: KeyValue) -> Vec<KeyValue> {
    attributes.iter().cloned().chain([more]).collect()
}

fn sampled(is: bool) -> KeyValue {
    KeyValue::new("otel.span.sampling_result", if is { "RECORD_AND_SAMPLE" } else { "DROP" })
}

fn decision(kept: bool) -> KeyValue {
    KeyValue::new("otelier.sampler.decision", if kept { "kept" } else { "dropped" })
}

fn sampling(seen: &Snapshot, to: To<'_, u64>) {
    let Some(counts) = &seen.sampling else { return };
    let by_rule = |counts: &[u64]| counts.iter().sum();
    let all = [
        (true, "always_on", counts.kept_by_always_on),
        (true, "parent", counts.kept_by_parent),
        (true, "ratio", counts.kept_by_ratio),
        (true, "rate_limit", counts.kept_by_rate_limit),
        (true, "custom", counts.kept_by_custom),
        (true, "rule", by_rule(&counts.kept_by_rule)),
        (false, "parent", counts.by_parent),
        (false, "ratio", counts.by_ratio),
        (false, "rate_limit", counts.by_rate_limit),
        (false, "always_off", counts.by_always_off),
        (false, "no_rule", counts.by_no_rule),
        (false, "exchange_budget", counts.by_exchange_budget),
        (false, "target", counts.by_target),
        (false, "load", counts.by_load),
        (false, "extreme_load", counts.by_extreme_load),
        (false, "hint", counts.by_hint),
        (false, "custom", counts.by_custom),
        (false, "panic", counts.by_panic),
        (false, "rule", by_rule(&counts.by_rule)),
    ];
    for (kept, reason, count) in all.into_iter().filter(|(.., count)| *count > 0) {
        to(count, &[decision(kept), KeyValue::new("otelier.sampler.reason", reason)]);
    }
}

fn tail_sampling(seen: &Snapshot, to: To<'_, u64>) {
    for rule in seen.tail.iter().flat_map(|tail| &tail.by_rule) {
        let name = KeyValue::new("otelier.sampler.rule", rule.name.clone());
        to(rule.kept, &[decision(true), name.clone()]);
        to(rule.dropped, &[decision(false), name]);
    }
}

fn error(error_type: &'static str) -> KeyValue {
    KeyValue::new("error.type", error_type)
}

fn started(seen: &Snapshot, to: To<'_, u64>) {
    let refused = seen.stats.dropped_refused;
    to(seen.stats.started.saturating_sub(refused), &[sampled(true)]);
    if refused > 0 {
        to(refused, &[sampled(false)]);
    }
}

/// What was dropped although somebody wanted it, with its `error.type` and its name among the reasons.
fn losses(seen: &Snapshot) -> [(&'static str, &'static str, u64); 6] {
    let stats = &seen.stats;
    [
        ("queue_full", "queue_full", stats.dropped_queue_full),
        ("already_shutdown", "after_shutdown", stats.dropped_after_shutdown),
        ("refused", "refused", stats.dropped_refused),
        ("too_large", "too_large", stats.dropped_too_large),
        ("thread_gone", "thread_gone", stats.dropped_thread_gone),
        ("in_allocator", "in_allocator", stats.dropped_in_allocator),
    ]
}

fn processed(seen: &Snapshot, to: To<'_, u64>) {
    seen.processed.into_iter().for_each(|spans| to(spans, &seen.processor));
    for (error_type, _, count) in losses(seen).into_iter().filter(|(_, _, count)| *count > 0) {
        to(count, &with(&seen.processor, error(error_type)));
    }
}

/// All reasons, also those of which there is nothing, so that a rate has something to start from.
fn dropped(seen: &Snapshot, to: To<'_, u64>) {
    let wanted = ("", "by_tail_sampling", seen.stats.dropped_by_tail_sampling);
    for (_, reason, count) in losses(seen).into_iter().chain([wanted]) {
        to(count, &[KeyValue::new("otelier.drop.reason", reason)]);
    }
}

fn of(seen: &Snapshot, signal: Signal) -> impl Iterator<Item = &Numbers> {
    seen.exporters.iter().filter(move |exporter| exporter.signal == signal)
}

fn inflight(seen: &Snapshot, signal: Signal, to: To<'_, u64>) {
    of(seen, signal).for_each(|exporter| to(exporter.inflight(), &exporter.component.attributes));
}

fn exported(seen: &Snapshot, signal: Signal, to: To<'_, u64>) {
    for exporter in of(seen, signal) {
        let attributes = &exporter.component.attributes;
        to(exporter.exported, attributes);
        exporter.errors().into_iter().for_each(|(reason, count)| to(count, &with(attributes, error(reason))));
    }
}

/// Exceptions become log records where somebody takes them.
fn created(seen: &Snapshot, to: To<'_, u64>) {
    of(seen, Signal::Logs).map(|exporter| exporter.handed).max().into_iter().for_each(|logs| to(logs, &[]));
}

fn success_rate(seen: &Snapshot, to: To<'_, f64>) {
    for exporter in &seen.exporters {
        let Some((all, latest)) = exporter.success_rates else { continue };
        for (window, rate) in [("all", all), ("latest", latest)] {
            to(rate, &with(&exporter.component.attributes, KeyValue::new("otelier.exporter.window", window)));
        }
    }
}
