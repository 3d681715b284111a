//! The OpenTelemetry SDK with its batch processor, called by hand the way that costs least.

use super::{Output, Peer, RateLimited, Setup, Unavailable, VENUE, awaits, block_on, body};
use crate::scenario::Mode;
use crate::spans::v33;
use opentelemetry::global::{BoxedSpan, BoxedTracer};
use opentelemetry::trace::{
    FutureExt, Span as _, Status, TraceContextExt, Tracer, TracerProvider, mark_span_as_active,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{Protocol, WithExportConfig};
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider, Span, SpanExporter,
};
use std::sync::OnceLock;

/// With a provider.
pub(crate) struct Sdk;

/// S6: nobody installed a provider, so that the global tracer does nothing.
pub(crate) struct Noop;

static PROVIDER: OnceLock<(SdkTracerProvider, SdkTracer)> = OnceLock::new();
static NOOP: OnceLock<BoxedTracer> = OnceLock::new();

/// An exporter that sends to a base URL.
pub(crate) fn otlp(url: &str) -> opentelemetry_otlp::SpanExporter {
    let builder = opentelemetry_otlp::SpanExporter::builder().with_http();
    let builder = builder.with_protocol(Protocol::HttpBinary).with_endpoint(format!("{url}/v1/traces"));
    builder.build().expect("the URL is one")
}

/// The provider that this setup describes; also what `tracing` exports to.
pub(crate) fn provider(setup: &Setup) -> SdkTracerProvider {
    let processor = match &setup.output {
        Output::Count => processor(v33::Counting { keep: false }, setup.queue),
        Output::Keep => processor(v33::Counting { keep: true }, setup.queue),
        Output::Otlp(url) => processor(otlp(url), setup.queue),
    };
    let sampler = if setup.mode == Mode::Unsampled { Sampler::AlwaysOff } else { Sampler::AlwaysOn };
    let sampler = Sampler::ParentBased(Box::new(sampler));
    SdkTracerProvider::builder().with_span_processor(processor).with_sampler(sampler).build()
}

fn processor(exporter: impl SpanExporter + 'static, queue: Option<usize>) -> BatchSpanProcessor {
    let mut config = BatchConfigBuilder::default();
    if let Some(queue) = queue {
        config = config.with_max_queue_size(queue);
    }
    BatchSpanProcessor::builder(exporter).with_batch_config(config.build()).build()
}

/// The same functions for a tracer of the SDK and for the global one.
macro_rules! peer {
    ($peer:ident, $span:ty, $tracer:expr) => {
        impl $peer {
            #[inline(always)]
            fn tracer() -> &'static impl Tracer<Span = $span> {
                $tracer
            }

            #[inline]
            fn fails(quantity: i64) -> Result<u64, RateLimited> {
                let mut span = Self::tracer().start("leaf");
                let result = Err(RateLimited(quantity));
                if let Err(error) = &result {
                    span.record_error(error);
                    span.set_status(Status::error(error.to_string()));
                }
                let _active = mark_span_as_active(span);
                result
            }

            async fn traced(quantity: i64) -> u64 {
                let attributes = [KeyValue::new("app.quantity", quantity), KeyValue::new("app.venue", VENUE)];
                let span = Self::tracer().span_builder("leaf").with_attributes(attributes).start(Self::tracer());
                awaits().with_context(Context::current_with_span(span)).await
            }
        }

        impl Peer for $peer {
            fn start(setup: &Setup) -> Result<(), Unavailable> {
                match setup.mode {
                    Mode::TailDropped => return Err(Unavailable),
                    Mode::Off => _ = NOOP.set(opentelemetry::global::tracer("benches")),
                    Mode::Recorded | Mode::Unsampled => {
                        let provider = provider(setup);
                        let tracer = provider.tracer("benches");
                        _ = PROVIDER.set((provider, tracer));
                    }
                }
                Ok(())
            }

            fn flush() {
                if let Some((provider, _)) = PROVIDER.get() {
                    // What could not be exported shows in the numbers.
                    let _ = provider.force_flush();
                }
            }

            fn root(f: impl FnOnce()) {
                let _active = mark_span_as_active(Self::tracer().start("root"));
                f();
            }

            #[inline(never)]
            fn leaf() -> u64 {
                let _active = mark_span_as_active(Self::tracer().start("leaf"));
                body()
            }

            #[inline(never)]
            fn attributes(quantity: i64, price: f64, symbol: &str) -> u64 {
                let attributes = vec![
                    KeyValue::new("app.quantity", quantity),
                    KeyValue::new("app.price", price),
                    KeyValue::new("app.symbol", symbol.to_owned()),
                    KeyValue::new("app.venue", VENUE),
                ];
                let span = Self::tracer().span_builder("leaf").with_attributes(attributes).start(Self::tracer());
                let _active = mark_span_as_active(span);
                body()
            }

            #[inline(never)]
            fn asynchronous(quantity: i64) -> u64 {
                block_on(Self::traced(quantity))
            }

            #[inline(never)]
            fn error(quantity: i64) -> u64 {
                u64::from(Self::fails(quantity).is_err())
            }
        }
    };
}

peer!(Sdk, Span, &PROVIDER.get().expect("started").1);
peer!(Noop, BoxedSpan, NOOP.get().expect("started"));
