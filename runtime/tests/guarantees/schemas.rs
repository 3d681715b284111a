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

#[derive(Clone, Copy, otelier::AttributeEnum)]
pub enum Grade {
    Good,
    Bad,
}

otelier::attribute_group! {
    /// What is measured.
    pub Measured = "app.measured" {
        app.took: double unit "ms";
        app.took_whole: int unit "s";
        app.grade: Grade;
    }
}

otelier::span_schema! {
    /// Everything a declaration can say.
    pub Base = "app.base" {
        kind = client;
        name = "base {app.id}";
        include Measured;
        constant app.area = "sales";
        app.id: int required;
        app.tags: string[];
        app.sizes: int[];
        app.flags: boolean[];
        app.shares: double[];
        app.anything: any;
        http.request.header.<key>: string[];
        user.id: string personal;
        user.age: int personal;
        user.card: string sensitive;
        user.pin: int secret;
    }
}

otelier::span_schema! {
    /// The same, and more.
    pub Extended = "app.extended" {
        extends Base;
        name = "extended {app.more}";
        undeclared = allow;
        constant app.area = "support";
        app.more: string required;
    }
}

otelier::event_schema! {
    /// It is tried again.
    pub Retried = "app.retried" {
        include Measured;
        constant app.area = "sales";
        app.attempt: int required;
    }
}

#[derive(otelier::SpanAttributes)]
#[attributes(prefix = "app")]
struct Tags {
    tags: Vec<String>,
    #[attribute(name = "user.card", hash)]
    card: u64,
}

#[trace(Base, app.id = 7, app.took = std::time::Duration::from_micros(1500), app.grade = Some(Grade::Bad),
        app.took_whole = std::time::Duration::from_millis(2600), app.tags = ["a", "b"], app.sizes = vec![1u8, 2],
        app.flags = [true], app.shares = &[0.5][..], app.anything = 1.5, http.request.header["x-id"] = [name],
        user.id = disclose(name), user.age = hash(&44), user.pin = redact(&1234),
        user.card = otelier::Secret::new("4711"))]
fn base(name: &str) {
    event!(Retried, app.attempt = 2, app.took = 0.25, app.grade = Grade::Good);
}

#[trace(Extended, app.id = 8, app.more = "x", "app.free" = true, ..Tags { tags: vec!["t".to_owned()], card: 1 })]
async fn extended() {
    tokio::task::yield_now().await;
    record!(..&Tags { tags: Vec::new(), card: 2 });
    record!(http.request.header["y-id"] = ["late"]);
}

#[test]
fn every_type_unit_and_class_of_a_schema_is_recorded() {
    let recorder = Recorder::start();
    base("ann");
    let spans = recorder.spans();
    let span = named(&spans, "base 7");
    let text = |key: &str| attribute(span, key).map(ToString::to_string).unwrap_or_default();
    assert_eq!(text("app.took"), "1.5");
    assert_eq!(attribute(span, "app.took_whole"), Some(&opentelemetry::Value::I64(3)));
    assert_eq!((text("app.tags"), text("app.sizes")), ("[\"a\",\"b\"]".to_owned(), "[1,2]".to_owned()));
    assert_eq!((text("app.flags"), text("app.shares")), ("[true]".to_owned(), "[0.5]".to_owned()));
    assert_eq!((text("app.grade"), text("app.anything")), ("bad".to_owned(), "1.5".to_owned()));
    assert_eq!(text("http.request.header.x-id"), "[\"ann\"]");
    assert_eq!((text("user.id"), text("user.pin")), ("ann".to_owned(), "[redacted]".to_owned()));
    assert_eq!((text("user.age").len(), text("user.card")), (16, "[redacted]".to_owned()));
    assert_eq!(span.span_kind, SpanKind::Client);
    let event = &span.events.events[0];
    let attributes: Vec<_> = event.attributes.iter().map(|kv| format!("{}={}", kv.key, kv.value)).collect();
    assert_eq!(event.name, "app.retried");
    assert_eq!(attributes, ["app.area=sales", "app.attempt=2", "app.took=0.25", "app.grade=good"]);
}

#[test]
fn an_extended_schema_has_what_its_base_has_and_says_what_is_different() {
    let recorder = Recorder::start();
    one_thread().block_on(extended());
    let spans = recorder.spans();
    let span = named(&spans, "extended x");
    let keys: Vec<_> = span.attributes.iter().map(|kv| kv.key.as_str()).collect();
    let expected = ["app.area", "app.free", "app.id", "app.more", "app.tags", "user.card", "http.request.header.y-id"];
    assert_eq!(keys, expected);
    assert_eq!(attribute(span, "app.area"), Some(&"support".into()));
    assert_eq!(span.span_kind, SpanKind::Client);
}

#[trace_storage(storage.operation = StorageOperation::Get, lakehouse.layer = Layer::Gold,
                "test.case.result.status" = status, "deployment.environment.name" = "test")]
fn with_renamed(status: &str) {
    event!("asked", http.response.status_code = 404);
    event!("asked both", http.response.status_code = 404, http.status_code = 405);
}

#[test]
fn old_names_and_the_span_type_are_exported_when_asked_for() {
    use otelier::config::OldNames;
    let settings = otelier::Telemetry::default().with_old_names([OldNames::BuildTracer]).with_span_types(true);
    let recorder = Recorder::with(settings);
    with_renamed("fail");
    let spans = recorder.spans();
    let span = named(&spans, "get gold");
    let text = |key: &str| attribute(span, key).map(ToString::to_string).unwrap_or_default();
    assert_eq!((text("test.case.result.status"), text("test.case.result")), ("fail".to_owned(), "failed".to_owned()));
    assert_eq!(text("deployment.environment"), "test");
    assert_eq!(text("otelier.span_type"), "storage.operation");
    let event: Vec<_> = span.events.events[0].attributes.iter().map(|kv| kv.key.as_str()).collect();
    assert_eq!(event, ["http.response.status_code", "http.status_code"]);
    let both: Vec<_> = span.events.events[1].attributes.iter().map(|kv| kv.value.to_string()).collect();
    assert_eq!(both, ["404", "405"]);

    let recorder = Recorder::start();
    with_renamed("fail");
    let spans = recorder.spans();
    let span = named(&spans, "get gold");
    assert_eq!((attribute(span, "test.case.result"), attribute(span, "otelier.span_type")), (None, None));
    assert_eq!(span.events.events[0].attributes.len(), 1);
}

#[test]
fn definitions_say_what_the_declaration_says() {
    use otelier::schema::{AttributeGroup, EventSchema, Requirement, Schema, Sensitivity};
    let base = Base::DEF;
    assert_eq!((base.id, base.attributes.len(), base.constants), ("app.base", 14, &[("app.area", "sales")][..]));
    let find = |name: &str| base.attributes.iter().find(|one| one.name == name).unwrap();
    assert_eq!((find("http.request.header").value_type, find("app.sizes").value_type), ("template[string[]]", "int[]"));
    assert_eq!((find("user.pin").sensitivity, find("user.pin").value_type), (Sensitivity::Secret, "int"));
    assert_eq!((find("app.grade").values, find("app.grade").rust_enum), (&["good", "bad"][..], "Grade"));
    assert_eq!((find("app.took").unit, find("app.id").requirement), ("ms", Requirement::Required));
    assert_eq!(Extended::DEF.attributes.len(), base.attributes.len() + 1);
    assert_eq!((Extended::DEF.name, Extended::DEF.kind), ("extended {app.more}", base.kind));
    assert_eq!((Measured::DEF.id, Measured::DEF.attributes.len()), ("app.measured", 3));
    assert_eq!((Retried::DEF.id, Retried::DEF.attributes.len()), ("app.retried", 4));
}
