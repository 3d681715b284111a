//! Values that run code of their own while they are recorded, and spans that are recorded to from inside of others.

use crate::support::{Recorder, one_thread};
use otelier::prelude::*;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

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
    let mut wanted = vec!["displays_a_traced_value app.last=2 app.first=1 app.traced=before after", event];
    wanted.extend(children);
    wanted.extend(["displays_a_traced_value_later app.last=2 app.first=1 app.traced=before after", event]);
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
    let mut wanted = vec![
        "starts_with_a_panic app.first=1 error.type=panic !panicked",
        "  * exception exception.type=panic exception.message=on purpose",
    ];
    wanted.extend(child);
    for name in ["survives_a_panic app.first=1 app.last=2", "survives_a_panic_later app.first=1 app.last=2"] {
        wanted.extend([name, "  * bad app.good=1"]);
        wanted.extend(child);
        wanted.extend(child);
    }
    recorder.expect(&wanted);
}

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
