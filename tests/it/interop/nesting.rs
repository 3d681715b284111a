//! Who is whose parent on one thread.

use super::setup::{everywhere, one_thread, tracer};
use opentelemetry::Context;
use opentelemetry::trace::{FutureExt, TraceContextExt, Tracer, mark_span_as_active};
use otelier::prelude::*;
use tokio::task::yield_now;

#[test]
fn synchronous_spans_of_both_sides_nest() {
    everywhere(|run| {
        trace_block!(name = "a", {
            trace_block!(name = "b", {
                tracer().in_span("c of the API", |_| {
                    trace_block!(name = "d", {
                        trace_block!(name = "e", {
                            tracer().in_span("f of the API", |_| {});
                        });
                    });
                });
            });
        });
        run.expect(&["a", "  b", "    c of the API", "      d", "        e", "          f of the API"]);
    });
}

#[test]
fn asynchronous_spans_of_both_sides_nest() {
    everywhere(|run| {
        let task = trace_block!(name = "a", async {
            yield_now().await;
            let b = trace_block!(name = "b", async {
                yield_now().await;
                let c = Context::current_with_span(tracer().start("c of the API"));
                let d = trace_block!(name = "d", async {
                    yield_now().await;
                    let e = trace_block!(name = "e", async {
                        yield_now().await;
                        trace_block!(name = "f", {
                            tracer().in_span("g of the API", |_| {});
                        });
                        yield_now().await;
                        tracer().in_span("h of the API", |_| {});
                    });
                    e.await;
                });
                d.with_context(c).await;
                yield_now().await;
                tracer().in_span("i of the API", |_| {});
            });
            b.await;
            trace_block!(name = "j", {});
        });
        one_thread().block_on(task);
        run.expect(&[
            "a",
            "  b",
            "    c of the API",
            "      d",
            "        e",
            "          f",
            "            g of the API",
            "          h of the API",
            "    i of the API",
            "  j",
        ]);
    });
}

#[test]
fn a_root_of_the_api_has_children_of_ours_one_after_another() {
    everywhere(|run| {
        {
            let _active = mark_span_as_active(tracer().start("root of the API"));
            trace_block!(name = "a", {
                trace_block!(name = "b", {});
                tracer().in_span("c of the API", |_| {});
            });
            trace_block!(name = "d", {});
        }
        trace_block!(name = "e", {});
        run.expect(&["e", "root of the API", "  a", "    b", "    c of the API", "  d"]);
    });
}

#[test]
fn the_span_of_ours_is_back_when_a_scope_of_the_api_ends() {
    everywhere(|run| {
        trace_block!(name = "a", {
            trace_block!(name = "b", {
                {
                    let _active = mark_span_as_active(tracer().start("c of the API"));
                    trace_block!(name = "d", {});
                }
                trace_block!(name = "e", {
                    tracer().in_span("f of the API", |_| {});
                });
                tracer().in_span("g of the API", |_| {});
            });
            trace_block!(name = "h", {});
        });
        run.expect(&[
            "a",
            "  b",
            "    c of the API",
            "      d",
            "    e",
            "      f of the API",
            "    g of the API",
            "  h",
        ]);
    });
}
