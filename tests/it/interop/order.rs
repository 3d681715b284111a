//! Scopes of OpenTelemetry's API that do not end in the order of their beginning.

use super::setup::{active, everywhere, seen, tracer};
use opentelemetry::trace::{FutureExt, TraceContextExt, Tracer, mark_span_as_active};
use opentelemetry::{Context, ContextGuard};
use otelier::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};

fn open(name: &'static str) -> ContextGuard {
    mark_span_as_active(tracer().start(name))
}

#[test]
fn a_scope_of_the_api_may_end_before_the_scope_inside_it() {
    everywhere(|run| {
        trace_block!(name = "a", {
            trace_block!(name = "b", {
                let outer = open("c of the API");
                let inner = open("d of the API");
                trace_block!(name = "e", {});
                drop(outer);
                trace_block!(name = "f", {
                    tracer().in_span("g of the API", |_| {});
                });
                drop(inner);
                trace_block!(name = "h", {});
                tracer().in_span("i of the API", |_| {});
            });
            trace_block!(name = "j", {});
        });
        trace_block!(name = "k", {});
        run.expect(&[
            "a",
            "  b",
            "    c of the API",
            "      d of the API",
            "        e",
            "        f",
            "          g of the API",
            "    h",
            "    i of the API",
            "  j",
            "k",
        ]);
    });
}

#[test]
fn a_scope_of_the_api_may_end_inside_our_span_that_began_in_it() {
    everywhere(|run| {
        trace_block!(name = "a", {
            let scope = open("b of the API");
            trace_block!(name = "c", {
                drop(scope);
                trace_block!(name = "d", {
                    tracer().in_span("e of the API", |_| {});
                });
                tracer().in_span("f of the API", |_| {});
            });
            trace_block!(name = "g", {
                tracer().in_span("h of the API", |_| {});
            });
        });
        assert!(!seen().is_valid() && !active().is_valid());
        run.expect(&[
            "a",
            "  b of the API",
            "    c",
            "      d",
            "        e of the API",
            "      f of the API",
            "  g",
            "    h of the API",
        ]);
    });
}

#[test]
fn a_scope_of_the_api_may_outlive_the_lazy_span_that_it_began_in() {
    everywhere(|run| {
        trace_block!(name = "a", {
            let scope = trace_block!(name = "b", { open("c of the API") });
            trace_block!(name = "d", {
                tracer().in_span("e of the API", |_| {});
            });
            drop(scope);
            trace_block!(name = "f", {});
            tracer().in_span("g of the API", |_| {});
        });
        trace_block!(name = "h", {});
        run.expect(&["a", "  b", "    c of the API", "      d", "        e of the API", "  f", "  g of the API", "h"]);
    });
}

#[test]
fn a_scope_of_the_api_may_outlive_the_root_that_it_began_in() {
    everywhere(|run| {
        let scope = trace_block!(name = "a", { trace_block!(name = "b", { open("c of the API") }) });
        trace_block!(name = "d", {
            trace_block!(name = "e", {});
        });
        tracer().in_span("f of the API", |_| {});
        drop(scope);
        assert!(!seen().is_valid() && !active().is_valid());
        trace_block!(name = "g", {});
        tracer().in_span("h of the API", |_| {});
        run.expect(&[
            "a",
            "  b",
            "    c of the API",
            "      d",
            "        e",
            "      f of the API",
            "g",
            "h of the API",
        ]);
    });
}

#[test]
fn a_scope_of_the_api_may_end_inside_a_lazy_span_below_a_client_span() {
    everywhere(|run| {
        let scope = open("a of the API");
        trace_block!(name = "b", kind = client, {
            trace_block!(name = "c", {
                drop(scope);
                trace_block!(name = "d", kind = client, {
                    trace_block!(name = "e", {});
                });
                trace_block!(name = "f", {});
                tracer().in_span("g of the API", |_| {});
            });
        });
        trace_block!(name = "h", {});
        run.expect(&[
            "a of the API",
            "  b [client]",
            "    c",
            "      d [client]",
            "        e",
            "      f",
            "      g of the API",
            "h",
        ]);
    });
}

#[test]
fn a_suppressed_scope_may_end_inside_and_outlive_our_spans() {
    everywhere(|run| {
        trace_block!(name = "a", {
            let suppressed = trace_block!(name = "b", { Context::enter_telemetry_suppressed_scope() });
            trace_block!(name = "quiet", {
                tracer().in_span("quiet too", |_| {});
                drop(suppressed);
                trace_block!(name = "c", {});
            });
            trace_block!(name = "d", {});
        });
        run.expect(&["a", "  b", "  c", "  d"]);
    });
}

#[test]
fn a_panic_leaves_no_parent_behind() {
    everywhere(|run| {
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            trace_block!(name = "a", {
                trace_block!(name = "b", {
                    let _scope = open("c of the API");
                    trace_block!(name = "d", kind = client, {
                        trace_block!(name = "e", { std::panic::resume_unwind(Box::new(())) });
                    });
                });
            });
        }));
        assert!(unwound.is_err() && !seen().is_valid() && !active().is_valid());
        trace_block!(name = "z", {
            tracer().in_span("zz of the API", |_| {});
        });
        let text = super::setup::tree(&run.spans());
        let names: Vec<_> = text.lines().map(|line| line.split(" !").next().unwrap_or_default()).collect();
        assert_eq!(names, ["a", "  b", "    c of the API", "      d [client]", "        e", "z", "  zz of the API"]);
    });
}

#[test]
fn a_context_of_our_span_may_be_entered_after_its_end() {
    everywhere(|run| {
        let (root, leaf) = trace_block!(name = "a", {
            let root = otelier::current_context();
            (root, trace_block!(name = "b", { otelier::current_context() }))
        });
        {
            let _attached = leaf.attach();
            trace_block!(name = "c", {
                tracer().in_span("d of the API", |_| {});
                let _attached = root.clone().attach();
                trace_block!(name = "e", {
                    tracer().in_span("f of the API", |_| {});
                });
            });
        }
        super::setup::one_thread().block_on(async { trace_block!(name = "g", {}) }.with_context(root));
        run.expect(&["a", "  b", "    c", "      d of the API", "  e", "    f of the API", "  g"]);
    });
}

#[test]
fn a_context_without_a_span_begins_a_new_trace() {
    everywhere(|run| {
        trace_block!(name = "a", {
            trace_block!(name = "b", {
                {
                    let _attached = Context::new().attach();
                    trace_block!(name = "c", {
                        trace_block!(name = "d", {
                            tracer().in_span("e of the API", |_| {});
                        });
                    });
                    tracer().in_span("f of the API", |_| {});
                }
                let span = tracer().start_with_context("g of the API", &Context::new());
                trace_block!(name = "h", {
                    let _active = Context::current().with_span(span).attach();
                    trace_block!(name = "i", {});
                });
            });
        });
        run.expect(&["a", "  b", "    h", "c", "  d", "    e of the API", "f of the API", "g of the API", "  i"]);
    });
}
