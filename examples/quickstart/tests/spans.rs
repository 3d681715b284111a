//! How a team tests its spans: `otelier::testing`, turned on for tests in `Cargo.toml`.
//!
//! No `init`, no lock, no order of tests: each one sees the spans of its own code only.

use otelier::prelude::*;
use otelier::testing::{Capture, Captured, capture, capture_async};
use shop::shapes::{Warehouse, deliver, divide, print_labels, quote, send, wait_for_customers};
use shop::{Channel, Checkout};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(future)
}

/// The shortest test: run the code, then say what you expect of its spans. An assertion that fails prints all of them.
#[test]
fn what_is_reserved_is_recorded() {
    let spans = capture(|| Warehouse::new("Jena", 3).reserve(2));
    spans.span("Warehouse::reserve").is_ok().has("app.wanted", 2).has("app.stock", 1).has_event("reserved");
}

/// The closure's value is there, too. An error that is expected leaves the status alone, but has its type and its kind.
#[test]
fn running_out_of_stock_is_no_failure_of_the_program() {
    let Captured { value, spans } = capture(|| Warehouse::new("Jena", 3).reserve(5));
    assert!(value.is_err());
    let span = spans.span("Warehouse::reserve");
    span.is_ok().has("error.type", "out_of_stock").has("failure.kind", "conflict").has_no("app.stock");
}

/// The whole trace as text: what has to be there, and that nothing else is.
#[test]
fn labels_are_printed_below_the_span_that_spawned_the_tasks() {
    block_on(capture_async(print_labels([7, 8]))).assert_tree(
        "
        print_labels
          print_label app.order.id=7
          print_label app.order.id=8
        ",
    );
}

/// Links, and what differs from run to run: `redacted` says that it must be there, `without` that it does not matter.
#[test]
fn a_delivery_is_tried_again_and_says_so() {
    let Captured { value, spans } = block_on(capture_async(deliver()));
    assert!(value.is_ok(), "{spans}");
    let second = spans.find(|span| span.links().next().is_some()).expect("a second attempt");
    second.links_to("hand over").has("retry.attempt", 2);
    spans.redacted("retry.delay").without("failure.*").without("retry.max_attempts").assert_snapshot("delivery");
}

/// A panic leaves the span behind. `Capture` is the guard for code that does not return.
#[test]
fn a_division_by_nobody_is_recorded_with_its_text() {
    let capture = Capture::start();
    assert!(catch_unwind(AssertUnwindSafe(|| divide(100, 0))).is_err());
    let spans = capture.finish();
    spans.span("divide").failed_with("panic");
}

/// A future that is dropped.
#[test]
fn customers_who_never_come_are_not_an_error() {
    let spans =
        block_on(capture_async(async { tokio::time::timeout(Duration::from_millis(1), wait_for_customers()).await }));
    spans.span("wait_for_customers").is_ok().has("otelier.cancelled", true);
}

/// A thread that nobody joins: wait for its span. What is handed on to the thread is the capture as well as the parent.
#[test]
fn a_thread_of_its_own_belongs_to_the_capture() {
    let capture = Capture::start();
    drop(otelier::spawn_thread(|| send(7)));
    let spans = capture.wait_for(Duration::from_secs(20), |spans| spans.named("send").count() == 1);
    spans.span("send").has("app.order.id", 7);
}

/// A schema of one's own is checked while compiling; the values are the test's.
#[test]
fn a_checkout_says_how_the_order_came_in() {
    #[trace(Checkout, shop.channel = Channel::Store, shop.currency = "EUR", ret(|total| shop.lines = *total))]
    fn checkout(lines: u32) -> u32 {
        lines
    }
    let spans = capture(|| checkout(2));
    spans.span("checkout store").has("shop.lines", 2).is_root();
}

/// What a function does not record can be asserted as well.
#[test]
fn a_quote_has_no_attribute_but_its_own() {
    let spans = block_on(capture_async(async { quote("07743").await }));
    spans.span("quote").has("app.zip", "07743").has("app.price", 4.5).has_no("app.order.id");
    spans.has_no_span("Warehouse::reserve");
}
