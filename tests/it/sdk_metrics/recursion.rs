//! Exporters that make telemetry of their own.

use super::{LONG, reader, settings, spans};
use crate::support::{receiver, turn};
use opentelemetry::trace::{Span as _, Tracer};
use opentelemetry::{KeyValue, global};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use otelier::config::Protocol;
use otelier::prelude::*;
use otelier::{Pipeline, diagnostics};
use otelier_tests::Behaviour;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[trace(name = "annotated", metrics)]
fn annotated() {}

/// Everything by which code makes telemetry.
fn makes_telemetry() {
    trace_block!(name = "block", {
        event!("exporting", app.count = 1);
    });
    annotated();
    otelier::Span::start("by_hand").end();
    global::tracer("exporter").start("by_api").end();
    global::meter("exporter").u64_counter("exports").build().add(1, &[KeyValue::new("by", "exporter")]);
}

/// Traces, measures, and fails.
#[derive(Clone, Debug, Default)]
struct Noisy(Arc<AtomicU64>);

impl Noisy {
    async fn fail(&self) -> OTelSdkResult {
        self.0.fetch_add(1, Relaxed);
        makes_telemetry();
        tokio::task::yield_now().await;
        makes_telemetry();
        let spawned = tokio::spawn(async { makes_telemetry() });
        spawned.await.expect("no panic");
        Err(OTelSdkError::InternalFailure("on purpose".to_owned()))
    }
}

impl SpanExporter for Noisy {
    async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
        self.fail().await
    }
}

impl PushMetricExporter for Noisy {
    async fn export(&self, _: &ResourceMetrics) -> OTelSdkResult {
        self.fail().await
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self) -> Temporality {
        Temporality::Cumulative
    }
}

#[test]
fn exporters_that_trace_measure_and_fail_give_nothing_to_export_and_few_messages() {
    let _turn = turn();
    let said: Arc<Mutex<Vec<String>>> = Arc::default();
    let sink = Arc::clone(&said);
    diagnostics::set_sink(move |message| {
        // A sink may trace as well.
        makes_telemetry();
        sink.lock().expect("no panic").push(message.event.to_owned());
    });
    let receiver = receiver(Protocol::HttpProtobuf, Behaviour::Accept);
    let (of_spans, of_metrics) = (Noisy::default(), Noisy::default());
    let pipeline = Pipeline::new(settings(reader(&receiver)).with_schedule_delay(Duration::from_secs(3600)));
    let pipeline = pipeline.with_span_exporter(of_spans.clone()).with_metric_exporter(of_metrics.clone());
    let telemetry = pipeline.start().expect("it starts");
    for round in 1..=20 {
        spans(1);
        telemetry.force_flush(LONG).expect("in time");
        let stats = telemetry.stats();
        assert_eq!((stats.started, stats.open), (round, 0), "exporting makes no spans");
        assert_eq!((of_spans.0.load(Relaxed), of_metrics.0.load(Relaxed)), (round, round));
    }
    let stats = telemetry.shutdown().expect("in time");
    diagnostics::reset_sink();
    assert_eq!((stats.started, stats.exporters[0].failed), (20, 20), "{stats}");
    assert_eq!(of_spans.0.load(Relaxed), 20, "nothing is exported that an exporter has made");
    // One for each of the two exporters, however often they fail.
    let said = said.lock().expect("no panic");
    let failed = said.iter().filter(|event| *event == "Exporter.Export.Failed").count();
    assert!(failed <= 2 && said.len() <= 4, "{said:?}");
}
