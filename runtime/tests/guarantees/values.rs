//! What arrives of the values that are recorded.

use crate::support::{Recorder, attribute, named, one_thread};
use opentelemetry::Value;
use opentelemetry::trace::SpanKind;
use otelier::prelude::*;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

#[trace(
    "app.text" = "x",
    app.string = String::from("y"),
    app.int = -7i8,
    app.large = u64::MAX,
    app.size = usize::MAX,
    app.float = 1.5f32,
    app.yes = true,
    app.none = None::<&str>,
    app.some = Some(7),
    app.debug = ?Some("q"),
    app.display = %format_args!("{}-{}", 1, 2),
    app.empty = ""
)]
fn values() {}

#[test]
fn values_keep_their_types() {
    let recorder = Recorder::start();
    values();
    let spans = recorder.spans();
    let found: Vec<_> = spans[0].attributes.iter().map(|item| (item.key.as_str(), item.value.clone())).collect();
    let wanted: [(&str, Value); 11] = [
        ("app.text", "x".into()),
        ("app.string", "y".into()),
        ("app.int", Value::I64(-7)),
        ("app.large", Value::I64(i64::MAX)),
        ("app.size", Value::I64(i64::MAX)),
        ("app.float", Value::F64(1.5)),
        ("app.yes", Value::Bool(true)),
        ("app.some", Value::I64(7)),
        ("app.debug", "Some(\"q\")".into()),
        ("app.display", "1-2".into()),
        ("app.empty", "".into()),
    ];
    assert_eq!(found, wanted);
}

#[trace(
    app.ints = vec![1, 2],
    app.texts = vec!["a".to_owned(), "b".to_owned()],
    app.floats = &[0.5, 1.0][..],
    app.flags = vec![true, false],
    app.nothing = Vec::<i64>::new()
)]
fn lists() {
    event!("listed", app.ints = vec![1u32, 2]);
}

#[test]
fn lists_have_the_type_of_what_they_hold() {
    let recorder = Recorder::start();
    lists();
    recorder.expect(&[
        "lists app.ints=[1,2] app.texts=[\"a\",\"b\"] app.floats=[0.5,1] app.flags=[true,false] app.nothing=[]",
        "  * listed app.ints=[1,2]",
    ]);
}

#[trace(app.count = 1, app.other = 0)]
fn overwrites(again: Option<u8>) {
    record!(app.count = 2);
    record!(app.count = again);
    event!("told", app.count = 9);
}

#[trace(app.count = 1)]
async fn overwrites_later() {
    tokio::task::yield_now().await;
    record!(app.count = 2);
    record!(app.count = "three");
}

#[test]
fn the_last_value_of_an_attribute_wins_and_none_is_no_value() {
    let recorder = Recorder::start();
    overwrites(Some(3));
    overwrites(None);
    one_thread().block_on(overwrites_later());
    recorder.expect(&[
        "overwrites app.other=0 app.count=3",
        "  * told app.count=9",
        "overwrites app.other=0 app.count=2",
        "  * told app.count=9",
        "overwrites_later app.count=three",
    ]);
}

#[trace]
fn events() {
    event!("first");
    event!("second", "app.text" = "x", app.list = vec!["a", "b"], app.none = None::<u8>, app.display = %1.5, app.debug = ?"q");
    event!("second", app.text = "y");
}

#[trace]
async fn events_later() {
    event!("first", app.step = 1);
    tokio::task::yield_now().await;
    event!("second", app.step = 2);
}

#[test]
fn events_keep_their_order_and_their_attributes() {
    let recorder = Recorder::start();
    events();
    one_thread().block_on(events_later());
    recorder.expect(&[
        "events",
        "  * first",
        "  * second app.text=x app.list=[\"a\",\"b\"] app.display=1.5 app.debug=\"q\"",
        "  * second app.text=y",
        "events_later",
        "  * first app.step=1",
        "  * second app.step=2",
    ]);
}

#[trace(app.short = "x".repeat(1024), app.long = "ä".repeat(513), app.odd = %format_args!("x{}", "ä".repeat(1000)))]
fn long_values() {
    record!(app.list = vec!["y".repeat(2000), "z".to_owned()]);
    event!("long", app.text = "w".repeat(1025));
}

#[test]
fn strings_are_cut_at_one_kibibyte_between_characters() {
    let recorder = Recorder::start();
    long_values();
    recorder.expect(&[
        &format!(
            "long_values app.short={} app.long={} app.odd=x{} app.list=[\"{}\",\"z\"]",
            "x".repeat(1024),
            "ä".repeat(512),
            "ä".repeat(511),
            "y".repeat(1024)
        ),
        &format!("  * long app.text={}", "w".repeat(1024)),
    ]);
}

// ---------------------------------------------------------------- values that run code of their own

struct Traced;

impl fmt::Display for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("before ")?;
        worked(3);
        f.write_str("after")
    }
}

#[trace(app.value = value)]
fn worked(value: u8) -> u8 {
    event!("worked", app.value = value);
    value
}

#[trace(app.first = worked(1), app.traced = %Traced, app.last = 2)]
fn displays_a_traced_value() {
    event!("displayed", app.before = 0, app.traced = %Traced, app.after = 1);
}

#[trace(app.first = worked(1), app.traced = %Traced, app.last = 2)]
async fn displays_a_traced_value_later() {
    tokio::task::yield_now().await;
    event!("displayed", app.before = 0, app.traced = %Traced, app.after = 1);
}

#[test]
fn a_value_may_itself_be_traced_while_it_is_recorded() {
    let recorder = Recorder::start();
    displays_a_traced_value();
    one_thread().block_on(displays_a_traced_value_later());
    let event = "  * displayed app.before=0 app.traced=before after app.after=1";
    let children = [
        "  worked app.value=1",
        "    * worked app.value=1",
        "  worked app.value=3",
        "    * worked app.value=3",
        "  worked app.value=3",
        "    * worked app.value=3",
    ];
    let mut wanted = vec!["displays_a_traced_value app.first=1 app.traced=before after app.last=2", event];
    wanted.extend(children);
    wanted.extend(["displays_a_traced_value_later app.first=1 app.traced=before after app.last=2", event]);
    wanted.extend(children);
    recorder.expect(&wanted);
}

struct Panics;

impl fmt::Display for Panics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half")?;
        worked(8);
        panic!("on purpose")
    }
}

#[trace(app.first = 1, app.bad = %Panics)]
fn starts_with_a_panic() {}

#[trace(app.first = 1)]
fn survives_a_panic() {
    let bad = || record!(app.bad = %Panics);
    assert!(catch_unwind(AssertUnwindSafe(bad)).is_err());
    let bad = || event!("bad", app.good = 1, app.bad = %Panics);
    assert!(catch_unwind(AssertUnwindSafe(bad)).is_err());
    record!(app.last = 2);
}

#[trace(app.first = 1)]
async fn survives_a_panic_later() {
    let bad = || record!(app.bad = %Panics);
    assert!(catch_unwind(AssertUnwindSafe(bad)).is_err());
    tokio::task::yield_now().await;
    let bad = || event!("bad", app.good = 1, app.bad = %Panics);
    assert!(catch_unwind(AssertUnwindSafe(bad)).is_err());
    record!(app.last = 2);
}

#[test]
fn a_value_that_panics_while_it_is_recorded_leaves_nothing_of_itself() {
    let recorder = Recorder::start();
    assert!(catch_unwind(starts_with_a_panic).is_err());
    survives_a_panic();
    one_thread().block_on(survives_a_panic_later());
    let child = ["  worked app.value=8", "    * worked app.value=8"];
    let mut wanted = vec!["starts_with_a_panic app.first=1 error.type=panic !panicked"];
    wanted.extend(child);
    for name in ["survives_a_panic app.first=1 app.last=2", "survives_a_panic_later app.first=1 app.last=2"] {
        wanted.extend([name, "  * bad app.good=1"]);
        wanted.extend(child);
        wanted.extend(child);
    }
    recorder.expect(&wanted);
}

// ---------------------------------------------------------------- schemas and names

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

// ---------------------------------------------------------------- which span it goes to

#[trace(app.early = 1)]
fn records_outside_in() -> Result<(), std::io::Error> {
    let late = |value: u8| record!(app.late = value);
    let told = |value: u8| event!("told", app.value = value);
    trace_block!(name = "inner", app.own = 5, {
        late(6);
        trace_block!(name = "innermost", app.own = 6, {
            late(7);
            told(8);
            record!(app.own = 7);
        });
        told(9);
        record!(app.own = 8);
    });
    record!(app.end = 9);
    Err(std::io::Error::other("in the end"))
}

#[trace(app.early = 1)]
async fn records_outside_in_later() {
    let late = |value: u8| record!(app.late = value);
    let told = |value: u8| event!("told", app.value = value);
    trace_block!(name = "inner", app.own = 5, async {
        late(6);
        tokio::task::yield_now().await;
        trace_block!(name = "innermost", {
            late(7);
            told(8);
        });
        record!(app.own = 8);
    })
    .await;
    record!(app.end = 9);
}

#[test]
fn what_is_recorded_on_an_outer_span_does_not_land_on_an_inner_one() {
    let recorder = Recorder::start();
    let _ = records_outside_in();
    one_thread().block_on(records_outside_in_later());
    recorder.expect(&[
        "records_outside_in app.early=1 app.late=7 app.end=9 error.type=std::io::error::Error !in the end",
        "  * told app.value=8",
        "  * told app.value=9",
        "  * exception exception.type=std::io::error::Error exception.message=in the end",
        "  inner app.own=8",
        "    innermost app.own=7",
        "records_outside_in_later app.early=1 app.late=7 app.end=9",
        "  * told app.value=8",
        "  inner app.own=8",
        "    innermost",
    ]);
}

#[trace(app.value = 1)]
fn records_in_both_orders() {
    let inner = |value: u8| {
        record!(app.value = value);
        event!("recorded", app.value = value);
    };
    trace_block!(name = "inner", { inner(2) });
    record!(app.value = 3);
    event!("recorded", app.value = 3);
    trace_block!(name = "inner", { inner(4) });
    trace_block!(name = "inner", { inner(5) });
}

#[test]
fn what_is_recorded_while_an_inner_span_is_open_keeps_its_place_in_time() {
    let recorder = Recorder::start();
    records_in_both_orders();
    recorder.expect(&[
        "records_in_both_orders app.value=5",
        "  * recorded app.value=2",
        "  * recorded app.value=3",
        "  * recorded app.value=4",
        "  * recorded app.value=5",
        "  inner",
        "  inner",
        "  inner",
    ]);
}

struct Calls<F>(F);

impl<F: Fn()> fmt::Display for Calls<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("before ")?;
        (self.0)();
        f.write_str("after")
    }
}

#[trace]
fn records_while_recording() {
    let also = |value: u8| {
        record!(app.also = value);
        event!("also", app.value = value);
        value
    };
    event!("told", app.first = 0, app.value = also(1), app.display = %Calls(|| { also(2); }), app.last = 3);
    record!(app.display = %Calls(|| { also(4); }));
    record!(app.value = also(5));
}

#[trace]
async fn records_while_recording_later() {
    let also = |value: u8| {
        record!(app.also = value);
        event!("also", app.value = value);
        value
    };
    event!("told", app.first = 0, app.value = also(1), app.display = %Calls(|| { also(2); }), app.last = 3);
    record!(app.display = %Calls(|| { also(4); }));
    record!(app.value = also(5));
}

#[test]
fn a_value_that_records_on_the_same_span_while_it_is_recorded_mixes_nothing_up() {
    let recorder = Recorder::start();
    records_while_recording();
    one_thread().block_on(records_while_recording_later());
    for span in recorder.spans() {
        let mut attributes: Vec<_> =
            span.attributes.iter().map(|item| format!("{}={}", item.key, item.value)).collect();
        attributes.sort_unstable();
        assert_eq!(attributes, ["app.also=5", "app.display=before after", "app.value=5"], "{}", span.name);
        let mut events: Vec<_> =
            span.events.events.iter().map(|event| format!("{} {}", event.name, event.attributes.len())).collect();
        events.sort_unstable();
        assert_eq!(events, ["also 1", "also 1", "also 1", "also 1", "told 4"], "{}", span.name);
    }
}
