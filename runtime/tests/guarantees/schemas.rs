//! What a schema and the annotation say of every span.

use crate::support::{Recorder, attribute, named, one_thread};
use opentelemetry::trace::SpanKind;
use otelier::prelude::*;

otelier::span_schema! {
    /// An order.
    pub Order = "app.order" {
        kind = producer;
        name = "order {app.currency} {app.lines}";
        open;
        constant app.area = "sales";
        app.currency: string required;
        app.lines: int required;
    }
}

#[trace(Order, app.currency = currency, app.lines = lines)]
fn order(currency: Option<&str>, lines: Option<u8>) {}

#[trace(Order, name = "by hand", app.currency = "EUR", app.lines = 1)]
fn named_by_hand() {
    record!("app.area" = "support");
}

#[trace_processing(crypto.processing_stage = ProcessingStage::Validation, crypto.data_type = DataType::Trades,
                   late(crypto.validation_rate))]
fn validate() {
    record!(crypto.validation_rate = 99.5);
}

#[trace_storage(storage.operation = StorageOperation::Put, lakehouse.layer = Layer::Bronze, late(crypto.data_size_bytes))]
async fn put() {
    tokio::task::yield_now().await;
    record!(crypto.data_size_bytes = 10usize);
}

#[test]
fn schemas_give_name_kind_and_constants() {
    let recorder = Recorder::start();
    validate();
    one_thread().block_on(put());
    recorder.expect(&[
        "validation trades crypto.operation_type=data_processing crypto.processing_stage=validation \
         crypto.data_type=trades crypto.validation_rate=99.5",
        "put bronze [client] crypto.operation_type=storage crypto.processing_stage=storage storage.operation=put \
         lakehouse.layer=bronze crypto.data_size_bytes=10",
    ]);
}

#[test]
fn a_name_without_one_of_its_values_falls_back_to_the_spans_type() {
    let recorder = Recorder::start();
    order(Some("EUR"), Some(2));
    order(None, Some(2));
    order(Some("EUR"), None);
    recorder.expect(&[
        "order EUR 2 [producer] app.area=sales app.currency=EUR app.lines=2",
        "app.order [producer] app.area=sales app.lines=2",
        "app.order [producer] app.area=sales app.currency=EUR",
    ]);
}

#[test]
fn a_constant_stands_once_whatever_is_recorded() {
    let recorder = Recorder::start();
    named_by_hand();
    recorder.expect(&["by hand [producer] app.area=sales app.currency=EUR app.lines=1"]);
}

#[trace(kind = consumer, name = "renamed")]
fn consumer() {}

#[test]
fn the_annotation_may_name_the_span_and_its_kind() {
    let recorder = Recorder::start();
    consumer();
    let spans = recorder.spans();
    let span = named(&spans, "renamed");
    assert_eq!(span.span_kind, SpanKind::Consumer);
    assert_eq!(span.instrumentation_scope.name(), "otelier");
    assert_eq!(attribute(span, "app.none"), None);
    assert_eq!(span.dropped_attributes_count, 0);
    assert!(span.links.is_empty());
}

#[trace_workflow(crypto.workflow_name = "daily", crypto.workflow_id = id, late(crypto.record_count))]
async fn workflow(id: Option<&str>, fails: bool) -> Result<u8, std::io::Error> {
    tokio::task::yield_now().await;
    if fails {
        return Err(std::io::Error::other("no data"));
    }
    record!(crypto.record_count = 3);
    Ok(stage())
}

#[trace_stage(crypto.stage_name = "collect", late(crypto.record_count, crypto.file_count))]
fn stage() -> u8 {
    event!("collection_started", app.symbols = 4);
    record!(crypto.file_count = 1);
    record!(crypto.record_count = 3);
    3
}

#[test]
fn late_attributes_are_there_unless_the_function_fails() {
    let recorder = Recorder::start();
    let runtime = one_thread();
    assert!(runtime.block_on(workflow(None, false)).is_ok());
    assert!(runtime.block_on(workflow(Some("7"), true)).is_err());
    recorder.expect(&[
        "workflow daily crypto.operation_type=workflow_execution crypto.workflow_name=daily crypto.record_count=3",
        "  stage collect crypto.stage_name=collect crypto.file_count=1 crypto.record_count=3",
        "    * collection_started app.symbols=4",
        "workflow daily crypto.operation_type=workflow_execution crypto.workflow_name=daily crypto.workflow_id=7 \
         error.type=std::io::error::Error !no data",
        "  * exception exception.type=std::io::error::Error exception.message=no data",
    ]);
}
