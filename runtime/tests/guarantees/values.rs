//! What arrives of the values that are recorded.

use crate::support::{Recorder, one_thread};
use opentelemetry::Value;
use otelier::prelude::*;

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
        // What is known at compile time comes first.
        ("app.text", "x".into()),
        ("app.yes", Value::Bool(true)),
        ("app.empty", "".into()),
        ("app.string", "y".into()),
        ("app.int", Value::I64(-7)),
        ("app.large", Value::I64(i64::MAX)),
        ("app.size", Value::I64(i64::MAX)),
        ("app.float", Value::F64(1.5)),
        ("app.some", Value::I64(7)),
        ("app.debug", "Some(\"q\")".into()),
        ("app.display", "1-2".into()),
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

mod other {
    macro_rules! event {
        ($text:literal) => {
            assert_eq!($text, "not ours")
        };
    }
    pub(super) use event;
}

#[trace]
fn events_by_path() {
    other::event!("not ours");
    otelier::event!("ours", app.step = 1);
    otelier::record!("app.count" = 1);
}

#[test]
fn macros_are_known_by_their_path() {
    let recorder = Recorder::start();
    events_by_path();
    recorder.expect(&["events_by_path app.count=1", "  * ours app.step=1"]);
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

#[trace(app.short = "x".repeat(1024), app.long = "ä".repeat(1025), app.odd = %format_args!("x{}", "ä".repeat(2000)))]
fn long_values() {
    record!(app.list = vec!["y".repeat(2000), "z".to_owned()]);
    event!("long", app.text = "w".repeat(1025));
}

#[test]
fn strings_are_cut_after_1024_characters() {
    let recorder = Recorder::start();
    long_values();
    recorder.expect(&[
        &format!(
            "long_values app.short={} app.long={} app.odd=x{} app.list=[\"{}\",\"z\"]",
            "x".repeat(1024),
            "ä".repeat(1024),
            "ä".repeat(1023),
            "y".repeat(1024)
        ),
        &format!("  * long app.text={}", "w".repeat(1024)),
    ]);
}
