//! Hooks around other people's parts of OpenTelemetry.

use super::exact;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanBuilder, Tracer, TracerProvider};
use opentelemetry::{Context, InstrumentationScope};

/// A tracer provider, tracer, propagator or log processor that sees the span of ours that is active just now, also where
/// OpenTelemetry's context holds only an ancestor of it. Made by [`hooked`].
#[derive(Clone, Debug)]
pub struct Hooked<T>(T);

/// Wraps a part of OpenTelemetry, so that it sees our lazy spans; see the [module](super).
///
/// ```
/// use opentelemetry_sdk::propagation::TraceContextPropagator;
/// use opentelemetry_sdk::trace::SdkTracerProvider;
/// use otelier::bridge::hooked;
///
/// // Your own pipeline for spans made with OpenTelemetry's API, below ours.
/// let provider = SdkTracerProvider::builder().build();
/// opentelemetry::global::set_tracer_provider(hooked(provider.clone()));
/// opentelemetry::global::set_text_map_propagator(hooked(TraceContextPropagator::new()));
/// ```
pub fn hooked<T>(part: T) -> Hooked<T> {
    Hooked(part)
}

impl<P: TracerProvider> TracerProvider for Hooked<P> {
    type Tracer = Hooked<P::Tracer>;

    fn tracer_with_scope(&self, scope: InstrumentationScope) -> Self::Tracer {
        Hooked(self.0.tracer_with_scope(scope))
    }
}

impl<T: Tracer> Tracer for Hooked<T> {
    type Span = T::Span;

    fn build_with_context(&self, builder: SpanBuilder, parent: &Context) -> T::Span {
        self.0.build_with_context(builder, &exact(parent))
    }
}

impl<P: TextMapPropagator> TextMapPropagator for Hooked<P> {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        self.0.inject_context(&exact(context), injector);
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        self.0.extract_with_context(context, extractor)
    }

    fn fields(&self) -> FieldIter<'_> {
        self.0.fields()
    }
}

#[cfg(feature = "logs")]
mod logs {
    use super::Hooked;
    use crate::record::lazy_span;
    use opentelemetry::InstrumentationScope;
    use opentelemetry::logs::{LogRecord, Severity};
    use opentelemetry::trace::{SpanContext, TraceState};
    use opentelemetry_sdk::Resource;
    use opentelemetry_sdk::error::OTelSdkResult;
    use opentelemetry_sdk::logs::{LogProcessor, SdkLogRecord};
    use std::time::Duration;

    impl<P: LogProcessor> LogProcessor for Hooked<P> {
        fn emit(&self, record: &mut SdkLogRecord, scope: &InstrumentationScope) {
            let active = record.trace_context().and_then(|context| {
                let flags = context.trace_flags.unwrap_or_default();
                let context = SpanContext::new(context.trace_id, context.span_id, flags, false, TraceState::NONE);
                lazy_span(&context)
            });
            if let Some(active) = active {
                record.set_trace_context(active.trace_id(), active.span_id(), Some(active.trace_flags()));
            }
            self.0.emit(record, scope);
        }

        fn force_flush(&self) -> OTelSdkResult {
            self.0.force_flush()
        }

        fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
            self.0.shutdown_with_timeout(timeout)
        }

        fn event_enabled(&self, level: Severity, target: &str, name: Option<&str>) -> bool {
            self.0.event_enabled(level, target, name)
        }

        fn set_resource(&mut self, resource: &Resource) {
            self.0.set_resource(resource);
        }
    }
}
