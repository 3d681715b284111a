//! What it costs to decide when a trace is over, where everything happens on one thread.

use crate::child::{Child, Tail};
use crate::stretch::{Stretch, measure};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use otelier::config::{Keep, Otlp, TailRule, TailSampling};
use otelier::prelude::*;
use otelier::{Guard, Pipeline};
use std::hint::black_box;
use std::time::Duration;

/// Spans of a trace.
pub(crate) const SIZES: [usize; 3] = [1, 10, 50];

/// Spans of a stretch.
const SPANS: usize = 4000;

/// More than the spans of any stretch.
const QUEUE: usize = 1 << 17;

#[derive(Debug)]
struct Discard;

impl SpanExporter for Discard {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        drop(batch);
        Ok(())
    }
}

/// What failed, what was slow, and two rules on attributes.
fn sampling(tail: Tail) -> Option<TailSampling> {
    let by = match tail {
        Tail::Off => return None,
        Tail::Kept => ("app.customer", "acme"),
        Tail::KeptEarly => ("app.symbol", "BTC-USDT"),
        Tail::Dropped => ("app.customer", "nobody"),
    };
    Some(
        TailSampling::new(0.0)
            .with_rule(TailRule::new("errors", Keep::Always).failed())
            .with_rule(TailRule::new("slow", Keep::Always).slower_than(Duration::from_secs(3600)))
            .with_rule(TailRule::new("tier", Keep::Always).attribute_is("app.tier", ["premium"]))
            .with_rule(TailRule::new("value", Keep::Always).attribute_is(by.0, [by.1])),
    )
}

/// A pipeline that sends everything to a receiver that forgets it, or forgets it itself.
pub(crate) fn start(tail: Tail, otlp: Option<&str>) -> Guard {
    let mut telemetry = Telemetry::default().with_max_queue_size(QUEUE);
    if let Some(sampling) = sampling(tail) {
        telemetry = telemetry.with_tail_sampling(sampling);
    }
    let pipeline = match otlp {
        Some(url) => Pipeline::new(telemetry.with_otlp(Otlp::to(url))),
        None => Pipeline::new(telemetry).with_span_exporter(Discard),
    };
    pipeline.start().expect("these settings can be used")
}

#[trace(name = "request", "app.customer" = customer, "app.number" = number)]
#[inline(never)]
fn request(customer: &str, number: i64, spans: usize) {
    for step in 1..spans {
        black_box(part(black_box(step as i64), black_box("BTC-USDT")));
    }
}

#[trace(name = "part", "app.number" = number, "app.symbol" = symbol)]
#[inline(never)]
fn part(number: i64, symbol: &str) -> i64 {
    black_box(number)
}

pub(crate) fn name(spans: usize) -> String {
    format!("traces of {spans}")
}

pub(crate) fn child(child: &Child) {
    let telemetry = start(child.tail, child.otlp.as_deref());
    let stretch = |spans: usize| {
        Stretch::new(name(spans), SPANS, move || {
            for number in 0..SPANS / spans {
                request(black_box("acme"), number as i64, spans);
            }
        })
    };
    let sizes = SIZES.into_iter().filter(|spans| child.tail.has(*spans));
    measure(child.how, &telemetry, sizes.map(stretch).collect());
    let stats = telemetry.shutdown().expect("everything is flushed already");
    let lost = stats.dropped() - stats.dropped_by_tail_sampling;
    assert!(lost == 0 && stats.open == 0, "{stats:?}");
    let dropped = if child.tail == Tail::Dropped { stats.started } else { 0 };
    assert_eq!(stats.dropped_by_tail_sampling, dropped, "{stats:?}");
}
