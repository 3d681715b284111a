//! What exporters do does not reach anybody else.

use crate::support::{PATIENCE, Pending, lock, start, turn};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use otelier::Pipeline;
use otelier::export::MemoryExporter;
use otelier::prelude::*;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[trace(app.number = number)]
fn leaf(number: usize) {}

/// An exporter that does what it is told when it is shut down.
#[derive(Clone, Debug)]
struct Ends(Arc<Mutex<usize>>, Option<&'static str>);

impl SpanExporter for Ends {
    async fn export(&self, _batch: Vec<SpanData>) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        assert!(timeout <= PATIENCE);
        *lock(&self.0) += 1;
        match self.1 {
            None => Ok(()),
            Some("panic") => panic!("on purpose"),
            Some(error) => Err(OTelSdkError::InternalFailure(error.to_owned())),
        }
    }
}

#[test]
fn every_exporter_is_shut_down_once_whatever_the_others_do() {
    let _turn = turn();
    let ended: Arc<Mutex<usize>> = Arc::default();
    let ends = |error| Ends(Arc::clone(&ended), error);
    let telemetry = Pipeline::new(Telemetry::default())
        .with_span_exporter(ends(Some("the disk is gone")))
        .with_span_exporter(ends(Some("panic")))
        .with_span_exporter(ends(None))
        .start()
        .expect("it starts");
    leaf(1);
    let stats = telemetry.shutdown().expect("in time");
    assert_eq!(*lock(&ended), 3);
    assert!(stats.exporters.iter().all(|exporter| (exporter.exported, exporter.failed) == (1, 0)), "{stats}");
    let errors: Vec<_> = stats.exporters.into_iter().map(|exporter| exporter.last_error).collect();
    assert!(errors[0].as_deref().is_some_and(|error| error.contains("the disk is gone")), "{errors:?}");
    assert!(errors[1].as_deref().is_some_and(|error| error.contains("panicked")), "{errors:?}");
    assert_eq!(errors[2], None);
}

#[derive(Debug)]
struct Panics;

impl SpanExporter for Panics {
    async fn export(&self, _batch: Vec<SpanData>) -> OTelSdkResult {
        panic!("on purpose")
    }
}

#[derive(Debug)]
struct Fails;

impl SpanExporter for Fails {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        Err(OTelSdkError::InternalFailure(format!("{} spans refused", batch.len())))
    }
}

#[test]
fn exporters_that_panic_fail_or_hang_do_so_alone() {
    let _turn = turn();
    let memory = MemoryExporter::new(10);
    let telemetry = Pipeline::new(Telemetry::default().with_export_timeout(Duration::from_millis(50)))
        .with_span_exporter(Panics)
        .with_span_exporter(Fails)
        .with_span_exporter(Pending::default())
        .with_span_exporter(memory.clone())
        .start()
        .expect("it starts");
    for number in 1..=2 {
        leaf(number);
        telemetry.force_flush(PATIENCE).expect("in time");
    }
    let stats = telemetry.shutdown().expect("in time");
    let counts: Vec<_> =
        stats.exporters.iter().map(|exporter| (&*exporter.name, exporter.exported, exporter.failed)).collect();
    assert_eq!(counts, [("Panics", 0, 2), ("Fails", 0, 2), ("Pending", 0, 2), ("MemoryExporter", 2, 0)]);
    let errors: Vec<_> =
        stats.exporters.iter().map(|exporter| exporter.last_error.clone().unwrap_or_default()).collect();
    assert!(errors[0].contains("the exporter panicked"), "{errors:?}");
    assert!(errors[1].contains("1 spans refused"), "{errors:?}");
    assert_eq!(errors[2], "the export took longer than 50ms");
    assert_eq!(errors[3], "");
    assert_eq!(memory.spans().len(), 2);
}

#[derive(Clone, Debug, Default)]
struct Sizes(Arc<Mutex<Vec<usize>>>);

impl SpanExporter for Sizes {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        lock(&self.0).push(batch.len());
        Ok(())
    }
}

#[test]
fn batches_hold_at_most_what_is_asked() {
    let _turn = turn();
    for (largest, wanted) in [(100, &[100, 100, 50][..]), (250, &[250]), (251, &[250]), (1, &[1; 250])] {
        let sizes = Sizes::default();
        let telemetry = start(Telemetry::default().with_max_export_batch_size(largest), sizes.clone());
        (0..250).for_each(leaf);
        telemetry.shutdown().expect("in time");
        assert_eq!(*lock(&sizes.0), wanted);
    }
}

#[test]
fn the_memory_exporter_keeps_what_it_has_room_for_and_counts_the_rest() {
    let _turn = turn();
    let memory = MemoryExporter::new(3);
    let telemetry = start(Telemetry::default().with_max_export_batch_size(2), memory.clone());
    (0..7).for_each(leaf);
    telemetry.shutdown().expect("in time");
    assert_eq!((memory.spans().len(), memory.discarded()), (3, 4));
}
