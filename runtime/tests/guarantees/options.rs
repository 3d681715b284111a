//! What the arguments of an annotation record, beside attributes of the start.

use crate::support::Recorder;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry_sdk::trace::SpanData;
use otelier::prelude::*;
use otelier::{event_schema, span_schema, trace_block};
use std::cell::Cell;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

span_schema! {
    Load = "app.load" {
        undeclared = deny;
        app.symbol: string required;
        app.rows: int required;
        app.code: int;
        app.order.id: int;
    }
}

event_schema! {
    Stored = "app.stored" {
        app.size: int required;
    }
}

#[derive(SpanAttributes)]
#[attributes(prefix = "shop.order")]
struct Order {
    id: u64,
    #[attribute(nested)]
    customer: Customer,
}

#[derive(SpanAttributes)]
#[attributes(prefix = "shop.customer")]
struct Customer {
    name: &'static str,
}

const ORDER: Order = Order { id: 7, customer: Customer { name: "acme" } };

fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("nothing here waits"),
    }
}

#[trace(
    Load,
    app.symbol = symbol,
    ret(|rows| app.rows = rows.len(), event(Stored, app.size = rows.len())),
    err(|error| app.code = error.raw_os_error(), event("failed", app.text = %error))
)]
fn load(symbol: &str, result: io::Result<Vec<u8>>) -> io::Result<Vec<u8>> {
    event!("body");
    result
}

#[trace(
    Load,
    app.symbol = symbol,
    ret(|rows| app.rows = rows.len(), event(Stored, app.size = rows.len())),
    err(|error| app.code = error.raw_os_error(), event("failed", app.text = %error))
)]
async fn load_later(symbol: &str, result: io::Result<Vec<u8>>) -> io::Result<Vec<u8>> {
    event!("body");
    result
}

#[test]
fn what_was_returned_is_recorded_behind_what_the_body_said() {
    let recorder = Recorder::start();
    assert!(load("a", Ok(vec![1, 2])).is_ok());
    assert!(ready(load_later("b", Ok(vec![1, 2, 3]))).is_ok());
    recorder.expect(&[
        "app.load app.symbol=a app.rows=2",
        "  * body",
        "  * app.stored app.size=2",
        "app.load app.symbol=b app.rows=3",
        "  * body",
        "  * app.stored app.size=3",
    ]);
}

#[test]
fn of_a_failure_only_what_err_says_is_recorded() {
    let recorder = Recorder::start();
    assert!(load("a", Err(io::Error::from_raw_os_error(2))).is_err());
    assert!(ready(load_later("b", Err(io::Error::from_raw_os_error(2)))).is_err());
    let spans = recorder.spans();
    for span in &spans {
        let keys: Vec<_> = span.attributes.iter().map(|attribute| attribute.key.as_str()).collect();
        assert!(keys.contains(&"app.code") && !keys.contains(&"app.rows"), "{keys:?}");
        let events: Vec<_> = span.events.iter().map(|event| event.name.as_ref()).collect();
        assert_eq!(events, ["body", "failed", "exception"]);
    }
    assert_eq!(spans.len(), 2);
}

#[test]
fn the_value_itself_or_what_is_inside_of_it_is_recorded() {
    #[trace(ret(app.n))]
    fn number() -> u64 {
        3
    }
    #[trace(ret(app.n))]
    fn option(n: Option<u64>) -> Option<u64> {
        n
    }
    #[trace(ret(|(a, b)| app.a = *a, app.b = b))]
    fn pair() -> (u64, &'static str) {
        (1, "b")
    }
    #[trace(ret(app.n), err(app.error))]
    fn early(n: u64) -> Result<u64, String> {
        if n == 1 {
            return Ok(n);
        }
        Err::<u64, _>("no".to_owned())?;
        Ok(n)
    }
    let recorder = Recorder::start();
    number();
    option(Some(4));
    option(None);
    pair();
    let _ = early(1);
    let _ = early(2);
    let spans = recorder.spans();
    let seen: Vec<String> = spans
        .iter()
        .map(|span| {
            let attributes = span.attributes.iter().filter(|attribute| attribute.key.as_str().starts_with("app."));
            let attributes = attributes.map(|attribute| format!(" {}={}", attribute.key, attribute.value));
            format!("{}{}", span.name, attributes.collect::<String>())
        })
        .collect();
    assert_eq!(
        seen,
        ["number app.n=3", "option app.n=4", "option", "pair app.a=1 app.b=b", "early app.n=1", "early app.error=no"]
    );
}

#[test]
fn nothing_of_a_result_is_evaluated_unless_it_is_recorded() {
    thread_local!(static CALLS: Cell<u32> = const { Cell::new(0) });
    fn count<T>(value: T) -> T {
        CALLS.set(CALLS.get() + 1);
        value
    }
    #[trace(ret(|n| app.n = count(*n)), err(|error: &()| app.error = count(format!("{error:?}"))), event("x", app.x = count(1)))]
    fn looked_at(n: u64) -> Result<u64, ()> {
        Ok(n)
    }
    let turn = crate::support::turn();
    let _ = looked_at(1);
    assert_eq!(CALLS.get(), 0);
    drop(turn);
    let recorder = Recorder::start();
    let _ = looked_at(1);
    assert_eq!(CALLS.get(), 2);
    recorder.expect(&["looked_at app.n=1", "  * x app.x=1"]);
}

#[test]
fn events_of_the_annotation_come_before_those_of_the_body() {
    #[trace(event("queued", app.size = size), event(Stored, app.size = size), app.id = 1)]
    fn work(size: u64) {
        event!("began");
    }
    #[trace(event("queued", app.size = size))]
    async fn work_later(size: u64) {
        event!("began");
    }
    let recorder = Recorder::start();
    work(3);
    ready(work_later(4));
    recorder.expect(&[
        "work app.id=1",
        "  * queued app.size=3",
        "  * app.stored app.size=3",
        "  * began",
        "work_later",
        "  * queued app.size=4",
        "  * began",
    ]);
}

#[test]
fn a_struct_below_a_name_gives_up_its_prefix() {
    #[trace(app.order = ..ORDER, event("x", app.first = ..ORDER))]
    fn work() {
        record!(app.last = ..&ORDER.customer);
    }
    let recorder = Recorder::start();
    work();
    recorder.expect(&[
        "work app.order.id=7 app.order.customer.name=acme app.last.name=acme",
        "  * x app.first.id=7 app.first.customer.name=acme",
    ]);
}

#[test]
fn a_name_has_attributes_of_the_annotation_in_it() {
    #[trace(name = "load {app.symbol} of {app.rows}", app.symbol = symbol, ret(app.rows))]
    fn rows(symbol: &str) -> Option<u64> {
        (symbol != "none").then_some(3)
    }
    #[trace(Load, name = "{app.symbol}!", app.symbol = "a", late(app.rows))]
    async fn by_schema() {
        record!(app.rows = 1);
    }
    let recorder = Recorder::start();
    rows("a");
    rows("none");
    ready(by_schema());
    recorder.expect(&[
        "load a of 3 app.symbol=a app.rows=3",
        // A placeholder without its value.
        "load {app.symbol} of {app.rows} app.symbol=none",
        "a! app.symbol=a app.rows=1",
    ]);
}

#[test]
fn what_is_configured_out_is_not_there() {
    #[trace(
        #[cfg(any())] app.a = 1,
        #[cfg(all())] app.b = 2,
        #[cfg(not(all()))] event("no"),
        #[cfg(all())] event("yes", #[cfg(any())] app.no = 1),
        #[cfg(any())] ret(app.c),
        ret(|n| #[cfg(any())] app.d = n, app.e = n)
    )]
    fn work() -> u64 {
        5
    }
    let recorder = Recorder::start();
    work();
    recorder.expect(&["work app.b=2 app.e=5", "  * yes"]);
}

#[test]
fn blocks_take_the_same_arguments() {
    let recorder = Recorder::start();
    let found =
        trace_block!(name = "find {app.id}", app.id = 1, ret(app.n), event("began"), -> Option<u64> { Some(2) });
    assert_eq!(found, Some(2));
    let later =
        trace_block!(name = "later", ret(|n| app.n = n), err(app.error), -> Result<u64, String> async move { Ok(3) });
    assert_eq!(ready(later), Ok(3));
    recorder.expect(&["find 1 app.id=1 app.n=2", "  * began", "later app.n=3"]);
}

#[test]
fn none_is_a_failure_if_the_annotation_says_so() {
    #[trace(none = "not_found")]
    fn find(n: u64) -> Option<u64> {
        (n > 1).then_some(n)
    }
    let recorder = Recorder::start();
    find(1);
    find(2);
    let spans = recorder.spans();
    let failed = |at: usize| spans[at].status != opentelemetry::trace::Status::Unset;
    assert!(failed(0) && !failed(1));
    let error_type = |at: usize| spans[at].attributes.iter().find(|a| a.key.as_str() == "error.type");
    assert_eq!(error_type(0).map(|a| a.value.to_string()).as_deref(), Some("not_found"));
    assert!(error_type(1).is_none());
}

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[test]
fn parents_roots_and_links_of_the_annotation_reach_the_span() {
    #[trace(parent = header)]
    fn below(header: &str) {}
    #[trace(parent = header)]
    async fn below_later(header: &str) {}
    #[trace(root, link = context)]
    fn apart(context: &SpanContext) {}
    #[trace(root, link = [context.clone(), SpanContext::NONE], link = None::<SpanContext>)]
    async fn apart_later(context: SpanContext) {
        drop(context);
    }
    #[trace]
    fn outside() {
        below(TRACEPARENT);
        below("nonsense");
        ready(below_later(TRACEPARENT));
        let context = opentelemetry::Context::current().span().span_context().clone();
        apart(&context);
        ready(apart_later(context));
    }
    let recorder = Recorder::start();
    outside();
    let spans = recorder.spans();
    let found = |name: &str| spans.iter().filter(|span| span.name == name).collect::<Vec<_>>();
    let outside = found("outside")[0];
    let remote = |span: &SpanData| span.parent_span_id.to_string() == "b7ad6b7169203331";
    assert_eq!(found("below").iter().filter(|span| remote(span)).count(), 1);
    assert_eq!(found("below").iter().filter(|span| span.parent_span_id == outside.span_context.span_id()).count(), 1);
    assert!(remote(found("below_later")[0]));
    for name in ["apart", "apart_later"] {
        let span = found(name)[0];
        assert!(span.span_context.trace_id() != outside.span_context.trace_id());
        assert_eq!(span.links.links.len(), 1);
        assert_eq!(span.links.links[0].span_context.span_id(), outside.span_context.span_id());
    }
}

#[test]
fn the_annotation_decides_on_traces_that_begin_with_it() {
    #[trace(sample = never)]
    fn never() {
        always();
    }
    #[trace(sample = always)]
    fn always() {}
    #[trace(sample = 0)]
    async fn none() {}
    #[trace(sample = 1.0)]
    async fn all() {}
    let recorder = Recorder::start();
    never();
    always();
    ready(none());
    ready(all());
    recorder.expect(&["always", "all"]);
}
