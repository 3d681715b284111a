//! Spans of `tracing`, by way of `tracing-opentelemetry`.

use super::setup::{everywhere, tracer, with_tracing};
use opentelemetry::trace::Tracer;
use otelier::config::Hooks;
use otelier::prelude::*;
use tracing::info_span;

#[test]
fn spans_of_tracing_nest_with_ours_both_ways() {
    everywhere(|run| {
        with_tracing(|| {
            trace_block!(name = "a", {
                info_span!("b of tracing").in_scope(|| {
                    trace_block!(name = "c", {
                        trace_block!(name = "d", {
                            info_span!("e of tracing").in_scope(|| {
                                tracer().in_span("f of the API", |_| {
                                    trace_block!(name = "g", {});
                                });
                            });
                            trace_block!(name = "h", {});
                        });
                    });
                });
                trace_block!(name = "i", {
                    let _entered = info_span!("j of tracing").entered();
                    trace_block!(name = "k", {});
                });
            });
        });
        run.expect(&[
            "a",
            "  b of tracing",
            "    c",
            "      d",
            "        e of tracing",
            "          f of the API",
            "            g",
            "        h",
            "  i",
            "    j of tracing",
            "      k",
        ]);
    });
}

#[test]
fn a_root_of_tracing_has_children_of_ours() {
    everywhere(|run| {
        with_tracing(|| {
            let root = info_span!("root of tracing");
            root.in_scope(|| {
                trace_block!(name = "a", {
                    trace_block!(name = "b", {});
                });
            });
            trace_block!(name = "outside", {});
            root.in_scope(|| trace_block!(name = "c", {}));
        });
        run.expect(&["outside", "root of tracing", "  a", "    b", "  c"]);
    });
}

#[test]
fn a_span_of_tracing_that_is_entered_again_and_again_keeps_its_parent() {
    everywhere(|run| {
        with_tracing(|| {
            trace_block!(name = "a", {
                trace_block!(name = "b", {
                    let again = info_span!("again of tracing");
                    again.in_scope(|| trace_block!(name = "c", {}));
                    trace_block!(name = "d", {
                        again.in_scope(|| trace_block!(name = "e", {}));
                    });
                });
            });
        });
        run.expect(&["a", "  b", "    again of tracing", "      c", "      e", "    d"]);
    });
}

/// `tracing-opentelemetry` keeps the context of the making and asks the tracer on the first entry. Where that context shows
/// a lazy span's ancestor, the hook cannot know which span was meant.
#[test]
fn a_span_of_tracing_that_is_entered_later_belongs_to_the_lazy_span_that_is_active_then() {
    everywhere(|run| {
        let lazy = run.hooks != Hooks::None;
        with_tracing(|| {
            trace_block!(name = "a", {
                let made = trace_block!(name = "b", { info_span!("made in b of tracing") });
                trace_block!(name = "c", {
                    made.in_scope(|| trace_block!(name = "d", {}));
                });
            });
        });
        if lazy {
            run.expect(&["a", "  b", "  c", "    made in b of tracing", "      d"]);
        } else {
            run.expect(&["a", "  b", "    made in b of tracing", "      d", "  c"]);
        }
    });
}

#[test]
fn a_span_of_tracing_made_in_an_attached_context_may_be_entered_anywhere() {
    everywhere(|run| {
        with_tracing(|| {
            trace_block!(name = "a", {
                let made = trace_block!(name = "b", {
                    let _attached = otelier::current_context().attach();
                    info_span!("made in b of tracing")
                });
                trace_block!(name = "c", {
                    made.in_scope(|| trace_block!(name = "d", {}));
                });
            });
        });
        run.expect(&["a", "  b", "    made in b of tracing", "      d", "  c"]);
    });
}
