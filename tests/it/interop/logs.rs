//! Log records of the SDK name the span that is active.

use super::setup::{Run, named, one_thread, tracer};
use opentelemetry::InstrumentationScope;
use opentelemetry::logs::{AnyValue, LogRecord, Logger, LoggerProvider};
use opentelemetry::trace::{SpanId, TraceFlags, TraceId, Tracer};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogProcessor, SdkLogRecord, SdkLogger, SdkLoggerProvider};
use otelier::bridge::hooked;
use otelier::config::Hooks;
use otelier::prelude::*;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::yield_now;

type Line = (String, Option<(TraceId, SpanId, Option<TraceFlags>)>);

#[derive(Clone, Debug, Default)]
struct Lines(Arc<Mutex<Vec<Line>>>);

impl LogProcessor for Lines {
    fn emit(&self, record: &mut SdkLogRecord, _scope: &InstrumentationScope) {
        let Some(AnyValue::String(body)) = record.body() else { panic!("{record:?}") };
        let context = record.trace_context().map(|context| (context.trace_id, context.span_id, context.trace_flags));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((body.to_string(), context));
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

fn say(logger: &SdkLogger, text: &'static str) {
    let mut record = logger.create_log_record();
    record.set_body(text.into());
    logger.emit(record);
}

fn said(hooks: Hooks, provider: &SdkLoggerProvider, lines: &Lines) {
    let run = Run::start(hooks);
    let logger = provider.logger("lib");
    say(&logger, "outside");
    trace_block!(name = "root", {
        say(&logger, "root");
        trace_block!(name = "lazy", {
            say(&logger, "lazy");
            tracer().in_span("of the API", |_| {
                say(&logger, "of the API");
                trace_block!(name = "leaf", { say(&logger, "leaf") });
            });
            one_thread().block_on(trace_block!(name = "asynchronous", async {
                yield_now().await;
                say(&logger, "asynchronous");
            }));
        });
    });
    let spans = run.spans();
    let lines = std::mem::take(&mut *lines.0.lock().unwrap_or_else(PoisonError::into_inner));
    assert_eq!(lines.len(), 1 + spans.len());
    for (body, context) in lines {
        let span = (body != "outside").then(|| &named(&spans, &body).span_context);
        let wanted = span.map(|span| (span.trace_id(), span.span_id(), Some(TraceFlags::new(3))));
        assert_eq!(context, wanted, "{body} with {hooks:?}");
    }
}

#[test]
fn log_records_name_the_span_that_is_active() {
    let lines = Lines::default();
    let behind_a_hook = SdkLoggerProvider::builder().with_log_processor(hooked(lines.clone())).build();
    let plain = SdkLoggerProvider::builder().with_log_processor(lines.clone()).build();
    said(Hooks::Global, &behind_a_hook, &lines);
    said(Hooks::Manual, &behind_a_hook, &lines);
    said(Hooks::None, &behind_a_hook, &lines);
    said(Hooks::None, &plain, &lines);
}
