//! The OpenTelemetry SDK as its documentation has it: a batch processor, and `in_span`.

use crate::{Counting, LEAVES, Scenario, Side};
use opentelemetry::trace::noop::NoopTracerProvider;
use opentelemetry::trace::{Span, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider};
use std::hint::black_box;

pub(crate) struct Sdk {
    /// `None` if telemetry is off.
    provider: Option<(SdkTracerProvider, SdkTracer)>,
}

#[inline(never)]
fn leaf<T: Tracer<Span: Span + Send + Sync + 'static>>(tracer: &T, quantity: u64) -> u64 {
    let span = tracer.start("leaf");
    let _attached = Context::current_with_span(span).attach();
    black_box(quantity)
}

#[inline(never)]
fn attributes<T: Tracer<Span: Span + Send + Sync + 'static>>(tracer: &T, quantity: u64, symbol: &str) -> u64 {
    let attributes = [
        KeyValue::new("app.quantity", quantity as i64),
        KeyValue::new("app.price", 2.5),
        KeyValue::new("app.symbol", symbol.to_owned()),
        KeyValue::new("app.venue", "binance"),
    ];
    let span = tracer.span_builder("attributes").with_attributes(attributes).start(tracer);
    let _attached = Context::current_with_span(span).attach();
    black_box(quantity) + symbol.len() as u64
}

#[inline(never)]
fn root<T: Tracer<Span: Span + Send + Sync + 'static>>(tracer: &T, scenario: Scenario) -> u64 {
    let _attached = Context::current_with_span(tracer.start("root")).attach();
    (0..LEAVES)
        .map(|number| match scenario {
            Scenario::Leaf => leaf(tracer, number),
            _ => attributes(tracer, number, black_box("BTCUSDT")),
        })
        .sum()
}

impl Side for Sdk {
    fn start(scenario: Scenario, exporter: Counting) -> Self {
        let provider = || {
            let sampler = if scenario == Scenario::Unsampled { Sampler::AlwaysOff } else { Sampler::AlwaysOn };
            let batch = BatchConfigBuilder::default().with_max_queue_size(1 << 16).build();
            let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batch).build();
            let provider = SdkTracerProvider::builder().with_span_processor(processor).with_sampler(sampler).build();
            let tracer = provider.tracer("benches");
            (provider, tracer)
        };
        Self { provider: (scenario != Scenario::Off).then(provider) }
    }

    fn trace(&self, scenario: Scenario) -> u64 {
        match &self.provider {
            Some((_, tracer)) => root(tracer, scenario),
            None => root(&NoopTracerProvider::new().tracer("benches"), scenario),
        }
    }

    fn flush(&self) {
        if let Some((provider, _)) = &self.provider {
            provider.force_flush().expect("counting is quick");
        }
    }
}
