//! Parents in other processes, decisions not to sample, and what else a context carries.

use super::setup::{Run, active, everywhere, headers, named, one_thread, seen, tracer, with_tracing};
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{FutureExt, SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer};
use opentelemetry::{Context, KeyValue, global};
use opentelemetry_sdk::trace::SpanData;
use otelier::config::{Hooks, Sampler};
use otelier::prelude::*;
use std::collections::HashMap;
use tokio::task::yield_now;
use tracing::info_span;

const STATE: &str = "vendor=value,other=1";

fn remote(flags: TraceFlags, state: TraceState) -> Context {
    Context::new().with_remote_span_context(SpanContext::new(TraceId::from(7), SpanId::from(8), flags, true, state))
}

fn with_state(flags: TraceFlags) -> Context {
    remote(flags, TraceState::from_key_value([("vendor", "value"), ("other", "1")]).expect("a valid state"))
}

/// A bit of everything below a parent that comes from elsewhere.
fn work(check: &(dyn Fn() + Sync)) {
    trace_block!(name = "a", {
        check();
        trace_block!(name = "b", {
            check();
            tracer().in_span("c of the API", |_| {
                check();
                trace_block!(name = "d", { check() });
            });
            info_span!("e of tracing").in_scope(check);
        });
        one_thread().block_on(trace_block!(name = "f", async {
            yield_now().await;
            trace_block!(name = "g", { check() });
            async { check() }.with_context(Context::current_with_span(tracer().start("h of the API"))).await;
        }));
        trace_block!(name = "i", kind = client, {
            check();
            trace_block!(name = "j", {
                let task = || trace_block!(name = "k", { check() });
                std::thread::scope(|scope| {
                    scope.spawn(otelier::with_current_context(task));
                });
            });
        });
    });
    tracer().in_span("l of the API", |_| trace_block!(name = "m", { check() }));
}

const WORK: [&str; 13] = [
    "a [remote parent]",
    "  b",
    "    c of the API",
    "      d",
    "    e of tracing",
    "  f",
    "    g",
    "    h of the API",
    "  i [client]",
    "    j",
    "      k",
    "l of the API [remote parent]",
    "  m",
];

fn below(run: Run, context: Context, check: impl Fn() + Sync) -> Vec<SpanData> {
    with_tracing(|| {
        let _attached = context.attach();
        work(&check);
    });
    run.spans()
}

#[test]
fn a_remote_parent_is_adopted() {
    everywhere(|run| {
        let spans = below(run, remote(TraceFlags::SAMPLED, TraceState::NONE), || {
            assert!(active().is_sampled() && active().trace_id() == TraceId::from(7));
            assert!(!active().is_remote());
        });
        assert_eq!(super::setup::tree(&spans), WORK.join("\n"));
        for span in &spans {
            assert_eq!(span.span_context.trace_id(), TraceId::from(7));
            let first = matches!(&*span.name, "a" | "l of the API");
            assert_eq!(
                (span.parent_span_is_remote, span.parent_span_id == SpanId::from(8)),
                (first, first),
                "{span:?}"
            );
            assert_eq!(span.span_context.trace_state(), &TraceState::NONE);
        }
    });
}

#[test]
fn the_state_of_a_remote_parent_reaches_every_span_and_every_header() {
    everywhere(|run| {
        let spans = below(run, with_state(TraceFlags::SAMPLED), || {
            assert_eq!(active().trace_state().header(), STATE);
            assert_eq!(seen(), active(), "nothing is lazy where there is a state");
            let headers = headers();
            assert_eq!(headers["tracestate"], STATE);
            let parent = format!("00-{:032x}-{}-01", 7, active().span_id());
            assert_eq!(headers["traceparent"], parent);
        });
        assert_eq!(super::setup::tree(&spans), WORK.join("\n"));
        for span in spans {
            assert_eq!(span.span_context.trace_state().header(), STATE, "{span:?}");
        }
    });
}

#[test]
fn below_a_remote_parent_that_is_not_sampled_nobody_exports() {
    for state in [TraceState::NONE, with_state(TraceFlags::default()).span().span_context().trace_state().clone()] {
        everywhere(|run| {
            let wanted = state.header();
            let spans = below(run, remote(TraceFlags::NOT_SAMPLED, state.clone()), || {
                assert!(active().is_valid() && !active().is_sampled());
                assert_eq!(active().trace_id(), TraceId::from(7));
                assert_eq!(active().trace_state().header(), wanted);
                assert_eq!(headers()["traceparent"], format!("00-{:032x}-{}-00", 7, active().span_id()));
            });
            assert_eq!(spans.len(), 0);
        });
    }
}

#[test]
fn an_asynchronous_span_joins_a_remote_parent() {
    everywhere(|run| {
        let task = trace_block!(name = "a", async {
            yield_now().await;
            trace_block!(name = "b", {});
        });
        one_thread().block_on(task.with_context(with_state(TraceFlags::SAMPLED)));
        let spans = run.spans();
        let a = named(&spans, "a");
        assert!(a.parent_span_is_remote && a.parent_span_id == SpanId::from(8));
        assert_eq!(super::setup::tree(&spans), "a [remote parent]\n  b");
    });
}

#[test]
fn a_remote_parent_inside_a_lazy_span_wins() {
    everywhere(|run| {
        trace_block!(name = "a", {
            trace_block!(name = "b", {
                {
                    let _attached = remote(TraceFlags::SAMPLED, TraceState::NONE).attach();
                    trace_block!(name = "c", {
                        trace_block!(name = "d", {});
                    });
                    tracer().in_span("e of the API", |_| {});
                }
                {
                    let _attached = remote(TraceFlags::NOT_SAMPLED, TraceState::NONE).attach();
                    trace_block!(name = "not sampled", {
                        tracer().in_span("not sampled either", |_| {});
                    });
                }
                trace_block!(name = "f", {});
            });
        });
        run.expect(&["a", "  b", "    f", "c [remote parent]", "  d", "e of the API [remote parent]"]);
    });
}

#[test]
fn where_telemetry_is_suppressed_nobody_exports() {
    everywhere(|run| {
        trace_block!(name = "a", {
            trace_block!(name = "b", {
                with_tracing(|| {
                    let _suppressed = Context::enter_telemetry_suppressed_scope();
                    let before = active();
                    work(&|| assert!(Context::current().is_telemetry_suppressed()));
                    assert_eq!(active(), before);
                });
                trace_block!(name = "c", {
                    tracer().in_span("d of the API", |_| {});
                });
            });
        });
        run.expect(&["a", "  b", "    c", "      d of the API"]);
    });
}

#[test]
fn what_is_not_sampled_here_is_not_sampled_below() {
    for hooks in [Hooks::Global, Hooks::Manual, Hooks::None] {
        let run = Run::with(hooks, Telemetry::default().with_sampler(Sampler::AlwaysOff));
        with_tracing(|| {
            trace_block!(name = "a", {
                trace_block!(name = "b", {
                    assert!(active().is_valid() && !active().is_sampled());
                    tracer().in_span("c of the API", |_| trace_block!(name = "d", {}));
                    info_span!("e of tracing").in_scope(|| trace_block!(name = "f", {}));
                });
            });
        });
        assert_eq!(run.spans().len(), 0, "{hooks:?}");
    }
}

fn user() -> Option<String> {
    Context::map_current(|context| context.baggage().get("user").map(|value| value.as_str().to_owned()))
}

#[test]
fn baggage_is_visible_inside_our_spans_and_goes_into_headers() {
    everywhere(|run| {
        let check = || {
            assert_eq!(user().as_deref(), Some("7"));
            let carried = otelier::current_context();
            assert_eq!(carried.baggage().get("user").map(|value| value.as_str()), Some("7"));
            assert_eq!(headers()["baggage"], "user=7");
        };
        {
            let _attached = Context::new().with_baggage([KeyValue::new("user", "7")]).attach();
            with_tracing(|| work(&check));
        }
        let received: HashMap<_, _> = [("baggage".to_owned(), "user=7".to_owned())].into();
        trace_block!(name = "z", {
            trace_block!(name = "za", {
                assert_eq!(user(), None);
                let context = global::get_text_map_propagator(|propagator| propagator.extract(&received));
                let _attached = context.attach();
                trace_block!(name = "zb", { check() });
            });
            assert_eq!(user(), None);
        });
        let spans = run.spans();
        assert!(spans.iter().all(|span| span.attributes.iter().all(|attribute| attribute.key.as_str() != "user")));
        assert_eq!(named(&spans, "zb").parent_span_id, named(&spans, "za").span_context.span_id());
    });
}

#[test]
fn headers_bring_a_trace_from_one_process_to_the_next() {
    everywhere(|run| {
        let sent = trace_block!(name = "a", { trace_block!(name = "b", { headers() }) });
        let context =
            global::get_text_map_propagator(|propagator| propagator.extract_with_context(&Context::new(), &sent));
        {
            let _attached = context.attach();
            trace_block!(name = "c", kind = server, {
                trace_block!(name = "d", {});
            });
        }
        run.expect(&["a", "  b", "    c [server] [remote parent]", "      d"]);
    });
}
