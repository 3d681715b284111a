//! `#[tracing::instrument]` through `logfire::configure()`, which brings layers of its own and OpenTelemetry 0.32.

use super::{Output, Peer, Setup, Unavailable};
use crate::scenario::Mode;
use crate::spans::v32;
use logfire::config::SendToLogfire;
use opentelemetry_032::Context;
use opentelemetry_sdk_032::error::OTelSdkResult;
use opentelemetry_sdk_032::trace::{BatchSpanProcessor, Span, SpanData, SpanProcessor};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub(crate) struct Logfire;

static STARTED: OnceLock<(logfire::Logfire, Shared)> = OnceLock::new();

/// logfire owns its processors; this one stays in reach, so that the batch can be flushed.
#[derive(Clone, Debug)]
struct Shared(Arc<BatchSpanProcessor>);

impl SpanProcessor for Shared {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.0.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        self.0.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }
}

impl Peer for Logfire {
    fn start(setup: &Setup) -> Result<(), Unavailable> {
        if setup.mode != Mode::Recorded || matches!(setup.output, Output::Otlp(_)) {
            return Err(Unavailable);
        }
        let exporter = v32::Counting { keep: setup.output == Output::Keep };
        let processor = Shared(Arc::new(BatchSpanProcessor::builder(exporter).build()));
        let logfire = ::logfire::configure()
            .send_to_logfire(SendToLogfire::No)
            .with_console(None)
            .with_metrics(None)
            .with_additional_span_processor(processor.clone())
            .finish()
            .expect("these settings can be used");
        _ = STARTED.set((logfire, processor));
        Ok(())
    }

    fn flush() {
        if let Some((_, processor)) = STARTED.get() {
            // What could not be exported shows in the numbers.
            let _ = processor.force_flush();
        }
    }

    super::tracing::functions!();
}
