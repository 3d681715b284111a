//! A program that changes its ratio over and over. In a process of its own, because what it uses up is the process's.

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use otelier::config::{Keep, Sampler, TailRule, TailSampling};
use otelier::diagnostics::{self, LogLevel, Message};
use otelier::export::MemoryExporter;
use otelier::{Pipeline, Span, Telemetry};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const RELOADS: u64 = 10_000;
const FLUSH: Duration = Duration::from_secs(30);

/// A trace of somebody else with this random part.
fn trace(random: u64) -> Context {
    let span = SpanContext::new(
        TraceId::from(1 << 64 | u128::from(random)),
        SpanId::from(8),
        TraceFlags::NOT_SAMPLED,
        true,
        TraceState::NONE,
    );
    Context::new().with_remote_span_context(span)
}

fn say(messages: &Mutex<Vec<Message>>, event: &str) -> usize {
    messages.lock().expect("no panic").iter().filter(|said| said.event == event && said.level == LogLevel::Warn).count()
}

#[test]
fn ten_thousand_ratios_are_kept_exactly_told_closely_and_said_once() {
    let messages: Arc<Mutex<Vec<Message>>> = Arc::default();
    let heard = Arc::clone(&messages);
    diagnostics::set_sink(move |message| heard.lock().expect("no panic").push(message.clone()));
    let memory = MemoryExporter::new(100_000);
    let telemetry = Pipeline::new(Telemetry::default()).with_span_exporter(memory.clone()).start().expect("it starts");
    let mut ratios = Vec::new();
    for number in 1..=RELOADS {
        let ratio = number as f64 / (RELOADS as f64 * 1.01);
        let sampler = Sampler::TraceIdRatio(ratio);
        match number % 2 {
            0 => telemetry.set_sampler(sampler).expect("it is one"),
            _ => telemetry.reload(&Telemetry::default().with_sampler(sampler)).expect("it is one"),
        }
        // As the specification has it: the first is the last one that is refused.
        let first = (1 << 56) - (ratio * (1_u64 << 56) as f64) as u64;
        for random in [first - 1, first] {
            Span::builder("work").parent(&trace(random)).start().end();
        }
        ratios.push((ratio, first));
        if number % 100 == 0 {
            telemetry.force_flush(FLUSH).expect("in time");
        }
    }
    let spans = memory.spans();
    assert_eq!(spans.len() as u64, RELOADS);
    for (span, (ratio, first)) in spans.iter().zip(&ratios) {
        assert_eq!(span.span_context.trace_id().to_bytes()[9..], first.to_be_bytes()[1..], "{ratio}");
        let of = |key: &str| span.attributes.iter().find(|given| given.key.as_str() == key).map(|given| &given.value);
        assert_eq!(of("otelier.sampler.reason").map(ToString::to_string).as_deref(), Some("ratio"));
        let Some(opentelemetry::Value::F64(told)) = of("otelier.sampler.probability") else { panic!("{span:?}") };
        assert!((1.0 - 1e-9..=1.0 + 1.0 / 32.0).contains(&(told / ratio)), "{told} of {ratio}");
    }
    assert_eq!([say(&messages, "Sampling.Reasons.Rounded"), say(&messages, "Sampling.Reasons.Full")], [1, 0]);

    // There is room for others, until there are too many rules.
    let tail = |number: u64| {
        TailSampling::new(1.0).with_rule(TailRule::new(format!("rule {number}"), Keep::Always).span_name("work"))
    };
    for number in 0..5_000 {
        let settings = Telemetry::default().with_tail_sampling(tail(number));
        telemetry.reload(&settings).expect("it can change");
        if number % 4_999 == 0 {
            Span::start("work").end();
            telemetry.force_flush(FLUSH).expect("in time");
        }
    }
    let said: Vec<Vec<_>> = memory
        .spans()
        .iter()
        .skip(RELOADS as usize)
        .map(|span| {
            let its = span.attributes.iter().filter(|given| given.key.as_str().starts_with("otelier.sampler"));
            its.map(|given| given.value.to_string()).collect()
        })
        .collect();
    assert_eq!(said, [vec!["tail.rule", "rule 0", "1"], vec!["tail.rule"]]);
    telemetry.shutdown().expect("in time");
    assert_eq!([say(&messages, "Sampling.Reasons.Rounded"), say(&messages, "Sampling.Reasons.Full")], [1, 1]);
}
