//! Which headers name a span's parent, and which are written, as the settings choose them.

use crate::support::{Recorder, named};
use opentelemetry::baggage::BaggageExt;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, global};
use otelier::Telemetry;
use otelier::config::{Hooks, Propagator};
use otelier::prelude::*;
use otelier::propagation::{self, Environment, Headers, Propagators, extract};
use otelier::relation::ParentContext;
use std::collections::HashMap;

const TRACE: &str = "80f198ee56343ba864fe8b2a57d3eff7";
const TRACEPARENT: &str = "00-80f198ee56343ba864fe8b2a57d3eff7-000000000000000a-01";
const B3: &str = "80f198ee56343ba864fe8b2a57d3eff7-000000000000000b-1";
const JAEGER: &str = "80f198ee56343ba864fe8b2a57d3eff7:c:0:1";

fn all_headers() -> Vec<(&'static str, &'static str)> {
    vec![
        ("Traceparent", TRACEPARENT),
        ("B3", B3),
        ("X-B3-TraceId", TRACE),
        ("X-B3-SpanId", "000000000000000d"),
        ("X-B3-Sampled", "1"),
        ("Uber-Trace-Id", JAEGER),
    ]
}

#[trace(parent = headers)]
fn child_of<P: ParentContext>(headers: P) {
    _ = headers;
}

/// The headers that the global propagator writes for the span that is active.
fn sent() -> HashMap<String, String> {
    let mut headers = HashMap::new();
    global::get_text_map_propagator(|propagator| propagator.inject(&mut headers));
    headers
}

fn with(propagators: &[Propagator]) -> Recorder {
    Recorder::with(Telemetry::default().with_propagators(propagators.iter().copied()))
}

#[test]
fn the_propagators_that_are_chosen_name_the_parent() {
    use Propagator::{B3, B3Multi, Baggage, Jaeger, TraceContext};
    for (propagators, parent) in [
        (Propagator::DEFAULT.as_slice(), "000000000000000a"),
        (&[B3], "000000000000000b"),
        (&[Jaeger], "000000000000000c"),
        (&[Jaeger, B3, TraceContext], "000000000000000c"),
        (&[Baggage, B3Multi, Jaeger], "000000000000000b"),
        (&[Baggage], "0000000000000000"),
        (&[], "0000000000000000"),
    ] {
        let recorder = with(propagators);
        child_of(all_headers());
        let spans = recorder.spans();
        assert_eq!(named(&spans, "child_of").parent_span_id.to_string(), parent, "{propagators:?}");
    }
}

#[test]
fn headers_that_came_twice_name_no_parent() {
    let recorder = with(&[Propagator::B3, Propagator::Jaeger]);
    for (name, value) in all_headers().into_iter().filter(|(name, _)| *name == "B3" || *name == "Uber-Trace-Id") {
        assert!([(name, value)].parent_context().is_some(), "{name}");
        assert!([(name, value), (name, value)].parent_context().is_none(), "{name}");
    }
    recorder.expect(&[]);
}

#[test]
fn all_that_are_chosen_are_written_for_the_span_that_is_active() {
    let recorder = with(&[Propagator::B3, Propagator::B3Multi, Propagator::Jaeger]);
    let headers = trace_block!(name = "root", { trace_block!(name = "lazy", { sent() }) });
    let spans = recorder.spans();
    let lazy = &named(&spans, "lazy").span_context;
    let (trace, span) = (lazy.trace_id(), lazy.span_id());
    assert_eq!(headers["b3"], format!("{trace}-{span}-1"));
    assert_eq!((&headers["x-b3-traceid"], &headers["x-b3-spanid"]), (&trace.to_string(), &span.to_string()));
    assert_eq!(headers["uber-trace-id"], format!("{trace}:{span}:0:1"));
    assert!(!headers.contains_key("traceparent"), "{headers:?}");
}

#[test]
fn a_flag_for_debugging_goes_through_this_process() {
    #[trace(parent = headers)]
    fn serve(headers: [(&'static str, String); 1]) -> HashMap<String, String> {
        _ = headers;
        trace_block!(name = "inner", { sent() })
    }
    let recorder = with(&[Propagator::B3]);
    let headers = serve([("b3", format!("{TRACE}-000000000000000b-d"))]);
    let elsewhere = trace_block!(name = "another trace", { sent() });
    drop(recorder.spans());
    assert!(headers["b3"].starts_with(TRACE) && headers["b3"].ends_with("-d"), "{headers:?}");
    assert!(elsewhere["b3"].ends_with("-1"), "{elsewhere:?}");
}

#[test]
fn without_propagators_nothing_is_written_and_the_next_pipeline_has_its_own() {
    let recorder = with(&[]);
    assert!(trace_block!(name = "silent", { sent() }).is_empty());
    recorder.expect(&["silent"]);
    let recorder = with(&Propagator::DEFAULT);
    assert!(trace_block!(name = "heard", { sent() }).contains_key("traceparent"));
    assert!([("traceparent", TRACEPARENT)].parent_context().is_some());
    recorder.expect(&["heard"]);
}

#[test]
fn without_global_hooks_the_propagator_stays_what_it_was() {
    let settings = Telemetry::default().with_hooks(Hooks::Manual).with_propagators([Propagator::B3]);
    // In one turn, or the pipeline of another test might be in between.
    let recorder = Recorder::after(Telemetry::default().with_propagators([Propagator::Jaeger]), settings);
    assert!(trace_block!(name = "a", { sent() }).contains_key("uber-trace-id"));
    let own = otelier::bridge::hooked(Propagators::new([Propagator::B3]));
    let mut headers = HashMap::new();
    trace_block!(name = "b", { own.inject(&mut headers) });
    let context = own.extract_with_context(&Context::new(), &headers);
    let spans = recorder.spans();
    assert_eq!(context.span().span_context().span_id(), named(&spans, "b").span_context.span_id());
    // For the tests after this one.
    drop(with(&Propagator::DEFAULT));
}

#[cfg(feature = "http")]
#[test]
fn headers_of_the_http_crate_name_a_parent_in_every_format() {
    let recorder = with(&[Propagator::Jaeger]);
    let mut headers = http::HeaderMap::new();
    headers.insert("uber-trace-id", http::HeaderValue::from_static(JAEGER));
    headers.insert("uberctx-broken", http::HeaderValue::from_bytes(b"\xff").unwrap());
    child_of(headers);
    let spans = recorder.spans();
    assert_eq!(named(&spans, "child_of").parent_span_id.to_string(), "000000000000000c");
    drop(with(&Propagator::DEFAULT));
}

#[test]
fn headers_of_the_active_span_are_there_in_one_call_and_in_every_carrier() {
    let recorder = with(&[Propagator::TraceContext, Propagator::B3]);
    let (all, list, command, of_context) = trace_block!(name = "root", {
        trace_block!(name = "lazy", {
            let (mut list, mut command) = (Vec::<(String, Vec<u8>)>::new(), std::process::Command::new("true"));
            propagation::inject_current(&mut list);
            propagation::inject_current(&mut command);
            let mut of_context = HashMap::<String, String>::new();
            propagation::inject(&otelier::current_context(), &mut of_context);
            (propagation::headers(), list, command, of_context)
        })
    });
    let spans = recorder.spans();
    let lazy = &named(&spans, "lazy").span_context;
    let expected = format!("-{}-{}-", lazy.trace_id(), lazy.span_id());
    assert!(all[0].0 == "traceparent" && all[0].1.contains(&expected), "{all:?}");
    assert_eq!(all.len(), 2);
    assert!(std::str::from_utf8(&list[0].1).is_ok_and(|value| value.contains(&expected)));
    assert!(of_context["traceparent"].contains(&expected));
    let variables: HashMap<_, _> = command.get_envs().collect();
    let set = variables[std::ffi::OsStr::new("TRACEPARENT")].and_then(|value| value.to_str());
    assert!(set.is_some_and(|value| value.contains(&expected)), "{set:?}");
    drop(with(&Propagator::DEFAULT));
    assert!(propagation::headers().is_empty(), "outside of spans there is nothing to send");
}

#[test]
fn environments_and_messages_name_a_parent_and_bring_baggage() {
    let recorder = with(&Propagator::DEFAULT);
    child_of(Environment::of([("TRACEPARENT", TRACEPARENT)]));
    let message: [(&str, &[u8]); 2] = [("Traceparent", TRACEPARENT.as_bytes()), ("picture", b"\xff")];
    child_of(Headers::of_bytes(message));
    child_of(Environment::of([("TRACEPARENT", "nonsense")]));
    let parents: Vec<_> = recorder.spans().iter().map(|span| span.parent_span_id.to_string()).collect();
    assert_eq!(parents, ["000000000000000a", "000000000000000a", "0000000000000000"]);
    let recorder = with(&Propagator::DEFAULT);
    let context = extract(&[("BAGGAGE", "user=7;from=edge")]);
    let (value, metadata) = context.baggage().get_with_metadata("user").expect("it is there");
    assert_eq!((value.as_str(), metadata.as_str()), ("7", "from=edge"));
    assert!(!context.span().span_context().is_valid());
    recorder.expect(&[]);
}

#[test]
fn a_tracestate_goes_through_annotated_functions_as_it_came() {
    #[trace(parent = headers)]
    fn serve(headers: [(&'static str, &'static str); 3]) -> HashMap<String, String> {
        _ = headers;
        trace_block!(name = "inner", { trace_block!(name = "client", kind = client, { sent() }) })
    }
    let recorder = with(&Propagator::DEFAULT);
    let headers = serve([("traceparent", TRACEPARENT), ("tracestate", "foo@@bar=1, x=2"), ("tracestate", "y=3")]);
    assert_eq!(headers["tracestate"], "foo@@bar=1,x=2,y=3");
    // A context carries it to other threads.
    let headers = {
        let _attached = extract(&[("traceparent", TRACEPARENT), ("tracestate", "foo@@bar=1")]).attach();
        otelier::spawn_thread(|| trace_block!(name = "elsewhere", { sent() })).join().expect("it ends")
    };
    assert_eq!(headers["tracestate"], "foo@@bar=1");
    drop(recorder.spans());
}
